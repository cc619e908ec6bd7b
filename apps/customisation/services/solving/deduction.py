"""Which rules refute something: unit propagation finds a few that do, and a small search leaves out those that are not needed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from apps.customisation.services.solving.encoding import Clause, Encoding

DECISIONS = 3_000


class Undecided(Exception):
    """The search gave up: it is made for a handful of rules."""


@dataclass(frozen=True)
class Indexed:
    """Clauses, and where each literal stands in them."""

    clauses: Sequence[Clause]

    @cached_property
    def watching(self) -> dict[int, list[int]]:
        """The clauses with each literal."""
        found: dict[int, list[int]] = {}
        for place, clause in enumerate(self.clauses):
            for literal in clause:
                found.setdefault(literal, []).append(place)
        return found

    @cached_property
    def short(self) -> list[int]:
        """The clauses of one literal or none."""
        return [place for place, clause in enumerate(self.clauses) if len(clause) <= 1]


@dataclass(frozen=True)
class Deduction:
    """The clauses of an encoding, by what they belong to."""

    encoding: Encoding

    @cached_property
    def all_of_them(self) -> Indexed:
        return Indexed(self.encoding.clauses)

    @cached_property
    def by_mark(self) -> dict[int, list[Clause]]:
        """The clauses of each rule, and below zero those that define each variable."""
        found: dict[int, list[Clause]] = {}
        for clause, mark in zip(self.encoding.clauses, self.encoding.marks, strict=True):
            found.setdefault(mark, []).append(clause)
        for literals in self.encoding.cells.values():
            for literal in literals[1:]:
                if abs(literal) != abs(literals[0]):
                    found[-abs(literal)] = found[-abs(literals[0])]
        return found

    def clauses(self, laws: Iterable[int], assumed: Iterable[int]) -> list[Clause]:
        """The clauses of some rules, with the definitions of all that they speak of."""
        found: dict[Clause, None] = {}
        waiting = [*laws, *(-abs(literal) for literal in assumed)]
        seen: set[int] = set()
        while waiting:
            mark = waiting.pop()
            if mark in seen:
                continue
            seen.add(mark)
            for clause in self.by_mark.get(mark, ()):
                found[clause] = None
                waiting.extend(-abs(literal) for literal in clause if -abs(literal) not in seen)
        return list(found)

    def by_propagation(self, assumed: Sequence[int]) -> tuple[set[int], set[int]] | None:
        """Rules and assumptions that refute one another by unit propagation alone; None where it finds no contradiction."""
        clauses, marks = self.encoding.clauses, self.encoding.marks
        search = Search(self.all_of_them)
        conflict = search.assume(assumed)
        if conflict is None:
            return None
        laws, used = set[int](), set[int]()
        waiting, seen = [conflict], {conflict}
        while waiting:
            place = waiting.pop()
            if marks[place] >= 0:
                laws.add(marks[place])
            for literal in clauses[place]:
                because = search.because.get(-literal)
                if because is None:
                    used.add(-literal)
                elif because not in seen:
                    seen.add(because)
                    waiting.append(because)
        return laws, used & set(assumed)

    def refuted(self, laws: Iterable[int], assumed: Sequence[int]) -> bool:
        """Whether these rules and what is assumed contradict each other. Raises `Undecided`."""
        return not Search(Indexed(self.clauses(laws, assumed))).solve(assumed)


@dataclass
class Search:
    """Unit propagation with counters of what is assigned, and plain backtracking."""

    among: Indexed
    value: dict[int, bool] = field(default_factory=dict)
    because: dict[int, int | None] = field(default_factory=dict)
    trail: list[int] = field(default_factory=list)

    def assign(self, literal: int, because: int | None) -> None:
        """Make a literal true."""
        self.value[literal], self.value[-literal] = True, False
        self.because[literal] = because
        self.trail.append(literal)

    def assume(self, literals: Iterable[int]) -> int | None:
        """Make literals true with all that follows; the clause that is contradicted, or None. Contrary assumptions are the caller's fault."""
        start = len(self.trail)
        for literal in literals:
            if literal not in self.value:
                self.assign(literal, None)
        for place in self.among.short:
            if self._look(place):
                return place
        return self.propagate(start)

    def propagate(self, at: int) -> int | None:
        """Follow the trail from a place on."""
        watching = self.among.watching
        while at < len(self.trail):
            for place in watching.get(-self.trail[at], ()):
                if self._look(place):
                    return place
            at += 1
        return None

    def _look(self, place: int) -> bool:
        """Whether a clause is contradicted; where one literal is left, it is made true."""
        left = 0
        for literal in self.among.clauses[place]:
            now = self.value.get(literal)
            if now:
                return False
            if now is None:
                if left:
                    return False
                left = literal
        if left:
            self.assign(left, place)
        return not left

    def undo(self, length: int) -> None:
        """Shorten the trail."""
        while len(self.trail) > length:
            literal = self.trail.pop()
            del self.value[literal], self.value[-literal], self.because[literal]

    def solve(self, assumed: Sequence[int]) -> bool:
        """Whether the clauses can be satisfied. Raises `Undecided`."""
        if not set(assumed).isdisjoint(-literal for literal in assumed) or self.assume(assumed) is not None:
            return False
        decisions: list[tuple[int, int]] = []
        for _attempt in range(DECISIONS):
            literal = self._open_literal()
            if literal is None:
                return True
            decisions.append((len(self.trail), literal))
            self.assign(literal, None)
            while self.propagate(len(self.trail) - 1) is not None:
                if not decisions:
                    return False
                length, literal = decisions.pop()
                self.undo(length)
                self.assign(-literal, None)
        raise Undecided

    def _open_literal(self) -> int | None:
        for clause in self.among.clauses:
            if not any(self.value.get(literal) for literal in clause):
                return next(literal for literal in clause if literal not in self.value)
        return None
