"""Whatever is sent, the house answers, soon, below 500, and touches nothing but its own."""

from __future__ import annotations

import asyncio
import csv
import io
import itertools
import json
import os
import random
import re
import socket
import threading
import time
import urllib.request
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import openpyxl
import psycopg
import pytest
import requests
import schemathesis
from django.conf import settings
from django.db import connection
from django.http import HttpResponse
from hypothesis import HealthCheck, Phase
from lxml import etree

from apps.base.findings import Finding, Invalid
from apps.base.reference import schema
from apps.catalog.api import items
from apps.documents import services as documents
from apps.documents.types import COLLECTIONS
from apps.documents.views import listing
from apps.exchange.formats.ubl import reading
from apps.live.consumers import EventsConsumer
from apps.tenants.tasks import EnterpriseTask
from tests import seeds, tally
from tests.attacks import doors, frames, hostile, lines, scene
from tests.attacks.frames import Framing
from tests.attacks.hostile import Assault, Found, Sent
from tests.attacks.ingredients import CANARY, SPOKEN
from tests.attacks.lines import Lines
from tests.attacks.ways import name_static_files
from tests.cast import Member, order, stock
from tests.live.conftest import serve

SMALL, FULL = 5_000, 80_000
FRAMES, FRAMES_FULL, LINES = 500, 5_000, 3_000
BY_SCHEMA, BY_SCHEMA_FULL = 2, 150
# By day the same inputs in each run, so that it tells of a change and not of chance; SEED gives others, the night takes what nobody chose.
SEED = int(os.environ.get("SEED") or 7)


@pytest.fixture
def assault(database: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Assault]:
    made = Assault(random.Random(SEED), tmp_path)
    # What is handed to a worker goes no further: here is none, and no broker.
    monkeypatch.setattr(EnterpriseTask, "apply_async", lambda task, *args, **more: task._seal())
    yield made
    made.close()


def _tell(found: Found, name: str, started: float, seed: int) -> None:
    told = {"slowest": f"{found.slowest:.2f} s", "answers": " ".join(f"{status}×{times}" for status, times in sorted(found.statuses.items()))}
    tally.tell(name, tried=found.tried, leaked=len(found.wrong), seconds=time.monotonic() - started, seed=seed, **told)


def _distinct(wrong: list[str]) -> str:
    """One of each kind: fault, method and the shape of the path."""
    kinds = {re.sub(r"[0-9a-f-]{36}", "…", line.partition("?")[0])[:120]: line for line in wrong}
    return "\n".join(line[:700] for line in list(kinds.values())[:25])


def _assail(assault: Assault, count: int, seed: int) -> None:
    sent = []
    for number in (seed, seed + 1, seed):
        assault.seed(number)
        sent.append([assault.request() for _one in range(40)])
    # A night is played again by its number, and another number is another night.
    assert sent[0] == sent[2] != sent[1]
    assault.seed(seed)
    started = time.monotonic()
    found = assault.run(count)
    _tell(found, "hostile inputs", started, seed)
    assert found.wrong == [], _distinct(found.wrong)
    assert found.tried >= count
    assert {200, 201, 404, 422} <= found.statuses.keys()
    assert found.spoken > count // 200
    # Each page came once at least.
    assert assault.pages >= len([door for door in doors.doors() if not door.by_token])


def test_hostile_inputs_are_answered_soon_and_touch_nothing(assault: Assault) -> None:
    _assail(assault, SMALL, SEED)


@pytest.mark.night
@pytest.mark.alone
def test_hostile_inputs_by_night(assault: Assault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hostile, "SLOWEST", 2.0)
    _assail(assault, FULL, seeds.fresh())


def _by_schema(assault: Assault, each: int, seed: int) -> None:
    """What schemathesis makes of the schema: bodies that fit and bodies that do not, for every operation."""
    assault.seed(seed)
    started = time.monotonic()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        told = schemathesis.openapi.from_dict(dict(assault.schema))
        for found in told.get_all_operations():
            operation = found.ok()
            # What is in a workbook no schema says.
            if not any("openxml" in body.media_type for body in operation.body):
                _one_operation(assault, operation, each, seed)
    _tell(assault.found, "hostile inputs by schemathesis", started, seed)
    assert assault.found.wrong == [], _distinct(assault.found.wrong)
    assert assault.found.tried >= each * len(assault.operations) // 2


