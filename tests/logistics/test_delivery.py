"""A delivery from one enterprise to another: shipped, replaced, received; what counts where, and what each may not."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.documents import selectors as documents
from apps.exchange import crossing
from tests.cast import Member, ask, line, move, unchanged
from tests.cast import order as order_of
from tests.logistics.deliveries import advice, agreed, balances, deliver, partners, proven, receipt, replace, stage, state, sums


@pytest.fixture(scope="module")
def pair(database: None) -> tuple[Member, Member]:
    return partners()


def put(member: Member, item: str, quantity: str, lot: str = "") -> None:
    answer = member.api.post("stock/moves/", {"item": item, "quantity": quantity, "from": "production", "to": "stock", "lot": lot})
    assert answer.status_code == 201, answer.content


def test_an_order_is_shipped_received_and_closed(database: None) -> None:
    buyer, seller = partners()
    order = agreed(buyer, seller)
    put(seller, "S-1", "50", "L1")
    assert (stage(buyer, order), stage(seller, order)) == ("open", "open")
    first = advice(seller, [{"order": order, "line": 1, "quantity": "30", "lot": "L1"}])
    for member in (buyer, seller):
        assert (state(member, first), stage(member, order), sums(member, order)) == ("shipped", "partly_shipped", {1: {"shipped": 30}})
    assert balances(seller, "S-1") == {("L1", "production"): -50, ("L1", "stock"): 20, ("L1", "transit"): 30}
    assert balances(buyer, "A-1") == {}
    second = advice(seller, [{"order": order, "line": 1, "quantity": "10", "lot": "L1"}])
    assert (stage(buyer, order), stage(seller, order)) == ("shipped", "shipped")
    receipt(buyer, first, [{"line": 1, "received": "30"}])
    for member in (buyer, seller):
        assert (state(member, first), state(member, second), stage(member, order)) == ("received", "shipped", "partly_received")
    receipt(buyer, second, [{"line": 1, "received": "10"}])
    for member in (buyer, seller):
        assert (stage(member, order), sums(member, order)) == ("closed", {1: {"shipped": 40, "received": 40, "accepted": 40}})
    assert balances(seller, "S-1") == {("L1", "production"): -50, ("L1", "stock"): 10, ("L1", "customer"): 40}
    assert balances(buyer, "A-1") == {("L1", "supplier"): -40, ("L1", "stock"): 40}
    assert proven(buyer, seller) == []


def test_what_is_short_or_rejected_comes_again_or_is_credited(database: None) -> None:
    buyer, seller = partners()
    order = agreed(buyer, seller)
    put(seller, "S-1", "100")
    first = advice(seller, [{"order": order, "line": 1, "quantity": "40"}])
    receipt(buyer, first, [{"line": 1, "received": "37", "short": "3", "rejected": "2", "reason": 4, "action": 1}])
    for member in (buyer, seller):
        assert sums(member, order) == {1: {"shipped": 40, "received": 37, "accepted": 35, "rejected": 2, "short": 3}}
        assert stage(member, order) == "partly_received"
    assert balances(buyer, "A-1") == {("", "supplier"): -37, ("", "stock"): 35, ("", "quarantine"): 2}
    assert balances(seller, "S-1") == {("", "production"): -100, ("", "stock"): 60, ("", "customer"): 37, ("", "loss"): 3}
    again = advice(seller, [{"order": order, "line": 1, "quantity": "5"}])
    receipt(buyer, again, [{"line": 1, "received": "4", "rejected": "1", "reason": "1", "action": "2"}])
    for member in (buyer, seller):
        assert sums(member, order) == {1: {"shipped": 45, "received": 41, "accepted": 38, "rejected": 3, "short": 4, "credited": 2}}
        assert stage(member, order) == "closed_short"
    assert proven(buyer, seller) == []


def test_more_than_was_shipped_is_taken_in_and_told(database: None) -> None:
    buyer, seller = partners()
    order = agreed(buyer, seller)
    sent = advice(seller, [{"order": order, "line": 1, "quantity": "39"}])
    receipt(buyer, sent, [{"line": 1, "received": "40"}])
    for member in (buyer, seller):
        assert (sums(member, order), stage(member, order)) == ({1: {"shipped": 39, "received": 40, "accepted": 40, "oversupply": 1}}, "closed")
    # Nobody had entered what was made: the shipment itself proves it.
    assert balances(seller, "S-1") == {("", "loss"): -39, ("", "transit"): -1, ("", "customer"): 40}
    assert proven(buyer, seller) == []


def test_one_advice_for_several_orders_with_lots_that_nobody_named(database: None) -> None:
    buyer, seller = partners()
    one, other = agreed(buyer, seller), agreed(buyer, seller, [line("A-2", "5", "9.99"), line("A-1", "10")])
    put(seller, "S-1", "30", "L1")
    put(seller, "S-1", "30", "L2")
    sent = advice(
        seller,
        [
            {"order": one, "line": 1, "quantity": "25"},
            {"order": one, "line": 1, "quantity": "15", "lot": "L2", "serials": ["a", "b"]},
            {"order": other, "line": 2, "quantity": "10"},
            {"order": other, "line": 1, "quantity": "0"},
        ],
    )
    for member in (buyer, seller):
        assert sums(member, one) == {1: {"shipped": 40}}
        assert sums(member, other) == {1: {}, 2: {"shipped": 10}}
        assert (stage(member, one), stage(member, other)) == ("shipped", "partly_shipped")
    assert balances(seller, "S-1") == {("L1", "production"): -30, ("L2", "production"): -30, ("L1", "transit"): 30, ("L2", "transit"): 20, ("L2", "stock"): 10}
    told = buyer.api.get(f"despatch-advices/{sent}/").json()
    assert [(row["order"]["uid"], row["order"]["line"], row["quantity"], row["lot"], row["serials"], row["item"]) for row in told["lines"]] == [
        (str(one), 1, "25", "", [], "A-1"),
        (str(one), 1, "15", "L2", ["a", "b"], "A-1"),
        (str(other), 2, "10", "", [], "A-1"),
        (str(other), 1, "0", "", [], "A-2"),
    ]
    receipt(buyer, sent, [{"line": 1, "received": "25"}, {"line": 2, "received": "15"}, {"line": 3, "received": "9"}, {"line": 4, "received": "0"}])
    assert balances(seller, "S-1") == {
        ("L1", "production"): -30, ("L2", "production"): -30, ("L1", "customer"): 30, ("L2", "customer"): 19, ("L2", "loss"): 1, ("L2", "stock"): 10,
    }  # fmt: skip
    assert (stage(buyer, one), stage(buyer, other)) == ("closed", "partly_received")
    assert proven(buyer, seller) == []


# Replaced and cancelled ----------------------------------------------------------------------------------------------


def test_a_replacement_says_the_whole_content_again(database: None) -> None:
    buyer, seller = partners()
    order = agreed(buyer, seller, [line("A-1"), line("A-2", "5", "9.99")])
    put(seller, "S-1", "40", "L1")
    sent = advice(
        seller,
        [{"order": order, "line": 1, "quantity": "40", "lot": "L1"}],
        units=[{"sscc": "340123450000000017", "contains": [{"line": 1, "quantity": "40"}]}],
    )
    replace(seller, sent, {"reason": "Two pallets were left behind.", "lines": [
        {"order": str(order), "line": 2, "quantity": "5"}, {"order": str(order), "line": 1, "quantity": "38", "lot": "L1"}]})  # fmt: skip
    for member in (buyer, seller):
        assert sums(member, order) == {1: {"shipped": 38}, 2: {"shipped": 5}}
        told = member.api.get(f"despatch-advices/{sent}/").json()
        assert [(row["line"], row["order"]["line"], row["quantity"], row["matched"]) for row in told["lines"]] == [(1, 2, "5", True), (2, 1, "38", True)]
        assert told["units"] == []
        assert units(member) == []
    assert balances(seller, "S-1") == {("L1", "production"): -40, ("L1", "stock"): 2, ("L1", "transit"): 38}
    receipt(buyer, sent, [{"line": 1, "received": "5"}, {"line": 2, "received": "38"}])
    assert stage(seller, order) == "partly_received"
    assert proven(buyer, seller) == []


def test_a_delivery_that_is_cancelled_was_never_shipped(database: None) -> None:
    buyer, seller = partners()
    order = agreed(buyer, seller)
    put(seller, "S-1", "15", "L1")
    sent = advice(seller, [{"order": order, "line": 1, "quantity": "40"}], units=[{"type": "PX", "contains": [{"line": 1, "quantity": "40"}]}])
    assert len(units(seller)) == len(units(buyer)) == 1
    assert balances(seller, "S-1") == {("L1", "production"): -15, ("L1", "transit"): 15, ("", "loss"): -25, ("", "transit"): 25}
    move(seller, sent, "cancel", {"reason": "The lorry broke down."})
    for member in (buyer, seller):
        assert (state(member, sent), stage(member, order), sums(member, order), units(member)) == ("cancelled", "open", {1: {}}, [])
    assert balances(seller, "S-1") == {("L1", "production"): -15, ("L1", "stock"): 15}
    assert proven(buyer, seller) == []


def test_an_advice_that_was_never_shipped_stays_at_home(database: None) -> None:
    buyer, seller = partners()
    order = agreed(buyer, seller)
    with unchanged(buyer):
        packed = advice(seller, [{"order": order, "line": 1, "quantity": "40"}], ship=False)
        assert sums(seller, order) == {1: {}}
        move(seller, packed, "cancel")
    assert state(seller, packed) == "cancelled"
    assert proven(buyer, seller) == []


def units(member: Member) -> list[Any]:
    return ask(f'SELECT sscc, type, position FROM "{member.home.schema}".logistics_handlingunit ORDER BY document_id, position')


# Both at once --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seller_first", [True, False])
@pytest.mark.parametrize("late", ["replace", "cancel"])
def test_a_receipt_wins_over_what_had_not_seen_it(database: None, monkeypatch: pytest.MonkeyPatch, late: str, seller_first: bool) -> None:
    buyer, seller = partners()
    order = agreed(buyer, seller)
    put(seller, "S-1", "40", "L1")
    sent = advice(seller, [{"order": order, "line": 1, "quantity": "40", "lot": "L1"}])
    with monkeypatch.context() as patch:
        patch.setattr(crossing, "deliver", lambda **_: 0)
        if late == "cancel":
            move(seller, sent, "cancel")
        else:
            replace(seller, sent, {"lines": [{"order": str(order), "line": 1, "quantity": "10"}]})
        receipt(buyer, sent, [{"line": 1, "received": "40"}])
    for sender, receiver in ((seller, buyer), (buyer, seller))[:: 1 if seller_first else -1]:
        deliver(sender, receiver)
    for member in (buyer, seller):
        assert (state(member, sent), stage(member, order)) == ("received", "closed")
        assert sums(member, order) == {1: {"shipped": 40, "received": 40, "accepted": 40}}
        told = member.api.get(f"despatch-advices/{sent}/").json()
        assert [row["quantity"] for row in told["lines"]] == ["40"]
        steps = member.api.get(f"despatch-advices/{sent}/steps/").json()["results"]
        assert [step["move"] for step in steps if step["overruled"]] == [late]
    assert sum(balances(seller, "S-1").values()) == 0
    assert balances(seller, "S-1")["L1", "customer"] == 40
    assert proven(buyer, seller) == []


def test_goods_for_an_order_that_was_cancelled_meanwhile_halt_nothing(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The buyer cancels while the seller agrees and ships: at the buyer's the order was never agreed, and still the goods are on the way."""
    buyer, seller = partners()
    wanted = order_of(buyer, seller, [line("A-1")])
    with monkeypatch.context() as patch:
        patch.setattr(crossing, "deliver", lambda **_: 0)
        move(buyer, wanted, "cancel")
        move(seller, wanted, "confirm")
        sent = advice(seller, [{"order": wanted, "line": 1, "quantity": "40"}])
    for _round in range(2):
        for sender, receiver in ((seller, buyer), (buyer, seller)):
            deliver(sender, receiver)
    assert (state(buyer, wanted), state(seller, wanted), state(buyer, sent)) == ("cancelled", "cancelled", "shipped")
    assert proven(buyer, seller) == []
    receipt(buyer, sent, [{"line": 1, "received": "40", "rejected": "40", "reason": 99, "action": 2}])
    assert (state(buyer, sent), state(seller, sent)) == ("received", "received")
    assert balances(buyer, "A-1") == {("", "supplier"): -40, ("", "quarantine"): 40}
    assert proven(buyer, seller) == []


