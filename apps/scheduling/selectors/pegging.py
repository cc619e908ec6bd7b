"""Who gives what to whom: the tree of pegs below a job, and above it."""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from django.db import connection
from django.utils.translation import get_language

from apps.network import selectors as network
from apps.scheduling import models

MOST_NODES = 400
Kind = Literal["stock", "job", "part", "promise"]


@dataclass(slots=True, kw_only=True)
class Node:
    """One giver (below) or taker (above). quantity: what goes over; starts_at, ends_at: when a job runs, or when a purchase is here.

    document: of a promise, ours or the partner's. late: it comes after it is needed. beneath: what it takes (or what takes from it).
    """

    kind: Kind
    item: str
    item_name: str
    item_id: uuid.UUID
    unit: str
    quantity: Decimal
    needed_at: dt.datetime | None
    starts_at: dt.datetime | None
    ends_at: dt.datetime | None
    job: uuid.UUID | None = None
    document: uuid.UUID | None = None
    partner: str = ""
    held: bool = False
    done: bool = False
    late: bool = False
    promised_on: dt.date | None = None
    beneath: list["Node"] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """What is beneath, and whether it was cut off where it is too large to be read."""

    nodes: Sequence[Node]
    cut: bool


_COLUMNS = (
    "p.id, p.giver, p.quantity, p.job_id, p.document, p.promise_id, p.taker_job_id, p.needed_at, p.due_at, p.firm, i.id, i.number, i.name, i.name_zh, "
    "i.unit, j.starts_at, j.ends_at, j.done_at, f.partner_id, f.promised_on, s.partner_id"
)
_NAMES = ("id", "giver", "quantity", "job", "document", "promise", "taker_job", "needed_at", "due_at", "firm", "item", "number", "name", "name_zh", "unit",
          "starts_at", "ends_at", "done_at", "partner", "promised_on", "source_partner")  # fmt: skip
_FROM = (
    f"SELECT {_COLUMNS} FROM walk w JOIN scheduling_peg p ON p.id = w.id JOIN catalog_item i ON i.id = {{item}} "
    "LEFT JOIN scheduling_job j ON j.id = {job} LEFT JOIN scheduling_promise f ON f.document = {document} "
    "LEFT JOIN catalog_source s ON s.id = p.source_id ORDER BY p.due_at DESC, p.id"
)
_DOWN = (
    "WITH RECURSIVE walk(id, job_id) AS (SELECT p.id, p.job_id FROM scheduling_peg p WHERE p.taker_job_id = %s "
    "UNION SELECT p.id, p.job_id FROM walk w JOIN scheduling_peg p ON p.taker_job_id = w.job_id) "
    + _FROM.format(item="p.item_id", job="p.job_id", document="p.document")
)
_UP = (
    "WITH RECURSIVE walk(id, job_id) AS (SELECT p.id, p.taker_job_id FROM scheduling_peg p WHERE p.job_id = %s "
    "UNION SELECT p.id, p.taker_job_id FROM walk w JOIN scheduling_peg p ON p.job_id = w.job_id) "
    f"SELECT {_COLUMNS} FROM walk w JOIN scheduling_peg p ON p.id = w.id LEFT JOIN scheduling_job j ON j.id = p.taker_job_id "
    "LEFT JOIN scheduling_promise f ON f.document = p.promise_id JOIN catalog_item i ON i.id = coalesce(j.item_id, f.item_id, p.item_id) "
    "LEFT JOIN catalog_source s ON s.id = p.source_id ORDER BY p.due_at, p.id"
)


def beneath_job(job: uuid.UUID) -> Tree:
    """What a job takes. Two queries."""
    by_taker: dict[uuid.UUID, list[Mapping[str, Any]]] = {}
    for row in _rows(_DOWN, job):
        by_taker.setdefault(row["taker_job"], []).append(row)
    return _grown(by_taker.get(job, []), by_taker, _giver, lambda row: row["job"])


