"""From a prepared machine to running processes: the supervisor behind ``manage.py up`` and ``manage.py demo``.

It runs without Django, and so stays small: what needs Django is a process of its own. Three parts are kept alive:
``web`` (granian), ``worker`` and ``beat`` (Celery); where the database or the broker is embedded, so is PostgreSQL.
A part that dies is started again after 0.2 s, later after twice the last delay, 10 s at most. SIGINT, SIGTERM and
SIGHUP stop everything within ten seconds; if this process is killed, the kernel kills its parts (Linux).
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import hashlib
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO

from portal.embedded import EmbeddedPostgres, PostgresRefused, port_is_free
from portal.environment import ROOT, Environment, EnvironmentRefused

SUPERVISED = "TRIBUTARY_SUPERVISED"
PR_SET_PDEATHSIG = 1
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
FIRST_DELAY, LONGEST_DELAY, HEALTHY_AFTER = 0.2, 10.0, 10.0
"""Seconds: delay before the first restart, the longest, and the age at which a part counts as healthy again."""
GRACE = 5.0
"""Seconds that the parts have between the request to stop and the end."""


class StartRefused(Exception):
    """The portal cannot start; the sentence says why and what would mend it."""


@dataclass(frozen=True)
class Part:
    """One kind of process: its name in the log and its command."""

    name: str
    command: tuple[str, ...]


@dataclass
class Child:
    """A part as it runs now, and what is remembered between its runs. Times are ``time.monotonic`` seconds."""

    part: Part
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    delay: float = FIRST_DELAY
    due: float = 0.0
    rest: bytes = field(default=b"", repr=False)


def die_with_parent(parent: int | None = None) -> None:
    """Ask the kernel (Linux) to kill this process when its parent dies, however that happens.

    Args:
        parent: the parent's process id, where it is known: a parent that is dead already is noticed by it.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if parent is not None and os.getppid() != parent:
        os._exit(1)


def parts(environment: Environment) -> list[Part]:
    """The processes that make up the portal."""
    python, celery = sys.executable, (sys.executable, "-m", "celery", "--quiet", "-A", "portal")
    web = (
        python, "-m", "granian", "--interface", "asgi", "--host", environment.host, "--port", str(environment.port),
        "--http", "1", "--ws", "--workers", str(environment.web_workers), "--respawn-failed-workers",
        "--respawn-interval", "0.5", "--workers-kill-timeout", "3", "--log-level", "warning", "portal.asgi:application",
    )  # fmt: skip
    worker = (
        *celery, "worker", "--pool", "threads", "--concurrency", str(environment.worker_threads), "--loglevel", "INFO",
        "--without-gossip", "--without-mingle", "--without-heartbeat",
    )  # fmt: skip
    schedule = environment.var_dir / "beat" / "schedule"
    schedule.parent.mkdir(parents=True, exist_ok=True)
    beat = (*celery, "beat", "--loglevel", "WARNING", "--schedule", str(schedule), "--pidfile", "")
    return [Part("web", web), Part("worker", worker), Part("beat", beat)]


