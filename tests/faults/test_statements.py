"""A fault at any statement of a promise and of its commit through four tiers: in every home all of it happened, or nothing."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection

from apps.scheduling import models
from apps.scheduling import services as schedule
from tests import tally
from tests.cast import AT, Member, snapshot
from tests.faults import seeds
from tests.faults.breaking import failing_at, fingerprint
from tests.scheduling.chain import Chain, make_chain
from tests.scheduling.test_promising import ask, verified

SAMPLE = 12


def points(count: int, *, every: bool, chance: random.Random) -> list[int]:
    print(f"{count} statements")
    return list(range(1, count + 1)) if every else sorted(chance.sample(range(1, count + 1), min(SAMPLE, count)))


def commit(chain: Chain, promise: models.Promise) -> None:
    buyer = chain.customer
    with buyer.acting():
        schedule.commit(document=promise.document, number="", by=buyer.actor, at=AT)


def held(member: Member) -> int:
    with member.acting():
        return models.Peg.objects.filter(firm=False).count() + models.Job.objects.filter(firm=False).count()


def counts(work: Callable[[], Any]) -> int:
    """How many statements the work takes, when it is really done."""
    with failing_at(None) as counted:
        work()
    return counted.count


def walk(*, every: bool) -> None:
    seed, began, tried = seeds.fresh(), time.monotonic(), 0
    chance, chain = random.Random(seed), make_chain(4)
    ask(chain, hold_minutes=30)  # whatever is made once, as a channel, is there
    counted = counts(lambda: ask(chain, hold_minutes=30))
    before, whole = fingerprint(chain.members), snapshot(*chain.members)
    for number in points(counted, every=every, chance=chance):
        with failing_at(number), pytest.raises(OperationalError):
            ask(chain, hold_minutes=30)
        connection.close_if_unusable_or_obsolete()
        assert fingerprint(chain.members) == before, f"after a fault at statement {number}"
        tried += 1
    assert snapshot(*chain.members) == whole
    commit(chain, ask(chain, hold_minutes=30))
    other = ask(chain, hold_minutes=30)
    counted = counts(lambda: commit(chain, other))
    promise = ask(chain, hold_minutes=30)
    before, whole = fingerprint(chain.members), snapshot(*chain.members)
    for number in points(counted, every=every, chance=chance):
        with failing_at(number), pytest.raises(OperationalError):
            commit(chain, promise)
        connection.close_if_unusable_or_obsolete()
        assert fingerprint(chain.members) == before, f"after a fault at statement {number}"
        tried += 1
    assert snapshot(*chain.members) == whole
    commit(chain, promise)
    with chain.customer.acting():
        assert models.Promise.objects.get(document=promise.document).firm
    verified(chain)
    for member in chain.members:
        with member.acting():
            schedule.expire(at=AT.replace(year=2028))
    assert [held(member) for member in chain.members] == [0] * len(chain.members)
    tally.tell("faults through four tiers", tried=tried, seconds=time.monotonic() - began, seed=seed)


def test_a_fault_at_some_statement_leaves_nothing_behind(database: None) -> None:
    walk(every=False)


@pytest.mark.night
def test_a_fault_at_every_statement_leaves_nothing_behind(database: None) -> None:
    walk(every=True)
