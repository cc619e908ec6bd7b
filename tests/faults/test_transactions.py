"""A fault at every statement of what a client asks for, and of its delivery: no half effect. When the answer to the COMMIT is lost, the repetition gives it."""

from __future__ import annotations

import contextvars
import datetime as dt
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
from apps.documents.types import TYPES
from apps.exchange import crossing
from apps.exchange import services as exchange
from apps.exchange.services import lifting, sending
from tests import seeds, tally
from tests.cast import Member, fresh_number, line, order, outside, snapshot
from tests.cast import ask as ask_database
from tests.faults.breaking import Kind, answer_lost, failing_at, fingerprint
from tests.logistics.deliveries import partners
from tests.scheduling.chain import Chain, make_chain

SAMPLE = 2
EVERY = ("publish", "answer", "deliver publish")
"""What is tried at every statement in every run; the rest by night, and by day at some of them."""
LOST = ("publish", "ship", "repromise")
"""Of these the answer to the COMMIT of the delivery is lost by day, too."""
CHANGE = {"lines": [{"line": 1, "price": "83.00", "schedules": [{"quantity": "18", "due_on": "2027-01-15"}, {"quantity": "22", "due_on": "2027-02-15"}]}]}


@dataclass
class Stage:
    """Who acts, and what was tried. chain: companies between whom promises go inline, one with a machine. made: the moves that were counted."""

    buyer: Member
    seller: Member
    chain: Chain
    tried: int = 0
    statements: dict[str, int] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)

    @property
    def members(self) -> tuple[Member, ...]:
        return (self.buyer, self.seller, *self.chain.members)


@pytest.fixture(scope="module")
def stage(database: None) -> Stage:
    buyer, seller = partners()
    answer = seller.api.post("stock/moves/", {"item": "S-1", "quantity": "500", "from": "production", "to": "stock"})
    assert answer.status_code == 201, answer.content
    return Stage(buyer, seller, make_chain(2))


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


def _accept(stage: Stage) -> Asking:
    """The buyer accepts what was changed."""
    return stage.buyer, f"orders/{_answered(stage)}/moves/accept_response/", {}, {}


def _accept_counter(stage: Stage) -> Asking:
    """The seller accepts what the buyer said against the change."""
    member, path, body, _more = _counter(stage)
    assert member.api.post(path, body).status_code == 200
    bring(stage)
    return stage.seller, path.replace("counter", "confirm"), {}, {}


def _agreed(stage: Stage) -> str:
    return _answered(stage, {})


def _change(stage: Stage) -> Asking:
    """The buyer asks for a change of what is agreed."""
    return stage.buyer, f"orders/{_agreed(stage)}/moves/change/", {"lines": [{"line": 1, "price": "80.00", "schedules": LATER}]}, {}


LATER = [{"quantity": "45", "due_on": "2027-03-01"}]


def _accept_change(stage: Stage) -> Asking:
    """The seller agrees to it: what was agreed is withdrawn, and what was counted on it goes along."""
    order = _part_shipped(stage)
    assert stage.buyer.api.post(f"orders/{order}/moves/change/", {"lines": [{"line": 1, "schedules": LATER}]}).status_code == 200
    bring(stage)
    return stage.seller, f"orders/{order}/moves/confirm/", {}, {}


def _propose_change(stage: Stage) -> Asking:
    return stage.seller, f"orders/{_agreed(stage)}/moves/propose_change/", {"lines": [{"line": 1, "schedules": LATER}]}, {}


def _hold_order(stage: Stage) -> Asking:
    return stage.buyer, f"orders/{_agreed(stage)}/moves/hold/", {}, {}


def _ask_cancel(stage: Stage) -> Asking:
    return stage.buyer, f"orders/{_agreed(stage)}/moves/cancel/", {"reason": "No more"}, {}


def _resume_order(stage: Stage) -> Asking:
    member, path, body, _more = _hold_order(stage)
    assert member.api.post(path, body).status_code == 200
    bring(stage)
    return member, path.replace("hold", "resume"), {}, {}


