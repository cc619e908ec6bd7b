"""The engine of one model: it answers what a customer asks at each click."""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import chain

from django.utils.translation import gettext as _

from apps.customisation.services.solving.building import Built, Law
from apps.customisation.services.solving.domains import Cell, Domain, Limits, Scope, plain
from apps.customisation.services.solving.model import NO, Change, Choices, Contradictory, Faulty, Model, Offer, Price, Reason, Session, Unfit, Value
from apps.customisation.services.solving.parts import Look, Part, without
from apps.customisation.services.solving.pricing import priced
from apps.customisation.services.solving.proving import proved

LISTED = 64
CHANGES = 3


class Engine:
    """Everything about one model; without state of its own, so that any number of threads may ask."""

    def __init__(self, scope: Scope, parts: Built) -> None:
        self.scope = scope
        self.model = scope.model
        self.parts = parts.parts
        self.part_of: dict[str, tuple[Part, Sequence[Law]]] = {code: found for found in self.parts for code in found[0].features}

    @property
    def counts(self) -> bool:
        """Whether sessions have exact counts."""
        return all(part.count({}) is not None for part, _laws in self.parts)

    def fit(self, choices: Choices) -> dict[str, Value]:
        """The choices in the order of the model, numbers plainly written. Raises `Unfit`."""
        for code in choices:
            if code not in self.model.by_code:
                raise Unfit(code, _("There is no feature “{name}”.").format(name=code))
        return {code: self.scope.domains[code].within(choices[code]).value for code in self.model.by_code if code in choices}

    def session(self, choices: Choices) -> Session:
        """What stands after these choices. Raises `Unfit`."""
        chosen = self.fit(choices)
        looked = [(part, laws, _own(part, chosen)) for part, laws in self.parts]
        looks = [part.look(own) for part, _laws, own in looked]
        offers = {code: self._offer(code, look, chosen) for (part, _laws, _own), look in zip(looked, looks, strict=True) for code in part.features}
        broken = [part for (part, _laws, _own), look in zip(looked, looks, strict=True) if not look.valid]
        counts = [0] if broken else [part.count(own) for part, _laws, own in looked]
        decided = {code: offer.value for code, offer in offers.items() if offer.state != "open"}
        return Session(
            valid=not broken,
            complete=not broken and len(decided) == len(self.model.features),
            choices=chosen,
            decided={code: decided[code] for code in self.model.by_code if code in decided},
            offers=tuple(offers[code] for code in self.model.by_code),
            count=_product(counts),
            conflict=self._conflict(broken, chosen) if broken else None,
        )

    def possible(self, choices: Choices) -> bool:
        """Whether a product has these choices together; quicker than a session. Raises `Unfit`."""
        chosen = self.fit(choices)
        return all(part.possible(_own(part, chosen)) for part, _laws in self.parts)

    def why(self, choices: Choices, feature: str, value: Value, *, changes: bool = True, grey: bool = False) -> Reason | None:
        """Why a feature cannot have a value with these other choices; None where it can. Raises `Unfit`.

        changes: whether to look for the least ones that would allow it, which takes as long again. grey: it is known already that it cannot.
        """
        target = self.fit({feature: value})
        chosen = without(self.fit(choices), [feature])
        part, laws = self.part_of[feature]
        if not grey and part.possible({**_own(part, chosen), **target}):
            return None
        return self._reason(part, laws, chosen, target, changes=changes)

    def completed(self, choices: Choices) -> dict[str, Value]:
        """A whole product with these choices: flags no, options left out, else the first option and the least number, as far as the rules allow.

        Raises `Unfit`, `Contradictory`.
        """
        chosen = self.fit(choices)
        found: dict[str, Value] = {}
        for part, _laws in self.parts:
            open_ones = {code: (self._plainest(code), 1) for code in part.features if code not in chosen}
            solution = part.nearest(_own(part, chosen), open_ones)
            if solution is None:
                broken = [other for other, _laws in self.parts if not other.possible(_own(other, chosen))]
                raise Contradictory(self._conflict(broken, chosen))
            found |= solution
        return {code: found[code] for code in self.model.by_code}

    def price(self, choices: Choices) -> Price:
        """What costs what is decided by these choices. Raises `Unfit`, `formulas.Broken`."""
        return priced(self.scope, self.session(choices).decided)

    def price_of(self, decided: Choices) -> Price:
        """What costs exactly this, without looking for what follows from it: for `Session.decided`. Raises `formulas.Broken`."""
        return priced(self.scope, decided)

    def _plainest(self, code: str) -> Value:
        feature = self.model.by_code[code]
        if feature.kind == "flag":
            return NO
        return None if feature.optional else self.scope.domains[code].whole[0].value

    def _offer(self, code: str, look: Look, chosen: Mapping[str, Value]) -> Offer:
        domain, cells, now = self.scope.domains[code], look.others[code], look.now[code]
        forced = len(now) == 1 and now[0].size == 1
        state, value = ("chosen", chosen[code]) if code in chosen else ("forced", now[0].value) if forced else ("open", None)
        possible = _values(domain, cells)
        grey = tuple(one for one in _values(domain, domain.whole) if one not in possible)
        ranges = _ranges(domain, cells)
        least, most = (ranges[0][0], ranges[-1][1]) if ranges else (None, None)
        return Offer(feature=code, state=state, value=value, possible=possible, grey=grey, least=least, most=most, ranges=ranges)  # type: ignore[arg-type]

    # Why ----------------------------------------------------------------------------------------------------------------

    def _reason(self, part: Part, laws: Sequence[Law], chosen: Mapping[str, Value], target: Mapping[str, Value], *, changes: bool = True) -> Reason:
        own = _own(part, chosen)
        rules, blamed = part.refuting({**own, **target})
        return Reason(
            rules=tuple(laws[place] for place in rules),
            choices=tuple((code, own[code]) for code in blamed if code in own),
            changes=tuple(self._changes(part, chosen, target)) if changes else (),
        )

    def _conflict(self, broken: Sequence[Part], chosen: Mapping[str, Value]) -> Reason:
        """Why the first of these parts is contradictory; a change has to mend them all."""
        reason = self._reason(broken[0], self.part_of[broken[0].features[0]][1], chosen, {})
        others = [self._changes(part, chosen, {})[0] for part in broken[1:]]
        return replace(reason, changes=tuple(_together([change, *others], chosen) for change in reason.changes))

    def _changes(self, part: Part, chosen: Mapping[str, Value], target: Mapping[str, Value]) -> list[Change]:
        """The least change, and others as small that keep one of the choices that it gives up."""
        own = _own(part, chosen)
        first = self._given_up(part, own, target)
        if first is None:
            return []
        found = [first]
        for code in first:
            other = self._given_up(part, own, {**target, code: own[code]})
            if other is not None and len(other) == len(first) and other not in found:
                found.append(other)
        return [self._change(part, chosen, target, given_up) for given_up in found[:CHANGES]]

    def _given_up(self, part: Part, own: Mapping[str, Value], target: Mapping[str, Value]) -> list[str] | None:
        """The fewest choices that have to go for the target."""
        wanted = {code: (value, 1) for code, value in own.items() if code not in target}
        solution = part.nearest(target, wanted)
        return None if solution is None else [code for code, (value, _cost) in wanted.items() if solution[code] != value]

    def _change(self, part: Part, chosen: Mapping[str, Value], target: Mapping[str, Value], given_up: Sequence[str]) -> Change:
        choices = {**without(chosen, given_up), **target}
        now = part.look(_own(part, choices)).now
        forced = {code: now[code][0].value for code in given_up if len(now[code]) == 1 and now[code][0].size == 1}
        changed = [(code, value) for code, value in target.items() if chosen.get(code, "") != value or code not in chosen]
        return Change(choices={**choices, **forced}, changed=(*changed, *((code, forced.get(code, "open")) for code in given_up)))


