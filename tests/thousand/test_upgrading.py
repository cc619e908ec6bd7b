"""An upgrade of many homes: what is current costs nothing, what is behind is brought on side by side, and a kill leaves nothing half done."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.http import HttpResponse

from apps.tenants import services as tenants
from apps.tenants.services import upgrading
from apps.tenants.wall import building
from tests import sparing, tally
from tests.cast import Member, ask, fresh_number, line, outside
from tests.thousand import homes

SMALL, FULL = 12, 1000
OF_A_DAY = 4
# How often a request that is told to come again does so, and how long it waits at most each time, in seconds.
TIMES, LONGEST = 10, 3.0


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


@pytest.mark.night
@pytest.mark.alone
def test_all_homes_are_brought_on_and_then_nothing_is_to_be_done(few: list[str]) -> None:
    told: list[tuple[int, int]] = []
    done = upgrade(told=lambda *progress: told.append(progress))
    everywhere = {*homes.all_schemas(), "template_home"}
    assert (done.homes, done.behind, done.failed) == (len(everywhere) - 1, len(everywhere) - 1, {})
    assert homes.brought_on() == (everywhere, everywhere, everywhere)
    assert told == [(number, done.behind) for number in range(1, done.behind + 1)]
    again = upgrade()
    assert (again.homes, again.behind, again.failed) == (done.homes, 0, {})


@pytest.mark.night
@pytest.mark.alone
def test_which_homes_are_behind_is_asked_once_for_all(few: list[str]) -> None:
    asked: list[str] = []

    def note(execute: Callable[..., object], statement: str, *rest: object) -> object:
        asked.extend([statement] if "search_path" not in statement else [])
        return execute(statement, *rest)

    def standings() -> int:
        with upgrading.connections[tenants.OWNER].execute_wrapper(note):
            return len(upgrading._standings())

    assert (outside(standings) >= SMALL, len(asked)) == (True, 2)


@pytest.mark.night
@pytest.mark.alone
def test_a_home_with_a_migration_that_is_more_than_sql_goes_by_djangos_own_way(few: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert upgrade().failed == {}
    homes.take_back(few[:2])
    monkeypatch.setattr(upgrading, "_is_sql", lambda operations: False)
    done = upgrade()
    assert (done.behind, done.failed) == (2, {})
    everywhere = {*homes.all_schemas(), "template_home"}
    assert homes.brought_on() == (everywhere, everywhere, everywhere)


@pytest.mark.night
@pytest.mark.alone
def test_a_home_that_somebody_holds_fails_alone_and_is_found_again(few: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upgrading, "TRIES", 2)
    everywhere = {*homes.all_schemas(), "template_home"}
    with homes.held(few[:1]):
        done = upgrade(lock_timeout=0.05)
    assert (list(done.failed.values()), len(done.failed)) == (["canceling statement due to lock timeout"], 1)
    assert homes.brought_on() == (everywhere - {few[0]},) * 3
    assert upgrade().behind == 1
    assert homes.brought_on() == (everywhere,) * 3


@pytest.mark.night
@pytest.mark.alone
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


@pytest.mark.night
@pytest.mark.alone
def test_a_role_whose_rights_are_of_another_release_gets_todays(few: list[str]) -> None:
    ask(f'REVOKE SELECT ON "{few[0]}".catalog_item FROM "{few[0]}"')
    ask(f"COMMENT ON SCHEMA \"{few[0]}\" IS 'rights of yesterday'")
    assert outside(tenants.upgrade).behind == 1
    assert ask(f"SELECT has_table_privilege('{few[0]}', '\"{few[0]}\".catalog_item', 'SELECT') AS may") == [{"may": True}]
    ask(f'REVOKE SELECT ON "{few[0]}".catalog_item FROM "{few[0]}"')
    outside(call_command, "prepare", "--rights", verbosity=0)
    assert ask(f"SELECT has_table_privilege('{few[0]}', '\"{few[0]}\".catalog_item', 'SELECT') AS may") == [{"may": True}]


@pytest.mark.night
@pytest.mark.alone
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


def test_a_few_homes_are_gone_on_with_after_a_kill_and_one_that_is_held_fails_alone(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    began = time.perf_counter()
    some = [home.schema for home in homes.many(OF_A_DAY)]
    everywhere = {*homes.all_schemas(), "template_home"}
    done, half = _killed(some[OF_A_DAY // 2 :])
    resumed, again = upgrade(), upgrade()
    missing = len(everywhere - homes.brought_on()[2])
    homes.take_back(some[:2])
    monkeypatch.setattr(upgrading, "TRIES", 1)
    with homes.held(some[:1]):
        beside = upgrade(lock_timeout=0.05)
    seen = (homes.brought_on(), upgrade().behind)
    tally.tell(
        "upgrade of a few homes, killed and held", tried=len(everywhere) + resumed.behind + beside.behind,
        lost=half + missing + len(resumed.failed) + again.behind + (len(beside.failed) != 1), seconds=time.perf_counter() - began, before_the_kill=done,
    )  # fmt: skip
    assert (half, missing, resumed.failed, again.behind) == (False, 0, {}, 0)
    assert 1 <= done <= resumed.homes - resumed.behind
    assert (beside.behind, list(beside.failed.values())) == (2, ["canceling statement due to lock timeout"])
    assert seen == ((everywhere - {some[0]},) * 3, 1)


def _killed(kept: list[str]) -> tuple[int, bool]:
    """Kill an upgrade that some homes keep from its end. How many homes it had brought on, and whether some stand half done."""
    with homes.held(kept):
        process = homes.prepare("--workers", "8", "--lock-timeout", "30")
        until = time.monotonic() + 30
        while len(homes.brought_on()[2]) < 2 and time.monotonic() < until:
            time.sleep(0.02)
        process.kill()
        process.communicate()
        columns, indexes, records = homes.brought_on()
    return len(records - {"template_home"}), not columns == indexes == records


def _failing_late(home: upgrading._Standing, script: str, lock_timeout: float) -> str:
    """The transaction of a home, with a fault as its last word."""
    return WHOLE(home, script, lock_timeout).replace("; COMMIT", "; SELECT 1 / 0; COMMIT")


WHOLE = upgrading._whole


def _half() -> bool:
    """Whether some home has the column and not the record of it."""
    columns, indexes, records = homes.brought_on()
    return not columns == indexes == records


@pytest.mark.night
@pytest.mark.alone
def test_a_home_that_fails_late_is_as_it_was(few: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(upgrading, "_whole", _failing_late)
        done = upgrade()
    assert set(done.failed.values()) == {"division by zero"}
    assert (len(done.failed), _half(), homes.brought_on()[0]) == (done.behind, False, {"template_home"})


@pytest.mark.night
@pytest.mark.alone
def test_an_upgrade_in_more_than_one_transaction_would_be_seen(few: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The mutant: each statement stands by itself."""
    monkeypatch.setattr(
        upgrading, "_whole", lambda *given: _failing_late(*given).replace("INSERT INTO django_migrations", "COMMIT; BEGIN; SELECT 1 / 0; INSERT INTO d")
    )
    upgrade()
    assert _half()


