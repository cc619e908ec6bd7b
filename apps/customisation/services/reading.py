"""Reading what a maker enters of a model: each value checked, each fault with its place."""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar

from django.utils.translation import gettext as _

from apps.base import fields, formulas, units
from apps.base.findings import Finding, Invalid
from apps.customisation.models import Kind, RuleKind
from apps.customisation.services.picturing import picture_name
from apps.customisation.services.solving.model import CODE, NO, YES

T = TypeVar("T")
MOST_FEATURES, MOST_OPTIONS, MOST_RULES, MOST_EXAMPLES = 5_000, 500, 20_000, 500
SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,59}\Z")
# What the addresses of products use themselves.
RESERVED = {"new", "pictures"}
MOST_ROWS = 20_000
# How a form says that an optional feature is left out; no code begins so.
LEFT_OUT = "__"


class Reading:
    """The values of an object read one by one; all that is wrong with them is told at once by done()."""

    def __init__(self, given: Any, at: str = "", findings: list[Finding] | None = None) -> None:
        self.at = at
        self.findings: list[Finding] = [] if findings is None else findings
        self.given: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
        self.is_object = isinstance(given, Mapping)
        if not self.is_object:
            self.findings.append(Finding(at, "object", _("Send a JSON object.")))

    def found(self, name: str, code: str, detail: str) -> None:
        """A fault. What is no object at all has no other one."""
        if self.is_object:
            self.findings.append(Finding(f"{self.at}/{name}" if name else self.at, code, detail))

    def take(self, name: str, read: Callable[[Any], T], default: T) -> T:
        """The value of `name` as `read` gives it; `default`, and a finding, where it cannot be read."""
        try:
            return read(self.given.get(name))
        except fields.Unreadable as error:
            self.found(name, error.code, str(error))
        except formulas.Unreadable as error:
            self.found(name, "formula", _("Column %(column)d: %(why)s") % {"column": error.column, "why": error.sentence})
        return default

    def text(self, name: str, *, limit: int, required: bool = False) -> str:
        return self.take(name, lambda value: fields.text(value, limit=limit, required=required), "")

    def yes(self, name: str, default: bool = False) -> bool:
        value = self.given.get(name, default)
        if isinstance(value, bool):
            return value
        self.found(name, "boolean", _("Write true or false."))
        return default

    def choice(self, name: str, options: Sequence[str], default: str) -> str:
        value = self.given.get(name) or default
        if value in options:
            return str(value)
        self.found(name, "choice", _("“%(value)s” is none of: %(options)s.") % {"value": str(value)[:60], "options": ", ".join(options)})
        return default

    def listed(self, name: str, *, limit: int) -> list[Any]:
        """A list of at most `limit` entries; None counts as empty."""
        value = self.given.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            self.found(name, "list", _("Give a list."))
            return []
        if len(value) > limit:
            self.found(name, "too_many", _("At most %(limit)d are taken.") % {"limit": limit})
        return value[:limit]

    def unknown(self, known: Sequence[str]) -> None:
        """A finding for each name that nobody knows."""
        for name in self.given:
            if name not in known:
                detail = _("There is no field “%(name)s”. Known are: %(known)s.") % {"name": str(name)[:60], "known": ", ".join(known)}
                self.found(str(name)[:60], "unknown_field", detail)

    def done(self) -> None:
        """Raises Invalid with all that was found."""
        if self.findings:
            raise Invalid(self.findings)


# Values ----------------------------------------------------------------------------------------------------------------


def code(value: Any) -> str:
    """The code of a feature, an option or a rule: one line without double quotes; letters, digits and `_` need no quotes in formulas."""
    text = fields.text(value, limit=200, required=True)
    if not CODE.fullmatch(text) or text.startswith(LEFT_OUT):
        raise fields.Unreadable("code", _("A code is one line without quotation marks; best are letters, digits and “_”."))
    return text


def slug(value: Any) -> str:
    """The code of a product, as it stands in addresses."""
    text = fields.text(value, limit=60, required=True)
    if not SLUG.match(text) or text in RESERVED:
        raise fields.Unreadable("code", _("Small letters, digits and hyphens, beginning with a letter or digit: “fridge-300”."))
    return text


def number_or_none(value: Any) -> Decimal | None:
    return None if value is None or value == "" else fields.number(value)


