"""Better than built: window after window of a schedule is solved anew by CP-SAT, and what is found is kept when it is no worse."""

from __future__ import annotations

import itertools
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from time import monotonic

from apps.scheduling.services.planning.net import NOWHERE, Goal, Net, Task
from apps.scheduling.services.planning.planner import Direction
from apps.scheduling.services.planning.structure import duration
from apps.scheduling.services.planning.timeline import Timeline
from apps.scheduling.services.planning.windows import Effort, Placed, Window
from apps.scheduling.services.planning.world import Delivery, Demand, Job, Key, Minute, Outcome, Routing, Take, World

Progress = Callable[[float, int], None]
"""(seconds since the start, the best cost so far)"""

AROUND = 160
"""At most so many tasks of a large schedule are in one window, free and floating."""


@dataclass(slots=True, kw_only=True)
class Search:
    """Large neighbourhoods of one net, until the time is over, somebody says stop, or nothing can be better. `net` always is the best so far."""

    net: Net
    seconds: float
    workers: int = 2
    seed: int = 0
    progress: Progress | None = None
    stop: Callable[[], bool] | None = None
    size: int = 24
    began: float = 0.0
    best: int = 0

    def begin(self) -> None:
        self.began, self.best = monotonic(), self.net.cost()
        self.tell(self.best)

    @property
    def left(self) -> float:
        return self.seconds - (monotonic() - self.began)

    def over(self) -> bool:
        return self.left <= 0.05 or self.best == 0 or (self.stop is not None and self.stop())

    def tell(self, cost: int) -> None:
        self.best = min(self.best, cost)
        if self.progress is not None:
            self.progress(monotonic() - self.began, self.best)

    def window(self, free: Sequence[int], floating: Sequence[int], seconds: float, *, hinted: bool = False) -> tuple[bool, bool]:
        """Solve one window and keep what it gives. Is that better, and is it known that nothing better exists in this window?"""
        inside = {*free, *floating}
        touched = [goal for goal in self.net.goals if any(part in inside for part, _lag in goal.parts)]
        now = sum(self.net.late(goal) for goal in touched)
        rest = self.net.cost() - now
        effort = Effort(seconds=min(seconds, self.left), workers=self.workers, seed=self.seed, stop=self.stop, found=lambda cost: self._better(cost + rest))
        solved = Window(self.net, free, floating, limit=now, hinted=hinted).solve(effort)
        self.seed += 1
        if solved.placed is not None:
            self.place(solved.placed)
        return self.net.cost() - rest < now, solved.proven

    def _better(self, cost: int) -> None:
        if cost < self.best:
            self.tell(cost)

    def place(self, placed: Placed) -> None:
        for number, (option, start, end) in placed.items():
            task = self.net.tasks[number]
            task.option, task.start, task.end = option, start, end


