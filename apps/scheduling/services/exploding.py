"""Bills of material and operations for what was chosen: conditions and formulas evaluated, one key for each item and choice that matters to it."""

import datetime as dt
import hashlib
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

import orjson
from django.utils.translation import gettext as _

from apps.base import formulas
from apps.catalog import selectors as catalog
from apps.scheduling.selectors.standing import Step
from apps.scheduling.services.planning.world import SCALE, Component, Operation, Routing

Choices = Mapping[str, Any]


class Of(NamedTuple):
    """An item as the planner knows it. variant: the digest of the choices that it was made by; empty where no choice makes a difference."""

    item: uuid.UUID
    variant: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An item that somebody wants. choices: of its configuration, None where there is none; digest: the configuration's own, where it has one."""

    item: uuid.UUID
    choices: Choices | None = None
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way of making an item: its steps with their run times, and what they take."""

    code: str
    priority: int
    steps: tuple[tuple[Step, float], ...]
    components: tuple[Component, ...]

    def routing(self, key: Of, by_pool: Mapping[str, Sequence[uuid.UUID]]) -> Routing:
        """As the planner reads it; by_pool: the resources of each pool, best first."""
        done = tuple(Operation(key=step.id, resources=tuple(by_pool.get(step.pool, ())), setup=step.setup, run=run, lag=step.lag) for step, run in self.steps)
        return Routing(key=(key, self.code), operations=done, components=self.components, priority=self.priority)


@dataclass(slots=True, kw_only=True)
class Exploded:
    """All items that may be needed, by key, with the choices of each, its ways of being made, and why it has none."""

    wanted: tuple[Of, ...] = ()
    choices: dict[Of, Choices] = field(default_factory=dict)
    ways: dict[Of, tuple[Way, ...]] = field(default_factory=dict)
    faults: dict[Of, list[str]] = field(default_factory=dict)

    @property
    def pools(self) -> list[str]:
        """The codes of all pools and resources that are needed."""
        return sorted({step.pool for ways in self.ways.values() for way in ways for step, _run in way.steps if step.pool})


def digest(choices: Choices) -> str:
    """What tells some choices from others: SHA-256 of their canonical JSON, without those that were not made."""
    made = {name: str(value) for name, value in choices.items() if value is not None}
    return hashlib.sha256(orjson.dumps(made, option=orjson.OPT_SORT_KEYS)).hexdigest()


def explode(wanted: Sequence[Wanted], structure: catalog.Structure, steps: Mapping[uuid.UUID, Sequence[Step]], *, on: dt.date) -> Exploded:
    """Everything that may be needed for these items, down to what is bought. on: the day on which a line must hold."""
    return _Explosion(structure, steps, on).run(wanted)


class _Explosion:
    """One walk down the structure."""

    def __init__(self, structure: catalog.Structure, steps: Mapping[uuid.UUID, Sequence[Step]], on: dt.date) -> None:
        self.structure, self.steps, self.on = structure, steps, on
        self.names: dict[uuid.UUID, frozenset[str]] = {}
        self.found = Exploded()
        self.open: list[Of] = []

    def run(self, wanted: Sequence[Wanted]) -> Exploded:
        self.found.wanted = tuple(self._wanted(one) for one in wanted)
        while self.open:
            key = self.open.pop()
            self._make(key)
        return self.found

    def _wanted(self, one: Wanted) -> Of:
        if not one.choices:
            return self._known(Of(one.item), {})
        return self._known(Of(one.item, one.digest or digest(one.choices)), one.choices)

    def _below(self, item: uuid.UUID, choices: Choices) -> Of:
        """A component's key: only the choices that its own structure asks for tell it from others."""
        asked = self._asked(item)
        mattering = {name: value for name, value in choices.items() if name in asked}
        return self._known(Of(item, digest(mattering)) if mattering else Of(item), mattering)

    def _known(self, key: Of, choices: Choices) -> Of:
        if key not in self.found.choices:
            self.found.choices[key] = choices
            self.open.append(key)
        return key

    def _asked(self, item: uuid.UUID) -> frozenset[str]:
        """The names that the formulas of an item and of all below it speak of."""
        if item not in self.names:
            self.names[item] = frozenset()
            own = {name for text in self._texts(item) for name in _names(text)}
            below = [self._asked(component) for component in self._components(item)]
            self.names[item] = frozenset(own.union(*below))
        return self.names[item]

    def _texts(self, item: uuid.UUID) -> Iterable[str]:
        for line in self.structure.components.get(item, ()):
            yield from (line.quantity, line.condition)
        for step in self.steps.get(item, ()):
            yield from (step.run, step.condition)

    def _components(self, item: uuid.UUID) -> list[uuid.UUID]:
        return [one.component for line in self.structure.components.get(item, ()) for one in (line, *line.alternates)]

    def _make(self, key: Of) -> None:
        """The ways of making one item, or why there is none."""
        made = self.structure.items.get(key.item)
        if made is None or made.procurement != "make":
            return
        choices = self.found.choices[key]
        try:
            components = tuple(self._taken(made, choices))
        except formulas.FormulaError as error:
            self._fault(key, _("The components of “%(item)s” cannot be worked out: %(why)s") % {"item": made.number, "why": str(error)})
            return
        ways = tuple(self._ways(key, made, choices, components))
        if not ways and key not in self.found.faults:
            self._fault(key, _("“%(item)s” is made, and has neither components nor operations: enter one of them.") % {"item": made.number})
        self.found.ways[key] = ways

    def _fault(self, key: Of, sentence: str) -> None:
        self.found.faults.setdefault(key, []).append(sentence)

    def _taken(self, made: catalog.Made, choices: Choices) -> Iterable[Component]:
        for line in self.structure.components.get(made.id, ()):
            if not line.holds(self.on) or not formulas.parse(line.condition).holds(choices):
                continue
            net = formulas.parse(line.quantity).amount(choices)
            if net < 0:
                raise formulas.Broken(_("a quantity of %(quantity)s is below zero.") % {"quantity": net})
            if net or line.fixed:
                alternates = tuple(self._below(other.component, choices) for other in line.alternates if other.holds(self.on))
                item = self._below(line.component, choices)
                yield Component(item=item, quantity=_upwards(line.taken(net)), fixed=_upwards(line.fixed), alternates=alternates)

    def _ways(self, key: Of, made: catalog.Made, choices: Choices, components: tuple[Component, ...]) -> Iterable[Way]:
        by_code: dict[str, list[Step]] = {}
        for step in self.steps.get(key.item, ()):
            by_code.setdefault(step.routing, []).append(step)
        if not by_code and components:
            yield Way(code="", priority=0, steps=(), components=components)
        for code, steps in by_code.items():
            try:
                timed = tuple(_timed(steps, choices))
            except formulas.FormulaError as error:
                self._fault(key, _("The operations of “%(item)s” cannot be worked out: %(why)s") % {"item": made.number, "why": str(error)})
                continue
            yield Way(code=code, priority=min(step.priority for step in steps), steps=timed, components=components)


def _timed(steps: Sequence[Step], choices: Choices) -> Iterable[tuple[Step, float]]:
    """The steps whose condition holds, with their run times in minutes a unit."""
    for step in steps:
        if formulas.parse(step.condition).holds(choices):
            run = formulas.parse(step.run).amount(choices)
            if run < 0:
                raise formulas.Broken(_("a run time of %(minutes)s minutes is below zero.") % {"minutes": run})
            yield step, float(run)


def _names(text: str) -> frozenset[str]:
    try:
        return formulas.parse(text).names
    except formulas.Unreadable:
        return frozenset()


def _upwards(quantity: Decimal) -> int:
    """Millionths, a part of one counted as a whole one."""
    return -int(-quantity * SCALE // 1)
