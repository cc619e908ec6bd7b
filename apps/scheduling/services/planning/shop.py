"""The bare problem under every plan: jobs of tasks, each on one of some machines, and all done as early as possible (job shop, flexible job shop).

It is solved by the same windows as a plan, so that the improvement can be measured by the instances that everybody uses.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from apps.scheduling.services.planning.improve import Progress, Search
from apps.scheduling.services.planning.net import Goal, Net, Task
from apps.scheduling.services.planning.timeline import Timeline
from apps.scheduling.services.planning.world import Minute, Resource

Choice = tuple[int, Minute]
"""Machine (from 0) and minutes."""


@dataclass(frozen=True, slots=True)
class Shop:
    """jobs: the tasks of each in their order; a task is what it can be done on."""

    machines: int
    jobs: tuple[tuple[tuple[Choice, ...], ...], ...]


@dataclass(frozen=True, slots=True)
class Schedule:
    """makespan: the end of the last task; proven: nothing shorter exists; tasks: (machine, start, end) of each task of each job."""

    makespan: Minute
    proven: bool
    tasks: tuple[tuple[tuple[int, Minute, Minute], ...], ...]


def read_jobshop(text: str) -> Shop:
    """The common text format: jobs and machines, then a line a job of (machine from 0, minutes) pairs; lines with # are comments."""
    rows = [[int(word) for word in line.split()] for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    (count, machines), lines = rows[0][:2], rows[1:]
    jobs = tuple(tuple(((row[place], row[place + 1]),) for place in range(0, 2 * machines, 2)) for row in lines[:count])
    return Shop(machines, jobs)


def read_flexible(text: str) -> Shop:
    """Brandimarte's format: jobs, machines; a line a job: tasks, then for each the number of choices and (machine from 1, minutes) pairs."""
    lines = [line.split() for line in text.splitlines() if line.strip()]
    count, machines = int(lines[0][0]), int(lines[0][1])
    return Shop(machines, tuple(_flexible_job([int(word) for word in line]) for line in lines[1 : count + 1]))


def _flexible_job(numbers: list[int]) -> tuple[tuple[Choice, ...], ...]:
    place, tasks = 1, []
    for _task in range(numbers[0]):
        choices = numbers[place]
        pairs = numbers[place + 1 : place + 1 + 2 * choices]
        tasks.append(tuple((machine - 1, minutes) for machine, minutes in zip(pairs[::2], pairs[1::2], strict=True)))
        place += 1 + 2 * choices
    return tuple(tasks)


def solve(shop: Shop, *, seconds: float, workers: int = 2, seed: int = 0, progress: Progress | None = None, stop: Callable[[], bool] | None = None) -> Schedule:
    """A schedule as short as can be found in so much time.

    Without a choice of machines one window of everything is best: the solver's own order of search is hard to beat. With a choice it drowns in
    equals, and small windows get on.
    """
    net, numbers = _net(shop)
    search = Search(net=net, seconds=seconds, workers=workers, seed=seed, progress=progress, stop=stop)
    search.begin()
    everything = range(len(net.tasks))
    chooses = any(len(task.options) > 1 for task in net.tasks)
    _better, proven = search.window(everything, (), seconds=seconds * (0.25 if chooses else 1), hinted=True)
    chance = random.Random(seed)
    failed = 0
    while not proven and not search.over() and search.left > seconds * 0.25 and failed < 40:
        free = _neighbourhood(net, numbers, chance, search.size)
        inside = set(free)
        better, known = search.window(free, [number for number in everything if number not in inside], seconds=1.5)
        failed = 0 if better else failed + 1
        search.size = min(len(everything), search.size + 2) if known else max(8, search.size * 3 // 4)
    while not proven and not search.over():
        _better, proven = search.window(everything, (), seconds=search.left, hinted=True)
    tasks = tuple(tuple((net.tasks[number].machine, net.tasks[number].start, net.tasks[number].end) for number in row) for row in numbers)
    return Schedule(net.cost(), proven, tasks)


def _net(shop: Shop) -> tuple[Net, list[list[int]]]:
    """The shop as a net, with a first schedule: whatever can begin first is done first, the longest rest of a job breaks ties."""
    horizon = sum(max(minutes for _machine, minutes in task) for job in shop.jobs for task in job)
    tasks: list[Task] = []
    numbers: list[list[int]] = []
    for job in shop.jobs:
        row = list(range(len(tasks), len(tasks) + len(job)))
        tasks += [Task(choices, after=[(number - 1, 0)] if number > row[0] else []) for number, choices in zip(row, job, strict=True)]
        numbers.append(row)
    machines = [Timeline(Resource(key=number, windows=[(0, horizon)]), 0, horizon) for number in range(shop.machines)]
    net = Net(tasks, [Goal(tuple((row[-1], 0) for row in numbers if row))], machines, horizon=horizon)
    _dispatch(net, numbers)
    return net, numbers


def _dispatch(net: Net, numbers: Sequence[Sequence[int]]) -> None:
    free = [0] * len(net.machines)
    ready, done = [0] * len(numbers), [0] * len(numbers)
    rest = [sum(min(minutes for _machine, minutes in net.tasks[number].options) for number in row) for row in numbers]
    for _task in net.tasks:
        begins = {
            job: min(max(ready[job], free[machine]) for machine, _minutes in net.tasks[row[done[job]]].options)
            for job, row in enumerate(numbers)
            if done[job] < len(row)
        }
        job = min(begins, key=lambda number: (begins[number], -rest[number]))
        task = net.tasks[numbers[job][done[job]]]
        task.option = min(range(len(task.options)), key=lambda option: max(ready[job], free[task.options[option][0]]) + task.options[option][1])
        machine, minutes = task.options[task.option]
        task.start = max(ready[job], free[machine])
        task.end = free[machine] = ready[job] = task.start + minutes
        rest[job] -= min(minutes for _machine, minutes in task.options)
        done[job] += 1


def _neighbourhood(net: Net, numbers: Sequence[Sequence[int]], chance: random.Random, size: int) -> list[int]:
    """Tasks of some hours, of some machines, or of some jobs: about `size`."""
    everything = range(len(net.tasks))
    kind = chance.randrange(3)
    if kind == 0:
        middle = chance.uniform(0, net.cost())
        return sorted(everything, key=lambda number: abs(net.tasks[number].start + net.tasks[number].end - 2 * middle))[:size]
    if kind == 1:
        rows = list(net.rows(everything).values())
        chance.shuffle(rows)
        chosen: list[int] = []
        for row in rows:
            first = chance.randrange(max(1, len(row) - size // 2))
            chosen += row[first : first + max(4, size // 2)]
            if len(chosen) >= size:
                break
        return chosen
    jobs = list(numbers)
    chance.shuffle(jobs)
    return [number for row in jobs for number in row][:size]
