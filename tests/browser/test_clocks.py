"""Until when an answer is due: said by both in their settings, seen live, and told to the responsible persons when nothing comes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from apps.base import clock
from tests.browser.desk import NARROW, Desk, hire, is_the_same, live
from tests.browser.test_access import violations
from tests.browser.test_answering import link_to
from tests.cast import Member, fresh_number, make_pair, order

TURN = 90_000
"""Milliseconds within which the beat has wound every clock: it turns each thirty seconds, and in all homes."""


def say_when(page: Page, axe: str, *, person: str, email: str, title: str) -> None:
    """Answering hours, as an administrator enters them."""
    page.goto("/settings/")
    page.click("a[href='/settings/office/']")
    expect(page.locator("h1")).to_have_text(title)
    assert violations(page, axe, "answering hours") == []
    page.fill("[name=opens]", "18:00")
    page.click("main form button.btn-main")
    expect(page.locator("[name=closes]")).to_have_attribute("aria-invalid", "true")
    page.fill("[name=opens]", "08:00")
    page.fill("[name=person]", person)
    page.fill("[name=email]", email)
    page.click("main form button.btn-main")
    expect(page.locator("[name=person]")).to_have_value(person)
    expect(page.locator("[name=opens]")).to_have_value("08:00")


def want_answers(page: Page, axe: str, partner: Member, hours: str) -> None:
    page.goto(f"/network/partners/{partner.slug}/")
    page.click(f"a[href='/network/partners/{partner.slug}/answers/']")
    page.fill("[name=answer_hours]", hours)
    assert violations(page, axe, "what is asked of a partner") == []
    page.click("main form button.btn-main")


def test_a_late_answer_is_seen_by_both_and_told_to_the_responsible(sit_down: Callable[..., Desk], aside: Callable[..., Any], axe: str) -> None:
    buyer, seller = aside(make_pair)
    english, chinese = sit_down(language="en"), sit_down(language="zh-hans", width=NARROW)
    english.expected |= {422}
    chinese.expected |= {422}
    page, other = english.sign_in(aside(hire, buyer)), chinese.sign_in(aside(hire, seller))
    say_when(page, axe, person="Anna Weber", email=f"boss@{buyer.slug}.example", title="Answering hours")
    say_when(other, axe, person="李伟", email=f"laoban@{seller.slug}.example", title="答复时间")
    assert other.evaluate("document.documentElement.scrollWidth") <= NARROW
    want_answers(page, axe, seller, "6")
    expect(page.locator("[data-key=answer-hours]")).to_contain_text("6 working hours")
    expect(page.locator("main")).to_contain_text("李伟")

    fresh, old = fresh_number(), fresh_number()
    uid = aside(order, buyer, seller, number=fresh, at=clock.now())
    page.goto(f"/documents/orders/{uid}/")
    live(page)
    other.goto("/documents/orders/")
    live(other)
    late = aside(order, buyer, seller, number=old, at=clock.now() - dt.timedelta(days=20))
    expect(page.locator("[data-key=answer-due]")).to_contain_text("Answer due", timeout=TURN)
    assert is_the_same(page)
    assert violations(page, axe, "an order with a clock") == []

    row = other.locator("tr", has=other.locator(f"a[href='/documents/orders/{late}/']"))
    expect(row).to_contain_text("答复逾期", timeout=TURN)
    assert is_the_same(other)
    assert violations(other, axe, "a list with a late answer") == []
    assert other.evaluate("document.documentElement.scrollWidth") <= NARROW
    other.goto("/documents/orders/?overdue=on")
    expect(other.locator("main")).to_contain_text(old)
    expect(other.locator("main")).not_to_contain_text(fresh)
    other.goto(f"/documents/orders/{late}/")
    expect(other.locator("#document-history")).to_contain_text("升级")
    expect(other.locator("[data-key=answer-due]")).to_contain_text("我方答复期限")
    for address in (f"boss@{buyer.slug}.example", f"laoban@{seller.slug}.example"):
        assert link_to(address, "documents/orders", having=old) == f"/documents/orders/{late}/"
