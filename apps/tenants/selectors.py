"""Questions about enterprises: the directory that every enterprise of the network may read."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db import connection
from django.db.models import Q

from apps.base.acting import Home
from apps.tenants import models


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """An enterprise as the directory shows it to others."""

    id: uuid.UUID
    slug: str
    name: str
    gln: str
    country: str
    city: str
    language: str


_COLUMNS = ("id", "slug", "name", "gln", "country", "city", "language")


def listed(ids: Iterable[uuid.UUID]) -> Mapping[uuid.UUID, Listed]:
    """The directory's entries of these enterprises, by id."""
    return {row["id"]: Listed(**row) for row in models.Enterprise.objects.filter(pk__in=set(ids)).values(*_COLUMNS)}


def find(*, slug: str | None) -> Listed | None:
    """The directory's entry of the enterprise with this slug."""
    row = models.Enterprise.objects.filter(slug=slug, ready=True).values(*_COLUMNS).first()
    return Listed(**row) if row else None


_HOME = "SELECT id, slug, name, schema_name, language, currency, time_zone FROM tenants_enterprise WHERE ready AND suspended_at IS NULL AND {} = %s"


def home(*, slug: str | None = None, id: uuid.UUID | None = None) -> Home | None:
    """An enterprise that can be entered: ready and not suspended."""
    with connection.cursor() as cursor:
        cursor.execute(_HOME.format("slug" if id is None else "id"), [slug if id is None else id])
        row = cursor.fetchone()
    return Home(**dict(zip(("id", "slug", "name", "schema", "language", "currency", "time_zone"), row, strict=True))) if row else None


def home_at(*, host: str) -> Home | None:
    """The enterprise that a host name opens directly, else None."""
    domain = models.Domain.objects.select_related("tenant").filter(domain=host.lower(), tenant__ready=True, tenant__suspended_at=None).first()
    return domain.tenant.home() if domain else None


def enterprises_at(endpoints: Iterable[tuple[str, str]]) -> Sequence[uuid.UUID]:
    """The enterprises with these electronic addresses, in the order of the addresses. Only one's own and one's partners' are found."""
    wanted = list(endpoints)
    condition = Q(pk__in=[])
    for scheme, value in wanted:
        condition |= Q(scheme=scheme, value=value)
    found = {(row.scheme, row.value): row.enterprise_id for row in models.Endpoint.objects.filter(condition)}
    return [found[pair] for pair in wanted if pair in found]


def endpoints_of(id: uuid.UUID) -> list[tuple[str, str]]:
    """The electronic addresses of an enterprise: scheme and id."""
    return list(models.Endpoint.objects.filter(enterprise_id=id).values_list("scheme", "value"))


def profile(id: uuid.UUID) -> models.Enterprise:
    """The whole public row of an enterprise."""
    return models.Enterprise.objects.get(pk=id)


def homes() -> list[Home]:
    """Every enterprise that can be entered, by slug."""
    return [row.home() for row in models.Enterprise.objects.filter(ready=True, suspended_at=None).order_by("slug")]
