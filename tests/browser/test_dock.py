"""The dock on a telephone: packed, shipped, scanned and received; the focus stays in the scan field, and the order closes before everybody's eyes."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from apps.catalog import selectors as catalog
from tests.browser.desk import NARROW, Desk, hire, is_the_same, live
from tests.browser.test_access import violations
from tests.cast import Member, line, stock
from tests.logistics.deliveries import advice, agreed, partners, receipt

Sit = Callable[..., Desk]
RED, WHITE = "a" * 64, "b" * 64
# What a thumb must hit: all that is pressed, typed into or ticked, but what stands within a sentence.
SMALL = """() => [...document.querySelectorAll('main button, main .btn, main input:not([type=hidden]), main select, main summary, nav a')]
  .filter(each => each.offsetParent && !each.closest('.said-only') && !each.classList.contains('said-only'))
  .map(each => [each, (each.matches('[type=checkbox]') ? each.closest('label') : each).getBoundingClientRect()])
  .filter(([each, box]) => box.height < 44).map(([each, box]) => `${box.height} ${each.outerHTML.slice(0, 120)}`)"""


def doors(digest: str, en: str, zh: str) -> dict[str, Any]:
    return {"details": {"configuration": {"product": "DOOR", "release": 1, "digest": digest, "choices": {}, "text": {"en": en, "zh": zh}}}}


def goods() -> tuple[Member, Member, uuid.UUID]:
    """Partners, and an order of two white doors and three compressors; red ones were ordered elsewhere."""
    buyer, seller = partners()
    stock(buyer, "A-DOOR", "Door panel", name_zh="门板")
    stock(seller, "S-DOOR", "Door panel", name_zh="门板", of={buyer.slug: "A-DOOR"})
    agreed(buyer, seller, [line("A-1"), {**line("A-DOOR", "1"), **doors(RED, "red", "红色")}], number="4711")
    order = agreed(buyer, seller, [{**line("A-DOOR", "2"), **doors(WHITE, "white", "白色")}, line("A-2", "3")], number="4713")
    return buyer, seller, order


def scan(page: Page, code: str) -> None:
    """As a scanner does: keys and Enter, wherever the focus is."""
    page.keyboard.type(code)
    page.keyboard.press("Enter")


@pytest.mark.parametrize("script", [True, pytest.param(False, marks=pytest.mark.night)], ids=["with scripts", "without scripts"])
def test_a_delivery_goes_over_two_docks(sit_down: Sit, aside: Callable[..., Any], script: bool) -> None:
    buyer, seller, order = aside(goods)
    at_seller, at_buyer = (sit_down(language=language, width=NARROW, script=script) for language in ("zh-hans", "en"))
    sold, bought = at_seller.sign_in(aside(hire, seller, "dock", "王")), at_buyer.sign_in(aside(hire, buyer, "dock", "Rita"))
    shown = at_buyer.page(f"/documents/orders/{order}/")
    if script:
        live(shown)

    # Packed: a red door does not come into this box.
    sold.goto("/dock/")
    expect(sold.locator("h1")).to_have_text("待发货")
    for box in sold.locator(".ship-line", has_text="4711").locator("input[type=checkbox]").all():
        box.uncheck()
    sold.locator(".ship-group button[type=submit]").click()
    expect(sold.locator("#scan-code")).to_be_focused()
    scan(sold, RED)
    expect(sold.locator("[data-scanned=wrong]")).to_have_text("这是订单 4711 第 2 行的门板 红色；您面前的箱子需要白色。")
    expect(sold.locator("#scan-code")).to_be_focused()
    scan(sold, WHITE)
    expect(sold.locator("[data-scanned=right]")).to_contain_text("1 / 2")
    sold.fill("#packs-1", "2")
    sold.fill("#packs-2", "1")
    sold.check("#pallet")
    sold.click("button[name=save]")
    expect(sold.locator(".packs-unit")).to_have_count(4)
    pallet = sold.locator(".sscc").first.inner_text()
    sold.click("button[name=ship]")
    expect(sold.locator(".document-state")).to_contain_text("在途")
    if script:
        expect(shown.locator(".document-state")).to_contain_text("Shipped")
        assert is_the_same(shown)

    # Received: the pallet is scanned, a strange box is stopped, one piece is broken.
    bought.goto("/dock/expected/")
    bought.locator(".dock-result").click()
    expect(bought.locator("#scan-code")).to_be_focused()
    scan(bought, "A-1")
    expect(bought.locator("[data-scanned=wrong]")).to_contain_text("This is Item 1; the delivery in front of you needs Door panel white, Item 2.")
    scan(bought, f"(00){pallet}")
    expect(bought.locator("[data-scanned=right]")).to_contain_text(f"Pallet {pallet}: 2 pcs Door panel white, 3 pcs Item 2")
    expect(bought.locator("#scan-code")).to_be_focused()
    expect(bought.locator("#received-1")).to_have_value("2")
    expect(bought.locator("#received-2")).to_have_value("3")
    bought.locator(".receive-reject summary").nth(1).click()
    bought.fill("#rejected-2", "1")
    bought.select_option("#reason-2", "1")
    bought.select_option("#action-2", "2")
    bought.click("button[name=receive]")
    expect(bought.locator(".document-lines")).to_contain_text("broken → credit and cancel")
    if script:
        expect(shown.locator(".document-state")).to_contain_text("Closed short")
        assert is_the_same(shown)
    sold.goto(f"/documents/orders/{order}/")
    expect(sold.locator(".document-state")).to_contain_text("短缺完成")


BEGIN = """() => {
  document.body.addEventListener("htmx:afterSwap", () => document.querySelector("#received-1").focus(), { once: true });
  document.body.addEventListener("htmx:afterSettle", () => { window.focused = document.activeElement.id; }, { once: true });
}"""


def test_what_is_typed_anywhere_goes_into_the_scan_field(sit_down: Sit, aside: Callable[..., Any]) -> None:
    buyer, seller, order = aside(goods)
    sent = aside(advice, seller, [{"order": order, "line": 2, "quantity": "3"}])
    page = sit_down(language="en", width=NARROW).sign_in(aside(hire, buyer, "dock"))
    page.goto(f"/dock/receiving/{sent}/")
    page.locator("h1").click()
    scan(page, "A-2")
    expect(page.locator("[data-scanned=right]")).to_contain_text("1 of 3")
    page.locator("h1").click()
    scan(page, "A-2")
    expect(page.locator("[data-scanned=right]")).to_contain_text("2 of 3")
    expect(page.locator("#received-1")).to_have_value("2")
    # Somebody who types a number is left alone.
    page.locator("#received-1").fill("3")
    page.keyboard.type(".5")
    expect(page.locator("#received-1")).to_have_value("3.5")
    # Also where he begins at the very moment at which the page is drawn anew.
    page.locator("h1").click()
    page.evaluate(BEGIN)
    scan(page, "A-2")
    page.wait_for_function("window.focused")
    assert page.evaluate("window.focused") == "received-1"


def test_a_scanner_that_is_quicker_than_the_answers_loses_nothing(sit_down: Sit, aside: Callable[..., Any]) -> None:
    buyer, seller, order = aside(goods)
    sent = aside(advice, seller, [{"order": order, "line": 1, "quantity": "2"}, {"order": order, "line": 2, "quantity": "3"}])
    desk = sit_down(language="en", width=NARROW)
    desk.expected.add(503)
    page = desk.sign_in(aside(hire, buyer, "dock"))
    # Looked at from the beginning: a request that follows at once upon the first interception may still go past it.
    silent: list[bool] = []
    page.route("**/dock/receiving/**", lambda route: route.fulfill(status=503, body="") if silent else route.continue_())
    page.goto(f"/dock/receiving/{sent}/")
    for code in (WHITE, "A-2", "A-2", WHITE):
        scan(page, code)
    page.keyboard.type("A-")
    expect(page.locator("#received-1")).to_have_value("2")
    expect(page.locator("#received-2")).to_have_value("2")
    page.keyboard.type("2")
    silent.append(True)
    page.keyboard.press("Enter")
    # What a house that does not answer has not taken stands in the field again.
    expect(page.locator("#scan-code")).to_have_value("A-2")
    expect(page.locator("#received-2")).to_have_value("2")
    silent.clear()
    page.keyboard.press("Enter")
    expect(page.locator("#received-2")).to_have_value("3")
    expect(page.locator("#scan-code")).to_have_value("")


def test_a_thumb_hits_everything_and_nobody_is_kept_out(sit_down: Sit, aside: Callable[..., Any], axe: str) -> None:
    def tell() -> tuple[str, dict[str, str]]:
        buyer, seller, order = goods()
        units = [{"type": "PX", "contains": [{"contains": [{"line": 1, "quantity": "1"}]}]}]
        packed = advice(seller, [{"order": order, "line": 2, "quantity": "1", "lot": "L-7"}], units=units, ship=False)
        sent = advice(seller, [{"order": order, "line": 1, "quantity": "1"}], units=units)
        done = advice(seller, [{"order": order, "line": 2, "quantity": "1"}])
        got = receipt(buyer, done, [{"line": 1, "received": "1", "rejected": "1", "reason": 99, "action": 1}])
        answer = seller.api.post("stock/moves/", {"item": "S-2", "quantity": "12", "from": "production", "to": "stock", "lot": "L-7"})
        assert answer.status_code == 201
        with seller.acting():
            item = catalog.items().get(number="S-2").pk
        pages = {
            "to-ship": "/dock/", "packing": f"/dock/packing/{packed}/", "replacing": f"/dock/packing/{sent}/", "labels": f"/dock/packing/{packed}/labels/",
            "expected": "/dock/expected/", "stock": "/dock/stock/", "stock-item": f"/dock/stock/{item}/", "order": f"/documents/orders/{order}/",
            "advice": f"/documents/despatch-advices/{sent}/", "receipt": f"/documents/receipt-advices/{got}/",
        }  # fmt: skip
        return hire(seller, name="Ada 李"), pages

    email, pages = aside(tell)
    page = sit_down(language="en").sign_in(email)
    found: list[str] = []
    for name, address in pages.items():
        page.goto(address)
        found += violations(page, axe, name)
        if name not in ("order", "advice", "receipt"):
            found += [f"{name}: {what}" for what in page.evaluate(SMALL)]
    assert found == []


def test_receiving_keeps_nobody_out(sit_down: Sit, aside: Callable[..., Any], axe: str) -> None:
    def tell() -> tuple[str, uuid.UUID]:
        buyer, seller, order = goods()
        sent = advice(seller, [{"order": order, "line": 1, "quantity": "2"}, {"order": order, "line": 2, "quantity": "3"}], arrives_on="2020-01-01")
        return hire(buyer, "dock", name="Rita"), sent

    email, sent = aside(tell)
    page = sit_down(language="zh-hans").sign_in(email)
    found: list[str] = []
    for name, address in (("expected", "/dock/expected/"), ("receiving", f"/dock/receiving/{sent}/")):
        page.goto(address)
        if name == "receiving":
            page.locator(".receive-reject summary").first.click()
            scan(page, "A-3")
            expect(page.locator("[data-scanned=wrong]")).to_be_visible()
        found += violations(page, axe, name)
        found += [f"{name}: {what}" for what in page.evaluate(SMALL)]
    assert found == []
