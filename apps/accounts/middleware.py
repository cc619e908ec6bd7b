"""Into which enterprise a signed-in person goes, and in which language he reads."""

import zoneinfo
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

from apps.accounts import selectors
from apps.accounts.selectors import Entry
from apps.base.acting import act_as
from apps.tenants import selectors as tenants

Next = Callable[[HttpRequest], HttpResponse]
CHOSEN = "enterprise"
# These answer for the platform or for the person, before any home is entered.
OUTSIDE = ("/api/", "/accounts/", "/admin/", "/static/", "/healthz", "/readyz", "/oauth/", "/i18n/", "/set-up/", "/switch/")


class LanguageMiddleware:
    """The reader's language: chosen by himself (cookie), else his own, else the enterprise's, else the browser's."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        language = translation.get_language_from_request(request)
        with translation.override(language):
            request.LANGUAGE_CODE = language
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", request.LANGUAGE_CODE)
        response.headers.setdefault("Vary", "Accept-Language, Cookie")
        return response


class EnterpriseMiddleware:
    """Opens the home of the enterprise for which the person works at the moment, for as long as the view runs.

    request.entry: the open entry, or None; request.entries: all of the person's. A host name of an enterprise opens that one.
    """

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.entry, request.entries = None, []  # type: ignore[attr-defined]
        if request.path.startswith(OUTSIDE) or not request.user.is_authenticated:
            return self.get_response(request)
        memberships = selectors.memberships(request.user.pk)
        request.entries = [selectors.entry_of(membership) for membership in memberships]  # type: ignore[attr-defined]
        entry = self._choose(request, request.entries)  # type: ignore[attr-defined]
        if entry is None:
            return self.get_response(request)
        request.entry = entry  # type: ignore[attr-defined]
        return self._inside(request, entry)

    def _choose(self, request: HttpRequest, entries: list[Entry]) -> Entry | None:
        by_slug = {entry.home.slug: entry for entry in entries}
        direct = tenants.home_at(host=request.get_host().partition(":")[0])
        if direct is not None:
            return by_slug.get(direct.slug)
        return by_slug.get(request.session.get(CHOSEN, "")) or (entries[0] if entries else None)

    def _inside(self, request: HttpRequest, entry: Entry) -> HttpResponse:
        user: Any = request.user
        chosen = settings.LANGUAGE_COOKIE_NAME in request.COOKIES
        language = request.LANGUAGE_CODE if chosen else (user.language or entry.home.language)
        request.LANGUAGE_CODE = language
        with act_as(entry.home, by=entry.actor), translation.override(language), timezone.override(zoneinfo.ZoneInfo(entry.home.time_zone)):
            response = self.get_response(request)
            if hasattr(response, "render") and not response.is_rendered:
                response.render()
        return response
