"""Entering resources, and saying that one is down or runs again."""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.base import fields
from apps.base.acting import Actor
from apps.base.findings import Finding, Invalid
from apps.base.models import new_id
from apps.catalog import selectors as catalog
from apps.catalog.services.reading import Given, Put, Reader, number_of, read, text_of
from apps.scheduling import models
from apps.scheduling.services.calendaring import CapacityChanged, read_moment, tell

RESOURCE_COLUMNS = ("code", "name", "name_zh", "site", "calendar", "pool", "efficiency")
LONGEST_OUTAGE = dt.timedelta(days=3660)
MOST_EFFICIENT = 1000


class NotBroken(Exception):
    """A resource that runs was to be repaired."""


def save_resource(*, id: uuid.UUID | None = None, by: Actor, at: dt.datetime, **given: Any) -> models.Resource:
    """Enter a resource, or change the one with `id`. The fields are those of RESOURCE_COLUMNS.

    site, calendar: by their codes; pool: the code of the group whose members can stand in for one another; efficiency: percent, 100 where it is
    not said. Raises Invalid with every finding.
    """
    with transaction.atomic():
        key = put_resources([{**given, **({"id": id} if id else {})}], at=at).only()
    return models.Resource.objects.select_related("calendar", "site").get(pk=key)


def put_resources(rows: Sequence[Given], *, at: dt.datetime, upsert: bool = False) -> Put:
    """Enter resources together, in a transaction of the caller's. upsert: the one with the same code is changed."""
    put = Put()
    known = {row.pk: row for row in models.Resource.objects.select_for_update()}
    by_code = {row.code: row for row in known.values()}
    readers = _readers()
    changed: list[uuid.UUID] = []
    for index, given in enumerate(rows):
        new = not given.get("id") and not (upsert and str(given.get("code", "")).strip() in by_code)
        values = read({**dict.fromkeys(("code", "name", "calendar"), ""), **given} if new else given, readers, index, put)
        if values is None:
            continue
        row = models.Resource(id=new_id()) if new else known.get(given["id"]) if given.get("id") else by_code.get(values["code"])
        if row is None:
            put.wrong(index, "/", "missing", _("There is no such resource."))
        elif by_code.get(values.get("code", row.code), row).pk != row.pk:
            put.wrong(index, "/code", "code_taken", _("There is a resource with this code already."))
        else:
            _write(row, values, changed, new=new)
            by_code[row.code] = known[row.pk] = row
            put.saved[index] = row.pk
    if changed:
        tell(CapacityChanged(resources=tuple(changed), reason=_("The resource was changed."), at=at))
    return put


def _write(row: models.Resource, values: Mapping[str, Any], changed: list[uuid.UUID], *, new: bool) -> None:
    """Write the row; it stands in `changed` where it works at other times or at another pace than before."""
    before = (row.calendar_id, row.efficiency) if not new else None
    for name, value in values.items():
        setattr(row, {"site": "site_id", "calendar": "calendar_id"}.get(name, name), value)
    row.save()
    if before is not None and before != (row.calendar_id, row.efficiency):
        changed.append(row.pk)


def remove_resource(*, id: uuid.UUID, by: Actor, at: dt.datetime) -> None:
    """Take a resource away. Raises Invalid where there is none, and while work is planned on it."""
    with transaction.atomic():
        row = models.Resource.objects.select_for_update().filter(pk=id).first()
        if row is None:
            raise Invalid([Finding("/", "missing", _("There is no such resource."))])
        if models.Slot.objects.filter(resource=row, ends_at__gt=at, job__done_at__isnull=True).exists():
            raise Invalid([Finding("/", "in_use", _("Work is planned on this resource: say that it is down, so that the work is planned elsewhere, first."))])
        row.delete()


def break_resource(*, resource: uuid.UUID, until: Any, reason: Any = "", by: Actor, at: dt.datetime) -> models.Outage:
    """Say that a resource is down from now until a moment; what it had planned is planned anew. While it is down: change until when.

    Raises Invalid with every finding.
    """
    values = _outage(until, reason, at)
    with transaction.atomic():
        row = models.Resource.objects.select_for_update().filter(pk=resource).first()
        if row is None:
            raise Invalid([Finding("/", "missing", _("There is no such resource."))])
        outage = _open(row.pk, at) or models.Outage(resource=row, starts_at=at, ends_at=at)
        sooner = values["until"] < outage.ends_at
        outage.ends_at, outage.reason = values["until"], values["reason"] or outage.reason
        outage.save()
        tell(CapacityChanged(resources=(row.pk,), reason=outage.reason, at=at, until=outage.ends_at, more=sooner))
    return outage


def _open(resource: uuid.UUID, at: dt.datetime) -> models.Outage | None:
    return models.Outage.objects.filter(resource=resource, mended_at__isnull=True, starts_at__lte=at, ends_at__gt=at).first()


def _outage(until: Any, reason: Any, at: dt.datetime) -> dict[str, Any]:
    put = Put()
    values = read({"until": until, "reason": reason}, {"until": read_moment, "reason": text_of(200)}, 0, put)
    if values is not None and not at < values["until"] <= at + LONGEST_OUTAGE:
        put.wrong(0, "/until", "order", _("Say a moment after now, within ten years."))
    if put.findings:
        raise Invalid([finding for _index, finding in put.findings])
    return values or {}


def repair_resource(*, resource: uuid.UUID, by: Actor, at: dt.datetime) -> models.Outage:
    """Say that a resource runs again. Raises NotBroken where it does already, Invalid where there is none."""
    with transaction.atomic():
        if not models.Resource.objects.select_for_update().filter(pk=resource).exists():
            raise Invalid([Finding("/", "missing", _("There is no such resource."))])
        outage = _open(resource, at)
        if outage is None:
            raise NotBroken(_("This resource is not down."))
        outage.mended_at = max(at, outage.starts_at)
        outage.save()
        tell(CapacityChanged(resources=(resource,), reason=_("It runs again."), at=at, more=True))
    return outage


# Reading --------------------------------------------------------------------------------------------------------------


def _readers() -> dict[str, Reader]:
    """The readers of a resource; calendars and sites are asked for once."""
    by_calendar: dict[str, uuid.UUID] = dict(models.Calendar.objects.values_list("code", "id"))
    by_site: dict[str, uuid.UUID] = {site.code: site.pk for site in catalog.sites()}

    def calendar(value: Any) -> uuid.UUID:
        code = fields.text(value, limit=30)
        if not code:
            raise fields.Unreadable("required", _("A resource needs a calendar: say when it works."))
        if code not in by_calendar:
            raise fields.Unreadable("calendar", _("There is no calendar “%(code)s”. Enter it first.") % {"code": code})
        return by_calendar[code]

    def site(value: Any) -> uuid.UUID | None:
        code = fields.text(value, limit=30)
        if code and code not in by_site:
            raise fields.Unreadable("site", _("There is no site “%(code)s”. Enter it first.") % {"code": code})
        return by_site.get(code)

    return {
        "code": text_of(30, required=True),
        "name": text_of(200, required=True),
        "name_zh": text_of(200),
        "site": site,
        "calendar": calendar,
        "pool": text_of(30),
        "efficiency": _efficiency,
    }


def _efficiency(value: Any) -> Any:
    found = number_of(100 if value is None or value == "" else value)
    if not 0 < found <= MOST_EFFICIENT:
        raise fields.Unreadable("efficiency", _("The efficiency is a percentage greater than 0 and at most 1000; 100 is usual."))
    return found
