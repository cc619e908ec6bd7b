"""The maker's models: drafts, checks, publication; and everything that may be wrong with one."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from apps.base.findings import Invalid
from apps.customisation import selectors
from apps.customisation import services as customisation
from tests.cast import AT, Member, unchanged
from tests.customisation import fridge

Two = tuple[Member, Member]


def of(maker: Member) -> dict[str, Any]:
    return {"by": maker.actor, "at": AT}


def pointers(refusal: Any) -> list[str]:
    assert all(finding.detail for finding in refusal.value.findings)
    return [finding.pointer for finding in refusal.value.findings]


def draft(maker: Member) -> Any:
    product = selectors.product(code="fridge")
    assert product is not None
    return selectors.draft(product=product.pk)


def test_a_release_is_described_as_it_was_entered(pair: Two) -> None:
    _buyer, maker = pair
    fridge.enter(maker, publish=False)
    with maker.acting():
        described = selectors.described(draft(maker))
        assert [(row["code"], row["kind"], row["optional"], len(row["options"])) for row in described["features"]] == [
            ("colour", "choice", False, 3),
            ("width", "number", False, 0),
            ("ice", "flag", False, 0),
            ("handle", "choice", True, 2),
        ]
        assert [str(option["price"]) for option in described["features"][0]["options"]] == ["0", "40", "120.50"]
        assert [row["formula"] for row in described["rules"]] == ["ice => width >= 700", "not (colour = red and handle = knob)"]
        customisation.save_release(product="fridge", given=described | {"price": "600"}, **of(maker))
        assert selectors.described(draft(maker)) == described


def test_what_is_published_never_changes(pair: Two) -> None:
    _buyer, maker = pair
    fridge.enter(maker)
    with maker.acting():
        with unchanged(maker), pytest.raises(customisation.NoDraft):
            customisation.save_release(product="fridge", given=fridge.model(price="1"), **of(maker))
        for save, given in ((customisation.save_feature, fridge.FRIDGE["features"][0]), (customisation.save_rule, fridge.FRIDGE["rules"][0])):
            with unchanged(maker), pytest.raises(customisation.NoDraft):
                save(product="fridge", code=given["code"], given=given, **of(maker))
        first = selectors.product(code="fridge").release  # type: ignore[union-attr]
        before = selectors.described(first)  # type: ignore[arg-type]
        second = customisation.begin_release(product="fridge", **of(maker))
        assert (second.number, selectors.described(second)) == (2, before)
        assert customisation.begin_release(product="fridge", **of(maker)).pk == second.pk
        customisation.remove_part(product="fridge", part="rules", code="R1", **of(maker))
        customisation.save_terms(product="fridge", given={"price": "650", "currency": "EUR"}, **of(maker))
        assert selectors.described(first) == before  # type: ignore[arg-type]
        assert customisation.configure(seller=customisation.seller_of(None), product="fridge", choices={}).release == 1
        with pytest.raises(Invalid) as refusal:
            customisation.publish(product="fridge", **of(maker))
        assert pointers(refusal) == ["/examples/1"]
        customisation.remove_part(product="fridge", part="examples", code="small with ice", **of(maker))
        assert customisation.publish(product="fridge", **of(maker)).number == 2
        told = customisation.configure(seller=customisation.seller_of(None), product="fridge", choices={"ice": "yes", "width": 600})
        assert (told.release, told.valid, str(told.amount)) == (2, True, "800.00")
        old = customisation.configure(seller=customisation.seller_of(None), product="fridge", choices={"ice": "yes", "width": 600}, release=1)
        assert (old.release, old.valid) == (1, False)


def test_a_draft_is_thrown_away_but_for_the_first(pair: Two) -> None:
    _buyer, maker = pair
    fridge.enter(maker, publish=False)
    with maker.acting():
        with unchanged(maker), pytest.raises(Invalid):
            customisation.drop_draft(product="fridge", **of(maker))
        customisation.publish(product="fridge", **of(maker))
        customisation.begin_release(product="fridge", **of(maker))
        customisation.drop_draft(product="fridge", **of(maker))
        assert draft(maker) is None


def test_parts_are_entered_moved_and_removed(pair: Two) -> None:
    _buyer, maker = pair
    fridge.enter(maker, publish=False)
    with maker.acting():
        given = {"code": "glass", "name": "Glass shelves", "kind": "flag", "price": "12", "attributes": {"weight": "3.5"}}
        customisation.save_feature(product="fridge", code=None, given=given, **of(maker))
        customisation.move_part(product="fridge", part="features", code="glass", back=True, **of(maker))
        assert [row["code"] for row in selectors.described(draft(maker))["features"]] == ["colour", "width", "ice", "glass", "handle"]
        customisation.save_feature(product="fridge", code="glass", given={**given, "code": "shelf"}, **of(maker))
        customisation.save_rule(product="fridge", code=None, given={"code": "R3", "formula": "ice => shelf.weight < 4"}, **of(maker))
        assert customisation.check(draft(maker)).findings == []
        with unchanged(maker), pytest.raises(Invalid) as refusal:
            customisation.save_feature(product="fridge", code="shelf", given={**given, "code": "ice"}, **of(maker))
        assert pointers(refusal) == ["/code"]
        for code in ("glass", "nothing"):
            with unchanged(maker), pytest.raises(customisation.NoSuchProduct):
                customisation.remove_part(product="fridge", part="features", code=code, **of(maker))


def test_a_table_of_combinations_is_a_rule(pair: Two) -> None:
    _buyer, maker = pair
    table = {"features": ["colour", "ice"], "rows": [["white", "no"], ["red", "yes"], ["steel", "yes"]]}
    rules = [{"code": "T1", "kind": "table", "table": table, "text": "Ice makers are not white"}]
    fridge.enter(maker, given=fridge.model(rules=rules, examples=[]))
    with maker.acting():
        seller = customisation.seller_of(None)
        told = customisation.configure(seller=seller, product="fridge", choices={"colour": "white"}, why="all")
        assert (told.answer["decided"]["ice"], told.answer["offers"]["ice"]["grey"]) == ("no", ["yes"])
        assert told.why(told.answer["why"]["ice"][0]) == "Ice makers are not white. You chose Colour: White."


WRONG: list[tuple[str, Any, str]] = [
    ("price", "-1", "/price"),
    ("price", "1e5", "/price"),
    ("price", "1234567890123456789", "/price"),
    ("currency", "XYZ", "/currency"),
    ("features", "none", "/features"),
    ("features", ["none"], "/features/0"),
    ("rules", [{"code": "R1", "formula": "colour = = red"}], "/rules/0/formula"),
    ("rules", [{"code": "R1", "formula": ""}], "/rules/0/formula"),
    ("rules", [{"code": "R1", "formula": "(" * 100}], "/rules/0/formula"),
    ("rules", [{"code": 'a "b"', "formula": "ice"}], "/rules/0/code"),
    ("rules", [{"code": "R", "formula": "ice"}, {"code": "R", "formula": "ice"}], "/rules/1/code"),
    ("rules", [{"code": "R", "formula": "ice", "knid": "x"}], "/rules/0/knid"),
    ("rules", [{"code": "R", "formula": "ice", "kind": "wish"}], "/rules/0/kind"),
    ("rules", [{"code": "R", "kind": "table"}], "/rules/0/table"),
    ("rules", [{"code": "R", "kind": "table", "table": {"features": ["colour"], "rows": [["red", "blue"]]}}], "/rules/0/table"),
    ("examples", [{"name": "", "choices": {}}], "/examples/0/name"),
    ("examples", [{"name": "x", "choices": {"width": 1.5e300}}], "/examples/0/choices/width"),
    ("examples", [{"name": "x", "choices": [], "valid": True}], "/examples/0/choices"),
    ("examples", [{"name": "x", "choices": {}, "valid": "yes"}], "/examples/0/valid"),
    ("doors", [], "/doors"),
]


@pytest.mark.parametrize(("name", "value", "pointer"), WRONG)
def test_bad_input_is_refused_with_its_place(pair: Two, name: str, value: Any, pointer: str) -> None:
    _buyer, maker = pair
    fridge.enter(maker, publish=False)
    with maker.acting(), unchanged(maker), pytest.raises(Invalid) as refusal:
        customisation.save_release(product="fridge", given=fridge.model(**{name: value}), **of(maker))
    assert pointers(refusal) == [pointer]


FEATURES: list[tuple[int, dict[str, Any], str]] = [
    (0, {"code": ""}, "/features/0/code"),
    (0, {"code": "__x"}, "/features/0/code"),
    (0, {"code": "width"}, "/features/1/code"),
    (0, {"name": "x" * 201}, "/features/0/name"),
    (0, {"name": "a\0b"}, "/features/0/name"),
    (0, {"kind": "colour"}, "/features/0/kind"),
    (0, {"optional": "no"}, "/features/0/optional"),
    (0, {"options": []}, "/features/0/options"),
    (0, {"options": [{"code": "a"}, {"code": "a"}]}, "/features/0/options/1/code"),
    (0, {"options": [{"code": "a", "price": "much"}]}, "/features/0/options/0/price"),
    (0, {"options": [{"code": "a", "picture": "../../etc/passwd"}]}, "/features/0/options/0/picture"),
    (0, {"price": "1 +"}, "/features/0/price"),
    (0, {"attributes": "heavy"}, "/features/0/attributes"),
    (1, {"minimum": "many"}, "/features/1/minimum"),
    (1, {"maximum": "500"}, "/features/1/maximum"),
    (1, {"maximum": "9999999999999999999"}, "/features/1/maximum"),
    (1, {"step": "0"}, "/features/1/step"),
    (1, {"step": "NaN"}, "/features/1/step"),
    (1, {"unit": "furlong"}, "/features/1/unit"),
    (2, {"options": [{"code": "a"}]}, "/features/2/options"),
]


@pytest.mark.parametrize(("place", "change", "pointer"), FEATURES)
def test_a_bad_feature_is_refused_with_its_place(pair: Two, place: int, change: dict[str, Any], pointer: str) -> None:
    _buyer, maker = pair
    fridge.enter(maker, publish=False)
    given = fridge.model()
    given["features"][place] |= change
    with maker.acting(), unchanged(maker), pytest.raises(Invalid) as refusal:
        customisation.save_release(product="fridge", given=given, **of(maker))
    assert pointer in pointers(refusal)


# What is written well, and yet no model that could be sold: the rule, or the example, and where it is told.
UNSELLABLE: list[tuple[str, dict[str, Any], str]] = [
    ("rules", {"code": "X", "formula": "ice and not ice"}, "/rules/X"),
    ("rules", {"code": "X", "formula": "width > 1000"}, "/rules/X"),
    ("rules", {"code": "X", "formula": "100 / (width - 600) > 1"}, "/rules/X"),
    ("examples", {"name": "no such feature", "choices": {"door": "glass"}}, "/examples/2"),
    ("examples", {"name": "no such option", "choices": {"colour": "blue"}}, "/examples/2"),
    ("examples", {"name": "too wide", "choices": {"width": "5000"}}, "/examples/2"),
    ("examples", {"name": "should not be", "choices": {"colour": "red"}, "valid": False}, "/examples/2"),
]


@pytest.mark.parametrize(("part", "row", "pointer"), UNSELLABLE, ids=lambda value: value if isinstance(value, str) else "")
def test_a_model_that_cannot_be_sold_is_not_published(pair: Two, part: str, row: dict[str, Any], pointer: str) -> None:
    _buyer, maker = pair
    given = fridge.model()
    given[part] = [*copy.deepcopy(given[part]), row]
    fridge.enter(maker, publish=False, given=given)
    with maker.acting(), unchanged(maker), pytest.raises(Invalid) as refusal:
        customisation.publish(product="fridge", **of(maker))
    assert any(found.startswith(pointer) for found in pointers(refusal)), pointers(refusal)


def test_rules_that_contradict_one_another_are_told_together(pair: Two) -> None:
    _buyer, maker = pair
    rules = [{"code": "A", "formula": "ice"}, {"code": "B", "formula": "ice => width > 700"}, {"code": "C", "formula": "width < 700"}]
    fridge.enter(maker, publish=False, given=fridge.model(rules=rules, examples=[]))
    with maker.acting():
        found = customisation.check(draft(maker)).findings
    assert found
    assert all(code in " ".join(finding.detail + finding.pointer for finding in found) for code in ("A", "B", "C")), found


def test_a_price_that_divides_by_zero_is_told_before_it_is_sold(pair: Two) -> None:
    _buyer, maker = pair
    given = fridge.model(rules=[], examples=[])
    given["features"][1]["price"] = "1000 / (width - 600)"
    fridge.enter(maker, publish=False, given=given)
    with maker.acting(), unchanged(maker):
        with pytest.raises(Invalid) as refusal:
            customisation.publish(product="fridge", **of(maker))
        assert [(finding.pointer, "600" in finding.detail) for finding in refusal.value.findings] == [("/features/width/price", True)]
        with pytest.raises(Invalid):
            customisation.configure(seller=customisation.seller_of(None), product="fridge", choices={"width": "600"}, draft=True)


def test_a_price_below_zero_is_no_price(pair: Two) -> None:
    _buyer, maker = pair
    given = fridge.model(price="0", examples=[])
    given["features"][0]["options"][0]["price"] = "-1"
    fridge.enter(maker, given=given)
    with maker.acting():
        told = customisation.configure(seller=customisation.seller_of(None), product="fridge", choices={"colour": "white", "width": 600})
    assert (told.valid, told.complete, told.amount, told.answer["whole"]) == (False, False, None, {})
    assert "below zero" in told.why(told.answer["conflict"])


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"item": "NO-SUCH"}, "/item"),
        ({"item": ""}, "/item"),
        ({"code": "Fridge 300"}, "/code"),
        ({"code": "new"}, "/code"),
        ({"code": "fridge"}, "/code"),
        ({"name": " "}, "/name"),
        ({"text": "x" * 2001}, "/text"),
        ({"public": "on"}, "/public"),
        ({"picture": "x.png"}, "/picture"),
        ({"colour": "red"}, "/colour"),
    ],
)
def test_a_bad_product_is_refused_with_its_place(pair: Two, change: dict[str, Any], pointer: str) -> None:
    _buyer, maker = pair
    fridge.enter(maker)
    given = {"item": "FR-1", "code": "second", "name": "Second", **change}
    with maker.acting(), unchanged(maker), pytest.raises(Invalid) as refusal:
        customisation.save_product(given=given, **of(maker))
    assert pointers(refusal) == [pointer]


@pytest.mark.parametrize("body", [b"", b"GIF89a....", b"%PDF-1.7", b"<svg xmlns='http://www.w3.org/2000/svg'/>", fridge.picture(1, 2, 3) + b"\0" * 2_100_000])
def test_what_is_no_picture_is_refused(pair: Two, body: bytes) -> None:
    _buyer, maker = pair
    with maker.acting(), pytest.raises(Invalid) as refusal:
        customisation.keep_picture(body=body)
    assert pointers(refusal) == ["/picture"]


def test_a_picture_is_one_file_however_often_it_is_kept(pair: Two) -> None:
    buyer, maker = pair
    body = fridge.picture(200, 0, 0)
    with maker.acting():
        name = customisation.keep_picture(body=body)
        assert customisation.keep_picture(body=body) == name
        assert customisation.read_picture(name=name) == ("image/png", body)
        for wrong in ("../x.png", name.replace("png", "svg"), "0" * 64 + ".png"):
            with pytest.raises(customisation.NoSuchPicture):
                customisation.read_picture(name=wrong)
    with buyer.acting(), pytest.raises(customisation.NoSuchPicture):
        customisation.read_picture(name=name)


UVL = """features
    Lamp
        mandatory
            Shade
                alternative
                    Glass {price 9.5}
                    Paper
        optional
            Dimmer {price 4}
