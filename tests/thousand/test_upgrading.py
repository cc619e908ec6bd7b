"""An upgrade of many homes: what is current costs nothing, what is behind is brought on side by side, and a kill leaves nothing half done."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from apps.tenants import services as tenants
from apps.tenants.services import upgrading
from apps.tenants.wall import building
from tests import tally
from tests.cast import Member, ask, fresh_number, line, outside
from tests.thousand import homes

pytestmark = pytest.mark.night

SMALL, FULL = 12, 1000


@pytest.fixture(autouse=True)
def _as_it_was(database: None) -> Iterator[None]:
    yield
    homes.take_back()


@pytest.fixture(scope="module")
def few(database: None) -> list[str]:
    """The schemas of a few homes."""
    return [home.schema for home in homes.many(SMALL)]


def upgrade(**more: object) -> tenants.Upgraded:
    with homes.later_release():
        return outside(tenants.upgrade, **more)


def test_all_homes_are_brought_on_and_then_nothing_is_to_be_done(few: list[str]) -> None:
    told: list[tuple[int, int]] = []
    done = upgrade(told=lambda *progress: told.append(progress))
    everywhere = {*homes.all_schemas(), "template_home"}
    assert (done.homes, done.behind, done.failed) == (len(everywhere) - 1, len(everywhere) - 1, {})
    assert homes.brought_on() == (everywhere, everywhere, everywhere)
    assert told == [(number, done.behind) for number in range(1, done.behind + 1)]
    again = upgrade()
    assert (again.homes, again.behind, again.failed) == (done.homes, 0, {})


def test_which_homes_are_behind_is_asked_once_for_all(few: list[str]) -> None:
    asked: list[str] = []

    def note(execute: Callable[..., object], statement: str, *rest: object) -> object:
        asked.extend([statement] if "search_path" not in statement else [])
        return execute(statement, *rest)

    def standings() -> int:
        with upgrading.connections[tenants.OWNER].execute_wrapper(note):
            return len(upgrading._standings())

    assert (outside(standings) >= SMALL, len(asked)) == (True, 2)


def test_a_home_with_a_migration_that_is_more_than_sql_goes_by_djangos_own_way(few: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert upgrade().failed == {}
    homes.take_back(few[:2])
    monkeypatch.setattr(upgrading, "_is_sql", lambda operations: False)
    done = upgrade()
    assert (done.behind, done.failed) == (2, {})
    everywhere = {*homes.all_schemas(), "template_home"}
    assert homes.brought_on() == (everywhere, everywhere, everywhere)


def test_a_home_that_somebody_holds_fails_alone_and_is_found_again(few: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upgrading, "TRIES", 2)
    everywhere = {*homes.all_schemas(), "template_home"}
    with homes.held(few[:1]):
        done = upgrade(lock_timeout=0.05)
    assert (list(done.failed.values()), len(done.failed)) == (["canceling statement due to lock timeout"], 1)
    assert homes.brought_on() == (everywhere - {few[0]},) * 3
    assert upgrade().behind == 1
    assert homes.brought_on() == (everywhere,) * 3


def test_two_upgrades_at_once_do_each_home_once(few: list[str]) -> None:
    results: list[tenants.Upgraded] = []
    with homes.later_release():
        upgrading.migrate(upgrading.models.TEMPLATE_SCHEMA)
        threads = [threading.Thread(target=lambda: results.append(outside(_upgrade_and_close))) for _one in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    everywhere = {*homes.all_schemas(), "template_home"}
    assert homes.brought_on() == (everywhere,) * 3
    every = " UNION ALL ".join(f"SELECT count(*) AS n FROM \"{schema}\".django_migrations WHERE name = '0002_one_column'" for schema in everywhere)
    assert {row["n"] for row in ask(every)} == {1}
    assert {fault for result in results for fault in result.failed.values()} <= {"somebody else is upgrading this home"}


def _upgrade_and_close() -> tenants.Upgraded:
    try:
        return tenants.upgrade()
    finally:
        upgrading.connections[tenants.OWNER].close()


def test_a_role_whose_rights_are_of_another_release_gets_todays(few: list[str]) -> None:
    ask(f'REVOKE SELECT ON "{few[0]}".catalog_item FROM "{few[0]}"')
    ask(f"COMMENT ON SCHEMA \"{few[0]}\" IS 'rights of yesterday'")
    assert outside(tenants.upgrade).behind == 1
    assert ask(f"SELECT has_table_privilege('{few[0]}', '\"{few[0]}\".catalog_item', 'SELECT') AS may") == [{"may": True}]
    ask(f'REVOKE SELECT ON "{few[0]}".catalog_item FROM "{few[0]}"')
    outside(call_command, "prepare", "--rights", verbosity=0)
    assert ask(f"SELECT has_table_privilege('{few[0]}', '\"{few[0]}\".catalog_item', 'SELECT') AS may") == [{"may": True}]


def test_a_killed_upgrade_leaves_no_home_half_done_and_is_gone_on_with(few: list[str]) -> None:
    everywhere = {*homes.all_schemas(), "template_home"}
    kept = few[: SMALL // 2]
    with homes.held(kept):
        process = homes.prepare("--workers", "8", "--lock-timeout", "30")
        until = time.monotonic() + 30
        while len(homes.brought_on()[2]) < 2 and time.monotonic() < until:
            time.sleep(0.02)
        process.kill()
        said = process.communicate()[0]
        columns, indexes, records = homes.brought_on()
        assert columns == indexes == records
        assert 2 <= len(records) <= len(everywhere) - len(kept), said
    process = homes.prepare()
    said = process.communicate()[0]
    assert process.returncode == 0, said
    assert homes.brought_on() == (everywhere,) * 3


def _failing_late(home: upgrading._Standing, script: str, lock_timeout: float) -> str:
    """The transaction of a home, with a fault as its last word."""
    return WHOLE(home, script, lock_timeout).replace("; COMMIT", "; SELECT 1 / 0; COMMIT")


WHOLE = upgrading._whole


def _half() -> bool:
    """Whether some home has the column and not the record of it."""
    columns, indexes, records = homes.brought_on()
    return not columns == indexes == records


def test_a_home_that_fails_late_is_as_it_was(few: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(upgrading, "_whole", _failing_late)
        done = upgrade()
    assert set(done.failed.values()) == {"division by zero"}
    assert (len(done.failed), _half(), homes.brought_on()[0]) == (done.behind, False, {"template_home"})


def test_an_upgrade_in_more_than_one_transaction_would_be_seen(few: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The mutant: each statement stands by itself."""
    monkeypatch.setattr(
        upgrading, "_whole", lambda *given: _failing_late(*given).replace("INSERT INTO django_migrations", "COMMIT; BEGIN; SELECT 1 / 0; INSERT INTO d")
    )
    upgrade()
    assert _half()


