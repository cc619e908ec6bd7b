"""Our knowledge of the structure against the schemas: the same children, and the same verdict on broken documents."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lxml import etree

from apps.exchange.formats.ubl import codes, model, values

from .samples import REAL

Invalid = Callable[[etree._Element, str], list[str]]
XSD = "{http://www.w3.org/2001/XMLSchema}"
DOCUMENTS = ("Order", "OrderResponse", "OrderResponseSimple", "OrderChange", "OrderCancellation")


def aggregates() -> Iterator[model.Aggregate]:
    todo, seen = list(DOCUMENTS), set[str]()
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            yield model.aggregate(name)
            todo += [child.aggregate for child in model.aggregate(name).children if child.aggregate]


def test_every_aggregate_is_known_and_its_keys_are_distinct() -> None:
    found = list(aggregates())
    assert len(found) == 143
    for kind in found:
        assert len(kind.by_key) == len(kind.by_name) == len(kind.children)


def test_the_structure_is_that_of_the_schema(shared: Path) -> None:
    common = etree.parse(shared / "ubl/xsd-2.4/common/UBL-CommonAggregateComponents-2.4.xsd").getroot()
    types = {str(kind.get("name")): kind for kind in common.iterfind(f"{XSD}complexType")}
    for name in DOCUMENTS:
        root = etree.parse(shared / f"ubl/xsd-2.4/maindoc/UBL-{name}-2.4.xsd").getroot()
        types[f"{name}Type"] = next(root.iterfind(f"{XSD}complexType"))
    for kind in aggregates():
        stated = [tuple(map(element.get, ("ref", "minOccurs", "maxOccurs"))) for element in _elements(types, kind)]
        assert [_stated(child) for child in kind.children] == stated, kind.name


def _elements(types: dict[str, etree._Element], kind: model.Aggregate) -> list[etree._Element]:
    found = types[f"{kind.name}Type"].iter(f"{XSD}element")
    return [element for element in found if element.get("ref") != "ext:UBLExtensions"]


def _stated(child: model.Child) -> tuple[str, str, str]:
    prefix = "cac" if child.aggregate else "cbc"
    return f"{prefix}:{child.name}", str(child.least), "unbounded" if child.many else "1"


@pytest.mark.parametrize("name", REAL)
def test_a_broken_document_gets_the_verdict_of_the_schema(shared: Path, invalid: Invalid, name: str) -> None:
    chance = random.Random(name)
    verdicts = set()
    for _ in range(40):
        root = etree.parse(shared / name, etree.XMLParser(remove_comments=True)).getroot()
        _break(root, chance)
        ours = [finding.text for finding in model.check(root, values.check) if finding.rule == "UBL-MODEL"]
        theirs = invalid(root, "2.4")
        assert bool(ours) == bool(theirs), (ours, theirs)
        verdicts.add(bool(ours))
    assert verdicts == {True, False}


def _break(root: etree._Element, chance: random.Random) -> None:
    elements = [element for element in root.iter() if element is not root]
    one, other = chance.choice(elements), chance.choice(elements)
    parent = one.getparent()
    assert parent is not None
    match chance.randrange(6):
        case 0:
            parent.remove(one)
        case 1:
            parent.insert(parent.index(one), etree.fromstring(etree.tostring(one)))
        case 2:
            one.tag = other.tag
        case 3:
            parent.insert(chance.randrange(len(parent)), one)
        case 4:
            one.set(chance.choice(["schemeID", "currencyID", "unitCode", "listID", "nonsense"]), "EUR")
        case _:
            one.tag = f"{one.tag}s"


def test_the_code_lists_hold_those_of_peppol(shared: Path) -> None:
    def listed(name: str) -> set[str]:
        root = etree.parse(shared / f"peppol/codelists/{name}.xml").getroot()
        return {str(element.text).strip() for element in root.iterfind(".//{*}Id")}

    assert listed("ISO4217_2015") - codes.currencies() == {"XXX", "XTS"}
    assert listed("ISO3166-1_Alpha2") <= codes.countries()
    assert listed("UNECERec20-11e") <= codes.units()
    assert listed("UNECERec21-9e") <= codes.units()
