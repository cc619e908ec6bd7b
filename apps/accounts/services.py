"""Verbs of people and programs: join an enterprise, change role, leave; issue and revoke tokens."""

import datetime as dt
import logging
import secrets
import smtplib
import uuid
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.core.validators import validate_email
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from apps.accounts import models
from apps.accounts.selectors import CHOSEN, ROLES, token_hash
from apps.base.acting import Actor, Home, in_lobby
from apps.base.findings import refuse
from apps.tenants.services import Arrived, Leaving

log = logging.getLogger(__name__)

LINK_HOURS = 72
ACCESS_SECONDS = 3600


class LastAdministrator(Exception):
    """An enterprise would be left without anybody who can administer it."""

    def __init__(self) -> None:
        super().__init__(_("This is the only administrator. Make somebody else one first."))


class MailNotSent(Exception):
    """The person was added, and the mail to him did not leave."""

    def __init__(self) -> None:
        super().__init__(_("The person was added, but the mail could not be sent. Send it again in a while."))


def check_address(email: str) -> None:
    """Raises Invalid where this is no e-mail address."""
    try:
        validate_email(email)
    except ValidationError as error:
        raise refuse("/email", "email", _("This is no e-mail address.")) from error


def join(
    *, enterprise: uuid.UUID, email: str, role: str, name: str = "", password: str | None = None, language: str = "", at: dt.datetime
) -> models.Membership:
    """Make a person, known by e-mail address, work for an enterprise; a person who is new gets no password but by a set-up link.

    Raises Invalid.
    """
    check_address(email)
    if role not in ROLES:
        raise refuse("/role", "role", _("There is no such role."))
    with transaction.atomic():
        user = models.User.objects.filter(email__iexact=email).first()
        if user is None:
            user = models.User.objects.create_user(email, password, name=name, language=language)
        membership, fresh = models.Membership.objects.get_or_create(user=user, enterprise_id=enterprise, defaults={"role": role})
        if not fresh and membership.ended_at is None:
            raise refuse("/email", "exists", _("This person works for the enterprise already."))
        if not fresh:
            membership.role, membership.ended_at = role, None
            membership.save()
    return membership


def join_new(*, enterprise: uuid.UUID, email: str, role: str, name: str, password: str, language: str, at: dt.datetime) -> uuid.UUID:
    """Make a person work for an enterprise who has shown that the address is his and has no password yet: this is his first one.

    Links to set one are good for nothing afterwards. Gives the person. Raises Invalid.
    """
    with transaction.atomic():
        user = join(enterprise=enterprise, email=email, role=role, name=name, password=password, language=language, at=at).user
        if not user.has_usable_password():
            user.set_password(password)
            user.name, user.language = user.name or name, language
            user.save()
        void_links(user=user.pk, at=at)
    return user.pk


def invite(*, home: Home, email: str, role: str, name: str = "", by: Actor, at: dt.datetime) -> models.Membership:
    """Make a person work for `home` and tell him by mail, in the enterprise's language; whoever is new finds a set-up link in it.

    Raises Invalid, MailNotSent: the person was added then, and the mail can be sent again.
    """
    with transaction.atomic():
        membership = join(enterprise=home.id, email=email, role=role, name=name, language=home.language, at=at)
    _tell_invited(membership, home, by=by, at=at)
    return membership


def invite_again(*, membership: uuid.UUID, home: Home, by: Actor, at: dt.datetime) -> None:
    """Send the mail of invite() once more, to a person who has set no password yet. Raises MailNotSent."""
    found = models.Membership.objects.select_related("user").filter(pk=membership, enterprise_id=home.id, ended_at=None).first()
    if found is not None and not found.user.has_usable_password():
        _tell_invited(found, home, by=by, at=at)


