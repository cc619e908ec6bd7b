"""Hostile handshakes and frames, at the portal's socket as a server speaks to it: how each ends, and how soon."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from typing import Any

from apps.live import bridge
from tests.attacks import hostile
from tests.attacks.hostile import Found
from tests.attacks.ingredients import HEADERS, RAW, TEXTS
from tests.attacks.wiring import Wire
from tests.cast import Member

AT_ONCE = 20
# The codes with which a socket is closed by somebody who knows why (`apps.live.consumers`); a handshake that is refused has the one of HTTP.
CLOSED = {1000, 1008, 1009, 4400, 4401, 4403}
PATIENCE = 5.0


class Framing:
    """Sockets of one enterprise's token, each with something in its handshake or its frames that does not belong there."""

    def __init__(self, chance: random.Random, member: Member) -> None:
        self.chance, self.member, self.found = chance, member, Found()

    def handshake(self) -> tuple[str, dict[str, str]]:
        """Address and headers. Most of them let one in: what is wrong comes then."""
        chance, headers = self.chance, {"authorization": f"Bearer {self.member.token}"}
        address = "/ws/events/"
        if chance.random() < 0.2:
            address += f"?{chance.choice(('after', 'enterprise', 'x'))}={chance.choice(TEXTS)}"
        if chance.random() < 0.2:
            name = chance.choice(("host", "origin", "cookie", "accept-language", "authorization", "sec-websocket-protocol"))
            headers[name] = chance.choice((*TEXTS, *HEADERS["Cookie"], "Bearer ", "Bearer é", "Basic x"))
        return address.encode("utf-8", "replace").decode(), {name: value.encode("utf-8", "replace").decode() for name, value in headers.items()}

    def frame(self) -> dict[str, Any]:
        """What comes once one is in: a text, bytes, or `ping`."""
        chance = self.chance
        if chance.random() < 0.1:
            return {"type": "websocket.receive", "text": "ping"}
        if chance.random() < 0.5:
            return {"type": "websocket.receive", "text": chance.choice((*TEXTS, "p" * 1025, "é" * 1024, "ping ", '{"type": "ping"}' * 100))}
        return {"type": "websocket.receive", "bytes": chance.choice((*RAW, b"ping", b"\xff" * 1025, b"\x00" * 1024)), "text": None}

    def run(self, count: int) -> Found:
        """So many sockets."""
        asyncio.run(self._run(count))
        return self.found

    async def _run(self, count: int) -> None:
        await bridge.start()
        try:
            while self.found.tried < count:
                await asyncio.gather(*(self.once(*self.handshake(), self.frame()) for _socket in range(AT_ONCE)))
        finally:
            await bridge.stop()

    async def once(self, address: str, headers: dict[str, str], frame: dict[str, Any]) -> None:
        """One socket from its handshake to its end, and what is wrong with it."""
        began, wire = time.perf_counter(), Wire(address, headers)
        ended = "no answer"
        try:
            accepted = await wire.open()
            ended = await self._end(wire, frame) if accepted else "refused"
        except TimeoutError:
            ended = "no answer"
        finally:
            error = await _leave(wire)
        seconds = time.perf_counter() - began
        self.found.tried += 1
        self.found.slowest = max(self.found.slowest, seconds)
        fine = ended in ("refused", "heartbeat") or (ended.isdigit() and int(ended) in CLOSED)
        said = f"{address[:200]!r} {str(headers)[:300]} {str(frame)[:300]}"
        self.found.wrong += [f"{error!r}: {said}"] if error else []
        self.found.wrong += [] if fine else [f"ended with {ended}: {said}"]
        self.found.wrong += [f"took {seconds:.1f} s: {said}"] if seconds > hostile.SLOWEST else []
        self.found.statuses[int(ended) if ended.isdigit() else 0] = self.found.statuses.get(int(ended) if ended.isdigit() else 0, 0) + 1

    async def _end(self, wire: Wire, frame: dict[str, Any]) -> str:
        """How it goes on after the frame: the code with which it is closed, or that it lives."""
        await wire.said.put(frame)
        async with asyncio.timeout(PATIENCE):
            while True:
                told = await wire.told.get()
                if told["type"] == "websocket.close":
                    return str(told.get("code", 1000))
                if frame.get("text") == "ping":
                    return "heartbeat"


async def _leave(wire: Wire) -> BaseException | None:
    """Shut it; the error with which its application ended, which a server would have met."""
    await wire.said.put({"type": "websocket.disconnect", "code": 1000})
    await asyncio.wait([wire.task], timeout=1)
    wire.task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        (ended,) = await asyncio.gather(wire.task, return_exceptions=True)
        return ended if isinstance(ended, Exception) else None
    return None
