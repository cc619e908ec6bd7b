"""Conversations at random between enterprises, over HTTP, and a book of everything that was told to those who held them."""

from __future__ import annotations

import http.client
import itertools
import json
import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from apps.documents.types import TYPES
from apps.documents.vocabulary import DocumentType
from tests.faults.stage import Cast, Member, Pair
from tests.faults.talking import Language, NothingToName, Told, Topic

PATIENCE = 60.0
"""Seconds for which one request is repeated."""
LONGEST = 10.0
"""Seconds after which a request that has no answer hangs."""
MOVES = (2, 6)
LONGER = 4000
"""So many chains more at most, until what is wanted was done."""
SELDOM = 10.0
"""How much more often a move is chosen, and a type that has one, as long as it was never made."""
AGAIN = 0.05
"""How often a chain goes on with a document that is there already: an order is closed only after something of it has come, which other chains bring."""
KNOWN = 12
"""So many documents of each pair and type may be named by others."""


def never_by_hand() -> dict[str, str]:
    """The moves that no client makes, by type and code, each with the reason: what is written in the declarations, and what only the owner does."""
    inner = {f"{each.code}.{move.code}": "made by the move of another document, or by the plan" for each in TYPES.values() for move in each.moves if move.inner}
    return inner | NEVER_BY_HAND


NEVER_BY_HAND = {"promise.ask": "who enters a promise has asked for it: there is no draft"}


@dataclass
class Book:
    """What was told. told: how often each move of each document was confirmed to whom; entered: who was told of which new document.

    moves: how often each was made; between: the same, by pair.
    """

    told: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    tried: set[tuple[str, str, str]] = field(default_factory=set)
    entered: dict[str, tuple[Member, str]] = field(default_factory=dict)
    moves: Counter[str] = field(default_factory=Counter)
    between: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    why: dict[str, str] = field(default_factory=dict)
    met: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    longest: float = 0.0
    requests: int = 0
    done: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any
    replayed: bool


class Line:
    """One connection of a partner's program, which repeats a request, with its key, until it has an answer."""

    def __init__(self, host: str, port: int, book: Book) -> None:
        self.host, self.port, self.book = host, port, book
        self._http = http.client.HTTPConnection(host, port, timeout=LONGEST)

    def close(self) -> None:
        self._http.close()

    def call(self, member: Member, method: str, path: str, data: Any = None, *, key: str = "") -> Answer:
        until, waits = time.monotonic() + PATIENCE, itertools.chain((0.02, 0.05, 0.1, 0.2), itertools.repeat(0.3))
        while True:
            met, answer = self._once(member, method, path, data, key)
            if answer is not None:
                return answer
            with self.book.lock:
                self.book.met[met] += 1
            assert time.monotonic() < until, f"{method} {path}: {met}"
            time.sleep(next(waits) * random.uniform(0.5, 1.5))

    def _once(self, member: Member, method: str, path: str, data: Any, key: str) -> tuple[str, Answer | None]:
        headers = {"Authorization": f"Bearer {member.token}", "Accept": "application/json", **({"Idempotency-Key": key} if key else {})}
        body = None if data is None else json.dumps(data)
        if body is not None:
            headers["Content-Type"] = "application/json"
        started = time.monotonic()
        try:
            self._http.request(method, f"/api/v1/{path}", body, headers)
            found = self._http.getresponse()
            content = found.read()
        except (OSError, http.client.HTTPException) as error:
            self._http.close()
            self._note(started, method, path, type(error).__name__ if isinstance(error, TimeoutError) else "")
            return type(error).__name__, None
        self._note(started, method, path, "")
        is_json = "json" in found.headers.get("Content-Type", "")
        told = json.loads(content) if is_json and content else {}
        if found.status == 503 and (not is_json or "Retry-After" not in found.headers):
            self.book.broken.append(f"{method} {path}: 503 that is no problem, or does not say when to come back: {content[:200]!r}")
        if found.status == 503 or (found.status == 409 and str(told.get("type", "")).endswith("still-running")):
            return f"{found.status} {str(told.get('type', '')).rpartition('/')[2]}", None
        if found.status >= 500:
            with self.book.lock:
                self.book.broken.append(f"{method} {path}: {found.status} {content[:200]!r} {found.headers.get('X-Request-ID')}")
            return str(found.status), None
        return "", Answer(found.status, told, "Idempotent-Replayed" in found.headers)

    def _note(self, started: float, method: str, path: str, hung: str) -> None:
        took = time.monotonic() - started
        with self.book.lock:
            self.book.requests += 1
            self.book.longest = max(self.book.longest, took)
            if hung:
                self.book.broken.append(f"{method} {path}: hung for {took:.1f} s")


