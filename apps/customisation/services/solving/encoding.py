"""A model as clauses: literals for cells, and clauses for rules, each rule's marked as its own.

Variables beyond the cells are defined both ways by the others, so that the clauses have exactly as many solutions as the model has products
(up to the sizes of cells). A comparison that is too large for a diagram gets a literal and is left to arithmetic.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from apps.base import formulas
from apps.base.formulas import Among, Binary, Call, Many, Name, Node, Number, Unary
from apps.customisation.services.solving.diagrams import Diagram, Ref, TooLarge, of_comparison, of_counter, of_rows
from apps.customisation.services.solving.domains import Scope, is_wide
from apps.customisation.services.solving.model import NO, Rule, Table

Clause = tuple[int, ...]
PAIRS = 24  # above this, "at most one of them" is counted, and not said pair by pair
PATHS = 200  # above this, a diagram gets variables of its own, and not a clause for each way to False


class Unsayable(Exception):
    """A rule (its code) with a part that neither a diagram nor arithmetic can take."""

    def __init__(self, law: str, part: str) -> None:
        super().__init__(law, part)
        self.law = law
        self.part = part


@dataclass
class Encoding:
    """The clauses. cells: each feature's literals, cell by cell.

    marks: for each clause the place of its rule in `laws`, or, below zero, the variable that it defines.
    there: the literal that a wide, optional number is chosen. large: literals of the comparisons that are left to arithmetic.
    """

    scope: Scope
    laws: Sequence[Rule | Table] = ()
    variables: int = 0
    clauses: list[Clause] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    cells: dict[str, tuple[int, ...]] = field(default_factory=dict)
    there: dict[str, int] = field(default_factory=dict)
    large: dict[int, Node] = field(default_factory=dict)
    _law_of: dict[int, int] = field(default_factory=dict)
    _defined: dict[Hashable, int] = field(default_factory=dict)
    _mark: int = 0

    def variable(self) -> int:
        """A new variable."""
        self.variables += 1
        return self.variables

    def define(self, variable: int, *clauses: Iterable[int]) -> None:
        """What a variable means: clauses that hold whatever the rules say."""
        self.clauses.extend(tuple(clause) for clause in clauses)
        self.marks.extend([-variable] * len(clauses))

    def demand(self, clause: Iterable[int]) -> None:
        """A clause of the rule that is being said."""
        self.clauses.append(tuple(clause))
        self.marks.append(self._mark)

    @cached_property
    def true(self) -> int:
        """A literal that is always true."""
        found = self.variable()
        self.define(found, (found,))
        return found

    # Features ----------------------------------------------------------------------------------------------------------

    def add_feature(self, code: str) -> None:
        """The literals of a feature's cells: two cells share a variable, more have one each, of which exactly one is true."""
        domain = self.scope.domains[code]
        if domain.wide:
            self.there[code] = self.variable() if domain.feature.optional else self.true
        elif len(domain.cells) == 2:
            first = self.variable()
            self.cells[code] = (first, -first)
        elif len(domain.cells) == 1:
            self.cells[code] = (self.true,)
        else:
            self.cells[code] = tuple(self.variable() for _cell in domain.cells)
            first = self.cells[code][0]
            self.define(first, self.cells[code])
            self.at_most_one(self.cells[code], lambda clause: self.define(first, clause))

    def at_most_one(self, literals: Sequence[int], say: Callable[[Iterable[int]], None]) -> None:
        """No two of the literals."""
        if len(literals) <= PAIRS:
            for place, literal in enumerate(literals):
                for other in literals[place + 1 :]:
                    say((-literal, -other))
            return
        before = literals[0]
        for literal in literals[1:]:
            say((-before, -literal))
            before = self.any_of((before, literal))

    def chosen(self, code: str) -> frozenset[int]:
        """The cells in which a feature is chosen."""
        return frozenset(place for place, cell in enumerate(self.scope.domains[code].cells) if cell.value not in (None, NO))

    def in_cells(self, code: str, places: frozenset[int]) -> int:
        """The literal that a feature is in one of these cells."""
        literals = self.cells[code]
        if not places or len(places) == len(literals):
            return self.true if places else -self.true
        if len(literals) - len(places) == 1:
            return -next(literals[place] for place in range(len(literals)) if place not in places)
        return self.any_of(tuple(literals[place] for place in sorted(places)))

    def any_of(self, literals: tuple[int, ...]) -> int:
        """The literal of a disjunction."""
        if len(literals) == 1:
            return literals[0]
        key = ("any", tuple(sorted(set(literals))))
        if key not in self._defined:
            self._defined[key] = found = self.variable()
            self.define(found, (-found, *key[1]), *((found, -literal) for literal in key[1]))
        return self._defined[key]

    def all_of(self, literals: tuple[int, ...]) -> int:
        """The literal of a conjunction."""
        return -self.any_of(tuple(-literal for literal in literals))

    def same(self, one: int, two: int) -> int:
        """The literal that both are true, or neither."""
        key = ("same", (one, two))
        if key not in self._defined:
            self._defined[key] = found = self.variable()
            self.define(found, (-found, -one, two), (-found, one, -two), (found, one, two), (found, -one, -two))
        return self._defined[key]

    # Conditions ----------------------------------------------------------------------------------------------------------

    def literal(self, node: Node) -> int:
        """The literal that a condition holds."""
        match node:
            case Unary(sign="not", inner=inner):
                return -self.literal(inner)
            case Many(sign="and", parts=several):
                return self.all_of(tuple(map(self.literal, several)))
            case Many(sign="or", parts=several):
                return self.any_of(tuple(map(self.literal, several)))
            case Binary(sign="=>", left=left, right=right):
                return self.any_of((-self.literal(left), self.literal(right)))
            case Binary(sign="<=>", left=left, right=right):
                return self.same(self.literal(left), self.literal(right))
            case Call(function="if", arguments=(condition, then, otherwise)):
                asked, one, two = (self.literal(part) for part in (condition, then, otherwise))
                return self.all_of((self.any_of((-asked, one)), self.any_of((asked, two))))
            case Call(function="group"):
                return self.grouped(node)
            case Name(value=name):
                return self.named(node, name)
            case Binary() | Among():
                return self.compared(node)
            case _:
                self.scope.holds(node, {})
                return -self.true

    def named(self, node: Node, name: str) -> int:
        """The literal that a feature is chosen; of an attribute, that it is there and says yes."""
        feature = self.scope.owner(name)
        if feature is None:
            return self.true if name == "yes" else -self.true
        if feature != name:
            return self.compared(node)
        return self.there[name] if name in self.there else self.in_cells(name, self.chosen(name))

    def compared(self, node: Node) -> int:
        """The literal of a comparison: of its diagram, or one that arithmetic has to define."""
        key = ("compared", node)
        if key not in self._defined:
            features = self.scope.features_of(node)
            diagram = None if is_wide(self.scope, features) else self._diagram(node)
            if diagram is None:
                self._defined[key] = self.variable()
                self.large[self._defined[key]] = node
                self._law_of[self._defined[key]] = self._mark
            else:
                self._defined[key] = self.drawn(diagram)
        return self._defined[key]

    def law_of(self, literal: int) -> str:
        """The code of the rule in which a large comparison was met first."""
        return self.laws[self._law_of[literal]].code

    def _diagram(self, node: Node) -> Diagram | None:
        try:
            return of_comparison(self.scope, node)
        except TooLarge:
            return None

    def literals_over(self, over: Hashable) -> tuple[int, ...]:
        """The literals of the children of a branch: a feature's cells, or a condition and its contrary."""
        return (over, -over) if isinstance(over, int) else self.cells[str(over)]

    def drawn(self, diagram: Diagram) -> int:
        """The literal of a diagram: one for each branch."""
        literals: list[int] = []

        def of(ref: Ref) -> int:
            return literals[ref.branch] if ref.constant is None else self.true if ref.constant else -self.true

        for branch in diagram.branches:
            literals.append(self.branched(self.literals_over(branch.over), tuple(map(of, branch.children))))
        return of(diagram.root)

    def branched(self, ways: tuple[int, ...], children: tuple[int, ...]) -> int:
        """The literal that is the child's, for the one way that is true."""
        if set(children) == {self.true, -self.true}:
            places = [way for way, child in zip(ways, children, strict=True) if child == self.true]
            others = [way for way, child in zip(ways, children, strict=True) if child != self.true]
            return -others[0] if len(others) == 1 else self.any_of(tuple(places))
        key = ("branch", (ways, children))
        if key not in self._defined:
            self._defined[key] = found = self.variable()
            for way, child in zip(ways, children, strict=True):
                if child != -self.true:
                    self.define(found, (-way, found, -child) if child != self.true else (-way, found))
                if child != self.true:
                    self.define(found, (-way, -found, child) if child != -self.true else (-way, -found))
        return self._defined[key]

    def grouped(self, node: Call) -> int:
        """The literal that a group is as it should be."""
        parent, members, least, most = self.group_of(node)
        full = self.drawn(of_counter(members, least, most))
        return self.all_of((self.any_of((-parent, full)), *(self.any_of((parent, -member)) for member in members)))

    def group_of(self, node: Call) -> tuple[int, tuple[int, ...], int, int]:
        """A group's parent and members as literals, and its bounds."""
        parent, least, most, *members = node.arguments
        bounds = [int(bound.value) if isinstance(bound, Number) else 0 for bound in (least, most)]
        return self.literal(parent), tuple(map(self.literal, members)), bounds[0], bounds[1]

    # Laws ----------------------------------------------------------------------------------------------------------------

    def say(self, place: int, root: Node | None) -> None:
        """Demand a rule's formula."""
        self._mark = place
        if root is not None:
            self.hold(root, True)

    def hold(self, node: Node, truth: bool) -> None:
        """Demand that a condition holds (or does not), in as few clauses as its form allows."""
        match node:
            case Unary(sign="not", inner=inner):
                self.hold(inner, not truth)
            case Many(sign="and", parts=several) if truth:
                for part in several:
                    self.hold(part, True)
            case Many(sign="or", parts=several) if not truth:
                for part in several:
                    self.hold(part, False)
            case Binary(sign="=>", left=left, right=right) if not truth:
                self.hold(left, True)
                self.hold(right, False)
            case Binary(sign="<=>", left=left, right=right):
                one, two = self.literal(left), self.literal(right)
                self.demand((-one, two if truth else -two))
                self.demand((one, -two if truth else two))
            case Call(function="group") if truth:
                self.hold_group(node)
            case Binary(sign="=>") | Many(sign="and" | "or"):
                self.hold_any(list(self.disjuncts(node, truth)))
            case Binary() | Among() if truth and not is_wide(self.scope, self.scope.features_of(node)):
                self.hold_comparison(node)
            case _:
                self.demand((self.literal(node) if truth else -self.literal(node),))

    def disjuncts(self, node: Node, truth: bool) -> Iterable[tuple[Node, bool]]:
        """The parts of which one has to be as said."""
        match node:
            case Unary(sign="not", inner=inner):
                yield from self.disjuncts(inner, not truth)
            case Binary(sign="=>", left=left, right=right) if truth:
                yield from self.disjuncts(left, False)
                yield from self.disjuncts(right, True)
            case Many(sign="or", parts=several) if truth:
                for part in several:
                    yield from self.disjuncts(part, True)
            case Many(sign="and", parts=several) if not truth:
                for part in several:
                    yield from self.disjuncts(part, False)
            case _:
                yield node, truth

    def hold_any(self, ways: list[tuple[Node, bool]]) -> None:
        """One of these; where exactly one of them has parts that must all be, a clause for each part."""
        both = [place for place, (node, truth) in enumerate(ways) if self.is_several(node, truth)]
        if len(both) != 1:
            self.demand([self.literal(node) if truth else -self.literal(node) for node, truth in ways])
            return
        node, truth = ways[both[0]]
        others = [way for place, way in enumerate(ways) if place != both[0]]
        for part, said in self.conjuncts(node, truth):
            self.demand([self.literal(one) if so else -self.literal(one) for one, so in [*others, (part, said)]])

    def is_several(self, node: Node, truth: bool) -> bool:
        """Whether a node holds only when several parts do."""
        return isinstance(node, Many) and node.sign == ("and" if truth else "or")

    def conjuncts(self, node: Node, truth: bool) -> Iterable[tuple[Node, bool]]:
        """The parts that all have to be as said."""
        match node:
            case Unary(sign="not", inner=inner):
                yield from self.conjuncts(inner, not truth)
            case Many(sign="and", parts=several) if truth:
                for part in several:
                    yield from self.conjuncts(part, True)
            case Many(sign="or", parts=several) if not truth:
                for part in several:
                    yield from self.conjuncts(part, False)
            case _:
                yield node, truth

    def hold_group(self, node: Call) -> None:
        """Demand a group."""
        parent, members, least, most = self.group_of(node)
        for member in members:
            self.demand((-member, parent))
        if least == len(members):
            for member in members:
                self.demand((-parent, member))
        elif least <= 1 and (most == 1 or most >= len(members)):
            if least == 1:
                self.demand((-parent, *members))
            if most == 1:
                self.at_most_one(members, self.demand)
        else:
            self.demand((-parent, self.drawn(of_counter(members, least, most))))

    def hold_comparison(self, node: Node) -> None:
        """Demand a comparison: a clause for each way in which it would fail, where these are few."""
        diagram = self._diagram(node)
        if diagram is None:
            self.demand((self.compared(node),))
        else:
            self.hold_diagram(diagram)

    def hold_diagram(self, diagram: Diagram) -> None:
        """Demand a diagram."""
        paths = diagram.paths(False, PATHS)
        if paths is None:
            self.demand((self.drawn(diagram),))
            return
        for path in paths:
            self.demand([-self.literals_over(over)[place] for over, place in path])

    def hold_table(self, place: int, table: Table) -> None:
        """Demand a table of allowed combinations."""
        domains = self.scope.domains
        if is_wide(self.scope, table.features):
            raise Unsayable(table.code, ", ".join(table.features))
        rows = [tuple(domains[code].cell(value) for code, value in zip(table.features, row, strict=True)) for row in table.rows]
        self._mark = place
        self.hold_diagram(of_rows(table.features, {code: len(domains[code].cells) for code in table.features}, rows))


def comparisons(root: Node | None) -> Iterable[Node]:
    """The conditions of a formula that have no conditions inside that count by themselves: comparisons, `in`, and names."""
    waiting = [] if root is None else [root]
    while waiting:
        node = waiting.pop()
        match node:
            case Unary(sign="not") | Many(sign="and" | "or") | Binary(sign="=>" | "<=>") | Call(function="if"):
                waiting.extend(formulas.parts(node))
            case Call(function="group", arguments=(parent, _least, _most, *members)):
                waiting.extend([parent, *members])
            case _:
                yield node


def encoded(scope: Scope, laws: Sequence[Rule | Table], roots: Mapping[str, Node | None], features: Iterable[str]) -> Encoding:
    """The clauses of some features and of the laws about them; `roots` are the rules' formulas by code."""
    encoding = Encoding(scope, laws)
    for code in features:
        encoding.add_feature(code)
    for place, law in enumerate(laws):
        if isinstance(law, Table):
            encoding.hold_table(place, law)
        else:
            encoding.say(place, roots[law.code])
    return encoding
