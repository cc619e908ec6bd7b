"""The lift: the only room from which one enterprise's home is entered on behalf of another."""

import contextlib
import itertools
import logging
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson
from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction
from django.db.models import F, Value
from django.db.models.functions import Coalesce
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from apps.base import acting, clock
from apps.base.acting import Home
from apps.base.announcing import Question
from apps.base.patience import is_unavailable
from apps.base.retrying import whole
from apps.documents import services as documents
from apps.exchange import models
from apps.exchange.services import keys
from apps.exchange.services.chaining import digest_of
from apps.network import selectors as network
from apps.tenants import boundary
from apps.tenants import selectors as tenants

log = logging.getLogger(__name__)

BATCH = 50


class Stuck(Exception):
    """An envelope that the receiver cannot take. seq: its number; the message is the reason, for people."""

    def __init__(self, seq: int, reason: str) -> None:
        super().__init__(reason)
        self.seq = seq


# The enterprises that wait, further out in this transaction, for a conversation to come back.
_waiting: ContextVar[frozenset[uuid.UUID]] = ContextVar("waiting", default=frozenset())


def carry(*, receiver: uuid.UUID, inline: bool) -> None:
    """Bring the acting enterprise's envelopes to `receiver`: inside this transaction, or at once after its commit.

    What is said to an enterprise that waits for this very conversation it takes in itself, when the conversation comes back to it.
    """
    if receiver in _waiting.get():
        return
    me, home = acting.home().id, tenants.home(id=receiver)
    if home is None and inline:
        raise Stuck(0, _("The partner cannot be reached."))
    if home is None:
        return
    if inline:
        _inline(me, home)
    else:
        transaction.on_commit(lambda: _after_commit(me, home), robust=True)


def _inline(sender: uuid.UUID, home: Home) -> None:
    """Let the receiver take in what was said, and take in what he answered to it, all in this transaction. Raises Stuck."""
    with network.one_conversation():
        # Whatever fails here takes back the whole move that was said, so it needs no savepoint of its own.
        with _waits(sender), _entered(home), transaction.atomic(savepoint=False):
            _take_all(sender)
        _take_all(home.id)


@contextlib.contextmanager
def _waits(sender: uuid.UUID) -> Iterator[None]:
    """While `sender` waits for the conversation to come back."""
    waited = _waiting.set(_waiting.get() | {sender})
    try:
        yield
    finally:
        _waiting.reset(waited)


def _take_all(sender: uuid.UUID) -> None:
    while _take_batch(sender, upto=None) == BATCH:
        pass


@contextlib.contextmanager
def _entered(home: Home) -> Iterator[None]:
    """The other enterprise's home. A way that would lead in a circle, or too deep, is told as any other that cannot be gone. Raises Stuck."""
    try:
        with boundary.enter(home):
            yield
    except boundary.NoWay as error:
        raise Stuck(0, str(error)) from error


def ask(*, home: Home, question: Question, body: Mapping[str, Any]) -> dict[str, Any]:
    """Put a question to another enterprise, in this transaction. What crosses is plain JSON, there and back; what was written there is undone.

    Raises Stuck where he gives no answer, with the reason.
    """
    me = acting.home().id
    with _entered(home), transaction.atomic():
        try:
            network.agreed(id=me, document_type=question.document_type)
            answer = orjson.dumps(import_string(question.answer)(body=orjson.loads(orjson.dumps(body)), partner_id=me))
        except (OperationalError, InterfaceError, Stuck):
            raise
        except Exception as error:
            log.exception("a question was not answered", extra={"question": question.answer})
            raise Stuck(0, _("The partner gives no answer.")) from error
        transaction.set_rollback(True)
    found: dict[str, Any] = orjson.loads(answer)
    return found


# How many deliveries after a commit brought about this one, and how many there may be.
_turn: ContextVar[int] = ContextVar("turn", default=0)
MOST_TURNS = 16


def _after_commit(sender: uuid.UUID, home: Home) -> None:
    """Deliver at once, but no more than one batch: somebody waits for his answer, and a backlog is the worker's (the sweep).

    Whatever goes wrong here the sweep finds again: the envelope is safe in the log. What is taken in may say something in its turn, which is
    delivered in the same way, a few turns deep; then it is the worker's, too.
    """
    if (turn := _turn.get()) >= MOST_TURNS:
        return
    token = _turn.set(turn + 1)
    try:
        deliver(sender=sender, receiver=home.id, home=home, batches=1)
    except (DatabaseError, OSError):
        log.exception("delivery after commit failed; the sweep will deliver", extra={"sender": str(sender), "receiver": home.slug})
    finally:
        _turn.reset(token)


def deliver(*, sender: uuid.UUID, receiver: uuid.UUID, home: Home | None = None, batches: int | None = None) -> int:
    """Deliver what waits in one channel, in order, in batches: all of it, or at most so many batches. Gives how many were taken.

    home: the receiver's, where it is known already. The receiver's rows and the cursor change in one transaction. An envelope that
    cannot be taken halts this channel, with the reason.
    """
    home = home or tenants.home(id=receiver)
    if home is None:
        return 0
    total = 0
    # After the commit of a conversation through several homes, the one that acts may be the receiver himself.
    with contextlib.nullcontext() if _acts(home) else boundary.enter(home, afresh=not connection.in_atomic_block):
        for _batch in itertools.count() if batches is None else range(batches):
            taken = _deliver_batch(sender)
            total += taken
            # Under the cursor's lock a short batch is all that was committed; whoever commits later delivers himself.
            if taken < BATCH:
                break
    return total


