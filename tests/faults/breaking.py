"""Faults at the statements of this thread's connection, one by one, and what they leave behind."""

from __future__ import annotations

import atexit
import contextlib
import functools
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import psycopg
import pytest
from django.conf import settings
from django.db import OperationalError, connection
from psycopg import sql

from apps.tenants.wall.base import DatabaseWrapper
from tests.cast import CLOCK, Member
from tests.faults.world import Told

Kind = Literal["fault", "gone", "lost to another"]
"""fault: the statement is not executed. gone: its connection is ended by the server. lost to another: it ends with 40001, once."""


class Broke(OperationalError):
    """The fault that the test puts in."""


@functools.cache
def _outside() -> psycopg.Connection[Any]:
    opened = psycopg.connect(settings.ENVIRONMENT.superuser.url, autocommit=True)
    atexit.register(opened.close)
    return opened


class Statements:
    """Counts the statements of a block, the wall's own among them, and lets the one with a given number fail.

    said: each statement, as far as it tells what it is.
    """

    def __init__(self, fails_at: int | None = None, kind: Kind = "fault") -> None:
        self.fails_at, self.kind = fails_at, kind
        self.said: list[str] = []

    @property
    def count(self) -> int:
        return len(self.said)

    def __call__(self, execute: Callable[..., Any], query: str, params: Any, many: bool, context: Any) -> Any:
        self.meet(query)
        return execute(query, params, many, context)

    def meet(self, query: str, *, own: bool = False) -> None:
        """own: one of the wall's commands, which fails by its connection alone: it is not in the caller's hands."""
        self.said.append(query[:120])
        if self.count != self.fails_at:
            return
        if self.kind == "lost to another":
            raise Broke(f"statement {self.count}: {query[:80]}") from Told("40001")
        if own or self.kind == "gone":
            _end(connection.connection)
        else:
            raise Broke(f"statement {self.count}: {query[:80]}")


def _end(ended: Any) -> None:
    """Let the server end a connection, and wait until it is gone."""
    if ended is not None and not ended.closed:
        _outside().execute("SELECT pg_terminate_backend(%s, 5000)", [ended.info.backend_pid])


@contextlib.contextmanager
def failing_at(number: int | None, kind: Kind = "fault") -> Iterator[Statements]:
    """Statement `number` of the block fails; none where it is None, so that they are counted."""
    statements = Statements(number, kind)
    plain, commit = DatabaseWrapper._plain, DatabaseWrapper._commit

    def _plain(wrapper: DatabaseWrapper, command: bytes) -> None:
        if command != b"ROLLBACK":
            statements.meet(command.decode(), own=True)
        plain(wrapper, command)

    def _commit(wrapper: DatabaseWrapper) -> Any:
        statements.meet("COMMIT", own=True)
        return commit(wrapper)

    with pytest.MonkeyPatch.context() as patch, connection.execute_wrapper(statements):
        patch.setattr(DatabaseWrapper, "_plain", _plain)
        patch.setattr(DatabaseWrapper, "_commit", _commit)
        yield statements


@contextlib.contextmanager
def answer_lost() -> Iterator[list[bool]]:
    """The connection is cut when the last COMMIT of the block's first transaction was sent, before its answer came; the server has done it."""
    commit, cut = DatabaseWrapper._commit, []

    def _commit(wrapper: DatabaseWrapper) -> Any:
        if cut or wrapper.connection is None:
            return commit(wrapper)
        cut.append(True)
        pid, pgconn = wrapper.connection.info.backend_pid, wrapper.connection.pgconn
        pgconn.send_query(b"COMMIT")
        while pgconn.flush():
            pass
        pgconn.finish()
        until = time.monotonic() + 10
        while _outside().execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", [pid]).fetchone():
            assert time.monotonic() < until
            time.sleep(0.002)
        raise OperationalError("server closed the connection unexpectedly")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseWrapper, "_commit", _commit)
        yield cut


@functools.cache
def _tables() -> tuple[str, ...]:
    rows = _outside().execute("SELECT tablename FROM pg_tables WHERE schemaname = 'template_home' ORDER BY 1").fetchall()
    return tuple(row[0] for row in rows)


def fingerprint(members: Sequence[Member]) -> list[Any]:
    """How many rows each table of each home and of the log has, and when one was last written: equal if nothing has changed."""
    places = [sql.Identifier(member.home.schema, table) for member in members for table in _tables() if table != "documents_document"]
    places += [sql.Identifier("public", table) for table in ("exchange_channel", "exchange_cursor", "exchange_envelope")]
    parts = [sql.SQL("SELECT count(*), coalesce(max(xmin::text::bigint), 0)::text FROM {}").format(place) for place in places]
    # A turn of the beat may wind a clock meanwhile: of documents it is told by what stands in them.
    documents = [sql.Identifier(member.home.schema, "documents_document") for member in members]
    parts += [
        sql.SQL("SELECT count(*), md5(coalesce(string_agg((to_jsonb(t) - {}::text[])::text, '' ORDER BY id), '')) FROM {} t").format(f"{{{CLOCK}}}", place)
        for place in documents
    ]
    return _outside().execute(sql.SQL(" UNION ALL ").join(parts)).fetchall()
