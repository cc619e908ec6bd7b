"""The rules of freeze points: from when on something cannot be taken back, and what it costs. Pure; it knows neither database nor clock.

A promise is frozen from the moment at which the first work on it begins, or goods have left. What was bought for it by a lead time is beyond recall
once the lead time runs; of what a partner promised the partner himself says it. The cost is a share of the price, in tenths of it: so that nobody
reads from it what a part costs.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

TENTHS = Decimal(10)
CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """The time of one operation."""

    starts_at: dt.datetime
    ends_at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Bought:
    """Something that was bought. value: what it costs, in the currency of the promise; None: unknown, or in another currency.

    share: the part of it, 0 to 1, that is lost when it is not wanted any more.
    """

    value: Decimal | None
    share: Decimal


def begun(spells: Sequence[Spell], *, at: dt.datetime) -> Decimal:
    """The share of the work, 0 to 1, that lies before a moment; nothing where there is no work."""
    whole = sum((_minutes(spell.starts_at, spell.ends_at) for spell in spells), Decimal(0))
    done = sum((_minutes(spell.starts_at, min(spell.ends_at, at)) for spell in spells if spell.starts_at < at), Decimal(0))
    return done / whole if whole else Decimal(0)


def _minutes(starts_at: dt.datetime, ends_at: dt.datetime) -> Decimal:
    return Decimal(max(0, int((ends_at - starts_at).total_seconds()) // 60))


def freezes_at(spells: Sequence[Spell]) -> dt.datetime | None:
    """The moment at which the first work begins; None where there is none."""
    return min((spell.starts_at for spell in spells), default=None)


def beyond_recall(due_at: dt.datetime, *, days: int, at: dt.datetime) -> bool:
    """Whether something that comes after so many days of lead time is on its way already."""
    return due_at - dt.timedelta(days=days) <= at


def lost_share(own: Decimal, parts: Sequence[Bought], *, value: Decimal | None) -> Decimal:
    """The share of a promise, 0 to 1, that cannot be undone: each part weighs what it costs, and one's own work the rest.

    Where that is not known of all of them, or more than the promise itself, all weigh the same.
    """
    values = [part.value for part in parts]
    known = [each for each in values if each is not None]
    if value and len(known) == len(values) and sum(known, Decimal(0)) <= value:
        weights = [*known, value - sum(known, Decimal(0))]
    else:
        weights = [Decimal(1)] * (len(parts) + 1)
    shares = [*(part.share for part in parts), own]
    whole = sum(weights, Decimal(0))
    return sum((weight * share for weight, share in zip(weights, shares, strict=True)), Decimal(0)) / whole if whole else Decimal(0)


def cost(share: Decimal, *, value: Decimal | None) -> Decimal | None:
    """What a share of a promise costs whoever takes it back: full tenths of its price, upwards. None where the promise has no price."""
    if value is None:
        return None
    tenths = (min(max(share, Decimal(0)), Decimal(1)) * TENTHS).to_integral_value(ROUND_CEILING)
    return (value * tenths / TENTHS).quantize(CENT, ROUND_HALF_UP)
