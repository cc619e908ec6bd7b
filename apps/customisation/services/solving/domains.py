"""What each feature can be, as cells that no rule tells apart, and what a name in a formula stands for.

An option, `yes`, `no` and "left out" are a cell each. A number's values are cells of their own where they are few; where they are many, all
neighbours for which every comparison of the rules comes out the same are one cell. A number that is compared with another wide number,
or in a way that cannot be divided, stays `wide`: it has no cells but its range, and is left to arithmetic (`searching`).
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from itertools import product
from math import ceil, floor, prod

from django.utils.translation import gettext as _

from apps.base import formulas
from apps.base.formulas import Binary, Call, Many, Name, Node, Unary
from apps.customisation.services.solving.model import NO, YES, Feature, Model, Table, Unfit, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How far things are enumerated before they are left to arithmetic. single: values of a number that get a cell each; cells: of one number;
    combinations: of values tried for one comparison; states: nodes of one decision diagram; seconds: for compiling; grid: values tried one by one.
    """

    single: int = 64
    cells: int = 400
    combinations: int = 20_000
    states: int = 6_000
    grid: int = 20_000
    seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class Cell:
    """Values that no rule tells apart: `value` stands for all; for numbers they are the steps first..last of the grid."""

    value: Value
    first: int = 0
    last: int = 0

    @property
    def size(self) -> int:
        return self.last - self.first + 1


@dataclass(frozen=True)
class Domain:
    """A feature with its cells, the one for "left out" last. A number's grid: minimum + k · step, k in 0..steps. wide: without cells."""

    feature: Feature
    cells: tuple[Cell, ...]
    steps: int = 0
    wide: bool = False

    @cached_property
    def _by_value(self) -> Mapping[Value, int]:
        return {cell.value: place for place, cell in enumerate(self.cells)}

    @cached_property
    def _firsts(self) -> Sequence[int]:
        return [cell.first for cell in self.cells if cell.value is not None]

    @property
    def pitch(self) -> Decimal:
        return self.feature.step or Decimal(1)

    @property
    def least(self) -> Decimal:
        return self.feature.minimum or Decimal(0)

    def number(self, step: int) -> Decimal:
        """The number at a step of the grid."""
        return self.least + self.pitch * step

    def step(self, value: str) -> int:
        """The step of a number on the grid. Raises `Unfit`."""
        number = formulas.plain_number(value)
        steps = None if number is None else (number - Fraction(self.least)) / Fraction(self.pitch)
        if steps is None or steps.denominator != 1 or not 0 <= steps <= self.steps:
            words = _("“{feature}” is a number from {least} to {most} in steps of {step}.")
            most = plain(self.number(self.steps))
            raise Unfit(self.feature.code, words.format(feature=self.feature.code, least=plain(self.least), most=most, step=plain(self.pitch)))
        return int(steps)

    def cell(self, value: Value) -> int:
        """The place of the cell that has a value. Raises `Unfit`."""
        if value is not None and self.feature.kind == "number":
            return bisect_right(self._firsts, self.step(value)) - 1
        if value not in self._by_value:
            said = _("“{feature}” cannot be left out.") if value is None else _("“{feature}” cannot be “{value}”.")
            raise Unfit(self.feature.code, said.format(feature=self.feature.code, value=value))
        return self._by_value[value]

    @cached_property
    def whole(self) -> tuple[Cell, ...]:
        """Everything that the feature can be, as cells: of a wide number its whole range is one."""
        if not self.wide:
            return self.cells
        everything = Cell(plain(self.least), 0, self.steps)
        return (everything, Cell(None)) if self.feature.optional else (everything,)

    def within(self, value: Value) -> Cell:
        """A value as a cell of its own. Raises `Unfit`."""
        if value is not None and self.feature.kind == "number":
            step = self.step(value)
            return Cell(plain(self.number(step)), step, step)
        if self.wide and self.feature.optional:
            return Cell(None)
        return self.cells[self.cell(value)]


def plain(number: Decimal) -> str:
    """A number as a choice has it: plain, without zeros behind."""
    said = f"{number:f}"
    return said.rstrip("0").rstrip(".") if "." in said else said


