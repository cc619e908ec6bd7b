"""Send: append to the channel, in the transaction that makes the move."""

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any

from django.db import connection

from apps.base import acting
from apps.documents.services import Added, Moved, untold
from apps.exchange import crossing, models
from apps.exchange.services import chaining, keys
from apps.network import selectors as network


def send(news: Moved) -> None:
    """React to a move: what concerns the partner is said to him. Without a partnership that allows it the move fails whole.

    With the first word about a document go the files that were laid beside it before.
    """
    if news.body is None:
        return
    document = news.document
    partnership_id = network.agreed(id=document.partner_id, document_type=document.type)
    append(
        partner_id=document.partner_id,
        partnership_id=partnership_id,
        kind=f"{document.type}.{news.step.move}",
        document=document.pk,
        seen=news.step.seen,
        content=news.body,
        at=news.step.at,
    )
    if news.step.said == 1 and document.partner_said == 0 and not news.alone:
        for added in untold(document=document.pk):
            _append_added(added, partnership_id)
    crossing.carry(receiver=document.partner_id, inline=news.inline)


def send_added(news: Added) -> None:
    """React to a message or a file beside a document: the partner gets it too."""
    document = news.document
    _append_added(news, network.agreed(id=document.partner_id, document_type=document.type))
    crossing.carry(receiver=document.partner_id, inline=False)


def _append_added(news: Added, partnership_id: uuid.UUID) -> None:
    document = news.document
    append(
        partner_id=document.partner_id,
        partnership_id=partnership_id,
        kind=f"{document.type}.{news.kind}",
        document=document.pk,
        seen=0,
        content=news.body,
        at=news.at,
    )


_LOCK = "SELECT id, head, digest FROM exchange_channel WHERE sender_id = %s AND receiver_id = %s FOR NO KEY UPDATE"
_APPEND = (
    "WITH said AS (INSERT INTO exchange_envelope (channel_id, seq, sender_id, receiver_id, kind, document, seen, body, digest, signature, key_id, at) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)) UPDATE exchange_channel SET head = %s, digest = %s WHERE id = %s"
)


def append(*, partner_id: uuid.UUID, partnership_id: uuid.UUID, kind: str, document: uuid.UUID, seen: int, content: Mapping[str, Any], at: dt.datetime) -> int:
    """Append one envelope to the acting enterprise's channel to a partner. Gives its number.

    The channel's head is locked until the transaction ends: envelopes stand in the log in the order in which they were committed.
    """
    me = acting.home().id
    with connection.cursor() as cursor:
        channel, head, previous = _locked(cursor, me, partner_id, partnership_id)
        seq, body, digest = chaining.link(channel=channel, head=head, previous=previous, sender=me, receiver=partner_id, kind=kind, content=content)
        key, signature = keys.sign(digest)
        envelope = (channel, seq, me, partner_id, kind, document, seen, body, digest, signature, key, at)
        cursor.execute(_APPEND, [*envelope, seq, digest, channel])
    return seq


def _locked(cursor: Any, me: uuid.UUID, partner_id: uuid.UUID, partnership_id: uuid.UUID) -> tuple[uuid.UUID, int, bytes]:
    """The channel with its head, locked; made where nothing was ever said to this partner."""
    cursor.execute(_LOCK, [me, partner_id])
    row = cursor.fetchone()
    if row is None:
        models.Channel.objects.bulk_create([models.Channel(partnership_id=partnership_id, sender_id=me, receiver_id=partner_id)], ignore_conflicts=True)
        cursor.execute(_LOCK, [me, partner_id])
        row = cursor.fetchone()
    return row[0], row[1], bytes(row[2])
