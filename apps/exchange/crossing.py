"""The lift: the only room from which one enterprise's home is entered on behalf of another."""

import logging
import uuid
from functools import partial
from typing import Any

import orjson
from django.db import DatabaseError, InterfaceError, OperationalError, transaction
from django.utils.translation import gettext as _

from apps.base import acting, clock
from apps.base.retrying import whole
from apps.documents import services as documents
from apps.exchange import models
from apps.exchange.services import keys
from apps.exchange.services.chaining import digest_of
from apps.tenants import boundary
from apps.tenants import selectors as tenants

log = logging.getLogger(__name__)

BATCH = 50


class Stuck(Exception):
    """An envelope that the receiver cannot take. seq: its number; the message is the reason, for people."""

    def __init__(self, seq: int, reason: str) -> None:
        super().__init__(reason)
        self.seq = seq


def carry(*, receiver: uuid.UUID, inline: bool) -> None:
    """Bring the acting enterprise's envelopes to `receiver`: inside this transaction, or at once after its commit."""
    me = acting.home().id
    if inline:
        _inline(me, receiver)
    else:
        transaction.on_commit(partial(_after_commit, me, receiver), robust=True)


def _inline(sender: uuid.UUID, receiver: uuid.UUID) -> None:
    home = tenants.home(id=receiver)
    if home is None:
        raise Stuck(0, _("The partner cannot be reached."))
    with boundary.enter(home), transaction.atomic():
        while _take_batch(sender, upto=None):
            pass


def _after_commit(sender: uuid.UUID, receiver: uuid.UUID) -> None:
    """Whatever goes wrong here the sweep finds again: the envelope is safe in the log."""
    try:
        deliver(sender=sender, receiver=receiver)
    except DatabaseError:
        log.exception("delivery after commit failed; the sweep will deliver", extra={"sender": str(sender), "receiver": str(receiver)})


def deliver(*, sender: uuid.UUID, receiver: uuid.UUID) -> int:
    """Deliver all that waits in one channel, in order, in batches. Gives how many were taken.

    The receiver's rows and the cursor change in one transaction. An envelope that cannot be taken halts this channel, with the reason.
    """
    home = tenants.home(id=receiver)
    if home is None:
        return 0
    total = 0
    with boundary.enter(home):
        while taken := _deliver_batch(sender):
            total += taken
    return total


def _deliver_batch(sender: uuid.UUID) -> int:
    def batch(upto: int | None = None) -> int:
        with transaction.atomic():
            return _take_batch(sender, upto=upto)

    try:
        return whole(batch)
    except Stuck as stuck:
        whole(partial(batch, stuck.seq - 1))
        whole(partial(_halt, sender, stuck.seq, str(stuck)))
        return 0


def _take_batch(sender: uuid.UUID, *, upto: int | None) -> int:
    """Lock the cursor, take in what comes next, advance it. In the caller's transaction, as the receiver."""
    cursor = _cursor(sender)
    if cursor is None:
        return 0
    waiting = models.Envelope.objects.filter(channel_id=cursor.channel_id, seq__gt=cursor.delivered).order_by("seq")
    envelopes = list(waiting.filter(seq__lte=upto)[:BATCH] if upto is not None else waiting[:BATCH])
    for envelope in envelopes:
        _take(cursor, envelope)
    if envelopes:
        cursor.delivered, cursor.digest = envelopes[-1].seq, envelopes[-1].digest
        models.Cursor.objects.filter(pk=cursor.pk).update(delivered=cursor.delivered, digest=cursor.digest, halted_at=None, reason="", attempts=0)
    return len(envelopes)


def _cursor(sender: uuid.UUID) -> models.Cursor | None:
    me = acting.home().id
    cursors = models.Cursor.objects.select_for_update(of=("self",)).filter(channel__sender_id=sender, channel__receiver_id=me)
    cursor = cursors.first()
    if cursor is None:
        channel = models.Channel.objects.filter(sender_id=sender, receiver_id=me).first()
        if channel is None:
            return None
        models.Cursor.objects.bulk_create([models.Cursor(channel_id=channel.pk, receiver_id=me)], ignore_conflicts=True)
        cursor = cursors.get()
    return cursor


def _take(cursor: models.Cursor, envelope: models.Envelope) -> None:
    body = bytes(envelope.body)
    if envelope.seq != cursor.delivered + 1 or digest_of(body, bytes(cursor.digest)) != bytes(envelope.digest):
        raise Stuck(envelope.seq, _("The chain of the channel is broken here."))
    if not keys.signed(key=envelope.key_id, sender=envelope.sender_id, digest=bytes(envelope.digest), signature=bytes(envelope.signature)):
        raise Stuck(envelope.seq, _("The signature is not the sender's."))
    try:
        _accept(envelope, orjson.loads(body))
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        log.exception("an envelope cannot be taken", extra={"channel": str(envelope.channel_id), "seq": envelope.seq})
        raise Stuck(envelope.seq, str(error) or type(error).__name__) from error
    cursor.delivered, cursor.digest = envelope.seq, envelope.digest


def _accept(envelope: models.Envelope, body: dict[str, Any]) -> None:
    content = body["content"]
    if envelope.kind.endswith(".remark"):
        documents.accept_remark(body=content, partner_id=envelope.sender_id)
    else:
        documents.accept(body=content, partner_id=envelope.sender_id, envelope=envelope.seq)


def _halt(sender: uuid.UUID, seq: int, reason: str) -> None:
    with transaction.atomic():
        cursor = _cursor(sender)
        if cursor is not None and cursor.delivered == seq - 1:
            models.Cursor.objects.filter(pk=cursor.pk).update(halted_at=cursor.halted_at or clock.now(), reason=reason[:2000], attempts=cursor.attempts + 1)
