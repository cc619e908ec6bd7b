"""What opens something is never in a log, whatever goes well or wrong."""

from __future__ import annotations

import base64
import io
import logging
import logging.config
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from django.conf import settings
from django.core import mail

from apps.accounts import models, services
from apps.accounts.views import entering
from apps.base import clock
from apps.tenants import logs
from tests import ground, tally
from tests.attacks.ways import Ways, name_static_files
from tests.cast import Api, Member, PageClient, provision
from tests.live.conftest import close_code, serve
from tests.live.test_entry import lobby

PASSWORD = "four-silent-pelicans-2027"
_numbers = count(1)
Told = dict[str, str]


class Logs:
    """What the processes write, in both formats, from the first line of detail on."""

    def __init__(self) -> None:
        self._outs = {name: io.StringIO() for name in settings.LOGGING["formatters"]}
        configured = logging.config.DictConfigurator(settings.LOGGING)
        self.handlers = []
        for name, out in self._outs.items():
            handler = logging.StreamHandler(out)
            handler.setFormatter(configured.configure_formatter(settings.LOGGING["formatters"][name]))
            handler.addFilter(logs.Context())
            self.handlers.append(handler)

    def text(self) -> str:
        return "\n".join(out.getvalue() for out in self._outs.values())


@pytest.fixture
def written() -> Iterator[Logs]:
    """Everything that is logged meanwhile, more of it than in operation."""
    made, root = Logs(), logging.getLogger()
    before = root.level
    for handler in made.handlers:
        root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    # Statements and templates are told by none but who looks for a fault; refused hosts and requests are.
    wanted = {
        "django.db.backends": logging.INFO,
        "django.template": logging.INFO,
        "django.request": logging.DEBUG,
        "django.security.DisallowedHost": logging.DEBUG,
    }
    quiet = {name: logging.getLogger(name).level for name in wanted}
    for name, level in wanted.items():
        logging.getLogger(name).setLevel(level)
    yield made
    for handler in made.handlers:
        root.removeHandler(handler)
    root.setLevel(before)
    for name, level in quiet.items():
        logging.getLogger(name).setLevel(level)


def _own_secrets() -> Told:
    """Those of the platform."""
    environment = settings.ENVIRONMENT
    logins = {"app": environment.database, "owner": environment.owner, "superuser": environment.superuser}
    return {
        "secret key": settings.SECRET_KEY,
        **{f"key ring {number}": base64.b64encode(key).decode() for number, key in enumerate(environment.key_ring)},
        **{f"password of {name}": login.password for name, login in logins.items() if login and login.password},
    }


def found_in(text: str, secrets: Told) -> list[str]:
    """The secrets that stand in a text."""
    return [name for name, secret in secrets.items() if secret in text]


def come_and_go(member: Member) -> Told:
    """An invitation, a first password, sign-ins right and wrong, a forgotten password, tokens made, used, misused, revoked. What must be told nowhere."""
    told: Told = {"password": PASSWORD, "wrong password": f"no-{PASSWORD}"}
    admin, email = member.page_client(), f"secret{next(_numbers)}@{member.slug}.example"
    told["session of the administrator"] = admin.cookies[settings.SESSION_COOKIE_NAME].value
    mail.outbox = []
    admin.post("/settings/", {"part": "person", "email": email, "name": "New", "role": "buyer"})
    told["set-up link"] = re.findall(r"/set-up/([\w-]+)/", str(mail.outbox[-1].body))[0]
    browser = PageClient(REMOTE_ADDR=f"10.9.8.{next(_numbers)}")
    for path in (f"/set-up/{told['set-up link']}/", f"/set-up/{told['set-up link']}/x", f"/set-up/{told['set-up link']}"):
        browser.get(path)
    browser.post(f"/set-up/{told['set-up link']}/", {"password": "short", "again": told["wrong password"]})
    browser.post(f"/set-up/{told['set-up link']}/", {"password": PASSWORD, "again": PASSWORD})
    browser.post("/accounts/login/", {"login": email, "password": told["wrong password"]})
    browser.post("/accounts/login/", {"login": email, "password": PASSWORD})
    told["session"] = browser.cookies[settings.SESSION_COOKIE_NAME].value
    told |= _forget(email)
    told |= _programs(member, admin)
    browser.post("/accounts/logout/")
    strict = PageClient(enforce_csrf_checks=True)
    strict.post(f"/set-up/{told['set-up link']}/", {"password": PASSWORD, "again": PASSWORD})
    strict.get(f"/set-up/{told['set-up link']}/", headers={"host": "evil.example"})
    return told


def _forget(email: str) -> Told:
    stranger = PageClient(REMOTE_ADDR=f"10.9.7.{next(_numbers)}")
    stranger.post("/accounts/password/reset/", {"email": email})
    key = re.findall(r"/accounts/password/reset/key/([^/\s]+)/", str(mail.outbox[-1].body))[0]
    stranger.get(f"/accounts/password/reset/key/{key}/", follow=True)
    return {"link to a new password": key}


