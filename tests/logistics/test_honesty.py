"""What a partner says is taken as what it is: a line that counts something else than it says halts its channel, and changes nothing."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from apps.documents.services import Unacceptable, accept
from apps.exchange import crossing
from tests.cast import Member, ask, line, unchanged
from tests.logistics.deliveries import advice, agreed, partners, proven, receipt, state, sums

Change = Callable[[dict[str, Any]], None]


def said_by(sender: Member, kind: str) -> dict[str, Any]:
    """The newest envelope of a kind, as its sender wrote it."""
    row = ask("SELECT body FROM exchange_envelope WHERE sender_id = %s AND kind = %s ORDER BY seq DESC LIMIT 1", [sender.id, kind])[0]
    content: dict[str, Any] = orjson.loads(bytes(row["body"]))["content"]
    return content


def take(receiver: Member, sender: Member, body: dict[str, Any]) -> None:
    with receiver.acting():
        accept(body=body, partner_id=sender.id, envelope=10**6)


def first(body: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = body["data"]["lines"][0]["details"]
    return found


DISHONEST: list[tuple[str, Change]] = [
    ("counts that it was accepted", lambda body: first(body)["counts"].update(accepted="40")),
    ("counts more than it ships", lambda body: first(body)["counts"].update(shipped="41")),
    ("counts nothing", lambda body: first(body).pop("counts")),
    ("counts what nobody knows", lambda body: first(body)["counts"].update(paid_twice="1")),
    ("counts no number", lambda body: first(body)["counts"].update(shipped="many")),
    ("names an order that is none", lambda body: first(body).update(order=str(uuid.uuid4()))),
    ("names no order's line", lambda body: first(body).update(order_line=99)),
    ("names a line by a word", lambda body: first(body).update(order_line="one")),
    ("has a lot that is no text", lambda body: first(body).update(lot=7)),
    ("has no serial numbers at all", lambda body: first(body).pop("serials")),
    ("bears a digest that is no text", lambda body: first(body).update(configuration={"digest": 7})),
    ("packs another quantity", lambda body: body["data"]["details"]["units"][0]["contains"][0].update(quantity="39")),
    ("packs in a unit without SSCC", lambda body: body["data"]["details"]["units"][0].update(sscc="")),
    ("packs in a unit with a wrong check digit", lambda body: body["data"]["details"]["units"][0].update(sscc="340123450000000018")),
    ("packs what is no unit", lambda body: body["data"]["details"].update(units="all")),
    ("arrives on no day", lambda body: body["data"]["details"].update(arrives_on="soon")),
    ("is tracked by a list", lambda body: body["data"]["details"].update(tracking=["x"])),
]


@pytest.fixture(scope="module")
def shipped(database: None) -> tuple[Member, Member, dict[str, Any]]:
    """A delivery that was said and not heard yet."""
    buyer, seller = partners()
    order = agreed(buyer, seller)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crossing, "deliver", lambda **_: 0)
        advice(seller, [{"order": order, "line": 1, "quantity": "40"}], units=[{"sscc": "340123450000000017", "contains": [{"line": 1, "quantity": "40"}]}])
    return buyer, seller, said_by(seller, "despatch_advice.ship")


@pytest.mark.parametrize("change", [change for _name, change in DISHONEST], ids=[name for name, _change in DISHONEST])
def test_a_delivery_is_not_taken_that(shipped: tuple[Member, Member, dict[str, Any]], change: Change) -> None:
    buyer, seller, body = shipped
    forged = copy.deepcopy(body)
    change(forged)
    with unchanged(buyer), pytest.raises(Unacceptable):
        take(buyer, seller, forged)


FALSE_RECEIPTS: list[tuple[str, Change]] = [
    ("accepts more than it received", lambda body: first(body)["counts"].update(accepted="41")),
    ("receives more than it counts", lambda body: body["data"]["lines"][0].update(quantity="39")),
    ("is short of what came", lambda body: first(body)["counts"].update(short="1")),
    ("credits what was accepted", lambda body: first(body)["counts"].update(credited="40")),
    ("counts that it was shipped", lambda body: first(body)["counts"].update(shipped="40")),
    ("rejects less than nothing", lambda body: first(body)["counts"].update(rejected="-1", accepted="41")),
    ("has a reason that is none", lambda body: first(body).update(reason=12)),
    ("answers a line that is a word", lambda body: first(body).update(despatch_line="one")),
]


@pytest.fixture(scope="module")
def received(database: None) -> tuple[Member, Member, dict[str, Any]]:
    """A receipt that was said and not heard yet."""
    buyer, seller = partners()
    sent = advice(seller, [{"order": agreed(buyer, seller), "line": 1, "quantity": "40"}])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crossing, "deliver", lambda **_: 0)
        receipt(buyer, sent, [{"line": 1, "received": "40"}])
    return buyer, seller, said_by(buyer, "receipt_advice.send")


@pytest.mark.parametrize("change", [change for _name, change in FALSE_RECEIPTS], ids=[name for name, _change in FALSE_RECEIPTS])
def test_a_receipt_is_not_taken_that(received: tuple[Member, Member, dict[str, Any]], change: Change) -> None:
    buyer, seller, body = received
    forged = copy.deepcopy(body)
    change(forged)
    with unchanged(seller), pytest.raises(Unacceptable):
        take(seller, buyer, forged)


def test_what_was_said_honestly_is_taken(shipped: tuple[Member, Member, dict[str, Any]], received: tuple[Member, Member, dict[str, Any]]) -> None:
    """The same bodies as above, unchanged: it is the changes that were refused."""
    buyer, seller, body = shipped
    take(buyer, seller, copy.deepcopy(body))
    assert state(buyer, uuid.UUID(body["document"])) == "shipped"
    buyer, seller, body = received
    take(seller, buyer, copy.deepcopy(body))
    assert state(seller, uuid.UUID(body["document"])) == "sent"


def test_nobody_ships_for_the_orders_of_others(database: None) -> None:
    """A partner names an order that the receiver has with somebody else."""
    buyer, seller = partners()
    _other, another = partners()
    foreign = agreed(_other, another)
    own = agreed(buyer, seller, [line("A-1")])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crossing, "deliver", lambda **_: 0)
        advice(seller, [{"order": own, "line": 1, "quantity": "40"}])
    body = said_by(seller, "despatch_advice.ship")
    first(body).update(order=str(foreign))
    with unchanged(buyer, _other, another), pytest.raises(Unacceptable):
        take(buyer, seller, body)
    assert sums(_other, foreign) == {1: {}}
    assert proven(_other, another) == []
