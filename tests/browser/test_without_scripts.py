"""The main job in a browser that runs no scripts: every button is a form's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

from tests.browser.desk import Desk, hire, lines, move, offer_otherwise, type_order
from tests.cast import fresh_number, make_pair


def test_an_order_is_written_and_answered_without_scripts(sit_down: Callable[..., Desk], aside: Callable[..., Any]) -> None:
    buyer, seller = aside(make_pair)
    at_buyer, at_seller = sit_down(language="en", script=False), sit_down(language="zh-hans", script=False)
    bought = at_buyer.sign_in(aside(hire, buyer, "buyer"))
    sold = at_seller.sign_in(aside(hire, seller, "seller"))
    number = fresh_number()

    bought.goto("/documents/orders/new/")
    rows = [
        {"item": "A-1", "quantity": "40", "price": "81.50", "due_on": "2027-01-15"},
        {"item": "A-3", "quantity": "5", "price": "1.25", "due_on": "2027-01-15"},
        {"item": "A-2", "quantity": "12", "price": "9.90", "due_on": "2027-01-20"},
    ]
    type_order(bought, partner=seller.slug, number=number, rows=rows)
    lines(bought).nth(1).locator("button[name=remove_line]").click()
    expect(lines(bought)).to_have_count(2)
    expect(bought.locator("[name=lines-1-item]")).to_have_value("A-2")
    bought.click(".form-foot button[name=save]")
    expect(bought.locator(".document-state")).to_contain_text("Draft")
    move(bought, "publish")
    expect(bought.locator(".document-state")).to_contain_text("Published")

    sold.goto("/")
    sold.locator("#today-recent a", has_text=number).click()
    move(sold, "confirm")
    offer_otherwise(sold, 0, price="83.00", schedules=[("2027-01-15", "25"), ("2027-02-01", "15")])
    sold.click(".form-foot button[type=submit]")
    expect(sold.locator(".document-state")).to_contain_text("有变更")

    bought.reload()
    expect(bought.locator("#line-1 .line-offered")).to_contain_text("Split over 2 dates")
    expect(bought.locator("#line-2 .line-offered")).to_contain_text("as asked")
    move(bought, "accept_response")
    expect(bought.locator(".document-state")).to_contain_text("Agreed")
    bought.fill("[name=text]", "Thank you.")
    bought.click(".thread-form button[type=submit]")
    expect(bought.locator("#thread")).to_contain_text("Thank you.")


def test_what_is_wrong_is_said_and_nothing_typed_is_lost(sit_down: Callable[..., Desk], aside: Callable[..., Any]) -> None:
    buyer, seller = aside(make_pair)
    desk = sit_down(language="en", script=False)
    desk.expected |= {422}
    page = desk.sign_in(aside(hire, buyer, "buyer"))
    page.goto("/documents/orders/new/")
    rows = [{"item": "NO-SUCH", "quantity": "-3", "price": "81.50", "due_on": "2027-01-15"}]
    type_order(page, partner=seller.slug, number=fresh_number(), rows=rows)
    page.click(".form-foot button[name=publish]")
    for name, value in (("item", "NO-SUCH"), ("quantity", "-3"), ("price", "81.50"), ("schedules-0-due_on", "2027-01-15")):
        expect(page.locator(f"[name=lines-0-{name}]")).to_have_value(value)
    expect(page.locator("[name=lines-0-quantity]")).to_have_attribute("aria-invalid", "true")
    page.fill("[name=lines-0-item]", "A-1")
    page.fill("[name=lines-0-quantity]", "3")
    page.click(".form-foot button[name=publish]")
    expect(page.locator(".document-state")).to_contain_text("Published")
