"""What follows from the moves of the dock's documents, at both homes: units are packed or unpacked, stock goes or comes, a delivery is answered."""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from apps.base import acting
from apps.base.acting import Actor
from apps.catalog import selectors as catalog
from apps.documents import selectors as documents
from apps.documents.selectors import Whole
from apps.documents.services import Moved, Unacceptable
from apps.logistics import models
from apps.logistics.models import Cause, Place
from apps.logistics.services import despatching, receiving, stock
from apps.logistics.services.packing import Packer, Unit, rows_of
from apps.logistics.services.stock import Goods, Transfer
from apps.scheduling import services as scheduling

NONE = Decimal(0)
STARTS = ("draft", "revise")


class DuplicateUnit(Exception):
    """An SSCC of one's own stands for another unit already."""


def follow(news: Moved) -> None:
    """React to a move on a despatch or receipt advice: in its transaction, so that what it did stands or falls with it."""
    made = news.step.move in STARTS or news.document_type.find_move(news.step.move) is not None
    act = _ACTS.get(news.document.type) if made else None
    if act is None:
        return
    whole = documents.whole(id=news.document.pk)
    assert whole is not None
    if not news.step.own:
        _need_honest(whole)
    act(news, whole)


def _counts(whole: Whole) -> bool:
    return whole.type.state(whole.head["state"]).counted


def _by(news: Moved) -> Actor:
    """Who caused what follows: at home the mover, at the partner's nobody but his name."""
    return acting.actor() if news.step.own else Actor(kind="system", name=news.step.by)


# A despatch advice ----------------------------------------------------------------------------------------------------


def _despatched(news: Moved, whole: Whole) -> None:
    own = whole.head["side"] == whole.type.issuer
    _pack(whole, own=own)
    if not own:
        return
    if _counts(whole) and news.step.own:
        despatching.check_shipped(despatching.shipped_by(whole.id))
    _ship(news, whole)


def _pack(whole: Whole, *, own: bool) -> None:
    """Write the units anew: at home from the first draft on, so that no number is given twice; at the partner's while the advice counts."""
    state = whole.type.state(whole.head["state"])
    stands = state.counted or (own and not state.final)
    models.HandlingUnit.objects.filter(document_id=whole.id)._raw_delete("default")
    units = units_of(whole) if stands else []
    if not units:
        return
    try:
        with transaction.atomic():
            models.HandlingUnit.objects.bulk_create(rows_of(units, document=whole.id, own=own))
    except IntegrityError as error:
        raise DuplicateUnit(_taken([unit.sscc for top in units for unit in top.all()], whole.id)) from error


def units_of(whole: Whole) -> list[Unit]:
    """The units that an advice says. Raises Unacceptable where a partner's do not hold what his lines say."""
    packer = Packer({line["position"]: line["quantity"] for line in whole.lines}, numbers=False)
    units = packer.read(whole.head["details"].get("units"))
    if packer.findings:
        raise Unacceptable(packer.findings[0].detail)
    return units


def _taken(ssccs: Sequence[str], document: uuid.UUID) -> str:
    known = models.HandlingUnit.objects.filter(own=True, sscc__in=ssccs).exclude(document_id=document)
    sscc, number = known.values_list("sscc", "document__number").first() or (ssccs[0], "–")
    return _("The SSCC %(sscc)s is on the despatch advice %(number)s already. Each unit has its own.") % {"sscc": sscc, "number": number}


def _ship(news: Moved, whole: Whole) -> None:
    """Bring the ledger to what the advice says: what it took out before goes back, what it says now goes out."""
    held = _standing(whole.id)
    wanted = _wanted(whole) if _counts(whole) else {}
    if _sums(held) == _sums(wanted) and news.step.move != despatching.REPLACE:
        return
    by, at = _by(news), news.step.at
    back = [moved.back() for moved in held]
    stock.post(back, cause=Cause.DESPATCH, document=whole.id, by=by, at=at)
    drawn = list(_draw(wanted))
    stock.post(drawn, cause=Cause.DESPATCH, document=whole.id, by=by, at=at)
    scheduling.note_gone(_straight_from_production([*back, *drawn]))


def _straight_from_production(moves: Sequence[Transfer]) -> dict[tuple[uuid.UUID, str], Decimal]:
    """How much of each item and configuration left before it was reported done; below zero where it came back."""
    gone: dict[tuple[uuid.UUID, str], Decimal] = defaultdict(Decimal)
    for moved in moves:
        if Place.PRODUCTION in (moved.source, moved.target):
            gone[moved.goods.item, moved.goods.configuration] += moved.quantity if moved.source == Place.PRODUCTION else -moved.quantity
    return gone


