"""What comes in goes out again: every real order and answer, and our own."""

import json
import random
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from apps.exchange import formats

from .samples import BAD_MODEL, REAL, XML, canonical, findings, write, written

Invalid = Callable[[etree._Element, str], list[str]]


def test_the_list_of_real_messages_is_complete(shared: Path) -> None:
    places = ("ubl/oasis-examples", "ubl/oasis-validation", "ubl/phax-testfiles", "peppol/scenarios")
    files = [file for place in places for file in (shared / place).rglob("*.xml")]
    taken = {"Order", "OrderResponse", "OrderResponseSimple", "OrderChange", "OrderCancellation"}
    found = {str(file.relative_to(shared)) for file in files if _root(file) in taken}
    assert found == {*REAL, BAD_MODEL}


def _root(file: Path) -> str:
    return etree.QName(etree.parse(file).getroot()).localname


@pytest.mark.parametrize("name", REAL)
def test_a_real_message_comes_out_as_it_went_in(shared: Path, invalid: Invalid, name: str) -> None:
    source = (shared / name).read_bytes()
    message = formats.read(source, XML)
    stored = json.loads(json.dumps(message.content))
    out = etree.fromstring(write(message, stored))

    assert canonical(out) == canonical(etree.fromstring(source))
    assert invalid(out, "2.4") == []
    if not invalid(etree.fromstring(source), "2.1"):
        assert invalid(out, "2.1") == []


@pytest.mark.parametrize("name", ["order.xml", "split.xml", "simple.xml"])
def test_our_own_messages_come_out_as_they_went_in(name: str) -> None:
    message = formats.read(written(name), XML)
    assert canonical(etree.fromstring(write(message))) == canonical(etree.fromstring(written(name)))


@pytest.mark.parametrize("name", ["order.xml", "split.xml", "simple.xml"])
def test_writing_leaves_the_content_alone_and_is_the_same_each_time(name: str) -> None:
    message = formats.read(written(name), XML)
    before = json.dumps(message.content)
    first = write(message)
    assert write(message) == first
    assert json.dumps(message.content) == before
    assert formats.read(first, XML).content == message.content


@pytest.mark.parametrize("name", [*REAL, "order.xml", "split.xml", "simple.xml"])
def test_whoever_keeps_numbers_as_numbers_loses_nothing(shared: Path, name: str) -> None:
    source = (shared / name).read_bytes() if name in REAL else written(name)
    message = formats.read(source, XML)
    kept = {
        **message.content,
        "note": message.content.get("note"),
        "lines": [_kept(line) for line in message.content["lines"]],
    }
    assert canonical(etree.fromstring(write(message, kept))) == canonical(etree.fromstring(source))


def _kept(line: dict[str, Any]) -> dict[str, Any]:
    """The line as it comes from columns: six decimals, and None for what is not there."""
    numbers = ("quantity", "price", "price_base", "backorder")
    schedules = [{"due_on": None, **schedule} for schedule in line.get("schedules", [])]
    for schedule in schedules:
        schedule["quantity"] = _six(schedule.get("quantity"))
    return {**line, **{key: _six(line.get(key)) for key in numbers}, "schedules": schedules or None}


def _six(number: str | None) -> str | None:
    return None if number is None else format(Decimal(number), ".6f")


@pytest.mark.parametrize("name", ["order.xml", "split.xml", "simple.xml"])
def test_our_own_messages_are_valid_by_the_schema(invalid: Invalid, name: str) -> None:
    root = etree.fromstring(written(name))
    assert invalid(root, "2.1") == []
    assert invalid(root, "2.4") == []


def test_comments_extensions_and_signatures_are_left_behind() -> None:
    source = written("order.xml").replace(
        b"<b:CustomizationID>",
        b'<x:UBLExtensions xmlns:x="urn:oasis:names:specification:ubl:schema:xsd:CommonExtensionComponents-2">'
        b"<x:UBLExtension><x:ExtensionContent><any/></x:ExtensionContent></x:UBLExtension></x:UBLExtensions>"
        b"<!-- private --><b:CustomizationID>",
    )
    out = write(formats.read(source, XML))
    assert b"UBLExtension" not in out
    assert b"private" not in out
    assert canonical(etree.fromstring(out)) == canonical(etree.fromstring(written("order.xml")))


def test_an_order_with_an_empty_number_gets_one_that_follows_from_its_bytes() -> None:
    source = written("order.xml").replace(b"<b:ID>4500012345</b:ID>", b"<b:ID/>")
    message = formats.read(source, XML)
    assert len(message.number) == 12
    assert message.number == message.content["number"] == formats.read(source, XML).number
    assert b"<cbc:ID></cbc:ID>" in write(message)
    assert b"<cbc:ID>PO-9</cbc:ID>" in write(message, {**message.content, "number": "PO-9"})


VALUES = ("", "0", "1", "3", "5", "7", "true", "EUR", "10", "2027-01-01")


@pytest.mark.parametrize("name", [*REAL, "order.xml", "split.xml", "simple.xml"])
def test_a_message_that_was_tampered_with_is_refused_or_comes_out_as_it_went_in(shared: Path, name: str) -> None:
    source = (shared / name).read_bytes() if name in REAL else written(name)
    chance = random.Random(name)
    for _ in range(40):
        root = etree.fromstring(source, etree.XMLParser(remove_comments=True))
        for _ in range(chance.randrange(1, 5)):
            _tamper(root, chance)
        body = etree.tostring(root)
        if not findings(body):
            message = formats.read(body, XML)
            stored = json.loads(json.dumps(message.content))
            assert canonical(etree.fromstring(write(message, stored))) == canonical(root)


def _tamper(root: etree._Element, chance: random.Random) -> None:
    one = chance.choice([element for element in root.iter() if element is not root])
    parent = one.getparent()
    assert parent is not None
    match chance.randrange(5):
        case 0:
            parent.remove(one)
        case 1:
            parent.insert(parent.index(one), etree.fromstring(etree.tostring(one)))
        case 2 if not len(one):
            one.text = chance.choice(VALUES)
        case 3 if one.attrib:
            one.attrib.pop(chance.choice(list(one.attrib)))
        case _ if one.attrib:
            one.set(chance.choice(list(one.attrib)), chance.choice(["0160", "GTIN", "EUR", "C62"]))
