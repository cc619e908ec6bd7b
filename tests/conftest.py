"""What every test stands on: a database of the run's own, the cast, and nothing that leaves the machine."""

from __future__ import annotations

import gc
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import ground, tally

SERVER = ground.lay()

import django  # noqa: E402  # the settings are read here, so the ground must lie

django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connections  # noqa: E402

from tests import cast as company  # noqa: E402
from tests import sparing  # noqa: E402
from tests.cast import Cast, Member  # noqa: E402

# These test what needs no database, or a server of their own.
WITHOUT_DATABASE = (
    *("exchange/formats", "portal", "architecture", "documents/test_folding"),
    *("faults/test_simulation", "faults/test_permutations", "faults/test_chains", "faults/test_network"),
)
HERE = Path(__file__).parent
TOGETHER = ("tests/browser",)
# Few tests that take long: begun last, they would be waited for by every other process.
LONG = (
    *("faults/test_chains", "attacks/test_context", "browser", "scheduling/planning/test_shop", "logistics/test_history", "faults/test_simulation"),
    *("faults/test_transactions", "attacks/test_people", "attacks/test_routes", "attacks/test_hostile", "faults/test_permutations"),
    *("faults/test_statements", "faults/test_promise_kill"),
)
BY_NIGHT = "night"


def pytest_configure(config: pytest.Config) -> None:
    """Static files need no manifest here: a test that looks at a page does not wait for one to be built."""
    settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    if not hasattr(config, "workerinput"):
        ground.clear_the_dead()
        if not tally.is_open():
            tally.open_book(ground.BASE / f"tally-{os.getpid()}.jsonl")
            config.add_cleanup(tally.close_book)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file's tests stay together in one process, with what the file has made for them; so do all that share a house and a browser."""
    from xdist.scheduler import LoadFileScheduling

    class Together(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file: str = super()._split_scope(nodeid)
            folder = "/".join(file.split("/")[:2])
            return folder if folder in TOGETHER else file

    # Else files are given out by how many tests they have.
    config.option.loadscopereorder = False
    return Together(config, log)


def _rank(item: pytest.Item) -> int:
    place = item.path.relative_to(HERE).as_posix()
    return next((index for index, long in enumerate(LONG) if place.startswith(long)), len(LONG))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long ones first, then what has most tests, so that the processes end together."""
    many = Counter(item.path for item in items)
    items.sort(key=lambda item: (_rank(item), -many[item.path]))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config) -> None:
    """Each of several processes lays ground of its own: it must not inherit this one's."""
    ground.forget()


def pytest_unconfigure(config: pytest.Config) -> None:
    ground.remove(SERVER)


def pytest_collection_finish() -> None:
    """Three thousand tests are never rubbish: what is there now is not looked through again, and what comes seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A figure that is off fails the run, whatever its own test thought of it."""
    if not hasattr(session.config, "workerinput") and session.exitstatus == pytest.ExitCode.OK and any(map(tally.off, tally.read())):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """What the harnesses tried; by night, when somebody wants to see everything in one table, also what each file's tests came to."""
    if hasattr(config, "workerinput"):
        return
    if BY_NIGHT in config.option.markexpr and "not night" not in config.option.markexpr:
        for file, came in _by_file(terminalreporter).items():
            tally.tell(file, tried=came.tried, lost=came.failed, seconds=came.seconds, passed=came.passed)
    if rows := tally.read():
        terminalreporter.section("tried, lost, leaked")
        for line in tally.table(rows):
            terminalreporter.write_line(line)


@dataclass
class Came:
    """What the tests of a file came to. tried: those that were not skipped."""

    passed: int = 0
    failed: int = 0
    seconds: float = 0.0

    @property
    def tried(self) -> int:
        return self.passed + self.failed


def _by_file(reporter: pytest.TerminalReporter) -> dict[str, Came]:
    found: dict[str, Came] = defaultdict(Came)
    for outcome in ("passed", "failed", "error"):
        for report in reporter.getreports(outcome):
            came = found[report.nodeid.partition("::")[0]]
            came.passed += outcome == "passed"
            came.failed += outcome != "passed"
            came.seconds += report.duration
    return dict(sorted(found.items()))


@pytest.fixture(scope="session")
def django_db_setup() -> None:
    """No test database beside the database: this run's server is its own."""


@pytest.fixture(scope="session")
def database(django_db_blocker: Any) -> Iterator[None]:
    """The server, started, with roles, tables and rights; made anew for this run."""
    ground.start(SERVER)
    with django_db_blocker.unblock():
        call_command("prepare", verbosity=0)
        sparing.begin()
        yield
        for connection in connections.all(initialized_only=True):
            connection.close()
            if hasattr(connection, "close_pool"):
                connection.close_pool()


@pytest.fixture(autouse=True)
def _database(request: pytest.FixtureRequest) -> None:
    """Whatever is not known to do without has the database."""
    place = request.path.relative_to(HERE).as_posix()
    if not place.startswith(WITHOUT_DATABASE):
        request.getfixturevalue("database")


@pytest.fixture(scope="session")
def cast(database: None) -> Cast:
    """maker → supplier → subsupplier, carrier for all, and stranger. Shared by all tests: do not suspend or end its partnerships."""
    return company.assemble()


@pytest.fixture
def pair(make_pair: Callable[..., tuple[Member, Member]]) -> tuple[Member, Member]:
    """Two fresh partners: buyer and seller."""
    return make_pair()


@pytest.fixture
def make_pair(database: None) -> Iterator[Callable[..., tuple[Member, Member]]]:
    """For tests that need several."""
    made: list[Member] = []

    def make(**profile: Any) -> tuple[Member, Member]:
        both = company.make_pair(**profile)
        made.extend(both)
        return both

    yield make
    sparing.give_back(*made)


@pytest.fixture
def at() -> Any:
    """The time that is passed in: 4 January 2027, 09:30 UTC."""
    return company.AT
