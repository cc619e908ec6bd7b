"""What both sides said, folded: outcomes, splits, prices, and the one result of simultaneous moves whatever the order of arrival."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import replace
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.documents.services import folding, wording
from apps.documents.services.folding import Content, Line, Offer, Said, Schedule, fold
from apps.documents.types import TYPES
from apps.documents.vocabulary import OTHER
from apps.exchange.services.chaining import canonical

ORDER = TYPES["order"]
JANUARY, FEBRUARY = dt.date(2027, 1, 15), dt.date(2027, 2, 15)


def a_line(position: int, quantity: str = "40", price: str | None = "81.50", due_on: dt.date | None = JANUARY) -> Line:
    schedule = Schedule(uuid.uuid5(uuid.NAMESPACE_OID, f"{position}"), Decimal(quantity), due_on)
    money = None if price is None else Decimal(price)
    return Line(id=uuid.uuid5(uuid.NAMESPACE_DNS, f"{position}"), position=position, quantity=Decimal(quantity), unit="C62", price=money, requested=[schedule])


def asked(*lines: Line) -> dict[str, Any]:
    return {"number": "1", "currency": "EUR", "issued_on": JANUARY, "note": "", "details": {}, "lines": list(lines)}


def said(side: str, move: str, number: int, seen: int, data: dict[str, Any] | None = None) -> Said:
    return Said(move=move, side=side, said=number, seen=seen, data=data or {"lines": {}})


def published(*lines: Line) -> Content:
    return folding.apply(ORDER, Content(state="draft"), said("buyer", "publish", 1, 0, asked(*(lines or (a_line(1), a_line(2, "5", "9.99"))))))


def offer(response: str, price: str | None = None, *schedules: tuple[str, dt.date | None], **more: Any) -> Offer:
    dates = [Schedule(uuid.uuid5(uuid.NAMESPACE_URL, f"{quantity}{day}"), Decimal(quantity), day) for quantity, day in schedules]
    return Offer(response, None if price is None else Decimal(price), dates, **more)


def answered(content: Content, **answers: Offer) -> Content:
    return folding.apply(ORDER, content, said("seller", "confirm", 1, 1, {"lines": {int(name[1:]): answer for name, answer in answers.items()}}))


def dates(schedules: list[Schedule] | None) -> list[tuple[str, str]]:
    return [(str(s.quantity), str(s.due_on)) for s in schedules or []]


def test_an_answer_without_lines_accepts_all() -> None:
    after = answered(published())
    assert (after.state, after.amount(), after.due_on()) == ("agreed", Decimal("3309.95"), JANUARY)
    assert [(line.offer.response, line.agreed_price, dates(line.agreed)) for line in after.lines if line.offer] == [
        ("accept", Decimal("81.50"), [("40", "2027-01-15")]),
        ("accept", Decimal("9.99"), [("5", "2027-01-15")]),
    ]


def test_a_split_and_a_new_price_stand_beside_what_was_asked() -> None:
    after = answered(published(), n1=offer("change", "83.00", ("18", JANUARY), ("22", FEBRUARY)))
    first, second = after.lines
    assert (after.state, after.amount()) == ("confirmed", Decimal("3309.95"))
    assert (first.offer.response, first.offer.price, dates(first.offer.schedules)) == ("change", Decimal("83.00"), [("18", "2027-01-15"), ("22", "2027-02-15")])  # type: ignore[union-attr]
    assert (first.price, dates(first.requested), first.agreed) == (Decimal("81.50"), [("40", "2027-01-15")], None)
    assert second.offer.response == "accept"  # type: ignore[union-attr]
    agreed = folding.apply(ORDER, after, said("buyer", "accept_response", 2, 1))
    assert (agreed.state, agreed.amount(), agreed.due_on()) == ("agreed", Decimal("3369.95"), JANUARY)
    assert dates(agreed.lines[0].agreed) == [("18", "2027-01-15"), ("22", "2027-02-15")]


def test_all_lines_rejected_is_a_rejection_and_one_is_a_change() -> None:
    rejected = offer("reject", reason="No casting.")
    assert answered(published(), n1=rejected, n2=rejected).state == "rejected"
    part = answered(published(), n1=rejected)
    assert part.state == "confirmed"
    agreed = folding.apply(ORDER, part, said("buyer", "accept_response", 2, 1))
    assert (agreed.state, agreed.lines[0].agreed, agreed.amount()) == ("agreed", [], Decimal("49.95"))


def test_a_backorder_is_a_change() -> None:
    after = answered(published(), n1=offer("backorder", None, ("40", None), reason="Later."))
    assert (after.state, dates(after.lines[0].offer.schedules)) == ("confirmed", [("40", "None")])  # type: ignore[union-attr]


def test_a_counter_changes_what_is_asked_and_the_next_answer_answers_that() -> None:
    confirmed = answered(published(), n1=offer("change", "83.00"))
    counter = {"lines": {1: offer("change", "82.00", ("30", JANUARY), ("6", FEBRUARY))}}
    countered = folding.apply(ORDER, confirmed, said("buyer", "counter", 2, 1, counter))
    first = countered.lines[0]
    assert (countered.state, first.quantity, first.price, dates(first.requested)) == (
        "countered", Decimal("36"), Decimal("82.00"), [("30", "2027-01-15"), ("6", "2027-02-15")],
    )  # fmt: skip
    again = folding.apply(ORDER, countered, said("seller", "confirm", 2, 2))
    assert (again.state, again.amount()) == ("agreed", Decimal("3001.95"))


def test_a_refused_answer_leaves_the_order_as_asked() -> None:
    confirmed = answered(published(), n1=offer("change", "83.00"))
    refused = folding.apply(ORDER, confirmed, said("buyer", "refuse_response", 2, 1))
    assert (refused.state, refused.amount(), refused.lines[0].price) == ("refused", Decimal("3309.95"), Decimal("81.50"))


def test_applying_leaves_the_content_before_as_it_was() -> None:
    before = published()
    kept = replace(before, lines=[replace(line) for line in before.lines])
    answered(before, n1=offer("change", "83.00"))
    assert before == kept


@pytest.mark.parametrize(
    ("lines", "amount"),
    [
        ([a_line(1, "3", "0.333333")], "1.00"),
        ([a_line(1, "1", "0.005")], "0.01"),
        ([a_line(1, "1", "0.015")], "0.02"),
        ([a_line(1, "999999999999", "0.01")], "9999999999.99"),
        ([replace(a_line(1, "250", "12.00"), price_base=Decimal(100))], "30.00"),
        ([a_line(1), a_line(2, "5", None)], None),
    ],
)
def test_amounts(lines: list[Line], amount: str | None) -> None:
    assert published(*lines).amount() == (None if amount is None else Decimal(amount))


@pytest.mark.parametrize("first", ["buyer", "seller"])
def test_of_two_simultaneous_moves_the_heavier_stands(first: str) -> None:
    publish = said("buyer", "publish", 1, 0, asked(a_line(1)))
    confirm, cancel = said("seller", "confirm", 1, 1), said("buyer", "cancel", 2, 0)
    moves = [publish, *([cancel, confirm] if first == "buyer" else [confirm, cancel])]
    content, overruled = fold(ORDER, moves)
    assert (content.state, overruled, content.lines[0].offer) == ("cancelled", [confirm], None)


def test_a_move_that_was_seen_is_not_simultaneous() -> None:
    publish, acknowledge = said("buyer", "publish", 1, 0, asked(a_line(1))), said("seller", "acknowledge", 1, 1)
    cancel = said("buyer", "cancel", 2, 1)
    assert fold(ORDER, [publish, acknowledge, cancel])[1] == []
    assert fold(ORDER, [publish, acknowledge, replace(cancel, seen=0)])[1] == [acknowledge]


def test_a_move_that_saw_what_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="a move had seen another that is not there"):
        fold(ORDER, [said("buyer", "publish", 1, 1, asked(a_line(1)))])


# Conversations at random ---------------------------------------------------------------------------------------------

ANSWERS = {
    "offer": [
        *({"lines": {}}, {"lines": {1: offer("change", "83.00", ("18", JANUARY), ("22", FEBRUARY))}}),
        *({"lines": {1: offer("reject"), 2: offer("reject")}}, {"lines": {2: offer("reject")}}),
    ],
    "counter": [{"lines": {1: offer("change", "82.00")}}, {"lines": {2: offer("change", None, ("7", FEBRUARY))}}],
    "ask": [asked(a_line(1), a_line(2, "5", "9.99"))],
    "change": [
        *({"lines": {1: offer("change", "80.00", ("45", FEBRUARY))}}, {"lines": {2: offer("cancel")}}),
        *({"lines": {1: offer("change", "80.00", ("10", JANUARY), ("20", FEBRUARY)), 2: offer("change", "9.99", ("6", JANUARY))}}, {"lines": {}}),
    ],
    "propose": [{"lines": {1: offer("change", "85.00", ("38", FEBRUARY))}}, {"lines": {2: offer("reject")}}, {"lines": {7: offer("change")}}],
    "close": [{"outcome": "short"}],
}  # fmt: skip


class Desk:
    """One side, as its home would compute it: what it said, what of the other side's has arrived."""

    def __init__(self, side: str) -> None:
        self.side = side
        self.own: list[Said] = []
        self.taken: list[Said] = []
        self.content = Content(state=ORDER.draft)

    def say(self, code: str, data: dict[str, Any]) -> Said:
        made = Said(move=code, side=self.side, said=len(self.own) + 1, seen=len(self.taken), data=data)
        self.content = folding.apply(ORDER, self.content, made)
        self.own.append(made)
        return made

    def take(self, made: Said) -> None:
        """As documents.services.moving does it: simply where the mover had seen all of ours, else folded anew."""
        self.taken.append(made)
        if folding.simultaneous(made, others=len(self.own)):
            self.content = fold(ORDER, [*self.own, *self.taken])[0]
        else:
            self.content = folding.apply(ORDER, self.content, made)


