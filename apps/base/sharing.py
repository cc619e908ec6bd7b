"""Fair shares of a web process: while several enterprises ask, none of them may fill it alone.

A request is counted for the enterprise that its credential opened before; until that is known, for the credential itself. One that asks
alone has all threads. The places belong to one event loop; `note` may be called from any thread.
"""

import asyncio
import contextlib
import uuid
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

# Who asked within these seconds is present.
PRESENT_SECONDS = 1.0
# What has been at work for longer is waited for by nobody of the same enterprise.
LONG_SECONDS = 0.1
# A place of one that presses rests for as long as it was used, and for so many seconds at most: the others have the processor meanwhile.
MOST_REST = 0.5
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


@dataclass(eq=False, slots=True)
class _Place:
    """One request's. long: it has been at work for so long that the next one of the same asker need not wait for it."""

    key: int
    long: bool = False
    began: float = 0.0


class Shares:
    """So many threads in all, and of them `share` for each enterprise while others are present, and `long` more for what takes long.

    Half a share is left to one that wants more than its share, and more than all others together, and each of its places rests for as long
    as it was used: the others would wait for it at the processor.
    """

    def __init__(self, threads: int, share: int, long: int) -> None:
        self.threads, self.share, self.long = threads, share, long
        self._busy: Counter[int] = Counter()
        self._long: Counter[int] = Counter()
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
        if self._busy[key] < self._most(key, loop.time()):
            self._busy[key] += 1
        else:
            await self._turn(key)
        place = _Place(key, began=loop.time())
        ageing = loop.call_later(LONG_SECONDS, self._age, place)
        try:
            yield
        finally:
            ageing.cancel()
            rest = min(loop.time() - place.began, MOST_REST) if self._presses(key) else 0.0
            if rest > 0:
                loop.call_later(rest, self._leave, place)
            else:
                self._leave(place)

    async def _turn(self, key: int) -> None:
        """Wait until one of the same asker makes room; whoever does has counted this one already."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave(_Place(key))
            raise

    def _most(self, key: int, now: float) -> int:
        if len(self._seen) > 1:
            self._seen = {key: seen for key, seen in self._seen.items() if now - seen < PRESENT_SECONDS or self._busy[key] or self._long[key]}
        if len(self._seen) <= 1:
            return self.threads
        return max(1, self.share // 2) if self._presses(key) else self.share

    def _presses(self, key: int) -> bool:
        """Whether one wants more than its share, and more than all the others who are there."""
        own, all_of_them = self._wanted(key), sum(map(self._wanted, self._seen))
        return len(self._seen) > 1 and own > self.share and 2 * own > all_of_them

    def _wanted(self, key: int) -> int:
        return self._busy[key] + len(self._waiting.get(key, ()))

    def _age(self, place: _Place) -> None:
        """What takes long does not hold up the short ones of the same enterprise, as long as it is not too much of it, and not more than the others want."""
        if self._long[place.key] < self.long and not self._presses(place.key):
            place.long = True
            self._long[place.key] += 1
            self._busy[place.key] -= 1
            self._admit(place.key)

    def _leave(self, place: _Place) -> None:
        """Give the place back, and let in whoever of the same asker may come."""
        (self._long if place.long else self._busy)[place.key] -= 1
        self._admit(place.key)
        for counted in (self._busy, self._long):
            if not counted[place.key]:
                del counted[place.key]

    def _admit(self, key: int) -> None:
        waiting, now = self._waiting.get(key), asyncio.get_running_loop().time()
        while waiting and self._busy[key] < self._most(key, now):
            turn = waiting.popleft()
            if not turn.done():
                self._busy[key] += 1
                turn.set_result(None)
        if not waiting:
            self._waiting.pop(key, None)
