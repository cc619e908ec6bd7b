"""All the ways in which somebody can be inside an enterprise, and all that must close them."""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core import mail

from apps.accounts import models, selectors, services
from apps.base import clock
from apps.tenants import services as tenants
from tests.cast import AT, Member, PageClient, ask, outside, provision
from tests.live.conftest import Web
from tests.live.test_entry import lobby

PERSONS = frozenset({"session"})
PROGRAMS = frozenset({"token", "access"})
EVERY = PERSONS | PROGRAMS
PASSWORD = "three tall elephants"
_houses = itertools.count(1)
_callers = itertools.count(1)


def name_static_files() -> None:
    """A server asks under which name a static file is served; these tests load none, so each has its own."""
    names = [name for finder in get_finders() for name, _storage in finder.list([])]
    (settings.STATIC_ROOT / "staticfiles.json").write_text(json.dumps({"paths": dict(zip(names, names, strict=True)), "version": "1.1", "hash": ""}))


@dataclass(frozen=True)
class Ways:
    """One enterprise with a person (a buyer) who has signed in, and a program with its token and an access token for it."""

    member: Member
    person: Any
    cookie: str
    client: Any
    token: str
    access: str

    @classmethod
    def open(cls) -> Ways:
        member = provision(f"ways-{next(_houses)}")
        member.person("administrator")
        lobby(_set_password, member.person("buyer"))
        cookie = member.page_client("buyer").cookies[settings.SESSION_COOKIE_NAME].value
        client, token = lobby(services.issue_token, enterprise=member.id, name="Program", at=AT)
        granted = lobby(services.grant_access, client_id=str(client.pk), client_secret=token, at=clock.now())
        assert granted
        return cls(member, member.person("buyer"), cookie, client, token, granted["access_token"])

    @property
    def membership(self) -> Any:
        return lobby(lambda: models.Membership.objects.get(user=self.person, enterprise=self.member.id))

    def keys(self) -> Mapping[str, frozenset[str]]:
        """What must stay open for each way's socket."""

        def found() -> Mapping[str, frozenset[str]]:
            user = models.User.objects.get(pk=self.person.pk)
            entries = {name: selectors.entry_by_token(token) for name, token in (("token", self.token), ("access", self.access))}
            session = selectors.session_keys(self.cookie, user) | selectors.entry_of(selectors.memberships(user.pk)[0]).keys
            return {"session": session, **{name: entry.keys for name, entry in entries.items() if entry}}

        return lobby(found)  # type: ignore[no-any-return]

    def asks(self, web: Web, way: str) -> int:
        """The status that a request by this way gets: a page for the person, REST for the program. The change must be asked for: a buyer may."""
        headers = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={self.cookie}"} if way == "session" else {"Authorization": f"Bearer {getattr(self, way)}"}
        with httpx.Client(base_url=f"http://127.0.0.1:{web.port}", trust_env=False, headers=headers) as caller:
            return caller.get("/documents/orders/new/" if way == "session" else "/api/v1/me/").status_code

    @contextlib.contextmanager
    def listen(self, web: Web, way: str) -> Iterator[Any]:
        """A socket, opened by this way, that answers."""
        given: dict[str, Any] = {"cookie": self.cookie, "headers": {"Origin": web.origin}} if way == "session" else {"token": getattr(self, way)}
        with web.connect(**given) as socket:
            assert answers(socket)
            yield socket


def _set_password(user: Any) -> None:
    user.set_password(PASSWORD)
    user.save()


def browser() -> PageClient:
    """A browser of an address of its own, so that it is counted for itself."""
    number = next(_callers)
    return PageClient(REMOTE_ADDR=f"10.200.{number >> 8 & 255}.{number & 255}")


def operator() -> tuple[Any, PageClient]:
    """An operator of the platform, and the browser in which he has signed in."""
    number, client = next(_callers), browser()

    def enter() -> Any:
        user = models.User.objects.create(email=f"operator-{number}@platform.example", name="Operator", is_staff=True, is_superuser=True)
        user.set_password(PASSWORD)
        user.save()
        client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[0])
        return user

    return lobby(enter), client


def answers(socket: Any) -> bool:
    """Whether a socket says that it lives."""
    socket.send("ping")
    return bool(json.loads(socket.recv(timeout=5))["cursor"])


def _sign_out(ways: Ways, web: Web | None) -> None:
    if web is None:
        lobby(lambda: ask("DELETE FROM django_session WHERE session_key = %s", [ways.cookie]))
        return
    secret = "a" * 32
    headers = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={ways.cookie}; csrftoken={secret}"}
    with httpx.Client(base_url=web.origin, headers=headers, trust_env=False) as browser:
        assert browser.post("/accounts/logout/", data={"csrfmiddlewaretoken": secret}).status_code == 302


def _another_password(ways: Ways, web: Web | None) -> None:
    token = lobby(services.set_up_link, user=ways.person.pk, at=clock.now())
    assert lobby(services.use_set_up_link, token=token, password="four taller elephants", at=clock.now())


CHANGE = {"oldpassword": PASSWORD, "password1": "five even taller ones", "password2": "five even taller ones"}


