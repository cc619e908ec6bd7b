"""The world of one enterprise's plan, put together from its tables for the items that somebody wants.

How a promise is made with it, in one transaction:

    holding.lock_plan()                                     # only where something is written; a mere question needs no lock
    loaded = loading.load([Wanted(item, choices)], at=at)   # a handful of queries
    loaded.world.ask = …                                    # (source, key, quantity, needed minute) -> Answer; source.key is `catalog.Source.id`
    demand = Demand(key=promise_document_id, item=loaded.wanted[0], quantity=scaled(quantity), due=loaded.due(day, loaded.wanted[0]))
    outcome = planning.plan(loaded.world, [demand])
    holding.write(outcome, loaded=loaded, held_until=…, at=at)  # or firm=True

`holding.release(promise)` deletes what was written for a promise, `holding.firm_up(promise, at=…)` makes it firm. A demand's key must be the
id of the promise's document; `Answer.reference` the id of the document of the partner's promise. What has no way of being made says why in
`loaded.faults`.
"""

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from apps.base import acting, announcing
from apps.catalog import selectors as catalog
from apps.scheduling.selectors import standing, working
from apps.scheduling.selectors.standing import Free, Machine, Step, Taken
from apps.scheduling.services.exploding import Exploded, Of, Wanted, explode
from apps.scheduling.services.planning.world import SCALE, Busy, Item, Minute, Resource, Routing, Source, Supply, World

HORIZON_DAYS = 400


class Given(NamedTuple):
    """The key of a supply. kind: stock (of: the item), job or part (of: its id), ordered by its lead time (of: its source and a number)."""

    kind: str
    of: Any


@dataclass(slots=True, kw_only=True)
class Loaded:
    """A world and what its keys mean. origin: minute 0, in minutes since 1970; wanted: the key of each wanted item, in their order.

    made, sources, operations, resources: what the keys stand for. faults: for each item that cannot be planned as it is entered, why, in sentences.
    """

    world: World
    origin: int
    zone: ZoneInfo
    wanted: tuple[Of, ...]
    choices: Mapping[Of, Mapping[str, Any]]
    made: Mapping[uuid.UUID, catalog.Made]
    sources: Mapping[uuid.UUID, catalog.Source]
    resources: Mapping[uuid.UUID, Machine] = field(default_factory=dict)
    faults: dict[Of, list[str]] = field(default_factory=dict)

    def minute(self, at: dt.datetime) -> Minute:
        """The minute of the world at a moment, rounded down."""
        return working.minute(at) - self.origin

    def moment(self, at: Minute) -> dt.datetime:
        """The moment of a minute of the world."""
        return working.moment(at + self.origin)

    def due(self, day: dt.date, item: Of | None = None) -> Minute:
        """The minute by which an item must be finished so that it is at the customer's door on `day`: the end of the day, less the way there."""
        last = day - dt.timedelta(days=self._shipping(item)) + dt.timedelta(days=1)
        return max(0, self.minute(dt.datetime.combine(last, dt.time(), self.zone)))

    def day(self, at: Minute, item: Of | None = None) -> dt.date:
        """The day on which an item that is finished at a minute is at the customer's door."""
        return self.moment(max(0, at - 1)).astimezone(self.zone).date() + dt.timedelta(days=self._shipping(item))

    def arrival(self, day: dt.date, source: uuid.UUID) -> Minute:
        """The minute at which goods are here that stand at the source's door on `day`."""
        return self.due(day + dt.timedelta(days=self.sources[source].transport_days))

    def _shipping(self, item: Of | None) -> int:
        return self.made[item.item].shipping_days if item is not None and item.item in self.made else 0


def scaled(quantity: Decimal) -> int:
    """A quantity in millionths."""
    return int((quantity * SCALE).to_integral_value())


def unscaled(quantity: int) -> Decimal:
    """A quantity in units, without idle zeros."""
    whole, rest = divmod(quantity, SCALE)
    return Decimal(whole) if not rest else (Decimal(quantity) / SCALE).normalize()


def load(items: Sequence[Wanted], *, at: dt.datetime, horizon_days: int = HORIZON_DAYS) -> Loaded:
    """The world for these items at a moment: what they are made of, on what, whence, and what is free of it.

    About eight queries, whatever the number of items. Minute 0 is the next whole minute. A promise that is planned anew is released before.
    """
    origin = working.minute(at + dt.timedelta(seconds=59, microseconds=999999))
    horizon = horizon_days * working.DAY
    structure = catalog.structure([wanted.item for wanted in items])
    made = [item.id for item in structure.items.values() if item.procurement == "make"]
    exploded = explode(items, structure, standing.operations(made) if made else {}, on=at.date())
    found = standing.resources(exploded.pools, at=at) if exploded.pools else []
    machines = {row.id: row for row in found}
    loaded = Loaded(
        world=World(horizon=horizon, items={}),
        origin=origin,
        zone=ZoneInfo(acting.home().time_zone),
        wanted=exploded.wanted,
        choices=exploded.choices,
        made=structure.items,
        sources={source.id: source for sources in structure.sources.values() for source in sources},
        resources=machines,
        faults=exploded.faults,
    )
    loaded.world.resources = {row.id: _resource(row, origin, horizon) for row in found}
    loaded.world.items = {key: _item(key, exploded, structure, loaded) for key in exploded.choices}
    loaded.world.busy = [_busy(row, origin) for row in standing.taken(list(machines), at=at)] if machines else []
    loaded.world.supplies = list(_supplies(loaded, at=at))
    return loaded


