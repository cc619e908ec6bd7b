"""Into which enterprise a signed-in person goes, and in which language he reads."""

import contextlib
import zoneinfo
from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone, translation

from apps.accounts import selectors
from apps.accounts.selectors import CHOSEN, Entry
from apps.base import sharing
from apps.base.acting import act_as

Next = Callable[[HttpRequest], HttpResponse]
# These answer for the platform, or before anybody has said who he is.
OUTSIDE = ("/api/", "/static/", "/healthz", "/readyz", "/oauth/", "/i18n/", "/problems/", "/p/", "/favicon.ico", "/robots.txt")
# These open to whoever holds a link that was mailed.
BY_LINK = ("/set-up/", "/answer/", "/join/")
# These begin in the lobby, where people and tokens can be read; a view enters the home of request.entry itself where it needs it.
LOBBY = ("/accounts/", "/admin/", "/settings/", "/switch/", "/everywhere/")
# Of these, the ones that are for a person without any enterprise, or before the sign-in, too.
FOR_ANYBODY = ("/accounts/", "/admin/", "/switch/")


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
    Whoever has not signed in is asked to, and whoever works for nobody is told so: no view behind this meets them.
    """

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.entry, request.entries = None, []  # type: ignore[attr-defined]
        if request.path.startswith((*OUTSIDE, *BY_LINK)):
            return self.get_response(request)
        for_anybody = request.path.startswith(FOR_ANYBODY)
        if not request.user.is_authenticated:
            return self.get_response(request) if for_anybody else _to_sign_in(request)
        entries = [selectors.entry_of(membership) for membership in selectors.memberships(request.user.pk)]
        entry = selectors.choose(entries, host=request.get_host(), chosen=request.session.get(CHOSEN, ""))
        request.entry, request.entries = entry, entries  # type: ignore[attr-defined]
        if entry is not None:
            sharing.note(request.session.session_key or "", entry.home.id)
        with _as_the_reader_likes(request, entry):
            if entry is not None and not request.path.startswith(LOBBY):
                return self._inside(request, entry)
            if entry is not None or for_anybody:
                return self.get_response(request)
            return _nowhere(request, entries)

    def _inside(self, request: HttpRequest, entry: Entry) -> HttpResponse:
        with act_as(entry.home, by=entry.actor):
            return self.get_response(request)


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    target = redirect_to_login(request.get_full_path())
    if request.headers.get("HX-Request"):
        return HttpResponse(status=401, headers={"HX-Redirect": target["Location"]})
    return target


def _nowhere(request: HttpRequest, entries: list[Entry]) -> HttpResponse:
    """For a person who works for no enterprise, or not for the one whose host name he opened."""
    if entries:
        return render(request, "404.html", status=404)
    return render(request, "account/nowhere.html", status=403)


@contextlib.contextmanager
def _as_the_reader_likes(request: HttpRequest, entry: Entry | None) -> Iterator[None]:
    """Language and time zone: the person's own choice, else the enterprise's."""
    user: Any = request.user
    chosen = settings.LANGUAGE_COOKIE_NAME in request.COOKIES
    language = request.LANGUAGE_CODE if chosen else (user.language or (entry.home.language if entry else request.LANGUAGE_CODE))
    request.LANGUAGE_CODE = language
    zone = zoneinfo.ZoneInfo(entry.home.time_zone if entry else "UTC")
    with translation.override(language), timezone.override(zone):
        yield