def _tell_invited(membership: models.Membership, home: Home, *, by: Actor, at: dt.datetime) -> None:
    person = membership.user
    new = not person.has_usable_password()
    address = set_up_address(set_up_link(user=person.pk, at=at)) if new else f"{settings.BASE_URL}/"
    with translation.override(home.language):
        context = {"enterprise": home.name, "by": by.name, "address": address, "new": new, "hours": LINK_HOURS, "role": ROLES[membership.role]}
        subject = _("%(enterprise)s invites you to Tributary") % {"enterprise": home.name}
        text = render_to_string("account/email/invitation.txt", context)
    try:
        send_mail(" ".join(subject.split()), text, None, [person.email])
    except (OSError, smtplib.SMTPException) as error:
        log.exception("an invitation could not be mailed", extra={"enterprise": home.slug})
        raise MailNotSent from error


def set_up_address(token: str) -> str:
    """Where a set-up link leads."""
    return f"{settings.BASE_URL}/set-up/{token}/"


def choose_language(*, person: uuid.UUID, language: str, at: dt.datetime) -> None:
    """Remember in which language a person reads, wherever he signs in."""
    if language in dict(settings.LANGUAGES):
        models.User.objects.filter(pk=person).update(language=language)


def make_operator(*, email: str, name: str = "", at: dt.datetime) -> tuple[models.User, str]:
    """Make a person an operator of the platform. Gives the person and a one-time set-up token. Raises Invalid."""
    check_address(email)
    with transaction.atomic():
        user = models.User.objects.filter(email__iexact=email).first() or models.User.objects.create_user(email, None, name=name)
        user.is_staff = user.is_superuser = True
        user.save()
        return user, set_up_link(user=user.pk, at=at)


def first_administrator(*, enterprise: uuid.UUID, email: str, name: str = "", language: str = "", at: dt.datetime) -> str | None:
    """Let the first person into a new enterprise. Gives a one-time set-up token; None where the person has a password already. Raises Invalid."""
    with transaction.atomic():
        membership = join(enterprise=enterprise, email=email, role="administrator", name=name, language=language, at=at)
        return None if membership.user.has_usable_password() else set_up_link(user=membership.user_id, at=at)


def change_role(*, membership: uuid.UUID, enterprise: uuid.UUID, role: str, at: dt.datetime) -> None:
    """Give a person another role. Raises Invalid, LastAdministrator."""
    if role not in ROLES:
        raise refuse("/role", "role", _("There is no such role."))
    with transaction.atomic():
        _keep_one_administrator(enterprise, membership, role)
        models.Membership.objects.filter(pk=membership, enterprise_id=enterprise).update(role=role)


def leave(*, membership: uuid.UUID, enterprise: uuid.UUID, at: dt.datetime) -> None:
    """End a person's work for an enterprise; sessions and sockets end with it. Raises LastAdministrator."""
    with transaction.atomic():
        _keep_one_administrator(enterprise, membership, "")
        models.Membership.objects.filter(pk=membership, enterprise_id=enterprise, ended_at=None).update(ended_at=at)


def _keep_one_administrator(enterprise: uuid.UUID, membership: uuid.UUID, role: str) -> None:
    administrators = models.Membership.objects.select_for_update().filter(enterprise_id=enterprise, role="administrator", ended_at=None)
    if role != "administrator" and {row.pk for row in administrators} == {membership}:
        raise LastAdministrator


def set_up_link(*, user: uuid.UUID, at: dt.datetime) -> str:
    """A one-time token, good for three days, by which a person sets a first password at `/set-up/TOKEN/`."""
    token = secrets.token_urlsafe(32)
    models.SetUpLink.objects.create(user_id=user, token_hash=token_hash(token), expires_at=at + dt.timedelta(hours=LINK_HOURS))
    return token


def void_links(*, user: uuid.UUID, at: dt.datetime) -> None:
    """A person who has set a password needs no set-up link: those that were sent are good for nothing any more."""
    models.SetUpLink.objects.filter(user_id=user, used_at=None).update(used_at=at)


def use_set_up_link(*, token: str, password: str, at: dt.datetime) -> models.User | None:
    """Set the password; the link, and every other one of this person's, is good for nothing afterwards. None where it is used, expired or unknown."""
    with transaction.atomic():
        link = models.SetUpLink.objects.select_for_update().select_related("user").filter(token_hash=token_hash(token), used_at=None, expires_at__gt=at).first()
        if link is None:
            return None
        void_links(user=link.user_id, at=at)
        link.user.set_password(password)
        link.user.save()
    return link.user


