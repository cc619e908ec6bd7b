"""When what is kept for a promise is finished, and at the customer's door, by the plan that stands."""

import datetime as dt
import uuid
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from django.db import connection

from apps.base import acting
from apps.catalog import selectors as catalog
from apps.scheduling import models


def ends(promises: Sequence[uuid.UUID]) -> dict[uuid.UUID, dt.datetime]:
    """When the last of what is kept for each promise is there: the promises of which something is kept. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT promise_id, max(due_at) FROM scheduling_peg WHERE promise_id = ANY(%s::uuid[]) AND taker_job_id IS NULL GROUP BY 1", [list(promises)]
        )
        return dict(cursor.fetchall())


def days(promises: Sequence[uuid.UUID]) -> dict[uuid.UUID, dt.date]:
    """The day on which each promise is at the customer's door by the plan that stands; those of which nothing is planned are left out. Three queries."""
    rows = {row.document: row for row in models.Promise.objects.filter(document__in=list(promises))}
    found = {}
    shipping: dict[uuid.UUID | None, int] = dict(catalog.items().filter(pk__in=[row.item_id for row in rows.values()]).values_list("pk", "shipping_days"))
    zone = ZoneInfo(acting.home().time_zone)
    for promise, end in ends(list(rows)).items():
        row = rows[promise]
        there = (end - dt.timedelta(minutes=1)).astimezone(zone).date() + dt.timedelta(days=shipping.get(row.item_id, 0))
        found[promise] = not_before(row, there)
    return found


def not_before(row: models.Promise, day: dt.date) -> dt.date:
    """Nobody is promised anything for a day before the one that he asked for."""
    return max(day, row.asked_on) if row.asked_on else day
