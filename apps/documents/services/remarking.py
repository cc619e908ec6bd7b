"""The thread of a document: messages that both enterprises read."""

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from apps.base import announcing, fields
from apps.base.acting import Actor
from apps.base.findings import refuse
from apps.base.models import new_id
from apps.documents import models
from apps.documents.services import adding, moving, storing
from apps.documents.services.adding import Added, Held


def remark(*, document: uuid.UUID, text: Any, by: Actor, at: dt.datetime) -> models.Message:
    """Write a message of at most 4,000 characters into the thread. Raises NoSuchDocument, MayNot, Invalid."""
    try:
        words = fields.text(text, limit=4000, required=True)
    except fields.Unreadable as error:
        raise refuse("/text", error.code, str(error)) from error
    with transaction.atomic():
        row = adding.opened(document, move="remark", by=by)
        message = models.Message.objects.create(id=new_id(), document=row, own=True, by=by.name, at=at, text=words)
        moving.note_step(row, storing.made_by(by, at=at, move="remark"))
        if adding.is_shared(row):
            body = {"document": str(row.pk), "message": str(message.pk), "by": by.name, "at": at.isoformat(), "text": words}
            announcing.announce(Added(document=row, kind="remark", body=body, at=at))
    return message


def accept_remark(*, body: Mapping[str, Any], partner_id: uuid.UUID) -> None:
    """Take in a partner's message."""
    row = adding.opened_for(partner_id, body["document"])
    step = adding.partners_step(body, move="remark")
    models.Message.objects.create(id=uuid.UUID(body["message"]), document=row, own=False, by=step.by, at=step.at, text=body["text"][:4000])
    moving.note_step(row, step)


def compare_remarks(*, said: Mapping[uuid.UUID, tuple[bool, Mapping[str, Any]]]) -> list[str]:
    """What the threads of this home hold differently from what was said, in words.

    said: the bodies that crossed, by the id of the message, and whether they are one's own.
    """
    held: dict[uuid.UUID, Held] = {row.pk: (row.own, (str(row.document_id), row.by, row.at.isoformat(), row.text)) for row in models.Message.objects.all()}
    told: dict[uuid.UUID, Held] = {key: (own, (body["document"], body["by"], body["at"], body["text"])) for key, (own, body) in said.items()}
    return adding.differing("message", held=held, said=told)


def mark_seen(*, document: uuid.UUID, at: dt.datetime) -> None:
    """Somebody here has looked at the document."""
    models.Document.objects.filter(pk=document, seen_at=None).update(seen_at=at)
