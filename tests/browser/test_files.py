"""A file beside an order: added by choosing it, or by a form alone, and there at once on the partner's open page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import FilePayload, expect

from tests.browser.desk import Desk, hire, is_the_same, live
from tests.cast import make_pair, order

PDF = FilePayload(name="drawing 图纸.pdf", mimeType="application/pdf", buffer=b"%PDF-1.7\n\x80 4711")


@pytest.mark.parametrize("script", [True, False])
def test_a_file_is_there_for_both(sit_down: Callable[..., Desk], aside: Callable[..., Any], script: bool) -> None:
    buyer, seller = aside(make_pair)
    path = f"/documents/orders/{aside(order, buyer, seller)}/"
    at_buyer, at_seller = sit_down(language="en", script=script), sit_down(language="en")
    bought = at_buyer.sign_in(aside(hire, buyer, "buyer"))
    at_seller.sign_in(aside(hire, seller, "seller"))
    sold = live(at_seller.page(path))
    bought.goto(path)
    bought.set_input_files("#attachment", [PDF])
    if not script:
        bought.click(".attach button[type=submit]")
    expect(bought.locator("#papers")).to_contain_text("drawing 图纸.pdf")
    expect(sold.locator("#papers")).to_contain_text("drawing 图纸.pdf")
    assert is_the_same(sold)
    with sold.expect_download() as loading:
        sold.locator("#papers a", has_text="drawing").click()
    assert loading.value.suggested_filename == "drawing 图纸.pdf"
    assert loading.value.path().read_bytes() == PDF["buffer"]
