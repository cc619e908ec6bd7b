"""Questions about people, roles and tokens. Asked in the lobby, before a home is entered."""

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from apps.accounts import models
from apps.base import announcing, clock
from apps.base.acting import Actor, Home
from apps.base.text import Text

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

    key: what is checked again while a socket is open: `membership:<id>`, `client:<id>` or `token:<id>`.
    """

    home: Home
    actor: Actor
    role: str
    key: str


def memberships(user_id: uuid.UUID) -> list[models.Membership]:
    """The enterprises for which a person works now, by name."""
    found = models.Membership.objects.filter(user_id=user_id, user__is_active=True, ended_at=None, enterprise__ready=True, enterprise__suspended_at=None)
    return list(found.select_related("enterprise", "user").order_by("enterprise__name"))


def entry_of(membership: models.Membership) -> Entry:
    """The entry that a membership gives."""
    actor = Actor(kind="person", id=membership.user_id, name=str(membership.user), permissions=permissions_of(membership.role))
    return Entry(home=membership.enterprise.home(), actor=actor, role=membership.role, key=f"membership:{membership.pk}")


def token_hash(token: str) -> str:
    """SHA-256 of a token. Tokens have 256 random bits, so a slow hash would add nothing."""
    return hashlib.sha256(token.encode()).hexdigest()


def entry_by_token(token: str) -> Entry | None:
    """The entry that an API token or an OAuth access token opens, None where there is none (any more)."""
    hashed = token_hash(token)
    clients = models.ApiClient.objects.select_related("enterprise").filter(revoked_at=None, enterprise__ready=True, enterprise__suspended_at=None)
    client = clients.filter(token_hash=hashed).first()
    key = f"client:{client.pk}" if client else ""
    if client is None:
        access = models.AccessToken.objects.filter(token_hash=hashed, expires_at__gt=clock.now()).values_list("pk", "client_id").first()
        client = clients.filter(pk=access[1]).first() if access else None
        key = f"token:{access[0]}" if access else ""
    if client is None:
        return None
    actor = Actor(kind="client", id=client.pk, name=client.name, permissions=permissions_of(client.role))
    return Entry(home=client.enterprise.home(), actor=actor, role=client.role, key=key)


def still_open(keys: set[str]) -> set[str]:
    """Which of these entries are not revoked. One query for each kind."""
    ids: dict[str, set[str]] = {"membership": set(), "client": set(), "token": set()}
    for key in keys:
        kind, _colon, id = key.partition(":")
        ids[kind].add(id)
    alive = {"enterprise__suspended_at": None}
    members = models.Membership.objects.filter(pk__in=ids["membership"], ended_at=None, user__is_active=True, **alive)
    clients = models.ApiClient.objects.filter(pk__in=ids["client"], revoked_at=None, **alive)
    tokens = models.AccessToken.objects.filter(pk__in=ids["token"], client__revoked_at=None, expires_at__gt=clock.now(), client__enterprise__suspended_at=None)
    found = {("membership", pk) for pk in members.values_list("pk", flat=True)}
    found |= {("client", pk) for pk in clients.values_list("pk", flat=True)}
    found |= {("token", pk) for pk in tokens.values_list("pk", flat=True)}
    return {f"{kind}:{pk}" for kind, pk in found}
