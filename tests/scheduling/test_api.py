"""Resources, calendars, operations and runs of the planner by REST: one's own home only."""

import datetime as dt
import io
import uuid
from typing import Any

import openpyxl
import pytest
from django.core.management import CommandError, call_command

from apps.base import clock
from apps.scheduling import models, tasks
from tests.cast import Api, Member, outside, stock, unchanged

Pair = tuple[Member, Member]
CALENDAR = {"code": "TWO", "name": "Two shifts", "time_zone": "Europe/Berlin", "country": "DE", "subdivision": "HB", "monday": "06:00-14:00, 14:00-22:00"}
RESOURCE = {"code": "M1", "name": "Mill", "name_zh": "铣床", "calendar": "TWO", "pool": "MILL", "efficiency": "90"}


@pytest.fixture(autouse=True)
def queued(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    told: list[str] = []
    monkeypatch.setattr(tasks.replan, "delay", told.append)
    return told


@pytest.fixture
def works(pair: Pair) -> Member:
    member = pair[1]
    assert member.api.post("calendars/", CALENDAR).status_code == 201
    assert member.api.post("resources/", RESOURCE).status_code == 201
    return member


def errors(answer: Any) -> dict[str, str]:
    assert answer["Content-Type"] == "application/problem+json", answer.content
    return {error["pointer"]: error["code"] for error in answer.json()["errors"]}


def uid(member: Member, collection: str) -> str:
    return str(member.api.get(f"{collection}/").json()["results"][0]["uid"])


def test_a_calendar_says_its_week(works: Member) -> None:
    found = works.api.get("calendars/").json()["results"][0]
    week = dict.fromkeys(("tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"), "")
    assert found == {"uid": found["uid"], **CALENDAR, **week, "closures": []}
    closure = {"starts_at": "2027-12-24T00:00:00+01:00", "ends_at": "2028-01-01T00:00:00+01:00", "reason": "Christmas", "working": False}
    changed = works.api.patch(f"calendars/{found['uid']}/", {"tuesday": "22:00-06:00, 00:00-06:00", "monday": "", "closures": [closure]})
    assert changed.status_code == 200, changed.content
    said = changed.json()
    assert (said["monday"], said["tuesday"], said["closures"][0]["reason"]) == ("", "00:00-06:00, 22:00-06:00", "Christmas")
    assert works.api.get(f"calendars/{found['uid']}").json() == said


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"code": "", "name": "N"}, {"/code": "required"}),
        ({"name": "N"}, {"/code": "required"}),
        ({"code": "TWO", "name": "N"}, {"/code": "code_taken"}),
        ({"code": "X", "name": "N", "monday": "6 to 14"}, {"/monday": "shift"}),
        ({"code": "X", "name": "N", "monday": "06:00-14:00, 13:00-15:00"}, {"/monday": "overlap"}),
        ({"code": "X", "name": "N", "monday": "06:00-24:30"}, {"/monday": "shift"}),
        ({"code": "X", "name": "N", "time_zone": "Mars/Base", "country": "XX"}, {"/time_zone": "time_zone", "/country": "country"}),
        ({"code": "X", "name": "N", "country": "DE", "subdivision": "ZZ"}, {"/subdivision": "subdivision"}),
        ({"code": "X", "name": "N", "closures": [{"starts_at": "2027-01-02T00:00:00Z", "ends_at": "2027-01-01T00:00:00Z"}]}, {"/closures": "order"}),
        ({"code": "X", "name": "N", "shifts": []}, {"/shifts": "unknown_field"}),
    ],
)
def test_a_calendar_that_cannot_be_is_refused_with_the_place(works: Member, given: dict[str, Any], wrong: dict[str, str]) -> None:
    with unchanged(works):
        answer = works.api.post("calendars/", given)
    assert (answer.status_code, errors(answer)) == (422, wrong)


