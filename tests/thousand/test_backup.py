"""Backup and restore of all, by the commands of docs/operating.md: the same heads afterwards, every file, everything proven, and the feed in a new life.

And what a backup may have lost is named: a file, or an envelope that had been taken in.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from portal.embedded import EmbeddedPostgres, packaged_binaries
from tests import ground, tally
from tests.faults.stage import Stage, laid

pytestmark = [pytest.mark.night, pytest.mark.alone]

HEADS = "SELECT sender_id, receiver_id, head, digest FROM public.exchange_channel ORDER BY 1, 2"
EPOCH = "SELECT max(number) AS newest FROM public.tenants_epoch"
SECRETS = ("secret", "keyring")
TALKS = 6 * 5
"""Orders in `laying.talked`: each has a file, which both sides keep."""


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with laid("backed") as found:
        yield found


@pytest.fixture(scope="module")
def restored(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Another server with what was backed up of the first one: the database, the roles, the files and the secrets."""
    stage.cast("talked")
    backup = tmp_path_factory.mktemp("backup")
    tool(stage.server, "pg_dump", "-Fc", "-f", str(backup / "tributary.dump"), "tributary")
    tool(stage.server, "pg_dumpall", "--roles-only", "--no-role-passwords", "-f", str(backup / "roles.sql"))
    place = ground.RUN / "restored"
    place.mkdir()
    for secret in SECRETS:
        shutil.copy(stage.place / secret, place / secret)
    shutil.copytree(stage.place / "media", place / "media")
    elsewhere = replace(stage, place=place, server=EmbeddedPostgres(place / "postgres"))
    try:
        elsewhere.server.start()
        tool(elsewhere.server, "psql", "-q", "-f", str(backup / "roles.sql"), "postgres")
        tool(elsewhere.server, "pg_restore", "--clean", "--if-exists", "-d", "tributary", str(backup / "tributary.dump"))
        elsewhere.must("manage.py", "prepare")
        yield elsewhere
    finally:
        elsewhere.server.destroy()
        shutil.rmtree(place)


def tool(server: EmbeddedPostgres, name: str, *words: str) -> None:
    """One of PostgreSQL's own programs, as the superuser of a server."""
    record = server.prepare()
    told = {**os.environ, "PGPASSWORD": record.passwords["postgres"]}
    command = [str(packaged_binaries() / "bin" / name), "-h", "127.0.0.1", "-p", str(record.port), "-U", "postgres", *words]
    done = subprocess.run(command, env=told, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def kept(stage: Stage) -> dict[str, bytes]:
    """All files of all enterprises, by their place."""
    media = stage.place / "media"
    return {str(place.relative_to(media)): place.read_bytes() for place in sorted(media.rglob("*")) if place.is_file()}


def verified(stage: Stage) -> tuple[int, str]:
    """The exit status of `verify` over everybody, and what it said."""
    done = stage.run("manage.py", "verify")
    return done.returncode, done.stdout + done.stderr


def test_all_that_is_restored_is_as_it_was_and_is_proven(stage: Stage, restored: Stage) -> None:
    began = time.perf_counter()
    heads, files = stage.ask(HEADS), kept(stage)
    again, status, said = restored.ask(HEADS), *verified(restored)
    envelopes = sum(row["head"] for row in heads)
    told = re.findall(r": (\d+) envelopes, (\d+) delivered\n", said)
    lost = len(heads) - len(again) + len(files) - len(kept(restored)) + bool(status)
    tally.tell("backup and restore", tried=envelopes + len(files), lost=lost, seconds=time.perf_counter() - began, channels=len(heads))
    assert again == heads
    assert status == 0, said
    assert (len(told), sum(int(count) for count, _delivered in told)) == (len(heads), envelopes)
    assert all(count == delivered for count, delivered in told)
    assert kept(restored) == files
    assert len(files) == 2 * TALKS
    assert restored.ask(EPOCH)[0]["newest"] > stage.ask(EPOCH)[0]["newest"]


def test_a_file_that_was_left_out_is_named(restored: Stage) -> None:
    """The mutant: a backup that forgot one of `media/`."""
    name = next(iter(kept(restored)))
    place = restored.place / "media" / name
    body = place.read_bytes()
    place.unlink()
    try:
        status, said = verified(restored)
    finally:
        place.write_bytes(body)
    assert (status, said.count("its file is missing")) == (1, 1), said
    assert verified(restored)[0] == 0


def test_an_envelope_that_was_lost_is_named(restored: Stage) -> None:
    """The mutant: a restore that has dropped a row which somebody had taken in."""
    with restored.connect() as connection:
        connection.execute("CREATE TEMP TABLE lost AS SELECT * FROM public.exchange_envelope WHERE seq = 1 ORDER BY at LIMIT 1")
        connection.execute("SET session_replication_role = replica")
        gone = connection.execute("DELETE FROM public.exchange_envelope e USING lost WHERE e.channel_id = lost.channel_id AND e.seq = lost.seq").rowcount
        try:
            status, said = verified(restored)
        finally:
            connection.execute("INSERT INTO public.exchange_envelope SELECT * FROM lost")
    assert (gone, status) == (1, 1), said
    assert verified(restored)[0] == 0
