"""One key, many requests: at once, a day later, with another body; and writers on one document from both sides."""

from __future__ import annotations

import datetime as dt
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from apps.base import clock
from apps.documents import models
from apps.documents.services import storing
from apps.documents.types import TYPES
from apps.exchange import services as exchange
from tests import seeds, tally
from tests.cast import Member, ask, fresh_number, line, make_pair, move, order, outside, unchanged
from tests.documents.conversations import SAYING

AT_ONCE = 16
WRITERS, ROUNDS, NIGHT_ROUNDS = 32, 2, 60
PATIENCE = 30.0
ORDER = TYPES["order"]


def apart(work: Callable[[int], Any], count: int) -> list[Any]:
    """Do it in so many threads that begin together."""
    begin = threading.Barrier(count)

    def one(number: int) -> Any:
        begin.wait(20)
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def asked(member: Member, method: str, path: str, body: Any = None, key: str = "") -> Any:
    """One request, after which the thread gives its connection back, as a server's does."""
    try:
        return member.api.request(method, path, body, headers={"Idempotency-Key": key} if key else {})
    finally:
        outside(connections.close_all)


def insisted(member: Member, path: str, body: Any, key: str) -> Any:
    """The answer to a request that is repeated with its key while the first one is running, or somebody else is quicker."""
    until = time.monotonic() + PATIENCE
    while True:
        answer = asked(member, "POST", path, body, key)
        running = answer.status_code == 409 and answer.json()["type"].endswith("still-running")
        if answer.status_code < 500 and not running:
            return answer
        assert time.monotonic() < until, answer.content
        time.sleep(random.uniform(0.01, 0.05))


def said(sender: Member) -> Counter[str]:
    rows = ask("SELECT kind, count(*) AS n FROM exchange_envelope WHERE sender_id = %s GROUP BY 1", [sender.id])
    return Counter({row["kind"]: row["n"] for row in rows})


def test_one_key_in_sixteen_threads_does_it_once(pair: tuple[Member, Member], monkeypatch: pytest.MonkeyPatch) -> None:
    do_it_once(*pair, monkeypatch)


