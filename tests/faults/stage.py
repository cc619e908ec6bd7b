"""A ground of its own for faults: a server that may be killed, and enterprises on it, all made by processes of their own.

The run's own server waits for no disk and would lose what it confirmed; this one gives its word only when the word is with the kernel
(`synchronous_commit`, `full_page_writes`), which outlives every kill. Only `fsync` is off: nobody here turns the machine off.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from portal import embedded, processes
from portal.embedded import APP, BROKER, BROKER_DATABASE, DATABASE, OWNER, EmbeddedPostgres, Record
from tests import ground
from tests.house import House, open_house

NOT_OURS = ("DATABASE_URL", "BROKER_URL", "REDIS_URL")


@dataclass(frozen=True)
class Member:
    """An enterprise of the stage, as a partner's program knows it."""

    id: str
    slug: str
    schema: str
    token: str


@dataclass(frozen=True)
class Pair:
    """Two partners, and the buyer's number of an item that the seller sells him."""

    buyer: Member
    seller: Member
    item: str


@dataclass(frozen=True)
class Cast:
    """Some enterprises and who of them buys what from whom."""

    members: tuple[Member, ...]
    pairs: tuple[Pair, ...]


@dataclass(frozen=True)
class Stage:
    """place: everything that is written. given: the variables of its processes."""

    place: Path
    server: EmbeddedPostgres
    given: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if key not in NOT_OURS}
        return {**kept, "VAR_DIR": str(self.place), "PYTHONPATH": str(ground.ROOT), **self.given}

    def run(self, *command: str, seconds: float = 120) -> subprocess.CompletedProcess[str]:
        """Run Python with these arguments on this ground, to its end."""
        return subprocess.run([sys.executable, *command], cwd=ground.ROOT, env=self.environment, capture_output=True, text=True, check=False, timeout=seconds)

    def must(self, *command: str) -> str:
        """The output of a command that must go well."""
        done = self.run(*command)
        assert done.returncode == 0, f"{command}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def cast(self, kind: str) -> Cast:
        """Make enterprises of a kind (`tests.faults.laying`)."""
        found = json.loads(self.must("-m", "tests.faults.laying", kind).splitlines()[-1])
        members = {each["slug"]: Member(**each) for each in found["members"]}
        pairs = [Pair(members[buyer], members[seller], item) for buyer, seller, item in found["pairs"]]
        return Cast(tuple(members.values()), tuple(pairs))

    @contextlib.contextmanager
    def house(self, *, web_workers: int = 2, **more: str) -> Iterator[House]:
        with open_house(web_workers=web_workers, given={**self.environment, **more}, place=ground.RUN) as house:
            yield house

    def ask(self, query: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Ask the database as its superuser."""
        with self.connect() as connection:
            cursor = connection.execute(query.encode(), parameters)
            return cursor.fetchall() if cursor.description else []

    def connect(self) -> psycopg.Connection[dict[str, Any]]:
        return psycopg.connect(self.server.dsn("postgres", "tributary"), autocommit=True, row_factory=dict_row)


def borrowed(name: str) -> Stage:
    """A place of its own on the run's own server, which is there and must not be killed. What it holds is deleted with the run."""
    place = ground.RUN / name
    server = EmbeddedPostgres(ground.RUN / "postgres")
    record = server.prepare()
    given = {
        "DATABASE_URL": _login(record, APP),
        "DATABASE_OWNER_URL": _login(record, OWNER),
        "BROKER_URL": embedded.dsn(record, BROKER, BROKER_DATABASE).replace("postgresql:", "pgmq:", 1),
        **{key: (ground.RUN / kept).read_text("utf-8").strip() for key, kept in (("SECRET_KEY", "secret"), ("KEY_RING", "keyring"))},
        "BASE_URL": "http://localhost:1",
        "PREPARED_STATEMENTS": "1",
    }
    place.mkdir()
    _without_static(place)
    return Stage(place, server, given)


def _login(record: Record, role: str) -> str:
    """The database's URL for one of our logins."""
    return embedded.dsn(record, role, DATABASE)


def _without_static(place: Path) -> None:
    """No page is looked at here: what is served under /static/ counts as laid out."""
    (place / "static").mkdir(exist_ok=True)
    with processes.when_changed(place / "static.mark", processes.static_sources()):
        pass


@contextlib.contextmanager
def laid(name: str, *, configured: Mapping[str, str] | None = None, place: Path | None = None) -> Iterator[Stage]:
    """A prepared, empty ground, and nothing left of it afterwards. configured: more settings of its server; place: where, if not beside the run's."""
    place = place or ground.RUN / name
    place.mkdir(parents=True, exist_ok=True)
    stage = Stage(place, EmbeddedPostgres(place / "postgres"))
    try:
        stage.server.start()
        with psycopg.connect(stage.server.dsn("postgres", "postgres"), autocommit=True) as connection:
            for key, value in {"fsync": "off", **(configured or {})}.items():
                connection.execute(f"ALTER SYSTEM SET {key} = '{value}'".encode())
            connection.execute("SELECT pg_reload_conf()")
            kept = {key: connection.execute(f"SHOW {key}".encode()).fetchone() for key in ("synchronous_commit", "full_page_writes")}
        assert kept == {"synchronous_commit": ("on",), "full_page_writes": ("on",)}
        stage.must("manage.py", "prepare")
        _without_static(place)
        yield stage
    finally:
        stage.server.destroy()
        shutil.rmtree(place, ignore_errors=True)
