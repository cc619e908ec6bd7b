"""How much memory each process of `manage.py up` holds when it has answered a few requests and is idle again."""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil

from bench import ground, stage
from bench.figures import Figure, alone
from bench.serving import Client
from portal.embedded import EmbeddedPostgres, free_port

REQUESTS, IDLE_SECONDS, RUNS = 50, 3.0, 3
START_SECONDS = 120


@contextlib.contextmanager
def _up() -> Iterator[tuple[psutil.Process, int]]:
    port = free_port()
    told = {**os.environ, "PORT": str(port), "BASE_URL": f"http://localhost:{port}"}
    with (ground.HERE / "up.log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "manage.py", "up"], cwd=ground.ROOT, env=told, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            _wait(port)
            yield psutil.Process(process.pid), port
        finally:
            process.terminate()
            process.wait(20)


def _wait(port: int) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        with contextlib.suppress(OSError), Client(port, "") as client:
            if client.ask("GET", "/healthz").status == 200:
                return
        time.sleep(0.2)
    raise RuntimeError(f"the portal did not start: see {ground.HERE}/up.log")


def _megabytes(*processes: psutil.Process) -> float:
    """The proportional set size: what is shared counts once, divided among those who share it."""
    return sum(process.memory_full_info().pss for process in processes) / 1e6


def _parts(supervisor: psutil.Process) -> dict[str, list[psutil.Process]]:
    found: dict[str, list[psutil.Process]] = {"supervisor": [supervisor]}
    for child in supervisor.children():
        command = " ".join(child.cmdline())
        if "granian" in command:
            found["web_server"], found["web_worker"] = [child], child.children()
        elif " beat " in command:
            found["beat"] = [child]
        elif " worker " in command:
            found["worker"] = [child]
    return found


def measure(server: EmbeddedPostgres) -> Iterator[Figure]:
    """`memory_…` of each kind of process, in MB; of several of one kind the mean."""
    pair = stage.pair("memory")
    draft = stage.draft(pair.buyer, pair.seller)
    with _up() as (supervisor, port):
        with Client(port, pair.token) as one, Client(port, pair.token) as other:
            for number in range(REQUESTS // 2):
                for client, path in ((one, "?limit=50"), (other, f"{draft}/")):
                    assert client.ask("GET", f"/api/v1/orders/{path}").status == 200, number
        kinds = _parts(supervisor)
        postmaster = server.postmaster()
        assert postmaster is not None
        runs: dict[str, list[float]] = {}
        for _run in range(RUNS):
            time.sleep(IDLE_SECONDS)
            for kind, processes in kinds.items():
                runs.setdefault(kind, []).append(statistics.mean(_megabytes(process) for process in processes))
            runs.setdefault("postgres", []).append(_megabytes(postmaster, *postmaster.children(recursive=True)))
    for kind, measured in runs.items():
        several = f"each of {len(kinds[kind])}" if len(kinds.get(kind, ())) > 1 else ""
        yield alone(f"memory_{kind}", "MB", measured, note=several)
