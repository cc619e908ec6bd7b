"""The feed: everything that happened to a home's documents, in an order that never changes and has no gaps."""

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from apps.documents.types import TYPES


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """One event of the feed. cursor: opaque to others; `epoch.xid.id`, in hexadecimal where it is a number."""

    cursor: str
    step: Mapping[str, Any]
    document: Mapping[str, Any]


FEED = (
    "SELECT s.epoch, s.xid, s.id, s.position, s.own, s.by, s.at, s.move, s.before, s.after, s.overruled, d.id, d.type, d.number, d.partner_id, d.side, "
    "s.epoch < public.current_epoch() OR s.xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint "
    "FROM documents_step s JOIN documents_document d ON d.id = s.document_id "
    "WHERE (s.epoch, s.xid, s.id) > (%s, %s, %s) ORDER BY s.epoch, s.xid, s.id LIMIT %s"
)
START = "0.0.00000000000000000000000000000000"
CURSOR = re.compile(r"([0-9a-f]{1,8})\.([0-9a-f]{1,16})\.([0-9a-f]{32})\Z")
LARGEST_EPOCH, LARGEST_XID = 2**31 - 1, 2**63 - 1


class BadCursor(ValueError):
    """A cursor that this feed never gave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A piece of the feed. held: more was committed already, and will be told when an older transaction has ended."""

    happened: Sequence[Happened]
    held: bool


def feed(*, after: str = "", limit: int = 100) -> list[Happened]:
    """What happened to this home's documents after a cursor, in an order that never changes and has no gaps. Raises BadCursor."""
    return list(feed_page(after=after, limit=limit).happened)


def feed_page(*, after: str = "", limit: int = 100) -> Page:
    """The feed after a cursor, and whether something waits behind it. Raises BadCursor.

    A row is told only when no transaction that began before it can still commit (its id is below the oldest running one).
    These rows come first in the feed's order, as the order is that of the ids.
    """
    with connection.cursor() as cursor:
        cursor.execute(FEED, [*position_of(after or START), limit])
        rows = cursor.fetchall()
    settled = [_happened(row[:-1]) for row in rows if row[-1]]
    return Page(happened=settled, held=len(settled) < len(rows))


def position_of(cursor: str) -> tuple[int, int, uuid.UUID]:
    """A cursor's place in the order of the feed: what can be compared. Raises BadCursor."""
    found = CURSOR.match(cursor)
    if found is None:
        raise BadCursor(cursor)
    epoch, xid, key = int(found[1], 16), int(found[2], 16), uuid.UUID(found[3])
    if epoch > LARGEST_EPOCH or xid > LARGEST_XID:
        raise BadCursor(cursor)
    return epoch, xid, key


def cursor_of(epoch: int, xid: int, key: uuid.UUID) -> str:
    return f"{epoch:x}.{xid:x}.{key.hex}"


def _happened(row: Sequence[Any]) -> Happened:
    epoch, xid, key, position, own, by, at, move, before, after, overruled, document, code, number, partner, side = row
    step = {"id": key, "position": position, "own": own, "by": by, "at": at, "move": move, "before": before, "after": after, "overruled": overruled}
    head = {"id": document, "type": code, "number": number, "partner_id": partner, "side": side}
    return Happened(cursor=cursor_of(epoch, xid, key), step=step, document=head)


LOCAL_EVENTS = {
    "draft": "drafted", "revise": "revised", "remark": "remarked", "attach": "attached", "count": "counted",
    "remind": "reminded", "overdue": "overdue", "escalate": "escalated",
}  # fmt: skip


def event_code(type: str, move: str, *, after: str) -> str:
    """The event's name: the type and the past of the move that has led to a state, as `order.confirmed`."""
    declared = TYPES[type].find_move(move)
    return f"{type}.{declared.told(after)[0] if declared else LOCAL_EVENTS[move]}"


def newest_cursor() -> str:
    """The cursor after everything that has happened by now: where a page that was just rendered goes on from."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT epoch, xid, id FROM documents_step WHERE epoch < public.current_epoch() OR xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint "
            "ORDER BY epoch DESC, xid DESC, id DESC LIMIT 1"
        )
        row = cursor.fetchone()
    return cursor_of(*row) if row else START
