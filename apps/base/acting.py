"""Who acts: the one context in which anything may be read or written.

There is no default. A query without somebody who acts raises (`apps.tenants.wall`), and every wrapper that must name an
enterprise (cache, groups, files, tasks) asks here. The context is a ContextVar, so it follows `await` and executors.
"""

import contextlib
import uuid
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Literal

from django.utils.translation import gettext as _

Kind = Literal["person", "client", "system"]


class NobodyActs(RuntimeError):
    """Something was asked for without anybody in whose name it could be done."""


class AnotherEnterpriseActs(RuntimeError):
    """One enterprise's home was entered while another's was open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A person, an API client or the system itself.

    name: as it stands in the history of a document, for both enterprises to read.
    permissions: code names of what the actor may do, as `order.publish`.
    """

    kind: Kind
    id: uuid.UUID | None = None
    name: str = "Tributary"
    permissions: frozenset[str] = frozenset()

    def may(self, permission: str) -> bool:
        return self.kind == "system" or permission in self.permissions


SYSTEM = Actor(kind="system")


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """An enterprise, as much of it as is needed to act for it. The database role has the name of the schema."""

    id: uuid.UUID
    slug: str
    name: str
    schema: str
    language: str = "en"
    currency: str = "EUR"
    time_zone: str = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """The context: in which database role, along which path, for which enterprise, and who.

    home is None in the lobby (people, sessions, the directory) and for the operators of the platform.
    """

    role: str
    path: tuple[str, ...]
    home: Home | None
    actor: Actor = SYSTEM
    visited: tuple[uuid.UUID, ...] = field(default=())


_acting: ContextVar[Acting | None] = ContextVar("acting", default=None)

LOBBY_ROLE = "tributary_lobby"
OPERATOR_ROLE = "tributary_operator"
_LOBBY = Acting(role=LOBBY_ROLE, path=("public",), home=None)
_OPERATOR = Acting(role=OPERATOR_ROLE, path=("public",), home=None)


def current() -> Acting:
    """The context in force. Raises NobodyActs where there is none."""
    acting = _acting.get()
    if acting is None:
        raise NobodyActs("no enterprise acts here: enter one with act_as() first")
    return acting


def current_or_none() -> Acting | None:
    return _acting.get()


def home() -> Home:
    """The enterprise that acts. Raises NobodyActs in the lobby and outside any context."""
    acting = current()
    if acting.home is None:
        raise NobodyActs(f"{acting.role} acts for no enterprise")
    return acting.home


def actor() -> Actor:
    return current().actor


@contextlib.contextmanager
def in_context(acting: Acting) -> Iterator[Acting]:
    """Set the context. Only `tenants` calls this: everybody else acts through act_as() and the boundary."""
    token = _acting.set(acting)
    try:
        yield acting
    finally:
        _acting.reset(token)


@contextlib.contextmanager
def act_as(enterprise: Home, *, by: Actor = SYSTEM) -> Iterator[Acting]:
    """Act for `enterprise`. From the lobby, or again for the same enterprise; never from inside another one."""
    outer = _acting.get()
    if outer is not None and outer.home is not None and outer.home.id != enterprise.id:
        raise AnotherEnterpriseActs(_("Another enterprise's home is open."))
    acting = Acting(role=enterprise.schema, path=(enterprise.schema, "public"), home=enterprise, actor=by)
    if outer is not None and outer.home is not None:
        acting = Acting(role=outer.role, path=outer.path, home=outer.home, actor=by, visited=outer.visited)
    with in_context(acting):
        yield acting


@contextlib.contextmanager
def in_lobby() -> Iterator[Acting]:
    """Act for nobody: people, sessions, memberships, the directory of enterprises; no home is readable."""
    outer = _acting.get()
    if outer is not None and outer.home is not None:
        raise AnotherEnterpriseActs(_("An enterprise's home is open."))
    with in_context(_LOBBY):
        yield _LOBBY


@contextlib.contextmanager
def as_operator() -> Iterator[Acting]:
    """Act for the platform: enterprises, people, partnerships, channels; no home is readable."""
    outer = _acting.get()
    if outer is not None and outer.home is not None:
        raise AnotherEnterpriseActs(_("An enterprise's home is open."))
    with in_context(_OPERATOR):
        yield _OPERATOR
