"""Many orders answered by one workbook, and a move on many that were picked: in a browser, on a house with its worker, in both languages."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
from playwright.sync_api import expect

from apps.documents import services
from tests.browser.desk import NARROW, Desk, hire, live
from tests.browser.test_access import violations
from tests.cast import make_pair, order

COLUMNS = [column.code for column in services.SHEET.columns]


def filled(path: Path, *answers: str) -> bytes:
    """The workbook that was downloaded, with an answer on each row."""
    book = openpyxl.load_workbook(io.BytesIO(path.read_bytes()))
    for number, answer in enumerate(answers, start=2):
        book.worksheets[0].cell(number, COLUMNS.index("answer") + 1).value = answer
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def upload(page: Any, body: bytes) -> None:
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    page.set_input_files("#answers-file", {"name": "answers.xlsx", "mimeType": kind, "buffer": body})
    page.click("form.sheet button.btn-main")


def download(page: Any) -> Path:
    with page.expect_download() as taken:
        page.click("a.btn-main[download]")
    return Path(taken.value.path())


def test_many_orders_are_answered_by_one_workbook(sit_down: Callable[..., Desk], aside: Callable[..., Any], axe: str) -> None:
    buyer, seller = aside(make_pair)
    keys = [aside(order, buyer, seller, 2, number=f"WB-{number}") for number in range(3)]
    watched = live(sit_down(language="en").sign_in(aside(hire, buyer, "buyer")))
    watched.goto(f"/documents/orders/{keys[2]}/")
    live(watched)

    person = aside(hire, seller, "seller")
    page = live(sit_down(language="en").sign_in(person))
    page.goto("/documents/orders/")
    page.get_by_role("link", name="Answer by table").click()
    expect(page.get_by_text("3 documents wait for your answer")).to_be_visible()
    assert violations(page, axe, "answers") == []
    table = download(page)
    upload(page, filled(table, "accept", "perhaps", *["accept"] * 4))
    expect(page.get_by_text("“perhaps” is no answer.")).to_be_visible()
    assert violations(page, axe, "what to mend") == []
    page.get_by_role("button", name="Discard").click()
    expect(page.get_by_text("It was discarded: nothing was said.")).to_be_visible()
    page.get_by_role("link", name="Answer by table").click()
    upload(page, filled(table, *["accept"] * 6))
    page.get_by_role("button", name="Say it: 3 documents, all or nothing").click()
    expect(page.locator(".facts")).to_contain_text("Said3")
    assert violations(page, axe, "what was said") == []
    expect(watched.locator("#document-head")).to_contain_text("Agreed")


def test_the_good_part_is_said_on_a_phone_in_chinese(sit_down: Callable[..., Desk], aside: Callable[..., Any], axe: str) -> None:
    buyer, seller = aside(make_pair)
    for number in range(3):
        aside(order, buyer, seller, number=f"ZH-{number}")
    page = live(sit_down(width=NARROW, language="zh-hans").sign_in(aside(hire, seller, "seller")))
    page.goto("/documents/orders/answers/")
    upload(page, filled(download(page), "接受", "拒绝", "接受"))
    expect(page.locator(".findings")).to_contain_text("原因")
    assert violations(page, axe, "what to mend, in Chinese") == []
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW
    page.get_by_role("button", name="发出正确的部分：2 份单据").click()
    expect(page.locator(".facts")).to_contain_text("已发出2")
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW
    page.goto("/documents/orders/answers/")
    expect(page.get_by_text("1 份单据待您答复")).to_be_visible()
    assert violations(page, axe, "answers, in Chinese") == []


def test_several_are_picked_in_the_list_and_accepted_at_once(sit_down: Callable[..., Desk], aside: Callable[..., Any]) -> None:
    buyer, seller = aside(make_pair)
    for number in range(2):
        aside(order, buyer, seller, number=f"PK-{number}")
    page = live(sit_down(language="en").sign_in(aside(hire, seller, "seller")))
    page.goto("/documents/orders/")
    page.check("[data-pick-all]")
    page.locator(".pick-bar").get_by_role("button", name="Accept everything as asked").click()
    expect(page.locator(".facts")).to_contain_text("Said2")
