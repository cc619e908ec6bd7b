"""Standard messages in and out: every real one moves the documents of two enterprises, and comes out again as it went in."""

import itertools
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from lxml import etree

from apps.documents import services as documents
from apps.exchange import formats
from apps.exchange import services as exchange
from apps.exchange.formats import Message, Party
from apps.tenants import services as tenants
from tests import cast as company
from tests.cast import AT, Cast, Member, unchanged

from .formats.conftest import DATA
from .formats.samples import BAD_MODEL, REAL, XML, canonical, written

_numbers = itertools.count(1)
LATER = [name for name in REAL if "OrderChange" in name or "OrderCancellation" in name]
ORDERS = [name for name in REAL if "esponse" not in name and name not in LATER]
RESPONSES = [name for name in REAL if name not in (*ORDERS, *LATER)]
Pair = tuple[Member, Member]


@pytest.fixture
def made() -> Iterator[list[Member]]:
    """Enterprises made for a test: their electronic addresses are free again afterwards."""
    members: list[Member] = []
    yield members
    for member in members:
        with member.acting():
            tenants.save_endpoints(endpoints=(), at=AT)


def enterprise(made: list[Member], party: Party, taken: tuple[tuple[str, str], ...] = ()) -> Member:
    """An enterprise with a party's ids (but those that another one has) and name."""
    number = next(_numbers)
    ids = [endpoint for endpoint in party.endpoints if endpoint not in taken]
    member = company.provision(f"party-{number}", party.name or f"Party {number}", endpoints=ids)
    made.append(member)
    return member


def parties(made: list[Member], message: Message) -> Pair:
    """The message's buyer and seller, as partners."""
    buyer = enterprise(made, message.buyer)
    seller = enterprise(made, message.seller, taken=message.buyer.endpoints)
    company.befriend(buyer, seller)
    return buyer, seller


def real(name: str) -> bytes:
    if not (DATA / "ubl").is_dir():
        pytest.skip(f"the shared data is not there: {DATA}")
    return (DATA / name).read_bytes()


def post(member: Member, source: bytes, media_type: str = XML, **more: Any) -> Any:
    return member.api.post("inbox/", source, content_type=media_type, **more)


def as_message(member: Member, path: str) -> etree._Element:
    answer = member.api.get(path, headers={"Accept": XML})
    assert (answer.status_code, answer["Content-Type"]) == (200, XML), answer.content
    return etree.fromstring(answer.content)


def asked(buyer: Member, seller: Member, message: Message) -> uuid.UUID:
    """The order that a response answers: its number, and a line for each line that it names."""
    said = message.content["lines"] or [{"reference": "1"}]
    due = [{"quantity": "100", "due_on": "2022-03-01"}]
    lines = [
        {"reference": line["reference"], "name": "Thing", "quantity": "100", "unit": line.get("unit", "C62"), "price": "9", "schedules": due} for line in said
    ]
    with buyer.acting():
        row = documents.draft(
            type="order", partner=seller.slug, number=message.content["order_number"], currency="EUR", lines=lines, by=buyer.actor, at=AT, lenient=True
        )
        documents.apply(document=row.pk, move="publish", by=buyer.actor, at=AT)
    return row.pk


@pytest.mark.parametrize("name", ORDERS)
def test_a_real_order_is_published_and_comes_out_again(made: list[Member], name: str) -> None:
    source = real(name)
    message = formats.read(source, XML)
    buyer, seller = parties(made, message)
    answer = post(buyer, source)
    assert answer.status_code == 201, answer.content
    (told,) = answer.json()["documents"]
    assert (told["type"], told["number"], told["state"], told["move"]) == ("order", message.number, "published", "publish")
    for member, side in ((buyer, "buyer"), (seller, "seller")):
        found = member.api.get(f"orders/{told['uid']}").json()
        assert (found["side"], found["state"], found["number"], len(found["lines"])) == (side, "published", message.number, len(message.content["lines"]))
        for line, content in zip(found["lines"], message.content["lines"], strict=True):
            assert (line["quantity"], line["price"], line["reference"]) == (content["quantity"], content.get("price"), content["reference"])
            wanted = [{"quantity": one["quantity"], "due_on": one.get("due_on")} for one in content["schedules"]]
            assert line["schedules"] == wanted
        assert canonical(as_message(member, f"orders/{told['uid']}")) == canonical(etree.fromstring(source))


