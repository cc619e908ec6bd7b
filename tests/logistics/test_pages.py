"""The dock's pages: whole without scripts, in both languages, and open to nobody else."""

from __future__ import annotations

import re
import uuid
from decimal import Decimal
from typing import Any

import pytest

from apps.logistics.services import labelling
from apps.logistics.services import packing as service
from tests.cast import Cast, Member, line, unchanged
from tests.documents.browsing import words
from tests.logistics.deliveries import advice, agreed, balances, partners, receipt, stage, state

Pair = tuple[Member, Member]


@pytest.fixture
def pair(database: None) -> Pair:
    return partners()


def packing(uid: uuid.UUID, more: str = "") -> str:
    return f"/dock/packing/{uid}/{more}"


def receiving(uid: uuid.UUID) -> str:
    return f"/dock/receiving/{uid}/"


def test_what_is_due_is_packed_shipped_and_received(pair: Pair) -> None:
    buyer, seller = pair
    order = agreed(buyer, seller, [line("A-1"), line("A-2", "5", "9.99", due_on="2026-03-01")], number="4711")
    dock = seller.page_client("dock")
    shown = dock.get("/dock/")
    assert shown.status_code == 200
    assert [row["order_line"] for group in shown.context["groups"] for row in group["rows"]] == [2, 1]
    assert "Receiver" in words(shown)
    answer = dock.post("/dock/pack/", {"pick": [f"{order}:1", f"{order}:2"], f"quantity-{order}:1": "40", f"quantity-{order}:2": "5"})
    assert answer.status_code == 303
    at = answer["Location"]
    # What is being packed already is not offered again.
    rows = {row["order_line"]: row for group in dock.get("/dock/").context["groups"] for row in group["rows"]}
    assert [(rows[number]["packed"], rows[number]["left"], rows[number]["picked"]) for number in (1, 2)] == [(40, 0, False), (5, 0, False)]
    page = dock.get(at)
    assert [(row["name"], row["typed_quantity"]) for row in page.context["lines"]] == [("Item 1", "40"), ("Item 2", "5")]
    typed = {
        "version": page.context["document"]["version"], "quantity-1": "40", "lot-1": "L-7", "packs-1": "3", "type-1": "CT", "quantity-2": "5", "lot-2": "",
        "packs-2": "", "type-2": "BX", "pallet": "on",
    }  # fmt: skip
    saved = dock.post(at, {**typed, "save": "1"}, follow=True)
    assert saved.status_code == 200
    tree = saved.context["tree"]
    assert (len(tree), str(tree[0]["type"]), [(str(unit["type"]), [str(one["quantity"]) for one in unit["holds"]]) for unit in tree[0]["units"]]) == (
        1, "Pallet", [("Carton", ["14"]), ("Carton", ["13"]), ("Carton", ["13"]), ("Box", ["5"])],
    )  # fmt: skip
    numbers = [tree[0]["sscc"], *(unit["sscc"] for unit in tree[0]["units"])]
    assert len(set(numbers)) == 5
    label = dock.get(f"{at}labels/")
    assert label.status_code == 200
    assert all(f"(00) {number}" in words(label) for number in numbers)
    shipped = dock.post(at, {**typed, "packs-1": "2", "version": saved.context["document"]["version"], "ship": "1"})
    assert shipped.status_code == 303
    uid = uuid.UUID(at.split("/")[3])
    assert (state(buyer, uid), stage(buyer, order)) == ("shipped", "shipped")
    # The labels that were printed stay good.
    assert [unit["sscc"] for unit in buyer.api.get(f"despatch-advices/{uid}/").json()["units"][0]["contains"]] == numbers[1:4]
    gate = buyer.page_client("dock")
    assert "Shipper" in words(gate.get("/dock/expected/"))
    page = gate.get(receiving(uid))
    assert [row["received"] for row in page.context["lines"]] == ["40", "5"]
    answer = gate.post(receiving(uid), {"received-1": "38", "rejected-1": "1", "reason-1": "1", "action-1": "1", "received-2": "5", "receive": "1"})
    assert answer.status_code == 303
    told = words(gate.get(answer["Location"]))
    assert "broken → replace" in told
    assert (state(seller, uid), stage(seller, order)) == ("received", "partly_received")
    assert balances(buyer, "A-1")["L-7", "stock"] == Decimal(37)


