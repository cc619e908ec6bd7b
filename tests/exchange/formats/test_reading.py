"""What the content of a message says, exactly."""

from pathlib import Path
from typing import Any

import pytest

from apps.exchange import formats
from apps.exchange.formats import Party

from .samples import XML, write, written


def read(name: str, **swaps: str) -> formats.Message:
    text = written(name).decode()
    for old, new in swaps.items():
        assert old in text
        text = text.replace(old, new)
    return formats.read(text.encode(), XML)


def core(line: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in line.items() if key != "details"}


def test_an_order() -> None:
    message = read("order.xml")
    assert (message.kind, message.number) == ("order", "4500012345")
    assert message.customization == "urn:fdc:peppol.eu:poacc:trns:order:3"
    assert message.buyer == Party(
        endpoints=(("0088", "7300010000001"), ("0088", "7300010000018"), ("0007", "5541277710")),
        name="Aurora Cooling AB",
    )
    assert message.seller == Party(endpoints=(("0192", "987654325"),), name="Boreal Compressors", country="NO")
    content = message.content
    assert (content["issued_on"], content["currency"], content["note"]) == (
        "2027-01-04",
        "EUR",
        "Ring before you come.",
    )
    assert core(content["lines"][0]) == {
        "line": 1,
        "reference": "10",
        "buyer_item": "A-100",
        "seller_item": "BC90",
        "gtin": "07300010000094",
        "name": "Compressor 90 W",
        "quantity": "40",
        "unit": "C62",
        "price": "81.50",
        "price_base": "1",
        "note": "On two pallets",
        "schedules": [{"quantity": "15.0", "due_on": "2027-01-15"}, {"quantity": "25", "due_on": "2027-03-01"}],
    }


def test_what_is_lifted_is_not_said_twice() -> None:
    details = read("order.xml").content["details"]
    assert details["order_type_code"] == "220"
    assert details["note"] == [{"language_id": "en"}, {"value": "Ring innan ni kommer.", "language_id": "sv"}]
    assert details["document_currency_code"] == {"list_id": "ISO4217"}
    assert details["issue_date"] == {"zone": "Z"}
    assert "id" not in details
    line = read("order.xml").content["lines"][0]["details"]["line_item"]
    assert line["price"] == {"price_amount": {"spelled": "81.50"}, "base_quantity": {"unit_code": None}}
    assert line["quantity"] == {"unit_code_list_id": "UNECERec20"}


def test_a_description_serves_as_name_and_the_date_of_the_whole_as_date() -> None:
    line = read("order.xml").content["lines"][1]
    assert line["name"] == "Copper tube"
    assert line["schedules"] == [{"quantity": "2.50", "due_on": "2027-02-01"}]
    assert "gtin" not in line
    assert line["details"]["line_item"]["item"]["standard_item_identification"]["id"]["value"] == "X77"


def test_a_split_is_one_line_with_several_schedules() -> None:
    content = read("split.xml").content
    assert (content["code"], content["order_number"]) == ("CA", "4500012345")
    assert [core(line) for line in content["lines"]] == [
        {
            "reference": "10",
            "response": "change",
            "quantity": "40",
            "unit": "C62",
            "price": "83.00",
            "name": "Compressor 90 W",
            "reason": "15 in time",
            "schedules": [{"quantity": "15", "due_on": "2027-01-15"}, {"quantity": "25", "due_on": "2027-02-20"}],
        },
        {"reference": "20", "response": "accept", "name": "Copper tube"},
    ]


@pytest.mark.parametrize(("said", "meant"), [("0", "RE"), ("false", "RE"), ("1", "AP"), ("true", "AP")])
def test_a_simple_response(said: str, meant: str) -> None:
    message = read("simple.xml", **{">0<": f">{said}<"})
    assert message.kind == "order_response"
    content = message.content
    assert (content["code"], content["note"], content["lines"]) == (meant, "Not in our range", [])
    assert "currency" not in content


@pytest.mark.parametrize(
    ("codes", "meant"),
    [(("5", "5", "5"), "AP"), (("7", "7", "7"), "RE"), (("5", "5", "3"), "CA"), (("7", "5", "7"), "CA")],
)
def test_a_response_without_a_code_means_what_its_lines_do(codes: tuple[str, str, str], meant: str) -> None:
    text = written("split.xml").decode().replace("<cbc:OrderResponseCode>30</cbc:OrderResponseCode>", "")
    pieces = text.replace("LineStatusCode>42<", "LineStatusCode>3<").split("LineStatusCode>3<")
    assert len(pieces) == 4
    joined = "".join(f"{piece}LineStatusCode>{code}<" for piece, code in zip(pieces, (*codes, None), strict=True) if code)
    content = formats.read((joined + pieces[3]).encode(), XML).content
    assert content["code"] == meant
    assert content["details"]["derived"] == ["code"]