def number_or_zero(value: Any) -> Decimal:
    return number_or_none(value) or Decimal(0)


def formula(value: Any) -> str:
    """A formula as it was written. Raises formulas.Unreadable with the column."""
    text = fields.text(value, limit=formulas.LONGEST)
    formulas.parse(text)
    return text


def condition(value: Any) -> str:
    """A formula that says something. Raises formulas.Unreadable."""
    fields.text(value, limit=formulas.LONGEST, required=True)
    return formula(value)


def unit_or_none(value: Any) -> str:
    return "" if value is None or value == "" else units.unit(value)


NOTHING: dict[str, str | bool] = {}


def attributes(value: Any) -> dict[str, str | bool]:
    """Attributes by name: a number or text as text, or true and false; at most 50."""
    if value is None:
        return {}
    if not isinstance(value, Mapping) or len(value) > 50:
        raise fields.Unreadable("object", _("Attributes are an object of at most 50 names with values."))
    return {
        code(name): said if isinstance(said, bool) else fields.text(str(said) if isinstance(said, int) else said, limit=200) for name, said in value.items()
    }


def table(value: Any) -> dict[str, Any] | None:
    """The allowed combinations: features, and rows with one value a feature, null where it is left out. None for none."""
    if value is None:
        return None
    if not isinstance(value, Mapping) or set(value) != {"features", "rows"}:
        raise fields.Unreadable("table", _("A table has features and rows."))
    names, rows = value["features"], value["rows"]
    if not isinstance(names, list) or not isinstance(rows, list) or not names or len(names) > 100 or len(rows) > MOST_ROWS:
        raise fields.Unreadable("table", _("A table has 1 to 100 features and at most %(rows)d rows.") % {"rows": MOST_ROWS})
    if any(not isinstance(row, list) or len(row) != len(names) for row in rows):
        raise fields.Unreadable("table", _("Each row has one value for each feature."))
    return {"features": [code(name) for name in names], "rows": [[None if one is None or one == "" else code(one) for one in row] for row in rows]}


# What a model is made of -------------------------------------------------------------------------------------------------

FEATURE = ("code", "name", "name_zh", "kind", "optional", "group", "group_zh", "minimum", "maximum", "step", "unit", "price", "attributes", "options")
OPTION = ("code", "name", "name_zh", "price", "attributes", "picture")
RULE = ("code", "kind", "formula", "table", "text", "text_zh")
EXAMPLE = ("name", "choices", "valid")


def _named(reading: Reading) -> dict[str, Any]:
    found = reading.take("code", code, "")
    return {"code": found, "name": reading.text("name", limit=200) or found, "name_zh": reading.text("name_zh", limit=200)}


def feature(given: Any, at: str, findings: list[Finding]) -> dict[str, Any]:
    """The columns of a feature, its options among them as `options`."""
    reading = Reading(given, at, findings)
    reading.unknown(FEATURE)
    found = {**_named(reading), "kind": reading.choice("kind", Kind.values, Kind.CHOICE), "optional": reading.yes("optional")}
    found |= {"group": reading.text("group", limit=100), "group_zh": reading.text("group_zh", limit=100)}
    found |= {"price": reading.take("price", formula, ""), "attributes": reading.take("attributes", attributes, NOTHING)}
    found |= _range(reading) if found["kind"] == Kind.NUMBER else {"minimum": None, "maximum": None, "step": None, "unit": ""}
    rows = reading.listed("options", limit=MOST_OPTIONS)
    options = [option(row, f"{at}/options/{index}", findings) for index, row in enumerate(rows)]
    once(options, "code", f"{at}/options", findings)
    if found["kind"] == Kind.CHOICE and not options:
        reading.found("options", "required", _("There is nothing to choose: enter at least one option."))
    if found["kind"] != Kind.CHOICE and options:
        reading.found("options", "kind", _("Only a feature with options has options."))
    return {**found, "options": options}


def _range(reading: Reading) -> dict[str, Any]:
    """Least, most and step of a number; the step must be above zero, and the most not below the least."""
    least, most = reading.take("minimum", fields.number, Decimal(0)), reading.take("maximum", fields.number, Decimal(0))
    step = reading.take("step", lambda value: Decimal(1) if value is None or value == "" else fields.number(value), Decimal(1))
    if step <= 0:
        reading.found("step", "not_positive", _("The step must be greater than zero."))
    if most < least and not reading.findings:
        reading.found("maximum", "range", _("The maximum is below the minimum: nothing could be chosen."))
    return {"minimum": least, "maximum": most, "step": step, "unit": reading.take("unit", unit_or_none, "")}