def _change_password(ways: Ways, web: Web | None) -> None:
    """He changes it himself, in the very browser whose cookie somebody else holds, too."""
    client = browser()
    client.cookies[settings.SESSION_COOKIE_NAME] = ways.cookie
    assert client.post("/accounts/password/change/", CHANGE).status_code == 302
    assert client.cookies[settings.SESSION_COOKIE_NAME].value != ways.cookie
    assert client.get("/documents/orders/new/").status_code == 200


def _change_password_elsewhere(ways: Ways, web: Web | None) -> None:
    """The same person, signed in a second time: what it closes is the first session, what it leaves open is its own."""
    client = ways.member.page_client("buyer", REMOTE_ADDR=browser().defaults["REMOTE_ADDR"])
    assert client.post("/accounts/password/change/", CHANGE).status_code == 302
    assert client.get("/documents/orders/new/").status_code == 200


def _reset_password(ways: Ways, web: Web | None) -> None:
    """By the link in a mail, by somebody who is not signed in."""
    client, sent = browser(), len(mail.outbox)
    assert client.post("/accounts/password/reset/", {"email": ways.person.email}).status_code == 302
    (link,) = re.findall(r"https?://[^/]+(/accounts/password/reset/key/\S+)", str(mail.outbox[sent].body))
    form = client.get(link)
    assert form.status_code == 302
    assert client.post(form["Location"], {"password1": CHANGE["password1"], "password2": CHANGE["password2"]}).status_code == 302


def _deactivated_by_an_operator(ways: Ways, web: Web | None) -> None:
    """In the admin of the platform, as it is done in earnest."""
    _user, client = operator()
    address = f"/admin/accounts/user/{ways.person.pk}/change/"
    page = client.get(address).content.decode()
    hidden = dict(re.findall(r'<input type="hidden" name="([\w-]+_FORMS)" value="(\d+)"', page))
    given = {**hidden, "email": ways.person.email, "name": "Somebody", "language": "en"}
    answer = client.post(address, given)
    assert answer.status_code == 302, answer.content
    assert ask("SELECT is_active FROM accounts_user WHERE id = %s", [ways.person.pk]) == [{"is_active": False}]


def _offboard(ways: Ways, web: Web | None) -> None:
    outside(tenants.offboard, home=ways.member.home, at=clock.now())


def _another_role(ways: Ways, web: Web | None) -> None:
    lobby(services.change_role, membership=ways.membership.pk, enterprise=ways.member.id, role="viewer", at=clock.now())


def _leave(ways: Ways, web: Web | None) -> None:
    lobby(services.leave, membership=ways.membership.pk, enterprise=ways.member.id, at=clock.now())


def _deactivate(ways: Ways, web: Web | None) -> None:
    ask("UPDATE accounts_user SET is_active = false WHERE id = %s", [ways.person.pk])


def _expire_session(ways: Ways, web: Web | None) -> None:
    ask("UPDATE django_session SET expire_date = now() - interval '1 second' WHERE session_key = %s", [ways.cookie])


def _revoke(ways: Ways, web: Web | None) -> None:
    lobby(services.revoke_token, client=ways.client.pk, enterprise=ways.member.id, at=clock.now())


def _expire_access(ways: Ways, web: Web | None) -> None:
    before = clock.now() - dt.timedelta(seconds=1)
    ask("UPDATE accounts_accesstoken SET expires_at = %s WHERE client_id = %s", [before, ways.client.pk])


def _suspend(ways: Ways, web: Web | None) -> None:
    ask("UPDATE tenants_enterprise SET suspended_at = now() WHERE id = %s", [ways.member.id])


Event = Callable[[Ways, Web | None], None]
# What happens -> the ways that it closes.
EVENTS: Mapping[str, tuple[Event, frozenset[str]]] = {
    "sign-out": (_sign_out, PERSONS),
    "another password": (_another_password, PERSONS),
    "password changed by himself": (_change_password, PERSONS),
    "password changed in another session": (_change_password_elsewhere, PERSONS),
    "password reset by mail": (_reset_password, PERSONS),
    "another role": (_another_role, PERSONS),
    "membership ended": (_leave, PERSONS),
    "person deactivated": (_deactivate, PERSONS),
    "person deactivated by an operator": (_deactivated_by_an_operator, PERSONS),
    "session expired": (_expire_session, PERSONS),
    "token revoked": (_revoke, PROGRAMS),
    "access token expired": (_expire_access, frozenset({"access"})),
    "enterprise suspended": (_suspend, EVERY),
    "enterprise offboarded": (_offboard, EVERY),
}


def still_open(event: str) -> tuple[set[str], set[str]]:
    """The ways whose sockets the doorkeeper would leave open after an event, and those that it should."""
    ways, (happen, closed) = Ways.open(), EVENTS[event]
    keys = ways.keys()
    assert set(keys) == EVERY
    happen(ways, None)
    kept = lobby(selectors.still_open, {key for each in keys.values() for key in each})
    return {way for way, each in keys.items() if each <= kept}, set(EVERY - closed)
