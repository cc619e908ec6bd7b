"""Verbs of people and programs: join an enterprise, change role, leave; issue and revoke tokens."""

import datetime as dt
import secrets
import uuid
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts import models
from apps.accounts.selectors import ROLES, token_hash
from apps.base.findings import refuse

LINK_HOURS = 72
ACCESS_SECONDS = 3600


class LastAdministrator(Exception):
    """An enterprise would be left without anybody who can administer it."""

    def __init__(self) -> None:
        super().__init__(_("This is the only administrator. Make somebody else one first."))


def join(
    *, enterprise: uuid.UUID, email: str, role: str, name: str = "", password: str | None = None, language: str = "", at: dt.datetime
) -> models.Membership:
    """Make a person, known by e-mail address, work for an enterprise; a person who is new gets no password but by a set-up link.

    Raises Invalid.
    """
    try:
        validate_email(email)
    except ValidationError as error:
        raise refuse("/email", "email", _("This is no e-mail address.")) from error
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


def use_set_up_link(*, token: str, password: str, at: dt.datetime) -> models.User | None:
    """Set the password; the link is good for nothing afterwards. None where it is used, expired or unknown."""
    with transaction.atomic():
        link = models.SetUpLink.objects.select_for_update().select_related("user").filter(token_hash=token_hash(token), used_at=None, expires_at__gt=at).first()
        if link is None:
            return None
        link.used_at = at
        link.save()
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