class Supervisor:
    """Keeps ``parts`` running until told to stop; one thread, so that forking stays safe.

    Args:
        parts: what to run.
        env: the environment of the parts.
        prefix: whether each line of output begins with the part's name; JSON lines are passed on as they are.
        heal: called about once a second, to look after what the parts stand on.
        ready: asked four times a second until it is true; then ``announce`` is called, once.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        *,
        env: Mapping[str, str] | None = None,
        prefix: bool = True,
        heal: Callable[[], None] = lambda: None,
        ready: Callable[[], bool] = lambda: True,
        announce: Callable[[], None] = lambda: None,
    ) -> None:
        self.children = [Child(part) for part in parts]
        self._env = {**(os.environ if env is None else env), "PYTHONUNBUFFERED": "1", SUPERVISED: "1"}
        self._width = max((len(part.name) for part in parts), default=0) if prefix else 0
        self._heal, self._ready, self._announce = heal, ready, announce
        self._selector = selectors.DefaultSelector()
        self._stopping = False

    def stop(self, signum: int = 0, frame: FrameType | None = None) -> None:
        """Ask for the end; :meth:`run` returns when everything has stopped. Also the handler of signals."""
        self._stopping = True

    def run(self) -> None:
        """Start all parts and look after them until a signal or :meth:`stop`; then stop them all."""
        for signum in STOP_SIGNALS:
            signal.signal(signum, self.stop)
        healed = asked = 0.0
        announced = False
        try:
            while not self._stopping:
                now = time.monotonic()
                self._restart_the_dead(now)
                if now - healed > 1:
                    self._heal()
                    healed = now
                if not announced and now - asked > 0.25:
                    asked = now
                    if self._ready():
                        self._announce()
                        announced = True
                self._pass_on_output(0.1)
        finally:
            self._end()

    def _restart_the_dead(self, now: float) -> None:
        for child in self.children:
            process = child.process
            if process is not None and process.poll() is not None:
                self._bury(child)
                child.delay = FIRST_DELAY if now - child.started > HEALTHY_AFTER else child.delay
                child.due = now + child.delay
                self._say(child, f"ended with {process.returncode}; starts again in {child.delay:.1f} s")
                child.delay = min(child.delay * 2, LONGEST_DELAY)
            if child.process is None and now >= child.due:
                self._start(child, now)

    def _start(self, child: Child, now: float) -> None:
        supervisor = os.getpid()
        # A session of its own: a Ctrl-C reaches the supervisor alone, which stops the parts in order, and whatever
        # a part leaves behind can be found by its group.
        child.process = subprocess.Popen(
            child.part.command, cwd=ROOT, env=self._env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=lambda: die_with_parent(supervisor),
        )  # fmt: skip
        child.started = now
        assert child.process.stdout is not None
        os.set_blocking(child.process.stdout.fileno(), False)
        self._selector.register(child.process.stdout, selectors.EVENT_READ, child)

    def _bury(self, child: Child) -> None:
        """Take the last output of a dead part, and kill the processes that it left."""
        process, child.process = child.process, None
        assert process is not None
        assert process.stdout is not None
        kill_group(process.pid)
        self._read(child, process.stdout)
        if child.rest:
            self._say(child, child.rest.decode("utf-8", "replace"))
            child.rest = b""
        self._selector.unregister(process.stdout)
        process.stdout.close()

    def _pass_on_output(self, seconds: float) -> None:
        for key, _events in self._selector.select(seconds):
            if not self._read(key.data, key.fileobj):  # type: ignore[arg-type]
                # Closed before its end: without this rest the selector would report it again and again.
                time.sleep(0.02)

    def _read(self, child: Child, pipe: IO[bytes]) -> bool:
        data = pipe.read(65536)
        *lines, child.rest = (child.rest + (data or b"")).split(b"\n")
        for line in lines:
            self._say(child, line.decode("utf-8", "replace"))
        return bool(data)

    def _say(self, child: Child, line: str) -> None:
        print(f"{child.part.name:{self._width}} | {line}" if self._width else line, flush=True)

    def _end(self) -> None:
        for signum in STOP_SIGNALS:
            signal.signal(signum, signal.SIG_IGN)
        running = [child for child in self.children if child.process is not None]
        for child in running:
            assert child.process is not None
            child.process.terminate()
        until = time.monotonic() + GRACE
        while time.monotonic() < until and any(child.process and child.process.poll() is None for child in running):
            with contextlib.suppress(BrokenPipeError):  # Whoever read our output may be gone before us.
                self._pass_on_output(0.05)
        for child in running:
            assert child.process is not None
            kill_group(child.process.pid)
            child.process.wait()
            with contextlib.suppress(BrokenPipeError):
                self._bury(child)
        self._selector.close()


def kill_group(leader: int) -> None:
    """Kill what is left of the process group of ``leader``."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


@contextlib.contextmanager
def services(environment: Environment) -> Iterator[EmbeddedPostgres | None]:
    """Have the embedded server running meanwhile, where the database or the broker is embedded.

    Whoever else uses it keeps it: it is stopped by the last one to leave.
    """
    if not (environment.embedded_database or environment.embedded_broker):
        yield None
        return
    server = environment.postgres
    try:
        server.start()
        yield server
    finally:
        handlers = {signum: signal.signal(signum, signal.SIG_IGN) for signum in STOP_SIGNALS}
        server.stop()
        for signum, handler in handlers.items():
            signal.signal(signum, handler)


