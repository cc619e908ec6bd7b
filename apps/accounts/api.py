"""Who calls: tokens in, `/me/` and `/oauth/token` out."""

from django.utils.translation import gettext as _
from rest_framework import authentication, exceptions
from rest_framework.request import Request

from apps.accounts import selectors
from apps.accounts.selectors import Entry
from apps.base.api import InEnterprise

__all__ = ["InEnterprise", "TokenAuthentication"]


class TokenAuthentication(authentication.BaseAuthentication):
    """`Authorization: Bearer TOKEN`: an API token, or an OAuth access token. The token names the enterprise."""

    def authenticate(self, request: Request) -> tuple[object, Entry] | None:
        scheme, _space, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return None
        entry = selectors.entry_by_token(token.strip())
        if entry is None:
            raise exceptions.AuthenticationFailed(_("This token opens nothing: it is wrong, revoked or has expired."))
        return entry.actor, entry

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="Tributary"'
