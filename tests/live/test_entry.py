"""Who may listen, for how long, and from which page."""

from __future__ import annotations

import datetime as dt
import socket as sockets
import time
from typing import Any

import pytest
from django.conf import settings
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from apps.accounts import models, selectors, services
from apps.base import clock
from apps.base.acting import SYSTEM, in_lobby
from apps.documents.services import tick
from tests.cast import AT, Cast, Member, ask, befriend, fresh_number, order, outside, provision
from tests.live.conftest import Web, close_code, heard, silent

Pair = tuple[Member, Member]


def session_of(member: Member, role: str = "administrator") -> str:
    """The session key of a browser in which somebody has signed in."""
    return member.page_client(role).cookies[settings.SESSION_COOKIE_NAME].value


def lobby(work: Any, *args: Any, **kwargs: Any) -> Any:
    def inside() -> Any:
        with in_lobby():
            return work(*args, **kwargs)

    return outside(inside)


def browse(web: Web, cookie: str, **query: str) -> Any:
    """A page of our own at the socket."""
    return web.connect(cookie=cookie, headers={"Origin": web.origin}, **query)


def test_the_token_may_come_as_a_subprotocol(web: Web, pair: Pair) -> None:
    buyer, seller = pair
    with web.connect(protocols=[f"bearer.{seller.token}"]) as socket:
        assert socket.subprotocol == Subprotocol(f"bearer.{seller.token}")
        order(buyer, seller)
        assert heard(socket, 1)[0]["event"] == "order.published"


def test_an_oauth_token_opens_the_feed(web: Web, pair: Pair) -> None:
    buyer, seller = pair
    client = lobby(lambda: models.ApiClient.objects.get(token_hash=selectors.token_hash(seller.token)))
    granted = lobby(services.grant_access, client_id=str(client.pk), client_secret=seller.token, at=clock.now())
    assert granted is not None
    with web.connect(token=granted["access_token"]) as socket:
        order(buyer, seller)
        heard(socket, 1)
        lobby(services.revoke_token, client=client.pk, enterprise=seller.id, at=clock.now())
        assert close_code(socket) == 4401


@pytest.mark.parametrize("token", ["", "trb_wrong", "x" * 5000])
def test_without_a_token_that_opens_something_there_is_no_feed(web: Web, database: None, token: str) -> None:
    with web.connect(token=token) as socket:
        assert close_code(socket) == 4401
    with web.connect(protocols=["bearer.wrong"]) as socket:
        assert close_code(socket) == 4401


@pytest.mark.parametrize(
    "cursor", ["x", "0.0", "0.0.-1", "-1.0." + "0" * 32, "ffffffff.0." + "0" * 32, "0.ffffffffffffffff." + "0" * 32, "0_0.0." + "0" * 32, "%00"]
)
def test_a_cursor_that_the_feed_never_gave_is_refused(web: Web, cast: Cast, cursor: str) -> None:
    with web.listen(cast.maker, after=cursor) as socket:
        assert close_code(socket) == 4400


