"""Web servers as `manage.py up` starts them, and the clients that ask them over connections that stay open."""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.synchronize import Event

from bench import ground
from portal import processes
from portal.embedded import free_port
from portal.environment import Environment

START_SECONDS = 60
BUSY = 503


@contextlib.contextmanager
def serving(*, workers: int = 1, settings: str = "portal.settings") -> Iterator[int]:
    """The portal's web part on a port of its own, which is given."""
    port = free_port()
    told = {**os.environ, "PORT": str(port), "WEB_WORKERS": str(workers), "DJANGO_SETTINGS_MODULE": settings, "BASE_URL": f"http://localhost:{port}"}
    web = next(part for part in processes.parts(Environment.read(told)) if part.name == "web")
    with (ground.HERE / f"web-{port}.log").open("wb") as log:
        process = subprocess.Popen(web.command, cwd=ground.ROOT, env=told, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            _wait(port, process)
            yield port
        finally:
            process.terminate()
            process.wait(10)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), Client(port, "") as client:
            client.ask("GET", "/healthz")
            return
        time.sleep(0.1)
    raise RuntimeError(f"the web server did not start: see {ground.HERE}/web-{port}.log")


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    body: bytes


class Client:
    """One connection that stays open. It reads no more of HTTP/1.1 than these servers write, so that it costs next to nothing."""

    def __init__(self, port: int, token: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._fixed = f"Host: localhost:{port}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exception: object) -> None:
        self._socket.close()

    def ask(self, method: str, path: str, body: bytes = b"") -> Answer:
        self._socket.sendall(f"{method} {path} HTTP/1.1\r\n{self._fixed}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        data = self._more(b"")
        while (end := data.find(b"\r\n\r\n")) < 0:
            data = self._more(data)
        head = data[:end].lower()
        length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        while len(data) < end + 4 + length:
            data = self._more(data)
        return Answer(int(head.split(b" ", 2)[1]), data[end + 4 :])

    def _more(self, data: bytes) -> bytes:
        read = self._socket.recv(262144)
        if not read:
            raise ConnectionError("the server closed the connection")
        return data + read


Request = tuple[str, str, bytes]


def timed(port: int, shares: Sequence[tuple[str, Sequence[Request]]]) -> list[float]:
    """The seconds that each request took, when every share (a token and its requests) is asked over a connection of its own, all at once.

    Who is told that it is too busy (503) asks again, as a program does, and waits on.
    """

    def ask(share: tuple[str, Sequence[Request]], client: Client) -> list[float]:
        took = []
        for request in share[1]:
            started = time.perf_counter()
            while (answer := client.ask(*request)).status == BUSY:
                pass
            took.append(time.perf_counter() - started)
            assert answer.status in (200, 201), f"{request}: {answer.status} {answer.body[:900]!r}"
        return took

    with contextlib.ExitStack() as stack, ThreadPoolExecutor(len(shares)) as pool:
        clients = [stack.enter_context(Client(port, token)) for token, _requests in shares]
        return [seconds for took in pool.map(ask, shares, clients) for seconds in took]


def rate(port: int, token: str, requests: Sequence[Request], *, connections: int = 4) -> float:
    """Requests a second, when they are asked over so many connections at once."""
    started = time.perf_counter()
    timed(port, [(token, requests[first::connections]) for first in range(connections)])
    return len(requests) / (time.perf_counter() - started)


def press(port: int, token: str, requests: Sequence[Request], connections: int, stop: Event) -> None:
    """Ask as fast as the answers come, over so many connections, until it is told to stop. For a process of its own."""
    shares = [(token, list(itertools.islice(itertools.cycle(requests), 40)))] * connections
    while not stop.is_set():
        timed(port, shares)
