"""Schedules of a line (quantity, due date) from its deliveries, and back.

Deliveries hold more than that (places, parties, shipments), so they stay whole in the details; when the schedules in
the content still are what the deliveries say, these are written as they came, otherwise they are made anew.
"""

import copy
from decimal import Decimal
from typing import Final

from apps.exchange.formats.ubl import values
from apps.exchange.formats.ubl.tree import Data, leaf_text

Schedules = list[dict[str, str]]

# Where the date of a delivery is looked for, first to last; the first is where it is written.
REQUESTED: Final = ("requested_delivery_period", "latest_delivery_date", "promised_delivery_period")
PROMISED: Final = ("promised_delivery_period", "estimated_delivery_period", "latest_delivery_date")


def day(delivery: Data, sources: tuple[str, ...]) -> str | None:
    """The day until which a delivery is due: the end of its period, else the start, else the latest date."""
    for source in sources:
        held = delivery.get(source)
        if isinstance(held, dict):
            held = held.get("end_date") or held.get("start_date")
        if held:
            return (values.date(held) or (held, ""))[0]
    return None


def first_day(deliveries: list[Data], sources: tuple[str, ...]) -> str | None:
    return next((found for found in (day(delivery, sources) for delivery in deliveries) if found), None)


def schedules(deliveries: list[Data], quantity: str | None, header_day: str | None, sources: tuple[str, ...]) -> Schedules:
    """What the deliveries of a line say; without deliveries of its own the day of the whole document counts."""
    apart = [delivery for delivery in deliveries if "quantity" in delivery]
    if apart:
        return [_schedule(leaf_text(one["quantity"]), day(one, sources) or header_day) for one in apart]
    return [_schedule(quantity, first_day(deliveries, sources) or header_day)]


def _schedule(quantity: str | None, due_on: str | None) -> dict[str, str]:
    both = {"quantity": quantity, "due_on": due_on}
    return {key: value for key, value in both.items() if value is not None}


def same(some: Schedules, others: Schedules) -> bool:
    return [_comparable(one) for one in some] == [_comparable(other) for other in others]


def _comparable(schedule: dict[str, str]) -> tuple[Decimal | None, str | None]:
    quantity = schedule.get("quantity")
    return (None if quantity is None else Decimal(quantity)), schedule.get("due_on")


def settle(item: Data, found: Schedules | None, wanted: Schedules | None, line: Data, sources: tuple[str, ...]) -> None:
    """See to it that a line item (changed in place), whose deliveries say `found`, says `wanted`."""
    if found == wanted or (found and wanted and same(found, wanted)):
        return
    new = _made(item.get("delivery", []), wanted or [], line, sources)
    item["delivery"] = new
    if not new:
        del item["delivery"]


def _made(old: list[Data], wanted: Schedules, line: Data, sources: tuple[str, ...]) -> list[Data]:
    """Deliveries that say `wanted`, each with what the old one in its place (or the last) says besides.

    `line` is the content of the line; a single schedule of all its quantity says no quantity of its own.
    """
    whole = len(wanted) == 1 and wanted[0].get("quantity") in (None, line.get("quantity"))
    new = []
    for index, schedule in enumerate(wanted):
        delivery = copy.deepcopy(old[min(index, len(old) - 1)]) if old else {}
        _say_quantity(delivery, None if whole else schedule.get("quantity"), line.get("unit"))
        _say_day(delivery, schedule.get("due_on"), sources)
        new.append(delivery)
    return [delivery for delivery in new if delivery]


def _say_quantity(delivery: Data, quantity: str | None, unit: str | None) -> None:
    for key in ("quantity", "minimum_quantity", "maximum_quantity"):
        delivery.pop(key, None)
    if quantity is not None:
        delivery["quantity"] = {"value": quantity, "unit_code": unit} if unit else quantity


def _say_day(delivery: Data, due_on: str | None, sources: tuple[str, ...]) -> None:
    if day(delivery, sources) == due_on:
        return
    period = delivery.get(sources[0], {})
    start = (values.date(period.get("start_date", "")) or ("", ""))[0]
    delivery.pop("latest_delivery_time", None)
    for source in sources:
        delivery.pop(source, None)
    if due_on is not None:
        # A window that opened before the new day stays open from there; one that opened later would be empty.
        delivery[sources[0]] = {"start_date": min(start or due_on, due_on), "end_date": due_on}
