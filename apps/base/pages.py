"""What every page has in common: who may enter it, and that nothing of it is kept for the next enterprise."""

import contextlib
import functools
import ipaddress
from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from apps.base import acting

View = Callable[..., HttpResponseBase]
# Whoever has a network of IPv6 has 2^64 addresses: they are one caller.
IPV6_PREFIX = 64


def in_home(view: View) -> View:
    """A page inside an enterprise's home: who is not signed in signs in first; who works for nobody is told so."""

    @functools.wraps(view)
    def entered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if acting.current().home is None:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            raise PermissionDenied(_("You work for no enterprise at this address. An administrator of the enterprise can let you in."))
        _clean(request)
        response = view(request, *args, **kwargs)
        patch_cache_control(response, private=True, no_cache=True)
        patch_vary_headers(response, ["Cookie", "HX-Request"])
        return response

    return entered


def _clean(request: HttpRequest) -> None:
    """Leave out of what is asked what nobody types and no text in the database can hold (U+0000)."""
    if "%00" in request.META.get("QUERY_STRING", ""):
        asked = request.GET.copy()
        for name, values in list(asked.lists()):
            asked.setlist(name, [value.replace("\x00", "") for value in values])
        request.GET = asked  # type: ignore[assignment]


def from_lobby(view: View) -> View:
    """A page that begins in the lobby, for somebody who acts for an enterprise; it enters the home itself, by at_home()."""

    @functools.wraps(view)
    def begun(request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if getattr(request, "entry", None) is None:
            raise PermissionDenied(_("You work for no enterprise at this address. An administrator of the enterprise can let you in."))
        response = view(request, *args, **kwargs)
        patch_cache_control(response, private=True, no_store=True)
        return response

    return begun


@contextlib.contextmanager
def at_home(request: Any) -> Iterator[None]:
    """Enter the home of the request's entry, out of the lobby."""
    with acting.act_as(request.entry.home, by=request.entry.actor):
        yield


def need(permission: str) -> None:
    """Raises PermissionDenied, with a sentence that names the permission and who can give it, where the actor lacks it."""
    if not acting.actor().may(permission):
        raise PermissionDenied(
            _("You may not do this: your role lacks “%(permission)s”. An administrator of your enterprise can give it to you.") % {"permission": permission}
        )


def is_part(request: HttpRequest) -> bool:
    """Whether a part of the page is asked for (by htmx), and not the whole."""
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-Boosted") != "true"


def way_back(request: HttpRequest, default: str) -> str:
    """The address in `next`, where it is one of ours; else `default`."""
    wanted = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    return wanted if wanted and safe else default


def see_other(url: str) -> HttpResponse:
    """After a POST: go and GET (303)."""
    response = HttpResponseRedirect(url)
    response.status_code = 303
    return response


def caller_address(request: HttpRequest) -> str:
    """The address that the outermost of our own proxies saw; without such proxies, or past them, the one that called."""
    seen, proxies = request.headers.get("X-Forwarded-For", "").split(","), settings.TRUSTED_PROXIES
    caller = str(request.META.get("REMOTE_ADDR", ""))
    given = seen[-proxies].strip() if 0 < proxies <= len(seen) else caller
    return given if _network_of(given) else caller


def caller(request: HttpRequest) -> str:
    """Who calls, for limits: the address, of IPv6 its network."""
    address = caller_address(request)
    return _network_of(address) or address


def _network_of(address: str) -> str:
    """The address itself, of IPv6 its network; empty where it is none."""
    try:
        read = ipaddress.ip_address(address)
    except ValueError:
        return ""
    return address if read.version == 4 else str(ipaddress.ip_network((read, IPV6_PREFIX), strict=False))
