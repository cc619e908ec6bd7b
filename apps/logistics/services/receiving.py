"""Receiving: what of a delivery came, what was short, what was rejected and why (Peppol Receipt Advice)."""

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.base import fields, units
from apps.base.acting import Actor
from apps.base.findings import refuse
from apps.base.inputs import Shape, check_names
from apps.base.templatetags.tributary import written
from apps.base.text import Text
from apps.documents import selectors as documents
from apps.documents import services as engine
from apps.documents.selectors import Whole
from apps.documents.types import TYPES
from apps.logistics.services.numbering import numbered
from apps.logistics.services.reading import Reader
from apps.network import selectors as network

TYPE, ANSWERED, RECEIVE = "receipt_advice", "despatch_advice", "receive"
LINE: Shape = dict.fromkeys(("line", "received", "short", "rejected", "reason", "action"))
BODY: Shape = {"despatch_advice": None, "lines": [LINE], "number": None, "note": None}
# Why something was rejected, and what shall happen (Peppol logistics, code lists RejectReasonCode and ReceiptAdviceActionCode).
REASONS: dict[int, Text] = {
    1: Text("broken", "破损"),
    2: Text("quality", "质量不合格"),
    3: Text("wrong item", "物料错误"),
    4: Text("wrong version", "版本错误"),
    5: Text("wrong label", "标签错误"),
    6: Text("price", "价格"),
    7: Text("packaging", "包装"),
    8: Text("item and packaging", "物料与包装"),
    99: Text("another reason", "其他原因"),
}
ACTIONS: dict[int, Text] = {1: Text("replace", "补发"), 2: Text("credit and cancel", "扣款并取消")}
NONE = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What was counted of one line of an advice."""

    position: int
    received: Decimal
    short: Decimal
    rejected: Decimal
    reason: int | None
    action: int | None

    def counts(self, shipped: Decimal) -> dict[str, str]:
        """What it counts on the order's line: nothing that is zero."""
        credited = self.short + self.rejected if self.action == 2 else NONE
        sums = {
            "received": self.received,
            "accepted": self.received - self.rejected,
            "rejected": self.rejected,
            "short": self.short,
            "credited": credited,
            "oversupply": max(self.received - shipped, NONE),
        }
        return {kind: format(quantity, "f") for kind, quantity in sums.items() if quantity}


class AlreadyReceived(Exception):
    """The delivery cannot be received: it was before, or it was cancelled, or it changed since it was counted."""


def enter(*, given: Mapping[str, Any], by: Actor, at: dt.datetime) -> uuid.UUID:
    """Write a receipt advice, as the contract says it: all lines of a despatch advice, each with what came of it. It stays at home until it is sent.

    Raises Invalid with every finding, MayNot.
    """
    check_names(given, BODY)
    advice = _advice(given.get("despatch_advice"))
    reader = Reader()
    counted = _lines(reader, given.get("lines"), advice)
    reader.done()
    lines = [_written(line, counted[line["position"]], advice.id) for line in advice.lines]
    details = {"despatch_advice": str(advice.id), "despatch_number": advice.head["number"]}
    partner = network.names([advice.head["partner_id"]])[advice.head["partner_id"]].slug
    row = numbered(
        type=TYPE, prefix="RA", number=given.get("number"), partner=partner, note=given.get("note") or "", lines=lines, details=details, by=by, at=at
    )  # fmt: skip
    return uuid.UUID(str(row.pk))


def receive(*, given: Mapping[str, Any], by: Actor, at: dt.datetime) -> uuid.UUID:
    """Write a receipt advice and send it: both, or neither. Raises what either raises."""
    with transaction.atomic():
        receipt = enter(given=given, by=by, at=at)
        engine.apply(document=receipt, move="send", by=by, at=at)
    return receipt


def _advice(given: Any) -> Whole:
    """The delivery on the way that is answered. Raises Invalid."""
    reader = Reader()
    id = reader.uid("/despatch_advice", given)
    reader.done()
    found = documents.whole(id=id, type=ANSWERED) if id else None
    if found is None or found.head["side"] != "buyer":
        raise refuse("/despatch_advice", "despatch_advice", _("No delivery with this uid is on its way to you."))
    if not is_receivable(found.head):
        state = TYPES[ANSWERED].state(found.head["state"])
        words = _("The delivery %(number)s is “%(state)s”: it cannot be received.") % {"number": found.head["number"], "state": state.label}
        raise refuse("/despatch_advice", "not_receivable", words)
    return found


def is_receivable(head: Mapping[str, Any]) -> bool:
    """Whether a delivery is on its way: neither received nor cancelled."""
    receive = TYPES[ANSWERED].find_move(RECEIVE)
    return receive is not None and head["state"] in receive.before


