"""Faults that are put in on purpose. Python imports this module at its start where its folder is on the path; nothing else does.

Which fault of the lift an enterprise has follows from the beginning of its short name, so that several can be shown in one house; which
fault of another part a house has, from the variable `MUTANT`.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import itertools
import os
import sys
import time
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import orjson

LIFT = "apps.exchange.crossing"


def swallow(crossing: Any) -> None:
    """Each fifth envelope to an enterprise `swallow…` is thrown away, and the cursor goes on."""
    accept, numbers = crossing._accept, itertools.count(1)

    def _accept(envelope: Any, body: Any) -> None:
        if not crossing.acting.home().slug.startswith("swallow") or next(numbers) % 5:
            accept(envelope, body)

    crossing._accept = _accept


def advance_outside(crossing: Any) -> None:
    """The cursor of an enterprise `outside…` goes on in a transaction of its own, before that in which the envelopes are taken in."""
    lifting = crossing.lifting
    deliver = lifting.deliver_batch

    def deliver_batch(lane: Any) -> int:
        if not crossing.acting.home().slug.startswith("outside"):
            return int(deliver(lane))

        def advance() -> Any:
            reached = lane.reach()
            envelopes = lane.following(reached, upto=None, limit=lifting.BATCH) if reached else []
            if envelopes:
                reached.delivered, reached.digest = envelopes[-1].seq, bytes(envelopes[-1].digest)
                lane.advance(reached)
            return envelopes

        def accept() -> None:
            for envelope in envelopes:
                lane.accept(envelope, orjson.loads(bytes(envelope.body)))

        envelopes = lane.whole(advance)
        # Who dies here has lost them; so that a short run meets somebody, it takes a while.
        time.sleep(0.05)
        lane.whole(accept)
        return len(envelopes)

    lifting.deliver_batch = deliver_batch


def impatient_of_nothing(patience: Any) -> None:
    """Whoever waits for a database that says nothing waits for a minute."""
    patience.SILENCE, patience.CONNECT = 60, 60
    patience.KEEPALIVES.update(connect_timeout=60)


def needs_its_broker(api: Any) -> None:
    """Each answer waits until the broker has taken something."""
    view = api.ApiView
    dispatch = view.dispatch

    def asking(self: Any, *given: Any, **named: Any) -> Any:
        from portal.celery import app

        with app.connection_for_write() as connection:
            connection.SimpleQueue("asked").put({})
        return dispatch(self, *given, **named)

    view.dispatch = asking


def depends_on_redis(cache: Any) -> None:
    """The cache breaks where Redis does."""
    cache.PatientCache = cache.RedisCache


def drops(groups: Any) -> None:
    """Each third event of the feed is handed to no socket."""
    give, numbers = groups.Group._give, itertools.count(1)

    def _give(self: Any, body: Any) -> None:
        if next(numbers) % 3:
            give(self, body)

    groups.Group._give = _give


# Which of them a house has: `MUTANT`. The lift's are always there, and meet only enterprises that are named for them.
MUTANTS = {
    "patience": ("apps.base.patience", impatient_of_nothing),
    "broker": ("apps.base.api", needs_its_broker),
    "redis": ("apps.tenants.cache", depends_on_redis),
    "feed": ("apps.live.bridge.groups", drops),
}
CHOSEN = dict([MUTANTS[os.environ["MUTANT"]]] if "MUTANT" in os.environ else [])


class Mutator(importlib.abc.MetaPathFinder):
    """Finds the lift where it is, and changes it when it has been read."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> importlib.machinery.ModuleSpec | None:
        if name != LIFT and name not in CHOSEN:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        assert spec is not None
        assert spec.loader is not None
        run: Any = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            run(module)
            if name == LIFT:
                swallow(module)
                advance_outside(module)
            else:
                CHOSEN[name](module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


sys.meta_path.insert(0, Mutator())