def above_job(job: uuid.UUID) -> Tree:
    """Whom a job serves: other jobs, and the promises at the top. Two queries."""
    rows = _rows(_UP, job)
    by_giver: dict[uuid.UUID, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_giver.setdefault(row["job"], []).append(row)
    return _grown(by_giver.get(job, []), by_giver, _taker, lambda row: row["taker_job"])


def _rows(query: str, start: uuid.UUID) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(query, [start])
        return [dict(zip(_NAMES, row, strict=True)) for row in cursor.fetchall()]


def _grown(top: Sequence[Mapping[str, Any]], further: Mapping[uuid.UUID, Sequence[Mapping[str, Any]]], make: Any, onward: Any) -> Tree:
    """The rows as a tree, level by level, cut off where it grows too large."""
    partners = {row[name] for rows in (top, *further.values()) for row in rows for name in ("partner", "source_partner") if row[name]}
    names = {id: listed.name for id, listed in network.names(list(partners)).items()}
    roots: list[Node] = []
    level = [(row, roots) for row in top]
    made = 0
    while level:
        below = []
        for row, place in level:
            if made >= MOST_NODES:
                return Tree(nodes=roots, cut=True)
            node = make(row, names)
            place.append(node)
            made += 1
            below += [(next_row, node.beneath) for next_row in further.get(onward(row), ())]
        level = below
    return Tree(nodes=roots, cut=False)


def _spoken(row: Mapping[str, Any]) -> str:
    return str(((get_language() or "").startswith("zh") and row["name_zh"]) or row["name"])


def _said(row: Mapping[str, Any], names: Mapping[uuid.UUID, str]) -> dict[str, Any]:
    return {
        "item": row["number"],
        "item_name": _spoken(row),
        "item_id": row["item"],
        "unit": row["unit"],
        "quantity": row["quantity"],
        "needed_at": row["needed_at"],
        "held": not row["firm"],
        "done": row["done_at"] is not None,
        "promised_on": row["promised_on"],
        "partner": names.get(row["partner"], "") or names.get(row["source_partner"], ""),
    }


def _giver(row: Mapping[str, Any], names: Mapping[uuid.UUID, str]) -> Node:
    times = {"starts_at": row["starts_at"], "ends_at": row["ends_at"] if row["job"] else row["due_at"] if row["giver"] == "part" else None}
    return Node(kind=row["giver"], job=row["job"], document=row["document"], late=row["due_at"] > row["needed_at"], **times, **_said(row, names))


def _taker(row: Mapping[str, Any], names: Mapping[uuid.UUID, str]) -> Node:
    said = _said(row, names)
    if row["taker_job"]:
        said["partner"] = ""
        return Node(kind="job", job=row["taker_job"], starts_at=row["starts_at"], ends_at=row["ends_at"], late=row["due_at"] > row["needed_at"], **said)
    return Node(kind="promise", document=row["promise"], starts_at=None, ends_at=None, **said)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobShown:
    """A job with its slots. of: the promise that it serves; free: what nobody takes of it."""

    id: uuid.UUID
    item: str
    item_name: str
    item_id: uuid.UUID
    unit: str
    quantity: Decimal
    free: Decimal
    firm: bool
    held_until: dt.datetime | None
    done_at: dt.datetime | None
    starts_at: dt.datetime
    ends_at: dt.datetime
    choices: Mapping[str, str]
    slots: Sequence[models.Slot]


def job(*, id: uuid.UUID) -> JobShown | None:
    """One job, None where there is none. Three queries."""
    row = models.Job.objects.select_related("item").filter(pk=id).first()
    if row is None:
        return None
    taken = sum(models.Peg.objects.filter(job=id).values_list("quantity", flat=True), Decimal())
    slots = list(models.Slot.objects.filter(job=id).select_related("resource", "operation").order_by("starts_at", "id"))
    choices = (row.configuration or {}).get("choices", {})
    return JobShown(
        id=row.pk,
        item=row.item.number,
        item_name=row.item.label,
        item_id=row.item_id,
        unit=row.item.unit,
        quantity=row.quantity,
        firm=row.firm,
        held_until=row.held_until,
        done_at=row.done_at,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        free=row.quantity - taken,
        choices=choices,
        slots=slots,
    )
