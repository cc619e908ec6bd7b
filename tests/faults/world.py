"""A database, a network and processes that fail as one seed says: what the simulation of the exchange stands on."""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from django.db import OperationalError

from apps.base.retrying import persist

T = TypeVar("T")
Key = tuple[Any, ...]


class Crash(BaseException):
    """The process dies here, and all that it had in mind."""


class Told(Exception):
    """The database's word for what went wrong."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__(sqlstate)
        self.sqlstate = sqlstate


def failed(what: str, sqlstate: str = "") -> OperationalError:
    error = OperationalError(what)
    error.__cause__ = Told(sqlstate)
    return error


# What becomes of a transaction, and how often of a thousand. "at": at one of its statements; "by then": at its COMMIT.
FATES = {
    "fault at": 35, "crash at": 15, "serialization at": 30, "serialization by then": 10, "aborted by then": 10, "answer lost": 30, "crash after": 15,
}  # fmt: skip
LATEST = 16
"""The number of the last statement at which a transaction may fail."""


class Database:
    """Rows by key; one transaction at a time, whose writes stand when it commits or not at all. Values are never changed in place.

    committed: called with the writes and notes of each transaction that stands.
    """

    def __init__(self, chance: random.Random, committed: Callable[[dict[Key, Any], list[Any]], None]) -> None:
        self.rows: dict[Key, Any] = {}
        self.writes: dict[Key, Any] | None = None
        self.notes: list[Any] = []
        self.afterwards: list[Any] = []
        self.chance, self.committed = chance, committed
        self.calm = False
        self.met: Counter[str] = Counter()
        self._fuse, self._fate = -1, ""
        self._fates = [fate for fate, count in FATES.items() for _n in range(count)]

    def get(self, key: Key) -> Any:
        self._statement()
        writes = self.writes
        assert writes is not None
        return writes[key] if key in writes else self.rows.get(key)

    def put(self, key: Key, value: Any) -> None:
        self._statement()
        assert self.writes is not None
        self.writes[key] = value

    def series(self, place: Key, first: int, last: int) -> list[Any]:
        """The rows (*place, first) … (*place, last), as far as they go on without a gap."""
        self._statement()
        found = []
        for number in range(first, last + 1):
            key = (*place, number)
            row = self.writes.get(key) if self.writes else None
            if row is None and (row := self.rows.get(key)) is None:
                break
            found.append(row)
        return found

    def _statement(self) -> None:
        self._fuse -= 1
        if self._fuse:
            return
        if self._fate == "crash at":
            raise Crash
        raise failed(self._fate, "40001" if self._fate.startswith("serialization") else "08006")

    def whole(self, work: Callable[[], T]) -> T:
        """In one transaction, tried again as the product tries again."""
        return persist(lambda: self._once(work), wait=_do_not_wait)

    def _once(self, work: Callable[[], T]) -> T:
        assert self.writes is None, "a transaction within a transaction"
        self.writes, self.notes, self.afterwards = {}, [], []
        self._fate = fate = self._draw()
        self._fuse = self.chance.randrange(1, LATEST) if fate.endswith(" at") else -1
        try:
            result = work()
            if fate.endswith("by then"):
                raise failed(fate, "40001" if fate.startswith("serialization") else "08006")
            writes, notes = self.writes, self.notes
        finally:
            self.writes, self._fuse = None, -1
        self.rows.update(writes)
        self.committed(writes, notes)
        if fate == "answer lost":
            raise failed(fate, "08006")
        if fate == "crash after":
            raise Crash
        return result

    def _draw(self) -> str:
        if self.calm:
            return ""
        number = int(self.chance.random() * 1000)
        fate = self._fates[number] if number < len(self._fates) else "committed"
        self.met[fate] += 1
        return fate

    @contextlib.contextmanager
    def savepoint(self) -> Iterator[None]:
        """What the block wrote is undone where it raises; the transaction goes on."""
        assert self.writes is not None
        kept = dict(self.writes), list(self.notes), list(self.afterwards)
        try:
            yield
        except Exception:
            self.writes, self.notes, self.afterwards = kept
            raise


def _do_not_wait(seconds: float) -> None:
    """Nobody waits in simulated time."""
