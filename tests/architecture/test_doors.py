"""Every address, and who may enter: an address that is not in this table fails, and each door is tried by those whom it is closed to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.urls import get_resolver
from django.urls.resolvers import URLResolver

from tests.cast import Api, Browser, Cast, order, outside, unchanged

# Who enters: anybody; whoever works for an enterprise (`member`), and some of these by
# what their role permits; a program with a token; an operator of the platform; an enterprise's administrator.
DOORS: dict[str, set[str]] = {
    "anybody": {
        *("healthz", "readyz", "i18n/setlang/", "switch/", "set-up/<str:token>/", "oauth/token/", "oauth/token", "api/v1/oauth/token/", "api/v1/oauth/token"),
        *("api/v1/schema/", "api/v1/schema", "api/v1/docs/", "api/v1/docs", "problems/<slug:code>", "problems/<slug:code>/"),
        *("answer/<str:token>/", "answer/<str:token>/done/", "join/<str:token>/"),
        *("p/<slug:slug>/", "p/<slug:slug>/<slug:code>/", "p/<slug:slug>/pictures/<str:name>/"),
    },
    "accounts": {"accounts/…"},
    "member": {
        *("", "today/counts/", "today/recent/", "today/inbox/", "everywhere/", "search/"),
        *("network/", "network/invite/", "network/partners/<slug:slug>/", "network/partners/<slug:slug>/<str:deed>/"),
        "network/scorecards/<slug:slug>/",
        *("catalogue/", "catalogue/items/new/", "catalogue/items/<uuid:id>/", "catalogue/items/<uuid:id>/edit/"),
        *("catalogue/matching/", "catalogue/matching/<uuid:line>/"),
        *("catalogue/items/<uuid:id>/structure/", "catalogue/items/<uuid:id>/uses/", "catalogue/items/<uuid:id>/sources/"),
        *("catalogue/items/<uuid:id>/components/new/", "catalogue/components/<uuid:id>/", "catalogue/components/<uuid:id>/remove/"),
        *("catalogue/items/<uuid:id>/sources/new/", "catalogue/sources/<uuid:id>/", "catalogue/sources/<uuid:id>/remove/"),
        *("catalogue/sites/", "catalogue/sites/new/", "catalogue/sites/<uuid:id>/", "catalogue/sites/<uuid:id>/remove/"),
        *("catalogue/import/", "catalogue/export/"),
        *("documents/promises/", "documents/despatch-advices/", "documents/receipt-advices/"),
        *("dock/", "dock/pack/", "dock/packing/<uuid:uid>/", "dock/packing/<uuid:uid>/labels/", "dock/expected/", "dock/receiving/<uuid:uid>/"),
        *("dock/stock/", "dock/stock/<uuid:id>/"),
        *("documents/", "documents/orders/", "documents/<slug:collection>/", "documents/<slug:collection>/export/"),
        *("documents/<slug:collection>/answers/", "documents/<slug:collection>/answers/table/"),
        *("documents/<slug:collection>/bulk/<uuid:uid>/", "documents/<slug:collection>/bulk/<uuid:uid>/report/"),
        *("documents/<slug:collection>/views/", "documents/<slug:collection>/views/<uuid:uid>/forget/"),
        *("documents/<slug:collection>/moves/<slug:move>/", "documents/<slug:collection>/new/", "documents/<slug:collection>/<uuid:uid>/"),
        *("documents/<slug:collection>/<uuid:uid>/edit/", "documents/<slug:collection>/<uuid:uid>/parts/<slug:part>/"),
        *("documents/<slug:collection>/<uuid:uid>/message/", "documents/<slug:collection>/<uuid:uid>/thread/"),
        "documents/<slug:collection>/<uuid:uid>/moves/<slug:move>/",
        *("documents/<slug:collection>/<uuid:uid>/attachments/", "documents/<slug:collection>/<uuid:uid>/attachments/<uuid:key>/"),
        "documents/<slug:collection>/<uuid:uid>/originals/<uuid:key>/",
        *("configure/", "configure/of/<slug:seller>/<slug:product>/", "configure/configurations/<uuid:uid>/", "configure/shared/<str:token>/"),
        *("configure/pictures/<slug:seller>/<str:name>/", "configure/products/", "configure/products/new/", "configure/products/<slug:code>/"),
        *(f"configure/products/<slug:code>/{page}/" for page in ("edit", "terms", "deeds", "uvl", "parts/<slug:part>")),
        *("schedule/", "schedule/load/", "schedule/jobs/<uuid:id>/", "schedule/jobs/<uuid:id>/finish/"),
        *("schedule/plans/start/", "schedule/plans/<uuid:id>/stop/"),
        *("schedule/resources/", "schedule/resources/new/", "schedule/resources/<uuid:id>/", "schedule/resources/<uuid:id>/remove/"),
        *("schedule/resources/<uuid:id>/break/", "schedule/resources/<uuid:id>/repair/"),
        *("schedule/calendars/", "schedule/calendars/new/", "schedule/calendars/<uuid:id>/", "schedule/calendars/<uuid:id>/remove/"),
        *("schedule/calendars/<uuid:id>/closures/new/", "schedule/closures/<uuid:id>/remove/"),
        *("schedule/operations/", "schedule/operations/new/", "schedule/operations/<uuid:id>/", "schedule/operations/<uuid:id>/remove/"),
        *("schedule/promises/new/", *(f"schedule/promises/<uuid:uid>/{page}" for page in ("", "order/", "hold/"))),
        *("needs/", "needs/<uuid:uid>/order/", "documents/orders/<uuid:uid>/impact/"),
        *("settings/", "settings/people/<uuid:id>/role/", "settings/people/<uuid:id>/end/", "settings/people/<uuid:id>/again/"),
        *("settings/tokens/<uuid:id>/revoke/", "settings/keys/", "settings/keys/rotate/"),
        *("settings/office/", "network/partners/<slug:slug>/answers/", "network/tolerances/", "network/tolerances/one/"),
        *("settings/notices/", "settings/notices/<uuid:id>/end/"),
        *("network/invite/mail/", "network/invitations/<uuid:id>/<slug:deed>/"),
    },
    "token": {"api/v1/…"},
    "administrator": {"admin/home/…"},
    "operator": {"admin/…"},
}
# In this order: a longer beginning is looked for first.
BEGINNINGS = [("accounts/", "accounts/…"), ("admin/home/", "admin/home/…"), ("admin/", "admin/…"), ("api/v1/", "api/v1/…")]


def routes(patterns: list[Any] | None = None, before: str = "") -> Iterator[str]:
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        else:
            yield route


def door(route: str) -> str | None:
    """Who may enter there; None where nobody has said it."""
    for who, listed in DOORS.items():
        if route in listed:
            return who
    for beginning, name in BEGINNINGS:
        if route.startswith(beginning):
            return next(who for who, listed in DOORS.items() if name in listed)
    return None


def address(route: str, **known: str) -> str:
    """An address that the route answers to, with ids that nobody has unless they are given."""
    values = {"uuid": "0193a000-0000-7000-8000-000000000000", "slug": "orders", "str": "maker", "path": "1", "int": "1", **known}
    plain = re.sub(r"<(\w+):(\w+)>", lambda found: values.get(found.group(2), values[found.group(1)]), route)
    plain = re.sub(r"\^(confirm-email|password/reset/key)/.*", r"\1/1-x/", plain)
    return "/" + re.sub(r"\^|\$|\\|\(\?P<\w+>[^)]*\)", "", plain)


ALL = sorted(set(routes()))


def those(*who: str) -> list[str]:
    return [route for route in ALL if door(route) in who]


def test_every_address_is_in_the_table() -> None:
    assert [route for route in ALL if door(route) is None] == []
    assert len(ALL) > 150


def get(path: str, client: Browser | None = None, method: str = "get") -> Any:
    return outside(getattr(client or Browser(raise_request_exception=False), method), path)


def tried(routes: list[str], wrong: Callable[[str], Any]) -> list[Any]:
    """What is wrong with each of these addresses, where something is."""
    return [(route, found) for route in routes if (found := wrong(route))]


def test_a_page_asks_who_is_there(cast: Cast) -> None:
    def wrong(route: str) -> Any:
        for method in ("get", "post"):
            response = get(address(route), method=method)
            if (response.status_code, response.headers.get("Location", "").partition("?")[0]) != (302, "/accounts/login/"):
                return method, response.status_code
        return None

    with unchanged(*cast):
        assert tried(those("member"), wrong) == []


@pytest.mark.parametrize("token", ["", "trb_wrong", "x" * 5000])
def test_a_program_without_a_token_stays_outside(cast: Cast, token: str) -> None:
    def wrong(route: str) -> Any:
        for method in ("get", "post"):
            response = getattr(Api(token), method)(address(route))
            told = (response.status_code, response.headers["Content-Type"], response.headers.get("WWW-Authenticate", "").partition(" ")[0])
            if told != (401, "application/problem+json", "Bearer"):
                return method, told
        return None

    with unchanged(*cast):
        assert tried(those("token"), wrong) == []


NOBODYS = "0193a000-0000-7000-8000-000000000000"


def test_the_stranger_finds_nothing_by_id(cast: Cast) -> None:
    document = str(order(cast.maker, cast.supplier))

    def wrong(route: str) -> Any:
        for method in ("get", "post"):
            known, unknown = (getattr(cast.stranger.api, method)(address(route, uid=uid)) for uid in (document, NOBODYS))
            if known.status_code not in (404, 405, 422) or known.status_code != unknown.status_code:
                return method, known.status_code, unknown.status_code
            if known.content.replace(document.encode(), b"") != unknown.content.replace(NOBODYS.encode(), b""):
                return method, known.content
        return None

    with unchanged(*cast):
        assert tried([route for route in those("token") if "<str:uid>" in route], wrong) == []


def test_the_stranger_opens_no_page_of_others(cast: Cast) -> None:
    document = str(order(cast.maker, cast.supplier))
    client = cast.stranger.page_client(raise_request_exception=False)

    def wrong(route: str) -> Any:
        for method in ("get", "post"):
            found = [getattr(client, method)(address(route, uid=uid, slug="orders", move="cancel", part="lines")).status_code for uid in (document, NOBODYS)]
            if found not in ([404, 404], [405, 405]):
                return method, found
        return None

    with unchanged(*cast):
        assert tried([route for route in those("member") if "<uuid:uid>" in route and "views" not in route], wrong) == []


def test_only_operators_see_the_platform(cast: Cast) -> None:
    elsewhere = ("/", "/admin/", "/admin/home/")

    def wrong(route: str) -> Any:
        for client in (None, cast.maker.page_client(raise_request_exception=False)):
            response = get(address(route), client)
            target = response.headers.get("Location", "")
            if response.status_code not in (302, 403, 404) and "login" not in route:
                return response.status_code
            if response.status_code == 302 and "/login/" not in target and target not in elsewhere:
                return target
        return None

    with unchanged(*cast):
        assert tried(those("operator"), wrong) == []


def test_only_an_enterprises_administrator_sees_its_home(cast: Cast) -> None:
    def wrong(route: str) -> Any:
        for client in (None, cast.maker.page_client("viewer", raise_request_exception=False)):
            response = get(address(route), client)
            if response.status_code not in (302, 403, 404) and "login" not in route:
                return response.status_code
        return None

    with unchanged(*cast):
        assert tried(those("administrator"), wrong) == []


def test_what_is_open_to_anybody_shows_nobody(cast: Cast) -> None:
    document = order(cast.maker, cast.supplier)
    secrets = [secret.encode() for secret in (str(document), cast.maker.home.name, cast.maker.home.schema)]

    def wrong(route: str) -> Any:
        response = get(address(route))
        if response.status_code >= 500 or any(secret in b"".join(response) for secret in secrets):
            return response.status_code
        return None

    assert tried(those("anybody"), wrong) == []


PAGES = [route for route in those("member") if "<" not in route and not route.endswith(("rotate/", "edit/", "start/", "dock/pack/"))]


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_page_opens_in_both_languages(cast: Cast, language: str) -> None:
    order(cast.maker, cast.supplier)
    client = cast.maker.page_client()
    assert tried(PAGES, lambda route: client.get(f"/{route}", headers={"Accept-Language": language}, follow=True).status_code != 200) == []