@pytest.mark.parametrize("name", ORDERS)
def test_the_original_is_kept_byte_for_byte(made: list[Member], name: str) -> None:
    source = real(name)
    buyer, seller = parties(made, formats.read(source, XML))
    uid = post(buyer, source, "application/xml; charset=utf-8").json()["documents"][0]["uid"]
    (kept,) = buyer.api.get(f"orders/{uid}/attachments/").json()["results"]
    assert (kept["kind"], kept["media_type"]) == ("order", XML)
    assert kept["step"] == buyer.api.get(f"orders/{uid}/steps/").json()["results"][-1]["uid"]
    answer = buyer.api.get(kept["url"])
    assert (answer.content, answer["Content-Type"], answer["Content-Disposition"]) == (source, XML, f'attachment; filename="{kept["uid"]}"')
    assert seller.api.get(kept["url"]).status_code == 404


MOVED = {"AB": ("acknowledge", {"acknowledged"}), "AP": ("confirm", {"agreed"}), "CA": ("confirm", {"confirmed", "agreed"}), "RE": ("confirm", {"rejected"})}


@pytest.mark.parametrize("name", RESPONSES)
def test_a_real_response_answers_its_order_and_comes_out_again(made: list[Member], name: str) -> None:
    source = real(name)
    message = formats.read(source, XML)
    buyer, seller = parties(made, message)
    order = asked(buyer, seller, message)
    answer = post(seller, source)
    assert answer.status_code == 201, answer.content
    told, response = answer.json()["documents"]
    move, states = MOVED[message.content["code"]]
    assert (told["uid"], told["move"], response["type"], response["number"]) == (str(order), move, "order_response", message.number)
    assert told["state"] in states
    for member in (buyer, seller):
        found = member.api.get(f"orders/{order}").json()
        assert found["state"] == told["state"]
        read = member.api.get(f"order-responses/{response['uid']}").json()
        assert (read["number"], read["issued_on"], read["order"]["uid"]) == (message.number, message.content["issued_on"], str(order))
        assert canonical(as_message(member, f"order-responses/{response['uid']}")) == canonical(etree.fromstring(source))
    assert seller.api.get(f"orders/{order}/attachments/").json()["results"][0]["kind"] == "order_response"


def test_a_real_order_and_its_real_response_meet(made: list[Member]) -> None:
    folder = "peppol/scenarios/post-award/Advanced_Ordering_scenarios/advanced_ordering_sc1/"
    order, response = real(f"{folder}Order_sc1.xml"), real(f"{folder}OrderResponse_sc1.xml")
    buyer, seller = parties(made, formats.read(order, XML))
    uid = post(buyer, order).json()["documents"][0]["uid"]
    assert post(seller, response).json()["documents"][0] == {"type": "order", "uid": uid, "number": "Order-1", "state": "confirmed", "move": "confirm"}
    offered = [line["offered"] for line in buyer.api.get(f"orders/{uid}").json()["lines"]]
    assert [(line["response"], line["schedules"], line["price"]) for line in offered] == [
        ("change", [{"quantity": "5", "due_on": "2022-02-20"}], "40"),
        ("change", [{"quantity": "50", "due_on": "2022-02-20"}], "6"),
    ]
    assert offered[0]["reason"] == "Reduced quantity to 5 and added Sellers item identification"


# Our own messages ------------------------------------------------------------------------------------------------------


@pytest.fixture
def friends(made: list[Member]) -> Pair:
    """The buyer and the seller of our own messages; the seller has the buyer's first item."""
    buyer, seller = parties(made, formats.read(written("order.xml"), XML))
    company.stock(seller, "BC90", "Compressor", of={buyer.slug: "A-100"})
    return buyer, seller


def swapped(source: bytes, *swaps: tuple[str, str]) -> bytes:
    text = source.decode()
    for old, new in swaps:
        assert old in text
        text = text.replace(old, new)
    return text.encode()


def split_of(friends: Pair, **more: Any) -> dict[str, Any]:
    """The order and the split answer to it."""
    uid = post(friends[0], written("order.xml")).json()["documents"][0]["uid"]
    answer = post(friends[1], written("split.xml"))
    assert answer.status_code == 201, answer.content
    found: dict[str, Any] = friends[0].api.get(f"orders/{uid}").json()
    return found


