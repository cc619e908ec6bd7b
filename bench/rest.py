"""REST: a list, a document and a new document, against plain views that do the same queries and answer the same JSON."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import orjson

from bench import stage
from bench.figures import Figure, compare
from bench.serving import Client, Request, rate, serving

ORDERS, LIMIT = 2000, 50
READ, WRITTEN = 400, 200
RUNS = 5


def _list() -> Request:
    return "GET", f"/api/v1/orders/?limit={LIMIT}", b""


def _detail(uid: str) -> Request:
    return "GET", f"/api/v1/orders/{uid}/", b""


def _create(pair: stage.Pair) -> Request:
    body = {"seller": pair.seller.slug, "number": stage.number(), "currency": "EUR", "lines": stage.lines()}
    return "POST", "/api/v1/orders/", orjson.dumps(body)


def _same(pair: stage.Pair, ours: int, floor: int, uid: str) -> None:
    """The floor is one only if it gives the same answers."""
    with Client(ours, pair.token) as one, Client(floor, pair.token) as other:
        here, there = (orjson.loads(client.ask(*_list()).body) for client in (one, other))
        assert here["results"] == there["results"], "the lists differ"
        assert here["next"].partition("/api/")[2] == there["next"].partition("/api/")[2], "the cursors differ"
        assert one.ask(*_detail(uid)).body == other.ask(*_detail(uid)).body, "the documents differ"
        made, plain = (orjson.loads(client.ask(*_create(pair)).body) for client in (one, other))
        assert made["lines"] == plain["lines"], "the lines of what was made differ"
        assert list(made) == list(plain), "what was made differs"


def measure() -> Iterator[Figure]:
    """`list_50_of_2000`, `detail_10_lines`, `create_10_lines`: one web process each, four connections that stay open."""
    pair = stage.pair("rest")
    for _order in range(ORDERS - 1):
        stage.draft(pair.buyer, pair.seller)
    uid = str(stage.draft(pair.buyer, pair.seller))
    with serving() as ours, serving(settings="bench.plain_settings") as floor:
        _same(pair, ours, floor, uid)
        kinds = [("list_50_of_2000", [_list()] * READ), ("detail_10_lines", [_detail(uid)] * READ)]
        for name, requests in kinds:
            for port in (ours, floor):
                rate(port, pair.token, requests[:100])
            yield compare(name, "req/s", partial(rate, ours, pair.token, requests), partial(rate, floor, pair.token, requests), wanted=0.5, runs=RUNS)

        def create(port: int) -> float:
            return rate(port, pair.token, [_create(pair) for _order in range(WRITTEN)])

        yield compare("create_10_lines", "req/s", partial(create, ours), partial(create, floor), wanted=0.5, runs=RUNS)