@dataclass
class Talk:
    """Chains of moves between the members of a cast, from one seed. run: makes the keys and numbers of this talk its own."""

    cast: Cast
    language: Language
    host: str
    port: int
    seed: int
    chains: int
    clients: int
    run: str = "r"
    book: Book = field(default_factory=Book)
    wanted: frozenset[str] = frozenset()
    """It goes on until each of these moves was made, at most so many chains `LONGER`: what another must have led to does not come in every few chains.
    Of a pair's move alone: `promise.commit: buyer, seller`."""
    share: Mapping[str, float] = field(default_factory=lambda: {"order": 10.0})
    """How often a chain begins with a type; 1 where it is not said."""

    def __post_init__(self) -> None:
        self._known: dict[tuple[Pair, str], dict[str, Told]] = defaultdict(dict)
        self._next = itertools.count()

    def hold(self) -> None:
        """Hold all of them, some at a time. Raises what a client met that he could not bear."""
        with ThreadPoolExecutor(self.clients) as pool:
            for each in [pool.submit(self._client) for _client in range(self.clients)]:
                each.result()

    def _client(self) -> None:
        line = Line(self.host, self.port, self.book)
        try:
            while (index := next(self._next)) < self.chains or (index < self.chains + LONGER and self.unmade()):
                self._chain(line, index)
                with self.book.lock:
                    self.book.done += 1
        finally:
            line.close()

    def unmade(self) -> frozenset[str]:
        """What is wanted and was not done yet."""
        return frozenset(name for name in self.wanted if not (self.book.moves[name] or self.book.between[name]))

    def _chain(self, line: Line, index: int) -> None:
        """One document, mostly from its entry, through moves of both sides as the portal offers them."""
        chance = random.Random(f"{self.seed}-{index}")
        name = f"{self.run}{self.seed}-{index}"
        pair, document_type, told = self._taken_up(line, chance) or self._begun(line, chance, name)
        for turn in range(chance.randint(*MOVES)):
            sides = [each for each in ("buyer", "seller") if document_type.moves_for(state=told["state"], side=each)]
            if not sides:
                break
            side = chance.choice(sides)
            member = pair.buyer if side == "buyer" else pair.seller
            if (found := self._offered(line, member, document_type, told, side)) is None:
                continue
            if all(_ends(document_type, code) and not self._is_rare(document_type, code) for code in found["moves"]) and chance.random() < 0.7:
                break
            told = self._move(line, pair, member, document_type, found, chance, f"{name}-m{turn}") or found

    def _begun(self, line: Line, chance: random.Random, name: str) -> tuple[Pair, DocumentType, Told]:
        """A new document."""
        for attempt in itertools.count():
            # Where nothing can be named yet, or it is refused, the chain begins with another document.
            document_type = self._type(chance) if attempt < 3 else TYPES["order"]
            pair = self._pair(chance, document_type)
            entered = self._enter(line, pair, document_type, chance, f"{name}-{attempt}")
            if entered is not None:
                return pair, document_type, entered
        raise AssertionError("nothing was entered")

    def _taken_up(self, line: Line, chance: random.Random) -> tuple[Pair, DocumentType, Told] | None:
        """Now and then a document of another chain, as its buyer sees it now; of those types first of which a move was never made."""
        if chance.random() >= AGAIN:
            return None
        rare = {name.partition(".")[0] for name in self.unmade()}
        with self.book.lock:
            known = [(pair, code, told) for (pair, code), found in self._known.items() for told in found.values()]
        if not known:
            return None
        pair, code, told = chance.choices(known, [SELDOM if code in rare else 1.0 for _pair, code, _told in known])[0]
        answer = line.call(pair.buyer, "GET", f"{TYPES[code].collection}/{told['uid']}/")
        return (pair, TYPES[code], answer.body) if answer.status == 200 else None

    def _type(self, chance: random.Random) -> DocumentType:
        rare = {name.partition(".")[0] for name in self.unmade()}
        weights = [max(self.share.get(each.code, 1.0), SELDOM * (each.code in rare)) for each in self.language.types]
        return chance.choices(self.language.types, weights)[0]

    def _pair(self, chance: random.Random, document_type: DocumentType) -> Pair:
        rare = {name.partition(": ")[2] for name in self.unmade() if name.startswith(f"{document_type.code}.")}
        return chance.choices(self.cast.pairs, [SELDOM if between(pair) in rare else 1.0 for pair in self.cast.pairs])[0]

    def _is_rare(self, document_type: DocumentType, code: str) -> bool:
        return f"{document_type.code}.{code}" in self.unmade()

    def _enter(self, line: Line, pair: Pair, document_type: DocumentType, chance: random.Random, name: str) -> Told | None:
        with self.book.lock:
            named = {code: list(self._known[pair, code].values()) for code in TYPES}
        try:
            body = self.language.entry(document_type, Topic(pair, chance, name, named=named))
        except NothingToName:
            return None
        member = pair.buyer if document_type.issuer == "buyer" else pair.seller
        answer = line.call(member, "POST", f"{document_type.collection}/", body, key=name)
        with self.book.lock:
            self._count(answer, f"{document_type.code}.enter")
            if answer.status == 201:
                self.book.entered[answer.body["uid"]] = (member, document_type.code)
        return answer.body if answer.status == 201 else None

    def _offered(self, line: Line, member: Member, document_type: DocumentType, told: Told, side: str) -> Told | None:
        """The document as this side sees it, if it may make a move now."""
        if told["side"] != side:
            answer = line.call(member, "GET", f"{document_type.collection}/{told['uid']}/")
            if answer.status != 200:
                return None
            told = answer.body
        return told if told["moves"] else None

    def _move(self, line: Line, pair: Pair, member: Member, document_type: DocumentType, told: Told, chance: random.Random, name: str) -> Told | None:
        # A move that ends it all is made more seldom than those that lead on.
        weights = [(SELDOM if self._is_rare(document_type, each) else 1) * (1 if _ends(document_type, each) else 4) for each in told["moves"]]
        code = chance.choices(told["moves"], weights)[0]
        data = self.language.move(document_type, code, Topic(pair, chance, name, document=told))
        answer = line.call(member, "POST", f"{document_type.collection}/{told['uid']}/moves/{code}/", data, key=name)
        with self.book.lock:
            self._count(answer, f"{document_type.code}.{code}")
            self.book.tried.add((member.slug, told["uid"], code))
            if answer.status != 200:
                return None
            self.book.told[member.slug, told["uid"], code] += 1
            self.book.between[f"{document_type.code}.{code}: {between(pair)}"] += 1
            known = self._known[pair, document_type.code]
            known.pop(told["uid"], None)
            if not document_type.state(answer.body["state"]).final:
                known[told["uid"]] = answer.body
                if len(known) > KNOWN:
                    del known[next(iter(known))]
        return answer.body

    def _count(self, answer: Answer, what: str) -> None:
        if answer.status in (200, 201):
            self.book.moves[what] += 1
        elif answer.status == 422 and any(error["code"] == "number_taken" for error in answer.body.get("errors") or ()):
            # No number is given twice: it was done before, and whoever asked again with its key was not told so.
            self.book.broken.append(f"{what}: done, and refused at its repetition: {str(answer.body)[:200]}")
        elif answer.status in (403, 404, 409, 422):
            self.book.refused[f"{what} {answer.status}"] += 1
            self.book.why[f"{what} {answer.status}"] = str(answer.body.get("errors") or answer.body.get("detail"))[:160]
        else:
            self.book.broken.append(f"{what}: {answer.status} {str(answer.body)[:200]}")


def between(pair: Pair) -> str:
    """The name of a pair."""
    return f"{pair.buyer.slug}, {pair.seller.slug}"


def _ends(document_type: DocumentType, code: str) -> bool:
    move = document_type.find_move(code)
    return move is not None and all(document_type.state(state).final for state in move.outcomes())
