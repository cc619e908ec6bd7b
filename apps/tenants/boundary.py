"""The boundary: how one enterprise's home is entered while another acts. Only `exchange.crossing` may come through here."""

import contextlib
import uuid
from collections.abc import Collection, Iterator

from django.db import connection
from django.utils.translation import gettext as _

from apps.base import acting
from apps.base.acting import SYSTEM, Acting, Actor, Home

DEEPEST = 8


class NoWay(RuntimeError):
    """A crossing that goes in a circle, or too deep."""


def need_way(visited: Collection[uuid.UUID], id: uuid.UUID) -> None:
    """Whether a conversation that has come through these enterprises may go on to that one. Raises NoWay."""
    if id in visited:
        raise NoWay(_("This conversation would come back to an enterprise that is waiting for it."))
    if len(visited) >= DEEPEST:
        raise NoWay(_("This conversation goes through more than eight enterprises."))


@contextlib.contextmanager
def enter(home: Home, *, by: Actor = SYSTEM, afresh: bool = False) -> Iterator[Acting]:
    """Act for `home`, one level further from where the conversation began, and come back.

    Inside an open transaction role and path change with the next statement, and change back afterwards. At most 8 levels deep,
    and no enterprise twice on one path. afresh: a conversation of its own begins here, in which nobody waits for another; only
    between transactions. Raises NoWay.
    """
    outer = acting.current_or_none()
    if afresh and connection.in_atomic_block:
        raise NoWay(_("A conversation cannot begin afresh within another one."))
    visited: tuple[uuid.UUID, ...] = (*outer.visited, outer.home.id) if outer and outer.home and not afresh else ()
    need_way(visited, home.id)
    connection.forget_role()  # type: ignore[attr-defined]
    try:
        with acting.in_context(Acting(role=home.schema, path=(home.schema, "public"), home=home, actor=by, visited=visited)) as entered:
            yield entered
    finally:
        connection.forget_role()  # type: ignore[attr-defined]
