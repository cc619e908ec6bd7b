"""How an attack is made and judged: one request with what is another's, the same with what is nobody's, and both answers looked through."""

from __future__ import annotations

import contextlib
import functools
import gzip
import io
import random
import re
import uuid
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar
from unittest import mock
from urllib.parse import quote

from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import QueryDict
from django.test.client import encode_multipart
from rest_framework.parsers import MultiPartParser

from apps.accounts.selectors import CHOSEN
from apps.base.acting import in_lobby
from tests.attacks import doors
from tests.attacks.doors import Aim, Door
from tests.attacks.scene import GTIN, ODD_DAY, ODDS, PRICES, SECRET, SHOWN, SSCC, UNSAID, Scene
from tests.cast import Api, Member, PageClient, outside

UUIDS = re.compile(rb"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")
# What differs between two answers to the same request: tokens against forgery, ids and clocks, in words too (“1 min ago”).
PASSING = re.compile(
    rb"(?<![A-Za-z0-9])[A-Za-z0-9]{64}(?![A-Za-z0-9])|<time [^>]*>[^<]*</time>|"
    rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.\d]*|\b\d\d:\d\d(:\d\d)?\b|after=[\d.]+[0-9a-f]*"
)
# An address that was too long for the page, with the beginning of what was asked for.
CUT = re.compile(rb">([^<>]{1,300}/)([^<>/]*)\xe2\x80\xa6<")
TOLD = ("Location", "Content-Type", "ETag", "Allow", "WWW-Authenticate", "Content-Disposition", "Retry-After")


Make = Callable[[Mapping[str, str]], "Strike"]


@dataclass
class Found:
    """What an attack brought to light."""

    door: str
    by: str
    how: str
    what: str

    def __str__(self) -> str:
        return f"{self.how} /{self.door} by {self.by}: {self.what}"


@dataclass
class Tally:
    """What was tried and what was found."""

    tried: int = 0
    found: list[Found] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)

    def answered(self, status: int) -> None:
        self.tried += 1
        self.statuses[status] = self.statuses.get(status, 0) + 1


@dataclass(frozen=True)
class Attacker:
    """An enterprise that tries: by its token and in its administrator's browser. shown: whether it may see what the victim shows its partners."""

    member: Member
    name: str
    client: PageClient
    partner: bool

    @classmethod
    def make(cls, member: Member, scene: Scene, *, partner: bool) -> Attacker:
        return cls(member, member.slug, signed_in(member, scene), partner)


def signed_in(member: Member, scene: Scene) -> PageClient:
    """A browser of an enterprise's administrator, whose session says that he has chosen the victim."""
    client = member.page_client(raise_request_exception=False)
    outside(_choose, client, scene.victim.slug)
    return client


def _choose(client: PageClient, slug: str) -> None:
    with in_lobby():
        session = client.session
        session[CHOSEN] = slug
        session.save()


@dataclass(frozen=True)
class Strike:
    """One request: the method, the address, and what it says in query and body."""

    method: str
    address: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def said(self, values: Mapping[str, str]) -> list[str]:
        """Which of these values the request itself says: their echo is no news."""
        words = f"{self.address} {self.query} {self.body}"
        return [value for value in values.values() if value and value in words]


class Judge:
    """Knows what must never be seen by anybody else: secret words, the price, addresses of people, what is its alone, and the id of every row of its home."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        told = {id for ids in scene.ids.values() for id in ids}
        self.ids = {id.hex.encode() for id in told}
        self.words = [SECRET.encode(), SECRET.encode("utf-16-le"), *(price.encode() for price in PRICES), *(name.encode() for name in scene.secrets["token"])]
        self.domain = f"@{scene.victim.slug}.example"
        self.unsaid = [word.encode() for word in (self.domain, UNSAID, GTIN, SSCC, ODD_DAY, *ODDS)]

    def seen(self, content: bytes, said: Iterable[str], *, partner: bool) -> list[str]:
        """What of the victim's stands in these bytes, other than what the request itself said."""
        long = [one.encode() for one in _long(said)]
        whose = _without(content, [one for one in long if any(word in one for word in self.unsaid)])
        found = [word.decode() for word in self.unsaid if word in whose]
        content = _without(content, long)
        words = self.words if partner else [*self.words, SHOWN.encode()]
        found += [word.decode(errors="replace") for word in words if word in content]
        ids = {match.replace(b"-", b"") for match in UUIDS.findall(content)} & self.ids
        return found + [str(uuid.UUID(id.decode())) for id in sorted(ids)]


def _without(content: bytes, words: Iterable[bytes]) -> bytes:
    return functools.reduce(lambda left, word: left.replace(word, b""), words, content)


def _long(said: Iterable[str]) -> list[str]:
    """What a request said, as far as it is long enough to be told from other words; the longest first."""
    return sorted({one for one in said if len(one) > 4}, key=len, reverse=True)


def content_of(response: Any) -> bytes:
    """The body, as often as it is asked for."""
    if getattr(response, "streaming", False) and not hasattr(response, "read_once"):
        response.read_once = b"".join(response.streaming_content)
    return response.read_once if getattr(response, "streaming", False) else response.content  # type: ignore[no-any-return]


