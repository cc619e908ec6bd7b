"""Files beside a document: both enterprises hold the same bytes, each in its own storage."""

import base64
import datetime as dt
import hashlib
import uuid
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.base import announcing
from apps.base.acting import Actor
from apps.base.findings import Invalid
from apps.base.models import new_id
from apps.documents import models
from apps.documents.services import adding, moving, storing
from apps.documents.services.adding import Added, Held
from apps.documents.services.moving import Unacceptable
from apps.documents.services.recognising import clean_name, media_type_of
from apps.tenants.storage import files


def attach(*, document: uuid.UUID, name: str, body: bytes, by: Actor, at: dt.datetime) -> models.Attachment:
    """Lay a file of at most 5 MiB beside a document. Raises NoSuchDocument, MayNot, Invalid.

    The partner of a document that he does not know yet gets the file with its publication.
    """
    with transaction.atomic():
        row = adding.opened(document, move="attach", by=by)
        clean = clean_name(name)
        attachment = models.Attachment(id=new_id(), document=row, own=True, by=by.name, at=at, name=clean, media_type=media_type_of(body, name=clean))
        _add(attachment, body, storing.made_by(by, at=at, move="attach", data={"file": clean}))
        if adding.is_shared(row):
            announcing.announce(_news(attachment, body))
        # Last, for what has failed before leaves no file.
        files().keep(attachment.stored, body)
    return attachment


def accept_attachment(*, body: Mapping[str, Any], partner_id: uuid.UUID) -> None:
    """Take in a partner's file: its bytes must be those that he vouches for. Raises Unacceptable."""
    row = adding.opened_for(partner_id, body["document"])
    content = base64.b64decode(body["content"], validate=True)
    if len(content) != body["size"] or hashlib.sha256(content).hexdigest() != body["sha256"]:
        raise Unacceptable(_("The file is not the one that its digest names."))
    try:
        media_type = media_type_of(content, name=body["name"])
    except Invalid as error:
        raise Unacceptable(error.findings[0].detail) from error
    if media_type != body["media_type"] or clean_name(body["name"]) != body["name"]:
        raise Unacceptable(_("The file is not what its name or media type says."))
    step = adding.partners_step(body, move="attach", data={"file": body["name"]})
    attachment = models.Attachment(id=uuid.UUID(body["attachment"]), document=row, own=False, by=step.by, at=step.at, name=body["name"], media_type=media_type)
    _add(attachment, content, step)
    files().keep(attachment.stored, content)


def _add(attachment: models.Attachment, body: bytes, made: storing.Made) -> None:
    """Write row and step. The name of the file is the id: a delivery that is tried again writes the same file again."""
    attachment.size, attachment.sha256, attachment.stored = len(body), hashlib.sha256(body).hexdigest(), attachment.pk.hex
    attachment.save(force_insert=True)
    moving.note_step(attachment.document, made)


def _news(row: models.Attachment, body: bytes) -> Added:
    wire = {**_said(row), "attachment": str(row.pk), "content": base64.b64encode(body).decode()}
    return Added(document=row.document, kind="attachment", body=wire, at=row.at)


def _said(row: models.Attachment) -> dict[str, Any]:
    told = {"document": str(row.document_id), "by": row.by, "at": row.at.isoformat()}
    return {**told, "name": row.name, "media_type": row.media_type, "size": row.size, "sha256": row.sha256}


def untold(*, document: uuid.UUID) -> list[Added]:
    """The files that were laid beside a document before its partner knew it, to be told with its publication."""
    rows = models.Attachment.objects.filter(document_id=document, own=True).select_related("document").order_by("id")
    return [_news(row, files().read(row.stored)) for row in rows]


def compare_attachments(*, said: Mapping[uuid.UUID, tuple[bool, Mapping[str, Any]]]) -> list[str]:
    """What this home holds differently from the files that were said, in words; each stored file is read and its digest compared.

    said: the bodies that crossed, without their contents, by the id of the attachment, and whether they are one's own.
    """
    rows = list(models.Attachment.objects.order_by("id"))
    held: dict[uuid.UUID, Held] = {row.pk: (row.own, tuple(_said(row).items())) for row in rows}
    told: dict[uuid.UUID, Held] = {key: (own, tuple((name, body.get(name)) for name in SAID)) for key, (own, body) in said.items()}
    return adding.differing("attachment", held=held, said=told) + [found for row in rows for found in _compare_file(row)]


SAID = ("document", "by", "at", "name", "media_type", "size", "sha256")


def _compare_file(row: models.Attachment) -> list[str]:
    try:
        body = files().read(row.stored)
    except FileNotFoundError:
        return [f"attachment {row.pk}: its file is missing"]
    return [] if hashlib.sha256(body).hexdigest() == row.sha256 else [f"attachment {row.pk}: its file differs from its digest"]
