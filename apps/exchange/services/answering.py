"""What a standard order response means for the order that it answers, and the response that an answer made by hand is."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from apps.documents import selectors as documents
from apps.documents.selectors import Whole
from apps.exchange.formats import Finding, Refused

ACKNOWLEDGE, CONFIRM, PROPOSE, OFFER_CANCEL = "acknowledge", "confirm", "propose_change", "offer_cancel"
ACCEPT_CANCEL, REFUSE_CANCEL = "accept_cancel", "refuse_cancel"
SUBSTITUTE = {"item": ("seller_item", "buyer_item", "gtin"), "name": ("name",), "gtin": ("gtin",)}
FRACTION_DIGITS = 6


def read(content: Mapping[str, Any], order: Whole) -> tuple[str, dict[str, Any]]:
    """The move on the order, and its data, that a response (as `formats` reads it) is. Raises Refused with every finding."""
    note = {"note": content.get("note", "")}
    if content["code"] == "AB":
        return ACKNOWLEDGE, note
    lines = {reference_of(row): row for row in order.lines}
    findings = [finding for said in content["lines"] for finding in _faults(said, lines)]
    if findings:
        raise Refused(findings)
    answers = {lines[said["reference"]]["position"]: _answer(said, lines[said["reference"]], content) for said in content["lines"]}
    if content["code"] == "RE":
        unsaid = [row["position"] for row in order.lines if row["position"] not in answers]
        answers |= {position: {"line": position, "response": "reject", "reason": content.get("note", "")} for position in unsaid}
    return CONFIRM, {**note, "lines": [answers[position] for position in sorted(answers)]}


def of_agreed(move: str, data: dict[str, Any], order: Whole) -> tuple[str, dict[str, Any]]:
    """The same of an order that is agreed already, and of which nothing is asked: the seller proposes a change, or asks to be let off by rejecting all."""
    allowed = [each.code for each in order.type.moves_for(state=order.head["state"], side=order.head["side"])]
    answers = data.get("lines", [])
    if move == CONFIRM and ACCEPT_CANCEL in allowed:
        return _of_cancellation(data, answers)
    if move != CONFIRM or CONFIRM in allowed or PROPOSE not in allowed or all(answer["response"] == "accept" for answer in answers):
        return move, data
    if len(answers) == len(order.lines) and all(answer["response"] == "reject" for answer in answers):
        reason = data.get("note") or next((answer["reason"] for answer in answers if answer["reason"]), "")
        return OFFER_CANCEL, {"note": data.get("note", ""), "reason": reason}
    return PROPOSE, data


def _of_cancellation(data: dict[str, Any], answers: Sequence[Mapping[str, Any]]) -> tuple[str, dict[str, Any]]:
    """An answer to a cancellation as a whole: accepted, or refused by anything else."""
    reason = data.get("note") or next((answer["reason"] for answer in answers if answer["reason"]), "")
    accepted = all(answer["response"] == "accept" for answer in answers)
    return (ACCEPT_CANCEL if accepted else REFUSE_CANCEL), {"note": data.get("note", ""), "reason": reason}


def reference_of(row: Mapping[str, Any]) -> str:
    """How messages name a line of an order: as it came, else by its number."""
    return row["reference"] or str(row["position"])


def _place(said: Mapping[str, Any], element: str) -> str:
    return f'/OrderResponse/OrderLine[OrderLineReference/LineID="{said["reference"]}"]/{element}'


def _faults(said: Mapping[str, Any], lines: Mapping[str, Mapping[str, Any]]) -> list[Finding]:
    """What speaks against one line of a response, beside the order."""
    row = lines.get(said["reference"])
    if said["response"] == "add":
        text = _("The response adds the line “%(line)s”, which nobody has ordered.") % {"line": said["reference"]}
        mend = _("Answer the lines of the order only; offer another item as a substitute (SellerSubstitutedLineItem).")
        return [Finding(rule="TRB-LINE-ADDED", place=_place(said, "LineItem/LineStatusCode"), text=text, mend=mend)]
    if row is None:
        text = _("The order has no line “%(line)s”.") % {"line": said["reference"]}
        mend = _("Write into LineID the number of a line of the order: %(lines)s.") % {"lines": ", ".join(list(lines)[:20])}
        return [Finding(rule="TRB-LINE", place=_place(said, "OrderLineReference/LineID"), text=text, mend=mend)]
    return misfits(said, row, lambda element: _place(said, element))


def misfits(said: Mapping[str, Any], row: Mapping[str, Any], place: Callable[[str], str]) -> list[Finding]:
    """What a line of a message measures otherwise than the line of the order of which it speaks. place: where an element of it stands."""
    if row["unit"] and said.get("unit", row["unit"]) != row["unit"]:
        text = _("The line is in %(said)s, the order in %(asked)s.") % {"said": said["unit"], "asked": row["unit"]}
        return [Finding(rule="TRB-UNIT", place=place("LineItem/Quantity/@unitCode"), text=text, mend=_("Say it in the unit of the order."))]
    if "price" in said and price_of(said, row) is None:
        text = _("The price is for %(said)s units, that of the order for %(asked)s.") % {"said": said.get("price_base", "1"), "asked": _base(row)}
        mend = _("Write the price for as many units as the order does.")
        return [Finding(rule="TRB-PRICE-BASE", place=place("LineItem/Price/BaseQuantity"), text=text, mend=mend)]
    return []


def _answer(said: Mapping[str, Any], row: Mapping[str, Any], content: Mapping[str, Any]) -> dict[str, Any]:
    """One line's answer in the words of the engine."""
    answer: dict[str, Any] = {"line": row["position"], "response": said["response"], "reason": said.get("reason", "")}
    if said["response"] == "reject":
        return {**answer, "reason": answer["reason"] or content.get("note", "")}
    schedules = _schedules(said, row)
    if not schedules and said["response"] == "change" and _nothing_offered(said):
        return {**answer, "response": "reject"}
    if (later := _later(said, row)) is not None:
        answer["response"] = "change" if schedules else "backorder"
        schedules = [*schedules, {"quantity": later, "due_on": None}]
    answer["schedules"] = schedules
    if "price" in said:
        answer["price"] = price_of(said, row)
    if substitute := _substitute(said):
        answer["substitute"] = substitute
    return answer