def _lines(reader: Reader, given: Any, advice: Whole) -> dict[int, Counted]:
    shipped = {line["position"]: line for line in advice.lines}
    found: dict[int, Counted] = {}
    for at, one in reader.lines(given):
        position = one.get("line")
        if not isinstance(position, int) or isinstance(position, bool) or position not in shipped:
            reader.found(f"{at}/line", "line", _("The document has no line %(line)s.") % {"line": str(position)[:20]})
        elif position in found:
            reader.found(f"{at}/line", "twice", _("Line %(line)d is said twice.") % {"line": position})
        else:
            found[position] = _line(reader, at, one, shipped[position])
    missing = [position for position in shipped if position not in found]
    if missing and not reader.findings:
        words = _("All lines of the delivery must be said, also those of which nothing came: %(lines)s missing.")
        reader.found("/lines", "all_lines", words % {"lines": ", ".join(map(str, missing[:20]))})
    return found


def _line(reader: Reader, at: str, given: Mapping[str, Any], shipped: Mapping[str, Any]) -> Counted:
    received = reader.take(f"{at}/received", fields.quantity_or_none, given.get("received"), NONE)
    left = max(shipped["quantity"] - received, NONE)
    short = left if given.get("short") is None else reader.take(f"{at}/short", fields.quantity_or_none, given["short"], left)
    rejected = NONE if given.get("rejected") is None else reader.take(f"{at}/rejected", fields.quantity_or_none, given["rejected"], NONE)
    if short != left and not reader.findings:
        unit = units.label(shipped["unit"])
        amounts = {name: f"{written(value)} {unit}" for name, value in (("shipped", shipped["quantity"]), ("received", received), ("left", left))}
        reader.found(f"{at}/short", "sum", _("%(shipped)s were shipped and %(received)s came: %(left)s are short.") % amounts)
    if rejected > received:
        reader.found(f"{at}/rejected", "sum", _("More cannot be rejected than came."))
    reason = _code(reader, f"{at}/reason", given.get("reason"), REASONS, required=bool(rejected))
    action = _code(reader, f"{at}/action", given.get("action"), ACTIONS, required=bool(rejected))
    if action is None and short:
        # What is short and nobody wants credited comes again.
        action = 1
    return Counted(position=shipped["position"], received=received, short=short, rejected=rejected, reason=reason, action=action)


def _code(reader: Reader, at: str, given: Any, known: Mapping[int, Text], *, required: bool) -> int | None:
    if given in (None, ""):
        if required:
            words = _("Say it for what is rejected: one of %(codes)s.") % {"codes": _told(known)}
            reader.found(at, "required", words)
        return None
    text = str(given)
    if isinstance(given, bool) or not text.isdecimal() or len(text) > 2 or int(text) not in known:
        reader.found(at, "code", _("“%(value)s” is none of %(codes)s.") % {"value": text[:10], "codes": _told(known)})
        return None
    return int(text)


def _told(known: Mapping[int, Text]) -> str:
    return ", ".join(f"{code} {label}" for code, label in known.items())


def _written(shipped: Mapping[str, Any], counted: Counted, advice: uuid.UUID) -> dict[str, Any]:
    """A line for the engine: it counts on the order's line of the line that was shipped."""
    kept = {name: shipped["details"][name] for name in ("order", "order_line", "order_number", "lot", "configuration") if name in shipped["details"]}
    details = {
        **kept,
        "counts": counted.counts(shipped["quantity"]),
        "despatch_line": counted.position,
        "shipped": format(shipped["quantity"], "f"),
        "reason": counted.reason,
        "action": counted.action,
    }
    named = {name: shipped[name] for name in ("buyer_item", "seller_item", "gtin", "name", "unit")}
    if shipped["item__number"]:
        named["buyer_item"] = shipped["item__number"]
    return {**named, "quantity": format(counted.received, "f"), "details": details}


def answer(*, receipt: Whole, by: Actor, at: dt.datetime) -> None:
    """Say of the delivery that it was received, together with the receipt that says how. Raises AlreadyReceived where it changed since."""
    advice = documents.whole(id=uuid.UUID(receipt.head["details"]["despatch_advice"]), type=ANSWERED)
    if advice is None or not is_receivable(advice.head):
        state = TYPES[ANSWERED].state(advice.head["state"]).label if advice else "–"
        raise AlreadyReceived(
            _("The delivery %(number)s is “%(state)s”: it cannot be received.") % {"number": receipt.head["details"]["despatch_number"], "state": state}
        )
    if _as_shipped(advice) != _as_counted(receipt):
        raise AlreadyReceived(
            _("The delivery %(number)s was replaced since you counted it. Discard this receipt, and count again.") % {"number": advice.head["number"]}
        )
    # Nobody may do this by hand: the person who sends the receipt does it.
    receiver = Actor(kind="system", id=by.id, name=by.name)
    engine.apply(document=advice.id, move=RECEIVE, by=receiver, at=at)


def _as_shipped(advice: Whole) -> list[tuple[Any, ...]]:
    """What a receipt must have been counted against: of each line the order's line, the lot and the quantity."""
    told = [(line, line["details"]) for line in advice.lines]
    return sorted((line["position"], details["order"], details["order_line"], details["lot"], line["quantity"]) for line, details in told)


def _as_counted(receipt: Whole) -> list[tuple[Any, ...]]:
    told = [line["details"] for line in receipt.lines]
    return sorted((each["despatch_line"], each["order"], each["order_line"], each["lot"], Decimal(each["shipped"])) for each in told)
