"""A fault at every statement of what a client asks for, and of its delivery: no half effect. When the answer to the COMMIT is lost, the repetition gives it."""

from __future__ import annotations

import contextvars
import itertools
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import orjson
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError, connection, transaction
from django.test.client import encode_multipart

from apps.base.acting import in_lobby
from apps.exchange import crossing
from apps.exchange import services as exchange
from apps.exchange.services import lifting, sending
from tests import tally
from tests.cast import Member, fresh_number, line, order, outside, snapshot
from tests.faults import seeds
from tests.faults.breaking import Kind, answer_lost, failing_at, fingerprint
from tests.logistics.deliveries import partners
from tests.scheduling.chain import Chain, make_chain

SAMPLE = 4
EVERY = ("publish", "answer", "deliver publish")
"""What is tried at every statement in every run; the rest by night, and by day at some of them."""
CHANGE = {"lines": [{"line": 1, "price": "83.00", "schedules": [{"quantity": "18", "due_on": "2027-01-15"}, {"quantity": "22", "due_on": "2027-02-15"}]}]}


@dataclass
class Stage:
    """Who acts, and what was tried. chain: two companies between whom promises go inline."""

    buyer: Member
    seller: Member
    chain: Chain
    tried: int = 0
    statements: dict[str, int] = field(default_factory=dict)

    @property
    def members(self) -> tuple[Member, ...]:
        return (self.buyer, self.seller, *self.chain.members)


@pytest.fixture(scope="module")
def stage(database: None) -> Stage:
    buyer, seller = partners()
    answer = seller.api.post("stock/moves/", {"item": "S-1", "quantity": "500", "from": "production", "to": "stock"})
    assert answer.status_code == 201, answer.content
    return Stage(buyer, seller, make_chain(1))


@pytest.fixture(autouse=True)
def whole_connection(database: None) -> Iterator[None]:
    """Whatever a test has ended is not left to the next one."""
    yield
    connection.close_if_unusable_or_obsolete()


