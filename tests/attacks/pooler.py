"""PgBouncer in transaction mode between this process and its database."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection, connections

from portal.embedded import free_port

BOUNCER = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
# As root it must become somebody else, who can read what is written for it.
SOMEBODY = "nobody"


def need() -> str:
    """The path of pgbouncer; the test is skipped without it, and fails where it is required."""
    if BOUNCER is None:
        if os.environ.get("REQUIRE_PGBOUNCER"):
            pytest.fail("no pgbouncer on this machine, and REQUIRE_PGBOUNCER is set")
        pytest.skip("no pgbouncer on this machine")
    return BOUNCER


@contextlib.contextmanager
def between(pool: int = 3) -> Iterator[int]:
    """Lead this process's connections through a pooler with so few servers that they change hands all the time. Gives its port."""
    login, port = settings.DATABASES["default"], free_port()
    with tempfile.TemporaryDirectory() as name, _started(need(), Path(name), port, pool):
        changed = {"HOST": "127.0.0.1", "PORT": port, "OPTIONS": {**login["OPTIONS"], "prepare_threshold": None}}
        kept = {key: login[key] for key in changed}
        _anew(changed)
        try:
            yield port
        finally:
            _anew(kept)


def _anew(changed: dict[str, object]) -> None:
    """Close what is open, and let the next connection be made so."""
    for made in connections.all(initialized_only=True):
        made.close()
    connection.close_pool()
    connections.settings["default"].update(changed)
    connection.settings_dict.update(changed)


@contextlib.contextmanager
def _started(bouncer: str, folder: Path, port: int, pool: int) -> Iterator[None]:
    login = settings.DATABASES["default"]
    (folder / "users").write_text(f'"{login["USER"]}" "{login["PASSWORD"]}"\n')
    (folder / "ini").write_text(
        f"[databases]\n{login['NAME']} = host=127.0.0.1 port={login['PORT']} dbname={login['NAME']}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = trust\nauth_file = {folder}/users\n"
        f"pool_mode = transaction\ndefault_pool_size = {pool}\nmax_client_conn = 100\nserver_reset_query =\nquery_wait_timeout = 30\n"
    )
    command = [bouncer, str(folder / "ini")]
    if os.geteuid() == 0:
        command[1:1] = ["-u", SOMEBODY]
        folder.chmod(0o755)
        for name in ("ini", "users"):
            shutil.chown(folder / name, SOMEBODY)
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
    try:
        for _attempt in range(100):
            if b"process up" in log.read_bytes():
                break
            assert process.poll() is None, log.read_text()
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(10)