def whole(response: Any) -> bytes:
    """All bytes of an answer with its headers; what is packed is unpacked."""
    content = content_of(response)
    heads = "\n".join(f"{name}: {value}" for name, value in response.headers.items()).encode(errors="replace")
    cookies = "\n".join(str(morsel) for morsel in response.cookies.values()).encode(errors="replace")
    return b"\n".join((heads, cookies, content, *_unpacked(content)))


def _unpacked(content: bytes) -> Iterable[bytes]:
    if content.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            return [packed.read(name) for name in packed.namelist()]
    return [gzip.decompress(content)] if content.startswith(b"\x1f\x8b") else []


def alike(response: Any, said: Iterable[str]) -> tuple[int, tuple[str, ...], bytes]:
    """What an answer tells beside what the request said: its status, what its headers say, and its body."""
    content, long = content_of(response), _long(said)
    content = b"".join(_unpacked(content)) or content
    heads = [f"{name}: {response.headers.get(name, '')}" for name in TOLD]
    content = CUT.sub(lambda cut: b">" + cut[1] + b"~<" if any(one.encode().startswith(cut[2]) for one in long) else cut[0], content)
    for word in [spelled for one in long for spelled in (one, quote(one, safe=""))]:
        content, heads = content.replace(word.encode(), b"~"), [head.replace(word, "~") for head in heads]
    plain = [UUIDS.sub(b"U", PASSING.sub(b"P", head.encode())).decode() for head in heads]
    return response.status_code, tuple(plain), UUIDS.sub(b"U", PASSING.sub(b"P", content))