def test_scanning_without_scripts(pair: Pair) -> None:
    buyer, seller = pair
    sent = advice(
        seller, [{"order": agreed(buyer, seller, [line("A-1", "3"), line("A-2", "2")]), "line": number, "quantity": str(4 - number)} for number in (1, 2)]
    )
    gate = buyer.page_client("dock")
    page = gate.post(receiving(sent), {"code": "A-1", "scan": "1", "received-1": "3", "received-2": "2"})
    assert page.status_code == 200
    assert 'data-scanned="right"' in page.content.decode()
    assert "Line 1, Item 1: 1 of 3 pcs." in words(page)
    # What was scanned counts; what was typed beside it stays.
    assert [row["received"] for row in page.context["lines"]] == ["1", "2"]
    page = gate.post(receiving(sent), {"code": "A-3", "scan": "1", "received-1": "1", "received-2": "1.5"})
    assert 'data-scanned="wrong"' in page.content.decode()
    assert "This is Item 3; the delivery in front of you needs Item 1, Item 2." in words(page)
    assert [row["received"] for row in page.context["lines"]] == ["1", "1.5"]
    # Enter in another field is no scan.
    page = gate.post(receiving(sent), {"code": "", "scan": "1", "received-1": "2", "received-2": "2"})
    assert (page.context["scanned"], [row["received"] for row in page.context["lines"]]) == (None, ["2", "2"])
    # Whoever comes back finds what was scanned, and nothing else counted.
    assert [row["received"] for row in gate.get(receiving(sent)).context["lines"]] == ["1", "0"]
    dock = seller.page_client("dock")
    packed = advice(seller, [{"order": agreed(buyer, seller), "line": 1, "quantity": "2"}], ship=False)
    page = dock.post(packing(packed), {"code": "S-1", "scan": "1"})
    assert "1 of 2 scanned" in words(page)


def test_what_cannot_be_taken_is_said_and_what_was_typed_stays(pair: Pair) -> None:
    buyer, seller = pair
    order = agreed(buyer, seller, number="4713")
    dock = seller.page_client("dock")
    with unchanged(buyer, seller):
        too_much = dock.post("/dock/pack/", {"pick": f"{order}:1", f"quantity-{order}:1": "41"})
        nothing = dock.post("/dock/pack/", {})
        broken = dock.post("/dock/pack/", {"pick": ["x", f"{order}:", f"{order}:99999999"]})
    assert (too_much.status_code, nothing.status_code, broken.status_code) == (422, 422, 422)
    assert "41 pcs would be shipped" in words(too_much)
    assert too_much.context["groups"][0]["rows"][0]["quantity"] == "41"
    packed = advice(seller, [{"order": order, "line": 1, "quantity": "40"}], ship=False)
    with unchanged(buyer, seller):
        stale = dock.post(packing(packed), {"version": "0", "quantity-1": "40", "ship": "1"})
        over = dock.post(packing(packed), {"version": "1", "quantity-1": "50", "lot-1": "L", "ship": "1"})
    assert (stale.status_code, over.status_code) == (422, 422)
    assert "has changed since you read it" in words(stale)
    assert (over.context["lines"][0]["typed_quantity"], over.context["lines"][0]["typed_lot"]) == ("50", "L")
    sent = advice(seller, [{"order": order, "line": 1, "quantity": "40"}])
    gate = buyer.page_client("dock")
    with unchanged(buyer, seller):
        wrong = gate.post(receiving(sent), {"received-1": "40", "rejected-1": "2", "receive": "1"})
    assert wrong.status_code == 422
    assert wrong.context["lines"][0]["wrong"] == [
        "Say it for what is rejected: one of 1 broken, 2 quality, 3 wrong item, 4 wrong version, 5 wrong label, 6 price, 7 packaging, "
        "8 item and packaging, 99 another reason.",
        "Say it for what is rejected: one of 1 replace, 2 credit and cancel.",
    ]


