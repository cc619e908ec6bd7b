"""A Redis of a test's own, on the machine's redis-server."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from portal.embedded import HOST, free_port

SERVER = shutil.which("redis-server")


@dataclass
class Redis:
    """One redis-server, which keeps nothing. place: its folder; port: where it listens."""

    place: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}/0"

    def start(self) -> None:
        command = [str(SERVER), "--port", str(self.port), "--bind", HOST, "--save", "", "--appendonly", "no", "--dir", str(self.place)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 10
        while self.say("PING") != b"+PONG":
            assert self.process.poll() is None, "redis-server does not start: somebody has taken its port"
            assert time.monotonic() < until, "redis-server does not start"
            time.sleep(0.05)

    def say(self, command: str) -> bytes:
        try:
            with socket.create_connection((HOST, self.port), 2) as line:
                line.sendall(f"{command}\r\n".encode())
                return line.recv(100).strip()
        except OSError:
            return b""

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(5)


@contextmanager
def running(place: Path) -> Iterator[Redis]:
    """A Redis while it is needed. Skips where the machine has none; fails where REQUIRE_REDIS says that it must."""
    if SERVER is None:
        assert not os.environ.get("REQUIRE_REDIS"), "REQUIRE_REDIS is set, and there is no redis-server"
        pytest.skip("no redis-server on this machine")
    found = Redis(place, free_port())
    found.start()
    try:
        yield found
    finally:
        found.kill()
