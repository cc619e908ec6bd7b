"""How much one may ask: exactly so many pass, whichever process and thread they come through, and nobody else pays for it."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import InvalidStatus

from apps.accounts import services
from apps.base import clock, limiting
from apps.base.limiting import Counting, InRedis, Limit, SharedFile, TooMany, settle
from portal.embedded import free_port
from tests import redising, tally
from tests.attacks import hammer
from tests.cast import Cast, Member, make_pair, order
from tests.live.conftest import Web, serve
from tests.live.test_entry import lobby

NAME = bytes(range(16))


# The rule --------------------------------------------------------------------------------------------------------------


@given(count=st.integers(1, 50), seconds=st.sampled_from([1.0, 7.0, 60.0, 3600.0]), waits=st.lists(st.floats(0, 30), max_size=200), now=st.floats(1e9, 2e9))
def test_no_window_sees_more_than_the_burst_and_the_pace(count: int, seconds: float, waits: list[float], now: float) -> None:
    limit, empty_at, passed = Limit(count, seconds), 0.0, []
    for wait in [0.0] * (count + 3) + waits:
        now += wait
        empty_at, refused = settle(empty_at, now, limit)
        if not refused:
            passed.append(now)
        else:
            assert 0 < refused <= limit.pace * 1.001
    for first, begin in enumerate(passed):
        for last in range(first, len(passed)):
            assert last - first + 1 <= count + (passed[last] - begin) / limit.pace + 1e-3


def test_a_burst_passes_exactly_and_a_wait_that_was_told_is_enough() -> None:
    limit, empty_at, now = Limit(3, 60.0), 0.0, 1_800_000_000.0
    for _one in range(3):
        empty_at, wait = settle(empty_at, now, limit)
        assert wait == 0
    empty_at, wait = settle(empty_at, now, limit)
    assert wait == pytest.approx(20.0)
    empty_at, again = settle(empty_at, now + wait, limit)
    assert again == 0
    assert settle(empty_at, now + wait, limit)[1] == pytest.approx(20.0)


def test_a_clock_that_was_set_back_holds_nobody_for_longer_than_the_limit() -> None:
    limit, now = Limit(3, 60.0), 1_800_000_000.0
    _empty_at, wait = settle(now + 1e6, now, limit)
    assert wait == pytest.approx(20.0)


# The books -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    """A Redis of this test's own."""
    with redising.running(tmp_path) as found:
        yield found.url


def test_two_processes_and_thirty_two_threads_pass_exactly_as_many_as_may(tmp_path: Path) -> None:
    started = time.monotonic()
    found = hammer.passed("file", str(tmp_path / "limits"), count=500, processes=2, threads=16, tries=50)
    tally.tell("limits: 32 threads in 2 processes", tried=1600, leaked=max(0, found - 500), lost=max(0, 500 - found), seconds=time.monotonic() - started)
    assert found == 500


def test_a_book_that_reads_and_then_writes_is_caught(tmp_path: Path) -> None:
    assert hammer.passed("careless", str(tmp_path / "limits"), count=500, processes=2, threads=16, tries=50) > 500


def test_redis_passes_exactly_as_many_as_may(redis_url: str) -> None:
    assert hammer.passed("redis", redis_url, count=500, processes=2, threads=16, tries=50) == 500
    with pytest.raises(AssertionError):
        assert InRedis(redis_url).take(NAME, Limit(500, hammer.PER)) == 0
    assert 0 < InRedis(redis_url).take(NAME, Limit(500, hammer.PER)) <= 7.2
    InRedis(redis_url).give_back(NAME, Limit(500, hammer.PER))
    assert InRedis(redis_url).take(NAME, Limit(500, hammer.PER)) == 0