def test_a_delivery_on_its_way_is_replaced_on_its_page(pair: Pair) -> None:
    buyer, seller = pair
    order = agreed(buyer, seller)
    sent = advice(seller, [{"order": order, "line": 1, "quantity": "40"}])
    dock = seller.page_client("dock")
    at = f"/documents/despatch-advices/{sent}/"
    assert dock.get(f"{at}moves/replace/")["Location"] == packing(sent)
    page = dock.get(packing(sent))
    assert page.context["replaces"]
    answer = dock.post(packing(sent), {"version": page.context["document"]["version"], "quantity-1": "30", "reason": "Ten are left.", "save": "1"})
    assert answer.status_code == 303
    assert buyer.api.get(f"despatch-advices/{sent}/").json()["lines"][0]["quantity"] == "30"
    assert "Ten are left." in words(buyer.page_client().get(at))
    receipt(buyer, sent, [{"line": 1, "received": "30"}])
    assert dock.get(packing(sent))["Location"] == at


def test_the_order_shows_its_deliveries(pair: Pair) -> None:
    buyer, seller = pair
    order = agreed(buyer, seller, number="4714")
    at = f"/documents/orders/{order}/"
    assert "Not shipped yet" in words(seller.page_client().get(at))
    sent = advice(seller, [{"order": order, "line": 1, "quantity": "30"}], number="DA-4714")
    for member in pair:
        page = member.page_client("viewer").get(at)
        told = words(page)
        assert "Partly shipped" in told
        assert "DA-4714" in told
        assert f"/documents/despatch-advices/{sent}/" in page.content.decode()
        assert member.page_client().get(f"{at}parts/deliveries/").status_code == 200
    told = words(buyer.page_client().get(f"/documents/despatch-advices/{sent}/"))
    assert "In this delivery" in told
    assert "Receive" in told


def test_stock_is_seen_moved_and_counted(pair: Pair) -> None:
    _buyer, seller = pair
    client = seller.page_client("dock")
    assert "The stock is empty" in words(client.get("/dock/stock/"))
    found = client.get("/dock/stock/?q=S-1").context["others"]
    at = found[0]["url"]
    done = client.post(at, {"deed": "made", "quantity": "12.5", "lot": "L1"}, follow=True)
    assert [(row["place"], row["lot"], row["quantity"]) for row in done.context["balances"]] == [("stock", "L1", Decimal("12.5"))]
    assert "12.5 pcs" in words(client.get("/dock/stock/"))
    with unchanged(seller):
        for sent, field in (
            ({"deed": "scrap", "quantity": "1"}, "reason"),
            ({"deed": "block", "quantity": "13", "lot": "L1"}, "quantity"),
            ({"deed": "counted", "quantity": "-1", "reason": "x"}, "quantity"),
            ({"deed": "made", "quantity": "many"}, "quantity"),
            ({"deed": "steal", "quantity": "1"}, "deed"),
        ):
            refused = client.post(at, sent)
            assert (refused.status_code, list(refused.context["form"].errors)) == (422, [field])
    client.post(at, {"deed": "counted", "quantity": "12", "lot": "L1", "reason": "Counted."})
    assert balances(seller, "S-1") == {("L1", "production"): Decimal("-12.5"), ("L1", "stock"): 12, ("L1", "loss"): Decimal("0.5")}
    viewer = seller.page_client("viewer")
    assert viewer.get(at).context["form"] is None
    with unchanged(seller):
        assert viewer.post(at, {"deed": "made", "quantity": "1"}).status_code == 403


def test_who_may_not_is_not_let_in(pair: Pair, cast: Cast) -> None:
    buyer, seller = pair
    order = agreed(buyer, seller)
    packed = advice(seller, [{"order": order, "line": 1, "quantity": "10"}], ship=False)
    sent = advice(seller, [{"order": order, "line": 1, "quantity": "10"}])
    stranger = cast.stranger.page_client(raise_request_exception=False)
    with unchanged(buyer, seller, cast.stranger):
        for path in (packing(packed), packing(packed, "labels/"), packing(sent), receiving(sent)):
            assert stranger.get(path).status_code == 404
        for path in (packing(packed), receiving(sent)):
            assert stranger.post(path, {"scan": "1", "code": "x"}).status_code == 404
        # Neither side stands at the other's dock.
        assert buyer.page_client().get(packing(sent)).status_code == 404
        assert seller.page_client().get(receiving(sent)).status_code == 404
        viewer = buyer.page_client("viewer")
        assert viewer.get(receiving(sent)).status_code == 200
        assert viewer.post(receiving(sent), {"received-1": "10", "receive": "1"}).status_code == 403
        assert seller.page_client("viewer").post("/dock/pack/", {"pick": f"{order}:1"}).status_code == 403
        answer = seller.page_client("viewer").get(packing(packed))
        assert (answer.status_code, answer["Location"]) == (303, f"/documents/despatch-advices/{packed}/")
    for page in ("/dock/", "/dock/expected/", "/dock/stock/"):
        assert "Receiver" not in words(stranger.get(page))


