"""The constructive planner: when, from what, on what, and why not earlier. Every plan is judged by the independent checker."""

import random
from collections.abc import Sequence

import pytest

from apps.scheduling.services.planning import Circle, Planner, plan
from apps.scheduling.services.planning.check import check
from apps.scheduling.services.planning.planner import Direction
from apps.scheduling.services.planning.world import (
    Answer,
    Busy,
    Cause,
    Component,
    Demand,
    Item,
    Key,
    Operation,
    Outcome,
    Resource,
    Routing,
    Source,
    Supply,
    World,
)
from tests.scheduling.planning.worlds import DAY, HORIZON, always, bought, demand, made, shifts, units, world


def planned(found: World, *demands: Demand, at: int = 0, direction: Direction = "backward") -> Outcome:
    """A plan that the checker has nothing to say about."""
    outcome = plan(found, demands, at=at, direction=direction)
    assert check(found, demands, outcome, at=at) == []
    return outcome


def deliveries(outcome: Outcome) -> list[tuple[Key, float, int]]:
    return [(delivery.demand, delivery.quantity / 1_000_000, delivery.at) for delivery in outcome.deliveries]


def chain(causes: Sequence[Cause]) -> list[tuple[str, Key, int]]:
    """The first cause at each level."""
    found = []
    while causes:
        found.append((causes[0].kind, causes[0].subject, causes[0].until))
        causes = causes[0].because
    return found


# Time ------------------------------------------------------------------------------------------------------------------


def test_work_ends_when_it_is_wanted() -> None:
    outcome = planned(world(made("table", on=("machine",), run=10, setup=30), resources=(always(),)), demand("a", "table", 5, 2 * DAY))
    assert [(job.start, job.end, job.slots[0].setup) for job in outcome.jobs] == [(2 * DAY - 80, 2 * DAY, 30)]
    assert deliveries(outcome) == [("a", 5, 2 * DAY)]
    assert outcome.causes == {}


def test_what_is_wanted_at_once_is_there_as_soon_as_it_can_be() -> None:
    found = world(made("table", on=("machine",), run=10), resources=(always(),))
    assert deliveries(planned(found, demand("a", "table", 5, 2 * DAY), at=100, direction="forward")) == [("a", 5, 150)]


def test_work_pauses_where_the_machine_rests() -> None:
    found = world(made("table", on=("machine",), run=60), resources=(shifts(),))
    job = planned(found, demand("a", "table", 10, 2 * DAY)).jobs[0]
    assert (job.start, job.end) == (840, DAY + 960)


def test_efficiency_stretches_the_run_and_not_the_set_up() -> None:
    found = world(made("table", on=("machine",), run=10, setup=30), resources=(always(efficiency=0.5),))
    job = planned(found, demand("a", "table", 5, DAY)).jobs[0]
    assert job.end - job.start == 130


def test_the_machine_that_is_latest_serves_best_and_the_preferred_one_where_both_are_equal() -> None:
    found = world(made("table", on=("old", "new"), run=10), resources=(always("old"), always("new")))
    outcome = planned(found, demand("a", "table", 5, DAY), demand("b", "table", 5, DAY))
    assert [(job.slots[0].resource, job.end) for job in outcome.jobs] == [("old", DAY), ("new", DAY)]


def test_a_lag_is_waited_for_on_no_machine() -> None:
    operations = (Operation(key="paint", resources=("machine",), run=1, lag=600), Operation(key="pack", resources=("machine",), run=1, lag=30))
    found = world(Item(key="table", routings=(Routing(key="r", operations=operations),)), resources=(always(),))
    job = planned(found, demand("a", "table", 10, DAY)).jobs[0]
    assert [(slot.start, slot.end) for slot in job.slots] == [(DAY - 650, DAY - 640), (DAY - 40, DAY - 30)]
    assert job.ready == DAY


