"""Shipping: what is written into a despatch advice, and how much of an order may be shipped."""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.base import fields, units
from apps.base.acting import Actor
from apps.base.inputs import Shape, check_names
from apps.base.templatetags.tributary import written
from apps.documents import selectors as documents
from apps.documents import services as engine
from apps.documents.selectors import Agreed
from apps.documents.types import TYPES
from apps.logistics.services import packing
from apps.logistics.services.numbering import numbered
from apps.logistics.services.packing import Packer
from apps.logistics.services.reading import Reader
from apps.network import selectors as network

TYPE, REPLACE = "despatch_advice", "replace"
MOST_SERIALS = 10_000
LINE: Shape = dict.fromkeys(("order", "line", "quantity", "lot", "serials"))
CONTENT: Shape = {"lines": [LINE], "units": None, "note": None, "arrives_on": None, "tracking": None}
BODY: Shape = {"number": None, **CONTENT}
Key = tuple[uuid.UUID, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A line of an advice as it is said. at: its place in the input; key: the order and its line."""

    at: str
    key: Key
    quantity: Decimal
    lot: str
    serials: Sequence[str]


def enter(*, given: Mapping[str, Any], by: Actor, at: dt.datetime) -> uuid.UUID:
    """Write a despatch advice, as the contract says it: lines that each name a line of an order, and units. It stays at home until it is shipped.

    The customer is that of the orders. Raises Invalid with every finding, MayNot.
    """
    check_names(given, BODY)
    content, partner = _read(given, {})
    row = numbered(type=TYPE, prefix="DA", number=given.get("number"), partner=partner, note=given.get("note") or "", **content, by=by, at=at)
    return uuid.UUID(str(row.pk))


def revise(*, document: uuid.UUID, given: Mapping[str, Any], by: Actor, at: dt.datetime, version: int | None = None) -> None:
    """Say anew what an advice holds that was not shipped yet: lines and units as for a new one. Raises NotAllowed, Stale, Invalid."""
    check_names(given, CONTENT)
    content, _partner = _read(given, {})
    note = {"note": given["note"]} if given.get("note") is not None else {}
    engine.revise(document=document, given={**content, **note}, by=by, at=at, version=version, lenient=True)


def make(*, document: uuid.UUID, move: str, data: Mapping[str, Any], by: Actor, at: dt.datetime, version: int | None = None) -> None:
    """Make a move on a despatch advice. `replace` says the whole content again, lines and units as for a new one; until it is received."""
    said = dict(data)
    head = documents.head(id=document)
    declared = TYPES[TYPE].find_move(move)
    if head and declared and move == REPLACE and head["state"] in declared.before:
        check_names(data, {"reason": None, **CONTENT})
        content, _partner = _read(data, shipped_by(document))
        said = {"note": data.get("note"), "reason": data.get("reason"), **content}
    engine.apply(document=document, move=move, data=said, by=by, at=at, version=version)


def pack(*, document: uuid.UUID, given: Mapping[str, Any], ship: bool, by: Actor, at: dt.datetime, version: int | None = None) -> None:
    """Say anew what a delivery holds, and ship it where that is wanted: both, or neither. What was shipped already is replaced.

    Raises what the moves raise.
    """
    head = documents.head(id=document)
    if head is None or head["state"] != TYPES[TYPE].draft:
        make(document=document, move=REPLACE, data=given, by=by, at=at, version=version)
        return
    content = {name: value for name, value in given.items() if name in CONTENT}
    with transaction.atomic():
        revise(document=document, given=content, by=by, at=at, version=version)
        if ship:
            engine.apply(document=document, move="ship", by=by, at=at)


def shipped_by(document: uuid.UUID) -> dict[Key, Decimal]:
    """How much of each order's line an advice counts as shipped."""
    whole = documents.whole(id=document, type=TYPE)
    found: dict[Key, Decimal] = defaultdict(Decimal)
    if whole is not None and whole.type.state(whole.head["state"]).counted:
        for line in whole.lines:
            found[uuid.UUID(line["details"]["order"]), line["details"]["order_line"]] += line["quantity"]
    return found


def _read(given: Mapping[str, Any], own: Mapping[Key, Decimal]) -> tuple[dict[str, Any], str]:
    """The content of an advice for the engine, and the customer's slug. own: what it has shipped already, and says again. Raises Invalid."""
    reader = Reader()
    asked = [line for at, one in reader.lines(given.get("lines")) if (line := _line(reader, at, one))]
    agreed = {(line.order, line.position): line for line in documents.agreed_lines(orders=list({line.key[0] for line in asked}), side="seller")}
    _check_orders(reader, asked, agreed)
    _check_quantities(reader, asked, agreed, own)
    arrives = given.get("arrives_on")
    arrives_on = reader.take("/arrives_on", fields.date, arrives) if arrives else None
    tracking = reader.text("/tracking", given.get("tracking"), 100)
    packer = Packer({index + 1: line.quantity for index, line in enumerate(asked)}, numbers=True)
    packed = packer.read(given.get("units")) if not reader.findings else []
    reader.findings += packer.findings
    reader.done()
    details = {"units": packing.write(packed), "arrives_on": arrives_on.isoformat() if arrives_on else None, "tracking": tracking}
    partner = network.names([agreed[asked[0].key].partner_id])
    return {"lines": [_written(line, agreed[line.key]) for line in asked], "details": details}, next(iter(partner.values())).slug if partner else ""


def _line(reader: Reader, at: str, given: Mapping[str, Any]) -> Asked | None:
    order = reader.uid(f"{at}/order", given.get("order"))
    position = given.get("line")
    if not isinstance(position, int) or isinstance(position, bool) or position < 1:
        reader.found(f"{at}/line", "line", _("Say which line of the order, from 1."))
        position = 0
    quantity = reader.take(f"{at}/quantity", fields.quantity_or_none, given.get("quantity"), Decimal(0))
    lot = reader.text(f"{at}/lot", given.get("lot"), 60)
    serials = _serials(reader, f"{at}/serials", given.get("serials"), quantity)
    return Asked(at=at, key=(order, position), quantity=quantity, lot=lot, serials=serials) if order and position else None


def _serials(reader: Reader, at: str, given: Any, quantity: Decimal) -> list[str]:
    if given in (None, []):
        return []
    if not isinstance(given, Sequence) or isinstance(given, str) or len(given) > MOST_SERIALS:
        reader.found(at, "list", _("Give a list of serial numbers, at most 10,000."))
        return []
    serials = [reader.text(f"{at}/{index}", one, 60) for index, one in enumerate(given)]
    if len(set(serials)) != len(serials) or not all(serials):
        reader.found(at, "twice", _("Each serial number stands for one piece: none twice, none empty."))
    if len(serials) > quantity:
        reader.found(at, "sum", _("There are more serial numbers than pieces."))
    return serials


def _check_orders(reader: Reader, asked: Sequence[Asked], agreed: Mapping[Key, Agreed]) -> None:
    known = {order for order, _position in agreed}
    for line in asked:
        order, position = line.key
        found = agreed.get(line.key)
        if order not in known:
            reader.found(f"{line.at}/order", "order", _("There is no agreed order of a customer of yours with this uid."))
        elif found is None:
            number = next(other.number for other in agreed.values() if other.order == order)
            reader.found(f"{line.at}/line", "line", _("Order %(order)s has no agreed line %(line)d.") % {"order": number, "line": position})
        elif not found.is_open:
            reader.found(f"{line.at}/order", "order", _not_open(found))
    if len({found.partner_id for line in asked if (found := agreed.get(line.key))}) > 1:
        reader.found("/lines", "partner", _("All lines of a despatch advice go to one customer. Write one for each."))


def _check_quantities(reader: Reader, asked: Sequence[Asked], agreed: Mapping[Key, Agreed], own: Mapping[Key, Decimal]) -> None:
    wanted: dict[Key, Decimal] = defaultdict(Decimal)
    for line in asked:
        wanted[line.key] += line.quantity
        found = agreed.get(line.key)
        left = found.sums.to_ship + own.get(line.key, Decimal(0)) if found else wanted[line.key]
        if found and found.is_open and wanted[line.key] > left:
            reader.found(f"{line.at}/quantity", "over_delivery", _too_much(found, wanted[line.key], left))


def _not_open(line: Agreed) -> str:
    if line.waits:
        words = _("A change of line %(line)d of order %(order)s waits to be agreed: it is not shipped before.")
        return words % {"line": line.position, "order": line.number}
    state = TYPES["order"].state(line.state)
    return _("Order %(order)s is “%(state)s”: nothing more is shipped for it.") % {"order": line.number, "state": state.label}


def _too_much(line: Agreed, wanted: Decimal, left: Decimal) -> str:
    unit = units.label(line.unit)
    words = _("Line %(line)d of order %(order)s: %(agreed)s are agreed, %(left)s of them are left to ship, and %(wanted)s would be shipped.")
    amounts = {name: f"{written(value)} {unit}" for name, value in (("agreed", line.sums.agreed), ("left", left), ("wanted", wanted))}
    return words % {"line": line.position, "order": line.number, **amounts}


class OverDelivery(Exception):
    """More would be shipped than is agreed, or for an order that is not open any more."""


def check_shipped(wanted: Mapping[Key, Decimal]) -> None:
    """Refuse what ships more than is agreed, now that it is counted and the orders are locked. wanted: what this advice ships. Raises OverDelivery."""
    for line in documents.agreed_lines(orders=list({order for order, _position in wanted}), side="seller"):
        quantity = wanted.get((line.order, line.position))
        if not quantity:
            continue
        if not line.is_open:
            raise OverDelivery(_not_open(line))
        over = line.sums.delivered + line.sums.of("credited") - line.sums.agreed
        if over > 0:
            raise OverDelivery(_too_much(line, quantity, max(quantity - over, Decimal(0))))


def _written(line: Asked, agreed: Agreed) -> dict[str, Any]:
    """A line for the engine. Its details cross: what it counts, of which line of which order, and what is in the box."""
    details: dict[str, Any] = {
        "order": str(agreed.order),
        "order_line": agreed.position,
        "order_number": agreed.number,
        "counts": {"shipped": format(line.quantity, "f")},
        "lot": line.lot,
        "serials": list(line.serials),
    }
    if configuration := agreed.details.get("configuration"):
        details["configuration"] = configuration
    items = {"seller_item": agreed.item_number or agreed.seller_item, "buyer_item": agreed.buyer_item, "gtin": agreed.gtin, "name": agreed.name}
    return {**items, "quantity": format(line.quantity, "f"), "unit": agreed.unit, "details": details}
