"""What a `kill -9` may cost: time. Conversations of every declared type between six enterprises, through a house whose processes die under them.

And the same harness with faults put in on purpose, which it must find; and with a disk that is full.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import pytest

from apps.documents.types import TYPES
from tests import ground, seeds, tally
from tests.faults.chains import Line, Talk, between, never_by_hand
from tests.faults.filling import NoDisk, filled, mounted
from tests.faults.killing import CRASHES
from tests.faults.reckoning import drained, reckon, tiers
from tests.faults.scene import Outcome, language, play
from tests.faults.stage import Stage, laid
from tests.faults.talking import Language
from tests.house import House

CLIENTS = 8
SMALL, FULL = (1000, 40), (20_000, 1000)
"""Chains and kills."""
TIERS = 4
DISK = "1200M"
SMALL_SERVER = {"min_wal_size": "32MB", "max_wal_size": "256MB", "shared_buffers": "64MB"}
DECLARED = {f"{each.code}.{move.code}" for each in TYPES.values() for move in each.moves}
BY_HAND = frozenset(DECLARED - never_by_hand().keys())
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
    with laid("chains", configured=SMALL_SERVER, place=disk / "chains" if disk else None) as found:
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


def chains(stage: Stage, house: House, count: int, kills: int, name: str, *, wanted: frozenset[str] = frozenset()) -> Outcome:
    """Talk so much under so many kills. wanted: the moves that must be made, besides one of each type entered and a promise taken through four tiers."""
    cast, number = stage.cast("six"), seeds.fresh()
    enough = {f"{code}.enter" for code in TYPES} | {f"promise.commit: {between(cast.pairs[0])}"}
    outcome = play(stage, house, cast, chains=count, kills=kills, clients=CLIENTS, seed=number, wanted=wanted | enough)
    deep = tiers(stage, cast, outcome.talk.book)
    print(outcome.told(), f"taken through so many tiers: {dict(deep)}")
    book, crashes = outcome.talk.book, sum(outcome.killed[kind] for kind in CRASHES)
    tally.tell(
        name, tried=book.done, lost=len(outcome.findings), seconds=outcome.seconds, seed=number, moves=sum(book.moves.values()),
        kills=sum(outcome.killed.values()), crashes=crashes, drained=f"{outcome.drained:.1f}s", longest=f"{book.longest:.1f}s", four_tiers=deep[TIERS],
    )  # fmt: skip
    assert outcome.findings == [], house.said()
    assert book.done >= count
    assert outcome.talk.unmade() == frozenset(), f"never made: {sorted(outcome.talk.unmade())}; refused {outcome.talk.book.why}"
    assert deep[TIERS], f"no promise was taken through {TIERS} tiers: {dict(deep)}"
    assert sum(outcome.killed.values()) >= kills
    return outcome


def test_conversations_survive_kills(stage: Stage, house: House) -> None:
    outcome = chains(stage, house, *SMALL, "faults: chains under kills")
    assert sum(outcome.killed[kind] for kind in CRASHES) >= 4


@pytest.mark.night
def test_conversations_survive_a_thousand_kills(stage: Stage, house: House) -> None:
    outcome = chains(stage, house, *FULL, "faults: chains under kills, by night", wanted=BY_HAND)
    assert sum(outcome.killed[kind] for kind in CRASHES) >= 100


def test_what_nobody_makes_by_hand_is_declared() -> None:
    """A reason for a move that is not there excuses nothing now, and would excuse a later one of that name."""
    assert never_by_hand().keys() <= DECLARED


@dataclass
class Full:
    """What became of conversations while the disk was full and the server was killed on it. refused: answers 503; back: seconds until they went on."""

    findings: list[str]
    refused: int
    back: float


def fill_up(stage: Stage, house: House, disk: Path, number: int) -> Full:
    """Talk until nothing fits any more, kill the server then, make room, and look whether everything that was confirmed stands."""
    cast = stage.cast("full")
    talk = Talk(cast, Language({}), "127.0.0.1", house.port, number, chains=10**6, clients=4, run="d")
    line = Line(talk.host, talk.port, talk.book)
    talk.language = language(house, cast, line)
    holding = threading.Thread(target=talk.hold)
    holding.start()
    try:
        _until(lambda: talk.book.done >= 5)
        with filled(disk):
            _until(lambda: talk.book.met["503 unavailable"] >= 20)
            killed(stage)
            _until(lambda: talk.book.met["503 unavailable"] >= 30)
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
    return Full(findings, refused, back)


def killed(stage: Stage) -> None:
    """Kill the postmaster: what it knew and had not written is gone."""
    _until(lambda: stage.server.postmaster() is not None)
    postmaster = stage.server.postmaster()
    if postmaster is not None:
        with contextlib.suppress(psutil.NoSuchProcess):
            postmaster.kill()
            postmaster.wait(10)


def test_a_full_disk_below_the_database_loses_nothing(stage: Stage, house: House, disk: Path | None) -> None:
    """While nothing can be written the callers are told to come back; when there is room again everything goes on, and stands that was confirmed."""
    if disk is None:
        pytest.skip("no file system can be mounted here")
    number, started = seeds.fresh(), time.monotonic()
    full = fill_up(stage, house, disk, number)
    seconds = time.monotonic() - started
    tally.tell("faults: full disk", tried=full.refused, lost=len(full.findings), seconds=seconds, seed=number, back=f"{full.back:.1f}s")
    assert full.findings == [], house.said()


@pytest.mark.night
def test_a_word_that_is_given_before_it_is_kept_is_found() -> None:
    """A server that confirms what it still has to write (`synchronous_commit = off`), on a disk that is full, and killed: 2xx without durable data."""
    number, started = seeds.fresh(), time.monotonic()
    try:
        disk = ground.RUN / "brink"
        with mounted(disk, DISK), laid("brink", configured=SMALL_SERVER, place=disk / "stage") as stage:
            with psycopg.connect(stage.server.dsn("postgres", "postgres"), autocommit=True) as connection:
                for setting in ("synchronous_commit = off", "wal_writer_delay = '10s'"):
                    connection.execute(f"ALTER SYSTEM SET {setting}".encode())
                connection.execute("SELECT pg_reload_conf()")
            with stage.house() as house:
                full = fill_up(stage, house, disk, number)
    except NoDisk as error:
        pytest.skip(str(error))
    tally.tell("faults: mutant of the full disk", tried=full.refused, lost=not full.findings, seconds=time.monotonic() - started, seed=number)
    assert any("does not stand" in finding or "told" in finding for finding in full.findings), full.findings


@pytest.mark.night
def test_faults_that_were_put_in_are_found(stage: Stage) -> None:
    """Two mutants of the lift, each among its own enterprises: the harness must see that something is lost."""
    casts, number, started = {name: stage.cast(name) for name in ("swallow", "outside")}, seeds.fresh(), time.monotonic()
    with stage.house(PYTHONPATH=f"{MUTANTS}:{ground.ROOT}") as house:
        swallowed = play(stage, house, casts["swallow"], chains=20, kills=0, clients=2, seed=number, run="s", listeners=False)
        outside = play(stage, house, casts["outside"], chains=40, kills=4, clients=4, seed=number, run="o", listeners=False, only=("backend",))
    print(f"swallowed: {swallowed.findings[:3]}; the cursor outside: {outside.findings[:3]}")
    caught = [outcome for outcome in (swallowed, outside) if outcome.findings]
    tally.tell("faults: mutants of the lift", tried=2, lost=2 - len(caught), seconds=time.monotonic() - started, seed=number)
    assert len(caught) == 2
