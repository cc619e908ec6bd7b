"""WCAG 2.2 A and AA by axe-core: every main page, in both languages, light and dark, wide and narrow."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.desk import NARROW, WIDE, Desk, hire
from tests.cast import befriend, line, make_pair, move, order

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
RUN = """async rules => {
  const found = await axe.run(document, {runOnly: rules, resultTypes: ['violations']});
  return found.violations.map(each => [each.id, each.nodes.map(node => node.html.slice(0, 160) + ' ' + (node.any[0]?.message ?? ''))]);
}"""
# What does not fit: a page that must be pushed sideways, and a button that does not show all of its words.
CUT = """() => {
  const page = document.documentElement;
  const cut = [...document.querySelectorAll('.btn, .state, h1, h2, .rail a')].filter(each => each.offsetParent && each.scrollWidth > each.clientWidth + 1);
  return [...(page.scrollWidth > page.clientWidth ? ['the page'] : []), ...cut.map(each => each.outerHTML.slice(0, 160))];
}"""
ORDERS = "/documents/orders/"


@pytest.fixture(scope="module")
def story(aside: Callable[..., Any], house: Any) -> tuple[str, dict[str, str]]:
    """Somebody with all that there is to see: orders in several states, partners, items. Gives the e-mail address and the pages."""

    def tell() -> tuple[str, dict[str, uuid.UUID], str]:
        buyer, seller = make_pair()
        answered = order(buyer, seller, [line("A-1"), line("A-2", "12", "9.90", "2020-01-01")])
        later = [{"due_on": "2027-01-15", "quantity": "25"}, {"due_on": "2027-02-01", "quantity": "15"}]
        move(seller, answered, "confirm", {"lines": [{"line": 1, "response": "change", "price": "83.00", "schedules": later, "reason": "Copper is short"}]})
        customer, _other = make_pair()
        befriend(customer, buyer)
        published = order(customer, buyer, [line("A-1"), line("A-2")])
        drafted = order(buyer, seller, publish=False)
        return hire(buyer, name="Ada 李"), {"answered": answered, "published": published, "drafted": drafted}, seller.slug

    email, uids, partner = aside(tell)
    return email, {
        "today": "/",
        "orders": ORDERS,
        "orders-none": f"{ORDERS}?q=nothing-is-called-so",
        "new": f"{ORDERS}new/",
        "answered": f"{ORDERS}{uids['answered']}/",
        "counter": f"{ORDERS}{uids['answered']}/moves/counter/",
        "cancel": f"{ORDERS}{uids['answered']}/moves/cancel/",
        "published": f"{ORDERS}{uids['published']}/",
        "answer": f"{ORDERS}{uids['published']}/moves/confirm/",
        "edit": f"{ORDERS}{uids['drafted']}/edit/",
        "network": "/network/",
        "invite": "/network/invite/",
        "partner": f"/network/partners/{partner}/",
        "catalogue": "/catalogue/",
        "new-item": "/catalogue/items/new/",
        "settings": "/settings/",
        "search": "/search/?q=A-1",
        "second-factor": "/accounts/2fa/",
        "nowhere": f"{ORDERS}{uuid.UUID(int=0)}/",
    }


# Every page is seen in light and dark, wide and narrow and, by night, in the other language; by night all of them together.
IN_SHORT = (("light", WIDE), ("dark", NARROW))
LANGUAGES = [pytest.param("en", marks=pytest.mark.night), "zh-hans"]


def violations(page: Page, axe: str, name: str, *, whole: bool = False) -> list[str]:
    """Wide and narrow, light and dark, without loading the page anew. whole: all four of them."""
    page.evaluate(axe)
    # Where a colour fades, axe would measure it half-way.
    page.add_style_tag(content="*, *::before, *::after { transition: none !important; animation: none !important }")
    found = []
    for theme, width in itertools.product(("light", "dark"), (WIDE, NARROW)) if whole else IN_SHORT:
        page.evaluate("theme => { document.documentElement.dataset.bsTheme = theme }", theme)
        # As tall as the page: what stands fixed at the bottom of a telephone covers nothing by chance.
        page.set_viewport_size({"width": width, "height": 4000})
        found += [f"{name} {theme} {width}: {rule} {nodes[:3]}" for rule, nodes in page.evaluate(RUN, RULES)]
    return found + [f"{name} {NARROW}: cut off: {what}" for what in page.evaluate(CUT)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_nobody_is_kept_out(sit_down: Callable[..., Desk], story: tuple[str, dict[str, str]], axe: str, language: str) -> None:
    email, pages = story
    desk = sit_down(language=language)
    desk.expected |= {404}
    page = desk.page("/accounts/login/")
    found = violations(page, axe, "login", whole=language == "en")
    desk.sign_in(email, page)
    for name, address in pages.items():
        page.goto(address)
        assert page.locator("html").get_attribute("lang") == ("zh-Hans" if language == "zh-hans" else "en")
        found += violations(page, axe, name, whole=language == "en")
    assert found == []