def _standing(document: uuid.UUID) -> list[Transfer]:
    """What a document has moved and not taken back, by goods and ends."""
    sums: dict[tuple[Goods, str, str], Decimal] = defaultdict(Decimal)
    for row in models.StockMove.objects.filter(document_id=document).order_by("id"):
        goods = Goods(item=row.item_id, configuration=row.configuration, lot=row.lot)
        back = (goods, row.target, row.source)
        if back in sums:
            sums[back] -= row.quantity
        else:
            sums[goods, row.source, row.target] += row.quantity
    return [Transfer(goods=goods, source=source, target=target, quantity=quantity) for (goods, source, target), quantity in sums.items() if quantity > 0]


def goods_of(line: Mapping[str, Any]) -> Goods:
    """What the ledger knows a line's goods as. The line must be matched to an item."""
    digest = (line["details"].get("configuration") or {}).get("digest") or ""
    return Goods(item=line["item_id"], configuration=str(digest)[:64], lot=str(line["details"].get("lot") or "")[:60])


def _wanted(whole: Whole) -> dict[Goods, Decimal]:
    """What an advice ships of the items that are one's own; a line without a lot may take any."""
    wanted: dict[Goods, Decimal] = defaultdict(Decimal)
    for line in whole.lines:
        if line["item_id"] is not None and line["quantity"]:
            wanted[goods_of(line)] += line["quantity"]
    return wanted


def _sums(moved: Sequence[Transfer] | Mapping[Goods, Decimal]) -> dict[tuple[uuid.UUID, str], Decimal]:
    """How much of each item and configuration, whatever its lot."""
    pairs = moved.items() if isinstance(moved, Mapping) else [(one.goods, one.quantity) for one in moved]
    sums: dict[tuple[uuid.UUID, str], Decimal] = defaultdict(Decimal)
    for goods, quantity in pairs:
        sums[goods.item, goods.configuration] += quantity
    return sums


def _draw(wanted: Mapping[Goods, Decimal]) -> Iterator[Transfer]:
    """From where the goods come that stand at the dock: from stock, the oldest lot first; what was never entered comes straight from where it was made.

    What was bought and never entered is a difference that the shipment itself proves.
    """
    there = _in_stock(wanted)
    made = set(catalog.items().filter(pk__in={goods.item for goods in wanted}, procurement="make").values_list("pk", flat=True))
    for goods, quantity in wanted.items():
        left = quantity
        for lying in [other for other in there if _fits(other, goods)]:
            part = min(left, there[lying])
            if part > 0:
                there[lying] -= part
                left -= part
                yield Transfer(goods=lying, source=Place.STOCK, target=Place.TRANSIT, quantity=part)
        if left > 0:
            yield Transfer(goods=goods, source=Place.PRODUCTION if goods.item in made else Place.LOSS, target=Place.TRANSIT, quantity=left)


def _fits(lying: Goods, wanted: Goods) -> bool:
    same = lying.item == wanted.item and lying.configuration == wanted.configuration
    return same and wanted.lot in ("", lying.lot)


def _in_stock(wanted: Mapping[Goods, Decimal]) -> dict[Goods, Decimal]:
    """What lies in stock of these items, the oldest first; locked until the transaction ends."""
    rows = models.Balance.objects.select_for_update().filter(item_id__in={goods.item for goods in wanted}, place=Place.STOCK, quantity__gt=0)
    found = list(rows.order_by("item_id", "configuration", "lot"))
    return {Goods(item=row.item_id, configuration=row.configuration, lot=row.lot): row.quantity for row in sorted(found, key=lambda row: row.pk)}


# A receipt advice -----------------------------------------------------------------------------------------------------


def _received(news: Moved, whole: Whole) -> None:
    if not _counts(whole):
        return
    moves = _taken_in(whole) if whole.head["side"] == whole.type.issuer else _arrived(whole)
    stock.post(moves, cause=Cause.RECEIPT, document=whole.id, by=_by(news), at=news.step.at)
    if news.step.own:
        receiving.answer(receipt=whole, by=acting.actor(), at=news.step.at)


def _count(line: Mapping[str, Any], kind: str) -> Decimal:
    return Decimal(line["details"]["counts"].get(kind, "0"))


