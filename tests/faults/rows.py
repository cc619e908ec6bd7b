"""What stands in the homes, the log and the book of the simulation."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from apps.documents.services.folding import Content, Said
from apps.documents.vocabulary import DocumentType, Move

Way = tuple[int, int]
"""Sender and receiver."""


@dataclass(slots=True)
class Row:
    """As much of a document's row as `moving.body_of` asks for."""

    type: str
    pk: uuid.UUID
    side: str


@dataclass(slots=True)
class Step:
    """As much of a step as `moving.body_of` asks for."""

    pk: uuid.UUID
    move: str
    said: int
    seen: int
    at: dt.datetime
    by: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class View:
    """One side's view of a document. booked: what was counted as confirmed, by schedule, in the order of the steps."""

    id: uuid.UUID
    type: DocumentType
    side: str
    partner: int
    content: Content
    own_said: int = 0
    partner_said: int = 0
    moves: tuple[Said, ...] = ()
    booked: tuple[tuple[uuid.UUID, Decimal], ...] = ()


@dataclass(frozen=True, slots=True)
class Head:
    seq: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Cursor:
    delivered: int = 0
    digest: bytes = b""
    halted_at: dt.datetime | None = None
    reason: str = ""
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer, as it is kept with its key."""

    fingerprint: str
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Request:
    """What a client wants, with its key. document: None for a new one. answer: the first that reached him."""

    key: int
    by: int
    partner: int
    document: uuid.UUID | None
    type: DocumentType
    move: Move
    data: dict[str, Any]
    inline: bool
    print: str
    answer: tuple[int, bytes] | None = None


@dataclass(slots=True)
class Ways:
    """What the simulation's own book says of a channel: the steps that were said and taken in, by number, since the last rest."""

    begins: int = 0
    said: list[str] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
