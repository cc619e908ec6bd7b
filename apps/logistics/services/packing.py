"""What goods are packed in: units under their SSCC, one within another, and what lies in them."""

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from biip import ParseError
from biip.checksums import gs1_standard_check_digit
from biip.sscc import Sscc
from django.utils.translation import gettext as _

from apps.base import acting, fields
from apps.base.findings import Finding
from apps.base.text import Text
from apps.logistics import models
from apps.tenants import selectors as tenants

DEEPEST, MOST_UNITS = 4, 2_000
# Kinds of packages, by their codes of UN/ECE Recommendation 21.
TYPES: dict[str, Text] = {
    "PX": Text("Pallet", "托盘"),
    "CT": Text("Carton", "纸箱"),
    "BX": Text("Box", "盒"),
    "CR": Text("Crate", "板条箱"),
    "CS": Text("Case", "箱"),
    "PK": Text("Package", "包装件"),
    "BG": Text("Bag", "袋"),
    "DR": Text("Drum", "桶"),
    "RL": Text("Reel", "卷盘"),
    "BE": Text("Bundle", "捆"),
    "TY": Text("Tray", "托盒"),
    "PU": Text("Tray pack", "托盘包"),
    "BA": Text("Barrel", "圆桶"),
    "CN": Text("Container", "集装箱"),
}
SSCC = re.compile(r"(\(00\)|00)?(\d{18})\Z", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """So much of a line of the advice, lying loosely in a unit."""

    line: int
    quantity: Decimal
    lot: str = ""


@dataclass(slots=True, kw_only=True)
class Unit:
    """A unit with what it holds. sscc: 18 digits, the last a check digit."""

    sscc: str
    type: str
    contents: list[Content] = field(default_factory=list)
    units: list["Unit"] = field(default_factory=list)

    def all(self) -> Iterator["Unit"]:
        """Itself and all units within it, each before what it holds."""
        yield self
        for unit in self.units:
            yield from unit.all()

    def packed(self) -> Iterator[Content]:
        """Everything within it, at any depth."""
        for unit in self.all():
            yield from unit.contents


def read_sscc(value: Any) -> str:
    """An SSCC of 18 digits with its check digit (GS1 General Specifications 7.9), with or without its identifier 00. Raises Unreadable."""
    found = SSCC.match(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise fields.Unreadable("sscc", _("An SSCC has 18 digits, the last of them a check digit."))
    try:
        Sscc.parse(found[2])
    except ParseError:
        right = gs1_standard_check_digit(found[2][:-1])
        words = _("The check digit of the SSCC %(sscc)s is wrong: it would be %(digit)d. Scan it again.") % {"sscc": found[2], "digit": right}
        raise fields.Unreadable("check_digit", words) from None
    return found[2]


class Packer:
    """Reads units as a partner or a program says them, and collects what is wrong with them.

    quantities: of each line of the advice, to which the contents must add up where anything is packed at all.
    numbers: units without an SSCC get one of one's own; else they are refused.
    """

    def __init__(self, quantities: Mapping[int, Decimal], *, numbers: bool) -> None:
        self.quantities = quantities
        self.numbers = numbers
        self.findings: list[Finding] = []
        self.known: set[str] = set()
        self.wanted = 0

    def read(self, given: Any) -> list[Unit]:
        """All units at the top. An empty list where nothing is packed."""
        if given is None or given == []:
            return []
        units = [unit for index, one in self._each("/units", given) if (unit := self._unit(f"/units/{index}", one, 1))]
        if not self.findings:
            self._add_up(units)
        if not self.findings:
            self._number(units)
        return units

    def found(self, pointer: str, code: str, detail: str) -> None:
        self.findings.append(Finding(pointer, code, detail))

    def _each(self, at: str, given: Any) -> list[tuple[int, Any]]:
        if not isinstance(given, Sequence) or isinstance(given, str):
            self.found(at, "list", _("Give a list of units."))
            return []
        return list(enumerate(given[:MOST_UNITS]))

    def _unit(self, at: str, given: Any, depth: int) -> Unit | None:
        self.wanted += 1
        if not isinstance(given, Mapping):
            self.found(at, "unit", _("A unit is an object with sscc, type and contains."))
            return None
        if depth > DEEPEST or self.wanted > MOST_UNITS:
            code, words = ("too_deep", _("Units lie in one another at most four deep.")) if depth > DEEPEST else ("too_many", _("At most 2,000 units."))
            self.found(at, code, words)
            return None
        unit = Unit(sscc=self._sscc(at, given.get("sscc")), type=self._type(at, given.get("type")))
        within = given.get("contains")
        if within in (None, []):
            self.found(f"{at}/contains", "required", _("Say what lies in the unit: lines with their quantities, or other units."))
        for index, one in self._each(f"{at}/contains", within or []):
            place = f"{at}/contains/{index}"
            if isinstance(one, Mapping) and "line" in one:
                unit.contents.append(self._content(place, one))
            elif inner := self._unit(place, one, depth + 1):
                unit.units.append(inner)
        return unit

    def _sscc(self, at: str, given: Any) -> str:
        if given in (None, ""):
            return ""
        try:
            sscc = read_sscc(given)
        except fields.Unreadable as error:
            self.found(f"{at}/sscc", error.code, str(error))
            return ""
        if sscc in self.known:
            self.found(f"{at}/sscc", "twice", _("The SSCC %(sscc)s stands for two units. Each has its own.") % {"sscc": sscc})
        self.known.add(sscc)
        return sscc

    def _type(self, at: str, given: Any) -> str:
        if given in (None, ""):
            return "CT"
        if not isinstance(given, str) or given not in TYPES:
            known = ", ".join(TYPES)
            self.found(
                f"{at}/type", "type", _("“%(value)s” is no kind of package known here. Known are: %(known)s.") % {"value": str(given)[:10], "known": known}
            )
            return "CT"
        return str(given)

    def _content(self, at: str, given: Mapping[str, Any]) -> Content:
        line, quantity, lot = given["line"], Decimal(0), ""
        if not isinstance(line, int) or isinstance(line, bool) or line not in self.quantities:
            self.found(f"{at}/line", "line", _("The document has no line %(line)s.") % {"line": str(line)[:20]})
            line = 0
        try:
            quantity = fields.quantity(given.get("quantity"))
        except fields.Unreadable as error:
            self.found(f"{at}/quantity", error.code, str(error))
        try:
            lot = fields.text(given.get("lot"), limit=60)
        except fields.Unreadable as error:
            self.found(f"{at}/lot", error.code, str(error))
        return Content(line=line, quantity=quantity, lot=lot)

    def _add_up(self, units: Sequence[Unit]) -> None:
        packed = dict.fromkeys(self.quantities, Decimal(0))
        for content in (content for unit in units for content in unit.packed()):
            packed[content.line] += content.quantity
        for line, quantity in self.quantities.items():
            if packed[line] != quantity:
                words = _("The units hold %(packed)s of line %(line)d, which has %(quantity)s. What is packed must add up to the line.")
                self.found("/units", "sum", words % {"packed": format(packed[line], "f"), "line": line, "quantity": format(quantity, "f")})

    def _number(self, units: Sequence[Unit]) -> None:
        """Give each unit without an SSCC one of one's own."""
        nameless = [unit for top in units for unit in top.all() if not unit.sscc]
        if not nameless:
            return
        if not self.numbers:
            self.found("/units", "required", _("Each unit bears its SSCC."))
            return
        try:
            for unit, sscc in zip(nameless, next_ssccs(len(nameless)), strict=True):
                unit.sscc = sscc
        except NoPrefix as error:
            self.found("/units", "prefix", str(error))


class NoPrefix(ValueError):
    """The enterprise has no GLN, whose company prefix its SSCCs would begin with."""


PREFIX, SERIAL = 7, 9


def next_ssccs(count: int) -> list[str]:
    """So many SSCCs that this enterprise has not used: the company prefix of its GLN, and numbers that count on. Raises NoPrefix."""
    gln = tenants.profile(acting.home().id).gln
    if not gln:
        raise NoPrefix(_("Your enterprise has no GLN, with which its SSCCs begin. Enter it under Settings, or give the units their SSCCs yourself."))
    # How long the company prefix is, nobody but GS1 knows; 7 digits are the shortest that is given out.
    head = f"0{gln[:PREFIX]}"
    newest = models.HandlingUnit.objects.filter(own=True, sscc__startswith=head).order_by("-sscc").values_list("sscc", flat=True).first()
    first = int(newest[len(head) : -1]) + 1 if newest else 1
    numbers = [f"{head}{serial % 10**SERIAL:0{SERIAL}d}" for serial in range(first, first + count)]
    return [f"{number}{gs1_standard_check_digit(number)}" for number in numbers]


def even(lines: Sequence[Mapping[str, Any]], *, pallet: str, known: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Units of the same size, as a person at the dock packs: each line in so many `packs` of a `type`, all of it on one pallet where one is named.

    lines: line, quantity, lot, packs, type. known: SSCCs that are there already, and are used first.
    """
    numbers = iter(known)
    on_pallet = {"sscc": next(numbers, ""), "type": pallet} if pallet else None
    packs = [
        {"sscc": next(numbers, ""), "type": line["type"], "contains": [{"line": line["line"], "quantity": format(part, "f"), "lot": line["lot"]}]}
        for line in lines
        for part in _parts(line["quantity"], line["packs"])
    ]
    return [{**on_pallet, "contains": packs}] if on_pallet and packs else packs


def _parts(quantity: Decimal, count: int) -> list[Decimal]:
    """A quantity in so many parts, as equal as they can be: whole where it is whole. Fewer where there is not enough for all."""
    step = Decimal(1) if quantity == quantity.to_integral_value() else Decimal("0.000001")
    whole, rest = divmod(int(quantity / step), max(count, 1))
    parts = [(whole + (1 if index < rest else 0)) * step for index in range(max(count, 1))]
    return [part for part in parts if part]


def write(units: Sequence[Unit]) -> list[dict[str, Any]]:
    """Units as they stand in the document and in REST."""
    return [
        {
            "sscc": unit.sscc,
            "type": unit.type,
            "contains": [
                *({"line": content.line, "quantity": format(content.quantity, "f"), "lot": content.lot} for content in unit.contents),
                *write(unit.units),
            ],
        }
        for unit in units
    ]


def rows_of(units: Sequence[Unit], *, document: uuid.UUID, own: bool) -> list[models.HandlingUnit]:
    """The rows of some units, parents first."""
    rows: list[models.HandlingUnit] = []

    def add(unit: Unit, parent: models.HandlingUnit | None) -> None:
        contents = [{"line": content.line, "quantity": format(content.quantity, "f"), "lot": content.lot} for content in unit.contents]
        row = models.HandlingUnit(document_id=document, parent=parent, position=len(rows) + 1, sscc=unit.sscc, type=unit.type, contents=contents, own=own)
        rows.append(row)
        for inner in unit.units:
            add(inner, row)

    for unit in units:
        add(unit, None)
    return rows
