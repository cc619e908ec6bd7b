"""Scanning at the dock: what a code stands for, and whether it belongs into the delivery in front of the person. A wrong one is refused in a sentence."""

import datetime as dt
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import biip
from biip import ParseError
from biip.gs1_messages import GS1Message
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from apps.base import fields, units
from apps.base.acting import Actor
from apps.base.findings import refuse
from apps.base.templatetags.tributary import written
from apps.catalog import selectors as catalog
from apps.documents import selectors as documents
from apps.documents.selectors import Whole
from apps.documents.services import MayNot, NoSuchDocument
from apps.logistics import models
from apps.logistics.selectors.docking import Seen
from apps.logistics.services.packing import TYPES, read_sscc

LONGEST = 400
DIGEST = re.compile(r"(?:\A|[/#=:])([0-9a-f]{64})\Z")
# GS1 application identifiers (General Specifications 3.2): unit, article, lot, serial number, count.
SSCC, GTIN, LOT, SERIAL, COUNTS = "00", "01", "10", "21", ("37", "30")
# By the dock: the side that stands there, the permission, and the move for which the delivery is handled.
DOCKS = {"ship": ("seller", "despatch_advice.ship", "ship"), "receive": ("buyer", "receipt_advice.send", "receive")}
NONE = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """What a code says. digest: of a configuration; number: an item's, where it may be one; quantity: how many pieces it stands for."""

    sscc: str = ""
    gtin: str = ""
    lot: str = ""
    serial: str = ""
    digest: str = ""
    number: str = ""
    quantity: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """The answer to a scan. line: of the advice; sentence: for the person at the dock."""

    accepted: bool
    sentence: str
    line: int | None = None
    unit: str = ""
    lot: str = ""
    serial: str = ""
    quantity: Decimal = NONE


class Wrong(Exception):
    """What was scanned does not belong here. The sentence says what it is and what is needed."""


def read_code(text: str) -> Code:
    """What a code stands for: GS1 elements (plain, with their brackets, or from a reader that names the symbology), a configuration's digest, else a number."""
    if digest := DIGEST.search(text.lower()):
        return Code(digest=digest[1])
    if re.fullmatch(r"(\(00\)|00)?\d{18}", text):
        return Code(sscc=text[-18:])
    elements = _elements(text)
    if SSCC in elements or GTIN in elements:
        return _gs1(elements)
    found = biip.parse(text)
    return Code(gtin=found.gtin.as_gtin_14() if found.gtin else "", number=text)


def _elements(text: str) -> Mapping[str, str]:
    """The GS1 elements of a message, by identifier; none where it is no message."""
    try:
        message = GS1Message.parse_hri(text) if text.startswith("(") else biip.parse(text).gs1_message
    except ParseError:
        return {}
    return {element.ai.ai: element.value for element in message.element_strings} if message else {}


def _gs1(elements: Mapping[str, str]) -> Code:
    count = next((elements[ai] for ai in COUNTS if ai in elements), "1")
    return Code(
        sscc=elements.get(SSCC, ""), gtin=elements.get(GTIN, ""), lot=elements.get(LOT, ""), serial=elements.get(SERIAL, ""), quantity=_count(count)
    )  # fmt: skip


def _count(text: str) -> Decimal:
    try:
        return max(Decimal(text), Decimal(1))
    except InvalidOperation:
        return Decimal(1)


def scan(*, document: uuid.UUID, dock: str, code: Any, by: Actor, at: dt.datetime) -> Scanned:
    """Take a code that was read at the dock for a delivery: what it counts, or why it does not belong there; both are kept.

    dock: ship (the delivery is being packed) or receive (it is on its way here). Raises NoSuchDocument, MayNot, Invalid.
    """
    side, permission, move = DOCKS[dock]
    if not by.may(permission):
        raise MayNot(permission)
    whole = documents.whole(id=document, type="despatch_advice")
    if whole is None or whole.head["side"] != side:
        raise NoSuchDocument
    try:
        text = fields.text(code, limit=LONGEST, required=True)
    except fields.Unreadable as error:
        raise refuse("/code", error.code, str(error)) from error
    found = _judged(whole, dock, move, text)
    models.Scan.objects.create(
        document_id=document, dock=dock, code=text, accepted=found.accepted, sentence=found.sentence[:600], line=found.line, unit=found.unit,
        lot=found.lot[:60], serial=found.serial[:60], quantity=found.quantity, at=at, by=by.name[:150],
    )  # fmt: skip
    return found