# What is proven ------------------------------------------------------------------------------------------------------


def test_a_changed_quantity_is_named(database: None) -> None:
    buyer, seller = partners()
    order = agreed(buyer, seller)
    sent = advice(seller, [{"order": order, "line": 1, "quantity": "40"}], number="DA-X")
    receipt(buyer, sent, [{"line": 1, "received": "40"}])
    schema = buyer.home.schema
    ask(f"UPDATE \"{schema}\".documents_quantity SET quantity = 39 WHERE kind = 'shipped'")
    assert proven(buyer, seller) == [f"{buyer.slug}: document DA-X ({sent}): shipped on line 1 of {order} is 39, the log says 40"]
    ask(f"UPDATE \"{schema}\".documents_quantity SET quantity = 40 WHERE kind = 'shipped'")
    assert proven(buyer, seller) == []


def test_the_newest_words_of_both_stand_in_the_history(pair: tuple[Member, Member]) -> None:
    buyer, seller = pair
    order = agreed(buyer, seller)
    sent = advice(seller, [{"order": order, "line": 1, "quantity": "40"}])
    receipt(buyer, sent, [{"line": 1, "received": "40"}], by=buyer.as_role("dock", "Rita"))
    steps = seller.api.get(f"despatch-advices/{sent}/steps/").json()["results"]
    assert [(step["event"], step["by"]) for step in steps if step["move"] != "draft"] == [
        ("despatch_advice.shipped", seller.actor.name),
        ("despatch_advice.received", "Rita"),
    ]


