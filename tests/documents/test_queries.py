"""A move costs the same number of statements for one line and for a thousand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.documents import selectors as documents
from tests.cast import Member, fresh_number, line, make_pair, move, order

SIZES = (1, 10, 1000)


@pytest.fixture(scope="module")
def partners(database: None) -> tuple[Member, Member]:
    """Warm: keys are open, the channels stand."""
    buyer, seller = make_pair()
    move(seller, order(buyer, seller), "confirm")
    return buyer, seller


def lines(count: int) -> list[dict[str, Any]]:
    return [line(f"A-{number % 3 + 1}") for number in range(count)]


def counted(work: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as queries:
        work()
    return len(queries)


def changed(count: int) -> dict[str, Any]:
    dates = [{"quantity": "18", "due_on": "2027-01-15"}, {"quantity": "22", "due_on": "2027-02-15"}]
    return {"lines": [{"line": number + 1, "response": "change", "price": "83.00", "schedules": dates} for number in range(count)]}


def test_statements_do_not_depend_on_the_number_of_lines(partners: tuple[Member, Member]) -> None:
    buyer, seller = partners
    counts: dict[str, list[int]] = {"draft": [], "publish": [], "read": [], "confirm": [], "accept": [], "agree at once": []}
    for size in SIZES:
        ids: list[Any] = []
        given, number = lines(size), fresh_number()
        counts["draft"].append(counted(lambda: ids.append(order(buyer, seller, given, number=number, publish=False))))  # noqa: B023
        document = ids[0]
        counts["publish"].append(counted(lambda: move(buyer, document, "publish")))  # noqa: B023
        with seller.acting():
            counts["read"].append(counted(lambda: documents.whole(id=document)))  # noqa: B023
        counts["confirm"].append(counted(lambda: move(seller, document, "confirm", changed(size))))  # noqa: B023
        counts["accept"].append(counted(lambda: move(buyer, document, "accept_response")))  # noqa: B023
        other = order(buyer, seller, given)
        counts["agree at once"].append(counted(lambda: move(seller, other, "confirm")))  # noqa: B023
    assert {name: len(set(found)) for name, found in counts.items()} == dict.fromkeys(counts, 1), counts
    most = {"draft": 16, "publish": 50, "read": 3, "confirm": 50, "accept": 50, "agree at once": 50}
    assert {name: found[0] for name, found in counts.items() if found[0] > most[name]} == {}


def test_ten_thousand_lines_are_taken(partners: tuple[Member, Member]) -> None:
    buyer, seller = partners
    document = order(buyer, seller, lines(10_000))
    with seller.acting():
        whole = documents.whole(id=document)
    assert whole is not None
    assert (whole.head["line_count"], len(whole.lines), whole.lines[-1]["position"], str(whole.head["amount"])) == (10_000, 10_000, 10_000, "32600000.00")
