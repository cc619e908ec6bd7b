"""Despatch and receipt advices by REST: as the contract says, and refused with the place and the mend."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from apps.documents import services as engine
from tests.cast import AT, Cast, Member, befriend, line, order, provision, stock, unchanged, with_items
from tests.logistics.deliveries import TYPES, advice, agreed, partners, receipt, state

Pair = tuple[Member, Member]
SSCC = ("340123450000000017", "340123450000000024", "340123450000000031", "340123450000000048", "340123450000000055")


@pytest.fixture(scope="module")
def pair(database: None) -> Pair:
    return partners()


@pytest.fixture(scope="module")
def wanted(pair: Pair) -> uuid.UUID:
    """An agreed order of 40 of A-1 and 5 of A-2, of which nothing is ever shipped."""
    return agreed(*pair, [line("A-1"), line("A-2", "5", "9.99")], number="4711")


def ship(seller: Member, order: uuid.UUID, **more: Any) -> Any:
    body = {"lines": [{"order": str(order), "line": 1, "quantity": "40", "lot": "L-7", "serials": ["S1", "S2"]}], **more}
    answer = seller.api.post("despatch-advices/", body)
    assert answer.status_code == 201, answer.content
    return answer


def test_a_delivery_goes_through_its_doors(pair: Pair) -> None:
    buyer, seller = pair
    order = agreed(buyer, seller, number="4712")
    answer = ship(seller, order, units=[{"sscc": SSCC[0], "type": "PX", "contains": [{"line": 1, "quantity": "40"}]}], arrives_on="2027-01-15", tracking="T-1")
    packed = answer.json()
    assert packed == {
        "uid": packed["uid"], "type": "despatch_advice", "number": "DA-000001", "state": "draft", "moves": ["ship", "cancel"], "side": "seller",
        "buyer": {"slug": buyer.slug, "name": buyer.home.name}, "seller": {"slug": seller.slug, "name": seller.home.name}, "partner": buyer.slug,
        "currency": "", "note": "", "issued_on": packed["issued_on"], "due_on": None, "amount": None, "line_count": 1, "version": 1,
        "created_at": packed["created_at"], "updated_at": packed["updated_at"], "progress": None, "arrives_on": "2027-01-15", "tracking": "T-1",
        "answer_due_at": None, "answer_stage": None,
        "units": [{"sscc": SSCC[0], "type": "PX", "contains": [{"line": 1, "quantity": "40", "lot": ""}]}],
        "lines": [{
            "line": 1, "order": {"uid": str(order), "number": "4712", "line": 1}, "item": "S-1", "matched": True, "partner_item": "A-1", "name": "Item 1",
            "gtin": "", "quantity": "40", "unit": "C62", "lot": "L-7", "serials": ["S1", "S2"], "configuration": "",
        }],
    }  # fmt: skip
    assert buyer.api.get(f"despatch-advices/{packed['uid']}/").status_code == 404
    shipped = seller.api.post(f"despatch-advices/{packed['uid']}/moves/ship/")
    assert (shipped.status_code, shipped.json()["state"], shipped.json()["moves"]) == (200, "shipped", ["replace", "cancel"])
    seen = buyer.api.get(f"despatch-advices/{packed['uid']}/").json()
    assert (seen["side"], seen["moves"], seen["lines"][0]["item"], seen["lines"][0]["partner_item"]) == ("buyer", [], "A-1", "S-1")
    assert seen["units"] == packed["units"]
    assert [row["uid"] for row in buyer.api.get("despatch-advices/?state=shipped&side=buyer").json()["results"]] == [packed["uid"]]
    body = {"despatch_advice": packed["uid"], "lines": [{"line": 1, "received": "38", "short": "2", "rejected": "1", "reason": 7, "action": 1}]}
    counted = buyer.api.post("receipt-advices/", body)
    assert counted.status_code == 201, counted.content
    told = counted.json()
    assert (told["number"], told["state"], told["moves"]) == ("RA-000001", "draft", ["send", "discard"])
    assert told["despatch_advice"] == {"uid": packed["uid"], "number": "DA-000001"}
    assert told["lines"] == [{
        "line": 1, "order": {"uid": str(order), "number": "4712", "line": 1}, "item": "A-1", "matched": True, "partner_item": "S-1", "name": "Item 1",
        "unit": "C62", "lot": "L-7", "shipped": "40", "received": "38", "accepted": "37", "rejected": "1", "short": "2", "reason": 7, "action": 1,
    }]  # fmt: skip
    assert seller.api.get(f"receipt-advices/{told['uid']}/").status_code == 404
    sent = buyer.api.post(f"receipt-advices/{told['uid']}/moves/send/")
    assert (sent.status_code, sent.json()["state"], sent.json()["moves"]) == (200, "sent", [])
    assert seller.api.get(f"receipt-advices/{told['uid']}/").json()["lines"][0]["accepted"] == "37"
    assert seller.api.get(f"despatch-advices/{packed['uid']}/").json()["state"] == "received"
    for member in pair:
        found = member.api.get(f"orders/{order}/").json()
        assert found["progress"] == "partly_received"
        assert found["lines"][0]["progress"] == {
            "agreed": "40", "shipped": "40", "received": "38", "accepted": "37", "rejected": "1", "short": "2", "credited": "0", "to_ship": "3",
            "on_the_way": "0",
        }  # fmt: skip


def test_the_feed_tells_of_it(pair: Pair) -> None:
    buyer, seller = pair
    cursor = buyer.api.get("events/?limit=500").json()["results"][-1]["cursor"] if buyer.api.get("events/").json()["results"] else ""
    sent = advice(seller, [{"order": agreed(buyer, seller), "line": 1, "quantity": "40"}])
    receipt(buyer, sent, [{"line": 1, "received": "40"}])
    events = [row["event"] for row in buyer.api.get(f"events/?after={cursor}").json()["results"]]
    assert [event for event in events if event.startswith(("despatch", "receipt"))] == [
        "despatch_advice.shipped",
        "receipt_advice.drafted",
        "receipt_advice.sent",
        "despatch_advice.received",
    ]


# Refused: nothing has changed ----------------------------------------------------------------------------------------


def refused(member: Member, path: str, body: Any, *others: Member) -> tuple[int, list[tuple[str, str]], str]:
    """What is said to a body that cannot be taken: status, places with codes, and the sentence."""
    with unchanged(member, *others):
        answer = member.api.post(path, body)
    assert answer["Content-Type"] == "application/problem+json", answer.content
    told = answer.json()
    assert all(error["detail"] for error in told["errors"])
    return answer.status_code, [(error["pointer"], error["code"]) for error in told["errors"]], told["detail"]


LINE = {"line": 1, "quantity": "1"}
NOBODYS = "0193a000-0000-7000-8000-000000000000"
BAD_LINES: list[tuple[Any, str, str]] = [
    ([], "/lines", "required"),
    ("all", "/lines", "required"),
    (["all"], "/lines/0", "line"),
    ([{"order": "4711", "line": 1, "quantity": "1"}], "/lines/0/order", "uid"),
    ([{"order": NOBODYS, "line": 1, "quantity": "1"}], "/lines/0/order", "order"),
    ([{**LINE, "line": 3}], "/lines/0/line", "line"),
    ([{**LINE, "line": "1"}], "/lines/0/line", "line"),
    ([{**LINE, "line": True}], "/lines/0/line", "line"),
    ([{**LINE, "quantity": "-1"}], "/lines/0/quantity", "negative"),
    ([{**LINE, "quantity": 1.5}], "/lines/0/quantity", "number"),
    ([{**LINE, "quantity": "1234567890123456789"}], "/lines/0/quantity", "number_size"),
    ([{**LINE, "quantity": "40.000001"}], "/lines/0/quantity", "over_delivery"),
    ([{**LINE, "quantity": "39"}, {**LINE, "quantity": "2", "lot": "B"}], "/lines/1/quantity", "over_delivery"),
    ([{**LINE, "lot": "x" * 61}], "/lines/0/lot", "too_long"),
    ([{**LINE, "serials": "one"}], "/lines/0/serials", "list"),
    ([{**LINE, "quantity": "2", "serials": ["a", "a"]}], "/lines/0/serials", "twice"),
    ([{**LINE, "serials": ["a", "b"]}], "/lines/0/serials", "sum"),
    ([{**LINE, "colour": "red"}], "/lines/0/colour", "unknown_field"),
]


@pytest.mark.parametrize(("lines", "pointer", "code"), BAD_LINES)
def test_lines_that_cannot_be_shipped(pair: Pair, wanted: uuid.UUID, lines: Any, pointer: str, code: str) -> None:
    buyer, seller = pair
    named = [{"order": str(wanted), **one} if isinstance(one, dict) else one for one in lines] if isinstance(lines, list) else lines
    assert refused(seller, "despatch-advices/", {"lines": named}, buyer)[:2] == (422, [(pointer, code)])


def test_the_sentence_of_too_much(pair: Pair, wanted: uuid.UUID) -> None:
    body = {"lines": [{"order": str(wanted), "line": 1, "quantity": "41"}]}
    assert refused(pair[1], "despatch-advices/", body)[2] == (
        "Line 1 of order 4711: 40 pcs are agreed, 40 pcs of them are left to ship, and 41 pcs would be shipped."
    )


def within(*more: Any) -> dict[str, Any]:
    return {"sscc": SSCC[0], "contains": list(more)}


HOLDS = {"line": 1, "quantity": "40"}
BAD_UNITS: list[tuple[Any, str, str]] = [
    ("pallet", "/units", "list"),
    (["pallet"], "/units/0", "unit"),
    ([{"sscc": "340123450000000018", "contains": [HOLDS]}], "/units/0/sscc", "check_digit"),
    ([{"sscc": "34012345", "contains": [HOLDS]}], "/units/0/sscc", "sscc"),
    ([{"sscc": 7, "contains": [HOLDS]}], "/units/0/sscc", "sscc"),
    ([{"sscc": SSCC[0], "type": "ZZZ", "contains": [HOLDS]}], "/units/0/type", "type"),
    ([{"sscc": SSCC[0], "type": ["PX"], "contains": [HOLDS]}], "/units/0/type", "type"),
    ([{"sscc": SSCC[0]}], "/units/0/contains", "required"),
    ([within({"line": 2, "quantity": "1"})], "/units/0/contains/0/line", "line"),
    ([within({"line": 1, "quantity": "0"})], "/units/0/contains/0/quantity", "not_positive"),
    ([within({"line": 1, "quantity": "39"})], "/units", "sum"),
    ([within({"line": 1, "quantity": "41"})], "/units", "sum"),
    ([within(HOLDS), {"sscc": SSCC[0], "contains": [HOLDS]}], "/units/1/sscc", "twice"),
    ([within({"sscc": SSCC[1], "contains": [{"sscc": SSCC[2], "contains": [{"sscc": SSCC[3], "contains": [{"sscc": SSCC[4], "contains": [HOLDS]}]}]}]})],
     "/units/0/contains/0/contains/0/contains/0/contains/0", "too_deep"),
]  # fmt: skip


@pytest.mark.parametrize(("units", "pointer", "code"), BAD_UNITS)
def test_units_that_hold_something_else(pair: Pair, wanted: uuid.UUID, units: Any, pointer: str, code: str) -> None:
    body = {"lines": [{"order": str(wanted), "line": 1, "quantity": "40"}], "units": units}
    assert refused(pair[1], "despatch-advices/", body, pair[0])[:2] == (422, [(pointer, code)])


def test_units_four_deep_cross_whole(pair: Pair) -> None:
    buyer, seller = pair
    tree = {"sscc": "340123450000000116", "type": "PX", "contains": [
        {"line": 1, "quantity": "4", "lot": "L"},
        {"sscc": "340123450000000123", "type": "CR", "contains": [
            {"sscc": "340123450000000130", "type": "CT", "contains": [
                {"sscc": "340123450000000147", "type": "BX", "contains": [{"line": 1, "quantity": "36", "lot": ""}]}]}]}]}  # fmt: skip
    found = ship(seller, agreed(buyer, seller), units=[tree]).json()
    assert seller.api.post(f"despatch-advices/{found['uid']}/moves/ship/").status_code == 200
    assert buyer.api.get(f"despatch-advices/{found['uid']}/").json()["units"] == [tree]


def test_units_get_numbers_of_ones_own(pair: Pair) -> None:
    buyer, seller = pair
    packs = [{"contains": [{"line": 1, "quantity": "20"}]}, {"contains": [{"line": 1, "quantity": "20"}]}]
    first = ship(seller, agreed(buyer, seller), units=packs).json()["units"]
    second = ship(seller, agreed(buyer, seller), units=packs).json()["units"]
    numbers = [unit["sscc"] for unit in (*first, *second)]
    assert numbers == ["040123450000000016", "040123450000000023", "040123450000000030", "040123450000000047"]


def test_who_has_no_gln_names_his_units_himself(database: None) -> None:
    buyer, seller = provision("taker", "Taker"), provision("giver", "Giver")
    befriend(buyer, seller, types=TYPES)
    stock(buyer, "A-1", "Item")
    stock(seller, "S-1", "Item", of={"taker": "A-1"})
    order = agreed(with_items(buyer, "A-1"), seller)
    body = {"lines": [{"order": str(order), "line": 1, "quantity": "40"}], "units": [{"contains": [HOLDS]}]}
    status, errors, sentence = refused(seller, "despatch-advices/", body, buyer)
    assert (status, errors) == (422, [("/units", "prefix")])
    assert "no GLN" in sentence


def test_an_sscc_stands_for_one_unit(pair: Pair) -> None:
    buyer, seller = pair
    unit = [{"sscc": "340123450000000215", "contains": [HOLDS]}]
    first = ship(seller, agreed(buyer, seller), units=unit).json()
    order = agreed(buyer, seller)
    body = {"lines": [{"order": str(order), "line": 1, "quantity": "40"}], "units": unit}
    status, errors, sentence = refused(seller, "despatch-advices/", body, buyer)
    assert (status, errors) == (409, [])
    assert sentence == f"The SSCC 340123450000000215 is on the despatch advice {first['number']} already. Each unit has its own."
    assert seller.api.post(f"despatch-advices/{first['uid']}/moves/cancel/").status_code == 200
    assert seller.api.post("despatch-advices/", body).status_code == 201


def test_two_drafts_of_the_same_goods_are_shipped_once(pair: Pair) -> None:
    buyer, seller = pair
    order = agreed(buyer, seller, number="4799")
    first, second = (ship(seller, order).json()["uid"] for _draft in range(2))
    assert seller.api.post(f"despatch-advices/{first}/moves/ship/").status_code == 200
    status, _errors, sentence = refused(seller, f"despatch-advices/{second}/moves/ship/", None, buyer)
    assert (status, sentence) == (409, "Line 1 of order 4799: 40 pcs are agreed, 0 pcs of them are left to ship, and 40 pcs would be shipped.")


def test_what_is_not_agreed_is_not_shipped(pair: Pair) -> None:
    buyer, seller = pair
    asked = order(buyer, seller)
    body = {"lines": [{"order": str(asked), "line": 1, "quantity": "40"}]}
    assert refused(seller, "despatch-advices/", body, buyer)[:2] == (422, [("/lines/0/order", "order")])
    done = agreed(buyer, seller, number="4798")
    packed = ship(seller, done).json()
    assert buyer.api.post(f"orders/{done}/moves/cancel/", {"reason": "Not needed"}).status_code == 200
    assert seller.api.post(f"orders/{done}/moves/accept_cancel/").status_code == 200
    again = {"lines": [{"order": str(done), "line": 1, "quantity": "40"}]}
    status, errors, sentence = refused(seller, "despatch-advices/", again, buyer)
    assert (status, errors, sentence) == (422, [("/lines/0/order", "order")], "Order 4798 is “Cancelled”: nothing more is shipped for it.")
    status, _errors, sentence = refused(seller, f"despatch-advices/{packed['uid']}/moves/ship/", None, buyer)
    assert (status, sentence) == (409, "Order 4798 is “Cancelled”: nothing more is shipped for it.")


def test_one_advice_goes_to_one_customer(pair: Pair, wanted: uuid.UUID) -> None:
    buyer, seller = pair
    other = provision("second-taker", "Second taker")
    befriend(other, seller, types=TYPES)
    stock(other, "B-1", "Item 1")
    another = agreed(with_items(other, "B-1"), seller, [line("B-1")])
    body = {"lines": [{"order": str(wanted), "line": 1, "quantity": "1"}, {"order": str(another), "line": 1, "quantity": "1"}]}
    assert refused(seller, "despatch-advices/", body, buyer, other)[:2] == (422, [("/lines", "partner")])


def test_the_buyer_ships_nothing_and_the_seller_receives_nothing(pair: Pair, wanted: uuid.UUID) -> None:
    buyer, seller = pair
    body = {"lines": [{"order": str(wanted), "line": 1, "quantity": "1"}]}
    assert refused(buyer, "despatch-advices/", body, seller)[:2] == (422, [("/lines/0/order", "order")])
    sent = advice(seller, [{"order": agreed(buyer, seller), "line": 1, "quantity": "40"}])
    said = {"despatch_advice": str(sent), "lines": [{"line": 1, "received": "40"}]}
    assert refused(seller, "receipt-advices/", said, buyer)[:2] == (422, [("/despatch_advice", "despatch_advice")])


# Received ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def underway(pair: Pair) -> uuid.UUID:
    """A delivery of 40 and of 5 that is on its way, and is never received."""
    order = agreed(*pair, [line("A-1"), line("A-2", "5", "9.99")])
    return advice(pair[1], [{"order": order, "line": 1, "quantity": "40"}, {"order": order, "line": 2, "quantity": "5"}])


REST = {"line": 2, "received": "5"}
BAD_RECEIPTS: list[tuple[Any, str, str]] = [
    ([], "/lines", "required"),
    ([{"line": 1, "received": "40"}], "/lines", "all_lines"),
    ([{"line": 1, "received": "40"}, {"line": 1, "received": "40"}], "/lines/1/line", "twice"),
    ([{"line": 3, "received": "40"}], "/lines/0/line", "line"),
    ([{"line": 1}, REST], "/lines/0/received", "number"),
    ([{"line": 1, "received": "-1"}, REST], "/lines/0/received", "negative"),
    ([{"line": 1, "received": "39", "short": "2"}, REST], "/lines/0/short", "sum"),
    ([{"line": 1, "received": "40", "short": "1"}, REST], "/lines/0/short", "sum"),
    ([{"line": 1, "received": "40", "rejected": "41", "reason": 1, "action": 1}, REST], "/lines/0/rejected", "sum"),
    ([{"line": 1, "received": "40", "rejected": "1", "action": 1}, REST], "/lines/0/reason", "required"),
    ([{"line": 1, "received": "40", "rejected": "1", "reason": 1}, REST], "/lines/0/action", "required"),
    ([{"line": 1, "received": "40", "rejected": "1", "reason": 9, "action": 1}, REST], "/lines/0/reason", "code"),
    ([{"line": 1, "received": "40", "rejected": "1", "reason": 1, "action": 3}, REST], "/lines/0/action", "code"),
    ([{"line": 1, "received": "40", "rejected": "1", "reason": True, "action": 1}, REST], "/lines/0/reason", "code"),
    ([{"line": 1, "received": "1234567890123"}, REST], "/lines/0/received", "number_size"),
    ([{"line": 1, "received": "40", "colour": "red"}, REST], "/lines/0/colour", "unknown_field"),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "pointer", "code"), BAD_RECEIPTS)
def test_receipts_that_do_not_add_up(pair: Pair, underway: uuid.UUID, lines: Any, pointer: str, code: str) -> None:
    body = {"despatch_advice": str(underway), "lines": lines}
    assert refused(pair[0], "receipt-advices/", body, pair[1])[:2] == (422, [(pointer, code)])


def test_a_delivery_is_received_once(pair: Pair) -> None:
    buyer, seller = pair
    sent = advice(seller, [{"order": agreed(buyer, seller), "line": 1, "quantity": "40"}])
    twice = [receipt(buyer, sent, [{"line": 1, "received": "40"}], send=False) for _draft in range(2)]
    assert buyer.api.post(f"receipt-advices/{twice[0]}/moves/send/").status_code == 200
    status, _errors, sentence = refused(buyer, f"receipt-advices/{twice[1]}/moves/send/", None, seller)
    assert status == 409
    assert "it cannot be received" in sentence
    body = {"despatch_advice": str(sent), "lines": [{"line": 1, "received": "40"}]}
    assert refused(buyer, "receipt-advices/", body, seller)[:2] == (422, [("/despatch_advice", "not_receivable")])
    assert buyer.api.post(f"receipt-advices/{twice[1]}/moves/discard/").json()["state"] == "discarded"


def test_nothing_is_replaced_or_cancelled_after_it_was_received(pair: Pair) -> None:
    buyer, seller = pair
    order = agreed(buyer, seller)
    sent = advice(seller, [{"order": order, "line": 1, "quantity": "30"}])
    receipt(buyer, sent, [{"line": 1, "received": "30"}])
    body = {"lines": [{"order": str(order), "line": 1, "quantity": "20"}]}
    for move, said in (("replace", body), ("cancel", None)):
        status, _errors, sentence = refused(seller, f"despatch-advices/{sent}/moves/{move}/", said, buyer)
        assert (status, "is not possible while the document is “Received”" in sentence) == (409, True)


def test_what_was_counted_before_a_replacement_is_counted_again(pair: Pair) -> None:
    buyer, seller = pair
    order = agreed(buyer, seller)
    sent = advice(seller, [{"order": order, "line": 1, "quantity": "30"}])
    counted = receipt(buyer, sent, [{"line": 1, "received": "30"}], send=False)
    answer = seller.api.post(f"despatch-advices/{sent}/moves/replace/", {"lines": [{"order": str(order), "line": 1, "quantity": "31"}]})
    assert (answer.status_code, answer.json()["lines"][0]["quantity"]) == (200, "31")
    status, _errors, sentence = refused(buyer, f"receipt-advices/{counted}/moves/send/", None, seller)
    assert (status, "was replaced since you counted it" in sentence) == (409, True)
    over = {"lines": [{"order": str(order), "line": 1, "quantity": "41"}]}
    assert refused(seller, f"despatch-advices/{sent}/moves/replace/", over, buyer)[:2] == (422, [("/lines/0/quantity", "over_delivery")])
    assert seller.api.post(f"despatch-advices/{sent}/moves/replace/", {"lines": []}).status_code == 422


def test_receiving_is_said_by_a_receipt_and_by_nobodys_hand(pair: Pair, underway: uuid.UUID) -> None:
    buyer, seller = pair
    status, _errors, _sentence = refused(buyer, f"despatch-advices/{underway}/moves/receive/", None, seller)
    assert (status, state(buyer, underway)) == (403, "shipped")


# Who else ------------------------------------------------------------------------------------------------------------


def test_the_stranger_finds_neither(pair: Pair, cast: Cast, underway: uuid.UUID) -> None:
    counted = receipt(pair[0], underway, [{"line": 1, "received": "40"}, REST], send=False)
    stranger = cast.stranger
    for path in (f"despatch-advices/{underway}", f"receipt-advices/{counted}"):
        for more in ("/", "/steps/", "/thread/", "/attachments/"):
            assert stranger.api.get(f"{path}{more}").status_code == 404
        assert refused(stranger, f"{path}/moves/cancel/", None, *pair)[0] == 404
    for collection in ("despatch-advices", "receipt-advices"):
        assert stranger.api.get(f"{collection}/").json()["results"] == []
    body = {"despatch_advice": str(underway), "lines": [{"line": 1, "received": "40"}, REST]}
    foreign, missing = refused(stranger, "receipt-advices/", body, *pair), refused(stranger, "receipt-advices/", {**body, "despatch_advice": NOBODYS})
    assert foreign == missing


@pytest.mark.parametrize(("role", "may"), [("dock", 201), ("seller", 201), ("buyer", 403), ("viewer", 403), ("planner", 403)])
def test_who_ships(pair: Pair, wanted: uuid.UUID, role: str, may: int) -> None:
    seller = pair[1]
    actor = seller.as_role(role)
    given = {"lines": [{"order": str(wanted), "line": 1, "quantity": "0"}]}
    with seller.acting(by=actor):
        if may == 403:
            with pytest.raises(engine.MayNot):
                engine.enter(type="despatch_advice", given=given, by=actor, at=AT)
        else:
            engine.enter(type="despatch_advice", given=given, by=actor, at=AT)


def test_who_has_not_agreed_to_it_is_told_so(database: None) -> None:
    buyer, seller = provision("old-friend", "Old friend"), provision("old-maker", "Old maker")
    befriend(buyer, seller)
    stock(buyer, "A-1", "Item")
    order = agreed(with_items(buyer, "A-1"), seller)
    status, _errors, sentence = refused(seller, "despatch-advices/", {"lines": [{"order": str(order), "line": 1, "quantity": "1"}]}, buyer)
    assert (status, sentence) == (422, "You and “Old friend” have not agreed to exchange this kind of document.")


def test_the_largest_quantity_is_kept_to_the_last_digit(pair: Pair) -> None:
    buyer, seller = pair
    most = "999999999999.999999"
    order = agreed(buyer, seller, [line("A-3", most, "0.01")])
    sent = advice(seller, [{"order": order, "line": 1, "quantity": most}])
    receipt(buyer, sent, [{"line": 1, "received": "999999999999.999998"}])
    for member in pair:
        told = member.api.get(f"orders/{order}/").json()["lines"][0]["progress"]
        assert (told["shipped"], told["accepted"], told["short"]) == (most, "999999999999.999998", "0.000001")


def test_a_repeated_shipment_ships_once(pair: Pair) -> None:
    buyer, seller = pair
    body = {"lines": [{"order": str(agreed(buyer, seller)), "line": 1, "quantity": "40"}]}
    first, again = (seller.api.post("despatch-advices/", body, headers={"Idempotency-Key": "ship-1"}) for _round in range(2))
    assert (first.status_code, first.content) == (201, again.content)
    told = [seller.api.post(f"despatch-advices/{first.json()['uid']}/moves/ship/", headers={"Idempotency-Key": "ship-2"}) for _round in range(2)]
    assert [(answer.status_code, answer.json()["version"]) for answer in told] == [(200, 2), (200, 2)]
