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
    assert found == {"uid": found["uid"], **given, "bought": True, "sold": True}
    assert buyer.api.get(f"items/{found['uid']}").json() == found
    changed = buyer.api.patch(f"items/{found['uid']}/", {"name": "Big fan", "sold": False})
    assert (changed.status_code, changed.json()) == (200, {**found, "name": "Big fan", "sold": False})
    assert buyer.api.patch(f"items/{found['uid']}", {"aliases": []}).json()["aliases"] == []


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
        ({"price": "5"}, "/price"),
        ({"uid": str(uuid.uuid4())}, "/uid"),
    ],
)
def test_a_bad_item_is_refused_with_its_place(cast: Cast, change: dict[str, Any], pointer: str) -> None:
    with unchanged(cast.maker):
        answer = cast.maker.api.post("items/", {"number": company.fresh_number("N"), "name": "Thing", **change})
    assert (answer.status_code, errors(answer)) == (422, [pointer])


def test_an_enterprise_is_its_own_site(cast: Cast) -> None:
    assert cast.maker.api.get("sites/").json() == {
        "next": None,
        "previous": None,
        "results": [{"name": "Maker GmbH", "gln": "4006381000000", "city": "Bremen", "country": "DE"}],
    }
    assert [site["name"] for site in cast.stranger.api.get("sites").json()["results"]] == ["Stranger AG"]
    assert Api("").get("sites/").status_code == 401
