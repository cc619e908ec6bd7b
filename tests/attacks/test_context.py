"""Whoever acts: whatever way the calls are interleaved, nobody sees another's row, and nobody who is nobody sees any."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection

from apps.base import acting
from apps.live import selectors
from apps.tenants.wall import base as wall
from tests import seeds, tally
from tests.attacks import pooler
from tests.attacks.interleaving import Found, Fuzz, make_members
from tests.cast import Member, outside

SMALL, FULL = 20_000, 1_000_000
SEED = seeds.fresh()


@pytest.fixture(scope="module")
def members(database: None) -> list[Member]:
    return make_members("fuzzed")


def _run(members: list[Member], count: int, name: str) -> Found:
    started, found = time.monotonic(), Fuzz(members).run(count=count, seed=SEED)
    seconds = time.monotonic() - started
    tally.tell(name, tried=found.tried, leaked=len(found.wrong), lost=len(found.broken), seconds=seconds, seed=SEED, looks=found.looks, refused=found.refused)
    return found


def _need_clean(found: Found, count: int) -> None:
    assert found.wrong == []
    assert found.broken == []
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
        found = _run(members, SMALL, "contexts behind PgBouncer")
    _need_clean(found, SMALL)


@pytest.mark.night
def test_behind_a_transaction_pooler_by_night(members: list[Member]) -> None:
    with pooler.between():
        found = _run(members, FULL, "contexts behind PgBouncer")
    _need_clean(found, FULL)


# The harness can see ---------------------------------------------------------------------------------------------------

Mutant = Callable[[pytest.MonkeyPatch], None]
MUTATED = 500


def a_context_that_leaks(patch: pytest.MonkeyPatch) -> None:
    @contextlib.contextmanager
    def leaking(entered: acting.Acting) -> Iterator[acting.Acting]:
        before = acting._acting.get()
        acting._acting.set(entered)
        yield entered
        if before is not None:
            acting._acting.set(before)

    patch.setattr(acting, "in_context", leaking)


def a_connection_that_remembers(patch: pytest.MonkeyPatch) -> None:
    last = threading.local()

    def remembering() -> Any:
        context = acting.current_or_none() or getattr(last, "context", None)
        if context is None:
            raise acting.NobodyActs
        last.context = context
        return context

    patch.setattr(wall.acting, "current", remembering)


def a_context_for_all_threads(patch: pytest.MonkeyPatch) -> None:
    """As a variable of the module would be: who acts is whoever began last."""

    class Shared:
        def __init__(self) -> None:
            self.value: Any = None

        def get(self) -> Any:
            return self.value

        def set(self, value: Any) -> Any:
            before, self.value = self.value, value
            return before

        def reset(self, before: Any) -> None:
            self.value = before

    patch.setattr(acting, "_acting", Shared())


def _said(patch: pytest.MonkeyPatch, change: Callable[[bytes], bytes]) -> None:
    """The wall's own commands go out otherwise than it says them."""
    plain = wall.DatabaseWrapper._plain
    patch.setattr(wall.DatabaseWrapper, "_plain", lambda self, command: plain(self, change(command)))


def no_role(patch: pytest.MonkeyPatch) -> None:
    _said(patch, lambda command: re.sub(rb'SET LOCAL ROLE "\w+"; ', b"", command))


def no_path(patch: pytest.MonkeyPatch) -> None:
    _said(patch, lambda command: re.sub(rb"SET LOCAL search_path TO .*", b"", command))


def a_role_for_the_session(patch: pytest.MonkeyPatch) -> None:
    _said(patch, lambda command: command.replace(b"SET LOCAL ROLE", b"SET ROLE").replace(b"SET LOCAL search_path", b"SET search_path"))


def a_role_that_stays(patch: pytest.MonkeyPatch) -> None:
    """Set once in a transaction, whoever acts afterwards: beyond the border one would read one's own."""
    apply = wall.DatabaseWrapper._apply

    def once(self: Any, context: acting.Acting) -> None:
        if self._applied is None:
            apply(self, context)

    patch.setattr(wall.DatabaseWrapper, "_apply", once)
    patch.setattr(wall.DatabaseWrapper, "forget_role", lambda self: None)


def the_last_role_on_this_connection(patch: pytest.MonkeyPatch) -> None:
    """As stock django-tenants does: role and path are set for the session, when somebody else acts."""

    def for_the_session(self: Any, context: acting.Acting) -> None:
        wanted = (context.role, context.path)
        if getattr(self, "session_of", None) != wanted:
            path = ", ".join(f'"{schema}"' for schema in context.path)
            for command in (f'SET ROLE "{context.role}"', f"SET search_path TO {path}"):
                self._plain(command.encode())
            self.session_of = wanted
        if self.connection.autocommit:
            self._plain(b"BEGIN")

    patch.setattr(wall.DatabaseWrapper, "_apply", for_the_session)


def a_group_for_all(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(selectors, "group_name", lambda topic: f"t.{topic}")


# Each with the beginning of something that the harness must say of it.
MUTANTS = {
    a_context_that_leaks: "after what was undone",
    a_connection_that_remembers: "nobody",
    a_context_for_all_threads: "nobody",
    no_role: "lobby",
    no_path: "plain",
    a_role_for_the_session: "what remains",
    a_role_that_stays: "beyond the border",
    a_group_for_all: "a socket",
}


@pytest.fixture
def afresh() -> Iterator[None]:
    """What a mutant set for a session ends with the session."""
    yield
    connection.close()
    connection.close_pool()


@pytest.mark.usefixtures("afresh")
@pytest.mark.parametrize("mutant", MUTANTS)
def test_the_fuzz_catches(members: list[Member], mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    """By chance, as it runs in earnest, and not only where a unit was chosen for it."""
    fuzz = Fuzz(members)

    def caught(line: str) -> bool:
        return line.startswith(MUTANTS[mutant])

    with monkeypatch.context() as patch:
        mutant(patch)
        found = outside(fuzz.run, count=MUTATED, seed=SEED, enough=caught)
    assert any(map(caught, found.wrong)), f"SEED={SEED}: {found}"[:3000]


def test_the_fuzz_catches_a_role_of_the_session_behind_a_pooler(members: list[Member], monkeypatch: pytest.MonkeyPatch) -> None:
    fuzz = Fuzz(members)

    def reads(line: str) -> bool:
        """Which unit meets the other's connection is the pooler's affair: that one of them reads what is another's is enough."""
        return not line.startswith("what remains")

    with pooler.between(pool=2), monkeypatch.context() as patch:
        the_last_role_on_this_connection(patch)
        found = outside(fuzz.run, count=MUTATED, seed=SEED, enough=reads)
    assert any(map(reads, found.wrong)), f"SEED={SEED}: {found}"[:3000]
