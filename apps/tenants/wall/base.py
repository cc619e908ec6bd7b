"""The wall: a database backend that runs no statement without knowing in whose name.

Every statement stands in a transaction whose first act is SET LOCAL ROLE and SET LOCAL search_path for the context of
`apps.base.acting`. Nothing is set for the session, so a pooler may hand the connection to anybody afterwards, and a
statement outside any context raises before it reaches the database. Statements go by the extended protocol, which takes
one statement at a time: nothing can be stacked behind a quoted mistake.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any

import psycopg
from django.db.backends.postgresql.base import CursorDebugWrapper as DebugWrapper
from django.db.backends.utils import CursorWrapper
from django.db.utils import OperationalError
from django.utils.asyncio import async_unsafe
from django_tenants.postgresql_backend import base as tenants_backend
from psycopg import generators
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus

from apps.base import acting, patience

# Nothing that a page or a partner asks for may hold a lock or a connection for longer than this; who asks waits ten seconds at most.
# What was begun over a line that went dead meanwhile holds its locks no longer than that, either: the database hears of it by nothing else.
# Set once a transaction: what is set before a savepoint outlives its rollback.
LIMITS = "SET LOCAL statement_timeout = '8s'; SET LOCAL lock_timeout = '5s'; SET LOCAL idle_in_transaction_session_timeout = '10s'"

LONG = 0.5
"""Seconds beyond which waiting for a connection was no connecting."""


class StatementCursor(psycopg.Cursor[Any]):
    """Sends parameters apart from the statement, and one statement only."""

    def _execute_send(self, query: Any, *, force_extended: bool = False, binary: bool | None = None) -> None:
        super()._execute_send(query, force_extended=True, binary=binary)


class _Walled:
    """Makes any of Django's cursor wrappers ask the wall before a statement goes out."""

    db: "DatabaseWrapper"

    def execute(self, sql: Any, params: Any = None) -> Any:
        return self.db.walled(lambda: super(_Walled, self).execute(sql, params))  # type: ignore[misc]

    def executemany(self, sql: Any, param_list: Iterable[Any]) -> Any:
        return self.db.walled(lambda: super(_Walled, self).executemany(sql, param_list))  # type: ignore[misc]


class WalledCursor(_Walled, CursorWrapper):
    pass


class WalledDebugCursor(_Walled, DebugWrapper):
    pass


class DatabaseWrapper(tenants_backend.DatabaseWrapper):  # type: ignore[misc]
    """django-tenants' backend with its session-wide search_path replaced by the wall."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._applied: tuple[str, tuple[str, ...]] | None = None
        super().__init__(*args, **kwargs)

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        if patience.lost() >= patience.SILENCE:
            raise OperationalError("the database has not answered, and whoever asks has waited long enough")
        connection = self._connection_in_time(conn_params)
        # A server that died has closed all that lie in the pool: each is put away when it is met, and costs no question.
        while self.pool and patience.is_stale(connection):
            connection.close()
            self.pool.putconn(connection)
            connection = self._connection_in_time(conn_params)
        connection.cursor_factory = StatementCursor
        return connection

    def _connection_in_time(self, conn_params: dict[str, Any]) -> Any:
        """What was waited for a connection is taken from the patience with what is asked on it."""
        began = time.monotonic()
        try:
            return super().get_new_connection(conn_params)
        finally:
            if (waited := time.monotonic() - began) > LONG:
                patience.lose(waited)

    def set_tenant(self, tenant: Any, include_public: bool = True) -> None:
        if tenant.schema_name != "public":
            raise acting.AnotherEnterpriseActs("set_tenant is closed: use act_as()")
        self.tenant, self.schema_name = tenant, tenant.schema_name

    def _handle_search_path(self, cursor: Any = None) -> None:
        """Nothing: the path is set for each transaction, by walled()."""

    def make_cursor(self, cursor: Any) -> CursorWrapper:
        return WalledCursor(cursor, self)

    def make_debug_cursor(self, cursor: Any) -> CursorWrapper:
        return WalledDebugCursor(cursor, self)

    @async_unsafe
    def chunked_cursor(self) -> Any:
        """A plain cursor: a named one would outlive the transaction in which its role was set."""
        return self.cursor()

    def walled(self, statement: Callable[[], Any]) -> Any:
        """Run one statement in a transaction that acts as the context says."""
        context = acting.current()
        self.ensure_connection()
        if not self.connection.autocommit:
            self._apply(context)
            return statement()
        self._apply(context)
        try:
            result = statement()
        except BaseException:
            self._applied = None
            self._plain(b"ROLLBACK")
            raise
        self._applied = None
        self._plain(b"COMMIT")
        return result

    def _apply(self, context: acting.Acting) -> None:
        """Set role, path and limits, in one round trip with BEGIN where no transaction is open yet."""
        wanted = (context.role, context.path)
        status = self.connection.pgconn.transaction_status
        if self._applied == wanted or status == TransactionStatus.INERROR:
            return
        if self._applied is not None:
            raise acting.AnotherEnterpriseActs(f"a transaction of {self._applied[0]} was continued by {context.role}")
        path = ", ".join(f'"{schema}"' for schema in context.path)
        begin = f"BEGIN; {LIMITS}; " if status == TransactionStatus.IDLE else ""
        self._plain(f'{begin}SET LOCAL ROLE "{context.role}"; SET LOCAL search_path TO {path}'.encode())
        self._applied = wanted

    def _plain(self, command: bytes) -> None:
        """One of the wall's own commands, which hold no value from outside, by the simple protocol."""
        with self.wrap_database_errors:
            for result in self._told(command):
                if result.status != ExecStatus.COMMAND_OK:
                    error = psycopg.errors.error_from_result(result)
                    # A lost connection has no code of its own: what it means must not depend on the statement at which it was lost.
                    raise psycopg.OperationalError(str(error)) if self.connection.pgconn.status == ConnStatus.BAD else error

    def _told(self, command: bytes) -> list[Any]:
        """The results of a command by the simple protocol, waited for as for any other: not for ever."""
        self.connection.pgconn.send_query(command)
        found: list[Any] = self.connection.wait(generators.execute(self.connection.pgconn))
        return found

    def is_usable(self) -> bool:
        try:
            return bool(self._told(b"SELECT 1")[-1].status == ExecStatus.TUPLES_OK)
        except psycopg.Error:
            return False

    def forget_role(self) -> None:
        """The next statement sets role and path anew. For the boundary, and wherever PostgreSQL undid a SET LOCAL."""
        self._applied = None

    def _commit(self) -> Any:
        self._applied = None
        return super()._commit()

    def _rollback(self) -> Any:
        self._applied = None
        return super()._rollback()

    def _savepoint_rollback(self, sid: str) -> None:
        super()._savepoint_rollback(sid)
        self._applied = None

    def close(self) -> None:
        self._applied = None
        super().close()
