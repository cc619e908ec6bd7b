"""Verbs of partnership: invite, consent, decline, suspend, end. Each enterprise writes its own consent only."""

import datetime as dt
import logging
import re
import secrets
import smtplib
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.mail import send_mail
from django.db import IntegrityError, connection, transaction
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.text import slugify
from django.utils.translation import gettext as _

from apps.accounts import selectors as accounts
from apps.accounts import services as people
from apps.accounts.selectors import token_hash
from apps.accounts.services import check_address
from apps.base import acting, announcing
from apps.base.acting import Actor, Home, act_as
from apps.base.findings import Finding, Invalid, refuse
from apps.base.models import new_id
from apps.network import models, selectors
from apps.network.terms import Term, written
from apps.network.terms import read as read_terms
from apps.tenants import selectors as tenants
from apps.tenants import services as provisioning

log = logging.getLogger(__name__)


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


# How soon to answer ---------------------------------------------------------------------------------------------------

MOST_HOURS, MOST_DAYS = 2000, 365
"""A year of work, and a year."""
MOST_NAME = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweringChanged:
    """News: the acting enterprise is there at other times, or wants to be answered sooner or later. partner: by whom; None where it concerns all."""

    partner: uuid.UUID | None
    at: dt.datetime


def save_office(*, days: Sequence[int], opens: dt.time, closes: dt.time, subdivision: str = "", person: str = "", email: str = "", by: Actor,
                at: dt.datetime) -> models.Office:  # fmt: skip
    """Say when somebody is there to answer, by the clock of the enterprise's time zone, and who hears of it where no answer comes. Raises Invalid."""
    found: list[Finding] = []
    week = sorted(set(days))
    if not week or not set(week) <= set(range(7)):
        found.append(Finding("/days", "days", _("Choose at least one day of the week.")))
    if opens >= closes:
        found.append(Finding("/closes", "closes", _("It closes after it opens, on the same day.")))
    if subdivision and subdivision not in selectors.subdivisions():
        detail = _("“%(value)s” is no part of your country whose holidays are known. It is one of: %(known)s.")
        found.append(Finding("/subdivision", "subdivision", detail % {"value": subdivision[:10], "known": ", ".join(selectors.subdivisions()) or "–"}))
    if len(person) > ADDRESS_LENGTH:
        found.append(Finding("/person", "too_long", _("A name has at most %(count)d characters here.") % {"count": ADDRESS_LENGTH}))
    address = email.strip()
    try:
        if len(address) > ADDRESS_LENGTH:
            raise refuse("/email", "too_long", _("An address has at most %(count)d characters here.") % {"count": ADDRESS_LENGTH})
        if address:
            check_address(address)
    except Invalid as refusal:
        found += refusal.findings
    if found:
        raise Invalid(found)
    values = {"days": week, "opens": opens, "closes": closes, "subdivision": subdivision, "person": person.strip(), "email": address}
    with transaction.atomic():
        row, _new = models.Office.objects.update_or_create(enterprise_id=acting.home().id, defaults=values)
        announcing.announce(AnsweringChanged(partner=None, at=at))
    return row


def say_wishes(*, partnership: uuid.UUID, answer_hours: int | None = None, notice_days: int | None = None, group: str | None = None, by: Actor,
               at: dt.datetime) -> selectors.Partner:  # fmt: skip
    """Say what is wanted of a partner. Raises Invalid, ConsentRefused.

    answer_hours: within how many of his working hours he shall answer; 0: whenever. notice_days: how many days before the date agreed he may ask for
    a change or a cancellation at the latest; 0: at any time. group: one's own name for the suppliers whose answers are tolerated alike; empty: none.
    None: as it is.
    """
    found: list[Finding] = []
    if answer_hours is not None and not 0 <= answer_hours <= MOST_HOURS:
        detail = _("Write a whole number of hours, at most %(count)d; 0 where there is no hurry.") % {"count": MOST_HOURS}
        found.append(Finding("/answer_hours", "answer_hours", detail))
    if notice_days is not None and not 0 <= notice_days <= MOST_DAYS:
        detail = _("Write a whole number of days, at most %(count)d; 0 where you may be asked at any time.") % {"count": MOST_DAYS}
        found.append(Finding("/notice_days", "notice_days", detail))
    if group is not None and len(group) > MOST_NAME:
        found.append(Finding("/group", "too_long", _("At most %(count)d characters stand here.") % {"count": MOST_NAME}))
    if found:
        raise Invalid(found)
    current = _mine(partnership)
    said = {"answer_hours": answer_hours, "notice_days": notice_days, "supplier_group": None if group is None else group.strip()}
    wishes = {name: value for name, value in said.items() if value is not None}
    with transaction.atomic():
        if not models.Consent.objects.filter(partnership_id=partnership, enterprise_id=acting.home().id).update(**wishes):
            raise ConsentRefused(_("Accept the invitation first."))
        told = selectors.partners(only=current.id)[0]
        announcing.announce(PartnershipChanged(partner=told, by=by, at=at))
        if answer_hours is not None:
            announcing.announce(AnsweringChanged(partner=current.id, at=at))
    return told


