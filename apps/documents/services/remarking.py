"""The thread of a document: messages that both enterprises read."""

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.base import announcing, fields
from apps.base.acting import Actor
from apps.base.findings import refuse
from apps.base.models import Batch, new_id
from apps.documents import models
from apps.documents.services import storing
from apps.documents.services.moving import Moved, Unacceptable, _need, lock
from apps.documents.types import TYPES


@dataclass(frozen=True, slots=True, kw_only=True)
class Remarked:
    """News: a message was written into a document's thread. body: what crosses, None where the partner does not know the document."""

    document: models.Document
    body: Mapping[str, Any] | None
    at: dt.datetime


def remark(*, document: uuid.UUID, text: Any, by: Actor, at: dt.datetime) -> models.Message:
    """Write a message of at most 4,000 characters into the thread. Raises NoSuchDocument, MayNot, Invalid."""
    try:
        words = fields.text(text, limit=4000, required=True)
    except fields.Unreadable as error:
        raise refuse("/text", error.code, str(error)) from error
    with transaction.atomic():
        row, _type = lock(document)
        _need(by, f"{row.type}.remark")
        message = models.Message.objects.create(id=new_id(), document=row, own=True, by=by.name, at=at, text=words)
        _note_step(row, storing.made_by(by, at=at, move="remark"))
        body = {"document": str(row.pk), "message": str(message.pk), "by": by.name, "at": at.isoformat(), "text": words}
        shared = row.own_said + row.partner_said > 0
        announcing.announce(Remarked(document=row, body=body if shared else None, at=at))
    return message


def accept_remark(*, body: Mapping[str, Any], partner_id: uuid.UUID) -> None:
    """Take in a partner's message."""
    row = storing.locked(uuid.UUID(body["document"]))
    if row is None or row.partner_id != partner_id:
        raise Unacceptable(_("This document is not between these two enterprises."))
    at = dt.datetime.fromisoformat(body["at"])
    models.Message.objects.create(id=uuid.UUID(body["message"]), document=row, own=False, by=body["by"][:150], at=at, text=body["text"][:4000])
    _note_step(row, storing.Made(by=body["by"][:150], by_id=None, at=at, own=False, move="remark"))


def _note_step(row: models.Document, made: storing.Made) -> None:
    batch = Batch()
    step = storing.add_step(batch, row, row.state, row.state, made)
    row.updated_at = made.at
    storing.touch_header(batch, row, ["version", "updated_at", "seen_at"])
    batch.write()
    announcing.announce(Moved(document=row, document_type=TYPES[row.type], step=step, body=None))


def compare_remarks(*, said: Mapping[uuid.UUID, tuple[bool, Mapping[str, Any]]]) -> list[str]:
    """What the threads of this home hold differently from what was said, in words.

    said: the bodies that crossed, by the id of the message, and whether they are one's own. A message of one's own that is in no
    envelope was written before the partner knew the document; one of the partner's has no such excuse.
    """
    found = []
    held = {row.pk: row for row in models.Message.objects.all()}
    for key, (own, body) in said.items():
        row = held.get(key)
        if row is None:
            found.append(f"message {key}: missing")
        elif (str(row.document_id), row.own, row.by, row.at.isoformat(), row.text) != (body["document"], own, body["by"], body["at"], body["text"]):
            found.append(f"message {key}: differs from the log")
    return found + [f"message {key}: not in the log" for key, row in held.items() if not row.own and key not in said]


def mark_seen(*, document: uuid.UUID, at: dt.datetime) -> None:
    """Somebody here has looked at the document."""
    models.Document.objects.filter(pk=document, seen_at=None).update(seen_at=at)