@pytest.fixture
def undelivered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is delivered after a commit."""
    monkeypatch.setattr(crossing, "deliver", lambda **_: 0)


# What clients ask for ------------------------------------------------------------------------------------------------

Asking = tuple[Member, str, Any, dict[str, Any]]
"""Who, where, with which body, and what else the request has."""


def _draft(stage: Stage) -> Asking:
    return stage.buyer, "orders/", {"seller": stage.seller.slug, "number": fresh_number(), "currency": "EUR", "lines": [line("A-1")]}, {}


def _published(stage: Stage) -> str:
    found = order(stage.buyer, stage.seller)
    bring(stage)
    return str(found)


def _answered(stage: Stage, body: Any = CHANGE) -> str:
    uid = _published(stage)
    assert stage.seller.api.post(f"orders/{uid}/moves/confirm/", body).status_code == 200
    bring(stage)
    return uid


def _publish(stage: Stage) -> Asking:
    return stage.buyer, f"orders/{order(stage.buyer, stage.seller, publish=False)}/moves/publish/", {}, {}


def _answer(stage: Stage) -> Asking:
    return stage.seller, f"orders/{_published(stage)}/moves/confirm/", CHANGE, {}


def _counter(stage: Stage) -> Asking:
    return stage.buyer, f"orders/{_answered(stage)}/moves/counter/", {"lines": [{"line": 1, "price": "82.00"}]}, {}


def _cancel(stage: Stage) -> Asking:
    return stage.buyer, f"orders/{_answered(stage)}/moves/cancel/", {}, {}


def _message(stage: Stage) -> Asking:
    return stage.buyer, f"orders/{_published(stage)}/thread/", {"text": "On Monday."}, {}


def _file(stage: Stage) -> Asking:
    form = encode_multipart("b0undary", {"file": SimpleUploadedFile("drawing.pdf", b"%PDF-1.7\n drawing 4711")})
    return stage.seller, f"orders/{_published(stage)}/attachments/", form, {"content_type": "multipart/form-data; boundary=b0undary"}


def _packed(stage: Stage) -> str:
    body = {"lines": [{"order": _answered(stage, {}), "line": 1, "quantity": "30"}]}
    answer = stage.seller.api.post("despatch-advices/", body)
    assert answer.status_code == 201, answer.content
    return str(answer.json()["uid"])


def _ship(stage: Stage) -> Asking:
    return stage.seller, f"despatch-advices/{_packed(stage)}/moves/ship/", {}, {}


def _receive(stage: Stage) -> Asking:
    uid = _packed(stage)
    assert stage.seller.api.post(f"despatch-advices/{uid}/moves/ship/").status_code == 200
    bring(stage)
    answer = stage.buyer.api.post("receipt-advices/", {"despatch_advice": uid, "lines": [{"line": 1, "received": "28", "short": "2"}]})
    assert answer.status_code == 201, answer.content
    return stage.buyer, f"receipt-advices/{answer.json()['uid']}/moves/send/", {}, {}


def _promise(stage: Stage) -> Asking:
    """Said inline: the seller takes it in, plans, and answers in the same transaction."""
    body = {"seller": stage.chain.maker.slug, "item": "N1", "quantity": "10", "unit": "C62", "due_on": "2027-03-18", "hold_minutes": 30}
    return stage.chain.customer, "promises/", body, {}


ASKING: dict[str, Callable[[Stage], Asking]] = {
    "draft": _draft,
    "publish": _publish,
    "answer": _answer,
    "counter": _counter,
    "cancel": _cancel,
    "message": _message,
    "file": _file,
    "ship": _ship,
    "receive": _receive,
    "promise inline": _promise,
}
CROSSING = [name for name in ASKING if name not in ("draft", "promise inline")]
_keys = itertools.count(1)


def bring(stage: Stage) -> None:
    """Deliver what waits between the two, whatever the fixtures hold back."""
    for sender, receiver in itertools.permutations((stage.buyer, stage.seller)):
        deliver(sender, receiver)


REAL_DELIVER = crossing.deliver


def deliver(sender: Member, receiver: Member) -> int:
    def work() -> int:
        with in_lobby():
            return REAL_DELIVER(sender=sender.id, receiver=receiver.id)

    return outside(work)


def post(asking: Asking, key: str) -> Any:
    member, path, body, more = asking
    return member.api.post(path, body, headers={"Idempotency-Key": key}, **more)


def points(stage: Stage, name: str, count: int, *, every: bool, chance: random.Random) -> list[int]:
    stage.statements[name] = count
    stage.tried += count if every else min(SAMPLE, count)
    return list(range(1, count + 1)) if every else sorted(chance.sample(range(1, count + 1), min(SAMPLE, count)))


def unhurt(stage: Stage, before: list[Any], where: str) -> None:
    assert fingerprint(stage.members) == before, where


# The walks -----------------------------------------------------------------------------------------------------------


def walk_request(stage: Stage, name: str, kind: Kind, *, every: bool, chance: random.Random) -> None:
    """Each statement of the request fails in its turn, and nothing has happened; without a fault it is done, and its repetition gives the same answer."""
    for _round in range(2):  # what a process reads once is not counted
        asking = ASKING[name](stage)
        with failing_at(None) as counted:
            done = post(asking, f"count-{next(_keys)}")
        assert done.status_code in (200, 201), done.content
    asking = ASKING[name](stage)
    bring(stage)
    before, whole = fingerprint(stage.members), snapshot(*stage.members)
    key = f"walk-{next(_keys)}"
    for number in points(stage, f"{name}, {kind}", counted.count, every=every, chance=chance):
        with failing_at(number, kind) as met:
            answer = post(asking, key)
        connection.close_if_unusable_or_obsolete()  # as before each request
        assert met.count >= number, f"{name}: {met.said}"
        assert answer.status_code >= 500, f"{name}, {kind} at {met.said[number - 1]}: {answer.content!r}"
        unhurt(stage, before, f"{name}, {kind} at {number}: {met.said[number - 1]}")
    assert snapshot(*stage.members) == whole
    first, again = post(asking, key), post(asking, key)
    assert (first.status_code, again.status_code, again.content, again["Idempotent-Replayed"]) == (done.status_code, first.status_code, first.content, "true")


def lose_answer(stage: Stage, name: str) -> None:
    """The client does not hear that it was done. He asks again, with his key, and gets the first answer; it was done once."""
    asking, key = ASKING[name](stage), f"lost-{next(_keys)}"
    bring(stage)
    with answer_lost() as cut:
        answer = post(asking, key)
    connection.close_if_unusable_or_obsolete()
    assert (cut, answer.status_code >= 500) == ([True], True), name
    before = snapshot(*stage.members)
    again, once_more = post(asking, key), post(asking, key)
    assert again.status_code in (200, 201), again.content
    assert (again["Idempotent-Replayed"], once_more.content) == ("true", again.content), name
    assert snapshot(*stage.members) == before, f"{name} was done twice"
    stage.tried += 1


def walk_delivery(stage: Stage, name: str, kind: Kind, *, every: bool, chance: random.Random) -> None:
    """Each statement of the delivery fails in its turn: the receiver's home and the cursor stand where they stood. Then it is delivered, once."""
    counted = 0
    for last in (False, False, True):  # what a process reads once is not counted
        asking = ASKING[name](stage)
        sender = asking[0]
        receiver = stage.seller if sender is stage.buyer else stage.buyer
        assert post(asking, f"deliver-{next(_keys)}").status_code in (200, 201)
        if not last:
            with failing_at(None) as met:
                assert deliver(sender, receiver) >= 1
            counted = met.count
    before, whole = fingerprint(stage.members), snapshot(*stage.members)
    for number in points(stage, f"deliver {name}, {kind}", counted, every=every, chance=chance):
        with failing_at(number, kind) as met, pytest.raises(OperationalError):
            deliver(sender, receiver)
        connection.close_if_unusable_or_obsolete()
        unhurt(stage, before, f"delivery of {name}, {kind} at {number}: {met.said[number - 1]}")
    assert snapshot(*stage.members) == whole
    assert deliver(sender, receiver) >= 1
    assert deliver(sender, receiver) == 0


