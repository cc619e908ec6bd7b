"""Planning anew what something has touched: the promises that it concerns, and no others.

A reaction to `CapacityChanged` (or to goods that came late or short) says

    found = replanning.touched(news)                                         # which promises, which jobs
    for one in replanning.replan(found.promises, again=found.jobs, at=at):  # the plan is written; the promises' rows are not
        if one.later: …                                                      # move the promise, and tell the customer
"""

import datetime as dt
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from apps.scheduling import models
from apps.scheduling.selectors.ending import days, not_before
from apps.scheduling.services import holding, planning
from apps.scheduling.services.calendaring import CapacityChanged
from apps.scheduling.services.exploding import Of, Wanted
from apps.scheduling.services.holding import Ordered
from apps.scheduling.services.loading import Given, Loaded, load, scaled
from apps.scheduling.services.planning.world import Answer, Ask, Cause, Demand, Key, Minute, Outcome, Source, Supply

__all__ = ["Replanned", "Touched", "concerning", "days", "demands_of", "nobody", "open_promises", "replan", "results", "taking_from", "touched", "world_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """What a change concerns. jobs: those that cannot stay as they are, even where they have begun."""

    promises: tuple[uuid.UUID, ...]
    jobs: tuple[uuid.UUID, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replanned:
    """A promise of ours that was planned anew. before: the day that it had been promised for; after: the day that it can have now, None where it can
    have none; ends_at: when the last of it is finished. causes: why not earlier; faults: what stands in its way, in sentences.
    """

    promise: uuid.UUID
    item: Of
    before: dt.date | None
    after: dt.date | None
    ends_at: dt.datetime | None
    causes: tuple[Cause, ...]
    faults: tuple[str, ...]

    @property
    def later(self) -> bool:
        return self.after is None or (self.before is not None and self.after > self.before)


def touched(news: CapacityChanged) -> Touched:
    """Whom a change of capacity concerns: whoever has work on these resources while it lasts, with everything that this work serves.

    Where there is more capacity than before, only promises that are later than they were first: they may gain. Two queries.
    """
    with connection.cursor() as cursor:
        cursor.execute(_TOUCHED, [list(news.resources), news.at, news.until, news.until])
        jobs = tuple(row[0] for row in cursor.fetchall())
    return concerning(jobs, late_only=news.more) if jobs else Touched(promises=(), jobs=())


def concerning(jobs: Sequence[uuid.UUID], *, late_only: bool = False) -> Touched:
    """The promises that take from these jobs, at once or through others. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_SERVED, [list(jobs), late_only])
        promises = tuple(row[0] for row in cursor.fetchall())
    return Touched(promises=promises, jobs=tuple(jobs) if not late_only else ())


def taking_from(documents: Sequence[uuid.UUID]) -> Touched:
    """The promises that take from these partners' promises to us, at once or through jobs: whoever waits for what comes late, or short. One query."""
    found = models.Peg.objects.filter(document__in=list(documents)).values_list("promise_id", flat=True).distinct()
    return Touched(promises=tuple(promise for promise in found if promise), jobs=())


_TOUCHED = (
    "SELECT DISTINCT s.job_id FROM scheduling_slot s JOIN scheduling_job j ON j.id = s.job_id WHERE s.resource_id = ANY(%s::uuid[]) "
    "AND s.ends_at > %s AND (%s::timestamptz IS NULL OR s.starts_at < %s) AND j.done_at IS NULL AND j.firm"
)
_SERVED = (
    "WITH RECURSIVE up(id) AS (SELECT unnest(%s::uuid[]) UNION SELECT p.taker_job_id FROM up u JOIN scheduling_peg p ON p.job_id = u.id "
    "WHERE p.taker_job_id IS NOT NULL) "
    "SELECT DISTINCT f.document FROM up u JOIN scheduling_peg p ON p.job_id = u.id OR p.taker_job_id = u.id "
    "JOIN scheduling_promise f ON f.document = p.promise_id "
    "WHERE f.side = 'seller' AND f.firm AND f.closed_at IS NULL AND (NOT %s OR f.promised_on IS NULL OR f.promised_on > f.first_on)"
)


