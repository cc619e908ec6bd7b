"""What the lift decides: which envelopes a receiver takes in, how far his cursor goes, when a channel halts, and when it is tried again.

It knows neither database nor clock. `crossing` and the sweep run it on the tables; the tests simulate a network of enterprises with it.
"""

import datetime as dt
import itertools
import logging
import uuid
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Any, Literal, Protocol, TypeVar

import orjson
from django.db import DatabaseError, InterfaceError, OperationalError
from django.utils.translation import gettext as _

from apps.base.patience import is_unavailable
from apps.exchange.services.chaining import digest_of

log = logging.getLogger(__name__)
T = TypeVar("T")

BATCH = 50
MOST_TURNS = 16
"""How many deliveries after a commit may bring about one another."""
LONGEST = 60
"""A halted channel is tried again after 1, 2, 4 … minutes, at most so many."""


class Stuck(Exception):
    """An envelope that the receiver cannot take. seq: its number; the message is the reason, for people."""

    def __init__(self, seq: int, reason: str) -> None:
        super().__init__(reason)
        self.seq = seq


@dataclass(slots=True)
class Reached:
    """A cursor, locked: how far its channel was taken in."""

    id: uuid.UUID
    channel: uuid.UUID
    delivered: int
    digest: bytes


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


class Lane(Protocol):
    """One channel as its receiver finds it. All but `whole` is asked within the receiver's transaction."""

    def key(self) -> Hashable:
        """Which channel it is: who takes it in, and who speaks in it."""

    def whole(self, work: Callable[[], T]) -> T:
        """Do the work in one transaction, and again where it was ended for the sake of another."""

    def reach(self) -> Reached | None:
        """The cursor, locked until the transaction ends; None where nothing was ever said."""

    def following(self, reached: Reached, *, upto: int | None, limit: int) -> Sequence[Taken]:
        """The next envelopes in their order."""

    def need_agreement(self, document_type: str, seq: int) -> None:
        """Raises Stuck where the two have not agreed to exchange documents of this type."""

    def signed(self, envelope: Taken) -> bool:
        """Whether the signature is the sender's."""

    def accept(self, envelope: Taken, body: dict[str, Any]) -> None:
        """Hand it to the documents."""

    def advance(self, reached: Reached) -> None:
        """Write the cursor; the channel does not stand still any more."""

    def halt(self, reached: Reached, reason: str) -> None:
        """Write down why the channel stands still."""


def road(*, receiver: uuid.UUID, waiting: Collection[uuid.UUID], inline: bool) -> Literal["waits", "inline", "after"]:
    """How what was said goes to its receiver: who waits for this conversation to come back takes it in himself."""
    return "waits" if receiver in waiting else "inline" if inline else "after"


def converse(*, visit: AbstractContextManager[Any], theirs: Lane, ours: Lane) -> None:
    """Let the receiver, who is visited, take in what was said, and take in what he answered. In one transaction. Raises Stuck."""
    with visit:
        take_all(theirs)
    take_all(ours)


def take_all(lane: Lane) -> None:
    """Take in all that waits, in the open transaction. Raises Stuck."""
    while take_batch(lane) == BATCH:
        pass


def deliver(lane: Lane, *, batches: int | None = None) -> int:
    """Take in what waits, or at most so many batches of it. Gives how many envelopes were taken."""
    total = 0
    for _batch in itertools.count() if batches is None else range(batches):
        taken = deliver_batch(lane)
        total += taken
        # Under the cursor's lock a short batch is all that was committed; whoever commits later delivers himself.
        if taken < BATCH:
            break
    return total


def deliver_batch(lane: Lane) -> int:
    """One batch, in one transaction. What cannot be taken halts the channel; what stands before it is taken, unless that is stuck in its turn."""
    stuck: Stuck | None = None
    while True:
        try:
            taken = lane.whole(partial(take_batch, lane, stuck.seq - 1 if stuck else None))
        except Stuck as error:
            stuck = error
        else:
            break
    if stuck:
        lane.whole(partial(_halt, lane, stuck))
    return taken


