"""The pages of the schedule: the plan, the load, a job with what it takes and whom it serves, and entering what the plan is made from."""

from __future__ import annotations

import datetime as dt
import json
import re
import uuid
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.base import clock
from apps.logistics import services as logistics
from apps.scheduling import models, tasks
from apps.scheduling import services as scheduling
from apps.scheduling.selectors.picture import picture
from tests.cast import AT, Member, legible, stock, unchanged
from tests.scheduling.works import ALWAYS, calendar, item, machine, made, promise

Pair = tuple[Member, Member]


@pytest.fixture(autouse=True)
def queued(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    told: list[str] = []
    monkeypatch.setattr(tasks.replan, "delay", told.append)
    return told


@pytest.fixture
def works(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> Member:
    """A works on the morning of 4 January 2027."""
    monkeypatch.setattr(timezone, "now", lambda: AT)
    member = pair[1]
    calendar(member, "DAY", **ALWAYS)
    machine(member, "CUT", at="DAY", pool="CUTTING")
    machine(member, "MOUNT", at="DAY", name_zh="装配线")
    stock(member, "BAR", "Bar", procurement="stock")
    made(member, "A", of={"BAR": "1"}, steps=[{"pool": "CUTTING", "run": "10", "name": "Cut <b>"}])
    made(member, "B", of={"A": "1"}, steps=[{"pool": "MOUNT", "run": "5", "setup": 15}])
    with member.acting():
        logistics.adjust(item=item(member, "BAR"), counted="10000", reason="Counted", by=member.actor, at=AT)
    return member


def shown(answer: Any) -> dict[str, Any]:
    """What the picture is drawn from."""
    assert answer.status_code == 200
    found = re.search(r'<script id="gantt-data" type="application/json">(.*?)</script>', answer.content.decode(), re.DOTALL)
    assert found
    return dict(json.loads(found[1]))


def test_the_plan_stands_in_the_picture_and_in_the_table(works: Member, pair: Pair) -> None:
    only = promise(works, "B", "60", dt.date(2027, 1, 5), customer=pair[0].id)
    promise(works, "B", "6", dt.date(2027, 1, 6), customer=pair[0].id, held_until=AT + dt.timedelta(hours=2))
    with works.acting():
        models.Promise.objects.filter(document=only).update(promised_on=dt.date(2027, 1, 3))
        hour = dt.timedelta(hours=1)
        models.Outage.objects.create(resource=models.Resource.objects.get(code="MOUNT"), starts_at=AT - hour, ends_at=AT + hour, reason="Belt")
    page = works.page_client("planner").get("/schedule/?from=2027-01-04&days=7")
    drawn = shown(page)
    assert [lane["label"] for lane in drawn["lanes"]] == ["CUT", "MOUNT"]
    assert sorted((bar["lane"], bar["held"], bar["late"]) for bar in drawn["bars"]) == [(0, False, True), (0, True, False), (1, False, True), (1, True, False)]
    assert [outage["lane"] for outage in drawn["outages"]] == [1]
    assert (drawn["until"] - drawn["since"], drawn["rests"]) == (7 * 86_400_000, [])
    text = page.content.decode()
    assert text.count("2 days late") == 2 * 2  # in the table and in the picture's figures
    assert "Belt" in text
    assert pair[0].home.name in text
    assert "Cut &lt;b&gt;" in text
    orders = shown(works.page_client("planner").get("/schedule/?from=2027-01-04&view=orders"))
    assert [(lane["label"], lane["more"]) for lane in orders["lanes"]] == [("B", pair[0].home.name)] * 2
    assert {bar["label"] for bar in orders["bars"]} == {"CUT", "MOUNT"}


def test_expired_holds_and_other_days_are_not_in_the_picture(works: Member) -> None:
    promise(works, "B", "6", dt.date(2027, 1, 6), held_until=AT - dt.timedelta(seconds=1))
    promise(works, "B", "6", dt.date(2027, 1, 20))
    assert shown(works.page_client().get("/schedule/?from=2027-01-04&days=7"))["bars"] == []
    assert len(shown(works.page_client().get("/schedule/?from=2027-01-18&days=7"))["bars"]) == 2


def test_the_queries_of_a_page_do_not_grow(works: Member) -> None:
    counts = []
    for number in range(3):
        promise(works, "B", "6", dt.date(2027, 1, 8))
        with works.acting(), CaptureQueriesContext(connection) as captured, transaction.atomic():
            found = picture(since=AT, until=AT + dt.timedelta(days=7), at=AT)
        assert len(found.bars) == 2 * (number + 1)
        counts.append(len([query for query in captured if query["sql"].startswith(("SELECT", "WITH"))]))
    assert counts[0] == counts[-1] <= 7


@pytest.mark.parametrize("query", ["from=never", "from=0001-01-01", "from=9999-12-31", "days=1000000", "view=<script>", "from=2027-02-30&days=-1", "from=%00"])
def test_whatever_the_address_says_a_page_comes(works: Member, query: str) -> None:
    client = works.page_client()
    assert client.get(f"/schedule/?{query}").status_code == 200
    assert client.get(f"/schedule/load/?{query}").status_code == 200


def test_the_load_is_counted_in_working_time(works: Member) -> None:
    promise(works, "B", "60", dt.date(2027, 1, 8))
    page = works.page_client().get("/schedule/load/?from=2027-01-06")
    rows = {row["machine"].code: row["weeks"] for row in page.context["rows"]}
    assert [(rows[code][0]["taken"], rows[code][0]["can"], rows[code][0]["percent"]) for code in ("CUT", "MOUNT")] == [(10.0, 168.0, 6), (5.2, 168.0, 3)]
    assert all(week["taken"] == 0 for week in rows["CUT"][1:])
    assert page.context["weeks"][0] == dt.date(2027, 1, 4)


def test_a_job_tells_what_it_takes_and_whom_it_serves(works: Member, pair: Pair) -> None:
    promise(works, "B", "60", dt.date(2027, 1, 5), customer=pair[0].id)
    with works.acting():
        below, above = (models.Job.objects.get(item__number=number).pk for number in "AB")
    page = works.page_client("viewer").get(f"/schedule/jobs/{below}/")
    assert [(row["node"].kind, row["node"].item, row["node"].quantity) for row in page.context["beneath"]["rows"]] == [("stock", "BAR", 60)]
    served = [(row["level"], row["node"].kind, row["node"].item, row["node"].partner) for row in page.context["above"]["rows"]]
    assert served == [(1, "job", "B", ""), (2, "promise", "B", pair[0].home.name)]
    page = works.page_client("viewer").get(f"/schedule/jobs/{above}/")
    assert [(row["level"], row["node"].kind, row["node"].item) for row in page.context["beneath"]["rows"]] == [(1, "job", "A"), (2, "stock", "BAR")]
    for other in (pair[0], works):
        key = below if other is pair[0] else uuid.uuid4()
        assert other.page_client().get(f"/schedule/jobs/{key}/").status_code == 404


def test_a_replan_is_started_and_stopped_by_whoever_may(works: Member, queued: list[str]) -> None:
    with unchanged(works):
        assert works.page_client("viewer").post("/schedule/plans/start/").status_code == 403
        assert works.page_client("planner").post("/schedule/plans/start/", {"seconds": "x"}).status_code == 303
    assert works.page_client("planner").post("/schedule/plans/start/", {"seconds": "10"})["Location"] == "/schedule/"
    with works.acting():
        plan = models.Plan.objects.get(kind="full")
    assert (queued, plan.figures) == ([str(plan.pk)], {"seconds": 10})
    page = works.page_client("planner").get("/schedule/").content.decode()
    assert f"/schedule/plans/{plan.pk}/stop/" in page
    assert "/schedule/plans/start/" not in page
    assert "/stop/" not in works.page_client("viewer").get("/schedule/").content.decode()
    works.page_client("planner").post(f"/schedule/plans/{plan.pk}/stop/")
    with works.acting():
        assert models.Plan.objects.get(pk=plan.pk).stop


def test_a_calendar_is_entered_changed_closed_and_removed(works: Member) -> None:
    client = works.page_client("planner")
    given = {"code": "EARLY", "name": "Early", "time_zone": "Europe/Berlin", "country": "DE", "monday": "06:00-14:00"}
    assert client.post("/schedule/calendars/new/", given)["Location"] == "/schedule/calendars/"
    with works.acting():
        row = models.Calendar.objects.get(code="EARLY")
    page = client.get(f"/schedule/calendars/{row.pk}/").content.decode()
    assert 'value="06:00-14:00"' in page
    wrong = client.post(f"/schedule/calendars/{row.pk}/", {**given, "tuesday": "all day"})
    assert (wrong.status_code, list(wrong.context["form"].errors)) == (422, ["tuesday"])
    closing = {"starts_at": "2027-12-24T00:00", "ends_at": "2027-12-27T00:00", "reason": "Christmas"}
    assert client.post(f"/schedule/calendars/{row.pk}/closures/new/", closing).status_code == 303
    with works.acting():
        closure = models.Closure.objects.get()
    listed = client.get("/schedule/calendars/").content.decode()
    assert "Christmas" in listed
    assert "Neujahr" not in listed
    assert "Good Friday" in listed
    assert client.post(f"/schedule/closures/{closure.pk}/remove/").status_code == 303
    assert client.post(f"/schedule/calendars/{row.pk}/remove/").status_code == 303
    with works.acting():
        assert not models.Calendar.objects.filter(code="EARLY").exists()
        day = models.Calendar.objects.get(code="DAY").pk
    with unchanged(works):
        client.post(f"/schedule/calendars/{day}/remove/")


def test_a_resource_is_entered_broken_repaired_and_removed(works: Member) -> None:
    client = works.page_client("planner")
    assert client.post("/schedule/resources/new/", {"code": "SAW", "name": "Saw", "calendar": "DAY", "efficiency": "80"}).status_code == 303
    with works.acting():
        row = models.Resource.objects.get(code="SAW")
    wrong = client.post(f"/schedule/resources/{row.pk}/", {"code": "CUT", "name": "", "calendar": "DAY"})
    assert (wrong.status_code, sorted(wrong.context["form"].errors)) == (422, ["name"])
    assert "value=" in client.get(f"/schedule/resources/{row.pk}/break/").content.decode()
    assert client.post(f"/schedule/resources/{row.pk}/break/", {"until": "2027-01-05T06:00", "reason": "Blade"}).status_code == 303
    assert "Blade" in client.get("/schedule/resources/").content.decode()
    with works.acting():
        assert models.Outage.objects.get().ends_at == dt.datetime(2027, 1, 5, 6, tzinfo=dt.UTC)
    late = client.post(f"/schedule/resources/{row.pk}/break/", {"until": "2020-01-05T06:00"})
    assert (late.status_code, list(late.context["form"].errors)) == (422, ["until"])
    assert client.post(f"/schedule/resources/{row.pk}/repair/").status_code == 303
    assert client.post(f"/schedule/resources/{row.pk}/remove/").status_code == 303
    with works.acting():
        assert not models.Resource.objects.filter(code="SAW").exists()


def test_an_operation_is_entered_where_it_is_missed(works: Member) -> None:
    client = works.page_client("planner")
    given = {"item": "A", "name": "Deburr", "pool": "CUTTING", "run": "if(thick, 2, 1)", "setup": "5", "lag": "0", "position": "", "priority": "0"}
    wrong = client.post("/schedule/operations/new/", {**given, "run": "2 *", "pool": "NONE"})
    assert (wrong.status_code, sorted(wrong.context["form"].errors)) == (422, ["pool", "run"])
    assert client.post("/schedule/operations/new/", given).status_code == 303
    with works.acting():
        row = models.Operation.objects.get(name="Deburr")
    assert (row.position, row.setup) == (20, 5)
    page = client.get("/schedule/operations/?item=A").content.decode()
    assert "Deburr" in page
    assert f"/schedule/operations/{row.pk}/" in page
    assert client.post(f"/schedule/operations/{row.pk}/remove/").status_code == 303
    with works.acting():
        assert not models.Operation.objects.filter(pk=row.pk).exists()


def test_who_may_only_look_changes_nothing(works: Member) -> None:
    client = works.page_client("viewer")
    with works.acting():
        keys = {
            "resources": models.Resource.objects.get(code="CUT").pk,
            "calendars": models.Calendar.objects.get().pk,
            "operations": models.Operation.objects.first(),
        }
    with unchanged(works):
        for name in ("resources", "calendars", "operations"):
            assert client.get(f"/schedule/{name}/").status_code == 200
            assert "/new/" not in client.get(f"/schedule/{name}/").content.decode()
            assert client.post(f"/schedule/{name}/new/", {"code": "X", "name": "X"}).status_code == 403
        assert client.post(f"/schedule/resources/{keys['resources']}/break/", {"until": "2027-01-05T06:00"}).status_code == 403
        assert client.post(f"/schedule/calendars/{keys['calendars']}/remove/").status_code == 403


def test_nobody_sees_anothers_works(works: Member, pair: Pair) -> None:
    stranger = pair[0].page_client()
    with works.acting():
        resource, day, step = models.Resource.objects.get(code="CUT").pk, models.Calendar.objects.get().pk, models.Operation.objects.all()[0].pk
    with unchanged(works, pair[0]):
        for path in (f"resources/{resource}/", f"resources/{resource}/break/", f"resources/{resource}/remove/", f"calendars/{day}/", f"operations/{step}/"):
            assert stranger.get(f"/schedule/{path}").status_code == 404
            assert stranger.post(f"/schedule/{path}", {"name": "Mine"}).status_code == 404
        text = legible(stranger.get("/schedule/")) + legible(stranger.get("/schedule/operations/"))
    assert "CUT" not in text


def test_the_plan_is_said_in_chinese(works: Member) -> None:
    promise(works, "B", "60", dt.date(2027, 1, 5))
    client = works.page_client("planner")
    client.cookies["django_language"] = "zh-hans"
    text = client.get("/schedule/?from=2027-01-04").content.decode()
    assert "装配线" in text
    assert "排程" in text


def test_a_broken_calendar_change_moves_the_plan(works: Member) -> None:
    """Whoever shortens the week has what is planned planned anew."""
    only = promise(works, "B", "60", dt.date(2027, 1, 9))
    with works.acting():
        before = models.Slot.objects.get(job__promise_id=only, resource__code="CUT").starts_at
        row = models.Calendar.objects.get()
        scheduling.save_calendar(id=row.pk, friday="", saturday="", thursday="", by=works.actor, at=clock.now())
        after = models.Slot.objects.get(job__promise_id=only, resource__code="CUT")
    assert before.date() >= dt.date(2027, 1, 8)
    assert after.ends_at <= dt.datetime(2027, 1, 7, 0, 0, tzinfo=dt.UTC)


@pytest.mark.parametrize("name", ["calendar", "resource", "operation", "job", "peg", "promise", "plan"])
def test_the_administrator_sees_the_works_in_the_admin(works: Member, pair: Pair, name: str) -> None:
    promise(works, "B", "60", dt.date(2027, 1, 5))
    page = works.page_client().get(f"/admin/home/scheduling/{name}/")
    assert page.status_code == 200
    with works.acting():
        row = apps.get_model("scheduling", name).objects.first()
    if row is not None:
        assert works.page_client().get(f"/admin/home/scheduling/{name}/{row.pk}/change/").status_code == 200
        assert pair[0].page_client().get(f"/admin/home/scheduling/{name}/{row.pk}/change/").status_code in (302, 404)
    with unchanged(works):
        assert works.page_client().post(f"/admin/home/scheduling/{name}/add/", {"code": "X"}).status_code == 403