@settings(max_examples=400, deadline=None)
@given(choices=st.lists(st.tuples(st.sampled_from(["buyer", "seller"]), st.booleans(), st.integers(0, 30)), min_size=3, max_size=40))
def test_both_sides_compute_the_same_whatever_arrives_when(choices: list[tuple[str, bool, int]]) -> None:
    desks = {side: Desk(side) for side in ("buyer", "seller")}
    waiting: dict[str, list[Said]] = {"buyer": [], "seller": []}
    waiting["seller"].append(desks["buyer"].say("publish", ANSWERS["ask"][0]))
    for side, takes, pick in choices:
        desk = desks[side]
        moves = ORDER.moves_for(state=desk.content.state, side=side)
        if takes and waiting[side]:
            desk.take(waiting[side].pop(0))
        elif moves and (side == "buyer" or desk.taken):
            move = moves[pick % len(moves)]
            data = ANSWERS.get(move.effect, [{"lines": {}}])
            waiting[OTHER[side]].append(desk.say(move.code, data[pick % len(data)]))
        assert desk.content == fold(ORDER, [*desk.own, *desk.taken])[0]
    for side, desk in desks.items():
        while waiting[side]:
            desk.take(waiting[side].pop(0))
    buyer, seller = desks["buyer"], desks["seller"]
    assert buyer.content == seller.content
    assert fold(ORDER, [*buyer.own, *seller.own]) == fold(ORDER, [*reversed(seller.own), *reversed(buyer.own)])


