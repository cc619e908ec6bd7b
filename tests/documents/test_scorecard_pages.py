"""The scorecard as a page and by REST: both sides of a partnership see the same, a stranger finds nothing."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tests.cast import Cast, Member, move, unchanged
from tests.documents.test_scorecards import answer, asked, deliver
from tests.logistics.deliveries import partners

PAST = dt.date(2025, 3, 3)


@pytest.fixture(scope="module")
def pair(database: None) -> tuple[Member, Member]:
    """Two partners: one promise kept, one broken, one overdue, which was moved once."""
    buyer, seller = found = partners()
    for item, came in (("A-1", PAST), ("A-2", PAST + dt.timedelta(days=9))):
        order = asked(buyer, seller, ("40", PAST), item=item)
        answer(seller, order)
        deliver(found, order, "40", came)
    moved = asked(buyer, seller, ("40", PAST), item="A-1")
    answer(seller, moved, ("40", PAST + dt.timedelta(days=31)))
    move(buyer, moved, "refuse_response")
    answer(seller, moved, ("40", PAST + dt.timedelta(days=62)))
    move(buyer, moved, "accept_response")
    return found


def scores(member: Member, partner: Member, query: str = "") -> Any:
    return member.api.get(f"partners/{partner.slug}/scorecard/{query}")


SAME = ("due", "on_time", "late", "overdue", "open", "on_time_share", "days_late", "values", "as_promised_last_share", "as_asked_share", "months", "seller")


def test_both_sides_are_told_the_same(pair: tuple[Member, Member]) -> None:
    buyer, seller = pair
    mine, theirs = scores(buyer, seller).json(), scores(seller, buyer).json()
    assert (mine["side"], theirs["side"], mine["seller"]) == ("buyer", "seller", seller.slug)
    assert {name: mine[name] for name in SAME} == {name: theirs[name] for name in SAME}
    assert (mine["due"], mine["on_time"], mine["late"], mine["overdue"], mine["on_time_share"], mine["days_late"]) == (3, 1, 1, 1, "33.33", 9)
    assert mine["values"] == [{"currency": "EUR", "amount": "9780.00"}]
    assert [(row["month"], row["due"]) for row in mine["months"]] == [("2025-03-01", 2), ("2025-04-01", 1)]
    worst = mine["lines"][0]
    assert (worst["judged"], worst["requested_on"], worst["first_on"], worst["last_on"], worst["came_on"]) == (
        "overdue",
        "2025-03-03",
        "2025-04-03",
        "2025-05-04",
        None,
    )
    assert [row["item"] for row in mine["items"]] == ["A-2", "A-1"]
    assert [row["item"] for row in theirs["items"]] == ["S-2", "S-1"]


def test_it_is_narrowed_by_period_item_and_side(pair: tuple[Member, Member]) -> None:
    buyer, seller = pair
    assert scores(buyer, seller, "?due_from=2025-04-01").json()["due"] == 1
    assert scores(buyer, seller, "?due_to=2025-03-31&item=A-1").json()["due"] == 1
    assert scores(buyer, seller, "?side=seller").json()["due"] == 0
    assert len(scores(buyer, seller, "?limit=1").json()["lines"]) == 1


@pytest.mark.parametrize(
    ("query", "pointer"), [("?side=both", "/side"), ("?due_from=soon", "/due_from"), ("?limit=501", "/limit"), ("?from=2025-01-01", "/from")]
)
def test_a_wrong_question_is_told(pair: tuple[Member, Member], query: str, pointer: str) -> None:
    refused = scores(pair[0], pair[1], query)
    assert (refused.status_code, [found["pointer"] for found in refused.json()["errors"]]) == (422, [pointer])


def test_the_page_says_the_figures_in_words_and_as_a_table(pair: tuple[Member, Member]) -> None:
    buyer, seller = pair
    page = buyer.page_client().get(f"/network/scorecards/{seller.slug}/")
    text = page.content.decode()
    assert page.status_code == 200
    assert 'data-chart="kept"' in text
    assert [(fact["label"], fact["value"], fact["help"]) for fact in page.context["facts"][:3]] == [
        ("On time and in full", "33.33%", "1 of 3 due"), ("Came late", 1, "9 days in all"), ("Overdue", 1, "has not come yet"),
    ]  # fmt: skip
    assert [row["promised"].judged for row in page.context["rows"]] == ["overdue", "late", "on_time"]
    assert text.count("data-fresh-within") == 1
    theirs = seller.page_client().get(f"/network/scorecards/{buyer.slug}/")
    assert theirs.context["card"].whole == page.context["card"].whole


def test_the_partners_page_leads_there(pair: tuple[Member, Member]) -> None:
    buyer, seller = pair
    page = buyer.page_client().get(f"/network/partners/{seller.slug}/")
    assert f'href="/network/scorecards/{seller.slug}/"' in page.content.decode()


def test_the_page_speaks_chinese(pair: tuple[Member, Member]) -> None:
    client = pair[0].page_client()
    client.cookies["django_language"] = "zh-hans"
    text = client.get(f"/network/scorecards/{pair[1].slug}/").content.decode()
    for words in ("绩效记分卡", "准时足量", "2025年3月"):
        assert words in text
    assert "Promised first" not in text


def test_a_wrong_day_is_told_beside_its_field(pair: tuple[Member, Member]) -> None:
    page = pair[0].page_client().get(f"/network/scorecards/{pair[1].slug}/?due_from=soon")
    assert page.status_code == 422
    assert page.context["form"].errors.keys() == {"due_from"}


def test_a_partner_without_orders_is_told_what_this_is_for(pair: tuple[Member, Member]) -> None:
    page = pair[0].page_client().get(f"/network/scorecards/{pair[1].slug}/?side=seller")
    assert "Nothing was promised here" in page.content.decode()


def test_a_stranger_finds_nothing(pair: tuple[Member, Member], cast: Cast) -> None:
    with unchanged(*pair):
        for other in pair:
            found, missing = scores(cast.stranger, other), cast.stranger.api.get("partners/nobody/scorecard/")
            assert (found.status_code, missing.status_code) == (404, 404)
            assert found.json()["detail"] == missing.json()["detail"]
            assert cast.stranger.page_client().get(f"/network/scorecards/{other.slug}/").status_code == 404
