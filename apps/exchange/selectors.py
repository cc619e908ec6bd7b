"""Questions about the log: the keys that sign it, and what an operator may see of it."""

import hashlib
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from apps.base import acting
from apps.exchange import models


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """The public half of a signing key. fingerprint: SHA-256 of its 32 bytes (RFC 8032), in groups of four, for people to compare."""

    id: uuid.UUID
    fingerprint: str
    created_at: Any
    retired_at: Any


def fingerprint(public: bytes) -> str:
    """SHA-256 in hexadecimal, in groups of four."""
    digits = hashlib.sha256(public).hexdigest()
    return " ".join(digits[start : start + 4] for start in range(0, len(digits), 4))


def keys(*, enterprise: uuid.UUID) -> list[Key]:
    """The signing keys of an enterprise, the newest first. What retired ones signed stays valid."""
    rows = models.SigningKey.objects.filter(enterprise_id=enterprise).order_by("-created_at", "-id")
    return [Key(id=row.pk, fingerprint=fingerprint(bytes(row.public)), created_at=row.created_at, retired_at=row.retired_at) for row in rows]


METADATA = ("seq", "kind", "sender__slug", "receiver__slug", "seen", "digest", "key_id", "at")


def metadata(*, channel: uuid.UUID, before: int | None = None, limit: int = 100) -> list[Mapping[str, Any]]:
    """What an operator may know of the latest envelopes of a channel: never their bodies, nor which documents they are about."""
    found = models.Envelope.objects.filter(channel_id=channel, **({} if before is None else {"seq__lt": before}))
    return [{**row, "digest": bytes(row["digest"]).hex()} for row in found.order_by("-seq").values(*METADATA)[:limit]]


def exported_keys() -> Iterator[Mapping[str, Any]]:
    """The keys of the acting enterprise and of those with whom it has a channel, as an export holds them; bytes in hexadecimal."""
    me = acting.home().id
    channels = models.Channel.objects.filter(Q(sender=me) | Q(receiver=me)).values_list("sender_id", "receiver_id")
    owners = {me, *(owner for pair in channels for owner in pair)}
    for row in models.SigningKey.objects.filter(enterprise_id__in=owners).order_by("created_at", "id"):
        dates = {name: value.isoformat() if value else None for name, value in (("created_at", row.created_at), ("retired_at", row.retired_at))}
        yield {"id": str(row.pk), "enterprise": str(row.enterprise_id), "public": bytes(row.public).hex(), **dates}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedChannel:
    """A channel as an export begins with it: its parties, and how far it goes."""

    id: uuid.UUID
    sender_id: uuid.UUID
    receiver_id: uuid.UUID
    sender_slug: str
    receiver_slug: str
    head: int
    digest: bytes


def exported_channels() -> list[ExportedChannel]:
    """The channels of the acting enterprise."""
    me = acting.home().id
    rows = models.Channel.objects.filter(Q(sender=me) | Q(receiver=me)).select_related("sender", "receiver").order_by("id")
    return [
        ExportedChannel(
            id=row.pk,
            sender_id=row.sender_id,
            receiver_id=row.receiver_id,
            sender_slug=row.sender.slug,
            receiver_slug=row.receiver.slug,
            head=row.head,
            digest=bytes(row.digest),
        )
        for row in rows
    ]


def exported_envelopes(*, channel: uuid.UUID) -> Iterator[Mapping[str, Any]]:
    """A channel's envelopes from the first on, as an export holds them: what is signed, and nothing that could be changed unseen.

    body: the very text that was hashed; other bytes in hexadecimal.
    """
    for row in models.Envelope.objects.filter(channel_id=channel).order_by("seq").iterator():
        yield {
            "channel": str(row.channel_id),
            "seq": row.seq,
            "sender": str(row.sender_id),
            "receiver": str(row.receiver_id),
            "kind": row.kind,
            "key": str(row.key_id),
            "body": bytes(row.body).decode(),
            "digest": bytes(row.digest).hex(),
            "signature": bytes(row.signature).hex(),
        }


def exported_receipts(*, channel: uuid.UUID) -> Iterator[Mapping[str, Any]]:
    """What the receiver of a channel signed for, in the order of the envelopes."""
    for row in models.Receipt.objects.filter(channel_id=channel).select_related("channel").order_by("seq").iterator():
        yield {
            "channel": str(row.channel_id),
            "seq": row.seq,
            "receiver": str(row.channel.receiver_id),
            "at": row.at.isoformat(),
            "key": str(row.key_id),
            "digest": bytes(row.digest).hex(),
            "signature": bytes(row.signature).hex(),
        }
