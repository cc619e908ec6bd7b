"""Two people at one order at the same moment: what somebody types stays his, and who comes second is told."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.desk import MARK, Desk, choose, hire, is_the_same, live, move, offer_otherwise
from tests.cast import Member, line, make_pair, order

Sit = Callable[..., Desk]
Both = tuple[Desk, Desk, Page, Page, str]


@pytest.fixture
def both(sit_down: Sit, aside: Callable[..., Any]) -> Both:
    """Buyer and seller, each with a page open, and the address of a published order of two lines."""
    buyer, seller = aside(make_pair)
    uid = aside(_published, buyer, seller)
    at_buyer, at_seller = sit_down(language="en"), sit_down(language="en")
    bought = at_buyer.sign_in(aside(hire, buyer, "buyer", "Ada Buyer"))
    sold = at_seller.sign_in(aside(hire, seller, "seller", "Wei Seller"))
    return at_buyer, at_seller, bought, sold, f"/documents/orders/{uid}/"


def _published(buyer: Member, seller: Member) -> uuid.UUID:
    return order(buyer, seller, [line("A-1"), line("A-2", "12", "9.90")])


def test_typed_text_survives_the_partners_news(both: Both) -> None:
    _at_buyer, _at_seller, bought, sold, address = both
    sold.goto(f"{address}moves/confirm/")
    live(sold)
    offer_otherwise(sold, 0, price="83.00", schedules=[("2027-01-15", "25"), ("2027-02-01", "15")])
    sold.locator("[name=lines-0-reason]").press_sequentially("We are short of cop")
    before = sold.locator("[name=lines-0-reason]").bounding_box()
    bought.goto(address)
    bought.fill("[name=text]", "Could you hurry?")
    bought.click(".thread-form button[type=submit]")
    expect(bought.locator("#thread")).to_contain_text("Could you hurry?")
    expect(sold.locator("[data-news]")).to_be_visible()
    sold.keyboard.type("per")
    assert is_the_same(sold)
    expect(sold.locator("[name=lines-0-reason]")).to_have_value("We are short of copper")
    expect(sold.locator("[name=lines-0-schedules-1-quantity]")).to_have_value("15")
    after = sold.locator("[name=lines-0-reason]").bounding_box()
    assert before is not None
    assert after is not None
    assert abs(after["y"] - before["y"]) < 1, "what somebody types moved under his hands"
    sold.click(".form-foot button[type=submit]")
    expect(sold.locator(".document-state")).to_contain_text("Answered with changes")
    expect(sold.locator("#thread")).to_contain_text("Could you hurry?")


def test_a_message_half_written_stays(both: Both) -> None:
    """On the document's page itself: the parts around the field change, the field does not."""
    _at_buyer, _at_seller, bought, sold, address = both
    bought.goto(address)
    live(bought)
    bought.locator("[name=text]").press_sequentially("When could y")
    sold.goto(address)
    move(sold, "acknowledge")
    expect(bought.locator(".document-state")).to_contain_text("Acknowledged")
    bought.keyboard.type("ou ship?")
    expect(bought.locator("[name=text]")).to_have_value("When could you ship?")
    assert is_the_same(bought)


def test_an_answer_to_what_was_cancelled_is_refused_in_words(both: Both) -> None:
    _at_buyer, at_seller, bought, sold, address = both
    at_seller.expected |= {409}
    sold.goto(f"{address}moves/confirm/")
    choose(sold, 0, "accept")
    choose(sold, 1, "reject")
    sold.fill("[name=lines-1-reason]", "Out of stock")
    bought.goto(address)
    move(bought, "cancel")
    bought.click(".form-foot button[type=submit]")
    expect(bought.locator(".document-state")).to_contain_text("Cancelled")
    expect(sold.locator("[data-news]")).to_be_visible()
    sold.click(".form-foot button[type=submit]")
    expect(sold.locator("#main")).to_contain_text("cancelled the order")
    sold.click("#main a.btn-main")
    expect(sold.locator(".document-state")).to_contain_text("Cancelled")


def test_cancel_and_confirm_at_one_moment(both: Both) -> None:
    """Both press at the same millisecond. Whichever comes first, the order ends cancelled, on both sides, and the seller is told."""
    at_buyer, at_seller, bought, sold, address = both
    at_buyer.expected |= {409}
    at_seller.expected |= {409}
    bought.goto(f"{address}moves/cancel/")
    sold.goto(f"{address}moves/confirm/")
    for index in (0, 1):
        choose(sold, index, "accept")
    for page in (bought, sold):
        page.evaluate(f"{MARK} = true")
    moment = time.time() * 1000 + 500
    for page in (bought, sold):
        page.evaluate("moment => setTimeout(() => document.querySelector('.form-foot button[type=submit]').click(), moment - Date.now())", moment)
    for page in (bought, sold):
        page.wait_for_function(f"document.readyState === 'complete' && {MARK} !== true")
    _buyer_goes_on(bought)
    if "/moves/confirm/" in sold.url:
        expect(sold.locator("#main")).to_contain_text("cancelled the order")
    else:
        expect(sold.locator(".document-state")).to_contain_text("Cancelled")
    for page in (bought, sold):
        page.goto(address)
        expect(page.locator(".document-state")).to_contain_text("Cancelled")
        expect(page.locator("#document-history")).to_contain_text("cancelled the order")


def _buyer_goes_on(page: Page) -> None:
    """Who came second sees what the seller did meanwhile, and cancels all the same."""
    if "/moves/cancel/" not in page.url:
        return
    expect(page.locator("#main")).to_contain_text("answered the order")
    page.click(".form-foot button[type=submit]")
    expect(page.locator(".document-state")).to_contain_text("Cancelled")