def test_the_order_tells_what_became_of_its_goods(database: None) -> None:
    buyer, seller = partners()
    order = agreed(buyer, seller, [line("A-1"), line("A-2", "5")])
    before = {member.slug: member.api.get(f"orders/{order}/")["ETag"] for member in (buyer, seller)}
    sent = advice(seller, [{"order": order, "line": 1, "quantity": "40"}, {"order": order, "line": 2, "quantity": "5"}], number="DA-H")
    receipt(
        buyer, sent, [{"line": 1, "received": "39", "rejected": "1", "reason": 1, "action": 1}, {"line": 2, "received": "5"}], by=buyer.as_role("dock", "Rita")
    )
    for member in (buyer, seller):
        steps = member.api.get(f"orders/{order}/steps/").json()["results"]
        assert [(step["event"], step["by"], step["own"]) for step in steps[-2:]] == [
            ("order.counted", seller.actor.name, member is seller),
            ("order.counted", "Rita", member is buyer),
        ]
        assert member.api.get(f"orders/{order}/")["ETag"] != before[member.slug]
        with member.acting():
            history = documents.history(id=order)
            told = documents.sentences("order", history, own="Own", partner="Other")
        words = [told[step["id"]] for step in history[-2:]]
        assert words[0].endswith("reported goods: DA-H: line 1 shipped 40; line 2 shipped 5")
        assert words[1].endswith("reported goods: RA-000001: line 1 accepted 38, received 39, rejected 1, short 1; line 2 accepted 5, received 5")
        assert [row["event"] for row in member.api.get("events/").json()["results"] if row["document"]["uid"] == str(order)][-1] == "order.counted"
    assert proven(buyer, seller) == []


