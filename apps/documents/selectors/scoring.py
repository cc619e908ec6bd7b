"""The scorecard of a partnership: what was asked, promised first, promised last, and came, for each schedule line; computed from the log alone.

The log is the steps that crossed (`Step.said`) and the quantities that receipts counted: both homes hold the same, and nobody can
change either, so both sides see the same figures. A schedule line is a date and a quantity of the *first* promise that covers it: of
two promises for one line, the later one adds only what goes beyond the earlier. It has come on the day (UTC) on which as much was
accepted as was promised up to it: what comes fills the first dates first. What is rejected has not come.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from apps.base.rows import first, json_of
from apps.documents.types import TYPES
from apps.documents.vocabulary import DocumentType

ASKING, PROMISING = frozenset(["ask", "counter", "change"]), frozenset(["offer", "propose"])
"""The effects of the moves by which a buyer asks for dates, and a seller promises them. Once something is agreed, a promise is for the lines that it names."""
MOST_ROWS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How a set of schedule lines was kept, against the first promise.

    on_time: came by the day first promised, in full; late: came after it; overdue: did not come, though the day has passed; open: not due yet.
    as_last, as_asked: of those that were due, how many came by the day promised last, and by the day asked for.
    days_late: of what came late, summed. values: what these lines are worth, by currency.
    """

    on_time: int = 0
    late: int = 0
    overdue: int = 0
    open: int = 0
    as_last: int = 0
    as_asked: int = 0
    days_late: int = 0
    values: Mapping[str, Decimal]

    @property
    def due(self) -> int:
        """How many were to come by now, or have come."""
        return self.on_time + self.late + self.overdue

    @property
    def share(self) -> Decimal | None:
        """Of those that were due, what share came on time and in full, in percent with two places; None where nothing was due."""
        return self.percent(self.on_time)

    def percent(self, count: int) -> Decimal | None:
        return (Decimal(100 * count) / self.due).quantize(Decimal("0.01")) if self.due else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Promised:
    """One schedule line of the ledger. A date is None where none was given, or nothing has come. judged: on_time, late, overdue or open."""

    order: uuid.UUID
    number: str
    line: int
    item: str
    name: str
    quantity: Decimal
    unit: str
    requested_on: dt.date | None
    first_on: dt.date
    last_on: dt.date | None
    came_on: dt.date | None
    judged: str

    @property
    def days_late(self) -> int:
        """By how many days it came after the first promise; 0 where it did not."""
        return max((self.came_on - self.first_on).days, 0) if self.came_on else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    """How a seller has kept his promises to a buyer. side: what the reader is in these orders.

    months: by the month first promised, the first one first. items: by the reader's own number, the worst first, at most 500. rows: the worst schedule lines.
    answered: orders that were answered; answer_hours: how long an answer took on average. received, as_advised: order lines of
    which something was received, and those of which all came as the despatch advice said: nothing short, rejected or too much.
    """

    side: str
    whole: Kept
    months: Sequence[tuple[dt.date, Kept]]
    items: Sequence[tuple[str, str, Kept]]
    rows: Sequence[Promised]
    answered: int
    answer_hours: Decimal | None
    received: int
    as_advised: int


