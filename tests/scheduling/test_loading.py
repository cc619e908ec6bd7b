"""The world as it is loaded: structure, formulas, working time, what is taken and what is free, in a handful of queries."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.logistics import services as logistics
from apps.scheduling import models
from apps.scheduling import services as scheduling
from apps.scheduling.services.exploding import Wanted
from apps.scheduling.services.loading import Given, load
from apps.scheduling.services.planning.world import SCALE
from tests.cast import AT, Member, stock
from tests.scheduling.works import ALWAYS, calendar, machine, made, want

Pair = tuple[Member, Member]
FRIDAY = dt.date(2027, 1, 8)


def put_in_stock(member: Member, item: Any, quantity: str) -> None:
    with member.acting():
        logistics.adjust(item=item, counted=quantity, reason="Counted", by=member.actor, at=AT)


@pytest.fixture
def works(pair: Pair) -> Member:
    """A fridge of a door and two hinges, welded on one of two machines; the door is made too."""
    member = pair[1]
    calendar(member)
    machine(member, "W1", pool="WELD")
    machine(member, "W2", pool="WELD", efficiency="50")
    machine(member, "P1", at="TWO")
    stock(member, "HINGE", "Hinge", procurement="stock")
    stock(member, "STEEL", "Steel", procurement="buy")
    made(member, "DOOR", of={"STEEL": "width * height / 1000000"}, steps=[{"pool": "P1", "setup": 30, "run": "if(colour = red, 12, 6)"}])
    made(member, "FRIDGE", of={"DOOR": "1", "HINGE": "2"}, steps=[{"pool": "WELD", "run": "30", "lag": 60}, {"name": "Label", "condition": "label"}])
    return member


RED = {"colour": "red", "width": "600", "height": "1800", "label": "yes", "lamp": "led"}


def test_one_world_for_what_was_chosen(works: Member) -> None:
    with works.acting():
        fridge = models.Operation.objects.filter(item__number="FRIDGE").values_list("item", flat=True)[0]
        loaded = load([Wanted(item=fridge, choices=RED)], at=AT)
    (key,) = loaded.wanted
    (routing,) = loaded.world.items[key].routings
    weld, label = routing.operations
    assert [loaded.resources[machine].code for machine in weld.resources] == ["W1", "W2"]
    assert (weld.run, weld.lag, label.resources) == (30.0, 60, ())
    door, hinge = routing.components
    assert (door.quantity, hinge.quantity, hinge.item) == (SCALE, 2 * SCALE, loaded.world.items[hinge.item].key)
    (pressing,) = loaded.world.items[door.item].routings
    assert (pressing.operations[0].setup, pressing.operations[0].run) == (30, 12.0)
    assert pressing.components[0].quantity == 1_080_000
    # Only what the door asks for tells one door from another; what is bought or lies there is the same for all.
    assert dict(loaded.choices[door.item]) == {"colour": "red", "width": "600", "height": "1800"}
    assert (door.item.variant != "", hinge.item.variant) == (True, "")
    assert loaded.world.resources[weld.resources[1]].efficiency == 0.5


def test_the_queries_do_not_grow(works: Member) -> None:
    with works.acting():
        items = list(models.Operation.objects.values_list("item", flat=True).distinct())
        for wanted in ([Wanted(item=items[0])], [Wanted(item=item, choices={**RED, "width": str(width)}) for item in items for width in range(600, 640)]):
            with CaptureQueriesContext(connection) as captured, transaction.atomic():
                load(wanted, at=AT)
            said = [query["sql"] for query in captured if query["sql"].startswith(("SELECT", "WITH"))]
            assert len(said) <= 8, "\n".join(said)


def test_what_cannot_be_worked_out_is_said(works: Member) -> None:
    with works.acting():
        fridge = models.Operation.objects.filter(item__number="FRIDGE").values_list("item", flat=True)[0]
        loaded = load([Wanted(item=fridge, choices={"colour": "red"})], at=AT)
        (door,) = [key for key in loaded.faults if loaded.made[key.item].number == "DOOR"]
        (sentence,) = loaded.faults[door]
    assert sentence.startswith("The components of “DOOR” cannot be worked out:")
    assert "width" in sentence
    assert loaded.world.items[door].routings == ()


def test_a_calendar_without_a_shift_is_said(works: Member) -> None:
    with works.acting():
        scheduling.save_calendar(code="IDLE", name="Never", by=works.actor, at=AT)
        models.Resource.objects.filter(code="P1").update(calendar=models.Calendar.objects.get(code="IDLE"))
        door = models.Operation.objects.filter(item__number="DOOR").values_list("item", flat=True)[0]
        loaded = load([Wanted(item=door, choices=RED)], at=AT)
        assert loaded.faults[loaded.wanted[0]] == ["“Make” needs “P1”, which never works: give the calendar “IDLE” a shift."]
        models.Operation.objects.filter(item=door).update(pool="GONE")
        loaded = load([Wanted(item=door, choices=RED)], at=AT)
        assert loaded.faults[loaded.wanted[0]] == ["“Make” needs “GONE”, and there is no such resource or pool."]


def test_what_is_held_is_not_free_until_the_hold_has_passed(works: Member) -> None:
    hinge = stock(works, "NUT", "Nut", procurement="stock").pk
    put_in_stock(works, hinge, "10")
    with works.acting():
        promise, loaded, outcome = want(hinge, "7", due=FRIDAY)
        assert [(supply.key, supply.quantity) for supply in loaded.world.supplies] == [(Given("stock", hinge), 10 * SCALE)]
        scheduling.write(outcome, loaded=loaded, held_until=AT + dt.timedelta(hours=1), at=AT)
        free = [load([Wanted(item=hinge)], at=AT + dt.timedelta(minutes=minutes)).world.supplies[0].quantity for minutes in (0, 59, 60)]
        assert free == [3 * SCALE, 3 * SCALE, 10 * SCALE]
        with pytest.raises(scheduling.HoldExpired):
            scheduling.firm_up(promise, at=AT + dt.timedelta(hours=1))
        assert load([Wanted(item=hinge)], at=AT + dt.timedelta(hours=2)).world.supplies[0].quantity == 10 * SCALE
        scheduling.firm_up(promise, at=AT)
        assert load([Wanted(item=hinge)], at=AT + dt.timedelta(days=9)).world.supplies[0].quantity == 3 * SCALE
        scheduling.release(promise)
        assert load([Wanted(item=hinge)], at=AT).world.supplies[0].quantity == 10 * SCALE
        assert not models.Peg.objects.exists()


def test_a_promise_is_kept_with_its_jobs_slots_and_pegs(works: Member) -> None:
    with works.acting():
        hinge, steel = (models.Job.item.field.related_model.objects.get(number=number).pk for number in ("HINGE", "STEEL"))
    put_in_stock(works, hinge, "100")
    put_in_stock(works, steel, "100")
    with works.acting():
        fridge = models.Operation.objects.filter(item__number="FRIDGE").values_list("item", flat=True)[0]
        promise, loaded, outcome = want(fridge, "4", due=FRIDAY, choices=RED)
        with CaptureQueriesContext(connection) as captured, transaction.atomic():
            scheduling.write(outcome, loaded=loaded, firm=True, at=AT)
        assert len([query for query in captured if "INSERT" in query["sql"]]) == 1
        jobs = {job.item.number: job for job in models.Job.objects.select_related("item").filter(promise_id=promise, firm=True)}
        assert {number: job.quantity for number, job in jobs.items()} == {"FRIDGE": 4, "DOOR": 4}
        pegs = {(peg.item.number, peg.giver): peg for peg in models.Peg.objects.select_related("item")}
        assert {key: (peg.quantity, peg.taker_job, peg.job) for key, peg in pegs.items()} == {
            ("FRIDGE", "job"): (4, None, jobs["FRIDGE"]),
            ("DOOR", "job"): (4, jobs["FRIDGE"], jobs["DOOR"]),
            ("HINGE", "stock"): (8, jobs["FRIDGE"], None),
            ("STEEL", "stock"): (Decimal("4.32"), jobs["DOOR"], None),
        }
        assert jobs["DOOR"].ends_at <= jobs["FRIDGE"].starts_at
        assert jobs["DOOR"].configuration["choices"] == {"colour": "red", "width": "600", "height": "1800"}
        slot = models.Slot.objects.get(job=jobs["DOOR"])
        assert (slot.resource.code, slot.setup, slot.ends_at - slot.starts_at) == ("P1", 30, dt.timedelta(minutes=78))
        # The machine is taken now, and the next one goes elsewhere.
        again = load([Wanted(item=fridge, choices=RED)], at=AT)
        slots = set(models.Slot.objects.filter(resource__isnull=False).values_list("starts_at", "ends_at"))
        assert {(again.moment(busy.start), again.moment(busy.end)) for busy in again.world.busy} == slots
        scheduling.release(promise)
        assert [model.objects.count() for model in (models.Job, models.Slot, models.Peg)] == [0, 0, 0]


def test_a_job_that_gives_to_others_stays_when_its_promise_is_released(works: Member) -> None:
    calendar(works, "DAY", **ALWAYS)
    with works.acting():
        scheduling.save_resource(code="D1", name="D1", calendar="DAY", by=works.actor, at=AT)
    item = made(works, "BATCH", steps=[{"pool": "D1", "run": "10"}])
    with works.acting():
        first, loaded, outcome = want(item, "4", due=FRIDAY)
        scheduling.write(outcome, loaded=loaded, firm=True, at=AT)
        models.Job.objects.update(quantity=10)
        second, loaded, outcome = want(item, "6", due=FRIDAY)
        assert (outcome.jobs, [supply.key for supply in loaded.world.supplies]) == ([], [Given("job", models.Job.objects.get().pk)])
        scheduling.write(outcome, loaded=loaded, firm=True, at=AT)
        scheduling.release(first)
        (job,) = models.Job.objects.all()
        assert (job.promise_id, list(models.Peg.objects.values_list("promise_id", "quantity"))) == (second, [(second, 6)])
        scheduling.release(second)
        assert not models.Job.objects.exists()
