"""From the database to the sockets of this process: what is notified, what the poll finds, and who may still listen.

Each web process has one bridge. For an enterprise with sockets here it reads the feed once, under that enterprise's own
role, and hands each event to all of them; the cost of a message grows with the web processes, not with the sockets.
"""

import asyncio
import contextvars
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connections

from apps.accounts import selectors as accounts
from apps.base.acting import Home, act_as, in_lobby
from apps.live import selectors
from apps.live.bridge import listening
from apps.live.bridge.groups import Group, Listener

__all__ = ["Bridge", "Group", "Listener", "NoBridge", "current", "start", "stop"]

log = logging.getLogger(__name__)
Result = TypeVar("Result")

# Seconds between two polls of the feed; and between two looks at the entries: revoked means closed within a second, on a busy machine too.
TICK, DOOR_TICK = 0.8, 0.5
READERS = 4
REVOKED, RESTARTING = 4401, 1012


class NoBridge(RuntimeError):
    """A socket came to a process whose bridge does not run."""


class Bridge:
    """The groups and sockets of this process, on one event loop."""

    def __init__(self) -> None:
        self.groups: dict[str, Group] = {}
        self.listeners: set[Listener] = set()
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="live-reader")
        # The doorkeeper's own thread: however much there is to read, what was revoked is closed in time.
        self._doorkeeper = ThreadPoolExecutor(1, thread_name_prefix="live-doorkeeper")
        self._tasks: list[asyncio.Task[None]] = []
        self._source = listening.source(self.wake)

    async def start(self) -> None:
        self._tasks = [asyncio.create_task(self._source.run()), asyncio.create_task(self._poll()), asyncio.create_task(self._keep_door())]

    async def stop(self) -> None:
        """Close every socket, so that it comes back elsewhere, and end all tasks."""
        for listener in list(self.listeners):
            listener.end(RESTARTING)
        tasks = [*self._tasks, *(group.task for group in self.groups.values())]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._readers.shutdown(wait=False, cancel_futures=True)
        self._doorkeeper.shutdown(wait=False, cancel_futures=True)

    async def read(self, home: Home, question: Callable[[], Result]) -> Result:
        """Ask a question in a thread, acting for an enterprise."""

        def asked() -> Result:
            with act_as(home):
                return question()

        return await self._in(self._readers, asked)

    async def ask_lobby(self, question: Callable[[], Result]) -> Result:
        """Ask a question about people and tokens in a thread."""

        def asked() -> Result:
            with in_lobby():
                return question()

        return await self._in(self._readers, asked)

    async def _in(self, threads: ThreadPoolExecutor, question: Callable[[], Result]) -> Result:
        def answered() -> Result:
            try:
                return question()
            finally:
                connections["default"].close()

        return await asyncio.get_running_loop().run_in_executor(threads, contextvars.copy_context().run, answered)

    def enter(self, home: Home, listener: Listener) -> Group:
        """Keep an enterprise's group going for a socket, until leave()."""
        with act_as(home):
            name = selectors.group_name("events")
        group = self.groups.get(name)
        if group is None:
            group = self.groups[name] = Group(name, home, self.read)
            self._source.opened(home)
        group.sockets.add(listener)
        self.listeners.add(listener)
        return group

    def leave(self, group: Group, listener: Listener) -> None:
        """The socket is closed. A group without sockets ends."""
        self.listeners.discard(listener)
        group.sockets.discard(listener)
        group.members.discard(listener)
        if not group.sockets and self.groups.get(group.name) is group:
            del self.groups[group.name]
            group.task.cancel()
            self._source.closed(group.home)

    def wake(self, name: str) -> None:
        """Something was notified for the group of this name."""
        start, _dot, topic = name.rpartition(".")
        group = self.groups.get(f"{start}.events")
        if group is not None and topic == "events":
            group.wake.set()
        elif group is not None:
            group.nudge(topic)

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            for group in self.groups.values():
                group.wake.set()

    async def _keep_door(self) -> None:
        """Close the sockets whose membership, session or token opens nothing any more."""
        while True:
            await asyncio.sleep(DOOR_TICK)
            try:
                await self._turn_out()
            except Exception:
                log.exception("the entries of the sockets could not be checked; they will be again at once")

    async def _turn_out(self) -> None:
        keys = {key for listener in self.listeners for key in listener.keys}
        if not keys:
            return

        def check() -> set[str]:
            with in_lobby():
                return accounts.still_open(keys)

        gone = keys - await self._in(self._doorkeeper, check)
        for listener in [listener for listener in self.listeners if listener.keys & gone]:
            listener.end(REVOKED)


_bridge: Bridge | None = None


def current() -> Bridge:
    """The bridge of this process. Raises NoBridge."""
    if _bridge is None:
        raise NoBridge("the live bridge of this process was not started")
    return _bridge


async def start() -> None:
    """Start this process's bridge. Called by the server's lifespan."""
    global _bridge
    _bridge = Bridge()
    await _bridge.start()


async def stop() -> None:
    """Stop it. Called by the server's lifespan."""
    global _bridge
    ended, _bridge = _bridge, None
    if ended is not None:
        await ended.stop()