def option(given: Any, at: str, findings: list[Finding]) -> dict[str, Any]:
    """The columns of an option."""
    reading = Reading(given, at, findings)
    reading.unknown(OPTION)
    price = reading.take("price", number_or_zero, Decimal(0))
    more = {"attributes": reading.take("attributes", attributes, NOTHING), "picture": reading.take("picture", picture_name, "")}
    return {**_named(reading), "price": price, **more}


def rule(given: Any, at: str, findings: list[Finding]) -> dict[str, Any]:
    """The columns of a rule: a table, or a formula."""
    reading = Reading(given, at, findings)
    reading.unknown(RULE)
    kind = reading.choice("kind", RuleKind.values, RuleKind.CONDITION)
    combinations: dict[str, Any] | None = None
    if kind == RuleKind.TABLE:
        combinations = reading.take("table", table, None)
        if reading.given.get("table") is None:
            reading.found("table", "required", _("Enter the features and the rows of the table."))
    said = "" if kind == RuleKind.TABLE else reading.take("formula", condition, "")
    words = {"text": reading.text("text", limit=400), "text_zh": reading.text("text_zh", limit=400)}
    return {"code": reading.take("code", code, ""), "kind": kind, "formula": said, "table": combinations, **words}


def example(given: Any, at: str, findings: list[Finding]) -> dict[str, Any]:
    """The columns of an example; what its choices may be is looked at when it is tried."""
    reading = Reading(given, at, findings)
    reading.unknown(EXAMPLE)
    return {
        "name": reading.text("name", limit=200, required=True),
        "choices": plain_choices(reading.given.get("choices"), f"{at}/choices", findings),
        "valid": reading.yes("valid", True),
    }


def once(rows: Sequence[Mapping[str, Any]], name: str, at: str, findings: list[Finding]) -> None:
    """A finding for each row whose code an earlier one has."""
    seen: set[str] = set()
    for index, row in enumerate(rows):
        if row[name] and row[name] in seen:
            findings.append(Finding(f"{at}/{index}/{name}", "twice", _("“%(code)s” is there already; each has a code of its own.") % {"code": row[name]}))
        seen.add(row[name])


def model(given: Any) -> dict[str, Any]:
    """A whole model: price, currency, features, rules, examples. Raises Invalid with every finding."""
    reading = Reading(given)
    reading.unknown(("price", "currency", "features", "rules", "examples"))
    price = reading.take("price", lambda value: fields.price(0 if value is None or value == "" else value), Decimal(0))
    found: dict[str, Any] = {"price": price, "currency": reading.take("currency", fields.currency, "")}
    readers = {"features": (feature, MOST_FEATURES, "code"), "rules": (rule, MOST_RULES, "code"), "examples": (example, MOST_EXAMPLES, "name")}
    for name, (read, limit, key) in readers.items():
        rows = reading.listed(name, limit=limit)
        found[name] = [read(row, f"/{name}/{index}", reading.findings) for index, row in enumerate(rows)]
        once(found[name], key, f"/{name}", reading.findings)
    reading.done()
    return found


# Choices -----------------------------------------------------------------------------------------------------------------


def plain_choices(given: Any, at: str, findings: list[Finding]) -> dict[str, str | None]:
    """Choices as texts; null leaves out; what each may be is the model's to say.

    A number may come as a whole number or as text, never as a float; true and false stand for yes and no; an empty text says nothing.
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        findings.append(Finding(at, "object", _("Send a JSON object.")))
        return {}
    found: dict[str, str | None] = {}
    for name, value in given.items():
        if value is None or isinstance(value, bool):
            found[str(name)] = None if value is None else YES if value else NO
        elif isinstance(value, int | str) and len(str(value)) <= 200 and str(value).isprintable():
            if value != "":
                found[str(name)] = str(value)
        else:
            place = str(name)[:60].replace("~", "~0").replace("/", "~1")
            findings.append(Finding(f"{at}/{place}", "choice", _("Write an option's code, or a number in digits as text: “red” or “600”.")))
    return found