def _judged(whole: Whole, dock: str, move: str, text: str) -> Scanned:
    try:
        declared = whole.type.find_move(move)
        if declared is None or whole.head["state"] not in declared.before:
            state = whole.type.state(whole.head["state"])
            raise Wrong(_("The delivery %(number)s is “%(state)s”: nothing is scanned for it.") % {"number": whole.head["number"], "state": state.label})
        code = read_code(text)
        seen = Seen.of(whole, dock)
        return _unit(whole, seen, code) if code.sscc else _piece(whole, seen, code, text)
    except Wrong as wrong:
        return Scanned(accepted=False, sentence=str(wrong))


# A unit --------------------------------------------------------------------------------------------------------------


def _unit(whole: Whole, seen: Seen, code: Code) -> Scanned:
    try:
        sscc = read_sscc(code.sscc)
    except fields.Unreadable as error:
        raise Wrong(str(error)) from error
    unit = seen.units.get(sscc)
    if unit is None:
        raise Wrong(_foreign_unit(whole, sscc))
    if sscc in seen.covered:
        raise Wrong(_("The unit %(sscc)s was scanned already.") % {"sscc": sscc})
    within = _within(unit, seen.units.values())
    lines = {line["position"]: line for line in whole.lines}
    parts: dict[int, Decimal] = {}
    for one in (one for each in within if each.sscc not in seen.covered for one in each.contents):
        parts[one["line"]] = parts.get(one["line"], NONE) + Decimal(one["quantity"])
    for position, quantity in parts.items():
        if seen.counts.get(position, NONE) + quantity > lines[position]["quantity"]:
            raise Wrong(_full(lines[position]))
    holds = ", ".join(f"{written(quantity)} {units.label(lines[position]['unit'])} {named(lines[position])}" for position, quantity in sorted(parts.items()))
    return Scanned(accepted=True, sentence=f"{TYPES[unit.type]} {sscc}: {holds}", unit=sscc)


def _within(unit: models.HandlingUnit, all: Any) -> list[models.HandlingUnit]:
    """A unit and all that lies in it; parents come before what they hold."""
    inside = {unit.pk: unit}
    for other in all:
        if other.parent_id in inside:
            inside[other.pk] = other
    return list(inside.values())


def _foreign_unit(whole: Whole, sscc: str) -> str:
    others = models.HandlingUnit.objects.filter(sscc=sscc).exclude(document_id=whole.id)
    elsewhere = others.filter(document__partner_id=whole.head["partner_id"]).values_list("document__number", flat=True).first()
    if elsewhere:
        return _("The unit %(sscc)s belongs to the delivery %(other)s; this is %(number)s.") % {
            "sscc": sscc,
            "other": elsewhere,
            "number": whole.head["number"],
        }
    return _("No unit %(sscc)s is in this delivery.") % {"sscc": sscc}


# A piece -------------------------------------------------------------------------------------------------------------


def _piece(whole: Whole, seen: Seen, code: Code, text: str) -> Scanned:
    fitting = [line for line in whole.lines if _is_of(line, code)]
    if not fitting:
        raise Wrong(_stranger(whole, code, text))
    fitting = _of_lot(fitting, code)
    fitting = _of_serial(fitting, seen, code)
    if not code.digest and len({digest_of(line) for line in fitting}) > 1:
        raise Wrong(_("There are several variants of %(item)s in this delivery. Scan the code of its configuration.") % {"item": item_name(fitting[0])})
    open_lines = [line for line in fitting if seen.counts.get(line["position"], NONE) + code.quantity <= line["quantity"]]
    if not open_lines:
        raise Wrong(_full(fitting[0]))
    line = open_lines[0]
    count = seen.counts.get(line["position"], NONE) + code.quantity
    words = _("Line %(line)d, %(item)s: %(count)s of %(quantity)s.")
    amounts = {"count": written(count), "quantity": f"{written(line['quantity'])} {units.label(line['unit'])}"}
    sentence = words % {"line": line["position"], "item": named(line), **amounts}
    return Scanned(accepted=True, sentence=sentence, line=line["position"], lot=code.lot, serial=code.serial, quantity=code.quantity)


def digest_of(line: Mapping[str, Any]) -> str:
    """The digest of a line's configuration; empty where there was nothing to choose."""
    return str((line["details"].get("configuration") or {}).get("digest") or "")


