"""Web servers as `manage.py up` starts them, and the clients that ask them over connections that stay open."""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event
from pathlib import Path

from bench import ground
from bench.figures import percentile
from portal import processes
from portal.embedded import free_port
from portal.environment import Environment

START_SECONDS = 60
BUSY = 503


@contextlib.contextmanager
def serving(*, workers: int = 1, settings: str = "portal.settings", place: Path = ground.HERE) -> Iterator[int]:
    """The portal's web part on a port of its own, which is given. place: where its output is kept."""
    port = free_port()
    told = {**os.environ, "PORT": str(port), "WEB_WORKERS": str(workers), "DJANGO_SETTINGS_MODULE": settings, "BASE_URL": f"http://localhost:{port}"}
    web = next(part for part in processes.parts(Environment.read(told)) if part.name == "web")
    told_in = place / f"web-{port}.log"
    with told_in.open("wb") as log:
        process = subprocess.Popen(web.command, cwd=ground.ROOT, env=told, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            _wait(port, process, told_in)
            yield port
        finally:
            process.terminate()
            process.wait(10)


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), Client(port, "") as client:
            client.ask("GET", "/healthz")
            return
        time.sleep(0.1)
    raise RuntimeError(f"the web server did not start: see {log}")


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
        self._fixed = f"Host: localhost:{port}\r\nAuthorization: Bearer {token}\r\n"

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exception: object) -> None:
        self._socket.close()

    def ask(self, method: str, path: str, body: bytes = b"") -> Answer:
        kind = "xml" if body.startswith(b"<") else "json"
        head = f"{method} {path} HTTP/1.1\r\n{self._fixed}Content-Type: application/{kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        self._socket.sendall(head.encode() + body)
        data = self._more(b"")
        while (end := data.find(b"\r\n\r\n")) < 0:
            data = self._more(data)
        told = data[:end].lower()
        length = int(told.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        while len(data) < end + 4 + length:
            data = self._more(data)
        return Answer(int(told.split(b" ", 2)[1]), data[end + 4 :])

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


FRESH = b"$fresh"
"""In a body: a text that no other request has."""
GETS_GOING = 1.5
"""Seconds until whoever presses is at full load."""


def press(port: int, token: str, requests: Sequence[Request], connections: int, stop: Event, asked: Synchronized[int]) -> None:
    """Ask as fast as the answers come, over so many connections, until it is told to stop. For a process of its own; asked: how often."""
    while not stop.is_set():
        some = itertools.islice(itertools.cycle(requests), 40 * connections)
        fresh = [(method, path, body.replace(FRESH, uuid.uuid4().hex[:12].encode())) for method, path, body in some]
        timed(port, [(token, fresh[first::connections]) for first in range(connections)])
        asked.value += len(fresh)


@dataclass(frozen=True)
class Beside:
    """The 99th percentile of somebody's requests, in milliseconds: while nobody else asks, and while another presses. noise: how often that one asked."""

    calm: float
    pressed: float
    noise: int

    @property
    def ratio(self) -> float:
        return self.pressed / self.calm


def beside(port: int, reads: Sequence[tuple[str, Sequence[Request]]], *, token: str, noise: Sequence[Request], connections: int) -> Beside:
    """Measure one's requests without and with another's at full load, one after the other."""
    context = multiprocessing.get_context("spawn")
    calm = percentile(timed(port, reads), 99) * 1000
    stop, asked = context.Event(), context.Value("q", 0)
    neighbour = context.Process(target=press, args=(port, token, noise, connections, stop, asked), daemon=True)
    neighbour.start()
    time.sleep(GETS_GOING)
    try:
        pressed = percentile(timed(port, reads), 99) * 1000
        if not neighbour.is_alive():
            raise RuntimeError("who should press has ended")
    finally:
        stop.set()
        neighbour.join()
    return Beside(calm, pressed, asked.value)