@pytest.mark.parametrize(
    ("code", "quantity", "later", "meant"),
    [
        ("3", "15", "3", "change"),
        ("3", "0", "15", "backorder"),
        ("3", "15", "15", "backorder"),
        ("5", "15", "15", "accept"),
        ("7", "0", "0", "reject"),
        ("1", "15", "0", "add"),
        ("NoStatus", "15", "0", "accept"),
        ("Disputed", "15", "0", "reject"),
    ],
)
def test_what_a_line_answers(code: str, quantity: str, later: str, meant: str) -> None:
    old = '<cbc:LineStatusCode>3</cbc:LineStatusCode>\n      <cbc:Quantity unitCode="C62">25</cbc:Quantity>'
    new = (
        f'<cbc:LineStatusCode>{code}</cbc:LineStatusCode>\n<cbc:Quantity unitCode="C62">{quantity}</cbc:Quantity>'
        f"<cbc:MaximumBackorderQuantity>{later}</cbc:MaximumBackorderQuantity>"
    )
    swaps = {old: new, "LineID>10</cbc:LineID></cac:OrderLineReference>\n  </cac:OrderLine>\n</": "LineID>30"}
    swaps = {key: value.replace("LineID>30", "LineID>30</cbc:LineID></cac:OrderLineReference></cac:OrderLine></") for key, value in swaps.items()}
    line = read("split.xml", **swaps).content["lines"][2]
    assert (line["reference"], line["response"], line["backorder"]) == ("30", meant, later)


def test_a_substitute() -> None:
    new = (
        "</cac:LineItem><cac:SellerSubstitutedLineItem><cbc:ID>9</cbc:ID><cac:Item><cbc:Name>Alu tube</cbc:Name>"
        "<cac:SellersItemIdentification><cbc:ID>AT</cbc:ID></cac:SellersItemIdentification></cac:Item>"
        "</cac:SellerSubstitutedLineItem><cac:OrderLineReference><cbc:LineID>20<"
    )
    swap = {"</cac:LineItem>\n    <cac:OrderLineReference><cbc:LineID>20<": new}
    assert read("split.xml", **swap).content["lines"][1]["substitute"] == {"seller_item": "AT", "name": "Alu tube"}


def test_an_order_without_currency_takes_that_of_its_prices() -> None:
    swap = {'<b:DocumentCurrencyCode listID="ISO4217">EUR</b:DocumentCurrencyCode>': ""}
    content = read("order.xml", **swap).content
    assert content["currency"] == "EUR"
    assert content["details"]["derived"] == ["currency"]


def test_a_response_without_currency_takes_that_of_its_prices() -> None:
    swap = {"<cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>": ""}
    message = read("split.xml", **swap)
    assert message.content["currency"] == "EUR"
    assert b"DocumentCurrencyCode" not in write(message)
    assert b"<cbc:DocumentCurrencyCode>EUR<" in write(message, {**message.content, "lines": message.content["lines"][1:]})


def test_an_order_that_says_neither_currency_nor_unit_nor_date(shared: Path) -> None:
    body = (shared / "ubl/phax-testfiles/order/CENBII-Order-minimal.xml").read_bytes()
    content = formats.read(body, XML).content
    assert "currency" not in content
    assert content["lines"] == [
        {
            "line": 1,
            "reference": "LineItemID",
            "quantity": "10",
            "schedules": [{"quantity": "10"}],
            "details": {"line_item": {"item": {}}},
        }
    ]


def test_an_old_order_without_endpoints_names_its_tax_numbers_and_accounts(shared: Path) -> None:
    message = formats.read((shared / "ubl/oasis-validation/order-test-good.xml").read_bytes(), XML)
    assert message.buyer.endpoints == (("UK VAT", "12356478"), ("", "XFB01"), ("", "GT00978567"))
    assert message.content["currency"] == "GBP"


@pytest.mark.parametrize("media_type", ["application/xml", "Application/XML; charset=utf-8", "application/xml;profile=x"])
def test_parameters_of_the_media_type_do_not_matter(media_type: str) -> None:
    assert formats.read(written("order.xml"), media_type).number == "4500012345"


def test_other_media_types_are_unknown() -> None:
    assert formats.MEDIA_TYPES == ("application/xml",)
    for media_type in ("text/plain", "", "application/edifact"):
        with pytest.raises(formats.UnknownMediaType):
            formats.read(b"", media_type)
        with pytest.raises(formats.UnknownMediaType):
            formats.write(
                "order",
                {},
                buyer=Party(endpoints=(), name=""),
                seller=Party(endpoints=(), name=""),
                media_type=media_type,
            )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "iso-8859-1", "gb18030"])
def test_encodings(encoding: str) -> None:
    declared = encoding.removesuffix("-sig").removesuffix("-le")
    text = written("order.xml").decode().replace('encoding="UTF-8"', f'encoding="{declared}"').replace("Ring", "Ring é")
    assert formats.read(text.encode(encoding), XML).content["note"] == "Ring é before you come."
