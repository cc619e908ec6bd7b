"""Somebody configures a refrigerator: each click moves price and options, what is grey says why, and one click mends it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from apps.customisation import services as customisation
from tests.browser.desk import Desk, hire, is_the_same, live
from tests.browser.test_access import LANGUAGES, violations
from tests.cast import AT, Member, make_pair
from tests.customisation import fridge


def makers_fridge() -> tuple[Member, Member]:
    """A buyer, and a maker with a public refrigerator and a draft of its next release."""
    buyer, maker = make_pair()
    fridge.enter(maker, given=fridge.with_pictures(maker), public=True)
    with maker.acting():
        customisation.begin_release(product="fridge", by=maker.actor, at=AT)
    return buyer, maker


def price(page: Page) -> Any:
    return expect(page.locator(".summary-amount"))


def pick(page: Page, name: str) -> None:
    page.locator("label.pick-card", has_text=name).first.click()


def test_each_click_moves_the_price_and_keeps_the_page(sit_down: Callable[..., Desk], aside: Callable[..., Any]) -> None:
    buyer, _maker = aside(makers_fridge)
    desk = sit_down(language="en")
    page = desk.sign_in(aside(hire, buyer, "buyer"))
    page.goto("/configure/")
    page.get_by_role("link", name="Refrigerator").first.click()
    live(page)
    price(page).to_have_text("EUR\u00a0600.00")
    pick(page, "Red")
    price(page).to_have_text("EUR\u00a0640.00")
    expect(page.locator("input:focus")).to_have_attribute("value", "red")
    page.keyboard.press("ArrowRight")
    price(page).to_have_text("EUR\u00a0720.50")
    expect(page.locator("input:focus")).to_have_attribute("value", "steel")
    pick(page, "Red")
    page.locator("button.is-grey", has_text="Knob").click()
    expect(page.locator(".way-out")).to_contain_text("There are no red knobs. You chose Colour: Red.")
    page.keyboard.press("Enter")
    price(page).to_have_text("EUR\u00a0595.00")
    expect(page.locator("label.pick-card:has(:checked) .pick-name")).to_have_text(["Knob"])
    page.get_by_role("button", name="Take back: Handle").click()
    price(page).to_have_text("EUR\u00a0600.00")
    expect(page.locator("input:focus")).to_have_attribute("value", "bar")
    pick(page, "White")
    expect(page.locator(".summary-list")).to_contain_text("White")
    pick(page, "Yes")
    price(page).to_have_text("EUR\u00a0750.00")
    page.fill("input[type=number]", "600")
    page.keyboard.press("Tab")
    expect(page.locator("#conflict-title")).to_be_visible()
    page.get_by_role("link", name="Set “Width” to 700 mm").click()
    price(page).to_have_text("EUR\u00a0800.00")
    expect(page.locator("#conflict-title")).to_have_count(0)
    expect(page.locator("input:focus")).to_have_value("700")
    assert is_the_same(page)
    page.reload()
    price(page).to_have_text("EUR\u00a0800.00")
    page.get_by_role("button", name="Save and share").click()
    shared = page.locator("#share").input_value()
    colleague = sit_down(language="zh-hans")
    seen = colleague.sign_in(aside(hire, buyer, "viewer"))
    seen.goto(shared)
    expect(seen.locator(".summary-list")).to_contain_text("700 毫米")


def test_a_visitor_configures_without_scripts(sit_down: Callable[..., Desk], aside: Callable[..., Any]) -> None:
    _buyer, maker = aside(makers_fridge)
    desk = sit_down(language="en", script=False)
    page = desk.page(f"/p/{maker.slug}/")
    page.get_by_role("link", name="Refrigerator").click()
    pick(page, "Red")
    page.fill("input[type=number]", "600")
    page.get_by_role("button", name="Show what goes with this").click()
    price(page).to_have_text("EUR\u00a0640.00")
    page.locator("button.is-grey", has_text="Yes").click()
    expect(page.locator(".way-out")).to_contain_text("An ice maker needs 700 mm")
    page.locator(".way-out .btn-main").click()
    price(page).to_have_text("EUR\u00a0840.00")
    link = page.locator("#share").input_value()
    page.goto(link)
    price(page).to_have_text("EUR\u00a0840.00")
    page.get_by_role("link", name="Sign in and ask for a quote").click()
    expect(page.locator("input[name=login]")).to_be_visible()


@pytest.mark.parametrize("language", LANGUAGES)
def test_nobody_is_kept_out_of_configuring(sit_down: Callable[..., Desk], aside: Callable[..., Any], axe: str, language: str) -> None:
    buyer, maker = aside(makers_fridge)
    fridge_at = f"/configure/of/{maker.slug}/fridge/"
    editor = "/configure/products/fridge/"
    found = []
    visitor = sit_down(language=language).page()
    for name, address in {"public": f"/p/{maker.slug}/fridge/?on=1&c.colour=steel", "public list": f"/p/{maker.slug}/"}.items():
        visitor.goto(address)
        found += violations(visitor, axe, name, whole=language == "en")
    pages = {"open": fridge_at, "why": f'{fridge_at}?on=1&c.colour=red&want=["handle","knob"]', "conflict": f"{fridge_at}?on=1&c.ice=yes&c.width=600"}
    for member, shown in (
        (buyer, {"list": "/configure/", **pages}),
        (maker, {"products": "/configure/products/", "editor": f"{editor}?check=1", "feature": f"{editor}parts/features/?code=colour",
                 "rule": f"{editor}parts/rules/?code=R1", "example": f"{editor}parts/examples/", "product": f"{editor}edit/"}),
    ):  # fmt: skip
        page = sit_down(language=language).sign_in(aside(hire, member))
        for name, address in shown.items():
            page.goto(address)
            assert page.locator("html").get_attribute("lang") == ("zh-Hans" if language == "zh-hans" else "en")
            found += violations(page, axe, name, whole=language == "en")
    assert found == []
