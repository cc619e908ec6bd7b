"""Until how long before its date what is agreed may be asked to be another, or nothing: each says it for what he is asked, and both read it."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import pytest

from apps.base.findings import Invalid
from apps.documents.services import NotAllowed
from apps.network import services as network
from tests.cast import AT, Member, line, move, order, unchanged
from tests.documents.browsing import page_of
from tests.logistics.deliveries import advice, partners

Two = tuple[Member, Member]
# What is agreed is due on 15 January, which is eleven days after everything happens.
DUE = dt.datetime(2027, 1, 15, 12, 0, tzinfo=dt.UTC)
SENTENCE = "Line 1 is due on 15 Jan 2027, and your partner wants to be asked at least 12 days before."
LATER = {"lines": [{"line": 1, "schedules": [{"quantity": "40", "due_on": "2027-02-01"}]}]}
WHY = {"reason": "Plans have changed."}


def want_notice(member: Member, other: Member, days: int) -> None:
    with member.acting():
        found = next(partner for partner in network.selectors.partners() if partner.id == other.id)
        network.say_wishes(partnership=found.partnership_id, notice_days=days, by=member.actor, at=AT)


@pytest.fixture
def agreed(pair: Two) -> uuid.UUID:
    found = order(*pair)
    move(pair[1], found, "confirm")
    return found


def test_a_change_comes_before_the_notice_of_whoever_is_asked(pair: Two, agreed: uuid.UUID) -> None:
    buyer, seller = pair
    want_notice(seller, buyer, 12)
    with unchanged(*pair), pytest.raises(Invalid) as refused:
        move(buyer, agreed, "change", LATER)
    (finding,) = refused.value.findings
    assert (finding.pointer, finding.code) == ("/lines/0/schedules", "notice")
    assert finding.detail.startswith(SENTENCE)
    move(buyer, agreed, "change", LATER, at=AT - dt.timedelta(days=1))


def test_a_cancellation_comes_before_it_too_and_what_is_late_has_no_notice(pair: Two, agreed: uuid.UUID) -> None:
    buyer, seller = pair
    want_notice(seller, buyer, 12)
    for at in (AT, DUE):
        with unchanged(*pair), pytest.raises(NotAllowed, match="Line 1 is due on 15 Jan 2027"):
            move(buyer, agreed, "cancel", at=at)
    move(buyer, agreed, "cancel", at=DUE + dt.timedelta(days=1))
    # An answer is no asking, whenever it comes.
    move(seller, agreed, "accept_cancel", at=DUE + dt.timedelta(days=1))


@pytest.mark.parametrize(("code", "data"), [("offer_cancel", WHY), ("propose_change", LATER)])
def test_it_binds_the_other_side_alone(pair: Two, agreed: uuid.UUID, code: str, data: Any) -> None:
    buyer, seller = pair
    want_notice(seller, buyer, 365)
    with seller.acting():
        assert network.selectors.notice(id=buyer.id) == 0
    want_notice(buyer, seller, 12)
    with unchanged(*pair), pytest.raises((Invalid, NotAllowed)):
        move(seller, agreed, code, data)
    want_notice(buyer, seller, 11)
    move(seller, agreed, code, data)


def test_what_nobody_has_agreed_to_is_cancelled_at_any_time(pair: Two) -> None:
    buyer, seller = pair
    want_notice(seller, buyer, 365)
    move(buyer, order(*pair), "cancel")


def test_only_the_lines_that_are_changed_count_and_of_these_what_has_not_left(database: None) -> None:
    buyer, seller = pair = partners()
    lines = [line("A-1"), line("A-2", "5", "9.99", schedules=[{"quantity": "2", "due_on": "2027-01-15"}, {"quantity": "3", "due_on": "2027-03-01"}])]
    uid = order(*pair, lines)
    move(seller, uid, "confirm")
    want_notice(seller, buyer, 20)
    change = {"lines": [{"line": 2, "schedules": [{"quantity": "2", "due_on": "2027-01-15"}, {"quantity": "3", "due_on": "2027-04-01"}]}]}
    with unchanged(*pair), pytest.raises(Invalid):
        move(buyer, uid, "change", change)
    advice(seller, [{"order": uid, "line": 2, "quantity": "2"}])
    move(buyer, uid, "change", change)


def test_the_page_and_rest_say_it_to_whoever_asks_too_late(pair: Two, agreed: uuid.UUID) -> None:
    buyer, seller = pair
    want_notice(seller, buyer, 365)
    with unchanged(*pair):
        answer = buyer.api.post(f"orders/{agreed}/moves/change/", LATER)
        page = buyer.page_client().post(page_of(agreed, "moves/cancel/"), WHY, follow=True)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "notice")
    assert "your partner wants to be asked at least 365 days before" in page.content.decode()
