"""Random small worlds: whatever is planned can be carried out, is no later than a simple plan, and survives a change."""

from collections.abc import Sequence

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from apps.scheduling.services.planning import Planner, in_turn, plan
from apps.scheduling.services.planning.check import check
from apps.scheduling.services.planning.gaps import Gaps, Taken
from apps.scheduling.services.planning.improve import improve
from apps.scheduling.services.planning.planner import Direction
from apps.scheduling.services.planning.world import Demand, Item, Key, Outcome, Routing, World
from tests.scheduling.planning.worlds import demands, worlds

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
NEVER = 1 << 60
quietly = settings(max_examples=120, deadline=None, suppress_health_check=SLOW, derandomize=True)


def ends(found: Sequence[Demand], outcome: Outcome) -> dict[Key, int]:
    """When the last of each demand is there; never, when some of it is not."""
    last = {}
    for demand in found:
        got = [delivery for delivery in outcome.deliveries if delivery.demand == demand.key]
        whole = sum(delivery.quantity for delivery in got) == demand.quantity
        last[demand.key] = max(delivery.at for delivery in got) if whole else NEVER
    return last


@quietly
@given(worlds(), demands(), st.integers(0, 500), st.sampled_from(["backward", "forward"]))
def test_every_plan_can_be_carried_out(found: World, wanted: list[Demand], at: int, direction: Direction) -> None:
    outcome = plan(found, wanted, at=at, direction=direction)
    assert check(found, wanted, outcome, at=at) == []
    event(f"jobs: {min(len(outcome.jobs), 3)}, late or short: {len(outcome.causes)}")


# The naive plan: each demand waits until all before it is done, and does one thing after the other --------------------------


def naive(found: World, wanted: Sequence[Demand], at: int) -> dict[Key, int]:
    """When each demand would be there: one after the other, everything by the first way, nothing at the same time as anything else, no stock.

    NEVER where that does not fit into the horizon.
    """
    time, ends = at, {}
    for demand in in_turn(wanted):
        end = max(_naively(found, demand.item, demand.quantity, time), demand.earliest)
        ends[demand.key] = max(end, demand.due, at) if end <= found.horizon else NEVER
        time = max(time, min(end, NEVER))
    return ends


def _naively(found: World, item: Key, quantity: int, time: int) -> int:
    ways: Item = found.items[item]
    if time > found.horizon or not (ways.routings or ways.sources):
        return NEVER
    if not ways.routings:
        return time + ways.sources[0].lead
    routing = ways.routings[0]
    while quantity > 0:
        lot = max(quantity, routing.minimum)
        if routing.multiple:
            lot = -(-lot // routing.multiple) * routing.multiple
        if routing.maximum is not None:
            lot = min(lot, routing.maximum // (routing.multiple or 1) * (routing.multiple or 1))
        time = _naive_job(found, routing, lot, time)
        quantity -= lot
    return time


def _naive_job(found: World, routing: Routing, lot: int, time: int) -> int:
    for component in routing.components:
        time = _naively(found, component.item, -(-component.quantity * lot // 1_000_000) + component.fixed, time)
    for operation in routing.operations:
        worked = operation.setup + -(-round(operation.run * lot) // 1_000_000)
        if operation.resources:
            resource = found.resources[operation.resources[0]]
            worked = operation.setup + int(-(-operation.run * lot // (1_000_000 * resource.efficiency)))
            taken = [(busy.start, busy.end) for busy in found.busy if busy.resource == resource.key]
            time = _work(resource.windows, taken, time, worked)
        else:
            time += worked
        time += operation.lag
    return time


def _work(windows: Sequence[tuple[int, int]], busy: list[tuple[int, int]], time: int, worked: int) -> int:
    """The end of so much work after every busy time, so that nothing is in its way."""
    time = max([time, *(end for _start, end in busy)]) if worked else time
    for start, end in windows:
        if worked and end > time:
            start = max(start, time)
            done = min(worked, end - start)
            worked, time = worked - done, start + done
    return NEVER if worked else time


@quietly
@given(worlds(), demands(), st.integers(0, 500))
def test_no_demand_is_later_than_in_a_naive_plan(found: World, wanted: list[Demand], at: int) -> None:
    """The first in turn has all to itself: it is never later than one thing after the other would be."""
    first = in_turn(wanted)[:1]
    ours, simple = ends(first, plan(found, first, at=at)), naive(found, first, at)
    assert ours[first[0].key] <= simple[first[0].key]


@quietly
@given(worlds(), demands(), st.data())
def test_withdrawing_and_planning_again_is_as_good_and_leaves_nothing(found: World, wanted: list[Demand], data: st.DataObject) -> None:
    planner = Planner(found, at=0)
    for demand in in_turn(wanted):
        planner.add(demand)
    before = ends(wanted, planner.outcome())
    last = in_turn(wanted)[-1]
    planner.add(planner.withdraw(last.key))
    outcome = planner.outcome()
    assert check(found, wanted, outcome) == []
    assert ends(wanted, outcome) == before
    other = data.draw(st.sampled_from(wanted))
    planner.add(planner.withdraw(other.key))
    assert check(found, wanted, planner.outcome()) == []
    for demand in wanted:
        planner.withdraw(demand.key)
    left = planner.outcome()
    assert (left.jobs, left.purchases, left.takes) == ([], [], [])
    assert {key: list(machine.gaps) for key, machine in planner.book.machines.items()} == {
        key: list(machine.gaps) for key, machine in Planner(found, at=0).book.machines.items()
    }


@settings(parent=quietly, max_examples=10)
@given(worlds(), demands())
def test_an_improved_plan_can_be_carried_out_and_is_never_later(found: World, wanted: list[Demand]) -> None:
    outcome = plan(found, wanted, at=0)
    better = improve(found, wanted, outcome, at=0, seconds=0.3, seed=1)
    assert check(found, wanted, better) == []

    def late(one: Outcome) -> int:
        return sum(max(0, end - demand.due) for demand, end in zip(wanted, ends(wanted, one).values(), strict=True) if end < NEVER)

    assert late(better) <= late(outcome)


# The free time of a machine --------------------------------------------------------------------------------------------------


@settings(parent=quietly, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 900), st.integers(1, 9), st.booleans()), min_size=1, max_size=400))
def test_gaps_are_what_a_row_of_minutes_is(changes: list[tuple[int, int, bool]]) -> None:
    gaps, free = Gaps([(0, 1000)]), [True] * 1000
    for start, length, takes in changes:
        end = start + length
        allowed = all(free[start:end]) if takes else not any(free[start:end])
        try:
            (gaps.reserve if takes else gaps.release)(start, end)
            assert allowed
            free[start:end] = [not takes] * length
        except Taken:
            assert not allowed
        fits = [place for place in range(1001 - length) if all(free[place : place + length])]
        assert gaps.latest(end, length) == max((place for place in fits if place + length <= end), default=None)
        assert gaps.earliest(start, length) == min((place for place in fits if place >= start), default=None)
    assert [minute for start, end in gaps for minute in range(start, end)] == [minute for minute in range(1000) if free[minute]]
