"""Comparisons that are too large for diagrams, as integer arithmetic for CP-SAT. Exact: every number is a whole multiple of a fraction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor, lcm

from ortools.sat.python import cp_model

from apps.base import formulas
from apps.base.formulas import Among, Binary, Call, Many, Name, Node, Number, Quoted, Unary
from apps.customisation.services.solving.encoding import Encoding, Unsayable
from apps.customisation.services.solving.model import NO

WIDEST = 1 << 60


@dataclass(frozen=True)
class Sum:
    """A sum of factor · variable, and a constant; a variable is a whole-number variable or (as an int) a literal of the encoding.

    defined: literals that are all true where the sum has a value.
    """

    terms: tuple[tuple[Fraction, "cp_model.IntVar | int"], ...]
    constant: Fraction
    least: Fraction
    most: Fraction
    defined: frozenset[int] = frozenset()

    def times(self, factor: Fraction) -> "Sum":
        """The sum, multiplied."""
        ends = sorted((self.least * factor, self.most * factor))
        return Sum(tuple((one * factor, variable) for one, variable in self.terms), self.constant * factor, ends[0], ends[1], self.defined)

    @property
    def denominator(self) -> int:
        """The least number that makes all factors whole."""
        return lcm(self.constant.denominator, *(factor.denominator for factor, _variable in self.terms))


def plus(sums: Iterable[Sum]) -> Sum:
    """Several sums as one."""
    found = list(sums)
    return Sum(
        tuple(term for one in found for term in one.terms),
        sum((one.constant for one in found), Fraction(0)),
        sum((one.least for one in found), Fraction(0)),
        sum((one.most for one in found), Fraction(0)),
        frozenset[int]().union(*(one.defined for one in found)),
    )


def constant(value: Fraction) -> Sum:
    """A sum without variables."""
    return Sum((), value, value, value)


class Arithmetic:
    """Writes the large comparisons of an encoding into a CP-SAT model. Raises `Unsayable`."""

    def __init__(self, encoding: Encoding, model: cp_model.CpModel) -> None:
        self.encoding = encoding
        self.scope = encoding.scope
        self.model = model
        self.numbers: dict[str, cp_model.IntVar] = {}
        self.literals: dict[int, cp_model.IntVar] = {}
        self.law = ""
        self.part = ""
        for code, domain in self.scope.domains.items():
            if code in encoding.there:
                self.numbers[code] = model.new_int_var(0, domain.steps, code)

    def write(self) -> None:
        """All comparisons; those that turn up on the way too."""
        done: set[int] = set()
        while rest := [literal for literal in self.encoding.large if literal not in done]:
            for literal in rest:
                done.add(literal)
                self.law = self.encoding.law_of(literal)
                self.part = formulas.written(self.encoding.large[literal])
                self.define(literal, self.encoding.large[literal])

    def solvers(self, literal: int) -> "cp_model.LiteralT":
        """The solver's own for a literal of the encoding."""
        variable = abs(literal)
        if variable not in self.literals:
            self.literals[variable] = self.model.new_bool_var(f"b{variable}")
        return self.literals[variable] if literal > 0 else ~self.literals[variable]

    def unsayable(self, node: Node) -> Unsayable:
        return Unsayable(self.law, formulas.written(node))

    # Comparisons -----------------------------------------------------------------------------------------------------------

    def define(self, literal: int, node: Node) -> None:
        """The literal is true exactly where the comparison is."""
        encoding = self.encoding
        match node:
            case Among(inner=inner, members=members):
                target = encoding.any_of(tuple(encoding.compared(Binary("=", inner, member)) for member in members))
            case Binary(sign=sign, left=Name(value=one), right=Name(value=two)) if one in encoding.cells and two in encoding.cells:
                target = self.alike(node, one, two) if sign == "=" else -self.alike(node, one, two)
            case Binary(sign=sign, left=left, right=right):
                words = [side for side in (left, right) if self.is_text(side)]
                sums = [self.sum(side) for side in (left, right) if side not in words]
                if words:
                    target = encoding.true if sign == "!=" else -encoding.true
                else:
                    target = self.compared(sign, plus([sums[0], sums[1].times(Fraction(-1))]))
            case _:
                raise self.unsayable(node)
        encoding.define(literal, (-literal, target), (literal, -target))

    def alike(self, node: Binary, one: str, two: str) -> int:
        """The literal that two features with cells have the same value: as texts, which for numbers among options is the same."""
        kinds = {self.scope.model.by_code[code].kind for code in (one, two)}
        if node.sign not in ("=", "!=") or "number" in kinds:
            raise self.unsayable(node)
        encoding, domains = self.encoding, self.scope.domains
        others = {cell.value: literal for cell, literal in zip(domains[two].cells, encoding.cells[two], strict=True)}
        pairs = zip(domains[one].cells, encoding.cells[one], strict=True)
        both = [encoding.all_of((literal, others[cell.value])) for cell, literal in pairs if cell.value is not None and cell.value in others]
        return encoding.any_of(tuple(both)) if both else -encoding.true

    def is_text(self, node: Node) -> bool:
        """A word or text that is no number: unequal to every number."""
        word = node.value if isinstance(node, Name | Quoted) else None
        known = isinstance(node, Name) and self.scope.owner(node.value) is not None
        return word is not None and not known and formulas.plain_number(word) is None

    def compared(self, sign: str, difference: Sum) -> int:
        """The literal that the difference is related so to zero, and has a value (for != : or has none)."""
        holds = self.encoding.variable()
        value, scale = self.whole(difference)
        bounds = cp_model.Domain(floor(difference.least * scale) - 1, ceil(difference.most * scale) + 1)
        true = bounds.intersection_with(_DOMAINS[sign])
        self.model.add_linear_expression_in_domain(value, true).only_enforce_if(self.solvers(holds))
        self.model.add_linear_expression_in_domain(value, true.complement()).only_enforce_if(self.solvers(-holds))
        if not difference.defined:
            return holds
        if sign == "!=":
            return self.encoding.any_of((holds, *(-literal for literal in sorted(difference.defined))))
        return self.encoding.all_of((holds, *sorted(difference.defined)))

    def whole(self, one: Sum) -> tuple["cp_model.LinearExprT", int]:
        """The sum times a whole number, as a linear expression with whole factors."""
        scale = one.denominator
        if max(abs(one.least), abs(one.most)) * scale > WIDEST:
            raise Unsayable(self.law, self.part)
        parts = [int(factor * scale) * self.variable(variable) for factor, variable in one.terms]
        return cp_model.LinearExpr.sum([*parts, int(one.constant * scale)]), scale

    def variable(self, variable: "cp_model.IntVar | int") -> "cp_model.LinearExprT":
        return self.solvers(variable) if isinstance(variable, int) else variable

    # Sums ----------------------------------------------------------------------------------------------------------------

    def sum(self, node: Node) -> Sum:
        """A node as a sum."""
        match node:
            case Number(value=value):
                return constant(Fraction(value))
            case Quoted(value=text) if formulas.plain_number(text) is not None:
                return constant(formulas.plain_number(text) or Fraction(0))
            case Name(value=name):
                return self.named(node, name)
            case Unary(sign="-", inner=inner):
                return self.sum(inner).times(Fraction(-1))
            case Many(sign="+", parts=several):
                return plus(self.sum(part) for part in several)
            case Binary(sign="*" | "/", left=left, right=right):
                return self.multiplied(node, self.sum(left), self.sum(right))
            case Call(function=function, arguments=arguments):
                return self.called(node, function, arguments)
            case _:
                raise self.unsayable(node)

    def named(self, node: Name, name: str) -> Sum:
        """A feature's number, or an attribute's while its feature is chosen."""
        encoding = self.encoding
        if name in self.numbers:
            domain = self.scope.domains[name]
            least, pitch = Fraction(domain.least), Fraction(domain.pitch)
            defined = frozenset({encoding.there[name]}) if domain.feature.optional else frozenset[int]()
            return Sum(((pitch, self.numbers[name]),), least, least, least + pitch * domain.steps, defined)
        if name in self.scope.attributes:
            owner, value = self.scope.attributes[name]
            if isinstance(value, bool | str):
                raise self.unsayable(node)
            return replace(constant(Fraction(value)), defined=frozenset({encoding.named(node, owner)}))
        if self.scope.owner(name) is None:
            raise self.unsayable(node)
        return self.of_cells(node, name)

    def of_cells(self, node: Name, code: str) -> Sum:
        cells = self.scope.domains[code].cells
        values = [None if cell.value is None else formulas.plain_number(cell.value) for cell in cells]
        if any(value is None and cell.value is not None for value, cell in zip(values, cells, strict=True)) or any(cell.value == NO for cell in cells):
            raise self.unsayable(node)
        weighed = self.weighed([(value, literal) for value, literal in zip(values, self.encoding.cells[code], strict=True) if value is not None])
        known = [value for value in values if value is not None]
        there = frozenset({self.encoding.in_cells(code, self.encoding.chosen(code))}) if len(known) < len(values) else frozenset[int]()
        ends = [*known, Fraction(0)] if there else known
        return Sum(weighed.terms, weighed.constant, min(ends), max(ends), there)

    def weighed(self, pairs: Sequence[tuple[Fraction, int]]) -> Sum:
        """The sum of the values whose literals are true."""
        least = sum((value for value, _literal in pairs if value < 0), Fraction(0))
        most = sum((value for value, _literal in pairs if value > 0), Fraction(0))
        return Sum(tuple(pairs), Fraction(0), least, most)

    def multiplied(self, node: Binary, left: Sum, right: Sum) -> Sum:
        defined = left.defined | right.defined
        if node.sign == "/":
            if right.terms or right.constant == 0:
                raise self.unsayable(node)
            return left.times(1 / right.constant)
        for one, other in ((left, right), (right, left)):
            if not one.terms:
                found = other.times(one.constant)
                return Sum(found.terms, found.constant, found.least, found.most, defined)
        (one_variable, one_scale), (two_variable, two_scale) = self.own(left), self.own(right)
        corners = [a * b for a in (left.least, left.most) for b in (right.least, right.most)]
        found = self.fresh(min(corners), max(corners), one_scale * two_scale, defined)
        self.model.add_multiplication_equality(self.variable(found.terms[0][1]), [one_variable, two_variable])
        return found

    def own(self, one: Sum) -> tuple[cp_model.IntVar, int]:
        """A variable of its own for a sum, times a whole number."""
        expression, scale = self.whole(one)
        variable = self.model.new_int_var(floor(one.least * scale), ceil(one.most * scale), "")
        self.model.add(variable == expression)
        return variable, scale

    def fresh(self, least: Fraction, most: Fraction, scale: int, defined: frozenset[int]) -> Sum:
        """A new variable over scale, as a sum."""
        if max(abs(least), abs(most)) * scale > WIDEST:
            raise Unsayable(self.law, self.part)
        variable = self.model.new_int_var(floor(least * scale), ceil(most * scale), "")
        return Sum(((Fraction(1, scale), variable),), Fraction(0), least, most, defined)

    def called(self, node: Call, function: str, arguments: Sequence[Node]) -> Sum:
        encoding = self.encoding
        match function:
            case "count":
                return self.weighed([(Fraction(1), encoding.literal(argument)) for argument in arguments])
            case "sum":
                return plus(self.where_defined(self.sum(argument)) for argument in arguments)
            case "if":
                condition, then, otherwise = arguments
                return self.either(encoding.literal(condition), self.sum(then), self.sum(otherwise))
            case "ceil" | "floor":
                return self.rounded(function, self.sum(arguments[0]))
            case "abs" | "min" | "max":
                return self.extreme(function, [self.sum(argument) for argument in arguments])
            case _:
                raise self.unsayable(node)

    def where_defined(self, one: Sum) -> Sum:
        """The sum where it has a value, else 0."""
        if not one.defined:
            return one
        return self.either(self.encoding.all_of(tuple(sorted(one.defined))), Sum(one.terms, one.constant, one.least, one.most), constant(Fraction(0)))

    def either(self, condition: int, then: Sum, otherwise: Sum) -> Sum:
        """One or the other."""
        encoding = self.encoding
        found = self.fresh(min(then.least, otherwise.least), max(then.most, otherwise.most), lcm(then.denominator, otherwise.denominator), frozenset())
        for literal, one in ((condition, then), (-condition, otherwise)):
            expression, _scale = self.whole(plus([found, Sum(one.terms, one.constant, one.least, one.most).times(Fraction(-1))]))
            self.model.add(expression == 0).only_enforce_if(self.solvers(literal))
        if not then.defined and not otherwise.defined:
            return found
        one_defined, two_defined = (encoding.all_of(tuple(sorted(one.defined))) if one.defined else encoding.true for one in (then, otherwise))
        defined = encoding.all_of((encoding.any_of((-condition, one_defined)), encoding.any_of((condition, two_defined))))
        return Sum(found.terms, found.constant, found.least, found.most, frozenset({defined}))

    def rounded(self, function: str, one: Sum) -> Sum:
        expression, scale = self.whole(one)
        found = self.fresh(Fraction(floor(one.least)), Fraction(ceil(one.most)), 1, one.defined)
        rest = self.model.new_int_var(0, scale - 1, "")
        parts = [scale * self.variable(found.terms[0][1]), rest if function == "floor" else -rest]
        self.model.add(expression == cp_model.LinearExpr.sum(parts))
        return found

    def extreme(self, function: str, several: Sequence[Sum]) -> Sum:
        scale = lcm(*(one.denominator for one in several))
        expressions = [self.whole(one)[0] * (scale // one.denominator) for one in several]
        ends: Mapping[str, tuple[Fraction, Fraction]] = {
            "min": (min(one.least for one in several), min(one.most for one in several)),
            "max": (max(one.least for one in several), max(one.most for one in several)),
            "abs": (Fraction(0), max(abs(several[0].least), abs(several[0].most))),
        }
        found = self.fresh(*ends[function], scale, frozenset[int]().union(*(one.defined for one in several)))
        target = self.variable(found.terms[0][1])
        if function == "abs":
            self.model.add_abs_equality(target, expressions[0])
        elif function == "max":
            self.model.add_max_equality(target, expressions)
        else:
            self.model.add_min_equality(target, expressions)
        return found


_DOMAINS: Mapping[str, cp_model.Domain] = {
    "=": cp_model.Domain(0, 0),
    "!=": cp_model.Domain(0, 0).complement(),
    "<": cp_model.Domain(-(1 << 62), -1),
    "<=": cp_model.Domain(-(1 << 62), 0),
    ">": cp_model.Domain(1, 1 << 62),
    ">=": cp_model.Domain(0, 1 << 62),
}