def test_what_is_busy_is_kept_free() -> None:
    found = world(made("table", on=("machine",), run=10), resources=(always(),), busy=(Busy(resource="machine", start=DAY - 30, end=DAY + 10),))
    assert planned(found, demand("a", "table", 5, DAY)).jobs[0].end == DAY - 30


def test_a_demand_is_not_served_before_its_time() -> None:
    found = world(bought("bolt", 0), supplies=(Supply(key="stock", item="bolt", quantity=units(1)),))
    assert deliveries(planned(found, demand("a", "bolt", 1, 10, earliest=500), direction="forward")) == [("a", 1, 500)]


# Material ---------------------------------------------------------------------------------------------------------------


def test_stock_is_netted_by_its_time_and_the_latest_that_serves_is_taken() -> None:
    supplies = (Supply(key="early", item="bolt", quantity=units(5)), Supply(key="late", item="bolt", quantity=units(5), at=DAY))
    outcome = planned(world(Item(key="bolt"), supplies=supplies), demand("a", "bolt", 4, 2 * DAY), demand("b", "bolt", 5, 100))
    assert [(take.taker, take.giver) for take in outcome.takes] == [("b", "early"), ("a", "late")]


def test_open_supply_that_comes_late_serves_before_what_would_come_later() -> None:
    found = world(bought("bolt", 9 * DAY), supplies=(Supply(key="open", item="bolt", quantity=units(6), at=3 * DAY),))
    outcome = planned(found, demand("a", "bolt", 10, DAY))
    assert deliveries(outcome) == [("a", 6, 3 * DAY), ("a", 4, 9 * DAY)]
    assert chain(outcome.causes["a"]) == [("lead_time", "source bolt", 9 * DAY)]


def test_parts_are_there_when_the_work_begins() -> None:
    found = world(made("table", Component(item="leg", quantity=units(4), fixed=units(1)), on=("machine",), run=10), bought("leg", DAY), resources=(always(),))
    outcome = planned(found, demand("a", "table", 5, 3 * DAY))
    assert [(purchase.quantity, purchase.arrives) for purchase in outcome.purchases] == [(units(21), 3 * DAY - 50)]


def test_what_is_late_below_is_late_above_and_nothing_else_is_early() -> None:
    """The seat could be here at once; it is ordered for when the legs are."""
    found = world(
        made("table", Component(item="leg", quantity=units(4)), Component(item="seat", quantity=units(1)), on=("machine",), run=10),
        bought("leg", 5 * DAY),
        bought("seat", 60),
        resources=(always(),),
    )
    outcome = planned(found, demand("a", "table", 1, DAY))
    assert deliveries(outcome) == [("a", 1, 5 * DAY + 10)]
    assert {purchase.item: purchase.arrives for purchase in outcome.purchases} == {"leg": 5 * DAY, "seat": 5 * DAY}
    assert chain(outcome.causes["a"]) == [("run", "table", 5 * DAY + 10), ("lead_time", "source leg", 5 * DAY)]


def test_what_stock_allows_is_made_in_time_and_the_rest_when_the_parts_come() -> None:
    found = world(
        made("table", Component(item="leg", quantity=units(4))),
        bought("leg", 5 * DAY),
        supplies=(Supply(key="stock", item="leg", quantity=units(10)),),
    )
    assert deliveries(planned(found, demand("a", "table", 5, DAY))) == [("a", 2, DAY), ("a", 3, 5 * DAY + 3)]


def test_what_can_never_be_had_leaves_the_demand_short_and_takes_nothing() -> None:
    found = world(
        made("table", Component(item="leg", quantity=units(4)), Component(item="rock", quantity=units(1))),
        bought("leg", DAY),
        Item(key="rock"),
        supplies=(Supply(key="stock", item="rock", quantity=units(2)),),
    )
    outcome = planned(found, demand("a", "table", 5, 2 * DAY))
    assert deliveries(outcome) == [("a", 2, 2 * DAY)]
    assert [purchase.quantity for purchase in outcome.purchases] == [units(8)]
    assert chain(outcome.causes["a"]) == [("nothing", "rock", HORIZON)]