def test_homes_whose_indexes_have_other_names_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mutant: a home is made by LIKE alone, which makes up names of its own."""
    with monkeypatch.context() as patch:
        patch.setattr(building, "_indexes", lambda *_given: [])
        patch.setattr(building, "_plans", {})
        home = homes.many(1)[0]
    try:
        assert home.slug in upgrade().failed
    finally:
        ask(f'CREATE INDEX need_open ON "{home.schema}".procurement_need (closed_at, needed_on)')


def test_the_command_tells_what_failed_and_exits_with_1(few: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(upgrading, "TRIES", 1)
    slug = ask("SELECT slug FROM tenants_enterprise WHERE schema_name = %s", [few[1]])[0]["slug"]
    with homes.later_release(), homes.held([few[1]]), pytest.raises(CommandError, match="1 of") as refused:
        outside(call_command, "prepare", "--lock-timeout", "0.05")
    assert refused.value.returncode == 1
    told = capsys.readouterr()
    assert f"{slug}: canceling statement due to lock timeout" in told.err
    assert "homes brought up to date: " in told.out
    for wrong in (("--workers", "0"), ("--lock-timeout", "0")):
        with pytest.raises(CommandError, match="greater than zero"):
            outside(call_command, "prepare", *wrong)


# While people work ---------------------------------------------------------------------------------------------------


def _work(member: Member, partner: str, statuses: Counter[int], stop: threading.Event) -> None:
    while not stop.is_set():
        made = member.api.post("orders/", {"seller": partner, "number": fresh_number("U"), "currency": "EUR", "lines": [line("A-1")]})
        statuses[made.status_code] += 1
        if made.status_code == 201:
            statuses[member.api.post(f"orders/{made.json()['uid']}/moves/publish/").status_code] += 1
        statuses[member.api.get("needs/").status_code] += 1


def under_load(pairs: list[tuple[Member, Member]]) -> tuple[Counter[int], tenants.Upgraded]:
    """What requests were answered while all homes were upgraded, and the upgrade."""
    statuses: Counter[int] = Counter()
    stop = threading.Event()
    threads = [threading.Thread(target=_work, args=(buyer, seller.slug, statuses, stop)) for buyer, seller in pairs]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    try:
        done = upgrade(lock_timeout=1.0)
    finally:
        time.sleep(0.3)
        stop.set()
        for thread in threads:
            thread.join()
    return statuses, done


def test_under_load_no_request_fails_beyond_a_503(few: list[str], make_pair: Callable[..., tuple[Member, Member]]) -> None:
    statuses, done = under_load([make_pair(), make_pair()])
    assert done.failed == {}
    assert set(statuses) <= {200, 201, 503}
    assert statuses[200] > 10, statuses


@pytest.mark.night
def test_a_thousand_homes(make_pair: Callable[..., tuple[Member, Member]]) -> None:
    began = time.perf_counter()
    homes.many(FULL - len(homes.all_schemas()))
    each = (time.perf_counter() - began) / FULL
    nothing = _seconds(lambda: outside(call_command, "prepare", verbosity=0))
    column = _seconds(lambda: _fine(upgrade()))
    homes.take_back()
    statuses, done = under_load([make_pair(), make_pair(), make_pair()])
    wrong = sum(count for status, count in statuses.items() if status not in (200, 201, 503))
    _fine(done)
    assert (each <= 0.5, nothing <= 10, column <= 60, wrong) == (True, True, True, 0), (each, nothing, column, statuses)
    tally.tell(
        "upgrade of 1,000 homes", tried=FULL * 3 + sum(statuses.values()), lost=wrong, seconds=time.perf_counter() - began,
        provision=round(each, 3), nothing=round(nothing, 1), column=round(column, 1), told_to_come_again=statuses[503],
    )  # fmt: skip


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _fine(done: tenants.Upgraded) -> None:
    assert done.failed == {}
    assert done.behind >= FULL
