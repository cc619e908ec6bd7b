"""The planner: many demands over five levels, and many orders of one item on one machine; each beside what merely noting the operations costs."""

from __future__ import annotations

import bisect
import gc
import multiprocessing
import random
import resource
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection

import psutil

from apps.scheduling.services.planning import in_turn, plan
from apps.scheduling.services.planning.world import SCALE, Component, Demand, Item, Operation, Resource, Routing, Source, Supply, World
from bench.figures import Figure, paired

DAY, DAYS, LEVELS, MACHINES = 1440, 365, 5, 50
RUNS = {1_000: 5, 10_000: 3, 100_000: 1}
Case = tuple[World, list[Demand]]


def five_levels(count: int) -> Case:
    """A hundred products of four made levels and a bought one, fifty machines that work two shifts, a year of due dates; a quarter of the items has stock."""
    chance = random.Random(count)
    windows = [(day * DAY + 360, day * DAY + 1320) for day in range(2 * DAYS)]
    run = 60 * MACHINES / count
    items: dict[object, Item] = {}
    for level in range(LEVELS):
        for number in range(100):
            key, below = (level, number), (level + 1, chance.randrange(100))
            machine = chance.randrange(MACHINES)
            operation = Operation(key="make", resources=(machine,), setup=1, run=run)
            routing = Routing(key="routing", operations=(operation,), components=(Component(item=below, quantity=SCALE),))
            last = level == LEVELS - 1
            items[key] = Item(key=key, sources=(Source(key="source", lead=7 * DAY),)) if last else Item(key=key, routings=(routing,))
    resources: dict[object, Resource] = {number: Resource(key=number, windows=windows) for number in range(MACHINES)}
    demands = [
        Demand(key=number, item=(0, chance.randrange(100)), quantity=chance.randint(1, 100) * SCALE, due=chance.randrange(14 * DAY, DAYS * DAY))
        for number in range(count)
    ]
    supplies = [Supply(key=("stock", key), item=key, quantity=count // 20 * SCALE) for key in items if chance.random() < 0.25]
    return World(horizon=2 * DAYS * DAY, items=items, resources=resources, supplies=supplies), demands


def one_machine(count: int) -> Case:
    """Orders of one item on one machine that is taken for most of the time; every order has its own size and date."""
    chance = random.Random(count)
    windows = [(day * DAY + 360, day * DAY + 1320) for day in range(2 * DAYS)]
    operation = Operation(key="make", resources=("machine",), run=1.0)
    item = Item(key="item", routings=(Routing(key="routing", operations=(operation,)),))
    work = 960 * DAYS * 0.9 / count
    sizes = [max(1, round(chance.uniform(0.5, 1.5) * work)) for _order in range(count)]
    demands = [Demand(key=number, item="item", quantity=size * SCALE, due=chance.randrange(DAY, DAYS * DAY)) for number, size in enumerate(sizes)]
    return World(horizon=2 * DAYS * DAY, items={"item": item}, resources={"machine": Resource(key="machine", windows=windows)}), demands


def _floor(demands: list[Demand], operations: int) -> float:
    """Sorting the demands, and putting each operation into a sorted row."""
    chance, row = random.Random(0), list[int]()
    began = time.perf_counter()
    in_turn(demands)
    for _operation in range(operations):
        bisect.insort(row, chance.getrandbits(30))
    return time.perf_counter() - began


def _child(case: Callable[[int], Case], count: int, pipe: Connection) -> None:
    world, demands = case(count)
    gc.collect()
    before = psutil.Process().memory_info().rss
    began = time.perf_counter()
    outcome = plan(world, demands, at=0)
    took = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    operations = sum(len(job.slots) for job in outcome.jobs)
    pipe.send((took, _floor(demands, operations), (peak - before) / 1e6, operations, len(outcome.causes)))


def _measured(case: Callable[[int], Case], count: int) -> tuple[float, float, float, int, int]:
    """In a process of its own, so that the peak of its memory is the plan's."""
    here, there = multiprocessing.Pipe(duplex=False)
    child = multiprocessing.get_context("fork").Process(target=_child, args=(case, count, there))
    child.start()
    there.close()
    try:
        found: tuple[float, float, float, int, int] = here.recv()
    finally:
        child.join()
    return found


def _figure(name: str, case: Callable[[int], Case], count: int, runs: int, goal: str = "") -> Figure:
    found = [_measured(case, count) for _run in range(runs)]
    peak, operations, late = max(one[2] for one in found), found[0][3], found[0][4]
    note = f"{operations} operations, {late} demands late, peak {peak:.0f} MB{goal}; floor: sort, and one insert an operation"
    return paired(name, "s", [(one[0], one[1]) for one in found], note=note, peak_megabytes=round(peak, 1), operations=operations, late=late)


def measure() -> Iterator[Figure]:
    """Plans of 1,000 to 100,000 demands, and of 1,000 and 2,000 orders on one machine."""
    for count, runs in RUNS.items():
        yield _figure(f"plan_{count}", five_levels, count, runs)
    for count in (1_000, 2_000):
        yield _figure(f"one_machine_{count}", one_machine, count, 5, "; goal ≤ 0.5 s")
