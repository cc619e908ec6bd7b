"""The lines that wait for an answer, as a table; and what is done to many documents at once."""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from apps.base import units
from apps.documents import models
from apps.documents.vocabulary import ASIDE, DocumentType, Move, changed_lines
from apps.network import selectors as network

BULK = ["id", "type", "move", "name", "stage", "whole", "stop", "by", "created_at", "finished_at", "total", "done", "said", "message"]
TOGETHER = 500
"""Documents that are read by one query."""
MOST_ASKED = 20_000


@dataclass(slots=True, kw_only=True)
class AskedLine:
    """What is asked of a line. dates: quantity and day, in their order; own_item, partner_item: its item by either side's number."""

    position: int
    quantity: Decimal
    unit: str
    price: Decimal | None
    name: str
    own_item: str
    partner_item: str
    dates: list[tuple[Decimal, dt.date | None]]


@dataclass(slots=True, kw_only=True)
class Asked:
    """A document with what is asked of its lines."""

    head: Mapping[str, Any]
    lines: list[AskedLine] = field(default_factory=list)

    @property
    def changed(self) -> Mapping[int, Mapping[str, Any]]:
        """The lines of which a change waits; empty: all are asked."""
        return changed_lines(self.head["details"])

    @property
    def waiting(self) -> list[AskedLine]:
        """The lines of which a change waits, or all of them."""
        return [line for line in self.lines if not self.changed or line.position in self.changed]


_HEAD = ("id", "number", "partner_id", "state", "side", "currency", "version", "details")
_LINE = ("id", "document_id", "position", "quantity", "unit", "price", "buyer_item", "seller_item", "name", "item__number", "item__name")


def answerable(document_type: DocumentType, move: Move, found: QuerySet[models.Document]) -> QuerySet[models.Document]:
    """Those of some documents on which a move can be made now."""
    return found.filter(type=document_type.code, side__in=move.sides, state__in=move.before)


def asked(found: QuerySet[models.Document]) -> Iterator[Asked]:
    """Documents with their lines and what is asked of each, the first due first, at most `MOST_ASKED`. Three queries for each five hundred."""
    heads = list(found.order_by("due_on", "number", "id").values(*_HEAD)[:MOST_ASKED])
    for start in range(0, len(heads), TOGETHER):
        yield from _with_lines(heads[start : start + TOGETHER])


def _with_lines(heads: Sequence[Mapping[str, Any]]) -> list[Asked]:
    made = {head["id"]: Asked(head=head) for head in heads}
    dates: dict[uuid.UUID, list[tuple[Decimal, dt.date | None]]] = defaultdict(list)
    requested = models.Schedule.objects.filter(line__document_id__in=made, kind="requested").order_by("line_id", "position")
    for line, quantity, due_on in requested.values_list("line_id", "quantity", "due_on"):
        dates[line].append((quantity, due_on))
    for row in models.Line.objects.filter(document_id__in=made).order_by("document_id", "position").values(*_LINE):
        one = made[row["document_id"]]
        own, theirs = (row["seller_item"], row["buyer_item"]) if one.head["side"] == "seller" else (row["buyer_item"], row["seller_item"])
        named = {"name": row["item__name"] or row["name"], "own_item": row["item__number"] or own, "partner_item": theirs}
        copied = {name: row[name] for name in ("position", "quantity", "unit", "price")}
        one.lines.append(AskedLine(dates=dates[row["id"]] or [(row["quantity"], None)], **named, **copied))
    return list(made.values())


def sheet_rows(found: Iterable[Asked]) -> Iterator[dict[str, Any]]:
    """What is asked, as the rows of a table to be filled: one for each date of each line."""
    every = list(found)
    names = network.names([one.head["partner_id"] for one in every])
    for one in every:
        head, partner = one.head, names.get(one.head["partner_id"])
        shared = {"number": head["number"], "partner": partner.name if partner else "", "currency": head["currency"], "document": str(head["id"])}
        for line in one.waiting:
            of_line = {name: getattr(line, name) for name in ("own_item", "partner_item", "name")}
            of_line |= {"line": line.position, "unit": units.label(line.unit), "asked_price": line.price, "version": head["version"]}
            for quantity, due_on in line.dates:
                yield {**shared, **of_line, "asked_quantity": quantity, "asked_on": due_on}


def moved_since(versions: Mapping[uuid.UUID, int]) -> set[uuid.UUID]:
    """Of documents with the version that somebody read, those on which a move was made since: messages, files and reminders change nothing that is answered."""
    steps = models.Step.objects.filter(document_id__in=versions).exclude(move__in=ASIDE)
    last: dict[uuid.UUID, int] = {}
    for document, position in steps.values_list("document_id", "position"):
        last[document] = max(position, last.get(document, 0))
    return {document for document, version in versions.items() if last.get(document, 0) > version}


def bulks(*, type: str = "") -> QuerySet[models.Bulk]:
    """What was or is done to many documents at once, the newest first."""
    found = models.Bulk.objects.order_by("-created_at", "-id")
    return found.filter(type=type) if type else found


def bulk(*, id: uuid.UUID) -> Mapping[str, Any] | None:
    """One of them with what was found, None where there is none here."""
    found: Mapping[str, Any] | None = models.Bulk.objects.filter(pk=id).values(*BULK, "findings", "outcomes", "plan").first()
    return found


def bulk_rows(*, id: uuid.UUID) -> list[list[Any]]:
    """The rows of the table that was uploaded, as `[number, {column: text}]`."""
    return list(models.Bulk.objects.filter(pk=id).values_list("rows", flat=True).first() or [])


def bulk_report(found: Mapping[str, Any], rows: Sequence[Sequence[Any]]) -> Iterator[dict[str, Any]]:
    """What became of each row of a table, or of each document that was picked: the row itself, with `result` and `problem`.

    found: as `bulk` gives it; rows: as `bulk_rows` does.
    """
    wrong: dict[int, list[str]] = defaultdict(list)
    for number, _column, _code, detail in found["findings"]:
        wrong[number].append(detail)
    became = {number: each for each in bulk_outcomes(found) for number in each["rows"]}
    for number, values in rows:
        if number in wrong:
            yield {**values, "result": _("wrong"), "problem": " ".join(wrong[number])}
        else:
            each = became.get(number, {"result": "left", "why": ""})
            yield {**values, "result": RESULTS[each["result"]], "problem": each["why"]}
    if not rows:
        for each in bulk_outcomes(found):
            yield {"number": each["number"], "document": each["document"], "result": RESULTS[each["result"]], "problem": each["why"]}


RESULTS = {"said": _lazy("said"), "refused": _lazy("not said"), "left": ""}
"""What became of a document: the move was made; it was refused; it was not come to."""


def bulk_outcomes(found: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Each document that was to be moved, with its `result` (of `RESULTS`) and why it was refused. found: as `bulk` gives it."""
    for index, each in enumerate(found["plan"]):
        why = found["outcomes"].get(str(index), "")
        result = "refused" if why else "said" if index < found["done"] and found["stage"] != models.BulkStage.CHECKED else "left"
        # While all or nothing runs, nothing is said before everything is.
        if found["whole"] and found["finished_at"] is None:
            result = "left"
        yield {"document": each["document"], "number": each["number"], "rows": each["rows"], "result": result, "why": why}