def _refuse_to_cancel(stage: Stage) -> Asking:
    member, path, body, more = _agree_to_cancel(stage)
    return member, path.replace("accept_cancel", "refuse_cancel"), body, more


def _agree_to_cancel(stage: Stage) -> Asking:
    member, path, body, _more = _ask_cancel(stage)
    assert member.api.post(path, body).status_code == 200
    bring(stage)
    return stage.seller, path.replace("cancel", "accept_cancel"), {}, {}


def _close(stage: Stage) -> Asking:
    """Short: something has come, and the rest is given up."""
    order = _part_shipped(stage)
    advice = stage.seller.api.get("despatch-advices/").json()["results"][0]["uid"]
    answer = stage.buyer.api.post("receipt-advices/", {"despatch_advice": advice, "lines": [{"line": 1, "received": "30"}]})
    assert answer.status_code == 201, answer.content
    assert stage.buyer.api.post(f"receipt-advices/{answer.json()['uid']}/moves/send/").status_code == 200
    bring(stage)
    return stage.buyer, f"orders/{order}/moves/close/", {"reason": "Enough"}, {}


def _part_shipped(stage: Stage) -> str:
    """An agreed order of which a part has left; its uid."""
    uid = _shipped(stage)
    return str(stage.seller.api.get(f"despatch-advices/{uid}/").json()["lines"][0]["order"]["uid"])


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


def _shipped(stage: Stage) -> str:
    uid = _packed(stage)
    assert stage.seller.api.post(f"despatch-advices/{uid}/moves/ship/").status_code == 200
    bring(stage)
    return uid


def _replace(stage: Stage) -> Asking:
    uid = _shipped(stage)
    line = stage.seller.api.get(f"despatch-advices/{uid}/").json()["lines"][0]
    body = {"lines": [{"order": line["order"]["uid"], "line": line["order"]["line"], "quantity": "29"}]}
    return stage.seller, f"despatch-advices/{uid}/moves/replace/", body, {}


def _cancel_advice(stage: Stage) -> Asking:
    return stage.seller, f"despatch-advices/{_shipped(stage)}/moves/cancel/", {}, {}


def _receive(stage: Stage) -> Asking:
    uid = _shipped(stage)
    answer = stage.buyer.api.post("receipt-advices/", {"despatch_advice": uid, "lines": [{"line": 1, "received": "28", "short": "2"}]})
    assert answer.status_code == 201, answer.content
    return stage.buyer, f"receipt-advices/{answer.json()['uid']}/moves/send/", {}, {}


def _promise(stage: Stage, hold_minutes: int = 30) -> Asking:
    """Said inline: the seller takes it in, plans, and answers in the same transaction."""
    body = {"seller": stage.chain.maker.slug, "item": "N1", "quantity": "1", "unit": "C62", "due_on": "2027-03-18", "hold_minutes": hold_minutes}
    return stage.chain.customer, "promises/", body, {}


def _promised(stage: Stage, hold_minutes: int = 30) -> str:
    member, path, body, _more = _promise(stage, hold_minutes)
    answer = member.api.post(path, body)
    assert answer.status_code == 201, answer.content
    bring(stage)
    return str(answer.json()["uid"])


def _hold(stage: Stage) -> Asking:
    return stage.chain.customer, f"promises/{_promised(stage, 0)}/moves/hold/", {"hold_minutes": 60}, {}


def _commit(stage: Stage) -> Asking:
    """The promise becomes an order, here and one tier further."""
    return stage.chain.customer, f"promises/{_promised(stage)}/moves/commit/", {"number": fresh_number()}, {}


def _release(stage: Stage) -> Asking:
    return stage.chain.customer, f"promises/{_promised(stage)}/moves/release/", {}, {}


def _repromise(stage: Stage) -> Asking:
    """A machine breaks, each time for some days longer, and whoever was promised what it makes hears of another day."""
    member, path, body, _more = _commit(stage)
    assert member.api.post(path, body).status_code == 200
    bring(stage)
    (machine,) = stage.chain.maker.api.get("resources/").json()["results"]
    until = dt.date(2027, 4, 1) + dt.timedelta(days=3 * next(_breaks))
    return stage.chain.maker, f"resources/{machine['uid']}/moves/break/", {"until": f"{until}T00:00:00Z", "reason": "Spindle"}, {}