_LINES = """
docs AS MATERIALIZED (
  SELECT id, number, currency, state = ANY(%(final)s::text[]) AS final
  FROM documents_document WHERE type = %(type)s::text AND partner_id = %(partner)s AND side = %(side)s::text
), lines AS MATERIALIZED (
  SELECT l.id, l.document_id, l.position, l.unit, l.agreed_price AS price, coalesce(l.price_base, 1) AS base,
    coalesce(i.number, CASE %(side)s::text WHEN 'buyer' THEN l.buyer_item ELSE l.seller_item END) AS item, coalesce(i.name, l.name) AS name, a.quantity
  FROM docs d JOIN documents_line l ON l.document_id = d.id AND l.agreed LEFT JOIN catalog_item i ON i.id = l.item_id
  JOIN (SELECT line_id, sum(quantity) AS quantity FROM documents_schedule WHERE kind = 'agreed' GROUP BY 1) a ON a.line_id = l.id
  WHERE %(item)s::text = '' OR %(item)s::text IN (i.number, CASE %(side)s::text WHEN 'buyer' THEN l.buyer_item ELSE l.seller_item END)
), said AS MATERIALIZED (
  SELECT s.document_id, s.said, s.seen, s.at, s.move = ANY(%(promising)s::text[]) AS promises,
    s.before = ANY(%(standing)s::text[]) AS partly, coalesce(s.data -> 'lines', '[]') AS lines
  FROM docs d JOIN documents_step s ON s.document_id = d.id WHERE s.said > 0 AND NOT s.overruled AND s.move = ANY(%(asking)s::text[] || %(promising)s::text[])
)"""
# What was asked for, as long as it was; what each promise says of each line, and as asked where it says nothing else.
_SAID = """
asked AS (
  SELECT s.document_id, (e ->> 'line')::int AS position, s.said, e -> 'schedules' AS dates,
    lead(s.said) OVER (PARTITION BY s.document_id, (e ->> 'line')::int ORDER BY s.said) AS until
  FROM said s CROSS JOIN LATERAL jsonb_array_elements(s.lines) AS e WHERE NOT s.promises AND jsonb_array_length(e -> 'schedules') > 0
), answered AS (
  SELECT s.document_id, s.said, (e ->> 'line')::int AS position, e ->> 'response' AS response,
    CASE WHEN jsonb_array_length(e -> 'schedules') > 0 THEN e -> 'schedules' END AS dates
  FROM said s CROSS JOIN LATERAL jsonb_array_elements(s.lines) AS e WHERE s.promises
), told AS (
  SELECT l.id AS line, true AS promises, s.said, coalesce(r.dates, a.dates) AS dates
  FROM said s JOIN lines l ON l.document_id = s.document_id
  LEFT JOIN answered r ON r.document_id = s.document_id AND r.said = s.said AND r.position = l.position
  LEFT JOIN asked a ON a.document_id = s.document_id AND a.position = l.position AND a.said <= s.seen AND (a.until IS NULL OR a.until > s.seen)
  WHERE s.promises AND coalesce(r.response, '') <> 'reject' AND NOT (s.partly AND r.position IS NULL)
  UNION ALL SELECT l.id, false, a.said, a.dates FROM asked a JOIN lines l ON l.document_id = a.document_id AND l.position = a.position
)"""
# Each as a stretch of the line's quantity, from more than `low` up to `high`. before: how far what was said earlier reached.
_STRETCHES = """
dated AS (
  SELECT t.line, t.promises, t.said, d.due_on, d.quantity,
    sum(d.quantity) OVER (PARTITION BY t.line, t.promises, t.said ORDER BY d.due_on, d.place) AS high
  FROM told t CROSS JOIN LATERAL (
    SELECT (e ->> 'quantity')::numeric AS quantity, (e ->> 'due_on')::date AS due_on, place
    FROM jsonb_array_elements(t.dates) WITH ORDINALITY AS x (e, place)) d
), stretched AS MATERIALIZED (
  SELECT *, high - quantity AS low, said = max(said) OVER (PARTITION BY line, promises) AS newest,
    coalesce(max(high) OVER (PARTITION BY line, promises ORDER BY said GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before FROM dated
), earliest AS (
  SELECT line, promises, due_on, greatest(low, before) AS low, high FROM stretched WHERE high > before
), came AS (
  SELECT line, day, high, high - quantity AS low FROM (
    SELECT line, day, quantity, sum(quantity) OVER (PARTITION BY line ORDER BY day) AS high FROM (
      SELECT s.line_id AS line, (p.at AT TIME ZONE 'UTC')::date AS day, sum(q.quantity) AS quantity
      FROM lines l JOIN documents_schedule s ON s.line_id = l.id JOIN documents_quantity q ON q.schedule_id = s.id AND q.kind = 'accepted'
      JOIN documents_step p ON p.id = q.step_id GROUP BY 1, 2) days) sums
)"""
_JUDGED = """
judged AS MATERIALIZED (
  SELECT *, CASE WHEN came_on <= first_on THEN 'on_time' WHEN came_on IS NOT NULL THEN 'late'
    WHEN first_on < %(today)s::date THEN 'overdue' ELSE 'open' END AS judged
  FROM (
    SELECT d.id AS "order", d.number, d.currency, l.position, l.item, l.name, l.unit, least(f.high, l.quantity) - f.low AS quantity,
      l.price * (least(f.high, l.quantity) - f.low) / l.base AS value,
      r.due_on AS requested_on, f.due_on AS first_on, n.due_on AS last_on, c.day AS came_on, d.final
    FROM lines l JOIN docs d ON d.id = l.document_id JOIN earliest f ON f.line = l.id AND f.promises AND f.low < l.quantity AND f.due_on IS NOT NULL
    LEFT JOIN earliest r ON r.line = l.id AND NOT r.promises AND r.low < least(f.high, l.quantity) AND least(f.high, l.quantity) <= r.high
    LEFT JOIN stretched n ON n.line = l.id AND n.promises AND n.newest AND n.low < least(f.high, l.quantity) AND least(f.high, l.quantity) <= n.high
    LEFT JOIN came c ON c.line = l.id AND c.low < least(f.high, l.quantity) AND least(f.high, l.quantity) <= c.high
  ) found WHERE (NOT final OR came_on IS NOT NULL) AND first_on >= coalesce(%(first)s::date, first_on) AND first_on <= coalesce(%(last)s::date, first_on)
)"""
_COUNTED = """
SELECT date_trunc('month', first_on)::date AS month, item, min(name) AS name, currency, sum(value)::text AS value,
  count(*) FILTER (WHERE judged = 'on_time') AS on_time, count(*) FILTER (WHERE judged = 'late') AS late,
  count(*) FILTER (WHERE judged = 'overdue') AS overdue, count(*) FILTER (WHERE judged = 'open') AS open,
  count(*) FILTER (WHERE judged <> 'open' AND came_on <= last_on) AS as_last,
  count(*) FILTER (WHERE judged <> 'open' AND came_on <= requested_on) AS as_asked,
  coalesce(sum(came_on - first_on) FILTER (WHERE judged = 'late'), 0) AS days_late,
  grouping(date_trunc('month', first_on)::date, item) AS by FROM judged
GROUP BY GROUPING SETS ((currency), (date_trunc('month', first_on)::date, currency), (item, currency))"""
_WORST = """
SELECT "order", number, position AS line, item, name, quantity::text AS quantity, unit, requested_on, first_on, last_on, came_on, judged FROM judged
ORDER BY judged = 'overdue' DESC, came_on - first_on DESC NULLS LAST, first_on, number, position LIMIT %(rows)s::int"""
_ANSWERED = """
SELECT count(*) AS answered, avg(extract(epoch FROM answer - question)) / 3600 AS hours FROM (
  SELECT document_id, min(at) FILTER (WHERE NOT promises) AS question, min(at) FILTER (WHERE promises) AS answer FROM said GROUP BY 1) both_said
WHERE answer IS NOT NULL AND (%(item)s::text = '' OR document_id IN (SELECT document_id FROM lines))
AND (answer AT TIME ZONE 'UTC')::date BETWEEN coalesce(%(first)s::date, '-infinity'::date) AND coalesce(%(last)s::date, 'infinity'::date)"""
_ADVISED = """
SELECT count(*) AS received, count(*) FILTER (WHERE wrong IS NULL) AS as_advised FROM (
  SELECT s.line_id, sum(q.quantity) FILTER (WHERE q.kind IN ('short', 'rejected', 'oversupply')) AS wrong FROM lines l
  JOIN documents_schedule s ON s.line_id = l.id JOIN documents_quantity q ON q.schedule_id = s.id AND q.kind IN ('received', 'short', 'rejected', 'oversupply')
  JOIN documents_step p ON p.id = q.step_id
  WHERE (p.at AT TIME ZONE 'UTC')::date BETWEEN coalesce(%(first)s::date, '-infinity'::date) AND coalesce(%(last)s::date, 'infinity'::date)
  GROUP BY 1) advised"""