# What is tolerated ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ToleranceSaid:
    """News: the acting enterprise tolerates something else of its suppliers' answers."""


def save_tolerance(*, terms: Any, partner: str = "", group: str = "", item: str = "", by: Actor, at: dt.datetime) -> models.Tolerance:
    """Say what is tolerated at one place from now on: a new version, beside which the older ones stay.

    partner: his short name; group: a supplier group; neither: all suppliers. item: one's own number; empty: all. terms: as `terms.read` takes them;
    none: as the wider place says. Raises Invalid.
    """
    found: list[Finding] = []
    read: dict[str, Term] = {}
    try:
        read = read_terms(terms)
    except Invalid as refusal:
        found += refusal.findings
    known = next((each for each in selectors.partners() if each.slug == partner), None) if partner else None
    if partner and known is None:
        found.append(Finding("/partner", "partner", _("“%(slug)s” is no partner of yours.") % {"slug": partner[:60]}))
    if partner and group:
        found.append(Finding("/group", "group", _("Name a partner or a group, not both.")))
    found += [
        Finding(f"/{name}", "too_long", _("At most %(count)d characters stand here.") % {"count": MOST_NAME})
        for name, value in (("group", group), ("item", item))
        if len(value) > MOST_NAME
    ]
    if found:
        raise Invalid(found)
    place = {"enterprise_id": acting.home().id, "partner_id": known.id if known else None, "supplier_group": group.strip(), "item": item.strip()}
    with transaction.atomic():
        newest = models.Tolerance.objects.filter(**place).order_by("-version").values_list("version", flat=True).first() or 0
        try:
            with transaction.atomic():
                row = models.Tolerance.objects.create(**place, version=newest + 1, terms=written(read), said_by=by.name, said_at=at)
        except IntegrityError as error:
            raise refuse("/terms", "changed", _("Somebody has said something else here at this moment: look at it, and say it again.")) from error
        announcing.announce(ToleranceSaid())
        return row


# Notices by mail ------------------------------------------------------------------------------------------------------

MOST_CONTACTS = 20
ADDRESS_LENGTH = 150
LINK_DAYS = 14
# Mails that did not leave are tried again after so many seconds, twice as many the next time, and so on; as often as that.
AGAIN_SECONDS, MOST_TRIES = 30, 12


class LinkEnded(Exception):
    """A one-time link that opens nothing any more: used, withdrawn, or too old."""


def add_contact(*, email: str, language: str, by: Actor, at: dt.datetime) -> models.Contact:
    """Be told by mail, at this address and in this language, what waits for an answer. Raises Invalid."""
    address, me = email.strip(), acting.home().id
    if len(address) > ADDRESS_LENGTH:
        raise refuse("/email", "too_long", _("An address has at most %(count)d characters here.") % {"count": ADDRESS_LENGTH})
    check_address(address)
    if language not in dict(settings.LANGUAGES):
        raise refuse("/language", "language", _("There is no such language."))
    known = [contact.email.casefold() for contact in selectors.contacts()]
    if address.casefold() in known:
        raise refuse("/email", "exists", _("This address is told already."))
    if len(known) >= MOST_CONTACTS:
        raise refuse("/email", "too_many", _("At most %(count)d addresses are told. Remove one first.") % {"count": MOST_CONTACTS})
    try:
        with transaction.atomic():
            return models.Contact.objects.create(enterprise_id=me, email=address, language=language, created_at=at)
    except IntegrityError as error:
        raise refuse("/email", "exists", _("This address is told already.")) from error


