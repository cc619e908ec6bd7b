"""Decision diagrams of single comparisons: which cells of the features that it names make it true.

A diagram is a node: True, False, or a branch over the cells of one feature (or over the truth of one condition). Equal nodes are one node, so
that a sum over a hundred flags has as many nodes as it has different sums, and not 2^100.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from apps.base import formulas
from apps.base.formulas import COMPARISONS, Binary, Call, Many, Node, Number, Unary
from apps.customisation.services.solving.domains import Scope
from apps.customisation.services.solving.model import Value


@dataclass(frozen=True, slots=True)
class Branch:
    """children: one for each cell of the feature (or for the conditions: true, false), True, False or the number of another branch."""

    over: Hashable
    children: tuple["Ref", ...]


@dataclass(frozen=True, slots=True)
class Ref:
    """A node: a constant, or the branch with this number in its diagram."""

    constant: bool | None = None
    branch: int = -1


YEA, NAY = Ref(True), Ref(False)


class TooLarge(Exception):
    """More nodes or combinations than the limits allow."""


@dataclass
class Diagram:
    """The branches, children before parents, and the root."""

    branches: list[Branch] = field(default_factory=list)
    known: dict[Branch, int] = field(default_factory=dict)
    root: Ref = YEA

    def node(self, over: Hashable, children: tuple[Ref, ...]) -> Ref:
        """The node with these children: no new one where one will do."""
        if all(child == children[0] for child in children):
            return children[0]
        branch = Branch(over, children)
        if branch not in self.known:
            self.known[branch] = len(self.branches)
            self.branches.append(branch)
        return Ref(branch=self.known[branch])

    def paths(self, value: bool, most: int) -> list[tuple[tuple[Hashable, int], ...]] | None:
        """The ways to this constant, as (over, child) pairs; None where they are more than `most`."""
        found: list[tuple[tuple[Hashable, int], ...]] = []
        waiting: list[tuple[Ref, tuple[tuple[Hashable, int], ...]]] = [(self.root, ())]
        while waiting:
            ref, path = waiting.pop()
            if ref.constant is None:
                branch = self.branches[ref.branch]
                waiting += [(child, (*path, (branch.over, place))) for place, child in enumerate(branch.children)]
            elif ref.constant is value:
                found.append(path)
            if len(found) > most or len(waiting) > 50 * most:
                return None
        return found


def of_rows(features: Sequence[str], sizes: Mapping[str, int], rows: Sequence[tuple[int, ...]]) -> Diagram:
    """The diagram of a table: rows of cells that are allowed."""
    diagram = Diagram()

    def build(at: int, among: Sequence[tuple[int, ...]]) -> Ref:
        if not among or at == len(features):
            return YEA if among else NAY
        by_cell: dict[int, list[tuple[int, ...]]] = {}
        for row in among:
            by_cell.setdefault(row[at], []).append(row)
        return diagram.node(features[at], tuple(build(at + 1, by_cell.get(cell, ())) for cell in range(sizes[features[at]])))

    diagram.root = build(0, rows)
    return diagram


def of_counter(conditions: Sequence[Hashable], least: int, most: int) -> Diagram:
    """The diagram of: between least and most of these conditions are true."""
    diagram = Diagram()
    rest = {found: YEA if least <= found <= most else NAY for found in range(len(conditions) + 1)}
    for at in range(len(conditions) - 1, -1, -1):
        rest = {found: diagram.node(conditions[at], (rest[found + 1], rest[found])) for found in range(at + 1)}
    diagram.root = rest[0]
    return diagram


def of_comparison(scope: Scope, node: Node) -> Diagram:
    """The diagram of a comparison over features with cells. Raises `TooLarge`."""
    terms = separated(scope, node)
    if terms is not None:
        return _of_sum(scope, terms)
    features = sorted(scope.features_of(node), key=lambda code: -len(scope.domains[code].cells))
    if len(features) > 1 and scope.count(features) > scope.limits.combinations:
        raise TooLarge
    names = {inner.value for inner in formulas.walk(node) if isinstance(inner, formulas.Name)}
    diagram = Diagram()

    def build(at: int, chosen: dict[str, Value]) -> Ref:
        if at == len(features):
            return YEA if scope.holds(node, scope.choices(names, chosen)) else NAY
        cells = scope.domains[features[at]].cells
        return diagram.node(features[at], tuple(build(at + 1, {**chosen, features[at]: cell.value}) for cell in cells))

    diagram.root = build(0, {})
    return diagram


# Sums of terms that depend on one feature each ------------------------------------------------------------------------------

State = tuple[Fraction, bool]  # the sum so far, and whether anything had a value (for averages)


@dataclass(frozen=True)
class Terms:
    """A comparison of a sum with zero. by_feature: what each cell adds, None where it makes the sum undefined; average: at least one must add."""

    sign: str
    start: Fraction
    by_feature: Mapping[str, tuple[Fraction | None, ...]]
    adds: Mapping[str, tuple[bool, ...]]
    average: bool


def separated(scope: Scope, node: Node) -> Terms | None:
    """The comparison as a sum of terms with one feature each, or None where it is no such thing."""
    if not isinstance(node, Binary) or node.sign not in COMPARISONS or len(scope.features_of(node)) < 2:
        return None
    try:
        average = next(((side, other) for side, other in ((node.left, node.right), (node.right, node.left)) if _is_average(scope, side, other)), None)
        if average is not None:
            return _averaged(scope, node, *average)
        terms = [*_terms(node.left, Fraction(1)), *_terms(node.right, Fraction(-1))]
        if any(len(scope.features_of(term)) > 1 or _reads_as_text(scope, term) for term, _factor, _skipped in terms):
            return None
        return _collected(scope, node, node.sign, terms)
    except formulas.FormulaError:
        return None  # a part without features cannot be computed: trying the whole tells where


def _reads_as_text(scope: Scope, term: Node) -> bool:
    """Whether a term is no number by its form: a bare choice or text, which is compared as text."""
    match term:
        case formulas.Quoted():
            return True
        case formulas.Name(value=name):
            feature = scope.model.by_code.get(name)
            number = isinstance(scope.attributes.get(name, ("", ""))[1], Decimal) if feature is None else feature.kind == "number"
            return not number
        case Call(function="if", arguments=(_condition, then, otherwise)):
            return _reads_as_text(scope, then) or _reads_as_text(scope, otherwise)
        case Call(function="group") | formulas.Among() | Many(sign="and" | "or") | Unary(sign="not"):
            return True
        case Binary(sign=sign):
            return sign not in ("*", "/")
        case _:
            return False


Term = tuple[Node, Fraction, bool]  # a node, its factor, and whether it is left out where it has no value


def _terms(node: Node, factor: Fraction, skipped: bool = False) -> Iterator[Term]:
    match node:
        case Many(sign="+", parts=several):
            for part in several:
                yield from _terms(part, factor, skipped)
        case Call(function="sum", arguments=several):
            for part in several:
                yield part, factor, True
        case Call(function="count", arguments=several):
            for part in several:
                yield Call("count", (part,)), factor, skipped
        case Unary(sign="-", inner=inner):
            yield from _terms(inner, -factor, skipped)
        case Binary(sign="*", left=Number(value=value), right=inner) | Binary(sign="*", left=inner, right=Number(value=value)):
            yield from _terms(inner, factor * Fraction(value), skipped)
        case Binary(sign="/", left=inner, right=Number(value=value)) if value != 0:
            yield from _terms(inner, factor / Fraction(value), skipped)
        case _:
            yield node, factor, skipped


def _is_average(scope: Scope, side: Node, other: Node) -> bool:
    if not (isinstance(side, Call) and side.function == "avg" and not scope.features_of(other)):
        return False
    return all(len(scope.features_of(part)) == 1 for part in side.arguments)


def _averaged(scope: Scope, node: Binary, side: Node, other: Node) -> Terms | None:
    """avg(a, b) ~ c is a - c + b - c ~ 0 over those that have a value, when there is one."""
    against = formulas.exact(other, {})
    turned = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
    sign = node.sign if side is node.left else turned.get(node.sign, node.sign)
    terms = [(formulas.joined("+", [part, Unary("-", _literal(against))]), Fraction(1), True) for part in formulas.parts(side)]
    if len({scope.features_of(term) for term, _factor, _skipped in terms}) < len(terms):
        return None
    found = _collected(scope, node, sign, terms)
    return Terms(found.sign, found.start, found.by_feature, found.adds, average=True)


def _literal(value: Fraction) -> Node:
    if value < 0:
        return Unary("-", _literal(-value))
    return Binary("/", Number(Decimal(value.numerator)), Number(Decimal(value.denominator)))


def _collected(scope: Scope, node: Node, sign: str, terms: Sequence[Term]) -> Terms:
    start = Fraction(0)
    by_feature: dict[str, list[Fraction | None]] = {}
    adds: dict[str, list[bool]] = {}
    for term, factor, skipped in terms:
        features = scope.features_of(term)
        if not features:
            start += factor * formulas.exact(term, {})
            continue
        values = by_feature.setdefault(features[0], [Fraction(0)] * len(scope.domains[features[0]].cells))
        added = adds.setdefault(features[0], [False] * len(values))
        for place, value in enumerate(_values(scope, node, term, features[0])):
            before = values[place]
            added[place] = added[place] or value is not None
            if value is None:
                values[place] = before if skipped else None
            elif before is not None:
                values[place] = before + factor * value
    return Terms(sign, start, {code: tuple(values) for code, values in by_feature.items()}, {code: tuple(added) for code, added in adds.items()}, False)


def _values(scope: Scope, node: Node, term: Node, code: str) -> Iterator[Fraction | None]:
    names = {inner.value for inner in formulas.walk(term) if isinstance(inner, formulas.Name)}
    for cell in scope.domains[code].cells:
        try:
            yield formulas.exact(term, scope.choices(names, {code: cell.value}))
        except formulas.Undefined:
            yield None
        except formulas.Broken as error:
            scope.broken.setdefault(node, error.sentence)
            yield None


def _of_sum(scope: Scope, terms: Terms) -> Diagram:
    """Forwards to the sums that can arise feature by feature, and backwards to the nodes; where the rest cannot change the outcome it is known."""
    order = sorted(terms.by_feature, key=lambda code: max(abs(value or Fraction(0)) for value in terms.by_feature[code]), reverse=True)
    rest = _rests(terms, order)
    undefined = YEA if terms.sign == "!=" else NAY
    levels: list[dict[State, Ref]] = [{(terms.start, False): YEA}]
    for at, code in enumerate(order):
        ways = [(value, adds) for value, adds in zip(terms.by_feature[code], terms.adds[code], strict=True) if value is not None]
        going = (state for state in levels[at] if _outcome(terms, state, rest[at], undefined, False) is None)
        levels.append(dict.fromkeys(((state[0] + value, state[1] or adds) for state in going for value, adds in ways), YEA))
        if sum(map(len, levels)) > scope.limits.states:
            raise TooLarge
    diagram = Diagram()
    for at in range(len(order), -1, -1):
        for state in levels[at]:
            outcome = _outcome(terms, state, rest[at], undefined, at == len(order))
            levels[at][state] = outcome if outcome is not None else diagram.node(order[at], _ways(terms, order[at], state, levels[at + 1], undefined))
    diagram.root = levels[0][terms.start, False]
    return diagram


def _outcome(terms: Terms, state: State, rest: tuple[Fraction, Fraction, bool], undefined: Ref, last: bool) -> Ref | None:
    """The constant that a state leads to whatever comes, if there is one."""
    if not rest[2]:
        return None
    if terms.average and not state[1]:
        return undefined if last else None
    return _settled(terms, state, rest)


def _ways(terms: Terms, code: str, state: State, following: Mapping[State, Ref], undefined: Ref) -> tuple[Ref, ...]:
    pairs = zip(terms.by_feature[code], terms.adds[code], strict=True)
    return tuple(undefined if value is None else following[state[0] + value, state[1] or adds] for value, adds in pairs)


def _rests(terms: Terms, order: Sequence[str]) -> list[tuple[Fraction, Fraction, bool]]:
    """For each place: the least and the most that the rest can add, and whether it is always defined."""
    rests = [(Fraction(0), Fraction(0), True)]
    for code in reversed(order):
        known = [value for value in terms.by_feature[code] if value is not None]
        least, most, always = rests[0]
        rests.insert(0, (least + min(known, default=Fraction(0)), most + max(known, default=Fraction(0)), always and len(known) == len(terms.by_feature[code])))
    return rests


_ALWAYS: Mapping[str, Callable[[Fraction, Fraction], bool]] = {
    "<": lambda least, most: most < 0,
    "<=": lambda least, most: most <= 0,
    ">": lambda least, most: least > 0,
    ">=": lambda least, most: least >= 0,
    "=": lambda least, most: least == most == 0,
    "!=": lambda least, most: least > 0 or most < 0,
}
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "=": "!=", "!=": "="}


def _settled(terms: Terms, state: State, rest: tuple[Fraction, Fraction, bool]) -> Ref | None:
    least, most = state[0] + rest[0], state[0] + rest[1]
    if _ALWAYS[terms.sign](least, most):
        return YEA
    return NAY if _ALWAYS[_OPPOSITE[terms.sign]](least, most) else None