def take_batch(lane: Lane, upto: int | None = None) -> int:
    """Lock the cursor, take in what comes next, advance it: all in the open transaction. Gives how many came. Raises Stuck.

    Whoever reacts to an envelope may speak to its sender, who answers in this very channel: that conversation goes on after this envelope, and
    what it has taken in is not taken again.
    """
    outer = _under_way.get().get(lane.key())
    reached = lane.reach() if outer is None else outer.visited()
    if reached is None:
        return 0
    envelopes = lane.following(reached, upto=upto, limit=BATCH)
    first: dict[str, int] = {}
    for envelope in envelopes:
        first.setdefault(envelope.kind.partition(".")[0], envelope.seq)
    for document_type, seq in first.items():
        lane.need_agreement(document_type, seq)
    way = UnderWay(reached)
    token = _under_way.set({**_under_way.get(), lane.key(): way})
    try:
        for envelope in envelopes:
            if envelope.seq > way.passed:
                take(lane, way.reached, envelope)
                way.come_back(lane)
    finally:
        _under_way.reset(token)
    if envelopes:
        lane.advance(way.reached)
    return len(envelopes)


@dataclass(slots=True)
class UnderWay:
    """A channel that is being taken in, and how far; a conversation that an envelope brought about goes on from there. passed: as far as such a one came."""

    reached: Reached
    again: bool = False
    passed: int = 0

    def visited(self) -> Reached:
        """Where such a conversation begins. It may be taken back, so it has a state of its own, and what stands in the end is in the tables."""
        self.again = True
        return replace(self.reached)

    def come_back(self, lane: Lane) -> None:
        """After an envelope: where a conversation went on from it, and was not taken back, it has come further."""
        if self.again:
            self.again = False
            further = lane.reach()
            if further is not None and further.delivered > self.reached.delivered:
                self.reached, self.passed = further, further.delivered


# The channels that are being taken in further out in this transaction.
_under_way: ContextVar[Mapping[Hashable, UnderWay]] = ContextVar("under_way", default=MappingProxyType({}))


def take(lane: Lane, reached: Reached, envelope: Taken) -> None:
    """Check one envelope against the chain, and hand it over. Raises Stuck."""
    body, digest = bytes(envelope.body), bytes(envelope.digest)
    if envelope.seq != reached.delivered + 1 or digest_of(body, reached.digest) != digest:
        raise Stuck(envelope.seq, _("The chain of the channel is broken here."))
    if not lane.signed(envelope):
        raise Stuck(envelope.seq, _("The signature is not the sender's."))
    reached.delivered, reached.digest = envelope.seq, digest
    try:
        lane.accept(envelope, orjson.loads(body))
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        if is_unavailable(error):
            # Nothing is wrong with the envelope: the disk is full, and the sweep tries again.
            raise
        log.exception("an envelope cannot be taken", extra={"channel": str(reached.channel), "seq": envelope.seq})
        raise Stuck(envelope.seq, str(error) or type(error).__name__) from error


def _halt(lane: Lane, stuck: Stuck) -> None:
    """Unless somebody else has brought it further meanwhile."""
    reached = lane.reach()
    if reached is not None and reached.delivered == stuck.seq - 1:
        lane.halt(reached, str(stuck)[:2000])


def due(*, halted_at: dt.datetime | None, attempts: int | None, now: dt.datetime) -> bool:
    """Whether a channel is to be tried (again) now."""
    if halted_at is None:
        return True
    return now >= halted_at + dt.timedelta(minutes=min(LONGEST, 2 ** (attempts or 0) - 1))


def sweep(channels: Iterable[tuple[uuid.UUID, uuid.UUID]], deliver: Callable[[uuid.UUID, uuid.UUID], int]) -> int:
    """Deliver channel by channel (sender, receiver). One's trouble is not another's. Gives how many envelopes were taken."""
    total = 0
    for sender, receiver in channels:
        try:
            total += deliver(sender, receiver)
        except (DatabaseError, OSError):
            log.exception("a channel could not be swept", extra={"sender": str(sender), "receiver": str(receiver)})
    return total
