"""What waits for an answer is told by mail to whoever the enterprise has named, with a link by which it can be answered once, without an account."""

import datetime as dt
import logging
import smtplib
import uuid
from collections.abc import Collection, Mapping
from typing import Any

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from apps.base import acting, clock
from apps.base.acting import Actor
from apps.documents import models
from apps.documents.services import owning
from apps.documents.services.moving import Moved, lock
from apps.documents.types import TYPES
from apps.documents.vocabulary import DocumentType, Move
from apps.network import selectors as network
from apps.network import services as partners

log = logging.getLogger(__name__)


def moves_by_link(document_type: DocumentType, *, state: str, side: str) -> list[Move]:
    """What can be done by a one-time link in this state: the answer first. Empty where it could only be acknowledged."""
    found = [move for move in document_type.moves_for(state=state, side=side) if move.by_link]
    return sorted(found, key=lambda move: not move.form) if any(move.form or move.answers for move in found) else []


def actor_of(*, document_type: str, email: str) -> Actor:
    """Whoever holds a link, as the history will name him: by the address to which it went. He may make the moves that a link makes, and nothing else."""
    may = frozenset(f"{document_type}.{move.code}" for move in TYPES[document_type].moves if move.by_link)
    return Actor(kind="person", name=email, permissions=may)


def note(news: Moved) -> None:
    """React to a move: what the partner's one leaves to be answered is told by mail, and what is answered or cancelled needs no link any more."""
    document_type, step, row = news.document_type, news.step, news.document
    declared = document_type.find_move(step.move)
    if declared is None or step.overruled or not _may_have_links(document_type, row.side, (step.before, step.after)):
        return
    # By our own clock: the step bears the time of whoever made it.
    waits, now = bool(moves_by_link(document_type, state=row.state, side=row.side)), clock.now()
    if waits and not step.own:
        partners.renew_links(document=row.pk, document_type=row.type, at=now)
    elif not waits:
        partners.withdraw_links(document=row.pk, at=now)


def _may_have_links(document_type: DocumentType, side: str, states: Collection[str]) -> bool:
    """Whether a document of this side can have had links in one of these states."""
    return any(move.by_link and document_type.allows(move, state=state, side=side) for move in document_type.moves for state in states if state)


def answer_by_link(*, link: uuid.UUID, document: uuid.UUID, move: str, data: Mapping[str, Any], by: Actor, at: dt.datetime) -> models.Document:
    """Make a move by a one-time link, which is used up by it: both, or nothing.

    Where the document still waits for the answer (it was acknowledged only), the address gets a new link by mail, and whoever holds this one does not.
    Raises LinkEnded, and what a move raises.
    """
    with transaction.atomic():
        row, document_type = lock(document)
        found = partners.need_open(link=link, at=at)
        owning.make(type=row.type, document=document, move=move, data=data, by=by, at=at)
        partners.use_link(link=link, at=at)
        row.refresh_from_db()
        if moves_by_link(document_type, state=row.state, side=row.side):
            partners.give_links(document=document, document_type=row.type, to=[(found.email, found.language)], at=at)
    return row


def tell_by_mail(*, at: dt.datetime) -> int:
    """Send the mails with one-time links that are due in this home. Gives how many left."""
    return partners.mail_links(send=_send, at=at)


def _mail(about: str, *, waits_for_us: bool) -> tuple[str, str]:
    """Subject, with its blanks, and template of a mail."""
    if about == "late" and waits_for_us:
        return _("Nobody here has answered %(partner)s: %(type)s %(number)s"), "documents/email/late.txt"
    if about == "late":
        return _("%(partner)s has not answered: %(type)s %(number)s"), "documents/email/late.txt"
    if about == "reminder":
        return _("Reminder: %(partner)s waits for your answer: %(type)s %(number)s"), "documents/email/notice.txt"
    return _("%(partner)s waits for your answer: %(type)s %(number)s"), "documents/email/notice.txt"


def _send(link: Any) -> bool:
    row = models.Document.objects.filter(pk=link.document).first()
    if row is None:
        return False
    waits_for = TYPES[row.type].waits_for(row.state)
    if link.about == "late" and waits_for is None:
        # Answered while the mail waited: nobody needs to hear of it any more.
        return True
    listed = network.names([row.partner_id]).get(row.partner_id)
    with translation.override(link.language), timezone.override(acting.home().time_zone):
        context = {
            "document": row,
            "type_label": TYPES[row.type].label,
            "partner": listed.name if listed else "–",
            "address": f"{settings.BASE_URL}/answer/{network.answer_token(link)}/",
            "page": f"{settings.BASE_URL}/documents/{TYPES[row.type].collection}/{row.pk}/",
            "ours": waits_for == row.side,
            "link": link,
        }
        words = {"partner": context["partner"], "type": context["type_label"], "number": row.number}
        subject, template = _mail(link.about, waits_for_us=waits_for == row.side)
        text = render_to_string(template, context)
    try:
        send_mail(" ".join((subject % words).split()), text, None, [link.email])
    except (OSError, smtplib.SMTPException):
        log.exception("a notice could not be mailed; it is tried again")
        return False
    return True