@pytest.mark.night
@pytest.mark.alone
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


@pytest.mark.night
@pytest.mark.alone
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


@dataclass
class Answers:
    """What requests were answered. wrong: what no answer may be, and faults of the load itself; lost: never answered but by "come again"."""

    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    lost: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def amiss(self) -> int:
        return len(self.wrong) + self.lost

    def sent(self, send: Callable[[], Any]) -> Any:
        """The answer to a request, which is repeated as long as it is told to come again, and then the last 503."""
        for _time in range(TIMES):
            response = send()
            wait = self._noted(response)
            if response.status_code != 503:
                return response
            time.sleep(wait)
        with self._lock:
            self.lost += 1
        return response

    def _noted(self, response: Any) -> float:
        """Enter an answer; the seconds after which it says to come again."""
        told = response.headers.get("Retry-After", "")
        with self._lock:
            self.statuses[response.status_code] += 1
            if response.status_code not in (200, 201, 503):
                self.wrong.append(f"{response.status_code}: {response.content[:200]!r}")
            if response.status_code == 503 and not told.isdigit():
                self.wrong.append(f"503 with Retry-After {told!r}")
        return min(float(told), LONGEST) if told.isdigit() else 1.0

    def during(self, work: Callable[[], object]) -> None:
        """Work of a thread, whose fault is not to end with it unseen."""
        try:
            work()
        except Exception as error:
            with self._lock:
                self.wrong.append(repr(error))


