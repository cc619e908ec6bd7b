"""Cursor pages: a list that goes on where it stopped, however much is added to it meanwhile."""

import base64
import binascii
import datetime as dt
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.utils.urls import remove_query_param, replace_query_param

from apps.base.api import dumps
from apps.base.findings import refuse
from apps.base.inputs import Parameters

LIMIT, MOST = 50, 500
PARAMETERS = ("limit", "cursor", "ordering")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column by which a list may be ordered. read: its values from JSON; field: its name in the table."""

    field: str
    read: Callable[[str], Any] = str
    nullable: bool = False


MOMENT, DAY, TEXT, NUMBER = dt.datetime.fromisoformat, dt.date.fromisoformat, str, Decimal


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a page begins: after the row with this value and id, in this ordering; backwards from there for a previous page."""

    ordering: str
    value: Any
    id: uuid.UUID
    back: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """The rows of one page, and the addresses of those beside it."""

    rows: list[dict[str, Any]]
    next: str | None
    previous: str | None

    def answer(self, results: Sequence[Any]) -> dict[str, Any]:
        return {"next": self.next, "previous": self.previous, "results": results}


def everything(results: Sequence[Any]) -> dict[str, Any]:
    """A list that is always given whole, in the form of a page."""
    return {"next": None, "previous": None, "results": results}


def page(request: Request, parameters: Parameters, rows: QuerySet[Any], *, columns: Sequence[str], by: Mapping[str, Column], default: str) -> Slice:
    """One page of `rows` as plain columns, `id` among them. One query. Raises Invalid for what `parameters` cannot be."""
    limit = parameters.number("limit", low=1, high=MOST, default=LIMIT)
    ordering = parameters.choice("ordering", [sign + name for name in by for sign in ("", "-")], default)
    cursor = parameters.text("cursor", limit=400)
    parameters.done()
    column = by[ordering.removeprefix("-")]
    place = _parse(cursor, ordering, column) if cursor else None
    found = _rows(rows, column, ordering.startswith("-"), place).values(*dict.fromkeys([*columns, "id", column.field]))[: limit + 1]
    kept = list(found)
    more, kept = len(kept) > limit, kept[:limit]
    back = place is not None and place.back
    if back:
        kept.reverse()
    after = more if not back else place is not None
    before = more if back else place is not None
    url = request.build_absolute_uri()
    return Slice(
        rows=kept,
        next=_link(url, kept[-1], ordering, column, back=False) if after and kept else None,
        previous=_link(url, kept[0], ordering, column, back=True) if before and kept else (remove_query_param(url, "cursor") if before else None),
    )


def _rows(rows: QuerySet[Any], column: Column, descending: bool, place: _Place | None) -> QuerySet[Any]:
    """The rows from `place` on, in order; rows without a value come last whichever way they are ordered."""
    back = place is not None and place.back
    down = descending != back
    if place is not None:
        rows = rows.filter(_beyond(column, place, down=down, back=back))
    if not column.nullable:
        return rows.order_by(*(f"{'-' if down else ''}{name}" for name in (column.field, "id")))
    first, last = (True, None) if back else (None, True)
    value = F(column.field)
    ordered = value.desc(nulls_first=first, nulls_last=last) if down else value.asc(nulls_first=first, nulls_last=last)
    return rows.order_by(ordered, "-id" if down else "id")


def _beyond(column: Column, place: _Place, *, down: bool, back: bool) -> Q:
    than = "lt" if down else "gt"
    further = Q(**{f"id__{than}": place.id})
    if place.value is None:
        same = Q(**{f"{column.field}__isnull": True}) & further
        return same | Q(**{f"{column.field}__isnull": False}) if back else same
    beyond = Q(**{f"{column.field}__{than}e": place.value}) & (Q(**{f"{column.field}__{than}": place.value}) | further)
    return beyond | Q(**{f"{column.field}__isnull": True}) if column.nullable and not back else beyond


def _link(url: str, row: Mapping[str, Any], ordering: str, column: Column, *, back: bool) -> str:
    text = dumps([ordering, row[column.field], row["id"], int(back)])
    return str(replace_query_param(url, "cursor", base64.urlsafe_b64encode(text).decode().rstrip("=")))


def _sayable(value: Any) -> bool:
    """Whether the database could be asked for it."""
    if isinstance(value, dt.datetime):
        return value.tzinfo is not None
    return not (isinstance(value, str) and "\0" in value)


def _parse(cursor: str, ordering: str, column: Column) -> _Place:
    try:
        said, value, key, back = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        read = None if value is None else column.read(value)
        if said != ordering or (read is None and not column.nullable) or not _sayable(read):
            raise ValueError(said)
        return _Place(ordering, read, uuid.UUID(key), bool(back))
    except (ValueError, TypeError, ArithmeticError, AttributeError, binascii.Error) as error:
        raise refuse("/cursor", "cursor", _("This cursor is of no page of this list. Begin anew, and follow “next”.")) from error
