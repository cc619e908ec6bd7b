"""Scheduling's sheets of the structure's workbook: calendars, resources, operations; from rows to services, and back."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from apps.base.acting import Actor
from apps.catalog.services.reading import Given, Items, Put
from apps.scheduling import models, selectors
from apps.scheduling.services.calendaring import CALENDAR_COLUMNS, WEEK, put_calendars, said_week
from apps.scheduling.services.operating import OPERATION_COLUMNS, put_operations
from apps.scheduling.services.resourcing import put_resources


def load_calendars(rows: Sequence[Given], *, by: Actor, at: dt.datetime) -> Put:
    """Calendars by their codes; closures stay as they are."""
    return put_calendars(rows, at=at, upsert=True)


def load_resources(rows: Sequence[Given], *, by: Actor, at: dt.datetime) -> Put:
    return put_resources(rows, at=at, upsert=True)


def load_operations(rows: Sequence[Given], *, by: Actor, at: dt.datetime) -> Put:
    """Operations by item, routing and position. One with “remove” is taken out first."""
    put = Put()
    _remove([(index, row) for index, row in enumerate(rows) if row.get("remove")], put)
    staying = [(index, {name: value for name, value in row.items() if name != "remove"}) for index, row in enumerate(rows) if not row.get("remove")]
    kept = put_operations([row for _index, row in staying], upsert=True)
    put.saved |= {staying[index][0]: id for index, id in kept.saved.items()}
    put.findings += [(staying[index][0], finding) for index, finding in kept.findings]
    return put


def _remove(rows: Sequence[tuple[int, Given]], put: Put) -> None:
    if not rows:
        return
    items = Items(row.get("item") for _index, row in rows)
    found = models.Operation.objects.filter(item__in={item for _index, row in rows if (item := items.get(row.get("item")))})
    known = {(row.item_id, row.routing, row.position): row.pk for row in found}
    for index, row in rows:
        key = (items.get(row.get("item")), str(row.get("routing") or ""), row.get("position"))
        if key in known:
            put.saved[index] = known[key]
        else:
            put.wrong(index, "/position", "missing", _("There is no operation at this position of the item, so that none can be removed."))
    models.Operation.objects.filter(pk__in=put.saved.values()).delete()


# What there is --------------------------------------------------------------------------------------------------------


def dump_calendars() -> Iterator[Mapping[str, Any]]:
    for row in selectors.calendars():
        week = said_week((shift.weekday, shift.starts, shift.ends) for shift in row.shifts.all())
        yield {**{name: getattr(row, name) for name in CALENDAR_COLUMNS if name not in WEEK}, **week}


def dump_resources() -> Iterator[Mapping[str, Any]]:
    for row in selectors.resources().values(*selectors.RESOURCE):
        yield {**row, "site": row["site__code"] or "", "calendar": row["calendar__code"]}


def dump_operations() -> Iterator[Mapping[str, Any]]:
    for row in selectors.operations().values(*selectors.OPERATION):
        yield {"item": row["item__number"], **{name: row[name] for name in OPERATION_COLUMNS if name != "item"}}
