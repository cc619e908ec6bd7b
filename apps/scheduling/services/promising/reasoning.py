"""Why a promise is not earlier: the whole chain for one's own eyes, and what of it the customer is told.

The customer learns the kind of the cause and its day, and nothing of items, machines, suppliers or prices.
"""

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from apps.base.templatetags.tributary import day_text
from apps.scheduling.services.exploding import Of
from apps.scheduling.services.loading import Loaded
from apps.scheduling.services.planning.world import Cause

Plain = dict[str, Any]
# What the customer is told instead: how a part is got is the seller's own affair.
TOLD = {"lead_time": "supply", "silence": "supply", "nothing": "supply"}
KINDS = ("stock", "capacity", "run", "supply", "horizon", "outage", "late_goods", "short_goods", "change", "configuration", "unknown_item")
MOST = 8


def told(causes: Sequence[Cause], loaded: Loaded) -> list[Plain]:
    """What the customer is told: each kind of cause once, with the last day until which it holds up."""
    latest: dict[str, dt.date] = {}
    for cause in _roots(causes):
        kind = TOLD.get(cause.kind, cause.kind)
        day = loaded.day(cause.until)
        latest[kind] = max(latest.get(kind, day), day)
    return [{"kind": kind, "on": day.isoformat()} for kind, day in sorted(latest.items(), key=lambda pair: pair[1], reverse=True)][:MOST]


def _roots(causes: Iterable[Cause]) -> Iterable[Cause]:
    for cause in causes:
        if cause.because:
            yield from _roots(cause.because)
        else:
            yield cause


def chain(causes: Sequence[Cause], loaded: Loaded) -> list[Plain]:
    """The whole chain in this enterprise's own words: kind, what, until when, and because of what."""
    return [
        {"kind": cause.kind, "what": named(cause.subject, loaded), "on": loaded.day(cause.until).isoformat(), "because": chain(cause.because, loaded)}
        for cause in causes[:MOST]
    ]


def named(subject: Any, loaded: Loaded) -> str:
    """The number of an item, the code of a resource: how the people here call it."""
    if isinstance(subject, Of):
        return loaded.made[subject.item].number if subject.item in loaded.made else ""
    if isinstance(subject, uuid.UUID):
        if subject in loaded.resources:
            return loaded.resources[subject].code
        if subject in loaded.sources:
            return loaded.made[loaded.sources[subject].item].number
    return ""


def sentences(why: Iterable[Mapping[str, Any]]) -> list[str]:
    """What the customer reads. Kinds that nobody here knows, and days that are none, are left out."""
    return [sentence for reason in why if (sentence := _sentence(str(reason.get("kind", "")), _day(reason.get("on"))))]


def _day(value: Any) -> dt.date | None:
    try:
        return dt.date.fromisoformat(str(value))
    except ValueError:
        return None


def _sentence(kind: str, on: dt.date | None) -> str:
    day = {"day": day_text(on) if on else "–"}
    return {
        "stock": _("It is in stock on %(day)s."),
        "capacity": _("The machines are taken until %(day)s."),
        "run": _("The work itself takes until %(day)s."),
        "supply": _("A part arrives on %(day)s."),
        "horizon": _("It lies beyond what can be planned today."),
        "outage": _("A machine is down until %(day)s."),
        "late_goods": _("A delivery is late: it is expected on %(day)s."),
        "short_goods": _("A delivery was short; the rest is expected on %(day)s."),
        "change": _("Something that it depends on was changed; it holds from %(day)s."),
        "configuration": _("This configuration is not complete, or goes against the maker's rules."),
        "unknown_item": _("The seller does not know this item by the number that was given."),
    }.get(kind, "") % day