@dataclass
class Scope:
    """The names of a model: features and their attributes. Knows each feature's domain once they are divided."""

    model: Model
    limits: Limits
    domains: dict[str, Domain] = field(default_factory=dict)
    broken: dict[Node, str] = field(default_factory=dict)

    def holds(self, node: Node, choices: formulas.Choices) -> bool:
        """Whether a comparison holds; where it cannot be computed it does not, and is noted as broken: whoever has its rule looks whether that matters."""
        try:
            return formulas.condition(node, choices)
        except formulas.Broken as error:
            self.broken.setdefault(node, error.sentence)
            return False

    @cached_property
    def attributes(self) -> Mapping[str, tuple[str, Decimal | str | bool]]:
        """feature.attribute: the feature, and the value."""
        return {f"{f.code}.{name}": (f.code, value) for f in self.model.features for name, value in f.attributes}

    def owner(self, name: str) -> str | None:
        """The feature that a name of a formula depends on, or None for a word."""
        if name in self.model.by_code:
            return name
        return self.attributes[name][0] if name in self.attributes else None

    def features_of(self, node: Node) -> tuple[str, ...]:
        """The features that a node depends on, in the order in which it names them."""
        found = (self.owner(inner.value) for inner in formulas.walk(node) if isinstance(inner, Name))
        return tuple(dict.fromkeys(owner for owner in found if owner is not None))

    def choices(self, names: Iterable[str], chosen: Mapping[str, Value]) -> dict[str, str | Decimal | bool | None]:
        """What a formula with these names sees when this is chosen; an attribute has no value while its feature is not."""
        seen: dict[str, str | Decimal | bool | None] = {}
        for name in names:
            if name in self.model.by_code:
                seen[name] = typed(self.model.by_code[name], chosen.get(name))
            elif name in self.attributes:
                owner, value = self.attributes[name]
                seen[name] = value if chosen.get(owner) not in (None, NO) else None
        return seen

    def combinations(self, features: Sequence[str]) -> Iterator[dict[str, Value]]:
        """All combinations of the features' cells, by the values that stand for them."""
        for values in product(*([cell.value for cell in self.domains[code].cells] for code in features)):
            yield dict(zip(features, values, strict=True))

    def count(self, features: Sequence[str]) -> int:
        """How many combinations there are."""
        return prod(len(self.domains[code].cells) for code in features)

    def count_of_values(self, features: Sequence[str]) -> int:
        """How many combinations of single values there are."""
        return prod(sum(cell.size for cell in self.domains[code].whole) for code in features)


def typed(feature: Feature, value: Value) -> str | Decimal | None:
    """A choice as formulas take it."""
    return Decimal(value) if feature.kind == "number" and value is not None else value


def narrow(feature: Feature) -> Domain:
    """The domain of a choice or flag."""
    if feature.kind == "flag":
        return Domain(feature, (Cell(YES), Cell(NO)))
    cells = [Cell(option.code) for option in feature.options]
    return Domain(feature, (*cells, Cell(None)) if feature.optional else tuple(cells))