def remove_contact(*, contact: uuid.UUID, by: Actor, at: dt.datetime) -> bool:
    """Tell this address nothing more; links that it has got are withdrawn. Says whether there was one."""
    with transaction.atomic():
        found = models.Contact.objects.filter(pk=contact, enterprise_id=acting.home().id).first()
        if found is None:
            return False
        models.AnswerLink.objects.filter(enterprise_id=acting.home().id, email__iexact=found.email, ended_at=None).update(ended_at=at, send_at=None)
        found.delete()
    return True


def withdraw_links(*, document: uuid.UUID, at: dt.datetime) -> None:
    """The one-time links to a document open nothing any more. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_WITHDRAW, [at, document])


def renew_links(*, document: uuid.UUID, document_type: str, at: dt.datetime, about: str = "answer") -> None:
    """Withdraw the one-time links to a document, and give one to each contact of the acting enterprise. Two statements, or one where there is no contact.

    about: as `models.AnswerLink` has it.
    """
    with connection.cursor() as cursor:
        cursor.execute(_WITHDRAW_AND_ASK, [at, document, acting.home().id])
        told = cursor.fetchall()
    give_links(document=document, document_type=document_type, to=told, at=at, about=about)


_WITHDRAW = "UPDATE network_answerlink SET ended_at = %s, send_at = NULL WHERE document = %s AND ended_at IS NULL"
_WITHDRAW_AND_ASK = f"WITH ended AS ({_WITHDRAW}) SELECT email, language FROM network_contact WHERE enterprise_id = %s ORDER BY created_at, id"


def tell_responsible(*, document: uuid.UUID, document_type: str, at: dt.datetime) -> bool:
    """The person whom the acting enterprise has named is told by mail that the answer to a document is late. Says whether one is named."""
    office = selectors.office()
    if not office.email:
        return False
    give_links(document=document, document_type=document_type, to=[(office.email, acting.home().language)], at=at, about="late")
    return True


def give_links(*, document: uuid.UUID, document_type: str, to: Sequence[tuple[str, str]], at: dt.datetime, about: str = "answer") -> None:
    """A one-time link to a document for each of these addresses (with its language); the mail is due at once."""
    me, until = acting.home().id, at + dt.timedelta(days=LINK_DAYS)
    common = {"enterprise_id": me, "document_type": document_type, "document": document, "created_at": at, "expires_at": until, "send_at": at}
    about_what = {"about": about, "ended_at": at if about == "late" else None}
    rows = [models.AnswerLink(id=new_id(), email=email, language=language, **common, **about_what) for email, language in to]
    models.AnswerLink.objects.bulk_create(rows)


def need_open(*, link: uuid.UUID, at: dt.datetime) -> models.AnswerLink:
    """The link, where it opens its document still. Whoever asks has locked the document. Raises LinkEnded."""
    found = models.AnswerLink.objects.filter(pk=link, ended_at=None, expires_at__gt=at).first()
    if found is None:
        raise LinkEnded
    return found


def use_link(*, link: uuid.UUID, at: dt.datetime) -> None:
    """What the link was for is done: it opens nothing any more. In the transaction that does it."""
    models.AnswerLink.objects.filter(pk=link).update(ended_at=at, used=True, send_at=None)


def mail_links(*, send: Callable[[models.AnswerLink], bool], at: dt.datetime) -> int:
    """Send the mails of the acting enterprise that are due, each in a transaction of its own. Gives how many left.

    send: says whether it left. Two workers never send the same one; what did not leave is tried again, ever more seldom, and given up in the end.
    """
    due = models.AnswerLink.objects.filter(enterprise_id=acting.home().id, send_at__lte=at).order_by("send_at", "id")
    count = 0
    for key in list(due.values_list("pk", flat=True)[:100]):
        with transaction.atomic():
            link = due.select_for_update(skip_locked=True).filter(pk=key).first()
            if link is None:
                continue
            if send(link):
                link.send_at, count = None, count + 1
            else:
                link.tries += 1
                link.send_at = at + dt.timedelta(seconds=AGAIN_SECONDS * 2**link.tries) if link.tries < MOST_TRIES else None
            link.save(update_fields=["send_at", "tries"])
    return count


# Invitations by mail --------------------------------------------------------------------------------------------------

INVITATION_DAYS = 14
MOST_INVITATIONS = 50
# So long another does not go on with what somebody has begun.
UNDER_WAY = dt.timedelta(seconds=30)


class InvitationClosed(Exception):
    """An invitation by mail that cannot be accepted (any more). why: as `selectors.why_closed` says it, or `unknown`, `busy`, `off`."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class InvitationNotSent(Exception):
    """The invitation stands, and the mail did not leave."""

    def __init__(self, invitation: models.Invitation) -> None:
        super().__init__(_("The invitation stands, but the mail could not be sent. Send it again in a while."))
        self.invitation = invitation


