"""The schedule in a browser: drawn, legible for everybody without the picture too, and anew within a second when a machine breaks."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from apps.base import clock
from apps.scheduling import models
from apps.scheduling import services as scheduling
from tests.browser.desk import Desk, hire, live
from tests.browser.test_access import violations
from tests.cast import Member, make_pair
from tests.scheduling.works import furnish

PLACES = (
    "",
    "?view=orders",
    "load/",
    "resources/",
    "calendars/",
    "operations/",
    "resources/new/",
    "calendars/new/",
    "operations/new/",
)


@pytest.fixture(scope="module")
def works(aside: Callable[..., Any], house: Any) -> tuple[Member, str]:
    """A works with promises, a hold and a late one, and its planner's address."""
    buyer, seller = aside(make_pair)
    aside(furnish, seller, buyer.id, clock.now())
    return seller, aside(hire, seller, "planner")


def picture(page: Any, name: str) -> None:
    """Keep a picture for eyes, where somebody wants one."""
    if folder := os.environ.get("LOOK"):
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


@pytest.mark.parametrize(
    ("language", "width", "scheme"),
    [
        ("zh-hans", 390, "light"),
        *(pytest.param(*each, marks=pytest.mark.night) for each in (("en", 1280, "light"), ("zh-hans", 1280, "dark"), ("en", 390, "dark"))),
    ],
)
def test_every_page_is_legible(sit_down: Callable[..., Desk], works: tuple[Member, str], axe: str, language: str, width: int, scheme: str) -> None:
    desk = sit_down(language=language, width=width)
    page = desk.sign_in(works[1])
    for place in PLACES:
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"/schedule/{place}")
        page.evaluate("scheme => { document.documentElement.dataset.bsTheme = scheme; window.dispatchEvent(new Event('theme')) }", scheme)
        if not place or place.startswith("?"):
            expect(page.locator("[data-gantt] svg path").first).to_be_attached()
        picture(page, f"schedule-{place.strip('/?').replace('/', '-').replace('=', '-') or 'plan'}-{language}-{width}-{scheme}")
        assert violations(page, axe, place or "plan") == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), place
    page.set_viewport_size({"width": width, "height": 900})
    page.goto("/schedule/")
    page.locator("summary", has_text="表" if language == "zh-hans" else "table").first.click()
    page.goto(page.locator("a.row-link[href*='/schedule/jobs/']").first.get_attribute("href") or "")
    picture(page, f"schedule-job-{language}-{width}-{scheme}")
    assert violations(page, axe, "job") == []


def test_a_broken_machine_is_seen_at_once(sit_down: Callable[..., Desk], works: tuple[Member, str], aside: Callable[..., Any]) -> None:
    member, email = works
    page = sit_down(language="en").sign_in(email)
    page.goto("/schedule/")
    live(page)

    def deed(work: Callable[..., object], **more: Any) -> None:
        with member.acting():
            work(resource=models.Resource.objects.get(code="PRESS-2").pk, by=member.actor, at=clock.now(), **more)

    aside(deed, scheduling.break_resource, until=clock.now() + dt.timedelta(hours=5), reason="Hydraulics")
    expect(page.locator("[data-key=down-PRESS-2]")).to_contain_text("Hydraulics", timeout=5_000)
    aside(deed, scheduling.repair_resource)
    expect(page.locator("[data-key=down-PRESS-2]")).to_have_count(0, timeout=5_000)


def test_the_plan_is_read_and_a_machine_broken_without_scripts(sit_down: Callable[..., Desk], works: tuple[Member, str]) -> None:
    desk = sit_down(language="en", script=False)
    desk.expected |= {422}
    page = desk.sign_in(works[1])
    page.goto("/schedule/")
    expect(page.locator("table.ledger tbody tr").first).to_be_attached()
    page.locator(".schedule-tabs a", has_text="Resources").click()
    page.locator("tr", has_text="PRESS-1").locator("a", has_text="It is down").click()
    page.fill("[name=until]", "2020-01-01T00:00")
    page.click(".form-foot button[type=submit]")
    expect(page.locator(".field-error")).to_contain_text("after now")
    page.fill("[name=until]", f"{clock.now() + dt.timedelta(days=1):%Y-%m-%dT%H:%M}")
    page.fill("[name=reason]", "Bearing")
    page.click(".form-foot button[type=submit]")
    row = page.locator("tr", has_text="PRESS-1")
    expect(row).to_contain_text("Bearing")
    row.locator("button", has_text="It runs again").click()
    expect(page.locator("tr", has_text="PRESS-1")).not_to_contain_text("Bearing")


def test_a_replan_runs_in_the_background_and_tells_what_came_of_it(sit_down: Callable[..., Desk], works: tuple[Member, str]) -> None:
    page = sit_down(language="en").sign_in(works[1])
    page.goto("/schedule/")
    page.select_option("[name=seconds]", "60")
    page.locator("button", has_text="Plan everything anew").click()
    live(page)
    # In a moment the worker takes it; the page hears how it ends.
    expect(page.locator("#schedule-run")).to_contain_text("Planned anew.", timeout=90_000)
    expect(page.locator("#schedule-run dd").first).to_have_text("5")
    expect(page.locator("button", has_text="Plan everything anew")).to_be_visible()
