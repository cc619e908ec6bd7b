"""Products and configurations by REST, as the contract says."""

from __future__ import annotations

import hashlib
import json
import uuid
from typing import Any

import pytest

from apps.customisation import services as customisation
from apps.network import selectors as partners
from apps.network import services as network
from tests.cast import AT, Api, Cast, Member, befriend, provision, unchanged
from tests.customisation import fridge

Two = tuple[Member, Member]


def errors(answer: Any) -> list[str]:
    assert answer["Content-Type"] == "application/problem+json", answer.content
    assert all(error["detail"] for error in answer.json()["errors"])
    return [error["pointer"] for error in answer.json()["errors"]]


def begin(buyer: Member, maker: Member, choices: Any, **more: Any) -> Any:
    return buyer.api.post("configurations/", {"seller": maker.slug, "product": "fridge", "choices": choices, **more})


def test_products_of_oneself_and_of_a_partner(pair: Two, cast: Cast) -> None:
    buyer, maker = pair
    fridge.enter(maker)
    fridge.enter(maker, code="unpublished", item="FR-2", publish=False)
    told = buyer.api.get(f"products/?seller={maker.slug}").json()["results"]
    assert told == [
        {
            "code": "fridge", "name": "Refrigerator", "name_zh": "冰箱", "text": "Made for you", "text_zh": "Made for you", "seller": maker.slug,
            "release": 1, "item": "FR-1", "unit": "C62", "price": {"amount": "600.00", "currency": "EUR"}, "public": False,
        }
    ]  # fmt: skip
    assert maker.api.get("products").json()["results"] == told
    assert buyer.api.get("products/").json()["results"] == []
    for slug in ("stranger", "nobody-is-called-so", "\n"):
        answer = buyer.api.get("products/", data=None) if not slug else buyer.api.get(f"products/?seller={slug.strip() or '%01'}")
        assert (answer.status_code, errors(answer)) == (422, ["/seller"])
    assert cast.stranger.api.get(f"products/?seller={maker.slug}").status_code == 422
    assert Api("").get("products/").status_code == 401


def test_only_customers_see_what_is_not_public(pair: Two) -> None:
    _buyer, maker = pair
    fridge.enter(maker)
    fridge.enter(maker, code="shown", item="FR-2", public=True)
    supplier = provision(f"s-{uuid.uuid4().hex[:8]}")
    befriend(maker, supplier)
    assert [row["code"] for row in supplier.api.get(f"products/?seller={maker.slug}").json()["results"]] == ["shown"]
    assert begin(supplier, maker, {}).status_code == 422


def test_a_configuration_is_begun_and_answers_as_the_contract_says(pair: Two) -> None:
    buyer, maker = pair
    fridge.enter(maker)
    answer = begin(buyer, maker, {"colour": "red", "ice": "yes"})
    assert answer.status_code == 201, answer.content
    told = answer.json()
    assert {name: told[name] for name in ("seller", "product", "release", "valid", "complete", "choices", "conflict")} == {
        "seller": maker.slug, "product": "fridge", "release": 1, "valid": True, "complete": False, "choices": {"colour": "red", "ice": "yes"}, "conflict": None,
    }  # fmt: skip
    assert told["open"] == {"colour": ["white", "red", "steel"], "width": ["700", "900"], "ice": ["yes", "no"], "handle": ["bar", None]}
    assert told["grey"] == {
        "width": {"600": "An ice maker needs 700 mm. You chose Ice maker: yes."},
        "handle": {"knob": "There are no red knobs. You chose Colour: Red."},
    }
    assert told["price"] == {"amount": "790.00", "currency": "EUR"}
    assert buyer.api.get(f"configurations/{told['uid']}").json() == told
    assert [row["uid"] for row in buyer.api.get(f"configurations/?seller={maker.slug}&product=fridge").json()["results"]] == [told["uid"]]
    assert maker.api.get("configurations/").json()["results"] == []


def test_the_digest_is_of_what_was_chosen(pair: Two) -> None:
    buyer, maker = pair
    fridge.enter(maker)
    one = begin(buyer, maker, {"colour": "red", "width": 800, "ice": True, "handle": None}).json()
    two = begin(buyer, maker, {"width": "800.0", "ice": "yes", "colour": "red"}).json()
    assert (one["complete"], two["complete"], one["digest"] == two["digest"]) == (True, True, True)
    said = {"choices": {"colour": "red", "ice": "yes", "width": "800"}, "product": "fridge", "release": 1, "seller": maker.slug}
    assert one["digest"] == hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    assert one["configuration"] == {
        "product": "fridge", "release": 1, "digest": one["digest"], "choices": said["choices"],
        "text": {"en": "Colour: Red; Width: 800 mm; Ice maker", "zh": "颜色：红色；宽度：800 毫米；制冰机"},
    }  # fmt: skip
    assert begin(buyer, maker, {"colour": "red", "width": 900, "ice": True}).json()["digest"] != one["digest"]