def test_a_resource_is_entered_changed_and_removed(works: Member) -> None:
    found = works.api.get("resources/?pool=MILL").json()["results"][0]
    assert found == {"uid": found["uid"], **RESOURCE, "site": "", "down": None, "moves": ["break"]}
    assert works.api.patch(f"resources/{found['uid']}/", {"efficiency": "110.5"}).json()["efficiency"] == "110.5"
    assert works.api.get("resources/?pool=NONE").json()["results"] == []
    assert works.api.delete(f"calendars/{uid(works, 'calendars')}/").status_code == 422
    assert works.api.delete(f"resources/{found['uid']}/").status_code == 204
    assert works.api.delete(f"calendars/{uid(works, 'calendars')}/").status_code == 204


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"code": "M2", "name": "N"}, {"/calendar": "required"}),
        ({"code": "M2", "name": "N", "calendar": "NONE"}, {"/calendar": "calendar"}),
        ({"code": "M1", "name": "N", "calendar": "TWO"}, {"/code": "code_taken"}),
        ({"code": "M2", "name": "N", "calendar": "TWO", "efficiency": "0", "site": "ROME"}, {"/efficiency": "efficiency", "/site": "site"}),
        ({"code": "M2", "name": "N", "calendar": "TWO", "efficiency": -5}, {"/efficiency": "efficiency"}),
    ],
)
def test_a_resource_that_cannot_be_is_refused_with_the_place(works: Member, given: dict[str, Any], wrong: dict[str, str]) -> None:
    with unchanged(works):
        answer = works.api.post("resources/", given)
    assert (answer.status_code, errors(answer)) == (422, wrong)


def test_a_resource_is_broken_and_repaired(works: Member) -> None:
    key = uid(works, "resources")
    until = (clock.now() + dt.timedelta(hours=8)).isoformat()
    answer = works.api.post(f"resources/{key}/moves/break/", {"until": until, "reason": "Bearing"}, headers={"Idempotency-Key": "b-1"})
    assert (answer.status_code, answer.json()["down"]["reason"], answer.json()["moves"]) == (200, "Bearing", ["break", "repair"])
    with unchanged(works):
        again = works.api.post(f"resources/{key}/moves/break/", {"until": until, "reason": "Bearing"}, headers={"Idempotency-Key": "b-1"})
    assert (again.status_code, again["Idempotent-Replayed"]) == (200, "true")
    assert works.api.post(f"resources/{key}/moves/repair/").json()["down"] is None
    with unchanged(works):
        refused = works.api.post(f"resources/{key}/moves/repair/")
        wrong = [works.api.post(f"resources/{key}/moves/break/", body) for body in ({}, {"until": "2020-01-01T00:00:00Z"}, {"until": "soon"})]
    assert (refused.status_code, refused.json()["type"].rsplit("/", 1)[-1]) == (409, "not-broken")
    assert [(answer.status_code, list(errors(answer))) for answer in wrong] == [(422, ["/until"])] * 3


def test_an_operation_is_entered_and_changed(works: Member) -> None:
    stock(works, "A-100", "Housing", procurement="make")
    given = {
        "item": "A-100",
        "name": "Foam",
        "name_zh": "发泡",
        "pool": "MILL",
        "setup": 20,
        "run": "if(height > 1800, 14, 11)",
        "condition": "foamed",
        "lag": 60,
    }
    answer = works.api.post("operations/", given)
    assert answer.status_code == 201, answer.content
    found = answer.json()
    assert found == {"uid": found["uid"], **given, "routing": "", "priority": 0, "position": 10}
    second = works.api.post("operations/", {"item": "A-100", "name": "Test", "run": "3"}).json()
    assert second["position"] == 20
    assert works.api.patch(f"operations/{second['uid']}/", {"position": 5}).json()["position"] == 5
    assert [row["name"] for row in works.api.get("operations/?item=A-100").json()["results"]] == ["Foam", "Test"]
    assert works.api.delete(f"operations/{second['uid']}/").status_code == 204


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        ({"item": "NONE"}, {"/item": "item"}),
        ({"name": ""}, {"/name": "required"}),
        ({"run": "-3"}, {"/run": "negative"}),
        ({"run": "1 / 0"}, {"/run": "formula"}),
        ({"run": "2 +"}, {"/run": "formula"}),
        ({"condition": "(a"}, {"/condition": "formula"}),
        ({"setup": -1, "lag": "1.5"}, {"/setup": "negative", "/lag": "range"}),
        ({"pool": "GONE"}, {"/pool": "pool"}),
        ({"position": 10}, {"/position": "position_taken"}),
    ],
)
def test_an_operation_that_cannot_be_is_refused_with_the_place(works: Member, more: dict[str, Any], wrong: dict[str, str]) -> None:
    stock(works, "A-100", "Housing", procurement="make")
    assert works.api.post("operations/", {"item": "A-100", "name": "First"}).status_code == 201
    with unchanged(works):
        answer = works.api.post("operations/", {"item": "A-100", "name": "Second", **more})
    assert (answer.status_code, errors(answer)) == (422, wrong)
    assert all(error["detail"] for error in answer.json()["errors"])


