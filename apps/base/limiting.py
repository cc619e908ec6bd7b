"""How much one may ask: limits that count for all processes together, and never let one through too many.

A limit of `count` in `seconds` lets `count` through at once, and after that one each `seconds / count` (the generic cell rate
algorithm, ITU-T I.371 annex A): all that is kept of somebody is one time, the one at which his account is empty again. Where
`REDIS_URL` is set the times lie there, else in a file that all processes of the machine share; either way reading and writing
are one step. Whoever cannot be counted (Redis or the disk is gone) is let through: a limit must not be what stops the portal.
"""

import fcntl
import functools
import hashlib
import logging
import math
import os
import struct
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import redis
from django.conf import settings
from django.utils.translation import ngettext

from apps.base.patience import ASIDE, AWAY

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` in `seconds`; a count of 0 limits nothing."""

    count: int
    seconds: float

    @property
    def pace(self) -> float:
        """Seconds for one."""
        return self.seconds / self.count


class TooMany(Exception):
    """Somebody asked for more than his limit. wait: seconds until he may ask again."""

    def __init__(self, wait: float) -> None:
        self.wait = max(1, math.ceil(wait))
        super().__init__(ngettext("Ask again in %(seconds)s second.", "Ask again in %(seconds)s seconds.", self.wait) % {"seconds": self.wait})


def settle(empty_at: float, now: float, limit: Limit) -> tuple[float, float]:
    """One more at `now`, for whom the account is empty again at `empty_at`. Gives when it is empty next, and the seconds to wait: 0 is a yes.

    A time farther off than the limit allows is none of ours (a clock was set back, or the limit was lowered), and is taken for the farthest one.
    """
    begun = min(max(empty_at, now), now + limit.seconds)
    wait = begun + limit.pace - (now + limit.seconds)
    # A hair is left to the rounding of times that are added up.
    return (begun, wait) if wait > limit.pace * 1e-6 else (begun + limit.pace, 0.0)


class Book(Protocol):
    """Where the times are kept. Both are one step, whoever else asks at that moment."""

    def take(self, name: bytes, limit: Limit) -> float:
        """One more; gives the seconds to wait, 0 where it was let through."""

    def give_back(self, name: bytes, limit: Limit) -> None:
        """One that was let through is not counted."""


SLOT = struct.Struct("=Qd")
SLOTS, PAGES = 8, 8192
PAGE = SLOT.size * SLOTS


class SharedFile:
    """Times in a file of fixed size that all processes of a machine open: pages of eight slots, a slot for each name.

    A page is changed under a lock of the kernel's, which ends with the process that holds it. Of a full page the slot that is empty
    soonest is given away: with 65,536 slots for those who were active within the last minutes that is rare, and costs a limit a little sharpness.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if os.fstat(self._file).st_size < PAGE * PAGES:
            os.ftruncate(self._file, PAGE * PAGES)
        # The kernel's lock is the process's: among its threads it is this one that counts.
        self._threads = threading.Lock()
        os.register_at_fork(after_in_child=self._after_fork)

    def _after_fork(self) -> None:
        self._threads = threading.Lock()

    def take(self, name: bytes, limit: Limit) -> float:
        return self._change(name, limit, taken=True)

    def give_back(self, name: bytes, limit: Limit) -> None:
        self._change(name, limit, taken=False)

    def _change(self, name: bytes, limit: Limit, *, taken: bool) -> float:
        page, mark = int.from_bytes(name[:8], "little") % PAGES * PAGE, int.from_bytes(name[8:16], "little") | 1
        with self._threads:
            fcntl.lockf(self._file, fcntl.LOCK_EX, PAGE, page)
            try:
                slots = list(SLOT.iter_unpack(os.pread(self._file, PAGE, page)))
                place = _place(slots, mark)
                empty_at = slots[place][1] if slots[place][0] == mark else 0.0
                empty_at, wait = settle(empty_at, time.time(), limit) if taken else (empty_at - limit.pace, 0.0)
                os.pwrite(self._file, SLOT.pack(mark, empty_at), page + place * SLOT.size)
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN, PAGE, page)
        return wait


def _place(slots: Sequence[tuple[int, float]], mark: int) -> int:
    """The slot of a name, else the one that is empty soonest."""
    for place, (other, _empty_at) in enumerate(slots):
        if other == mark:
            return place
    return min(range(len(slots)), key=lambda place: slots[place][1])


class InRedis:
    """Times in Redis, changed by a script: nothing comes between its reading and its writing."""

    # KEYS[1]: the name; ARGV: pace and seconds. The same as settle(), by Redis's own clock. Times are whole microseconds in a text: Lua's
    # own way to write a number keeps 14 digits.
    TAKE = """
    local clock = redis.call('TIME')
    local now, pace, length = clock[1] * 1000000 + clock[2], tonumber(ARGV[1]), tonumber(ARGV[2])
    local begun = math.min(math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now), now + length)
    local wait = begun + pace - (now + length)
    if wait > 0 then return wait end
    redis.call('SET', KEYS[1], string.format('%.0f', begun + pace), 'PX', math.ceil((begun + pace - now) / 1000) + 1)
    return 0
    """
    GIVE_BACK = """
    local empty = redis.call('GET', KEYS[1])
    if empty then redis.call('SET', KEYS[1], string.format('%.0f', tonumber(empty) - tonumber(ARGV[1])), 'KEEPTTL') end
    """

    def __init__(self, url: str) -> None:
        client = redis.Redis.from_url(url, socket_timeout=ASIDE, socket_connect_timeout=ASIDE)
        self._take, self._give_back = client.register_script(self.TAKE), client.register_script(self.GIVE_BACK)

    def take(self, name: bytes, limit: Limit) -> float:
        return float(self._take(keys=[b"limit:" + name.hex().encode()], args=self._said(limit))) / 1e6

    def give_back(self, name: bytes, limit: Limit) -> None:
        self._give_back(keys=[b"limit:" + name.hex().encode()], args=self._said(limit))

    def _said(self, limit: Limit) -> list[int]:
        # Rounded up, so that rounding lets nobody through.
        return [math.ceil(limit.pace * 1e6), math.ceil(limit.pace * 1e6) * limit.count]


class Counting:
    """Redis where it is there, else this machine's file; where neither can be had, nobody is stopped."""

    def __init__(self, url: str | None, path: Path) -> None:
        self._redis: Book | None = InRedis(url) if url else None
        self._path = path
        self._redis_back = self._file_back = 0.0

    @functools.cached_property
    def _file(self) -> Book:
        return SharedFile(self._path)

    def take(self, name: bytes, limit: Limit) -> float:
        return self._ask("take", name, limit) or 0.0

    def give_back(self, name: bytes, limit: Limit) -> None:
        self._ask("give_back", name, limit)

    def _ask(self, verb: str, name: bytes, limit: Limit) -> Any:
        now = time.monotonic()
        if self._redis is not None and now >= self._redis_back:
            try:
                return getattr(self._redis, verb)(name, limit)
            except redis.RedisError as error:
                self._redis_back = now + AWAY
                log.warning("limits cannot be counted in Redis (%s): each machine counts for itself meanwhile", type(error).__name__)
        if now >= self._file_back:
            try:
                return getattr(self._file, verb)(name, limit)
            except OSError as error:
                self._file_back = now + AWAY
                log.warning("limits cannot be counted (%s): nobody is stopped", error)
        return None


@functools.lru_cache(maxsize=1)
def book() -> Book:
    """This process's way to the times that all share."""
    return Counting(settings.REDIS_URL, settings.LIMITS_FILE)


def limit_of(kind: str) -> Limit | None:
    """The limit of this kind (`settings.LIMITS`), None where there is none."""
    count, seconds = settings.LIMITS[kind]
    return Limit(count, seconds) if count else None


@functools.lru_cache(maxsize=4096)
def _name(kind: str, who: str) -> bytes:
    """A name of 16 bytes that nobody outside can aim at."""
    return hashlib.blake2b(f"{kind}:{who}".encode(), digest_size=16, key=settings.SECRET_KEY.encode()[:64]).digest()


def take(*counted: tuple[str, str]) -> None:
    """Count one more for each (kind, who), or for none of them. Raises TooMany."""
    passed: list[tuple[str, str]] = []
    for kind, who in counted:
        limit = limit_of(kind)
        wait = book().take(_name(kind, who), limit) if limit else 0.0
        if wait:
            give_back(*passed)
            raise TooMany(wait)
        passed.append((kind, who))


def give_back(*counted: tuple[str, str]) -> None:
    """Count for these one less: what take() counted turned out to be none of what is limited."""
    for kind, who in counted:
        if limit := limit_of(kind):
            book().give_back(_name(kind, who), limit)
