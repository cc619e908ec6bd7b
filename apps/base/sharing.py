"""Fair shares of a web process: while several enterprises ask, none of them may fill it alone.

A request is counted for the enterprise that its credential opened before; until that is known, for the credential itself. One that asks
alone has all threads. The places belong to one event loop; `note` may be called from any thread.
"""

import asyncio
import contextlib
import uuid
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterable

# Who asked within these seconds is present.
PRESENT_SECONDS = 1.0
REMEMBERED = 20_000

_homes: dict[int, int] = {}


def note(credential: str, home: uuid.UUID) -> None:
    """Remember which enterprise a credential (a token, a session's key) opens."""
    key = hash(credential)
    if key not in _homes and len(_homes) >= REMEMBERED:
        _homes.clear()
    _homes[key] = hash(home)


def asker(headers: Iterable[tuple[bytes, bytes]]) -> int | None:
    """For whom a request is counted, by its ASGI headers; None where it shows no credential: signing in and the health of the process wait for nobody."""
    found = {name: value.decode("latin-1") for name, value in headers if name in (b"authorization", b"cookie")}
    credential = found.get(b"authorization", "").partition(" ")[2].strip()
    if not credential:
        cookies = dict(part.strip().partition("=")[::2] for part in found.get(b"cookie", "").split(";"))
        credential = cookies.get("sessionid", "")
    return _homes.get(hash(credential), hash(credential)) if credential else None


class Shares:
    """So many threads in all, and of them `share` for each enterprise while others are present."""

    def __init__(self, threads: int, share: int) -> None:
        self.threads, self.share = threads, share
        self._busy: Counter[int] = Counter()
        self._waiting: dict[int, deque[asyncio.Future[None]]] = {}
        self._seen: dict[int, float] = {}

    @contextlib.asynccontextmanager
    async def place(self, key: int | None) -> AsyncIterator[None]:
        """A place for one request; where this asker has its share already, as soon as one of its own is done."""
        if key is None:
            yield
            return
        loop = asyncio.get_running_loop()
        self._seen[key] = loop.time()
        if self._busy[key] < self._most(loop.time()):
            self._busy[key] += 1
        else:
            turn = loop.create_future()
            self._waiting.setdefault(key, deque()).append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._leave(key)
                raise
        try:
            yield
        finally:
            self._leave(key)

    def _most(self, now: float) -> int:
        if len(self._seen) > 1:
            self._seen = {key: seen for key, seen in self._seen.items() if now - seen < PRESENT_SECONDS or self._busy[key]}
        return self.threads if len(self._seen) <= 1 else self.share

    def _leave(self, key: int) -> None:
        """Give the place back, and let in whoever of the same asker may come."""
        self._busy[key] -= 1
        waiting, most = self._waiting.get(key), self._most(asyncio.get_running_loop().time())
        while waiting and self._busy[key] < most:
            turn = waiting.popleft()
            if not turn.done():
                self._busy[key] += 1
                turn.set_result(None)
        if not waiting:
            self._waiting.pop(key, None)
        if not self._busy[key]:
            del self._busy[key]
