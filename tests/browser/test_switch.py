"""One person works for two enterprises: the switch in the header changes everything, the socket included."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.desk import Desk, hire, is_the_same, live
from tests.cast import fresh_number, make_pair, order


def _switch(page: Page, slug: str) -> None:
    page.click(".enterprise summary")
    page.click(f"form[action='/switch/'] button[value={slug}]")


def test_the_switch_leads_into_the_other_home(sit_down: Callable[..., Desk], aside: Callable[..., Any]) -> None:
    buyer, seller = aside(make_pair)
    other, third = aside(make_pair)
    address = aside(hire, buyer, "buyer", "Ada Both")
    aside(hire, other, "buyer", email=address)
    first, second = fresh_number(), fresh_number()
    aside(order, buyer, seller, number=first)
    aside(order, other, third, number=second)
    page = sit_down(language="en").sign_in(address)
    expect(page.locator(".enterprise summary")).to_contain_text(buyer.home.name)
    page.goto("/documents/orders/")
    expect(page.locator("[data-row]")).to_have_count(1)
    expect(page.locator("[data-row]")).to_contain_text(first)

    _switch(page, other.slug)
    expect(page.locator(".enterprise summary")).to_contain_text(other.home.name)
    page.goto("/documents/orders/")
    expect(page.locator("[data-row]")).to_have_count(1)
    expect(page.locator("[data-row]")).to_contain_text(second)
    live(page)
    late, here = fresh_number(), fresh_number()
    aside(order, buyer, seller, number=late)
    aside(order, other, third, number=here)
    expect(page.locator("[data-row]", has_text=here)).to_be_visible()
    expect(page.locator("[data-row]", has_text=late)).to_have_count(0)
    assert is_the_same(page)
