"""Send: append to the channel, in the transaction that makes the move."""

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from apps.base import acting
from apps.documents.services import Moved, Remarked
from apps.exchange import crossing, models
from apps.exchange.services import keys
from apps.exchange.services.chaining import canonical, digest_of
from apps.network import selectors as network


def send(news: Moved) -> None:
    """React to a move: what concerns the partner is said to him. Without a partnership that allows it the move fails whole."""
    if news.body is None:
        return
    partner = network.partner(id=news.document.partner_id, document_type=news.document.type)
    kind = f"{news.document.type}.{news.step.move}"
    append(
        partner_id=partner.id,
        partnership_id=partner.partnership_id,
        kind=kind,
        document=news.document.pk,
        seen=news.step.seen,
        content=news.body,
        at=news.step.at,
    )
    crossing.carry(receiver=partner.id, inline=news.inline)


def send_remark(news: Remarked) -> None:
    """React to a message in a document's thread: the partner reads it too."""
    if news.body is None:
        return
    partner = network.partner(id=news.document.partner_id)
    kind = f"{news.document.type}.remark"
    append(partner_id=partner.id, partnership_id=partner.partnership_id, kind=kind, document=news.document.pk, seen=0, content=news.body, at=news.at)
    crossing.carry(receiver=partner.id, inline=False)


def append(*, partner_id: uuid.UUID, partnership_id: uuid.UUID, kind: str, document: uuid.UUID, seen: int, content: Mapping[str, Any], at: dt.datetime) -> int:
    """Append one envelope to the acting enterprise's channel to a partner. Gives its number."""
    me = acting.home().id
    channel = _locked(me, partner_id, partnership_id)
    seq = channel.head + 1
    body = canonical({"channel": str(channel.pk), "seq": seq, "sender": str(me), "receiver": str(partner_id), "kind": kind, "content": content})
    digest = digest_of(body, bytes(channel.digest))
    key, signature = keys.sign(digest)
    models.Envelope.objects.bulk_create(
        [
            models.Envelope(
                channel_id=channel.pk,
                seq=seq,
                sender_id=me,
                receiver_id=partner_id,
                kind=kind,
                document=document,
                seen=seen,
                body=body,
                digest=digest,
                signature=signature,
                key_id=key,
                at=at,
            )  # fmt: skip
        ]
    )
    models.Channel.objects.filter(pk=channel.pk).update(head=seq, digest=digest)
    return seq


def _locked(me: uuid.UUID, partner_id: uuid.UUID, partnership_id: uuid.UUID) -> models.Channel:
    channels = models.Channel.objects.select_for_update(no_key=True).filter(sender_id=me, receiver_id=partner_id)
    channel = channels.first()
    if channel is None:
        with transaction.atomic():
            models.Channel.objects.bulk_create([models.Channel(partnership_id=partnership_id, sender_id=me, receiver_id=partner_id)], ignore_conflicts=True)
        channel = channels.get()
    return channel
