"""What is kept for proof: the originals of standard messages, and the answers to requests that may be repeated."""

import datetime as dt
import hashlib
import uuid
from dataclasses import dataclass

from django.db import OperationalError, connection, transaction

from apps.base.retrying import sqlstate
from apps.documents import models


class KeyTaken(Exception):
    """The Idempotency-Key was used with another request."""


class StillRunning(Exception):
    """The first request with this Idempotency-Key has not ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer as it was first given."""

    status: int
    headers: dict[str, str]
    body: bytes


def keep_original(*, document: uuid.UUID, step: uuid.UUID | None, kind: str, media_type: str, body: bytes, at: dt.datetime) -> None:
    """Keep a standard message byte for byte beside the document that it made or moved."""
    models.Original.objects.create(document_id=document, step_id=step, kind=kind, media_type=media_type, body=body, received_at=at)


def fingerprint(*parts: bytes) -> str:
    """A SHA-256 that tells whether two requests are the same."""
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def claim(*, key: str, print: str, at: dt.datetime) -> Answer | None:
    """Claim an Idempotency-Key in the open transaction: None for its first use, else the answer that was given then.

    The claim stands or falls with the transaction. Raises KeyTaken, StillRunning.
    """
    reply = models.Reply(key=key, fingerprint=print, created_at=at)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SHOW lock_timeout")
            limit = cursor.fetchone()[0]
            cursor.execute("SET LOCAL lock_timeout = '50ms'")
            fresh = models.Reply.objects.bulk_create([reply], ignore_conflicts=True)
            # A savepoint that is released keeps what was set in it: all that follows would wait for no lock either.
            cursor.execute(f"SET LOCAL lock_timeout = '{limit}'")
    except OperationalError as error:
        if sqlstate(error) == "55P03":
            raise StillRunning from error
        raise
    first = models.Reply.objects.get(key=key)
    return None if first.pk == fresh[0].pk else answer_of(first, print=print)


def answer_of(first: models.Reply, *, print: str) -> Answer:
    """The answer that was kept, for the same request. Raises KeyTaken where it was another one."""
    if first.fingerprint != print:
        raise KeyTaken
    return Answer(status=first.status or 200, headers=first.headers, body=bytes(first.body))


def keep_answer(*, key: str, answer: Answer) -> None:
    """Keep the answer to the request that claimed the key, in the same transaction."""
    models.Reply.objects.filter(key=key).update(status=answer.status, headers=answer.headers, body=answer.body)
