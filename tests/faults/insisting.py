"""A partner's program that insists on an answer, and who kills the house's processes meanwhile, each in its turn (`test_chains` kills at random)."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx
import psutil

from tests.cast import Member, ask
from tests.house import House

KILLS = 5
PATIENCE = 30.0
"""Seconds for which a client repeats one request, and within which the sweep must have brought everything."""


@dataclass
class Client:
    """A partner's program that repeats a request, with its key, until it is answered."""

    house: House
    member: Member
    met: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.http = httpx.Client(base_url=f"{self.house.origin}/api/v1/", timeout=15, trust_env=False, verify=False)

    def post(self, path: str, data: Any, *, key: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.member.token}", "Idempotency-Key": key}
        until = time.monotonic() + PATIENCE
        while True:
            try:
                answer = self.http.post(path, json=data, headers=headers)
            except httpx.TransportError as error:
                met = type(error).__name__
            else:
                if answer.status_code < 500 and answer.status_code != 404 and not _is_running(answer):
                    return answer
                met = f"{answer.status_code} {answer.json()['type']}" if "json" in answer.headers["Content-Type"] else str(answer.status_code)
            self.met[met] += 1
            assert time.monotonic() < until, f"{path}: {met}\n{self.house.said()}"
            time.sleep(random.uniform(0.02, 0.1))


def _is_running(answer: httpx.Response) -> bool:
    return answer.status_code == 409 and str(answer.json()["type"]).endswith("still-running")


@dataclass
class Killer:
    """Kills in turn a process that answers requests, the worker, and the web server's first process, while something is under way.

    chance: after how many of the steps each kill is due, and which of several it meets. sent: what is through.
    """

    house: House
    chance: random.Random
    sent: list[tuple[str, str]] = field(default_factory=list)
    killed: list[str] = field(default_factory=list)
    steps: int = 1
    kills: int = KILLS

    def run(self, done: threading.Event) -> None:
        for turn in range(self.kills):
            due = (turn + self.chance.random()) * self.steps / (self.kills + 1)
            name = ("web", "worker", "server", "web")[turn % 4]
            while len(self.sent) < due or not self._kill(name):
                if done.wait(0.01):
                    return
            self.killed.append(name)

    def _kill(self, name: str) -> bool:
        """Whether there was anybody to kill: what died is back only after a while."""
        victims = self.house.web_workers() if name == "web" else self.house.parts({"server": "granian"}.get(name, name))
        if not victims:
            return False
        try:
            self.chance.choice(victims).kill()
        except psutil.NoSuchProcess:
            return False
        return True


def undelivered(*members: Member) -> int:
    """How many envelopes of these enterprises wait to be delivered."""
    rows = ask(
        "SELECT coalesce(sum(c.head - coalesce(u.delivered, 0)), 0) AS waiting FROM exchange_channel c "
        "LEFT JOIN exchange_cursor u ON u.channel_id = c.id WHERE c.sender_id = ANY(%s)",
        [[member.id for member in members]],
    )
    return int(rows[0]["waiting"])
