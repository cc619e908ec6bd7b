"""How long we wait for a database or a Redis that says nothing, and which errors mean that database or disk are not to be had now."""

import errno
import select
import time
from contextvars import ContextVar
from typing import Any, TypeVar

import psycopg
from django.db import InterfaceError, OperationalError
from psycopg.abc import PQGen
from psycopg.pq.abc import PGconn
from psycopg.rows import tuple_row

from apps.base.retrying import sqlstate

RV = TypeVar("RV")

CONNECT = 4
"""Seconds for a connection to come about."""
SILENCE = 8.5
"""Seconds after which a statement without any answer is given up: a little longer than the longest that the database itself may take
(`tenants.wall`). A network between us that swallows what we say is noticed by nothing else."""
KEEPALIVES = {"connect_timeout": CONNECT, "keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 2, "tcp_user_timeout": 8000}
"""What libpq is told, where a URL does not say otherwise: a machine that is gone is noticed within ten seconds."""
ASIDE = 0.25
"""Seconds that Redis has to connect, or to answer, while somebody waits: nothing that it keeps is worth more."""
LISTENING = 8.0
"""Seconds after which a Redis that carries news counts as silent: longer than a listener's question takes that nobody answers (five, in `channels_redis`)."""
AWAY = 5.0
"""Seconds for which what did not answer is left alone."""

IN_VAIN = 2.0
"""Seconds for which somebody's waiting in vain still counts: until he is told, not until he asks again."""

_lost: ContextVar[tuple[float, float]] = ContextVar("lost", default=(0.0, 0.0))


def lost() -> float:
    """Seconds for which whoever asks here has just waited in vain."""
    seconds, until = _lost.get()
    return seconds if time.monotonic() < until else 0.0


def lose(seconds: float) -> None:
    """Whoever asks here has waited in vain for so long: for what he asks next he has the less patience, so that the sum stays below ten seconds."""
    _lost.set((lost() + seconds, time.monotonic() + IN_VAIN))


# PostgreSQL, appendix A: connection exceptions, insufficient resources (a full disk: 53100), an operator's intervention, system errors.
_GONE = ("08", "53", "57P", "58")
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS})


class PatientConnection(psycopg.Connection[Any]):
    """A connection that is closed, and says so, when the database has been silent for too long.

    distrusted: when that was last met in this process. Connections that are older (`born`) go the same way, and are not worth the same wait.
    """

    distrusted = 0.0

    def __init__(self, pgconn: PGconn, row_factory: Any = tuple_row) -> None:
        super().__init__(pgconn, row_factory)
        self.born = time.monotonic()

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        patience = max(1.0, SILENCE - lost())
        try:
            return super().wait(gen, interval=interval, timeout=patience if timeout is None else timeout)
        except psycopg.errors._WaitTimeout as error:
            if timeout is not None:
                raise
            self.pgconn.finish()
            PatientConnection.distrusted = time.monotonic()
            lose(patience)
            raise psycopg.OperationalError(f"the database has not answered for {patience:.0f} s") from error


def is_stale(connection: psycopg.Connection[Any]) -> bool:
    """Whether an idle connection was closed by the other end, has heard what it cannot make use of, or is not to be trusted. Asks nobody."""
    if connection.closed or getattr(connection, "born", 0.0) < PatientConnection.distrusted:
        return True
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def is_unavailable(error: BaseException) -> bool:
    """Whether this error means that the database or the disk cannot be had at this moment, and the same may go well a little later."""
    if isinstance(error, OSError):
        return error.errno in _NO_ROOM
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    state = sqlstate(error)
    return not state or state.startswith(_GONE)
