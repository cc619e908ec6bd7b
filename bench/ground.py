"""The ground of the benchmarks: an embedded PostgreSQL of their own below `var/bench`, made anew for each run, as durable as any.

It must be laid before Django's settings are read; the processes that the benchmarks start inherit it by their environment.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from portal.embedded import EmbeddedPostgres, free_port
from portal.environment import Database

ROOT = Path(__file__).resolve().parents[1]
HERE = ROOT / "var" / "bench"
FOREIGN = (
    *("DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_SUPERUSER_URL", "BROKER_URL", "REDIS_URL"),
    *("EMAIL_URL", "SECRET_KEY", "KEY_RING", "BASE_URL", "ALLOWED_HOSTS", "HOST"),
)


@contextlib.contextmanager
def laid() -> Iterator[EmbeddedPostgres]:
    """Have the server running and the schema in it, and take both away afterwards."""
    for name in FOREIGN:
        os.environ.pop(name, None)
    os.environ |= {"VAR_DIR": str(HERE), "DJANGO_SETTINGS_MODULE": "portal.settings", "PORT": str(free_port()), "LOG_FORMAT": "plain"}
    server = EmbeddedPostgres(HERE / "postgres")
    server.destroy()
    shutil.rmtree(HERE, ignore_errors=True)
    (HERE / "static").mkdir(parents=True)
    if (ROOT / "var" / "assets").is_dir():
        (HERE / "assets").symlink_to(ROOT / "var" / "assets")
    try:
        server.start()
        yield server
    finally:
        server.destroy()


def prepare() -> None:
    """Make roles, tables and rights in it, and set Django up on it."""
    import django

    django.setup()
    logging.disable(logging.INFO)
    from django.core.management import call_command

    call_command("prepare", verbosity=0)


def login(name: Literal["owner", "superuser"]) -> str:
    """The address of the embedded database for one of its privileged logins."""
    from django.conf import settings

    found: Database = getattr(settings.ENVIRONMENT, name)
    return found.url
