"""The notifier: one thread of a process, with a connection of its own, which says whose news was committed.

It is no part of any document's transaction: a NOTIFY there takes a lock that all commits share. Whatever is lost here
(a crash, a broken connection) the poll of `live.bridge` finds within a second.
"""

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable

import psycopg
from channels.layers import get_channel_layer
from django.conf import settings
from psycopg import sql

from apps.base.patience import PatientConnection
from apps.live.selectors import database_login

log = logging.getLogger(__name__)

CHANNEL = "tributary"
# Seconds between two notifications: many moves in a row are one.
PAUSE = 0.005


class Notifier:
    """Collects the names of groups, and wakes them from a thread that starts with the first one."""

    def __init__(self) -> None:
        self._names: dict[str, None] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._connection: psycopg.Connection | None = None

    def note(self, group: str) -> None:
        """Wake `group` soon. Returns at once."""
        with self._changed:
            self._names[group] = None
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="live-notifier", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _run(self) -> None:
        send = self._by_layer() if settings.REDIS_URL else self._by_database
        while True:
            with self._changed:
                while not self._names:
                    self._changed.wait()
                names, self._names = list(self._names), {}
            try:
                send(names)
            except Exception:
                log.exception("news was committed and could not be notified; the poll will find it")
            time.sleep(PAUSE)

    def _by_database(self, names: list[str]) -> None:
        try:
            if self._connection is None:
                self._connection = PatientConnection.connect(**database_login("tributary-notifier"), autocommit=True)
            # NOTIFY takes no parameters. Several in one message are one transaction.
            statements = [sql.SQL("NOTIFY {}, {}").format(sql.Identifier(CHANNEL), sql.Literal(name)) for name in names]
            self._connection.execute(sql.SQL("; ").join(statements))
        except psycopg.Error:
            if self._connection is not None:
                self._connection.close()
            self._connection = None
            raise

    def _by_layer(self) -> Callable[[list[str]], None]:
        loop = asyncio.new_event_loop()
        layer = get_channel_layer()

        def send(names: list[str]) -> None:
            for name in names:
                loop.run_until_complete(layer.group_send(name, {"type": "wake", "group": name}))

        return send


_notifier = Notifier()


def _begin_anew() -> None:
    """A child after a fork has neither the thread nor a right to the connection."""
    global _notifier
    _notifier = Notifier()


os.register_at_fork(after_in_child=_begin_anew)


def note(group: str) -> None:
    """Wake `group` soon, from the notifier's thread of this process."""
    _notifier.note(group)
