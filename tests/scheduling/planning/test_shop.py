"""Job shops that everybody uses: every schedule is checked, and none is worse than plain CP-SAT's under the same conditions."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.scheduling.services.planning.shop import Schedule, Shop, read_flexible, read_jobshop, solve

DATA = Path(__file__).parents[4] / "shared" / "data" / "scheduling"
here = pytest.mark.skipif(not DATA.exists(), reason="../shared/data is not here")


def faults(shop: Shop, schedule: Schedule) -> list[str]:
    """What is wrong with a schedule, by the definition of the problem."""
    found: list[str] = []
    rows: dict[int, list[tuple[int, int]]] = {}
    for job, tasks in zip(shop.jobs, schedule.tasks, strict=True):
        ready = 0
        for choices, (machine, start, end) in zip(job, tasks, strict=True):
            if start < ready or (machine, end - start) not in choices:
                found.append(f"{choices} from {start} to {end} on {machine}, ready at {ready}")
            ready = end
            rows.setdefault(machine, []).append((start, end))
    for machine, row in rows.items():
        row.sort()
        found += [f"machine {machine} does two things at {second[0]}" for first, second in itertools.pairwise(row) if second[0] < first[1]]
    if schedule.makespan != max((tasks[-1][2] for tasks in schedule.tasks if tasks), default=0):
        found.append("the makespan is another")
    return found


def instance(name: str) -> Shop:
    path = next(DATA.glob(f"*/*/{name}.txt"))
    return (read_flexible if "fjsp" in path.parts else read_jobshop)(path.read_text())


def best_known(name: str) -> int:
    for file in ("jobshop_best_known.json", "fjsp_best_known.json"):
        for entry in json.loads((DATA / file).read_text()):
            if entry["instance"] == name:
                return int(entry["upper_bound"])
    raise LookupError(name)


@here
@pytest.mark.parametrize("name", ["ft06", "la01", "la05", "mk01"])
def test_a_small_shop_is_solved(name: str) -> None:
    shop, told = instance(name), list[tuple[float, int]]()
    schedule = solve(shop, seconds=5, progress=lambda seconds, best: told.append((seconds, best)))
    assert faults(shop, schedule) == []
    assert schedule.makespan == best_known(name)
    assert schedule.proven
    costs = [best for _seconds, best in told]
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] == schedule.makespan


@here
def test_a_search_stops_when_it_is_told_to_and_keeps_the_best() -> None:
    shop, began, told = instance("mk05"), time.monotonic(), list[int]()
    schedule = solve(shop, seconds=60, progress=lambda _seconds, best: told.append(best), stop=lambda: time.monotonic() - began > 1)
    assert time.monotonic() - began < 10
    assert faults(shop, schedule) == []
    assert schedule.makespan == told[-1]


@st.composite
def shops(draw: st.DrawFn) -> Shop:
    task = st.dictionaries(st.integers(0, 2), st.integers(1, 9), min_size=1).map(lambda choices: tuple(choices.items()))
    return Shop(3, tuple(tuple(job) for job in draw(st.lists(st.lists(task, min_size=1, max_size=4), min_size=1, max_size=4))))


@settings(max_examples=15, deadline=None, derandomize=True)
@given(shops())
def test_any_small_shop_is_solved_to_the_end(shop: Shop) -> None:
    schedule = solve(shop, seconds=5)
    assert faults(shop, schedule) == []
    assert schedule.proven
    assert schedule.makespan == plain(shop, 5)


# Plain CP-SAT, the textbook's model ---------------------------------------------------------------------------------------------


def plain(shop: Shop, seconds: float) -> int:
    """The makespan that CP-SAT finds by itself on two workers."""
    from ortools.sat.python import cp_model

    model: Any = cp_model.CpModel()
    horizon = sum(max(minutes for _machine, minutes in task) for job in shop.jobs for task in job)
    rows: dict[int, list[Any]] = {}
    makespan = model.new_int_var(0, horizon, "")
    for job in shop.jobs:
        ready: Any = 0
        for choices in job:
            start, end = model.new_int_var(0, horizon, ""), model.new_int_var(0, horizon, "")
            model.add(start >= ready)
            ready = end
            presences = [model.new_bool_var("") for _choice in choices]
            model.add_exactly_one(presences)
            for (machine, minutes), present in zip(choices, presences, strict=True):
                rows.setdefault(machine, []).append(model.new_optional_interval_var(start, minutes, end, present, ""))
        model.add(makespan >= ready)
    for intervals in rows.values():
        model.add_no_overlap(intervals)
    model.minimize(makespan)
    solver: Any = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds, solver.parameters.num_workers = seconds, 2
    solver.solve(model)
    return int(solver.objective_value)


def names() -> Iterator[str]:
    for kind, pattern in (("jobshop", "ft*"), ("jobshop", "la*"), ("jobshop", "orb*"), ("fjsp/Brandimarte1993", "mk0*"), ("fjsp/Brandimarte1993", "mk10")):
        folder = DATA / kind
        found: Callable[[str], Iterator[Path]] = folder.glob if "/" in kind else folder.rglob
        yield from sorted(path.stem for path in found(f"{pattern}.txt"))


@here
@pytest.mark.night
@pytest.mark.alone
@pytest.mark.parametrize("name", sorted(names()) if DATA.exists() else [])
def test_no_shop_is_solved_worse_than_by_plain_cp_sat(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """30 seconds each, on two workers. Equal where both are within what two runs of the same search differ by: a hundredth."""
    shop = instance(name)
    schedule, other, known = solve(shop, seconds=30), plain(shop, 30), best_known(name)
    with capsys.disabled():
        print(f"\n{name:8} ours {schedule.makespan:5}{' proven' if schedule.proven else '       '}  plain CP-SAT {other:5}  best known {known:5}", end=" ")
    assert faults(shop, schedule) == []
    assert schedule.makespan <= other * 1.01