def end_on_signals() -> None:
    """Make SIGTERM and SIGHUP unwind like Ctrl-C, so that what was started is stopped on every way out."""

    def leave(signum: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    for signum in STOP_SIGNALS:
        signal.signal(signum, leave)


def healthy(environment: Environment) -> bool:
    """Whether ``/healthz`` answers 200."""
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - told apart, not listened on
    host = everywhere.get(environment.host, environment.host)
    address = f"http://{f'[{host}]' if ':' in host else host}:{environment.port}/healthz"
    question = urllib.request.Request(address, headers={"Host": urllib.parse.urlsplit(environment.base_url).netloc})
    try:
        with urllib.request.urlopen(question, timeout=1) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except OSError:
        return False


def manage(*arguments: str) -> None:
    """Run ``manage.py`` to its end in a process of its own."""
    done = subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise StartRefused(f"manage.py {arguments[0]} failed; nothing was started")


def fingerprint(paths: Sequence[Path]) -> str:
    """A digest over name, size and time of change of all files below ``paths``, hidden ones left out."""
    digest = hashlib.sha256()
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and "__pycache__" not in file.parts:
                found = file.stat()
                digest.update(f"{file}\0{found.st_size}\0{found.st_mtime_ns}\n".encode())
    return digest.hexdigest()


@contextlib.contextmanager
def when_changed(mark: Path, paths: Sequence[Path], *more: str) -> Iterator[bool]:
    """Whether anything below ``paths``, or ``more``, differs from the last time that the block went well."""
    now = hashlib.sha256("\0".join([fingerprint(paths), *more]).encode()).hexdigest()
    changed = not mark.exists() or mark.read_text("utf-8") != now
    yield changed
    if changed:
        mark.write_text(now, "utf-8")


def static_sources() -> list[Path]:
    """What the static files are made of."""
    return [ROOT / "static", ROOT / "var" / "assets", ROOT / "requirements" / "base.txt", *ROOT.glob("apps/*/static")]


def collect_static(environment: Environment) -> None:
    """Lay out the static files, where they or the locked packages that bring some have changed."""
    with when_changed(environment.var_dir / "static.mark", static_sources()) as changed:
        if changed or not (environment.var_dir / "static").is_dir():
            manage("collectstatic", "--no-input", "--verbosity", "0")


def prepare_demo(environment: Environment, server: EmbeddedPostgres | None) -> None:
    """Bring the schema up to date and load the demo network, each only where it is needed."""
    # The record is written anew only when the cluster is: another cluster is unprepared whatever the code says.
    cluster = json.dumps(server.prepare().passwords) if server else environment.database.url
    code = [ROOT / "apps", ROOT / "portal", ROOT / "requirements" / "base.txt"]
    with when_changed(environment.var_dir / "prepared.mark", code, cluster) as changed:
        if changed:
            manage("prepare")
    with when_changed(environment.var_dir / "demo.mark", [], cluster, environment.base_url) as changed:
        if changed or not (environment.var_dir / "demo.json").exists():
            manage("load_demo")


def announce_demo(environment: Environment) -> None:
    """Print where the portal is and who may log in, from ``demo.json``."""
    cast = json.loads((environment.var_dir / "demo.json").read_text("utf-8"))
    lines = [f"Tributary is ready: {environment.base_url}/", ""]
    for enterprise in cast["enterprises"]:
        for user in enterprise["users"]:
            lines.append(f"  {enterprise['slug']:10} {user['role']:14} {user['email']:36} {user['password']}")
    admin = cast["admin"]
    lines += [f"  {'operator':10} {'/admin/':14} {admin['email']:36} {admin['password']}", "", "Ctrl-C stops it.", ""]
    print("\n".join(lines), flush=True)


def reset(environment: Environment) -> None:
    """Delete what was entered, received and logged; secrets and built assets stay.

    Raises:
        PostgresRefused: while another process uses the database.
        StartRefused: in production, where the data are not ours to delete.
    """
    if environment.production:
        raise StartRefused("DATABASE_URL is set: only an embedded database can be started anew")
    environment.postgres.destroy()
    for name in ("media", "mail", "log", "beat"):
        shutil.rmtree(environment.var_dir / name, ignore_errors=True)
    for name in ("demo.json", "demo.mark", "prepared.mark"):
        (environment.var_dir / name).unlink(missing_ok=True)


def supervise(environment: Environment, server: EmbeddedPostgres | None, announce: Callable[[], None]) -> None:
    """Run all parts until told to stop."""

    def heal() -> None:
        if server is not None and server.postmaster() is None:
            print("the database has died and is started again", flush=True)
            try:
                server.start()
            except PostgresRefused as refusal:
                # Its disk may be full: who asks is told to come back, and it is tried again in a second.
                print(refusal, flush=True)

    Supervisor(
        parts(environment),
        prefix=environment.log_format == "plain",
        heal=heal,
        ready=lambda: healthy(environment),
        announce=announce,
    ).run()


def up(*, demo: bool = False, anew: bool = False) -> None:
    """Start everything and stay until told to stop; with ``demo`` prepare and load the demo network first."""
    end_on_signals()
    environment = Environment.read()
    if not port_is_free(environment.port, environment.host):
        raise StartRefused(f"port {environment.port} is in use: stop what listens there, or choose another with PORT=")
    if anew:
        reset(environment)
    # Every process of ours has the same settings, wherever it was started.
    os.environ["DJANGO_SETTINGS_MODULE"] = "portal.settings"
    with services(environment) as server:
        if server is not None:
            environment = Environment.read()
        collect_static(environment)
        if demo:
            prepare_demo(environment, server)
        announce = announce_demo if demo else lambda ready: print(f"Tributary is ready: {ready.base_url}/", flush=True)
        supervise(environment, server, lambda: announce(environment))


def main(arguments: Sequence[str] | None = None) -> int:
    """``python -m portal.processes up`` or ``… demo [--reset]``."""
    parser = argparse.ArgumentParser(prog="manage.py")
    parser.add_argument("what", choices=("up", "demo"))
    parser.add_argument("--reset", action="store_true")
    options = parser.parse_args(arguments)
    try:
        up(demo=options.what == "demo", anew=options.reset)
    except (EnvironmentRefused, PostgresRefused, StartRefused) as refusal:
        print(refusal, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
