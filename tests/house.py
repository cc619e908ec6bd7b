"""The whole house as it is started in earnest: `manage.py up` in processes of its own, on the run's database."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from portal.embedded import free_port
from tests import ground

START = 60.0
"""Seconds within which the house must answer, on a machine that does other work too."""


@dataclass(frozen=True)
class House:
    """The supervisor and what it keeps alive. origin: scheme, host and port, as a browser says them."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def origin(self) -> str:
        return f"http://localhost:{self.port}"

    def parts(self, name: str) -> list[psutil.Process]:
        """The supervisor's own children whose command has this word: `granian`, `worker`, `beat`."""
        return [child for child in psutil.Process(self.process.pid).children() if name in _command(child)]

    def web_workers(self) -> list[psutil.Process]:
        """The processes that answer requests, below the web server's first one."""
        commands = {child: " ".join(_command(child)) for parent in self.parts("granian") for child in _children(parent)}
        return [child for child, command in commands.items() if command and "resource_tracker" not in command]

    def healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.origin}/healthz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.HTTPError):
            return False

    def said(self, size: int = 4000) -> str:
        """The end of what its processes printed."""
        return self.log.read_text("utf-8", errors="replace")[-size:]


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children()
    except psutil.NoSuchProcess:
        return []


@contextlib.contextmanager
def open_house(*, web_workers: int = 2, given: Mapping[str, str] | None = None, place: Path = ground.RUN) -> Iterator[House]:
    """Start it, wait until it answers, and stop it with everything that it started. given: more variables; place: where its output is kept."""
    port = free_port()
    environment = {
        **os.environ,
        "PORT": str(port),
        "BASE_URL": f"http://localhost:{port}",
        "WEB_WORKERS": str(web_workers),
        "WORKER_THREADS": "2",
        "LOG_FORMAT": "plain",
        **(given or {}),
    }
    log = place / f"house-{port}.log"
    with log.open("wb") as out:
        command = [sys.executable, "-m", "portal.processes", "up"]
        process = subprocess.Popen(command, cwd=ground.ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
    house = House(port, process, log)
    try:
        _wait(house)
        yield house
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _wait(house: House) -> None:
    until = time.monotonic() + START
    while not house.healthy():
        assert house.process.poll() is None, f"the house has ended:\n{house.said()}"
        assert time.monotonic() < until, f"the house does not answer:\n{house.said()}"
        time.sleep(0.1)
