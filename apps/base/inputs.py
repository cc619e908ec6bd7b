"""What a request may say: its parameters and the names in its body. A name that nobody knows is refused, so that no typing error is swallowed."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _
from rest_framework.request import Request

from apps.base import fields
from apps.base.findings import Finding, Invalid

# The names that an object may have, each with the shape of what it holds: None for a value, a list of one shape for a list.
Shape = Mapping[str, Any]


def unknown_names(given: Any, shape: Any, at: str = "") -> Iterator[Finding]:
    """A finding for each name in `given` for which `shape` has no place."""
    if isinstance(shape, Sequence):
        if isinstance(given, list):
            for index, one in enumerate(given):
                yield from unknown_names(one, shape[0], f"{at}/{index}")
    elif isinstance(shape, Mapping) and isinstance(given, Mapping):
        for name, inner in given.items():
            if name in shape:
                yield from unknown_names(inner, shape[name], f"{at}/{name}")
            else:
                known = ", ".join(shape) or "-"
                yield Finding(
                    f"{at}/{escaped(name)}", "unknown_field", _("There is no field “%(name)s”. Known are: %(known)s.") % {"name": name[:60], "known": known}
                )


def escaped(name: str) -> str:
    """A name as a part of a JSON pointer (RFC 6901, 3)."""
    return name[:60].replace("~", "~0").replace("/", "~1")


def check_names(given: Any, shape: Shape) -> None:
    """Raises Invalid where `given` says something for which `shape` has no place; at most 100 findings."""
    found = [finding for finding, _number in zip(unknown_names(given, shape), range(100), strict=False)]
    if found:
        raise Invalid(found)


class Parameters:
    """The parameters of a request's address, read one by one; what is wrong with them is told at once by done().

    A pointer is the parameter's name behind a slash.
    """

    def __init__(self, request: Request, known: Iterable[str]) -> None:
        self.given = request.query_params
        self.findings: list[Finding] = []
        allowed = list(known)
        for name in self.given:
            if name not in allowed:
                detail = _("There is no parameter “%(name)s”. Known are: %(known)s.") % {"name": name[:60], "known": ", ".join(allowed) or "-"}
                self.found(escaped(name), "unknown_parameter", detail)
            elif len(self.given.getlist(name)) > 1:
                self.found(name, "twice", _("Give this parameter once."))

    def found(self, name: str, code: str, detail: str) -> None:
        self.findings.append(Finding(f"/{name}", code, detail))

    def text(self, name: str, *, limit: int = 100) -> str:
        """A text, empty where none is given."""
        try:
            return fields.text(self.given.get(name), limit=limit)
        except fields.Unreadable as error:
            self.found(name, error.code, str(error))
            return ""

    def choice(self, name: str, options: Iterable[str], default: str = "") -> str:
        """One of `options`, else `default`."""
        value = self.given.get(name)
        if value is None:
            return default
        allowed = list(options)
        if value not in allowed:
            self.found(name, "choice", _("“%(value)s” is none of: %(options)s.") % {"value": value[:60], "options": ", ".join(allowed)})
            return default
        return value

    def number(self, name: str, *, low: int, high: int, default: int) -> int:
        """A whole number from `low` to `high`."""
        value = self.given.get(name)
        if value is None:
            return default
        if not (value.isascii() and value.isdecimal() and len(value) < 10 and low <= int(value) <= high):
            self.found(name, "range", _("Write a whole number from %(low)d to %(high)d.") % {"low": low, "high": high})
            return default
        return int(value)

    def moment(self, name: str) -> dt.datetime | None:
        """A time in ISO 8601 (a day counts from its first moment; without a zone it is UTC), None where none is given."""
        value = self.given.get(name)
        if value is None:
            return None
        found = _moment(value.replace(" ", "+") if "T" in value else value)
        if found is None or not fields.FIRST_DAY <= found.date() <= fields.LAST_DAY:
            self.found(name, "time", _("Write a time between 1990 and 2199 as “2027-01-15T09:30:00Z”, or a day as “2027-01-15”."))
            return None
        return found

    def done(self) -> None:
        """Raises Invalid with all that was found."""
        if self.findings:
            raise Invalid(self.findings)


def _moment(value: str) -> dt.datetime | None:
    try:
        found = parse_datetime(value)
        if found is None and (day := parse_date(value)):
            found = dt.datetime(day.year, day.month, day.day)
        return found if found is None or found.tzinfo else found.replace(tzinfo=dt.UTC)
    except ValueError:
        return None