def test_items_are_found_by_number_and_others_wait(friends: Pair) -> None:
    uid = post(friends[0], written("order.xml")).json()["documents"][0]["uid"]
    lines = friends[1].api.get(f"orders/{uid}").json()["lines"]
    assert [(line["item"], line["matched"]) for line in lines] == [("BC90", True), (lines[1]["item"], False)]


def test_a_split_with_a_new_price_stands_beside_what_was_asked(friends: Pair) -> None:
    first, second = split_of(friends)["lines"]
    assert first["offered"] == {
        "response": "change",
        "price": "83.00",
        "schedules": [{"quantity": "15", "due_on": "2027-01-15"}, {"quantity": "25", "due_on": "2027-02-20"}],
        "reason": "15 in time",
        "substitute": None,
    }
    assert second["offered"]["response"] == "accept"


def test_an_answer_by_hand_can_be_read_as_a_message(friends: Pair) -> None:
    buyer, seller = friends
    uid = post(buyer, written("order.xml")).json()["documents"][0]["uid"]
    schedules = [{"quantity": "15", "due_on": "2027-01-15"}, {"quantity": "25", "due_on": "2027-02-20"}]
    answer = {"line": 1, "price": "83.00", "schedules": schedules, "reason": "Late"}
    seller.api.post(f"orders/{uid}/moves/acknowledge/")
    seller.api.post(f"orders/{uid}/moves/confirm/", {"lines": [answer, {"line": 2, "response": "reject", "reason": "Gone"}]})
    listed = buyer.api.get("order-responses/").json()["results"]
    for row, code in zip(listed, ("CA", "AB"), strict=True):
        for member in friends:
            root = as_message(member, f"order-responses/{row['uid']}")
            content = formats.read(etree.tostring(root), XML).content
            assert (content["code"], content["order_number"], content["number"]) == (code, "4500012345", row["number"])
            if code == "CA":
                first, second = content["lines"]
                assert (first["reference"], first["price"], first["schedules"]) == ("10", "83.00", schedules)
                assert (second["reference"], second["response"], second["reason"]) == ("20", "reject", "Gone")


def test_a_response_to_what_is_agreed_proposes_a_change(friends: Pair) -> None:
    buyer, seller = friends
    uid = post(buyer, written("order.xml")).json()["documents"][0]["uid"]
    assert seller.api.post(f"orders/{uid}/moves/confirm/").status_code == 200
    assert post(seller, written("split.xml")).status_code == 201
    found = buyer.api.get(f"orders/{uid}").json()
    assert (found["state"], [each["line"] for each in found["change"]["lines"]]) == ("change_answered", [1])
    assert buyer.api.get("order-responses/").json()["results"][0]["code"] == "CA"
    assert buyer.api.post(f"orders/{uid}/moves/accept_response/").json()["state"] == "agreed"


def test_a_response_to_a_change_names_all_lines_and_answers_those_that_change(friends: Pair) -> None:
    buyer, seller = friends
    uid = post(buyer, written("order.xml")).json()["documents"][0]["uid"]
    seller.api.post(f"orders/{uid}/moves/confirm/")
    changed = {"lines": [{"line": 1, "schedules": [{"quantity": "50", "due_on": "2027-01-15"}]}]}
    assert buyer.api.post(f"orders/{uid}/moves/change/", changed).status_code == 200
    for member in friends:
        content = formats.read(etree.tostring(as_message(member, f"orders/{uid}")), XML).content
        assert content["lines"][0]["quantity"] == "50"
    assert post(seller, written("split.xml")).status_code == 201
    found = buyer.api.get(f"orders/{uid}").json()
    assert (found["state"], [each["line"] for each in found["change"]["lines"]]) == ("change_answered", [1])
    assert as_message(seller, f"orders/{uid}") is not None


def test_a_response_that_rejects_what_is_agreed_asks_to_be_let_off(friends: Pair) -> None:
    buyer, seller = friends
    uid = post(buyer, written("order.xml")).json()["documents"][0]["uid"]
    seller.api.post(f"orders/{uid}/moves/confirm/")
    rejected = swapped(written("split.xml"), (">30<", ">RE<"), ("Code>3</cbc:LineStatusCode>", "Code>7</cbc:LineStatusCode>"), ("Code>42<", "Code>7<"))
    assert post(seller, rejected).status_code == 201
    assert buyer.api.get(f"orders/{uid}").json()["state"] == "cancel_offered"


