"""A mail, a link, an answer: whoever has no account answers an order from his mailbox, in his language, on a phone."""

from __future__ import annotations

import email
import email.policy
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

from playwright.sync_api import expect

from apps.network import services
from tests import ground
from tests.browser.desk import NARROW, Desk, choose, hire, live, offer_otherwise
from tests.browser.test_access import violations
from tests.cast import AT, Member, fresh_number, line, make_pair, order

PATIENCE = 40.0
"""Seconds within which the worker has mailed what is due: it looks each ten."""


def mails_to(address: str) -> Iterator[email.message.EmailMessage]:
    """What was mailed to an address, as the house of the tests writes it into files."""
    for path in sorted((ground.RUN / "mail").glob("*")):
        for part in path.read_bytes().split(b"-" * 79):
            message = email.message_from_bytes(part.strip(), policy=email.policy.default)
            if isinstance(message, email.message.EmailMessage) and message["To"] == address:
                yield message


def link_to(address: str, kind: str, *, having: str = "") -> str:
    """Wait for the mail to an address; gives the way to which its link leads."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        for message in mails_to(address):
            text = message.get_content()
            if having in f"{message['Subject']} {text}" and (found := re.search(rf"/{kind}/[\w-]+/", text)):
                return found[0]
        time.sleep(0.2)
    raise AssertionError(f"nothing was mailed to {address}")


def tell(member: Member, address: str, language: str) -> None:
    with member.acting():
        services.add_contact(email=address, language=language, by=member.actor, at=AT)


def test_an_order_is_answered_from_a_mail(sit_down: Callable[..., Desk], aside: Callable[..., Any], axe: str) -> None:
    buyer, seller = aside(make_pair)
    english, chinese = f"sales@{seller.slug}.example", f"xiaoshou@{seller.slug}.example"
    aside(tell, seller, english, "en")
    aside(tell, seller, chinese, "zh-hans")
    first, second = fresh_number(), fresh_number()
    watched = live(sit_down(language="en").sign_in(aside(hire, buyer, "buyer")))
    aside(order, buyer, seller, [line("A-1"), line("A-2", "12", "9.90")], number=first)
    uid = aside(order, buyer, seller, number=second)
    watched.goto(f"/documents/orders/{uid}/")
    live(watched)

    desk = sit_down(width=NARROW)
    desk.expected |= {410}
    page = desk.page(link_to(english, "answer", having=first))
    expect(page.locator("h1")).to_have_text(f"{buyer.home.name} waits for your answer")
    assert violations(page, axe, "answer") == []
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW
    offer_otherwise(page, 0, price="81.50", schedules=[("2027-01-15", "25"), ("2027-02-01", "15")])
    choose(page, 1, "reject")
    page.fill("[name=lines-1-reason]", "sold out")
    page.click(".form-foot button.btn-main")
    expect(page.locator("h1")).to_have_text("Your answer was sent")
    page.goto(link_to(english, "answer", having=first))
    expect(page.locator("h1")).to_have_text("This link has been used")
    assert violations(page, axe, "answer used") == []

    other = sit_down()
    page = other.page(link_to(chinese, "answer", having=second))
    expect(page.locator("h1")).to_have_text(f"{buyer.home.name} 等待您的答复")
    assert violations(page, axe, "answer in Chinese") == []
    page.click("button[name=accept_all]")
    expect(page.locator("h1")).to_have_text("您的答复已发送")
    expect(watched.locator(".document-state")).to_contain_text("Agreed")
    expect(watched.locator("#document-history")).to_contain_text(chinese)
    assert [cookie["name"] for cookie in other.context.cookies() if cookie["name"] == "sessionid"] == []


def test_an_order_is_answered_from_a_mail_without_scripts(sit_down: Callable[..., Desk], aside: Callable[..., Any]) -> None:
    buyer, seller = aside(make_pair)
    address, number = f"sales@{seller.slug}.example", fresh_number()
    aside(tell, seller, address, "en")
    aside(order, buyer, seller, number=number)
    page = sit_down(script=False).page(link_to(address, "answer", having=number))
    offer_otherwise(page, 0, price="80", schedules=[("2027-01-15", "10"), ("2027-01-20", "30")])
    page.click(".form-foot button.btn-main")
    expect(page.locator("h1")).to_have_text("Your answer was sent")