@pytest.mark.parametrize("kind", ["file", "redis"])
def test_what_is_given_back_may_be_taken_again(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    book = hammer.book_of(kind, request.getfixturevalue("redis_url") if kind == "redis" else str(tmp_path / "limits"))
    limit = Limit(2, 3600.0)
    assert [book.take(NAME, limit) > 0 for _try in range(3)] == [False, False, True]
    book.give_back(NAME, limit)
    assert [book.take(NAME, limit) > 0 for _try in range(2)] == [False, True]


def test_without_redis_the_machine_counts_and_without_a_disk_nobody_is_stopped(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    book, limit = Counting(f"redis://127.0.0.1:{free_port()}/0", tmp_path / "limits"), Limit(2, 3600.0)
    assert [book.take(NAME, limit) > 0 for _try in range(3)] == [False, False, True]
    assert caplog.text.count("each machine counts for itself") == 1
    (tmp_path / "file").write_text("")
    book = Counting(None, tmp_path / "file" / "limits")
    assert [book.take(NAME, limit) for _try in range(3)] == [0, 0, 0]
    assert "nobody is stopped" in caplog.text


def test_of_a_full_page_the_slot_that_is_empty_soonest_is_given_away(tmp_path: Path) -> None:
    book, limit = SharedFile(tmp_path / "limits"), Limit(2, 3600.0)
    names = [bytes(8) + bytes([2 * number + 1] * 8) for number in range(limiting.SLOTS + 1)]
    for name in names[: limiting.SLOTS]:
        assert book.take(name, limit) == 0
    assert book.take(names[0], limit) == 0
    assert book.take(names[-1], limit) == 0
    assert book.take(names[0], limit) > 0


def test_whoever_is_refused_by_one_limit_is_not_counted_by_the_other(settings: Any) -> None:
    settings.LIMITS = {**settings.LIMITS, "requests-of-token": (3, 3600.0), "requests-of-enterprise": (1, 3600.0)}
    who = time.time_ns()
    one, other = ("requests-of-token", f"a{who}"), ("requests-of-enterprise", f"b{who}")
    limiting.take(one, other)
    for _try in range(5):
        with pytest.raises(TooMany):
            limiting.take(one, other)
    limiting.take(one)
    limiting.take(one)
    with pytest.raises(TooMany):
        limiting.take(one)


# The doors -------------------------------------------------------------------------------------------------------------

HOUR = {"LIMIT_TOKEN": "40/hour", "LIMIT_ENTERPRISE": "60/hour", "LIMIT_SOCKETS_TOKEN": "5/hour", "LIMIT_SOCKETS_ENTERPRISE": "8/hour"}


@pytest.fixture(scope="module")
def house(database: None) -> Iterator[Web]:
    """A server of two processes, with narrow limits."""
    with serve(workers=2, **HOUR) as running:
        yield running


def _ask(house: Web, token: str, path: str = "me/", *, language: str = "en", body: bytes | None = None) -> tuple[int, Any, Any]:
    headers = {"Authorization": f"Bearer {token}", "Accept-Language": language, "Content-Type": "application/xml"}
    request = urllib.request.Request(f"http://127.0.0.1:{house.port}/api/v1/{path}", data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def _second_token(member: Member) -> str:
    return str(lobby(services.issue_token, enterprise=member.id, name="Second", at=clock.now())[1])


def test_exactly_as_many_requests_pass_through_two_processes(house: Web) -> None:
    buyer, seller = make_pair()
    second = _second_token(buyer)
    with ThreadPoolExecutor(32) as pool:
        first = Counter(pool.map(lambda _try: _ask(house, buyer.token)[0], range(100)))
        assert first == {200: 40, 429: 60}
        other = Counter(pool.map(lambda _try: _ask(house, second)[0], range(100)))
        assert other == {200: 20, 429: 80}
    assert _ask(house, seller.token)[0] == 200
    assert _ask(house, "trb_wrong")[0] == 401


@pytest.mark.parametrize(("language", "title", "detail"), [("en", "Too many requests.", "Ask again in "), ("zh-hans", "请求过多。", "秒后重试")])
def test_a_refusal_is_a_problem_in_the_callers_language_and_says_when(house: Web, language: str, title: str, detail: str) -> None:
    buyer, _seller = make_pair()
    for _try in range(40):
        _ask(house, buyer.token, "inbox/", body=b"<nothing/>")
    status, headers, body = _ask(house, buyer.token, "inbox/", language=language, body=b"<nothing/>")
    assert status == 429
    assert headers["Content-Type"] == "application/problem+json"
    assert 1 <= int(headers["Retry-After"]) <= 90
    told = json.loads(body)
    assert (told["status"], told["title"], told["errors"]) == (429, title, [])
    assert told["type"].endswith("/problems/too-many")
    assert detail in told["detail"]
    assert headers["Retry-After"] in told["detail"]


def test_sockets_are_counted_when_they_are_opened(house: Web) -> None:
    buyer, _seller = make_pair()
    for token, may in ((buyer.token, 5), (_second_token(buyer), 3)):
        for _try in range(may):
            with house.connect(token=token) as socket:
                socket.send("ping")
                assert json.loads(socket.recv(timeout=5))["event"] is None
        with pytest.raises(InvalidStatus) as refused, house.connect(token=token, headers={"Accept-Language": "zh-hans"}):
            pass
        response = refused.value.response
        assert response.status_code == 429
        assert response.headers["Content-Type"] == "application/problem+json"
        assert int(response.headers["Retry-After"]) >= 1
        assert json.loads(response.body)["title"] == "请求过多。"
    assert _ask(house, buyer.token)[0] == 200


def test_the_limits_cost_next_to_nothing(cast: Cast) -> None:
    uid, detail = order(cast.maker, cast.supplier, 10), []
    for _try in range(30):
        started = time.perf_counter()
        assert cast.maker.api.get(f"orders/{uid}/").status_code == 200
        detail.append(time.perf_counter() - started)
    limited = []
    for _try in range(300):
        started = time.perf_counter()
        limiting.take(("requests-of-token", "cost"), ("requests-of-enterprise", "cost"))
        limited.append(time.perf_counter() - started)
    request, limit = sorted(detail)[len(detail) // 2], sorted(limited)[len(limited) // 2]
    share = limit / request
    tally.tell("limits: cost on a detail", tried=300, seconds=sum(limited), share=f"{share:.1%}", each=f"{limit * 1e6:.0f} µs")
    assert share < 0.05


def test_the_limits_of_ordinary_operation_are_far_off() -> None:
    for kind in ("requests-of-enterprise", "requests-of-token"):
        count, seconds = settings.LIMITS[kind]
        assert count / seconds >= 1000