def proven(stage: Stage) -> None:
    bring(stage)
    for member in stage.members:
        with member.acting():
            checked, differences = exchange.verify()
        assert differences == []
        assert {channel.halted for channel in checked} <= {False}


def tell(stage: Stage, name: str, began: float, seed: int) -> None:
    print(f"{stage.tried} faults tried; statements: {stage.statements}")
    tally.tell(name, tried=stage.tried, seconds=time.monotonic() - began, seed=seed, statements=sum(stage.statements.values()))
    stage.tried = 0
    stage.statements.clear()


@pytest.mark.usefixtures("undelivered")
def test_a_fault_at_a_statement_of_a_request_leaves_nothing_behind(stage: Stage) -> None:
    seed, began = seeds.fresh(), time.monotonic()
    chance = random.Random(seed)
    for name in ASKING:
        walk_request(stage, name, "fault", every=name in EVERY, chance=chance)
    walk_request(stage, "publish", "gone", every=False, chance=chance)
    proven(stage)
    tell(stage, "faults in requests", began, seed)


@pytest.mark.usefixtures("undelivered")
def test_a_fault_at_a_statement_of_a_delivery_leaves_nothing_behind(stage: Stage) -> None:
    seed, began = seeds.fresh(), time.monotonic()
    chance = random.Random(seed)
    for name in CROSSING:
        walk_delivery(stage, name, "fault", every=f"deliver {name}" in EVERY, chance=chance)
    walk_delivery(stage, "ship", "gone", every=False, chance=chance)
    proven(stage)
    tell(stage, "faults in deliveries", began, seed)


@pytest.mark.usefixtures("undelivered")
def test_the_lost_answer_of_a_commit_is_given_to_the_repetition(stage: Stage) -> None:
    seed, began = seeds.fresh(), time.monotonic()
    for name in ASKING:
        lose_answer(stage, name)
    proven(stage)
    tell(stage, "lost answers of commits", began, seed)