def improve(
    world: World,
    demands: Sequence[Demand],
    outcome: Outcome,
    *,
    at: Minute,
    seconds: float,
    direction: Direction = "backward",
    progress: Progress | None = None,
    stop: Callable[[], bool] | None = None,
    workers: int = 2,
    seed: int = 0,
) -> Outcome:
    """The same jobs, purchases and pegging with better times and machines: less lateness, never more. Anytime: it may be stopped at any moment.

    progress: told (seconds, minutes of lateness of all demands) at each better plan; stop: asked five times a second.
    """
    drawn = _Drawn(world, demands, outcome, at, direction)
    search = Search(net=drawn.net, seconds=seconds, workers=workers, seed=seed, progress=progress, stop=stop)
    search.begin()
    chance = random.Random(seed)
    followers = drawn.net.followers()
    while drawn.net.goals and not search.over():
        free, floating = _around_lateness(drawn.net, followers, chance, search.size)
        _better, proven = search.window(free, floating, seconds=2.0, hinted=True)
        if proven and len(free) == len(drawn.net.tasks):
            break
        search.size = min(60, search.size + 2) if proven else max(6, search.size * 3 // 4)
    drawn.later()
    return drawn.outcome()


def _around_lateness(net: Net, followers: dict[int, list[tuple[int, Minute]]], chance: random.Random, size: int) -> tuple[list[int], list[int]]:
    """A late goal's chain, and who stands before it on its machines; around them what may give way."""
    if len(net.tasks) <= size:
        return list(range(len(net.tasks))), []
    goals = [goal for goal in net.goals if net.late(goal) and goal.parts]
    goal = chance.choices(goals, weights=[net.late(goal) for goal in goals])[0] if goals else chance.choice(net.goals)
    chain = net.upstream(part for part, _lag in goal.parts)[: max(4, size // 3)]
    rows, place = net.rows(range(len(net.tasks))), {}
    for machine, row in rows.items():
        for position, number in enumerate(row):
            place[number] = (machine, position)
    ranked: dict[int, int] = dict.fromkeys(chain, 0)
    for number in chain:
        if number in place:
            machine, position = place[number]
            reach = chance.randint(2, size)
            for other in rows[machine][max(0, position - reach) : position + reach // 2 + 1]:
                ranked.setdefault(other, abs(place[other][1] - position))
    near = sorted(ranked, key=lambda number: (ranked[number], chance.random()))
    free = near[:size]
    around = [*near[size:], *(follower for number in free for follower, _lag in followers.get(number, ()))]
    floating = [number for number in dict.fromkeys(around) if number not in set(free)][: AROUND - len(free)]
    return free, floating


class _Drawn:
    """A plan drawn as a net, and the net told as a plan again."""

    def __init__(self, world: World, demands: Sequence[Demand], outcome: Outcome, at: Minute, direction: Direction) -> None:
        self._world, self._outcome, self._at = world, outcome, at
        self._demands = {demand.key: demand for demand in demands}
        self._wanted = {demand.key: self._by(demand, direction) for demand in demands}
        keys = list(world.resources)
        self._machine = {key: number for number, key in enumerate(keys)}
        self._resource = keys
        machines = [Timeline(world.resources[key], at, world.horizon) for key in keys]
        self._takes: dict[Key, list[Take]] = defaultdict(list)
        for take in outcome.takes:
            self._takes[take.taker].append(take)
        self._times = {supply.key: max(at, supply.at) for supply in world.supplies} | {purchase.key: purchase.arrives for purchase in outcome.purchases}
        self.jobs = {job.key: replace(job, slots=[replace(slot) for slot in job.slots]) for job in outcome.jobs}
        self._first: dict[Key, int] = {}
        self._tails: dict[Key, Minute] = {}
        tasks = self._tasks(machines)
        busy: dict[int, list[tuple[Minute, Minute]]] = defaultdict(list)
        for taken in world.busy:
            busy[self._machine[taken.resource]].append((taken.start, taken.end))
        for job in self.jobs.values():
            self._chain(tasks, job)
        self.net = Net(tasks, list(self._goals()), machines, _merged(busy), world.horizon)

    def _by(self, demand: Demand, direction: Direction) -> Minute:
        """When a demand is wanted: nothing is moved beyond the horizon, however late it is due."""
        due = min(demand.due, self._world.horizon) if direction == "backward" else 0
        return max(self._at, demand.earliest, due)

    def _routing(self, job: Job) -> Routing:
        return next(routing for routing in self._world.items[job.item].routings if routing.key == job.routing)

    def _tasks(self, machines: list[Timeline]) -> list[Task]:
        """A task a slot; a job without operations is one that takes no time."""
        tasks: list[Task] = []
        for job in self.jobs.values():
            self._first[job.key] = len(tasks)
            operations = self._routing(job).operations
            self._tails[job.key] = operations[-1].lag if operations else 0
            for slot, operation in zip(job.slots, operations, strict=True):
                numbers = [self._machine[key] for key in operation.resources]
                options = tuple((number, duration(operation, machines[number].efficiency, job.quantity)) for number in numbers)
                option = next((place for place, number in enumerate(numbers) if self._resource[number] == slot.resource), 0)
                tasks.append(Task(options or ((NOWHERE, duration(operation, 1.0, job.quantity)),), self._at, option=option, start=slot.start, end=slot.end))
            if not job.slots:
                tasks.append(Task(((NOWHERE, 0),), self._at, start=job.ready, end=job.ready))
        return tasks

    def _last(self, job: Job) -> int:
        return self._first[job.key] + max(len(job.slots), 1) - 1

    def _chain(self, tasks: list[Task], job: Job) -> None:
        """What precedes each task: the operation before it, and what its job takes."""
        first = self._first[job.key]
        for place, operation in enumerate(self._routing(job).operations[:-1]):
            tasks[first + place + 1].after.append((first + place, operation.lag))
        for take in self._takes[job.key]:
            giver = self.jobs.get(take.giver)
            if giver is None:
                tasks[first].release = max(tasks[first].release, self._times[take.giver])
            else:
                tasks[first].after.append((self._last(giver), self._tails[giver.key]))

    def _goals(self) -> Iterator[Goal]:
        for demand in self._demands.values():
            takes = self._takes[demand.key]
            givers = [self.jobs[take.giver] for take in takes if take.giver in self.jobs]
            floor = max([0, *(self._times[take.giver] for take in takes if take.giver in self._times)])
            parts = tuple(dict.fromkeys((self._last(job), self._tails[job.key]) for job in givers))
            if parts:
                yield Goal(parts, self._wanted[demand.key], floor)

    def later(self) -> None:
        """Move every task as late as what follows lets it, in its order: nothing is made earlier than it serves."""
        net, followers = self.net, self.net.followers()
        limits = dict.fromkeys(range(len(net.tasks)), net.horizon)
        for goal in net.goals:
            for part, lag in goal.parts:
                limits[part] = min(limits[part], max(goal.due, net.finish(goal)) - lag)
        ahead: dict[int, int] = {}
        for row in net.rows(range(len(net.tasks))).values():
            ahead.update(itertools.pairwise(row))
        fixed = {machine: sorted(taken) for machine, taken in net.busy.items()}
        for number in sorted(limits, key=lambda number: (net.tasks[number].end, net.tasks[number].start, number), reverse=True):
            task = net.tasks[number]
            limit = min([limits[number], *(net.tasks[follower].start - lag for follower, lag in followers.get(number, ()))])
            if number in ahead:
                limit = min(limit, net.tasks[ahead[number]].start)
            limit = min([limit, *(start for start, _end in fixed.get(task.machine, ()) if start >= task.end)])
            _move(net, task, limit)

    def outcome(self) -> Outcome:
        old = self._outcome
        for key, job in self.jobs.items():
            tasks = self.net.tasks[self._first[key] : self._last(job) + 1]
            for slot, task in zip(job.slots, tasks, strict=False):
                slot.start, slot.end = task.start, task.end
                slot.resource = None if task.machine == NOWHERE else self._resource[task.machine]
            job.ready = tasks[-1].end + self._tails[key]
        found = Outcome(jobs=list(self.jobs.values()), purchases=old.purchases, takes=old.takes)
        for demand in self._demands.values():
            deliveries = self._deliveries(demand)
            found.deliveries += deliveries
            short = sum(delivery.quantity for delivery in deliveries) < demand.quantity
            last = deliveries[-1].at if deliveries else 0
            if demand.key in old.causes and (short or last > self._wanted[demand.key]):
                found.causes[demand.key] = old.causes[demand.key] if short else tuple(replace(cause, until=last) for cause in old.causes[demand.key])
        return found

    def _deliveries(self, demand: Demand) -> list[Delivery]:
        by_time: dict[Minute, int] = defaultdict(int)
        takes = self._takes[demand.key]
        there = [self.jobs[take.giver].ready if take.giver in self.jobs else self._times[take.giver] for take in takes]
        last = max(there, default=0) if demand.whole else 0
        for take, when in zip(takes, there, strict=True):
            by_time[max(when, last, self._wanted[demand.key])] += take.quantity
        return [Delivery(demand=demand.key, quantity=quantity, at=when) for when, quantity in sorted(by_time.items())]


def _merged(busy: dict[int, list[tuple[Minute, Minute]]]) -> dict[int, list[tuple[Minute, Minute]]]:
    """What overlaps is one."""
    found: dict[int, list[tuple[Minute, Minute]]] = {}
    for machine, taken in busy.items():
        row = found[machine] = []
        for start, end in sorted(taken):
            if row and start <= row[-1][1]:
                row[-1] = (row[-1][0], max(row[-1][1], end))
            else:
                row.append((start, end))
    return found


def _move(net: Net, task: Task, limit: Minute) -> None:
    """To the latest time up to the limit; nothing stands between the task and it."""
    machine, length = task.options[task.option]
    if limit <= task.end:
        return
    if machine == NOWHERE or not length:
        task.start, task.end = limit - length, limit
        return
    clock = net.machines[machine]
    first = clock.worked(limit) - length
    task.start, task.end = clock.time(first), clock.time(first + length - 1) + 1