def test_an_answer_by_hand_is_taken_by_an_inbox_as_it_was_meant(friends: Pair, made: list[Member]) -> None:
    """What we write of an answer says the same to another portal: here to a second order of the same content."""
    buyer, seller = friends
    first = post(buyer, written("order.xml")).json()["documents"][0]["uid"]
    second = post(buyer, swapped(written("order.xml"), (">4500012345<", ">4500012346<"))).json()["documents"][0]["uid"]
    answer = {"line": 1, "response": "backorder", "schedules": [{"quantity": "40", "due_on": "2027-06-01"}]}
    substitute = {"line": 2, "substitute": {"item": "AT", "name": "Alu tube"}}
    assert seller.api.post(f"orders/{first}/moves/confirm/", {"lines": [answer, substitute]}).status_code == 200
    source = etree.tostring(as_message(seller, f"order-responses/{seller.api.get('order-responses/').json()['results'][0]['uid']}"))
    assert post(seller, source.replace(b">4500012345<", b">4500012346<")).status_code == 201
    by_hand, by_message = (buyer.api.get(f"orders/{uid}").json() for uid in (first, second))
    for one, other in zip(by_hand["lines"], by_message["lines"], strict=True):
        assert one["offered"] == other["offered"]


def test_an_order_made_by_rest_can_be_read_as_a_message(pair: Pair) -> None:
    buyer, seller = pair
    with buyer.acting():
        tenants.save_endpoints(endpoints=[("0088", "7300010000995")], at=AT)
    uid = company.order(buyer, seller, number="PO-1")
    for member in pair:
        message = formats.read(etree.tostring(as_message(member, f"orders/{uid}")), XML)
        assert (message.number, message.buyer.endpoints, message.seller.name) == ("PO-1", (("0088", "7300010000995"),), seller.home.name)
        assert message.content["lines"][0]["schedules"] == [{"quantity": "40", "due_on": "2027-01-15"}]
        assert message.customization == "urn:fdc:peppol.eu:poacc:trns:order:3"


def test_what_has_changed_since_is_in_the_message(friends: Pair) -> None:
    buyer, seller = friends
    uid = split_of(friends)["uid"]
    assert buyer.api.post(f"orders/{uid}/moves/counter/", {"lines": [{"line": 1, "price": "82.00"}]}).status_code == 200
    content = formats.read(etree.tostring(as_message(seller, f"orders/{uid}")), XML).content
    assert content["lines"][0]["price"] == "82.00"


def test_a_message_may_be_sent_again_with_its_key(friends: Pair) -> None:
    first = post(friends[0], written("order.xml"), headers={"Idempotency-Key": "m-1"})
    with unchanged(*friends):
        again = post(friends[0], written("order.xml"), headers={"Idempotency-Key": "m-1"})
    assert (again.status_code, again.content) == (201, first.content)


def test_a_response_that_overtakes_its_order_may_be_sent_again_with_its_key(friends: Pair) -> None:
    buyer, seller = friends
    key = {"Idempotency-Key": "m-2"}
    early = post(seller, written("split.xml"), headers=key)
    assert (early.status_code, [code for code, _place in errors(early)]) == (422, ["TRB-ORDER"])
    assert post(buyer, written("order.xml")).status_code == 201
    assert post(seller, written("split.xml"), headers=key).status_code == 201


SIX = (
    'Code>3</cbc:LineStatusCode><cbc:Quantity unitCode="MTR">{quantity}</cbc:Quantity>'
    '<cbc:MaximumBackorderQuantity unitCode="MTR">{later}</cbc:MaximumBackorderQuantity>'
)