def _one_operation(assault: Assault, operation: Any, each: int, seed: int) -> None:
    @hypothesis.settings(max_examples=each, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @hypothesis.seed(seed)
    @hypothesis.given(case=operation.as_strategy())
    def send(case: Any) -> None:
        given = case.as_transport_kwargs(base_url="http://localhost")
        path = _path(case)
        body = given.get("json")
        if body is not None:
            assault.once(Sent(case.method.upper(), path, assault.json(body)))
        else:
            raw = given.get("data")
            assault.once(Sent(case.method.upper(), path, raw if isinstance(raw, bytes) else str(raw or "").encode("utf-8", "replace"), case.media_type or ""))

    send()


def _path(case: Any) -> str:
    given = case.as_transport_kwargs(base_url="http://localhost")
    prepared = requests.Request(case.method, given["url"], params=given.get("params")).prepare()
    return str(prepared.path_url)


def test_what_is_derived_from_the_schema_is_answered(assault: Assault) -> None:
    _by_schema(assault, BY_SCHEMA, SEED)


@pytest.mark.night
def test_what_is_derived_from_the_schema_is_answered_by_night(assault: Assault) -> None:
    _by_schema(assault, BY_SCHEMA_FULL, seeds.fresh())


@pytest.fixture
def framing(pair: tuple[Member, Member], monkeypatch: pytest.MonkeyPatch) -> Framing:
    """At a socket that counts nobody's handshakes: what is tried is what comes after."""
    monkeypatch.setattr(settings, "LIMITS", dict.fromkeys(settings.LIMITS, (0, 1)))
    return Framing(random.Random(SEED), pair[0])


def _frame(framing: Framing, count: int, seed: int) -> None:
    framing.chance.seed(seed)
    started = time.monotonic()
    found = framing.run(count)
    _tell(found, "hostile frames", started, seed)
    assert found.wrong == [], _distinct(found.wrong)
    assert found.statuses.keys() >= {1008, 1009, 4400, 4401}


def test_hostile_frames_end_their_socket_and_nothing_else(framing: Framing) -> None:
    _frame(framing, FRAMES, SEED)


@pytest.mark.night
@pytest.mark.alone
def test_hostile_frames_by_night(framing: Framing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hostile, "SLOWEST", 2.0)
    _frame(framing, FRAMES_FULL, seeds.fresh())


def test_a_frame_that_breaks_and_one_that_lasts_are_caught(framing: Framing, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mutants: a consumer that believes that all is JSON, one that takes its time, and one that listens to everything."""
    receive = EventsConsumer.receive

    async def believing(consumer: Any, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        json.loads(text_data or bytes_data or "")

    async def slow(consumer: Any, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await asyncio.sleep(0.4)
        await receive(consumer, text_data, bytes_data)

    async def patient(consumer: Any, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        consumer.listener.put("heard")

    said = []
    with monkeypatch.context() as patch:
        patch.setattr(hostile, "SLOWEST", 0.3)
        patch.setattr(frames, "PATIENCE", 0.5)
        for mutant in (believing, slow, patient):
            patch.setattr(EventsConsumer, "receive", mutant)
            framing.found.wrong = []
            framing.run(framing.found.tried + 1)
            said.append(" ".join(framing.found.wrong))
    assert "JSONDecodeError" in said[0]
    assert "took 0.4" in said[1]
    assert "no answer" in said[2]


@pytest.mark.night
@pytest.mark.alone
def test_hostile_bytes_on_the_line(pair: tuple[Member, Member], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hostile, "SLOWEST", 2.0)
    seed, started = seeds.fresh(), time.monotonic()
    # A page that says that there is nothing names its style sheet.
    name_static_files()
    with serve() as web:
        found = Lines(random.Random(seed), web.port, pair[0].token).run(LINES)
        with urllib.request.urlopen(f"{web.origin}/healthz", timeout=5) as answer:
            assert answer.status == 200
    _tell(found, "hostile bytes", started, seed)
    assert found.wrong == [], _distinct(found.wrong)
    assert {101, 200, 400, 422} <= found.statuses.keys()


class Listening(threading.Thread):
    """A server of one answer, which comes late, or not at all."""

    def __init__(self, answer: bytes | None, wait: float) -> None:
        super().__init__(daemon=True)
        self.answer, self.wait, self.door = answer, wait, socket.create_server(("127.0.0.1", 0))

    def run(self) -> None:
        line, _address = self.door.accept()
        with line:
            line.recv(65536)
            time.sleep(self.wait)
            if self.answer is not None:
                line.sendall(self.answer)
        self.door.close()


def test_a_server_that_breaks_or_waits_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mutants: an answer of 500, one that takes its time, a line that is left open, and a port where nobody is."""
    monkeypatch.setattr(hostile, "SLOWEST", 0.3)
    monkeypatch.setattr(lines, "PATIENCE", 0.6)
    said = []
    for answer, wait in ((b"HTTP/1.1 500 Oh\r\n\r\n", 0.0), (b"HTTP/1.1 200 OK\r\n\r\n", 0.4), (None, 0.9)):
        server = Listening(answer, wait)
        server.start()
        sent = Lines(random.Random(SEED), server.door.getsockname()[1], "t")
        sent.once(b"GET / HTTP/1.1\r\n\r\n")
        server.join()
        sent.once(b"GET / HTTP/1.1\r\n\r\n")
        said.append([line.partition(":")[0] for line in sent.found.wrong])
    assert [one[0] for one in said] == ["answered 500", "took 0.4 s", "was left open"]
    assert {one[-1] for one in said} == {"nobody is there any more"}


# What leaves as a sheet ------------------------------------------------------------------------------------------------

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "=cmd|'/c calc'!A0", "=HYPERLINK(1)"]


GIVING = ("/export/", "/table/", "/report/")
"""How the addresses of pages end that give a sheet away."""
OF_MANY = ("/answers/", "/bulk/")
"""What stands in those of answers by table."""


def exports() -> tuple[list[str], list[str]]:
    """Every address at which something is given away as a sheet: those that say so, and the methods of REST that answer with a workbook. The second are
    those of answers by table: of orders, as nothing else is answered by one."""
    pages = [door for door in doors.doors() if door.route.endswith(GIVING)]
    found = [(door.route, door.address(dict(zip(door.parameters, values, strict=True)))) for door in pages for values in itertools.product(*_words(door))]
    described = [path for path, methods in schema("en")["paths"].items() if "openxml" in str(methods.get("get", {}).get("responses", ""))]
    every = [*found, *((path, path) for path in described)]
    of_many = list(dict.fromkeys(address for route, address in every if any(part in route for part in OF_MANY) and "/orders/" in address))
    return [address for route, address in every if not any(part in route for part in OF_MANY)], of_many


def _words(door: Any) -> list[list[str]]:
    return [doors.WORDS.get(name, ["{uid}"]) for name in door.parameters]


def _cells(answer: Any) -> tuple[list[Any], list[Any]]:
    """All cells of a sheet, and those that a spreadsheet would work out."""
    if "csv" in answer["Content-Type"]:
        text = [cell for row in csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))) for cell in row]
        return text, [cell for cell in text if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    found = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    return [str(cell.value) for cell in found], [cell.coordinate for cell in found if cell.data_type == "f"]


@pytest.fixture
def formulaic(pair: tuple[Member, Member]) -> Member:
    """Whose every document and item begins as a formula does: some of each type, made of orders beneath the portal's eyes."""
    buyer, seller = pair
    for index, formula in enumerate(FORMULAS):
        stock(buyer, f"={index}", f"{formula} of an item")
        for kind in COLLECTIONS.values():
            uid = order(buyer, seller, publish=False)
            with scene.superuser() as connection:
                table = psycopg.sql.Identifier(buyer.home.schema, "documents_document")
                change = psycopg.sql.SQL("UPDATE {} SET number = %s, type = %s, state = %s, side = %s WHERE id = %s").format(table)
                connection.execute(change, [f"{formula} {index}", kind.code, kind.states[0].code, next(iter(kind.side_labels)), uid])
    return buyer


def test_what_begins_as_a_formula_leaves_as_a_text(formulaic: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    browser, (addresses, _of_many) = formulaic.page_client(), exports()
    assert len(addresses) >= len(COLLECTIONS) + 2
    _leave_as_texts(formulaic, browser, addresses)
    # Mutants: cells as they are.
    monkeypatch.setattr(listing.documents, "harmless", str)
    for collection in COLLECTIONS:
        assert len(_cells(browser.get(f"/documents/{collection}/export/"))[1]) >= len(FORMULAS)
    book, out = openpyxl.Workbook(), io.BytesIO()
    book.worksheets[0].append(FORMULAS)
    book.save(out)
    assert _cells(HttpResponse(out.getvalue(), content_type="x"))[1] == ["A1", "F1", "G1"]


def _leave_as_texts(member: Member, browser: Any, addresses: list[str]) -> None:
    for address in addresses:
        given = member.api.get(address) if address.startswith("/api/") else browser.get(address)
        assert given.status_code == 200, address
        cells, worked_out = _cells(given)
        assert worked_out == [], address
        # As many stand there as texts: what is not there cannot be taken for anything.
        assert len([cell for cell in cells if re.match(r"'?[=+\-@\t]", cell)]) >= len(FORMULAS), address


def test_what_begins_as_a_formula_leaves_the_tables_of_answers_as_a_text(pair: tuple[Member, Member]) -> None:
    """As the customer's words in what waits for an answer, and as one's own in the report of what was uploaded."""
    buyer, seller = pair
    for formula in FORMULAS:
        order(buyer, seller, number=f"{formula.strip()} 1" if formula.startswith("\t") else f"{formula} 1")
    page = seller.page_client()
    rows = list(csv.DictReader(io.StringIO(page.get("/documents/orders/answers/table/?as=csv").content.decode("utf-8-sig"))))
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0])
    writer.writeheader()
    writer.writerows({**row, "Answer": "reject", "Reason": formula} for row, formula in zip(rows, FORMULAS, strict=True))
    taken = seller.api.post("orders/answers/", text.getvalue().encode(), content_type="text/csv")
    with seller.acting():
        documents.work(bulk=uuid.UUID(taken.json()["uid"]))
    _exports, addresses = exports()
    assert len(addresses) == 4
    _leave_as_texts(seller, page, [address.replace("{uid}", taken.json()["uid"]) for address in addresses])