@pytest.mark.night
@pytest.mark.usefixtures("undelivered")
@pytest.mark.parametrize("kind", ["fault", "gone"])
def test_a_fault_at_every_statement_leaves_nothing_behind(stage: Stage, kind: Kind) -> None:
    seed, began = seeds.fresh(), time.monotonic()
    chance = random.Random(seed)
    for name in ASKING:
        walk_request(stage, name, kind, every=True, chance=chance)
    for name in CROSSING:
        walk_delivery(stage, name, kind, every=True, chance=chance)
    proven(stage)
    tell(stage, f"every statement: {kind}", began, seed)


def test_what_lost_against_another_is_done_at_the_next_try(stage: Stage) -> None:
    """40001 at any statement of the request's transaction: tried again whole, and done once."""
    seed, began = seeds.fresh(), time.monotonic()
    chance = random.Random(seed)
    with failing_at(None) as counted:
        post(_publish(stage), f"count-{next(_keys)}")
    for number in points(stage, "publish, lost to another", counted.count, every=False, chance=chance):
        asking, key = _publish(stage), f"other-{next(_keys)}"
        with failing_at(number, "lost to another") as met:
            answer = post(asking, key)
        if answer.status_code != 200:
            # Who asks is read before the transaction, and is not tried again.
            assert answer.status_code == 503, met.said
            assert post(asking, key).status_code == 200
        assert post(asking, key)["Idempotent-Replayed"] == "true"
    proven(stage)
    tell(stage, "lost to another", began, seed)


# The harness finds what is wrong --------------------------------------------------------------------------------------


def _cursor_before_the_documents(patch: pytest.MonkeyPatch) -> None:
    """The cursor is advanced in a transaction of its own, and the documents come after it."""

    def take_batch(lane: lifting.Lane, upto: int | None = None) -> int:
        reached = lane.reach()
        envelopes = lane.following(reached, upto=upto, limit=lifting.BATCH) if reached else ()
        for envelope in envelopes:
            lane.advance(replace(reached, delivered=envelope.seq, digest=bytes(envelope.digest)))
            transaction.on_commit(partial(lane.accept, envelope, orjson.loads(bytes(envelope.body))))
        return len(envelopes)

    patch.setattr(lifting, "take_batch", take_batch)


def _envelope_outside_the_transaction(patch: pytest.MonkeyPatch) -> None:
    """The envelope is appended by a connection of its own."""
    real = sending.append

    def append(**more: Any) -> int:
        def apart() -> int:
            try:
                with transaction.atomic():
                    return real(**more)
            finally:
                connection.close()

        with ThreadPoolExecutor(1) as pool:
            return pool.submit(contextvars.copy_context().run, apart).result(10)

    patch.setattr(sending, "append", append)


def _key_not_kept(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("apps.documents.services.claim", lambda **_: None)
    patch.setattr("apps.documents.services.keep_answer", lambda **_: None)


def _walk_publish(stage: Stage) -> None:
    walk_request(stage, "publish", "fault", every=True, chance=random.Random(1))


def _walk_delivery(stage: Stage) -> None:
    walk_delivery(stage, "publish", "fault", every=True, chance=random.Random(1))


def _lose_answers(stage: Stage) -> None:
    lose_answer(stage, "publish")


MUTANTS = [
    (_cursor_before_the_documents, _walk_delivery, r"delivery of publish, fault at \d+: "),
    (_envelope_outside_the_transaction, _walk_publish, r"publish, fault at \d+: "),
    (_key_not_kept, _lose_answers, "problems/not-allowed"),
]


@pytest.mark.usefixtures("undelivered")
@pytest.mark.parametrize(("mutant", "walk", "said"), MUTANTS, ids=[mutant[0].__name__.strip("_") for mutant in MUTANTS])
def test_a_fault_put_in_on_purpose_is_found(
    mutant: Callable[[pytest.MonkeyPatch], None], walk: Callable[[Stage], None], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    buyer, seller = partners()
    stage = Stage(buyer, seller, Chain(members=()))
    bring(stage)
    mutant(monkeypatch)
    with pytest.raises(AssertionError, match=said):
        walk(stage)
