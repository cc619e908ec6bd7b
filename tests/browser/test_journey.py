"""The main job, in two browsers: an order crosses from buyer to seller and back, live, and nobody else hears of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

from tests.browser.desk import Desk, choose, hire, is_the_same, live, move, offer_otherwise, told, type_order
from tests.cast import Member, fresh_number, make_pair, provision

Sit = Callable[..., Desk]
LIST = "/documents/orders/"


def _company(aside: Callable[..., Any]) -> tuple[Member, Member, Member]:
    buyer, seller = aside(make_pair)
    stranger = aside(provision, f"stranger-of-{buyer.slug}")
    return buyer, seller, stranger


def test_an_order_crosses_live(sit_down: Sit, aside: Callable[..., Any]) -> None:
    buyer, seller, stranger = _company(aside)
    at_buyer, at_seller, at_stranger = sit_down(language="en"), sit_down(language="zh-hans"), sit_down(language="en")
    writing = at_buyer.sign_in(aside(hire, buyer, "buyer", "Ada Buyer"))
    today = live(at_seller.sign_in(aside(hire, seller, "seller", "Wei Seller")))
    orders = live(at_seller.page(LIST))
    listening = live(at_stranger.sign_in(aside(hire, stranger)))
    number = fresh_number()

    # The buyer writes and publishes; the seller's open pages show it.
    writing.goto(LIST)
    writing.click(".page-top a.btn-main")
    rows = [
        {"item": "A-1", "quantity": "40", "price": "81.50", "due_on": "2027-01-15"},
        {"item": "A-2", "quantity": "12", "price": "9.90", "due_on": "2027-01-20"},
    ]
    type_order(writing, partner=seller.slug, number=number, rows=rows)
    writing.click(".form-foot button[name=publish]")
    bought = live(writing)
    expect(bought.locator("#document-title")).to_have_text(number)
    expect(bought.locator(".document-state")).to_contain_text("Published")
    address = bought.url
    expect(orders.locator("[data-row]", has_text=number)).to_contain_text("已发布")
    expect(today.locator("#today-recent")).to_contain_text(number)
    expect(today.locator("#today-counts .tile-count").first).to_have_text("1")
    assert is_the_same(orders)
    assert is_the_same(today)

    # The seller splits line 1 over two dates at a new price, and accepts line 2; the buyer's open page shows it in place.
    orders.locator("[data-row-link]", has_text=number).click()
    expect(orders.locator("#document-title")).to_have_text(number)
    move(orders, "confirm")
    offer_otherwise(orders, 0, price="83.00", schedules=[("2027-01-15", "25"), ("2027-02-01", "15")], reason="原料短缺")
    choose(orders, 1, "accept")
    orders.click(".form-foot button[type=submit]")
    sold = live(orders)
    expect(sold.locator(".document-state")).to_contain_text("有变更")
    expect(bought.locator(".document-state")).to_contain_text("Answered with changes")
    first, second = bought.locator("#line-1 .line-offered"), bought.locator("#line-2 .line-offered")
    for words in ("EUR 83.00", "EUR 1.50 more than asked", "Split over 2 dates", "25", "1 Feb 2027", "15", "原料短缺"):
        expect(first).to_contain_text(words)
    expect(second).to_contain_text("as asked")
    expect(bought.locator("#document-history")).to_contain_text("Wei Seller")
    assert is_the_same(bought)

    # The buyer accepts; both sides say so, and tell the same story.
    move(bought, "accept_response")
    expect(bought.locator(".document-state")).to_contain_text("Agreed")
    expect(sold.locator(".document-state")).to_contain_text("已达成一致")
    assert is_the_same(sold)
    at_seller.context.add_cookies([{"name": "django_language", "value": "en", "url": at_seller.origin}])
    sold.reload()
    ours, theirs = told(bought), told(sold)
    assert [step["label"] for step in theirs] == ["Publish", "Answer", "Accept the answer"]
    assert [step for step in ours if step["label"] != "Draft"] == theirs

    _finds_nothing(at_stranger, listening, number=number, address=address)


def _finds_nothing(desk: Desk, open_page: Any, *, number: str, address: str) -> None:
    """The stranger: no list, no search, no address, no fragment, no socket."""
    desk.expected |= {404}
    assert is_the_same(open_page)
    expect(open_page.locator("#today-recent .news-item")).to_have_count(0)
    page = desk.page(LIST)
    expect(page.locator("#main")).to_be_visible()
    assert number not in page.content()
    page.goto(f"/search/?q={number}")
    expect(page.locator(".result")).to_have_count(0)
    for path in (address, f"{address}parts/history/", f"{address}parts/lines/", f"{address}moves/confirm/", f"{address}edit/"):
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 404, path
        assert number not in page.content()
    uid = address.rstrip("/").rpartition("/")[2]
    assert desk.sockets > 0
    assert [text for text in desk.heard if uid in text or number in text] == []