def _together(changes: Sequence[Change], chosen: Mapping[str, Value]) -> Change:
    """Changes of different features as one."""
    changed = dict(pair for change in changes for pair in change.changed)
    fresh = {code: change.choices[code] for change in changes for code, _value in change.changed if code in change.choices}
    return Change(choices={**{code: value for code, value in chosen.items() if code not in changed}, **fresh}, changed=tuple(changed.items()))


def _own(part: Part, chosen: Mapping[str, Value]) -> dict[str, Value]:
    return {code: chosen[code] for code in part.features if code in chosen}


def _product(counts: Sequence[int | None]) -> int | None:
    found = 1
    for count in counts:
        if count is None:
            return None
        found *= count
    return found


def _values(domain: Domain, cells: Sequence[Cell]) -> tuple[Value, ...]:
    if domain.feature.kind != "number":
        return tuple(cell.value for cell in cells)
    if domain.steps >= LISTED:
        return tuple(None for cell in cells if cell.value is None)
    return tuple(chain.from_iterable((None,) if cell.value is None else _steps(domain, cell) for cell in cells))


def _steps(domain: Domain, cell: Cell) -> tuple[Value, ...]:
    return tuple(plain(domain.number(step)) for step in range(cell.first, cell.last + 1))


def _ranges(domain: Domain, cells: Sequence[Cell]) -> tuple[tuple[Decimal, Decimal], ...]:
    if domain.feature.kind != "number":
        return ()
    ends: list[tuple[int, int]] = []
    for cell in cells:
        if cell.value is not None:
            if ends and ends[-1][1] == cell.first - 1:
                ends[-1] = (ends[-1][0], cell.last)
            else:
                ends.append((cell.first, cell.last))
    return tuple((domain.number(first), domain.number(last)) for first, last in ends)


# Kept engines ------------------------------------------------------------------------------------------------------------

MOST_KEPT = 64
_kept: OrderedDict[tuple[Model, Limits], Engine] = OrderedDict()
_building: dict[tuple[Model, Limits], threading.Lock] = {}
_lock = threading.Lock()


def engine(model: Model, limits: Limits | None = None) -> Engine:
    """The engine of a model, built once in this process for equal models. Raises `Faulty` (warnings do not count)."""
    key = (model, limits or Limits())
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
        building = _building.setdefault(key, threading.Lock())
    with building:
        with _lock:
            if key in _kept:
                return _kept[key]
        try:
            found = _build(*key)
        finally:
            with _lock:
                _building.pop(key, None)
        with _lock:
            _kept[key] = found
            while len(_kept) > MOST_KEPT:
                _kept.popitem(last=False)
    return found


def _build(model: Model, limits: Limits) -> Engine:
    scope, parts, faults = proved(model, limits, warnings=False)
    if parts is None:
        raise Faulty(faults)
    return Engine(scope, parts)


def forget() -> None:
    """Keep no engine any longer. They are known by what is in them, not by whose they are, and are built anew when they are asked for."""
    with _lock:
        _kept.clear()
