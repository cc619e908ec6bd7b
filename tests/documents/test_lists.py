"""The list of documents: filters, pages, totals, columns, views, export, and moves for several at once."""

from __future__ import annotations

import csv
import io

import pytest

from apps.documents.views import listing
from tests.cast import Member, line, move, order
from tests.documents.browsing import LIST, numbers, words
from tests.documents.conversations import CHANGE

Two = tuple[Member, Member]


def test_a_list_shows_each_side_its_own_view(pair: Two) -> None:
    buyer, seller = pair
    order(buyer, seller, number="L-1")
    assert "Purchase order" in words(buyer.page_client().get(LIST))
    shown = words(seller.page_client().get(LIST))
    assert "Sales order" in shown
    assert f"{buyer.home.name} Sales order Published" in shown


def test_the_filters_find_what_they_say(pair: Two) -> None:
    buyer, seller = pair
    early = order(buyer, seller, [line("A-1", due_on="2027-01-10")], number="F-EARLY")
    order(buyer, seller, [line("A-2", due_on="2027-03-10")], number="F-LATER")
    order(buyer, seller, [line("A-3", due_on="2027-05-10")], number="F-DRAFT", publish=False)
    move(seller, early, "confirm", CHANGE)
    page = buyer.page_client()
    expected = {
        "state=draft": ["F-DRAFT"],
        "state=draft&state=confirmed": ["F-DRAFT", "F-EARLY"],
        "waiting=on": ["F-EARLY"],
        "theirs=on": ["F-LATER"],
        "number=later": ["F-LATER"],
        "due_from=2027-02-01&due_to=2027-04-01": ["F-LATER"],
        "side=seller": [],
        f"partner={seller.slug}": ["F-DRAFT", "F-EARLY", "F-LATER"],
        "q=A-2": ["F-LATER"],
        f"q={seller.home.name}": ["F-DRAFT", "F-EARLY", "F-LATER"],
        "unseen=on": ["F-EARLY"],
    }
    assert {query: sorted(numbers(page.get(f"{LIST}?{query}"))) for query in expected} == expected
    assert sorted(numbers(seller.page_client().get(f"{LIST}?late=on"))) == []


@pytest.mark.parametrize(
    "query", ["due_from=soon", "state=nonsense", "partner=nobody", "side=%00", "q=%00", "cursor=nonsense", "cursor=b2019", "columns=none", "due_to=99999-01-01"]
)
def test_a_wrong_filter_is_no_fault_of_ours(pair: Two, query: str) -> None:
    assert pair[0].page_client().get(f"{LIST}?{query}").status_code == 200


def test_cursor_pages_show_each_document_once(pair: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    buyer, seller = pair
    monkeypatch.setattr(listing, "ROWS", 3)
    made = [f"P-{index}" for index in range(7)]
    for number in made:
        order(buyer, seller, number=number, publish=False)
    page, url, seen = buyer.page_client(), LIST, []
    while url:
        answer = page.get(url)
        seen.append(numbers(answer))
        url = f"{LIST}{answer.context['next_url']}" if answer.context["next_url"] else ""
    assert [number for leaf in seen for number in leaf] == made[::-1]
    back = page.get(f"{LIST}{answer.context['previous_url']}")
    assert numbers(back) == seen[1]
    assert numbers(page.get(f"{LIST}{back.context['previous_url']}")) == seen[0]


def test_totals_stand_for_each_currency(pair: Two) -> None:
    buyer, seller = pair
    for number, currency in (("T-1", "EUR"), ("T-2", "EUR"), ("T-3", "CNY")):
        order(buyer, seller, number=number, currency=currency)
    totals = buyer.page_client().get(LIST).context["totals"]
    assert [(row["currency"], row["count"], str(row["amount"])) for row in totals] == [("CNY", 1, "3260.00"), ("EUR", 2, "6520.00")]


def test_columns_are_chosen_in_the_address(pair: Two) -> None:
    buyer, seller = pair
    order(buyer, seller, number="C-1")
    shown = words(buyer.page_client().get(f"{LIST}?columns=number&columns=amount"))
    assert "C-1 new" not in shown
    assert "C-1 EUR 3,260.00" in shown


def test_htmx_gets_the_rows_alone(pair: Two) -> None:
    body = pair[0].page_client().get(LIST, headers={"HX-Request": "true"}).content.decode()
    assert body.lstrip().startswith('<div id="rows"')
    assert "<html" not in body


def test_the_export_is_what_the_list_shows_and_holds_no_formula(pair: Two) -> None:
    buyer, seller = pair
    order(buyer, seller, number="=1+2")
    uid = order(buyer, seller, number="E-2", publish=False)
    page = buyer.page_client()
    answer = page.get(f"{LIST}export/?state=published")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].startswith("attachment")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row[0] for row in rows] == ["Number", "'=1+2"]
    assert rows[1][1:9] == [seller.home.name, "Purchase order", "Published", "2027-01-04", "2027-01-15", "1", "3260.00", "EUR"]
    picked = page.post(f"{LIST}export/", {"uid": [str(uid)]}).content.decode("utf-8-sig")
    assert [row[0] for row in csv.reader(io.StringIO(picked))] == ["Number", "E-2"]


def test_a_saved_view_belongs_to_the_person_who_saved_it(pair: Two) -> None:
    buyer, _seller = pair
    page = buyer.page_client("buyer")
    answer = page.post(f"{LIST}views/", {"name": "Urgent", "query": "late=on&state=confirmed&cursor=abc"})
    assert answer["Location"] == f"{LIST}?late=on&state=confirmed"
    views = page.get(answer["Location"]).context["saved_views"]
    assert [(view["name"], view["active"]) for view in views][-1] == ("Urgent", True)
    other = buyer.page_client("planner")
    assert "Urgent" not in [view["name"] for view in other.get(LIST).context["saved_views"]]
    other.post(views[-1]["forget_url"])
    assert "Urgent" in [view["name"] for view in page.get(LIST).context["saved_views"]]
    page.post(views[-1]["forget_url"])
    assert "Urgent" not in [view["name"] for view in page.get(LIST).context["saved_views"]]
