"""Purchase lines of the past, out of a file: each with its vendor, what was promised for when, and when it came.

The file is a CSV as the Supply Chain Management System (SCMS) of USAID publishes its delivery history: a line for each line of an
order, with the columns of COLUMNS. A day is written as `02-Jun-06`, `6/2/2006` or `06-02-2006` (the month first).
"""

import csv
import datetime as dt
import hashlib
import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import TypeVar

from django.utils.translation import gettext as _

from apps.base import fields

T = TypeVar("T")
COLUMNS = {
    "vendor": "Vendor",
    "order": "PO / SO #",
    "advice": "ASN/DN #",
    "item": "Item Description",
    "quantity": "Line Item Quantity",
    "value": "Line Item Value",
    "sent_on": "PO Sent to Vendor Date",
    "due_on": "Scheduled Delivery Date",
    "came_on": "Delivered to Client Date",
}
DAYS = ("%d-%b-%y", "%d-%b-%Y", "%m/%d/%Y", "%m-%d-%Y", "%Y-%m-%d")
MOST_BYTES = 100_000_000
LIMITS = {"vendor": 200, "order": 60, "advice": 58, "item": 500}


class NoChronicle(ValueError):
    """A file that is none: too big, no text, or without a column that is needed. The sentence says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bought:
    """One purchase line.

    row: its first line in the file, of which the heading is line 1. value: of the whole line. sent_on: when it was ordered, where that is known.
    """

    row: int
    vendor: str
    order: str
    advice: str
    item: str
    quantity: Decimal
    value: Decimal
    sent_on: dt.date | None
    due_on: dt.date
    came_on: dt.date


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A row that was not taken, and why."""

    row: int
    detail: str


def read(content: bytes) -> Iterator[Bought | Fault]:
    """Every row of a file, as a purchase line or as a fault: none is left out. Raises NoChronicle."""
    rows = csv.DictReader(io.StringIO(_text(content), newline=""))
    missing = [column for column in COLUMNS.values() if column not in (rows.fieldnames or ())]
    if missing:
        raise NoChronicle(_("The file lacks these columns: %(columns)s.") % {"columns": ", ".join(missing)})
    last = 1
    try:
        for given in rows:
            first, last = last + 1, rows.line_num
            yield _row(first, given)
    except csv.Error as error:
        raise NoChronicle(_("The file cannot be read beyond row %(row)d: %(error)s") % {"row": last, "error": error}) from error


def _text(content: bytes) -> str:
    if len(content) > MOST_BYTES:
        raise NoChronicle(_("The file has more than 100 MB."))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _row(number: int, given: Mapping[str, str | None]) -> Bought | Fault:
    said = {name: (given.get(column) or "").strip() for name, column in COLUMNS.items()}
    try:
        if given.get(None):  # type: ignore[call-overload]
            raise fields.Unreadable("columns", _("There are more values than columns."))
        texts = {name: _named(name, partial(fields.text, limit=limit, required=True), said) for name, limit in LIMITS.items()}
        return Bought(
            row=number,
            **texts,
            quantity=_named("quantity", fields.quantity, said),
            value=_named("value", fields.price, said),
            sent_on=_day_or_none(said["sent_on"]),
            due_on=_named("due_on", _day, said),
            came_on=_named("came_on", _day, said),
        )
    except fields.Unreadable as error:
        return Fault(row=number, detail=str(error))


def _named(name: str, reader: Callable[[str], T], said: Mapping[str, str]) -> T:
    """A value, or a refusal that names its column."""
    try:
        return reader(said[name])
    except fields.Unreadable as error:
        raise fields.Unreadable(error.code, f"{COLUMNS[name]}: {error}") from error


def _day(text: str) -> dt.date:
    found = _day_or_none(text)
    if found is None:
        raise fields.Unreadable("date", _("“%(text)s” is no day.") % {"text": text[:40]})
    return fields.date(found)


def _day_or_none(text: str) -> dt.date | None:
    for form in DAYS:
        try:
            return dt.datetime.strptime(text, form).replace(tzinfo=dt.UTC).date()
        except ValueError:
            continue
    return None


def slug_of(vendor: str, *, buyer: str) -> str:
    """The short name under which a vendor of this buyer's history stands; a digest keeps two apart whose names begin alike."""
    plain = re.sub(r"[^a-z0-9]+", "-", vendor.casefold()).strip("-")
    slug = f"{buyer[:12]}-{plain}"
    return slug if plain and len(slug) <= 40 else f"{slug[:31].rstrip('-')}-{hashlib.sha256(vendor.encode()).hexdigest()[:8]}"
