"""A machine breaks, runs again; what is touched is planned anew, and nothing else. A full replan in the background."""

import datetime as dt
import itertools
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

from apps.base import announcing
from apps.base.findings import Invalid
from apps.logistics import services as logistics
from apps.scheduling import models, tasks
from apps.scheduling import services as scheduling
from apps.scheduling.services import replanning, running
from tests.cast import AT, Member, stock, unchanged
from tests.scheduling.works import ALWAYS, calendar, item, machine, made, promise, want

Pair = tuple[Member, Member]
MONDAY, TUESDAY, FRIDAY = dt.date(2027, 1, 4), dt.date(2027, 1, 5), dt.date(2027, 1, 8)


@pytest.fixture(autouse=True)
def queued(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """No broker here: what the worker would be told."""
    told: list[str] = []
    monkeypatch.setattr(tasks.replan, "delay", told.append)
    return told


@pytest.fixture
def works(pair: Pair) -> Member:
    """Part A is cut on one machine, ten minutes each; it goes into B, which is mounted on another one, day and night."""
    member = pair[1]
    calendar(member, "DAY", **ALWAYS)
    machine(member, "CUT", at="DAY")
    machine(member, "MOUNT", at="DAY")
    stock(member, "BAR", "Bar", procurement="stock")
    made(member, "A", of={"BAR": "1"}, steps=[{"pool": "CUT", "run": "10"}])
    made(member, "B", of={"A": "1"}, steps=[{"pool": "MOUNT", "run": "5"}])
    with member.acting():
        logistics.adjust(item=item(member, "BAR"), counted="10000", reason="Counted", by=member.actor, at=AT)
    return member


def slots(member: Member, promise: uuid.UUID) -> dict[str, tuple[dt.datetime, dt.datetime]]:
    with member.acting():
        found = models.Slot.objects.filter(job__promise_id=promise).select_related("resource")
        return {slot.resource.code: (slot.starts_at, slot.ends_at) for slot in found if slot.resource}


def resource(member: Member, code: str) -> uuid.UUID:
    with member.acting():
        return models.Resource.objects.get(code=code).pk


def broken(member: Member, code: str, hours: float, at: dt.datetime = AT) -> scheduling.CapacityChanged:
    """A machine that is down, and nobody has reacted to it yet."""
    with member.acting():
        until = at + dt.timedelta(hours=hours)
        outage = models.Outage.objects.create(resource_id=resource_id(code), starts_at=at, ends_at=until, reason="Bearing")
        return scheduling.CapacityChanged(resources=(outage.resource_id,), reason="Bearing", at=at, until=until)


def resource_id(code: str) -> uuid.UUID:
    return models.Resource.objects.get(code=code).pk


def test_a_break_moves_what_it_touches_and_nothing_else(works: Member) -> None:
    first = promise(works, "B", "60", TUESDAY)
    other = promise(works, "B", "6", FRIDAY)
    before = slots(works, other)
    news = broken(works, "CUT", 30)
    with works.acting(), transaction.atomic():
        found = scheduling.touched(news)
        assert found.promises == (first,)
        (result,) = scheduling.replan(found.promises, again=found.jobs, at=AT)
    assert (result.promise, result.before, result.after, result.later) == (first, TUESDAY, dt.date(2027, 1, 6), True)
    assert slots(works, first)["CUT"][0] >= AT + dt.timedelta(hours=30)
    assert slots(works, other) == before
    with works.acting():
        assert scheduling.replan([], at=AT) == []
        assert replanning.days([first, other]) == {first: dt.date(2027, 1, 6), other: FRIDAY}


def test_slack_absorbs_a_break(works: Member) -> None:
    for code in ("SAW-1", "SAW-2"):
        machine(works, code, at="DAY", pool="SAW")
    made(works, "C", of={"BAR": "1"}, steps=[{"pool": "SAW", "run": "10"}])
    only = promise(works, "C", "60", FRIDAY)
    ((code, (start, _end)),) = slots(works, only).items()
    news = broken(works, code, 2, at=start - dt.timedelta(hours=1))
    with works.acting(), transaction.atomic():
        (result,) = scheduling.replan(scheduling.touched(news).promises, at=start - dt.timedelta(hours=1))
    assert (result.after, result.later) == (FRIDAY, False)
    assert list(slots(works, only)) == [{"SAW-1": "SAW-2", "SAW-2": "SAW-1"}[code]]


def test_what_has_begun_stays(works: Member) -> None:
    only = promise(works, "B", "60", MONDAY)
    began = slots(works, only)["CUT"]
    later = began[0] + dt.timedelta(minutes=30)
    news = broken(works, "MOUNT", 40, at=later)
    with works.acting(), transaction.atomic():
        found = scheduling.touched(news)
        (result,) = scheduling.replan(found.promises, again=found.jobs, at=later)
        (cut,) = models.Job.objects.filter(item__number="A")
    assert slots(works, only)["CUT"] == began
    assert slots(works, only)["MOUNT"][0] >= later + dt.timedelta(hours=40)
    with works.acting():
        taken = models.Peg.objects.get(item__number="A")
        assert (taken.job_id, taken.quantity, taken.promise_id) == (cut.pk, 60, only)
        assert models.Peg.objects.get(item__number="BAR").taker_job_id == cut.pk
    assert result.later


def test_a_repair_lets_late_promises_recover(works: Member) -> None:
    first = promise(works, "B", "60", TUESDAY)
    news = broken(works, "CUT", 72)
    with works.acting(), transaction.atomic():
        (result,) = scheduling.replan(scheduling.touched(news).promises, at=AT)
        models.Promise.objects.filter(document=first).update(promised_on=result.after)
    soon = AT + dt.timedelta(hours=1)
    with works.acting(), transaction.atomic():
        models.Outage.objects.update(mended_at=soon)
        found = scheduling.touched(scheduling.CapacityChanged(resources=news.resources, reason="", at=soon, more=True))
        (again,) = scheduling.replan(found.promises, at=soon, recover=True)
    assert (again.before, again.after) == (FRIDAY, TUESDAY)


def test_whoever_says_that_a_machine_is_down_has_it_planned_anew(works: Member) -> None:
    only = promise(works, "B", "60", TUESDAY)
    before = slots(works, only)
    with works.acting():
        outage = scheduling.break_resource(resource=resource_id("CUT"), until=AT + dt.timedelta(hours=30), reason="Bearing", by=works.actor, at=AT)
        assert slots(works, only)["CUT"][0] >= outage.ends_at
        longer = scheduling.break_resource(resource=resource_id("CUT"), until=AT + dt.timedelta(hours=50), by=works.actor, at=AT)
        assert (longer.pk, longer.reason, slots(works, only)["CUT"][0] >= longer.ends_at) == (outage.pk, "Bearing", True)
        mended = scheduling.repair_resource(resource=resource_id("CUT"), by=works.actor, at=AT + dt.timedelta(minutes=1))
        assert mended.mended_at == AT + dt.timedelta(minutes=1)
    assert slots(works, only) != before
    with works.acting(), unchanged(works), pytest.raises(scheduling.NotBroken):
        scheduling.repair_resource(resource=resource_id("CUT"), by=works.actor, at=AT + dt.timedelta(minutes=2))


@pytest.mark.parametrize("until", [None, "tomorrow", "2027-01-05T10:00:00", AT, AT + dt.timedelta(days=4000)])
def test_an_outage_needs_its_end(works: Member, until: Any) -> None:
    with works.acting(), unchanged(works), pytest.raises(Invalid) as refused:
        scheduling.break_resource(resource=resource_id("CUT"), until=until, by=works.actor, at=AT)
    assert [finding.pointer for finding in refused.value] == ["/until"]


def test_a_full_replan_brings_order_and_makes_nobody_later(works: Member, queued: list[str]) -> None:
    far = promise(works, "B", "300", FRIDAY)
    near = promise(works, "B", "30", TUESDAY)
    with works.acting():
        late = promise(works, "A", "60", TUESDAY)
        models.Peg.objects.filter(promise_id=late, taker_job=None).update(due_at=AT + dt.timedelta(days=9))
        plan = scheduling.start_plan(seconds=1, by=works.actor, at=AT)
        with pytest.raises(scheduling.AlreadyRunning):
            scheduling.start_plan(by=works.actor, at=AT)
        assert queued == [str(plan.pk)]
        scheduling.run_plan(plan=plan.pk, at=AT)
        row = models.Plan.objects.get(pk=plan.pk)
        assert (row.progress, row.finished_at is not None, row.message) == (100, True, "Planned anew.")
        expected = {"promises": 3, "late_before": 1, "late_after": 0, "impossible": 0, "alone": True, "jobs": 5}
        assert {name: row.figures[name] for name in expected} == expected
        assert row.figures["days_before"] == 8
        assert replanning.days([far, near, late]) == {far: FRIDAY, near: TUESDAY, late: TUESDAY}
        with pytest.raises(scheduling.NotRunning):
            scheduling.stop_plan(plan=plan.pk, by=works.actor, at=AT)
        scheduling.run_plan(plan=plan.pk, at=AT)
        assert models.Plan.objects.get(pk=plan.pk).figures == row.figures
    with works.acting():
        rows = replanning.open_promises()
        loaded = replanning.world_of(rows, [], at=AT)
        busy = sorted((str(one.resource), one.start, one.end) for one in loaded.world.busy)
        assert all(later[0] != earlier[0] or later[1] >= earlier[2] for earlier, later in itertools.pairwise(busy))


def test_the_plan_that_stands_stays_when_nothing_is_better(works: Member) -> None:
    promise(works, "B", "30", TUESDAY)
    with works.acting():
        plan = scheduling.start_plan(seconds=1, by=works.actor, at=AT)
        before = set(models.Slot.objects.values_list("starts_at", "ends_at", "resource"))
        scheduling.run_plan(plan=plan.pk, at=AT)
        assert set(models.Slot.objects.values_list("starts_at", "ends_at", "resource")) == before


def in_threads(count: int, work: Callable[[int], None]) -> list[Exception]:
    errors: list[Exception] = []

    def run(number: int) -> None:
        try:
            work(number)
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def test_sixteen_askers_for_one_machine_hour_and_the_last_pieces(works: Member) -> None:
    last = stock(works, "LAST", "Last pieces", procurement="stock").pk
    with works.acting():
        logistics.adjust(item=last, counted="5", reason="Counted", by=works.actor, at=AT)
    part = item(works, "A")
    got: list[int] = []

    def ask(_number: int) -> None:
        with works.acting(), transaction.atomic():
            scheduling.lock_plan()
            _promise, loaded, outcome = want(last, "1", due=FRIDAY)
            if outcome.deliveries:
                scheduling.write(outcome, loaded=loaded, held_until=AT + dt.timedelta(hours=1), at=AT)
                got.append(1)
            _promise, loaded, outcome = want(part, "6", due=MONDAY)
            scheduling.write(outcome, loaded=loaded, firm=True, at=AT)

    assert in_threads(16, ask) == []
    assert sum(got) == 5
    with works.acting():
        assert sum(models.Peg.objects.filter(item=last).values_list("quantity", flat=True)) == 5
        hours = sorted(models.Slot.objects.filter(resource__code="CUT").values_list("starts_at", "ends_at"))
        assert len(hours) == 16
        assert all(later[0] >= earlier[1] for earlier, later in itertools.pairwise(hours))
        assert sum((end - start for start, end in hours), dt.timedelta()) == dt.timedelta(hours=16)


def test_a_hold_on_a_broken_machine_is_kept_elsewhere_or_given_up(works: Member) -> None:
    for code in ("SAW-1", "SAW-2"):
        machine(works, code, at="DAY", pool="SAW")
    made(works, "C", of={"BAR": "1"}, steps=[{"pool": "SAW", "run": "10"}])
    until = AT + dt.timedelta(hours=20)
    held = promise(works, "C", "60", MONDAY, held_until=until)
    ((first, _times),) = slots(works, held).items()
    other = {"SAW-1": "SAW-2", "SAW-2": "SAW-1"}[first]
    with works.acting():
        scheduling.break_resource(resource=resource_id(first), until=AT + dt.timedelta(hours=30), by=works.actor, at=AT)
        assert list(slots(works, held)) == [other]
        assert models.Job.objects.get(promise_id=held).held_until == until
        scheduling.break_resource(resource=resource_id(other), until=AT + dt.timedelta(hours=30), by=works.actor, at=AT)
        row = models.Promise.objects.get(document=held)
        assert (row.held_until, row.closed_at, models.Job.objects.filter(promise_id=held).count()) == (None, AT, 0)


def test_a_full_replan_brings_back_what_had_moved(works: Member) -> None:
    only = promise(works, "B", "30", FRIDAY)
    with works.acting():
        models.Promise.objects.filter(document=only).update(first_on=TUESDAY, asked_on=TUESDAY)
        told: list[scheduling.PlanChanged] = []
        plan = scheduling.start_plan(seconds=1, by=works.actor, at=AT)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(announcing, "announce", told.append)
            scheduling.run_plan(plan=plan.pk, at=AT)
        (news,) = told
        assert [(one.promise, one.before, one.after) for one in news.moved] == [(only, FRIDAY, TUESDAY)]
        assert replanning.days([only]) == {only: TUESDAY}


def test_a_run_tells_how_far_it_is_and_ends_when_somebody_says_stop(works: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    promise(works, "B", "30", TUESDAY)
    seen: list[int] = []

    def patient(_world: Any, _demands: Any, built: Any, *, stop: Callable[[], bool], **_more: Any) -> Any:
        """A search that never ends by itself; it asks from a thread that acts for nobody, as the solver does."""
        while not in_thread(stop):
            time.sleep(0.05)
            found = models.Plan.objects.get(kind="full")
            seen.append(found.progress)
            if found.progress >= 3 and not found.stop:
                scheduling.stop_plan(plan=found.pk, by=works.actor, at=AT)
        return built

    monkeypatch.setattr(running, "improve", patient)
    with works.acting():
        plan = scheduling.start_plan(seconds=30, by=works.actor, at=AT)
        began = time.monotonic()
        scheduling.run_plan(plan=plan.pk, at=AT)
        row = models.Plan.objects.get(pk=plan.pk)
    assert time.monotonic() - began < 25
    assert (row.stop, row.progress, row.message) == (True, 100, "Planned anew.")
    assert seen == sorted(seen)


def in_thread(work: Callable[[], bool]) -> bool:
    found: list[bool] = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join()
    return found[0]


def test_whatever_goes_wrong_in_a_run_stands_in_its_row(works: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    promise(works, "B", "30", TUESDAY)

    def broken(*_given: Any, **_more: Any) -> Any:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(running, "improve", broken)
    with works.acting():
        plan = scheduling.start_plan(seconds=30, by=works.actor, at=AT)
        before = set(models.Slot.objects.values_list("starts_at", "ends_at", "resource"))
        with pytest.raises(RuntimeError):
            scheduling.run_plan(plan=plan.pk, at=AT)
        row = models.Plan.objects.get(pk=plan.pk)
        assert (row.message, row.finished_at is not None) == ("It could not be planned: out of memory", True)
        assert set(models.Slot.objects.values_list("starts_at", "ends_at", "resource")) == before
        assert scheduling.start_plan(by=works.actor, at=AT).pk != plan.pk


def test_a_run_that_was_lost_does_not_bar_the_next_one(works: Member) -> None:
    with works.acting():
        lost = scheduling.start_plan(by=works.actor, at=AT)
        scheduling.start_plan(by=works.actor, at=AT + dt.timedelta(hours=2))
        assert models.Plan.objects.get(pk=lost.pk).message == "It was lost on the way: start it again."


def test_what_was_written_meanwhile_is_planned_around(works: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody is promised something while the run looks for a better plan: nothing is sold twice."""
    promise(works, "B", "30", TUESDAY)

    def disturbed(_world: Any, _demands: Any, built: Any, **_more: Any) -> Any:
        promise(works, "A", "60", MONDAY)
        return built

    monkeypatch.setattr(running, "improve", disturbed)
    with works.acting():
        plan = scheduling.start_plan(seconds=1, by=works.actor, at=AT)
        scheduling.run_plan(plan=plan.pk, at=AT)
        row = models.Plan.objects.get(pk=plan.pk)
        assert (row.figures["alone"], row.figures["promises"], row.message) == (False, 2, "Planned anew, around what was written meanwhile.")
        hours = sorted(models.Slot.objects.filter(resource__code="CUT").values_list("starts_at", "ends_at"))
        assert all(later[0] >= earlier[1] for earlier, later in itertools.pairwise(hours))
