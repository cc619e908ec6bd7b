"""Transactions that lost against another one are tried again, whole."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError, connection

T = TypeVar("T")

# 40001 serialization_failure, 40P01 deadlock_detected (PostgreSQL, appendix A).
AGAIN = frozenset({"40001", "40P01"})
TRIES = 5


def sqlstate(error: BaseException) -> str:
    """PostgreSQL's code of a database error; empty where there is none."""
    return getattr(error.__cause__, "sqlstate", None) or ""


def whole(work: Callable[[], T]) -> T:
    """Run `work`, which opens its own transaction, and again where PostgreSQL ended it for the sake of another, with jitter.

    Inside an open transaction it runs once: only the outermost can be tried again.
    """
    return work() if connection.in_atomic_block else persist(work, wait=time.sleep)


def persist(work: Callable[[], T], *, wait: Callable[[float], None]) -> T:
    """Run `work`, and again where it lost against another, a few times. wait: for so many seconds in between."""
    for attempt in range(1, TRIES):
        try:
            return work()
        except OperationalError as error:
            if sqlstate(error) not in AGAIN:
                raise
            wait(random.uniform(0.005, 0.02) * 2**attempt)
    return work()
