"""The pages about what an item is made of, whence it comes, and where the enterprise stands; and the page that takes a workbook."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook

from apps.base.models import new_id
from apps.catalog import selectors
from apps.catalog import services as catalog
from tests import cast as company
from tests.cast import AT, Cast, Member, unchanged
from tests.catalog.test_workbook import LINE, book

Two = tuple[Member, Member]


@pytest.fixture
def fridge(pair: Two) -> dict[str, Any]:
    """A refrigerator of a door (of eight screws) and a shelf under a condition; screws come from the seller. The ids by number."""
    buyer, seller = pair
    ids = {number: company.stock(buyer, number, f"Part {number}", name_zh=f"零件 {number}", procurement=how).pk for number, how in PARTS.items()}
    with buyer.acting():
        said: dict[str, Any] = {"by": buyer.actor, "at": AT}
        lines = [
            catalog.save_component(item="FRIDGE", component="DOOR", quantity="2", **said),
            catalog.save_component(item="FRIDGE", component="SHELF", quantity="ceil(height / 400)", condition="shelves = glass", scrap="2", **said),
            catalog.save_component(item="FRIDGE", component="PLATE", alternate_of=20, **said),
            catalog.save_component(item="DOOR", component="SCREW", quantity="8", **said),
        ]
        source = catalog.save_source(item="SCREW", partner=seller.slug, lead_days=7, minimum="100", price="0.04", **said)
    return {**ids, "line": lines[0].pk, "alternate": lines[2].pk, "source": source.pk}


PARTS = {"FRIDGE": "make", "DOOR": "make", "SHELF": "buy", "PLATE": "stock", "SCREW": "buy"}


def form_of(**more: str) -> dict[str, str]:
    return {"component": "SCREW", "quantity": "4", "condition": "", "scrap": "0", "fixed": "", "position": "", "alternate_of": "", "priority": "0", **more}


def test_the_tree_is_drawn_to_its_leaves_in_few_queries(pair: Two, fridge: dict[str, Any]) -> None:
    client = pair[0].page_client("planner")
    client.get("/")
    with CaptureQueriesContext(connection) as captured:
        page = client.get(f"/catalogue/items/{fridge['FRIDGE']}/structure/")
    rows = page.context["rows"]
    assert [(row["level"], row["made"].number) for row in rows] == [(1, "DOOR"), (2, "SCREW"), (1, "SHELF")]
    assert [one["number"] for one in rows[2]["alternates"]] == ["PLATE"]
    text = page.content.decode()
    assert "ceil(height / 400)" in text
    assert "shelves = glass" in text
    assert "no source" in text
    of_catalogue = [query["sql"] for query in captured if "catalog_" in query["sql"]]
    assert len(of_catalogue) <= 7, "\n".join(of_catalogue)


def test_a_wide_tree_is_cut(pair: Two) -> None:
    """Ten levels, each of two lines to the next: a thousand paths, and not one page of them."""
    buyer, _seller = pair
    for level in range(11):
        company.stock(buyer, f"L{level}", f"Level {level}")
    with buyer.acting():
        for level in range(10):
            for _twice in range(2):
                catalog.save_component(item=f"L{level}", component=f"L{level + 1}", by=buyer.actor, at=AT)
        top = selectors.ids(["L0"])["L0"]
    page = buyer.page_client().get(f"/catalogue/items/{top}/structure/")
    assert (len(page.context["rows"]), page.context["cut"]) == (300, True)


def test_uses_go_up_to_the_top(pair: Two, fridge: dict[str, Any]) -> None:
    page = pair[0].page_client().get(f"/catalogue/items/{fridge['SCREW']}/uses/")
    assert [(row["use"].number, row["use"].level) for row in page.context["rows"]] == [("DOOR", 1), ("FRIDGE", 2)]
    assert [(tab["label"], tab["count"]) for tab in page.context["tabs"]][1:4] == [("Made of", 0), ("Used in", 1), ("Sources", 1)]


def test_a_line_is_entered_changed_and_removed_without_javascript(pair: Two, fridge: dict[str, Any]) -> None:
    client = pair[0].page_client("planner")
    new, tree = f"/catalogue/items/{fridge['FRIDGE']}/components/new/", f"/catalogue/items/{fridge['FRIDGE']}/structure/"
    assert client.get(new).status_code == 200
    assert client.post(new, form_of(valid_from="2027-01-01"))["Location"] == tree
    with pair[0].acting():
        line = selectors.components(fridge["FRIDGE"])[-1]
    assert (line.component, line.quantity, line.position, str(line.valid_from)) == (fridge["SCREW"], "4", 40, "2027-01-01")
    edit = f"/catalogue/components/{line.id}/"
    assert client.get(edit).context["form"]["component"].value() == "SCREW"
    assert client.post(edit, form_of(quantity="5 * doors", position="50"))["Location"] == tree
    assert "SCREW" in client.get(f"{edit}remove/").content.decode()
    assert client.post(f"{edit}remove/")["Location"] == tree
    with pair[0].acting():
        assert line.id not in {one.id for one in selectors.components(fridge["FRIDGE"])}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"component": "NONE"}, "component"),
        ({"component": "FRIDGE"}, "component"),
        ({"quantity": "0"}, "quantity"),
        ({"condition": "colour ="}, "condition"),
        ({"scrap": "100"}, "scrap"),
        ({"position": "10"}, "position"),
        ({"alternate_of": "30"}, "alternate_of"),
        ({"alternate_of": "99"}, "alternate_of"),
        ({"valid_from": "tomorrow"}, "valid_from"),
    ],
)
def test_a_bad_line_is_told_beside_its_field(pair: Two, fridge: dict[str, Any], given: dict[str, str], field: str) -> None:
    with unchanged(pair[0]):
        page = pair[0].page_client().post(f"/catalogue/items/{fridge['FRIDGE']}/components/new/", form_of(**given))
    assert (page.status_code, list(page.context["form"].errors)) == (422, [field])
    assert page.context["errors_summary"]


def test_a_circle_is_told_on_the_page(pair: Two, fridge: dict[str, Any]) -> None:
    page = pair[0].page_client().post(f"/catalogue/items/{fridge['SCREW']}/components/new/", form_of(component="FRIDGE"))
    assert "SCREW needs FRIDGE needs DOOR needs SCREW" in page.content.decode()


def test_a_source_is_entered_changed_and_removed(pair: Two, fridge: dict[str, Any]) -> None:
    buyer, seller = pair
    client = buyer.page_client("buyer")
    address = f"/catalogue/items/{fridge['SHELF']}/sources/"
    given = {"partner": seller.slug, "lead_days": "-1", "transport_days": "2", "minimum": "", "multiple": "", "price": "12.50", "currency": "", "priority": "1"}
    with unchanged(buyer):
        bad = client.post(f"{address}new/", {**given, "policy": "by_hand"})
    assert list(bad.context["form"].errors) == ["lead_days"]
    assert client.post(f"{address}new/", {**given, "lead_days": "9", "policy": "by_hand", "active": "on"})["Location"] == address
    page = client.get(address)
    (row,) = page.context["rows"]
    assert (row["partner_name"], row["offer"].lead_days, row["offer"].asked, row["offer"].currency) == (seller.home.name, 9, False, "EUR")
    edit = f"/catalogue/sources/{row['offer'].id}/"
    assert client.get(edit).context["form"]["partner"].value() == seller.slug
    assert client.post(edit, {**given, "lead_days": "3", "policy": "automatic"})["Location"] == address
    assert "not in use" in client.get(address).content.decode()
    assert client.post(f"{edit}remove/")["Location"] == address
    assert client.get(address).context["rows"] == []


def test_sites_have_their_page(pair: Two) -> None:
    client = pair[0].page_client("planner")
    assert client.get("/catalogue/sites/").context["rows"] == []
    given = {"code": "HB1", "name": "Bremen plant", "name_zh": "不来梅工厂", "country": "DE", "city": "Bremen", "time_zone": "Europe/Berlin"}
    assert client.post("/catalogue/sites/new/", given)["Location"] == "/catalogue/sites/"
    assert client.post("/catalogue/sites/new/", given).status_code == 422
    (row,) = client.get("/catalogue/sites/").context["rows"]
    assert row["site"].main
    assert client.post(f"{row['edit_url']}", {**given, "name": "Works"})["Location"] == "/catalogue/sites/"
    assert "Works" in client.get("/catalogue/sites/").content.decode()
    assert client.post(f"{row['edit_url']}remove/")["Location"] == "/catalogue/sites/"
    assert client.get("/catalogue/sites/").context["rows"] == []


def test_a_workbook_is_taken_on_its_page(pair: Two) -> None:
    buyer, _seller = pair
    client = buyer.page_client("planner")

    def send(data: bytes, **more: str) -> Any:
        return client.post("/catalogue/import/", {"file": SimpleUploadedFile("parts.xlsx", data), **more})

    mixed = book(Components=[LINE, ("A-1", 10, "A-2", 0), ("A-1", 20, "A-3", 1)])
    with unchanged(buyer):
        refused = send(mixed)
        assert send(b"nothing of the kind").status_code == 422
        assert client.post("/catalogue/import/", {}).context["errors_summary"]
    assert refused.status_code == 422
    assert refused.context["findings"] == [{"place": {"sheet": "Components", "cell": "D2"}, "detail": "A quantity must be greater than zero."}]
    some = send(mixed, partial="on")
    assert (some.status_code, some.context["saved"], len(some.context["findings"])) == (200, "1 row taken.", 1)
    assert send(book(Components=[LINE, ("A-1", 10, "A-2", 2)]))["Location"] == "/catalogue/"
    sheet = load_workbook(io.BytesIO(client.get("/catalogue/export/").content))["Components"]
    assert [row[1] for row in sheet.iter_rows(min_row=2, values_only=True)] == [10, 20]


def test_who_may_not_change_may_look(pair: Two, fridge: dict[str, Any]) -> None:
    client = pair[0].page_client("seller", raise_request_exception=False)
    page = client.get(f"/catalogue/items/{fridge['FRIDGE']}/structure/")
    assert (page.status_code, page.context["new_url"], "/edit/" in page.content.decode()) == (200, "", True)
    with unchanged(pair[0]):
        for path in (
            f"items/{fridge['FRIDGE']}/components/new/",
            f"components/{fridge['line']}/",
            f"sources/{fridge['source']}/remove/",
            "sites/new/",
            "import/",
        ):
            assert client.post(f"/catalogue/{path}", form_of()).status_code == 403, path


def test_nothing_of_it_exists_for_others(pair: Two, fridge: dict[str, Any], cast: Cast) -> None:
    with unchanged(pair[0], pair[1], cast.stranger):
        for other in (pair[1], cast.stranger):
            client = other.page_client(raise_request_exception=False)
            for path in ("items/{FRIDGE}/structure/", "items/{FRIDGE}/uses/", "items/{SCREW}/sources/", "components/{line}/", "sources/{source}/remove/"):
                foreign = client.get(f"/catalogue/{path.format(**fridge)}").status_code
                missing = client.get(f"/catalogue/{path.format(**dict.fromkeys(fridge, new_id()))}").status_code
                assert (foreign, missing) == (404, 404), path
            assert client.post(f"/catalogue/components/{fridge['line']}/remove/").status_code == 404


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_each_page_opens_in_both_languages(pair: Two, fridge: dict[str, Any], language: str) -> None:
    client = pair[0].page_client()
    paths = ("items/{FRIDGE}/structure/", "items/{PLATE}/structure/", "items/{SCREW}/uses/", "items/{SCREW}/sources/", "items/{DOOR}/sources/new/")
    for path in (*paths, "components/{alternate}/", "components/{line}/remove/", "sources/{source}/", "sites/", "sites/new/", "import/"):
        assert client.get(f"/catalogue/{path.format(**fridge)}", headers={"Accept-Language": language}).status_code == 200, path


def test_the_administrator_sees_it_in_the_admin(pair: Two, fridge: dict[str, Any], cast: Cast) -> None:
    client = pair[0].page_client()
    page = client.get(f"/admin/home/catalog/item/{fridge['FRIDGE']}/change/")
    assert page.status_code == 200
    assert "ceil(height / 400)" in page.content.decode()
    given = {"code": "HB1", "name": "Bremen plant", "time_zone": "Europe/Berlin", "country": "de", "gln": ""}
    assert client.post("/admin/home/catalog/site/add/", {**given, "gln": "1"}).status_code == 200
    assert client.post("/admin/home/catalog/site/add/", given).status_code == 302
    with pair[0].acting():
        assert [(site.code, site.country, site.main) for site in selectors.sites()] == [("HB1", "DE", True)]
    foreign = cast.stranger.page_client(raise_request_exception=False).get(f"/admin/home/catalog/item/{fridge['FRIDGE']}/change/")
    assert "ceil(height" not in foreign.content.decode()
