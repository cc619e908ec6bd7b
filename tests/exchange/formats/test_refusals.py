"""What is not taken: the rule, the place and what would mend it; never another exception, whatever the bytes."""

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.exchange import formats
from apps.exchange.formats.ubl import safety

from .samples import BAD_MODEL, XML, findings, rules, written

ORDER = written("order.xml").decode()
QUANTITY = '<b:Quantity unitCode="C62" unitCodeListID="UNECERec20">40</b:Quantity>'
DELIVERIES = ("15.0</b:Quantity>", "<b:Quantity>25</b:Quantity>")
ROOT = "<u:Order "


def swapped(*pairs: tuple[str, str], source: str = ORDER) -> bytes:
    for old, new in pairs:
        assert old in source, old
        source = source.replace(old, new)
    return source.encode()


def line_of(body: bytes, text: bytes) -> int:
    return body[: body.index(text)].count(b"\n") + 1


def test_the_bad_model_of_the_standard(shared: Path) -> None:
    body = (shared / BAD_MODEL).read_bytes()
    (finding,) = findings(body)
    assert finding.rule == "UBL-MODEL"
    line = line_of(body, b"<cbc:ChannelCod>")
    path = "/Order/BuyerCustomerParty/Party/Contact/OtherCommunication/ChannelCod"
    assert finding.place == f"{path}, line {line}"
    assert finding.text == "Communication has no element ChannelCod."
    assert finding.mend == "Did you mean ChannelCode?"


@pytest.mark.parametrize(
    ("old", "new", "place", "text"),
    [
        ("<b:Name>Voltage", "<b:Nmae>1</b:Nmae><b:Name>Voltage", "Nmae", "ItemProperty has no element Nmae."),
        ("<b:LatestDeliveryDate>", "<a:LatestDeliveryDate/><b:LatestDeliveryDate>", "LatestDeliveryDate",
         "Delivery has no element LatestDeliveryDate."),
        ("<b:ID>20</b:ID>", "", "LineItem", "LineItem lacks ID."),
        ("<b:ID>20</b:ID>", "<b:ID>20</b:ID><b:ID>21</b:ID>", "LineItem", "LineItem has ID more than once."),
        ("<b:ID>20</b:ID>", "<b:Note>x</b:Note><b:ID>20</b:ID>", "ID",
         "ID stands after Note; the standard has it before."),
        ("<b:ID>20</b:ID>", "<b:ID>20</b:ID>loose", "LineItem",
         "LineItem holds elements, and there is text between them."),
        ("<b:ID>20</b:ID>", "<b:ID><b:ID>20</b:ID></b:ID>", "ID",
         "ID holds a value, and cannot hold the element ID."),
        ("<b:ID>20</b:ID>", '<b:ID unit="x">20</b:ID>', "ID",
         "ID has the attribute unit, which the standard does not know there."),
        ("<a:LineItem>\n      <b:ID>20", '<a:LineItem id="1">\n      <b:ID>20', "LineItem",
         "LineItem has the attribute id, which the standard does not know there."),
        ('<b:PriceAmount currencyID="EUR">6<', "<b:PriceAmount>6<", "PriceAmount",
         "PriceAmount lacks the attribute currencyID."),
    ],
)  # fmt: skip
def test_what_the_standard_does_not_have(old: str, new: str, place: str, text: str) -> None:
    found = findings(swapped((old, new)))
    assert found[0].rule == "UBL-MODEL"
    assert found[0].text == text
    assert found[0].place.rpartition(",")[0].endswith(place)
    assert found[0].mend


