"""What could be promised: one demand planned on top of all that is promised already, with the partners asked for what is missing."""

import datetime as dt
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from apps.scheduling.services import loading, planning
from apps.scheduling.services.exploding import Of, Wanted
from apps.scheduling.services.loading import Loaded, scaled
from apps.scheduling.services.planning.world import Answer, Cause, Demand, Key, Minute, Outcome, Source


class Asks(Protocol):
    """Whoever asks the partners. `loaded` is set before the first question."""

    loaded: Loaded

    def __call__(self, source: Source, item: Key, quantity: int, needed: Minute) -> Answer | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Considered:
    """A demand that was planned, with the world in which it was. promised_on: the day at the customer's door; None: it cannot be had."""

    loaded: Loaded
    key: Of
    demand: Demand
    outcome: Outcome
    promised_on: dt.date | None

    @property
    def causes(self) -> tuple[Cause, ...]:
        return self.outcome.causes.get(self.demand.key, ())


def consider(*, document: uuid.UUID, wanted: Wanted, quantity: Decimal, due_on: dt.date | None, at: dt.datetime, asks: Asks | None) -> Considered:
    """Plan one demand. due_on: the day by which it is wanted at the customer's door; None: as early as can be. Nothing is written here."""
    loaded = loading.load([wanted], at=at)
    key = loaded.wanted[0]
    if asks is not None:
        asks.loaded = loaded
        loaded.world.ask = asks
    demand = Demand(key=document, item=key, quantity=scaled(quantity), due=loaded.due(due_on, key) if due_on else 0)
    outcome = planning.plan(loaded.world, [demand], at=0, direction="backward" if due_on else "forward")
    return Considered(loaded=loaded, key=key, demand=demand, outcome=outcome, promised_on=_day(loaded, demand, outcome, due_on))


def _day(loaded: Loaded, demand: Demand, outcome: Outcome, due_on: dt.date | None) -> dt.date | None:
    """The day of the last delivery; what is ready before it is wanted is promised for the day on which it is wanted."""
    there = [delivery for delivery in outcome.deliveries if delivery.demand == demand.key]
    if sum(delivery.quantity for delivery in there) < demand.quantity:
        return None
    assert isinstance(demand.item, Of)
    day = loaded.day(max((delivery.at for delivery in there), default=0), demand.item)
    return day if due_on is None else max(day, due_on)