constraints
    Paper => !Dimmer
"""


def test_a_model_comes_in_as_uvl_and_goes_out_again(pair: Two) -> None:
    _buyer, maker = pair
    fridge.enter(maker, publish=False)
    with maker.acting():
        customisation.take_uvl(product="fridge", body=UVL.encode(), **of(maker))
        assert customisation.check(draft(maker)).count == 3
        written = customisation.as_uvl(draft(maker))
        before = selectors.described(draft(maker))
        customisation.take_uvl(product="fridge", body=written.encode(), **of(maker))
        after = selectors.described(draft(maker))
        assert customisation.check(draft(maker)).count == 3
        assert {row["code"] for row in before["features"]} == {row["code"] for row in after["features"]}
        customisation.publish(product="fridge", **of(maker))


@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe", b"features\n  A\n B", b"features\n    A\nconstraints\n    A => B", b"x" * 5_300_000, UVL.encode() + b"    ((("]
)
def test_what_is_no_uvl_is_refused_and_the_draft_stays(pair: Two, body: bytes) -> None:
    _buyer, maker = pair
    fridge.enter(maker, publish=False)
    with maker.acting(), unchanged(maker), pytest.raises(Invalid) as refusal:
        customisation.take_uvl(product="fridge", body=body, **of(maker))
    assert set(pointers(refusal)) == {"/file"}
