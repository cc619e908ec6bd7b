"""frePPLe's own test models: what it promises we promise, or it is written here why ours is different; what we have no word for is listed by its kind."""

import pytest

from apps.scheduling.services.planning import plan
from apps.scheduling.services.planning.check import check
from tests.scheduling.planning.frepple import MODELS, Model, Promised

pytestmark = pytest.mark.skipif(not MODELS.exists(), reason="../shared/data is not here")

RUNS = {"supplier": 2}
"""The run of the model that is the constrained plan, where it is not the first."""

EQUAL = {
    "constraints_leadtime_4": 1,
    "constraints_material_1": 14,
    "constraints_resource_2": 2,
    "constraints_resource_3": 3,
    "constraints_resource_5": 61,
    "constraints_resource_8": 12,
    "demand_policy": 8,
    "demand_status": 2,
    "flow_alternate_3": 1,
    "supplier": 10,
}
"""So many promises, each with our date and our quantity."""

DIFFERENT: dict[str, tuple[str, Promised, Promised]] = {
    "constraints_leadtime_1": (
        "frePPLe cuts the order into three jobs that run side by side on no machine at all, to be in time on paper; ours runs it as one job at the "
        "operation's own speed, delivers in time what stock allows, and tells the true date of the rest.",
        [("order 2", "2009-01-11T00:00:00", 14)],
        [("order 2", "2009-01-11T00:00:00", 8), ("order 2", "2009-01-13T00:00:00", 6)],
    ),
    "constraints_material_2": (
        "Ordered in whole pieces, delivered in whole pieces; and what is late anyway is made in one lot, so that three late deliveries are one, "
        "on the day of frePPLe's last.",
        [
            ("order prio 1 for item 1", "2009-01-10T00:00:00", 28.75),
            ("order prio 1 for item 4", "2009-01-21T00:00:00", 5),
            ("order prio 1 for item 4", "2009-01-22T00:00:00", 15),
            ("order prio 1 for item 4", "2009-01-23T00:00:00", 2.5),
            ("order prio 1 for item 5", "2009-01-10T00:00:00", 22.5),
        ],
        [
            ("order prio 1 for item 1", "2009-01-10T00:00:00", 28),
            ("order prio 1 for item 4", "2009-01-23T00:00:00", 22),
            ("order prio 1 for item 5", "2009-01-10T00:00:00", 22),
        ],
    ),
    "constraints_material_5": (
        "This run of frePPLe waits two months for open purchases rather than order anew (its autofence); ours orders what can be there in time.",
        [("order for item 1", "2022-04-01T00:00:00", 80), ("order for item 1", "2022-04-10T00:00:00", 70)],
        [("order for item 1", "2022-01-30T00:00:00", 150)],
    ),
    "constraints_resource_1": (
        "frePPLe makes nothing more than four days early on this machine (its maxearly) and is a day late; ours makes it five days early, and is in time.",
        [("order 5", "2009-01-21T00:00:00", 10)],
        [("order 5", "2009-01-20T00:00:00", 10)],
    ),
    "constraints_resource_4": (
        "Ours finds room for the whole order on three machines; frePPLe leaves one piece for the next day.",
        [("order 4", "2009-01-18T00:00:00", 7), ("order 4", "2009-01-19T00:00:00", 1)],
        [("order 4", "2009-01-18T00:00:00", 8)],
    ),
    "operation_alternate": (
        "One delivery is wanted: ours makes half of it from the parts that are there and half when the others come, and is five days earlier.",
        [("3. SO1", "2009-03-23T00:00:00", 10)],
        [("3. SO1", "2009-03-18T00:00:00", 10)],
    ),
}
"""Why, what frePPLe promises and we do not, and what we promise instead."""

LEFT_OUT = {
    "buffer_max": {"a minimum stock": 24},
    "constraints_leadtime_3": {"fence": 2},
    "constraints_material_2": {"a fixed quantity that is made": 1, "a step that brings goods before the last": 1},
    "constraints_material_3": {"a minimum stock": 2, "minimum_calendar": 2},
    "constraints_material_4": {"a minimum stock": 1},
    "constraints_resource_7": {"resource_buckets": 6, "available": 3, "a smallest shipment that is not all": 2},
    "constraints_resource_9": {"skill": 1},
    "demand_policy": {"demands that wait for one another": 6, "a smallest shipment that is not all": 2, "a demand that is closed": 1},
    "demand_status": {"demands that wait for one another": 4, "a demand that is closed": 1, "a demand that is inquiry": 1},
    "flow_effective": {"effective_end": 4, "effective_start": 3},
    "load_alternate": {"loads of more or less than one machine": 1},
    "operation_alternate": {"effective_end": 2, "effective_start": 1},
    "operation_coproducer": {"resource_buckets": 16},
    "operation_pre_post": {"posttime": 14},
    "operation_split": {"operation_split": 8},
    "pegging_1": {"minimum_calendar": 5},
    "resource_tool": {"an operation on two resources at once": 5},
    "setup_2": {"setupmatrix": 5},
    "skills": {"skill": 3},
    "supplier": {"extra_safety_leadtime": 8},
}
"""How many demands of a model are of a kind for which the planner has no word; the others of the model are compared."""

NOT_BUILT = {
    "calendar": "prints calendars; it has no demand",
    "cluster": "numbers the clusters of a network; its output has no dates",
    "constraints_combined_2": "comes without an expected output",
    "custom_fields": "fields of one's own; it has no demand",
    "flow_alternate_2": "a program inside the model forbids combinations of stand-ins",
    "operation_autofence": "waits within a fence for open orders that come too late, rather than order anew",
    "operation_batchwindow": "draws jobs together that fall into one window",
    "operation_dependency": "a program inside the model ties operations of different items together",
    "period_of_cover": "prints days of cover; its output has no dates",
    "resource_buckets": "capacity as an amount a week; a program inside the model makes the demands",
    "wip_1": "work in progress without any demand: its output has no dates (open orders are in constraints_material_1, _2 and _5)",
}


def ours(name: str) -> tuple[Promised, Promised, dict[str, int]]:
    """What frePPLe and we promise in a model, and how many demands were left out for which kind."""
    model = Model(name)
    world, demands, left_out = model.world()
    outcome = plan(world, demands, at=0)
    assert check(world, demands, outcome) == []
    theirs = [promise for promise in model.promised(RUNS.get(name, 1)) if promise[0] not in left_out]
    wanted = {str(demand.key) for demand in demands if not str(demand.key).endswith(" takes")}
    made = [(str(one.demand), model.date(one.at), one.quantity / 1_000_000) for one in outcome.deliveries if one.demand in wanted]
    kinds = list(left_out.values())
    return sorted(theirs), sorted(made), {kind: kinds.count(kind) for kind in kinds}


@pytest.mark.parametrize("name", sorted(set(EQUAL) | set(DIFFERENT) | set(LEFT_OUT)))
def test_a_model_of_frepple(name: str) -> None:
    theirs, made, left_out = ours(name)
    why, instead, of_ours = DIFFERENT.get(name, ("", [], []))
    assert ([promise for promise in theirs if promise not in made], [promise for promise in made if promise not in theirs]) == (instead, of_ours), why
    assert left_out == LEFT_OUT.get(name, {})
    if name in EQUAL:
        assert len(theirs) == EQUAL[name]


def test_every_model_is_accounted_for() -> None:
    named = {*EQUAL, *DIFFERENT, *LEFT_OUT, *NOT_BUILT}
    assert {path.name for path in MODELS.iterdir()} == named
    assert not (set(NOT_BUILT) & {*EQUAL, *DIFFERENT, *LEFT_OUT})
