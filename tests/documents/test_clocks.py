"""The clock of a question: both partners compute the same, each thing happens once, and whoever is asked reads until when."""

from __future__ import annotations

import datetime as dt
import itertools
import re
import uuid
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from apps.base import clock
from apps.base.findings import Invalid
from apps.documents import services as documents
from apps.documents.models import Document, Step
from apps.documents.services import clocking
from apps.documents.tasks import tell_by_mail, tick
from apps.documents.types import TYPES
from apps.network import services as network
from tests.cast import AT, Member, befriend, legible, move, order, outside, provision, stock, unchanged, with_items

Two = tuple[Member, Member]
HOUR = dt.timedelta(hours=1)
# AT is Monday, 4 January 2027, 9:30 UTC: sixteen hours of an office in UTC end on Wednesday at the same time; two days more hold eight.
DUE = AT + dt.timedelta(days=2)


class Time:
    """What time it is, for everybody."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.now = AT
        patch.setattr(clock, "now", lambda: self.now)

    def pass_to(self, at: dt.datetime) -> None:
        """It becomes so late, and the beat turns."""
        self.now = at
        outside(tick)


@pytest.fixture(autouse=True)
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    return Time(monkeypatch)


def clock_at(member: Member, uid: uuid.UUID) -> tuple[dt.datetime | None, str]:
    with member.acting():
        row = Document.objects.get(pk=uid)
        return row.answer_due_at, row.answer_stage


def both(pair: Two, uid: uuid.UUID) -> tuple[dt.datetime | None, str]:
    """The clock, which is the same at both."""
    one, other = (clock_at(member, uid) for member in pair)
    assert one == other
    return one


def struck(member: Member, uid: uuid.UUID) -> list[str]:
    """What the clock has said in the history."""
    with member.acting():
        return list(Step.objects.filter(document=uid, move__in=[step for *_rest, step in clocking.STAGES]).order_by("position").values_list("move", flat=True))


def mailed(pair: Two) -> list[tuple[str, str]]:
    """To whom of theirs which mail went, since this was asked last: in other homes of this run something may be due, too."""
    outside(tell_by_mail)
    theirs = tuple(f"@{member.slug}.example" for member in pair)
    found = [(message.to[0], str(message.subject)) for message in mail.outbox if message.to[0].endswith(theirs)]
    mail.outbox.clear()
    return found


def name_responsible(member: Member, email: str) -> None:
    with member.acting():
        network.save_office(days=range(5), opens=dt.time(9), closes=dt.time(17), person="Li Wei", email=email, by=member.actor, at=AT)


def want(member: Member, other: Member, hours: int) -> None:
    with member.acting():
        found = next(partner for partner in network.selectors.partners() if partner.id == other.id)
        network.say_wishes(partnership=found.partnership_id, answer_hours=hours, by=member.actor, at=clock.now())


# What it computes -------------------------------------------------------------------------------------------------------


def test_an_order_that_is_published_is_to_be_answered_within_the_hours_of_the_seller(pair: Two, time: Time) -> None:
    uid = order(*pair)
    assert both(pair, uid) == (None, "")
    time.pass_to(AT + dt.timedelta(minutes=1))
    assert both(pair, uid) == (DUE, "running")
    assert struck(pair[0], uid) == []


def test_what_nobody_has_sent_has_none(pair: Two, time: Time) -> None:
    uid = order(*pair, publish=False)
    time.pass_to(AT + dt.timedelta(days=9))
    assert clock_at(pair[0], uid) == (None, "")


def test_it_runs_in_the_office_of_whoever_is_asked(time: Time) -> None:
    buyer = provision("clock-buyer", time_zone="Europe/Berlin", country="DE")
    seller = provision("clock-seller", time_zone="Asia/Shanghai", country="CN")
    befriend(buyer, seller)
    stock(buyer, "A-1", "Item 1")
    two = with_items(buyer, "A-1"), seller
    # A Friday before the Spring Festival, at the end of the day in Shanghai: 5 to 10 February are free.
    time.now = dt.datetime(2027, 2, 4, 8, 0, tzinfo=dt.UTC)
    uid = order(*two, at=time.now)
    time.pass_to(time.now + HOUR)
    # An hour of Thursday, the whole of Thursday after it, and seven hours of Friday.
    assert both(two, uid)[0] == dt.datetime(2027, 2, 12, 8, 0, tzinfo=dt.UTC)


def test_each_thing_happens_once_at_both(pair: Two, time: Time) -> None:
    buyer, seller = pair
    uid = order(*pair)
    seen = []
    for at in (AT + dt.timedelta(days=1), DUE - 4 * HOUR, DUE - HOUR, DUE, DUE + HOUR, DUE + dt.timedelta(days=1), DUE + dt.timedelta(days=5)):
        for _again in range(2):
            time.pass_to(at)
        seen.append((both(pair, uid)[1], struck(buyer, uid)))
        assert struck(seller, uid) == struck(buyer, uid)
    assert seen == [
        ("running", []),
        ("reminded", ["remind"]),
        ("reminded", ["remind"]),
        ("late", ["remind", "overdue"]),
        ("late", ["remind", "overdue"]),
        ("escalated", ["remind", "overdue", "escalate"]),
        ("escalated", ["remind", "overdue", "escalate"]),
    ]


def test_who_was_away_for_long_is_told_the_last_thing(pair: Two, time: Time) -> None:
    uid = order(*pair)
    time.pass_to(DUE + dt.timedelta(days=9))
    assert both(pair, uid) == (DUE, "escalated")
    assert struck(pair[0], uid) == ["escalate"]


def test_an_acknowledgement_stops_nothing_and_an_answer_begins_the_other_sides_clock(pair: Two, time: Time) -> None:
    buyer, seller = pair
    uid = order(*pair)
    time.pass_to(DUE - 2 * HOUR)
    move(seller, uid, "acknowledge", at=time.now)
    assert both(pair, uid) == (DUE, "reminded")
    move(seller, uid, "confirm", {"lines": [{"line": 1, "price": "83.00"}]}, at=time.now)
    assert both(pair, uid) == (None, "")
    time.pass_to(time.now + dt.timedelta(minutes=1))
    due, stage = both(pair, uid)
    assert stage == "running"
    assert due is not None
    assert due > DUE
    move(buyer, uid, "accept_response", at=time.now)
    assert both(pair, uid) == (None, "")
    time.pass_to(DUE + dt.timedelta(days=30))
    assert both(pair, uid) == (None, "")
    assert struck(buyer, uid) == struck(seller, uid) == ["remind"]


def test_the_wish_of_whoever_asks_counts_and_none_is_no_clock(pair: Two, time: Time) -> None:
    buyer, seller = pair
    uid = order(*pair)
    want(seller, buyer, 1)
    want(buyer, seller, 4)
    time.pass_to(AT + dt.timedelta(minutes=1))
    assert clock_at(buyer, uid) == (AT + 4 * HOUR, "running")
    want(buyer, seller, 0)
    time.pass_to(AT + 2 * HOUR)
    assert both(pair, uid) == (None, "")
    # Whoever wants to be answered again is.
    want(buyer, seller, 8)
    time.pass_to(AT + 2 * HOUR + dt.timedelta(minutes=1))
    assert clock_at(buyer, uid) == (AT + dt.timedelta(days=1), "running")


def test_what_has_happened_is_not_undone_by_other_hours(pair: Two, time: Time) -> None:
    buyer, seller = pair
    uid = order(*pair)
    time.pass_to(DUE)
    want(buyer, seller, 40)
    for _turn in range(2):
        time.pass_to(time.now + HOUR)
    assert both(pair, uid) == (AT + dt.timedelta(days=7), "late")
    assert struck(buyer, uid) == ["overdue"]


def test_an_office_that_hardly_ever_opens_holds_up_no_other_clock(pair: Two, time: Time) -> None:
    _buyer, seller = pair
    with seller.acting():
        network.save_office(days=[0], opens=dt.time(9), closes=dt.time(9, 1), by=seller.actor, at=AT)
    uid = order(*pair)
    time.pass_to(AT + HOUR)
    assert both(pair, uid) == (None, "")
    with seller.acting():
        network.save_office(days=range(5), opens=dt.time(9), closes=dt.time(17), by=seller.actor, at=time.now)
    time.pass_to(time.now + HOUR)
    assert clock_at(seller, uid) == (DUE, "running")


# Who is told ------------------------------------------------------------------------------------------------------------


def test_the_responsible_of_both_are_told_when_nothing_comes(pair: Two, time: Time) -> None:
    buyer, seller = pair
    name_responsible(buyer, f"boss@{buyer.slug}.example")
    name_responsible(seller, f"boss@{seller.slug}.example")
    with seller.acting():
        network.add_contact(email=f"sales@{seller.slug}.example", language="en", by=seller.actor, at=AT)
    number = "CLOCK-7"
    uid = order(*pair, number=number)
    assert [to for to, _subject in mailed(pair)] == [f"sales@{seller.slug}.example"]
    time.pass_to(DUE - 2 * HOUR)
    assert [(to, subject.startswith("Reminder: ")) for to, subject in mailed(pair)] == [(f"sales@{seller.slug}.example", True)]
    time.pass_to(DUE + dt.timedelta(days=2))
    time.pass_to(DUE + dt.timedelta(days=3))
    assert sorted(mailed(pair)) == [
        (f"boss@{buyer.slug}.example", f"{seller.home.name} has not answered: Order {number}"),
        (f"boss@{seller.slug}.example", f"Nobody here has answered {buyer.home.name}: Order {number}"),
    ]
    with buyer.acting():
        assert documents.tell_by_mail(at=clock.now() + dt.timedelta(days=1)) == 0
    assert both(pair, uid)[1] == "escalated"


def test_a_reminder_makes_the_first_link_worthless_and_bears_one_that_works(pair: Two, time: Time) -> None:
    _buyer, seller = pair
    with seller.acting():
        network.add_contact(email=f"sales@{seller.slug}.example", language="en", by=seller.actor, at=AT)
    order(*pair)
    outside(tell_by_mail)
    time.pass_to(DUE - HOUR)
    outside(tell_by_mail)
    theirs = [message for message in mail.outbox if message.to == [f"sales@{seller.slug}.example"]]
    first, second = (re.findall(r"/answer/[\w-]+/", str(message.body))[0] for message in theirs)
    assert Client().get(first).status_code == 410
    assert Client().get(second).status_code == 200


def test_a_mail_about_what_was_answered_meanwhile_is_not_sent(pair: Two, time: Time) -> None:
    buyer, seller = pair
    name_responsible(buyer, f"boss@{buyer.slug}.example")
    uid = order(*pair)
    time.pass_to(DUE + dt.timedelta(days=2))
    move(seller, uid, "confirm", at=time.now)
    assert mailed(pair) == []


# Where it is read -------------------------------------------------------------------------------------------------------


def test_the_clock_is_read_by_rest_at_both(pair: Two, time: Time) -> None:
    uid = order(*pair)
    time.pass_to(DUE + HOUR)
    for member in pair:
        found = member.api.get(f"orders/{uid}/").json()
        assert (dt.datetime.fromisoformat(found["answer_due_at"]), found["answer_stage"]) == (DUE, "late")
        for before, count in (("2027-01-06T09:30:00Z", 0), ("2027-01-06T09:30:01Z", 1)):
            rows = member.api.get(f"orders/?answer_due_before={before}").json()["results"]
            assert [row["uid"] for row in rows] == [str(uid)] * count
        assert member.api.get("orders/?answer_due_before=soon").status_code == 422
        told = member.api.get("events/").json()["results"]
        assert (told[-1]["event"], told[-1]["own"], told[-1]["document"]["uid"]) == ("order.overdue", True, str(uid))
    stranger = provision("clock-reader")
    assert stranger.api.get(f"orders/{uid}/").status_code == 404
    assert stranger.api.get("orders/?answer_due_before=2030-01-01T00:00:00Z").json()["results"] == []


def test_the_clock_is_read_on_the_pages_of_both(pair: Two, time: Time) -> None:
    buyer, seller = pair
    uid = order(*pair)
    time.pass_to(AT + HOUR)
    assert "Our answer due" in legible(seller.page_client().get(f"/documents/orders/{uid}/"))
    shown = legible(buyer.page_client().get(f"/documents/orders/{uid}/"))
    assert "Answer due" in shown
    assert "Our answer due" not in shown
    assert "answer due" in legible(seller.page_client().get("/documents/orders/"))
    assert f"/documents/orders/{uid}/" not in legible(seller.page_client().get("/documents/orders/?overdue=on"))
    time.pass_to(DUE + dt.timedelta(days=3))
    for member in pair:
        late = legible(member.page_client().get("/documents/orders/?overdue=on"))
        assert f"/documents/orders/{uid}/" in late
        assert "answer late since" in late
        assert "the responsible persons were told" in legible(member.page_client().get(f"/documents/orders/{uid}/"))


def test_a_reminder_takes_no_answer_out_of_the_hands_of_whoever_writes_it(pair: Two, time: Time) -> None:
    _buyer, seller = pair
    uid = order(*pair)
    read = seller.api.get(f"orders/{uid}/").json()["version"]
    time.pass_to(DUE - HOUR)
    time.pass_to(DUE)
    assert struck(seller, uid) == ["remind", "overdue"]
    answer = seller.page_client().post(f"/documents/orders/{uid}/moves/confirm/", {"version": str(read), "accept_all": "1"})
    assert answer.status_code == 303, legible(answer)
    assert both(pair, uid) == (None, "")


# What is refused --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "at"),
    [
        ({"days": []}, "/days"),
        ({"days": [7]}, "/days"),
        ({"opens": dt.time(17)}, "/closes"),
        ({"subdivision": "XX"}, "/subdivision"),
        ({"person": "x" * 151}, "/person"),
        ({"email": "nobody"}, "/email"),
        ({"email": "x" * 150 + "@x.example"}, "/email"),
    ],
)
def test_hours_that_cannot_be_are_refused(pair: Two, given: dict[str, Any], at: str) -> None:
    member, _other = pair
    values: dict[str, Any] = {"days": range(5), "opens": dt.time(9), "closes": dt.time(17), **given}
    with unchanged(*pair), member.acting(), pytest.raises(Invalid) as refused:
        network.save_office(**values, by=member.actor, at=AT)
    assert [finding.pointer for finding in refused.value.findings] == [at]


@pytest.mark.parametrize("hours", [-1, 2001])
def test_a_wish_that_cannot_be_is_refused(pair: Two, hours: int) -> None:
    with unchanged(*pair), pytest.raises(Invalid):
        want(*pair, hours)


def test_a_stranger_neither_reads_nor_writes_an_office(pair: Two) -> None:
    name_responsible(pair[0], f"boss@{pair[0].slug}.example")
    stranger = provision("clock-stranger")
    with stranger.acting():
        assert network.selectors.models.Office.objects.count() == 0
        assert network.selectors.answering(id=pair[0].id) == {}
        # Nor by asking to be a partner, or by being declined.
        invited = network.invite(slug=pair[0].slug, role="supplier", document_types=["order"], by=stranger.actor, at=AT).partnership_id
        assert network.selectors.models.Office.objects.count() == 0
    with pair[0].acting():
        network.decline(partnership=invited, by=pair[0].actor, at=AT)
    with stranger.acting():
        assert network.selectors.models.Office.objects.count() == 0
    with pair[1].acting():
        assert [row.email for row in network.selectors.models.Office.objects.all()] == [f"boss@{pair[0].slug}.example"]
        assert network.selectors.models.Office.objects.update(email="x@y.example") == 0


# What holds of all ------------------------------------------------------------------------------------------------------


def test_every_stage_is_later_than_the_one_before() -> None:
    parts = [part for _stage, part, _step in clocking.STAGES]
    assert all(one < other for one, other in itertools.pairwise(parts))
    assert {stage: part for stage, part, _step in clocking.STAGES}["late"] == 1


def test_only_what_waits_for_somebody_has_a_clock() -> None:
    for document_type in TYPES.values():
        for state in document_type.states:
            waits = document_type.waits_for(state.code)
            assert waits is None or (document_type.clocked and state.waits_for == waits and not state.final)
