"""What a `kill -9` may cost: time. Conversations of every declared type between six enterprises, through a house whose processes die under them.

And the same harness with faults put in on purpose, which it must find; and with a disk that is full.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from apps.documents.types import TYPES
from tests import ground, tally
from tests.faults.chains import Line, Talk
from tests.faults.filling import NoDisk, filled, mounted
from tests.faults.killing import CRASHES
from tests.faults.reckoning import drained, reckon
from tests.faults.scene import Outcome, language, play, seed
from tests.faults.stage import Stage, laid
from tests.faults.talking import Language
from tests.house import House

CLIENTS = 8
SMALL, FULL = (150, 10), (20_000, 1000)
"""Chains and kills."""
DISK = "1200M"
MUTANTS = Path(__file__).with_name("mutants")


@pytest.fixture(scope="module")
def disk(request: pytest.FixtureRequest) -> Iterator[Path | None]:
    """A disk of its own below the stage, which can be filled; None where none can be had, and by night, when nothing fills it and much is kept."""
    if "not night" not in request.config.option.markexpr:
        yield None
        return
    try:
        with mounted(ground.RUN / "disk", DISK) as place:
            yield place
    except NoDisk:
        yield None


@pytest.fixture(scope="module")
def stage(disk: Path | None) -> Iterator[Stage]:
    small = {"min_wal_size": "32MB", "max_wal_size": "256MB", "shared_buffers": "64MB"}
    with laid("chains", configured=small, place=disk / "chains" if disk else None) as found:
        yield found


@pytest.fixture(scope="module")
def house(stage: Stage) -> Iterator[House]:
    with stage.house() as running:
        yield running


def _until(true: Callable[[], bool], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it took too long"
        time.sleep(0.02)


def chains(stage: Stage, house: House, count: int, kills: int, name: str) -> Outcome:
    cast, number = stage.cast("six"), seed()
    outcome = play(stage, house, cast, chains=count, kills=kills, clients=CLIENTS, seed=number)
    print(outcome.told())
    book, crashes = outcome.talk.book, sum(outcome.killed[kind] for kind in CRASHES)
    tally.tell(
        name, tried=book.done, lost=len(outcome.findings), seconds=outcome.seconds, seed=number, moves=sum(book.moves.values()),
        kills=sum(outcome.killed.values()), crashes=crashes, drained=f"{outcome.drained:.1f}s", longest=f"{book.longest:.1f}s",
    )  # fmt: skip
    assert outcome.findings == [], house.said()
    assert book.done >= count
    assert {code for code in TYPES if book.moves[f"{code}.enter"]} == set(TYPES), "a type was never entered"
    assert sum(outcome.killed.values()) >= kills
    return outcome


def test_conversations_survive_kills(stage: Stage, house: House) -> None:
    outcome = chains(stage, house, *SMALL, "faults: chains under kills")
    assert sum(outcome.killed[kind] for kind in CRASHES) >= 2


@pytest.mark.night
def test_conversations_survive_a_thousand_kills(stage: Stage, house: House) -> None:
    outcome = chains(stage, house, *FULL, "faults: chains under kills, by night")
    assert sum(outcome.killed[kind] for kind in CRASHES) >= 100
    by_hand = {f"{each.code}.{move.code}" for each in TYPES.values() for move in each.moves if not move.inner}
    print(f"never made: {sorted(by_hand - set(outcome.talk.book.moves))}")


def test_a_full_disk_below_the_database_loses_nothing(stage: Stage, house: House, disk: Path | None) -> None:
    """While nothing can be written the callers are told to come back; when there is room again everything goes on."""
    if disk is None:
        pytest.skip("no file system can be mounted here")
    cast, number, started = stage.cast("full"), seed(), time.monotonic()
    talk = Talk(cast, Language({}), "127.0.0.1", house.port, number, chains=10**6, clients=4, run="d")
    line = Line(talk.host, talk.port, talk.book)
    talk.language = language(house, cast, line)
    holding = threading.Thread(target=talk.hold)
    holding.start()
    try:
        _until(lambda: talk.book.done >= 5)
        with filled(disk):
            _until(lambda: talk.book.met["503 unavailable"] >= 20)
            refused, done = talk.book.met["503 unavailable"], talk.book.done
        freed = time.monotonic()
        _until(lambda: talk.book.done >= done + 10)
        back = time.monotonic() - freed
    finally:
        talk.chains = 0
        holding.join()
        line.close()
    findings = drained(stage, cast, since=time.monotonic())[1] + reckon(stage, cast, talk.book)
    print(f"{refused} answers 503; back after {back:.1f} s; met {dict(talk.book.met)}; {findings[:10]}")
    tally.tell("faults: full disk", tried=refused, lost=len(findings), seconds=time.monotonic() - started, seed=number, back=f"{back:.1f}s")
    assert findings == [], house.said()


@pytest.mark.night
def test_faults_that_were_put_in_are_found(stage: Stage) -> None:
    """Two mutants of the lift, each among its own enterprises: the harness must see that something is lost."""
    casts, number, started = {name: stage.cast(name) for name in ("swallow", "outside")}, seed(), time.monotonic()
    with stage.house(PYTHONPATH=f"{MUTANTS}:{ground.ROOT}") as house:
        swallowed = play(stage, house, casts["swallow"], chains=20, kills=0, clients=2, seed=number, run="s", listeners=False)
        outside = play(stage, house, casts["outside"], chains=40, kills=4, clients=4, seed=number, run="o", listeners=False, only=("backend",))
    print(f"swallowed: {swallowed.findings[:3]}; the cursor outside: {outside.findings[:3]}")
    caught = [outcome for outcome in (swallowed, outside) if outcome.findings]
    tally.tell("faults: mutants of the lift", tried=2, lost=2 - len(caught), seconds=time.monotonic() - started, seed=number)
    assert len(caught) == 2
