"""A network that fails: a loopback proxy in front of a port, whose connections can be cut, half-opened, stalled and throttled."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from portal.embedded import HOST

CHUNK = 65536
SLOW = 16_384
"""Bytes a second of a throttled connection."""


@dataclass(eq=False)
class Pair:
    """Both ends of a connection. dead: half-open, nothing ever comes through again, and nobody is told."""

    writers: tuple[asyncio.StreamWriter, ...]
    dead: bool = False


@dataclass
class Proxy:
    """target: the port behind it. mode: what happens to all connections now: pass, cut, stall, throttle, hole.

    hole: whatever is said is swallowed, in connections that there are and in new ones, which come about all the same.
    """

    target: int
    mode: str = "pass"
    connections: set[Pair] = field(default_factory=set)
    accepted: int = 0

    def __post_init__(self) -> None:
        # It listens from the first moment: whoever connects before the loop runs waits a little, and is not refused.
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self._loop = asyncio.new_event_loop()

    def set(self, mode: str) -> None:
        """Let this happen from now on. half-open: to the connections that there are now; new ones pass."""
        asyncio.run_coroutine_threadsafe(self._set(mode), self._loop).result(5)

    async def _set(self, mode: str) -> None:
        if mode in ("half-open", "hole"):
            for pair in self.connections:
                pair.dead = True
        self.mode = "pass" if mode == "half-open" else mode
        if mode == "cut":
            for pair in list(self.connections):
                for writer in pair.writers:
                    writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        if self.mode == "cut":
            writer.transport.abort()
            return
        if self.mode == "hole":
            await self._swallow(reader, writer)
            return
        try:
            back, forth = await asyncio.open_connection(HOST, self.target)
        except OSError:
            writer.transport.abort()
            return
        pair = Pair((writer, forth))
        self.connections.add(pair)
        try:
            await asyncio.gather(self._pump(pair, reader, forth), self._pump(pair, back, writer))
        finally:
            self.connections.discard(pair)
            for each in pair.writers:
                each.transport.abort()

    async def _swallow(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pair = Pair((writer,), dead=True)
        self.connections.add(pair)
        with contextlib.suppress(OSError):
            while await reader.read(CHUNK):
                pass
        self.connections.discard(pair)
        writer.transport.abort()

    async def _pump(self, pair: Pair, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(CHUNK):
                if await self._passes(pair, len(data)):
                    sink.write(data)
                    await sink.drain()
        if pair.dead:
            return
        with contextlib.suppress(OSError, RuntimeError):
            sink.close()

    async def _passes(self, pair: Pair, size: int) -> bool:
        """Wait as long as this takes now. False where it gets lost."""
        if self.mode == "throttle":
            await asyncio.sleep(size / SLOW)
        while self.mode == "stall" and not pair.dead:
            await asyncio.sleep(0.02)
        return not pair.dead

    def run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._accept, sock=self._listener))
        try:
            self._loop.run_forever()
        finally:
            server.close()
            self._loop.run_until_complete(self._end())
            self._loop.close()

    async def _end(self) -> None:
        self.mode = "pass"
        while self.connections:
            for writer in [writer for pair in self.connections for writer in pair.writers]:
                writer.transport.abort()
            await asyncio.sleep(0.03)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)


@contextlib.contextmanager
def before(target: int) -> Iterator[Proxy]:
    """A proxy in front of a loopback port."""
    proxy = Proxy(target)
    thread = threading.Thread(target=proxy.run, name=f"proxy-{target}")
    thread.start()
    try:
        yield proxy
    finally:
        proxy.stop()
        thread.join(5)
