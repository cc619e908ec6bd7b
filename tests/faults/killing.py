"""Who kills, and whom: processes that the harness started, one after another, while others work on."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import psutil

from portal.embedded import APP, DATABASE
from tests.faults.stage import Stage
from tests.house import House

# How many of each kind there are among forty kills. A backend's end is the server's, too: it ends all others and recovers.
KINDS: Mapping[str, int] = {"web": 12, "socket": 8, "backend": 6, "postmaster": 4, "worker": 5, "server": 2, "beat": 3}
CRASHES = ("backend", "postmaster")


def plan(count: int, chance: random.Random) -> list[str]:
    """`count` kinds in a random order, the last of them the postmaster."""
    kinds = [kind for kind, share in KINDS.items() for _each in range(max(1, round(share * count / sum(KINDS.values()))))]
    if not count:
        return []
    chance.shuffle(kinds)
    kinds = (kinds * (count // len(kinds) + 1))[: count - 1]
    return [*kinds, "postmaster"]


@dataclass
class Killer:
    """progress: how much is done, of `whole`; each kill is due at its part of it. sockets: the local ports at which listeners hang."""

    stage: Stage
    house: House
    kinds: list[str]
    chance: random.Random
    progress: Callable[[], int]
    whole: int
    sockets: Callable[[], set[int]] = set
    killed: Counter[str] = field(default_factory=Counter)
    last: float = 0.0

    def run(self, done: threading.Event) -> None:
        for turn, kind in enumerate(self.kinds):
            due = (turn + self.chance.random()) * self.whole / len(self.kinds)
            while self.progress() < min(due, self.whole - 1) or not self._kill(kind):
                if done.wait(0.02):
                    return
            self.killed[kind] += 1
            self.last = time.monotonic()

    def _kill(self, kind: str) -> bool:
        """Whether there was anybody to kill: what died is back only after a while."""
        try:
            victims = self._victims(kind)
            if not victims:
                return False
            os.kill(self.chance.choice(victims), signal.SIGKILL)
        except (psutil.Error, ProcessLookupError):
            return False
        return True

    def _victims(self, kind: str) -> list[int]:
        if kind in CRASHES:
            postmaster = self.stage.server.postmaster()
            if postmaster is None:
                return []
            if kind == "postmaster":
                return [postmaster.pid]
            # `postgres: tributary_app tributary [local] idle`
            return [child.pid for child in postmaster.children() if APP in (words := " ".join(child.cmdline()).split()) and DATABASE in words]
        if kind == "web":
            return [process.pid for process in self.house.web_workers()]
        if kind == "socket":
            ports = self.sockets()
            return [p.pid for p in self.house.web_workers() if any(c.raddr and c.raddr.port in ports for c in p.net_connections("tcp"))]
        return [process.pid for process in self.house.parts({"server": "granian"}.get(kind, kind))]
