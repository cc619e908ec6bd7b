"""From what a date is made: the tree beneath one promise of ours, from the stock, jobs and parts that are kept for it. One's own home only."""

import datetime as dt
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db.models import Q

from apps.scheduling import models

DEEPEST = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One's own record of a promise, with its item. The fields are those of `models.Promise`."""

    document: uuid.UUID
    side: str
    partner_id: uuid.UUID
    item: uuid.UUID | None
    item_number: str
    item_name: str
    unit: str
    quantity: Decimal
    arrived: Decimal
    asked_on: dt.date | None
    first_on: dt.date | None
    promised_on: dt.date | None
    price: Decimal | None
    currency: str
    firm: bool
    held_until: dt.datetime | None
    parent: uuid.UUID | None
    order_id: uuid.UUID | None
    moved: int
    cause: Sequence[Mapping[str, Any]]
    closed_at: dt.datetime | None

    @property
    def late(self) -> bool:
        """Whether it holds for a later day than was asked for."""
        return self.asked_on is not None and self.promised_on is not None and self.promised_on > self.asked_on

    @property
    def slipped(self) -> bool:
        """Whether it holds for a later day than was promised first."""
        return self.first_on is not None and self.promised_on is not None and self.promised_on > self.first_on

    @property
    def value(self) -> Decimal | None:
        return None if self.price is None else self.price * self.quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """The time of one operation of a job."""

    name: str
    resource: str
    starts_at: dt.datetime
    ends_at: dt.datetime


@dataclass(slots=True, kw_only=True)
class Node:
    """What gives something: kind `stock`, `job` or `part`. needed_at: when it would have to be there; due_at: when it is.

    work: the operations of a job; document: the partner's promise of a part; nodes: what goes into a job. shared: a job that serves another promise
    first, under which the rest of it is shown.
    """

    kind: str
    item_number: str
    item_name: str
    unit: str
    quantity: Decimal
    needed_at: dt.datetime
    due_at: dt.datetime
    starts_at: dt.datetime | None = None
    job: uuid.UUID | None = None
    document: uuid.UUID | None = None
    shared: bool = False
    work: tuple[Work, ...] = ()
    nodes: list["Node"] = field(default_factory=list)

    @property
    def late(self) -> bool:
        return self.due_at > self.needed_at

    def flat(self) -> Iterator["Node"]:
        yield self
        for node in self.nodes:
            yield from node.flat()


def record(document: uuid.UUID) -> Record | None:
    """One's own record of a promise; None where there is none here. One query."""
    return next(iter(records([document]).values()), None)


def records(documents: Sequence[uuid.UUID]) -> dict[uuid.UUID, Record]:
    """One's own records of these promises, by the document. One query."""
    return {row.document: _record(row) for row in models.Promise.objects.filter(document__in=list(documents)).select_related("item")}


def serving(promises: Sequence[uuid.UUID]) -> list[Record]:
    """What partners promised us for these promises of ours, and have not taken back; the first due first. One query."""
    rows = models.Promise.objects.filter(parent_id__in=list(promises), side="buyer", promised_on__isnull=False).select_related("item")
    counting = rows.filter(Q(closed_at__isnull=True) | Q(firm=True))
    return [_record(row) for row in counting.order_by("promised_on", "document")]


def of_order(order: uuid.UUID) -> list[Record]:
    """The promises that became this order. One query."""
    return [_record(row) for row in models.Promise.objects.filter(order_id=order).select_related("item").order_by("promised_on", "document")]


def _record(row: models.Promise) -> Record:
    same = ("document", "side", "partner_id", "quantity", "arrived", "asked_on", "first_on", "promised_on", "price", "currency", "firm", "held_until")
    more = ("order_id", "moved", "cause", "closed_at")
    return Record(
        **{name: getattr(row, name) for name in (*same, *more)}, parent=row.parent_id, item=row.item_id, item_number=row.item.number if row.item else "",
        item_name=row.item.label if row.item else "", unit=row.item.unit if row.item else "C62",
    )  # fmt: skip


def made_of(promise: uuid.UUID, *, at: dt.datetime) -> list[Node]:
    """What is kept for a promise of ours, as a tree from its last step down to stock and parts. What was held until before `at` is not there. Two queries."""
    rows = models.Peg.objects.filter(Q(firm=True) | Q(held_until__gt=at), promise_id=promise).select_related("item", "job").order_by("due_at", "pk")
    takers: dict[uuid.UUID | None, list[models.Peg]] = {}
    for row in rows:
        takers.setdefault(row.taker_job_id, []).append(row)
    work = _work([row.job_id for pegs in takers.values() for row in pegs if row.job_id])
    return [_node(row, promise, takers, work, DEEPEST) for row in takers.get(None, ())]


def _node(row: models.Peg, promise: uuid.UUID, takers: Mapping[uuid.UUID | None, list[models.Peg]], work: Mapping[uuid.UUID, tuple[Work, ...]],
          deep: int) -> Node:  # fmt: skip
    job = row.job
    beneath = takers.get(row.job_id, ()) if job is not None and deep else ()
    return Node(
        kind=row.giver, item_number=row.item.number, item_name=row.item.label, unit=row.item.unit, quantity=row.quantity, needed_at=row.needed_at,
        due_at=row.due_at, starts_at=job.starts_at if job else None, job=row.job_id, document=row.document,
        shared=job is not None and job.promise_id != promise, work=work.get(row.job_id, ()) if row.job_id else (),
        nodes=[_node(each, promise, takers, work, deep - 1) for each in beneath],
    )  # fmt: skip


def _work(jobs: Sequence[uuid.UUID]) -> dict[uuid.UUID, tuple[Work, ...]]:
    found: dict[uuid.UUID, list[Work]] = {}
    for slot in models.Slot.objects.filter(job__in=jobs).select_related("operation", "resource").order_by("starts_at"):
        name = slot.operation.label if slot.operation else ""
        resource = str(slot.resource) if slot.resource else ""
        found.setdefault(slot.job_id, []).append(Work(name=name, resource=resource, starts_at=slot.starts_at, ends_at=slot.ends_at))
    return {job: tuple(slots) for job, slots in found.items()}