class Overheard(QueryDict):
    """What stands behind the question mark, told by the names that the code asks it for."""

    heard: ClassVar[set[str]] = set()

    def __getitem__(self, key: str) -> Any:
        self.hear(key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self.hear(key)
        return super().__contains__(key)

    def getlist(self, key: str, default: Any = None) -> Any:
        self.hear(key)
        return super().getlist(key, default)

    def hear(self, key: object) -> None:
        """A name is a text: a framework that has none asks for None."""
        if isinstance(key, str):
            self.heard.add(key)


@contextlib.contextmanager
def overhearing() -> Iterator[set[str]]:
    """The names that are read from addresses in the block, whoever reads them and however; they fill as it goes on."""
    heard: set[str] = set()
    with mock.patch.object(Overheard, "heard", heard), mock.patch("django.core.handlers.wsgi.QueryDict", Overheard):
        yield heard


class Raid:
    """A run through doors by several attackers. thorough: every method and every query at every door, and many of each kind; else a sample by the seed."""

    def __init__(self, scene: Scene, attackers: Iterable[Attacker], *, seed: int, thorough: bool, headers: Mapping[str, str] | None = None) -> None:
        """headers: what every request says besides, as the host that it calls."""
        self.scene, self.attackers, self.thorough, self.headers = scene, list(attackers), thorough, headers or {}
        self.chance = random.Random(seed)
        self.judge, self.tally = Judge(scene), Tally()

    def run(self, found: Iterable[Door]) -> Tally:
        for door in found:
            for attacker in self.attackers if self.thorough else [self.chance.choice(self.attackers)]:
                self.at(door, attacker)
        return self.tally

    def at(self, door: Door, attacker: Attacker) -> None:
        """Everything that is tried at one door, also by the names that its code is heard to read; one that nobody knows is reported."""
        with overhearing() as heard:
            self._all(door, attacker, lambda reading: self._strikes(door, reading=reading))
            asked = (heard & set(doors.QUERIED)) - door.queries
            if asked and all(name in doors.WORDS for name in door.parameters):
                self._all(door, attacker, lambda reading: [functools.partial(self._asked, door, name) for name in self._some(asked)])
        for name in sorted(heard - doors.known(door)):
            self.tally.found.append(Found(door.route, attacker.name, f"reads ?{name}=", "no attack knows what it names: doors.QUERIED or doors.HARMLESS"))

    def _some(self, names: Iterable[str]) -> list[str]:
        found = sorted(names)
        return found if self.thorough else self.chance.sample(found, 1)

    def _all(self, door: Door, attacker: Attacker, strikes: Callable[[bool], list[Make]]) -> None:
        for aim in doors.aims(door, self.scene, partner=attacker.partner, most=3 if self.thorough else 1, chance=self.chance):
            for make in strikes(aim.reading):
                self._pair(door, attacker, make, aim)

    def _strikes(self, door: Door, *, reading: bool) -> list[Make]:
        methods = ["GET"] if reading else list(doors.METHODS) if self.thorough else ["GET", *self._sampled(door)]
        made: list[Make] = [functools.partial(self._strike, door, method) for method in methods]
        queries = sorted(door.queries) if all(name in doors.WORDS for name in door.parameters) else []
        if not self.thorough:
            queries = self.chance.sample(queries, min(1 if door.route.startswith("admin/") else 2, len(queries)))
        return made + [functools.partial(self._asked, door, name) for name in queries]

    def _sampled(self, door: Door) -> list[str]:
        """Every method that the view knows how to answer, where it says so; else POST, and now and then another one."""
        if door.route.startswith("admin/"):
            return self.chance.choice([[], ["POST"]])
        if door.by_token:
            known = [method for method in doors.METHODS[1:] if hasattr(door.view_class, method.lower())]
            return known or [self.chance.choice(doors.METHODS[1:])]
        return ["POST"] if self.chance.random() < 0.8 else [self.chance.choice(doors.METHODS[2:])]

    def _strike(self, door: Door, method: str, values: Mapping[str, str]) -> Strike:
        return Strike(method, door.address(values), body=self._body(door, method, values), headers=self.headers)

    def _asked(self, door: Door, name: str, values: Mapping[str, str]) -> Strike:
        return Strike("GET", door.address(values), query={name: values[doors.QUERIED.get(name) or "id"]}, headers=self.headers)

    def _body(self, door: Door, method: str, values: Mapping[str, str]) -> Any:
        if method == "GET" or method == "DELETE":
            return None
        if not door.by_token:
            return doors.form(values)
        if door.view_class and any(issubclass(one, MultiPartParser) for one in door.view_class.parser_classes):
            return "file"
        shape = doors.described(door.route)["bodies"].get(method)
        return doors.filled(shape, values) if shape else {}

    def _pair(self, door: Door, attacker: Attacker, make: Make, aim: Aim) -> None:
        """The same with theirs and with nobody's. Where the answers differ it is done once more: the first of two deeds may have changed one's own home."""
        if make(aim.theirs) == make(aim.nobodys):
            self._send(door, attacker, make(aim.theirs), aim.theirs)
            return
        said = {*aim.theirs.values(), *aim.nobodys.values()}
        for _again in range(2):
            theirs, nobodys = (alike(self._send(door, attacker, make(values), values), said) for values in (aim.theirs, aim.nobodys))
            if theirs == nobodys or door.route in doors.DIFFERING:
                return
        told = f"foreign answers {theirs[0]}, missing {nobodys[0]}: {difference(theirs, nobodys)}"
        self.tally.found.append(Found(door.route, attacker.name, _said(make(aim.theirs)), told))

    def _send(self, door: Door, attacker: Attacker, strike: Strike, values: Mapping[str, str]) -> Any:
        response = send(attacker, strike, by_token=door.by_token)
        self.tally.answered(response.status_code)
        if response.status_code >= 500:
            self.tally.found.append(Found(door.route, attacker.name, _said(strike), f"answers {response.status_code}"))
        seen = self.judge.seen(whole(response), strike.said(values), partner=attacker.partner)
        if seen := [word for word in seen if not (word == self.judge.domain and door.route in doors.ADDRESSED)]:
            self.tally.found.append(Found(door.route, attacker.name, _said(strike), f"{response.status_code} shows {seen[:5]}"))
        return response


def _said(strike: Strike) -> str:
    return f"{strike.method} {strike.address}{' ?' + str(dict(strike.query)) if strike.query else ''}"


def difference(one: tuple[Any, ...], other: tuple[Any, ...]) -> str:
    """Where two answers begin to differ."""
    if one[1] != other[1]:
        return f"{set(one[1]) ^ set(other[1])}"
    place = next((index for index, (a, b) in enumerate(zip(one[2], other[2], strict=False)) if a != b), min(len(one[2]), len(other[2])))
    return f"{one[2][max(place - 60, 0) : place + 80]!r} | {other[2][max(place - 60, 0) : place + 80]!r}"


def send(attacker: Attacker, strike: Strike, *, by_token: bool) -> Any:
    """The answer to one request of an attacker's: each with the cookies of the sign-in, and no others."""
    address = strike.address + ("?" + "&".join(f"{name}={value}" for name, value in strike.query.items()) if strike.query else "")
    if by_token:
        if strike.body == "file":
            form = encode_multipart("b0undary", {"file": SimpleUploadedFile("tried.pdf", b"%PDF-1.7 tried")})
            return attacker.member.api.request(strike.method, address, form, content_type="multipart/form-data; boundary=b0undary", headers=strike.headers)
        return Api(attacker.member.token).request(strike.method, address, strike.body, headers=strike.headers)
    return browse(attacker, strike, address)


def browse(attacker: Attacker, strike: Strike, address: str) -> Any:
    """A request from the attacker's browser, which forgets afterwards what it was given; whoever was signed out signs in again."""
    client = attacker.client
    kept = {name: morsel.value for name, morsel in client.cookies.items()}
    given = {name: value for name, value in (strike.body or {}).items() if value is not None}
    if strike.method == "POST":
        response = client.post(address, given, headers=dict(strike.headers))
    else:
        response = client.generic(strike.method, address, headers=dict(strike.headers))
    signed_out = "sessionid" in response.cookies and response.cookies["sessionid"].value != kept.get("sessionid")
    client.cookies.clear()
    for name, value in (kept if not signed_out else {"sessionid": attacker.member.page_client().cookies["sessionid"].value}).items():
        client.cookies[name] = value
    return response
