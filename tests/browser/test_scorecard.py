"""The scorecard in the browser: readable by everybody, its picture has a table beside it, and a receipt moves it under one's eyes."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.desk import NARROW, WIDE, Desk, hire, is_the_same, live
from tests.browser.test_access import CUT, LANGUAGES, RULES, RUN
from tests.documents.test_scorecards import answer, asked, deliver
from tests.logistics.deliveries import partners

DUE = dt.date(2025, 3, 3)


class Story:
    """One promise that was kept, and one that is overdue."""

    def __init__(self) -> None:
        self.pair = partners()
        self.buyer, self.seller = self.pair
        self.orders: list[uuid.UUID] = []
        for _order in range(2):
            self.orders.append(asked(self.buyer, self.seller, ("40", DUE)))
            answer(self.seller, self.orders[-1])
        deliver(self.pair, self.orders[0], "40", DUE)
        self.people = {"buyer": hire(self.buyer), "seller": hire(self.seller)}
        self.address = f"/network/scorecards/{self.seller.slug}/"

    def receive(self) -> None:
        deliver(self.pair, self.orders[1], "40", DUE + dt.timedelta(days=4))


@pytest.fixture(scope="module")
def story(aside: Callable[..., Any], house: Any) -> Story:
    told: Story = aside(Story)
    return told


@pytest.mark.parametrize("language", LANGUAGES)
def test_everybody_can_read_it(sit_down: Callable[..., Desk], story: Story, axe: str, language: str) -> None:
    page = sit_down(language=language).sign_in(story.people["buyer"])
    page.emulate_media(reduced_motion="reduce")
    page.goto(story.address)
    expect(page.locator("[data-chart=kept] svg")).to_be_visible()
    page.click("details.figures summary")
    expect(page.locator("details.figures tbody tr")).to_have_count(1)
    wrong = {}
    for width in (WIDE, NARROW):
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate(axe)
        if found := [*page.evaluate(RUN, RULES), *page.evaluate(CUT)]:
            wrong[width] = found
    assert wrong == {}


def test_it_is_found_from_the_partner_and_filtered_without_scripts(sit_down: Callable[..., Desk], story: Story) -> None:
    page = sit_down(script=False).sign_in(story.people["buyer"])
    page.goto(f"/network/partners/{story.seller.slug}/")
    page.click(f"a[href='{story.address}']")
    expect(page.locator("#scorecard tbody tr[data-key]").first).to_be_visible()
    page.fill("[name=due_from]", "2026-01-01")
    page.click("main form button[type=submit]")
    expect(page.locator("main")).to_contain_text("Nothing was promised here")


def test_a_receipt_moves_it_at_both_sides(sit_down: Callable[..., Desk], story: Story, aside: Callable[..., Any]) -> None:
    mine = sit_down().sign_in(story.people["buyer"])
    theirs = sit_down().sign_in(story.people["seller"])
    mine.goto(story.address)
    theirs.goto(f"/network/scorecards/{story.buyer.slug}/")
    for page in (mine, theirs):
        live(page)
        expect(page.locator("[data-key='Overdue'] dd").first).to_have_text("1")
    aside(story.receive)
    for page in (mine, theirs):
        expect(page.locator("[data-key='Overdue'] dd").first).to_have_text("0")
        expect(page.locator("[data-key='Came late'] dd").first).to_have_text("1")
        expect(page.locator("[data-chart=kept] svg")).to_be_visible()
        assert is_the_same(page)
