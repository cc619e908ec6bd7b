"""Parts of a page that fetch themselves anew: what is said while one is fetching is not lost, and a house that is away for the moment is asked again."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.desk import Desk, hire, live
from tests.cast import Member, make_pair, move, order

Opened = tuple[Desk, Page, Member, Member, uuid.UUID]
HEAD = "**/parts/head/"


@pytest.fixture
def opened(sit_down: Callable[..., Desk], aside: Callable[..., Any]) -> Opened:
    """The buyer has the page of a published order open, and hears what happens."""
    buyer, seller = aside(make_pair)
    uid = aside(order, buyer, seller)
    desk = sit_down(language="en")
    page = desk.sign_in(aside(hire, buyer, "buyer"))
    page.goto(f"/documents/orders/{uid}/")
    live(page)
    return desk, page, buyer, seller, uid


def until(page: Page, true: Callable[[], bool]) -> None:
    """Let the page live until something is true."""
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end, "it took too long"
        page.wait_for_timeout(50)


def test_what_is_said_while_a_part_fetches_itself_is_not_lost(opened: Opened, aside: Callable[..., Any]) -> None:
    """The answer that tells of the first move only is held back until the second one is told."""
    desk, page, buyer, seller, uid = opened
    held: list[tuple[Route, Any]] = []

    def hold(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append((route, route.fetch()))

    page.route(HEAD, hold)
    aside(move, seller, uid, "acknowledge")
    until(page, lambda: bool(held))
    aside(move, buyer, uid, "cancel")
    until(page, lambda: any("order.cancelled" in frame for frame in desk.heard))
    route, answer = held[0]
    route.fulfill(response=answer)
    expect(page.locator(".document-state")).to_contain_text("Cancelled")


def test_a_part_that_got_no_answer_asks_again(opened: Opened, aside: Callable[..., Any]) -> None:
    desk, page, _buyer, seller, uid = opened
    desk.expected |= {503}
    refused: list[str] = []

    def refuse(route: Route) -> None:
        if len(refused) < 2:
            refused.append(route.request.url)
            route.fulfill(status=503, body="later")
        else:
            route.continue_()

    page.route(HEAD, refuse)
    aside(move, seller, uid, "acknowledge")
    expect(page.locator(".document-state")).to_contain_text("Acknowledged", timeout=15_000)
    assert len(refused) == 2
