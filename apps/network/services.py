"""Verbs of partnership: invite, consent, decline, suspend, end. Each enterprise writes its own consent only."""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from apps.base import acting, announcing
from apps.base.acting import Actor
from apps.base.findings import refuse
from apps.network import models, selectors
from apps.tenants import selectors as tenants


class ConsentRefused(Exception):
    """The partnership does not stand where this could be done. The message is for the reader."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnershipChanged:
    """News: a partnership of the acting enterprise changed. state: as `selectors.Partner.state` says it."""

    partner: selectors.Partner
    by: Actor
    at: dt.datetime


def invite(*, slug: str, role: str, document_types: Sequence[str], message: str = "", by: Actor, at: dt.datetime) -> selectors.Partner:
    """Invite an enterprise to be a supplier, customer or carrier; one's own consent is given with it.

    Raises Invalid: no such enterprise, oneself, a role that does not exist, or a partnership that stands already.
    """
    if role not in selectors.MIRROR:
        raise refuse("/role", "role", _("The role is one of: supplier, customer, carrier."))
    other, me = tenants.find(slug=slug), acting.home()
    if other is None or other.id == me.id:
        raise refuse(
            "/partner", "partner", _("There is no other enterprise “%(slug)s”. Ask your partner for the short name in its settings.") % {"slug": slug[:60]}
        )
    with transaction.atomic():
        existing = selectors.partners(only=other.id)
        if existing:
            raise refuse("/partner", "exists", _("You and “%(name)s” have a partnership already: look under Network.") % {"name": other.name})
        try:
            with transaction.atomic():
                row = models.Partnership.objects.create(inviter_id=me.id, invitee_id=other.id, role=role, message=message[:2000])
        except IntegrityError as error:
            raise refuse("/partner", "exists", _("You and “%(name)s” have a partnership already: look under Network.") % {"name": other.name}) from error
        return _consent(row.pk, other.id, state="given", document_types=document_types, by=by, at=at)


def accept(*, partnership: uuid.UUID, document_types: Sequence[str] | None = None, by: Actor, at: dt.datetime) -> selectors.Partner:
    """Consent to an invitation, to all the document types that were proposed or to some of them."""
    current = _mine(partnership)
    if current.state != "asked":
        raise ConsentRefused(_("This invitation is not open any more."))
    return _consent(partnership, current.id, state="given", document_types=document_types or current.document_types, by=by, at=at)


def decline(*, partnership: uuid.UUID, by: Actor, at: dt.datetime) -> selectors.Partner:
    current = _mine(partnership)
    if current.state != "asked":
        raise ConsentRefused(_("This invitation is not open any more."))
    return _consent(partnership, current.id, state="declined", document_types=(), by=by, at=at)


def suspend(*, partnership: uuid.UUID, by: Actor, at: dt.datetime) -> selectors.Partner:
    """Exchange nothing for a while; resume() ends it. What was exchanged stays."""
    return _change(partnership, "active", "suspended", by=by, at=at)


def resume(*, partnership: uuid.UUID, by: Actor, at: dt.datetime) -> selectors.Partner:
    return _change(partnership, "suspended", "given", by=by, at=at)


def end(*, partnership: uuid.UUID, by: Actor, at: dt.datetime) -> selectors.Partner:
    """Exchange nothing any more. Both keep their documents and their history."""
    return _change(partnership, "active", "ended", by=by, at=at)


def _change(partnership: uuid.UUID, before: str, to: str, *, by: Actor, at: dt.datetime) -> selectors.Partner:
    current = _mine(partnership)
    if current.state != before:
        raise ConsentRefused(_("The partnership is “%(state)s” now: this cannot be done.") % {"state": current.state})
    return _consent(partnership, current.id, state=to, document_types=None, by=by, at=at)


def _mine(partnership: uuid.UUID) -> selectors.Partner:
    found = [p for p in selectors.partners() if p.partnership_id == partnership]
    if not found:
        raise ConsentRefused(_("There is no such partnership."))
    return found[0]


def _consent(partnership: uuid.UUID, other: uuid.UUID, *, state: str, document_types: Sequence[str] | None, by: Actor, at: dt.datetime) -> selectors.Partner:
    values: dict[str, object] = {"state": state, "changed_at": at}
    if document_types is not None:
        values["document_types"] = list(document_types)
    with transaction.atomic():
        models.Consent.objects.update_or_create(partnership_id=partnership, enterprise_id=acting.home().id, defaults=values)
        partner = selectors.partners(only=other)[0]
        announcing.announce(PartnershipChanged(partner=partner, by=by, at=at))
    return partner