ASKING: dict[str, Callable[[Stage], Asking]] = {
    "draft": _draft,
    "publish": _publish,
    "answer": _answer,
    "counter": _counter,
    "accept": _accept,
    "accept counter": _accept_counter,
    "cancel": _cancel,
    "change": _change,
    "accept change": _accept_change,
    "propose change": _propose_change,
    "hold order": _hold_order,
    "resume order": _resume_order,
    "ask to cancel": _ask_cancel,
    "refuse to cancel": _refuse_to_cancel,
    "agree to cancel": _agree_to_cancel,
    "close": _close,
    "message": _message,
    "file": _file,
    "ship": _ship,
    "replace": _replace,
    "cancel advice": _cancel_advice,
    "receive": _receive,
    "promise inline": _promise,
    "hold inline": _hold,
    "commit inline": _commit,
    "release inline": _release,
    "repromise": _repromise,
}
CROSSING = [name for name in ASKING if name != "draft" and not name.endswith(" inline")]
_keys, _breaks = itertools.count(1), itertools.count(1)


def bring(stage: Stage) -> None:
    """Deliver what waits between partners, whatever the fixtures hold back."""
    for one, other in ((stage.buyer, stage.seller), *itertools.pairwise(stage.chain.members)):
        deliver(one, other)
        deliver(other, one)


def listener(stage: Stage, sender: Member) -> Member:
    """Who hears what this one says."""
    pair = (stage.buyer, stage.seller) if sender in (stage.buyer, stage.seller) else stage.chain.members[:2]
    return pair[1] if sender == pair[0] else pair[0]


def steps(stage: Stage) -> dict[str, str]:
    """Each own step in the homes, and which move it was."""
    found = {}
    for schema in (member.home.schema for member in stage.members):
        rows = ask_database(
            f'SELECT s.id::text, d.type, s.move FROM "{schema}".documents_step s JOIN "{schema}".documents_document d ON d.id = s.document_id WHERE own'
        )
        found.update({row["id"]: f"{row['type']}.{row['move']}" for row in rows})
    return found


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
        earlier = steps(stage)
        with failing_at(None) as counted:
            done = post(asking, f"count-{next(_keys)}")
        assert done.status_code in (200, 201), done.content
        stage.made |= {move for step, move in steps(stage).items() if step not in earlier}
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
    for _round in range(2):  # what a process reads once is not counted
        sender, receiver = said(stage, name)
        with failing_at(None) as met:
            assert deliver(sender, receiver) >= 1
        counted = met.count
    sender, receiver = said(stage, name)
    before, whole = fingerprint(stage.members), snapshot(*stage.members)
    for number in points(stage, f"deliver {name}, {kind}", counted, every=every, chance=chance):
        with failing_at(number, kind) as met:
            delivered = is_delivered(sender, receiver)
        connection.close_if_unusable_or_obsolete()
        if delivered:
            # What is looked up takes a statement less at times: this one was not reached, and there is another delivery to try the next one at.
            assert met.count < number, f"delivery of {name}, {kind} at {number}: {met.said[number - 1]}"
            sender, receiver = said(stage, name)
            before, whole = fingerprint(stage.members), snapshot(*stage.members)
            continue
        unhurt(stage, before, f"delivery of {name}, {kind} at {number}: {met.said[number - 1]}")
    assert snapshot(*stage.members) == whole
    assert deliver(sender, receiver) >= 1
    assert deliver(sender, receiver) == 0


def said(stage: Stage, name: str) -> tuple[Member, Member]:
    """Something was said that is not delivered yet. Gives who said it, and to whom."""
    asking = ASKING[name](stage)
    receiver = listener(stage, asking[0])
    assert post(asking, f"deliver-{next(_keys)}").status_code in (200, 201)
    return asking[0], receiver