def _acts(home: Home) -> bool:
    current = acting.current_or_none()
    return current is not None and current.home is not None and current.home.id == home.id


def _deliver_batch(sender: uuid.UUID) -> int:
    def batch(upto: int | None = None) -> int:
        with transaction.atomic():
            return _take_batch(sender, upto=upto)

    try:
        return whole(batch)
    except Stuck as stuck:
        taken = whole(partial(batch, stuck.seq - 1))
        whole(partial(_halt, sender, stuck.seq, str(stuck)))
        return taken


@dataclass(slots=True)
class Reached:
    """A cursor, locked: how far its channel was taken in."""

    id: uuid.UUID
    channel: uuid.UUID
    delivered: int
    digest: bytes


_LOCK = (
    "SELECT u.id, u.channel_id, u.delivered, u.digest FROM exchange_cursor u JOIN exchange_channel c ON c.id = u.channel_id "
    "WHERE c.sender_id = %s AND c.receiver_id = %s FOR UPDATE OF u"
)
_NEXT = (
    "SELECT seq, sender_id, kind, body, digest, signature, key_id FROM exchange_envelope WHERE channel_id = %s AND seq > %s AND seq <= %s ORDER BY seq LIMIT %s"
)
_ADVANCE = "UPDATE exchange_cursor SET delivered = %s, digest = %s, halted_at = NULL, reason = '', attempts = 0 WHERE id = %s"
_LAST = 2**62


def _take_batch(sender: uuid.UUID, *, upto: int | None) -> int:
    """Lock the cursor, take in what comes next, advance it. In the caller's transaction, as the receiver."""
    reached = _cursor(sender)
    if reached is None:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_NEXT, [reached.channel, reached.delivered, _LAST if upto is None else upto, BATCH])
        envelopes = [Taken(*row) for row in cursor.fetchall()]
        for document_type, seq in {envelope.kind.partition(".")[0]: envelope.seq for envelope in reversed(envelopes)}.items():
            _need_agreement(sender, document_type, seq)
        for envelope in envelopes:
            _take(reached, envelope)
        if envelopes:
            cursor.execute(_ADVANCE, [reached.delivered, reached.digest, reached.id])
    return len(envelopes)


def _need_agreement(sender: uuid.UUID, document_type: str, seq: int) -> None:
    """The receiver takes in what it has consented to, whatever the sender wrote into the log."""
    try:
        network.agreed(id=sender, document_type=document_type)
    except network.NoPartner as error:
        raise Stuck(seq, str(error)) from error


def _cursor(sender: uuid.UUID) -> Reached | None:
    me = acting.home().id
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [sender, me])
        row = cursor.fetchone()
        if row is None:
            channel = models.Channel.objects.filter(sender_id=sender, receiver_id=me).first()
            if channel is None:
                return None
            models.Cursor.objects.bulk_create([models.Cursor(channel_id=channel.pk, receiver_id=me)], ignore_conflicts=True)
            cursor.execute(_LOCK, [sender, me])
            row = cursor.fetchone()
    return Reached(row[0], row[1], row[2], bytes(row[3]))


@dataclass(frozen=True, slots=True)
class Taken:
    """An envelope as it is read for delivery."""

    seq: int
    sender: uuid.UUID
    kind: str
    body: bytes
    digest: bytes
    signature: bytes
    key: uuid.UUID


def _take(reached: Reached, envelope: Taken) -> None:
    """Check one envelope against the chain and hand it to the documents. Raises Stuck."""
    body, digest = bytes(envelope.body), bytes(envelope.digest)
    if envelope.seq != reached.delivered + 1 or digest_of(body, reached.digest) != digest:
        raise Stuck(envelope.seq, _("The chain of the channel is broken here."))
    if not keys.signed(key=envelope.key, sender=envelope.sender, digest=digest, signature=bytes(envelope.signature)):
        raise Stuck(envelope.seq, _("The signature is not the sender's."))
    try:
        _accept(envelope, orjson.loads(body))
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        if is_unavailable(error):
            # Nothing is wrong with the envelope: the disk is full, and the sweep tries again.
            raise
        log.exception("an envelope cannot be taken", extra={"channel": str(reached.channel), "seq": envelope.seq})
        raise Stuck(envelope.seq, str(error) or type(error).__name__) from error
    reached.delivered, reached.digest = envelope.seq, digest


# What is added to a document without moving it, by the last part of the envelope's kind.
ADDED: Mapping[str, Callable[..., None]] = {"remark": documents.accept_remark, "attachment": documents.accept_attachment}


def _accept(envelope: Taken, body: dict[str, Any]) -> None:
    content = body["content"]
    if accept_added := ADDED.get(envelope.kind.partition(".")[2]):
        accept_added(body=content, partner_id=envelope.sender)
    else:
        documents.accept(body=content, partner_id=envelope.sender, envelope=envelope.seq)


def _halt(sender: uuid.UUID, seq: int, reason: str) -> None:
    """Write down why a channel stands still, unless somebody else has brought it further meanwhile."""
    with transaction.atomic():
        reached = _cursor(sender)
        if reached is not None and reached.delivered == seq - 1:
            halted_at = Coalesce("halted_at", Value(clock.now()))
            models.Cursor.objects.filter(pk=reached.id).update(halted_at=halted_at, reason=reason[:2000], attempts=F("attempts") + 1)
