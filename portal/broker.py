"""The queues in PostgreSQL, reached with the patience that we have for any other database: a worker must not wait for ever for a line that is dead."""

from __future__ import annotations

from typing import Any

from kombu import transport
from kombu.transport import pgmq
from psycopg_pool import ConnectionPool

from apps.base.patience import KEEPALIVES, PatientConnection


class Transport(pgmq.Transport):
    """Kombu's transport with connections that give up, and a pool that comes back as soon as the server does."""

    def _create_pgmq_client(self) -> Any:
        client = super()._create_pgmq_client()
        assert client.pool is not None
        client.pool.close(timeout=0.5)  # without any patience each start would warn that a thread was still at work
        size: int = client.config.pool_size
        client.pool = ConnectionPool(
            client.config.dsn, kwargs=dict(KEEPALIVES), connection_class=PatientConnection, min_size=1, max_size=size, timeout=5, reconnect_timeout=1,
            check=ConnectionPool.check_connection, open=True,
        )  # fmt: skip
        return client


def install() -> None:
    """Have every `pgmq://` of this process go this way."""
    transport.TRANSPORT_ALIASES["pgmq"] = "portal.broker:Transport"
