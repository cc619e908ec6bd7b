"""Keeping what was planned: jobs, slots and pegs of a promise, held until a moment or firm, and giving them back."""

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import connection
from django.utils.translation import gettext as _

from apps.base.models import Batch, new_id
from apps.live import services as live
from apps.scheduling import models
from apps.scheduling.selectors.ending import ends as ends
from apps.scheduling.services.exploding import Of
from apps.scheduling.services.loading import Given, Loaded, unscaled
from apps.scheduling.services.planning.world import Job, Key, Minute, Outcome, Purchase, Take

TOPIC = "schedule"
"""What pages of the plan listen to (`live:schedule`)."""


class HoldExpired(Exception):
    """What was held is free again: the time of the hold has passed."""


def lock_plan() -> None:
    """Let nobody else write this home's plan until the transaction ends. Whoever comes second reads what the first has written."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK)
        if cursor.fetchone() is None:
            cursor.execute(_STANDING, [new_id()])
            cursor.execute(_LOCK)


_LOCK = "SELECT id FROM scheduling_plan WHERE kind = 'standing' FOR UPDATE"
# The row is made once: who makes it waits for whoever makes it at the same moment.
_STANDING = (
    "INSERT INTO scheduling_plan (id, kind, started_at, by, progress, stop, figures, message) "
    "SELECT %s, 'standing', now(), '', 0, false, '{}', '' WHERE NOT EXISTS (SELECT 1 FROM scheduling_plan WHERE kind = 'standing') "
    "ON CONFLICT DO NOTHING"
)


def write(outcome: Outcome, *, loaded: Loaded, held_until: dt.datetime | None = None, firm: bool = False, at: dt.datetime,
          batch: Batch | None = None) -> dict[Key, uuid.UUID]:  # fmt: skip
    """Keep the jobs, slots and pegs of an outcome, by one statement. Gives the id of each job by its key in the outcome.

    The key of each demand is the id of the promise's document. held_until: when they fall free by themselves; firm: never. Neither: a plan that
    nobody has been promised. batch: rows that are written with them. Call `lock_plan` before loading.
    """
    ids = {job.key: new_id() for job in outcome.jobs}
    serving = _serving(outcome)
    kept = (firm, held_until if not firm else None)
    batch = batch or Batch()
    batch.insert(models.Job, _JOB, [_job(job, ids, serving, loaded, kept) for job in outcome.jobs])
    batch.insert(models.Slot, _SLOT, [row for job in outcome.jobs for row in _slots(job, ids, loaded)])
    batch.insert(models.Peg, _PEG, _pegs(outcome, ids, serving, loaded, kept))
    batch.write()
    live.nudge(TOPIC)
    return ids


_JOB = ("id", "item", "quantity", "configuration", "promise_id", "starts_at", "ends_at", "firm", "held_until")
_SLOT = ("id", "job", "operation", "resource", "starts_at", "ends_at", "setup")
_PEG = ("id", "item", "quantity", "giver", "job", "document", "source", "promise_id", "taker_job", "configuration", "needed_at", "due_at", "firm", "held_until")


def _serving(outcome: Outcome) -> dict[Key, Key]:
    """The promise that each job serves: the first of those whose demands it reaches."""
    jobs = {job.key for job in outcome.jobs}
    above: dict[Key, list[Key]] = {}
    for take in outcome.takes:
        above.setdefault(take.giver, []).append(take.taker)
    found: dict[Key, Key] = {}
    for job in jobs:
        taker = job
        while taker in jobs and taker in above:
            taker = above[taker][0]
        if taker not in jobs:
            found[job] = taker
    return found


def _configuration(key: Of, loaded: Loaded) -> dict[str, Any] | None:
    return {"digest": key.variant, "choices": {name: str(value) for name, value in loaded.choices[key].items() if value is not None}} if key.variant else None


def _job(job: Job, ids: Mapping[Key, uuid.UUID], serving: Mapping[Key, Key], loaded: Loaded, kept: tuple[bool, dt.datetime | None]) -> tuple[Any, ...]:
    key = _of(job.item)
    times = (loaded.moment(job.start), loaded.moment(max(job.end, job.start)))
    return (ids[job.key], key.item, unscaled(job.quantity), _configuration(key, loaded), serving.get(job.key), *times, *kept)


def _slots(job: Job, ids: Mapping[Key, uuid.UUID], loaded: Loaded) -> Iterable[tuple[Any, ...]]:
    for slot in job.slots:
        yield (new_id(), ids[job.key], slot.operation, slot.resource, loaded.moment(slot.start), loaded.moment(slot.end), slot.setup)


def _pegs(outcome: Outcome, ids: Mapping[Key, uuid.UUID], serving: Mapping[Key, Key], loaded: Loaded,
          kept: tuple[bool, dt.datetime | None]) -> list[tuple[Any, ...]]:  # fmt: skip
    """A row for each take: from what, for what, when it would have to be there and when it is."""
    jobs = {job.key: job for job in outcome.jobs}
    bought = {purchase.key: purchase for purchase in outcome.purchases}
    there = {supply.key: supply.at for supply in loaded.world.supplies}
    delivered: dict[Key, Minute] = {}
    for delivery in outcome.deliveries:
        delivered[delivery.demand] = max(delivered.get(delivery.demand, 0), delivery.at)
    rows = []
    for take in outcome.takes:
        key = _of(take.item)
        taker = jobs.get(take.taker)
        promise = serving.get(take.taker) if taker else take.taker
        due = _due(take, jobs, bought, there)
        needed = taker.start if taker else delivered.get(take.taker, due)
        times = (loaded.moment(needed), loaded.moment(due))
        giver = _giver(take, ids, bought)
        rows.append((new_id(), key.item, unscaled(take.quantity), *giver, promise, ids.get(take.taker), _configuration(key, loaded), *times, *kept))
    return rows


def _due(take: Take, jobs: Mapping[Key, Job], bought: Mapping[Key, Purchase], there: Mapping[Key, Minute]) -> Minute:
    if take.giver in jobs:
        return jobs[take.giver].end
    return bought[take.giver].arrives if take.giver in bought else there.get(take.giver, 0)


def _giver(take: Take, ids: Mapping[Key, uuid.UUID], bought: Mapping[Key, Purchase]) -> tuple[str, uuid.UUID | None, Any, Any]:
    """kind, job, the partner's promise, source."""
    if take.giver in ids:
        return "job", ids[take.giver], None, None
    if take.giver in bought:
        purchase = bought[take.giver]
        return "part", None, purchase.reference, purchase.source
    given = take.giver
    if not isinstance(given, Given):
        raise TypeError(f"{given!r} gives, and nobody has loaded it")
    if given.kind == "stock":
        return "stock", None, None, None
    if given.kind == "ordered":
        return "part", None, None, given.of[0]
    return given.kind, given.of if given.kind == "job" else None, given.of if given.kind == "part" else None, None


