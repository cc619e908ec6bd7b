"""Reading values from outside: numbers, dates, codes. Each gives the value, or a sentence that says what to write instead."""

import datetime as dt
import re
from decimal import Decimal
from functools import lru_cache
from typing import Any

from babel.core import get_global
from django.utils.translation import gettext as _

NUMBER = re.compile(r"-?\d{1,30}(\.\d{1,30})?\Z", re.ASCII)
WHOLE_DIGITS, FRACTION_DIGITS = 12, 6
BAG_DEPTH = 20
FIRST_DAY, LAST_DAY = dt.date(1990, 1, 1), dt.date(2199, 12, 31)


class Unreadable(ValueError):
    """A value that cannot be taken. code: stable; the message is a sentence in the reader's language."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


def number(value: Any) -> Decimal:
    """A decimal number of at most 12 digits before the point and 6 after it, as text or whole number; never a float."""
    if isinstance(value, bool | float) or not NUMBER.match(str(value)):
        raise Unreadable("number", _("Write a number in digits with a point, as text: “40” or “81.50”."))
    parsed = Decimal(str(value))
    whole, _point, fraction = str(value).lstrip("-").partition(".")
    if len(whole.lstrip("0")) > WHOLE_DIGITS or len(fraction.rstrip("0")) > FRACTION_DIGITS:
        raise Unreadable("number_size", _("A number has at most 12 digits before the point and 6 after it."))
    return parsed


def quantity(value: Any) -> Decimal:
    """A quantity greater than zero."""
    parsed = number(value)
    if parsed <= 0:
        raise Unreadable("not_positive", _("A quantity must be greater than zero."))
    return parsed


def quantity_or_none(value: Any) -> Decimal:
    """A quantity of zero or more: of what was shipped or received, nothing is an answer too."""
    parsed = number(value)
    if parsed < 0:
        raise Unreadable("negative", _("A quantity cannot be negative."))
    return parsed


def price(value: Any) -> Decimal:
    """A price of zero or more."""
    parsed = number(value)
    if parsed < 0:
        raise Unreadable("negative", _("A price cannot be negative."))
    return parsed


def date(value: Any) -> dt.date:
    """A calendar day, ISO 8601, from 1990 to 2199."""
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        parsed = value
    else:
        try:
            parsed = dt.date.fromisoformat(str(value))
        except ValueError:
            raise Unreadable("date", _("Write a date as year-month-day: “2027-01-15”.")) from None
    if not FIRST_DAY <= parsed <= LAST_DAY:
        raise Unreadable("date_range", _("A date must lie between 1990 and 2199."))
    return parsed


@lru_cache(maxsize=1)
def currencies() -> frozenset[str]:
    """The currencies in force, ISO 4217, from the CLDR data that Babel carries."""
    territories: dict[str, list[tuple[str, Any, Any, bool]]] = get_global("territory_currencies")  # type: ignore[assignment]
    return frozenset(code for used in territories.values() for code, _start, end, tender in used if end is None and tender)


def currency(value: Any) -> str:
    """A currency in force, by its ISO 4217 code."""
    if value is None or value == "":
        raise Unreadable("required", _("Say the currency by its ISO 4217 code: “EUR”, “CNY”."))
    if not isinstance(value, str) or value not in currencies():
        raise Unreadable("currency", _("“%(value)s” is no currency in force. Write its ISO 4217 code: “EUR”, “CNY”.") % {"value": str(value)[:20]})
    return value


def text(value: Any, *, limit: int, required: bool = False) -> str:
    """A text of at most `limit` characters, without control characters; None counts as empty."""
    if value is None:
        value = ""
    if not isinstance(value, str):
        raise Unreadable("text", _("Write a text."))
    if any(ord(character) < 32 and character not in "\n\r\t" for character in value):
        raise Unreadable("control_character", _("The text holds a character that cannot be shown."))
    if len(value) > limit:
        raise Unreadable("too_long", _("At most %(limit)d characters.") % {"limit": limit})
    if required and not value.strip():
        raise Unreadable("required", _("This must not be empty."))
    return value.strip()


def bag(value: Any) -> dict[str, Any]:
    """A JSON object of whatever a partner adds, at most 20 levels deep, without control characters; None counts as empty."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Unreadable("object", _("Write a JSON object."))
    _check_bag(value, BAG_DEPTH)
    return value


def _check_bag(value: Any, levels: int) -> None:
    if levels < 0:
        raise Unreadable("too_deep", _("At most %(limit)d levels, one inside the other.") % {"limit": BAG_DEPTH})
    if isinstance(value, str):
        text(value, limit=len(value))
    elif isinstance(value, dict):
        for key, inner in value.items():
            text(key, limit=len(key))
            _check_bag(inner, levels - 1)
    elif isinstance(value, list):
        for inner in value:
            _check_bag(inner, levels - 1)
