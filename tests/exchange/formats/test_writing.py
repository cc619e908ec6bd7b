"""What we write: minimal messages of our own, and read ones whose content was changed."""

from collections.abc import Callable
from typing import Any

import pytest
from lxml import etree

from apps.exchange import formats
from apps.exchange.formats import Party, Refused

from .samples import BUYER, SELLER, XML, canonical, order, response, write, written

Invalid = Callable[[etree._Element, str], list[str]]
KIND = {"order": order, "order_response": response}


def born(kind: str, content: dict[str, Any]) -> bytes:
    return formats.write(kind, content, buyer=BUYER, seller=SELLER, media_type=XML)


def found(body: bytes, *names: str) -> list[str | None]:
    """The values of the elements at a path, from the root down."""
    return [element.text for element in etree.fromstring(body).iterfind("/".join(f"{{*}}{name}" for name in names))]


def test_an_order_of_ours_in_full() -> None:
    expected = f"""
    <Order xmlns="urn:oasis:names:specification:ubl:schema:xsd:Order-2"
     xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
     xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
      <cbc:CustomizationID>urn:fdc:peppol.eu:poacc:trns:order:3</cbc:CustomizationID>
      <cbc:ProfileID>urn:fdc:peppol.eu:poacc:bis:ordering:3</cbc:ProfileID>
      <cbc:ID>PO-1</cbc:ID><cbc:IssueDate>2027-01-04</cbc:IssueDate>
      <cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>
      <cac:BuyerCustomerParty><cac:Party><cbc:EndpointID schemeID="0088">7300010000001</cbc:EndpointID>
        <cac:PartyIdentification><cbc:ID schemeID="0007">5541277710</cbc:ID></cac:PartyIdentification>
        {address("SE")}
        <cac:PartyLegalEntity><cbc:RegistrationName>Aurora Cooling</cbc:RegistrationName></cac:PartyLegalEntity>
      </cac:Party></cac:BuyerCustomerParty>
      <cac:SellerSupplierParty><cac:Party><cbc:EndpointID schemeID="0192">987654325</cbc:EndpointID>
        {address("NO")}
        <cac:PartyLegalEntity><cbc:RegistrationName>Boreal Compressors</cbc:RegistrationName></cac:PartyLegalEntity>
      </cac:Party></cac:SellerSupplierParty>
      <cac:OrderLine><cac:LineItem><cbc:ID>1</cbc:ID><cbc:Quantity unitCode="C62">40</cbc:Quantity>
        <cbc:LineExtensionAmount currencyID="EUR">3260.00</cbc:LineExtensionAmount>
        <cac:Delivery><cac:RequestedDeliveryPeriod>
          <cbc:StartDate>2027-01-15</cbc:StartDate><cbc:EndDate>2027-01-15</cbc:EndDate>
        </cac:RequestedDeliveryPeriod></cac:Delivery>
        <cac:Price><cbc:PriceAmount currencyID="EUR">81.50</cbc:PriceAmount></cac:Price>
        <cac:Item><cbc:Name>Compressor 90 W</cbc:Name>
          <cac:BuyersItemIdentification><cbc:ID>A-100</cbc:ID></cac:BuyersItemIdentification></cac:Item>
      </cac:LineItem></cac:OrderLine>
    </Order>"""
    assert canonical(etree.fromstring(born("order", order()))) == canonical(etree.fromstring(expected))


def address(country: str) -> str:
    code = f"<cbc:IdentificationCode>{country}</cbc:IdentificationCode>"
    return f"<cac:PostalAddress><cac:Country>{code}</cac:Country></cac:PostalAddress>"


def test_an_order_with_several_deliveries_a_line_does_not_pretend_to_be_peppols() -> None:
    schedules = [{"quantity": "15", "due_on": "2027-01-15"}, {"quantity": "25", "due_on": "2027-02-15"}]
    body = born("order", order(lines=[{**order()["lines"][0], "schedules": schedules}]))
    assert (found(body, "CustomizationID"), found(body, "UBLVersionID")) == ([], ["2.1"])
    assert found(body, "OrderLine", "LineItem", "Delivery", "Quantity") == ["15", "25"]


