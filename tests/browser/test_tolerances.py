"""What need not wait for anybody: said by the buyer, agreed by itself with its reason, and what he blocks told to the seller before he sends it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

from tests.browser.desk import NARROW, Desk, hire, is_the_same, live, move, offer_otherwise
from tests.browser.test_access import violations
from tests.cast import fresh_number, make_pair, order


def test_inside_the_tolerances_an_answer_agrees_by_itself(sit_down: Callable[..., Desk], aside: Callable[..., Any], axe: str) -> None:
    buyer, seller = aside(make_pair)
    english, chinese = sit_down(language="en"), sit_down(language="zh-hans", width=NARROW)
    for desk in (english, chinese):
        desk.expected |= {422}
    page, other = english.sign_in(aside(hire, buyer, "buyer")), chinese.sign_in(aside(hire, seller, "seller"))
    page.goto("/network/")
    page.click("a[href='/network/tolerances/']")
    assert violations(page, axe, "no tolerances") == []
    page.click("a[href='/network/tolerances/one/']")
    page.select_option("[name=partner]", seller.slug)
    page.fill("[name=late-days]", "many")
    page.select_option("[name=late-beyond]", "ask")
    page.click(".form-foot button.btn-main")
    expect(page.locator("[name=late-days]")).to_have_attribute("aria-invalid", "true")
    assert violations(page, axe, "a tolerance that cannot be") == []
    page.fill("[name=late-days]", "5")
    page.fill("[name=dearer-percent]", "2")
    page.select_option("[name=dearer-beyond]", "block")
    page.click(".form-foot button.btn-main")
    expect(page.locator("#tolerances")).to_contain_text("Later: up to 5 days; more is asked")
    assert violations(page, axe, "tolerances") == []

    uid = aside(order, buyer, seller, number=fresh_number())
    page.goto(f"/documents/orders/{uid}/")
    live(page)
    other.goto(f"/documents/orders/{uid}/")
    move(other, "confirm")
    offer_otherwise(other, 0, price="90", schedules=[("2027-01-18", "40")])
    other.click(".form-foot button.btn-main")
    expect(other.locator(".errors-summary")).to_contain_text("买方不接受：第 1 行：涨价 10.43 %")
    assert violations(other, axe, "what is blocked") == []
    assert other.evaluate("document.documentElement.scrollWidth") <= NARROW
    other.fill("[name=lines-0-price]", "82")
    other.click(".form-foot button.btn-main")
    expect(other.locator(".document-state")).to_contain_text("已达成一致")
    expect(other.locator("#document-history")).to_contain_text("在容差范围内")
    expect(page.locator(".document-state")).to_contain_text("Agreed")
    expect(page.locator("#document-history")).to_contain_text("line 1: 3 days later (up to 5 days: the agreement with the partner, version 1)")
    assert is_the_same(page)
