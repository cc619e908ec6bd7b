"""What an item is made of, in a browser: entered without scripts, told where it is wrong, legible for everybody."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from apps.catalog import services as catalog
from tests.browser.desk import Desk, hire
from tests.browser.test_access import LANGUAGES, violations
from tests.cast import AT, Member, make_pair, stock
from tests.catalog.test_workbook import LINE, book

PARTS = {
    "FR-200": ("Refrigerator 200", "冰箱 200", "make"),
    "DR-20": ("Door, insulated", "保温门", "make"),
    "SH-7": ("Glass shelf", "玻璃搁板", "buy"),
    "SH-9": ("Steel shelf", "钢搁板", "stock"),
    "SC-4": ("Screw M4 × 12", "螺钉 M4×12", "buy"),
    "PU-1": ("Foam", "发泡料", "buy"),
}


def build(buyer: Member, seller: Member) -> dict[str, uuid.UUID]:
    """A refrigerator with a door, shelves under a condition, an alternate and sources. The ids by number."""
    units = {"PU-1": "KGM"}
    ids = {
        number: stock(buyer, number, name, name_zh=zh, procurement=how, unit=units.get(number, "C62"), of={seller.slug: f"V{number}"}).pk
        for number, (name, zh, how) in PARTS.items()
    }
    said: dict[str, Any] = {"by": buyer.actor, "at": AT}
    with buyer.acting():
        catalog.save_component(item="FR-200", component="DR-20", quantity="if(doors = french, 2, 1)", **said)
        shelf = "shelves = glass and height > 1200"
        line = catalog.save_component(item="FR-200", component="SH-7", quantity="ceil(height / 400)", condition=shelf, scrap="2.5", **said)
        catalog.save_component(item="FR-200", component="SH-9", alternate_of=20, **said)
        catalog.save_component(item="DR-20", component="SC-4", quantity="8", fixed="4", **said)
        catalog.save_component(item="DR-20", component="PU-1", quantity="0.85", valid_until="2026-12-31", **said)
        source = catalog.save_source(item="SC-4", partner=seller.slug, lead_days=7, transport_days=2, minimum="1000", multiple="500", price="0.042", **said)
        catalog.save_site(code="HB1", name="Bremen plant", name_zh="不来梅工厂", address="Hafenstraße 7", city="Bremen", country="DE", **said)
    return {**ids, "line": line.pk, "source": source.pk}


@pytest.fixture(scope="module")
def workshop(aside: Callable[..., Any], house: Any) -> tuple[str, dict[str, uuid.UUID]]:
    """A planner's address, and what there is to see."""
    buyer, seller = aside(make_pair)
    return aside(hire, buyer, "planner"), aside(build, buyer, seller)


def test_a_line_is_entered_without_scripts(sit_down: Callable[..., Desk], workshop: tuple[str, dict[str, uuid.UUID]]) -> None:
    email, ids = workshop
    desk = sit_down(language="en", script=False)
    desk.expected |= {422}
    page = desk.sign_in(email)
    page.goto(f"/catalogue/items/{ids['SC-4']}/")
    page.locator(".item-tabs a", has_text="Made of").click()
    page.locator(".empty-page a", has_text="Add the first component").click()
    page.fill("[name=component]", "FR-200")
    page.click(".form-foot button[type=submit]")
    expect(page.locator(".field-error")).to_contain_text("This goes in a circle: SC-4 needs FR-200 needs DR-20 needs SC-4.")
    page.fill("[name=component]", "PU-1")
    page.fill("[name=quantity]", "0.002 *")
    page.click(".form-foot button[type=submit]")
    expect(page.locator(".field-error")).to_contain_text("(character 8)")
    page.fill("[name=quantity]", "0.002")
    page.click(".form-foot button[type=submit]")
    expect(page.locator(".parts tbody tr")).to_have_count(1)
    expect(page.locator(".parts")).to_contain_text("0.002 kg")
    page.locator(".parts .btn-square").click()
    page.locator(".btn-danger-soft").click()
    page.click(".form-foot button[type=submit]")
    expect(page.locator(".empty-page")).to_be_visible()


@pytest.mark.night
def test_a_workbook_is_told_cell_by_cell_without_scripts(sit_down: Callable[..., Desk], workshop: tuple[str, dict[str, uuid.UUID]]) -> None:
    email, _ids = workshop
    desk = sit_down(language="zh-hans", script=False)
    desk.expected |= {422}
    page = desk.sign_in(email)
    page.goto("/catalogue/import/")
    data = book(Components=[LINE, ("SH-7", 10, "SH-9", "0"), ("SH-7", 20, "PU-1", 1)])
    file: Any = {"name": "parts.xlsx", "mimeType": catalog.MEDIA_TYPE, "buffer": data}
    page.set_input_files("[name=file]", file)
    page.click("main form .btn-main")
    expect(page.locator(".findings tbody tr")).to_have_count(1)
    expect(page.locator(".findings")).to_contain_text("D2")
    page.set_input_files("[name=file]", file)
    page.check("[name=partial]")
    page.click("main form .btn-main")
    expect(page.locator(".notice")).to_contain_text("已接受 1 行。")


@pytest.mark.parametrize("language", LANGUAGES)
def test_nobody_is_kept_out(sit_down: Callable[..., Desk], workshop: tuple[str, dict[str, uuid.UUID]], axe: str, language: str) -> None:
    email, ids = workshop
    page = sit_down(language=language).sign_in(email)
    found = []
    for name, address in pages(ids).items():
        page.goto(address)
        found += violations(page, axe, name, whole=language == "en")
    assert found == []


def pages(ids: dict[str, uuid.UUID]) -> dict[str, str]:
    item = "/catalogue/items"
    return {
        "item": f"{item}/{ids['FR-200']}/",
        "structure": f"{item}/{ids['FR-200']}/structure/",
        "uses": f"{item}/{ids['PU-1']}/uses/",
        "sources": f"{item}/{ids['SC-4']}/sources/",
        "no-sources": f"{item}/{ids['SH-9']}/sources/",
        "line": f"/catalogue/components/{ids['line']}/",
        "remove": f"/catalogue/components/{ids['line']}/remove/",
        "source": f"/catalogue/sources/{ids['source']}/",
        "sites": "/catalogue/sites/",
        "site": "/catalogue/sites/new/",
        "import": "/catalogue/import/",
        "catalogue": "/catalogue/",
    }
