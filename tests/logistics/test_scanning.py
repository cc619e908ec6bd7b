"""Scanning: what belongs into the delivery is counted, and a wrong item, lot, configuration or unit is refused in one sentence."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

import pytest

from apps.base.findings import Invalid
from apps.documents.services import MayNot, NoSuchDocument
from apps.logistics import services
from apps.logistics.services.scanning import Code, read_code
from tests.cast import AT, Cast, Member, line, stock, unchanged
from tests.logistics.deliveries import advice, agreed, partners, receipt

GTIN = "4006381333931"
RED, WHITE, BLUE = ("a" * 64, "b" * 64, "c" * 64)
UNITS = [
    {"sscc": "340123450000001014", "type": "PX", "contains": [
        {"sscc": "340123450000001021", "type": "CT", "contains": [{"line": 1, "quantity": "3"}]},
        {"sscc": "340123450000001038", "type": "CT", "contains": [{"line": 1, "quantity": "2"}]}]},
    {"sscc": "340123450000001045", "type": "BX", "contains": [{"line": 2, "quantity": "2"}]},
]  # fmt: skip


def chosen(digest: str, en: str, zh: str) -> dict[str, Any]:
    return {"configuration": {"product": "DOOR", "release": 1, "digest": digest, "choices": {"colour": en}, "text": {"en": en, "zh": zh}}}


@pytest.fixture(scope="module")
def pair(database: None) -> tuple[Member, Member]:
    buyer, seller = partners()
    stock(buyer, "A-DOOR", "Door panel", name_zh="门板")
    stock(seller, "S-DOOR", "Door panel", name_zh="门板", of={buyer.slug: "A-DOOR"})
    stock(buyer, "A-G", "Kettle", gtin=GTIN)
    stock(seller, "S-G", "Kettle", of={buyer.slug: "A-G"}, gtin=GTIN)
    return buyer, seller


def scan(member: Member, document: uuid.UUID, dock: str, code: Any, by: Any = None) -> services.Scanned:
    actor = by or member.actor
    with member.acting(by=actor):
        return services.scan(document=document, dock=dock, code=code, by=actor, at=AT)


CODES: list[tuple[str, Code]] = [
    ("340123450000000017", Code(sscc="340123450000000017")),
    ("00340123450000000017", Code(sscc="340123450000000017")),
    ("(00)340123450000000017", Code(sscc="340123450000000017")),
    ("]C100340123450000000017", Code(sscc="340123450000000017")),
    (GTIN, Code(gtin=f"0{GTIN}", number=GTIN)),
    (f"(01)0{GTIN}(10)L-7(21)X1", Code(gtin=f"0{GTIN}", lot="L-7", serial="X1")),
    (f"]C1010{GTIN}10L-7\x1d21X1", Code(gtin=f"0{GTIN}", lot="L-7", serial="X1")),
    (f"]d2010{GTIN}3712", Code(gtin=f"0{GTIN}", quantity=Decimal(12))),
    ("A-100", Code(number="A-100")),
    ("10023", Code(number="10023")),
    (RED, Code(digest=RED)),
    (f"https://aurora.example/c/{RED.upper()}", Code(digest=RED)),
    ("kühlschrank", Code(number="kühlschrank")),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code"), CODES)
def test_what_a_code_says(text: str, code: Code) -> None:
    assert read_code(text) == code


@pytest.mark.parametrize("dock", ["ship", "receive"])
def test_pieces_and_units_are_counted(pair: tuple[Member, Member], dock: str) -> None:
    buyer, seller = pair
    order = agreed(buyer, seller, [line("A-1", "5"), line("A-2", "2")])
    units = [{**unit, "sscc": ""} for unit in UNITS] if dock == "ship" else UNITS
    lines = [{"order": order, "line": 1, "quantity": "5"}, {"order": order, "line": 2, "quantity": "2"}]
    sent = advice(seller, lines, units=units if dock == "receive" else None, ship=dock == "receive")
    member, own = (seller, "S") if dock == "ship" else (buyer, "A")
    if dock == "ship":
        assert [scan(member, sent, dock, f"{own}-2").sentence for _piece in range(2)] == ["Line 2, Item 2: 1 of 2 pcs.", "Line 2, Item 2: 2 of 2 pcs."]
        assert scan(member, sent, dock, "s-2").sentence == "All 2 pcs of line 2, Item 2, were scanned already: this one is too much."
        return
    assert scan(member, sent, dock, UNITS[0]["sscc"]).sentence == "Pallet 340123450000001014: 5 pcs Item 1"
    for sscc in ("340123450000001014", "340123450000001021"):
        assert scan(member, sent, dock, f"(00){sscc}").sentence == f"The unit {sscc} was scanned already."
    assert scan(member, sent, dock, "A-1").accepted is False
    assert scan(member, sent, dock, "S-2").sentence == "Line 2, Item 2: 1 of 2 pcs."
    assert scan(member, sent, dock, UNITS[1]["sscc"]).sentence == "All 2 pcs of line 2, Item 2, were scanned already: this one is too much."
    assert scan(member, sent, dock, "A-2").sentence == "Line 2, Item 2: 2 of 2 pcs."


def test_an_inner_unit_first(pair: tuple[Member, Member]) -> None:
    buyer, seller = pair
    order = agreed(buyer, seller, [line("A-1", "5")])
    inner = [{"sscc": "340123450000002011", "contains": [
        {"sscc": "340123450000002028", "contains": [{"line": 1, "quantity": "3"}]}, {"line": 1, "quantity": "2"}]}]  # fmt: skip
    sent = advice(seller, [{"order": order, "line": 1, "quantity": "5"}], units=inner)
    assert scan(buyer, sent, "receive", "340123450000002028").sentence == "Carton 340123450000002028: 3 pcs Item 1"
    assert scan(buyer, sent, "receive", "340123450000002011").sentence == "Carton 340123450000002011: 2 pcs Item 1"


def test_the_wrong_variant_is_refused_with_where_it_belongs(pair: tuple[Member, Member]) -> None:
    """The door panel of another order: the box in front of the person needs white."""
    buyer, seller = pair
    agreed(buyer, seller, [line("A-1", "1"), {**line("A-DOOR", "1"), "details": chosen(RED, "red", "红色")}], number="4711")
    order = agreed(buyer, seller, [{**line("A-DOOR", "2"), "details": chosen(WHITE, "white", "白色")}], number="4713")
    packed = advice(seller, [{"order": order, "line": 1, "quantity": "2"}], ship=False)
    refused = scan(seller, packed, "ship", RED)
    assert (refused.accepted, refused.sentence) == (False, "This is Door panel red of order 4711 line 2; the box in front of you needs white.")
    assert scan(seller, packed, "ship", BLUE).sentence == (
        "This is a variant that nobody here has ordered or sold; the box in front of you needs Door panel white."
    )
    assert scan(seller, packed, "ship", f"https://maker.example/c/{WHITE}").sentence == "Line 1, Door panel white: 1 of 2 pcs."
    told = seller.api.post(f"despatch-advices/{packed}/scans/", {"dock": "ship", "code": RED}, headers={"Accept-Language": "zh-Hans"}).json()
    assert told["sentence"] == "这是订单 4711 第 2 行的门板 红色；您面前的箱子需要白色。"


def test_several_variants_are_told_apart_by_their_code(pair: tuple[Member, Member]) -> None:
    buyer, seller = pair
    doors = [{**line("A-DOOR", "1"), "details": chosen(digest, text, text)} for digest, text in ((RED, "red"), (WHITE, "white"))]
    order = agreed(buyer, seller, doors)
    sent = advice(seller, [{"order": order, "line": number, "quantity": "1"} for number in (1, 2)])
    refused = scan(buyer, sent, "receive", "A-DOOR")
    assert refused.sentence == "There are several variants of Door panel in this delivery. Scan the code of its configuration."
    assert [scan(buyer, sent, "receive", digest).line for digest in (WHITE, RED)] == [2, 1]


def test_the_wrong_item_lot_or_serial_is_refused(pair: tuple[Member, Member]) -> None:
    buyer, seller = pair
    order = agreed(buyer, seller, [line("A-G", "3")])
    sent = advice(seller, [{"order": order, "line": 1, "quantity": "3", "lot": "L1", "serials": ["X1", "X2"]}])
    said = {
        "A-1": "This is Item 1; the delivery in front of you needs Kettle.",
        "hello": "Nobody here knows the code “hello”; the delivery in front of you needs Kettle.",
        f"(01)0{GTIN}(10)L2": "This is lot L2 of Kettle; the delivery in front of you needs lot L1.",
        f"(01)0{GTIN}(10)L1(21)X9": "Kettle with the serial number X9 is not in this delivery.",
        "340123450000009997": "No unit 340123450000009997 is in this delivery.",
        "340123450000009998": "The check digit of the SSCC 340123450000009998 is wrong: it would be 7. Scan it again.",
        f"(01)0{GTIN}(30)4": "All 3 pcs of line 1, Kettle, were scanned already: this one is too much.",
    }
    for code, sentence in said.items():
        found = scan(buyer, sent, "receive", code)
        assert (found.accepted, found.sentence) == (False, sentence)
    assert scan(buyer, sent, "receive", f"(01)0{GTIN}(10)L1(21)X1").sentence == "Line 1, Kettle: 1 of 3 pcs."
    assert scan(buyer, sent, "receive", f"(01)0{GTIN}(21)X1").sentence == "The serial number X1 was scanned already."
    assert scan(buyer, sent, "receive", f"(01)0{GTIN}(10)L1(37)2").sentence == "Line 1, Kettle: 3 of 3 pcs."
    rows = buyer.api.get(f"despatch-advices/{sent}/scans/").json()["results"]
    assert [row["accepted"] for row in rows] == [True, False, True] + [False] * 7
    assert (rows[0]["lot"], rows[0]["quantity"], rows[0]["line"], rows[2]["serial"]) == ("L1", "2", 1, "X1")


def test_a_unit_of_another_delivery_is_told(pair: tuple[Member, Member]) -> None:
    buyer, seller = pair
    order = agreed(buyer, seller)
    one = advice(
        seller, [{"order": order, "line": 1, "quantity": "1"}], units=[{"sscc": "340123450000003018", "contains": [{"line": 1, "quantity": "1"}]}], number="D-1"
    )
    other = advice(seller, [{"order": order, "line": 1, "quantity": "1"}], number="D-2")
    assert scan(buyer, other, "receive", "340123450000003018").sentence == "The unit 340123450000003018 belongs to the delivery D-1; this is D-2."
    receipt(buyer, one, [{"line": 1, "received": "1"}])
    assert scan(buyer, one, "receive", "A-1").sentence == "The delivery D-1 is “Received”: nothing is scanned for it."


def test_who_scans_where(pair: tuple[Member, Member], cast: Cast) -> None:
    buyer, seller = pair
    sent = advice(seller, [{"order": agreed(buyer, seller), "line": 1, "quantity": "1"}])
    for member, dock, wrong in ((seller, "receive", NoSuchDocument), (buyer, "ship", NoSuchDocument), (cast.stranger, "receive", NoSuchDocument)):
        with unchanged(buyer, seller, cast.stranger), pytest.raises(wrong):
            scan(member, sent, dock, "A-1")
    with unchanged(buyer, seller), pytest.raises(MayNot):
        scan(buyer, sent, "receive", "A-1", by=buyer.viewer)
    assert scan(buyer, sent, "receive", "A-1", by=buyer.as_role("dock")).accepted
    for code in ("", None, "x" * 401, "a\x00b"):
        with unchanged(buyer, seller), pytest.raises(Invalid):
            scan(buyer, sent, "receive", code)


def test_scans_by_rest(pair: tuple[Member, Member], cast: Cast) -> None:
    buyer, seller = pair
    sent = advice(seller, [{"order": agreed(buyer, seller), "line": 1, "quantity": "2"}])
    path = f"despatch-advices/{sent}/scans/"
    answer = buyer.api.post(path, {"dock": "receive", "code": "A-1"})
    assert answer.status_code == 201, answer.content
    assert {**answer.json(), "at": "", "by": ""} == {
        "dock": "receive", "code": "A-1", "accepted": True, "sentence": "Line 1, Item 1: 1 of 2 pcs.", "line": 1, "unit": "", "lot": "", "serial": "",
        "quantity": "1", "at": "", "by": "",
    }  # fmt: skip
    for body, pointer in (
        ({"dock": "sea", "code": "A-1"}, "/dock"),
        ({"dock": ["ship"], "code": "A-1"}, "/dock"),
        ({"code": "A-1"}, "/dock"),
        ({"dock": "receive"}, "/code"),
        ({"dock": "receive", "code": "A-1", "x": 1}, "/x"),
    ):
        with unchanged(buyer, seller):
            refused = buyer.api.post(path, body)
        assert (refused.status_code, [error["pointer"] for error in refused.json()["errors"]]) == (422, [pointer])
    for ask in (
        cast.stranger.api.get(path),
        cast.stranger.api.post(path, {"dock": "receive", "code": "A-1"}),
        buyer.api.get(f"despatch-advices/{uuid.uuid4()}/scans/"),
    ):
        assert ask.status_code == 404