def _work(member: Member, partner: str, answers: Answers, stop: threading.Event) -> None:
    while not stop.is_set():
        order = {"seller": partner, "number": fresh_number("U"), "currency": "EUR", "lines": [line("A-1")]}
        made = answers.sent(lambda order=order: member.api.post("orders/", order))  # type: ignore[misc]
        if made.status_code == 201:
            uid = made.json()["uid"]
            answers.sent(lambda uid=uid: member.api.post(f"orders/{uid}/moves/publish/"))  # type: ignore[misc]
        answers.sent(lambda: member.api.get("needs/"))


def under_load(pairs: list[tuple[Member, Member]]) -> tuple[Answers, tenants.Upgraded]:
    """What requests were answered while all homes were upgraded, and the upgrade."""
    answers = Answers()
    stop = threading.Event()
    works = [partial(_work, buyer, seller.slug, answers, stop) for buyer, seller in pairs]
    threads = [threading.Thread(target=answers.during, args=(work,)) for work in works]
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
    return answers, done


@pytest.mark.night
@pytest.mark.alone
def test_under_load_no_request_fails_beyond_a_503(few: list[str], make_pair: Callable[..., tuple[Member, Member]]) -> None:
    answers, done = under_load([make_pair(), make_pair()])
    assert done.failed == {}
    assert (answers.wrong, answers.lost) == ([], 0)
    assert answers.statuses[200] > 10, answers


def test_an_answer_that_says_not_when_to_come_again_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mutants: a 503 without its header, one that never ends, another status, and a load that breaks."""
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    silent, never, other, broken = Answers(), Answers(), Answers(), Answers()
    given = iter([HttpResponse(status=503), HttpResponse(status=200)])
    assert silent.sent(lambda: next(given)).status_code == 200
    assert (silent.wrong, silent.lost) == (["503 with Retry-After ''"], 0)
    never.sent(lambda: HttpResponse(status=503, headers={"Retry-After": "1"}))
    assert (never.wrong, never.lost, never.statuses) == ([], 1, {503: TIMES})
    other.sent(lambda: HttpResponse(status=500))
    broken.during(lambda: 1 // 0)
    assert (other.amiss, broken.amiss) == (1, 1)


@pytest.mark.night
@pytest.mark.alone
def test_a_thousand_homes(make_pair: Callable[..., tuple[Member, Member]], monkeypatch: pytest.MonkeyPatch) -> None:
    began = time.perf_counter()
    # A home that another test has left is not made, and would be quick.
    monkeypatch.setattr(sparing, "_empty", [])
    took = sorted(_seconds(lambda: homes.many(1)) for _home in range(FULL - len(homes.all_schemas())))
    p99, slowest = (took[int(len(took) * 0.99)], took[-1]) if took else (0.0, 0.0)
    nothing = _seconds(lambda: outside(call_command, "prepare", verbosity=0))
    brought: list[tenants.Upgraded] = []
    column = _seconds(lambda: brought.append(upgrade()))
    homes.take_back()
    answers, done = under_load([make_pair(), make_pair(), make_pair()])
    failed = len(brought[0].failed) + len(done.failed)
    misses = [p99 > 0.5, nothing > 10, column > 60]
    tally.tell(
        "upgrade of 1,000 homes", tried=len(took) + brought[0].behind + done.behind + answers.statuses.total(),
        lost=answers.amiss + failed + sum(misses), seconds=time.perf_counter() - began, made=len(took), provision_p99=round(p99, 3),
        provision_slowest=round(slowest, 3), nothing=round(nothing, 1), column=round(column, 1), told_to_come_again=answers.statuses[503],
    )  # fmt: skip
    assert (misses, answers.wrong, answers.lost) == ([False] * 3, [], 0), (p99, slowest, nothing, column, answers.statuses)
    _fine(brought[0])
    _fine(done)


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _fine(done: tenants.Upgraded) -> None:
    assert done.failed == {}
    assert done.behind >= FULL
