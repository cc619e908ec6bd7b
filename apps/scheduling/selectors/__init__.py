"""Questions about the plan and about promises."""

from apps.scheduling.selectors.entered import (
    OPERATION,
    PLAN,
    RESOURCE,
    Down,
    calendar,
    calendars,
    down,
    next_holidays,
    operation,
    operations,
    plan,
    plans,
    resource,
    resources,
)
from apps.scheduling.selectors.promises import Part, Promised, parts, promised

__all__ = [
    "OPERATION",
    "PLAN",
    "RESOURCE",
    "Down",
    "Part",
    "Promised",
    "calendar",
    "calendars",
    "down",
    "next_holidays",
    "operation",
    "operations",
    "parts",
    "plan",
    "plans",
    "promised",
    "resource",
    "resources",
]
