"""Who has been let in, and is to be inside no longer: refused at once, his sockets closed within a second. And who guesses."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import count
from typing import Any

import httpx
import pytest
from allauth.mfa.totp.internal import auth
from django.conf import settings
from django.core import mail
from django.test import Client
from websockets.exceptions import InvalidStatus

from apps.accounts import models, selectors, services
from apps.base import clock
from tests import tally
from tests.attacks.ways import EVENTS, EVERY, PASSWORD, Ways, answers, name_static_files, operator, still_open
from tests.cast import Cast, PageClient, ask, outside, provision
from tests.live.conftest import Web, close_code, serve
from tests.live.test_entry import lobby, session_of

TOO_MANY = "Too many failed login attempts."
WRONG = "not correct"
_addresses = count(1)


@pytest.fixture(scope="module")
def web(database: None) -> Iterator[Web]:
    """A server of two processes."""
    name_static_files()
    with serve(workers=2) as running:
        yield running


# Out at once -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("event", EVENTS)
def test_what_is_closed_is_closed_at_once_and_its_sockets_within_a_second(web: Web, event: str) -> None:
    ways, (happen, closed) = Ways.open(), EVENTS[event]
    with ExitStack() as stack:
        sockets = {way: stack.enter_context(ways.listen(web, way)) for way in EVERY}
        assert {way: ways.asks(web, way) for way in EVERY} == dict.fromkeys(EVERY, 200)
        happen(ways, web)
        happened = time.monotonic()
        refused = {way: ways.asks(web, way) for way in EVERY}
        assert {way for way, status in refused.items() if status != 200} == closed, refused
        assert {status for status in refused.values() if status != 200} <= {302, 401, 403}
        assert {way: close_code(sockets[way], timeout=happened + 1.5 - time.monotonic()) for way in closed} == dict.fromkeys(closed, 4401)
        seconds = time.monotonic() - happened
        assert seconds <= 1.0
        assert all(answers(sockets[way]) for way in EVERY - closed)
    tally.tell(f"ways in: {event}", tried=len(EVERY) * 2, leaked=0, seconds=seconds)


@pytest.mark.parametrize("event", EVENTS)
def test_the_doorkeeper_knows_what_is_open_still(database: None, event: str) -> None:
    found, wanted = still_open(event)
    assert found == wanted


def test_a_doorkeeper_who_forgets_the_role_is_caught(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(ids: set[str]) -> set[str]:
        alive = models.Membership.objects.filter(pk__in={id.partition("/")[0] for id in ids}, ended_at=None, enterprise__suspended_at=None)
        open_still = {str(pk) for pk in alive.values_list("pk", flat=True)}
        return {id for id in ids if id.partition("/")[0] in open_still}

    monkeypatch.setitem(selectors._OPEN, "membership", careless)
    events = ("sign-out", "another password", "another role", "membership ended", "person deactivated", "enterprise suspended")
    off = [event for event in events if (outcome := still_open(event)) and outcome[0] != outcome[1]]
    assert off == ["another role"]


def test_a_link_that_was_sent_before_the_password_was_set_is_good_for_nothing(database: None) -> None:
    user = provision(f"links-{next(_addresses)}").person("buyer")
    first, second = (lobby(services.set_up_link, user=user.pk, at=clock.now()) for _link in range(2))
    assert lobby(services.use_set_up_link, token=first, password=PASSWORD, at=clock.now())
    for token in (first, second):
        assert lobby(services.use_set_up_link, token=token, password="another one", at=clock.now()) is None
    third = lobby(services.set_up_link, user=user.pk, at=clock.now())
    browser = _signed_in(user.email, PASSWORD)
    given = {"oldpassword": PASSWORD, "password1": "five even taller ones", "password2": "five even taller ones"}
    assert browser.post("/accounts/password/change/", given).status_code == 302
    assert lobby(services.use_set_up_link, token=third, password="another one", at=clock.now()) is None


PASSWORDS = {"another password", "password changed by himself", "password changed in another session", "password reset by mail"}


def test_a_doorkeeper_who_forgets_the_password_is_caught(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(selectors._OPEN, "password", lambda marks: marks)
    monkeypatch.setitem(selectors._OPEN, "session", lambda ids: ids)
    off = {event for event in (*PASSWORDS, "token revoked") if (outcome := still_open(event)) and outcome[0] != outcome[1]}
    assert off == PASSWORDS


OPERATORS_END = {
    "deactivated": "UPDATE accounts_user SET is_active = false WHERE id = %s",
    "no operator any more": "UPDATE accounts_user SET is_superuser = false, is_staff = false WHERE id = %s",
    "session ended": "DELETE FROM django_session WHERE session_key = %s",
    "another password": "UPDATE accounts_user SET password = 'argon2$other' WHERE id = %s",
}


@pytest.mark.parametrize("end", OPERATORS_END)
def test_an_operator_who_is_locked_out_sees_nothing_of_the_platform(database: None, end: str) -> None:
    user, client = operator()
    pages = ("/admin/", "/admin/accounts/user/", "/admin/tenants/enterprise/", "/admin/provision/")
    assert [client.get(page).status_code for page in pages] == [200] * len(pages)
    ask(OPERATORS_END[end], [client.cookies["sessionid"].value if "session" in end else user.pk])
    for page in pages:
        assert (client.get(page).status_code, client.post(page, {}).status_code) in ((302, 302), (404, 404)), page


# Guessing --------------------------------------------------------------------------------------------------------------


def _person() -> str:
    """Somebody with a password; his address."""
    user = provision(f"guessed-{next(_addresses)}").person("buyer")

    def set_password() -> None:
        row = models.User.objects.get(pk=user.pk)
        row.set_password(PASSWORD)
        row.save()

    lobby(set_password)
    return str(user.email)


def _address() -> str:
    number = next(_addresses)
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def _sign_in(email: str, password: str, *, address: str = "", **headers: str) -> Any:
    """One attempt by a browser that has never been here."""
    return PageClient(REMOTE_ADDR=address or _address()).post("/accounts/login/", {"login": email, "password": password}, headers=headers)


def _signed_in(email: str, password: str) -> PageClient:
    browser = PageClient(REMOTE_ADDR=_address())
    assert browser.post("/accounts/login/", {"login": email, "password": password}).status_code == 302
    return browser


def test_an_account_can_be_guessed_at_five_times_from_wherever_and_whatever_it_is_called(database: None) -> None:
    email = _person()
    hosts = ["localhost", "127.0.0.1", "maker.localhost", "any.localhost", "a.b.localhost:81", "localhost:9"]
    spellings = [email, email.upper(), f" {email} ", email.title(), email.swapcase(), email]
    for guess, (host, spelling) in enumerate(zip(hosts, spellings, strict=True)):
        text = _sign_in(spelling, f"guess {guess}", host=host).content.decode()
        assert (TOO_MANY in text, WRONG in text) == (guess == 5, guess < 5)
    assert TOO_MANY in _sign_in(email, PASSWORD).content.decode()
    assert _sign_in(_person(), PASSWORD).status_code == 302


def test_a_second_factor_can_be_guessed_at_five_times(database: None) -> None:
    """Somebody has the password. After five wrong codes the right one is no use, in another browser and under another host neither."""
    email, secret = _person(), auth.generate_totp_secret()
    user = lobby(models.User.objects.get, email=email)
    lobby(auth.TOTP.activate, user, secret)
    right = auth.format_hotp_value(auth.hotp_value(secret, int(time.time()) // 30))
    wrong = ["000000", "111111", "222222", "333333", "444444", "555555"]
    browser, told = _halfway(email), []
    for number, code in enumerate([code for code in wrong if code != right][:5]):
        browser = browser if number % 2 else _halfway(email, host=f"guess-{number}.localhost")
        told.append(browser.post("/accounts/2fa/authenticate/", {"code": code}).status_code)
    assert told == [200] * 5
    for last in (browser, _halfway(email), _halfway(email, host="other.localhost")):
        assert last.post("/accounts/2fa/authenticate/", {"code": right}).status_code != 302
        assert last.get("/settings/").status_code == 302
    tally.tell("second factor guessed at", tried=8, leaked=0, seconds=0)


def test_a_second_factor_lets_in_whoever_has_it_once(database: None) -> None:
    email, secret = _person(), auth.generate_totp_secret()
    lobby(auth.TOTP.activate, lobby(models.User.objects.get, email=email), secret)
    if (left := 30 - time.time() % 30) < 10:
        # A code is of a half minute, and must not grow old on its way.
        time.sleep(left)
    right = auth.format_hotp_value(auth.hotp_value(secret, int(time.time()) // 30))
    first, second = _halfway(email), _halfway(email)
    assert first.get("/settings/").status_code == 302
    assert first.post("/accounts/2fa/authenticate/", {"code": right}).status_code == 302
    assert first.get("/accounts/2fa/").status_code == 200
    assert second.post("/accounts/2fa/authenticate/", {"code": right}).status_code == 200


def _halfway(email: str, **headers: str) -> PageClient:
    """A browser that has said the password, and is asked for the second factor."""
    browser = PageClient(REMOTE_ADDR=_address(), headers=headers)
    answer = browser.post("/accounts/login/", {"login": email, "password": PASSWORD})
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/2fa/authenticate/")
    return browser


@pytest.fixture
def three_guesses(settings: Any) -> None:
    """A narrower limit for an address, as a guess costs the machine a tenth of a second."""
    settings.LIMITS = {**settings.LIMITS, "sign-ins-of-address": (3, 60.0)}


def _guesses(address: str, count: int = 5, **headers: str) -> list[bool]:
    """Whether each of some guesses, each at another account, was refused for their number."""
    answers_given = [_sign_in(f"nobody-{next(_addresses)}@nowhere.example", "x", address=address, **headers) for _guess in range(count)]
    return [TOO_MANY in answer.content.decode() for answer in answers_given]


@pytest.mark.usefixtures("three_guesses")
def test_an_address_is_counted_whomever_it_guesses_at_and_whatever_it_calls_itself(database: None) -> None:
    address = _address()
    forged = {"x-forwarded-for": _address(), "x-real-ip": _address(), "forwarded": f"for={_address()}", "client-ip": _address()}
    assert _guesses(address, 4, **forged) == [False] * 3 + [True]
    assert _guesses(address, 1) == [True]
    network = f"2001:db8:{next(_addresses):x}:1"
    assert [_guesses(f"{network}::{host:x}", 1) for host in range(1, 5)] == [[False]] * 3 + [[True]]


@pytest.mark.usefixtures("three_guesses")
def test_whoever_signs_in_rightly_is_not_counted(database: None) -> None:
    """A whole shift comes in through one address."""
    email, address = _person(), _address()
    for _time in range(31):
        assert _sign_in(email, PASSWORD, address=address).status_code == 302


@pytest.mark.usefixtures("three_guesses")
def test_behind_a_proxy_of_our_own_the_address_that_it_saw_counts(database: None, settings: Any) -> None:
    settings.TRUSTED_PROXIES = 1
    proxy, caller = _address(), _address()
    assert [_guesses(proxy, 1, **{"x-forwarded-for": f"{_address()}, {caller}"}) for _guess in range(4)] == [[False]] * 3 + [[True]]
    assert _guesses(proxy, 1, **{"x-forwarded-for": _address()}) == [False]
    for proxies, seen in ((2, "1.2.3.4"), (1, "nonsense"), (1, ","), (3, "\x7f"), (1, "1.2.3.4:99999999"), (1, "[::1"), (1, "9" * 5000)):
        settings.TRUSTED_PROXIES = proxies
        assert _sign_in("somebody@else.example", "x", address=proxy, **{"x-forwarded-for": seen}).status_code == 200


def test_two_processes_and_thirty_two_guessers_get_five_answers(web: Web) -> None:
    email, started = _person(), time.monotonic()

    def guess(number: int) -> str:
        with httpx.Client(base_url=web.origin, trust_env=False, timeout=30) as browser:
            browser.get("/accounts/login/")
            given = {"login": email, "password": f"guess {number}", "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
            text = browser.post("/accounts/login/", data=given, headers={"Referer": f"{web.origin}/accounts/login/"}).text
            return "refused" if TOO_MANY in text else "answered" if WRONG in text else text

    with ThreadPoolExecutor(32) as pool:
        found = Counter(pool.map(guess, range(48)))
    tally.tell("sign-ins guessed at in 2 processes", tried=48, leaked=max(0, found["answered"] - 5), seconds=time.monotonic() - started)
    assert set(found) == {"answered", "refused"}
    assert found["answered"] == 5


def test_nobody_learns_who_has_an_account(database: None) -> None:
    known, unknown = _sign_in(_person(), "x"), _sign_in(f"nobody-{next(_addresses)}@nowhere.example", "x")
    assert known.status_code == unknown.status_code
    hide = re.compile(rb'value="[^"]*"|nonce-[^"]*|guessed-\d+|[0-9a-f]{32}')
    assert hide.sub(b"", known.content) == hide.sub(b"", unknown.content)


# Another's page, another's name ----------------------------------------------------------------------------------------

EVIL = "evil.example"
FORGED = {
    "x-forwarded-host": EVIL,
    "x-forwarded-server": EVIL,
    "x-forwarded-proto": "https",
    "x-forwarded-prefix": "/evil",
    "x-original-url": "/admin/",
    "x-rewrite-url": "/admin/",
    "x-http-method-override": "DELETE",
    "forwarded": f"host={EVIL};proto=https",
    "x-host": EVIL,
    "x-forwarded-port": "1",
}


@pytest.mark.parametrize(
    "host", [EVIL, "localhost.evil.example", "localhost@evil.example", "evil.example#.localhost", "localhost,evil.example", "", "[::ffff:1]"]
)
def test_a_host_that_is_not_ours_gets_nothing(cast: Cast, host: str) -> None:
    for path in ("/", "/accounts/login/", "/settings/", "/api/v1/me/", "/p/", "/admin/"):
        page = cast.maker.page_client().get(path, headers={"host": host})
        api = cast.maker.api.get(path, headers={"Host": host})
        for answer in (page, api):
            assert answer.status_code in (400, 404), (path, host)
            assert EVIL.encode() not in answer.content
            assert b"Maker" not in answer.content


def test_what_only_a_proxy_may_say_is_not_believed(cast: Cast) -> None:
    browser = cast.maker.page_client()
    hide = re.compile(rb'csrf[^>]*>|hx-headers=[^>]*>|nonce="[^"]*"|\d+ ?(ms|s|min)\b|[0-9a-f.]{20,}|"X-CSRFToken": "[^"]*"')
    for path in ("/settings/", "/network/", "/accounts/password/reset/"):
        plain, forged = browser.get(path), browser.get(path, headers=FORGED)
        assert forged.status_code == plain.status_code == 200
        assert EVIL.encode() not in forged.content
        assert hide.sub(b"", forged.content) == hide.sub(b"", plain.content)
    answer = cast.maker.api.get("orders/?limit=1", headers=FORGED)
    assert answer.status_code == 200
    assert EVIL.encode() not in answer.content
    assert cast.maker.api.get("me/", headers={**FORGED, "Origin": f"http://{EVIL}"}).headers.get("Access-Control-Allow-Origin") is None


@pytest.mark.parametrize("host", ["localhost", "localhost:1", "anybody.localhost:6666"])
def test_mail_leads_to_our_own_address_whatever_the_request_called_it(database: None, host: str) -> None:
    email, mail.outbox = _person(), []
    answer = PageClient(REMOTE_ADDR=_address()).post("/accounts/password/reset/", {"email": email}, headers={"host": host, **FORGED})
    assert answer.status_code == 302
    (sent,) = mail.outbox
    addresses = re.findall(r"https?://[^\s/]+", str(sent.body))
    assert addresses
    assert set(addresses) == {settings.BASE_URL}


@pytest.mark.parametrize(
    "origin", [f"http://{EVIL}", "null", "https://localhost", "http://localhost:1", f"http://localhost.{EVIL}", f"http://{EVIL}.localhost:1"]
)
def test_a_form_of_another_site_changes_nothing(cast: Cast, origin: str) -> None:
    browser = cast.maker.page_client(enforce_csrf_checks=True)
    browser.get("/settings/")
    token = browser.cookies["csrftoken"].value
    forms = {
        "/settings/": {"part": "profile", "name": "Taken over"},
        "/switch/": {"enterprise": "maker"},
        "/accounts/logout/": {},
        "/accounts/password/change/": {"oldpassword": "x", "password1": "y"},
        "/i18n/setlang/": {"language": "zh-hans"},
        "/documents/orders/new/": {"partner": "supplier"},
    }
    for path, given in forms.items():
        with_token = browser.post(path, {**given, "csrfmiddlewaretoken": token}, headers={"Origin": origin})
        without = browser.post(path, given)
        forged = browser.post(path, given, headers={"Referer": f"{origin}/", "X-CSRFToken": "a" * 64})
        assert [answer.status_code for answer in (with_token, without, forged)] == [403] * 3, path
    assert browser.get("/settings/").status_code == 200


@pytest.mark.parametrize(
    "target", [f"//{EVIL}/", f"http://{EVIL}/", f"/\\{EVIL}", f"\\\\{EVIL}", f"http:///{EVIL}", f"javascript:alert({EVIL})", f"\t//{EVIL}"]
)
def test_nobody_is_sent_elsewhere(database: None, target: str) -> None:
    email = _person()
    login = PageClient(REMOTE_ADDR=_address())
    signed_in = login.post("/accounts/login/", {"login": email, "password": PASSWORD, "next": target})
    answers_given = [
        signed_in,
        login.post("/i18n/setlang/", {"language": "en", "next": target}),
        login.post("/i18n/setlang/", {"language": "en"}, headers={"Referer": target.strip()}),
        login.post("/switch/", {"enterprise": email.split("@")[1].split(".")[0], "next": target}),
        login.post("/accounts/logout/", {"next": target}),
    ]
    assert signed_in.status_code == 302
    for answer in answers_given:
        assert EVIL not in answer.headers.get("Location", "")


def test_a_socket_is_not_opened_for_another_sites_page_that_names_a_proxy(web: Web, cast: Cast) -> None:
    cookie = session_of(cast.maker)
    for more in ({"X-Forwarded-Host": EVIL}, {"Forwarded": f"host={EVIL}"}, {"X-Forwarded-Host": EVIL, "X-Forwarded-Proto": "http"}):
        with pytest.raises(InvalidStatus) as refused, web.connect(cookie=cookie, headers={"Origin": f"http://{EVIL}", **more}):
            pass
        assert refused.value.response.status_code == 403


def test_a_request_without_any_browser_is_as_good_as_one_with(cast: Cast) -> None:
    assert outside(Client(enforce_csrf_checks=True).post, "/api/v1/oauth/token/", {"grant_type": "x"}).status_code == 400
