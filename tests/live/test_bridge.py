"""The bridge from within: what a slow reader costs, what a lost database costs, what is named and what is read."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import orjson
import pytest
from django.db import connections, transaction

from apps.base.acting import NobodyActs, in_lobby
from apps.documents import selectors as documents
from apps.live import bridge, selectors
from apps.live.bridge import groups
from apps.live.consumers import EventsConsumer
from apps.live.services import notifying
from tests.cast import Member, order

Pair = tuple[Member, Member]


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[bridge.Bridge]:
    await bridge.start()
    try:
        yield bridge.current()
    finally:
        await bridge.stop()


class Socket:
    """One socket of the application, driven by hand. slow: after the handshake, nothing is taken from it any more."""

    def __init__(self, member: Member, *, slow: bool = False, query: str = "") -> None:
        headers = [(b"host", b"localhost:1"), (b"authorization", f"Bearer {member.token}".encode())]
        self.scope = {"type": "websocket", "path": "/ws/events/", "headers": headers, "query_string": query.encode(), "subprotocols": []}
        self.slow, self.sent = slow, list[dict[str, Any]]()
        self._in: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._in.put_nowait({"type": "websocket.connect"})
        self.task = asyncio.create_task(EventsConsumer.as_asgi()(self.scope, self._in.get, self._send))

    async def _send(self, message: dict[str, Any]) -> None:
        if self.slow and message["type"] != "websocket.accept":
            await asyncio.Event().wait()
        self.sent.append(message)

    def hang_up(self) -> None:
        self._in.put_nowait({"type": "websocket.disconnect", "code": 1005})

    @property
    def events(self) -> list[dict[str, Any]]:
        return [orjson.loads(message["text"]) for message in self.sent if message["type"] == "websocket.send"]

    async def until(self, condition: Callable[[], bool], seconds: float = 5) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(0.01)


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(scenario())  # type: ignore[arg-type]


async def in_thread(work: Callable[[], Any]) -> Any:
    def closing() -> Any:
        try:
            return work()
        finally:
            connections["default"].close()

    return await asyncio.to_thread(closing)


def test_a_reader_that_falls_behind_is_dropped_and_the_others_hear_all(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    buyer, seller = pair
    monkeypatch.setattr(groups, "FARTHEST_BEHIND", 3)

    async def scenario() -> None:
        async with running() as here:
            slow = Socket(seller, slow=True)
            await slow.until(lambda: bool(slow.sent))
            monkeypatch.setattr(groups, "FARTHEST_BEHIND", 1000)
            quick = Socket(seller)
            await quick.until(lambda: bool(quick.sent) and len(here.listeners) == 2)
            await in_thread(lambda: [order(buyer, seller) for _ in range(6)])
            await quick.until(lambda: len(quick.events) == 6)
            async with asyncio.timeout(3):
                await slow.task
            assert len(here.listeners) == 1
            quick.hang_up()
            await quick.until(lambda: not here.listeners and not here.groups)

    run(scenario)


def test_the_feed_is_read_once_for_all_sockets(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    buyer, seller = pair
    reads: list[str] = []
    real = selectors.events

    def counted(*, after: str, limit: int) -> selectors.Events:
        page = real(after=after, limit=limit)
        if page.bodies:
            reads.append(after)
        return page

    async def scenario() -> None:
        async with running():
            sockets = [Socket(seller) for _ in range(50)]
            for socket in sockets:
                await socket.until(lambda socket=socket: bool(socket.sent))  # type: ignore[misc]
            monkeypatch.setattr(selectors, "events", counted)
            await in_thread(lambda: order(buyer, seller))
            for socket in sockets:
                await socket.until(lambda socket=socket: len(socket.events) == 1)  # type: ignore[misc]
            assert len(reads) == 1

    run(scenario)


def test_a_stopping_server_sends_its_sockets_away(pair: Pair) -> None:
    async def scenario() -> None:
        async with running():
            socket = Socket(pair[1])
            await socket.until(lambda: bool(socket.sent))
        await socket.task
        assert socket.sent[-1] == {"type": "websocket.close", "code": 1012}

    run(scenario)


def test_without_a_bridge_a_socket_is_told_to_come_later(pair: Pair) -> None:
    async def scenario() -> None:
        socket = Socket(pair[1])
        await socket.until(lambda: len(socket.sent) == 2)
        assert socket.sent[-1]["code"] == 1013
        socket.hang_up()
        await socket.task

    run(scenario)


def test_silence_is_broken_by_heartbeats(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.live.consumers.HEARTBEAT", 0.1)

    async def scenario() -> None:
        async with running():
            socket = Socket(pair[1])
            await socket.until(lambda: len(socket.events) >= 2)
            assert {event["event"] for event in socket.events} == {None}

    run(scenario)


def test_a_feed_that_cannot_be_read_is_read_again(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    buyer, seller = pair

    async def scenario() -> None:
        async with running():
            socket = Socket(seller)
            await socket.until(lambda: bool(socket.sent))
            with monkeypatch.context() as broken:
                broken.setattr(selectors, "events", lambda **_: 1 / 0)
                await in_thread(lambda: order(buyer, seller))
                await asyncio.sleep(0.3)
            await socket.until(lambda: len(socket.events) == 1, 2)

    run(scenario)


def test_a_group_has_no_name_without_an_enterprise(pair: Pair) -> None:
    with pytest.raises(NobodyActs):
        selectors.group_name("events")
    with in_lobby(), pytest.raises(NobodyActs):
        selectors.group_name("events")
    with pair[0].acting():
        assert selectors.group_name("events") == f"t.{pair[0].id.hex}.events"


def test_a_move_that_is_undone_is_not_told(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    noted: list[str] = []
    monkeypatch.setattr(notifying, "note", noted.append)
    with pair[0].acting():
        before = documents.newest_cursor()

    class Undone(Exception):
        pass

    def undone() -> None:
        with pair[0].acting(), transaction.atomic():
            order(*pair)
            raise Undone

    with pytest.raises(Undone):
        undone()
    assert noted == []
    with pair[0].acting():
        assert documents.newest_cursor() == before
    order(*pair)
    assert {name[2:34] for name in noted} == {member.id.hex for member in pair}


def test_a_notifier_without_a_database_hinders_nobody(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    notifier = notifying.Notifier()
    monkeypatch.setattr(notifying, "_notifier", notifier)
    monkeypatch.setattr(notifying, "database_login", lambda name: {"host": "127.0.0.1", "port": 1, "connect_timeout": 1})
    started = time.monotonic()
    order(*pair)
    assert time.monotonic() - started < 1
    monkeypatch.undo()
    monkeypatch.setattr(notifying, "_notifier", notifier)
    order(*pair)
    deadline = time.monotonic() + 3
    while notifier._connection is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