def test_a_net_amount_counts_the_allowances_of_the_line() -> None:
    allowance = '<a:AllowanceCharge><b:ChargeIndicator>false</b:ChargeIndicator><b:Amount currencyID="EUR">10.00</b:Amount></a:AllowanceCharge><a:Price>\n'
    source = written("order.xml").replace(b"<a:Price>\n", allowance.encode(), 1)
    message = formats.read(source, XML)
    message.content["lines"][0]["price"] = "80.00"
    assert found(write(message), "OrderLine", "LineItem", "LineExtensionAmount") == ["3190.00"]


def test_a_split_of_ours_is_a_line_for_each_schedule() -> None:
    body = born("order_response", response())
    assert found(body, "OrderResponseCode") == ["CA"]
    assert found(body, "OrderLine", "LineItem", "ID") == ["1", "2"]
    assert found(body, "OrderLine", "LineItem", "LineStatusCode") == ["3", "3"]
    assert found(body, "OrderLine", "LineItem", "Quantity") == ["15", "25"]
    assert found(body, "OrderLine", "LineItem", "Price", "PriceAmount") == ["83.00", "83.00"]
    period = ("OrderLine", "LineItem", "Delivery", "PromisedDeliveryPeriod", "EndDate")
    assert found(body, *period) == ["2027-01-15", "2027-02-20"]
    assert found(body, "OrderLine", "OrderLineReference", "LineID") == ["1", "1"]


LINE = response()["lines"][0]


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("order", order()),
        ("order", order(note="n", lines=[{**order()["lines"][0], "schedules": [{"quantity": "40"}], "note": "x"}])),
        ("order", order(lines=[{"line": 1, "quantity": "1", "unit": "C62", "seller_item": "BC90", "schedules": []}])),
        ("order_response", response()),
        ("order_response", response(code="AP", lines=[])),
        ("order_response", response(code="RE", note="No", lines=[])),
        ("order_response", response(lines=[{"reference": "1", "response": "reject", "reason": "gone"}])),
        ("order_response", response(lines=[{**LINE, "substitute": {"seller_item": "BC91", "gtin": "07300010000094"}}])),
        ("order_response", response(lines=[{**LINE, "response": "backorder", "schedules": []}])),
    ],
)
def test_ours_are_valid_by_both_schemas(invalid: Invalid, kind: str, content: dict[str, Any]) -> None:
    root = etree.fromstring(born(kind, content))
    assert invalid(root, "2.1") == []
    assert invalid(root, "2.4") == []


@pytest.mark.parametrize(
    ("code", "line", "note"),
    [
        ("AP", {"response": "accept", "quantity": "4", "unit": "C62"}, []),
        ("AB", {"response": "accept"}, []),
        ("RE", {"response": "reject", "reason": "Not made any more"}, ["Not made any more"]),
    ],
)
def test_where_the_code_says_it_all_there_are_no_lines(code: str, line: dict[str, str], note: list[str]) -> None:
    body = born("order_response", response(code=code, lines=[{"reference": "1", **line}]))
    assert found(body, "OrderLine") == []
    assert found(body, "Note") == note


def test_control_characters_are_shown_as_missing() -> None:
    body = born("order", order(note="a\x00b\ud800c\x0bd"))
    assert found(body, "Note") == ["a\ufffdb\ufffdc\ufffdd"]


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (order(currency="EURO"), "UBL-CODE-CURRENCY"),
        (order(issued_on="9999-01-01"), "UBL-DATE-RANGE"),
        (order(lines=[]), "UBL-MODEL"),
        (order(details={"colour": "red"}), "UBL-MODEL"),
        (order(lines=[{"line": 1, "quantity": "0", "unit": "C62", "schedules": []}]), "UBL-BT-QUANTITY"),
    ],
)
def test_what_we_would_not_take_we_do_not_send(content: dict[str, Any], rule: str) -> None:
    with pytest.raises(Refused) as refused:
        born("order", content)
    assert rule in [finding.rule for finding in refused.value.findings]


def test_an_unknown_kind() -> None:
    with pytest.raises(ValueError, match="invoice"):
        born("invoice", {})


