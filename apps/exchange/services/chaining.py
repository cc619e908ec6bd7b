"""The chain: canonical bytes and digests."""

import datetime as dt
import hashlib
import uuid
from collections.abc import Mapping
from typing import Any

import orjson


def canonical(body: Mapping[str, Any]) -> bytes:
    """The bytes of a body: JSON with sorted keys and no white space; numbers stand in it as text (in the spirit of RFC 8785)."""
    return orjson.dumps(body, option=orjson.OPT_SORT_KEYS)


def digest_of(body: bytes, previous: bytes) -> bytes:
    """SHA-256 over the body and the digest of the envelope before it."""
    return hashlib.sha256(body + previous).digest()


def receipt_of(*, channel: uuid.UUID, seq: int, digest: bytes, receiver: uuid.UUID, at: dt.datetime) -> bytes:
    """What a receiver signs: that it took this channel in as far as the envelope of this number and digest."""
    return canonical({"receipt": "taken", "channel": str(channel), "seq": seq, "digest": digest.hex(), "receiver": str(receiver), "at": at.isoformat()})


def link(*, channel: uuid.UUID, head: int, previous: bytes, sender: uuid.UUID, receiver: uuid.UUID, kind: str,
         content: Mapping[str, Any]) -> tuple[int, bytes, bytes]:  # fmt: skip
    """The next envelope of a channel after its head: number, body, digest."""
    seq = head + 1
    body = canonical({"channel": str(channel), "seq": seq, "sender": str(sender), "receiver": str(receiver), "kind": kind, "content": content})
    return seq, body, digest_of(body, previous)
