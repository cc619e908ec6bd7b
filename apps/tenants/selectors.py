"""Questions about enterprises: the directory that every enterprise of the network may read."""

import functools
import logging
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import kombu
import psycopg
from django.conf import settings
from django.db import Error as DatabaseFault
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.models import Q
from kombu.exceptions import KombuError

from apps.base.acting import Home
from apps.base.rows import first, rows
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
_LISTED = f"SELECT {', '.join(_COLUMNS)} FROM tenants_enterprise WHERE {{}}"


def listed(ids: Iterable[uuid.UUID]) -> Mapping[uuid.UUID, Listed]:
    """The directory's entries of these enterprises, by id."""
    return {row["id"]: Listed(**row) for row in rows(_LISTED.format("id = ANY(%s)"), _COLUMNS, [list(set(ids))])}


def find(*, slug: str | None) -> Listed | None:
    """The directory's entry of the enterprise with this slug."""
    row = first(_LISTED.format("slug = %s AND ready"), _COLUMNS, [slug])
    return Listed(**row) if row else None


def is_taken(*, slug: str) -> bool:
    """Whether an enterprise has this short name, or had it."""
    return first("SELECT 1 FROM tenants_enterprise WHERE slug = %s", ("one",), [slug]) is not None


_HOME = ("id", "slug", "name", "schema", "language", "currency", "time_zone")
_OPEN = "SELECT id, slug, name, schema_name, language, currency, time_zone FROM tenants_enterprise WHERE ready AND suspended_at IS NULL AND {} = %s"


def home(*, slug: str | None = None, id: uuid.UUID | None = None) -> Home | None:
    """An enterprise that can be entered: ready and not suspended."""
    row = first(_OPEN.format("slug" if id is None else "id"), _HOME, [slug if id is None else id])
    return Home(**row) if row else None


_STANDING = "SELECT id, slug, name, schema_name, language, currency, time_zone FROM tenants_enterprise WHERE slug = %s AND (offboarded_at IS NULL OR %s)"


def standing(*, slug: str, gone: bool = False) -> Home | None:
    """An enterprise whose home stands here, whether or not it can be entered; gone: also one that has left. Not for whoever would enter it."""
    row = first(_STANDING, _HOME, [slug, gone])
    return Home(**row) if row else None


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


# Whether this process can work ---------------------------------------------------------------------------------------

log = logging.getLogger("tributary.health")


def faults() -> Mapping[str, str]:
    """What this process needs and does not find, in words, by name: database, migrations, feed, broker. Empty where all is well."""
    found: dict[str, str] = {}
    for name, ask in _NEEDED.items():
        try:
            if fault := ask():
                found[name] = fault
        except (DatabaseFault, psycopg.Error, KombuError, OSError) as error:
            # The world may read the answer: the log alone says where it was looked.
            log.warning("%s: %s", name, error)
            found[name] = "not reachable"
        if name in found and name == "database":
            break
    return found


def _database_fault() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return ""


@functools.lru_cache(maxsize=1)
def _known_migrations() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None, ignore_no_migrations=True).disk_migrations)


def _migrations_fault() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT app, name FROM public.django_migrations")
        missing = _known_migrations() - set(cursor.fetchall())
    return f"{len(missing)} not applied" if missing else ""


def _feed_fault() -> str:
    return "" if models.Epoch.objects.exists() else "no epoch has begun"


def _broker_fault() -> str:
    with kombu.Connection(settings.CELERY_BROKER_URL, transport_options=settings.CELERY_BROKER_TRANSPORT_OPTIONS, connect_timeout=2) as broker:
        broker.ensure_connection(max_retries=1, interval_start=0, interval_step=0, timeout=2)
    return ""


_NEEDED: Mapping[str, Callable[[], str]] = {"database": _database_fault, "migrations": _migrations_fault, "feed": _feed_fault, "broker": _broker_fault}
