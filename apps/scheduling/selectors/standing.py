"""What stands: how things are made, on what and when, what of it is taken, and what of the supply is free. Fixed questions in plain SQL.

A job or a peg counts while it is firm, or held by somebody whose hold has not passed.
"""

import datetime as dt
import uuid
from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
from django.db import connection
from django.utils.translation import get_language

from apps.scheduling.selectors.working import Definition, Window


class Step(NamedTuple):
    """An operation as it is entered. The fields are those of `models.Operation`."""

    id: uuid.UUID
    item: uuid.UUID
    routing: str
    priority: int
    position: int
    name: str
    name_zh: str
    pool: str
    setup: int
    run: str
    condition: str
    lag: int


class Machine(NamedTuple):
    """A resource with what its calendar says and its outages, in minutes since 1970. calendar: the calendar's code."""

    id: uuid.UUID
    code: str
    name: str
    name_zh: str
    pool: str
    efficiency: Decimal
    calendar: str
    definition: Definition
    outages: tuple[Window, ...]

    @property
    def label(self) -> str:
        """The name in the reader's language."""
        return self.name_zh if self.name_zh and (get_language() or "").startswith("zh") else self.name


class Taken(NamedTuple):
    """Time of a resource that a job has, in minutes since 1970."""

    resource: uuid.UUID
    start: int
    end: int


class Free(NamedTuple):
    """A supply. kind `stock`: so much of the stock is pegged already; `job`, `part`: so much of it is left.

    variant: the digest of its choices. ends_at: a job's end; promised_on, source: a purchase's day at the partner's door, and whence it comes.
    """

    kind: str
    item: uuid.UUID
    variant: str
    id: uuid.UUID | None
    quantity: Decimal
    ends_at: dt.datetime | None
    promised_on: dt.date | None
    source: uuid.UUID | None


def operations(items: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[Step]]:
    """The operations of these items, in the order in which they are done, the way of the lowest priority first. One query."""
    found: dict[uuid.UUID, list[Step]] = {}
    for row in _rows(_OPERATIONS, [list(items)]):
        step = Step(*row)
        found.setdefault(step.item, []).append(step)
    return found


def resources(pools: Sequence[str] | None, *, at: dt.datetime) -> list[Machine]:
    """The resources of these pools or with these codes (None: all), by code, with what matters of their calendars from a moment on. One query."""
    since = at - dt.timedelta(days=2)
    rows = _rows(_RESOURCES, [since, at, pools is None, list(pools or ()), list(pools or ())])
    found = []
    for row in rows:
        week, closed, down = (_text(said) for said in row[10:])
        id, code, name, name_zh, pool, efficiency, calendar, zone, country, subdivision = row[:10]
        said = _definition(zone, country, subdivision, week, closed)
        found.append(Machine(id, code, name, name_zh, pool, efficiency, calendar, said, _outages(down)))
    return found


def taken(machines: Sequence[uuid.UUID], *, at: dt.datetime) -> list[Taken]:
    """The time of these resources that somebody has from a moment on. One query."""
    return [Taken(*row) for row in _rows(_TAKEN, [list(machines), at, at])]


def supplies(items: Sequence[uuid.UUID], *, at: dt.datetime) -> list[Free]:
    """What is pegged of the stock, and what is left of firm jobs and purchases. One query."""
    return [Free(*row) for row in _rows(_SUPPLIES, [list(items), at, list(items), list(items), at])]