def invite_by_mail(*, email: str, role: str, document_types: Sequence[str], message: str = "", language: str, by: Actor, at: dt.datetime) -> models.Invitation:
    """Invite an enterprise that is not on the platform yet, by the address of somebody there; one's own consent is given with it.

    Raises Invalid; InvitationNotSent: it can be sent again.
    """
    address, me = email.strip(), acting.home()
    if not settings.OPEN_TO_INVITED:
        raise refuse("/email", "closed", _("Enterprises are brought in by the operator here. Ask him, and invite by the short name then."))
    if role not in selectors.MIRROR:
        raise refuse("/role", "role", _("The role is one of: supplier, customer, carrier."))
    if len(address) > ADDRESS_LENGTH:
        raise refuse("/email", "too_long", _("An address has at most %(count)d characters here.") % {"count": ADDRESS_LENGTH})
    check_address(address)
    if language not in dict(settings.LANGUAGES):
        raise refuse("/language", "language", _("There is no such language."))
    with transaction.atomic():
        waiting = selectors.invitations()
        if any(other.email.casefold() == address.casefold() for other in waiting):
            raise refuse("/email", "exists", _("This address is invited already: send the invitation again under Network."))
        if len(waiting) >= MOST_INVITATIONS:
            raise refuse("/email", "too_many", _("At most %(count)d invitations may be open. Withdraw one first.") % {"count": MOST_INVITATIONS})
        token, until = secrets.token_urlsafe(32), at + dt.timedelta(days=INVITATION_DAYS)
        row = models.Invitation.objects.create(
            inviter_id=me.id, email=address, role=role, document_types=list(document_types), message=message[:2000], language=language, by=by.name[:150],
            token_hash=token_hash(token), created_at=at, expires_at=until,
        )  # fmt: skip
    _mail_invitation(row, token)
    return row


def invite_by_mail_again(*, invitation: uuid.UUID, by: Actor, at: dt.datetime) -> models.Invitation | None:
    """Send an invitation once more, with a new link; the one before opens nothing any more. None where there is none. Raises InvitationNotSent."""
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        row = _open_invitation(invitation)
        if row is None:
            return None
        row.token_hash, row.expires_at = token_hash(token), at + dt.timedelta(days=INVITATION_DAYS)
        row.save(update_fields=["token_hash", "expires_at"])
    _mail_invitation(row, token)
    return row


def withdraw_invitation(*, invitation: uuid.UUID, by: Actor, at: dt.datetime) -> models.Invitation | None:
    """Take an invitation back: its link opens nothing any more. None where there is none that could be."""
    with transaction.atomic():
        row = _open_invitation(invitation)
        if row is not None:
            row.withdrawn_at = at
            row.save(update_fields=["withdrawn_at"])
    return row


def _open_invitation(id: uuid.UUID) -> models.Invitation | None:
    return models.Invitation.objects.select_for_update().filter(pk=id, inviter_id=acting.home().id, accepted_at=None, withdrawn_at=None).first()


def _mail_invitation(row: models.Invitation, token: str) -> None:
    me = acting.home()
    with translation.override(row.language):
        context = {
            "invitation": row,
            "enterprise": me.name,
            "address": f"{settings.BASE_URL}/join/{token}/",
            "role": selectors.ROLES[selectors.MIRROR[row.role]],
        }
        subject = _("%(enterprise)s invites you to Tributary") % {"enterprise": me.name}
        text = render_to_string("network/email/invitation.txt", context)
    try:
        send_mail(" ".join(subject.split()), text, None, [row.email])
    except (OSError, smtplib.SMTPException) as error:
        log.exception("an invitation could not be mailed", extra={"enterprise": me.slug})
        raise InvitationNotSent(row) from error


