"""The lift: the only room from which one enterprise's home is entered on behalf of another."""

import contextlib
import logging
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from typing import Any, TypeVar

import orjson
from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction
from django.db.models import F, Value
from django.db.models.functions import Coalesce
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from apps.base import acting, clock
from apps.base.acting import Home
from apps.base.announcing import Question
from apps.base.retrying import whole
from apps.documents import services as documents
from apps.exchange import models
from apps.exchange.services import keys, lifting
from apps.exchange.services.chaining import receipt_of
from apps.exchange.services.lifting import Lane, Reached, Stuck, Taken
from apps.network import selectors as network
from apps.tenants import boundary
from apps.tenants import selectors as tenants

log = logging.getLogger(__name__)
T = TypeVar("T")

# The enterprises that wait, further out in this transaction, for a conversation to come back.
_waiting: ContextVar[frozenset[uuid.UUID]] = ContextVar("waiting", default=frozenset())


def carry(*, receiver: uuid.UUID, inline: bool) -> None:
    """Bring the acting enterprise's envelopes to `receiver`: inside this transaction, or at once after its commit.

    What is said to an enterprise that waits for this very conversation it takes in itself, when the conversation comes back to it.
    """
    road = lifting.road(receiver=receiver, waiting=_waiting.get(), inline=inline)
    if road == "waits":
        return
    me, home = acting.home().id, tenants.home(id=receiver)
    if home is None and road == "inline":
        raise Stuck(0, _("The partner cannot be reached."))
    if home is None:
        return
    if road == "inline":
        _inline(me, home)
    else:
        transaction.on_commit(lambda: _after_commit(me, home), robust=True)


def _inline(sender: uuid.UUID, home: Home) -> None:
    """Let the receiver take in what was said, and take in what he answered to it, all in this transaction. Raises Stuck."""
    with network.one_conversation():
        lifting.converse(visit=_visited(sender, home), theirs=Inbound(sender), ours=Inbound(home.id))


@contextlib.contextmanager
def _visited(sender: uuid.UUID, home: Home) -> Iterator[None]:
    # Whatever fails here takes back the whole move that was said, so it needs no savepoint of its own.
    with _waits(sender), _entered(home), transaction.atomic(savepoint=False):
        yield


@contextlib.contextmanager
def _waits(sender: uuid.UUID) -> Iterator[None]:
    """While `sender` waits for the conversation to come back."""
    waited = _waiting.set(_waiting.get() | {sender})
    try:
        yield
    finally:
        _waiting.reset(waited)


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


# How many deliveries after a commit brought about this one.
_turn: ContextVar[int] = ContextVar("turn", default=0)


def _after_commit(sender: uuid.UUID, home: Home) -> None:
    """Deliver at once, but no more than one batch: somebody waits for his answer, and a backlog is the worker's (the sweep).

    Whatever goes wrong here the sweep finds again: the envelope is safe in the log. What is taken in may say something in its turn, which is
    delivered in the same way, a few turns deep; then it is the worker's, too.
    """
    if (turn := _turn.get()) >= lifting.MOST_TURNS:
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
    # After the commit of a conversation through several homes, the one that acts may be the receiver himself.
    with contextlib.nullcontext() if _acts(home) else boundary.enter(home, afresh=not connection.in_atomic_block):
        return lifting.deliver(Inbound(sender), batches=batches)


def _acts(home: Home) -> bool:
    current = acting.current_or_none()
    return current is not None and current.home is not None and current.home.id == home.id


_LOCK = (
    "SELECT u.id, u.channel_id, u.delivered, u.digest FROM exchange_cursor u JOIN exchange_channel c ON c.id = u.channel_id "
    "WHERE c.sender_id = %s AND c.receiver_id = %s FOR UPDATE OF u"
)
_NEXT = (
    "SELECT seq, sender_id, kind, body, digest, signature, key_id FROM exchange_envelope WHERE channel_id = %s AND seq > %s AND seq <= %s ORDER BY seq LIMIT %s"
)
# The receiver's receipt, which no one can take back, and the cursor: one statement.
_ADVANCE = (
    "WITH signed AS (INSERT INTO exchange_receipt (channel_id, seq, digest, key_id, signature, at) VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING) "
    "UPDATE exchange_cursor SET delivered = %s, digest = %s, halted_at = NULL, reason = '', attempts = 0 WHERE id = %s"
)
_LAST = 2**62


class Inbound(Lane):
    """A channel to the acting enterprise, in the tables. sender: who speaks in it."""

    def __init__(self, sender: uuid.UUID) -> None:
        self.sender = sender

    def key(self) -> tuple[uuid.UUID, uuid.UUID]:
        return acting.home().id, self.sender

    def whole(self, work: Callable[[], T]) -> T:
        def tried() -> T:
            with transaction.atomic():
                return work()

        return whole(tried)

    def reach(self) -> Reached | None:
        me = acting.home().id
        with connection.cursor() as cursor:
            cursor.execute(_LOCK, [self.sender, me])
            row = cursor.fetchone()
            if row is None:
                channel = models.Channel.objects.filter(sender_id=self.sender, receiver_id=me).first()
                if channel is None:
                    return None
                models.Cursor.objects.bulk_create([models.Cursor(channel_id=channel.pk, receiver_id=me)], ignore_conflicts=True)
                cursor.execute(_LOCK, [self.sender, me])
                row = cursor.fetchone()
        return Reached(row[0], row[1], row[2], bytes(row[3]))

    def following(self, reached: Reached, *, upto: int | None, limit: int) -> Sequence[Taken]:
        with connection.cursor() as cursor:
            cursor.execute(_NEXT, [reached.channel, reached.delivered, _LAST if upto is None else upto, limit])
            return [Taken(*row) for row in cursor.fetchall()]

    def need_agreement(self, document_type: str, seq: int) -> None:
        """The receiver takes in what it has consented to, whatever the sender wrote into the log."""
        try:
            network.agreed(id=self.sender, document_type=document_type)
        except network.NoPartner as error:
            raise Stuck(seq, str(error)) from error

    def signed(self, envelope: Taken) -> bool:
        return keys.signed(key=envelope.key, sender=envelope.sender, digest=bytes(envelope.digest), signature=bytes(envelope.signature))

    def accept(self, envelope: Taken, body: dict[str, Any]) -> None:
        _accept(envelope, body)

    def advance(self, reached: Reached) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_ADVANCE, [*_receipt(reached), reached.delivered, reached.digest, reached.id])

    def halt(self, reached: Reached, reason: str) -> None:
        halted_at = Coalesce("halted_at", Value(clock.now()))
        models.Cursor.objects.filter(pk=reached.id).update(halted_at=halted_at, reason=reason, attempts=F("attempts") + 1)


def _receipt(reached: Reached) -> tuple[Any, ...]:
    """The acting enterprise signs for all that it took in of a channel: one signature, however many envelopes these were."""
    at = clock.now()
    said = receipt_of(channel=reached.channel, seq=reached.delivered, digest=reached.digest, receiver=acting.home().id, at=at)
    key, signature = keys.sign(said)
    return reached.channel, reached.delivered, reached.digest, key, signature, at


# What is added to a document without moving it, by the last part of the envelope's kind.
ADDED: Mapping[str, Callable[..., None]] = {"remark": documents.accept_remark, "attachment": documents.accept_attachment}


def _accept(envelope: Taken, body: dict[str, Any]) -> None:
    content = body["content"]
    if accept_added := ADDED.get(envelope.kind.partition(".")[2]):
        accept_added(body=content, partner_id=envelope.sender)
    else:
        documents.accept(body=content, partner_id=envelope.sender, envelope=envelope.seq)