def _programs(member: Member, admin: PageClient) -> Told:
    page = admin.post("/settings/", {"part": "token", "name": "Program", "role": "integration"})
    token = re.findall(r"trb_[\w-]{43}", page.content.decode())[0]
    client = lobby(lambda: models.ApiClient.objects.filter(enterprise=member.id, name="Program").latest("created_at"))
    api = Api(token)
    granted = Api("").request(
        "POST",
        "/oauth/token",
        f"grant_type=client_credentials&client_id={client.pk}&client_secret={token}".encode(),
        content_type="application/x-www-form-urlencoded",
    )
    access = granted.json()["access_token"]
    wrong = "trb_" + "W" * 43
    basic = base64.b64encode(f"{client.pk}:{token}".encode()).decode()
    Api("").post("/oauth/token", {}, headers={"Authorization": f"Basic {basic}"})
    for each in (api, Api(access), Api(wrong)):
        each.get("me/")
        each.get(f"me/?token={each.token}")
        each.post("orders/", {"token": each.token})
        each.post(f"orders/{each.token}/moves/{each.token}/", b"{")
    admin.post(f"/settings/tokens/{client.pk}/revoke/")
    api.get("me/")
    return {"token": token, "access token": access, "wrong token": wrong, "basic credentials": basic}


def test_journeys_leave_no_secret_in_a_log(written: Logs) -> None:
    started = time.monotonic()
    told = {**_own_secrets(), **come_and_go(provision(f"secretive-{next(_numbers)}"))}
    text = written.text()
    assert text.count("/set-up/***") >= 4
    assert "/reset/key/***" in text
    assert "POST /settings/ 200" in text
    leaked = found_in(text, told)
    tally.tell("secrets looked for in logs", tried=len(told), leaked=len(leaked), seconds=time.monotonic() - started)
    assert leaked == []


def test_what_breaks_leaves_no_secret_in_a_log(written: Logs, monkeypatch: pytest.MonkeyPatch) -> None:
    token = lobby(services.set_up_link, user=provision(f"secretive-{next(_numbers)}").person("buyer").pk, at=clock.now())

    def breaks(*_args: Any, **_more: Any) -> Any:
        raise OSError(f"no way to /set-up/{token}/ with trb_{token}")

    monkeypatch.setattr(entering.selectors, "person_of_link", breaks)
    assert PageClient(raise_request_exception=False).get(f"/set-up/{token}/").status_code == 500
    text = written.text()
    assert "OSError: no way to /set-up/***/ with ***" in text
    assert token not in text


def test_processes_print_no_secret(capfd: pytest.CaptureFixture[str]) -> None:
    """Web processes as they are started in earnest, with sockets; and what the database wrote."""
    ways = Ways.open()
    name_static_files()
    with serve(workers=2, LOG_FORMAT="json") as web:
        for way in ("token", "access", "session"):
            ways.asks(web, way)
            with ways.listen(web, way):
                pass
        with web.connect(protocols=[f"bearer.{ways.token}"]) as socket:
            socket.send("something unwanted")
            assert close_code(socket) == 1008
        link = lobby(services.set_up_link, user=ways.person.pk, at=clock.now())
        for path in (f"/set-up/{link}/", f"/set-up/{link}/?again={ways.token}", f"/api/v1/orders/{ways.token}/"):
            try:
                urllib.request.urlopen(f"{web.origin}{path}", timeout=10).read()
            except urllib.error.HTTPError as error:
                error.read()
    out, err = capfd.readouterr()
    server = "".join(path.read_text("utf-8", errors="replace") for path in ground.RUN.rglob("*.log"))
    told = {**_own_secrets(), "token": ways.token, "access": ways.access, "session": ways.cookie, "link": link}
    assert "a socket was opened" in out + err
    assert "/set-up/***" in out + err
    assert server
    assert found_in(out + err + server, told) == []


def test_what_an_enterprise_keeps_tells_no_token(written: Logs) -> None:
    """Nor do the tables: tokens and links stand there as digests."""
    ways = Ways.open()
    link = lobby(services.set_up_link, user=ways.person.pk, at=clock.now())

    def rows() -> str:
        tables = (models.ApiClient, models.AccessToken, models.SetUpLink, models.User)
        return "\n".join(str(list(table.objects.values())) for table in tables)

    text = lobby(rows)
    assert found_in(text, {"token": ways.token, "access": ways.access, "link": link, "password": PASSWORD}) == []


def test_a_log_without_its_filter_is_caught(written: Logs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_hide", lambda record: None)
    told = come_and_go(provision(f"secretive-{next(_numbers)}"))
    assert {"set-up link", "link to a new password"} <= set(found_in(written.text(), told))


@pytest.mark.parametrize(
    ("said", "clean"),
    [
        ("GET /set-up/abcDEF-_123/ 200", "GET /set-up/***/ 200"),
        ("GET /answer/abcDEF-_123/done/ 410", "GET /answer/***/done/ 410"),
        ("POST /join/abcDEF-_123/ 303", "POST /join/***/ 303"),
        ("GET /accounts/password/reset/key/4-abc-def/ 302", "GET /accounts/password/reset/key/***/ 302"),
        ("Authorization: Bearer abc.def-ghi_jkl", "Authorization: Bearer ***"),
        ("protocol bearer.trb_0123456789", "protocol bearer.***"),
        ("a token trb_0123456789abcdef, and tra_0123456789abcdef", "a token ***, and ***"),
        ("GET /settings/ 200", "GET /settings/ 200"),
        ("attribute_error of 4 items", "attribute_error of 4 items"),
    ],
)
def test_what_is_hidden_and_what_is_not(said: str, clean: str) -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "%s", (said,), None)
    assert logs.Context().filter(record)
    assert record.getMessage() == clean
