"""Hostile inputs, by chance from one seed, at every operation of the REST interface and at the pages: what comes back, how soon, and what was touched.

What is sent is derived from the OpenAPI schema: bodies and parameters that nearly fit, with something in them that does not; and, beside
these, what no schema tells: broken encodings, bombs, documents that name files and addresses.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import random
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils.encoding import iri_to_uri

from apps.base.reference import schema as described
from apps.catalog import services as catalog
from apps.customisation.services.solving import compiling
from apps.scheduling import services as scheduling
from tests import ground
from tests.attacks import doors
from tests.attacks.ingredients import CANARY, FILE_NAMES, FILES, HEADERS, HEAVY, LURE, MEDIA, NAMES, NUMBERS, RAW, SPOKEN, TEXTS, Lure, documents, workbooks
from tests.cast import AT, Member, order, outside, provision, stock
from tests.customisation import fridge
from tests.logistics import deliveries

SLOWEST, BUSIEST = 10.0, 4.0
"""Seconds that an answer may take, and that its thread may work for it. By day other tests share the processors, so that work takes twice as long;
by night, alone, an answer may take no longer than two seconds, either."""

# What is touched -------------------------------------------------------------------------------------------------------

_watching = threading.local()
_installed = threading.Event()
WATCHED = {
    "open",
    "socket.connect",
    "socket.getaddrinfo",
    "socket.gethostbyname",
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.remove",
    "os.rename",
    "urllib.Request",
}
# A product that nobody has asked for is compiled before its first page, in a process that knows nothing else.
COMPILER = [sys.executable, "-I", str(compiling.COMPILER)]


@functools.cache
def _allowed() -> tuple[str, ...]:
    """What a request may read or write: the code, its packages, this run's own folder, time zones, and uploads on their way."""
    folders = [
        ground.ROOT,
        ground.RUN,
        Path(sys.prefix),
        Path(sys.base_prefix),
        Path(sys.executable).resolve().parents[1],
        settings.VAR,
        Path(tempfile.gettempdir()),
    ]
    more = ("/usr/share/zoneinfo", "/usr/share/mime", "/etc/mime.types", "/dev/")
    return (*{str(each) for folder in folders for each in (folder, folder.resolve())}, *more)


def _heard(event: str, arguments: tuple[Any, ...]) -> None:
    touched = getattr(_watching, "touched", None)
    if touched is None or event not in WATCHED:
        return
    what = arguments[0] if arguments else ""
    if event == "open" and (isinstance(what, int) or _is_ours(os.path.abspath(os.fsdecode(what)))):
        return
    if event == "subprocess.Popen" and list(arguments[1]) == COMPILER:
        return
    if event in ("os.remove", "os.rename") and os.path.abspath(os.fsdecode(what)).startswith((str(ground.RUN), tempfile.gettempdir())):
        return
    touched.append(f"{event} {arguments!r}"[:300])


def _is_ours(path: str) -> bool:
    return path.startswith(_allowed()) and not path.endswith(LURE)


@contextlib.contextmanager
def watched() -> Iterator[list[str]]:
    """What this thread opens, connects to or starts that is none of its business."""
    if not _installed.is_set():
        sys.addaudithook(_heard)
        _installed.set()
    _allowed()
    _watching.touched = []
    # A module that is first imported by a request is compiled then: that the interpreter would keep it on the disk is not the request's doing.
    kept, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield _watching.touched
    finally:
        _watching.touched = None
        sys.dont_write_bytecode = kept


# What is sent ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sent:
    """One request, as it can be repeated. path: below the host, quoted."""

    method: str
    path: str
    body: bytes = b""
    media: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    page: bool = False

    def __str__(self) -> str:
        return f"{self.method} {self.path[:300]} {self.media[:60]} {dict(self.headers)!r:.300} {self.body[:400]!r}"


@dataclass
class Found:
    """tried: requests; slowest: the longest, in seconds; wrong: what must be empty. statuses: how often each was given.

    spoken: statements among whose values something stood that was sent.
    """

    tried: int = 0
    slowest: float = 0.0
    wrong: list[str] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    spoken: int = 0