def _rows(query: str, parameters: Sequence[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return list(cursor.fetchall())


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


@lru_cache(maxsize=512)
def _definition(time_zone: str, country: str, subdivision: str, shifts: str, closures: str) -> Definition:
    """What a calendar says, from its JSON: one object for all who say the same."""
    week = tuple((weekday, dt.time.fromisoformat(starts), dt.time.fromisoformat(ends)) for weekday, starts, ends in orjson.loads(shifts))
    return Definition(time_zone, country, subdivision, week, tuple((start, end, working) for start, end, working in orjson.loads(closures)))


def _outages(text: str) -> tuple[Window, ...]:
    return tuple((start, end) for start, end in orjson.loads(text))


def definition(calendar: uuid.UUID) -> Definition:
    """What one calendar says, with all its closures."""
    ((zone, country, subdivision, shifts, closures),) = _rows(_CALENDAR, [dt.datetime.min.replace(tzinfo=dt.UTC), calendar])
    return _definition(zone, country, subdivision, _text(shifts), _text(closures))


_MINUTE = "floor(extract(epoch FROM {}) / 60)::int"
_LAST = "ceil(extract(epoch FROM {}) / 60)::int"
_COUNTS = "({0}.firm OR {0}.held_until > %s)"

_OPERATIONS = (
    "SELECT id, item_id, routing, priority, position, name, name_zh, pool, setup, run, condition, lag FROM scheduling_operation "
    "WHERE item_id = ANY(%s::uuid[]) ORDER BY priority, routing, position"
)
_DEFINITION = (
    "c.time_zone, c.country, c.subdivision, "
    "(SELECT coalesce(json_agg(json_build_array(s.weekday, s.starts, s.ends) ORDER BY s.weekday, s.starts), '[]') "
    "FROM scheduling_shift s WHERE s.calendar_id = c.id), "
    f"(SELECT coalesce(json_agg(json_build_array({_MINUTE.format('o.starts_at')}, {_LAST.format('o.ends_at')}, o.working) ORDER BY o.starts_at), '[]') "
    "FROM scheduling_closure o WHERE o.calendar_id = c.id AND o.ends_at > %s)"
)
_RESOURCES = (
    f"SELECT r.id, r.code, r.name, r.name_zh, r.pool, r.efficiency, c.code, {_DEFINITION}, "
    f"(SELECT coalesce(json_agg(json_build_array({_MINUTE.format('u.starts_at')}, {_LAST.format('coalesce(u.mended_at, u.ends_at)')}) ORDER BY u.starts_at), "
    "'[]') FROM scheduling_outage u WHERE u.resource_id = r.id AND coalesce(u.mended_at, u.ends_at) > %s) "
    "FROM scheduling_resource r JOIN scheduling_calendar c ON c.id = r.calendar_id "
    "WHERE %s OR r.code = ANY(%s::text[]) OR r.pool = ANY(%s::text[]) ORDER BY r.code"
)
_CALENDAR = f"SELECT {_DEFINITION} FROM scheduling_calendar c WHERE c.id = %s"
_TAKEN = (
    f"SELECT s.resource_id, {_MINUTE.format('s.starts_at')}, {_LAST.format('s.ends_at')} FROM scheduling_slot s JOIN scheduling_job j ON j.id = s.job_id "
    f"WHERE s.resource_id = ANY(%s::uuid[]) AND s.ends_at > %s AND j.done_at IS NULL AND {_COUNTS.format('j')}"
)
# What was made or has come lies in the stock: a peg on it takes from there. What was made to a configuration lies there for its customer alone.
_SUPPLIES = (
    "WITH pegged AS (SELECT p.item_id, p.giver, p.job_id, p.document, p.configuration IS NULL AS plain, sum(p.quantity) AS quantity FROM scheduling_peg p "
    f"WHERE p.item_id = ANY(%s::uuid[]) AND {_COUNTS.format('p')} GROUP BY 1, 2, 3, 4, 5) "
    "SELECT 'stock', p.item_id, '', NULL::uuid, sum(p.quantity), NULL::timestamptz, NULL::date, NULL::uuid FROM pegged p "
    "LEFT JOIN scheduling_job j ON j.id = p.job_id LEFT JOIN scheduling_promise f ON f.document = p.document "
    "WHERE p.plain AND (p.giver = 'stock' OR j.done_at IS NOT NULL OR f.closed_at IS NOT NULL) GROUP BY p.item_id "
    "UNION ALL SELECT 'job', j.item_id, coalesce(j.configuration->>'digest', ''), j.id, j.quantity - j.gone - coalesce(p.quantity, 0), j.ends_at, NULL, NULL "
    "FROM scheduling_job j LEFT JOIN pegged p ON p.job_id = j.id WHERE j.item_id = ANY(%s::uuid[]) AND j.firm AND j.done_at IS NULL "
    "AND j.quantity > j.gone + coalesce(p.quantity, 0) "
    "UNION ALL SELECT 'part', f.item_id, coalesce(f.configuration->>'digest', ''), f.document, f.quantity - f.arrived - coalesce(p.quantity, 0), NULL, "
    "f.promised_on, f.source_id FROM scheduling_promise f LEFT JOIN pegged p ON p.document = f.document "
    "WHERE f.item_id = ANY(%s::uuid[]) AND f.side = 'buyer' AND f.closed_at IS NULL "
    # Taken; or held for a promise of ours that was taken, until somebody orders it by hand.
    "AND (f.firm OR (f.held_until > %s AND EXISTS (SELECT 1 FROM scheduling_promise c WHERE c.document = f.parent_id AND c.side = 'seller' AND c.firm)))"
)