def changed(name: str, *, line: int = 0, **changes: Any) -> bytes:
    """A message of ours written after one of its lines was changed; None takes a key away."""
    message = formats.read(written(name), XML)
    lines = list(message.content["lines"])
    merged = {**lines[line], **changes}
    lines[line] = {key: value for key, value in merged.items() if value is not None}
    body = write(message, {**message.content, "lines": lines})
    assert formats.read(body, XML).content["lines"][line].get(next(iter(changes))) == next(iter(changes.values()))
    return body


def test_a_changed_price_is_written_and_the_sums_that_it_belies_are_renewed_or_gone() -> None:
    body = changed("order.xml", price="80.00")
    assert found(body, "OrderLine", "LineItem", "Price", "PriceAmount") == ["80.00", "6"]
    assert found(body, "OrderLine", "LineItem", "LineExtensionAmount") == ["3200.00"]
    assert found(body, "AnticipatedMonetaryTotal") == []
    assert found(body, "OrderLine", "LineItem", "Item", "AdditionalItemProperty", "Value") == ["230 V"]


def test_a_price_taken_away_takes_its_element_away() -> None:
    body = changed("order.xml", line=1, price=None, price_base=None)
    assert found(body, "OrderLine", "LineItem", "Price", "PriceAmount") == ["81.50"]


def test_a_changed_unit_is_written_wherever_it_is_repeated() -> None:
    body = changed("order.xml", line=1, unit="FOT")
    quantities = etree.fromstring(body).iterfind("{*}OrderLine[2]//{*}LineItem/{*}Quantity")
    assert [element.get("unitCode") for element in quantities] == ["FOT"]
    bases = etree.fromstring(body).iterfind("{*}OrderLine[2]//{*}BaseQuantity")
    assert [element.get("unitCode") for element in bases] == ["FOT"]


def test_a_changed_note_leaves_the_others() -> None:
    message = formats.read(written("order.xml"), XML)
    assert found(write(message, {**message.content, "note": "New"}), "Note") == ["New", "Ring innan ni kommer."]
    silent = {key: value for key, value in message.content.items() if key != "note"}
    assert found(write(message, silent), "Note") == ["Ring innan ni kommer."]


def test_a_changed_gtin_is_written_and_a_number_of_another_kind_gives_way() -> None:
    path = ("OrderLine", "LineItem", "Item", "StandardItemIdentification", "ID")
    assert found(changed("order.xml", gtin="07300010000100"), *path) == ["07300010000100", "X77"]
    assert found(changed("order.xml", gtin=None), *path) == ["X77"]
    assert found(changed("order.xml", line=1, gtin="07300010000100"), *path) == ["07300010000094", "07300010000100"]


PERIOD = ("OrderLine", "LineItem", "Delivery", "RequestedDeliveryPeriod")


def test_changed_schedules_are_written_and_what_else_a_delivery_says_stays() -> None:
    schedules = [{"quantity": "30", "due_on": "2027-01-12"}, {"quantity": "10", "due_on": "2027-04-01"}]
    body = changed("order.xml", schedules=schedules)
    assert found(body, "OrderLine", "LineItem", "Delivery", "Quantity") == ["30", "10"]
    assert found(body, *PERIOD, "StartDate") == ["2027-01-10", "2027-04-01"]
    assert found(body, *PERIOD, "EndDate") == ["2027-01-12", "2027-04-01"]
    assert found(body, "OrderLine", "LineItem", "Delivery", "DeliveryLocation", "ID") == ["7300010000025"]
    assert found(body, "OrderLine", "LineItem", "Delivery", "LatestDeliveryDate") == []


def test_a_window_that_would_end_before_it_begins_is_the_day_alone() -> None:
    body = changed("order.xml", schedules=[{"quantity": "40", "due_on": "2027-01-08"}])
    assert (found(body, *PERIOD, "StartDate"), found(body, *PERIOD, "EndDate")) == (["2027-01-08"], ["2027-01-08"])
    assert found(body, "OrderLine", "LineItem", "Delivery", "Quantity") == []


def test_a_line_gets_a_date_of_its_own_where_it_departs_from_the_whole() -> None:
    body = changed("order.xml", line=1, schedules=[{"quantity": "2.50", "due_on": "2027-02-09"}])
    assert found(body, *PERIOD, "EndDate") == ["2027-01-15", "2027-02-09"]


