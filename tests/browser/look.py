"""Pictures of the main pages, for eyes: `python -m tests.browser.look [--only WORD] [--dark] [SLUG …]`

Asks the running demo that `<VAR_DIR>/demo.json` tells of (VAR_DIR: `var` where unset), signs in as the first person of each enterprise
(`aurora`, where none is named), and writes `<VAR_DIR>/screenshots/PAGE-LANGUAGE-WIDTH.png` for both languages at 1280 and 390 pixels.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
VAR = Path(os.environ.get("VAR_DIR", Path(__file__).resolve().parents[2] / "var"))
SIZES: dict[str, tuple[int, int]] = {"1280": (1280, 900), "390": (390, 844)}
PLACES = {
    "today": "/",
    "orders": "/documents/orders/",
    "answers": "/documents/orders/answers/",
    "orders-none": "/documents/orders/?q=nothing-is-called-this",
    "new-order": "/documents/orders/new/",
    "network": "/network/",
    "invite": "/network/invite/",
    "catalogue": "/catalogue/",
    "new-item": "/catalogue/items/new/",
    "matching": "/catalogue/matching/",
    "settings": "/settings/",
    "search": "/search/?q=4500",
    "account-email": "/accounts/email/",
    "account-password": "/accounts/password/change/",
    "account-second-factor": "/accounts/2fa/",
    "nowhere": "/documents/orders/00000000-0000-7000-8000-000000000000/",
}
# Pages that are found by following the first link of a page.
FOUND = {
    "order-answered": ("/documents/orders/?state=confirmed", "[data-row-link]"),
    "order-waiting": ("/documents/orders/?waiting=on", "[data-row-link]"),
    "order-agreed": ("/documents/orders/?state=agreed", "[data-row-link]"),
    "item": ("/catalogue/", "a.row-link"),
    "partner": ("/network/", "a.row-link"),
}
# … and from there by another one.
BEYOND = {
    "answer": ("/documents/orders/?side=seller&waiting=on", "a[href$='/moves/confirm/']"),
    "counter": ("/documents/orders/?side=buyer&state=confirmed", "a[href$='/moves/counter/']"),
    "cancel": ("/documents/orders/?side=buyer&state=agreed", "a[href$='/moves/cancel/']"),
    "edit": ("/documents/orders/?state=draft", "a[href$='/edit/']"),
}


def places(page: Page) -> Iterator[tuple[str, str]]:
    """Name and address of every page that there is to look at for whoever has signed in."""
    yield from PLACES.items()
    for name, (start, link) in FOUND.items():
        if address := _follow(page, start, link):
            yield name, address
    for name, (start, link) in BEYOND.items():
        if (document := _follow(page, start, "[data-row-link]")) and (address := _follow(page, document, link)):
            yield name, address


def _follow(page: Page, start: str, link: str) -> str | None:
    page.goto(start)
    found = page.locator(link)
    return found.first.get_attribute("href") if found.count() else None


def sign_in(page: Page, user: dict[str, Any], slug: str) -> None:
    page.goto("/accounts/login/")
    page.fill("input[name=login]", user["email"])
    page.fill("input[name=password]", user["password"])
    page.click("main form button[type=submit]")
    page.wait_for_url("**/")
    if page.locator(f"form[action='/switch/'] button[value={slug}]").count():
        page.click(".enterprise summary")
        page.click(f"form[action='/switch/'] button[value={slug}]")
        page.wait_for_load_state()


def photograph(browser: Browser, cast: dict[str, Any], enterprise: dict[str, Any], *, only: str, dark: bool) -> Iterator[Path]:
    """Every page in both languages at both widths. The whole page, but for what stands fixed on the screen."""
    slug = enterprise["slug"]
    for language in ("en", "zh-hans"):
        context = browser.new_context(
            base_url=cast["url"],
            viewport={"width": 1280, "height": 900},
            locale="zh-CN" if language == "zh-hans" else "en-GB",
            color_scheme="dark" if dark else "light",
        )
        context.add_cookies([{"name": "django_language", "value": language, "url": cast["url"]}])
        page = context.new_page()
        page.goto("/accounts/login/")
        shots = [("login", page.url)] if slug in ("aurora", "") else []
        sign_in(page, enterprise["users"][0], slug)
        shots += list(places(page))
        for name, address in shots:
            if only not in name:
                continue
            if name == "login":
                context.clear_cookies(name="sessionid")
            page.goto(address)
            for width, (x, y) in SIZES.items():
                page.set_viewport_size({"width": x, "height": y})
                page.wait_for_timeout(600)
                target = VAR / "screenshots" / f"{slug}-{name}-{language}-{width}{'-dark' if dark else ''}.png"
                page.screenshot(path=target, full_page=True)
                yield target
            if name == "login":
                sign_in(page, enterprise["users"][0], slug)
        context.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.browser.look", description=__doc__)
    parser.add_argument("slugs", nargs="*", default=["aurora"])
    parser.add_argument("--only", default="", help="only pages whose name has this word")
    parser.add_argument("--dark", action="store_true")
    options = parser.parse_args()
    cast = json.loads((VAR / "demo.json").read_text("utf-8"))
    (VAR / "screenshots").mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"])
        for enterprise in cast["enterprises"]:
            if enterprise["slug"] in options.slugs:
                for target in photograph(browser, cast, enterprise, only=options.only, dark=options.dark):
                    print(target)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
