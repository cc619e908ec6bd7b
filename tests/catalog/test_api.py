"""Items and sites by REST."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import cast as company
from tests.cast import Api, Cast, Member, unchanged

Pair = tuple[Member, Member]


def errors(answer: Any) -> list[str]:
    assert answer["Content-Type"] == "application/problem+json", answer.content
    assert all(error["detail"] for error in answer.json()["errors"])
    return [error["pointer"] for error in answer.json()["errors"]]


@contextmanager
def queries(most: int) -> Iterator[None]:
    with CaptureQueriesContext(connection) as captured:
        yield
    said = [query["sql"] for query in captured if not query["sql"].startswith(("BEGIN", "COMMIT"))]
    assert len(said) <= most, "\n".join(said)


def test_an_item_is_entered_read_and_changed(pair: Pair) -> None:
    buyer, seller = pair
    given = {"number": "N-1", "name": "Fan", "name_zh": "风扇", "unit": "C62", "gtin": "4006381333931", "aliases": [{"partner": seller.slug, "number": "F-9"}]}
    answer = buyer.api.post("items/", given)
    assert answer.status_code == 201, answer.content
    found = answer.json()
    assert found == {"uid": found["uid"], **given, "bought": True, "sold": True, "procurement": "buy", "shipping_days": 0, "price": None}
    assert buyer.api.get(f"items/{found['uid']}").json() == found
    new = {"name": "Big fan", "sold": False, "procurement": "make", "shipping_days": 3, "price": "81.50"}
    changed = buyer.api.patch(f"items/{found['uid']}/", new)
    assert (changed.status_code, changed.json()) == (200, {**found, **new})
    assert buyer.api.patch(f"items/{found['uid']}", {"aliases": []}).json()["aliases"] == []
    assert [buyer.api.patch(f"items/{found['uid']}", given).json()["price"] for given in ({"sold": True}, {"price": None})] == ["81.50", None]


def test_what_is_not_said_is_as_usual(pair: Pair) -> None:
    found = pair[0].api.post("items/", {"number": "N-2", "name": "Nut"}).json()
    assert {name: found[name] for name in ("unit", "gtin", "name_zh", "aliases", "bought", "sold")} == {
        "unit": "C62",
        "gtin": "",
        "name_zh": "",
        "aliases": [],
        "bought": True,
        "sold": True,
    }


def test_a_list_is_filtered_and_gone_through(pair: Pair) -> None:
    buyer, seller = pair
    listed = seller.api.get("items/?limit=2").json()
    assert [row["number"] for row in listed["results"]] == ["S-1", "S-2"]
    assert listed["results"][0]["aliases"] == [{"partner": buyer.slug, "number": "A-1"}]
    assert [row["number"] for row in seller.api.get(listed["next"]).json()["results"]] == ["S-3"]
    for query, numbers in (("number=S-2", ["S-2"]), ("q=item", ["S-1", "S-2", "S-3"]), ("ordering=-name", ["S-3", "S-2", "S-1"]), ("gtin=4006381333931", [])):
        assert [row["number"] for row in seller.api.get(f"items/?{query}").json()["results"]] == numbers, query
    with queries(4):
        seller.api.get("items/")


def test_foreign_and_missing_look_alike(cast: Cast) -> None:
    uid = cast.maker.api.get("items/").json()["results"][0]["uid"]
    with unchanged(cast.maker, cast.stranger):
        answers = [cast.stranger.api.get(f"items/{key}") for key in (uid, uuid.uuid4(), "nonsense")]
        answers.append(cast.stranger.api.patch(f"items/{uid}", {"name": "x"}))
    assert {(answer.status_code, answer.content) for answer in answers} == {(404, answers[1].content)}
    assert [row["number"] for row in cast.stranger.api.get("items/").json()["results"]] == ["Z-1"]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"number": ""}, "/number"),
        ({"number": None}, "/number"),
        ({"number": "x" * 61}, "/number"),
        ({"number": "M-COMP"}, "/number"),
        ({"name": ""}, "/name"),
        ({"name": 5}, "/name"),
        ({"unit": "XYZ"}, "/unit"),
        ({"unit": None}, "/unit"),
        ({"gtin": "123"}, "/gtin"),
        ({"gtin": "4006381333930"}, "/gtin"),
        ({"bought": "yes"}, "/bought"),
        ({"aliases": "S-1"}, "/aliases"),
        ({"aliases": ["S-1"]}, "/aliases/0"),
        ({"aliases": [{"partner": "stranger", "number": "1"}]}, "/aliases/0/partner"),
        ({"aliases": [{"partner": "nobody", "number": "1"}]}, "/aliases/0/partner"),
        ({"aliases": [{"partner": "supplier", "number": ""}]}, "/aliases/0/number"),
        ({"aliases": [{"partner": "supplier", "numbr": "1"}]}, "/aliases/0/numbr"),
        ({"aliases": [{"partner": "supplier", "number": "1"}] * 2}, "/aliases"),
        ({"procurement": "steal"}, "/procurement"),
        ({"shipping_days": -1}, "/shipping_days"),
        ({"shipping_days": "1.5"}, "/shipping_days"),
        ({"price": "-5"}, "/price"),
        ({"price": 0.5}, "/price"),
        ({"colour": "red"}, "/colour"),
        ({"uid": str(uuid.uuid4())}, "/uid"),
    ],
)
def test_a_bad_item_is_refused_with_its_place(cast: Cast, change: dict[str, Any], pointer: str) -> None:
    with unchanged(cast.maker):
        answer = cast.maker.api.post("items/", {"number": company.fresh_number("N"), "name": "Thing", **change})
    assert (answer.status_code, errors(answer)) == (422, [pointer])


def test_an_enterprise_is_its_own_site(cast: Cast) -> None:
    itself = {"code": "", "name": "Maker GmbH", "name_zh": "", "gln": "4006381000000", "address": "", "city": "Bremen", "country": "DE"}
    assert cast.maker.api.get("sites/").json() == {
        "next": None,
        "previous": None,
        "results": [{"uid": None, **itself, "time_zone": cast.maker.home.time_zone, "main": True}],
    }
    assert [site["name"] for site in cast.stranger.api.get("sites").json()["results"]] == ["Stranger AG"]
    assert Api("").get("sites/").status_code == 401


def test_sites_are_entered_changed_and_removed(pair: Pair) -> None:
    buyer, seller = pair
    given = {
        "code": "HB1",
        "name": "Bremen plant",
        "name_zh": "不来梅工厂",
        "gln": "4006381000000",
        "address": "Hafenstraße 7",
        "city": "Bremen",
        "country": "DE",
    }
    found = buyer.api.post("sites/", {**given, "time_zone": "Europe/Berlin"}).json()
    assert found == {"uid": found["uid"], **given, "time_zone": "Europe/Berlin", "main": True}
    second = buyer.api.post("sites/", {"code": "HB2", "name": "Store"}).json()
    assert (second["main"], second["time_zone"]) == (False, buyer.home.time_zone)
    assert buyer.api.patch(f"sites/{second['uid']}/", {"main": True}).json()["main"] is True
    assert [site["code"] for site in buyer.api.get("sites/").json()["results"]] == ["HB2", "HB1"]
    with unchanged(buyer, seller):
        assert errors(buyer.api.patch(f"sites/{found['uid']}", {"gln": "1"})) == ["/gln"]
        assert errors(buyer.api.post("sites/", {"code": "HB1", "name": "x"})) == ["/code"]
        assert errors(buyer.api.delete(f"sites/{second['uid']}/")) == ["/"]
        answers = [seller.api.patch(f"sites/{key}/", {"name": "x"}) for key in (found["uid"], uuid.uuid4())]
        assert {answer.status_code for answer in answers} == {404}
    assert buyer.api.delete(f"sites/{found['uid']}/").status_code == 204
    assert buyer.api.get(f"sites/{found['uid']}/").status_code == 404


def structured(member: Member, partner: Member) -> dict[str, Any]:
    """A-1 of two A-2, or of one A-3; A-2 from the partner. The answers of the entries."""
    first = member.api.post("components/", {"item": "A-1", "component": "A-2", "quantity": "2 * width", "condition": "colour = red", "scrap": "1.5"})
    second = member.api.post("components/", {"item": "A-1", "component": "A-3", "alternate_of": 10, "valid_until": "2027-12-31"})
    third = member.api.post("sources/", {"item": "A-2", "partner": partner.slug, "lead_days": 7, "price": "0.50", "minimum": "100"})
    assert [answer.status_code for answer in (first, second, third)] == [201, 201, 201], (first.content, second.content, third.content)
    return {"line": first.json(), "alternate": second.json(), "source": third.json()}


def test_a_structure_is_entered_and_read_as_a_whole(pair: Pair) -> None:
    buyer, seller = pair
    said = structured(buyer, seller)
    line = {"item": "A-1", "component": "A-2", "position": 10, "quantity": "2 * width", "scrap": "1.5", "fixed": "0", "condition": "colour = red"}
    assert said["line"] == {"uid": said["line"]["uid"], **line, "priority": 0, "valid_from": None, "valid_until": None, "alternate_of": None}
    assert (said["alternate"]["alternate_of"], said["alternate"]["position"], said["alternate"]["valid_until"]) == (10, 20, "2027-12-31")
    offer = {"item": "A-2", "partner": seller.slug, "lead_days": 7, "transport_days": 0, "minimum": "100", "multiple": "0", "price": "0.50"}
    more = {"currency": buyer.home.currency, "priority": 0, "policy": "automatic", "asked": True, "active": True}
    assert said["source"] == {"uid": said["source"]["uid"], **offer, **more}
    key = buyer.api.get("items/?number=A-1").json()["results"][0]["uid"]
    with queries(8):
        found = buyer.api.get(f"items/{key}/structure/").json()
    assert found["item"] == "A-1"
    assert [item["number"] for item in found["items"]] == ["A-1", "A-2", "A-3"]
    assert (found["components"], found["sources"]) == ([said["line"], said["alternate"]], [said["source"]])
    assert buyer.api.get("components/?item=A-1&component=A-3").json()["results"] == [said["alternate"]]
    assert buyer.api.get(f"sources/?partner={seller.slug}").json()["results"] == [said["source"]]
    assert buyer.api.get("sources/?partner=stranger").json()["results"] == []


def test_lines_and_sources_are_changed_and_removed(pair: Pair) -> None:
    buyer, seller = pair
    said = structured(buyer, seller)
    line, offer = f"components/{said['line']['uid']}/", f"sources/{said['source']['uid']}/"
    assert buyer.api.patch(line, {"quantity": 3, "condition": ""}).json() == {**said["line"], "quantity": "3", "condition": ""}
    assert buyer.api.patch(f"components/{said['alternate']['uid']}/", {"priority": 2}).json() == {**said["alternate"], "priority": 2}
    assert buyer.api.patch(offer, {"price": None, "asked": False}).json() == {**said["source"], "price": None, "asked": False}
    with unchanged(buyer):
        assert errors(buyer.api.patch(line, {"quantity": "0"})) == ["/quantity"]
        assert errors(buyer.api.patch(line, {"quantty": "1"})) == ["/quantty"]
        assert errors(buyer.api.patch(offer, {"lead_days": -1})) == ["/lead_days"]
        assert errors(buyer.api.post("components/", {"item": "A-2", "component": "A-1"})) == ["/component"]
        assert errors(buyer.api.post("components/", {})) == ["/item", "/component"]
        assert errors(buyer.api.post("sources/", {"item": 5, "partner": ["x"]})) == ["/item", "/partner"]
    assert [buyer.api.delete(address).status_code for address in (line, offer)] == [204, 204]
    assert [buyer.api.delete(address).status_code for address in (line, offer)] == [404, 404]
    assert buyer.api.get("components/").json()["results"] == []


def test_a_structure_is_nobody_elses(pair: Pair, cast: Cast) -> None:
    buyer, seller = pair
    said = structured(buyer, seller)
    key = buyer.api.get("items/?number=A-1").json()["results"][0]["uid"]
    with unchanged(buyer, seller, cast.stranger):
        for other in (seller, cast.stranger):
            for address in (f"components/{said['line']['uid']}/", f"sources/{said['source']['uid']}/", f"items/{key}/structure/"):
                missing = (
                    address.replace(said["line"]["uid"], str(uuid.uuid4())).replace(said["source"]["uid"], str(uuid.uuid4())).replace(key, str(uuid.uuid4()))
                )
                answers = [other.api.get(one) for one in (address, missing)]
                assert {(answer.status_code, answer.content) for answer in answers} == {(404, answers[0].content)}
            assert other.api.patch(f"components/{said['line']['uid']}/", {"quantity": "1"}).status_code == 404
            assert other.api.delete(f"sources/{said['source']['uid']}/").status_code == 404
            assert (other.api.get("components/").json()["results"], other.api.get("sources/").json()["results"]) == ([], [])


def test_a_seller_may_read_but_not_change_the_structure(pair: Pair) -> None:
    assert [pair[0].as_role(role).may("catalog.structure") for role in ("buyer", "planner", "integration", "administrator")] == [True] * 4
    assert [pair[0].as_role(role).may("catalog.structure") for role in ("seller", "viewer", "dock")] == [False] * 3
