"""Verify: every digest and signature anew, every projection rebuilt from the log and compared."""

import uuid
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.db import connection, transaction
from django.db.models import Q

from apps.base import acting
from apps.documents import selectors as documents
from apps.documents import services as engine
from apps.exchange import models
from apps.exchange.services import keys
from apps.exchange.services.chaining import digest_of, receipt_of

# By the last part of an envelope's kind: the name of its id in the body, and who compares.
ADDED = {"remark": ("message", engine.compare_remarks), "attachment": ("attachment", engine.compare_attachments)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Something that is not as the log says, or a link of the log that does not hold. place: channel or enterprise."""

    place: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One channel that was looked at: how many envelopes, how many of them delivered, and whether the receiver is halted."""

    name: str
    envelopes: int
    delivered: int
    halted: bool


@dataclass(slots=True)
class Told:
    """What the log tells this side: the moves by document; by kind what was added, by its id with whether it is its own."""

    moves: dict[uuid.UUID, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    added: dict[str, dict[uuid.UUID, tuple[bool, dict[str, Any]]]] = field(default_factory=lambda: {kind: {} for kind in ADDED})


def verify() -> tuple[list[Checked], list[Difference]]:
    """Look at all channels and documents of the acting enterprise, at one moment. Empty differences: all is proven."""
    checked: list[Checked] = []
    found: list[Difference] = []
    said = Told()
    me = acting.home()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        for channel in models.Channel.objects.filter(Q(sender=me.id) | Q(receiver=me.id)).select_related("sender", "receiver", "cursor").order_by("id"):
            name = f"{channel.sender.slug} → {channel.receiver.slug}"
            delivered = channel.cursor.delivered if hasattr(channel, "cursor") else 0
            found += [Difference(place=name, text=text) for text in _walk(channel, delivered, said)]
            halted = hasattr(channel, "cursor") and channel.cursor.halted_at is not None
            checked.append(Checked(name=name, envelopes=channel.head, delivered=delivered, halted=halted))
        shared = set(documents.shared_ids())
        found += [Difference(place=me.slug, text=f"document {key}: in the tables, not in the log") for key in shared - said.moves.keys()]
        for document, contents in said.moves.items():
            found += [Difference(place=me.slug, text=text) for text in _compare(document, contents)]
        for kind, (_id, compare) in ADDED.items():
            found += [Difference(place=me.slug, text=text) for text in compare(said=said.added[kind])]
    return checked, found


def _compare(document: uuid.UUID, contents: list[dict[str, Any]]) -> list[str]:
    try:
        return engine.compare(document=document, bodies=contents)
    except (KeyError, ValueError, TypeError, AttributeError, ArithmeticError) as error:
        return [f"document {document}: what the log says of it cannot be folded: {type(error).__name__} {error}"]


def _walk(channel: models.Channel, delivered: int, said: Told) -> Iterator[str]:
    """Walk one channel from its first envelope; gather what this side holds of it; say where a link does not hold."""
    mine = channel.sender_id == acting.home().id
    previous, seq = b"", 0
    receipts = {receipt.seq: receipt for receipt in models.Receipt.objects.filter(channel_id=channel.pk)}
    if delivered and delivered not in receipts:
        yield f"envelope {delivered}: the receiver took it in and signed no receipt"
    for envelope in models.Envelope.objects.filter(channel_id=channel.pk).order_by("seq").iterator():
        seq += 1
        body, digest = bytes(envelope.body), bytes(envelope.digest)
        yield from _check(envelope, channel, seq, body, digest, previous)
        previous = digest
        if receipt := receipts.pop(seq, None):
            yield from _check_receipt(receipt, channel, digest, delivered)
        if not (mine or envelope.seq <= delivered):
            continue
        try:
            content = orjson.loads(body)["content"]
            kind = envelope.kind.partition(".")[2]
            if kind in ADDED:
                # A file's bytes are not gathered: its digest tells for them.
                said.added[kind][uuid.UUID(content[ADDED[kind][0]])] = (mine, {name: value for name, value in content.items() if name != "content"})
            else:
                said.moves[envelope.document].append(content)
        except (orjson.JSONDecodeError, KeyError, ValueError):
            yield f"envelope {envelope.seq}: its body cannot be read"
    for number in receipts:
        yield f"envelope {number}: the receiver signed for it, and it is not in the log"
    if seq != channel.head or previous != bytes(channel.digest):
        yield f"the channel's head says {channel.head} envelopes, the log has {seq}, or its last digest differs"


def _check(envelope: models.Envelope, channel: models.Channel, seq: int, body: bytes, digest: bytes, previous: bytes) -> Iterator[str]:
    if envelope.seq != seq:
        yield f"envelope {seq}: missing before {envelope.seq}"
    if digest_of(body, previous) != digest:
        yield f"envelope {envelope.seq}: its digest does not fit its body and the envelope before it"
    if not keys.signed(key=envelope.key_id, sender=channel.sender_id, digest=digest, signature=bytes(envelope.signature)):
        yield f"envelope {envelope.seq}: the signature is not the sender's"


def _check_receipt(receipt: models.Receipt, channel: models.Channel, digest: bytes, delivered: int) -> Iterator[str]:
    if receipt.seq > delivered:
        yield f"envelope {receipt.seq}: the receiver signed for it, and its cursor stands before it"
    if bytes(receipt.digest) != digest:
        yield f"envelope {receipt.seq}: the receiver signed for another one"
    said = receipt_of(channel=channel.pk, seq=receipt.seq, digest=bytes(receipt.digest), receiver=channel.receiver_id, at=receipt.at)
    if not keys.signed(key=receipt.key_id, sender=channel.receiver_id, digest=said, signature=bytes(receipt.signature)):
        yield f"envelope {receipt.seq}: the signature of its receipt is not the receiver's"