class Assault:
    """Requests of one enterprise's token and person, against its own house: whatever it sends, the house stands."""

    def __init__(self, chance: random.Random, folder: Path) -> None:
        self.chance, self.found, self.lure = chance, Found(), Lure(folder)
        self.member, other = deliveries.partners()
        self.schema: Mapping[str, Any] = json.loads(json.dumps(described("en"), default=str))
        self.operations = [(path, method, told) for path, methods in self.schema["paths"].items() for method, told in methods.items()]
        self.documents, self.workbooks = documents(self.lure), workbooks(self.lure)
        self.real = self._furnish(other)
        self._api = Client(raise_request_exception=False)
        self._pages: list[doors.Door] = []
        self.pages = 0
        self._sign_in()

    def _sign_in(self) -> None:
        self._browser = self.member.page_client()
        self._session = self._browser.cookies["sessionid"].value

    def seed(self, number: int) -> None:
        """Begin anew: from here on the same is sent for the same number, but for the ids of what is there."""
        self.chance.seed(number)
        self._pages = []

    def _furnish(self, other: Member) -> Mapping[str, list[str]]:
        """Ids and names that lead somewhere, by the first part of the path."""
        extra = provision(f"{self.member.slug}-extra")
        orders = [str(order(self.member, other, 3, publish=number % 2 == 0)) for number in range(4)] + [
            str(order(other, self.member, lines=self._wanted(other)))
        ]
        items = [str(stock(self.member, f"H-{number}", "Hostile").pk) for number in range(2)]
        fridge.enter(self.member)
        by = self.member.actor
        with self.member.acting():
            sites = [str(catalog.save_site(code="HOSTILE", name="Hostile", by=by, at=AT).pk)]
            calendars = [str(scheduling.save_calendar(code="HOSTILE", name="Hostile", monday="06:00-14:00", by=by, at=AT).pk)]
            resources = [str(scheduling.save_resource(code="HOSTILE", name="Hostile", calendar="HOSTILE", by=by, at=AT).pk)]
        agreed = deliveries.agreed(self.member, other)
        advices = [str(deliveries.advice(other, [{"order": agreed, "line": 1, "quantity": quantity}])) for quantity in ("10", "5")]
        receipts = [str(deliveries.receipt(self.member, uuid.UUID(advices[0]), [{"line": 1, "received": "10"}], send=False))]
        made = self.member.api.post("configurations/", {"seller": self.member.slug, "product": "fridge", "choices": {"colour": "red"}})
        said = {"despatch-advices": advices, "receipt-advices": receipts, "configurations": [made.json()["uid"]]}
        known = {**said, "orders": [*orders, str(agreed)], "items": items, "sites": sites, "calendars": calendars, "resources": resources}
        return {**known, "partners": [extra.slug], "products": ["fridge"], "": [one for ids in known.values() for one in ids]}

    def _wanted(self, other: Member) -> list[dict[str, Any]]:
        return [{"item": other.items[0], "quantity": "4", "unit": "C62", "price": "1", "schedules": [{"quantity": "4", "due_on": "2027-01-15"}]}]

    # Values

    def value(self, told: Mapping[str, Any], depth: int = 0) -> Any:
        """Something that the schema allows, or, now and then, something that it does not."""
        chance = self.chance
        if chance.random() < 0.12:
            return self.anything(depth)
        told = self.resolved(told)
        if "enum" in told or "const" in told:
            return chance.choice(told.get("enum") or [told["const"]])
        for several in ("oneOf", "anyOf", "allOf"):
            if several in told:
                return self.value(chance.choice(told[several]), depth)
        kind = told.get("type", "string")
        kind = chance.choice(kind) if isinstance(kind, list) else kind
        return {"object": self.object, "array": self.array, "integer": self.number, "number": self.number, "boolean": self.boolean}.get(kind, self.text)(
            told, depth
        )

    def resolved(self, told: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in told:
            told = self.schema["components"]["schemas"][told["$ref"].rpartition("/")[2]]
        return told

    def object(self, told: Mapping[str, Any], depth: int) -> Any:
        made = {name: self.value(inner, depth + 1) for name, inner in told.get("properties", {}).items() if depth < 6 and self.chance.random() < 0.8}
        if self.chance.random() < 0.08:
            made[self.chance.choice(NAMES)] = self.anything(depth)
        return made

    def array(self, told: Mapping[str, Any], depth: int) -> Any:
        return [self.value(told.get("items", {}), depth + 1) for _one in range(self.chance.choice((0, 1, 1, 2, 3)) if depth < 6 else 0)]

    def number(self, told: Mapping[str, Any], depth: int) -> Any:
        return self.chance.choice((0, 1, 2, 7, -1, 100, 10**9))

    def boolean(self, told: Mapping[str, Any], depth: int) -> Any:
        return self.chance.random() < 0.5

    def text(self, told: Mapping[str, Any], depth: int) -> Any:
        chance = self.chance
        by_format: Mapping[str, Sequence[str]] = {
            "date": ("2027-01-15", "2026-02-29", "9999-12-31"),
            "date-time": ("2027-01-15T10:00:00Z", "9999-12-31T23:59:59Z"),
            "uuid": (*self.real[""], str(uuid.UUID(int=chance.getrandbits(128)))),
            "uri": ("https://example.com/", self.lure.address),
        }
        if "pattern" in told and chance.random() < 0.8:
            return chance.choice(("1", "40", "81.50", "0.000001", "999999999999.999999"))
        if options := by_format.get(told.get("format", "")):
            return chance.choice(options)
        return chance.choice(("A-1", "S-1", "H-1", "C62", "EUR", self.member.slug, "x", "a text", f"'{SPOKEN}\"", *chance.sample(TEXTS, 2)))

    def anything(self, depth: int) -> Any:
        chance, draw = self.chance, self.chance.random()
        if draw < 0.5:
            return chance.choice(TEXTS)
        if draw < 0.85:
            return chance.choice(NUMBERS)
        if draw < 0.93:
            return [] if chance.random() < 0.5 else [self.anything(depth + 1) for _one in range(3)] if depth < 5 else {}
        return {chance.choice(NAMES): self.anything(depth + 1)} if depth < 5 else None

    # Requests

    def request(self) -> Sent:
        """The next one."""
        return self.to_page() if self.chance.random() < 0.08 else self.to_rest()

    def to_rest(self) -> Sent:
        path, method, told = self.chance.choice(self.operations)
        query = [
            (each["name"], self.plain(each.get("schema", {}))) for each in told.get("parameters", []) if each["in"] == "query" and self.chance.random() < 0.4
        ]
        if self.chance.random() < 0.05:
            query.append((self.chance.choice(NAMES), self.chance.choice(TEXTS)))
        media, body = self.body(told)
        headers = {name: self.chance.choice(values) for name, values in HEADERS.items() if self.chance.random() < 0.05}
        return Sent(method.upper(), self.address(path) + ("?" + _query(query) if query else ""), body, media, headers)

    def address(self, path: str) -> str:
        first = path.removeprefix("/api/v1").split("/")[1]
        while "{" in path:
            before, _brace, rest = path.partition("{")
            _name, _brace, after = rest.partition("}")
            options = self.real.get(first) or self.real[""]
            given = (
                self.chance.choice(options) if self.chance.random() < 0.8 else quote(self.chance.choice(TEXTS)[:2000].encode("utf-8", "replace"), safe="/.%")
            )
            path = before + given + after
        return path

    def plain(self, told: Mapping[str, Any]) -> str:
        given = self.value(told)
        return given if isinstance(given, str) else json.dumps(given)

    def body(self, told: Mapping[str, Any]) -> tuple[str, bytes]:
        content = told.get("requestBody", {}).get("content", {})
        if not content or self.chance.random() < 0.06:
            return self.chance.choice(MEDIA), self.chance.choice([*RAW, *self.documents[-20:]]) if content else b""
        media, inner = self.chance.choice(list(content.items()))
        if media == "application/json":
            return media, self.chance.choice(RAW) if self.chance.random() < 0.05 else self.json(self.value(inner.get("schema", {})))
        if media == "multipart/form-data":
            return self.form()
        if media == "application/x-www-form-urlencoded":
            return media, _query(
                [(name, self.chance.choice(TEXTS)) for name in ("grant_type", "client_id", "client_secret", "scope") if self.chance.random() < 0.7]
            ).encode()
        return media, self.chance.choice(self.documents if "xml" in media and "openxml" not in media else self.workbooks)

    def json(self, given: Any) -> bytes:
        """As JSON, with lone surrogates as escapes or as they are, and floats as they come."""
        text = json.dumps(given, ensure_ascii=self.chance.random() < 0.5)
        return text.encode("utf-8", "surrogatepass" if self.chance.random() < 0.5 else "replace")

    def form(self) -> tuple[str, bytes]:
        boundary, lines = f"b{self.chance.getrandbits(40)}", b""
        for _part in range(self.chance.choice((0, 1, 1, 2, 1200))):
            name = self.chance.choice(FILE_NAMES).replace("\r\n", "%0d%0a").encode("utf-8", "replace")
            head = b'Content-Disposition: form-data; name="file"; filename="' + name + b'"'
            content = self.chance.choice([*FILES, *self.workbooks[3:], *self.documents[:4]])[:5000]
            lines += (
                b"--"
                + boundary.encode()
                + b"\r\n"
                + head
                + b"\r\nContent-Type: "
                + self.chance.choice((b"application/pdf", b"text/html", b"x"))
                + b"\r\n\r\n"
                + content
                + b"\r\n"
            )
        end = b"--" + boundary.encode() + b"--\r\n" if self.chance.random() < 0.9 else b""
        return f"multipart/form-data; boundary={boundary}", lines + end

    # Beside what a view asks for by name: what forms name things by, and what some page reads in a way that its code does not spell out.
    FIELDS = (*doors.REFERENCES, *doors.PLAIN, "page", "limit", "side", "late", "waiting", "due_from", "due_to", "columns", "part", "deed", "lines-0-item")

    def to_page(self) -> Sent:
        """The next of all pages; each comes once before any comes again."""
        if not self._pages:
            self._pages = [door for door in doors.doors() if not door.by_token]
            self.chance.shuffle(self._pages)
        door = self._pages.pop()
        self.pages += 1
        path = iri_to_uri(door.address({name: self.part(door.route, name) for name in door.parameters}))
        names = self.chance.sample(sorted({*door.queries, *self.FIELDS}), self.chance.randrange(8))
        fields = [(name, self.chance.choice([*TEXTS, *map(str, NUMBERS)])) for name in names]
        headers = {name: self.chance.choice(values) for name, values in HEADERS.items() if name in ("Accept-Language", "Accept") and self.chance.random() < 0.1}
        if self.chance.random() < 0.35:
            return Sent("POST", path, _query(fields).encode(), "application/x-www-form-urlencoded", headers, page=True)
        return Sent("GET", path + "?" + _query(fields), b"", "", headers, page=True)

    def part(self, route: str, parameter: str) -> str:
        """What stands in a page's address: most often something that is there, else whatever fits into an address."""
        if self.chance.random() < 0.2 and f"<uuid:{parameter}>" not in route:
            return quote(self.chance.choice(TEXTS)[:2000].encode("utf-8", "replace"), safe=".")
        if parameter in doors.WORDS:
            return self.chance.choice(doors.WORDS[parameter])
        if parameter in ("slug", "seller"):
            return self.member.slug
        words = route.partition(f":{parameter}>")[0].split("/")
        return self.chance.choice(next((self.real[word] for word in reversed(words) if word in self.real), self.real[""]))

    # The run

    def give(self, sent: Sent) -> Any:
        """Send it; the answer."""
        headers = {name: value.encode("utf-8", "replace").decode("latin-1") for name, value in sent.headers.items()}
        if sent.page and self._browser.cookies["sessionid"].value != self._session:
            # A page before this one has signed him out.
            self._sign_in()
        client: Client = self._browser if sent.page else self._api
        if not sent.page:
            headers["Authorization"] = f"Bearer {self.member.token}"
        elif "Cookie" in headers:
            del headers["Cookie"]
        client.raise_request_exception = False
        return outside(client.generic, sent.method, iri_to_uri(sent.path), sent.body, content_type=sent.media, headers=headers)

    def once(self, sent: Sent) -> None:
        """Send it, and write down what is wrong with what came of it."""
        spoken: list[str] = []
        with watched() as touched, connection.execute_wrapper(functools.partial(self._hear, spoken)):
            started, worked = time.perf_counter(), time.thread_time()
            answer = self.give(sent)
            seconds, work = time.perf_counter() - started, time.thread_time() - worked
        content = answer.content if not answer.streaming else b"".join(answer.streaming_content)
        faults = [
            *([f"answered {answer.status_code}"] if answer.status_code >= 500 else []),
            *([f"took {seconds:.1f} s"] if seconds > SLOWEST else []),
            *([f"worked {work:.1f} s"] if work > BUSIEST else []),
            *[f"said in a statement {statement}" for statement in spoken],
            *(["gave the content of a file of the machine"] if CANARY.encode() in content or b"root:x:0" in content else []),
            *(["called an address"] if self.lure.calls else []),
            *[f"touched {what}" for what in touched],
        ]
        self.lure.calls = 0
        self.found.tried += 1
        self.found.slowest = max(self.found.slowest, seconds)
        self.found.statuses[answer.status_code] = self.found.statuses.get(answer.status_code, 0) + 1
        self.found.wrong += [f"{fault}: {sent}" for fault in faults]

    def _hear(self, spoken: list[str], execute: Any, statement: Any, given: Any, many: bool, context: Any) -> Any:
        """Each statement on its way: whatever was sent to us may stand among its values only."""
        if SPOKEN in str(statement):
            spoken.append(str(statement)[:200])
        self.found.spoken += SPOKEN in repr(given)
        return execute(statement, given, many, context)

    def run(self, count: int) -> Found:
        for body in self.documents:
            self.once(Sent("POST", "/api/v1/inbox/", body, "application/xml"))
        for body in self.workbooks:
            self.once(Sent("POST", "/api/v1/structure/", body, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))
        for body in HEAVY:
            self.once(Sent("POST", "/api/v1/orders/", body))
        while self.found.tried < count:
            self.once(self.request())
        return self.found

    def close(self) -> None:
        self.lure.close()


def _query(pairs: Sequence[tuple[str, str]]) -> str:
    return urlencode([(name.encode("utf-8", "surrogatepass"), value.encode("utf-8", "surrogatepass")) for name, value in pairs])
