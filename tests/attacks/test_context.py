"""Whoever acts: whatever way the calls are interleaved, nobody sees another's row, and nobody who is nobody sees any."""

from __future__ import annotations

import contextlib
import os
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import DatabaseError, connection

from apps.base import acting
from apps.tenants.wall import base as wall
from tests import tally
from tests.attacks import pooler
from tests.attacks.interleaving import Found, Fuzz, make_members
from tests.cast import Member, outside

SMALL, FULL = 4_000, 1_000_000
SMALL_POOLED, FULL_POOLED = 1_000, 200_000
SEED = int(os.environ.get("SEED") or random.SystemRandom().randrange(1_000_000))


@pytest.fixture(scope="module")
def members(database: None) -> list[Member]:
    return make_members("fuzzed")


def _run(members: list[Member], count: int, name: str) -> Found:
    started, found = time.monotonic(), Fuzz(members).run(count=count, seed=SEED)
    seconds = time.monotonic() - started
    tally.tell(name, tried=found.tried, leaked=len(found.wrong), seconds=seconds, seed=SEED, looks=found.looks, refused=found.refused)
    return found


def _need_clean(found: Found, count: int) -> None:
    assert found.wrong == []
    assert found.tried >= count
    assert found.looks > count // 2
    assert found.refused > count // 20


def test_interleavings_give_no_row_of_another(members: list[Member]) -> None:
    _need_clean(_run(members, SMALL, "contexts interleaved"), SMALL)


@pytest.mark.night
def test_a_million_interleavings_give_no_row_of_another(members: list[Member]) -> None:
    _need_clean(_run(members, FULL, "contexts interleaved"), FULL)


def test_behind_a_transaction_pooler_too(members: list[Member]) -> None:
    with pooler.between():
        found = _run(members, SMALL_POOLED, "contexts behind PgBouncer")
    _need_clean(found, SMALL_POOLED)


@pytest.mark.night
def test_behind_a_transaction_pooler_by_night(members: list[Member]) -> None:
    with pooler.between():
        found = _run(members, FULL_POOLED, "contexts behind PgBouncer")
    _need_clean(found, FULL_POOLED)


# The harness can see ---------------------------------------------------------------------------------------------------


def test_a_context_that_leaks_is_caught(members: list[Member], monkeypatch: pytest.MonkeyPatch) -> None:
    @contextlib.contextmanager
    def leaking(entered: acting.Acting) -> Iterator[acting.Acting]:
        before = acting._acting.get()
        acting._acting.set(entered)
        yield entered
        if before is not None:
            acting._acting.set(before)

    monkeypatch.setattr(acting, "in_context", leaking)
    fuzz = Fuzz(members)
    for unit in (fuzz.on_commit_undone, fuzz.generator, fuzz.task, fuzz.command):
        with contextlib.suppress(acting.AnotherEnterpriseActs):
            _outside(unit, members[0], members[1])
    assert [line.split(":")[0] for line in fuzz.found.wrong][:1] == ["after what was undone"]


def test_a_connection_that_remembers_who_acted_is_caught(members: list[Member], monkeypatch: pytest.MonkeyPatch) -> None:
    last: list[Any] = []

    def remembering() -> Any:
        context = acting.current_or_none() or (last[-1] if last else None)
        if context is None:
            raise acting.NobodyActs
        last.append(context)
        return context

    monkeypatch.setattr(wall.acting, "current", remembering)
    fuzz = Fuzz(members)
    for unit in (fuzz.plain, fuzz.nobody, fuzz.bare_thread):
        _outside(unit, members[0], members[1])
    assert {line.split(":")[0] for line in fuzz.found.wrong} >= {"nobody", "a bare thread"}


def test_a_role_that_is_set_for_the_session_is_caught_behind_a_pooler(members: list[Member], monkeypatch: pytest.MonkeyPatch) -> None:
    """As stock django-tenants does: the path is set once, when somebody else acts on this connection."""

    def for_the_session(self: Any, context: acting.Acting) -> None:
        wanted = (context.role, context.path)
        if getattr(self, "session_of", None) != wanted:
            path = ", ".join(f'"{schema}"' for schema in context.path)
            for command in (f'SET ROLE "{context.role}"', f"SET search_path TO {path}"):
                self._plain(command.encode())
            self.session_of = wanted
        if self.connection.autocommit:
            self._plain(b"BEGIN")

    def look(unit: int) -> None:
        # What it may see in the end is chance: an error of the database, too.
        with contextlib.suppress(DatabaseError):
            _outside(fuzz.plain, *random.Random(f"{SEED}-{unit}").sample(members, 2))

    fuzz = Fuzz(members)
    with pooler.between(pool=2), monkeypatch.context() as patch, ThreadPoolExecutor(4) as pool:
        patch.setattr(wall.DatabaseWrapper, "_apply", for_the_session)
        list(pool.map(look, range(200)))
        list(pool.map(lambda _thread: connection.close(), range(16)))
    assert fuzz.found.wrong


def _outside(unit: Any, *args: Any) -> None:
    outside(unit, *args)
