"""Real servers and real sockets."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from portal.embedded import free_port
from tests.cast import Member

BROWSER_COOKIE = "sessionid"


@dataclass(frozen=True)
class Web:
    """A web server of this run, as it is started in earnest."""

    port: int

    @property
    def origin(self) -> str:
        return f"http://localhost:{self.port}"

    def address(self, **query: str) -> str:
        return f"ws://localhost:{self.port}/ws/events/" + (f"?{urlencode(query)}" if query else "")

    def listen(self, member: Member, **query: str) -> ClientConnection:
        """A program of this enterprise at the socket."""
        return self.connect(token=member.token, **query)

    def connect(self, *, token: str = "", cookie: str = "", headers: dict[str, str] | None = None, protocols: list[str] | None = None, **query: str) -> Any:
        given = {**({"Authorization": f"Bearer {token}"} if token else {}), **({"Cookie": f"{BROWSER_COOKIE}={cookie}"} if cookie else {}), **(headers or {})}
        return connect(self.address(**query), additional_headers=given, subprotocols=protocols, open_timeout=10, proxy=None)  # type: ignore[arg-type]


@contextlib.contextmanager
def serve(workers: int = 1, **more: str) -> Iterator[Web]:
    """A granian with `workers` processes on the run's database, until the block ends. more: variables of its environment."""
    port = free_port()
    environment = {**os.environ, "PORT": str(port), "WEB_WORKERS": str(workers), "BASE_URL": f"http://localhost:{port}", **more}
    command = [
        sys.executable,
        "-m",
        "granian",
        "--interface",
        "asgi",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--http",
        "1",
        "--ws",
        "--log-level",
        "warning",
    ]
    process = subprocess.Popen([*command, "--workers", str(workers), "--workers-kill-timeout", "2", "portal.asgi:application"], env=environment)
    try:
        _wait_until_up(port, process)
        yield Web(port)
    finally:
        process.terminate()
        process.wait(15)


def _wait_until_up(port: int, process: subprocess.Popen[bytes]) -> None:
    for _attempt in range(300):
        assert process.poll() is None, "the web server has ended"
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2)
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the web server did not start")


@pytest.fixture(scope="session")
def web(database: None) -> Iterator[Web]:
    """A web server with one process."""
    with serve() as running:
        yield running


@pytest.fixture(scope="session")
def two_webs(database: None) -> Iterator[tuple[Web, Web]]:
    """Two web servers on one database."""
    with serve() as one, serve() as other:
        yield one, other


def heard(socket: ClientConnection, count: int, *, timeout: float = 5.0) -> list[dict[str, Any]]:
    """The next `count` messages."""
    return [json.loads(socket.recv(timeout=timeout)) for _ in range(count)]


def silent(socket: ClientConnection, seconds: float = 1.5) -> bool:
    """Whether nothing comes for so long."""
    try:
        socket.recv(timeout=seconds)
    except TimeoutError:
        return True
    return False


def close_code(socket: ClientConnection, timeout: float = 2.0) -> int | None:
    """The code with which the other side closes, whatever it says before."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            socket.recv(timeout=max(deadline - time.monotonic(), 0.001))
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], None]:
    """Wait until something is so, five seconds at most."""

    def wait(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 5
        while not condition():
            assert time.monotonic() < deadline, "it did not become so"
            time.sleep(0.02)

    return wait