@pytest.mark.parametrize(("language", "said"), [("en", "To ship"), ("zh-hans", "待发货")])
def test_every_page_in_both_languages(pair: Pair, language: str, said: str) -> None:
    buyer, seller = pair
    order = agreed(buyer, seller, [line("A-1", "40"), line("A-2", "5")])
    packed = advice(seller, [{"order": order, "line": 1, "quantity": "10"}], units=[{"contains": [{"line": 1, "quantity": "10"}]}], ship=False)
    sent = advice(seller, [{"order": order, "line": 1, "quantity": "10", "lot": "L"}])
    got = receipt(buyer, sent, [{"line": 1, "received": "8", "rejected": "1", "reason": 7, "action": 2}])
    headers = {"Accept-Language": language}
    client = seller.page_client()
    client.cookies["django_language"] = language
    assert said in words(client.get("/dock/", headers=headers))
    for path in ("/dock/stock/", "/dock/expected/", packing(packed), packing(packed, "labels/"), f"/documents/receipt-advices/{got}/",
                 f"/documents/despatch-advices/{sent}/", "/documents/despatch-advices/", "/documents/receipt-advices/"):  # fmt: skip
        page = client.get(path, headers=headers)
        assert page.status_code == 200
        if language != "en":
            assert not re.search(r">\s*(Lot|Quantity|Shipped|Ship|Packed|Scan|Labels|From|To|Came|Save)\s*<", page.content.decode())


# The bars of a label ---------------------------------------------------------------------------------------------------


def test_the_patterns_are_those_of_code_128() -> None:
    """Each is eleven modules wide, its bars an even number of them, and none stands for two (ISO/IEC 15417, 4.3)."""
    assert len(labelling.WIDTHS) == len(set(labelling.WIDTHS)) == 106
    for widths in labelling.WIDTHS:
        bars = [int(width) for width in widths]
        assert (sum(bars), sum(bars[::2]) % 2) == (11, 0)


def test_an_sscc_is_drawn_and_read_again() -> None:
    """Read as a scanner does: the widths of bars and spaces, the characters, the check character, the digits."""
    drawn = labelling.bars("340123450000000017")
    ends = [start + width for start, width in drawn.bars]
    spaces = [start - end for end, (start, _width) in zip(ends, drawn.bars[1:], strict=False)]
    widths = "".join(f"{width}{space}" for (_start, width), space in zip(drawn.bars, [*spaces, ""], strict=True))
    assert widths.endswith(labelling.STOP)
    body = widths.removesuffix(labelling.STOP)
    codes = [labelling.WIDTHS.index(body[at : at + 6]) for at in range(0, len(body), 6)]
    start, fnc1, *data, check = codes
    assert (start, fnc1) == (labelling.START_C, labelling.FNC1)
    assert "".join(f"{code:02d}" for code in data) == "00340123450000000017"
    assert check == (start + sum(place * code for place, code in enumerate(codes[1:-1], 1))) % 103
    assert drawn.width == 2 * labelling.QUIET + 11 * len(codes) + 13
    assert drawn.bars[0][0] == labelling.QUIET


def packs(quantity: str, count: int) -> list[str]:
    found: list[dict[str, Any]] = service.even([{"line": 1, "quantity": Decimal(quantity), "lot": "", "packs": count, "type": "CT"}], pallet="")
    return [unit["contains"][0]["quantity"] for unit in found]


def test_what_is_packed_evenly_adds_up() -> None:
    assert packs("40", 3) == ["14", "13", "13"]
    assert packs("2", 3) == ["1", "1"]
    assert packs("0", 3) == []
    assert packs("1.000001", 2) == ["0.500001", "0.500000"]
    assert packs("999999999999.999999", 1) == ["999999999999.999999"]