def _resource(row: Machine, origin: int, horizon: Minute) -> Resource:
    worked = working.windows_from(row.definition, origin, horizon)
    if row.outages:
        worked = tuple(working.without(worked, working.merged((start - origin, end - origin) for start, end in row.outages)))
    return Resource(key=row.id, windows=worked, efficiency=float(row.efficiency) / 100)


def _busy(row: Taken, origin: int) -> Busy:
    return Busy(resource=row.resource, start=max(0, row.start - origin), end=row.end - origin)


def _item(key: Of, exploded: Exploded, structure: catalog.Structure, loaded: Loaded) -> Item:
    """How an item can be had: made by its routings, or bought from its sources, as the catalogue says."""
    procurement = structure.items[key.item].procurement
    if procurement == "buy":
        return Item(key=key, sources=tuple(_source(source) for source in structure.sources.get(key.item, ())))
    if procurement != "make":
        return Item(key=key)
    return Item(key=key, routings=tuple(_routings(key, exploded, loaded)))


def _source(source: catalog.Source) -> Source:
    return Source(
        key=source.id,
        lead=(source.lead_days + source.transport_days) * working.DAY,
        priority=source.priority,
        minimum=scaled(source.minimum),
        multiple=scaled(source.multiple),
        asked=source.asked,
        transport=source.transport_days * working.DAY,
    )


def _routings(key: Of, exploded: Exploded, loaded: Loaded) -> Iterable[Routing]:
    """The ways of making an item whose every operation has a resource that works at some time."""
    by_pool: dict[str, list[uuid.UUID]] = {}
    for row in loaded.resources.values():
        by_pool.setdefault(row.code, []).insert(0, row.id)
        if row.pool and row.pool != row.code:
            by_pool.setdefault(row.pool, []).append(row.id)
    for way in exploded.ways.get(key, ()):
        faults = [fault for step, _run in way.steps if (fault := _idle(step, by_pool, loaded))]
        if faults:
            loaded.faults.setdefault(key, []).extend(faults)
            continue
        yield way.routing(key, by_pool)


def _idle(step: Step, by_pool: Mapping[str, list[uuid.UUID]], loaded: Loaded) -> str:
    """Why a step can never be done: nothing of its pool, or nothing there that ever works."""
    if not step.pool:
        return ""
    members = by_pool.get(step.pool, [])
    if not members:
        return _("“%(operation)s” needs “%(pool)s”, and there is no such resource or pool.") % {"operation": step.name, "pool": step.pool}
    if not any(loaded.world.resources[member].windows for member in members):
        named = {"operation": step.name, "pool": step.pool, "calendar": loaded.resources[members[0]].calendar}
        return _("“%(operation)s” needs “%(pool)s”, which never works: give the calendar “%(calendar)s” a shift.") % named
    return ""


def _supplies(loaded: Loaded, *, at: dt.datetime) -> Iterable[Supply]:
    """Stock that nobody holds, and what is left over of firm jobs and purchases."""
    items = list({key.item for key in loaded.choices})
    on_hand: dict[uuid.UUID, Decimal] = {}
    for answer in announcing.ask_above("ON_HAND", items=items):
        for item, quantity in answer.items():
            on_hand[item] = on_hand.get(item, Decimal()) + quantity
    for row in standing.supplies(items, at=at):
        if row.kind == "stock":
            on_hand[row.item] = on_hand.get(row.item, Decimal()) - row.quantity
        elif row.quantity > 0 and Of(row.item, row.variant) in loaded.choices:
            yield Supply(key=Given(row.kind, row.id), item=Of(row.item, row.variant), quantity=scaled(row.quantity), at=_there(row, loaded))
    for item, quantity in on_hand.items():
        if quantity > 0 and (key := Of(item)) in loaded.choices:
            yield Supply(key=Given("stock", item), item=key, quantity=scaled(quantity))


def _there(row: Free, loaded: Loaded) -> Minute:
    """When a job's or a purchase's goods are here, never in the past: what is late is expected now."""
    if row.ends_at is not None:
        return max(0, loaded.minute(row.ends_at + dt.timedelta(seconds=59)))
    if row.promised_on is None:
        return loaded.world.horizon
    source = loaded.sources.get(row.source) if row.source else None
    transport = source.transport_days if source else 0
    return loaded.due(row.promised_on + dt.timedelta(days=transport))
