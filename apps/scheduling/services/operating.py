"""Entering operations: how an item is made, on what, and how long it takes."""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.base import fields, formulas
from apps.base.acting import Actor
from apps.base.findings import Finding, Invalid
from apps.base.models import Batch, new_id
from apps.catalog.services.reading import Given, Items, Put, Reader, read, text_of, whole_of
from apps.catalog.services.structuring import read_condition
from apps.scheduling import models

OPERATION_COLUMNS = ("item", "routing", "priority", "position", "name", "name_zh", "pool", "setup", "run", "condition", "lag")
MOST_MINUTES = 525_600
STEP = 10


def save_operation(*, id: uuid.UUID | None = None, by: Actor, at: dt.datetime, **given: Any) -> models.Operation:
    """Enter an operation, or change the one with `id`. The fields are those of OPERATION_COLUMNS.

    item: its number or id. pool: the code of a pool or of one resource, empty where it only takes time. setup, lag: minutes; run: minutes a unit, a
    number or a formula of the configuration; condition: when it is done, always where it is empty. position: after the last one where it is not
    said. Raises Invalid with every finding.
    """
    with transaction.atomic():
        key = put_operations([{**given, **({"id": id} if id else {})}]).only()
    return models.Operation.objects.select_related("item").get(pk=key)


def put_operations(rows: Sequence[Given], *, upsert: bool = False) -> Put:
    """Enter operations together, in a transaction of the caller's. upsert: the one of the same item, routing and position is changed."""
    put = Put()
    items = Items(row["item"] for row in rows if "item" in row)
    pools = _pools()
    ids = [row["id"] for row in rows if row.get("id")]
    meant = [key for row in rows if (key := items.get(row.get("item")))]
    known = {row.pk: row for row in models.Operation.objects.select_for_update().filter(Q(item__in=meant) | Q(item__in=_items_of(ids)))}
    by_place = {(row.item_id, row.routing, row.position): row for row in known.values()}
    coming: dict[uuid.UUID, tuple[models.Operation, bool]] = {}
    readers = {**_READERS, "item": items.read, "pool": lambda value: _pool(value, pools)}
    for index, given in enumerate(rows):
        values = read({"item": None, "name": "", **given} if not given.get("id") else given, readers, index, put)
        if values is None:
            continue
        row = known.get(given["id"]) if given.get("id") else _meant(values, by_place, upsert)
        if row is None:
            put.wrong(index, "/", "missing", _("There is no such operation."))
            continue
        place = _place(row, values, by_place)
        if by_place.get(place, row).pk != row.pk:
            put.wrong(index, "/position", "position_taken", _("There is an operation at this position already."))
            continue
        new = row.pk not in known
        by_place.pop((row.item_id, row.routing, row.position), None)
        _change(row, {**values, "position": place[2]})
        by_place[place] = known[row.pk] = row
        coming[row.pk] = (row, new or coming.get(row.pk, (row, False))[1])
        put.saved[index] = row.pk
    _write(coming)
    return put


def _items_of(ids: Sequence[uuid.UUID]) -> Any:
    return models.Operation.objects.filter(pk__in=ids).values("item")


def _meant(values: Mapping[str, Any], by_place: Mapping[Any, models.Operation], upsert: bool) -> models.Operation:
    found = by_place.get((values["item"], values.get("routing", ""), values.get("position"))) if upsert else None
    return found or models.Operation(id=new_id(), item_id=values["item"], position=0)


def _place(row: models.Operation, values: Mapping[str, Any], by_place: Mapping[Any, models.Operation]) -> tuple[uuid.UUID, str, int]:
    item, routing = values.get("item", row.item_id), values.get("routing", row.routing)
    position = values.get("position") or row.position
    if not position:
        position = max((key[2] for key in by_place if key[:2] == (item, routing)), default=0) + STEP
    return item, routing, position


def _change(row: models.Operation, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        setattr(row, "item_id" if name == "item" else name, value)


def _write(coming: Mapping[uuid.UUID, tuple[models.Operation, bool]]) -> None:
    """One statement, whatever the number: positions that rows exchange are free in between."""
    columns = ("id", *OPERATION_COLUMNS)
    rows = {new: [_row(row, columns) for row, is_new in coming.values() if is_new == new] for new in (True, False)}
    batch = Batch()
    batch.insert(models.Operation, columns, rows[True])
    batch.update(models.Operation, columns, rows[False])
    batch.write()


def _row(row: models.Operation, columns: Sequence[str]) -> list[Any]:
    return [getattr(row, "item_id" if name == "item" else name) for name in columns]


def remove_operation(*, id: uuid.UUID, by: Actor, at: dt.datetime) -> None:
    """Take an operation away. Raises Invalid where there is none."""
    deleted, _rows = models.Operation.objects.filter(pk=id).delete()
    if not deleted:
        raise Invalid([Finding("/", "missing", _("There is no such operation."))])


# Reading --------------------------------------------------------------------------------------------------------------


def _pools() -> frozenset[str]:
    """The codes of all resources and pools."""
    return frozenset(code for codes in models.Resource.objects.values_list("code", "pool") for code in codes if code)


def _pool(value: Any, known: frozenset[str]) -> str:
    code = fields.text(value, limit=30)
    if code and code not in known:
        raise fields.Unreadable("pool", _("There is no resource and no pool “%(code)s”. Enter the resource first.") % {"code": code})
    return code


def read_run(value: Any) -> str:
    """A run time in minutes a unit, as a number or a formula; nothing counts as zero. Raises Unreadable with its place in the text."""
    if isinstance(value, bool | float):
        raise fields.Unreadable("formula", _("Write a number or a formula, as text: “2” or “ceil(width / 100)”."))
    text = fields.text("" if value is None else str(value), limit=1000) or "0"
    try:
        formula = formulas.parse(text)
        minutes = formula.amount({}) if not formula.names else 0
    except formulas.Unreadable as error:
        detail = _("%(what)s (character %(column)d)") % {"what": error.sentence, "column": error.column}
        raise fields.Unreadable("formula", detail) from error
    except formulas.FormulaError as error:
        raise fields.Unreadable("formula", error.sentence) from error
    if minutes < 0:
        raise fields.Unreadable("negative", _("A time cannot be negative."))
    return text


_minutes = whole_of(gettext_noop("A time cannot be negative."), high=MOST_MINUTES)
_position = whole_of(gettext_noop("A position is 1 or more."), low=1, high=2_000_000_000)
_READERS: Mapping[str, Reader] = {
    "routing": text_of(30),
    "priority": whole_of(gettext_noop("A priority cannot be negative."), high=32_000),
    "position": lambda value: None if value is None or value == "" else _position(value),
    "name": text_of(200, required=True),
    "name_zh": text_of(200),
    "setup": _minutes,
    "run": read_run,
    "condition": read_condition,
    "lag": _minutes,
}
