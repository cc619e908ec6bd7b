"""A crew of client processes that do one job at the same moment.

A job is a generator function `module:name`: what it does before its first `yield` is made ready beforehand, what it does after
it is measured. A member starts once and serves all jobs, so that no measurement pays for the start of a process.
"""

from __future__ import annotations

import importlib
import multiprocessing
import time
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any


def _serve(pipe: Connection) -> None:
    import django

    django.setup()
    pipe.send("up")
    while (order := pipe.recv()) is not None:
        job, arguments = order
        module, _colon, name = job.partition(":")
        steps = getattr(importlib.import_module(module), name)(**arguments)
        next(steps)
        pipe.send("ready")
        pipe.recv()
        pipe.send(sum(1 for _step in steps))


class Crew:
    """Client processes, each with its own connections to the database."""

    def __init__(self, size: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._members: list[tuple[Any, Connection]] = []
        for _member in range(size):
            here, there = context.Pipe()
            process = context.Process(target=_serve, args=(there,), daemon=True)
            process.start()
            there.close()
            self._members.append((process, here))

    def __enter__(self) -> Crew:
        for _process, pipe in self._members:
            pipe.recv()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for process, pipe in self._members:
            if error is not None:
                process.terminate()
            else:
                pipe.send(None)
            process.join()

    def measure(self, job: str, shares: list[dict[str, Any]]) -> tuple[int, float]:
        """Let as many members as there are shares do the job, each with its own; how many things they did, and in how many seconds."""
        pipes = [pipe for (_process, pipe), _share in zip(self._members, shares, strict=False)]
        for pipe, share in zip(pipes, shares, strict=True):
            pipe.send((job, share))
        for pipe in pipes:
            pipe.recv()
        started = time.perf_counter()
        for pipe in pipes:
            pipe.send("go")
        done = sum(pipe.recv() for pipe in pipes)
        return done, time.perf_counter() - started
