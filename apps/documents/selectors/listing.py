"""Lists and figures: a page of headers by cursor, totals, what is found by a word, the orders of each week, who is on time."""

import base64
import binascii
import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum

from apps.documents import models
from apps.documents.vocabulary import DocumentType

ROW = [
    "id",
    "type",
    "side",
    "partner_id",
    "number",
    "state",
    "currency",
    "amount",
    "line_count",
    "issued_on",
    "due_on",
    "seen_at",
    "updated_at",
    "version",
    "answer_due_at",
    "answer_stage",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One page of a list, the newest first. newer, older: the cursors of the pages beside it, empty where there is none."""

    rows: Sequence[Mapping[str, Any]]
    newer: str
    older: str


def leaf(found: QuerySet[models.Document], *, cursor: str = "", limit: int = 50) -> Leaf:
    """The page of a list at a cursor; a cursor that was never given counts as the beginning. One query, whatever the depth."""
    place = _place(cursor)
    forwards = place is None or place[0] == "o"
    if place is not None:
        _direction, at, key = place
        beyond = Q(updated_at__lt=at) | Q(id__lt=key) if forwards else Q(updated_at__gt=at) | Q(id__gt=key)
        found = found.filter(beyond, **{"updated_at__lte" if forwards else "updated_at__gte": at})
    order = ("-updated_at", "-id") if forwards else ("updated_at", "id")
    rows = list(found.order_by(*order).values(*ROW)[: limit + 1])
    more, rows = len(rows) > limit, rows[:limit]
    if not forwards:
        rows.reverse()
    has_newer, has_older = (place is not None, more) if forwards else (more, True)
    return Leaf(rows=rows, newer=_cursor("n", rows[0]) if rows and has_newer else "", older=_cursor("o", rows[-1]) if rows and has_older else "")


def _cursor(direction: str, row: Mapping[str, Any]) -> str:
    text = f"{direction}{row['updated_at'].isoformat()}/{row['id'].hex}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _place(cursor: str) -> tuple[str, dt.datetime, uuid.UUID] | None:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
        at, _slash, key = text[1:].partition("/")
        place = text[:1], dt.datetime.fromisoformat(at), uuid.UUID(key)
    except (binascii.Error, UnicodeError, ValueError):
        return None
    return place if place[0] in ("n", "o") and place[1].tzinfo is not None else None


def totals(found: QuerySet[models.Document]) -> list[Mapping[str, Any]]:
    """How many documents a list has and what they amount to, for each currency."""
    return list(found.order_by("currency").values("currency").annotate(count=Count("pk"), amount=Sum("amount")))


def about(words: str, *, partners: Sequence[uuid.UUID] = ()) -> Q:
    """The documents that `words` may mean: by number, by a line's item numbers, GTIN or name, or of one of these partners."""
    lines = models.Line.objects.filter(document_id=OuterRef("pk")).filter(
        Q(buyer_item__icontains=words) | Q(seller_item__icontains=words) | Q(name__icontains=words) | Q(gtin=words)
    )
    return Q(number__icontains=words) | Q(partner_id__in=partners) | Q(Exists(lines))


def is_late(document_type: DocumentType, head: Mapping[str, Any], *, today: dt.date) -> bool:
    """Whether a header is among those of `late()`."""
    state = document_type.state(head["state"])
    return bool(head["due_on"] and head["due_on"] < today and not state.final and not state.stands and state.waits_for is not None)


def steps_after(*, id: uuid.UUID, version: int) -> set[uuid.UUID]:
    """The ids of the steps that a reader of this version of a document has not seen."""
    return set(models.Step.objects.filter(document_id=id, position__gt=version).values_list("pk", flat=True))


def recent(*, limit: int = 20) -> list[Mapping[str, Any]]:
    """What happened last to any document, the newest first, with the header's words. Writing drafts is no news."""
    columns = ["id", "document_id", "own", "by", "at", "move", "after", "overruled"]
    head = ["document__type", "document__number", "document__partner_id", "document__line_count"]
    return list(models.Step.objects.exclude(move__in=["draft", "revise"]).order_by("-at", "-id").values(*columns, *head)[:limit])


def histories(ids: Sequence[uuid.UUID]) -> Mapping[uuid.UUID, list[Mapping[str, Any]]]:
    """The histories of several documents, each the first step first. One query."""
    columns = ["id", "document_id", "position", "own", "by", "at", "move", "before", "after", "overruled", "data"]
    found: dict[uuid.UUID, list[Mapping[str, Any]]] = {id: [] for id in ids}
    for step in models.Step.objects.filter(document_id__in=ids).order_by("document_id", "position").values(*columns):
        found[step["document_id"]].append(step)
    return found


def weekly(document_type: DocumentType, *, first: dt.date, zone: str) -> Mapping[dt.date, tuple[int, int]]:
    """How many documents were sent and received in each week since the Monday `first`, by its Monday, in a time zone."""
    asks = [move.code for move in document_type.moves if move.effect == "ask"]
    query = (
        "SELECT date_trunc('week', s.at AT TIME ZONE %s)::date, count(*) FILTER (WHERE s.own), count(*) FILTER (WHERE NOT s.own) "
        "FROM documents_step s JOIN documents_document d ON d.id = s.document_id "
        "WHERE d.type = %s AND s.move = ANY(%s) AND (s.at AT TIME ZONE %s)::date >= %s GROUP BY 1"
    )
    with connection.cursor() as cursor:
        cursor.execute(query, [zone, document_type.code, asks, zone, first])
        return {week: (sent, received) for week, sent, received in cursor.fetchall()}


def punctuality(document_type: DocumentType, *, since: dt.datetime) -> list[tuple[uuid.UUID, float, int]]:
    """The share of answered lines whose last promised date is not after the last one asked for, and their number: with each partner, the most lines first."""
    query = (
        "SELECT partner_id, avg((promised <= asked)::int)::float, count(*) FROM ("
        "SELECT d.partner_id, l.id, max(s.due_on) FILTER (WHERE s.kind = 'requested') AS asked, max(s.due_on) FILTER (WHERE s.kind = 'offered') AS promised "
        "FROM documents_document d JOIN documents_line l ON l.document_id = d.id JOIN documents_schedule s ON s.line_id = l.id "
        "WHERE d.type = %s AND l.response <> '' AND d.updated_at >= %s GROUP BY d.partner_id, l.id) lines "
        "WHERE asked IS NOT NULL AND promised IS NOT NULL GROUP BY partner_id ORDER BY count(*) DESC, partner_id LIMIT 12"
    )
    with connection.cursor() as cursor:
        cursor.execute(query, [document_type.code, since])
        return [(partner, rate, count) for partner, rate, count in cursor.fetchall()]


def saved_views(*, person: uuid.UUID, type: str) -> list[Mapping[str, Any]]:
    """A person's saved views of the list of a type, by name."""
    return list(models.SavedView.objects.filter(person_id=person, type=type).order_by("name").values("id", "name", "query"))