def test_a_browser_listens_by_its_session(web: Web, pair: Pair) -> None:
    buyer, seller = pair
    with browse(web, session_of(seller)) as socket:
        order(buyer, seller)
        assert heard(socket, 1)[0]["partner"] == buyer.slug


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "http://localhost",
        "http://localhost:1",
        "http://evil.localhost:{port}",
        "https://localhost:{port}",
        "null",
        "",
        "http://localhost:{port}.evil.example",
    ],
)
def test_a_page_from_elsewhere_cannot_use_the_session(web: Web, cast: Cast, origin: str) -> None:
    cookie = session_of(cast.maker)
    headers = {"Origin": origin.format(port=web.port)} if origin else {}
    with pytest.raises(InvalidStatus) as refused, web.connect(cookie=cookie, headers=headers):
        pass
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example:80", ""])
def test_a_host_that_is_not_ours_is_refused(web: Web, cast: Cast, host: str) -> None:
    with sockets.create_connection(("127.0.0.1", web.port), timeout=5) as raw:
        lines = ["GET /ws/events/ HTTP/1.1", f"Host: {host}", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"]
        lines += ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", f"Authorization: Bearer {cast.maker.token}", "", ""]
        raw.sendall("\r\n".join(lines).encode())
        assert b" 101 " not in raw.recv(200)


def test_another_address_has_no_socket(web: Web, cast: Cast) -> None:
    address = web.address().replace("/ws/events/", "/ws/other/")
    with pytest.raises(InvalidStatus), connect(address, additional_headers={"Authorization": f"Bearer {cast.maker.token}"}, proxy=None):
        pass


def test_a_revoked_token_closes_its_socket_within_a_second(web: Web, pair: Pair) -> None:
    _buyer, seller = pair
    client, token = lobby(services.issue_token, enterprise=seller.id, name="Short", at=AT)
    with web.connect(token=token) as socket, web.listen(seller) as other:
        lobby(services.revoke_token, client=client.pk, enterprise=seller.id, at=clock.now())
        started = time.monotonic()
        assert close_code(socket) == 4401
        assert time.monotonic() - started <= 1.0
        assert silent(other, 0.2)


def test_who_leaves_the_enterprise_hears_no_more(web: Web, pair: Pair) -> None:
    _buyer, seller = pair
    cookie, person = session_of(seller, "viewer"), seller.person("viewer")
    membership = lobby(lambda: models.Membership.objects.get(user=person))
    with browse(web, cookie) as socket:
        lobby(services.leave, membership=membership.pk, enterprise=seller.id, at=clock.now())
        started = time.monotonic()
        assert close_code(socket) == 4401
        assert time.monotonic() - started <= 1.0
    with browse(web, cookie) as socket:
        assert close_code(socket) == 4403


def test_signing_out_closes_the_socket(web: Web, pair: Pair) -> None:
    _buyer, seller = pair
    browser = seller.page_client("viewer")
    cookie = browser.cookies[settings.SESSION_COOKIE_NAME].value
    with browse(web, cookie) as socket:
        lobby(lambda: browser.session.flush())
        assert close_code(socket) == 4401
    with browse(web, cookie) as socket:
        assert close_code(socket) == 4401


def test_another_password_closes_the_sockets_of_the_old_one(web: Web, pair: Pair) -> None:
    _buyer, seller = pair
    person = seller.person("viewer")
    with browse(web, session_of(seller, "viewer")) as socket:

        def change() -> None:
            user = models.User.objects.get(pk=person.pk)
            user.set_password("a-different-one-2027")
            user.save()

        lobby(change)
        assert close_code(socket) == 4401


def test_a_suspended_enterprise_hears_no_more(web: Web, pair: Pair) -> None:
    _buyer, seller = pair
    with web.listen(seller) as socket, browse(web, session_of(seller)) as page:
        ask("UPDATE tenants_enterprise SET suspended_at = now() WHERE id = %s", [seller.id])
        assert close_code(socket) == 4401
        assert close_code(page) == 4401
    with web.listen(seller) as socket:
        assert close_code(socket) == 4401


def test_an_enterprises_own_host_opens_its_feed_only(web: Web, pair: Pair, cast: Cast) -> None:
    buyer, seller = pair
    cookie = session_of(seller)
    host = f"{seller.slug}.localhost:{web.port}"
    with web.connect(cookie=cookie, headers={"Host": host, "Origin": f"http://{host}"}) as socket:
        order(buyer, seller)
        heard(socket, 1)
    host = f"{cast.maker.slug}.localhost:{web.port}"
    with web.connect(cookie=cookie, headers={"Host": host, "Origin": f"http://{host}"}) as socket:
        assert close_code(socket) == 4403


def test_a_page_listens_for_the_enterprise_that_it_shows(web: Web, pair: Pair, cast: Cast) -> None:
    """One person in two enterprises, a page of each open: neither hears the other's news."""
    buyer, seller = pair
    person = seller.person("seller")
    lobby(services.join, enterprise=buyer.id, email=person.email, role="buyer", at=AT)
    cookie = session_of(seller, "seller")
    with browse(web, cookie, enterprise=seller.slug) as sellers, browse(web, cookie, enterprise=buyer.slug) as buyers:
        order(buyer, seller)
        assert [body["event"] for body in heard(sellers, 1)] == ["order.published"]
        assert [body["event"] for body in heard(buyers, 2)] == ["order.drafted", "order.published"]
    with browse(web, cookie, enterprise=cast.maker.slug) as socket:
        assert close_code(socket) == 4403


def test_pages_hear_of_partnerships_and_programs_of_the_feed_alone(web: Web, pair: Pair) -> None:
    _buyer, seller = pair
    newcomer = provision(f"newcomer-{fresh_number('')}")
    with browse(web, session_of(seller)) as page, browse(web, session_of(newcomer)) as theirs, web.listen(seller) as program:
        befriend(newcomer, seller)
        (nudge,) = heard(page, 1)
        assert nudge["event"] == "network.changed"
        assert nudge["document"] is nudge["partner"] is nudge["by"] is None
        assert heard(theirs, 1)[0]["event"] == "network.changed"
        assert silent(program, 0.5)


def test_pages_hear_that_a_clock_was_set_and_everybody_that_it_struck(web: Web, pair: Pair) -> None:
    buyer, seller = pair
    uid = order(buyer, seller)

    def turn(at: dt.datetime) -> int:
        with seller.acting(SYSTEM):
            return tick(at=at)

    with browse(web, session_of(seller)) as page, web.listen(seller) as program:
        outside(turn, AT + dt.timedelta(hours=1))
        assert [body["event"] for body in heard(page, 1)] == ["clock.changed"]
        assert silent(program, 0.5)
        outside(turn, AT + dt.timedelta(days=30))
        for socket in (page, program):
            (news,) = heard(socket, 1)
            assert (news["event"], news["document"]["uid"]) == ("order.escalated", str(uid))