def is_delivered(sender: Member, receiver: Member) -> bool:
    try:
        deliver(sender, receiver)
    except OperationalError:
        return False
    return True


def lose_delivery(stage: Stage, name: str) -> None:
    """The process does not hear that a delivery was written: the next one finds it done, and does not do it twice."""
    asking = ASKING[name](stage)
    bring(stage)
    sender, receiver = asking[0], listener(stage, asking[0])
    assert post(asking, f"lost-{next(_keys)}").status_code in (200, 201)
    before, heard = waiting(sender, receiver), taken(receiver)
    with answer_lost() as cut, pytest.raises(OperationalError):
        deliver(sender, receiver)
    connection.close_if_unusable_or_obsolete()
    assert (cut, before > 0, waiting(sender, receiver)) == ([True], True, 0), name
    assert taken(receiver) == heard + before, f"{name} counts as delivered, and its documents are not there"
    whole = snapshot(*stage.members)
    assert deliver(sender, receiver) == 0, f"{name} was delivered twice"
    assert snapshot(*stage.members) == whole, f"{name} was delivered twice"
    stage.tried += 1


def waiting(sender: Member, receiver: Member) -> int:
    """How many envelopes of this way were not delivered yet."""
    query = (
        "SELECT coalesce(sum(c.head - coalesce(u.delivered, 0)), 0) AS n FROM exchange_channel c "
        "LEFT JOIN exchange_cursor u ON u.channel_id = c.id WHERE c.sender_id = %s AND c.receiver_id = %s"
    )
    return int(ask_database(query, [sender.id, receiver.id])[0]["n"])


def taken(receiver: Member) -> int:
    """How much of what partners said stands in a home: steps, words and files."""
    schema = receiver.home.schema
    counts = (
        f'(SELECT count(*) FROM "{schema}".documents_step WHERE NOT own AND envelope IS NOT NULL)',
        *(f'(SELECT count(*) FROM "{schema}".documents_{table} WHERE NOT own)' for table in ("message", "attachment")),
    )
    return int(ask_database(f"SELECT {' + '.join(counts)} AS n")[0]["n"])


def proven(stage: Stage) -> None:
    bring(stage)
    for member in stage.members:
        with member.acting():
            checked, differences = exchange.verify()
        assert differences == []
        assert {channel.halted for channel in checked} <= {False}


def untried(made: set[str]) -> set[str]:
    """The effects of declared moves that cross, and that no counted request had."""
    effects = {f"{kind.code}.{each.code}": each.effect for kind in TYPES.values() for each in kind.moves if each.crosses}
    return set(effects.values()) - {effect for move, effect in effects.items() if move in made}


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
    assert untried(stage.made) == set(), "what a move does to a document was tried with no fault"
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
    for name in LOST:
        lose_delivery(stage, name)
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
        lose_delivery(stage, name)
    assert untried(stage.made) == set()
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


def _lose_delivery(stage: Stage) -> None:
    lose_delivery(stage, "publish")


MUTANTS = [
    (_cursor_before_the_documents, _walk_delivery, r"delivery of publish, fault at \d+: "),
    (_envelope_outside_the_transaction, _walk_publish, r"publish, fault at \d+: "),
    (_key_not_kept, _lose_answers, "problems/not-allowed"),
    (_cursor_before_the_documents, _lose_delivery, "publish counts as delivered, and its documents are not there"),
]


@pytest.mark.usefixtures("undelivered")
@pytest.mark.parametrize(("mutant", "walk", "said"), MUTANTS, ids=[f"{mutant[0].__name__.strip('_')}-{mutant[1].__name__.strip('_')}" for mutant in MUTANTS])
def test_a_fault_put_in_on_purpose_is_found(
    mutant: Callable[[pytest.MonkeyPatch], None], walk: Callable[[Stage], None], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    buyer, seller = partners()
    stage = Stage(buyer, seller, Chain(members=()))
    bring(stage)
    mutant(monkeypatch)
    with pytest.raises(AssertionError, match=said):
        walk(stage)
