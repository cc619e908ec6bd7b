"""What a standard order change or cancellation means for the order of which it speaks, and the message that such a move made by hand is."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from apps.documents import selectors as documents
from apps.documents.selectors import Whole
from apps.documents.vocabulary import changed_lines
from apps.exchange.formats import Finding, Refused
from apps.exchange.formats.ubl.vocabulary import CHANGE as MEANINGS
from apps.exchange.services import answering
from apps.exchange.services.answering import reference_of

ACCEPT, COUNTER, CHANGE = "accept_response", "counter", "change"
CANCEL, ACCEPT_CANCEL = "cancel", "accept_cancel"
# The codes of UNCL 1229 with which a line of ours goes out.
DELETED, CHANGED, UNTOUCHED = "2", "3", "4"
# UBL wants a note in each cancellation, and a person need not give a reason.
NO_REASON = "Cancelled"

Terms = list[tuple[Decimal, dt.date | None]]


def read_change(content: Mapping[str, Any], order: Whole) -> tuple[str, dict[str, Any]]:
    """The move on the order, and its data, that a change (as `formats` reads it) is. Raises Refused with every finding.

    Where the buyer has an answer to consider, a change that says just what was offered accepts it, and any other is a counter-proposal.
    """
    _need_next(content, order)
    lines = {reference_of(row): row for row in order.lines}
    moves = _moves(order)
    _refuse(finding for said in content["lines"] for finding in _faults(said, lines))
    said = {lines[line["reference"]]["position"]: line for line in content["lines"]}
    note = {"note": content.get("note", "")}
    if ACCEPT in moves and all(_is_as_offered(row, said.get(row["position"]), order) for row in order.lines):
        return ACCEPT, note
    if not order.type.state(order.head["state"]).stands:
        _refuse(_given_up(line) for line in content["lines"] if _meaning(line) == "cancel")
    asked = [_asked(said[row["position"]], row, order) for row in order.lines if row["position"] in said and _meaning(said[row["position"]]) != "keep"]
    return (COUNTER if COUNTER in moves else CHANGE), {**note, "lines": asked}


def read_cancellation(content: Mapping[str, Any], order: Whole) -> tuple[str, dict[str, Any]]:
    """The same of a cancellation: it is asked, or agrees to what the seller has asked."""
    data = {"note": content.get("note", ""), "reason": content.get("reason", "")}
    return (ACCEPT_CANCEL if ACCEPT_CANCEL in _moves(order) else CANCEL), data


def _moves(order: Whole) -> set[str]:
    return {move.code for move in order.type.moves_for(state=order.head["state"], side=order.head["side"])}


def _need_next(content: Mapping[str, Any], order: Whole) -> None:
    """A change comes once, and after those before it."""
    earlier = [step["data"].get("response", {}).get("sequence", "") for step in documents.history(id=order.id) if step["own"]]
    numbers = [int(number) for number in earlier if _is_number(number)]
    said = content.get("sequence", "")
    if _is_number(said) and numbers and int(said) <= max(numbers):
        text = _("Change %(said)s of this order comes after change %(last)s was said.") % {"said": said, "last": max(numbers)}
        mend = _("Number the changes of an order upwards, and send each once; the next is %(next)s.") % {"next": max(numbers) + 1}
        _refuse([Finding(rule="TRB-SEQUENCE", place="/OrderChange/SequenceNumberID", text=text, mend=mend)])


def _is_number(text: str) -> bool:
    return text.isdecimal() and len(text) < 19


def _meaning(said: Mapping[str, Any]) -> str:
    """What becomes of a line: change, cancel, keep or add. A line without a code, but of zero, is given up."""
    meant = MEANINGS[said.get("status", "3")]
    return "cancel" if meant == "change" and "quantity" in said and Decimal(said["quantity"]) == 0 else meant


def _place(said: Mapping[str, Any], element: str) -> str:
    return f'/OrderChange/OrderLine[LineItem/ID="{said["reference"]}"]/{element}'


def _refuse(findings: Iterable[Finding]) -> None:
    """Raises Refused where there is any."""
    if found := list(findings):
        raise Refused(found)


def _given_up(said: Mapping[str, Any]) -> Finding:
    text = _("The line “%(line)s” cannot be given up before the order is agreed.") % {"line": said["reference"]}
    mend = _("Cancel the order, and order again without the line.")
    return Finding(rule="TRB-LINE-CANCEL", place=_place(said, "LineItem/LineStatusCode"), text=text, mend=mend)


def _faults(said: Mapping[str, Any], lines: Mapping[str, Mapping[str, Any]]) -> list[Finding]:
    """What speaks against one line of a change, beside the order."""
    row, meant = lines.get(said["reference"]), _meaning(said)
    if meant == "add":
        text = _("The change adds the line “%(line)s”; a change is of lines that were ordered.") % {"line": said["reference"]}
        return [Finding(rule="TRB-LINE-ADDED", place=_place(said, "LineItem/LineStatusCode"), text=text, mend=_("Order more items by an order of its own."))]
    if row is None:
        text = _("The order has no line “%(line)s”.") % {"line": said["reference"]}
        mend = _("Write into LineItem/ID the number of a line of the order: %(lines)s.") % {"lines": ", ".join(list(lines)[:20])}
        return [Finding(rule="TRB-LINE", place=_place(said, "LineItem/ID"), text=text, mend=mend)]
    return answering.misfits(said, row, lambda element: _place(said, element)) if meant == "change" else []


def _terms(schedules: Sequence[Mapping[str, Any]]) -> Terms:
    return [(one["quantity"], one["due_on"]) for one in schedules]


def _standing(row: Mapping[str, Any], order: Whole) -> Terms:
    """The dates of a line from which a change departs: what was asked last, or what is agreed."""
    kept = row["agreed"] and row["position"] not in changed_lines(order.head["details"])
    return _terms(row["schedules"].get("agreed" if kept else "requested") or [])


def _wanted(said: Mapping[str, Any], standing: Terms) -> Terms:
    """The dates that a line of a change wants; empty where it says nothing of them that is new."""
    given = [one for one in said.get("schedules", ()) if one]
    whole = sum((quantity for quantity, _due_on in standing), Decimal(0))
    if any("due_on" in one for one in given):
        found = [(Decimal(one.get("quantity", said.get("quantity", whole))), _day(one.get("due_on"))) for one in given]
        return [(quantity, due_on) for quantity, due_on in found if quantity]
    quantity = Decimal(said.get("quantity", whole))
    return [] if quantity == whole else [(quantity, standing[0][1] if len(standing) == 1 else None)]


def _day(text: str | None) -> dt.date | None:
    return dt.date.fromisoformat(text) if text else None


def _asked(said: Mapping[str, Any], row: Mapping[str, Any], order: Whole) -> dict[str, Any]:
    """One line of a change in the words of the engine."""
    asked: dict[str, Any] = {"line": row["position"], "reason": said.get("note", "")}
    if _meaning(said) == "cancel":
        return {**asked, "response": "cancel"}
    wanted = _wanted(said, _standing(row, order))
    asked |= {"response": "change", "schedules": [{"quantity": format(quantity, "f"), "due_on": day and day.isoformat()} for quantity, day in wanted]}
    return {**asked, "price": answering.price_of(said, row)} if "price" in said else asked


def _is_as_offered(row: Mapping[str, Any], said: Mapping[str, Any] | None, order: Whole) -> bool:
    """Whether what a change says of a line (None: nothing) is what the seller has offered for it."""
    meant = "keep" if said is None else _meaning(said)
    offered = row["response"] if row["response"] in ("change", "backorder", "reject") else "keep"
    if said is None or "reject" in (offered, meant) or "cancel" in (offered, meant) or meant == "keep":
        return (meant, offered) in (("keep", "keep"), ("cancel", "reject"))
    terms = _terms(row["schedules"].get("offered") or []) if offered != "keep" else _standing(row, order)
    wanted = _wanted(said, terms) or terms
    price = row["offered_price"] if offered != "keep" and row["offered_price"] is not None else row["price"]
    same_price = "price" not in said or price is None or Decimal(answering.price_of(said, row) or "-1") == price
    substitute = (row["substitute"] or {}).get("item") if offered != "keep" else None
    return sorted(wanted, key=str) == sorted(terms, key=str) and same_price and substitute in (None, "", said.get("seller_item"))


# Out -------------------------------------------------------------------------------------------------------------------


def write(step: Mapping[str, Any], order: Whole) -> dict[str, Any]:
    """The content of the message that a step is, for `formats`: as the message said it, else as the move said it. step: its columns."""
    data = step["data"]
    if data.get("response"):
        return dict(data["response"])
    content = {
        "number": documents.response_number(order.head["number"], step),
        "issued_on": step["at"].date().isoformat(),
        "order_number": order.head["number"],
    }
    if _message_of(step, order) == "order_cancellation":
        return {**content, "reason": data.get("reason") or data.get("note") or NO_REASON, "lines": []}
    history = [one for one in documents.history(id=order.id) if not one["overruled"] and one["position"] <= step["position"]]
    content |= {
        "sequence": str(sum(_message_of(one, order) == "order_change" for one in history)),
        "currency": order.head["currency"],
        "note": data.get("note") or data.get("reason"),
        "lines": _written(step, history, order),
    }
    return {name: value for name, value in content.items() if value not in (None, "")}


def _message_of(step: Mapping[str, Any], order: Whole) -> str:
    move = order.type.find_move(step["move"])
    return move.message if move else ""


def _written(step: Mapping[str, Any], history: Sequence[Mapping[str, Any]], order: Whole) -> list[dict[str, Any]]:
    """The lines that the step speaks of; all of them, untouched, where it only says that they stay as they are."""
    said = step["data"].get("lines")
    if step["move"] == ACCEPT:
        # What is accepted was said by the seller, in the answer before.
        offers = [one for one in history if one["own"] != step["own"] and "lines" in one["data"]]
        said = [line for line in offers[-1]["data"]["lines"] if line["response"] != "accept"] if offers else None
    by_line = {line["line"]: line for line in said or ()}
    return [_line(row, by_line.get(row["position"])) for row in order.lines if not by_line or row["position"] in by_line]


def _line(row: Mapping[str, Any], said: Mapping[str, Any] | None) -> dict[str, Any]:
    made = {"reference": reference_of(row), "name": row["name"], "buyer_item": row["buyer_item"], "note": (said or {}).get("reason")}
    if said is None or said["response"] == "accept":
        made["status"] = UNTOUCHED
    elif said["response"] in ("cancel", "reject"):
        made |= {"status": DELETED, "quantity": "0", "unit": row["unit"]}
    else:
        schedules = [{name: value for name, value in one.items() if name != "id" and value} for one in said["schedules"]]
        quantity = sum((Decimal(one["quantity"]) for one in schedules), Decimal(0))
        made |= {"status": CHANGED, "quantity": format(quantity, "f"), "unit": row["unit"], "schedules": schedules, "price": said.get("price")}
        made["price_base"] = format(row["price_base"], "f") if row["price_base"] and made["price"] else None
    return {name: value for name, value in made.items() if value not in (None, "", [])}