# Words over the border -----------------------------------------------------------------------------------------------

numbers = st.decimals(min_value=0, max_value=Decimal("999999999999.999999"), places=6, allow_nan=False)
texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)
days = st.none() | st.dates(dt.date(1990, 1, 1), dt.date(2199, 12, 31))
bags = st.dictionaries(texts, texts | st.integers(-(2**53), 2**53) | st.none(), max_size=3)
schedules = st.lists(st.builds(Schedule, st.uuids(), numbers, days), max_size=4)
lines = st.builds(
    Line, id=st.uuids(), position=st.integers(1, 10_000), quantity=numbers, unit=st.sampled_from(["C62", "KGM"]), price=st.none() | numbers,
    requested=schedules, reference=texts, buyer_item=texts, seller_item=texts, gtin=texts, name=texts, price_base=st.none() | numbers, note=texts, details=bags,
    offer=st.none(), agreed=st.none(), agreed_price=st.none(),
)  # fmt: skip
offers = st.builds(Offer, st.sampled_from(wording.RESPONSES), st.none() | numbers, schedules, texts, st.none() | bags, st.none() | bags)


@settings(max_examples=100, deadline=None)
@given(number=texts, day=days, note=texts, details=bags, given_lines=st.lists(lines, max_size=4))
def test_what_is_asked_comes_over_the_border_unchanged(number: str, day: dt.date | None, note: str, details: dict[str, Any], given_lines: list[Line]) -> None:
    data = {"number": number, "currency": "EUR", "issued_on": day, "note": note, "details": details, "lines": given_lines, "reason": ""}
    assert wording.parse("ask", through_json(wording.write("ask", data))) == data


@settings(max_examples=100, deadline=None)
@given(answers=st.dictionaries(st.integers(1, 10_000), offers, max_size=4), effect=st.sampled_from(["offer", "counter"]))
def test_answers_come_over_the_border_unchanged(answers: dict[int, Offer], effect: str) -> None:
    data = {"note": "", "reason": "", "lines": answers}
    assert wording.parse(effect, through_json(wording.write(effect, data))) == data


def through_json(value: Any) -> Any:
    assert canonical(value) == canonical(orjson.loads(canonical(value)))
    return orjson.loads(canonical(value))