def test_a_plan_is_started_seen_and_stopped(works: Member, queued: list[str]) -> None:
    answer = works.api.post("plans/", {"seconds": 5})
    assert answer.status_code == 201, answer.content
    plan = answer.json()
    assert (plan["progress"], plan["finished_at"], plan["figures"], plan["moves"]) == (0, None, {"seconds": 5}, ["stop"])
    assert queued == [plan["uid"]]
    with unchanged(works):
        refused = works.api.post("plans/")
        assert (refused.status_code, refused.json()["type"].rsplit("/", 1)[-1]) == (409, "already-running")
        assert errors(works.api.post("plans/", {"seconds": 0})) == {"/seconds": "too_small"}
        assert errors(works.api.post("plans/", {"seconds": 9999})) == {"/seconds": "range"}
    stopped = works.api.post(f"plans/{plan['uid']}/moves/stop/").json()
    assert (stopped["stop"], stopped["moves"]) == (True, [])
    with works.acting():
        tasks.services.run_plan(plan=uuid.UUID(plan["uid"]), at=clock.now())
    ended = works.api.get(f"plans/{plan['uid']}/").json()
    assert (ended["progress"], ended["message"], ended["figures"]["promises"]) == (100, "There is no firm promise to plan for.", 0)
    assert works.api.post(f"plans/{plan['uid']}/moves/stop/").status_code == 409
    assert [row["uid"] for row in works.api.get("plans/").json()["results"]] == [plan["uid"]]


def test_nobody_else_sees_or_breaks_anything(works: Member, pair: Pair) -> None:
    keys = {name: uid(works, name) for name in ("calendars", "resources")}
    plan = works.api.post("plans/").json()["uid"]
    with unchanged(works, pair[0]):
        for other in (pair[0].api, Api("")):
            missing = 404 if other.token else 401
            for name, key in keys.items():
                assert other.get(f"{name}/{key}/").status_code == missing
                assert other.patch(f"{name}/{key}/", {"name": "Mine"}).status_code == missing
                assert other.delete(f"{name}/{key}/").status_code == missing
            assert other.post(f"resources/{keys['resources']}/moves/break/", {"until": "2099-01-01T00:00:00Z"}).status_code == missing
            assert other.post(f"plans/{plan}/moves/stop/").status_code == missing
        assert all(pair[0].api.get(f"{name}/").json()["results"] == [] for name in (*keys, "plans", "operations"))


def test_the_workbook_carries_how_things_are_made(works: Member, pair: Pair) -> None:
    stock(works, "A-100", "Housing", procurement="make")
    works.api.post("operations/", {"item": "A-100", "name": "Foam", "pool": "MILL", "setup": 20, "run": "ceil(height / 100)", "lag": 60})
    media = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    book = works.api.get("structure/", headers={"Accept": media}).content
    other = pair[0]
    taken = other.api.request("POST", "structure/", book, content_type=media)
    assert taken.status_code == 200, taken.content
    for name in ("calendars", "resources", "operations"):
        mine, theirs = ([{k: v for k, v in row.items() if k != "uid"} for row in member.api.get(f"{name}/").json()["results"]] for member in (works, other))
        assert theirs == mine != []
    sheets = openpyxl.load_workbook(io.BytesIO(book))
    sheet = sheets["Operations"]
    columns = {cell.value: cell.column for cell in sheet[1]}
    (row,) = [cells[0].row for cells in sheet.iter_rows() if cells[0].value == "A-100"]
    sheet.cell(row, columns["Run time, minutes"]).value = "-4"
    spoiled = io.BytesIO()
    sheets.save(spoiled)
    with unchanged(other):
        refused = other.api.request("POST", "structure/", spoiled.getvalue(), content_type=media)
    assert [(error["pointer"].split("!")[0], error["detail"]) for error in refused.json()["errors"]] == [("Operations", "A time cannot be negative.")]


def test_a_machine_is_broken_from_the_shell(works: Member) -> None:
    out = io.StringIO()
    outside(call_command, "break", "M1", enterprise=works.slug, hours=3.0, stdout=out)
    assert out.getvalue().startswith(f"M1 of {works.slug} is down until ")
    with works.acting():
        outage = models.Outage.objects.get()
        assert abs((outage.ends_at - outage.starts_at) - dt.timedelta(hours=3)) < dt.timedelta(seconds=1)
    outside(call_command, "repair", "M1", enterprise=works.slug, stdout=out)
    for command, arguments in (("repair", ("M1",)), ("break", ("M9",))):
        with pytest.raises(CommandError):
            outside(call_command, command, *arguments, enterprise=works.slug)
    with pytest.raises(CommandError):
        outside(call_command, "break", "M1", enterprise="nobody-at-all")