@pytest.mark.parametrize(
    ("quantity", "later", "offered", "agreed"),
    [
        ("2", "3", [("2", "2027-02-01"), ("3", None)], "5"),
        ("3", "3", [("3", "2027-02-01"), ("3", None)], "6"),
        ("2", "0", [("2", "2027-02-01")], "2"),
        ("0", "3", [("3", None)], "3"),
    ],
)
def test_of_six_some_come_on_a_day_and_some_later(friends: Pair, quantity: str, later: str, offered: list[tuple[str, str | None]], agreed: str) -> None:
    """Peppol, transaction 116: of 6 that were ordered, 2 with a day and a backorder of at most 3 are up to 5; a backorder of 0: the rest does not come."""
    buyer, seller = friends
    order = swapped(written("order.xml"), (">2.50<", ">6<"))
    uid = post(buyer, order).json()["documents"][0]["uid"]
    said = swapped(written("split.xml"), ("Code>42</cbc:LineStatusCode>", SIX.format(quantity=quantity, later=later)))
    assert post(seller, said).status_code == 201
    line = buyer.api.get(f"orders/{uid}").json()["lines"][1]
    assert line["quantity"] == "6"
    assert [(one["quantity"], one["due_on"]) for one in line["offered"]["schedules"]] == offered
    assert buyer.api.post(f"orders/{uid}/moves/accept_response/").status_code == 200
    assert buyer.api.get(f"orders/{uid}").json()["lines"][1]["agreed"]["quantity"] == agreed
    assert seller.api.get(f"orders/{uid}").json()["lines"][1]["progress"]["to_ship"] == agreed


def test_what_comes_later_is_said_to_another_portal_as_it_was_meant(friends: Pair) -> None:
    """By hand: two on a day, three some day. As a message: the quantity that has a day, and the most that comes besides."""
    buyer, seller = friends
    order = swapped(written("order.xml"), (">2.50<", ">6<"))
    first = post(buyer, order).json()["documents"][0]["uid"]
    second = post(buyer, swapped(order, (">4500012345<", ">4500012346<"))).json()["documents"][0]["uid"]
    answer = {"line": 2, "response": "backorder", "schedules": [{"quantity": "2", "due_on": "2027-06-01"}]}
    assert seller.api.post(f"orders/{first}/moves/confirm/", {"lines": [answer]}).status_code == 200
    source = etree.tostring(as_message(seller, f"order-responses/{seller.api.get('order-responses/').json()['results'][0]['uid']}"))
    assert b"MaximumBackorderQuantity" not in source
    assert post(seller, source.replace(b">4500012345<", b">4500012346<")).status_code == 201
    offered = [buyer.api.get(f"orders/{uid}").json()["lines"][1]["offered"] for uid in (first, second)]
    assert [(one["response"], one["schedules"]) for one in offered] == [(name, answer["schedules"]) for name in ("backorder", "change")]


# What a response means ---------------------------------------------------------------------------------------------------

LINE_20 = "<cac:OrderLineReference><cbc:LineID>20</cbc:LineID></cac:OrderLineReference>"


@pytest.mark.parametrize(
    ("swaps", "offered"),
    [
        ([("Code>42<", "Code>7<")], {"response": "reject", "schedules": [], "price": None}),
        (
            [("Code>42</cbc:LineStatusCode>", 'Code>3</cbc:LineStatusCode><cbc:Quantity unitCode="MTR">2</cbc:Quantity>')],
            {"response": "change", "schedules": [{"quantity": "2", "due_on": "2027-02-01"}]},
        ),
        ([("Code>42</cbc:LineStatusCode>", 'Code>3</cbc:LineStatusCode><cbc:Quantity unitCode="MTR">0</cbc:Quantity>')], {"response": "reject"}),
        (
            [
                (
                    "Code>42</cbc:LineStatusCode>",
                    'Code>3</cbc:LineStatusCode><cbc:Quantity unitCode="MTR">0</cbc:Quantity>'
                    '<cbc:MaximumBackorderQuantity unitCode="MTR">2.50</cbc:MaximumBackorderQuantity>',
                )
            ],
            {"response": "backorder"},
        ),
    ],
)
def test_a_line_of_a_response_becomes_an_offer(friends: Pair, swaps: list[tuple[str, str]], offered: dict[str, Any]) -> None:
    uid = post(friends[0], written("order.xml")).json()["documents"][0]["uid"]
    answer = post(friends[1], swapped(written("split.xml"), *swaps))
    assert answer.status_code == 201, answer.content
    found = friends[0].api.get(f"orders/{uid}").json()["lines"][1]["offered"]
    assert {name: found[name] for name in offered} == offered


