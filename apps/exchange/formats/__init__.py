"""Standard messages in and out, as pure functions: bytes to plain data and back."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from apps.exchange.formats import ubl
from apps.exchange.formats.messages import Finding, Message, Party, PartyLike, Refused

__all__ = ["MEDIA_TYPES", "Finding", "Message", "Party", "PartyLike", "Refused", "UnknownMediaType", "read", "write"]


class UnknownMediaType(Exception):
    """No format is registered for the media type."""


@dataclass(frozen=True)
class _Format:
    read: Callable[[bytes], Message]
    write: Callable[..., bytes]


_FORMATS = {"application/xml": _Format(read=ubl.read, write=ubl.write)}

MEDIA_TYPES: tuple[str, ...] = tuple(_FORMATS)


def _format(media_type: str) -> _Format:
    essence = media_type.partition(";")[0].strip().lower()
    if essence not in _FORMATS:
        raise UnknownMediaType(media_type)
    return _FORMATS[essence]


def read(body: bytes, media_type: str) -> Message:
    """Read one message.

    Parameters of the media type are ignored: an XML document says its own encoding. Raises `UnknownMediaType`, or
    `Refused` with all findings; never anything else, whatever the bytes.
    """
    return _format(media_type).read(body)


def write(kind: str, content: dict[str, Any], *, buyer: PartyLike, seller: PartyLike, media_type: str) -> bytes:
    """Write `content` as a message of `kind` (``order``, ``order_response``, ``order_change``, ``order_cancellation``).

    Raises `UnknownMediaType`, and `Refused` where `content` is not enough for a valid document.
    """
    return _format(media_type).write(kind, content, buyer=buyer, seller=seller)
