"""Enterprises begin here: a home is provisioned, its profile kept, the door shut and opened."""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connections, transaction
from django.utils.translation import gettext as _

from apps.base import acting, announcing
from apps.base.acting import act_as
from apps.base.findings import Finding, Invalid
from apps.tenants import models
from apps.tenants.wall import building, grants

OWNER = "owner"
PROFILE = ("name", "gln", "tax_number", "country", "city", "language", "currency", "time_zone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Provisioned:
    """News: a new home stands, and is entered for the first time."""

    home: acting.Home
    at: dt.datetime


def provision(
    *, slug: str, name: str, at: dt.datetime, endpoints: Sequence[tuple[str, str]] = (), roles: Sequence[str] = (), template: str = "home", **profile: Any
) -> acting.Home:
    """Make an enterprise with its home, role, keys and host name, in one transaction of the owner.

    profile: gln, tax_number, country, city, language, currency, time_zone. template: its home is a copy of the schema `template_…` of
    this name. Raises Invalid; then nothing was made.
    """
    row = models.Enterprise(slug=slug, name=name, roles=list(roles), **profile)
    row.schema_name = f"t_{row.id.hex}"
    with transaction.atomic(using=OWNER):
        _check(row, endpoints)
        source = _template(template)
        row.ready = True
        row.save(using=OWNER, force_insert=True)
        models.Domain.objects.using(OWNER).bulk_create([models.Domain(domain=f"{slug}.{settings.BASE_HOST}", tenant=row, is_primary=True)])
        _insert_endpoints(row, endpoints, using=OWNER)
        with connections[OWNER].cursor() as cursor:
            plan = building.clone(cursor, source=source, target=row.schema_name)
            grants.open_home(cursor, schema=row.schema_name, tables=plan.tables)
    home = row.home()
    with act_as(home), transaction.atomic():
        announcing.announce(Provisioned(home=home, at=at))
    return home


def _check(row: models.Enterprise, endpoints: Sequence[tuple[str, str]]) -> None:
    try:
        row.full_clean(validate_unique=False)
    except ValidationError as error:
        raise _invalid(error) from error
    if models.Enterprise.objects.using(OWNER).filter(slug=row.slug).exists():
        raise Invalid([Finding("/slug", "taken", _("“%(slug)s” is taken.") % {"slug": row.slug})])
    taken = [f"{scheme}:{value}" for scheme, value in endpoints if models.Endpoint.objects.using(OWNER).filter(scheme=scheme, value=value).exists()]
    if taken:
        raise Invalid([Finding("/endpoints", "taken", _("%(endpoint)s belongs to another enterprise.") % {"endpoint": endpoint}) for endpoint in taken])


def _template(name: str) -> str:
    with connections[OWNER].cursor() as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'template_%%' ORDER BY 1")
        known = [row[0] for row in cursor.fetchall()]
    if f"template_{name}" not in known:
        names = ", ".join(schema.removeprefix("template_") for schema in known)
        raise Invalid([Finding("/template", "template", _("There is no template “%(name)s”. Known are: %(names)s.") % {"name": name, "names": names})])
    return f"template_{name}"


def _invalid(error: ValidationError) -> Invalid:
    found = [Finding(f"/{field}", "invalid", str(message)) for field, messages in error.message_dict.items() for message in messages]
    return Invalid(found)


def _insert_endpoints(row: models.Enterprise, endpoints: Sequence[tuple[str, str]], *, using: str) -> None:
    models.Endpoint.objects.using(using).bulk_create([models.Endpoint(enterprise_id=row.pk, scheme=scheme, value=value) for scheme, value in endpoints])


def save_profile(*, given: Mapping[str, Any], at: dt.datetime) -> None:
    """Change what the directory says of the acting enterprise. Raises Invalid."""
    row = models.Enterprise.objects.get(pk=acting.home().id)
    for field in PROFILE:
        if field in given:
            setattr(row, field, given[field])
    try:
        row.clean_fields()
    except ValidationError as error:
        raise _invalid(error) from error
    models.Enterprise.objects.filter(pk=row.pk).update(**{field: getattr(row, field) for field in PROFILE})


def save_endpoints(*, endpoints: Sequence[tuple[str, str]], at: dt.datetime) -> None:
    """Replace the electronic addresses of the acting enterprise. Raises Invalid where one is another's."""
    me = acting.home().id
    with transaction.atomic():
        models.Endpoint.objects.filter(enterprise_id=me).delete()
        rows = [models.Endpoint(enterprise_id=me, scheme=scheme, value=value) for scheme, value in dict.fromkeys(endpoints)]
        written = models.Endpoint.objects.bulk_create(rows, ignore_conflicts=True)
        held = set(models.Endpoint.objects.filter(enterprise_id=me).values_list("scheme", "value"))
        taken = [row for row in written if (row.scheme, row.value) not in held]
        if taken:
            raise Invalid([Finding("/endpoints", "taken", _("%(endpoint)s belongs to another enterprise.") % {"endpoint": row}) for row in taken])


def suspend(*, enterprises: Sequence[uuid.UUID], at: dt.datetime) -> int:
    """Let nobody into these enterprises: sessions, tokens and sockets end. As an operator. Gives how many were open before."""
    return models.Enterprise.objects.filter(pk__in=enterprises, suspended_at=None).update(suspended_at=at)


def resume(*, enterprises: Sequence[uuid.UUID], at: dt.datetime) -> int:
    """Open suspended enterprises again. As an operator. Gives how many were suspended."""
    return models.Enterprise.objects.filter(pk__in=enterprises).exclude(suspended_at=None).update(suspended_at=None)


def begin_epoch() -> None:
    """Count a new life of the database cluster, if this is one: after a restore transaction ids begin anew, the feed goes on."""
    with connections[OWNER].cursor() as cursor:
        cursor.execute("SELECT system_identifier FROM pg_control_system()")
        cluster = str(cursor.fetchone()[0])
    models.Epoch.objects.using(OWNER).get_or_create(cluster=cluster)
