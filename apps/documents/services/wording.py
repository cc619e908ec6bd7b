"""The words of a move: from what a person, a partner or a message says to what the engine takes, and to what crosses.

`read_*` take input from outside and give engine values, or raise Invalid with every finding. `write`, `parse` carry a move's
data over the border: plain JSON, numbers as text, so that its bytes are the same for everybody.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from apps.base import fields, units
from apps.base.findings import Finding, Invalid, refuse
from apps.base.models import new_id
from apps.documents.services.folding import GIVEN_UP, Line, Offer, Schedule

MOST_LINES, MOST_SCHEDULES = 10_000, 400
ANSWERING = ("offer", "counter", "promise", "repromise", "change", "propose")
"""The effects whose moves answer line by line."""
SAYING = ("ask", "restate")
"""The effects whose moves say whole lines."""
RESPONSES = ("accept", "change", "reject", "backorder")


class Reader:
    """Reads values at places of an input and collects what is wrong, so that all of it is told at once."""

    def __init__(self, *, lenient: bool = False) -> None:
        self.findings: list[Finding] = []
        self.lenient = lenient

    def take(self, pointer: str, read: Callable[[Any], Any], value: Any, default: Any) -> Any:
        """The value as read, or the default and a finding at `pointer`."""
        try:
            return read(value)
        except fields.Unreadable as error:
            self.findings.append(Finding(pointer, error.code, str(error)))
            return default

    def text(self, pointer: str, value: Any, limit: int, *, required: bool = False) -> str:
        return str(self.take(pointer, lambda given: fields.text(given, limit=limit, required=required), value, ""))

    def unit(self, pointer: str, value: Any) -> str:
        """A known unit; from a standard message any code that has the form of one, since the message was checked against its own list, or none."""
        if self.lenient and (value is None or (isinstance(value, str) and 1 <= len(value) <= 3 and value.isalnum())):
            return value or ""
        return str(self.take(pointer, units.unit, value, ""))

    def currency(self, pointer: str, value: Any) -> str:
        """A currency in force; from a standard message any code that has the form of one, or none."""
        if self.lenient and (value is None or (isinstance(value, str) and len(value) == 3 and value.isalpha())):
            return value or ""
        return str(self.take(pointer, fields.currency, value, ""))

    def bag(self, pointer: str, value: Any) -> dict[str, Any]:
        """A JSON object of whatever the other side adds; empty where there is none."""
        return dict(self.take(pointer, fields.bag, value, {}))

    def found(self, pointer: str, code: str, detail: str) -> None:
        self.findings.append(Finding(pointer, code, detail))

    def done(self) -> None:
        if self.findings:
            raise Invalid(self.findings)


def read_lines(reader: Reader, given: Any, *, dated: bool = True) -> list[Line]:
    """The lines of a document: at least one, at most 10,000; each a mapping as in the contract. dated: a line says when it is due."""
    if not isinstance(given, Sequence) or isinstance(given, str) or not given:
        reader.found("/lines", "required", _("Give at least one line."))
        return []
    if len(given) > MOST_LINES:
        reader.found("/lines", "too_many", _("A document has at most 10,000 lines; this one has %(count)d. Split it.") % {"count": len(given)})
        return []
    return [_read_line(reader, f"/lines/{index}", index + 1, line, dated=dated) for index, line in enumerate(given)]


def _read_line(reader: Reader, at: str, position: int, given: Any, *, dated: bool) -> Line:
    if not isinstance(given, Mapping):
        reader.found(at, "line", _("A line is an object with item, quantity, unit and schedules."))
        given = {}
    # A line of what was shipped may say that nothing was.
    quantity = reader.take(f"{at}/quantity", fields.quantity if dated else fields.quantity_or_none, given.get("quantity"), Decimal(0))
    undated = not dated and given.get("schedules") is None
    schedules = [Schedule(new_id(), quantity, None)] if undated else _read_schedules(reader, at, given.get("schedules"), quantity)
    readable = dated and quantity and schedules and all(s.quantity for s in schedules)
    if readable and not reader.lenient and sum(s.quantity for s in schedules) != quantity:
        reader.found(f"{at}/schedules", "sum", _("The quantities of the dates must add up to the quantity of the line."))
    price = given.get("price")
    base = given.get("price_base")
    return Line(
        id=new_id(),
        position=position,
        quantity=quantity,
        unit=reader.unit(f"{at}/unit", given.get("unit")),
        price=None if price is None else reader.take(f"{at}/price", fields.price, price, None),
        price_base=None if base is None else reader.take(f"{at}/price_base", fields.quantity, base, None),
        requested=schedules,
        reference=reader.text(f"{at}/reference", given.get("reference"), 60),
        buyer_item=reader.text(f"{at}/item", given.get("buyer_item") or given.get("item"), 60),
        seller_item=reader.text(f"{at}/seller_item", given.get("seller_item"), 60),
        gtin=reader.text(f"{at}/gtin", given.get("gtin"), 14),
        name=reader.text(f"{at}/name", given.get("name"), 500),
        note=reader.text(f"{at}/note", given.get("note"), 4000),
        details=reader.bag(f"{at}/details", given.get("details")),
    )


def _read_schedules(reader: Reader, at: str, given: Any, whole: Decimal) -> list[Schedule]:
    if given is None and reader.lenient:
        return [Schedule(new_id(), whole, None)]
    if not isinstance(given, Sequence) or isinstance(given, str) or not given:
        reader.found(f"{at}/schedules", "required", _("Say when it is due: at least one date with its quantity."))
        return []
    if len(given) > MOST_SCHEDULES:
        reader.found(f"{at}/schedules", "too_many", _("A line has at most 400 dates."))
        return []
    return [_read_schedule(reader, f"{at}/schedules/{index}", schedule) for index, schedule in enumerate(given)]


def _read_schedule(reader: Reader, at: str, given: Any) -> Schedule:
    if not isinstance(given, Mapping):
        reader.found(at, "schedule", _("A date is an object with quantity and due_on."))
        given = {}
    quantity = reader.take(f"{at}/quantity", fields.quantity, given.get("quantity"), Decimal(0))
    due = given.get("due_on")
    due_on = None if due is None and reader.lenient else reader.take(f"{at}/due_on", fields.date, due, None)
    return Schedule(new_id(), quantity, due_on)


def read_answers(given: Any, lines: Sequence[Line], *, lenient: bool = False, among: Collection[int] | None = None) -> dict[int, Offer]:
    """The answers to lines of a response or counter-proposal, by the position of the line. Lines not named stand as asked.

    among: only these lines are asked, and nothing else can be said of the others than that they are accepted.
    """
    if given is None:
        return {}
    reader = Reader(lenient=lenient)
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise refuse("/lines", "lines", _("Give a list of lines."))
    known = {line.position: line for line in lines}
    answers: dict[int, Offer] = {}
    for index, answer in enumerate(given):
        at = f"/lines/{index}"
        position = answer.get("line") if isinstance(answer, Mapping) else None
        if not isinstance(position, int) or isinstance(position, bool) or position not in known:
            reader.found(f"{at}/line", "line", _("The document has no line %(line)s.") % {"line": str(position)[:20]})
        elif position in answers:
            reader.found(f"{at}/line", "twice", _("Line %(line)d is answered twice. Put all its dates into one answer.") % {"line": position})
        elif among is not None and position not in among:
            if answer.get("response") == "accept":
                continue  # a message that answers a change names the other lines, too: what is agreed is accepted
            reader.found(f"{at}/line", "unchanged", _("Line %(line)d is agreed, and nothing else is asked of it.") % {"line": position})
        else:
            answers[position] = _read_answer(reader, at, answer, known[position])
    reader.done()
    return answers


def read_changes(given: Any, lines: Sequence[Line], *, waiting: Collection[int], lenient: bool = False) -> dict[int, Offer]:
    """What is to change of agreed lines, by position: `{"line", "response": "change" | "cancel", "schedules", "price", "reason"}`.

    waiting: the lines of which a change waits already. What is left out of a line stays as it is agreed, or as it was asked last; lines that would not
    change are left out. Each change says all of its line, so that it means the same whatever was agreed meanwhile.
    """
    if not isinstance(given, Sequence) or isinstance(given, str) or not given:
        raise refuse("/lines", "required", _("Say what is to change: at least one line."))
    _check_changes(given)
    cancelled = {each.get("line") for each in given if isinstance(each, Mapping) and each.get("response") == GIVEN_UP and isinstance(each.get("line"), int)}
    plain = [{**each, "response": "change"} if isinstance(each, Mapping) and each.get("response") == GIVEN_UP else each for each in given]
    standing = {line.position: line if line.position in waiting else _as_agreed(line) for line in lines}
    answers = read_answers(plain, list(standing.values()), lenient=lenient)
    whole = {position: _whole(answer, standing[position], given_up=position in cancelled) for position, answer in answers.items()}
    if changes := {position: answer for position, answer in whole.items() if position in waiting or not _is_same(answer, standing[position])}:
        return changes
    raise refuse("/lines", "same", _("Nothing would change: this is what is agreed."))


def _check_changes(given: Sequence[Any]) -> None:
    """A change says what is wanted; only an answer accepts or rejects."""
    reader = Reader()
    for index, each in enumerate(given):
        if isinstance(each, Mapping) and each.get("response", "change") not in ("change", GIVEN_UP):
            reader.found(f"/lines/{index}/response", "response", _("Say one of: change, cancel."))
    reader.done()


def read_proposals(given: Any, lines: Sequence[Line], *, lenient: bool = False) -> dict[int, Offer]:
    """What a seller offers otherwise of agreed lines, by position; beside what is agreed. Raises Invalid where nothing would change."""
    answers = read_answers(given, [_as_agreed(line) for line in lines], lenient=lenient)
    if changes := {position: answer for position, answer in answers.items() if answer.response != "accept"}:
        return changes
    raise refuse("/lines", "same", _("Nothing would change: this is what is agreed."))


def _as_agreed(line: Line) -> Line:
    return (
        line
        if line.agreed is None
        else replace(line, requested=line.agreed, quantity=sum((s.quantity for s in line.agreed), Decimal(0)), price=line.agreed_price)
    )


def _whole(answer: Offer, line: Line, *, given_up: bool) -> Offer:
    if given_up:
        return Offer(GIVEN_UP, line.price, [], answer.reason)
    dates = [(s.quantity, s.due_on) for s in answer.schedules or line.requested]
    schedules = [Schedule(new_id(), quantity, due_on) for quantity, due_on in dates]
    return Offer("change", line.price if answer.price is None else answer.price, schedules, answer.reason, answer.substitute)


def _is_same(answer: Offer, line: Line) -> bool:
    said, agreed = ([(s.quantity, s.due_on) for s in schedules] for schedules in (answer.schedules, line.requested))
    return (said, answer.price) == (agreed, line.price) and not answer.substitute


def _read_answer(reader: Reader, at: str, given: Mapping[str, Any], line: Line) -> Offer:
    response = given.get("response", "change")
    if response not in RESPONSES:
        reader.found(f"{at}/response", "response", _("Answer with one of: accept, change, reject, backorder."))
        response = "change"
    price, schedules = given.get("price"), []
    if given.get("schedules"):
        schedules = _read_schedules(reader, at, given["schedules"], line.quantity)
    reason = reader.text(f"{at}/reason", given.get("reason"), 2000)
    if response == "reject" and not reason and not reader.lenient:
        reader.found(f"{at}/reason", "required", _("Say why the line is rejected."))
    substitute = reader.bag(f"{at}/substitute", given.get("substitute")) or None
    details = None if given.get("details") is None else reader.bag(f"{at}/details", given.get("details"))
    offered = reader.take(f"{at}/price", fields.price, price, None) if price is not None else None
    return Offer(_normal(response, offered, schedules, substitute, line), offered, schedules, reason, substitute, details)


def _normal(response: str, price: Decimal | None, schedules: list[Schedule], substitute: Any, line: Line) -> str:
    """An answer that changes nothing is an acceptance, and an acceptance that changes something is a change."""
    if response not in ("accept", "change"):
        return response
    same_price = price is None or price == line.price
    dates = [(s.quantity, s.due_on) for s in schedules]
    same_dates = not schedules or dates == [(s.quantity, s.due_on) for s in line.requested]
    return "accept" if same_price and same_dates and not substitute else "change"


def _number(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")


def _day(value: dt.date | None) -> str | None:
    return None if value is None else value.isoformat()


def write_schedules(schedules: Sequence[Schedule]) -> list[dict[str, Any]]:
    return [{"id": str(s.id), "quantity": _number(s.quantity), "due_on": _day(s.due_on)} for s in schedules]


def _parse_schedules(given: Sequence[Mapping[str, Any]]) -> list[Schedule]:
    return [Schedule(uuid.UUID(s["id"]), Decimal(s["quantity"]), dt.date.fromisoformat(s["due_on"]) if s["due_on"] else None) for s in given]


def _write_line(line: Line) -> dict[str, Any]:
    return {
        "id": str(line.id),
        "line": line.position,
        "reference": line.reference,
        "buyer_item": line.buyer_item,
        "seller_item": line.seller_item,
        "gtin": line.gtin,
        "name": line.name,
        "quantity": _number(line.quantity),
        "unit": line.unit,
        "price": _number(line.price),
        "price_base": _number(line.price_base),
        "note": line.note,
        "details": line.details,
        "schedules": write_schedules(line.requested),
    }


def _parse_line(given: Mapping[str, Any]) -> Line:
    return Line(
        id=uuid.UUID(given["id"]),
        position=given["line"],
        quantity=Decimal(given["quantity"]),
        unit=given["unit"],
        price=None if given["price"] is None else Decimal(given["price"]),
        price_base=None if given["price_base"] is None else Decimal(given["price_base"]),
        requested=_parse_schedules(given["schedules"]),
        details=given["details"],
        **{name: given[name] for name in ("reference", "buyer_item", "seller_item", "gtin", "name", "note")},
    )


def _write_answer(position: int, offer: Offer) -> dict[str, Any]:
    return {
        "line": position,
        "response": offer.response,
        "price": _number(offer.price),
        "schedules": write_schedules(offer.schedules),
        "reason": offer.reason,
        "substitute": offer.substitute,
        "details": offer.details,
    }


def _parse_answer(given: Mapping[str, Any]) -> Offer:
    price = None if given["price"] is None else Decimal(given["price"])
    return Offer(given["response"], price, _parse_schedules(given["schedules"]), given["reason"], given["substitute"], given["details"])


def write(effect: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """A move's data as it crosses: plain JSON."""
    written = dict(data)
    if effect == "ask":
        written["issued_on"] = _day(data["issued_on"])
    if effect in SAYING:
        written["lines"] = [_write_line(line) for line in data["lines"]]
    elif effect in ANSWERING:
        written["lines"] = [_write_answer(position, offer) for position, offer in sorted(data["lines"].items())]
    return written


def parse(effect: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of write(). Raises KeyError, ValueError or ArithmeticError on what no sender of ours would write."""
    parsed = dict(data)
    if effect == "ask":
        parsed["issued_on"] = dt.date.fromisoformat(data["issued_on"]) if data["issued_on"] else None
    if effect in SAYING:
        parsed["lines"] = [_parse_line(line) for line in data["lines"]]
    elif effect == "close" and data["outcome"] not in ("closed", "short"):
        raise ValueError(data["outcome"])
    elif effect in ANSWERING:
        parsed["lines"] = {answer["line"]: _parse_answer(answer) for answer in data["lines"]}
    return parsed
