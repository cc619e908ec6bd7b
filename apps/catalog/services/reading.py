"""Reading what is entered, for one row or for ten thousand: each field by its reader, items and partners by what people call them."""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from apps.base import fields
from apps.base.findings import Finding, Invalid
from apps.catalog import selectors
from apps.network import selectors as network

Reader = Callable[[Any], Any]
Given = Mapping[str, Any]
MOST_DAYS = 3650
MOST_PRIORITY = 32_000
MOST_POSITION = 2_000_000_000


@dataclass(slots=True, kw_only=True)
class Put:
    """What became of rows that were entered together: the ids of the good ones by the row's index, and what is wrong with the others."""

    saved: dict[int, uuid.UUID] = field(default_factory=dict)
    findings: list[tuple[int, Finding]] = field(default_factory=list)

    def wrong(self, index: int, pointer: str, code: str, detail: str) -> None:
        self.findings.append((index, Finding(pointer, code, str(detail))))

    def only(self) -> uuid.UUID:
        """The id of the one row that was entered. Raises Invalid with everything that is wrong with it."""
        if self.findings:
            raise Invalid([finding for _index, finding in self.findings])
        return self.saved[0]


def read(given: Given, readers: Mapping[str, Reader], index: int, put: Put) -> dict[str, Any] | None:
    """The values of the fields that are given; None where one of them cannot be taken, which then stands in `put`."""
    values: dict[str, Any] = {}
    before = len(put.findings)
    for name, reader in readers.items():
        if name in given:
            try:
                values[name] = reader(given[name])
            except fields.Unreadable as error:
                put.wrong(index, f"/{name}", error.code, str(error))
    return values if len(put.findings) == before else None


def text_of(limit: int, *, required: bool = False) -> Reader:
    return lambda value: fields.text(value, limit=limit, required=required)


def yes(value: Any) -> bool:
    if not isinstance(value, bool):
        raise fields.Unreadable("boolean", _("Write true or false."))
    return value


def number_of(value: Any) -> Decimal:
    """A number, also an exact one that was read already."""
    return fields.number(format(value, "f") if isinstance(value, Decimal) else value)


def at_least_zero(sentence: str) -> Reader:
    """A number of zero or more, nothing counting as zero; `sentence` says what a negative one is told."""

    def reader(value: Any) -> Decimal:
        found = Decimal(0) if value is None or value == "" else number_of(value)
        if found < 0:
            raise fields.Unreadable("negative", _(sentence))
        return found

    return reader


def whole_of(sentence: str, *, high: int, low: int = 0) -> Reader:
    """A whole number from `low` (which nothing counts as) to `high`; `sentence` says what a smaller one is told."""

    def reader(value: Any) -> int:
        if value is None or value == "":
            return low
        found = number_of(value)
        if found < low:
            raise fields.Unreadable("negative" if low == 0 else "too_small", _(sentence))
        if found != found.to_integral_value() or found > high:
            raise fields.Unreadable("range", _("Write a whole number from %(low)d to %(high)d.") % {"low": low, "high": high})
        return int(found)

    return reader


def choice_of(options: Sequence[str]) -> Reader:
    def reader(value: Any) -> str:
        if value not in options:
            raise fields.Unreadable("choice", _("“%(value)s” is none of: %(options)s.") % {"value": str(value)[:60], "options": ", ".join(options)})
        return str(value)

    return reader


def day(value: Any) -> Any:
    return None if value is None or value == "" else fields.date(value)


class Named:
    """Rows of the database by what people call them."""

    def __init__(self, found: Mapping[Any, uuid.UUID]) -> None:
        self._found = found

    def get(self, value: Any) -> uuid.UUID | None:
        """The id of what is called so, None where there is none."""
        key = value.strip() if isinstance(value, str) else value
        return self._found.get(key) if isinstance(key, str | uuid.UUID) else None

    def _read(self, value: Any, *, missing: str, unknown: str, code: str) -> uuid.UUID:
        if value is None or (isinstance(value, str) and not value.strip()):
            raise fields.Unreadable("required", missing)
        found = self.get(value)
        if found is None:
            raise fields.Unreadable(code, unknown)
        return found


class Items(Named):
    """The items that some rows name, by number or by id, all asked for at once."""

    def __init__(self, named: Iterable[Any]) -> None:
        texts, keys = set(), set()
        for one in named:
            if isinstance(one, uuid.UUID):
                keys.add(one)
            elif isinstance(one, str):
                texts.add(one.strip())
        super().__init__({**selectors.ids(texts), **{key: key for key in selectors.existing(keys)}})

    def read(self, value: Any) -> uuid.UUID:
        """A reader: the id of the item. Raises Unreadable where there is none."""
        unknown = _("You have no item “%(number)s”. Enter it first.") % {"number": str(value)[:60]}
        return self._read(value, missing=_("Say which item, by its number."), unknown=unknown, code="item")


class Partners(Named):
    """The partners whom some rows may name, by short name or by id."""

    def __init__(self, known: Iterable[uuid.UUID] = ()) -> None:
        """known: those who are taken whatever the partnership says now, because they stand there already."""
        kept = set(known)
        found: dict[Any, uuid.UUID] = {}
        for partner in network.partners():
            if partner.state == "active" or partner.id in kept:
                found |= {partner.slug: partner.id, partner.id: partner.id}
        super().__init__(found)

    def read(self, value: Any) -> uuid.UUID:
        """A reader: the partner's id. Raises Unreadable where there is none: foreign and missing read alike."""
        unknown = _("“%(slug)s” is no partner of yours. Invite the enterprise under Network first.") % {"slug": str(value)[:60]}
        return self._read(value, missing=_("Choose a partner."), unknown=unknown, code="partner")
