"""Exchange: orders of ten lines published and standing at the seller, against the same rows written by plain SQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from apps.base import clock
from apps.base.acting import Home, act_as
from apps.documents import models
from apps.documents import services as documents
from bench import rows, stage
from bench.crew import Crew
from bench.figures import Figure, compare

CLIENTS = (1, 2, 4, 8)
# Orders in one measurement, so that each takes one or two seconds; and before anything counts, for connections and plans.
OURS, FLOOR, WARMING = 240, 960, 240
RUNS = 4


def publish(*, buyer: Home, seller: Home, count: int) -> Iterator[None]:
    """A client's share: publish drafts, one after the other."""
    drafts = [stage.draft(buyer, seller) for _order in range(count)]
    yield
    with act_as(buyer, by=stage.BY):
        for draft in drafts:
            documents.apply(document=draft, move="publish", by=stage.BY, at=clock.now())
            yield


def _standing(seller: Home) -> int:
    with act_as(seller, by=stage.BY):
        return models.Document.objects.filter(type="order", state="published").count()


def _ours(crew: Crew, clients: int, pair: stage.Pair, count: int = OURS) -> float:
    """Orders a second. What the seller has in the end is counted: an order that did not arrive was not exchanged."""
    before = _standing(pair.seller)
    done, seconds = crew.measure("bench.exchange:publish", [{"buyer": pair.buyer, "seller": pair.seller, "count": count // clients}] * clients)
    arrived = _standing(pair.seller) - before
    assert arrived == done, f"{done} orders were published, {arrived} stand at the seller"
    return done / seconds


def _floor(crew: Crew, clients: int, pattern: rows.Pattern, pair: stage.Pair, count: int = FLOOR) -> float:
    done, seconds = crew.measure("bench.rows:write", [{"pattern": pattern, "pair": pair, "count": count // clients}] * clients)
    return done / seconds


def measure(crew: Crew, clients: Sequence[int] = CLIENTS) -> Iterator[Figure]:
    """`exchange_1` … `exchange_8`."""
    ours, plain = stage.pair("ours"), stage.pair("plain")
    first = stage.draft(ours.buyer, ours.seller)
    with act_as(ours.buyer, by=stage.BY):
        documents.apply(document=first, move="publish", by=stage.BY, at=clock.now())
    pattern = rows.read(ours, first)
    rows.open_channel(plain)
    _ours(crew, max(clients), ours, WARMING), _floor(crew, max(clients), pattern, plain, WARMING)
    for many in clients:
        behind, below = partial(_ours, crew, many, ours), partial(_floor, crew, many, pattern, plain)
        yield compare(f"exchange_{many}", "orders/s", behind, below, wanted=0.25, runs=RUNS)
