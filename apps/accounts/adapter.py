from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest

from apps.accounts import services
from apps.base import clock, limiting, pages


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """People come by invitation of an enterprise; nobody signs himself up."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def save_user(self, request: HttpRequest, user: Any, form: Any, commit: bool = True) -> Any:
        raise PermissionError("people come by invitation")

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        """The person with these credentials, None where they are wrong. Attempts that fail are counted for the address and for the account.

        allauth counts them too, but in each process for itself, and by the host name: with a host for every enterprise that is no limit.
        """
        account = str(credentials.get("email", "")).strip().casefold()
        counted = (("sign-ins-of-address", pages.caller(request)), ("sign-ins-of-account", account))
        try:
            limiting.take(*counted)
        except limiting.TooMany as error:
            raise self.validation_error("too_many_login_attempts") from error
        person = super().authenticate(request, **credentials)
        if person is not None:
            limiting.give_back(*counted)
        return person

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Leads to the portal's own address, whatever host and port the request named."""
        return f"{settings.BASE_URL}{urlsplit(super().get_reset_password_from_key_url(key)).path}"

    def set_password(self, user: Any, password: str) -> None:
        """Set it; one-time links that were sent before are good for nothing any more."""
        super().set_password(user, password)
        services.void_links(user=user.pk, at=clock.now())

    def get_client_ip(self, request: HttpRequest) -> str:
        return pages.caller_address(request)
