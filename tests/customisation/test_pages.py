"""The configurator, the maker's editor, and the page for everybody."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.customisation import selectors
from apps.customisation import services as customisation
from tests.cast import AT, Cast, Member, PageClient, unchanged
from tests.customisation import fridge

Two = tuple[Member, Member]


def address(maker: Member, query: str = "") -> str:
    return f"/configure/of/{maker.slug}/fridge/{query}"


def options_of(page: Any, code: str) -> dict[str, Any]:
    """The cards of a feature by their values."""
    features = [feature for group in page.context["groups"] for feature in group["features"]]
    return {option["value"]: option for feature in features if feature["code"] == code for option in feature["options"]}


def visitor(**more: Any) -> PageClient:
    return PageClient(raise_request_exception=False, **more)


# The configurator ----------------------------------------------------------------------------------------------------------


def test_what_a_partner_offers_is_listed(pair: Two, cast: Cast) -> None:
    buyer, maker = pair
    fridge.enter(maker)
    page = buyer.page_client().get("/configure/")
    assert [(offer["slug"], [product["url"] for product in offer["products"]]) for offer in page.context["offers"]] == [(maker.slug, [address(maker)])]
    assert cast.stranger.page_client().get("/configure/").context["offers"] == []
    assert cast.stranger.page_client(raise_request_exception=False).get(address(maker)).status_code == 404
    assert buyer.page_client(raise_request_exception=False).get(f"/configure/of/{maker.slug}/nothing/").status_code == 404


def test_price_and_options_follow_the_choices(pair: Two) -> None:
    buyer, maker = pair
    fridge.enter(maker)
    client = buyer.page_client()
    page = client.get(address(maker))
    assert (str(page.context["price"]), page.context["complete"], [f["name"] for f in page.context["missing"]]) == ("600.00", False, ["Colour", "Width"])
    page = client.get(address(maker, "?on=1&c.colour=red&c.ice=yes&c.width=800"))
    assert (str(page.context["price"]), page.context["complete"], page.context["missing"]) == ("890.00", True, [])
    assert [row["value"] for row in page.context["summary"]] == ["Red", "800 mm", "yes"]
    handles = options_of(page, "handle")
    assert {value: option["grey"] for value, option in handles.items()} == {"bar": False, "knob": True, "__none": False}
    page = client.get(address(maker, "?on=1&c.colour=red&c.ice=yes&c.width=800&open=colour"))
    assert [name for name, _value in page.context["hidden"]] == ["c.width", "c.ice"]
    page = client.get(address(maker, "?on=1&c.handle=__none"))
    assert options_of(page, "handle")["__none"]["chosen"]


def test_a_grey_option_says_why_and_the_least_change(pair: Two) -> None:
    buyer, maker = pair
    fridge.enter(maker)
    client = buyer.page_client()
    query = "?on=1&c.colour=red&c.ice=yes&want="
    asked = options_of(client.get(address(maker, query + '["handle","knob"]')), "handle")["knob"]
    assert asked["reason"]["why"] == "There are no red knobs. You chose Colour: Red."
    assert [change["text"] for change in asked["reason"]["changes"]] == ["Set “Handle” to Knob, take back “Colour”"]
    page = client.get(address(maker, asked["reason"]["changes"][0]["url"]))
    assert page.context["valid"]
    assert options_of(page, "handle")["knob"]["chosen"]
    for odd in ("null", "[1]", '["handle"]', "{", '["door","x"]', '["handle","bar"]'):
        assert client.get(address(maker, query + odd)).status_code == 200


def test_a_conflict_is_explained_and_mended_by_one_click(pair: Two) -> None:
    buyer, maker = pair
    fridge.enter(maker)
    client = buyer.page_client()
    page = client.get(address(maker, "?on=1&c.ice=yes&c.width=600"))
    assert page.context["conflict"]["why"] == "An ice maker needs 700 mm. You chose Width: 600 mm, Ice maker: yes."
    for change in page.context["conflict"]["changes"]:
        assert client.get(address(maker, change["url"])).context["conflict"] is None


def test_an_old_address_loses_what_is_not_offered_any_more(pair: Two) -> None:
    buyer, maker = pair
    fridge.enter(maker)
    page = buyer.page_client().get(address(maker, "?on=1&c.colour=blue&c.door=x&c.width=12345678901234567890&c.ice=yes"))
    assert (page.status_code, len(page.context["dropped"]), page.context["hidden"]) == (200, 3, [("c.ice", "yes")])


def test_a_click_swaps_the_configurator_alone(pair: Two) -> None:
    buyer, maker = pair
    fridge.enter(maker)
    client = buyer.page_client()
    part = client.get(address(maker, "?on=1&c.colour=red"), headers={"HX-Request": "true"}).content.decode()
    assert part.startswith('<div class="configurator"')
    assert 'hx-swap-oob="true"' in part
    back = client.get(address(maker), headers={"HX-Request": "true", "HX-History-Restore-Request": "true"}).content.decode()
    assert back.startswith("<!doctype html>")


def test_a_configuration_is_kept_changed_and_shared(pair: Two, cast: Cast) -> None:
    buyer, maker = pair
    fridge.enter(maker)
    client = buyer.page_client()
    kept = client.post(address(maker), {"c.colour": "red", "c.width": "800", "keep": "1"})["Location"]
    page = client.get(kept)
    assert (page.context["complete"], str(page.context["price"])) == (True, "740.00")
    token = re.search(r"/configure/shared/([\w-]+)/", page.context["share_url"])
    assert token is not None
    assert client.get(f"/configure/shared/{token[1]}/")["Location"] == kept
    assert client.post(kept, {"c.width": "800", "c.handle": "__none"})["Location"] == kept
    uid = uuid.UUID(kept.rstrip("/").rpartition("/")[2])
    with buyer.acting():
        row = selectors.configuration(id=uid)
        assert row is not None
        assert (row.choices, row.complete, row.label) == ({"width": "800", "handle": None}, False, "Refrigerator")
    for other in (maker, cast.stranger):
        outsider = other.page_client(raise_request_exception=False)
        assert [outsider.get(path).status_code for path in (kept, f"/configure/shared/{token[1]}/", "/configure/shared/x/")] == [404, 404, 404]


def test_a_viewer_cannot_keep_what_he_tries(pair: Two) -> None:
    buyer, maker = pair
    fridge.enter(maker)
    client = buyer.page_client("viewer")
    assert client.get(address(maker)).context["keep_url"] == ""
    with unchanged(buyer, maker):
        assert client.post(address(maker), {"c.colour": "red"}).status_code == 403


def test_pictures_are_shown_to_partners_and_to_nobody_else(pair: Two, cast: Cast) -> None:
    buyer, maker = pair
    fridge.enter(maker, given=fridge.with_pictures(maker))
    picture = options_of(buyer.page_client().get(address(maker)), "colour")["red"]["picture"]
    answer = buyer.page_client().get(picture)
    assert (answer["Content-Type"], answer.content) == ("image/png", fridge.picture(190, 40, 40))
    assert buyer.page_client().get(picture, headers={"If-None-Match": answer["ETag"]}).status_code == 304
    assert maker.page_client().get(picture).status_code == 200
    stranger = cast.stranger.page_client(raise_request_exception=False)
    assert stranger.get(picture).status_code == 404
    assert stranger.get(picture.replace(maker.slug, cast.stranger.slug)).status_code == 404
    public = picture.replace(f"/configure/pictures/{maker.slug}/", f"/p/{maker.slug}/pictures/")
    assert visitor().get(public).status_code == 404


def test_a_product_that_is_sold_no_more_says_so(pair: Two) -> None:
    buyer, maker = pair
    fridge.enter(maker)
    client = buyer.page_client()
    kept = client.post(address(maker), {"c.colour": "red"})["Location"]
    with maker.acting():
        customisation.withdraw(product="fridge", by=maker.actor, at=AT)
    assert client.get(kept).status_code == 409
    assert client.get("/configure/").context["recent"][0]["url"] == kept


# The public page -----------------------------------------------------------------------------------------------------------


def test_everybody_configures_a_public_product(pair: Two) -> None:
    buyer, maker = pair
    fridge.enter(maker, public=True, given=fridge.with_pictures(maker))
    fridge.enter(maker, code="private", item="FR-2")
    with unchanged(buyer, maker):
        client = visitor()
        page = client.get(f"/p/{maker.slug}/fridge/?on=1&c.colour=steel")
        assert (page.status_code, str(page.context["price"])) == (200, "720.50")
        assert client.get(options_of(page, "colour")["steel"]["picture"]).content == fridge.picture(150, 156, 160)
        assert [product["code"] for product in client.get(f"/p/{maker.slug}/").context["products"]] == ["fridge"]
        assert client.get(f"/p/{maker.slug}/private/").status_code == 404
        assert client.get(f"/p/{maker.slug}/nothing/").status_code == 404
        assert client.get("/p/nobody-is-called-so/fridge/").status_code == 404
        assert client.get(f"/p/{buyer.slug}/").status_code == 404
        for odd in ("?on=1&c.colour=blue", "?on=1&c.width=NaN", "?share=x", "?on=1&want=[]", "?on=1&c.ice=yes&c.width=600", "?on=1&draft=1"):
            assert client.get(f"/p/{maker.slug}/fridge/{odd}").status_code == 200
        assert client.post(f"/p/{maker.slug}/fridge/", {"c.colour": "red"}).status_code == 405
    assert client.cookies.keys() <= {"csrftoken"}


@pytest.mark.parametrize(("language", "word"), [("en", "Steel"), ("zh-Hans", "不锈钢"), ("zh-CN,zh;q=0.9", "不锈钢"), ("fr", "Steel")])
def test_the_public_page_speaks_the_visitors_language(pair: Two, language: str, word: str) -> None:
    _buyer, maker = pair
    fridge.enter(maker, public=True)
    assert word in visitor().get(f"/p/{maker.slug}/fridge/", headers={"Accept-Language": language}).content.decode()


def test_a_link_of_the_makers_opens_its_choices_for_everybody(pair: Two) -> None:
    buyer, maker = pair
    fridge.enter(maker, public=True)
    client = maker.page_client()
    page = client.get(client.post(address(maker), {"c.colour": "steel", "c.width": "900"})["Location"])
    shared = page.context["public_url"]
    assert str(visitor().get(shared).context["price"]) == "870.50"
    assert str(visitor().get(shared + "&on=1&c.colour=red").context["price"]) == "640.00"
    kept = buyer.page_client().get(buyer.page_client().post(address(maker), {"c.colour": "red"})["Location"])
    assert kept.context["public_url"] == ""


# The editor ----------------------------------------------------------------------------------------------------------------


def test_a_product_is_made_from_nothing_to_its_sale(pair: Two) -> None:
    _buyer, maker = pair
    client = maker.page_client()
    given = {"item": "S-1", "code": "lamp", "name": "Lamp", "picture": SimpleUploadedFile("l.png", fridge.picture(9, 9, 9))}
    editor = client.post("/configure/products/new/", given)["Location"]
    assert editor == "/configure/products/lamp/"
    glass = {"lines-0-code": "glass", "lines-0-price": "9.5", "lines-0-file": SimpleUploadedFile("g.png", fridge.picture(8, 8, 8))}
    paper = {"lines-1-code": "paper", "lines-1-attributes": "weight = 0.2", "lines-2-code": ""}
    feature = {"code": "shade", "name": "Shade", "kind": "choice", "lines-TOTAL_FORMS": "3", **glass, **paper}
    assert client.post(f"{editor}parts/features/", feature)["Location"] == f"{editor}#features"
    number = {"code": "watt", "kind": "number", "minimum": "5", "maximum": "20", "step": "5", "price": "watt * 0.4", "lines-TOTAL_FORMS": "0"}
    client.post(f"{editor}parts/features/", number)
    client.post(f"{editor}parts/rules/", {"code": "R1", "kind": "condition", "formula": "shade = paper => watt <= 10", "text": "Paper burns"})
    client.post(f"{editor}parts/examples/", {"name": "hot paper", "valid": "no", "f0": "paper", "f1": "15"})
    client.post(f"{editor}terms/", {"price": "12", "currency": "EUR"})
    assert client.get(f"{editor}?check=1").context["checked"] == {
        "faults": [], "examples": [{"name": "hot paper", "valid": False, "as_said": True, "why": ""}], "count": 6, "sound": True,
    }  # fmt: skip
    tried = client.get(f"/configure/of/{maker.slug}/lamp/?on=1&draft=1&c.shade=glass&c.watt=20")
    assert (str(tried.context["price"]), tried.context["keep_url"]) == ("29.50", "")
    assert client.post(f"{editor}deeds/", {"deed": "publish"}).status_code == 303
    page = client.get(f"/configure/of/{maker.slug}/lamp/?on=1&c.shade=glass&c.watt=20")
    assert (str(page.context["price"]), page.context["product"]["picture"] != "") == ("29.50", True)
    assert options_of(page, "shade")["glass"]["picture"]
    with maker.acting():
        release = selectors.product(code="lamp").release  # type: ignore[union-attr]
        assert selectors.described(release)["features"][0]["options"][1]["attributes"] == {"weight": "0.2"}  # type: ignore[arg-type]


def test_a_faulty_model_is_refused_with_the_place_to_mend_it(pair: Two) -> None:
    _buyer, maker = pair
    rules = [{"code": "A", "formula": "ice"}, {"code": "B", "formula": "not ice"}]
    fridge.enter(maker, publish=False, given=fridge.model(rules=rules, examples=[]))
    client = maker.page_client()
    with unchanged(maker):
        answer = client.post("/configure/products/fridge/deeds/", {"deed": "publish"})
        checked = client.get("/configure/products/fridge/?check=1").context["checked"]
    assert answer.status_code == 422
    assert {finding["url"] for finding in answer.context["refused"]} & {f"/configure/products/fridge/parts/rules/?code={code}" for code in "AB"}
    assert (checked["sound"], bool(checked["faults"])) == (False, True)


@pytest.mark.parametrize(
    ("part", "given", "field"),
    [
        ("features", {"code": "", "kind": "flag"}, "code"),
        ("features", {"code": "ice", "kind": "flag"}, "code"),
        ("features", {"code": "x", "kind": "choice"}, None),
        ("features", {"code": "x", "kind": "number", "minimum": "1", "maximum": "many"}, "maximum"),
        ("features", {"code": "x", "kind": "flag", "price": "1 +"}, "price"),
        ("rules", {"code": "X", "kind": "condition", "formula": "and"}, "formula"),
        ("rules", {"code": "X", "kind": "table", "table": "colour, ice\nred"}, "table"),
        ("rules", {"code": "R1", "kind": "condition", "formula": "ice"}, "code"),
        ("examples", {"name": "", "valid": "yes"}, "name"),
        ("examples", {"name": "big with ice", "valid": "yes"}, "name"),
        ("examples", {"name": "x", "valid": "yes", "f0": "blue"}, "f0"),
    ],
)
def test_what_cannot_be_taken_is_told_beside_its_field(pair: Two, part: str, given: dict[str, str], field: str | None) -> None:
    _buyer, maker = pair
    fridge.enter(maker, publish=False)
    with unchanged(maker):
        answer = maker.page_client().post(f"/configure/products/fridge/parts/{part}/", {"lines-TOTAL_FORMS": "0", **given})
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field or "__all__"]


def test_rows_of_options_come_and_go_without_javascript(pair: Two) -> None:
    _buyer, maker = pair
    fridge.enter(maker, publish=False, given=fridge.with_pictures(maker))
    client = maker.page_client()
    shown = client.get("/configure/products/fridge/parts/features/?code=colour")
    rows = {field.html_name: field.value() or "" for option in shown.context["options"] for field in option if field.name != "file"}
    given = {"code": "colour", "name": "Colour", "kind": "choice", "lines-TOTAL_FORMS": str(len(shown.context["options"])), **rows}
    with unchanged(maker):
        more = client.post("/configure/products/fridge/parts/features/?code=colour", {**given, "add_line": "1"})
        less = client.post("/configure/products/fridge/parts/features/?code=colour", {**given, "remove_line": "0"})
    assert [len(page.context["options"]) for page in (more, less)] == [5, 3]
    assert client.post("/configure/products/fridge/parts/features/?code=colour", given).status_code == 303
    with maker.acting():
        product = selectors.product(code="fridge")
        options = selectors.described(selectors.draft(product=product.pk))["features"][0]["options"]  # type: ignore[arg-type, union-attr]
    assert ([option["code"] for option in options], all(option["picture"] for option in options)) == (["white", "red", "steel"], True)


def test_a_picture_that_is_none_is_told(pair: Two) -> None:
    _buyer, maker = pair
    fridge.enter(maker, publish=False)
    given = {"code": "x", "kind": "choice", "lines-TOTAL_FORMS": "1", "lines-0-code": "a", "lines-0-file": SimpleUploadedFile("a.png", b"no picture")}
    with unchanged(maker):
        answer = maker.page_client().post("/configure/products/fridge/parts/features/", given)
    assert answer.status_code == 422


def test_what_is_published_has_no_forms(pair: Two) -> None:
    _buyer, maker = pair
    fridge.enter(maker)
    client = maker.page_client(raise_request_exception=False)
    with unchanged(maker):
        for path in ("parts/features/?code=colour", "parts/rules/", "parts/doors/", "terms/"):
            assert client.get(f"/configure/products/fridge/{path}").status_code == 404
            assert client.post(f"/configure/products/fridge/{path}").status_code == 404
        assert client.post("/configure/products/fridge/deeds/", {"deed": "remove", "part": "rules", "code": "R1"}).status_code == 303
        assert client.post("/configure/products/fridge/deeds/", {"deed": "explode"}).status_code == 404
    assert client.post("/configure/products/fridge/deeds/", {"deed": "begin"}).status_code == 303
    assert client.get("/configure/products/fridge/parts/rules/?code=R1").status_code == 200
    assert client.post("/configure/products/fridge/deeds/", {"deed": "up", "part": "rules", "code": "R2"}).status_code == 303
    assert [rule["code"] for rule in client.get("/configure/products/fridge/").context["rules"]] == ["R2", "R1"]
    assert client.post("/configure/products/fridge/deeds/", {"deed": "drop"}).status_code == 303
    assert client.post("/configure/products/fridge/deeds/", {"deed": "withdraw"}).status_code == 303
    assert client.get("/configure/products/").context["products"][0]["release"] is None


def test_another_enterprises_product_does_not_exist(pair: Two, cast: Cast) -> None:
    buyer, maker = pair
    fridge.enter(maker, publish=False)
    for member in (buyer, cast.stranger):
        client = member.page_client(raise_request_exception=False)
        with unchanged(maker):
            for path in ("", "edit/", "terms/", "parts/rules/"):
                assert client.get(f"/configure/products/fridge/{path}").status_code == 404
            assert client.post("/configure/products/fridge/deeds/", {"deed": "publish"}).status_code == 404
        assert client.get("/configure/products/").context["products"] == []


def test_who_is_not_signed_in_sees_the_public_page_alone(pair: Two) -> None:
    _buyer, maker = pair
    fridge.enter(maker, public=True)
    for path in (address(maker), "/configure/", "/configure/products/fridge/"):
        assert isinstance(client := visitor(), Client)
        assert client.get(path)["Location"].startswith("/accounts/login/")


def test_uvl_is_taken_and_given_on_the_page(pair: Two) -> None:
    buyer, maker = pair
    fridge.enter(maker, publish=False)
    client = maker.page_client()
    body = b"features\n    Lamp\n        optional\n            Dimmer\n            Timer\nconstraints\n    Dimmer | Timer\n"
    assert client.post("/configure/products/fridge/uvl/", {"file": SimpleUploadedFile("m.uvl", body)}).status_code == 303
    assert client.get("/configure/products/fridge/?check=1").context["checked"]["count"] == 3
    given = client.get("/configure/products/fridge/uvl/?release=1")
    assert (given["Content-Disposition"], b"Dimmer" in given.content) == ('attachment; filename="fridge-1.uvl"', True)
    with unchanged(maker):
        wrong = client.post("/configure/products/fridge/uvl/", {"file": SimpleUploadedFile("m.uvl", b"features\n\tA\n  B")})
        assert (wrong.status_code, "3" in wrong.context["refused"][0]["text"]) == (422, True)
        assert client.post("/configure/products/fridge/uvl/").status_code == 422
    outsider = buyer.page_client(raise_request_exception=False)
    assert [outsider.get("/configure/products/fridge/uvl/?release=1").status_code, client.get("/configure/products/fridge/?release=9").status_code] == [
        404,
        200,
    ]


NUL = "%00"


def test_characters_that_no_database_takes_find_nothing(pair: Two) -> None:
    _buyer, maker = pair
    fridge.enter(maker, public=True)
    client = maker.page_client(raise_request_exception=False)
    client.post("/configure/products/fridge/deeds/", {"deed": "begin"})
    with unchanged(maker):
        paths = [f"/configure/shared/{NUL}/", f"/configure/pictures/{maker.slug}/{NUL}.png/", f"/p/{maker.slug}/pictures/{NUL}/"]
        assert [client.get(path).status_code for path in paths] == [404, 404, 404]
        assert client.get(f"/p/{maker.slug}/fridge/?share={NUL}&on=1&c.{NUL}=x&c.colour={NUL}&open={NUL}&at={NUL}&want={NUL}").status_code == 200
        assert client.get(address(maker, f"?on=1&release={NUL}&c.width={NUL}")).status_code == 200
        assert client.get(f"/configure/products/fridge/?release={NUL}&check={NUL}").status_code == 200
        assert client.get(f"/configure/products/fridge/parts/rules/?code={NUL}").status_code == 404
        for deed in ("remove", "up"):
            assert client.post("/configure/products/fridge/deeds/", {"deed": deed, "part": "rules", "code": "\0"}).status_code == 303
        for part, given in (("features", {"code": "\0", "kind": "flag", "lines-TOTAL_FORMS": "0"}), ("rules", {"code": "x", "kind": "table", "table": "\0"})):
            assert client.post(f"/configure/products/fridge/parts/{part}/", given).status_code == 422
        assert client.post(address(maker), {"c.colour": "\0"}).status_code == 409


def test_an_administrator_looks_at_products_and_configurations(pair: Two) -> None:
    _buyer, maker = pair
    fridge.enter(maker)
    client = maker.page_client()
    client.post(address(maker), {"c.colour": "red"})
    with maker.acting():
        product = selectors.product(code="fridge")
        row = selectors.configurations().get()
        assert product is not None
        feature = product.release.features.first()  # type: ignore[union-attr]
    rows = {"product": product.pk, "release": product.release_id, "feature": feature.pk, "configuration": row.pk}  # type: ignore[union-attr]
    for model, key in rows.items():
        for path in ("", f"{key}/change/"):
            page = client.get(f"/admin/home/customisation/{model}/{path}")
            assert page.status_code == 200
            assert row.token not in page.content.decode()
