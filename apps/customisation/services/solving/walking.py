"""A part of a model that was compiled: every question is a walk over its circuit."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

from apps.customisation.services.solving.circuit import FAR, Circuit
from apps.customisation.services.solving.compiling import compiled
from apps.customisation.services.solving.deduction import Deduction, Undecided
from apps.customisation.services.solving.domains import Cell, Domain
from apps.customisation.services.solving.encoding import Encoding
from apps.customisation.services.solving.model import Value
from apps.customisation.services.solving.parts import Look, representative

IMPOSSIBLE = "f 1 0"


class Walked:
    """Features whose rules are compiled into one circuit."""

    def __init__(self, features: Sequence[str], encoding: Encoding, seconds: float) -> None:
        """Compile. Raises `compiling.NotCompiled`."""
        self.features = features
        self.encoding = encoding
        self.domains: Mapping[str, Domain] = encoding.scope.domains
        clauses = encoding.clauses
        text = IMPOSSIBLE if not all(clauses) else compiled(encoding.variables, clauses, seconds)
        self.circuit = Circuit(text, (literal for code in features for literal in encoding.cells[code]))

    @cached_property
    def deduction(self) -> Deduction:
        """The clauses once more, to find out which rules are to blame."""
        return Deduction(self.encoding)

    @cached_property
    def sizes(self) -> Mapping[int, int]:
        """The weights of the cells that have more values than one."""
        return {self.encoding.cells[code][at]: cell.size for code in self.features for at, cell in enumerate(self.domains[code].cells) if cell.size > 1}

    def literal(self, code: str, value: Value) -> int:
        """The literal of a choice."""
        return self.encoding.cells[code][self.domains[code].cell(value)]

    def look(self, chosen: Mapping[str, Value]) -> Look:
        """World 0 has all choices, world k all but the k-th."""
        allowed: dict[int, int] = {}
        worlds = {code: 1 << (place + 1) for place, code in enumerate(chosen)}
        for code, value in chosen.items():
            allowed[-self.literal(code, value)] = worlds[code]
        found, reached = self.circuit.possible(allowed, len(chosen) + 1)
        others = {code: worlds.get(code, 1) for code in self.features}
        return Look(
            valid=bool(found & 1),
            others={code: self._cells(code, others[code], reached) for code in self.features},
            now={code: self._cells(code, 1, reached) for code in self.features},
        )

    def _cells(self, code: str, world: int, reached: Mapping[int, int]) -> list[Cell]:
        cells = self.domains[code].cells
        return [cell for cell, literal in zip(cells, self.encoding.cells[code], strict=True) if reached.get(literal, 0) & world]

    def count(self, chosen: Mapping[str, Value]) -> int:
        """The exact number."""
        weights = dict(self.sizes)
        for code, value in chosen.items():
            own = self.literal(code, value)
            weights[own], weights[-own] = 1, 0
        return self.circuit.count(weights)

    def possible(self, chosen: Mapping[str, Value]) -> bool:
        """Whether there is a solution."""
        return bool(self.circuit.solvable({-self.literal(code, value): 0 for code, value in chosen.items()}, 1))

    def nearest(self, fixed: Mapping[str, Value], wanted: Mapping[str, tuple[Value, int]]) -> dict[str, Value] | None:
        """The cheapest solution: exact, in one walk."""
        costs: dict[int, int] = {}
        for code, (value, cost) in wanted.items():
            costs[-self.literal(code, value)] = cost
        for code, value in fixed.items():
            costs[-self.literal(code, value)] = FAR
        least, literals = self.circuit.cheapest(costs)
        if least >= FAR:
            return None
        kept = {code: value for code, (value, _cost) in wanted.items()} | dict(fixed)
        return {code: self._value(code, literals, kept) for code in self.features}

    def _value(self, code: str, literals: frozenset[int], kept: Mapping[str, Value]) -> Value:
        cells, own = self.domains[code].cells, self.encoding.cells[code]
        open_ones = [at for at, literal in enumerate(own) if -literal not in literals]
        true = [at for at, literal in enumerate(own) if literal in literals]
        if true:
            return representative(self.domains[code], cells[true[0]], kept.get(code))
        return kept[code] if code in kept and self.domains[code].cell(kept[code]) in open_ones else cells[open_ones[0]].value

    # Why ----------------------------------------------------------------------------------------------------------------

    def refuting(self, chosen: Mapping[str, Value]) -> tuple[list[int], list[str]]:
        """First as few choices as contradict all rules, then as few rules as contradict these: no fewer of both do."""
        choices = self._fewest_choices(chosen)
        return self._fewest_laws([self.literal(code, chosen[code]) for code in choices]), choices

    def _fewest_choices(self, chosen: Mapping[str, Value]) -> list[str]:
        by_literal = {self.literal(code, value): code for code, value in chosen.items()}
        found = self.deduction.by_propagation(list(by_literal))
        kept = [by_literal[literal] for literal in by_literal if found is None or literal in found[1]]
        while (needless := self._needless(kept, chosen)) is not None:
            kept.remove(needless)
        return kept

    def _needless(self, kept: Sequence[str], chosen: Mapping[str, Value]) -> str | None:
        """The first of these choices without which the others are contradictory still: all are tried in one walk, each left out in a world."""
        worlds = {code: 1 << place for place, code in enumerate(kept)}
        found = self.circuit.solvable({-self.literal(code, chosen[code]): world for code, world in worlds.items()}, len(kept))
        return next((code for code, world in worlds.items() if not found & world), None)

    def _fewest_laws(self, assumed: list[int]) -> list[int]:
        found = self.deduction.by_propagation(assumed)
        laws = sorted(found[0]) if found is not None else list(range(len(self.encoding.laws)))
        try:
            return fewest(laws, lambda some: self.deduction.refuted(some, assumed))
        except Undecided:
            from apps.customisation.services.solving.searching import Searched

            return Searched(self.features, self.encoding).fewest_laws(assumed)


def fewest(items: Sequence[int], refuted: Callable[[Sequence[int]], bool]) -> list[int]:
    """A minimal part of the items that is still refuted (QuickXplain: Junker, AAAI 2004)."""

    def explain(background: list[int], changed: bool, some: list[int]) -> list[int]:
        if changed and refuted(background):
            return []
        if len(some) == 1:
            return some
        half = len(some) // 2
        second = explain(background + some[:half], True, some[half:])
        first = explain(background + second, bool(second), some[:half])
        return first + second

    return sorted(explain([], True, list(items))) if items else []