_SCORECARD = (
    f"WITH {_LINES}, {_SAID}, {_STRETCHES}, {_JUDGED} SELECT (SELECT json_agg(g) FROM ({_COUNTED}) g), (SELECT json_agg(w) FROM ({_WORST}) w), "
    f"(SELECT row_to_json(a) FROM ({_ANSWERED}) a), (SELECT row_to_json(a) FROM ({_ADVISED}) a)"
)
_PARTS = ("counted", "worst", "answered", "advised")


def scorecard(*, partner_id: uuid.UUID, side: str, today: dt.date, first_day: dt.date | None = None, last_day: dt.date | None = None, item: str = "",
              rows: int = 50) -> Scorecard:  # fmt: skip
    """How the orders with a partner were kept in which the reader is `side`. One query.

    today: what was promised for an earlier day and has not come is overdue. first_day, last_day: only what was first promised for these days, both
    included. item: only this item, by the reader's own number. rows: how many schedule lines to list, at most 500.
    """
    document_type = TYPES["order"]
    given = {
        "type": document_type.code, "partner": partner_id, "side": side, "today": today, "first": first_day, "last": last_day, "item": item,
        "final": [state.code for state in document_type.states if state.final], "asking": _moves(document_type, ASKING),
        "promising": _moves(document_type, PROMISING), "standing": [state.code for state in document_type.states if state.stands], "rows": min(rows, MOST_ROWS),
    }  # fmt: skip
    found = first(_SCORECARD, _PARTS, given)
    assert found is not None
    counted, answered, advised = json_of(found["counted"]) or [], json_of(found["answered"]), json_of(found["advised"])
    hours = answered["hours"]
    items = [(*key, kept) for key, kept in _kept(counted, 2, lambda row: (row["item"], row["name"]))]
    return Scorecard(
        side=side,
        whole=next((kept for _key, kept in _kept(counted, 3, lambda row: None)), Kept(values={})),
        months=sorted((dt.date.fromisoformat(month), kept) for month, kept in _kept(counted, 1, lambda row: row["month"])),
        items=sorted(items, key=lambda each: (-each[2].late - each[2].overdue, -each[2].days_late, each[0]))[:MOST_ROWS],
        rows=[_promised(row) for row in json_of(found["worst"]) or []],
        answered=answered["answered"],
        answer_hours=None if hours is None else Decimal(str(hours)).quantize(Decimal("0.1")),
        received=advised["received"],
        as_advised=advised["as_advised"],
    )


