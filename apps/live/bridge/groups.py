"""Who listens: the sockets of one enterprise in this process, and what each of them has still to be sent."""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

import orjson

from apps.base import clock
from apps.base.acting import Home
from apps.documents import selectors as documents
from apps.live import selectors

log = logging.getLogger(__name__)
Position = tuple[int, int, uuid.UUID]
Result = TypeVar("Result")

PAGE = 500
# Messages that a socket may be behind; then it is closed, and comes back with its cursor.
FARTHEST_BEHIND = 1000
TOO_SLOW = 4408
# Seconds to the next look at events that wait for an older transaction: this, then twice as long, to the poll's distance.
FIRST_LOOK, LAST_LOOK = 0.004, 0.5


class Read(Protocol):
    """`Bridge.read`."""

    def __call__(self, home: Home, question: Callable[[], Result], /) -> Awaitable[Result]: ...


def encode(body: dict[str, Any]) -> str:
    return orjson.dumps(body).decode()


def bare(cursor: str, event: str | None = None) -> str:
    """A message in the shape of an event that tells of no document: a heartbeat (no event at all), or a nudge."""
    return encode({"cursor": cursor, "at": clock.now().isoformat(), "event": event, "document": None, "by": None, "partner": None, "own": None})


class Listener:
    """One socket. cursor: the last event that it was given; keys: what must stay open for it (`accounts.still_open`)."""

    def __init__(self, *, keys: frozenset[str], cursor: str, nudged: bool) -> None:
        self.keys = keys
        self.cursor, self.position = cursor, documents.position_of(cursor)
        self.nudged = nudged
        self.waiting: asyncio.Queue[str] = asyncio.Queue(FARTHEST_BEHIND)
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def advance(self, cursor: str) -> None:
        self.cursor, self.position = cursor, documents.position_of(cursor)

    def hear(self, cursor: str, position: Position, text: str) -> None:
        """Take an event, unless it was taken before."""
        if position > self.position:
            self.cursor, self.position = cursor, position
            self.put(text)

    def put(self, text: str) -> None:
        try:
            self.waiting.put_nowait(text)
        except asyncio.QueueFull:
            self.end(TOO_SLOW)

    def end(self, code: int) -> None:
        """Have the socket closed with this code."""
        if not self.ended.done():
            self.ended.set_result(code)


class Group:
    """The sockets of one enterprise here. sockets: all; members: those that have caught up and hear what is read.

    cursor: up to where the group has handed on. It begins at the feed's end when the first socket comes.
    """

    def __init__(self, name: str, home: Home, read: Read) -> None:
        self.name, self.home, self._read = name, home, read
        self.sockets: set[Listener] = set()
        self.members: set[Listener] = set()
        self.cursor, self.position = documents.START, documents.position_of(documents.START)
        self.wake = asyncio.Event()
        self.begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.task = asyncio.create_task(self._run())

    def nudge(self, topic: str) -> None:
        """Wake the pages for something that is no event of the feed; programs, which want the feed alone, do not hear it."""
        for listener in [listener for listener in self.members if listener.nudged]:
            listener.put(bare(listener.cursor, f"{topic}.changed"))

    async def catch_up(self, listener: Listener, send: Callable[[str], Awaitable[None]]) -> None:
        """Send what has happened since the socket's cursor, then make it a member, with nothing between."""
        await asyncio.shield(self.begun)
        while listener.position < self.position:
            after = listener.cursor
            page = await self._read(self.home, lambda after=after: selectors.events(after=after, limit=PAGE))  # type: ignore[misc]
            for body in page.bodies:
                await send(encode(body))
                listener.advance(body["cursor"])
            if not page.bodies:
                listener.advance(self.cursor)
        self.members.add(listener)

    async def _run(self) -> None:
        wait: float | None = None
        while True:
            try:
                if not self.begun.done():
                    await self._begin()
                held = await self._hand_on()
                wait = min((wait or FIRST_LOOK / 2) * 2, LAST_LOOK) if held else None
            except Exception:
                log.exception("the feed could not be read; it will be again within a second", extra={"group": self.name})
                wait = None
            await self._woken(wait)

    async def _begin(self) -> None:
        self.cursor = await self._read(self.home, documents.newest_cursor)
        self.position = documents.position_of(self.cursor)
        self.begun.set_result(None)

    async def _woken(self, wait: float | None) -> None:
        try:
            async with asyncio.timeout(wait):
                await self.wake.wait()
        except TimeoutError:
            return

    async def _hand_on(self) -> bool:
        """Read what is new, once, and give it to every member. True where more waits for an older transaction."""
        while True:
            self.wake.clear()
            after = self.cursor
            page = await self._read(self.home, lambda after=after: selectors.events(after=after, limit=PAGE))  # type: ignore[misc]
            for body in page.bodies:
                self._give(body)
            if len(page.bodies) < PAGE:
                return page.held

    def _give(self, body: dict[str, Any]) -> None:
        self.cursor, self.position = body["cursor"], documents.position_of(body["cursor"])
        text = encode(body)
        for listener in self.members:
            listener.hear(self.cursor, self.position, text)