def test_what_broke_the_house_once_is_refused(pair: tuple[Member, Member]) -> None:
    """A line before the first, and an order's form without any line."""
    buyer, seller = pair
    asked = {"lines": [{"order": str(order(buyer, seller)), "line": 0, "quantity": "1"}]}
    refused = seller.api.post("despatch-advices/", asked)
    assert (refused.status_code, [error["pointer"] for error in refused.json()["errors"]]) == (422, ["/lines/0/line"])
    assert buyer.page_client().post("/documents/orders/new/", {"partner": seller.slug}).status_code == 422


# The harness can see ---------------------------------------------------------------------------------------------------


def test_a_fault_a_delay_and_an_open_door_are_caught(assault: Assault, monkeypatch: pytest.MonkeyPatch) -> None:
    def resolving(body: bytes) -> Any:
        return etree.fromstring(body, etree.XMLParser(resolve_entities=True, load_dtd=True, no_network=False))

    def careless(self: Any, request: Any) -> Any:
        if "slow" in request.query_params:
            time.sleep(0.4)
        if "busy" in request.query_params:
            until = time.thread_time() + 0.4
            while time.thread_time() < until:
                pass
        if "said" in request.query_params:
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT '{request.query_params['said']}'")
        if "file" in request.query_params:
            Path("/etc/hostname").read_text()
        raise OverflowError(CANARY)

    def telling(body: bytes) -> Any:
        raise Invalid([_finding(str(resolving(body).text))])

    def _finding(text: str) -> Any:
        return Finding("", "told", text)

    with monkeypatch.context() as patch:
        patch.setattr(hostile, "SLOWEST", 0.3)
        patch.setattr(hostile, "BUSIEST", 0.3)
        patch.setattr(items.ItemCollection, "get", careless)
        assault.once(Sent("GET", "/api/v1/items/"))
        assault.once(Sent("GET", "/api/v1/items/?slow=1"))
        assault.once(Sent("GET", "/api/v1/items/?file=1"))
        assault.once(Sent("GET", "/api/v1/items/?busy=1"))
        assault.once(Sent("GET", f"/api/v1/items/?said={SPOKEN}"))
    with monkeypatch.context() as patch:
        patch.setattr(reading.safety, "parse", telling)
        for body in assault.documents[:3]:
            assault.once(Sent("POST", "/api/v1/inbox/", body, "application/xml"))
    faults = [line.partition(":")[0] for line in assault.found.wrong]
    assert faults[0] == "answered 500"
    assert any(fault.startswith("took 0.4") for fault in faults)
    assert any(fault.startswith("worked 0.4") for fault in faults)
    assert any(fault.startswith(f"said in a statement SELECT '{SPOKEN}'") for fault in faults)
    assert any(fault.startswith("touched open ('/etc/hostname'") for fault in faults)
    assert "gave the content of a file of the machine" in faults
