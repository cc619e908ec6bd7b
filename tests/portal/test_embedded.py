"""The embedded PostgreSQL: started, found again, stopped by the last to leave."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from portal.embedded import APP, DATABASE, OWNER, SUPERUSER, EmbeddedPostgres, PostgresRefused, Record, fallback

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.enable_socket


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(ROOT / "var" / "test" / f"embedded-{os.getpid()}" / "postgres")
    yield server
    if server.postmaster() is not None or server.record_file.exists():
        server.destroy()
    for file in sorted(server.wanted.parent.rglob("*"), reverse=True):
        file.rmdir() if file.is_dir() else file.unlink()
    server.wanted.parent.rmdir()


def ask(server: EmbeddedPostgres, query: str, user: str = APP) -> object:
    with psycopg.connect(server.dsn(user, DATABASE)) as connection:
        row = connection.execute(query.encode()).fetchone()
        assert row is not None
        return row[0]


def test_a_start_makes_a_durable_utf8_server_of_our_own(server: EmbeddedPostgres) -> None:
    with server:
        assert str(ask(server, "SELECT current_setting('server_version')")).startswith("18.")
        assert ask(server, "SELECT lower('ÄÉ')") == "äé"
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            assert ask(server, f"SELECT current_setting('{name}')") == "on"
        assert ask(server, "SELECT current_user", OWNER) == OWNER
    assert server.postmaster() is None


def test_only_we_can_read_the_passwords(server: EmbeddedPostgres) -> None:
    server.prepare()
    assert stat.S_IMODE(server.record_file.stat().st_mode) == 0o600
    with server, pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(server.dsn(SUPERUSER, "postgres").replace(server.prepare().passwords[SUPERUSER], "postgres"))


def test_the_login_of_web_and_worker_may_enter_no_other_database(server: EmbeddedPostgres) -> None:
    with server, pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(server.dsn(APP, "tributary_broker"))


def test_the_data_and_the_port_stay(server: EmbeddedPostgres) -> None:
    with server, psycopg.connect(server.dsn(OWNER, DATABASE)) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept AS SELECT 42 AS answer")
    port = server.prepare().port
    with server:
        assert ask(server, "SELECT answer FROM kept", OWNER) == 42
        assert server.prepare().port == port


def test_the_server_outlives_a_killed_user_and_is_found_again(server: EmbeddedPostgres) -> None:
    program = (
        "import sys, time; from pathlib import Path; from portal.embedded import EmbeddedPostgres\n"
        "EmbeddedPostgres(Path(sys.argv[1])).start(); print('up', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", program, str(server.wanted)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as user:
        assert user.stdout is not None
        assert user.stdout.readline() == b"up\n"
        before = server.postmaster()
        user.kill()
    assert before is not None
    with server:
        assert server.postmaster() == before
        assert ask(server, "SELECT 1") == 1
    assert server.postmaster() is None


def test_a_killed_server_is_started_anew_on_the_same_data(server: EmbeddedPostgres) -> None:
    with server:
        dead = server.postmaster()
        assert dead is not None
        dead.kill()
        until = time.monotonic() + 10
        while server.postmaster() is not None and time.monotonic() < until:
            time.sleep(0.02)
        assert (server.wanted / "postmaster.pid").exists()
        server.start()
        assert ask(server, "SELECT 1") == 1


def test_a_stale_number_that_now_is_another_process_is_no_obstacle(server: EmbeddedPostgres) -> None:
    with server:
        pass
    with subprocess.Popen(["sleep", "60"]) as stranger:
        pid_file = server.wanted / "postmaster.pid"
        pid_file.write_text(f"{stranger.pid}\n{server.wanted}\n0\n{server.prepare().port}\n", "utf-8")
        assert server.postmaster() is None
        with server:
            assert ask(server, "SELECT 1") == 1
        assert psutil.pid_exists(stranger.pid)
        assert stranger.poll() is None
        stranger.send_signal(signal.SIGKILL)


def test_the_last_to_leave_stops_it_and_nobody_deletes_it_under_another(server: EmbeddedPostgres) -> None:
    other = EmbeddedPostgres(server.wanted)
    with server:
        with other, pytest.raises(PostgresRefused, match="another process"):
            EmbeddedPostgres(server.wanted).destroy()
        assert ask(server, "SELECT 1") == 1
    assert server.postmaster() is None


def test_a_port_that_was_taken_meanwhile_is_exchanged(server: EmbeddedPostgres) -> None:

    with socket.socket() as thief:
        taken = server.prepare().port
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        thief.bind(("127.0.0.1", taken))
        thief.listen()
        with server:
            assert server.prepare().port != taken
            assert ask(server, "SELECT 1") == 1


def test_data_that_cannot_lie_in_their_place_have_a_place_for_each_project(tmp_path: Path) -> None:
    here = Record(tmp_path / "here.json", 5432, {}, elsewhere=True)
    there = Record(tmp_path / "there.json", 5432, {}, elsewhere=True)
    assert here.data == fallback(tmp_path / "here") / "here"
    assert here.data.parent != there.data.parent