def do_it_once(buyer: Member, seller: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    began = time.monotonic()
    body = {"seller": seller.slug, "number": fresh_number(), "currency": "EUR", "lines": [line("A-1")]}
    made = apart(lambda _number: insisted(buyer, "orders/", body, "make"), AT_ONCE)
    assert {answer.status_code for answer in made} == {201}
    assert len({answer.content for answer in made}) == 1
    assert sum("Idempotent-Replayed" not in answer.headers for answer in made) == 1
    uid = made[0].json()["uid"]
    path = f"orders/{uid}/moves/publish/"
    published = apart(lambda _number: insisted(buyer, path, {}, "publish"), AT_ONCE)
    assert ({answer.status_code for answer in published}, len({answer.content for answer in published})) == ({200}, 1)
    assert sum("Idempotent-Replayed" not in answer.headers for answer in published) == 1
    assert said(buyer) == {"order.publish": 1}
    confirmed = seller.api.post(f"orders/{uid}/moves/confirm/")
    assert confirmed.status_code == 200
    with unchanged(buyer, seller):
        later = timezone.now() + dt.timedelta(days=1, hours=1)
        monkeypatch.setattr(clock, "now", lambda: later)
        again = apart(lambda _number: insisted(buyer, path, {}, "publish"), AT_ONCE)
        assert {answer.content for answer in again} == {published[0].content}
        other = apart(lambda number: insisted(buyer, path, {"note": f"{number}"}, "publish"), AT_ONCE)
        assert {(answer.status_code, answer.json()["type"].rpartition("/")[2]) for answer in other} == {(422, "idempotency-key-taken")}
        elsewhere = buyer.api.post("orders/", {**body, "note": "x"}, headers={"Idempotency-Key": "make"})
        assert elsewhere.status_code == 422
    tally.tell("one key in sixteen threads", tried=4 * AT_ONCE + 1, seconds=time.monotonic() - began)


# Writers on one document from both sides -----------------------------------------------------------------------------


def wanted(member: Member, uid: Any, side: str, chance: random.Random) -> tuple[str, dict[str, Any]] | None:
    """A move that the document's state allows to this side, as it is read now."""
    answer = asked(member, "GET", f"orders/{uid}/")
    if answer.status_code == 404:
        return None
    ending = ("cancel", "accept_cancel", "close")
    moves = [found for found in ORDER.moves_for(state=answer.json()["state"], side=side) if found.code not in ending or chance.random() < 0.1]
    if not moves:
        return None
    chosen = chance.choice(moves)
    data = chance.choice([data for (effect, _outcome), data in SAYING.items() if effect == chosen.effect] or [{}])
    return chosen.code, {**data, **({"reason": "So it is."} if chosen.reason == "required" else {})}


def conserved(member: Member, uid: Any) -> None:
    """What is confirmed is what is agreed, schedule by schedule; what is asked adds up; all within one statement's view of the rows."""
    home = f'"{member.home.schema}"'
    counted = f"coalesce((SELECT sum(q.quantity) FROM {home}.documents_quantity q WHERE q.schedule_id = s.id AND q.kind = '%s'), 0) AS %s"
    counts = ", ".join(counted % (kind, kind) for kind in ("confirmed", "ordered"))
    rows = ask(
        f"SELECT s.id, s.kind, s.quantity, {counts}, l.id AS line, l.quantity AS whole "
        f"FROM {home}.documents_schedule s JOIN {home}.documents_line l ON l.id = s.line_id WHERE l.document_id = %s",
        [uid],
    )
    # Of a line of which nothing more is wanted, nothing is due.
    due: dict[Any, Decimal] = {row["line"]: Decimal(0) for row in rows}
    for row in rows:
        agreed = row["quantity"] if row["kind"] == "agreed" else Decimal(0)
        assert (row["confirmed"], row["ordered"]) == (agreed, agreed), row
        if row["kind"] == "requested":
            due[row["line"]] = due.get(row["line"], Decimal(0)) + row["quantity"]
    assert {row["line"]: row["whole"] for row in rows} == due


def write_from_both_sides(rounds: int) -> None:
    seed, began = seeds.fresh(), time.monotonic()
    buyer, seller = make_pair()
    two = [line("A-1"), line("A-2", "5", "9.99")]
    documents = [order(buyer, seller, two) for _round in range(rounds)]
    met: Counter[str] = Counter()

    def write(number: int) -> None:
        chance = random.Random(f"{seed} {number}")
        member, side = ((buyer, "buyer"), (seller, "seller"))[number % 2]
        for turn in range(3 * rounds):
            uid = documents[turn // 3]
            if found := wanted(member, uid, side, chance):
                answer = insisted(member, f"orders/{uid}/moves/{found[0]}/", found[1], f"w-{number}-{turn}")
                met[f"{answer.status_code}"] += 1
            conserved(member, uid)

    apart(write, WRITERS)
    assert set(met) <= {"200", "409", "404", "422"}, met
    outside(exchange.sweep)
    for uid in documents:
        _same_on_both_sides(buyer, seller, uid)
    made = sum(said(buyer).values()) + sum(said(seller).values())
    assert made == met["200"] + len(documents)
    tally.tell("writers on one document", tried=sum(met.values()), seconds=time.monotonic() - began, seed=seed, made=met["200"], refused=met["409"])


def _same_on_both_sides(buyer: Member, seller: Member, uid: Any) -> None:
    held = []
    for member in (buyer, seller):
        with member.acting():
            checked, differences = exchange.verify()
            assert differences == []
            assert {channel.halted for channel in checked} == {False}
            assert all(channel.delivered == channel.envelopes for channel in checked)
            content = storing.load(models.Document.objects.get(pk=uid))
        rows = [(row.id, row.quantity, row.price, row.agreed_price, row.requested, row.agreed, row.offer) for row in content.lines]
        held.append((content.state, content.number, content.amount(), rows))
        conserved(member, uid)
    assert held[0] == held[1]


def test_thirty_two_writers_on_both_sides_of_a_document(database: None) -> None:
    write_from_both_sides(ROUNDS)


@pytest.mark.night
def test_thirty_two_writers_on_both_sides_of_a_document_for_long(database: None) -> None:
    write_from_both_sides(NIGHT_ROUNDS)


# The harness finds what is wrong --------------------------------------------------------------------------------------


def test_a_quantity_that_is_counted_twice_is_found(pair: tuple[Member, Member], monkeypatch: pytest.MonkeyPatch) -> None:
    buyer, seller = pair
    sound, doubled = order(buyer, seller), order(buyer, seller)
    move(seller, sound, "confirm")
    conserved(seller, sound)
    real = storing.confirmed
    monkeypatch.setattr(storing, "confirmed", lambda gone, come: [*real(gone, come), *real([], come)])
    move(seller, doubled, "confirm")
    with pytest.raises(AssertionError):
        conserved(seller, doubled)


def test_a_key_that_is_not_claimed_is_found(pair: tuple[Member, Member], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.documents.services.claim", lambda **_: None)
    monkeypatch.setattr("apps.documents.services.keep_answer", lambda **_: None)
    with pytest.raises(AssertionError):
        do_it_once(*pair, monkeypatch)
