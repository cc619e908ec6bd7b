"""The ground of the tests: an embedded PostgreSQL of this run's own, and Django's settings on it.

It must be laid before Django's settings are read, so `conftest.py` imports this module first.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from pathlib import Path

import psutil
import psycopg

from portal.embedded import EmbeddedPostgres, PostgresRefused

ROOT = Path(__file__).resolve().parents[1]
GIVEN = os.environ.get("VAR_DIR")
IN_MEMORY = Path("/dev/shm")
ENOUGH = 14 * 2**30
"""Bytes of memory with which a run's servers may lie in it: thousands of homes take some eight billion."""


def base() -> Path:
    """Where runs are laid: as VAR_DIR says; in memory where there is plenty, because making homes is making files; else in the project."""
    if GIVEN:
        return Path(GIVEN)
    if IN_MEMORY.is_dir() and os.access(IN_MEMORY, os.W_OK) and min(psutil.virtual_memory().available, psutil.disk_usage(str(IN_MEMORY)).free) > ENOUGH:
        return IN_MEMORY / f"tributary-{hashlib.sha256(str(ROOT).encode()).hexdigest()[:8]}"
    return ROOT / "var" / "test"


BASE = base()
RUN = BASE / f"run-{os.getpid()}"
ELSEWHERE = (
    *("DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_SUPERUSER_URL", "BROKER_URL", "REDIS_URL"),
    *("EMAIL_URL", "SECRET_KEY", "KEY_RING", "BASE_URL", "ALLOWED_HOSTS", "PORT"),
)


def clear_the_dead() -> None:
    """Remove what earlier runs left that were killed; what such a run started may still be at work, and is left to a later run."""
    for folder in BASE.glob("run-*"):
        if psutil.pid_exists(int(folder.name.removeprefix("run-"))):
            continue
        with contextlib.suppress(PostgresRefused):
            remove(EmbeddedPostgres(folder / "postgres"))


def remove(server: EmbeddedPostgres) -> None:
    """Stop and delete a run's server, with all that lies beside it."""
    server.destroy()
    shutil.rmtree(server.wanted.parent)


def lay() -> EmbeddedPostgres:
    """Make this run's folder and settle where its server will be; the server is started by the first test that needs it."""
    (RUN / "static").mkdir(parents=True, exist_ok=True)
    for name in ELSEWHERE:
        os.environ.pop(name, None)
    os.environ["VAR_DIR"] = str(RUN)
    os.environ["DJANGO_SETTINGS_MODULE"] = "portal.settings"
    if not (RUN / "assets").exists():
        (ROOT / "var" / "assets").mkdir(parents=True, exist_ok=True)
        (RUN / "assets").symlink_to(ROOT / "var" / "assets")
    server = EmbeddedPostgres(RUN / "postgres")
    server.prepare()
    return server


def forget() -> None:
    """Give the environment back as it was, for processes that are started from here."""
    del os.environ["DJANGO_SETTINGS_MODULE"], os.environ["VAR_DIR"]
    if GIVEN:
        os.environ["VAR_DIR"] = GIVEN


def start(server: EmbeddedPostgres) -> None:
    """Start it. These data need not outlive the machine, so nothing waits for the disk."""
    port = server.prepare().port
    server.start()
    assert server.prepare().port == port, "the port was taken meanwhile: run the tests again"
    with psycopg.connect(server.dsn("postgres", "postgres"), autocommit=True) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off".encode())
        connection.execute("SELECT pg_reload_conf()")