def issue_token(*, enterprise: uuid.UUID, name: str, role: str = "integration", at: dt.datetime) -> tuple[models.ApiClient, str]:
    """A new API client and its token, which is shown once and kept nowhere. The token is the client's OAuth secret, too."""
    if not name.strip():
        raise refuse("/name", "required", _("Name the program that will use the token."))
    token = f"trb_{secrets.token_urlsafe(32)}"
    client = models.ApiClient.objects.create(enterprise_id=enterprise, name=name.strip()[:100], role=role, token_hash=token_hash(token))
    return client, token


def revoke_token(*, client: uuid.UUID, enterprise: uuid.UUID, at: dt.datetime) -> None:
    models.ApiClient.objects.filter(pk=client, enterprise_id=enterprise, revoked_at=None).update(revoked_at=at)


def grant_access(*, client_id: str, client_secret: str, at: dt.datetime) -> Mapping[str, Any] | None:
    """An access token of an hour for client credentials (RFC 6749 4.4); None where they are wrong."""
    client = models.ApiClient.objects.filter(token_hash=token_hash(client_secret), revoked_at=None).first()
    if client is None or str(client.pk) != client_id:
        return None
    token = f"tra_{secrets.token_urlsafe(32)}"
    models.AccessToken.objects.create(client=client, token_hash=token_hash(token), expires_at=at + dt.timedelta(seconds=ACCESS_SECONDS))
    return {"access_token": token, "token_type": "Bearer", "expires_in": ACCESS_SECONDS}


def forget_expired(*, at: dt.datetime) -> None:
    """Remove access tokens and set-up links that are good for nothing any more."""
    models.AccessToken.objects.filter(expires_at__lt=at).delete()
    models.SetUpLink.objects.filter(expires_at__lt=at).delete()


def find(*, email: str) -> uuid.UUID | None:
    """The person with this e-mail address."""
    return models.User.objects.filter(email__iexact=email).values_list("pk", flat=True).first()


def forget_enterprise(news: Leaving) -> None:
    """React to an enterprise that leaves: its programs and tokens go, and whoever worked for it and for nobody else, with his sessions."""
    with in_lobby(), transaction.atomic():
        people = set(models.Membership.objects.filter(enterprise_id=news.home.id).values_list("user_id", flat=True))
        models.Membership.objects.filter(enterprise_id=news.home.id).delete()
        models.ApiClient.objects.filter(enterprise_id=news.home.id).delete()
        gone = set(models.User.objects.filter(pk__in=people, memberships=None, is_staff=False, is_superuser=False).values_list("pk", flat=True))
        _forget_sessions({str(person) for person in people}, {str(person) for person in gone}, news.home.slug)
        models.User.objects.filter(pk__in=gone).delete()


def _forget_sessions(people: set[str], gone: set[str], slug: str) -> None:
    """End the sessions of whoever is gone; the others' do not open the enterprise of this slug any more."""
    for session in Session.objects.iterator():
        said = session.get_decoded()
        person = said.get("_auth_user_id")
        if person in gone:
            session.delete()
        elif person in people and said.get(CHOSEN) == slug:
            del said[CHOSEN]
            session.session_data = SessionStore().encode(said)
            session.save()


def join_again(news: Arrived) -> None:
    """React to an enterprise that came in from an export: its people work for it; who is new here has no password yet."""
    with in_lobby(), transaction.atomic():
        for person in news.people:
            if not models.Membership.objects.filter(user__email__iexact=person["email"], enterprise_id=news.home.id).exists():
                join(enterprise=news.home.id, email=person["email"], role=person["role"], name=person["name"], language=person["language"], at=news.at)


def new_administrators(*, enterprise: uuid.UUID, at: dt.datetime) -> list[tuple[str, str]]:
    """The administrators of an enterprise who have no password yet, each with a one-time token."""
    rows = models.Membership.objects.select_related("user").filter(enterprise_id=enterprise, role="administrator", ended_at=None)
    return [(row.user.email, set_up_link(user=row.user_id, at=at)) for row in rows if not row.user.has_usable_password()]
