"""The scorecard: what was promised first is what is judged, both sides see the same, and all of it comes out of the log again."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.documents import selectors as documents
from apps.documents import services as engine
from apps.documents.selectors import Promised, Scorecard
from apps.documents.services import folding, wording
from apps.documents.services.folding import Said
from apps.documents.types import TYPES
from tests.cast import AT, Member, ask, fresh_number, line, move, order
from tests.logistics.deliveries import advice, partners

DAY = dt.date(2027, 3, 1)
LONG_AFTER = dt.date(2028, 1, 1)


@pytest.fixture
def pair(database: None) -> tuple[Member, Member]:
    return partners()


def at(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(12), dt.UTC)


def dates(*given: tuple[str, dt.date]) -> list[dict[str, Any]]:
    return [{"quantity": quantity, "due_on": day.isoformat()} for quantity, day in given]


def asked(buyer: Member, seller: Member, *given: tuple[str, dt.date], item: str = "A-1", **more: Any) -> uuid.UUID:
    total = str(sum(Decimal(quantity) for quantity, _day in given))
    return order(buyer, seller, [line(item, total, schedules=dates(*given))], **more)


def answer(seller: Member, document: uuid.UUID, *given: tuple[str, dt.date], **more: Any) -> None:
    """Promise these dates on the first line; as asked where there are none."""
    move(seller, document, "confirm", {"lines": [{"line": 1, "response": "change", "schedules": dates(*given)}]} if given else None, **more)


def deliver(pair: tuple[Member, Member], document: uuid.UUID, quantity: str, day: dt.date, **said: Any) -> None:
    """Ship a quantity of the first line, and receive it that day."""
    buyer, seller = pair
    shipped = advice(seller, [{"order": document, "line": 1, "quantity": quantity}])
    given = {"number": fresh_number("RA"), "despatch_advice": str(shipped), "lines": [{"line": 1, "received": quantity, **said}]}
    with buyer.acting():
        receipt = engine.enter(type="receipt_advice", given=given, by=buyer.actor, at=at(day))
        engine.make(type="receipt_advice", document=receipt, move="send", data={}, by=buyer.actor, at=at(day))


def card(reader: Member, partner: Member, side: str = "buyer", today: dt.date = LONG_AFTER, **more: Any) -> Scorecard:
    with reader.acting():
        return documents.scorecard(partner_id=partner.id, side=side, today=today, **more)


def both(pair: tuple[Member, Member], **more: Any) -> Scorecard:
    """The card as the buyer sees it; the seller sees the same, but for his own names of the items."""
    buyer, seller = pair
    mine, theirs = card(buyer, seller, **more), card(seller, buyer, "seller", **more)
    assert (mine.whole, mine.months, mine.answered, mine.answer_hours, mine.received, mine.as_advised) == (
        theirs.whole, theirs.months, theirs.answered, theirs.answer_hours, theirs.received, theirs.as_advised,
    )  # fmt: skip
    assert [told(row) for row in mine.rows] == [told(row) for row in theirs.rows]
    return mine


def told(row: Promised) -> tuple[Any, ...]:
    return row.order, row.line, row.quantity, row.requested_on, row.first_on, row.last_on, row.came_on, row.judged


def later(days: int) -> dt.date:
    return DAY + dt.timedelta(days)


def test_what_was_promised_first_is_judged(pair: tuple[Member, Member]) -> None:
    buyer, seller = pair
    found = asked(buyer, seller, ("40", DAY))
    answer(seller, found, ("40", later(5)))
    move(buyer, found, "refuse_response")
    answer(seller, found, ("40", later(20)))
    move(buyer, found, "accept_response")
    assert [told(row) for row in both(pair, today=DAY).rows] == [(found, 1, Decimal(40), DAY, later(5), later(20), None, "open")]
    assert both(pair, today=later(6)).whole.overdue == 1
    deliver(pair, found, "40", later(12))
    scored = both(pair)
    assert [told(row) for row in scored.rows] == [(found, 1, Decimal(40), DAY, later(5), later(20), later(12), "late")]
    assert (scored.whole.share, scored.whole.days_late, scored.whole.as_last, scored.whole.as_asked) == (Decimal("0.00"), 7, 1, 0)
    assert scored.whole.values == {"EUR": Decimal("3260.00")}
    assert scored.months[0][0] == dt.date(2027, 3, 1)


def test_each_date_of_a_split_promise_is_judged_by_what_came_by_then(pair: tuple[Member, Member]) -> None:
    buyer, seller = pair
    found = asked(buyer, seller, ("30", DAY))
    answer(seller, found, ("18", DAY), ("12", later(31)))
    move(buyer, found, "accept_response")
    deliver(pair, found, "10", later(-1))
    deliver(pair, found, "10", later(2))
    deliver(pair, found, "10", later(30))
    rows = sorted(both(pair).rows, key=lambda row: row.first_on)
    assert [(row.quantity, row.requested_on, row.first_on, row.came_on, row.judged) for row in rows] == [
        (Decimal(18), DAY, DAY, later(2), "late"),
        (Decimal(12), DAY, later(31), later(30), "on_time"),
    ]
    assert (both(pair).whole.share, both(pair).whole.as_asked) == (Decimal("50.00"), 0)


def test_what_is_rejected_has_not_come(pair: tuple[Member, Member]) -> None:
    buyer, seller = pair
    found = asked(buyer, seller, ("40", DAY))
    answer(seller, found)
    deliver(pair, found, "40", DAY, rejected="1", reason=1, action=1)
    scored = both(pair)
    assert (scored.whole.overdue, scored.received, scored.as_advised) == (1, 1, 0)
    deliver(pair, found, "1", later(3))
    assert both(pair).whole.days_late == 3


def test_what_was_cancelled_or_never_promised_is_not_judged(pair: tuple[Member, Member]) -> None:
    buyer, seller = pair
    gone = asked(buyer, seller, ("40", DAY))
    answer(seller, gone)
    move(buyer, gone, "cancel", {"reason": "Not needed"})
    move(seller, gone, "accept_cancel")
    asked(buyer, seller, ("40", DAY))
    refused = asked(buyer, seller, ("40", DAY))
    move(seller, refused, "confirm", {"lines": [{"line": 1, "response": "reject", "reason": "No."}]})
    assert both(pair).rows == []


def test_a_counter_proposal_adds_to_the_first_promise_what_goes_beyond_it(pair: tuple[Member, Member]) -> None:
    buyer, seller = pair
    found = asked(buyer, seller, ("40", DAY))
    answer(seller, found, ("30", later(2)))
    move(buyer, found, "counter", {"lines": [{"line": 1, "schedules": dates(("50", later(4)))}]})
    answer(seller, found)
    rows = sorted(both(pair).rows, key=lambda row: row.first_on)
    assert [told(row)[2:6] for row in rows] == [(Decimal(30), DAY, later(2), later(4)), (Decimal(20), later(4), later(4), later(4))]


def test_period_and_item_narrow_it(pair: tuple[Member, Member]) -> None:
    buyer, seller = pair
    for days, item in ((0, "A-1"), (40, "A-1"), (40, "A-2")):
        found = asked(buyer, seller, ("40", later(days)), item=item)
        answer(seller, found, at=AT + dt.timedelta(hours=days))
    assert both(pair).whole.overdue == 3
    assert both(pair, first_day=DAY, last_day=DAY).whole.overdue == 1
    assert card(buyer, seller, item="A-2").whole.overdue == 1
    assert card(seller, buyer, "seller", item="S-2").whole == card(buyer, seller, item="A-2").whole
    assert card(buyer, seller, item="A-9").whole == documents.Kept(values={})
    assert [(item, kept.overdue) for item, _name, kept in both(pair).items] == [("A-1", 2), ("A-2", 1)]
    assert (both(pair).answered, both(pair).answer_hours) == (3, Decimal("26.7"))


def test_nobody_else_has_anything_of_it(pair: tuple[Member, Member]) -> None:
    buyer, seller = pair
    answer(seller, asked(buyer, seller, ("40", DAY)))
    other, _seller = partners()
    for side in ("buyer", "seller"):
        for asked_for in (buyer, seller):
            assert card(other, asked_for, side).rows == []


# The same by the engine: a document folded move by move, as `verify` does, and each line's promises as they were then.


def by_hand(reader: Member, document: uuid.UUID) -> list[tuple[Any, ...]]:
    """The ledger of one document, out of the envelopes."""
    order_type = TYPES["order"]
    envelopes = ask("SELECT body FROM exchange_envelope WHERE document = %s", [document])
    said = [_said(json.loads(row["body"])["content"]) for row in envelopes]
    content, lost = folding.fold(order_type, said)
    kept = [one for one in said if one not in lost]
    found: list[tuple[Any, ...]] = []
    for told_line in content.lines:
        if told_line.agreed is None:
            continue
        asks, promises = _ledger(kept, told_line.position)
        found += _stretches(document, told_line, asks, promises, _came(reader, document, told_line.position))
    return found


def _said(body: Mapping[str, Any]) -> Said:
    declared = TYPES["order"].find_move(body["move"])
    assert declared is not None
    return Said(move=body["move"], side=body["side"], said=body["said"], seen=body["seen"], data=wording.parse(declared.effect, body["data"]))


def _ledger(kept: Sequence[Said], position: int) -> tuple[list[Any], list[Any]]:
    """What was asked of a line, and promised, each time."""
    asks: list[tuple[int, Any]] = []
    for one in sorted((one for one in kept if one.side == "buyer"), key=lambda one: one.said):
        if one.move == "publish":
            asks.append((one.said, next(row.requested for row in one.data["lines"] if row.position == position)))
        elif one.move == "counter" and position in one.data["lines"] and one.data["lines"][position].schedules:
            asks.append((one.said, one.data["lines"][position].schedules))
    promises = []
    for one in sorted((one for one in kept if one.move == "confirm"), key=lambda one: one.said):
        offer = one.data["lines"].get(position)
        if offer is None or offer.response != "reject":
            standing = [schedules for said, schedules in asks if said <= one.seen][-1]
            promises.append(offer.schedules if offer and offer.schedules else standing)
    return [schedules for _said, schedules in asks], promises


def _came(reader: Member, document: uuid.UUID, position: int) -> list[tuple[Decimal, dt.date]]:
    query = (
        f'SELECT q.quantity, p.at FROM "{reader.home.schema}".documents_quantity q JOIN "{reader.home.schema}".documents_step p ON p.id = q.step_id '
        f'JOIN "{reader.home.schema}".documents_schedule s ON s.id = q.schedule_id JOIN "{reader.home.schema}".documents_line l ON l.id = s.line_id '
        "WHERE l.document_id = %s AND l.position = %s AND q.kind = 'accepted' ORDER BY p.at"
    )
    return [(row["quantity"], row["at"].date()) for row in ask(query, [document, position])]


def _reached(stretches: Iterable[tuple[Decimal, dt.date]], mark: Decimal) -> dt.date | None:
    """The day on which a sum of quantities reaches a mark."""
    so_far = Decimal(0)
    for quantity, day in stretches:
        so_far += quantity
        if so_far >= mark:
            return day
    return None


def _sorted(schedules: Sequence[Any]) -> list[tuple[Decimal, dt.date]]:
    return sorted(((each.quantity, each.due_on) for each in schedules), key=lambda each: each[1])


def _stretches(document: uuid.UUID, told_line: Any, asks: Sequence[Any], promises: Sequence[Any], came: Any) -> list[tuple[Any, ...]]:
    agreed, reached, found = sum((each.quantity for each in told_line.agreed), Decimal(0)), Decimal(0), []
    for promise in promises:
        high = Decimal(0)
        for quantity, day in _sorted(promise):
            high += quantity
            low, mark = max(reached, high - quantity), min(high, agreed)
            if low < mark:
                requested = next((on for each in asks if (on := _reached(_sorted(each), mark))), None)
                last, on = _reached(_sorted(promises[-1]), mark), _reached(came, mark)
                judged = "overdue" if on is None else "late" if on > day else "on_time"
                found.append((document, told_line.position, mark - low, requested, day, last, on, judged))
        reached = max(reached, high)
    return found


SOME = st.lists(st.tuples(st.integers(1, 20), st.integers(0, 30)), min_size=1, max_size=3)
TALK = st.lists(st.one_of(st.tuples(st.just("counter"), SOME), st.tuples(st.just("refuse"), SOME)), max_size=3)
COMING = st.lists(st.tuples(st.integers(1, 20), st.integers(0, 40)), max_size=3)


@settings(max_examples=12, deadline=None)
@given(asking=SOME, first=SOME, talk=TALK, coming=COMING, accepted=st.booleans())
def test_the_ledger_comes_out_of_the_log_again(database: None, asking: Any, first: Any, talk: Any, coming: Any, accepted: bool) -> None:
    buyer, seller = pair = _pair()
    found = asked(buyer, seller, *_days(asking))
    promise: Any = first
    for deed, schedules in [*talk, ("end", [])]:
        answer(seller, found, *_days(promise))
        if _state(buyer, found) != "confirmed":
            break
        if deed == "counter":
            move(buyer, found, "counter", {"lines": [{"line": 1, "schedules": dates(*_days(schedules))}]})
        elif deed == "refuse":
            move(buyer, found, "refuse_response")
        elif accepted:
            move(buyer, found, "accept_response")
        promise = schedules if deed == "refuse" else []
    if _state(buyer, found) == "agreed":
        _deliver_some(pair, found, coming)
    mine = [told(row) for row in card(buyer, seller, rows=500).rows if row.order == found]
    theirs = [told(row) for row in card(seller, buyer, "seller", rows=500).rows if row.order == found]
    assert sorted(mine, key=str) == sorted(theirs, key=str) == sorted(by_hand(buyer, found), key=str)


_partners: list[tuple[Member, Member]] = []


def _pair() -> tuple[Member, Member]:
    if not _partners:
        _partners.append(partners())
    return _partners[0]


def _days(given: Iterable[tuple[int, int]]) -> list[tuple[str, dt.date]]:
    return [(str(quantity), later(days)) for quantity, days in given]


def _state(member: Member, document: uuid.UUID) -> str:
    with member.acting():
        head = documents.head(id=document)
    assert head is not None
    return str(head["state"])


def _deliver_some(pair: tuple[Member, Member], document: uuid.UUID, coming: Iterable[tuple[int, int]]) -> None:
    for quantity, days in coming:
        with pair[1].acting():
            left = documents.agreed_lines(orders=[document])[0].sums.to_ship
        if left:
            deliver(pair, document, str(min(Decimal(quantity), left)), later(days))
