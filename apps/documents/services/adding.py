"""What is added to a document without moving it, messages and files: how it is written, crosses, is taken in and proven."""

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from apps.base.acting import Actor
from apps.documents import models
from apps.documents.services import storing
from apps.documents.services.moving import Unacceptable, _need, lock


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """News: something was added to a document. kind: what, as the envelope names it; body: what crosses to the partner."""

    document: models.Document
    kind: str
    body: Mapping[str, Any]
    at: dt.datetime


# Of something added: whether it is one's own, and all that the log says of it.
Held = tuple[bool, tuple[Any, ...]]


def opened(document: uuid.UUID, *, move: str, by: Actor) -> models.Document:
    """The header, locked, for somebody who may add to it. Raises NoSuchDocument, MayNot."""
    row, document_type = lock(document)
    _need(by, f"{document_type.code}.{move}")
    return row


def opened_for(partner_id: uuid.UUID, document: str) -> models.Document:
    """The header, locked, for what a partner adds. Raises Unacceptable."""
    row = storing.locked(uuid.UUID(document))
    if row is None or row.partner_id != partner_id:
        raise Unacceptable(_("This document is not between these two enterprises."))
    return row


def is_shared(document: models.Document) -> bool:
    """Whether the partner knows the document."""
    return document.own_said + document.partner_said > 0


def partners_step(body: Mapping[str, Any], *, move: str, data: Mapping[str, Any] | None = None) -> storing.Made:
    """The step of what a partner added."""
    return storing.Made(by=body["by"][:150], by_id=None, at=dt.datetime.fromisoformat(body["at"]), own=False, move=move, data=data)


def differing(what: str, *, held: Mapping[uuid.UUID, Held], said: Mapping[uuid.UUID, Held]) -> list[str]:
    """What is held differently from what was said, in words.

    What is one's own and in no envelope was added before the partner knew the document; what is the partner's has no such excuse.
    """
    found = []
    for key, told in said.items():
        if key not in held:
            found.append(f"{what} {key}: missing")
        elif held[key] != told:
            found.append(f"{what} {key}: differs from the log")
    return found + [f"{what} {key}: not in the log" for key, (own, _rest) in held.items() if not own and key not in said]
