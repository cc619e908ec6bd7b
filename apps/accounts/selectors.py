"""Questions about people, roles and tokens. Asked in the lobby, before a home is entered."""

import hashlib
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from django.contrib.sessions.models import Session

from apps.accounts import models
from apps.base import announcing, clock
from apps.base.acting import Actor, Home
from apps.base.rows import first
from apps.base.text import Text
from apps.tenants import selectors as tenants

# Where a session keeps the slug of the enterprise that its person has chosen.
CHOSEN = "enterprise"

ROLES: dict[str, Text] = {
    "administrator": Text("Administrator", "管理员"),
    "buyer": Text("Buyer", "采购员"),
    "seller": Text("Seller", "销售员"),
    "planner": Text("Planner", "计划员"),
    "dock": Text("Dock", "收发货员"),
    "viewer": Text("Viewer", "查看者"),
    "integration": Text("Integration", "系统集成"),
}


@lru_cache(maxsize=1)
def _permissions() -> Mapping[str, frozenset[str]]:
    granted: dict[str, set[str]] = {role: set() for role in ROLES}
    for permissions in announcing.declared("PERMISSIONS"):
        for code, roles in permissions.items():
            for role in {*roles, "administrator"}:
                granted[role].add(code)
    return {role: frozenset(codes) for role, codes in granted.items()}


def permissions_of(role: str) -> frozenset[str]:
    """The code names of what a role may do, as the apps declare it (`declarations.PERMISSIONS`)."""
    return _permissions().get(role, frozenset())


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A way into an enterprise that stands open: for whom, as whom, until it is revoked.

    keys: what is checked again while a socket is open (`still_open`): what it came by (`membership:<id>/<role>`, `client:<id>` or
    `token:<id>`). Whoever gets another role comes in anew.
    """

    home: Home
    actor: Actor
    role: str
    keys: frozenset[str]


def memberships(user_id: uuid.UUID) -> list[models.Membership]:
    """The enterprises for which a person works now, the first one first: it is his own, where he has chosen none."""
    found = models.Membership.objects.filter(user_id=user_id, user__is_active=True, ended_at=None, enterprise__ready=True, enterprise__suspended_at=None)
    return list(found.select_related("enterprise", "user").order_by("created_at", "pk"))


def entry_of(membership: models.Membership) -> Entry:
    """The entry that a membership gives."""
    actor = Actor(kind="person", id=membership.user_id, name=str(membership.user), permissions=permissions_of(membership.role))
    return Entry(home=membership.enterprise.home(), actor=actor, role=membership.role, keys=frozenset({f"membership:{membership.pk}/{membership.role}"}))


def token_hash(token: str) -> str:
    """SHA-256 of a token. Tokens have 256 random bits, so a slow hash would add nothing."""
    return hashlib.sha256(token.encode()).hexdigest()


def entry_by_token(token: str) -> Entry | None:
    """The entry that an API token or an OAuth access token opens, None where there is none (any more)."""
    hashed = token_hash(token)
    row = first(_BY_TOKEN, _CLIENT, [hashed]) or first(_BY_ACCESS, _CLIENT, [hashed, clock.now()])
    if row is None:
        return None
    key, id, name, role = (row.pop(column) for column in _CLIENT[:4])
    actor = Actor(kind="client", id=id, name=name, permissions=permissions_of(role))
    return Entry(home=Home(**{column.removeprefix("home_"): value for column, value in row.items()}), actor=actor, role=role, keys=frozenset({key}))


_CLIENT = ("key", "client", "client_name", "role", "home_id", "home_slug", "home_name", "home_schema", "home_language", "home_currency", "home_time_zone")
_HOME = "e.id, e.slug, e.name, e.schema_name, e.language, e.currency, e.time_zone"
_OPEN_CLIENT = "accounts_apiclient c JOIN tenants_enterprise e ON e.id = c.enterprise_id AND e.ready AND e.suspended_at IS NULL AND c.revoked_at IS NULL"
_BY_TOKEN = f"SELECT 'client:' || c.id, c.id, c.name, c.role, {_HOME} FROM {_OPEN_CLIENT} WHERE c.token_hash = %s"
_BY_ACCESS = (
    f"SELECT 'token:' || t.id, c.id, c.name, c.role, {_HOME} FROM {_OPEN_CLIENT} JOIN accounts_accesstoken t ON t.client_id = c.id "
    "WHERE t.token_hash = %s AND t.expires_at > %s"
)


def choose(entries: Sequence[Entry], *, host: str, chosen: str) -> Entry | None:
    """The entry that a person takes now: an enterprise's own host name opens that one only, else the chosen one (its slug), else the first."""
    by_slug = {entry.home.slug: entry for entry in entries}
    direct = tenants.home_at(host=host.partition(":")[0])
    if direct is not None:
        return by_slug.get(direct.slug)
    return by_slug.get(chosen) or (entries[0] if entries else None)