@pytest.mark.parametrize(
    ("said", "state"),
    [("true", "agreed"), ("false", "rejected")],
)
def test_a_simple_response_accepts_or_refuses_everything(made: list[Member], said: str, state: str) -> None:
    message = formats.read(written("simple.xml"), XML)
    buyer, seller = parties(made, message)
    order = asked(buyer, seller, message)
    answer = post(seller, swapped(written("simple.xml"), (">0<", f">{said}<")))
    assert answer.status_code == 201, answer.content
    found = buyer.api.get(f"orders/{order}").json()
    assert found["state"] == state
    if state == "rejected":
        assert {line["offered"]["reason"] for line in found["lines"]} == {"Not in our range"}


def errors(answer: Any) -> list[tuple[str, str]]:
    assert answer["Content-Type"] == "application/problem+json", answer.content
    found = answer.json()["errors"]
    assert all(error["detail"] for error in found)
    return [(error["code"], error["pointer"]) for error in found]


@pytest.mark.parametrize(
    ("swaps", "rule", "place"),
    [
        ([(">4500012345<", ">999<")], "TRB-ORDER", "/OrderResponse/OrderReference/ID"),
        ([("LineID>20<", "LineID>77<")], "TRB-LINE", '/OrderResponse/OrderLine[OrderLineReference/LineID="77"]/OrderLineReference/LineID'),
        ([("Code>42<", "Code>1<")], "TRB-LINE-ADDED", '/OrderResponse/OrderLine[OrderLineReference/LineID="20"]/LineItem/LineStatusCode'),
        ([('unitCode="C62"', 'unitCode="KGM"')], "TRB-UNIT", '/OrderResponse/OrderLine[OrderLineReference/LineID="10"]/LineItem/Quantity/@unitCode'),
    ],
)
def test_a_response_that_does_not_fit_its_order_is_refused(friends: Pair, swaps: list[tuple[str, str]], rule: str, place: str) -> None:
    post(friends[0], written("order.xml"))
    with unchanged(*friends):
        answer = post(friends[1], swapped(written("split.xml"), *swaps))
    assert (answer.status_code, errors(answer)) == (422, [(rule, place)])


def test_a_response_at_the_wrong_time_is_refused(friends: Pair) -> None:
    split_of(friends)
    with unchanged(*friends):
        answer = post(friends[1], written("split.xml"))
    assert (answer.status_code, answer.json()["state"]) == (409, "confirmed")


def test_an_order_comes_once(friends: Pair) -> None:
    post(friends[0], written("order.xml"))
    with unchanged(*friends):
        answer = post(friends[0], written("order.xml"))
    assert (answer.status_code, errors(answer)) == (422, [("TRB-NUMBER-TAKEN", "/Order/ID")])


def test_findings_of_documents_have_their_place_in_the_message(friends: Pair) -> None:
    swaps = ((">40<", ">1234567890123<"), (">15.0<", ">1234567890098<"), (">A-100<", f">{'x' * 61}<"))
    with unchanged(*friends):
        answer = post(friends[0], swapped(written("order.xml"), *swaps))
    assert (answer.status_code, sorted(errors(answer))) == (
        422,
        [
            ("TRB-NUMBER-SIZE", "/Order/OrderLine[1]/LineItem/Delivery[1]/Quantity"),
            ("TRB-NUMBER-SIZE", "/Order/OrderLine[1]/LineItem/Quantity"),
            ("TRB-TOO-LONG", "/Order/OrderLine[1]/LineItem/Item/BuyersItemIdentification/ID"),
        ],
    )


# Who may say what ----------------------------------------------------------------------------------------------------------


def test_the_seller_cannot_speak_for_the_buyer(friends: Pair) -> None:
    with unchanged(*friends):
        answer = post(friends[1], written("order.xml"))
        assert (answer.status_code, errors(answer)) == (422, [("TRB-SENDER", "/Order/BuyerCustomerParty")])
    post(friends[0], written("order.xml"))
    with unchanged(*friends):
        answer = post(friends[0], written("split.xml"))
        assert (answer.status_code, errors(answer)) == (422, [("TRB-SENDER", "/OrderResponse/SellerSupplierParty")])


