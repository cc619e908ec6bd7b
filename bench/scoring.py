"""The scorecard over 100,000 schedule lines, computed from the log, beside plain SQL that counts the same lines as they stand in the tables."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
from django.db import connection, transaction

from apps.base import clock
from apps.base.acting import act_as
from apps.documents import selectors as documents
from apps.documents import services as engine
from bench import ground, stage
from bench.figures import Figure, compare

ORDERS, LINES, DATES = 25, 1000, 4
RUNS = 3
DUE = dt.date(2026, 1, 1)
TODAY = dt.date(2027, 1, 4)
# What is agreed has come, the day after it was agreed: as many rows as receipts of every date would have counted.
CAME = """
INSERT INTO documents_quantity (id, schedule_id, step_id, kind, quantity)
SELECT uuidv7(), s.id, p.id, 'accepted', s.quantity FROM documents_schedule s JOIN documents_line l ON l.id = s.line_id
JOIN LATERAL (SELECT id FROM documents_step WHERE document_id = l.document_id ORDER BY position DESC LIMIT 1) p ON true WHERE s.kind = 'agreed'"""
PLAIN = """
SELECT count(*), count(*) FILTER (WHERE c.day <= s.due_on), coalesce(sum(c.day - s.due_on) FILTER (WHERE c.day > s.due_on), 0), sum(s.quantity * l.agreed_price)
FROM documents_document d JOIN documents_line l ON l.document_id = d.id JOIN documents_schedule s ON s.line_id = l.id AND s.kind = 'agreed'
LEFT JOIN (SELECT q.schedule_id, max((p.at AT TIME ZONE 'UTC')::date) AS day FROM documents_quantity q JOIN documents_step p ON p.id = q.step_id
  WHERE q.kind = 'accepted' GROUP BY 1) c ON c.schedule_id = s.id
WHERE d.type = 'order' AND d.partner_id = %s AND d.side = 'buyer'"""


def _line(index: int) -> dict[str, Any]:
    dates = [{"quantity": "10", "due_on": str(DUE + dt.timedelta(days=index % 300 + date))} for date in range(DATES)]
    return {"item": f"A-{index % stage.LINES}", "quantity": str(10 * DATES), "unit": "C62", "price": "81.50", "schedules": dates}


def _order(pair: stage.Pair, later: bool) -> None:
    """An order that is agreed: as it was asked, or after the seller had moved every tenth line."""
    with act_as(pair.buyer, by=stage.BY), transaction.atomic():
        order = engine.say(
            type="order", move="publish", partner=pair.seller.id, number=stage.number(), currency="EUR", lines=[_line(index) for index in range(LINES)],
            by=stage.BY, at=clock.now(),
        ).pk  # fmt: skip
    moved = [{"line": index + 1, "response": "change", "schedules": [{"quantity": "40", "due_on": "2026-12-01"}]} for index in range(0, LINES, 10)]
    with act_as(pair.seller, by=stage.BY):
        engine.apply(document=order, move="confirm", data={"lines": moved} if later else None, by=stage.BY, at=clock.now())
    if later:
        with act_as(pair.buyer, by=stage.BY):
            engine.apply(document=order, move="accept_response", by=stage.BY, at=clock.now())


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def measure() -> Iterator[Figure]:
    """`scorecard_100000`: milliseconds."""
    pair = stage.pair("scoring")
    for number in range(ORDERS):
        _order(pair, later=number % 5 == 0)
    with act_as(pair.buyer, by=stage.BY), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(CAME)
    # As autovacuum would: a plan made without statistics takes minutes for the plain question.
    with psycopg.connect(ground.login("superuser"), autocommit=True) as superuser:
        superuser.execute("ANALYZE")

    def ours() -> None:
        with act_as(pair.buyer, by=stage.BY):
            card = documents.scorecard(partner_id=pair.seller.id, side="buyer", today=TODAY)
        counted.append(card.whole.due)

    def plain() -> None:
        with act_as(pair.buyer, by=stage.BY), connection.cursor() as cursor:
            cursor.execute(PLAIN, [pair.seller.id])
            counted.append(cursor.fetchone()[0])

    counted: list[int] = []
    for work in (ours, plain):
        work()
    yield compare(
        "scorecard_100000",
        "ms",
        lambda: _seconds(ours),
        lambda: _seconds(plain),
        runs=RUNS,
        note=f"{counted[0]} schedule lines, by month, by item and the worst 50",
    )