def _is_of(line: Mapping[str, Any], code: Code) -> bool:
    """Whether a line is of what was scanned, as far as its item and its configuration go."""
    if code.digest:
        return digest_of(line) == code.digest
    if code.gtin and line["gtin"].rjust(14, "0") == code.gtin:
        return True
    return bool(code.number) and code.number.casefold() in {str(line[name] or "").casefold() for name in ("item__number", "buyer_item", "seller_item")}


def _of_lot(fitting: Sequence[Mapping[str, Any]], code: Code) -> list[Mapping[str, Any]]:
    found = [line for line in fitting if not code.lot or line["details"]["lot"] in ("", code.lot)]
    if not found:
        lots = ", ".join(sorted({str(line["details"]["lot"]) for line in fitting}))
        words = _("This is lot %(lot)s of %(item)s; the delivery in front of you needs lot %(wanted)s.")
        raise Wrong(words % {"lot": code.lot, "item": named(fitting[0]), "wanted": lots})
    return found


def _of_serial(fitting: Sequence[Mapping[str, Any]], seen: Seen, code: Code) -> list[Mapping[str, Any]]:
    if not code.serial:
        return list(fitting)
    if code.serial in {serial for _line, serial in seen.serials}:
        raise Wrong(_("The serial number %(serial)s was scanned already.") % {"serial": code.serial})
    found = [line for line in fitting if not line["details"]["serials"] or code.serial in line["details"]["serials"]]
    if not found:
        raise Wrong(_("%(item)s with the serial number %(serial)s is not in this delivery.") % {"item": named(fitting[0]), "serial": code.serial})
    return found


# Words ---------------------------------------------------------------------------------------------------------------


def item_name(line: Mapping[str, Any]) -> str:
    """What a line is called in the reader's language."""
    chinese = (get_language() or "").startswith("zh") and line["item__name_zh"]
    return str(chinese or line["item__name"] or line["name"] or line["item__number"] or line["seller_item"] or line["buyer_item"])


def variant(details: Mapping[str, Any]) -> str:
    """What was chosen, in the reader's language; empty where there was nothing to choose."""
    words = (details.get("configuration") or {}).get("text") or {}
    chinese = (get_language() or "").startswith("zh")
    return str((words.get("zh") if chinese else words.get("en")) or words.get("en") or "") if isinstance(words, Mapping) else ""


def named(line: Mapping[str, Any]) -> str:
    """A line's item with what was chosen of it."""
    chosen = variant(line["details"])
    return f"{item_name(line)} {chosen}".strip()


def _full(line: Mapping[str, Any]) -> str:
    quantity = f"{written(line['quantity'])} {units.label(line['unit'])}"
    words = _("All %(quantity)s of line %(line)d, %(item)s, were scanned already: this one is too much.")
    return words % {"quantity": quantity, "line": line["position"], "item": named(line)}


def _stranger(whole: Whole, code: Code, text: str) -> str:
    """Why something belongs to no line: what it is, where it belongs, and what is needed instead."""
    wanted = ", ".join(dict.fromkeys(named(line) for line in whole.lines if line["quantity"]))[:200]
    if code.digest:
        return _other_variant(whole, code.digest, wanted)
    numbers = {"gtin__in": [code.gtin.lstrip("0").rjust(size, "0") for size in (8, 12, 13, 14)]} if code.gtin else {"number__iexact": code.number}
    item = catalog.items().filter(**numbers).first()
    if item is None:
        return _("Nobody here knows the code “%(code)s”; the delivery in front of you needs %(wanted)s.") % {"code": text[:60], "wanted": wanted}
    return _("This is %(item)s; the delivery in front of you needs %(wanted)s.") % {"item": item.label, "wanted": wanted}


def _other_variant(whole: Whole, digest: str, wanted: str) -> str:
    found = documents.configured_line(digest=digest)
    if found is None:
        return _("This is a variant that nobody here has ordered or sold; the box in front of you needs %(wanted)s.") % {"wanted": wanted}
    alike = [variant(line["details"]) for line in whole.lines if line["item_id"] == found.item and digest_of(line)]
    words = _("This is %(found)s of order %(order)s line %(line)d; the box in front of you needs %(wanted)s.")
    chinese = (get_language() or "").startswith("zh") and found.item_name_zh
    name = f"{chinese or found.item_name or found.name} {variant(found.details)}".strip()
    return words % {"found": name, "order": found.number, "line": found.position, "wanted": ", ".join(dict.fromkeys(alike)) or wanted}
