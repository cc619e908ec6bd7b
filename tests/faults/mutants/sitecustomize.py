"""Faults that are put into the lift on purpose. Python imports this module at its start where its folder is on the path; nothing else does.

Which fault an enterprise has follows from the beginning of its short name, so that several can be shown in one house.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import itertools
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


class Mutator(importlib.abc.MetaPathFinder):
    """Finds the lift where it is, and changes it when it has been read."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> importlib.machinery.ModuleSpec | None:
        if name != LIFT:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        assert spec is not None
        assert spec.loader is not None
        run: Any = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            run(module)
            swallow(module)
            advance_outside(module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


sys.meta_path.insert(0, Mutator())
