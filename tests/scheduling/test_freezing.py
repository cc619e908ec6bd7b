"""Freeze points: when something cannot be taken back, and what it costs. Exact values."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from apps.scheduling.services.promising import freezing
from apps.scheduling.services.promising.freezing import Bought, Spell

AT = dt.datetime(2027, 1, 4, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


def test_the_share_of_the_work_that_has_begun() -> None:
    spells = [Spell(starts_at=AT - 2 * HOUR, ends_at=AT + 2 * HOUR), Spell(starts_at=AT + 2 * HOUR, ends_at=AT + 6 * HOUR)]
    assert freezing.begun(spells, at=AT) == Decimal("0.25")
    assert freezing.begun(spells, at=AT + 10 * HOUR) == 1
    assert freezing.begun(spells, at=AT - 3 * HOUR) == 0
    assert freezing.begun([], at=AT) == 0


def test_it_freezes_with_the_first_work() -> None:
    assert freezing.freezes_at([Spell(starts_at=AT + HOUR, ends_at=AT + 2 * HOUR), Spell(starts_at=AT, ends_at=AT + HOUR)]) == AT
    assert freezing.freezes_at([]) is None


def test_a_lead_time_that_runs_is_beyond_recall() -> None:
    due = AT + dt.timedelta(days=5)
    assert freezing.beyond_recall(due, days=5, at=AT)
    assert not freezing.beyond_recall(due, days=4, at=AT)


@pytest.mark.parametrize(
    ("own", "parts", "value", "share"),
    [
        ("0", [], "100", "0"),
        ("0.5", [], "100", "0.5"),
        ("0", [("60", "1")], "100", "0.6"),
        ("0.5", [("60", "1"), ("20", "0")], "100", "0.7"),
        # In another currency, dearer than the whole, or without a price: all weigh the same.
        ("0", [(None, "1")], "100", "0.5"),
        ("0", [("160", "1")], "100", "0.5"),
        ("0", [("60", "1")], None, "0.5"),
    ],
)
def test_what_is_lost(own: str, parts: list[tuple[str | None, str]], value: str | None, share: str) -> None:
    bought = [Bought(value=None if worth is None else Decimal(worth), share=Decimal(lost)) for worth, lost in parts]
    assert freezing.lost_share(Decimal(own), bought, value=None if value is None else Decimal(value)) == Decimal(share)


@pytest.mark.parametrize(
    ("share", "cost"), [("0", "0.00"), ("0.001", "100.00"), ("0.1", "100.00"), ("0.61", "700.00"), ("1", "1000.00"), ("1.5", "1000.00"), ("-1", "0.00")]
)
def test_the_cost_is_told_in_tenths(share: str, cost: str) -> None:
    """Nobody reads from it what a part costs."""
    assert freezing.cost(Decimal(share), value=Decimal(1000)) == Decimal(cost)
    assert freezing.cost(Decimal(share), value=None) is None