def accept_by_mail(*, token: str, name: str, person: str, password: str, language: str, notices: bool, signed_in: uuid.UUID | None,
                   at: dt.datetime) -> tuple[Home, uuid.UUID]:  # fmt: skip
    """Bring in the enterprise of somebody who was invited by mail: its home, himself as its administrator, and the partnership with both consents.

    From the lobby. Not one transaction, for a home is made by another login: each step is found done where it was, so whoever was interrupted goes
    on by the same link. password: of somebody who is new here; whoever has one already proves by signed_in that he is the one who was invited.
    notices: he is told by mail what waits for him. Gives the home and the person. Raises InvitationClosed, Invalid.
    """
    row = _begin(token, at)
    try:
        administrator = _need_person(row.email, password, signed_in)
        home = tenants.home(id=row.enterprise_id) if row.enterprise_id else _new_home(row, name, language, at)
        if home is None:
            raise InvitationClosed("gone")
        administrator = _let_in(row, home, administrator, person, password, language, at)
        by = Actor(kind="person", id=administrator, name=person or row.email)
        _befriend(row, home, by, at)
        if notices:
            _tell(row, home, by, language, at)
    except BaseException:
        models.Invitation.objects.filter(pk=row.pk).update(begun_at=None)
        raise
    models.Invitation.objects.filter(pk=row.pk).update(accepted_at=at)
    return home, administrator


def _begin(token: str, at: dt.datetime) -> models.Invitation:
    """The invitation, which nobody else accepts meanwhile."""
    with transaction.atomic():
        row = models.Invitation.objects.select_for_update(of=("self",)).select_related("inviter").filter(token_hash=token_hash(token)).first()
        if row is None:
            raise InvitationClosed("unknown")
        why = selectors.why_closed(row, at=at) or ("" if settings.OPEN_TO_INVITED else "off")
        if not why and row.begun_at is not None and at - row.begun_at < UNDER_WAY:
            why = "busy"
        if why:
            raise InvitationClosed(why)
        models.Invitation.objects.filter(pk=row.pk).update(begun_at=at)
    return row


def _need_person(email: str, password: str, signed_in: uuid.UUID | None) -> uuid.UUID | None:
    """Who has this address, where somebody has. Raises Invalid where he has a password, and has not shown that it is he."""
    known = accounts.known_person(email=email)
    if known is not None and known != signed_in:
        raise refuse("/password", "sign_in", _("You have an account with this address already. Sign in first, and open the link again."))
    if known is None and not password:
        raise refuse("/password", "required", _("Choose a password."))
    return known


def _new_home(row: models.Invitation, name: str, language: str, at: dt.datetime) -> Home:
    """Provision the home, under the first short name that is free. Raises Invalid."""
    start = short_name(name, row.email)
    for number in range(1, 100):
        slug = start if number == 1 else f"{start[:36]}-{number}"
        if tenants.is_taken(slug=slug):
            continue
        home = provisioning.provision(slug=slug, name=name, language=language, currency=row.inviter.currency, at=at)
        models.Invitation.objects.filter(pk=row.pk).update(enterprise_id=home.id)
        return home
    raise refuse("/name", "taken", _("There are too many enterprises of this name. Choose another one."))


def short_name(name: str, email: str) -> str:
    """A short name for an enterprise: its name in Latin letters, or where it has none, of its mail's host."""
    host = email.rpartition("@")[2].partition(".")[0]
    for text in (name, host):
        found = re.sub(r"^[^a-z]+", "", slugify(text))[:38].strip("-_").replace("_", "-")
        if len(found) >= 2:
            return found
    return "enterprise"


def _let_in(row: models.Invitation, home: Home, known: uuid.UUID | None, person: str, password: str, language: str, at: dt.datetime) -> uuid.UUID:
    """Make whoever was invited the administrator."""
    if known is not None and any(other.enterprise_id == home.id for other in accounts.memberships(known)):
        return known
    if known is None:
        return people.join_new(enterprise=home.id, email=row.email, role="administrator", name=person, password=password, language=language, at=at)
    return people.join(enterprise=home.id, email=row.email, role="administrator", at=at).user_id


def _befriend(row: models.Invitation, home: Home, by: Actor, at: dt.datetime) -> None:
    """The partnership: proposed by whoever invited, as he did in writing, and accepted by whoever came."""
    with act_as(row.inviter.home(), by=Actor(kind="person", name=row.by)):
        found = selectors.known(slug=home.slug)
        if found is None:
            found = invite(slug=home.slug, role=row.role, document_types=row.document_types, message=row.message, by=acting.actor(), at=at)
    if found.state == "invited":
        with act_as(home, by=by):
            accept(partnership=found.partnership_id, by=by, at=at)


def _tell(row: models.Invitation, home: Home, by: Actor, language: str, at: dt.datetime) -> None:
    with act_as(home, by=by):
        if not selectors.contacts():
            add_contact(email=row.email, language=language, by=by, at=at)