def _later(said: Mapping[str, Any], row: Mapping[str, Any]) -> str | None:
    """What may come besides, on no day that is known: of 6 that were ordered, 2 with a day and a backorder of at most 3 are up to 5 (Peppol, transaction 116).

    None where nothing is said of it; and where all that was ordered is said to be on backorder, on the days that are said.
    """
    later = Decimal(said.get("backorder", "0"))
    if not later or Decimal(said.get("quantity", "0")) == later == row["quantity"]:
        return None
    return format(later, "f")


def _nothing_offered(said: Mapping[str, Any]) -> bool:
    """Whether a line is answered with a quantity of zero."""
    return "quantity" in said and Decimal(said["quantity"]) == 0


def _schedules(said: Mapping[str, Any], row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What is offered when; empty where nothing is said of it, so that it stands as asked. Dates of nothing are left out."""
    whole = said.get("quantity", format(row["quantity"], "f"))
    if "schedules" in said:
        found = [{"quantity": one.get("quantity", whole), "due_on": one.get("due_on")} for one in said["schedules"]]
        return [one for one in found if Decimal(one["quantity"])]
    if Decimal(whole) in (row["quantity"], Decimal(0)):
        return []
    asked = row["schedules"].get("requested") or []
    due_on = asked[0]["due_on"] if len(asked) == 1 else None
    return [{"quantity": whole, "due_on": due_on.isoformat() if due_on else None}]


def _base(row: Mapping[str, Any]) -> Decimal:
    return row["price_base"] or Decimal(1)


def price_of(said: Mapping[str, Any], row: Mapping[str, Any]) -> str | None:
    """The offered price for as many units as the order's price is for; None where that is no number of at most six decimals."""
    base = Decimal(said.get("price_base", "1"))
    if base == _base(row):
        return str(said["price"])
    price = Decimal(said["price"]) * _base(row) / base
    shown = format(price.normalize(), "f")
    return shown if -int(price.normalize().as_tuple().exponent) <= FRACTION_DIGITS else None


def _substitute(said: Mapping[str, Any]) -> dict[str, str]:
    given = said.get("substitute", {})
    found = {name: next((given[key] for key in keys if given.get(key)), "") for name, keys in SUBSTITUTE.items()}
    return {name: value for name, value in found.items() if value}


def write(answer: Mapping[str, Any], order: Whole, *, code: str) -> dict[str, Any]:
    """The content of the response that a step is, for `formats`: as the message said it, else as the move said it. answer: the step's columns."""
    data = answer["data"]
    if data.get("response"):
        return dict(data["response"])
    content = {
        "number": documents.response_number(order.head["number"], answer),
        "issued_on": answer["at"].date().isoformat(),
        "code": code,
        "order_number": order.head["number"],
        "currency": order.head["currency"],
        "note": data.get("note") or data.get("reason"),
        "lines": _written(order.lines, data["lines"]) if "lines" in data else [],
    }
    return {name: value for name, value in content.items() if value not in (None, "")}


def _written(rows: Sequence[Mapping[str, Any]], answers: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    said = {answer["line"]: answer for answer in answers}
    return [_line(row, said.get(row["position"], {"response": "accept"})) for row in rows]


def _line(row: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, Any]:
    made = {"reference": reference_of(row), "response": answer["response"], "name": row["name"], "reason": answer.get("reason")}
    if answer["response"] in ("change", "backorder"):
        schedules = [{name: value for name, value in one.items() if name != "id" and value} for one in answer.get("schedules", ())]
        made |= {**_offered(answer["response"], schedules, row["quantity"]), "unit": row["unit"], "price": answer.get("price")}
        made["price_base"] = format(row["price_base"], "f") if row["price_base"] and made["price"] else None
        substitute = answer.get("substitute") or {}
        made["substitute"] = {
            name: value
            for name, value in (("seller_item", substitute.get("item")), ("name", substitute.get("name")), ("gtin", substitute.get("gtin")))
            if value
        }
    return {name: value for name, value in made.items() if value not in (None, "", [], {})}


def _offered(response: str, schedules: Sequence[Mapping[str, Any]], ordered: Decimal) -> dict[str, Any]:
    """The quantity that is offered with its days, and beside it what is offered for no day: the inverse of `_later`."""
    dated, later = ([one for one in schedules if ("due_on" in one) is known] for known in (True, False))
    quantity, besides = (sum((Decimal(one["quantity"]) for one in some), Decimal(0)) for some in (dated, later))
    plain = {"quantity": format(quantity + besides or ordered, "f"), "schedules": schedules}
    if response == "change" and not (dated and later):
        return plain
    if not later:
        # A backorder of a part, on a day, is what the standard calls a change.
        return plain if quantity in (Decimal(0), ordered) else {**plain, "response": "change"}
    return {"response": "change" if dated else "backorder", "quantity": format(quantity, "f"), "backorder": format(besides, "f"), "schedules": dated}
