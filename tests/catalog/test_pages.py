"""The catalogue's pages: one's own items, the partners' numbers for them, and the lines that wait to be matched."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from apps.base.models import new_id
from apps.catalog import selectors
from apps.documents import selectors as documents
from apps.exchange import services as exchange
from tests import cast as company
from tests.cast import Cast, Member, unchanged

Two = tuple[Member, Member]


def item_of(member: Member, number: str) -> Any:
    with member.acting():
        found = selectors.items().filter(number=number).first()
        return found and selectors.item(id=found.pk)


def entered(**more: Any) -> dict[str, Any]:
    return {"number": "N-1", "name": "Valve", "name_zh": "阀门", "unit": "C62", "gtin": "", "bought": "on", "lines-TOTAL_FORMS": "0", **more}


def test_an_item_is_entered_with_the_partners_number(pair: Two) -> None:
    buyer, seller = pair
    given = entered(**{"lines-TOTAL_FORMS": "2", "lines-0-partner": seller.slug, "lines-0-number": "V-9", "lines-1-partner": "", "lines-1-number": ""})
    answer = buyer.page_client().post("/catalogue/items/new/", given)
    item = item_of(buyer, "N-1")
    assert answer["Location"] == f"/catalogue/items/{item.pk}/"
    assert (item.name, item.name_zh, item.unit, item.bought, item.sold) == ("Valve", "阀门", "C62", True, False)
    assert [(alias.partner_id, alias.number) for alias in item.aliases.all()] == [(seller.id, "V-9")]
    page = buyer.page_client().get(answer["Location"]).content.decode()
    assert "V-9" in page
    assert seller.home.name in page


@pytest.mark.parametrize(
    ("given", "field"),
    [({"number": ""}, "number"), ({"number": "A-1"}, "number"), ({"name": " "}, "name"), ({"unit": "parsec"}, "unit"), ({"gtin": "4006381333930"}, "gtin")],
)
def test_what_cannot_be_taken_is_told_beside_its_field(pair: Two, given: dict[str, str], field: str) -> None:
    buyer, _seller = pair
    with unchanged(buyer):
        answer = buyer.page_client().post("/catalogue/items/new/", entered(**given))
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert answer.context["errors_summary"]


def test_a_number_without_its_partner_is_refused(pair: Two) -> None:
    buyer, _seller = pair
    with unchanged(buyer):
        answer = buyer.page_client().post("/catalogue/items/new/", entered(**{"lines-TOTAL_FORMS": "1", "lines-0-partner": "", "lines-0-number": "V"}))
    assert answer.status_code == 422


def test_a_stranger_as_partner_is_refused(cast: Cast) -> None:
    with unchanged(cast.maker, cast.stranger):
        given = entered(**{"lines-TOTAL_FORMS": "1", "lines-0-partner": "stranger", "lines-0-number": "V"})
        assert cast.maker.page_client().post("/catalogue/items/new/", given).status_code == 422


def test_rows_come_and_go_without_javascript(pair: Two) -> None:
    buyer, seller = pair
    row = {"lines-TOTAL_FORMS": "1", "lines-0-partner": seller.slug, "lines-0-number": "V-1"}
    client = buyer.page_client()
    with unchanged(buyer):
        more = client.post("/catalogue/items/new/", entered(**row, add_line="1"))
        less = client.post("/catalogue/items/new/", entered(**row, remove_line="0"))
        odd = client.post("/catalogue/items/new/", entered(**{**row, "lines-TOTAL_FORMS": "-7"}, remove_line="x"))
    assert [len(page.context["aliases"]) for page in (more, less, odd)] == [2, 0, 0]
    assert more.context["form"]["name"].value() == "Valve"


def test_editing_keeps_the_numbers_of_partners_that_are_not_active(pair: Two) -> None:
    buyer, seller = pair
    company.stock(buyer, "K-1", "Kept", of={seller.slug: "S-K"})
    item = item_of(buyer, "K-1")
    buyer.page_client().post(f"/network/partners/{seller.slug}/suspend/")
    answer = buyer.page_client().post(f"/catalogue/items/{item.pk}/edit/", entered(number="K-1", name="Kept still"))
    assert answer.status_code == 303
    again = item_of(buyer, "K-1")
    assert (again.name, [alias.number for alias in again.aliases.all()]) == ("Kept still", ["S-K"])


def test_search_and_pages(pair: Two) -> None:
    buyer, seller = pair
    for index in range(60):
        company.stock(buyer, f"Z-{index:03}", f"Screw {index}", of={seller.slug: f"theirs-{index}"})
    client = buyer.page_client()
    first = client.get("/catalogue/?q=screw")
    assert [row["number"] for row in first.context["items"]][:2] == ["Z-000", "Z-001"]
    assert len(first.context["items"]) == 50
    second = client.get(f"/catalogue/{first.context['next_url']}")
    assert [row["number"] for row in second.context["items"]] == [f"Z-{index:03}" for index in range(50, 60)]
    assert second.context["next_url"] == ""
    back = client.get(f"/catalogue/{second.context['previous_url']}")
    assert [row["number"] for row in back.context["items"]] == [row["number"] for row in first.context["items"]]
    assert [row["number"] for row in client.get("/catalogue/?q=theirs-7").context["items"]] == ["Z-007"]
    assert len(client.get(f"/catalogue/?partner={seller.slug}&q=Z-00").context["items"]) == 10


def test_another_enterprises_item_does_not_exist(cast: Cast) -> None:
    item = item_of(cast.maker, "M-COMP")
    client = cast.stranger.page_client()
    for path in ("", "edit/"):
        foreign, missing = client.get(f"/catalogue/items/{item.pk}/{path}"), client.get(f"/catalogue/items/{new_id()}/{path}")
        assert (foreign.status_code, missing.status_code) == (404, 404)
    with unchanged(cast.maker, cast.stranger):
        assert client.post(f"/catalogue/items/{item.pk}/edit/", entered()).status_code == 404
    assert client.get("/catalogue/?q=M-COMP").context["items"] == []


def test_who_may_only_look(pair: Two) -> None:
    buyer, _seller = pair
    client = buyer.page_client("viewer")
    page = client.get("/catalogue/")
    assert (page.status_code, page.context["new_url"]) == (200, "")
    with unchanged(buyer):
        assert client.post("/catalogue/items/new/", entered()).status_code == 403


def unmatched(pair: Two, number: str = "A-odd") -> tuple[uuid.UUID, uuid.UUID]:
    """An order for an item that the seller does not know: its id and the line that waits with the seller."""
    buyer, seller = pair
    with buyer.acting():
        known = selectors.items().filter(number=number).exists()
    if not known:
        company.stock(buyer, number, "Odd compressor")
    order = company.order(buyer, seller, [company.line(number)])
    with seller.acting():
        return order, documents.unmatched().get(document_id=order).pk


def test_a_line_is_matched_and_remembered(pair: Two) -> None:
    buyer, seller = pair
    order, line = unmatched(pair)
    second, _line = unmatched(pair)
    client = seller.page_client()
    assert client.get("/catalogue/").context["matching_count"] == 2
    shown = client.get("/catalogue/matching/").context["queue"]
    assert [(row["partner_item_number"], row["partner_name"], row["document"]["url"]) for row in shown] == [
        ("A-odd", buyer.home.name, f"/documents/orders/{key}/") for key in (order, second)
    ]
    item = item_of(seller, "S-1")
    answer = client.post(f"/catalogue/matching/{line}/", {"item": str(item.pk)})
    assert answer["Location"] == "/catalogue/matching/"
    with seller.acting():
        assert documents.unmatched().count() == 0
        assert {documents.whole(id=key).lines[0]["item__number"] for key in (order, second)} == {"S-1"}  # type: ignore[union-attr]
        assert exchange.verify()[1] == []
    third = company.order(buyer, seller, [company.line("A-odd")])
    with seller.acting():
        assert documents.whole(id=third).lines[0]["item__number"] == "S-1"  # type: ignore[union-attr]


def test_only_the_lines_own_enterprise_can_match_it(pair: Two, cast: Cast) -> None:
    buyer, seller = pair
    _order, line = unmatched(pair)
    theirs = item_of(seller, "S-1")
    with unchanged(buyer, seller, cast.stranger):
        for member in (buyer, cast.stranger):
            assert member.page_client().post(f"/catalogue/matching/{line}/", {"item": str(theirs.pk)}).status_code == 404
        foreign = item_of(buyer, "A-1")
        for given in ({"item": str(foreign.pk)}, {"item": "x"}, {}):
            assert seller.page_client().post(f"/catalogue/matching/{line}/", given).status_code == 303
        assert seller.page_client("viewer").post(f"/catalogue/matching/{line}/", {"item": str(theirs.pk)}).status_code == 403


def test_a_new_item_is_begun_from_a_line(pair: Two) -> None:
    buyer, seller = pair
    unmatched(pair)
    client = seller.page_client()
    page = client.get(client.get("/catalogue/matching/").context["queue"][0]["new_url"])
    assert page.context["form"]["name"].value() == "Odd compressor"
    assert [(form["partner"].value(), form["number"].value()) for form in page.context["aliases"]] == [(buyer.slug, "A-odd")]


def test_what_no_text_can_hold_is_left_out_of_a_search(cast: Cast) -> None:
    """U+0000 in an address, as scanners send it."""
    found = cast.maker.page_client().get("/catalogue/?q=%00M-COMP%00&after=%00")
    assert found.status_code == 200
    assert "M-COMP" in found.content.decode()
    assert cast.maker.page_client().get("/dock/stock/?q=%00").status_code == 200
