"""A fault at any statement of a promise and of its commit through four tiers: in every home all of it happened, or nothing."""

from __future__ import annotations

import contextvars
import itertools
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from apps.documents.services.folding import NotAllowed
from apps.exchange.services import sending
from apps.scheduling import models
from apps.scheduling import services as schedule
from tests import seeds, tally
from tests.cast import AT, Member, snapshot
from tests.faults.breaking import Kind, answer_lost, failing_at, fingerprint
from tests.scheduling.chain import Chain, make_chain
from tests.scheduling.test_promising import ask, states, verified

SAMPLE = 6


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


def walk_asking(chain: Chain, kind: Kind, *, every: bool, chance: random.Random) -> int:
    """Each statement of a promise fails in its turn, and nothing has happened in any home. Gives how many were tried."""
    for _round in range(2):  # whatever is made once, as a channel, is there
        counted = counts(lambda: ask(chain, hold_minutes=30))
    return _fail(chain, lambda: ask(chain, hold_minutes=30), points(counted, every=every, chance=chance), kind)


def walk_commit(chain: Chain, kind: Kind, *, every: bool, chance: random.Random) -> int:
    """The same of its commit, which is done afterwards."""
    commit(chain, ask(chain, hold_minutes=30))
    other, promise = ask(chain, hold_minutes=30), ask(chain, hold_minutes=30)
    counted = counts(lambda: commit(chain, other))
    tried = _fail(chain, lambda: commit(chain, promise), points(counted, every=every, chance=chance), kind)
    commit(chain, promise)
    assert is_firm(chain, promise)
    return tried


def is_firm(chain: Chain, promise: models.Promise) -> bool:
    with chain.customer.acting():
        return models.Promise.objects.get(document=promise.document).firm


def _fail(chain: Chain, work: Callable[[], Any], numbers: list[int], kind: Kind) -> int:
    before, whole = fingerprint(chain.members), snapshot(*chain.members)
    for number in numbers:
        with failing_at(number, kind) as met, pytest.raises(OperationalError):
            work()
        connection.close_if_unusable_or_obsolete()
        assert fingerprint(chain.members) == before, f"after {kind} at statement {number}: {met.said[number - 1]}"
    assert snapshot(*chain.members) == whole
    return len(numbers)


PROMISES = [1, 2, 2, 2, 1]
"""In how many promises each home of four tiers has a part."""


def lose_answers(chain: Chain) -> int:
    """The answer to the COMMIT of a promise, and of its commit, is lost: all homes have it whole and once, and a second commit is refused."""
    before = [len(states(member)) for member in chain.members]
    with answer_lost() as cut, pytest.raises(OperationalError):
        ask(chain, hold_minutes=30)
    connection.close_if_unusable_or_obsolete()
    after = [len(states(member)) for member in chain.members]
    assert (cut, [now - then for now, then in zip(after, before, strict=True)]) == ([True], PROMISES), "a promise whose answer was lost"
    promise = ask(chain, hold_minutes=30)
    firm = [firms(member) for member in chain.members]
    with answer_lost() as cut, pytest.raises(OperationalError):
        commit(chain, promise)
    connection.close_if_unusable_or_obsolete()
    assert (cut, is_firm(chain, promise)) == ([True], True)
    assert [firms(member) - then for member, then in zip(chain.members, firm, strict=True)] == PROMISES, "a commit whose answer was lost"
    whole = snapshot(*chain.members)
    with pytest.raises(NotAllowed):
        commit(chain, promise)
    assert snapshot(*chain.members) == whole, "it was committed twice"
    return 2


def firms(member: Member) -> int:
    return states(member).count("committed")


def released(chain: Chain) -> None:
    """Nothing is held for anybody when all that was only held has run out."""
    verified(chain)
    for member in chain.members:
        with member.acting():
            schedule.expire(at=AT.replace(year=2028))
    assert [held(member) for member in chain.members] == [0] * len(chain.members)


def walk(kind: Kind, *, every: bool) -> None:
    seed, began = seeds.fresh(), time.monotonic()
    chance, chain = random.Random(seed), make_chain(4)
    tried = walk_asking(chain, kind, every=every, chance=chance)
    tried += walk_commit(chain, kind, every=every, chance=chance)
    tried += lose_answers(chain)
    released(chain)
    tally.tell(f"faults through four tiers: {kind}", tried=tried, seconds=time.monotonic() - began, seed=seed)


@pytest.mark.parametrize("kind", ["fault", "gone"])
def test_a_fault_at_some_statement_leaves_nothing_behind(kind: Kind, database: None) -> None:
    walk(kind, every=False)


@pytest.mark.night
@pytest.mark.parametrize("kind", ["fault", "gone"])
def test_a_fault_at_every_statement_leaves_nothing_behind(kind: Kind, database: None) -> None:
    walk(kind, every=True)


# The harness finds what is wrong --------------------------------------------------------------------------------------


def _envelope_outside_the_transaction(patch: pytest.MonkeyPatch) -> None:
    """What the last tier answers is appended by a connection of its own."""
    real, said = sending.append, itertools.count(1)

    def append(**more: Any) -> int:
        def apart() -> int:
            try:
                with transaction.atomic():
                    return real(**more)
            finally:
                connection.close()

        if next(said) % 8 != 1:
            return real(**more)
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(contextvars.copy_context().run, apart).result(10)

    patch.setattr(sending, "append", append)


def _asked_again(patch: pytest.MonkeyPatch) -> None:
    """Whoever hears no answer asks once more, as if it were another promise."""
    real = schedule.ask

    def ask_again(*given: Any, **more: Any) -> Any:
        try:
            return real(*given, **more)
        except OperationalError:
            connection.close_if_unusable_or_obsolete()
            real(*given, **more)
            raise

    patch.setattr(schedule, "ask", ask_again)


def _walk_asking(chain: Chain) -> None:
    walk_asking(chain, "fault", every=True, chance=random.Random(1))


@pytest.mark.night
@pytest.mark.parametrize(
    ("mutant", "walks", "said"),
    [
        (_envelope_outside_the_transaction, _walk_asking, r"after fault at statement \d+"),
        (_asked_again, lose_answers, "a promise whose answer was lost"),
    ],
)
def test_a_fault_put_in_on_purpose_is_found(
    mutant: Callable[[pytest.MonkeyPatch], None], walks: Callable[[Chain], object], said: str, monkeypatch: pytest.MonkeyPatch, database: None
) -> None:
    chain = make_chain(4)
    ask(chain, hold_minutes=30)  # the channels are there, and no other connection waits for them
    mutant(monkeypatch)
    with pytest.raises(AssertionError, match=said):
        walks(chain)