@pytest.mark.parametrize(
    ("number", "rule"),
    [
        ("NaN", "UBL-NUMBER"),
        ("INF", "UBL-NUMBER"),
        ("1E3", "UBL-NUMBER"),
        ("1,5", "UBL-NUMBER"),
        ("", "UBL-NUMBER"),
        ("٤٠", "UBL-NUMBER"),
        ("1234567890123456789", "UBL-NUMBER-SIZE"),
        ("0.1234567890123456789", "UBL-NUMBER-SIZE"),
        ("0", "UBL-BT-QUANTITY"),
        ("0.00", "UBL-BT-QUANTITY"),
        ("-1", "UBL-BT-QUANTITY"),
    ],
)
def test_quantities(number: str, rule: str) -> None:
    body = swapped((">2.50<", f">{number}<"))
    (finding,) = findings(body)
    assert finding.rule == rule
    line = line_of(body, b'<b:Quantity unitCode="MTR">')
    assert finding.place == f"/Order/OrderLine[2]/LineItem/Quantity, line {line}"


def test_eighteen_digits_are_taken() -> None:
    assert rules(swapped((">2.50<", ">123456789012.345678<"))) == []


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        (">2027-03-01<", ">9999-12-31<", "UBL-DATE-RANGE"),
        (">2027-03-01<", ">0000-01-01<", "UBL-DATE"),
        (">2027-03-01<", ">0001-01-01<", "UBL-DATE-RANGE"),
        (">2027-03-01<", ">2027-02-29<", "UBL-DATE"),
        (">2027-03-01<", ">01.03.2027<", "UBL-DATE"),
        (">2027-03-01<", ">12027-03-01<", "UBL-DATE"),
        (">2027-03-01<", "><", "UBL-DATE"),
        (">2027-01-04Z<", ">9999-01-04<", "UBL-DATE-RANGE"),
        (">16:00:00<", ">16.00<", "UBL-TIME"),
        (">16:00:00<", ">25:00:00<", "UBL-TIME"),
        ('<b:DocumentCurrencyCode listID="ISO4217">EUR<', "<b:DocumentCurrencyCode>EURO<", "UBL-CODE-CURRENCY"),
        ('<b:PayableAmount currencyID="EUR">', '<b:PayableAmount currencyID="XXX">', "UBL-CODE-CURRENCY"),
        ('currencyID="EUR">6<', 'currencyID="SEK">6<', "UBL-BT-CURRENCY"),
        ('"MTR">2.50<', '"METRE">2.50<', "UBL-CODE-UNIT"),
        (">NO<", ">Norway<", "UBL-CODE-COUNTRY"),
        ('languageID="sv"', 'languageID="på svenska"', "UBL-CODE-LANGUAGE"),
        ('currencyID="EUR">6<', 'currencyID="EUR">-6<', "UBL-BT-PRICE"),
        ('<b:BaseQuantity unitCode="MTR">1<', '<b:BaseQuantity unitCode="MTR">0<', "UBL-BT-PRICE"),
        ("<b:ID>20</b:ID>", "<b:ID>10</b:ID>", "UBL-BT-LINE-ID"),
        ("<b:ID>20</b:ID>", "<b:ID> </b:ID>", "UBL-BT-LINE-ID"),
        ("<b:Quantity>25</b:Quantity>", "<b:Quantity>26</b:Quantity>", "UBL-BT-DELIVERY"),
        ("<b:Quantity>25</b:Quantity>", '<b:Quantity unitCode="MTR">25</b:Quantity>', "UBL-BT-DELIVERY"),
        ('<b:Quantity unitCode="MTR">2.50</b:Quantity>', "", "UBL-BT-QUANTITY"),
    ],
)
def test_values_that_cannot_be(old: str, new: str, rule: str) -> None:
    assert rules(swapped((old, new))) == [rule]


def test_prices_in_two_currencies_where_the_whole_says_none() -> None:
    currency = '<b:DocumentCurrencyCode listID="ISO4217">EUR</b:DocumentCurrencyCode>'
    assert rules(swapped((currency, ""), ('currencyID="EUR">6<', 'currencyID="SEK">6<'))) == ["UBL-BT-CURRENCY"]


