"""Live: from the seller's commit to 200 open sockets, against a plain NOTIFY that a plain server passes on to as many."""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
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
from bench.serving import serving
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
def _plain() -> Iterator[int]:
    port = str(free_port())
    with _process("bench.sockets", "serve", port, json.dumps(selectors.database_login("bench"))) as process:
        _line(process)
        yield int(port)


@contextlib.contextmanager
def listening(port: int, token: str, sockets: int) -> Iterator[subprocess.Popen[str]]:
    """So many open sockets in a process of their own; `arrived` asks it what came."""
    with _process("bench.sockets", "listen", str(port), token, str(sockets)) as process:
        _line(process)
        yield process


def _line(process: subprocess.Popen[str]) -> str:
    return cast(IO[str], process.stdout).readline()


def arrived(process: subprocess.Popen[str]) -> dict[str, list[float]]:
    """When each event arrived at each socket since it was asked last, by what names the event (seconds of the machine's clock)."""
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
        events = selectors.group_name("events")
    committed: dict[str, float] = {}
    moments: list[float] = []
    real = notifying.note

    def noted(group: str) -> None:
        if group == events:
            moments.append(time.monotonic())
        real(group)

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
    return _milliseconds(committed, arrived(listeners))


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
    return _milliseconds(committed, arrived(listeners))


def _token(home: Home) -> str:
    with in_lobby():
        return accounts.issue_token(enterprise=home.id, name="Sockets", at=clock.now())[1]


def measure() -> Iterator[Figure]:
    """`live_200`: from commit to socket in milliseconds, the 95th percentile of all deliveries of a run; the 50th is told beside it."""
    pair = stage.pair("live")
    token = _token(pair.seller)
    with serving(workers=WORKERS) as port, _plain() as plain, listening(port, token, SOCKETS) as ours, listening(plain, "", SOCKETS) as floors:
        _ours(pair, ours), _floor(floors)
        runs = [(_ours(pair, ours), _floor(floors)) for _run in range(RUNS)]
    pairs = [(percentile(one, 95), percentile(other, 95)) for one, other in runs]
    halves = [round(percentile(one, 50), 1) for one, _other in runs]
    value, worst = statistics.median(one for one, _other in pairs), max(max(one) for one, _other in runs)
    note = f"p95 to {SOCKETS} sockets at {WORKERS} web processes, asked: ≤ {ASKED} ms; p50 {statistics.median(halves):g} ms, the slowest {worst:.0f} ms"
    yield paired("live_200", "ms", pairs, note=note, asked=ASKED, met=value <= ASKED, p50=halves, slowest=round(worst, 1))
