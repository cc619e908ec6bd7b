"""A real browser on a real house. With REQUIRE_BROWSER set a missing browser fails the tests; otherwise they are skipped, and say so."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from tests.browser.desk import AXE, CHROMIUM, Desk, chromium
from tests.house import House, open_house

HERE = Path(__file__).parent


def _need(path: Path, what: str) -> None:
    if path.exists():
        return
    if os.environ.get("REQUIRE_BROWSER"):
        pytest.fail(f"{what}: {path} is missing, and REQUIRE_BROWSER is set")
    pytest.skip(f"{what}: {path} is missing")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="package")
def house(database: None) -> Iterator[House]:
    """The portal with two web processes."""
    _need(CHROMIUM, "the browser")
    with open_house(web_workers=2) as running:
        yield running


@pytest.fixture(scope="session")
def aside(database: None) -> Iterator[Callable[..., Any]]:
    """Do work of the services in a thread of its own: the browser's loop runs in this one, and Django refuses to wait inside a loop."""

    def close() -> None:
        for connection in connections.all(initialized_only=True):
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        yield lambda work, *args, **kwargs: pool.submit(work, *args, **kwargs).result()
        pool.submit(close).result()


@pytest.fixture(scope="package")
def browser(house: House) -> Iterator[Any]:
    """Chromium, which calls nobody of its own accord. Closed with this package: its loop would make Django refuse every test after it."""
    with chromium() as running:
        yield running


@pytest.fixture
def sit_down(browser: Any, house: House) -> Iterator[Callable[..., Desk]]:
    """Give somebody a browser of his own. At the end: nothing was asked of another host, and no script failed."""
    desks: list[Desk] = []

    def make(**options: Any) -> Desk:
        desks.append(Desk.open(browser, house.origin, **options))
        return desks[-1]

    yield make
    troubles = [trouble for desk in desks for trouble in desk.troubles()]
    for desk in desks:
        desk.context.close()
    assert troubles == []


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core."""
    _need(AXE, "axe-core")
    return AXE.read_text("utf-8")
