"""A fault at any statement of a promise and of its commit through four tiers: in every home all of it happened, or nothing."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import OperationalError, connection
from psycopg import sql

from apps.scheduling import models
from apps.scheduling import services as schedule
from tests.cast import AT, Member, snapshot
from tests.scheduling.chain import Chain, make_chain
from tests.scheduling.test_promising import ask, verified

SAMPLE = 12


class Broke(OperationalError):
    """The fault that the test puts in."""


class Statements:
    """Counts the statements of a block, and lets the one with a given number fail."""

    def __init__(self, fails_at: int | None = None) -> None:
        self.count, self.fails_at = 0, fails_at

    def __call__(self, execute: Callable[..., Any], query: str, params: Any, many: bool, context: Any) -> Any:
        self.count += 1
        if self.count == self.fails_at:
            raise Broke(f"statement {self.count}: {query[:80]}")
        return execute(query, params, many, context)


@contextlib.contextmanager
def failing_at(number: int | None) -> Iterator[Statements]:
    statements = Statements(number)
    with connection.execute_wrapper(statements):
        yield statements


def fingerprint(chain: Chain) -> list[Any]:
    """How many rows each table of each home and of the log has, and when one was last written: equal if nothing has changed."""
    with psycopg.connect(settings.ENVIRONMENT.superuser.url, autocommit=True) as outside:
        tables = [row[0] for row in outside.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'template_home' ORDER BY 1")]
        places = [sql.Identifier(member.home.schema, table) for member in chain.members for table in tables]
        places += [sql.Identifier("public", table) for table in ("exchange_channel", "exchange_cursor", "exchange_envelope")]
        parts = [sql.SQL("SELECT count(*), coalesce(max(xmin::text::bigint), 0) FROM {}").format(place) for place in places]
        return outside.execute(sql.SQL(" UNION ALL ").join(parts)).fetchall()


def points(count: int, *, every: bool) -> list[int]:
    seed = random.randrange(10**6)
    print(f"{count} statements; seed {seed}")
    return list(range(1, count + 1)) if every else sorted(random.Random(seed).sample(range(1, count + 1), min(SAMPLE, count)))


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
    chain = make_chain(4)
    ask(chain, hold_minutes=30)  # whatever is made once, as a channel, is there
    counted = counts(lambda: ask(chain, hold_minutes=30))
    before, whole = fingerprint(chain), snapshot(*chain.members)
    for number in points(counted, every=every):
        with failing_at(number), pytest.raises(Broke):
            ask(chain, hold_minutes=30)
        assert fingerprint(chain) == before, f"after a fault at statement {number}"
    assert snapshot(*chain.members) == whole
    commit(chain, ask(chain, hold_minutes=30))
    other = ask(chain, hold_minutes=30)
    counted = counts(lambda: commit(chain, other))
    promise = ask(chain, hold_minutes=30)
    before, whole = fingerprint(chain), snapshot(*chain.members)
    for number in points(counted, every=every):
        with failing_at(number), pytest.raises(Broke):
            commit(chain, promise)
        assert fingerprint(chain) == before, f"after a fault at statement {number}"
    assert snapshot(*chain.members) == whole
    commit(chain, promise)
    with chain.customer.acting():
        assert models.Promise.objects.get(document=promise.document).firm
    verified(chain)
    for member in chain.members:
        with member.acting():
            schedule.expire(at=AT.replace(year=2028))
    assert [held(member) for member in chain.members] == [0] * len(chain.members)


def test_a_fault_at_some_statement_leaves_nothing_behind(database: None) -> None:
    walk(every=False)


@pytest.mark.night
def test_a_fault_at_every_statement_leaves_nothing_behind(database: None) -> None:
    walk(every=True)
