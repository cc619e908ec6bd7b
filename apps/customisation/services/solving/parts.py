"""What the engine asks of each part of a model that has rules in common: the same questions, answered by a circuit or by a search."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from apps.customisation.services.solving.domains import Cell, Domain
from apps.customisation.services.solving.model import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What is possible. others: for each feature the cells that go with all *other* choices; now: those that go with all choices."""

    valid: bool
    others: Mapping[str, Sequence[Cell]]
    now: Mapping[str, Sequence[Cell]]


class Part(Protocol):
    """Some features of a model, with all the rules about them."""

    features: Sequence[str]

    def look(self, chosen: Mapping[str, Value]) -> Look:
        """What is possible with these choices."""
        ...

    def count(self, chosen: Mapping[str, Value]) -> int | None:
        """How many solutions are left; None where that is not known."""
        ...

    def possible(self, chosen: Mapping[str, Value]) -> bool:
        """Whether there is a solution."""
        ...

    def nearest(self, fixed: Mapping[str, Value], wanted: Mapping[str, tuple[Value, int]]) -> dict[str, Value] | None:
        """A solution with what is fixed, at the least cost: each feature that is not as wanted costs its number. None: there is no solution."""
        ...

    def refuting(self, chosen: Mapping[str, Value]) -> tuple[list[int], list[str]]:
        """The places of the rules, and the choices, of a minimal contradiction; these choices are impossible together."""
        ...


def representative(domain: Domain, cell: Cell, wanted: Value) -> Value:
    """The value of a cell that is nearest to what is wanted."""
    if cell.value is None or cell.size == 1 or wanted is None:
        return cell.value
    step = min(max(domain.step(wanted), cell.first), cell.last)
    return f"{domain.number(step).normalize():f}"


def without(mapping: Mapping[str, Value], keys: Iterable[str]) -> dict[str, Value]:
    """A mapping without some keys."""
    left_out = set(keys)
    return {key: value for key, value in mapping.items() if key not in left_out}
