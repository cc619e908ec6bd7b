"""Backup and restore by the commands of docs/operating.md: the same heads afterwards, everything proven, and the feed in a new life."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from portal.embedded import EmbeddedPostgres, packaged_binaries
from tests import ground
from tests.cast import ask, line, make_pair, move, order

HEADS = "SELECT sender_id, receiver_id, head, digest FROM public.exchange_channel ORDER BY 1, 2"
EPOCH = "SELECT max(number) FROM public.tenants_epoch"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """Another server, with the secrets of this one beside it."""
    place = ground.RUN / "restored"
    place.mkdir()
    for secret in ("secret", "keyring"):
        shutil.copy(ground.RUN / secret, place / secret)
    server = EmbeddedPostgres(place / "postgres")
    try:
        server.start()
        yield server
    finally:
        server.destroy()
        shutil.rmtree(place)


def tool(server: EmbeddedPostgres, name: str, *words: str) -> str:
    """One of PostgreSQL's own programs, as the superuser of a server."""
    record = server.prepare()
    told = {**os.environ, "PGPASSWORD": record.passwords["postgres"]}
    command = [str(packaged_binaries() / "bin" / name), "-h", "127.0.0.1", "-p", str(record.port), "-U", "postgres", *words]
    done = subprocess.run(command, env=told, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def manage(place: Path, *words: str) -> str:
    told = {**os.environ, "VAR_DIR": str(place)}
    done = subprocess.run([sys.executable, "manage.py", *words], cwd=ground.ROOT, env=told, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.night
def test_a_restored_installation_has_the_same_heads_and_a_new_epoch(database: None, elsewhere: EmbeddedPostgres, tmp_path: Path) -> None:
    buyer, seller = make_pair()
    move(seller, order(buyer, seller, [line("A-1")]), "confirm")
    here = EmbeddedPostgres(ground.RUN / "postgres")
    dump, roles = tmp_path / "tributary.dump", tmp_path / "roles.sql"
    heads, epoch = ask(HEADS), ask(EPOCH)[0]["max"]
    tool(here, "pg_dump", "-Fc", "-f", str(dump), "tributary")
    tool(here, "pg_dumpall", "--roles-only", "--no-role-passwords", "-f", str(roles))
    tool(elsewhere, "psql", "-q", "-f", str(roles), "postgres")
    tool(elsewhere, "pg_restore", "--clean", "--if-exists", "-d", "tributary", str(dump))
    place = elsewhere.wanted.parent
    manage(place, "prepare")
    with psycopg.connect(elsewhere.dsn("postgres", "tributary")) as connection:
        found = connection.execute(HEADS).fetchall()
        assert [tuple(row) for row in found] == [tuple(row.values()) for row in heads]
        newer = connection.execute(EPOCH).fetchone()
        assert newer is not None
        assert newer[0] > epoch
    said = manage(place, "verify", "--enterprise", buyer.slug)
    assert f"{buyer.slug} → {seller.slug}: 1 envelopes, 1 delivered" in said
