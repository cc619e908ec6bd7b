"""The improvement: never worse, told while it goes, stopped when asked, and better where there is something to gain."""

import time

from apps.scheduling.services.planning import plan
from apps.scheduling.services.planning.check import check
from apps.scheduling.services.planning.improve import improve
from apps.scheduling.services.planning.world import Component, Demand, Outcome, World
from tests.scheduling.planning.worlds import DAY, demand, made, shifts, units, world


def lateness(demands: list[Demand], outcome: Outcome) -> int:
    last = {delivery.demand: delivery.at for delivery in outcome.deliveries}
    return sum(max(0, last[one.key] - one.due) for one in demands)


def crowded() -> tuple[World, list[Demand]]:
    """Long orders of high priority before many short ones: whoever turns some round gains a lot."""
    found = world(
        made("table", Component(item="leg", quantity=units(1)), on=("saw", "mill"), run=6),
        made("leg", on=("press",), run=2),
        resources=(shifts("saw"), shifts("mill", efficiency=0.8), shifts("press", 360, 1320)),
    )
    long = [demand(f"long {number}", "table", 150, 2 * DAY + 60 * number) for number in range(3)]
    short = [demand(f"short {number}", "table", 10, 2 * DAY + 60 * number, priority=1) for number in range(12)]
    return found, [*long, *short]


def test_a_crowded_week_gets_better_and_can_still_be_carried_out() -> None:
    found, demands = crowded()
    outcome = plan(found, demands, at=0)
    told: list[int] = []
    better = improve(found, demands, outcome, at=0, seconds=4, progress=lambda _seconds, cost: told.append(cost))
    assert check(found, demands, outcome) == []
    assert check(found, demands, better) == []
    assert lateness(demands, better) < lateness(demands, outcome) * 0.9
    assert told[0] == lateness(demands, outcome)
    assert told[-1] == lateness(demands, better)
    assert told == sorted(told, reverse=True)


def test_who_is_in_time_after_all_needs_no_cause() -> None:
    found, demands = crowded()
    better = improve(found, demands, plan(found, demands, at=0), at=0, seconds=2)
    last = {delivery.demand: delivery.at for delivery in better.deliveries}
    assert set(better.causes) == {one.key for one in demands if last[one.key] > one.due}
    assert all(cause[0].until == last[key] for key, cause in better.causes.items())


def test_it_stops_when_it_is_told_to() -> None:
    found, demands = crowded()
    outcome, began = plan(found, demands, at=0), time.monotonic()
    better = improve(found, demands, outcome, at=0, seconds=60, stop=lambda: time.monotonic() - began > 1)
    assert time.monotonic() - began < 8
    assert check(found, demands, better) == []
    assert lateness(demands, better) <= lateness(demands, outcome)


def test_a_plan_without_lateness_is_left_in_peace() -> None:
    found, demands = crowded()
    one = demands[:1]
    outcome = plan(found, one, at=0)
    assert improve(found, one, outcome, at=0, seconds=60) == outcome
