"""Ten thousand lines answered by one workbook: written, checked and said all or nothing, beside the library alone and the same rows by plain SQL."""

from __future__ import annotations

import io
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import openpyxl
from django.db import connection, transaction

from apps.base import clock
from apps.base.acting import Home, act_as
from apps.documents import models, tasks
from apps.documents import selectors as documents
from apps.documents import services as engine
from apps.documents.types import TYPES
from bench import left, stage
from bench.figures import Figure, compare, paired

ORDERS, LINES = 100, 100
RUNS = 3
# Where "accept" stands, and the columns of a row.
ANSWER = [column.code for column in engine.SHEET.columns].index("answer") + 1


def _publish(pair: stage.Pair) -> None:
    lines = [
        {"item": f"A-{index % stage.LINES}", "quantity": "40", "unit": "C62", "price": "81.50", "schedules": [{"quantity": "40", "due_on": "2027-01-15"}]}
        for index in range(LINES)
    ]
    with act_as(pair.buyer, by=stage.BY):
        for _order in range(ORDERS):
            with transaction.atomic():
                engine.say(
                    type="order", move="publish", partner=pair.seller.id, number=stage.number(), currency="EUR", lines=lines, by=stage.BY, at=clock.now()
                )


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _peak(reset: bool = False) -> float:
    """The most memory that this process has held since it was reset, in MB."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5", "ascii")
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _written(seller: Home) -> bytes:
    """What waits, as a workbook."""
    move = engine.answering_move(TYPES["order"])
    assert move is not None
    with act_as(seller, by=stage.BY):
        waiting = documents.answerable(TYPES["order"], move, documents.heads(type="order"))
        return engine.write_sheet(documents.sheet_rows(documents.asked(waiting)), kind=engine.XLSX)


def _plainly(content: bytes) -> bytes:
    """The same cells written by the library alone."""
    rows = [list(row) for row in openpyxl.load_workbook(io.BytesIO(content), read_only=True).worksheets[0].iter_rows(values_only=True)]
    plain = openpyxl.Workbook(write_only=True)
    sheet, out = plain.create_sheet(), io.BytesIO()
    for row in rows:
        sheet.append(row)
    plain.save(out)
    return out.getvalue()


def _answered(content: bytes) -> bytes:
    book = openpyxl.load_workbook(io.BytesIO(content))
    for number in range(2, book.worksheets[0].max_row + 1):
        book.worksheets[0].cell(number, ANSWER).value = "accept"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _uploaded(seller: Home, content: bytes) -> uuid.UUID:
    # There is no worker: what it does is measured here.
    with act_as(seller, by=stage.BY), mock.patch.object(tasks.work, "delay"):
        return engine.upload_answers(type="order", name="answers.xlsx", body=content, by=stage.BY, at=clock.now()).pk


def _work(seller: Home, bulk: uuid.UUID) -> None:
    with act_as(seller, by=stage.BY):
        engine.work(bulk=bulk)


class _Looking:
    """Somebody who looks how far it is, as a page does."""

    def __init__(self, seller: Home, bulk: uuid.UUID) -> None:
        self.seen: set[int] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, args=(seller, bulk))

    def __enter__(self) -> _Looking:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self, seller: Home, bulk: uuid.UUID) -> None:
        with act_as(seller, by=stage.BY):
            while not self._over.wait(0.1):
                self.seen.add(models.Bulk.objects.values_list("done", flat=True).get(pk=bulk))
        connection.close()


def measure() -> Iterator[Figure]:
    """`bulk_write_10000`, `bulk_check_10000`, `bulk_say_10000`: seconds."""
    pair = stage.pair("bulk")
    _publish(pair)
    content = _written(pair.seller)
    assert len(_rows(content)) == ORDERS * LINES + 1
    yield compare("bulk_write_10000", "s", lambda: _timed(lambda: _written(pair.seller)), lambda: _timed(lambda: _plainly(content)), runs=RUNS,
                  note="the floor: the library alone reads and writes the cells")  # fmt: skip
    filled = _answered(content)
    before, checks, bulk = _peak(reset=True), [], uuid.UUID(int=0)
    with act_as(pair.seller, by=stage.BY):
        for _run in range(RUNS):
            bulk = _uploaded(pair.seller, filled)
            checks.append((_timed(lambda bulk=bulk: _work(pair.seller, bulk)), _timed(lambda: _rows(filled))))  # type: ignore[misc]
    yield paired(
        "bulk_check_10000", "s", checks, note=f"the floor: the library alone reads the cells; memory at most {_peak() - before:.0f} MB more than before"
    )
    yield _said(pair, bulk)


def _rows(content: bytes) -> list[tuple[object, ...]]:
    return list(openpyxl.load_workbook(io.BytesIO(content), read_only=True).worksheets[0].iter_rows(values_only=True))


def _said(pair: stage.Pair, bulk: uuid.UUID) -> Figure:
    """All of it said once; the rows that this left are written again by plain SQL."""
    xid, memory = left.now(), _peak(reset=True)
    with act_as(pair.seller, by=stage.BY), mock.patch.object(tasks.work, "delay"):
        engine.run_bulk(bulk=bulk, whole=True, by=stage.BY, at=clock.now())
    with _Looking(pair.seller, bulk) as looking:
        took = _timed(lambda: _work(pair.seller, bulk))
    with act_as(pair.seller, by=stage.BY):
        said = models.Bulk.objects.values_list("said", flat=True).get(pk=bulk)
    assert said == ORDERS
    peak = _peak() - memory
    found = left.since(xid, [pair.seller.schema, pair.buyer.schema])
    left.shape(found)
    writer = left.Writer(found)
    floors = [writer.write() for _run in range(RUNS)]
    writer.close()
    return paired(
        "bulk_say_10000",
        "s",
        [(took, floor) for floor in floors],
        note=f"{ORDERS} orders in one transaction, with their delivery; {len(looking.seen)} steps of progress seen; memory at most {peak:.0f} MB more",
    )
