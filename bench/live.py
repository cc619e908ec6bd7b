"""Live: from the seller's commit to 200 open sockets, against a plain NOTIFY that a plain server passes on to as many."""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from typing import IO, cast

import psycopg

from apps.accounts import services as accounts
from apps.base import clock
from apps.base.acting import Home, act_as, in_lobby
from apps.documents import services as documents
from apps.live import selectors
from apps.live.services import notifying
from bench import stage
from bench.figures import Figure, paired, percentile
from portal.embedded import free_port

SOCKETS, WORKERS = 200, 2
# Events in one measurement, and the seconds between two of them.
EVENTS, PAUSE = 50, 0.04
RUNS = 3
# p95 that is asked for, in milliseconds.
ASKED = 100

Latencies = list[float]


@contextlib.contextmanager
def _process(*command: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([sys.executable, "-m", *command], env={**os.environ, **environment}, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)


@contextlib.contextmanager
def _web() -> Iterator[int]:
    """The portal's web server, as `manage.py up` starts it. Gives its port."""
    port = str(free_port())
    command = (
        "granian",
        "--interface",
        "asgi",
        "--host",
        "127.0.0.1",
        "--port",
        port,
        "--http",
        "1",
        "--ws",
        "--workers",
        str(WORKERS),
        "--log-level",
        "error",
    )
    with _process(*command, "portal.asgi:application", PORT=port, BASE_URL=f"http://localhost:{port}"):
        for _attempt in range(200):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2)
                break
            time.sleep(0.1)
        yield int(port)


@contextlib.contextmanager
def _plain() -> Iterator[int]:
    port = str(free_port())
    with _process("bench.sockets", "serve", port, json.dumps(selectors.database_login("bench"))) as process:
        _line(process)
        yield int(port)


@contextlib.contextmanager
def _listeners(port: int, token: str) -> Iterator[subprocess.Popen[str]]:
    with _process("bench.sockets", "listen", str(port), token, str(SOCKETS)) as process:
        _line(process)
        yield process


def _line(process: subprocess.Popen[str]) -> str:
    return cast(IO[str], process.stdout).readline()


def _arrived(process: subprocess.Popen[str]) -> dict[str, list[float]]:
    """When each event arrived at each socket, by what names the event (seconds of the machine's clock)."""
    stdin = cast(IO[str], process.stdin)
    stdin.write("told\n")
    stdin.flush()
    return cast(dict[str, list[float]], json.loads(_line(process)))


def _milliseconds(committed: dict[str, float], arrived: dict[str, list[float]]) -> Latencies:
    for name in committed:
        assert len(arrived[name]) == SOCKETS, f"{name} came {len(arrived[name])} times to {SOCKETS} sockets"
    return [(at - moment) * 1000 for name, moment in committed.items() for at in arrived[name]]


def _ours(pair: stage.Pair, listeners: subprocess.Popen[str]) -> Latencies:
    """Publish orders; the moment that counts is the one right after the commit in the seller's home."""
    with act_as(pair.seller):
        group = selectors.group_name("events")
    committed: dict[str, float] = {}
    moments: list[float] = []
    real = notifying.note

    def noted(name: str) -> None:
        if name == group:
            moments.append(time.monotonic())
        real(name)

    drafts = [stage.draft(pair.buyer, pair.seller) for _event in range(EVENTS)]
    notifying.note = noted
    try:
        for draft in drafts:
            with act_as(pair.buyer, by=stage.BY):
                documents.apply(document=draft, move="publish", by=stage.BY, at=clock.now())
            committed[str(draft)] = moments[-1]
            time.sleep(PAUSE)
    finally:
        notifying.note = real
    time.sleep(1.5)
    return _milliseconds(committed, _arrived(listeners))


def _floor(listeners: subprocess.Popen[str]) -> Latencies:
    committed: dict[str, float] = {}
    with psycopg.connect(**selectors.database_login("bench"), autocommit=True) as connection:
        for _event in range(EVENTS):
            name = stage.number()
            body = json.dumps({"document": {"uid": name}, "more": "x" * 200})
            connection.execute(f"NOTIFY bench, '{body}'".encode())
            committed[name] = time.monotonic()
            time.sleep(PAUSE)
    time.sleep(0.5)
    return _milliseconds(committed, _arrived(listeners))


def _token(home: Home) -> str:
    with in_lobby():
        return accounts.issue_token(enterprise=home.id, name="Sockets", at=clock.now())[1]


def measure() -> Iterator[Figure]:
    """`live_p50` and `live_p95`: from commit to socket, over all deliveries of a run."""
    pair = stage.pair("live")
    token = _token(pair.seller)
    with _web() as port, _plain() as plain, _listeners(port, token) as ours, _listeners(plain, "") as floors:
        _ours(pair, ours), _floor(floors)
        runs = [(_ours(pair, ours), _floor(floors)) for _run in range(RUNS)]
    for name, percent in (("live_p50", 50), ("live_p95", 95)):
        pairs = [(percentile(one, percent), percentile(other, percent)) for one, other in runs]
        worst = max(max(one) for one, _other in runs)
        note = f"{SOCKETS} sockets, {WORKERS} web processes; asked: p95 ≤ {ASKED} ms; the slowest of {len(runs[0][0]) * RUNS} deliveries {worst:.0f} ms"
        yield paired(name, "ms", pairs, note=note, asked=ASKED, met=statistics.median(one for one, _other in pairs) <= ASKED)