def session_keys(session_key: str, user: models.User) -> frozenset[str]:
    """The keys of a person's session, for `still_open`: it ends with a log-out, and everywhere when the password changes."""
    return frozenset({f"session:{session_key}", f"password:{user.pk}/{_password_mark(user.password)}"})


def _password_mark(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()[:32]


def still_open(keys: Iterable[str]) -> set[str]:
    """Which of these keys open something still. One query for each kind that occurs."""
    ids: dict[str, set[str]] = {kind: set() for kind in _OPEN}
    for key in keys:
        kind, _colon, id = key.partition(":")
        ids[kind].add(id)
    return {f"{kind}:{id}" for kind, wanted in ids.items() if wanted for id in _OPEN[kind](wanted)}


def _open_memberships(ids: set[str]) -> Iterable[object]:
    alive = models.Membership.objects.filter(pk__in={id.partition("/")[0] for id in ids}, ended_at=None, user__is_active=True)
    alive = alive.filter(enterprise__ready=True, enterprise__suspended_at=None)
    return ids & {f"{pk}/{role}" for pk, role in alive.values_list("pk", "role")}


def _open_clients(ids: set[str]) -> Iterable[object]:
    alive = models.ApiClient.objects.filter(pk__in=ids, revoked_at=None)
    return alive.filter(enterprise__ready=True, enterprise__suspended_at=None).values_list("pk", flat=True)


def _open_tokens(ids: set[str]) -> Iterable[object]:
    alive = models.AccessToken.objects.filter(pk__in=ids, expires_at__gt=clock.now(), client__revoked_at=None)
    return alive.filter(client__enterprise__ready=True, client__enterprise__suspended_at=None).values_list("pk", flat=True)


def _open_sessions(ids: set[str]) -> Iterable[object]:
    return Session.objects.filter(pk__in=ids, expire_date__gt=clock.now()).values_list("pk", flat=True)


def _unchanged_passwords(marks: set[str]) -> Iterable[object]:
    people = models.User.objects.filter(pk__in={mark.partition("/")[0] for mark in marks}, is_active=True)
    return marks & {f"{pk}/{_password_mark(password)}" for pk, password in people.values_list("pk", "password")}


_OPEN: dict[str, Callable[[set[str]], Iterable[object]]] = {
    "membership": _open_memberships,
    "client": _open_clients,
    "token": _open_tokens,
    "session": _open_sessions,
    "password": _unchanged_passwords,
}


def people(*, enterprise: uuid.UUID) -> list[models.Membership]:
    """Who works for an enterprise now, with the person, the longest there first."""
    return list(models.Membership.objects.select_related("user").filter(enterprise_id=enterprise, ended_at=None))


def membership(*, id: uuid.UUID, enterprise: uuid.UUID) -> models.Membership | None:
    """One person's present work for an enterprise; None where it is another's, has ended, or never was."""
    return models.Membership.objects.select_related("user").filter(pk=id, enterprise_id=enterprise, ended_at=None).first()


def api_clients(*, enterprise: uuid.UUID) -> list[models.ApiClient]:
    """The programs that may act for an enterprise now."""
    return list(models.ApiClient.objects.filter(enterprise_id=enterprise, revoked_at=None))


def person_of_link(*, token: str) -> models.User | None:
    """The person who may set a password by a one-time link; None where it is used, expired or unknown."""
    link = models.SetUpLink.objects.select_related("user").filter(token_hash=token_hash(token), used_at=None, expires_at__gt=clock.now()).first()
    return link.user if link else None


def known_person(*, email: str) -> uuid.UUID | None:
    """The person with this address who has a password: he must show that it is he before anything is done in his name."""
    person = models.User.objects.filter(email__iexact=email).first()
    return person.pk if person is not None and person.has_usable_password() else None