def test_choices_are_changed_and_taken_back(pair: Two) -> None:
    buyer, maker = pair
    fridge.enter(maker)
    uid = begin(buyer, maker, {"colour": "red", "width": 800, "ice": True}).json()["uid"]

    def change(**choices: Any) -> Any:
        answer = buyer.api.patch(f"configurations/{uid}/", {"choices": choices})
        assert answer.status_code == 200, answer.content
        return answer.json()

    assert change(colour="steel")["price"]["amount"] == "970.50"
    assert change(colour="", ice=False)["choices"] == {"width": "800", "ice": "no"}
    assert change(width=None)["choices"] == {"ice": "no"}
    told = change(handle=None)
    assert (told["choices"], told["complete"]) == ({"ice": "no", "handle": None}, False)
    assert change(handle="")["choices"] == {"ice": "no"}


def test_a_contradiction_is_an_answer_and_says_its_way_out(pair: Two) -> None:
    buyer, maker = pair
    fridge.enter(maker)
    answer = begin(buyer, maker, {"ice": "yes", "width": "600", "colour": "red"})
    told = answer.json()
    assert (answer.status_code, told["valid"], told["complete"]) == (200, False, False)
    assert told["conflict"]["rules"] == [{"code": "R1", "text": "An ice maker needs 700 mm"}]
    assert {(mend["text"], *mend["choices"].items()) for mend in told["conflict"]["mend"]} == {
        ("set “Width” to 700 mm", ("width", "700")),
        ("leave out “Ice maker”", ("ice", "no")),
    }
    for mend in told["conflict"]["mend"]:
        mended = buyer.api.patch(f"configurations/{told['uid']}", {"choices": mend["choices"]})
        assert (mended.status_code, mended.json()["valid"], mended.json()["conflict"]) == (200, True, None)
        assert buyer.api.patch(f"configurations/{told['uid']}", {"choices": {"ice": "yes", "width": 600}}).json()["valid"] is False


def test_what_is_said_is_in_the_readers_language(pair: Two) -> None:
    buyer, maker = pair
    fridge.enter(maker)
    body = {"seller": maker.slug, "product": "fridge", "choices": {"ice": "yes", "width": "600"}}
    told = buyer.api.post("configurations/", body, headers={"Accept-Language": "zh-Hans"}).json()
    assert told["conflict"]["rules"] == [{"code": "R1", "text": "制冰机需要 700 毫米"}]
    assert told["conflict"]["mend"][0]["text"] in ("将“宽度”改为700 毫米", "不选配“制冰机”")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"product": "nothing"}, "/product"),
        ({"product": ""}, "/product"),
        ({"product": None}, "/product"),
        ({"product": ["fridge"]}, "/product"),
        ({"product": "x" * 61}, "/product"),
        ({"seller": "stranger"}, "/seller"),
        ({"seller": "nobody-is-called-so"}, "/seller"),
        ({"seller": 7}, "/seller"),
        ({"choices": []}, "/choices"),
        ({"choices": {"door": "glass"}}, "/choices/door"),
        ({"choices": {"colour": "blue"}}, "/choices/colour"),
        ({"choices": {"colour": 7}}, "/choices/colour"),
        ({"choices": {"colour": ["red"]}}, "/choices/colour"),
        ({"choices": {"width": "NaN"}}, "/choices/width"),
        ({"choices": {"width": "wide"}}, "/choices/width"),
        ({"choices": {"width": 650}}, "/choices/width"),
        ({"choices": {"width": "5000"}}, "/choices/width"),
        ({"choices": {"width": 9999999999999999999}}, "/choices/width"),
        ({"choices": {"width": "1" * 300}}, "/choices/width"),
        ({"choices": {"width": -700}}, "/choices/width"),
        ({"choices": {"ice": "maybe"}}, "/choices/ice"),
        ({"choices": {"a/b~c": "x"}}, "/choices/a~1b~0c"),
        ({"choises": {}}, "/choises"),
        ({"release": 1}, "/release"),
    ],
)
def test_bad_input_is_refused_with_its_place(pair: Two, body: dict[str, Any], pointer: str) -> None:
    buyer, maker = pair
    fridge.enter(maker)
    with unchanged(buyer, maker):
        answer = begin(buyer, maker, body.get("choices", {}), **{name: value for name, value in body.items() if name != "choices"})
    assert (answer.status_code, errors(answer)) == (422, [pointer])