def _of(key: Key) -> Of:
    if not isinstance(key, Of):
        raise TypeError(f"{key!r} is no item that was loaded")
    return key


def release(promise: uuid.UUID) -> None:
    """Give back all that was kept for a promise. A job from which another promise takes stays, with what it takes, and serves that one."""
    withdraw([promise])


class Ordered(NamedTuple):
    """What was bought by its lead time for a promise, and is on its way whatever becomes of the promise."""

    item: Of
    quantity: Decimal
    due_at: dt.datetime
    source: uuid.UUID | None


def withdraw(promises: Sequence[uuid.UUID], *, begun: dt.datetime | None = None, again: Sequence[uuid.UUID] = ()) -> list[Ordered]:
    """Take out of the plan what is kept for these promises: what was done or has left, and what others take from, stays. Six statements, whatever their number.

    begun: jobs that had begun by then stay too, with what they take, and their goods are free; but for the jobs in `again`. Gives what was
    ordered by its lead time.
    """
    given = list(promises)
    with connection.cursor() as cursor:
        cursor.execute(_HAND_OVER, [given, given, given])
        cursor.execute(_PEGS_STAY, [given])
        cursor.execute(_STAYING, [given, begun, list(again)])
        staying = [row[0] for row in cursor.fetchall()]
        cursor.execute(_PEGS_GO, [given, staying])
        ordered = [Ordered(Of(item, variant), quantity, due, source) for giver, item, variant, quantity, due, source in cursor.fetchall() if giver]
        cursor.execute(_SLOTS_GO, [given, staying])
        cursor.execute("DELETE FROM scheduling_job WHERE promise_id = ANY(%s::uuid[]) AND id <> ALL(%s::uuid[])", [given, staying])
    live.nudge(TOPIC)
    return ordered