def test_what_may_stand_in_does_when_it_is_earlier() -> None:
    found = world(
        made("table", Component(item="leg", quantity=units(4), alternates=("stick",))),
        bought("leg", 5 * DAY),
        bought("stick", DAY),
        supplies=(Supply(key="stock", item="leg", quantity=units(4)),),
    )
    outcome = planned(found, demand("a", "table", 2, 2 * DAY))
    assert {(take.item, take.quantity) for take in outcome.takes if take.taker != "a"} == {("leg", units(4)), ("stick", units(4))}
    assert outcome.causes == {}


def test_what_stands_in_may_need_another_quantity() -> None:
    found = world(
        made("table", Component(item="leg", quantity=units(4), alternates=("stick",), rates=(units(2.5),))),
        Item(key="leg"),
        Item(key="stick"),
        supplies=(Supply(key="legs", item="leg", quantity=units(4)), Supply(key="sticks", item="stick", quantity=units(10))),
    )
    outcome = planned(found, demand("a", "table", 2, 2 * DAY))
    assert {(take.item, take.quantity) for take in outcome.takes if take.taker != "a"} == {("leg", units(4)), ("stick", units(10))}
    assert deliveries(outcome) == [("a", 2, 2 * DAY)]


def test_all_at_once_waits_for_the_last_or_is_not_served() -> None:
    found = world(
        bought("bolt", 5 * DAY),
        Item(key="nut"),
        supplies=(Supply(key="bolts", item="bolt", quantity=units(4)), Supply(key="nuts", item="nut", quantity=units(4))),
    )
    assert deliveries(planned(found, demand("a", "bolt", 10, DAY, whole=True))) == [("a", 10, 5 * DAY)]
    outcome = planned(found, demand("a", "nut", 10, DAY, whole=True))
    assert (outcome.deliveries, outcome.takes) == ([], [])
    assert chain(outcome.causes["a"]) == [("nothing", "nut", HORIZON)]


def test_what_would_be_too_late_is_not_made() -> None:
    found = world(bought("bolt", 5 * DAY), supplies=(Supply(key="bolts", item="bolt", quantity=units(4)),))
    outcome = planned(found, demand("a", "bolt", 10, DAY, latest=2 * DAY))
    assert (deliveries(outcome), outcome.purchases) == ([("a", 4, DAY)], [])
    assert chain(outcome.causes["a"]) == [("lead_time", "source bolt", 5 * DAY)]


# Ways -------------------------------------------------------------------------------------------------------------------


def test_the_preferred_way_is_taken_when_it_is_in_time() -> None:
    sources = (Source(key="far", lead=5 * DAY, priority=1), Source(key="near", lead=DAY, priority=2))
    found = world(Item(key="bolt", sources=sources))
    assert [purchase.source for purchase in planned(found, demand("a", "bolt", 1, 6 * DAY)).purchases] == ["far"]
    assert [purchase.source for purchase in planned(found, demand("a", "bolt", 1, 2 * DAY)).purchases] == ["near"]
    assert [purchase.source for purchase in planned(found, demand("a", "bolt", 1, 60)).purchases] == ["near"]


@pytest.mark.parametrize(
    ("lots", "sizes"),
    [
        ({"minimum": units(30)}, [30]),
        ({"multiple": units(8)}, [24]),
        ({"maximum": units(10)}, [10, 10, 3]),
        ({"multiple": units(4), "maximum": units(10)}, [8, 8, 8]),
    ],
)
def test_lots(lots: dict[str, int], sizes: list[int]) -> None:
    found = world(made("table", on=("machine",), run=10, **lots), resources=(always(),))
    assert [job.quantity for job in planned(found, demand("a", "table", 23, 9 * DAY)).jobs] == [units(size) for size in sizes]


