"""Whether the value and the attributes of a basic component are what the standard (and reason) allow."""

import base64
import binascii
import datetime
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Final

from django.utils.translation import gettext as _
from lxml import etree

from apps.exchange.formats.messages import Finding
from apps.exchange.formats.ubl import codes, model

MOST_DIGITS: Final = 18
FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2199

_DECIMAL: Final = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)", re.ASCII)
_DATE: Final = re.compile(r"(-?\d{4,})-(\d\d)-(\d\d)(Z|[+-]\d\d:\d\d)?", re.ASCII)
_TIME: Final = re.compile(r"(?:(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?|24:00:00(?:\.0+)?)(?:Z|[+-]\d\d:\d\d)?", re.ASCII)
_LANGUAGE: Final = re.compile(r"[a-zA-Z]{1,8}(?:-[a-zA-Z0-9]{1,8})*")

Problem = tuple[str, str, str]


def text(element: etree._Element) -> str:
    """The value without the white space around it."""
    return (element.text or "").strip(" \t\r\n")


def decimal(value: str) -> Decimal | None:
    """The number, or None where `value` is none by the standard (xsd:decimal: neither NaN, infinite, nor 1E3)."""
    return Decimal(value) if _DECIMAL.fullmatch(value) else None


def canonical(number: str) -> str:
    """The shortest way to write a decimal: ``50.000`` and ``+50`` are ``50``."""
    return format(Decimal(number).normalize(), "f")


def date(value: str) -> tuple[str, str] | None:
    """An ISO date and its zone ("" mostly), or None where `value` is no date that can be."""
    match = _DATE.fullmatch(value)
    if match is None or len(match.group(1)) != 4:
        return None
    day = "-".join(match.group(1, 2, 3))
    try:
        datetime.date.fromisoformat(day)
    except ValueError:
        return None
    return day, match.group(4) or ""


def check(element: etree._Element, child: model.Child) -> Iterator[Finding]:
    """Every finding against one basic component."""
    at = ""
    for rule, says, mend in (*_shape(element), *_attributes(element, child), *_value(element, child)):
        at = at or model.place(element)
        yield Finding(rule=rule, place=at, text=says, mend=mend)


def _shape(element: etree._Element) -> Iterator[Problem]:
    if len(element):
        yield (
            "UBL-MODEL",
            _("%(name)s holds a value, and cannot hold the element %(child)s.") % {"name": model.local(element), "child": model.local(element[0])},
            _("Move the element to where the standard has it."),
        )


def _attributes(element: etree._Element, child: model.Child) -> Iterator[Problem]:
    allowed = model.attributes(child.term)
    names = [str(name) for name in element.attrib]
    for name in names:
        if name not in allowed and not name.startswith(f"{{{model.XSI}}}"):
            yield (
                "UBL-MODEL",
                _("%(name)s has the attribute %(attribute)s, which the standard does not know there.") % {"name": child.name, "attribute": name},
                _("Remove the attribute."),
            )
    for name, needed in allowed.items():
        if needed and name not in names:
            yield (
                "UBL-MODEL",
                _("%(name)s lacks the attribute %(attribute)s.") % {"name": child.name, "attribute": name},
                _("Add the attribute %(attribute)s.") % {"attribute": name},
            )
    for name in names:
        yield from _attribute(name, str(element.get(name)))


def _attribute(name: str, value: str) -> Iterator[Problem]:
    if name == "currencyID":
        yield from _currency(value)
    elif name == "unitCode" and value not in codes.units():
        yield (
            "UBL-CODE-UNIT",
            _("“%(value)s” is no unit of measure.") % {"value": value},
            _("Use a code of UN/ECE Recommendation 20 or 21, such as C62 or KGM."),
        )
    elif name == "languageID" and not _LANGUAGE.fullmatch(value):
        yield (
            "UBL-CODE-LANGUAGE",
            _("“%(value)s” is no language.") % {"value": value},
            _("Use a language tag, such as en or zh-Hans."),
        )


def _value(element: etree._Element, child: model.Child) -> Iterator[Problem]:
    value = text(element)
    judge = _JUDGES.get(child.term)
    if judge is not None:
        yield from judge(value)
    elif child.name.endswith("CurrencyCode"):
        yield from _currency(value)
    elif child.name == "IdentificationCode" and value not in codes.countries():
        yield (
            "UBL-CODE-COUNTRY",
            _("“%(value)s” is no country.") % {"value": value},
            _("Use the two letters of ISO 3166-1, such as SE."),
        )


def _currency(value: str) -> Iterator[Problem]:
    if value not in codes.currencies():
        yield (
            "UBL-CODE-CURRENCY",
            _("“%(value)s” is no currency.") % {"value": value},
            _("Use the three letters of ISO 4217, such as EUR."),
        )


def _number(value: str) -> Iterator[Problem]:
    number = decimal(value)
    if number is None:
        yield (
            "UBL-NUMBER",
            _("“%(value)s” is no number.") % {"value": value[:40]},
            _("Write digits, with a point before the fraction, and no exponent."),
        )
    elif sum(character.isdigit() for character in value.lstrip("+-0")) > MOST_DIGITS:
        yield (
            "UBL-NUMBER-SIZE",
            _("“%(value)s” has more than %(most)d digits.") % {"value": value[:40], "most": MOST_DIGITS},
            _("Check the number, or round it."),
        )


def _date(value: str) -> Iterator[Problem]:
    found = date(value)
    if found is None:
        yield (
            "UBL-DATE",
            _("“%(value)s” is no date.") % {"value": value[:40]},
            _("Write the date as year-month-day, such as 2027-01-15."),
        )
    elif not FIRST_YEAR <= int(found[0][:4]) <= LAST_YEAR:
        yield (
            "UBL-DATE-RANGE",
            _("The date %(value)s is not between %(first)d and %(last)d.") % {"value": value, "first": FIRST_YEAR, "last": LAST_YEAR},
            _("Check the year. Leave the element out where there is no date."),
        )


def _time(value: str) -> Iterator[Problem]:
    if not _TIME.fullmatch(value):
        yield (
            "UBL-TIME",
            _("“%(value)s” is no time.") % {"value": value[:40]},
            _("Write the time as hours:minutes:seconds, such as 09:30:00."),
        )


def _indicator(value: str) -> Iterator[Problem]:
    if value not in ("true", "false", "1", "0"):
        yield (
            "UBL-INDICATOR",
            _("“%(value)s” is neither true nor false.") % {"value": value[:40]},
            _("Write true or false."),
        )


def _binary(value: str) -> Iterator[Problem]:
    try:
        base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        yield ("UBL-BINARY", _("The attachment is not in base64."), _("Encode the attachment in base64."))


_JUDGES: Final[dict[str, Callable[[str], Iterator[Problem]]]] = {
    "amount": _number,
    "binary": _binary,
    "date": _date,
    "indicator": _indicator,
    "measure": _number,
    "numeric": _number,
    "quantity": _number,
    "time": _time,
}