# A job that gives to others goes over to the first of them, and all jobs beneath it with it.
_HAND_OVER = (
    "WITH RECURSIVE shared(id, promise_id) AS ("
    "SELECT j.id, p.promise_id FROM scheduling_job j JOIN scheduling_peg p ON p.job_id = j.id "
    "WHERE j.promise_id = ANY(%s::uuid[]) AND p.promise_id <> ALL(%s::uuid[]) "
    "UNION SELECT j.id, s.promise_id FROM shared s JOIN scheduling_peg p ON p.taker_job_id = s.id JOIN scheduling_job j ON j.id = p.job_id "
    "WHERE j.promise_id = ANY(%s::uuid[])) "
    "UPDATE scheduling_job j SET promise_id = h.promise_id "
    "FROM (SELECT DISTINCT ON (id) id, promise_id FROM shared ORDER BY id, promise_id) h WHERE j.id = h.id"
)
_PEGS_STAY = (
    "UPDATE scheduling_peg p SET promise_id = j.promise_id FROM scheduling_job j "
    "WHERE p.taker_job_id = j.id AND p.promise_id = ANY(%s::uuid[]) AND j.promise_id <> p.promise_id"
)
_STAYING = (
    "WITH RECURSIVE staying(id) AS (SELECT id FROM scheduling_job WHERE promise_id = ANY(%s::uuid[]) "
    "AND (done_at IS NOT NULL OR gone > 0 OR (starts_at < %s AND id <> ALL(%s::uuid[]))) "
    "UNION SELECT j.id FROM staying s JOIN scheduling_peg p ON p.taker_job_id = s.id JOIN scheduling_job j ON j.id = p.job_id) "
    "SELECT id FROM staying"
)
_PEGS_GO = (
    "DELETE FROM scheduling_peg WHERE promise_id = ANY(%s::uuid[]) AND (taker_job_id IS NULL OR taker_job_id <> ALL(%s::uuid[])) "
    "RETURNING giver = 'part' AND document IS NULL, item_id, coalesce(configuration->>'digest', ''), quantity, due_at, source_id"
)
_SLOTS_GO = "DELETE FROM scheduling_slot s USING scheduling_job j WHERE j.id = s.job_id AND j.promise_id = ANY(%s::uuid[]) AND j.id <> ALL(%s::uuid[])"


def firm_up(promise: uuid.UUID, *, at: dt.datetime) -> None:
    """Make firm what was held for a promise. Raises HoldExpired, and changes nothing, where some of it has fallen free."""
    with connection.cursor() as cursor:
        cursor.execute(_FIRM_UP, [promise, at, promise, at, promise, promise])
        ((expired,),) = cursor.fetchall()
    if expired:
        raise HoldExpired(_("The hold has expired, and what was held may be taken: ask again."))
    live.nudge(TOPIC)


_FIRM_UP = (
    "WITH expired AS (SELECT 1 FROM scheduling_job WHERE promise_id = %s AND NOT firm AND held_until <= %s "
    "UNION ALL SELECT 1 FROM scheduling_peg WHERE promise_id = %s AND NOT firm AND held_until <= %s), "
    "jobs AS (UPDATE scheduling_job SET firm = true, held_until = NULL WHERE promise_id = %s AND NOT firm AND NOT EXISTS (SELECT 1 FROM expired)), "
    "pegs AS (UPDATE scheduling_peg SET firm = true, held_until = NULL WHERE promise_id = %s AND NOT firm AND NOT EXISTS (SELECT 1 FROM expired)) "
    "SELECT EXISTS (SELECT 1 FROM expired)"
)