def number_of_steps(feature: Feature) -> int:
    """The last step of a number's grid."""
    least, most, step = (
        Fraction(value if value is not None else default) for value, default in ((feature.minimum, 0), (feature.maximum, 0), (feature.step, 1))
    )
    return int((most - least) // step)


def divided(feature: Feature, cuts: Iterable[int]) -> Domain:
    """A number's domain, cut before these steps."""
    last = number_of_steps(feature)
    whole = Domain(feature, (), last)
    starts = sorted({0, *(cut for cut in cuts if 0 < cut <= last)})
    cells = [Cell(plain(whole.number(first)), first, following - 1) for first, following in zip(starts, [*starts[1:], last + 1], strict=True)]
    return Domain(feature, (*cells, Cell(None)) if feature.optional else tuple(cells), last)


# Dividing the numbers --------------------------------------------------------------------------------------------------


def divide(scope: Scope, comparisons: Sequence[Node], tables: Sequence[Table] = ()) -> None:
    """Give every feature its domain: the numbers divided by the comparisons of the rules and the values in tables, or left wide."""
    model, limits = scope.model, scope.limits
    large = []
    for feature in model.features:
        if feature.kind != "number":
            scope.domains[feature.code] = narrow(feature)
        elif number_of_steps(feature) < limits.single:
            scope.domains[feature.code] = divided(feature, range(number_of_steps(feature) + 1))
        else:
            large.append(feature)
            scope.domains[feature.code] = Domain(feature, (), number_of_steps(feature), wide=True)
    for feature in large:
        cuts = _cuts(scope, feature, [node for node in comparisons if feature.code in scope.features_of(node)])
        if cuts is not None:
            scope.domains[feature.code] = divided(feature, cuts | _cuts_of_tables(scope.domains[feature.code], tables))


def _cuts_of_tables(domain: Domain, tables: Sequence[Table]) -> set[int]:
    values = {row[table.features.index(domain.feature.code)] for table in tables if domain.feature.code in table.features for row in table.rows}
    steps = {domain.step(value) for value in values if value is not None}
    return steps | {step + 1 for step in steps}


def _cuts(scope: Scope, feature: Feature, comparisons: Sequence[Node]) -> set[int] | None:
    """The steps at which any of the comparisons may change its mind; None where they are too many or cannot be known."""
    cuts: set[int] = set()
    for node in comparisons:
        others = [code for code in scope.features_of(node) if code != feature.code]
        number = [scope.model.by_code[code] for code in others]
        if any(other.kind == "number" and number_of_steps(other) >= scope.limits.single for other in number):
            return None
        if scope.count(others) > 256:
            return None
        for chosen in scope.combinations(others):
            found = _cuts_of(scope, feature, node, chosen)
            if found is None:
                return None
            cuts |= found
        if len(cuts) > scope.limits.cells:
            return None
    return cuts


def _cuts_of(scope: Scope, feature: Feature, node: Node, chosen: Mapping[str, Value]) -> set[int] | None:
    seen = scope.choices((name for name in _names(node) if scope.owner(name) != feature.code), chosen)
    if isinstance(node, Binary) and node.sign in formulas.COMPARISONS:
        line = _affine(formulas.joined("+", [node.left, Unary("-", node.right)]), feature.code, seen)
        if line is not None:
            return _crossing(feature, node.sign, *line)
    if number_of_steps(feature) > scope.limits.grid:
        return None
    return _by_trying(feature, lambda value: scope.holds(node, {**seen, **scope.choices(_names(node), {**chosen, feature.code: value})}))


def _names(node: Node) -> set[str]:
    return {inner.value for inner in formulas.walk(node) if isinstance(inner, Name)}


def _crossing(feature: Feature, sign: str, slope: Fraction, offset: Fraction) -> set[int]:
    """Where slope · x + offset passes zero: before or behind the step that is zero, as the sign has it."""
    if slope == 0:
        return set()
    zero = (-offset / slope - Fraction(feature.minimum or 0)) / Fraction(feature.step or 1)
    before, behind = ceil(zero), floor(zero) + 1
    if sign in ("=", "!="):
        return {before, behind}
    return {before} if (sign in (">=", "<")) == (slope > 0) else {behind}


def _by_trying(feature: Feature, holds: Callable[[str], bool]) -> set[int]:
    grid = Domain(feature, (), number_of_steps(feature))
    cuts, before = set(), None
    for step in range(grid.steps + 1):
        now = holds(plain(grid.number(step)))
        if before is not None and now != before:
            cuts.add(step)
        before = now
    return cuts


def _affine(node: Node, code: str, seen: formulas.Choices) -> tuple[Fraction, Fraction] | None:
    """Slope and offset of a node as a line over the one number, or None where it is no line."""
    if code not in _names(node):
        return _constant(node, seen)
    match node:
        case Name():
            return Fraction(1), Fraction(0)
        case Unary(sign="-", inner=inner):
            line = _affine(inner, code, seen)
            return None if line is None else (-line[0], -line[1])
        case Many(sign="+", parts=several) | Call(function="sum", arguments=several):
            lines = [_affine(part, code, seen) for part in several]
            known = [line for line in lines if line is not None]
            return (sum((line[0] for line in known), Fraction(0)), sum((line[1] for line in known), Fraction(0))) if len(known) == len(lines) else None
        case Binary(sign="*" | "/", left=left, right=right):
            return _scaled(node.sign, _affine(left, code, seen), _affine(right, code, seen))
        case _:
            return None


def _constant(node: Node, seen: formulas.Choices) -> tuple[Fraction, Fraction] | None:
    try:
        return Fraction(0), Fraction(formulas.exact(node, seen))
    except formulas.FormulaError:
        return None


def _scaled(sign: str, left: tuple[Fraction, Fraction] | None, right: tuple[Fraction, Fraction] | None) -> tuple[Fraction, Fraction] | None:
    if left is None or right is None:
        return None
    if sign == "/":
        return (left[0] / right[1], left[1] / right[1]) if right[0] == 0 and right[1] != 0 else None
    if left[0] == 0:
        return left[1] * right[0], left[1] * right[1]
    return (left[0] * right[1], left[1] * right[1]) if right[0] == 0 else None


def is_wide(scope: Scope, features: Iterable[str]) -> bool:
    """Whether one of the features is a number without cells."""
    return any(scope.domains[code].wide for code in features)