def test_what_a_lot_leaves_serves_the_next() -> None:
    found = world(made("table", on=("machine",), run=10, minimum=units(30)), resources=(always(),))
    outcome = planned(found, demand("a", "table", 20, DAY), demand("b", "table", 10, 2 * DAY))
    assert len(outcome.jobs) == 1


# Partners ----------------------------------------------------------------------------------------------------------------


class Partner:
    """Answers a given minute after what is needed, or nothing; remembers what it was asked."""

    def __init__(self, late: int | None) -> None:
        self.late = late
        self.asked: list[tuple[Key, int, int]] = []

    def __call__(self, source: Source, item: Key, quantity: int, needed: int) -> Answer | None:
        self.asked.append((source.key, quantity, needed))
        return None if self.late is None else Answer(at=max(needed, 0) + self.late, reference=len(self.asked))


def asking(late: int | None, *more: Source) -> tuple[World, Partner]:
    partner = Partner(late)
    sources = (Source(key="partner", lead=0, asked=True, transport=60), *more)
    found = world(made("table", Component(item="leg", quantity=units(4)), run=10), Item(key="leg", sources=sources))
    found.ask = partner
    return found, partner


def test_a_partner_is_asked_for_the_date_that_is_needed_at_his_door() -> None:
    found, partner = asking(0)
    outcome = planned(found, demand("a", "table", 2, DAY))
    assert partner.asked == [("partner", units(8), DAY - 20 - 60)]
    assert [(purchase.needed, purchase.arrives, purchase.reference) for purchase in outcome.purchases] == [(DAY - 20, DAY - 20, 1)]


def test_a_partners_late_answer_decides_and_he_is_asked_once() -> None:
    found, partner = asking(3 * DAY)
    outcome = planned(found, demand("a", "table", 2, DAY))
    arrives = DAY - 20 + 3 * DAY
    assert deliveries(outcome) == [("a", 2, arrives + 20)]
    assert chain(outcome.causes["a"]) == [("run", "table", arrives + 20), ("supply", "partner", arrives)]
    assert len(partner.asked) == 1


def test_a_partner_who_is_silent_is_passed_over_or_told_as_the_cause() -> None:
    found, _partner = asking(None)
    assert chain(planned(found, demand("a", "table", 2, DAY)).causes["a"]) == [("silence", "partner", HORIZON)]
    found, _partner = asking(None, Source(key="shop", lead=60, priority=9))
    assert [purchase.source for purchase in planned(found, demand("a", "table", 2, DAY)).purchases] == ["shop"]


def test_answers_that_nobody_needs_are_told() -> None:
    found, _partner = asking(3 * DAY, Source(key="shop", lead=60, priority=9))
    planner = Planner(found, at=0)
    planner.add(demand("a", "table", 2, DAY))
    assert [answer.reference for answer in planner.unused()] == [1]


# Refusals ----------------------------------------------------------------------------------------------------------------


def test_a_circle_is_told_with_its_path() -> None:
    items = [made(key, Component(item=below, quantity=units(1))) for key, below in (("a", "b"), ("b", "c"), ("c", "b"))]
    with pytest.raises(Circle) as refusal:
        plan(world(*items), [], at=0)
    assert refusal.value.path == ("b", "c", "b")


def test_a_deep_structure_is_no_circle() -> None:
    items = [made(f"level {level}", Component(item=f"level {level + 1}", quantity=units(1))) for level in range(150)]
    assert deliveries(planned(world(*items, bought("level 150", DAY)), demand("a", "level 0", 1, 9 * DAY))) == [("a", 1, 9 * DAY)]


