"""The supervisor: heals what dies, and leaves nothing behind, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from portal import processes
from portal.environment import Environment

ROOT = Path(__file__).resolve().parents[2]
# A part with a child of its own, as a web server has.
PART = "import os, subprocess, sys, time; child = subprocess.Popen(['sleep', '300']); print('part', os.getpid(), child.pid, flush=True); time.sleep(300)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('part', 0, 0, flush=True); time.sleep(300)"
SUPERVISOR = """
import sys
from portal import processes
from portal.environment import Environment
processes.GRACE = 1.0
processes.Supervisor([processes.Part("one", (sys.executable, "-c", sys.argv[1]))]).run()
print("ended", flush=True)
"""


def wait_until(true: Callable[[], bool], seconds: float = 10) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if true():
            return True
        time.sleep(0.02)
    return true()


@contextmanager
def supervised(part: str = PART) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", SUPERVISOR, part]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            yield process
        finally:
            process.kill()


def pids(process: subprocess.Popen[str]) -> tuple[int, int]:
    """The numbers that the part prints: its own and its child's."""
    assert process.stdout is not None
    for line in process.stdout:
        words = line.split()
        if words[:3] == ["one", "|", "part"]:
            return int(words[3]), int(words[4])
    raise AssertionError("the part never started")


def gone(*numbers: int) -> bool:
    return not any(psutil.pid_exists(n) and psutil.Process(n).status() != psutil.STATUS_ZOMBIE for n in numbers)


def test_a_killed_part_runs_again_within_a_second_and_its_orphan_does_not() -> None:
    with supervised() as supervisor:
        part, child = pids(supervisor)
        killed = time.monotonic()
        os.kill(part, signal.SIGKILL)
        again, _ = pids(supervisor)
        assert time.monotonic() - killed < 1.5
        assert again != part
        assert wait_until(lambda: gone(part, child))


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_supervisor_alone_stops_everything(signum: signal.Signals) -> None:
    with supervised() as supervisor:
        numbers = pids(supervisor)
        supervisor.send_signal(signum)
        output, _ = supervisor.communicate(timeout=10)
        assert supervisor.returncode == 0
        assert output.endswith("ended\n")
        assert wait_until(lambda: gone(*numbers))


def test_a_signal_to_the_whole_group_does_the_same() -> None:
    with supervised() as supervisor:
        numbers = pids(supervisor)
        os.killpg(supervisor.pid, signal.SIGINT)
        supervisor.communicate(timeout=10)
        assert supervisor.returncode == 0
        assert wait_until(lambda: gone(*numbers))


def test_a_part_that_will_not_end_is_ended() -> None:
    with supervised(DEAF) as supervisor:
        pids(supervisor)
        started = time.monotonic()
        supervisor.send_signal(signal.SIGINT)
        supervisor.communicate(timeout=10)
        assert time.monotonic() - started < 5


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux kills the children of a killed parent")
def test_the_parts_of_a_killed_supervisor_die_with_it() -> None:
    with supervised() as supervisor:
        part, child = pids(supervisor)
        supervisor.kill()
        assert wait_until(lambda: gone(part))
        # The part of this test does not look after its child, as the web server's workers do themselves.
        os.kill(child, signal.SIGKILL)


def test_a_part_that_keeps_dying_is_started_ever_more_slowly(capsys: pytest.CaptureFixture[str]) -> None:
    supervisor = processes.Supervisor([processes.Part("sick", (sys.executable, "-c", "raise SystemExit(3)"))])
    until = time.monotonic() + 2.5
    supervisor._heal = lambda: supervisor.stop() if time.monotonic() > until else None
    handlers = {signum: signal.getsignal(signum) for signum in processes.STOP_SIGNALS}
    try:
        supervisor.run()
    finally:
        for signum, handler in handlers.items():
            signal.signal(signum, handler)
    delays = [line.split()[-2] for line in capsys.readouterr().out.splitlines() if "ended with 3" in line]
    assert delays[:3] == ["0.2", "0.4", "0.8"]


def test_when_changed_remembers_only_what_went_well(tmp_path: Path) -> None:
    source, mark = tmp_path / "source", tmp_path / "mark"
    source.write_text("one")

    def fail() -> None:
        with processes.when_changed(mark, [source]) as changed:
            assert changed
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    for expected in (True, False):
        with processes.when_changed(mark, [source]) as changed:
            assert changed is expected
    source.write_text("other")
    with processes.when_changed(mark, [source]) as changed:
        assert changed


def test_only_an_embedded_database_can_be_started_anew(tmp_path: Path) -> None:
    from tests.portal.test_environment import PRODUCTION

    environment = Environment.read(PRODUCTION | {"VAR_DIR": str(tmp_path)})
    with pytest.raises(processes.StartRefused, match="DATABASE_URL"):
        processes.reset(environment)