def replan(promises: Sequence[uuid.UUID], *, at: dt.datetime, again: Sequence[uuid.UUID] = (), ask: Ask | None = None,
           shown: Callable[[Loaded], None] | None = None, recover: bool = False) -> list[Replanned]:  # fmt: skip
    """Plan these promises of ours anew, in the order of their days, around all others; write the plan, and say what became of each.

    What had begun stays, but for the jobs in `again`. Each is planned towards the day for which it is promised now; recover: for which it was
    promised first. ask: as in `World`; shown: is given the world before anybody is asked. About twenty statements, whatever their number.
    """
    holding.lock_plan()
    rows = open_promises(promises)
    if not rows:
        return []
    ordered = holding.withdraw([row.document for row in rows], begun=at, again=again)
    loaded = world_of(rows, ordered, at=at)
    loaded.world.ask = ask
    if shown is not None:
        shown(loaded)
    demands = demands_of(rows, loaded, recover=recover)
    outcome = planning.plan(loaded.world, demands, at=0)
    holding.write(outcome, loaded=loaded, firm=True, at=at)
    return results(rows, demands, loaded, outcome)


def nobody(source: Source, item: Key, quantity: int, needed: Minute) -> Answer | None:
    """For `World.ask`: what partners have promised stands, and they are not asked for the same once more."""
    return None


def open_promises(promises: Sequence[uuid.UUID] | None = None) -> list[models.Promise]:
    """Firm promises of ours of which something is left to deliver, the earliest first; those named, or all. One query."""
    found = models.Promise.objects.filter(side=models.Side.SELLER, firm=True, closed_at__isnull=True, item__isnull=False)
    if promises is not None:
        found = found.filter(document__in=list(promises))
    return [row for row in found.order_by("promised_on", "first_on", "document") if row.quantity > row.arrived]


def world_of(rows: Sequence[models.Promise], ordered: Sequence[Ordered], *, at: dt.datetime) -> Loaded:
    """The world for these promises, each wanted in the order of the rows, with what was ordered for them as supply."""
    loaded = load([_wanted(row) for row in rows], at=at)
    for number, one in enumerate(ordered):
        if one.item in loaded.choices:
            there = max(0, loaded.minute(one.due_at))
            loaded.world.supplies.append(Supply(key=Given("ordered", (one.source, number)), item=one.item, quantity=scaled(one.quantity), at=there))
    return loaded


def _wanted(row: models.Promise) -> Wanted:
    if row.item_id is None:
        raise ValueError(f"The promise {row.document} says no item.")
    configuration: Mapping[str, Any] = row.configuration or {}
    return Wanted(item=row.item_id, choices=configuration.get("choices"), digest=str(configuration.get("digest", "")))


def demands_of(rows: Sequence[models.Promise], loaded: Loaded, *, recover: bool = False) -> list[Demand]:
    """What the promises still want, by the day that they are promised for; in the order of the rows."""
    return [
        Demand(key=row.document, item=key, quantity=scaled(row.quantity - row.arrived), due=_due(row, key, loaded, recover), priority=number)
        for number, (row, key) in enumerate(zip(rows, loaded.wanted, strict=True))
    ]


def _due(row: models.Promise, key: Of, loaded: Loaded, recover: bool) -> Minute:
    day = (row.first_on if recover else row.promised_on) or row.promised_on or row.asked_on
    return loaded.due(day, key) if day else 0


def results(rows: Sequence[models.Promise], demands: Sequence[Demand], loaded: Loaded, outcome: Outcome) -> list[Replanned]:
    """What became of each promise."""
    ends: dict[object, Minute] = {}
    there: dict[object, int] = {}
    for delivery in outcome.deliveries:
        ends[delivery.demand] = max(ends.get(delivery.demand, 0), delivery.at)
        there[delivery.demand] = there.get(delivery.demand, 0) + delivery.quantity
    found = []
    for row, demand, key in zip(rows, demands, loaded.wanted, strict=True):
        whole = there.get(demand.key, 0) >= demand.quantity
        end = ends.get(demand.key, 0)
        after = not_before(row, loaded.day(end, key)) if whole else None
        faults = tuple(sentence for sentences in loaded.faults.values() for sentence in sentences)
        ends_at = loaded.moment(end) if whole else None
        causes = outcome.causes.get(demand.key, ())
        found.append(Replanned(promise=row.document, item=key, before=row.promised_on, after=after, ends_at=ends_at, causes=causes, faults=faults))
    return found
