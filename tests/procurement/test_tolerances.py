"""Answers inside the tolerances agree by themselves, at both homes and for a reason that is kept; what is blocked is not sent."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from apps.accounts import services as accounts
from apps.base.acting import in_lobby
from apps.base.findings import Invalid
from apps.network import models, selectors
from apps.network import services as network
from tests.cast import AT, Api, Cast, Member, befriend, legible, line, move, order, provision, unchanged
from tests.documents.browsing import page_of
from tests.logistics.deliveries import proven, state

Two = tuple[Member, Member]
LATE = {"late": {"days": "5"}}


def tolerate(member: Member, said: Mapping[str, Any], **place: str) -> models.Tolerance:
    with member.acting():
        return network.save_tolerance(terms=said, **place, by=member.actor, at=AT)


def desk_of(member: Member) -> Api:
    """A program that may consent, as a buyer may."""
    with in_lobby():
        return Api(accounts.issue_token(enterprise=member.id, name="Desk", role="buyer", at=AT)[1])


def later(day: str = "2027-01-18", **more: Any) -> dict[str, Any]:
    """An answer that offers the first line three days later."""
    return {"lines": [{"line": 1, "response": "change", "schedules": [{"quantity": "40", "due_on": day}], **more}]}


def states(pair: Two, uid: uuid.UUID) -> set[str]:
    return {state(member, uid) for member in pair}


def answered(pair: Two, data: Mapping[str, Any], lines: Any = 1) -> uuid.UUID:
    uid = order(*pair, lines)
    move(pair[1], uid, "confirm", data)
    return uid


# What agrees by itself -------------------------------------------------------------------------------------------------


def test_an_answer_inside_the_tolerances_is_agreed_at_both_and_says_why(pair: Two) -> None:
    buyer, seller = pair
    tolerate(buyer, {"late": {"days": "2"}})
    tolerate(buyer, LATE)
    uid = answered(pair, later())
    assert states(pair, uid) == {"agreed"}
    why = "inside what is tolerated: line 1: 3 days later (up to 5 days: all suppliers, version 2)"
    for member in pair:
        assert why in legible(member.page_client().get(page_of(uid)))
        assert member.api.get(f"orders/{uid}/").json()["lines"][0]["agreed"]["schedules"] == [{"quantity": "40", "due_on": "2027-01-18"}]
    # Which version it was stays told, whatever is said afterwards.
    tolerate(buyer, {"late": {"days": "1", "beyond": "block"}})
    assert why in legible(seller.page_client().get(page_of(uid)))
    assert proven(*pair) == []


def test_what_is_outside_waits_and_the_page_says_what_of_it(pair: Two) -> None:
    buyer, _seller = pair
    tolerate(buyer, LATE)
    uid = answered(pair, later(price="90"))
    assert states(pair, uid) == {"confirmed"}
    page = legible(buyer.page_client().get(page_of(uid)))
    assert "Why it waits for you" in page
    assert "line 1: 10.43 % dearer" in page
    assert "line 1: 3 days later (up to 5 days: all suppliers, version 1)" in page
    move(buyer, uid, "accept_response")
    assert states(pair, uid) == {"agreed"}


def test_without_any_tolerance_everything_that_differs_waits(pair: Two) -> None:
    assert states(pair, answered(pair, later())) == {"confirmed"}


def test_answers_to_a_change_and_proposals_of_the_seller_are_judged_too(pair: Two) -> None:
    buyer, seller = pair
    tolerate(buyer, LATE)
    uid = order(*pair, [line("A-1"), line("A-2")])
    move(seller, uid, "confirm")
    move(seller, uid, "propose_change", later())
    assert states(pair, uid) == {"agreed"}
    move(buyer, uid, "change", {"lines": [{"line": 2, "schedules": [{"quantity": "60", "due_on": "2027-02-01"}]}]})
    answer = {"lines": [{"line": 2, "response": "change", "schedules": [{"quantity": "60", "due_on": "2027-02-05"}]}]}
    move(seller, uid, "confirm", answer)
    assert states(pair, uid) == {"agreed"}
    found = buyer.api.get(f"orders/{uid}/").json()["lines"]
    assert [each["agreed"]["schedules"][0]["due_on"] for each in found] == ["2027-01-18", "2027-02-05"]


# What is not sent ------------------------------------------------------------------------------------------------------


def test_what_the_buyer_blocks_is_refused_at_the_sellers_desk(pair: Two) -> None:
    buyer, seller = pair
    tolerate(buyer, {"late": {"days": "1", "beyond": "block"}})
    uid = order(*pair)
    with unchanged(*pair), pytest.raises(Invalid) as refused:
        move(seller, uid, "confirm", later())
    (finding,) = refused.value.findings
    assert (finding.pointer, finding.code) == ("/lines", "tolerance")
    assert finding.detail.startswith("The buyer does not accept this: line 1: 3 days later (up to 1 day: all suppliers, version 1).")
    with unchanged(*pair):
        answer = seller.api.post(f"orders/{uid}/moves/confirm/", later())
        typed = {"lines-0-response": "change", "lines-0-price": "81.50", "lines-0-schedules-0-due_on": "2027-01-18", "lines-0-schedules-0-quantity": "40"}
        page = seller.page_client().post(page_of(uid, "moves/confirm/"), typed)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "tolerance")
    assert page.status_code == 422, legible(page)
    assert "The buyer does not accept this: line 1: 3 days later" in legible(page)
    move(seller, uid, "confirm", {"lines": [{"line": 1, "response": "reject", "reason": "Sold out"}]})
    assert states(pair, uid) == {"rejected"}


# Where it is said ------------------------------------------------------------------------------------------------------


def test_the_narrowest_place_holds(pair: Two) -> None:
    buyer, seller = pair
    with buyer.acting():
        partnership = selectors.partners()[0].partnership_id
        network.say_wishes(partnership=partnership, group="Castings", by=buyer.actor, at=AT)
    ask, take = {"late": {"beyond": "ask"}}, {"late": {"days": "9"}}
    for said, place, expected in (
        (take, {}, "agreed"),
        (ask, {"group": "Castings"}, "confirmed"),
        (take, {"partner": seller.slug}, "agreed"),
        (ask, {"item": "A-1"}, "confirmed"),
        (take, {"partner": seller.slug, "item": "A-1"}, "agreed"),
        (ask, {"group": "Others"}, "agreed"),
        ({}, {"partner": seller.slug, "item": "A-1"}, "confirmed"),
    ):
        tolerate(buyer, said, **place)
        assert states(pair, answered(pair, later())) == {expected}, (said, place)
    own = line("A-1", details={"tolerances": take})
    assert states(pair, answered(pair, later(), [own])) == {"agreed"}


def test_each_change_is_a_version_and_none_is_lost(pair: Two) -> None:
    buyer, seller = pair
    for days in ("1", "2", "3"):
        tolerate(buyer, {"late": {"days": days}}, partner=seller.slug)
    with buyer.acting():
        versions = selectors.told_versions(partner=seller.id, group="", item="")
        assert [(row.version, row.terms["late"]["days"]) for row in versions] == [(3, "3"), (2, "2"), (1, "1")]
        (newest,) = selectors.said_tolerances(buyer=buyer.id)
        assert newest.version == 3


# Who reads it ----------------------------------------------------------------------------------------------------------


def test_only_whom_it_concerns_reads_it(make_pair: Callable[..., Two]) -> None:
    buyer, seller = make_pair()
    other, stranger = provision("tolerated-other"), provision("tolerated-stranger")
    befriend(buyer, other)
    with buyer.acting():
        found = next(each for each in selectors.partners() if each.id == other.id)
        network.say_wishes(partnership=found.partnership_id, group="B", by=buyer.actor, at=AT)
    for place in ({}, {"partner": seller.slug}, {"group": "A"}, {"group": "B"}, {"item": "A-1"}):
        tolerate(buyer, LATE, **place)
    read = {}
    for member in (buyer, seller, other, stranger):
        with member.acting():
            read[member.slug] = [(each.partner == seller.id, each.group, each.item) for each in selectors.said_tolerances(buyer=buyer.id)]
    assert len(read[buyer.slug]) == 5
    assert sorted(read[seller.slug]) == [(False, "", ""), (False, "", "A-1"), (True, "", "")]
    assert sorted(read[other.slug]) == [(False, "", ""), (False, "", "A-1"), (False, "B", "")]
    assert read[stranger.slug] == []
    with stranger.acting():
        invited = network.invite(slug=buyer.slug, role="customer", document_types=["order"], by=stranger.actor, at=AT).partnership_id
        assert selectors.said_tolerances(buyer=buyer.id) == []
    with buyer.acting():
        network.decline(partnership=invited, by=buyer.actor, at=AT)
    with stranger.acting():
        assert selectors.said_tolerances(buyer=buyer.id) == []


def test_nobody_says_what_another_tolerates(pair: Two) -> None:
    buyer, seller = pair
    tolerate(buyer, LATE)
    with unchanged(*pair), seller.acting(), pytest.raises(Exception, match=r"row-level security|permission denied"):
        models.Tolerance.objects.create(enterprise_id=buyer.id, version=9, terms={}, said_by="Eve", said_at=AT)
    with unchanged(*pair), buyer.acting(), pytest.raises(Exception, match="permission denied"):
        models.Tolerance.objects.filter(enterprise_id=buyer.id).update(version=9)


# By REST and on pages --------------------------------------------------------------------------------------------------


def test_tolerances_are_said_and_read_by_rest(pair: Two, cast: Cast) -> None:
    buyer, seller = pair
    with unchanged(*pair):
        assert buyer.api.post("tolerances/", {"terms": LATE}).status_code == 403
    desk = desk_of(buyer)
    answer = desk.post("tolerances/", {"partner": seller.slug, "item": "A-1", "terms": {"late": {"days": "5"}, "dearer": {"percent": "2", "beyond": "block"}}})
    assert answer.status_code == 201, answer.content
    found = answer.json()
    assert {name: found[name] for name in ("partner", "group", "item", "terms")} == {
        "partner": seller.slug,
        "group": "",
        "item": "A-1",
        "terms": {"late": {"days": "5", "beyond": "ask"}, "dearer": {"percent": "2", "beyond": "block"}},
    }
    assert desk.get("tolerances/").json()["results"] == [found]
    assert cast.stranger.api.get("tolerances/").json()["results"] == []


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({}, "/terms"),
        ({"terms": {"late": {"days": "x"}}}, "/terms/late/days"),
        ({"terms": {}, "partner": "nobody"}, "/partner"),
        ({"terms": {}, "group": "x" * 61}, "/group"),
        ({"terms": {}, "item": 7}, "/item"),
        ({"terms": {}, "who": "x"}, "/who"),
    ],
)
def test_a_tolerance_that_cannot_be_is_refused(pair: Two, given: Any, pointer: str) -> None:
    with unchanged(*pair):
        answer = desk_of(pair[0]).post("tolerances/", given)
    assert (answer.status_code, [error["pointer"] for error in answer.json()["errors"]]) == (422, [pointer])


def test_tolerances_are_said_on_their_page(pair: Two) -> None:
    buyer, seller = pair
    page = buyer.page_client()
    assert "Nothing is tolerated yet" in legible(page.get("/network/tolerances/"))
    given = {"partner": seller.slug, "late-days": "5", "late-beyond": "ask", "substitute-beyond": "block"}
    assert page.post("/network/tolerances/one/", given)["Location"] == "/network/tolerances/"
    shown = legible(page.get("/network/tolerances/"))
    assert "Later: up to 5 days; more is asked" in shown
    assert "Substitute: blocked" in shown
    assert 'value="5"' in legible(page.get(f"/network/tolerances/one/?partner={seller.slug}"))
    for wrong in ({"late-days": "x"}, {"late-beyond": "no"}, {"partner": "nobody"}, {"group": "G"}, {"item": "x" * 61}):
        with unchanged(*pair):
            assert page.post("/network/tolerances/one/", {**given, **wrong}).status_code == 422
    with unchanged(*pair):
        viewer = buyer.page_client("viewer")
        assert viewer.get("/network/tolerances/").status_code == 200
        assert viewer.post("/network/tolerances/one/", given).status_code == 403
