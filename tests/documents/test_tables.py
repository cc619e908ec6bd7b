"""Conversations at random through the services and the exchange: the tables of both sides hold what the log says, and the same."""

from __future__ import annotations

import contextlib
import uuid
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.base.findings import Invalid
from apps.documents import models
from apps.documents import selectors as documents
from apps.documents import services as engine
from apps.documents.services import storing
from apps.documents.services.folding import Content, Schedule
from apps.documents.types import TYPES
from apps.exchange import crossing
from apps.exchange import services as exchange
from apps.exchange.services import lifting
from apps.tenants import boundary
from tests.cast import Member, line, make_pair, move, order

ORDER = TYPES["order"]
SPLIT = {
    "line": 1,
    "response": "change",
    "price": "83.00",
    "schedules": [{"quantity": "18", "due_on": "2027-01-15"}, {"quantity": "22.5", "due_on": "2027-02-15"}],
}
REJECTED = [{"line": n, "response": "reject", "reason": "No."} for n in (1, 2)]
SAYINGS: dict[str, list[dict[str, Any]]] = {
    "offer": [{}, {"lines": [SPLIT]}, {"lines": REJECTED}, {"lines": REJECTED[1:]}, {"lines": [SPLIT, REJECTED[1]]}],
    "counter": [{"lines": [{"line": 1, "price": "82.00"}]}, {"lines": [{"line": 2, "schedules": [{"quantity": "7", "due_on": "2027-02-15"}]}]}],
    "change": [
        {"lines": [{"line": 1, "price": "80.00", "schedules": [{"quantity": "45", "due_on": "2027-02-20"}]}]},
        {"lines": [{"line": 2, "response": "cancel"}]},
        {"lines": [{"line": 2, "schedules": [{"quantity": "9", "due_on": "2027-02-20"}]}]},
    ],
    "propose": [{"lines": [SPLIT]}, {"lines": REJECTED[1:]}],
}


@pytest.fixture(scope="module")
def partners(database: None) -> tuple[Member, Member]:
    return make_pair()


@pytest.fixture
def by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is delivered but by the test, one envelope at a time."""
    monkeypatch.setattr(crossing, "carry", lambda **_: None)
    monkeypatch.setattr(lifting, "BATCH", 1)


def take_one(receiver: Member, sender: Member) -> None:
    with sender.acting(), boundary.enter(receiver.home):
        lifting.deliver_batch(crossing.Inbound(sender.id))


def take_all(receiver: Member, sender: Member) -> None:
    with sender.acting():
        crossing.deliver(sender=sender.id, receiver=receiver.id)


def held(member: Member, document: uuid.UUID) -> Content:
    with member.acting():
        return storing.load(models.Document.objects.get(pk=document))


def shape(content: Content) -> list[Any]:
    """What must be the same on both sides: all but the items' numbers, which each completes from its own catalogue."""

    def dates(schedules: list[Schedule] | None) -> list[Any]:
        return [(s.id, s.quantity, s.due_on) for s in schedules or []]

    rows = [
        (
            *(row.id, row.position, row.quantity, row.unit, row.price, row.agreed_price, dates(row.requested), dates(row.agreed)),
            row.offer and (row.offer.response, row.offer.price, row.offer.reason, dates(row.offer.schedules)),
        )
        for row in content.lines
    ]
    return [content.state, content.number, content.currency, content.issued_on, content.note, content.amount(), content.due_on(), rows]


@settings(max_examples=25, deadline=None)
@given(choices=st.lists(st.tuples(st.sampled_from([0, 1]), st.booleans(), st.integers(0, 30)), min_size=2, max_size=12))
def test_both_homes_hold_the_same_whatever_arrives_when(partners: tuple[Member, Member], choices: list[tuple[int, bool, int]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crossing, "carry", lambda **_: None)
        patch.setattr(lifting, "BATCH", 1)
        document = converse(partners, choices)
    buyer, seller = partners
    assert shape(held(buyer, document)) == shape(held(seller, document))
    for member in partners:
        with member.acting():
            checked, differences = exchange.verify()
            assert differences == []
            assert [(c.delivered, c.halted) for c in checked] == [(c.envelopes, False) for c in checked]


def converse(partners: tuple[Member, Member], choices: list[tuple[int, bool, int]]) -> uuid.UUID:
    """Random moves of both sides, with deliveries at random between them; in the end all is delivered."""
    document = order(*partners, [line("A-1"), line("A-2", "5", "9.99")])
    for index, takes, pick in choices:
        member, other = partners[index], partners[1 - index]
        if takes:
            take_one(member, other)
            continue
        with member.acting():
            head = documents.head(id=document)
            moves = documents.moves_now(ORDER, head, member.actor) if head else []
        if moves:
            declared = moves[pick % len(moves)]
            sayings = SAYINGS.get(declared.effect, [{}])
            with contextlib.suppress(engine.NotAllowed, Invalid):  # nothing has come that could be closed, or nothing would change
                move(member, document, declared.code, {"reason": "So it is.", **sayings[pick % len(sayings)]})
    for _round in range(2):
        take_all(partners[1], partners[0])
        take_all(partners[0], partners[1])
    return document


@pytest.mark.usefixtures("by_hand")
def test_the_loser_of_two_simultaneous_moves_is_told(pair: tuple[Member, Member]) -> None:
    buyer, seller = pair
    document = order(buyer, seller)
    take_all(seller, buyer)
    move(seller, document, "confirm")
    move(buyer, document, "cancel")
    take_all(buyer, seller)
    take_all(seller, buyer)
    for member, steps in (
        (buyer, [("draft", False, True), ("publish", False, True), ("cancel", False, True), ("confirm", True, False)]),
        (seller, [("publish", False, False), ("confirm", True, True), ("cancel", False, False)]),
    ):
        with member.acting():
            assert [(step["move"], step["overruled"], step["own"]) for step in documents.history(id=document)] == steps
            whole = documents.whole(id=document)
            assert whole is not None
            assert (whole.head["state"], str(whole.head["amount"]), whole.lines[0]["response"]) == ("cancelled", "3260.00", "")
            assert exchange.verify()[1] == []


@pytest.mark.usefixtures("by_hand")
def test_what_was_agreed_and_overruled_leaves_no_quantity(pair: tuple[Member, Member]) -> None:
    buyer, seller = pair
    document = order(buyer, seller)
    take_all(seller, buyer)
    move(seller, document, "confirm")
    with seller.acting():
        assert [dict(kinds) for kinds in documents.progress(id=document).values()] == [{"ordered": 40, "confirmed": 40}]
    move(buyer, document, "cancel")
    take_all(seller, buyer)
    with seller.acting():
        assert [dict(kinds) for kinds in documents.progress(id=document).values()] == [{"ordered": 0, "confirmed": 0}]
        assert models.Schedule.objects.filter(line__document=document).order_by("kind").values_list("kind", flat=True).distinct().count() == 2
