"""What every test stands on: a database of the run's own, the cast, and nothing that leaves the machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
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
from tests.cast import Cast, Member  # noqa: E402

# These test what needs no database, or a server of their own.
WITHOUT_DATABASE = (
    *("exchange/formats", "portal", "architecture", "documents/test_folding"),
    *("faults/test_simulation", "faults/test_permutations", "faults/test_chains", "faults/test_network"),
)
HERE = Path(__file__).parent
TOGETHER = ("tests/browser",)


def pytest_configure(config: pytest.Config) -> None:
    """Static files need no manifest here: a test that looks at a page does not wait for one to be built."""
    settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    if not hasattr(config, "workerinput"):
        ground.clear_the_dead()
        tally.open_book(ground.BASE / f"tally-{os.getpid()}.jsonl")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file's tests stay together in one process, with what the file has made for them; so do all that share a house and a browser."""
    from xdist.scheduler import LoadFileScheduling

    class Together(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file: str = super()._split_scope(nodeid)
            folder = "/".join(file.split("/")[:2])
            return folder if folder in TOGETHER else file

    return Together(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config) -> None:
    """Each of several processes lays ground of its own: it must not inherit this one's."""
    ground.forget()


def pytest_unconfigure(config: pytest.Config) -> None:
    ground.remove(SERVER)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A figure that is off fails the run, whatever its own test thought of it."""
    if not hasattr(session.config, "workerinput") and session.exitstatus == pytest.ExitCode.OK and any(map(tally.off, tally.read())):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What the long tests tried."""
    if rows := tally.close_book():
        terminalreporter.section("tried, lost, leaked")
        for line in tally.table(rows):
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def django_db_setup() -> None:
    """No test database beside the database: this run's server is its own."""


@pytest.fixture(scope="session")
def database(django_db_blocker: Any) -> Iterator[None]:
    """The server, started, with roles, tables and rights; made anew for this run."""
    ground.start(SERVER)
    with django_db_blocker.unblock():
        call_command("prepare", verbosity=0)
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
def pair(database: None) -> tuple[Member, Member]:
    """Two fresh partners: buyer and seller."""
    return company.make_pair()


@pytest.fixture
def make_pair(database: None) -> Callable[..., tuple[Member, Member]]:
    """For tests that need several."""
    return company.make_pair


@pytest.fixture
def at() -> Any:
    """The time that is passed in: 4 January 2027, 09:30 UTC."""
    return company.AT
