"""One inbox for a person who works for two enterprises: both are heard live, and a click goes on in the right one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.desk import NARROW, WIDE, Desk, hire, is_the_same, live
from tests.browser.test_access import violations
from tests.cast import fresh_number, make_pair, order


@pytest.mark.parametrize(("language", "width", "title"), [("en", WIDE, "What waits for you everywhere"), ("zh-hans", NARROW, "所有企业的待办")])
def test_what_waits_in_two_enterprises_comes_into_one_open_page(
    sit_down: Callable[..., Desk], aside: Callable[..., Any], axe: str, language: str, width: int, title: str
) -> None:
    buyer, seller = aside(make_pair)
    other_buyer, other = aside(make_pair)
    address = aside(hire, seller, "seller", "Ada Both")
    aside(hire, other, "seller", email=address)
    page = sit_down(language=language, width=width).sign_in(address)
    page.click(".enterprise summary")
    page.click("a[href='/everywhere/']")
    expect(page.locator("h1")).to_have_text(title)
    expect(page.locator("[data-live=on]")).to_have_count(2)
    live(page)
    first, second = fresh_number(), fresh_number()
    aside(order, buyer, seller, number=first)
    aside(order, other_buyer, other, number=second)
    for number, enterprise in ((first, seller), (second, other)):
        expect(page.locator("[data-row]", has_text=number)).to_contain_text(enterprise.home.name)
    assert is_the_same(page)
    assert violations(page, axe, "everywhere") == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.click(f"button:has-text('{second}')")
    expect(page.locator(".enterprise summary")).to_contain_text(other.home.name)
    expect(page.locator("#document-title")).to_contain_text(second)
