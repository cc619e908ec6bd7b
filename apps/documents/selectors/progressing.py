"""Progress: what has come of what was agreed. Never set, always the sums of quantities (B0 of the field's documents)."""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import orjson

from apps.base.rows import json_of, rows
from apps.base.text import Text
from apps.documents.selectors.reading import Whole
from apps.documents.types import TYPES
from apps.documents.vocabulary import LIFE, State

NONE = Decimal(0)
# How far an order has come, from nothing to all of it.
STAGES = {
    stage.code: stage
    for stage in (
        State(code="open", label=Text("Not shipped yet", "尚未发货"), tone="neutral", icon="circle-dashed"),
        State(code="partly_shipped", label=Text("Partly shipped", "部分发货"), tone="info", icon="truck-delivery"),
        State(code="shipped", label=Text("Shipped", "已发货"), tone="info", icon="truck-delivery"),
        State(code="partly_received", label=Text("Partly received", "部分收货"), tone="info", icon="package-import"),
        State(code="received", label=Text("Received, not all of it taken", "已收货，部分未接受"), tone="warning", icon="package-import"),
        State(code="closed", label=Text("Closed", "已完成"), tone="good", icon="circle-check", final=True),
        State(code="closed_short", label=Text("Closed short", "短缺完成"), tone="warning", icon="circle-check", final=True),
    )
}


@dataclass(frozen=True, slots=True)
class Sums:
    """The quantities of one agreed line. agreed: what both agreed to; the others as `counting.KINDS` counts them.

    over: the order has ended, and what did not come by then does not come any more.
    """

    agreed: Decimal = NONE
    counted: Mapping[str, Decimal] = field(default_factory=dict)
    over: bool = False

    def of(self, kind: str) -> Decimal:
        return self.counted.get(kind, NONE)

    @property
    def delivered(self) -> Decimal:
        """What was shipped and did not fail to come, or to be taken."""
        return self.of("shipped") - self.of("short") - self.of("rejected")

    @property
    def to_ship(self) -> Decimal:
        """What is still to be shipped: what was short or rejected comes again, unless it is credited. Never below zero."""
        return NONE if self.over else max(self.agreed - self.of("credited") - self.delivered, NONE)

    @property
    def on_the_way(self) -> Decimal:
        """What was shipped and not received yet."""
        return max(self.of("shipped") - self.of("short") - self.of("received") + self.of("oversupply"), NONE)

    @property
    def is_closed(self) -> bool:
        return self.of("accepted") + self.of("credited") >= self.agreed


