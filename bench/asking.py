"""How many statements a request asks of the database; transaction control is not counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import orjson
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.base import clock
from apps.base.acting import act_as
from apps.documents import services as documents
from bench import stage
from bench.figures import Figure, alone

CONTROL = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")
RUNS = 3


def _count(work: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as said:
        work()
    return sum(not query["sql"].startswith(CONTROL) for query in said.captured_queries)


def measure() -> Iterator[Figure]:
    """`queries_list`, `queries_detail`, `queries_create`, `queries_publish`."""
    pair = stage.pair("asking")
    client = Client(headers={"host": "localhost", "authorization": f"Bearer {pair.token}"})
    draft = stage.draft(pair.buyer, pair.seller)

    def get(path: str) -> None:
        assert client.get(f"/api/v1/orders/{path}").status_code == 200

    def create() -> None:
        body = {"seller": pair.seller.slug, "number": stage.number(), "currency": "EUR", "lines": stage.lines()}
        assert client.post("/api/v1/orders/", orjson.dumps(body), content_type="application/json").status_code == 201

    def publish() -> None:
        drafted = stage.draft(pair.buyer, pair.seller)
        with act_as(pair.buyer, by=stage.BY):
            counted.append(_count(lambda: documents.apply(document=drafted, move="publish", by=stage.BY, at=clock.now())))

    for name, work in (("list", partial(get, "?limit=50")), ("detail", partial(get, f"{draft}/")), ("create", create)):
        work()
        yield alone(f"queries_{name}", "queries", [_count(work) for _run in range(RUNS)], note="by REST, the token's among them")
    counted: list[int] = []
    for _run in range(RUNS + 1):
        publish()
    yield alone("queries_publish", "queries", counted[1:], note="the move, the envelope and its delivery: two transactions")