def test_a_changed_answer_is_written() -> None:
    assert found(changed("split.xml", line=1, response="reject"), "OrderLine", "LineItem", "LineStatusCode") == [
        "3",
        "7",
        "3",
    ]


def test_a_changed_split_is_written_anew() -> None:
    schedules = [{"quantity": "10", "due_on": day} for day in ("2027-01-15", "2027-02-20", "2027-03-01", "2027-04-01")]
    body = changed("split.xml", schedules=schedules)
    assert found(body, "OrderLine", "LineItem", "Quantity") == ["10"] * 4
    assert found(body, "OrderLine", "OrderLineReference", "LineID") == ["10"] * 4 + ["20"]
    ids = found(body, "OrderLine", "LineItem", "ID")
    assert len(set(ids)) == 5


def test_a_rejection_that_becomes_a_conditional_acceptance_needs_the_full_document() -> None:
    message = formats.read(written("simple.xml"), XML)
    content = {**message.content, "code": "CA", "currency": "EUR", "lines": response()["lines"]}
    body = write(message, content)
    assert etree.QName(etree.fromstring(body)).localname == "OrderResponse"
    assert found(body, "Note") == ["Not in our range"]
    assert found(write(message, {**message.content, "code": "AP"}), "AcceptedIndicator") == ["true"]


def test_a_party_whose_ids_are_others_is_not_the_one_of_the_message() -> None:
    message = formats.read(written("order.xml"), XML)
    other = Party(endpoints=(("0088", "7300010000032"),), name="Aurora Two")
    body = formats.write("order", message.content, buyer=other, seller=message.seller, media_type=XML)
    party = ("BuyerCustomerParty", "Party")
    assert found(body, *party, "EndpointID") == ["7300010000032"]
    assert found(body, *party, "PartyLegalEntity", "RegistrationName") == ["Aurora Two"]
    assert found(body, "SellerSupplierParty", "Party", "PartyName", "Name") == ["Boreal Compressors"]


CONFIGURED = {
    "configuration": {
        "product": "aurora-one", "release": 3, "digest": "ab" * 32,
        "choices": {"width": "800", "colour": "jade"},
        "text": {"en": "Width: 800 mm; colour: jade", "zh": "宽度：800 毫米；颜色：翡翠"},
    },
    "promise": "01a20000-0000-7000-8000-000000000001",
}  # fmt: skip


def test_a_configured_line_travels_whole(invalid: Invalid) -> None:
    """What was chosen, in properties of the item, and back again; valid by the schemas, and in the elements that Peppol's order has."""
    content = order()
    content["lines"][0]["details"] = dict(CONFIGURED)
    body = born("order", content)
    assert [(version, invalid(etree.fromstring(body), version)) for version in ("2.1", "2.4")] == [("2.1", []), ("2.4", [])]
    place = ("OrderLine", "LineItem", "Item", "AdditionalItemProperty")
    assert found(body, *place, "Name") == ["aurora-one", "width", "colour", "en", "zh", "promise"]
    assert found(body, *place, "Value")[:3] == ["ab" * 32, "800", "jade"]
    assert found(body, *place, "ValueQualifier") == ["3"]
    read = formats.read(body, XML)
    assert {name: read.content["lines"][0]["details"][name] for name in CONFIGURED} == CONFIGURED
    assert canonical(etree.fromstring(write(read))) == canonical(etree.fromstring(body))


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        (">3<", ">the third<"),
        ("tributary:choice", "tributary:other"),
        ("<cbc:Value>800</cbc:Value>", "<cbc:Value>800</cbc:Value><cbc:ValueQualifier>mm</cbc:ValueQualifier>"),
        ("<cbc:Name>colour</cbc:Name>", "<cbc:Name>width</cbc:Name>"),
    ],
)
def test_what_only_looks_like_a_configuration_is_carried_as_it_came(was: str, becomes: str) -> None:
    content = order()
    content["lines"][0]["details"] = dict(CONFIGURED)
    body = born("order", content).decode().replace(was, becomes, 1).encode()
    read = formats.read(body, XML)
    assert "configuration" not in read.content["lines"][0]["details"]
    assert canonical(etree.fromstring(write(read))) == canonical(etree.fromstring(body))
