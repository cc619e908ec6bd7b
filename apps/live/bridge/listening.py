"""How a process hears that there is news: by LISTEN, or through the channel layer where Redis carries it."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Protocol

import psycopg
from channels.layers import get_channel_layer
from django.conf import settings
from psycopg import sql

from apps.base.acting import Home, act_as
from apps.live import selectors
from apps.live.services.notifying import CHANNEL

log = logging.getLogger(__name__)
Wake = Callable[[str], None]

NAME = "tributary-listener"
FIRST_WAIT, LONGEST_WAIT = 0.2, 10.0
# Seconds of silence after which the database is asked whether it still hears us, and for which its answer is waited.
SILENT = 5.0
# A group of the channel layer is forgotten after a day, and when Redis is emptied: then the poll brings the news until it is joined again.
JOIN_AGAIN = 30.0
TOPICS = ("events", "network", "schedule", "bulk", "clock")


class Source(Protocol):
    """Where wake-ups come from. opened, closed: an enterprise has its first socket here, and none any more."""

    async def run(self) -> None: ...
    def opened(self, home: Home) -> None: ...
    def closed(self, home: Home) -> None: ...


def source(wake: Wake) -> Source:
    """The source that the settings ask for."""
    return LayerSource(wake) if settings.REDIS_URL else DatabaseSource(wake)


async def _again_and_again(listen: Callable[[], Any], what: str) -> None:
    """Keep listening; where it breaks, begin again after a while. Until then the poll brings the news."""
    wait = FIRST_WAIT
    while True:
        started = asyncio.get_running_loop().time()
        try:
            await listen()
        except Exception as error:
            log.warning("%s broke (%s); the poll brings the news until it is back", what, error)
        lasted = asyncio.get_running_loop().time() - started
        wait = FIRST_WAIT if lasted > LONGEST_WAIT else min(wait * 2, LONGEST_WAIT)
        await asyncio.sleep(wait)


class DatabaseSource:
    """One connection of the process that LISTENs for all enterprises: the names of groups, nothing else."""

    def __init__(self, wake: Wake) -> None:
        self._wake = wake

    async def run(self) -> None:
        await _again_and_again(self._listen, "listening to the database")

    async def _listen(self) -> None:
        async with await psycopg.AsyncConnection.connect(**selectors.database_login(NAME), autocommit=True) as connection:
            await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL)))
            while True:
                async for notified in connection.notifies(timeout=SILENT):
                    self._wake(notified.payload)
                async with asyncio.timeout(SILENT):
                    await connection.execute("SELECT 1")

    def opened(self, home: Home) -> None:
        """Every process hears all names."""

    def closed(self, home: Home) -> None:
        """Every process hears all names."""


class LayerSource:
    """One channel of the process, a member of the groups of those enterprises that have sockets here."""

    def __init__(self, wake: Wake) -> None:
        self._wake = wake
        self._homes: set[Home] = set()
        self._layer: Any = get_channel_layer()
        self._channel = ""
        self._changes: asyncio.Queue[tuple[str, Home]] = asyncio.Queue()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(_again_and_again(self._receive, "listening to the channel layer"))
            group.create_task(_again_and_again(self._follow, "joining groups of the channel layer"))

    async def _receive(self) -> None:
        # The same one after a break: the groups of one that is left behind would be filled for a day.
        self._channel = self._channel or await self._layer.new_channel()
        self._join_all()
        while True:
            message = await self._layer.receive(self._channel)
            self._wake(message["group"])

    async def _follow(self) -> None:
        """Join and leave groups one after the other, in the order in which enterprises came and went."""
        while True:
            try:
                async with asyncio.timeout(JOIN_AGAIN):
                    change, home = await self._changes.get()
            except TimeoutError:
                self._join_all()
                continue
            with act_as(home):
                names = [selectors.group_name(topic) for topic in TOPICS]
            act = self._layer.group_add if change == "join" else self._layer.group_discard
            for name in names:
                await act(name, self._channel)

    def _join_all(self) -> None:
        for home in self._homes:
            self._changes.put_nowait(("join", home))

    def opened(self, home: Home) -> None:
        self._homes.add(home)
        if self._channel:
            self._changes.put_nowait(("join", home))

    def closed(self, home: Home) -> None:
        self._homes.discard(home)
        if self._channel:
            self._changes.put_nowait(("leave", home))
