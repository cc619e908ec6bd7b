"""Bad input: each fault has its place and its code, all of them are told at once, and nothing half is done."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import translation

from apps.base.findings import Invalid
from apps.documents import selectors
from apps.documents import services as documents
from tests.cast import AT, Cast, Member, fresh_number, line, make_pair, move, order, unchanged

DATE = [{"quantity": "40", "due_on": "2027-01-15"}]


@pytest.fixture(scope="module")
def partners(database: None) -> tuple[Member, Member]:
    return make_pair()


def refused(buyer: Member, seller: str, **more: Any) -> list[tuple[str, str]]:
    given = {"number": fresh_number(), "currency": "EUR", "lines": [line("A-1")], **more}
    with buyer.acting(), unchanged(buyer), pytest.raises(Invalid) as refusal:
        documents.draft(type="order", partner=seller, by=buyer.actor, at=AT, **given)
    assert all(finding.detail for finding in refusal.value)
    return [(finding.pointer, finding.code) for finding in refusal.value]


def nested(depth: int) -> dict[str, Any]:
    return {"in": nested(depth - 1)} if depth else {}


def lines_with(**changes: Any) -> dict[str, Any]:
    return {"lines": [{**line("A-1"), **changes}]}


@pytest.mark.parametrize(
    ("given", "findings"),
    [
        ({"number": ""}, [("/number", "required")]),
        ({"number": None}, [("/number", "required")]),
        ({"number": 7}, [("/number", "text"), ]),
        ({"number": "x" * 61}, [("/number", "too_long")]),
        ({"number": "4\x0050"}, [("/number", "control_character")]),
        ({"currency": "XXX"}, [("/currency", "currency")]),
        ({"currency": "eur"}, [("/currency", "currency")]),
        ({"currency": None}, [("/currency", "required")]),
        ({"currency": ["EUR"]}, [("/currency", "currency")]),
        ({"issued_on": "9999-01-01"}, [("/issued_on", "date_range")]),
        ({"note": "n" * 4001}, [("/note", "too_long")]),
        ({"details": "abc"}, [("/details", "object")]),
        ({"details": {"a": "\x00"}}, [("/details", "control_character")]),
        ({"details": {"\x01": [{"a": 1}]}}, [("/details", "control_character")]),
        ({"details": nested(30)}, [("/details", "too_deep")]),
        ({"lines": None}, [("/lines", "required")]),
        ({"lines": []}, [("/lines", "required")]),
        ({"lines": "A-1"}, [("/lines", "required")]),
        ({"lines": {"item": "A-1"}}, [("/lines", "required")]),
        ({"lines": ["A-1"]}, [("/lines/0", "line"), ("/lines/0/quantity", "number"), ("/lines/0/schedules", "required"), ("/lines/0/unit", "required")]),
        ({"lines": [line("A-1")] * 10_001}, [("/lines", "too_many")]),
        (lines_with(item="nothing"), [("/lines/0/item", "item")]),
        (lines_with(item=""), [("/lines/0/item", "item")]),
        (lines_with(unit="XXX"), [("/lines/0/unit", "unit")]),
        (lines_with(unit=None), [("/lines/0/unit", "required")]),
        (lines_with(quantity="0", schedules=DATE), [("/lines/0/quantity", "not_positive")]),
        (lines_with(quantity="-5", schedules=DATE), [("/lines/0/quantity", "not_positive")]),
        (lines_with(quantity="1234567890123456789", schedules=DATE), [("/lines/0/quantity", "number_size")]),
        (lines_with(quantity="0.0000001", schedules=DATE), [("/lines/0/quantity", "number_size")]),
        (lines_with(quantity="NaN", schedules=DATE), [("/lines/0/quantity", "number")]),
        (lines_with(quantity="Infinity", schedules=DATE), [("/lines/0/quantity", "number")]),
        (lines_with(quantity="1e3", schedules=DATE), [("/lines/0/quantity", "number")]),
        (lines_with(quantity=40.0, schedules=DATE), [("/lines/0/quantity", "number")]),
        (lines_with(quantity=True, schedules=DATE), [("/lines/0/quantity", "number")]),
        (lines_with(quantity=None, schedules=DATE), [("/lines/0/quantity", "number")]),
        (lines_with(quantity={"value": "40"}, schedules=DATE), [("/lines/0/quantity", "number")]),
        (lines_with(price="-0.01"), [("/lines/0/price", "negative")]),
        (lines_with(price="free"), [("/lines/0/price", "number")]),
        (lines_with(price_base="0"), [("/lines/0/price_base", "not_positive")]),
        (lines_with(schedules=[{"quantity": "40", "due_on": "9999-12-31"}]), [("/lines/0/schedules/0/due_on", "date_range")]),
        (lines_with(schedules=[{"quantity": "40", "due_on": "2027-02-30"}]), [("/lines/0/schedules/0/due_on", "date")]),
        (lines_with(schedules=[{"quantity": "40", "due_on": None}]), [("/lines/0/schedules/0/due_on", "date")]),
        (lines_with(schedules=[{"quantity": "39", "due_on": "2027-01-15"}]), [("/lines/0/schedules", "sum")]),
        (lines_with(schedules=[]), [("/lines/0/schedules", "required")]),
        (lines_with(schedules=DATE * 401), [("/lines/0/schedules", "too_many")]),
        (lines_with(schedules=["soon"]),
         [("/lines/0/schedules/0", "schedule"), ("/lines/0/schedules/0/quantity", "number"), ("/lines/0/schedules/0/due_on", "date")]),
        (lines_with(gtin="1" * 15), [("/lines/0/gtin", "too_long")]),
        (lines_with(details=[1]), [("/lines/0/details", "object")]),
        (lines_with(name={"en": "x"}), [("/lines/0/name", "text")]),
    ],
)  # fmt: skip
def test_each_fault_has_its_place(partners: tuple[Member, Member], given: dict[str, Any], findings: list[tuple[str, str]]) -> None:
    assert refused(partners[0], partners[1].slug, **given) == findings


def test_all_faults_are_told_at_once(partners: tuple[Member, Member]) -> None:
    given = {"number": "", "currency": "?", "lines": [line("A-1"), line("A-1", quantity="0"), {**line("A-1"), "unit": "?"}]}
    assert refused(partners[0], partners[1].slug, **given) == [
        *[("/number", "required"), ("/currency", "currency")],
        *[("/lines/1/quantity", "not_positive"), ("/lines/1/schedules/0/quantity", "not_positive"), ("/lines/2/unit", "unit")],
    ]


@pytest.mark.parametrize("name", ["stranger", "nobody-at-all", "maker", "carrier' OR 1=1 --", ""])
def test_who_is_no_partner_is_no_partner(cast: Cast, name: str) -> None:
    assert refused(cast.maker, name) == [("/seller", "partner")]


def test_a_stranger_and_nobody_read_alike(cast: Cast) -> None:
    sentences = []
    for slug in ("stranger", "strangest"):
        with cast.maker.acting(), pytest.raises(Invalid) as refusal:
            documents.draft(type="order", partner=slug, number="1", currency="EUR", lines=[line("M-COMP")], by=cast.maker.actor, at=AT)
        sentences.append(refusal.value.findings[0].detail.replace(slug, "…"))
    assert sentences[0] == sentences[1] == "“…” is no partner of yours. Invite the enterprise under Network first."


def test_a_number_is_used_once(partners: tuple[Member, Member]) -> None:
    buyer, seller = partners
    number = fresh_number()
    first = order(buyer, seller, number=number)
    assert refused(buyer, seller.slug, number=number) == [("/number", "number_taken")]
    other = order(buyer, seller, publish=False)
    with buyer.acting(), unchanged(buyer), pytest.raises(Invalid) as refusal:
        documents.revise(document=other, given={"number": number}, by=buyer.actor, at=AT)
    assert [(f.pointer, f.code) for f in refusal.value] == [("/number", "number_taken")]
    with buyer.acting():
        documents.revise(document=other, given={"note": "its own number is no clash"}, by=buyer.actor, at=AT)
        assert selectors.by_number(type="order", number=number, side="buyer", partner_id=seller.id) == first


def test_the_other_side_may_use_the_same_number_for_its_own(cast: Cast) -> None:
    number = fresh_number()
    order(cast.maker, cast.supplier, number=number)
    order(cast.supplier, cast.subsupplier, number=number)
    with cast.supplier.acting():
        assert selectors.heads(type="order").filter(number=number).count() == 2


ANSWER = {"line": 1, "response": "change"}


@pytest.mark.parametrize(
    ("lines", "findings"),
    [
        ("all", [("/lines", "lines")]),
        (["yes"], [("/lines/0/line", "line")]),
        ([{"line": 2}], [("/lines/0/line", "line")]),
        ([{"line": "1"}], [("/lines/0/line", "line")]),
        ([{"line": True}], [("/lines/0/line", "line")]),
        ([{"line": 0}], [("/lines/0/line", "line")]),
        ([ANSWER, ANSWER], [("/lines/1/line", "twice")]),
        ([{**ANSWER, "response": "maybe"}], [("/lines/0/response", "response")]),
        ([{**ANSWER, "response": ["accept"]}], [("/lines/0/response", "response")]),
        ([{**ANSWER, "price": "-1"}], [("/lines/0/price", "negative")]),
        ([{**ANSWER, "price": "1.0000001"}], [("/lines/0/price", "number_size")]),
        ([{"line": 1, "response": "reject"}], [("/lines/0/reason", "required")]),
        ([{**ANSWER, "schedules": [{"quantity": "0", "due_on": "2027-01-15"}]}], [("/lines/0/schedules/0/quantity", "not_positive")]),
        ([{**ANSWER, "schedules": "soon"}], [("/lines/0/schedules", "required")]),
        ([{**ANSWER, "substitute": "S-9"}], [("/lines/0/substitute", "object")]),
        ([{**ANSWER, "substitute": {"item": "\x00"}}], [("/lines/0/substitute", "control_character")]),
        ([{**ANSWER, "details": "abc"}], [("/lines/0/details", "object")]),
        ([{"line": 2}, {**ANSWER, "price": "?", "reason": "r" * 2001}],
         [("/lines/0/line", "line"), ("/lines/1/reason", "too_long"), ("/lines/1/price", "number")]),
    ],
)  # fmt: skip
def test_each_fault_of_an_answer_has_its_place(partners: tuple[Member, Member], lines: Any, findings: list[tuple[str, str]]) -> None:
    document = order(*partners)
    with unchanged(*partners), pytest.raises(Invalid) as refusal:
        move(partners[1], document, "confirm", {"lines": lines})
    assert [(f.pointer, f.code) for f in refusal.value] == findings


@pytest.mark.parametrize(("data", "findings"), [
    ({"note": "n" * 4001, "reason": 5}, [("/note", "too_long"), ("/reason", "text")]),
    ({"response": "yes"}, [("/response", "object")]),
])  # fmt: skip
def test_each_fault_of_a_move_has_its_place(partners: tuple[Member, Member], data: dict[str, Any], findings: list[tuple[str, str]]) -> None:
    document = order(*partners)
    with unchanged(*partners), pytest.raises(Invalid) as refusal:
        move(partners[1], document, "confirm", data)
    assert [(f.pointer, f.code) for f in refusal.value] == findings


def test_a_counter_must_propose_something(partners: tuple[Member, Member]) -> None:
    document = order(*partners)
    move(partners[1], document, "confirm", {"lines": [{**ANSWER, "price": "83.00"}]})
    for data in ({}, {"lines": []}):
        with unchanged(*partners), pytest.raises(Invalid) as refusal:
            move(partners[0], document, "counter", data)
        assert [(f.pointer, f.code) for f in refusal.value] == [("/lines", "required")]


@pytest.mark.parametrize(
    ("text", "code"), [("", "required"), (" \n", "required"), (None, "required"), ("x" * 4001, "too_long"), (["x"], "text"), ("\x07", "control_character")]
)
def test_a_message_must_be_a_text(partners: tuple[Member, Member], text: Any, code: str) -> None:
    document = order(*partners)
    with partners[0].acting(), unchanged(*partners), pytest.raises(Invalid) as refusal:
        documents.remark(document=document, text=text, by=partners[0].actor, at=AT)
    assert [(f.pointer, f.code) for f in refusal.value] == [("/text", code)]


def test_the_sentence_is_in_the_readers_language(partners: tuple[Member, Member]) -> None:
    with translation.override("zh-hans"), partners[0].acting(), pytest.raises(Invalid) as refusal:
        documents.draft(type="order", partner=partners[1].slug, number="", currency="EUR", lines=[line("A-1")], by=partners[0].actor, at=AT)
    assert any("\u4e00" <= character <= "\u9fff" for character in refusal.value.findings[0].detail)
