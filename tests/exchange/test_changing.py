"""Changes and cancellations by standard messages: what each means for the order of which it speaks, and how those made by hand go out."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from lxml import etree

from apps.documents import services as documents
from apps.exchange import formats
from tests import cast as company
from tests.cast import AT, Cast, Member, unchanged

from .formats.conftest import invalid, shared
from .formats.samples import XML, canonical, written
from .test_inbox import LATER, Pair, as_message, errors, friends, made, parties, post, real, swapped

__all__ = ["friends", "invalid", "made", "shared"]

BUYER_AND_SELLER = """
  <cac:BuyerCustomerParty><cac:Party><cbc:EndpointID schemeID="0088">7300010000001</cbc:EndpointID></cac:Party></cac:BuyerCustomerParty>
  <cac:SellerSupplierParty><cac:Party><cbc:EndpointID schemeID="0192">987654325</cbc:EndpointID></cac:Party></cac:SellerSupplierParty>
"""
SPACES = (
    'xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2" '
    'xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"'
)


def line(
    reference: str, *, code: str = "3", quantity: str = "", unit: str = "C62", days: tuple[tuple[str, str], ...] = (), price: str = "", more: str = ""
) -> str:
    """One line of an order change. days: (quantity, day) each."""
    deliveries = "".join(
        f'<cac:Delivery><cbc:Quantity unitCode="{unit}">{one}</cbc:Quantity>'
        f"<cac:RequestedDeliveryPeriod><cbc:EndDate>{day}</cbc:EndDate></cac:RequestedDeliveryPeriod></cac:Delivery>"
        for one, day in days
    )
    said = f'<cbc:Quantity unitCode="{unit}">{quantity}</cbc:Quantity>' if quantity else ""
    status = f"<cbc:LineStatusCode>{code}</cbc:LineStatusCode>" if code else ""
    cost = f'<cac:Price><cbc:PriceAmount currencyID="EUR">{price}</cbc:PriceAmount></cac:Price>' if price else ""
    return (
        f"<cac:OrderLine><cac:LineItem><cbc:ID>{reference}</cbc:ID>{status}{said}{deliveries}{cost}"
        f"<cac:Item><cbc:Name>Thing</cbc:Name>{more}</cac:Item></cac:LineItem></cac:OrderLine>"
    )


def change(*lines: str, sequence: int = 1, order: str = "4500012345") -> bytes:
    return (
        f'<OrderChange xmlns="urn:oasis:names:specification:ubl:schema:xsd:OrderChange-2" {SPACES}>'
        f"<cbc:ID>CH-{sequence}</cbc:ID><cbc:IssueDate>2027-01-06</cbc:IssueDate><cbc:SequenceNumberID>{sequence}</cbc:SequenceNumberID>"
        f"<cac:OrderReference><cbc:ID>{order}</cbc:ID></cac:OrderReference>{BUYER_AND_SELLER}{''.join(lines)}</OrderChange>"
    ).encode()


def cancellation(order: str = "4500012345", reason: str = "No longer needed") -> bytes:
    return (
        f'<OrderCancellation xmlns="urn:oasis:names:specification:ubl:schema:xsd:OrderCancellation-2" {SPACES}>'
        f"<cbc:ID>CA-1</cbc:ID><cbc:IssueDate>2027-01-06</cbc:IssueDate><cbc:CancellationNote>{reason}</cbc:CancellationNote>"
        f"<cac:OrderReference><cbc:ID>{order}</cbc:ID></cac:OrderReference>{BUYER_AND_SELLER}</OrderCancellation>"
    ).encode()


MORE = line("10", quantity="50", days=(("20", "2027-01-15"), ("30", "2027-03-01")))


def published(friends: Pair) -> str:
    uid: str = post(friends[0], written("order.xml")).json()["documents"][0]["uid"]
    return uid


def agreed(friends: Pair) -> str:
    uid = published(friends)
    assert friends[1].api.post(f"orders/{uid}/moves/confirm/").json()["state"] == "agreed"
    return uid


def state(member: Member, uid: str) -> str:
    found: str = member.api.get(f"orders/{uid}").json()["state"]
    return found


# Real messages -----------------------------------------------------------------------------------------------------------


def spoken_of(buyer: Member, seller: Member, message: formats.Message) -> uuid.UUID:
    """An agreed order of which the message speaks: of each of its lines one more than it asks."""
    said = message.content["lines"] or [{"reference": "1", "quantity": "1"}]
    lines = [
        {"reference": one["reference"], "name": "Thing", "quantity": str(int(one["quantity"]) + 1), "unit": one.get("unit", "C62"), "price": "9",
         "schedules": [{"quantity": str(int(one["quantity"]) + 1), "due_on": "2022-03-01"}]}
        for one in said
    ]  # fmt: skip
    currency = message.content.get("currency", "EUR")
    with buyer.acting():
        row = documents.draft(
            type="order", partner=seller.slug, number=message.content["order_number"], currency=currency, lines=lines, by=buyer.actor, at=AT, lenient=True
        )
        documents.apply(document=row.pk, move="publish", by=buyer.actor, at=AT)
    company.move(seller, row.pk, "confirm")
    return row.pk


@pytest.mark.parametrize("name", LATER)
def test_a_real_one_moves_its_order_and_comes_out_again(made: list[Member], name: str) -> None:
    source = real(name)
    message = formats.read(source, XML)
    buyer, seller = parties(made, message)
    order = spoken_of(buyer, seller, message)
    answer = post(buyer, source)
    assert answer.status_code == 201, answer.content
    told, said = answer.json()["documents"]
    expected = ("change", "changed") if message.kind == "order_change" else ("cancel", "cancel_asked")
    assert (told["uid"], (told["move"], told["state"]), said["type"], said["number"]) == (str(order), expected, message.kind, message.number)
    collection = f"{message.kind.replace('_', '-')}s"
    for member in (buyer, seller):
        found = member.api.get(f"orders/{order}").json()
        assert found["state"] == told["state"]
        asked = {each["line"]: each["asked"]["schedules"] for each in (found.get("change") or {}).get("lines", [])}
        wanted = {each["line"]: [{"quantity": one["quantity"], "due_on": one["due_on"]} for one in each["schedules"]] for each in message.content["lines"]}
        assert asked == wanted
        read = member.api.get(f"{collection}/{said['uid']}").json()
        assert (read["number"], read["issued_on"], read["order"]["uid"]) == (message.number, message.content["issued_on"], str(order))
        assert canonical(as_message(member, f"{collection}/{said['uid']}")) == canonical(etree.fromstring(source))
    assert buyer.api.get(f"orders/{order}/attachments/").json()["results"][0]["kind"] == message.kind


def test_the_advanced_ordering_of_peppol_is_played_to_its_end(made: list[Member]) -> None:
    """Order, answer with changes, the change that takes them, cancellation: all four as they are published."""
    folder = "peppol/scenarios/post-award/Advanced_Ordering_scenarios/advanced_ordering_sc1/"
    order, response, changed, cancelled = (real(f"{folder}{name}_sc1.xml") for name in ("Order", "OrderResponse", "OrderChange", "OrderCancellation"))
    buyer, seller = parties(made, formats.read(order, XML))
    uid = post(buyer, order).json()["documents"][0]["uid"]
    assert post(seller, response).json()["documents"][0]["state"] == "confirmed"
    said = post(buyer, changed)
    assert said.status_code == 201, said.content
    # The change asks for the quantities that were offered, and for other days: it is a counter-proposal.
    assert (said.json()["documents"][0]["move"], said.json()["documents"][0]["state"]) == ("counter", "countered")
    assert seller.api.post(f"orders/{uid}/moves/confirm/").json()["state"] == "agreed"
    assert post(buyer, cancelled).json()["documents"][0]["state"] == "cancel_asked"
    assert seller.api.post(f"orders/{uid}/moves/accept_cancel/").json()["state"] == "cancelled"
    assert [state(member, uid) for member in (buyer, seller)] == ["cancelled", "cancelled"]


# What a change means -----------------------------------------------------------------------------------------------------


def test_a_change_of_what_is_agreed_waits_for_the_seller(friends: Pair) -> None:
    buyer, seller = friends
    uid = agreed(friends)
    answer = post(buyer, change(MORE, line("20", code="4")))
    assert (answer.status_code, answer.json()["documents"][0]["move"]) == (201, "change"), answer.content
    for member in friends:
        found = member.api.get(f"orders/{uid}").json()
        assert (found["state"], [each["line"] for each in found["change"]["lines"]]) == ("changed", [1])
        schedules = [{"quantity": "20", "due_on": "2027-01-15"}, {"quantity": "30", "due_on": "2027-03-01"}]
        assert found["change"]["lines"][0]["asked"]["schedules"] == schedules
    assert post(seller, swapped(written("split.xml"), (">30<", ">AP<"), *ACCEPTED)).status_code == 201
    assert [state(member, uid) for member in friends] == ["agreed", "agreed"]


# The split answer as one that accepts all lines: of each its code, nothing else.
ACCEPTED = (
    ("Code>3</cbc:LineStatusCode>", "Code>5</cbc:LineStatusCode>"),
    ('<cbc:Quantity unitCode="C62">15</cbc:Quantity>', '<cbc:Quantity unitCode="C62">20</cbc:Quantity>'),
    ('<cbc:Quantity unitCode="C62">25</cbc:Quantity>', '<cbc:Quantity unitCode="C62">30</cbc:Quantity>'),
    ("2027-02-20", "2027-03-01"),
    ("83.00", "81.50"),
)


def test_a_quantity_without_a_day_keeps_the_day_where_there_is_one(friends: Pair) -> None:
    uid = agreed(friends)
    assert post(friends[0], change(line("20", quantity="3", unit="MTR"))).status_code == 201
    found = friends[1].api.get(f"orders/{uid}").json()["change"]["lines"]
    assert [(each["line"], each["asked"]["schedules"]) for each in found] == [(2, [{"quantity": "3", "due_on": "2027-02-01"}])]


@pytest.mark.parametrize("said", [line("20", code="2"), line("20", code="Cancelled"), line("20", quantity="0", unit="MTR")])
def test_a_line_is_given_up(friends: Pair, said: str) -> None:
    uid = agreed(friends)
    assert post(friends[0], change(said)).status_code == 201
    (asked,) = friends[1].api.get(f"orders/{uid}").json()["change"]["lines"]
    assert (asked["line"], asked["asked"]["schedules"]) == (2, [])


OFFERED = line("10", quantity="40", days=(("15", "2027-01-15"), ("25", "2027-02-20")), price="83.00")


@pytest.mark.parametrize(
    ("lines", "move", "after"),
    [
        ((OFFERED,), "accept_response", "agreed"),
        ((OFFERED, line("20", code="4")), "accept_response", "agreed"),
        ((OFFERED.replace("83.00", "82.00"),), "counter", "countered"),
        ((OFFERED.replace("2027-02-20", "2027-02-10"),), "counter", "countered"),
        ((OFFERED, line("20", quantity="2", unit="MTR")), "counter", "countered"),
    ],
)
def test_a_change_after_an_answer_accepts_it_where_it_says_the_same(friends: Pair, lines: tuple[str, ...], move: str, after: str) -> None:
    uid = published(friends)
    assert post(friends[1], written("split.xml")).status_code == 201
    answer = post(friends[0], change(*lines))
    assert (answer.status_code, answer.json()["documents"][0]["move"]) == (201, move), answer.content
    assert [state(member, uid) for member in friends] == [after, after]


def test_a_rejected_line_is_accepted_as_rejected_by_deleting_it(friends: Pair) -> None:
    uid = published(friends)
    friends[1].api.post(f"orders/{uid}/moves/confirm/", {"lines": [{"line": 2, "response": "reject", "reason": "Gone"}]})
    with unchanged(*friends):
        other = post(friends[0], change(line("10", code="2"), line("20", code="2")))
    assert (other.status_code, [rule for rule, _place in errors(other)]) == (422, ["TRB-LINE-CANCEL", "TRB-LINE-CANCEL"])
    assert post(friends[0], change(line("10", code="4"), line("20", code="2"))).json()["documents"][0]["move"] == "accept_response"
    assert [state(member, uid) for member in friends] == ["agreed", "agreed"]


# Cancellations ------------------------------------------------------------------------------------------------------------


def test_a_cancellation_before_the_agreement_ends_the_order(friends: Pair) -> None:
    uid = published(friends)
    assert post(friends[0], cancellation()).json()["documents"][0]["move"] == "cancel"
    assert [state(member, uid) for member in friends] == ["cancelled", "cancelled"]


@pytest.mark.parametrize(("code", "move", "after"), [("AP", "accept_cancel", "cancelled"), ("RE", "refuse_cancel", "agreed")])
def test_a_cancellation_after_it_is_asked_and_answered_by_a_message(friends: Pair, code: str, move: str, after: str) -> None:
    buyer, seller = friends
    uid = agreed(friends)
    assert post(buyer, cancellation()).json()["documents"][0]["state"] == "cancel_asked"
    response = (
        f'<OrderResponse xmlns="urn:oasis:names:specification:ubl:schema:xsd:OrderResponse-2" {SPACES}>'
        f"<cbc:ID>R-1</cbc:ID><cbc:IssueDate>2027-01-07</cbc:IssueDate><cbc:OrderResponseCode>{code}</cbc:OrderResponseCode><cbc:Note>Seen</cbc:Note>"
        f"<cac:OrderReference><cbc:ID>4500012345</cbc:ID></cac:OrderReference>{_swapped_parties()}</OrderResponse>"
    ).encode()
    answer = post(seller, response)
    assert (answer.status_code, answer.json()["documents"][0]["move"]) == (201, move), answer.content
    assert [state(member, uid) for member in friends] == [after, after]


def _swapped_parties() -> str:
    """The seller first, as an answer has it."""
    buyer, seller = BUYER_AND_SELLER.strip().splitlines()
    return seller + buyer


def test_a_cancellation_agrees_to_what_the_seller_asked(friends: Pair) -> None:
    uid = agreed(friends)
    assert friends[1].api.post(f"orders/{uid}/moves/offer_cancel/", {"reason": "Furnace down"}).json()["state"] == "cancel_offered"
    assert post(friends[0], cancellation()).json()["documents"][0]["move"] == "accept_cancel"
    assert [state(member, uid) for member in friends] == ["cancelled", "cancelled"]


# What is refused ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "rule", "place"),
    [
        (change(MORE, order="999"), "TRB-ORDER", "/OrderChange/OrderReference/ID"),
        (cancellation("999"), "TRB-ORDER", "/OrderCancellation/OrderReference/ID"),
        (change(line("77", quantity="1")), "TRB-LINE", '/OrderChange/OrderLine[LineItem/ID="77"]/LineItem/ID'),
        (change(line("30", code="1", quantity="1")), "TRB-LINE-ADDED", '/OrderChange/OrderLine[LineItem/ID="30"]/LineItem/LineStatusCode'),
        (change(line("10", quantity="50", unit="KGM")), "TRB-UNIT", '/OrderChange/OrderLine[LineItem/ID="10"]/LineItem/Quantity/@unitCode'),
        (change(line("10", code="9", quantity="50")), "UBL-CODE-RESPONSE", "/OrderChange/OrderLine/LineItem/LineStatusCode, line 4"),
        (change(line("10", quantity="-1")), "UBL-BT-QUANTITY", "/OrderChange/OrderLine/LineItem/Quantity, line 4"),
        (change(line("10", quantity="40")), "TRB-SAME", "/OrderChange/OrderLine"),
    ],
)
def test_one_that_does_not_fit_is_refused_with_its_place(friends: Pair, source: bytes, rule: str, place: str) -> None:
    agreed(friends)
    with unchanged(*friends):
        answer = post(friends[0], source)
    assert (answer.status_code, errors(answer)) == (422, [(rule, place)])


def test_a_change_comes_once_and_in_its_order(friends: Pair) -> None:
    uid = agreed(friends)
    assert post(friends[0], change(MORE, sequence=2)).status_code == 201
    for sequence in (1, 2):
        with unchanged(*friends):
            again = post(friends[0], change(line("10", quantity="60"), sequence=sequence))
        assert (again.status_code, errors(again)) == (422, [("TRB-SEQUENCE", "/OrderChange/SequenceNumberID")])
    assert post(friends[0], change(line("10", quantity="60", days=(("60", "2027-03-01"),)), sequence=3)).status_code == 201
    (asked,) = friends[1].api.get(f"orders/{uid}").json()["change"]["lines"]
    assert asked["asked"]["schedules"] == [{"quantity": "60", "due_on": "2027-03-01"}]


def test_one_at_the_wrong_time_is_refused(friends: Pair) -> None:
    published(friends)
    with unchanged(*friends):
        early = post(friends[0], change(MORE))
    assert (early.status_code, early.json()["state"]) == (409, "published")
    assert post(friends[0], cancellation()).status_code == 201
    with unchanged(*friends):
        late = post(friends[0], cancellation())
    assert (late.status_code, late.json()["state"]) == (409, "cancelled")


def test_only_the_buyer_says_it(friends: Pair, cast: Cast) -> None:
    agreed(friends)
    with unchanged(*friends, cast.stranger):
        for member in (friends[1], cast.stranger):
            for source, root in ((change(MORE), "OrderChange"), (cancellation(), "OrderCancellation")):
                answer = post(member, source)
                assert (answer.status_code, errors(answer)) == (422, [("TRB-SENDER", f"/{root}/BuyerCustomerParty")])


# Out -----------------------------------------------------------------------------------------------------------------------


def newest(member: Member, collection: str) -> dict[str, Any]:
    found: dict[str, Any] = member.api.get(f"{collection}/").json()["results"][0]
    return found


def test_what_is_said_by_hand_can_be_read_as_a_message_and_means_the_same(friends: Pair) -> None:
    """Both sides read the same; and sent to an inbox, for a second order of the same content, it makes the same move."""
    buyer, seller = friends
    first = agreed(friends)
    second = post(buyer, swapped(written("order.xml"), (">4500012345<", ">4500012346<"))).json()["documents"][0]["uid"]
    assert seller.api.post(f"orders/{second}/moves/confirm/").json()["state"] == "agreed"
    schedules = [{"quantity": "18", "due_on": "2027-01-15"}, {"quantity": "12", "due_on": "2027-02-20"}]
    said = {"lines": [{"line": 1, "schedules": schedules, "price": "80.00", "reason": "Less"}, {"line": 2, "response": "cancel"}], "note": "By phone"}
    assert buyer.api.post(f"orders/{first}/moves/change/", said).status_code == 200
    uid = newest(buyer, "order-changes")["uid"]
    bought, sold = (etree.tostring(as_message(member, f"order-changes/{uid}")) for member in friends)
    assert bought == sold
    content = formats.read(bought, XML).content
    assert (content["order_number"], content["sequence"], content["note"]) == ("4500012345", "1", "By phone")
    assert [(one["reference"], one["status"]) for one in content["lines"]] == [("10", "3"), ("20", "2")]
    assert (content["lines"][0]["schedules"], content["lines"][0]["price"]) == (schedules, "80.00")
    assert post(buyer, bought.replace(b">4500012345<", b">4500012346<")).status_code == 201
    by_hand, by_message = (seller.api.get(f"orders/{uid}").json() for uid in (first, second))
    assert [each["asked"] for each in by_hand["change"]["lines"]] == [each["asked"] for each in by_message["change"]["lines"]]


@pytest.mark.parametrize(
    ("move", "data", "lines"),
    [
        ("accept_response", {}, [("10", "3")]),
        ("counter", {"lines": [{"line": 1, "price": "82.00"}]}, [("10", "3")]),
        ("refuse_response", {"reason": "Too dear"}, [("10", "4"), ("20", "4")]),
    ],
)
def test_each_reply_to_an_answer_is_an_order_change(friends: Pair, invalid: Any, move: str, data: dict[str, Any], lines: list[tuple[str, str]]) -> None:
    uid = published(friends)
    assert post(friends[1], written("split.xml")).status_code == 201
    assert friends[0].api.post(f"orders/{uid}/moves/{move}/", data).status_code == 200
    found = newest(friends[1], "order-changes")
    for member in friends:
        root = as_message(member, f"order-changes/{found['uid']}")
        content = formats.read(etree.tostring(root), XML).content
        assert [(one["reference"], one["status"]) for one in content["lines"]] == lines
        assert content["number"] == found["number"]
        assert (invalid(root, "2.4"), invalid(root, "2.1")) == ([], [])
    if move == "accept_response":
        assert content["lines"][0]["schedules"] == [{"quantity": "15", "due_on": "2027-01-15"}, {"quantity": "25", "due_on": "2027-02-20"}]


@pytest.mark.parametrize("reason", ["No longer needed", ""])
def test_a_cancellation_by_hand_goes_out(friends: Pair, invalid: Any, reason: str) -> None:
    uid = agreed(friends)
    assert friends[0].api.post(f"orders/{uid}/moves/cancel/", {"reason": reason}).status_code == 200
    found = newest(friends[1], "order-cancellations")
    for member in friends:
        root = as_message(member, f"order-cancellations/{found['uid']}")
        content = formats.read(etree.tostring(root), XML).content
        assert (content["order_number"], content["reason"]) == ("4500012345", reason or "Cancelled")
        assert (invalid(root, "2.4"), invalid(root, "2.1")) == ([], [])


def test_what_became_of_a_draft_was_said_to_nobody() -> None:
    buyer, seller = company.make_pair()
    uid = company.order(buyer, seller, publish=False)
    assert buyer.api.post(f"orders/{uid}/moves/cancel/").status_code == 200
    assert buyer.api.get("order-cancellations/").json()["results"] == []


def test_the_stranger_reads_none(friends: Pair, cast: Cast) -> None:
    agreed(friends)
    post(friends[0], change(MORE))
    uid = newest(friends[0], "order-changes")["uid"]
    post(friends[1], cancellation())
    for path in (f"order-changes/{uid}", f"order-cancellations/{uid}"):
        assert cast.stranger.api.get(path).status_code == 404
        assert cast.stranger.api.get(path, headers={"Accept": XML}).status_code == 404
    for collection in ("order-changes", "order-cancellations"):
        assert cast.stranger.api.get(f"{collection}/").json()["results"] == []
