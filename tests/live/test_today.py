"""The day's work, the search over everything, and whether the portal is well."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.base import clock
from apps.live import views
from apps.tenants import selectors as tenants
from tests.cast import AT, Cast, Member, PageClient, move, order
from tests.documents.conversations import CHANGE

Two = tuple[Member, Member]


def tiles(answer: Any, group: str) -> list[tuple[str, int]]:
    return [(tile["label"], tile["count"]) for tile in answer.context[group]]


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the day on which the cast does everything."""
    monkeypatch.setattr(clock, "now", lambda: AT)
    monkeypatch.setattr(clock, "today", lambda zone=None: AT.date())


@pytest.mark.usefixtures("now")
def test_each_number_of_the_day_leads_to_the_list_behind_it(pair: Two) -> None:
    buyer, seller = pair
    order(buyer, seller, publish=False)
    first, second, _third = (order(buyer, seller) for _time in range(3))
    move(seller, first, "confirm", CHANGE)
    move(seller, second, "acknowledge")
    mine = buyer.page_client().get("/")
    assert tiles(mine, "waiting") == [("Answers to decide on", 1), ("Drafts", 1)]
    theirs = seller.page_client().get("/today/counts/")
    assert tiles(theirs, "waiting") == [("Orders to answer", 2)]
    for member, answer in ((buyer, mine), (seller, theirs)):
        for tile in answer.context["waiting"]:
            assert len(member.page_client().get(tile["url"]).context["rows"]) == tile["count"]
    assert mine.context["frame"].inbox_count == 1


def test_what_is_past_its_date_and_not_agreed_goes_wrong(pair: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    buyer, seller = pair
    late, agreed = order(buyer, seller), order(buyer, seller)
    move(seller, agreed, "confirm")
    monkeypatch.setattr(clock, "today", lambda zone=None: AT.date().replace(year=2028))
    page = seller.page_client()
    answer = page.get("/")
    assert tiles(answer, "wrong") == [("Orders past their date, and not agreed", 1)]
    assert [row["uid"] for row in page.get(answer.context["wrong"][0]["url"]).context["rows"]] == [late]


@pytest.mark.usefixtures("now")
def test_what_both_sides_did_last_is_told_in_words(pair: Two) -> None:
    buyer, seller = pair
    uid = order(buyer, seller, number="R-1")
    move(seller, uid, "confirm", CHANGE, by=seller.as_role("seller", "Mei Lin"))
    recent = buyer.page_client().get("/today/recent/").context["recent"]
    assert [(step["side_is_own"], str(step["event_label"]), step["what"], step["partner_name"]) for step in recent] == [
        (False, "answered the order", "line 1 split over 2 dates, price 83.00 instead of 81.50", seller.home.name),
        (True, "published the order", "", seller.home.name),
    ]
    assert recent[0]["by"] == "Mei Lin"


@pytest.mark.usefixtures("now")
def test_the_pictures_are_drawn_from_the_documents(pair: Two) -> None:
    buyer, seller = pair
    first, second = order(buyer, seller, lines=2), order(buyer, seller, lines=2)
    move(seller, first, "confirm", CHANGE)
    move(seller, second, "confirm")
    mine, theirs = buyer.page_client().get("/"), seller.page_client().get("/")
    assert [(point["sent"], point["received"]) for point in mine.context["order_flow"]] == [(0, 0)] * 11 + [(2, 0)]
    assert [(point["sent"], point["received"]) for point in theirs.context["order_flow"]] == [(0, 0)] * 11 + [(0, 2)]
    assert mine.context["order_flow"][-1]["week"] == "4 Jan 2027"
    assert mine.context["on_time"] == [{"partner": seller.home.name, "rate": 0.75, "count": 4}]
    assert theirs.context["on_time"] == [{"partner": buyer.home.name, "rate": 0.75, "count": 4}]


def found(answer: Any) -> dict[str, list[str]]:
    return {str(group["label"]): [result["title"] for result in group["results"]] for group in answer.context["groups"]}


def test_search_looks_everywhere_where_one_may_look_and_nowhere_else(pair: Two, cast: Cast) -> None:
    buyer, seller = pair
    order(buyer, seller, number="NEEDLE-7")
    page = buyer.page_client()
    assert found(page.get("/search/?q=needle")) == {"Orders": ["NEEDLE-7"]}
    assert found(page.get("/search/?q=A-1")) == {"Orders": ["NEEDLE-7"], "Items": ["A-1"]}
    assert found(page.get(f"/search/?q={seller.slug}"))["Partners"] == [seller.home.name]
    assert found(cast.stranger.page_client().get("/search/?q=needle")) == {}
    for words in ("", "%00", "%25", "x" * 500, "'; DROP TABLE documents_document; --"):
        assert page.get(f"/search/?q={words}").status_code == 200


def test_health_asks_nobody(database: None) -> None:
    with CaptureQueriesContext(connection) as captured:
        answer = PageClient().get("/healthz")
    assert (answer.status_code, answer["Content-Type"], answer.content) == (200, "text/plain", b"ok\n")
    assert len(captured) == 0


def test_readiness_names_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable() -> str:
        raise OSError("no route to secret-host")

    monkeypatch.setattr(tenants, "_NEEDED", {"database": tenants._database_fault, "migrations": tenants._migrations_fault, "feed": tenants._feed_fault})
    answer = PageClient().get("/readyz")
    assert (answer.status_code, json.loads(answer.content)) == (200, {"ready": True, "wrong": {}})
    monkeypatch.setattr(tenants, "_NEEDED", {"broker": unreachable, "migrations": lambda: "2 not applied"})
    answer = PageClient().get("/readyz")
    assert (answer.status_code, json.loads(answer.content)) == (503, {"ready": False, "wrong": {"broker": "not reachable", "migrations": "2 not applied"}})


def test_a_broken_page_says_so_without_the_database(pair: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**given: Any) -> Any:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(views.documents, "recent", broken)
    page = pair[0].page_client()
    page.raise_request_exception = False
    answer = page.get("/", headers={"X-Request-ID": "ask-for-this"})
    body = answer.content.decode()
    assert answer.status_code == 500
    assert "ask-for-this" in body
    assert "secret detail" not in body