def test_a_message_of_others_is_refused(friends: Pair, cast: Cast) -> None:
    with unchanged(*friends, cast.stranger):
        answer = post(cast.stranger, written("order.xml"))
    assert (answer.status_code, errors(answer)) == (422, [("TRB-SENDER", "/Order/BuyerCustomerParty")])


def test_a_message_to_nobodys_partner_is_refused(made: list[Member]) -> None:
    message = formats.read(written("order.xml"), XML)
    buyer, seller = enterprise(made, message.buyer), enterprise(made, message.seller, taken=message.buyer.endpoints)
    with unchanged(buyer, seller):
        answer = post(buyer, written("order.xml"))
        unknown = post(buyer, swapped(written("order.xml"), (">987654325<", ">000000000<")))
    assert (answer.status_code, errors(answer)) == (422, [("TRB-PARTNER", "/Order/SellerSupplierParty")])
    assert (unknown.status_code, errors(unknown)) == (422, errors(answer))


def test_a_message_of_a_kind_that_was_not_agreed_is_refused(made: list[Member]) -> None:
    message = formats.read(written("order.xml"), XML)
    buyer, seller = enterprise(made, message.buyer), enterprise(made, message.seller, taken=message.buyer.endpoints)
    company.befriend(buyer, seller, types=("invoice",))
    with unchanged(buyer, seller):
        answer = post(buyer, written("order.xml"))
    assert (answer.status_code, errors(answer)) == (422, [("TRB-PARTNER", "/Order/SellerSupplierParty")])


def test_the_stranger_reads_no_message(friends: Pair, cast: Cast) -> None:
    uid = split_of(friends)["uid"]
    response = friends[0].api.get("order-responses/").json()["results"][0]["uid"]
    nowhere = cast.stranger.api.get(f"orders/{uuid.uuid4()}").content
    for path in (f"orders/{uid}", f"order-responses/{response}", f"orders/{uid}/attachments/"):
        answer = cast.stranger.api.get(path, headers={"Accept": XML})
        assert answer.status_code in (404, 406)
        assert answer.status_code == 406 or answer.content == nowhere
    assert company.Api("").post("inbox/", written("order.xml"), content_type=XML).status_code == 401


# What cannot be read -------------------------------------------------------------------------------------------------------


def test_the_bad_one_of_oasis_is_refused_with_place_and_reason(cast: Cast) -> None:
    with unchanged(cast.maker):
        answer = post(cast.maker, real(BAD_MODEL))
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["code"] == "UBL-MODEL"
    assert "ChannelCod" in error["pointer"] + error["detail"]
    assert "line " in error["pointer"]


BOMB = b'<!DOCTYPE u [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><Order>&b;</Order>'


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (BOMB, "UBL-XML-DOCTYPE"),
        (b" ", "UBL-XML-EMPTY"),
        (b"{}", "UBL-XML-SYNTAX"),
        (b"<a>" * 100, "UBL-XML-LIMIT"),
        ("<?xml version='1.0' encoding='UTF-8'?><Örder/>".encode("latin-1"), "UBL-XML-ENCODING"),
        (b"<Order/>", "UBL-ROOT"),
        (b"\0" * 100, "UBL-XML-SYNTAX"),
    ],
)
def test_what_is_no_message_is_refused(cast: Cast, body: bytes, rule: str) -> None:
    with unchanged(cast.maker):
        answer = post(cast.maker, body)
    assert (answer.status_code, [code for code, _place in errors(answer)]) == (422, [rule])


@pytest.mark.parametrize("media_type", ["application/json", "application/edifact", "text/plain", "", "nonsense"])
def test_other_media_types_are_refused(cast: Cast, media_type: str) -> None:
    with unchanged(cast.maker):
        answer = post(cast.maker, written("order.xml"), media_type)
    assert (answer.status_code, errors(answer)) == (415, [])


def test_a_refusal_is_json_even_where_a_message_was_asked_for(cast: Cast) -> None:
    answer = cast.maker.api.get(f"orders/{uuid.uuid4()}", headers={"Accept": XML})
    assert (answer.status_code, errors(answer)) == (404, [])
    assert cast.maker.api.get("orders/", headers={"Accept": XML}).status_code == 406


def test_everything_said_by_messages_can_be_verified(friends: Pair) -> None:
    split_of(friends)
    for member in friends:
        with member.acting():
            assert exchange.verify()[1] == []