def test_several_docks_ship_no_more_than_is_agreed(database: None) -> None:
    """Six ship fifteen each of forty at the same moment: two of them may."""
    buyer, seller = partners()
    order = agreed(buyer, seller)
    put(seller, "S-1", "100")
    packed = [advice(seller, [{"order": order, "line": 1, "quantity": "15"}], ship=False) for _dock in range(6)]
    shipped: list[int] = []

    def ship(despatch: uuid.UUID) -> None:
        shipped.append(seller.api.post(f"despatch-advices/{despatch}/moves/ship/").status_code)
        connection.close()

    threads = [threading.Thread(target=ship, args=[each]) for each in packed]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(shipped) == [200, 200, 409, 409, 409, 409]
    deliver(seller, buyer)
    for member in (buyer, seller):
        assert sums(member, order) == {1: {"shipped": 30}}
    assert balances(seller, "S-1") == {("", "production"): -100, ("", "stock"): 70, ("", "transit"): 30}
    assert proven(buyer, seller) == []


def test_a_long_delivery_takes_as_many_statements_as_a_short_one(database: None) -> None:
    buyer, seller = partners()
    counts: dict[str, list[int]] = {"pack": [], "ship": [], "count": [], "send": []}
    # The first of each kind is counted too, and left out: it finds no number before its own.
    for size in (1, 1, 40):
        order = agreed(buyer, seller, [line(f"A-{index % 3 + 1}", "2") for index in range(size)])
        lines = [{"order": order, "line": index + 1, "quantity": "2"} for index in range(size)]
        units = [{"contains": [{"line": index + 1, "quantity": "2"}]} for index in range(size)]
        ids: list[uuid.UUID] = []
        counts["pack"].append(counted(lambda: ids.append(advice(seller, lines, units=units, ship=False))))  # noqa: B023
        counts["ship"].append(counted(lambda: move(seller, ids[0], "ship")))  # noqa: B023
        came = [{"line": index + 1, "received": "2"} for index in range(size)]
        counts["count"].append(counted(lambda: ids.append(receipt(buyer, ids[0], came, send=False))))  # noqa: B023
        counts["send"].append(counted(lambda: move(buyer, ids[1], "send")))  # noqa: B023
    assert {name: long - short for name, (_first, short, long) in counts.items()} == dict.fromkeys(counts, 0), counts
    most = {"pack": 25, "ship": 65, "count": 20, "send": 95}
    assert {name: found for name, found in counts.items() if found[-1] > most[name]} == {}


def counted(work: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as queries:
        work()
    return len(queries)
