"""Somebody at a browser: signs in, reads, types; and what his browser heard and complained about."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Request, ViewportSize, WebSocket, expect, sync_playwright

from apps.accounts import services as accounts
from apps.base.acting import in_lobby
from tests.cast import AT, Member, outside

CHROMIUM = Path("/usr/bin/chromium")
AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update",
    "--disable-default-apps", "--disable-domain-reliability", "--disable-sync", "--metrics-recording-only", "--no-first-run", "--no-pings",
    # The address bar that nobody sees would be two pages more for each browser, drawn at its start: most of what a new one costs.
    "--disable-features=OptimizationHints,MediaRouter,Translate,WebUIOmniboxPopup,WebUIOmniboxAimPopup",
)  # fmt: skip
PASSWORD = "correct horse battery staple"
MARK = "window.stillTheSamePage"
# The browser's own words for an answer of 400 or more; whether one was meant is for the test to say.
STATUS = re.compile(r"(?:status of|Status Error Code) (\d{3})")
WIDE, NARROW = 1280, 390


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(QUIET))
        expect.set_options(timeout=10_000)
        yield browser
        browser.close()


def hire(member: Member, role: str = "administrator", name: str = "", email: str = "", language: str = "") -> str:
    """Let a person with a password work for an enterprise. Gives the e-mail address."""
    address = email or f"{role}.{member.slug}@example.com"

    def join() -> None:
        with in_lobby():
            accounts.join(
                enterprise=member.id, email=address, role=role, name=name or f"{role.title()} of {member.slug}", password=PASSWORD, language=language, at=AT
            )

    outside(join)
    return address


@dataclass
class Desk:
    """One browser, as private as a person's own. expected: the answers of 400 or more that the test means to get."""

    context: BrowserContext
    origin: str
    expected: set[int] = field(default_factory=set)
    heard: list[str] = field(default_factory=list)
    sockets: int = 0
    elsewhere: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    @classmethod
    def open(cls, browser: Browser, origin: str, *, language: str = "", width: int = WIDE, script: bool = True) -> Desk:
        """language: `en` or `zh-hans`, as chosen by the person; empty: as the browser says."""
        size = ViewportSize(width=width, height=900)
        context = browser.new_context(base_url=origin, viewport=size, java_script_enabled=script, locale="en-GB", timezone_id="Europe/Berlin")
        if language:
            context.add_cookies([{"name": "django_language", "value": language, "url": origin}])
        desk = cls(context, origin)
        context.on("request", desk._on_request)
        context.on("console", desk._on_console)
        context.on("weberror", lambda error: desk.complaints.append(str(error.error)))
        context.on("page", lambda page: page.on("websocket", desk._on_socket))
        return desk

    def _on_request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob") and f"{parts.scheme}://{parts.netloc}" != self.origin:
            self.elsewhere.append(request.url)

    def _on_console(self, message: ConsoleMessage) -> None:
        found = STATUS.search(message.text)
        if message.type in ("error", "warning") and not (found and int(found.group(1)) in self.expected):
            self.complaints.append(f"{message.text} ({message.location.get('url')})")

    def _on_socket(self, socket: WebSocket) -> None:
        self.sockets += 1
        socket.on("framereceived", lambda payload: self.heard.append(str(payload)))

    def troubles(self) -> list[str]:
        return [*(f"asked elsewhere: {url}" for url in self.elsewhere), *(f"complained: {text}" for text in self.complaints)]

    def page(self, path: str = "") -> Page:
        page = self.context.new_page()
        if path:
            page.goto(path)
        return page

    def sign_in(self, email: str, page: Page | None = None) -> Page:
        """Through the form, as everybody does."""
        page = page or self.page()
        page.goto("/accounts/login/")
        page.fill("input[name=login]", email)
        page.fill("input[name=password]", PASSWORD)
        page.click("main form button[type=submit]")
        page.wait_for_url(f"{self.origin}/")
        return page


def live(page: Page) -> Page:
    """Wait until the page hears what happens, and mark it: a full load would wipe the mark."""
    expect(page.locator("[data-live=on]").first).to_be_attached()
    page.evaluate(f"{MARK} = true")
    return page


def is_the_same(page: Page) -> bool:
    """Whether the page has not been loaded anew since `live`."""
    return bool(page.evaluate(f"{MARK} === true"))


def lines(page: Page) -> Locator:
    return page.locator("[data-line]")


def type_order(page: Page, *, partner: str, number: str, rows: list[dict[str, str]]) -> None:
    """Fill the entry form, adding a line by its button for each row after the first. rows: item, quantity, price, due_on."""
    page.select_option("[name=partner]", partner)
    page.fill("[name=number]", number)
    page.select_option("[name=currency]", "EUR")
    for index, row in enumerate(rows):
        if index:
            page.click("button[name=add_line]")
        expect(lines(page)).to_have_count(index + 1)
        for name in ("item", "quantity", "price"):
            page.fill(f"[name=lines-{index}-{name}]", row[name])
        page.fill(f"[name=lines-{index}-schedules-0-due_on]", row["due_on"])


def offer_otherwise(page: Page, index: int, *, price: str, schedules: list[tuple[str, str]], reason: str = "") -> None:
    """Answer one line with another price and other dates (day, quantity), adding each date after the first by its button."""
    choose(page, index, "change")
    page.fill(f"[name=lines-{index}-price]", price)
    for place, (day, quantity) in enumerate(schedules):
        if place:
            lines(page).nth(index).locator("button[name=add_schedule]").click()
        page.fill(f"[name=lines-{index}-schedules-{place}-due_on]", day)
        page.fill(f"[name=lines-{index}-schedules-{place}-quantity]", quantity)
    if reason:
        page.fill(f"[name=lines-{index}-reason]", reason)


def choose(page: Page, index: int, response: str) -> None:
    """Press one of the answers to a line."""
    page.locator(f"label:has([name=lines-{index}-response][value={response}])").click()


def move(page: Page, code: str) -> None:
    """Make a move by its button or link on the document's page, in the menu of further moves if it stands there."""
    target = page.locator(f"a[href$='/moves/{code}/'], form[action$='/moves/{code}/'] button")
    if not target.first.is_visible():
        page.locator(".document-moves details.drop > summary").click()
    target.first.click()


def told(page: Page) -> list[dict[str, str]]:
    """The history as the page tells it, the oldest first: what both sides see, without the times."""
    steps = page.locator("#document-history .step").evaluate_all(
        "steps => steps.map(s => ({label: s.querySelector('b').innerText, words: [...s.querySelectorAll('p')].map(p => p.innerText).join(' / ')}))"
    )
    return list(reversed(steps))