@pytest.mark.parametrize(("body", "pointer"), [({}, "/choices"), ({"choices": [1]}, "/choices"), ({"choices": {"door": 1}}, "/choices/door")])
def test_a_bad_change_changes_nothing(pair: Two, body: dict[str, Any], pointer: str) -> None:
    buyer, maker = pair
    fridge.enter(maker)
    uid = begin(buyer, maker, {"colour": "red"}).json()["uid"]
    with unchanged(buyer, maker):
        answer = buyer.api.patch(f"configurations/{uid}/", body)
    assert (answer.status_code, errors(answer)) == (422, [pointer])


def test_the_stranger_and_the_maker_find_no_configuration_of_a_buyers(pair: Two, cast: Cast) -> None:
    buyer, maker = pair
    fridge.enter(maker)
    uid = begin(buyer, maker, {"colour": "red"}).json()["uid"]
    with unchanged(buyer, maker, cast.stranger):
        for member in (maker, cast.stranger):
            known = [member.api.get(f"configurations/{uid}"), member.api.patch(f"configurations/{uid}", {"choices": {"colour": "white"}})]
            unknown = [member.api.get(f"configurations/{uuid.uuid4()}"), member.api.get("configurations/nonsense")]
            assert {(answer.status_code, answer.content) for answer in (*known, *unknown)} == {(404, unknown[0].content)}
        answer = begin(cast.stranger, maker, {"colour": "red"})
    assert (answer.status_code, errors(answer)) == (422, ["/seller"])


def test_when_it_could_be_had_is_told_where_somebody_knows(pair: Two) -> None:
    buyer, maker = pair
    fridge.enter(maker)
    uid = begin(buyer, maker, {"colour": "red", "width": 700}).json()["uid"]
    assert "due_on" not in buyer.api.get(f"configurations/{uid}/").json()
    assert "due_on" in buyer.api.get(f"configurations/{uid}/?promise=1").json()
    answer = buyer.api.get(f"configurations/{uid}/?promise=perhaps")
    assert (answer.status_code, errors(answer)) == (422, ["/promise"])


def test_a_configuration_keeps_its_release(pair: Two) -> None:
    buyer, maker = pair
    fridge.enter(maker)
    uid = begin(buyer, maker, {"colour": "red"}).json()["uid"]
    with maker.acting():
        customisation.begin_release(product="fridge", by=maker.actor, at=AT)
        customisation.save_terms(product="fridge", given={"price": "1000", "currency": "EUR"}, by=maker.actor, at=AT)
        customisation.publish(product="fridge", by=maker.actor, at=AT)
    kept = buyer.api.patch(f"configurations/{uid}/", {"choices": {"width": 700}}).json()
    assert (kept["release"], kept["price"]["amount"]) == (1, "690.00")
    assert begin(buyer, maker, {"colour": "red"}).json()["price"]["amount"] == "1040.00"
    with maker.acting():
        customisation.withdraw(product="fridge", by=maker.actor, at=AT)
    answer = buyer.api.get(f"configurations/{uid}/")
    assert (answer.status_code, errors(answer)) == (422, ["/product"])


def test_without_consent_nothing_is_told(pair: Two) -> None:
    buyer, maker = pair
    fridge.enter(maker)
    uid = begin(buyer, maker, {"colour": "red"}).json()["uid"]
    with maker.acting():
        partnership = next(partner for partner in partners.partners() if partner.id == buyer.id).partnership_id
        network.suspend(partnership=partnership, by=maker.actor, at=AT)
    assert begin(buyer, maker, {}).status_code == 422
    assert buyer.api.get(f"configurations/{uid}/").status_code in (404, 409, 422)


def test_a_viewer_looks_and_changes_nothing(pair: Two) -> None:
    _buyer, maker = pair
    fridge.enter(maker)
    client = maker.page_client("viewer")
    assert client.get("/configure/products/fridge/").status_code == 200
    with unchanged(maker):
        assert client.post("/configure/products/fridge/deeds/", {"deed": "begin"}).status_code == 403
        assert client.post(f"/configure/of/{maker.slug}/fridge/", {"c.colour": "red"}).status_code == 403
