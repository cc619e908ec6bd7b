"""From one home to another: after the commit, in order, exactly once; and what happens where something stands in the way."""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from apps.base import clock, retrying
from apps.base.acting import as_operator
from apps.base.retrying import whole
from apps.catalog import models as catalog
from apps.documents import models
from apps.documents import selectors as documents
from apps.documents import services as engine
from apps.exchange import crossing, services
from apps.exchange import models as exchange
from apps.exchange.services import lifting
from apps.network import selectors as partners
from apps.network import services as network
from apps.tenants import boundary
from tests.cast import AT, Cast, Member, ask, befriend, fresh_number, line, make_pair, move, order, outside, provision, stock, unchanged, with_items


@pytest.fixture
def crash(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Whoever sends dies after his commit, before he delivers; calling it lets them live."""
    real = crossing.deliver
    monkeypatch.setattr(crossing, "deliver", lambda **_: 0)
    return lambda: monkeypatch.setattr(crossing, "deliver", real)


def state(member: Member, document: uuid.UUID) -> str | None:
    with member.acting():
        found = documents.head(id=document)
        return None if found is None else str(found["state"])


def cursor(sender: Member, receiver: Member) -> dict[str, Any]:
    query = (
        "SELECT c.head, u.delivered, u.halted_at, u.reason, u.attempts FROM exchange_channel c LEFT JOIN exchange_cursor u ON u.channel_id = c.id "
        "WHERE c.sender_id = %s AND c.receiver_id = %s"
    )
    return ask(query, [sender.id, receiver.id])[0]


def sweep() -> Any:
    return outside(services.sweep)


def proven(*members: Member) -> None:
    for member in members:
        with member.acting():
            assert services.verify()[1] == []


# After the commit ----------------------------------------------------------------------------------------------------


def test_both_sides_are_equal_after_each_move(pair: tuple[Member, Member]) -> None:
    buyer, seller = pair
    document = order(buyer, seller, [line("A-1"), line("A-2", "5", "9.99")], publish=False)
    split = {"line": 1, "price": "83.00", "schedules": [{"quantity": "18", "due_on": "2027-01-15"}, {"quantity": "22", "due_on": "2027-02-15"}]}
    moves = [
        *((buyer, "publish", None), (seller, "acknowledge", None), (seller, "confirm", {"lines": [split]})),
        *((buyer, "counter", {"lines": [{"line": 1, "price": "82.00"}]}), (seller, "confirm", {"lines": [split]}), (buyer, "refuse_response", None)),
        *((seller, "confirm", {"lines": [split]}), (buyer, "accept_response", None), (buyer, "cancel", {"reason": "x"})),
        (seller, "accept_cancel", None),
    ]  # fmt: skip
    for member, code, data in moves:
        move(member, document, code, data)
        wholes = []
        for side in pair:
            with side.acting():
                whole_document = documents.whole(id=document)
                assert whole_document is not None
                wholes.append((
                    *(str(whole_document.head[name]) for name in ("state", "number", "currency", "amount", "due_on", "issued_on", "line_count")),
                    [(row["id"], row["price"], row["offered_price"], row["agreed_price"], row["schedules"], row["reason"]) for row in whole_document.lines],
                ))  # fmt: skip
        assert wholes[0] == wholes[1]
    proven(*pair)


def test_each_side_sees_its_own_item_numbers(pair: tuple[Member, Member]) -> None:
    document = order(*pair)
    for member, number in zip(pair, ("A-1", "S-1"), strict=True):
        with member.acting():
            whole_document = documents.whole(id=document)
            assert whole_document is not None
            assert [row["item__number"] for row in whole_document.lines] == [number]


def test_nothing_is_delivered_before_the_commit(pair: tuple[Member, Member]) -> None:
    buyer, seller = pair
    with unchanged(seller), buyer.acting(), transaction.atomic():
        document = order(buyer, seller)
        with unchanged(seller):
            pass
        transaction.set_rollback(True)
    assert state(buyer, document) is None
    with buyer.acting(), transaction.atomic():
        document = order(buyer, seller)
        assert ask("SELECT count(*) AS n FROM exchange_envelope WHERE document = %s", [document])[0]["n"] == 0
    assert (state(buyer, document), state(seller, document)) == ("published", "published")


def test_whoever_asks_too_early_may_ask_again_with_his_key(pair: tuple[Member, Member], crash: Callable[[], None]) -> None:
    buyer, seller = pair
    uid = order(buyer, seller)
    confirm = f"orders/{uid}/moves/confirm/"
    key = {"Idempotency-Key": "early"}
    assert [seller.api.post(confirm, headers=key).status_code for _round in range(2)] == [404, 404]
    crash()
    sweep()
    first, again = (seller.api.post(confirm, headers=key) for _round in range(2))
    assert (first.status_code, again.status_code, again.content) == (200, 200, first.content)
    assert (first.headers.get("Idempotent-Replayed"), again["Idempotent-Replayed"]) == (None, "true")


def test_what_a_crash_left_the_sweep_delivers(pair: tuple[Member, Member], crash: Callable[[], None]) -> None:
    buyer, seller = pair
    ids = [order(buyer, seller) for _round in range(60)]
    assert {state(seller, document) for document in ids} == {None}
    assert cursor(buyer, seller)["head"] == 60
    crash()
    assert sweep().delivered >= 60
    assert {state(seller, document) for document in ids} == {"published"}
    with unchanged(*pair):
        sweep()
    assert cursor(buyer, seller)["delivered"] == 60
    proven(*pair)


def test_a_failed_delivery_does_not_undo_the_move(pair: tuple[Member, Member], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: Any) -> int:
        raise OperationalError("the connection is lost")

    buyer, seller = pair
    with monkeypatch.context() as patch:
        patch.setattr(crossing, "deliver", fail)
        document = order(buyer, seller)
    assert (state(buyer, document), state(seller, document)) == ("published", None)
    sweep()
    assert state(seller, document) == "published"


def test_a_backlog_is_left_to_the_sweep(pair: tuple[Member, Member], crash: Callable[[], None]) -> None:
    buyer, seller = pair
    for _round in range(lifting.BATCH + 5):
        order(buyer, seller)
    crash()
    order(buyer, seller)
    assert cursor(buyer, seller)["delivered"] == lifting.BATCH
    sweep()
    assert cursor(buyer, seller)["delivered"] == lifting.BATCH + 6
    proven(*pair)


def test_eight_deliver_at_once_and_each_word_is_taken_once(pair: tuple[Member, Member], crash: Callable[[], None]) -> None:
    buyer, seller = pair
    ids = [order(buyer, seller) for _round in range(120)]
    crash()
    start = threading.Barrier(8)

    def deliver(_number: int) -> int:
        start.wait(10)
        try:
            with as_operator():
                return crossing.deliver(sender=buyer.id, receiver=seller.id)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(deliver, range(8)))
    assert sum(taken) == 120
    with seller.acting():
        assert documents.heads(type="order").count() == 120
        assert [row["step"]["move"] for row in map(vars_of, documents.feed(limit=500))] == ["publish"] * 120
        told = [row["document"]["id"] for row in map(vars_of, documents.feed(limit=500))]
    assert told == ids
    proven(*pair)


def vars_of(happened: Any) -> dict[str, Any]:
    return {"step": happened.step, "document": happened.document}


def test_many_send_at_once_and_the_chain_holds(pair: tuple[Member, Member]) -> None:
    buyer, seller = pair

    def send(_number: int) -> list[uuid.UUID]:
        try:
            return [order(buyer, seller) for _round in range(10)]
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        ids = {document for found in pool.map(send, range(6)) for document in found}
    sweep()
    with seller.acting():
        assert set(documents.heads(type="order").values_list("pk", flat=True)) == ids
    assert (len(ids), cursor(buyer, seller)["head"], cursor(buyer, seller)["delivered"]) == (60, 60, 60)
    proven(*pair)


# What stands in the way ----------------------------------------------------------------------------------------------


def test_what_cannot_be_taken_halts_its_own_channel_and_goes_on_when_mended(
    make_pair: Callable[..., tuple[Member, Member]], monkeypatch: pytest.MonkeyPatch
) -> None:
    buyer, seller = make_pair()
    other = provision(f"other-{fresh_number('o')}")
    befriend(other, seller)
    stock(other, "O-1", "Other")
    other = with_items(other, "O-1")
    first = order(buyer, seller)
    with monkeypatch.context() as patch:
        patch.setattr("apps.documents.services.wording.parse", broken)
        stuck = order(buyer, seller)
        behind = order(buyer, seller)
    assert [state(seller, document) for document in (first, stuck, behind)] == ["published", None, None]
    halted = cursor(buyer, seller)
    assert (halted["head"], halted["delivered"], halted["reason"], halted["attempts"] >= 1) == (3, 1, "The move cannot be read: no such word", True)
    assert halted["halted_at"] is not None
    assert state(seller, order(other, seller)) == "published"
    assert state(buyer, move(seller, first, "confirm").pk) == "agreed"
    with as_operator():
        assert services.resume(channel=exchange.Channel.objects.get(sender_id=buyer.id, receiver_id=seller.id).pk) == 2
    mended = cursor(buyer, seller)
    assert (mended["delivered"], mended["halted_at"], mended["reason"], mended["attempts"]) == (3, None, "", 0)
    assert [state(seller, document) for document in (stuck, behind)] == ["published", "published"]
    proven(buyer, seller, other)


def broken(effect: str, data: Any) -> Any:
    raise ValueError("no such word")


def test_the_part_before_what_cannot_be_taken_is_taken(pair: tuple[Member, Member], crash: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    buyer, seller = pair
    ids = [order(buyer, seller) for _round in range(5)]
    crash()
    real = engine.accept

    def accept(*, body: Any, **more: Any) -> Any:
        if body["document"] == str(ids[3]):
            raise engine.Unacceptable("not this one")
        return real(body=body, **more)

    with monkeypatch.context() as patch:
        patch.setattr(engine, "accept", accept)
        assert sweep().halted >= 1
        assert [state(seller, document) for document in ids] == [*["published"] * 3, None, None]
    halted = cursor(buyer, seller)
    assert (halted["delivered"], halted["reason"]) == (3, "not this one")
    monkeypatch.setattr(clock, "now", lambda: timezone.now() + dt.timedelta(hours=2))
    sweep()
    assert [state(seller, document) for document in ids] == ["published"] * 5


def test_two_things_that_are_stuck_hold_up_no_other_channel(make_pair: Callable[..., tuple[Member, Member]], crash: Callable[[], None]) -> None:
    """Of two types that are not agreed any more, the first one in the channel halts it; the sweep goes on to the next channel."""
    buyer, seller = provision(f"two-{fresh_number('t')}"), provision(f"types-{fresh_number('t')}")
    partnership = befriend(buyer, seller, types=("order", "promise"))
    stock(buyer, "A-1", "Item")
    first = order(with_items(buyer, "A-1"), seller)
    with buyer.acting(), transaction.atomic():
        asked = {"type": "promise", "document": str(uuid.uuid4())}
        services.sending.append(partner_id=seller.id, partnership_id=partnership, kind="promise.ask", document=first, seen=0, content=asked, at=AT)
    with seller.acting():
        network.suspend(partnership=partnership, by=seller.actor, at=AT)
    others = make_pair()
    other = order(*others)
    crash()
    sweep()
    halted = cursor(buyer, seller)
    assert (halted["delivered"], halted["attempts"], halted["halted_at"] is not None) == (0, 1, True)
    assert (state(seller, first), state(others[1], other)) == (None, "published")


def test_a_halted_channel_is_tried_again_at_growing_distances(pair: tuple[Member, Member], monkeypatch: pytest.MonkeyPatch) -> None:
    buyer, seller = pair
    began = timezone.now()
    with monkeypatch.context() as patch:
        patch.setattr("apps.documents.services.wording.parse", broken)
        patch.setattr(clock, "now", lambda: began)
        order(buyer, seller)
        assert cursor(buyer, seller)["attempts"] == 1
        for minutes, attempts in ((0.9, 1), (1.1, 2), (2.9, 2), (3.1, 3), (6.9, 3), (7.1, 4)):
            patch.setattr(clock, "now", lambda minutes=minutes: began + dt.timedelta(minutes=minutes))
            sweep()
            assert (minutes, cursor(buyer, seller)["attempts"]) == (minutes, attempts)
    outside(services.sweep, even_halted=True)
    assert cursor(buyer, seller)["attempts"] == 0


# Who may say what to whom --------------------------------------------------------------------------------------------


def test_a_move_without_a_partnership_in_force_fails_whole(make_pair: Callable[..., tuple[Member, Member]]) -> None:
    for change in ("suspend", "end"):
        for index in (0, 1):
            buyer, seller = make_pair()
            document, drafted = order(buyer, seller), order(buyer, seller, publish=False)
            with (buyer, seller)[index].acting():
                mine = partners.partners()[0]
                getattr(network, change)(partnership=mine.partnership_id, by=buyer.actor, at=AT)
            with unchanged(buyer, seller):
                for member, code, which in ((buyer, "publish", drafted), (seller, "confirm", document), (buyer, "cancel", document)):
                    with pytest.raises(partners.NoPartner):
                        move(member, which, code)


def test_an_agreement_without_the_type_carries_nothing(cast: Cast) -> None:
    one, two = provision(f"one-{fresh_number('n')}"), provision(f"two-{fresh_number('n')}")
    with one.acting():
        partnership = network.invite(slug=two.slug, role="supplier", document_types=["order"], by=one.actor, at=AT).partnership_id
    stock(one, "A-1", "Item")
    one = with_items(one, "A-1")
    with two.acting():
        network.accept(partnership=partnership, document_types=["invoice"], by=two.actor, at=AT)
    with unchanged(one, two), pytest.raises(Exception, match=r"You and “.*” have not agreed to exchange this kind of document"):
        order(one, two)


def test_what_was_said_in_force_waits_while_suspended(pair: tuple[Member, Member], crash: Callable[[], None]) -> None:
    buyer, seller = pair
    document = order(buyer, seller)
    crash()
    with seller.acting():
        mine = partners.partners()[0].partnership_id
        network.suspend(partnership=mine, by=seller.actor, at=AT)
    sweep()
    assert (state(seller, document), cursor(buyer, seller)["halted_at"] is not None) == (None, True)
    with seller.acting():
        network.resume(partnership=mine, by=seller.actor, at=AT)
    outside(services.sweep, even_halted=True)
    assert (state(seller, document), cursor(buyer, seller)["halted_at"]) == ("published", None)


def test_a_document_of_two_others_is_not_moved_by_a_third(cast: Cast) -> None:
    """A partner may say what he likes of a document that is not his: it is not taken, and halts his own channel only."""
    buyer, seller = make_pair()
    third = provision(f"third-{fresh_number('t')}")
    befriend(third, seller)
    document = order(buyer, seller)
    body = {
        "type": "order", "document": str(document), "step": str(uuid.uuid4()), "move": "cancel", "side": "buyer", "said": 2, "seen": 0,
        "at": AT.isoformat(), "by": "nobody", "data": {"note": "", "reason": ""},
    }  # fmt: skip
    with third.acting(), transaction.atomic():
        partnership = partners.agreed(id=seller.id, document_type="order")
        services.sending.append(partner_id=seller.id, partnership_id=partnership, kind="order.cancel", document=document, seen=0, content=body, at=AT)
    with unchanged(buyer):
        sweep()
    assert state(seller, document) == "published"
    halted = cursor(third, seller)
    assert (halted["delivered"], halted["reason"]) == (0, "This document is not between these two enterprises.")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"type": "nothing"}, "Nobody here knows “nothing.publish”."),
        ({"move": "explode"}, "Nobody here knows “order.explode”."),
        ({"side": "seller"}, "Nobody here knows “order.publish”."),
        ({"said": 2}, "The first word about a document must be its publication."),
        ({"move": "cancel"}, "The first word about a document must be its publication."),
        ({"data": {}}, "The move cannot be read: 'issued_on'"),
    ],
)
def test_what_breaks_the_rules_is_not_taken(change: dict[str, Any], reason: str) -> None:
    buyer, seller = make_pair()
    data = {"number": "1", "currency": "EUR", "issued_on": None, "note": "", "details": {}, "lines": [], "reason": ""}
    body = {
        "type": "order", "document": str(uuid.uuid4()), "step": str(uuid.uuid4()), "move": "publish", "side": "buyer", "said": 1, "seen": 0,
        "at": AT.isoformat(), "by": "nobody", "data": data, **change,
    }  # fmt: skip
    with buyer.acting(), transaction.atomic():
        partnership = partners.agreed(id=seller.id, document_type="order")
        services.sending.append(partner_id=seller.id, partnership_id=partnership, kind="order.publish", document=uuid.uuid4(), seen=0, content=body, at=AT)
    sweep()
    halted = cursor(buyer, seller)
    assert (halted["delivered"], halted["reason"]) == (0, reason)
    with seller.acting():
        assert documents.heads(type="order").count() == 0


# Inline --------------------------------------------------------------------------------------------------------------


def test_an_inline_move_stands_on_both_sides_or_on_none(pair: tuple[Member, Member]) -> None:
    buyer, seller = pair
    order(buyer, seller)
    with unchanged(*pair), buyer.acting():
        document = order(buyer, seller, publish=False)
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            engine.apply(document=document, move="publish", by=buyer.actor, at=AT, inline=True)
            assert documents.head(id=document)["state"] == "published"  # type: ignore[index]
            with boundary.enter(seller.home):
                assert documents.head(id=document)["state"] == "published"  # type: ignore[index]
            assert catalog.Item.objects.filter(number="A-1").exists()
            raise ZeroDivisionError
        engine.apply(document=document, move="cancel", by=buyer.actor, at=AT)
        drop(document)
    document = order(buyer, seller, publish=False)
    move(buyer, document, "publish", inline=True)
    assert (state(buyer, document), state(seller, document)) == ("published", "published")
    proven(*pair)


def drop(document: uuid.UUID) -> None:
    """A draft of one's own that was never said can be removed; here only so that the homes can be compared."""
    with connection.cursor() as asked:
        asked.execute("SELECT current_user::text")
        schema = asked.fetchone()[0]
    ask(f'DELETE FROM "{schema}".documents_step WHERE document_id = %s', [document])
    models.Document.objects.filter(pk=document).delete()


def test_an_inline_move_that_the_partner_cannot_take_fails_whole(pair: tuple[Member, Member], monkeypatch: pytest.MonkeyPatch) -> None:
    buyer, seller = pair
    document = order(buyer, seller, publish=False)
    monkeypatch.setattr("apps.documents.services.wording.parse", broken)
    with unchanged(*pair), pytest.raises(crossing.Stuck, match="The move cannot be read: no such word"):
        move(buyer, document, "publish", inline=True)


def test_a_conversation_does_not_come_back_and_does_not_go_too_deep(cast: Cast) -> None:
    with cast.maker.acting(), boundary.enter(cast.supplier.home), boundary.enter(cast.subsupplier.home):
        with connection.cursor() as asked:
            asked.execute("SELECT current_user::text")
            assert asked.fetchone() == (cast.subsupplier.home.schema,)
        for member in (cast.maker, cast.supplier, cast.subsupplier):
            with pytest.raises(boundary.NoWay, match="would come back"), boundary.enter(member.home):
                pass
    chain = [provision(f"tier-{level}-{fresh_number('t')}") for level in range(9)]
    assert boundary.DEEPEST == 8
    with pytest.raises(boundary.NoWay, match="more than eight"):
        descend(chain)
    with chain[0].acting():
        descend_from(chain[1:8])


def descend(chain: list[Member]) -> None:
    with chain[0].acting():
        descend_from(chain[1:])


def descend_from(chain: list[Member]) -> None:
    if chain:
        with boundary.enter(chain[0].home):
            assert catalog.Item.objects.count() == 0
            descend_from(chain[1:])


def test_after_a_visit_the_host_stands_where_he_stood(cast: Cast) -> None:
    with cast.maker.acting(), transaction.atomic():
        mine = set(catalog.Item.objects.values_list("number", flat=True))
        with pytest.raises(ZeroDivisionError), boundary.enter(cast.supplier.home), transaction.atomic():
            assert set(catalog.Item.objects.values_list("number", flat=True)) == set(cast.supplier.items)
            raise ZeroDivisionError
        assert set(catalog.Item.objects.values_list("number", flat=True)) == mine


# Deadlocks -----------------------------------------------------------------------------------------------------------


def test_two_transactions_that_wait_for_one_another_are_both_done(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL ends one of them (40P01); `whole` runs it again from the start, and nothing is done twice."""
    first, second = order(cast.maker, cast.supplier, publish=False), order(cast.maker, cast.supplier, publish=False)
    met = threading.Barrier(2)
    tries: list[int] = []

    def both(mine: uuid.UUID, theirs: uuid.UUID, name: int) -> None:
        attempts = 0

        def work() -> None:
            nonlocal attempts
            attempts += 1
            with transaction.atomic():
                touch(mine)
                if attempts == 1:
                    met.wait(10)
                touch(theirs)

        with cast.maker.acting():
            whole(work)
        tries.append(attempts)
        connection.close()

    def touch(document: uuid.UUID) -> None:
        with connection.cursor() as asked:
            asked.execute("UPDATE documents_document SET line_count = line_count + 10 WHERE id = %s", [document])

    threads = [threading.Thread(target=both, args=(*ids, n)) for n, ids in enumerate([(first, second), (second, first)])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(tries) == [1, 2]
    with cast.maker.acting():
        assert [documents.head(id=document)["line_count"] for document in (first, second)] == [21, 21]  # type: ignore[index]


def test_only_a_lost_transaction_is_tried_again(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    tries = 0

    def fail(sqlstate: str) -> None:
        nonlocal tries
        tries += 1
        cause = Exception()
        cause.sqlstate = sqlstate  # type: ignore[attr-defined]
        raise OperationalError from cause

    with cast.maker.acting():
        for sqlstate, times in (("40001", retrying.TRIES), ("40P01", retrying.TRIES), ("57014", 1), ("08006", 1)):
            tries = 0
            with pytest.raises(OperationalError):
                whole(lambda: fail(sqlstate))  # noqa: B023
            assert (sqlstate, tries) == (sqlstate, times)
        with transaction.atomic():
            tries = 0
            with pytest.raises(OperationalError), transaction.atomic():
                whole(lambda: fail("40001"))
            assert tries == 1


@pytest.mark.parametrize("taken_back", [False, True])
def test_who_speaks_back_while_he_listens_takes_each_word_once(
    pair: tuple[Member, Member], crash: Callable[[], None], monkeypatch: pytest.MonkeyPatch, taken_back: bool
) -> None:
    """The seller speaks inline of the order that he is just taking in; the buyer answers by another one, in the very channel that is being read.

    taken_back: the seller's words, and all that came of them, are undone, and he reads on.
    """
    buyer, seller = pair
    first, *others = [order(buyer, seller) for _order in range(3)]
    answer = order(buyer, seller, publish=False)
    crash()
    accept, heard = crossing._accept, list[int]()

    def accepting(envelope: lifting.Taken, body: dict[str, Any]) -> None:
        accept(envelope, body)
        if envelope.kind == "order.acknowledge":
            engine.apply(document=answer, move="publish", by=buyer.actor, at=AT, inline=True)
            return
        heard.append(envelope.seq)
        if envelope.seq == 1:
            with contextlib.suppress(ZeroDivisionError), transaction.atomic():
                engine.apply(document=first, move="acknowledge", by=seller.actor, at=AT, inline=True)
                assert heard == [1, 2, 3, 4]
                if taken_back:
                    raise ZeroDivisionError

    monkeypatch.setattr(crossing, "_accept", accepting)
    sweep()
    assert heard == ([1, 2, 3, 4, 2, 3] if taken_back else [1, 2, 3, 4])
    reached = cursor(buyer, seller)
    assert (reached["head"], reached["delivered"], reached["reason"]) == ((3, 3, "") if taken_back else (4, 4, ""))
    assert [state(seller, document) for document in (first, *others, answer)] == (
        ["published", "published", "published", None] if taken_back else ["acknowledged", "published", "published", "published"]
    )
    proven(*pair)
