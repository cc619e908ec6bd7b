"""Whether an answer lies inside what is tolerated. Pure: of the lines and the rules alone, so anybody can compute again why something was accepted."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from apps.documents.services import Line
from apps.network.terms import NOTHING, Holding, Rule, inherited

Verdict = Literal["within", "accept", "ask", "block"]
HUNDRED, NONE = Decimal(100), Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """How an answer differs from what was asked, in one way. by: by how much, in each measure of its kind; none for yes or no."""

    kind: str
    by: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One deviation of one line, what becomes of it, and by which rule. within: up to the limit; accept, ask, block: beyond it."""

    line: int
    deviation: Deviation
    verdict: Verdict
    holding: Holding

    def told(self) -> dict[str, Any]:
        """As it is kept with the acceptance: what differed, up to where it was accepted, and which version of which rule said so."""

        def plain(values: Mapping[str, Decimal]) -> dict[str, str]:
            return {measure: format(value.normalize(), "f") for measure, value in values.items()}

        return {
            "line": self.line,
            "kind": self.deviation.kind,
            "by": plain(self.deviation.by),
            "limits": plain(self.holding.term.limits),
            "beyond": self.holding.term.beyond,
            "scope": self.holding.scope,
            "version": self.holding.version,
        }


def judge(lines: Iterable[Line], rules: Mapping[int, Sequence[Rule]]) -> list[Judged]:
    """Every deviation of the lines that were answered, judged. rules: of each line by its position, those that concern it."""
    return [each for line in lines for each in _of_line(line, inherited(rules.get(line.position, ())))]


def is_accepted(judged: Sequence[Judged]) -> bool:
    """Whether nobody needs to look at it."""
    return all(each.verdict in ("within", "accept") for each in judged)


def _of_line(line: Line, held: Mapping[str, Holding]) -> Iterator[Judged]:
    for deviation in deviations(line):
        # Of a line that is rejected nothing is left to tolerate: somebody looks at it.
        holding = held.get(deviation.kind, NOTHING)
        yield Judged(line=line.position, deviation=deviation, verdict=_verdict(deviation, holding), holding=holding)


def _verdict(deviation: Deviation, holding: Holding) -> Verdict:
    limits = holding.term.limits
    inside = bool(deviation.by) and bool(limits) and all(deviation.by[measure] <= limit for measure, limit in limits.items())
    return "within" if inside else holding.term.beyond


def deviations(line: Line) -> Iterator[Deviation]:
    """How the offer for a line differs from what is asked; nothing where it does not, or there is none."""
    offer = line.offer
    if offer is None:
        return
    if offer.response in ("reject", "cancel"):
        yield Deviation(kind="reject", by={})
        return
    yield from _of_price(line.price, offer.price)
    asked, offered = [(s.quantity, s.due_on) for s in line.requested], [(s.quantity, s.due_on) for s in offer.schedules]
    if offered:
        yield from _of_quantity(line.quantity, sum((quantity for quantity, _day in offered), NONE))
        yield from _of_dates(asked, offered)
    if offer.response == "backorder" or any(day is None for _quantity, day in offered) > any(day is None for _quantity, day in asked):
        yield Deviation(kind="backorder", by={})
    if offer.substitute:
        yield Deviation(kind="substitute", by={})


def _of_price(asked: Decimal | None, offered: Decimal | None) -> Iterator[Deviation]:
    if offered is None or offered == asked:
        return
    if asked is None:
        # A price where none was asked: how much dearer that is nobody can say.
        yield Deviation(kind="dearer", by={"percent": Decimal("Infinity"), "amount": offered})
        return
    amount = abs(offered - asked)
    yield Deviation(
        kind="dearer" if offered > asked else "cheaper", by={"percent": amount * HUNDRED / asked if asked else Decimal("Infinity"), "amount": amount}
    )


def _of_quantity(asked: Decimal, offered: Decimal) -> Iterator[Deviation]:
    if offered != asked:
        yield Deviation(kind="over" if offered > asked else "under", by={"percent": abs(offered - asked) * HUNDRED / asked if asked else Decimal("Infinity")})


Dated = Sequence[tuple[Decimal, dt.date | None]]


def _of_dates(asked: Dated, offered: Dated) -> Iterator[Deviation]:
    """What comes fills the first dates first; of each part the distance to its date counts, and the farthest is told."""
    days = [(there - here).days for here, there in _matched(asked, offered)]
    if days and max(days) > 0:
        yield Deviation(kind="late", by={"days": Decimal(max(days))})
    if days and min(days) < 0:
        yield Deviation(kind="early", by={"days": Decimal(-min(days))})
    dates = len({day for _quantity, day in offered if day is not None})
    if dates > max(1, len({day for _quantity, day in asked if day is not None})):
        yield Deviation(kind="split", by={"count": Decimal(dates)})


def _matched(asked: Dated, offered: Dated) -> Iterator[tuple[dt.date, dt.date]]:
    """The date asked and the date offered of each part."""
    wanted = sorted((day, quantity) for quantity, day in asked if day is not None)
    coming = sorted((day, quantity) for quantity, day in offered if day is not None)
    while wanted and coming:
        (here, open_), (there, left) = wanted[0], coming[0]
        part = min(open_, left)
        if part > 0:
            yield here, there
        wanted = ([(here, open_ - part)] if open_ > part else []) + wanted[1:]
        coming = ([(there, left - part)] if left > part else []) + coming[1:]
        if not wanted and coming:
            # More than was asked: the rest is measured by the last date.
            wanted = [(here, sum((quantity for _day, quantity in coming), NONE))]
