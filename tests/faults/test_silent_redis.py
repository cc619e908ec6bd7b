"""A Redis that says nothing any more: the cache, the limits, who signs in and who listens must do without it, at once, and have it again afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from channels_redis.core import RedisChannelLayer
from django.core.cache import caches
from redis.exceptions import RedisError

from apps.base import acting, limiting
from apps.base.acting import in_lobby
from apps.base.limiting import Counting
from apps.live.bridge import listening
from apps.tenants import cache as patient
from portal.settings import caches_by, layers_by
from tests import redising, tally
from tests.cast import Api, Member, PageClient, outside
from tests.faults.proxy import Proxy, before

SOON = 3.0
"""Seconds in which anybody who waits for it has an answer; nobody may wait for ten."""
PASSWORD = "a long enough sentence"
# As it was before anybody thought of silence: what this harness must find.
CARELESS = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "KEY_FUNCTION": "apps.tenants.cache.key_of"}


@pytest.fixture
def redis(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """The way to a Redis that this process uses for all that it keeps there."""
    with redising.running(tmp_path) as server, before(server.port) as way:
        url = f"redis://127.0.0.1:{way.port}/0"
        settings.CACHES = caches_by(url)
        book = Counting(url, tmp_path / "limits")
        monkeypatch.setattr(limiting, "book", lambda: book)
        monkeypatch.setattr(patient, "_silence", patient.Silence())
        monkeypatch.setattr(patient, "AWAY", 0.5)
        yield way


def careless(settings: Any, way: Proxy, **patience: float) -> None:
    settings.CACHES = {"default": {**CARELESS, "LOCATION": f"redis://127.0.0.1:{way.port}/0", "OPTIONS": patience}}


def kept(way: Proxy) -> list[str]:
    """What is off about a cache whose Redis falls silent, and comes back."""
    found, cache = [], caches["default"]
    with in_lobby():
        cache.set_many({"before": 1, "changed": 1})
        assert cache.get_many(["before", "changed"]) == {"before": 1, "changed": 1}
        way.set("hole")
        started = time.monotonic()
        try:
            cache.set("changed", 2)
            if cache.get("changed") != 2 or cache.add("changed", 3) or not cache.add("lock", 1) or cache.incr("changed") != 3:
                found.append("what was written is not there")
        except Exception as error:
            found.append(f"the cache broke: {type(error).__name__}")
        if (took := time.monotonic() - started) > SOON:
            found.append(f"the cache hung for {took:.1f} s")
        way.set("pass")
        time.sleep(0.6)
        if cache.get("before") != 1:
            found.append("Redis is not asked again")
        if cache.get("changed") is not None or not cache.add("lock", 1):
            found.append("what was written meanwhile outlived the silence")
    return found


def test_the_cache_goes_on_without_redis(redis: Proxy) -> None:
    started = time.monotonic()
    found = kept(redis)
    tally.tell("faults: a cache without Redis", tried=8, lost=len(found), seconds=time.monotonic() - started)
    assert found == []


@pytest.mark.night
def test_a_careless_cache_is_found(redis: Proxy, settings: Any) -> None:
    careless(settings, redis)
    found = kept(redis)
    assert found[0] == "the cache broke: TimeoutError"
    assert found[1].startswith("the cache hung for 5.")


def test_what_is_kept_for_whoever_leaves_is_forgotten_whether_redis_answers_or_not(redis: Proxy) -> None:
    cache = caches["default"]
    with in_lobby():
        cache.set("known", 1)
        role = acting.current().role
        patient.forget(role)
        assert cache.get("known") is None
        redis.set("hole")
        cache.set("meanwhile", 1)
        assert cache.get("meanwhile") == 1
        started = time.monotonic()
        patient.forget(role)
        assert time.monotonic() - started < SOON
        assert cache.get("meanwhile") is None


def test_a_cache_that_forgets_what_was_written_meanwhile_is_found(redis: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patient.PatientCache, "note", lambda cache, keys, version: None)
    assert kept(redis) == ["what was written meanwhile outlived the silence"]


def comes_in(member: Member) -> list[str]:
    """What is off about a sign-in with a wrong and with the right password, a forgotten password, and a request by token."""
    email = member.person("viewer").email
    person, program = PageClient(raise_request_exception=False), Api(member.token)
    asked: dict[str, tuple[Callable[[], Any], int]] = {
        "wrong password": (lambda: person.post("/accounts/login/", {"login": email, "password": "none of ours"}), 200),
        "right password": (lambda: person.post("/accounts/login/", {"login": email, "password": PASSWORD}), 302),
        "forgotten password": (lambda: person.post("/accounts/password/reset/", {"email": email}), 302),
        "token": (lambda: program.get("orders/"), 200),
    }
    found = []
    for name, (ask, wanted) in asked.items():
        started = time.monotonic()
        answer = outside(ask)
        if (took := time.monotonic() - started) > SOON:
            found.append(f"{name}: {took:.1f} s")
        if answer.status_code != wanted:
            found.append(f"{name}: {answer.status_code}")
    return found


@pytest.fixture
def member(pair: tuple[Member, Member]) -> Member:
    """An enterprise with somebody who knows his password."""
    with in_lobby():
        person = pair[0].person("viewer")
        person.set_password(PASSWORD)
        person.save()
    return pair[0]


def test_people_and_programs_come_in_while_redis_is_silent(redis: Proxy, member: Member) -> None:
    started = time.monotonic()
    found = {mode: _after(redis, mode, member) for mode in ("hole", "pass", "cut", "pass")}
    tally.tell("faults: sign-ins without Redis", tried=16, lost=sum(map(len, found.values())), seconds=time.monotonic() - started)
    assert not any(found.values()), found


def test_sign_ins_that_depend_on_redis_are_found(redis: Proxy, member: Member, settings: Any) -> None:
    careless(settings, redis, socket_timeout=0.2)
    found = _after(redis, "hole", member)
    assert {"wrong password: 500", "right password: 500"} <= set(found), found


def _after(way: Proxy, mode: str, member: Member) -> list[str]:
    way.set(mode)
    time.sleep(0.6 if mode == "pass" else 0)
    return comes_in(member)


# Listening ---------------------------------------------------------------------------------------------------------------------


class Breaking:
    """A channel layer that breaks whenever somebody listens, and counts its channels and who joins them."""

    def __init__(self) -> None:
        self.channels, self.listened = 0, 0

    async def new_channel(self) -> str:
        self.channels += 1
        return f"channel-{self.channels}"

    async def receive(self, channel: str) -> None:
        self.listened += 1
        raise ConnectionError(channel)


def test_a_listener_comes_back_on_the_same_channel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each new one would be a member of its groups for a day, and be sent what nobody reads."""
    layer = Breaking()
    monkeypatch.setattr(listening, "get_channel_layer", lambda: layer)
    monkeypatch.setattr(listening, "FIRST_WAIT", 0.01)

    async def listen() -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                await listening.LayerSource(lambda _group: None).run()

    asyncio.run(listen())
    assert layer.listened > 2
    assert layer.channels == 1


@pytest.mark.night
def test_whoever_hears_nothing_for_long_still_listens(tmp_path: Path) -> None:
    """The client's own patience (five seconds) ends in the very moment in which Redis says that there is nothing: a listener with it broke each time."""
    with redising.running(tmp_path) as server:

        async def lasts(host: dict[str, Any]) -> bool:
            layer = RedisChannelLayer(hosts=[host])
            try:
                async with asyncio.timeout(11):
                    await layer.receive(await layer.new_channel())
            except TimeoutError as error:
                return not isinstance(error, RedisError)
            except RedisError:
                return False
            return True

        async def both() -> list[bool]:
            config: Any = layers_by(server.url)["default"]["CONFIG"]
            return list(await asyncio.gather(lasts(config["hosts"][0]), lasts({"address": server.url})))

        assert asyncio.run(both()) == [True, False]
