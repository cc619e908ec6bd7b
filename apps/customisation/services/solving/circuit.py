"""A compiled circuit, and the walks over it.

Each walk visits each edge once: which literals are possible (in many worlds at once, a bit each), how many solutions there are, and which
solution costs least. Sound because the circuit is decomposable (the children of an `and` share no variable) and deterministic (those of an
`or` exclude each other): Darwiche, A differential approach to inference in Bayesian networks, JACM 50(3), 2003.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import prod

FAR = 1 << 60  # the cost of what cannot be


@dataclass(slots=True)
class Edge:
    """From a node to a child, with the literals that hold along it; shown: those of them that are asked for; missing: variables that are free."""

    child: int
    literals: tuple[int, ...]
    shown: tuple[int, ...]
    missing: tuple[int, ...] = ()


@dataclass(slots=True)
class Gate:
    """An `or` (any: one of the edges) or an `and` (all of them). No edges: false, or true."""

    any: bool
    edges: list[int] = field(default_factory=list)


class Circuit:
    """Gates, children before parents, the root last; only the variables of the `shown` literals are kept, the others follow from them."""

    def __init__(self, text: str, shown: Iterable[int]) -> None:
        self.shown = frozenset(shown)
        self.base = frozenset(map(abs, self.shown))
        self.gates: list[Gate] = []
        self.edges: list[Edge] = []
        kinds, below = _read(text, self.base)
        self._build(kinds, below)
        self._smooth()

    def _build(self, kinds: Mapping[int, str], below: Mapping[int, Sequence[tuple[int, tuple[int, ...]]]]) -> None:
        places: dict[int, int] = {}
        waiting: list[tuple[int, bool]] = [(1, False)]
        while waiting:
            name, ready = waiting.pop()
            if name in places:
                continue
            if not ready:
                waiting.append((name, True))
                waiting.extend((child, False) for child, _literals in below.get(name, ()) if child not in places)
                continue
            gate = Gate(any=kinds[name] in "of")
            for child, literals in below.get(name, ()):
                gate.edges.append(len(self.edges))
                self.edges.append(Edge(places[child], literals, tuple(literal for literal in literals if literal in self.shown)))
            places[name] = len(self.gates)
            self.gates.append(gate)

    def _smooth(self) -> None:
        """Say along each edge what is free there: counts need every variable on every way."""
        seen: list[int] = []
        for gate in self.gates:
            along = [seen[self.edges[at].child] | _bits(abs(literal) for literal in self.edges[at].literals) for at in gate.edges]
            together = 0
            for bits in along:
                together |= bits
            if gate.any:
                for at, bits in zip(gate.edges, along, strict=True):
                    self.edges[at].missing = tuple(_places(together & ~bits))
            seen.append(together)
        self.free = tuple(_places(_bits(self.base) & ~seen[-1]))

    @cached_property
    def with_literal(self) -> Mapping[int, Sequence[int]]:
        """The edges with each literal."""
        found: dict[int, list[int]] = {}
        for place, edge in enumerate(self.edges):
            for literal in edge.literals:
                found.setdefault(literal, []).append(place)
        return found

    @cached_property
    def free_factors(self) -> list[int]:
        """For each edge the solutions of what is free along it, two a variable."""
        return [1 << len(edge.missing) for edge in self.edges]

    @cached_property
    def without_variable(self) -> Mapping[int, Sequence[int]]:
        """The edges along which each variable is free."""
        found: dict[int, list[int]] = {}
        for place, edge in enumerate(self.edges):
            for variable in edge.missing:
                found.setdefault(variable, []).append(place)
        return found

    @cached_property
    def ways(self) -> list[tuple[bool, tuple[tuple[int, int], ...]]]:
        """The gates as a walk needs them, all in tuples: whether any way will do, and the ways, as the edge and the child it leads to."""
        return [(gate.any, tuple((at, self.edges[at].child) for at in gate.edges)) for gate in self.gates]

    @cached_property
    def told(self) -> list[tuple[int, ...]]:
        """For each edge the literals that are in a solution where a way goes along it: those that hold, and both of each variable that is free."""
        return [(*edge.shown, *(literal for variable in edge.missing for literal in (variable, -variable))) for edge in self.edges]

    # Walks ---------------------------------------------------------------------------------------------------------------

    def solvable(self, allowed: Mapping[int, int], worlds: int) -> int:
        """In which of some worlds (bits) there is a solution: half a walk. allowed: as in `possible`."""
        full = (1 << worlds) - 1
        return self._upwards(self._opened(allowed, full), full)[-1]

    def possible(self, allowed: Mapping[int, int], worlds: int) -> tuple[int, dict[int, int]]:
        """In which of some worlds (bits) there is a solution, and for each shown literal in which of them it is in one.

        allowed: the worlds in which a literal may be true, for those that may not in all.
        """
        full = (1 << worlds) - 1
        open_edges = self._opened(allowed, full)
        found = self._upwards(open_edges, full)
        reached = self._downwards(open_edges, found)
        for variable in self.free:
            reached[variable] = reached[-variable] = found[-1]
        return found[-1], {literal: mask & allowed.get(literal, full) for literal, mask in reached.items()}

    def _opened(self, allowed: Mapping[int, int], full: int) -> list[int]:
        """In which worlds each edge may be gone along."""
        open_edges = [full] * len(self.edges)
        for literal, mask in allowed.items():
            for at in self.with_literal.get(literal, ()):
                open_edges[at] &= mask
        return open_edges

    def _upwards(self, open_edges: list[int], full: int) -> list[int]:
        """In which worlds each gate has a solution; of each edge only those worlds stay open in which its child has one."""
        found: list[int] = []
        for any_will_do, ways in self.ways:
            if any_will_do:
                mask = 0
                for at, child in ways:
                    open_edges[at] = way = open_edges[at] & found[child]
                    mask |= way
            else:
                mask = full
                for at, child in ways:
                    open_edges[at] = way = open_edges[at] & found[child]
                    mask &= way
            found.append(mask)
        return found

    def _downwards(self, open_edges: list[int], found: list[int]) -> dict[int, int]:
        """For each shown literal the worlds in which it is in a solution of the whole."""
        alive = [0] * len(found)
        alive[-1] = found[-1]
        reached: dict[int, int] = {}
        told = self.told
        for place in range(len(found) - 1, -1, -1):
            here = alive[place]
            if not here:
                continue
            for at, child in self.ways[place][1]:
                way = here & open_edges[at]
                if way:
                    alive[child] |= way
                    for literal in told[at]:
                        reached[literal] = reached.get(literal, 0) | way
        return reached

    def count(self, weights: Mapping[int, int]) -> int:
        """The weighted number of solutions; a literal that is not named weighs 1."""
        factors = self.free_factors.copy()
        for literal, weight in weights.items():
            for at in self.with_literal.get(literal, ()):
                factors[at] *= weight
        for variable in {abs(literal) for literal in weights}:
            both = _both(weights, variable)
            for at in self.without_variable.get(variable, ()):
                factors[at] = factors[at] // 2 * both
        counts: list[int] = []
        for any_will_do, ways in self.ways:
            solutions = [factors[at] * counts[child] for at, child in ways]
            counts.append(sum(solutions) if any_will_do else prod(solutions))
        return counts[-1] * prod(_both(weights, variable) for variable in self.free)

    def cheapest(self, costs: Mapping[int, int]) -> tuple[int, frozenset[int]]:
        """The least cost of a solution, and its literals (those that do not matter are left out). FAR or more: there is none."""
        prices = [0] * len(self.edges)
        for literal, cost in costs.items():
            for at in self.with_literal.get(literal, ()):
                prices[at] += cost
        for variable in {abs(literal) for literal in costs}:
            for at in self.without_variable.get(variable, ()):
                prices[at] += min(costs.get(variable, 0), costs.get(-variable, 0))
        least: list[int] = []
        best: list[int] = []
        for any_will_do, ways in self.ways:
            costly = [prices[at] + least[child] for at, child in ways]
            if any_will_do and costly:
                cost = min(costly)
                least.append(cost)
                best.append(ways[costly.index(cost)][0])
            else:
                least.append(FAR if any_will_do else sum(costly))
                best.append(-1)
        return least[-1] + sum(min(costs.get(v, 0), costs.get(-v, 0)) for v in self.free), self._way(best)

    def _way(self, best: Sequence[int]) -> frozenset[int]:
        literals: set[int] = set()
        waiting = [len(self.gates) - 1]
        while waiting:
            place = waiting.pop()
            gate = self.gates[place]
            for at in gate.edges if not gate.any else best[place : place + 1]:
                if at >= 0:
                    literals.update(self.edges[at].literals)
                    waiting.append(self.edges[at].child)
        return frozenset(literals)


def _both(weights: Mapping[int, int], variable: int) -> int:
    return weights.get(variable, 1) + weights.get(-variable, 1)


def _bits(places: Iterable[int]) -> int:
    found = 0
    for place in places:
        found |= 1 << place
    return found


def _places(bits: int) -> Iterable[int]:
    while bits:
        low = bits & -bits
        yield low.bit_length() - 1
        bits ^= low


def _read(text: str, base: frozenset[int]) -> tuple[dict[int, str], dict[int, list[tuple[int, tuple[int, ...]]]]]:
    kinds: dict[int, str] = {}
    below: dict[int, list[tuple[int, tuple[int, ...]]]] = {}
    for line in text.splitlines():
        first, second, *rest = line.split()
        if first in "oatf":
            kinds[int(second)] = first
        else:
            literals = tuple(literal for literal in map(int, rest[:-1]) if abs(literal) in base)
            below.setdefault(int(first), []).append((int(second), literals))
    return kinds, below
