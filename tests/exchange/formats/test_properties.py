"""Whatever REST makes is the same after a journey through XML."""

import datetime
from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.exchange import formats

from .samples import BUYER, SELLER, XML

QUIET = settings(max_examples=150, deadline=None)

texts = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), min_size=1, max_size=20).filter(
    lambda text: text == text.strip(" \t\r\n")
)
days = st.dates(datetime.date(1900, 1, 1), datetime.date(2199, 12, 31))
units = st.sampled_from(["C62", "KGM", "MTR", "XBX"])


def numbers(least: str) -> st.SearchStrategy[str]:
    return st.decimals(least, "99999999", places=3, allow_nan=False).map(lambda number: format(number, "f"))


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


@st.composite
def schedules(draw: st.DrawFn, quantity: str, *, dated: bool) -> list[dict[str, str]]:
    """One of all, or two that add up to it."""
    due = days.map(str) if dated else st.none() | days.map(str)
    whole = Decimal(quantity)
    parts = [quantity]
    if whole > Decimal("0.001") and draw(st.booleans()):
        part = draw(st.decimals("0.001", whole - Decimal("0.001"), places=3))
        parts = [format(part, "f"), format(whole - part, "f")]
    made = [{"quantity": part, "due_on": draw(due)} for part in parts]
    return [{key: value for key, value in one.items() if value is not None} for one in made]


@st.composite
def order_lines(draw: st.DrawFn, number: int) -> dict[str, Any]:
    quantity = draw(numbers("0.001"))
    price = draw(optional(price=numbers("0")))
    return {
        "line": number,
        "reference": str(number * 10),
        "name": draw(texts),
        "quantity": quantity,
        "unit": draw(units),
        "schedules": draw(schedules(quantity, dated=False)),
        **price,
        **(draw(optional(price_base=numbers("0.001"))) if price else {}),
        **draw(optional(buyer_item=texts, seller_item=texts, gtin=texts, note=texts)),
    }


@st.composite
def orders(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "number": draw(texts),
        "issued_on": str(draw(days)),
        "currency": draw(st.sampled_from(["EUR", "CNY", "SEK"])),
        **draw(optional(note=texts)),
        "lines": [draw(order_lines(number)) for number in range(1, draw(st.integers(1, 4)) + 1)],
    }


@st.composite
def response_lines(draw: st.DrawFn, number: int) -> dict[str, Any]:
    line: dict[str, Any] = {
        "reference": str(number),
        "response": draw(st.sampled_from(["accept", "change", "reject", "add", "backorder"])),
    }
    line.update({"name": draw(texts), **draw(optional(reason=texts))})
    if line["response"] == "reject":
        return line
    quantity = draw(numbers("0.001"))
    line.update({"quantity": quantity, "unit": draw(units), **draw(optional(price=numbers("0")))})
    if line["response"] == "backorder":
        line["backorder"] = quantity
    if draw(st.booleans()):
        line["schedules"] = draw(schedules(quantity, dated=True))
    if draw(st.booleans()):
        line["substitute"] = {"name": draw(texts), **draw(optional(seller_item=texts, gtin=texts))}
    return line


@st.composite
def responses(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "number": draw(texts),
        "issued_on": str(draw(days)),
        "code": "CA",
        "order_number": draw(texts),
        "currency": draw(st.sampled_from(["EUR", "CNY", "SEK"])),
        **draw(optional(note=texts)),
        "lines": [draw(response_lines(number)) for number in range(1, draw(st.integers(1, 4)) + 1)],
    }


def core(content: dict[str, Any]) -> dict[str, Any]:
    lines = [{key: value for key, value in line.items() if key != "details"} for line in content["lines"]]
    return {**{key: value for key, value in content.items() if key != "details"}, "lines": lines}


def journey(kind: str, content: dict[str, Any]) -> None:
    body = formats.write(kind, content, buyer=BUYER, seller=SELLER, media_type=XML)
    message = formats.read(body, XML)
    # A response says no country: Peppol's has no place for it.
    parties = (BUYER, SELLER) if kind == "order" else (replace(BUYER, country=""), replace(SELLER, country=""))
    assert (message.kind, message.buyer, message.seller) == (kind, *parties)
    assert core(message.content) == content
    again = formats.write(kind, message.content, buyer=BUYER, seller=SELLER, media_type=XML)
    assert again == body


@QUIET
@given(orders())
def test_an_order_comes_back(content: dict[str, Any]) -> None:
    journey("order", content)


@QUIET
@given(responses())
def test_a_response_comes_back(content: dict[str, Any]) -> None:
    journey("order_response", content)
