"""Features without any rule about them: everything is possible, always."""

from collections.abc import Mapping, Sequence
from math import prod

from apps.customisation.services.solving.domains import Domain
from apps.customisation.services.solving.model import Value
from apps.customisation.services.solving.parts import Look


class Free:
    """What nothing restricts."""

    def __init__(self, features: Sequence[str], domains: Mapping[str, Domain]) -> None:
        self.features = features
        self.domains = domains

    def look(self, chosen: Mapping[str, Value]) -> Look:
        """Everything."""
        whole = {code: self.domains[code].whole for code in self.features}
        return Look(valid=True, others=whole, now=whole | {code: (self.domains[code].within(value),) for code, value in chosen.items()})

    def count(self, chosen: Mapping[str, Value]) -> int:
        """The product of what is open."""
        return prod(sum(cell.size for cell in self.domains[code].whole) for code in self.features if code not in chosen)

    def possible(self, chosen: Mapping[str, Value]) -> bool:
        """Always."""
        return True

    def nearest(self, fixed: Mapping[str, Value], wanted: Mapping[str, tuple[Value, int]]) -> dict[str, Value]:
        """Just what is wanted."""
        first = {code: self.domains[code].whole[0].value for code in self.features}
        return first | {code: value for code, (value, _cost) in wanted.items()} | dict(fixed)

    def refuting(self, chosen: Mapping[str, Value]) -> tuple[list[int], list[str]]:
        """Nothing is refuted."""
        return [], []