@pytest.mark.parametrize(
    "broken",
    [
        world(bought("bolt", -1)),
        world(made("table", run=-1)),
        world(made("table", lag=-1)),
        world(made("table", Component(item="leg", quantity=-1))),
        world(made("table", on=("nowhere",))),
        world(made("table", minimum=units(5), maximum=units(4))),
        world(resources=(always(efficiency=0),)),
        world(resources=(Resource(key="machine", windows=[(10, 20), (15, 30)]),)),
        world(busy=(Busy(resource="nowhere", start=0, end=1),)),
    ],
)
def test_what_cannot_be_is_refused(broken: World) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        plan(broken, [], at=0)


def test_a_machine_without_working_time_makes_nothing() -> None:
    found = world(made("table", on=("machine",)), resources=(Resource(key="machine", windows=[]),))
    outcome = planned(found, demand("a", "table", 1, DAY))
    assert outcome.deliveries == []
    assert chain(outcome.causes["a"]) == [("capacity", "machine", HORIZON)]


def test_nothing_is_promised_beyond_the_horizon() -> None:
    outcome = planned(world(bought("bolt", 2 * HORIZON)), demand("a", "bolt", 1, DAY))
    assert outcome.deliveries == []
    assert chain(outcome.causes["a"])[0] == ("horizon", "source bolt", HORIZON)


def test_a_machine_that_is_taken_is_the_cause() -> None:
    found = world(made("table", on=("machine",), run=100), resources=(always(),))
    outcome = planned(found, demand("a", "table", 10, 1000), demand("b", "table", 10, 1000))
    assert deliveries(outcome) == [("a", 10, 1000), ("b", 10, 2000)]
    assert chain(outcome.causes["b"]) == [("run", "table", 2000), ("capacity", "machine", 1000)]


# One thing changes -------------------------------------------------------------------------------------------------------


def test_a_withdrawn_demand_leaves_nothing_behind() -> None:
    found = world(
        made("table", Component(item="leg", quantity=units(4)), on=("machine",), run=10, minimum=units(30)),
        bought("leg", DAY, multiple=units(7)),
        resources=(always(),),
        supplies=(Supply(key="stock", item="leg", quantity=units(10)),),
    )
    planner = Planner(found, at=0)
    planner.add(demand("a", "table", 20, 2 * DAY))
    assert planner.withdraw("a") == demand("a", "table", 20, 2 * DAY)
    outcome = planner.outcome()
    assert (outcome.jobs, outcome.purchases, outcome.takes) == ([], [], [])
    assert list(planner.book.machines["machine"].gaps) == [(0, HORIZON)]
    planner.add(demand("b", "table", 20, 2 * DAY))
    assert check(found, [demand("b", "table", 20, 2 * DAY)], planner.outcome()) == []


def test_what_others_take_from_a_lot_stays_when_its_demand_goes() -> None:
    found = world(made("table", on=("machine",), run=10, minimum=units(30)), resources=(always(),))
    planner = Planner(found, at=0)
    planner.add(demand("a", "table", 20, DAY))
    planner.add(demand("b", "table", 10, DAY))
    planner.withdraw("a")
    assert deliveries(planner.outcome()) == [("b", 10, DAY)]


def test_a_demand_is_planned_once() -> None:
    planner = Planner(world(bought("bolt", 0)), at=0)
    planner.add(demand("a", "bolt", 1, DAY))
    with pytest.raises(ValueError, match="planned already"):
        planner.add(demand("a", "bolt", 2, DAY))


# Many --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dues", ["one", "many"])
def test_two_thousand_orders_on_one_machine_are_planned_at_once(dues: str) -> None:
    """Counted and not timed: the searches look at a bounded number of blocks, however many orders there are."""
    chance = random.Random(7)
    demands = [demand(f"order {number}", "table", chance.randint(1, 60), 50 * DAY if dues == "one" else chance.randrange(100 * DAY)) for number in range(2000)]
    outcome = planned(world(made("table", on=("machine",)), resources=(shifts(),)), *demands)
    assert len(outcome.jobs) == 2000