def _moves(document_type: DocumentType, effects: frozenset[str]) -> list[str]:
    return [move.code for move in document_type.moves if move.effect in effects]


_SUMMED = ("on_time", "late", "overdue", "open", "as_last", "as_asked", "days_late")


def _kept(counted: Sequence[Mapping[str, Any]], by: int, key_of: Callable[[Mapping[str, Any]], Any]) -> list[tuple[Any, Kept]]:
    """The rows of one grouping, with the currencies of each key put together."""
    sums: dict[Any, dict[str, int]] = {}
    values: dict[Any, dict[str, Decimal]] = {}
    for row in counted:
        if row["by"] == by:
            key = key_of(row)
            so_far = sums.setdefault(key, dict.fromkeys(_SUMMED, 0))
            sums[key] = {name: so_far[name] + row[name] for name in _SUMMED}
            values.setdefault(key, {})
            if row["value"] is not None:
                values[key][row["currency"]] = Decimal(row["value"]).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return [(key, Kept(**sums[key], values=values[key])) for key in sums]


def _promised(row: Mapping[str, Any]) -> Promised:
    def day(name: str) -> dt.date | None:
        return None if row[name] is None else dt.date.fromisoformat(row[name])

    known = {name: row[name] for name in ("number", "line", "item", "name", "unit", "judged")}
    return Promised(
        order=uuid.UUID(row["order"]),
        quantity=Decimal(row["quantity"]),
        requested_on=day("requested_on"),
        first_on=dt.date.fromisoformat(row["first_on"]),
        last_on=day("last_on"),
        came_on=day("came_on"),
        **known,
    )


def scored_side(role: str) -> str:
    """The side that somebody is who looks at the scorecard of a partner in this role, where he does not say it: to a customer the seller, else the buyer."""
    return "seller" if role == "customer" else "buyer"