def test_places_far_down_are_still_told() -> None:
    body = swapped(("<b:ID>20</b:ID>", "\n" * 100_000 + "<b:ID>20</b:ID>"), (">2.50<", ">0<"))
    (finding,) = findings(body)
    assert finding.place == f"/Order/OrderLine[2]/LineItem/Quantity, line {line_of(body, b'>0<')}"


def test_all_findings_are_reported_together() -> None:
    body = swapped((">2.50<", ">NaN<"), (">NO<", ">XY<"), ("OrderTypeCode", "OrderTypCode"), (">16:00:00<", ">4 pm<"))
    assert sorted(rules(body)) == ["UBL-CODE-COUNTRY", "UBL-MODEL", "UBL-NUMBER", "UBL-TIME"]


def test_not_more_than_two_hundred_findings() -> None:
    lines = "".join(f"<b:Wrong>{number}</b:Wrong>" for number in range(500))
    assert len(findings(swapped(("<b:OrderTypeCode>", f"{lines}<b:OrderTypeCode>")))) == 200


RESPONSE = written("split.xml").decode()
REFERENCE = "<cac:OrderReference><cbc:ID>4500012345</cbc:ID></cac:OrderReference>"


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        (REFERENCE, "", "UBL-MODEL"),
        (REFERENCE, "<cac:OrderReference><cbc:ID/></cac:OrderReference>", "UBL-BT-ORDER-REFERENCE"),
        (REFERENCE, REFERENCE + REFERENCE.replace("4500012345", "2"), "UBL-BT-ORDER-REFERENCE"),
        ("Code>30<", "Code>99<", "UBL-CODE-RESPONSE"),
        ("Code>42<", "Code>maybe<", "UBL-CODE-RESPONSE"),
        ('"C62">25<', '"C62">-25<', "UBL-BT-QUANTITY"),
        ('"C62">25<', '"KGM">25<', "UBL-BT-SPLIT"),
    ],
)
def test_responses(old: str, new: str, rule: str) -> None:
    assert rules(swapped((old, new), source=RESPONSE)) == [rule]


def test_a_response_without_a_reference_says_so() -> None:
    (finding,) = findings(swapped((REFERENCE, ""), source=RESPONSE))
    assert (finding.text, finding.mend) == ("OrderResponse lacks OrderReference.", "Add OrderReference.")
    assert finding.place == "/OrderResponse, line 4"


def many_lines(count: int) -> bytes:
    head, _start, rest = ORDER.partition("  <a:OrderLine>")
    _lines, _end, tail = rest.rpartition("</a:OrderLine>")
    item = '<a:LineItem><b:ID>{}</b:ID><b:Quantity unitCode="C62">1</b:Quantity><a:Item/></a:LineItem>'
    line = f"<a:OrderLine>{item}</a:OrderLine>\n"
    return (head + "".join(line.format(number) for number in range(count)) + tail).encode()


def test_ten_thousand_lines_are_taken_and_one_more_is_not() -> None:
    began = time.perf_counter()
    assert len(formats.read(many_lines(10_000), XML).content["lines"]) == 10_000
    assert time.perf_counter() - began < 30
    (finding,) = findings(many_lines(10_001))
    assert finding.rule == "UBL-BT-LINES"
    assert finding.place.startswith("/Order/OrderLine[10001], line ")


BOMB = '<!DOCTYPE u [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;">]>'


@pytest.mark.parametrize(
    "doctype",
    [
        "<!DOCTYPE Order>",
        "<!doctype Order>",
        '<!-- c -->\n<?pi?>\n<!DOCTYPE Order SYSTEM "http://localhost/x.dtd">',
        '<!DOCTYPE u [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE u [<!ENTITY % x SYSTEM "file:///etc/passwd"> %x;]>',
        BOMB,
    ],
)
def test_a_doctype_is_refused_before_anything_is_parsed(doctype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safety, "_parser", None)
    (finding,) = findings(swapped((ROOT, f"{doctype}\n{ROOT}"), (">4500012345<", ">&c;<")))
    assert finding.rule == "UBL-XML-DOCTYPE"
    assert finding.place.startswith("line ")


