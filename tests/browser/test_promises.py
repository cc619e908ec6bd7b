"""Promises, needs and the chain of an order in the browser: readable by everybody, and live."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from apps.base import clock
from apps.catalog import selectors as catalog
from apps.catalog import services as catalogue
from apps.scheduling import selectors
from apps.scheduling import services as schedule
from tests.browser.desk import NARROW, WIDE, Desk, hire, is_the_same, live
from tests.browser.test_access import CUT, LANGUAGES, RULES, RUN
from tests.scheduling.chain import Chain, make_chain

DAYS = 14


class Story:
    """A chain with a held promise, a taken one, one that is late, and a need that waits for a click."""

    def __init__(self) -> None:
        self.at = clock.now()
        self.chain: Chain = make_chain(3)
        self.held = self.asked("10")
        self.taken = self.asked("20")
        self.order = self.ordered(self.taken, "4500012345")
        maker = self.chain.maker
        with maker.acting():
            item = catalog.ids(["N2"])["N2"]
            (source,) = catalog.sources(item)
            seller = self.chain.members[2].slug
            catalogue.save_source(id=source.id, item="N2", partner=seller, lead_days=5, policy="by_hand", asked=True, by=maker.actor, at=self.at)
        self.ordered(self.asked("5"), "4500012346")
        self.late = self.asked("900")
        self.customer, self.maker = (hire(member) for member in (self.chain.customer, maker))

    def asked(self, quantity: str) -> uuid.UUID:
        buyer = self.chain.customer
        with buyer.acting():
            day = self.at.date() + dt.timedelta(days=DAYS)
            asked = schedule.Asked(partner=self.chain.maker.slug, item="N1", quantity=Decimal(quantity), unit="C62", due_on=day, hold_minutes=600)
            return schedule.ask(asked, by=buyer.actor, at=self.at).document

    def ordered(self, promise: uuid.UUID, number: str) -> uuid.UUID:
        buyer = self.chain.customer
        with buyer.acting():
            return schedule.commit(document=promise, number=number, by=buyer.actor, at=self.at)

    def break_machine(self) -> dt.date:
        """The maker's machine is down for longer than there is time. Gives the day that holds now."""
        maker = self.chain.maker
        with maker.acting():
            (machine,) = selectors.resources()
            until = self.at + dt.timedelta(days=DAYS + 6)
            schedule.break_resource(resource=machine.pk, until=until, reason="Spindle", by=maker.actor, at=clock.now())
            record = selectors.record(self.taken)
        assert record is not None
        assert record.promised_on is not None
        return record.promised_on

    def pages(self) -> dict[str, tuple[str, str]]:
        """Each page with the person who looks at it."""
        another = f"?due_on={(self.at.date() + dt.timedelta(days=30)).isoformat()}"
        return {
            "new": (self.customer, "/schedule/promises/new/"),
            "held": (self.customer, f"/schedule/promises/{self.held}/"),
            "inside": (self.maker, f"/schedule/promises/{self.taken}/"),
            "late": (self.maker, f"/schedule/promises/{self.late}/"),
            "order": (self.customer, f"/documents/orders/{self.order}/"),
            "chain": (self.maker, f"/documents/orders/{self.order}/"),
            "document": (self.customer, f"/documents/promises/{self.held}/"),
            "impact": (self.customer, f"/documents/orders/{self.order}/impact/{another}"),
            "cancel": (self.customer, f"/documents/orders/{self.order}/moves/cancel/"),
            "needs": (self.maker, "/needs/?state=all"),
        }


@pytest.fixture(scope="module")
def story(aside: Callable[..., Any], house: Any) -> Story:
    told: Story = aside(Story)
    return told


def _check(page: Page, axe: str) -> list[Any]:
    page.evaluate(axe)
    return [*page.evaluate(RUN, RULES), *page.evaluate(CUT)]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("colours", ["light", pytest.param("dark", marks=pytest.mark.night)])
def test_everybody_can_read_it(sit_down: Callable[..., Desk], story: Story, axe: str, language: str, colours: Any) -> None:
    wrong = {}
    for email in (story.customer, story.maker):
        desk = sit_down(language=language)
        page = desk.sign_in(email)
        page.emulate_media(color_scheme=colours, reduced_motion="reduce")
        for name, (who, path) in story.pages().items():
            if who != email:
                continue
            page.goto(path)
            for width in (WIDE, NARROW):
                page.set_viewport_size({"width": width, "height": 900})
                if found := _check(page, axe):
                    wrong[f"{name} {width}"] = found
    assert wrong == {}


def test_it_works_without_scripts(sit_down: Callable[..., Desk], story: Story) -> None:
    page = sit_down(script=False).sign_in(story.customer)
    page.goto("/schedule/promises/new/")
    page.select_option("[name=seller]", story.chain.maker.slug)
    page.fill("[name=item]", "N1")
    page.fill("[name=quantity]", "2")
    page.click("main .form-foot button[type=submit]")
    expect(page.locator("main")).to_contain_text("Order now")
    page.fill("[name=number]", "NO-SCRIPT-1")
    page.click("text=Order now")
    expect(page.locator("h1")).to_have_text("NO-SCRIPT-1")


def test_a_moved_date_comes_to_the_customers_pages(sit_down: Callable[..., Desk], story: Story, aside: Callable[..., Any]) -> None:
    desk = sit_down()
    explorer = desk.sign_in(story.customer)
    explorer.goto(f"/schedule/promises/{story.taken}/")
    order = desk.page(f"/documents/orders/{story.order}/")
    for page in (explorer, order):
        live(page)
    moved = aside(story.break_machine)
    expect(explorer.locator("[data-key=now] time")).to_have_attribute("datetime", moved.isoformat())
    expect(order.locator("#panel-promised [data-key=now] time")).to_have_attribute("datetime", moved.isoformat())
    expect(order.locator(".chain")).to_contain_text("moved")
    assert is_the_same(explorer)
    assert is_the_same(order)