def stage_of(lines: Iterable[Sums]) -> State | None:
    """How far an order has come, by the sums of its agreed lines; None where nothing is agreed, or it ended before anything was shipped."""
    agreed = [line for line in lines if line.agreed]
    if not agreed:
        return None
    if any(line.over and not line.is_closed for line in agreed):
        return STAGES["closed_short"] if any(line.of("shipped") for line in agreed) else None
    if all(line.is_closed for line in agreed):
        return STAGES["closed_short" if any(line.of("credited") for line in agreed) else "closed"]
    if any(line.of("received") for line in agreed):
        return STAGES["received" if all(line.of("received") + line.of("credited") >= line.agreed for line in agreed) else "partly_received"]
    if all(not line.to_ship for line in agreed):
        return STAGES["shipped"]
    return STAGES["partly_shipped" if any(line.of("shipped") for line in agreed) else "open"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """An agreed line of an order, with what has come of it. dates: day and quantity, the first due first.

    item: one's own, None where it is not matched yet. details: as both sides know them. waits: a change of it waits to be agreed.
    is_open: it may be shipped: the order is neither over nor on hold, and no change of the line waits.
    """

    order: uuid.UUID
    number: str
    partner_id: uuid.UUID
    side: str
    state: str
    position: int
    line: uuid.UUID
    item: uuid.UUID | None
    item_number: str
    item_name: str
    item_name_zh: str
    buyer_item: str
    seller_item: str
    gtin: str
    name: str
    unit: str
    details: Mapping[str, Any]
    dates: Sequence[tuple[dt.date | None, Decimal]]
    waits: bool
    sums: Sums

    @property
    def is_open(self) -> bool:
        return TYPES["order"].state(self.state).ships and not self.waits

    @property
    def due_on(self) -> dt.date | None:
        """The first day on which something is due that was not delivered yet."""
        return next((day for day, _quantity in self.open_dates()), None)

    def open_dates(self) -> list[tuple[dt.date | None, Decimal]]:
        """What is still to be shipped, by its day: what was delivered fills the first days first."""
        gone, found = self.sums.agreed - self.sums.to_ship, []
        for day, quantity in self.dates:
            part = max(quantity - gone, NONE)
            gone = max(gone - quantity, NONE)
            if part:
                found.append((day, part))
        return found


_NAMES = (
    "order", "number", "partner_id", "side", "state", "position", "line", "item", "item_number", "item_name", "item_name_zh", "buyer_item", "seller_item",
    "gtin", "name", "unit", "details", "waits", "dates", "counted",
)  # fmt: skip
_WAITS = f"coalesce(jsonb_exists(d.details #> '{{{LIFE},changed}}', l.position::text), false)"
_LINES = (
    "SELECT d.id, d.number, d.partner_id, d.side, d.state, l.position, l.id, l.item_id, coalesce(i.number, ''), coalesce(i.name, ''), coalesce(i.name_zh, ''), "
    f"l.buyer_item, l.seller_item, l.gtin, l.name, l.unit, l.details, {_WAITS}, a.dates, q.counted "
    "FROM documents_document d JOIN documents_line l ON l.document_id = d.id AND l.agreed LEFT JOIN catalog_item i ON i.id = l.item_id "
    "JOIN LATERAL (SELECT json_agg(json_build_array(s.due_on, s.quantity::text) ORDER BY s.due_on, s.position) AS dates, sum(s.quantity) AS quantity "
    "FROM documents_schedule s WHERE s.line_id = l.id AND s.kind = 'agreed') a ON a.dates IS NOT NULL "
    "LEFT JOIN LATERAL (SELECT json_object_agg(k.kind, k.total::text) AS counted, sum(k.net) AS net FROM ("
    "SELECT c.kind, sum(c.quantity) AS total, CASE WHEN c.kind IN ('shipped', 'credited') THEN sum(c.quantity) "
    "WHEN c.kind IN ('short', 'rejected') THEN -sum(c.quantity) ELSE 0 END AS net "
    "FROM documents_quantity c JOIN documents_schedule s ON s.id = c.schedule_id WHERE s.line_id = l.id GROUP BY c.kind) k) q ON true "
    "WHERE d.type = 'order'"
)
_ORDER = " ORDER BY d.due_on, d.number, d.id, l.position"


def agreed_lines(
    *, orders: Sequence[uuid.UUID] | None = None, side: str = "", partner_id: uuid.UUID | None = None, to_ship: bool = False, limit: int = 10_000
) -> list[Agreed]:
    """The agreed lines of orders: of these `orders`, on one side, with one partner; to_ship: only those of which something is to be shipped. One query."""
    conditions: list[str] = []
    values: list[Any] = []
    for condition, value in (("d.id = ANY(%s)", None if orders is None else list(orders)), ("d.side = %s", side or None), ("d.partner_id = %s", partner_id)):
        if value is not None:
            conditions.append(f" AND {condition}")
            values.append(value)
    if to_ship:
        conditions.append(f" AND d.state = ANY(%s) AND NOT {_WAITS} AND a.quantity > coalesce(q.net, 0)")
        values.append([state.code for state in TYPES["order"].states if state.ships])
    found = rows(f"{_LINES}{''.join(conditions)}{_ORDER} LIMIT %s", _NAMES, [*values, limit])
    return [_agreed(row) for row in found]


def configured_line(*, digest: str) -> Agreed | None:
    """The newest agreed line of an order for the configuration with this digest; None where there is none."""
    condition = " AND l.details @> %s::jsonb ORDER BY d.created_at DESC, l.position LIMIT 1"
    found = rows(f"{_LINES}{condition}", _NAMES, [orjson.dumps({"configuration": {"digest": digest}}).decode()])
    return _agreed(found[0]) if found else None


def _agreed(row: dict[str, Any]) -> Agreed:
    dates = [(dt.date.fromisoformat(day) if day else None, Decimal(quantity)) for day, quantity in json_of(row.pop("dates"))]
    counted = {kind: Decimal(total) for kind, total in (json_of(row.pop("counted")) or {}).items()}
    details = json_of(row.pop("details"))
    over = TYPES["order"].state(row["state"]).final
    return Agreed(dates=dates, sums=Sums(sum((quantity for _day, quantity in dates), NONE), counted, over), details=details, **row)


def progress_of(whole: Whole) -> dict[int, Sums]:
    """The sums of the agreed lines of a document, by their position. One query, and none where nothing is agreed."""
    agreed = {
        line["position"]: sum((schedule["quantity"] for schedule in line["schedules"]["agreed"]), NONE)
        for line in whole.lines
        if line["schedules"].get("agreed")
    }
    if not agreed or not whole.type.ordered:
        return {}
    counted: dict[int, dict[str, Decimal]] = defaultdict(dict)
    for row in rows(_COUNTED, ("position", "kind", "total"), [whole.id]):
        counted[row["position"]][row["kind"]] = row["total"]
    over = whole.type.state(whole.head["state"]).final
    return {position: Sums(quantity, counted[position], over) for position, quantity in agreed.items()}


def stage(*, id: uuid.UUID) -> State | None:
    """How far an order has come; None where nothing of it is agreed. One query."""
    return stage_of(line.sums for line in agreed_lines(orders=[id]))


_COUNTED = (
    "SELECT l.position, c.kind, sum(c.quantity) FROM documents_line l JOIN documents_schedule s ON s.line_id = l.id "
    "JOIN documents_quantity c ON c.schedule_id = s.id WHERE l.document_id = %s GROUP BY 1, 2"
)