def test_a_doctype_in_another_encoding_is_refused_too() -> None:
    text = ORDER.replace("UTF-8", "UTF-16").replace(ROOT, BOMB + ROOT)
    assert rules(text.encode("utf-16")) == ["UBL-XML-DOCTYPE"]


def test_an_entity_that_nobody_declared() -> None:
    assert rules(swapped((">4500012345<", ">&c;<"))) == ["UBL-XML-SYNTAX"]


@pytest.mark.parametrize("depth", [65, 300, 100_000])
def test_deep_nesting(depth: int) -> None:
    (finding,) = findings(b"<a>" * depth + b"</a>" * depth)
    assert (finding.rule, finding.text) == ("UBL-XML-LIMIT", "Elements are nested more than 64 deep.")


def test_too_many_elements() -> None:
    (finding,) = findings(b"<a>" + b"<b/>" * 500_001 + b"</a>")
    assert (finding.rule, finding.text) == ("UBL-XML-LIMIT", "The document has more than 500000 elements.")


def test_too_many_attributes() -> None:
    many = "".join(f' x{number}="1"' for number in range(33))
    assert rules(swapped(("<a:BuyerCustomerParty>", f"<a:BuyerCustomerParty{many}>"))) == ["UBL-XML-LIMIT"]


def test_too_big() -> None:
    assert rules(written("order.xml") + b" " * (10 * 1024 * 1024)) == ["UBL-XML-LIMIT"]


@pytest.mark.parametrize(
    ("body", "rule", "place"),
    [
        (ORDER.replace("Ring", "Rïng").encode("latin-1"), "UBL-XML-ENCODING", "line 10"),
        (ORDER.encode("utf-16"), "UBL-XML-ENCODING", "line 1"),
        (ORDER.replace("UTF-8", "UTF-16").encode("utf-8-sig"), "UBL-XML-ENCODING", "line 1"),
        (ORDER.replace("UTF-8", "no-such").encode(), "UBL-XML-ENCODING", "line 1"),
        (ORDER.replace("UTF-8", "utf-7").encode(), "UBL-XML-ENCODING", "line 1"),
        (ORDER.replace("Ring", "Rïng").replace("UTF-8", "us-ascii").encode(), "UBL-XML-ENCODING", "line 10"),
        (b"", "UBL-XML-EMPTY", "/"),
        (b" \n ", "UBL-XML-EMPTY", "/"),
        (b'{"number": "1"}', "UBL-XML-SYNTAX", "line 1"),
        (b"UNA:+.? 'UNB+UNOC:3", "UBL-XML-SYNTAX", "line 1"),
        (b"\x00\x01\x02", "UBL-XML-SYNTAX", "line 1"),
        (ORDER.encode()[:900], "UBL-XML-SYNTAX", "line 16"),
        (b"<html><body/></html>", "UBL-ROOT", "/html, line 1"),
        (b"<Order/>", "UBL-ROOT", "/Order, line 1"),
        (ORDER.replace("Order-2", "OrderChange-2").encode(), "UBL-ROOT", "/Order, line 4"),
    ],
)
def test_what_is_no_order_at_all(body: bytes, rule: str, place: str) -> None:
    (finding,) = findings(body)
    assert (finding.rule, finding.place) == (rule, place)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_whatever_is_broken_is_refused_and_nothing_else_is_raised(data: st.DataObject) -> None:
    body = data.draw(st.sampled_from([written("order.xml"), written("split.xml"), written("simple.xml")]))
    start = data.draw(st.integers(0, len(body)))
    cut = data.draw(st.integers(0, 40))
    put = data.draw(st.binary(max_size=12) | st.sampled_from([b"<b:ID/>", b"<a:Item/>", b"</b:ID>", b"&#0;", b"<![CDATA["]))
    findings(body[:start] + put + body[start + cut :])
