"""The ledger of stock: goods go from one place to another, and never come from nowhere. The only place where it is written."""

import datetime as dt
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import Any

import orjson
from django.db import connection, transaction
from django.utils.translation import gettext as _

from apps.base import fields, units
from apps.base.acting import Actor
from apps.base.findings import Finding, Invalid, refuse
from apps.base.models import new_id
from apps.base.templatetags.tributary import written
from apps.catalog import selectors as catalog
from apps.documents.services import MayNot
from apps.logistics import models
from apps.logistics.models import Cause, Place

# What lies here can be touched: it is never less than nothing, unless somebody adjusts it and says why.
WITHIN = (Place.STOCK, Place.QUARANTINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """What is the same for the ledger: an item, the digest of its configuration (empty: none), and its lot (empty: none)."""

    item: uuid.UUID
    configuration: str = ""
    lot: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """So much of some goods from one place to another. quantity: above zero, in the item's unit."""

    goods: Goods
    source: str
    target: str
    quantity: Decimal

    def back(self) -> "Transfer":
        """The same in the other direction."""
        return replace(self, source=self.target, target=self.source)


class NotEnough(Exception):
    """More would leave a place than lies there. The sentence says how much does."""


def move_stock(*, item: uuid.UUID, quantity: Any, source: Any, target: Any, lot: Any = "", configuration: Any = "", reason: Any = "",
               by: Actor, at: dt.datetime) -> models.StockMove:  # fmt: skip
    """Move goods by hand. Raises MayNot, Invalid, and NotEnough where more would leave stock or quarantine than lies there.

    From or to the differences it is an adjustment, which needs its reason and may go below zero.
    """
    _need(by, "stock.move")
    findings: list[Finding] = []
    amount = _read(findings, "/quantity", fields.quantity, quantity, Decimal(0))
    ends = [_read(findings, pointer, _place, value, "") for pointer, value in (("/from", source), ("/to", target))]
    goods = _read_goods(findings, item, lot, configuration)
    adjusts = Place.LOSS in ends
    words = _read(findings, "/reason", partial(fields.text, limit=400, required=adjusts), reason, "")
    if ends[0] and ends[0] == ends[1]:
        findings.append(Finding("/to", "same", _("Goods go from one place to another one.")))
    if findings:
        raise Invalid(findings)
    moved = Transfer(goods=goods, source=ends[0], target=ends[1], quantity=amount)
    return post([moved], cause=Cause.ADJUSTMENT if adjusts else Cause.HAND, reason=words, by=by, at=at)[0]


def adjust(*, item: uuid.UUID, counted: Any = None, change: Any = None, lot: Any = "", configuration: Any = "", place: Any = Place.STOCK.value, reason: Any,
           by: Actor, at: dt.datetime) -> models.StockMove | None:  # fmt: skip
    """Set right what the ledger holds at a place: to what was `counted`, or by a `change` (below zero: so much less). A reason is needed.

    Gives the move, None where what was counted is what the ledger holds. Raises MayNot, Invalid.
    """
    _need(by, "stock.move")
    findings: list[Finding] = []
    goods = _read_goods(findings, item, lot, configuration)
    where = _read(findings, "/place", _inside, place, "")
    words = _read(findings, "/reason", partial(fields.text, limit=400, required=True), reason, "")
    named, read, value = ("/counted", fields.quantity_or_none, counted) if change is None else ("/change", fields.number, change)
    amount = _read(findings, named, read, value, Decimal(0))
    if findings:
        raise Invalid(findings)
    with transaction.atomic():
        less = amount - _locked(goods, where) if change is None else amount
        if not less:
            return None
        ends = (Place.LOSS.value, where) if less > 0 else (where, Place.LOSS.value)
        moved = Transfer(goods=goods, source=ends[0], target=ends[1], quantity=abs(less))
        return post([moved], cause=Cause.ADJUSTMENT, reason=words, by=by, at=at)[0]


def _need(by: Actor, permission: str) -> None:
    if not by.may(permission):
        raise MayNot(permission)


def _read(findings: list[Finding], pointer: str, read: Callable[[Any], Any], value: Any, default: Any) -> Any:
    try:
        return read(value)
    except fields.Unreadable as error:
        findings.append(Finding(pointer, error.code, str(error)))
        return default


def _place(value: Any) -> str:
    if value not in Place.values:
        known = ", ".join(Place.values)
        raise fields.Unreadable("place", _("“%(value)s” is no place. Places are: %(known)s.") % {"value": str(value)[:20], "known": known})
    return str(value)


def _inside(value: Any) -> str:
    if value not in WITHIN:
        raise fields.Unreadable("place", _("Only stock and quarantine can be counted."))
    return str(value)


def _read_goods(findings: list[Finding], item: uuid.UUID, lot: Any, configuration: Any) -> Goods:
    if catalog.item(id=item) is None:
        raise refuse("/item", "item", _("There is no such item."))
    said = (
        _read(findings, "/lot", partial(fields.text, limit=60), lot, ""),
        _read(findings, "/configuration", partial(fields.text, limit=64), configuration, ""),
    )
    return Goods(item=item, lot=said[0], configuration=said[1])


def _locked(goods: Goods, place: str) -> Decimal:
    """The balance of some goods at a place, locked until the transaction ends."""
    row = models.Balance.objects.select_for_update().filter(item_id=goods.item, configuration=goods.configuration, lot=goods.lot, place=place).first()
    return row.quantity if row else Decimal(0)


# Ids are fresh, and of no use where a row is there already. In one order, so that two of these never wait for one another.
_ADD = (
    "INSERT INTO logistics_balance (id, item_id, configuration, lot, place, quantity) "
    "SELECT id, item, configuration, lot, place, quantity FROM json_to_recordset(%s::json) "
    "AS r(id uuid, item uuid, configuration text, lot text, place text, quantity numeric) ORDER BY item, configuration, lot, place "
    "ON CONFLICT (item_id, configuration, lot, place) DO UPDATE SET quantity = logistics_balance.quantity + EXCLUDED.quantity "
    "RETURNING item_id, configuration, lot, place, quantity"
)


def post(moves: Sequence[Transfer], *, cause: str, document: uuid.UUID | None = None, reason: str = "", by: Actor, at: dt.datetime) -> list[models.StockMove]:
    """Write some moves, all or none, with their balances: two statements, whatever their number. Raises NotEnough."""
    if not moves:
        return []
    with transaction.atomic():
        reached = _add(moves)
        if cause != Cause.ADJUSTMENT:
            _check(moves, reached)
        rows = [
            models.StockMove(
                item_id=moved.goods.item, configuration=moved.goods.configuration, lot=moved.goods.lot, source=moved.source, target=moved.target,
                quantity=moved.quantity, cause=cause, document_id=document, reason=reason, at=at, by=by.name[:150],
            )
            for moved in moves
        ]  # fmt: skip
        return models.StockMove.objects.bulk_create(rows)


def _add(moves: Iterable[Transfer]) -> dict[tuple[Goods, str], Decimal]:
    """Add the moves to the balances. Gives what each touched place holds afterwards."""
    change: dict[tuple[Goods, str], Decimal] = {}
    for moved in moves:
        for place, sign in ((moved.source, -1), (moved.target, 1)):
            change[moved.goods, place] = change.get((moved.goods, place), Decimal(0)) + sign * moved.quantity
    rows = [
        {"id": str(new_id()), "item": str(goods.item), "configuration": goods.configuration, "lot": goods.lot, "place": place, "quantity": format(total, "f")}
        for (goods, place), total in change.items()
    ]
    with connection.cursor() as cursor:
        cursor.execute(_ADD, [orjson.dumps(rows).decode()])
        return {(Goods(item=item, configuration=of, lot=lot), place): quantity for item, of, lot, place, quantity in cursor.fetchall()}


def _check(moves: Iterable[Transfer], reached: dict[tuple[Goods, str], Decimal]) -> None:
    for moved in moves:
        left = reached[moved.goods, moved.source]
        if moved.source in WITHIN and left < 0:
            raise NotEnough(_too_little(moved.goods, moved.source, -left))


def _too_little(goods: Goods, place: str, missing: Decimal) -> str:
    item = catalog.item(id=goods.item)
    words = {
        "item": item.number if item else "–",
        "lot": _(" of lot %(lot)s") % {"lot": goods.lot} if goods.lot else "",
        "place": Place(place).label,
        "missing": f"{written(missing)} {units.label(item.unit) if item else ''}".strip(),
    }
    return _("There is too little of “%(item)s”%(lot)s in %(place)s: %(missing)s missing. Enter first what came in, or adjust the stock.") % words
