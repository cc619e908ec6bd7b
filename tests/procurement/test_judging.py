"""Whether an answer lies inside what is tolerated: by the lines and the rules alone."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import pytest

from apps.base.findings import Invalid
from apps.documents.services.folding import Line, Offer, Schedule
from apps.network import terms
from apps.network.terms import Rule, inherited, read, sentence_of, written
from apps.procurement.services.judging import deviations, is_accepted, judge

DAY = dt.date(2027, 1, 15)
Dates = list[tuple[str, int | None]]
"""Quantities, each with its day counted from DAY; None: none."""


def schedules(dates: Dates) -> list[Schedule]:
    return [Schedule(uuid.uuid4(), Decimal(quantity), None if days is None else DAY + dt.timedelta(days=days)) for quantity, days in dates]


def line(offered: Dates, *, asked: Dates | None = None, price: str | None = "10", to: str | None = "10", response: str = "change", **more: Any) -> Line:
    """A line of which 100 are asked for a day, and what is offered for it. to: the price that is offered."""
    wanted = schedules(asked or [("100", 0)])
    offer = Offer(response, None if to is None else Decimal(to), schedules(offered), **more)
    total = sum((each.quantity for each in wanted), Decimal(0))
    return Line(uuid.uuid4(), 1, total, "C62", None if price is None else Decimal(price), wanted, offer=offer)


def found(one: Line) -> dict[str, dict[str, str]]:
    return {each.kind: {measure: f"{value.normalize():f}" for measure, value in each.by.items()} for each in deviations(one)}


def rule(scope: Any, version: int = 1, **said: Any) -> Rule:
    return Rule(scope=scope, version=version, terms=read(said))


def verdicts(one: Line, *rules: Rule) -> dict[str, str]:
    return {each.deviation.kind: each.verdict for each in judge([one], {1: rules})}


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (line([("100", 0)]), {}),
        (line([("105", 0)]), {"over": {"percent": "5"}}),
        (line([("80", 0)]), {"under": {"percent": "20"}}),
        (line([("100", 3)]), {"late": {"days": "3"}}),
        (line([("100", -2)]), {"early": {"days": "2"}}),
        (line([("60", 0), ("40", 7)]), {"late": {"days": "7"}, "split": {"count": "2"}}),
        (line([("60", -1), ("40", 7)]), {"early": {"days": "1"}, "late": {"days": "7"}, "split": {"count": "2"}}),
        (line([("100", 0)], to="10.50"), {"dearer": {"percent": "5", "amount": "0.5"}}),
        (line([("100", 0)], to="9"), {"cheaper": {"percent": "10", "amount": "1"}}),
        (line([("100", 0)], to=None), {}),
        (line([("60", 0), ("40", None)]), {"backorder": {}}),
        (line([], response="backorder"), {"backorder": {}}),
        (line([], response="reject"), {"reject": {}}),
        (line([("100", 0)], substitute={"item": "B-1"}), {"substitute": {}}),
        # What comes fills the first dates first: 50 on each of two days, offered together on the second, are late by the days between for the first.
        (line([("100", 10)], asked=[("50", 0), ("50", 10)]), {"late": {"days": "10"}}),
        (line([("50", 0), ("70", 12)], asked=[("50", 0), ("50", 10)]), {"over": {"percent": "20"}, "late": {"days": "2"}}),
        (line([("50", 0), ("50", 10)], asked=[("50", 10), ("50", 0)]), {}),
    ],
)
def test_how_an_offer_differs(one: Line, expected: dict[str, dict[str, str]]) -> None:
    assert found(one) == expected


def test_where_nobody_has_said_anything_everything_is_asked() -> None:
    assert verdicts(line([("105", 3)])) == {"over": "ask", "late": "ask"}
    assert is_accepted(judge([line([("100", 0)])], {}))


@pytest.mark.parametrize(("days", "expected"), [(5, "within"), (6, "block")])
def test_up_to_the_limit_it_is_inside_and_beyond_as_is_said(days: int, expected: str) -> None:
    assert verdicts(line([("100", days)]), rule("default", late={"days": "5", "beyond": "block"})) == {"late": expected}


@pytest.mark.parametrize(("to", "expected"), [("10.20", "within"), ("10.21", "ask"), ("10.50", "ask")])
def test_of_two_limits_each_holds(to: str, expected: str) -> None:
    assert verdicts(line([("100", 0)], to=to), rule("default", dearer={"percent": "5", "amount": "0.20"})) == {"dearer": expected}


def test_what_is_rejected_is_always_asked() -> None:
    everything = {kind: {"beyond": "accept"} for kind in terms.KINDS}
    assert verdicts(line([], response="reject"), rule("default", **everything)) == {"reject": "ask"}


def test_the_narrowest_place_that_speaks_of_it_holds() -> None:
    rules = [
        rule("line", 0, late={"days": "9"}),
        rule("default", 4, late={"days": "1"}, over={"percent": "1"}, early={"days": "1"}, substitute={"beyond": "accept"}),
        rule("item", 7, substitute={"beyond": "block"}),
        rule("agreement", 2, over={"percent": "3"}, late={"days": "3"}),
        rule("group", 3, over={"percent": "2"}, early={"days": "2"}),
    ]
    held = inherited(rules)
    assert {kind: (holding.scope, holding.version) for kind, holding in held.items() if holding.version or holding.scope == "line"} == {
        "late": ("line", 0),
        "over": ("agreement", 2),
        "early": ("group", 3),
        "substitute": ("item", 7),
    }
    assert held["under"] is terms.NOTHING


def test_a_price_where_none_was_asked_is_inside_no_share() -> None:
    assert verdicts(line([("100", 0)], price=None), rule("default", dearer={"percent": "1000"})) == {"dearer": "ask"}
    assert verdicts(line([("100", 0)], price=None), rule("default", dearer={"beyond": "accept"})) == {"dearer": "accept"}


@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        (None, "/terms"),
        ([], "/terms"),
        ({"later": {}}, "/terms/later"),
        ({"late": []}, "/terms/late"),
        ({"late": {"percent": "1"}}, "/terms/late/percent"),
        ({"late": {"days": "1.5"}}, "/terms/late/days"),
        ({"late": {"days": -1}}, "/terms/late/days"),
        ({"late": {"days": True}}, "/terms/late/days"),
        ({"late": {"days": 366}}, "/terms/late/days"),
        ({"over": {"percent": "NaN"}}, "/terms/over/percent"),
        ({"over": {"percent": "many"}}, "/terms/over/percent"),
        ({"over": {"percent": [1]}}, "/terms/over/percent"),
        ({"over": {"beyond": "no"}}, "/terms/over/beyond"),
        ({"over": {"beyond": ["ask"]}}, "/terms/over/beyond"),
    ],
)
def test_terms_that_cannot_be_are_refused_at_their_place(said: Any, pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        read(said)
    assert [finding.pointer for finding in refused.value.findings] == [pointer]


def test_terms_are_written_as_they_are_read() -> None:
    said = {"late": {"days": "5", "beyond": "ask"}, "dearer": {"percent": "2.5", "amount": "0.2", "beyond": "block"}, "backorder": {"beyond": "accept"}}
    assert written(read(said)) == said


def test_a_deviation_is_told_with_the_rule_by_which_it_was_judged() -> None:
    late, dearer = judge([line([("100", 3)], to="10.5")], {1: [rule("agreement", 3, late={"days": "5"}), rule("default", 1, dearer={"beyond": "accept"})]})[
        ::-1
    ]
    assert late.told() == {"line": 1, "kind": "late", "by": {"days": "3"}, "limits": {"days": "5"}, "beyond": "ask", "scope": "agreement", "version": 3}
    assert sentence_of(late.told()) == "line 1: 3 days later (up to 5 days: the agreement with the partner, version 3)"
    assert sentence_of(dearer.told()) == "line 1: 5 % dearer (accepted all the same: all suppliers, version 1)"
    for each in judge([line([("60", 0), ("30", None)], price=None, substitute={"item": "B"}), line([], response="reject")], {}):
        assert sentence_of(each.told())