def _taken_in(whole: Whole) -> list[Transfer]:
    """At the buyer's: what was accepted comes into stock, what was rejected into quarantine."""
    places = (("accepted", Place.STOCK), ("rejected", Place.QUARANTINE))
    return [
        Transfer(goods=goods_of(line), source=Place.SUPPLIER, target=place, quantity=quantity)
        for line in whole.lines
        if line["item_id"] is not None
        for kind, place in places
        if (quantity := _count(line, kind))
    ]


def _arrived(whole: Whole) -> list[Transfer]:
    """At the seller's: what was on the way is the customer's now, or got lost."""
    advice = uuid.UUID(whole.head["details"]["despatch_advice"])
    there = {goods: quantity for goods, quantity in _on_the_way(advice).items() if quantity > 0}
    moves = []
    for line in (line for line in whole.lines if line["item_id"] is not None):
        for kind, place in (("received", Place.CUSTOMER), ("short", Place.LOSS)):
            for goods, quantity in _take(there, goods_of(line), _count(line, kind)):
                moves.append(Transfer(goods=goods, source=Place.TRANSIT, target=place, quantity=quantity))
    return moves


def _on_the_way(advice: uuid.UUID) -> dict[Goods, Decimal]:
    sums: dict[Goods, Decimal] = defaultdict(Decimal)
    for moved in _standing(advice):
        if moved.target == Place.TRANSIT:
            sums[moved.goods] += moved.quantity
    return sums


def _take(there: dict[Goods, Decimal], wanted: Goods, quantity: Decimal) -> Iterator[tuple[Goods, Decimal]]:
    """Of the lots that were shipped, as far as they reach; what came beyond them is of the lot that was said."""
    for goods in [other for other in there if _fits(other, wanted)]:
        part = min(quantity, there[goods])
        if part > 0:
            there[goods] -= part
            quantity -= part
            yield goods, part
    if quantity > 0:
        yield wanted, quantity


# What a partner says --------------------------------------------------------------------------------------------------


def _need_honest(whole: Whole) -> None:
    """A partner's lines count what they say, and nothing else. Raises Unacceptable."""
    honest = {despatching.TYPE: _honest_despatch, receiving.TYPE: _honest_receipt}[whole.type.code]
    try:
        sound = _is_readable(whole.head["details"]) and all(_is_whole(line["details"]) and honest(line, line["details"]) for line in whole.lines)
    except (KeyError, ValueError, TypeError, ArithmeticError, AttributeError) as error:
        raise Unacceptable(_("The move cannot be read: %(error)s") % {"error": error}) from error
    if not sound:
        raise Unacceptable(_("A line counts something else than it says."))


def _is_readable(details: Mapping[str, Any]) -> bool:
    """Whether what the head says beside its lines is what it is shown as."""
    if arrives := details.get("arrives_on"):
        dt.date.fromisoformat(arrives)
    return isinstance(details.get("tracking", ""), str)


def _is_whole(details: Mapping[str, Any]) -> bool:
    """Whether a line says all that is shown of it later, each as what it is."""
    texts = [details["order"], details["order_number"], details["lot"]]
    digest = details.get("configuration", {}).get("digest", "")
    return all(isinstance(one, str) for one in (*texts, digest)) and isinstance(details["order_line"], int)


def _counts_of(details: Mapping[str, Any]) -> dict[str, Decimal]:
    return {kind: Decimal(count) for kind, count in details["counts"].items()}


def _honest_despatch(line: Mapping[str, Any], details: Mapping[str, Any]) -> bool:
    return _counts_of(details) == {"shipped": line["quantity"]} and all(isinstance(serial, str) for serial in details["serials"])


def _honest_receipt(line: Mapping[str, Any], details: Mapping[str, Any]) -> bool:
    counts, shipped, received = _counts_of(details), Decimal(details["shipped"]), line["quantity"]
    rejected, credited = counts.get("rejected", NONE), counts.pop("credited", NONE)
    wanted = {
        "received": received,
        "accepted": received - rejected,
        "rejected": rejected,
        "short": max(shipped - received, NONE),
        "oversupply": max(received - shipped, NONE),
    }
    named = isinstance(details["despatch_line"], int) and {details["reason"], details["action"]} <= {None, *receiving.REASONS, *receiving.ACTIONS}
    same = counts == {kind: quantity for kind, quantity in wanted.items() if quantity}
    return named and same and 0 <= rejected <= received and credited in (NONE, wanted["short"] + rejected)


_ACTS = {despatching.TYPE: _despatched, receiving.TYPE: _received}
