"""The wall: nothing is asked of the database but in somebody's name, in his role, along his path; and nothing stays behind."""

from __future__ import annotations

import asyncio
import contextvars
import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.db import OperationalError, connection, transaction
from django.db.utils import ProgrammingError

from apps.base import acting
from apps.base.acting import AnotherEnterpriseActs, NobodyActs, act_as, as_operator, in_lobby
from apps.base.models import NotAtHome
from apps.catalog import models as catalog
from apps.catalog import selectors as items
from tests.cast import AT, Cast, Member, order, outside, unchanged


def whose() -> tuple[str, str]:
    """Role and path as the database sees them, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user::text, current_setting('search_path')")
        role, path = cursor.fetchone()
        return role, path


def expected(member: Member) -> tuple[str, str]:
    return member.home.schema, f"{member.home.schema}, public"


def numbers() -> set[str]:
    return set(catalog.Item.objects.values_list("number", flat=True))


def test_a_statement_outside_any_context_raises(cast: Cast) -> None:
    for ask in (whose, lambda: list(catalog.Item.objects.all()), lambda: catalog.Item.objects.count(), lambda: items.item(id=cast.maker.id)):
        with pytest.raises(NobodyActs, match=r"no enterprise acts here: enter one with act_as\(\) first"):
            ask()
    with pytest.raises(NobodyActs), transaction.atomic():
        whose()


def test_an_enterprise_is_not_entered_from_inside_another(cast: Cast) -> None:
    with cast.maker.acting():
        for enter in (cast.supplier.acting, in_lobby, as_operator):
            with pytest.raises(AnotherEnterpriseActs), enter():
                pass
        with act_as(cast.maker.home, by=cast.maker.viewer) as again:
            assert again.actor is cast.maker.viewer
        assert acting.actor() is cast.maker.actor
    assert acting.current_or_none() is None


def test_every_statement_runs_in_the_role_of_whoever_acts(cast: Cast) -> None:
    for member in cast:
        with member.acting():
            assert whose() == expected(member)
            with transaction.atomic():
                assert whose() == whose() == expected(member)
            with transaction.atomic(), transaction.atomic():
                assert whose() == expected(member)
    with in_lobby():
        assert whose() == ("tributary_lobby", "public")
    with as_operator():
        assert whose() == ("tributary_operator", "public")


def test_limits_are_set_for_each_transaction(cast: Cast) -> None:
    with cast.maker.acting(), connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('statement_timeout'), current_setting('lock_timeout'), current_setting('idle_in_transaction_session_timeout')")
        assert cursor.fetchone() == ("8s", "5s", "10s")


def test_after_a_savepoint_was_rolled_back_the_role_stands(cast: Cast) -> None:
    with cast.maker.acting(), transaction.atomic():
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            assert whose() == expected(cast.maker)
            raise ZeroDivisionError
        assert whose() == expected(cast.maker)
        with pytest.raises(ProgrammingError), transaction.atomic():
            numbers()
            with connection.cursor() as cursor:
                cursor.execute("SELECT nothing_of_this_name")
        assert whose() == expected(cast.maker)


def test_a_savepoint_before_the_first_statement_is_rolled_back_with_its_role(cast: Cast) -> None:
    with cast.maker.acting(), transaction.atomic():
        sid = transaction.savepoint()
        whose()
        transaction.savepoint_rollback(sid)
        assert whose() == expected(cast.maker)


def test_a_transaction_is_not_continued_by_another(cast: Cast) -> None:
    with pytest.raises(AnotherEnterpriseActs, match="was continued by"), in_lobby(), transaction.atomic():
        whose()
        with cast.maker.acting():
            whose()
    with cast.maker.acting():
        assert whose() == expected(cast.maker)


def test_a_failed_statement_leaves_the_connection_usable(cast: Cast) -> None:
    with cast.maker.acting():
        for _round in range(3):
            with pytest.raises(ProgrammingError), connection.cursor() as cursor:
                cursor.execute("SELECT nothing_of_this_name")
            assert whose() == expected(cast.maker)
    with cast.supplier.acting():
        assert whose() == expected(cast.supplier)


def test_nothing_is_left_on_the_connection(cast: Cast) -> None:
    with cast.maker.acting(), transaction.atomic():
        numbers()
    raw = connection.connection
    with cast.maker.acting():
        numbers()
    result = raw.pgconn.exec_(
        b"SELECT session_user = current_user, current_setting('role'), current_setting('search_path'), current_setting('statement_timeout')"
    )
    assert [result.get_value(0, column) for column in range(4)] == [b"t", b"none", b'"$user", public', b"0"]
    with as_operator():
        numbers_of_locks = connection.connection.pgconn.exec_(b"SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND relation > 16383").get_value(
            0, 0
        )
    assert numbers_of_locks == b"0"


def test_the_login_role_itself_may_read_no_home(cast: Cast) -> None:
    with cast.maker.acting():
        numbers()
    raw = connection.connection.pgconn
    for statement in (f'SELECT * FROM "{cast.maker.home.schema}".catalog_item', "SELECT * FROM public.exchange_envelope", "SELECT * FROM public.accounts_user"):
        result = raw.exec_(statement.encode())
        assert b"permission denied" in (result.error_message or b"")


def test_a_thread_inherits_nobody(cast: Cast) -> None:
    found: list[Any] = []

    def work() -> None:
        try:
            found.append(whose())
        except NobodyActs as error:
            found.append(type(error))

    with cast.maker.acting():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert found == [NobodyActs]
        assert whose() == expected(cast.maker)


def test_a_generator_keeps_to_whoever_asks_it(cast: Cast) -> None:
    def rows() -> Iterator[set[str]]:
        while True:
            yield numbers()

    generator = rows()
    with cast.maker.acting():
        assert next(generator) == set(cast.maker.items)
    with cast.supplier.acting():
        assert next(generator) == set(cast.supplier.items)
    with pytest.raises(NobodyActs):
        next(generator)


def test_an_unevaluated_query_reads_where_it_is_evaluated(cast: Cast) -> None:
    with cast.maker.acting():
        query = catalog.Item.objects.values_list("number", flat=True)
    with cast.stranger.acting():
        assert set(query) == {"Z-1"}


def test_what_waits_for_the_commit_runs_as_whoever_committed(cast: Cast) -> None:
    seen: list[Any] = []
    with cast.maker.acting(), transaction.atomic():
        transaction.on_commit(lambda: seen.append(whose()))
    assert seen == [expected(cast.maker)]


def test_tasks_of_one_loop_keep_to_their_enterprises(cast: Cast) -> None:
    async def look(member: Member, turns: int) -> list[tuple[str, str]]:
        with act_as(member.home):
            found = []
            for _turn in range(turns):
                found.append(await database_sync_to_async(whose)())
                await asyncio.sleep(0)
            return found

    async def all_at_once() -> list[list[tuple[str, str]]]:
        return await asyncio.gather(*(look(member, 10) for member in members))

    members = list(cast) * 4
    found = asyncio.run(all_at_once())
    assert [set(rows) for rows in found] == [{expected(member)} for member in members]


def test_two_thousand_interleavings_give_no_row_of_another(cast: Cast) -> None:
    """Threads that take turns at random among enterprises, transactions, savepoints, failures and lobbies, over one pool."""
    members = list(cast)
    wrong: list[Any] = []

    def work(seed: int) -> int:
        chance = random.Random(seed)
        for _turn in range(250):
            member = chance.choice(members)
            contextvars.Context().run(act, member, chance)
        connection.close()
        return 250

    def act(member: Member, chance: random.Random) -> None:
        kind = chance.randrange(5)
        with member.acting():
            if kind == 0:
                look(member)
            elif kind == 1:
                with transaction.atomic():
                    look(member)
                    look(member)
            elif kind == 2:
                try:
                    with transaction.atomic():
                        look(member)
                        raise ZeroDivisionError
                except ZeroDivisionError:
                    look(member)
            elif kind == 3:
                with transaction.atomic():
                    sid = transaction.savepoint()
                    look(member)
                    transaction.savepoint_rollback(sid)
                    look(member)
            else:
                transaction.on_commit(lambda: look(member))
        with in_lobby():
            if (role := whose()[0]) != "tributary_lobby":
                wrong.append(role)

    def look(member: Member) -> None:
        found = numbers()
        if found != set(member.items):
            wrong.append((member.slug, found))

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(work, range(8))) == 2000
    assert wrong == []


def test_a_row_is_saved_at_home_only(cast: Cast) -> None:
    with cast.maker.acting():
        item = catalog.Item.objects.get(number="M-COMP")
        fresh = catalog.Item(number="NEW", name="New")
    with unchanged(*cast):
        for row in (item, fresh):
            with cast.supplier.acting(), pytest.raises(NotAtHome):
                row.save()
            with pytest.raises(NobodyActs):
                row.save()


def test_a_lock_that_is_held_too_long_is_given_up(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.tenants.wall.base.LIMITS", "SET LOCAL lock_timeout = '50ms'")
    document = order(cast.maker, cast.supplier)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with cast.maker.acting(), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM documents_document WHERE id = %s FOR UPDATE", [document])
            held.set()
            done.wait(10)
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    try:
        with cast.maker.acting(), pytest.raises(OperationalError, match="lock timeout"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM documents_document WHERE id = %s FOR UPDATE", [document])
    finally:
        done.set()
        thread.join()


def test_set_tenant_is_closed(cast: Cast) -> None:
    with cast.maker.acting(), pytest.raises(AnotherEnterpriseActs, match="set_tenant is closed"):
        connection.set_tenant(type("Tenant", (), {"schema_name": cast.supplier.home.schema})())  # type: ignore[attr-defined]


def test_outside_is_outside(cast: Cast) -> None:
    with cast.maker.acting():
        assert outside(acting.current_or_none) is None
    assert AT.utcoffset() is not None
