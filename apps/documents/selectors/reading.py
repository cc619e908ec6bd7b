"""Documents as plain data: headers, whole documents with their lines, history, thread, originals."""

import datetime as dt
import re
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum

from apps.base import acting
from apps.base.rows import first, json_of, rows
from apps.documents import models
from apps.documents.types import TYPES
from apps.documents.vocabulary import DocumentType, Move
from apps.tenants.storage import files

LAST_DIGITS = re.compile(r"[0-9]{1,12}\Z")
HEAD = [
    "id",
    "type",
    "side",
    "partner_id",
    "number",
    "state",
    "currency",
    "note",
    "details",
    "amount",
    "line_count",
    "issued_on",
    "due_on",
    "version",
    "seen_at",
    "answer_due_at",
    "answer_stage",
    "created_at",
    "updated_at",
    "own_said",
    "partner_said",
]
LINE = [
    "id",
    "position",
    "reference",
    "item_id",
    "item__number",
    "item__name",
    "item__name_zh",
    "buyer_item",
    "seller_item",
    "gtin",
    "name",
    "quantity",
    "unit",
    "price",
    "price_base",
    "note",
    "details",
    "response",
    "offered_price",
    "reason",
    "substitute",
    "answer_details",
    "agreed",
    "agreed_price",
]
STEP = ["id", "document_id", "position", "own", "by", "at", "move", "before", "after", "said", "seen", "overruled", "data"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A document as one side sees it. head, lines: the columns of the tables; each line bears its schedules by kind."""

    type: DocumentType
    head: Mapping[str, Any]
    lines: Sequence[Mapping[str, Any]]

    @property
    def id(self) -> uuid.UUID:
        return self.head["id"]  # type: ignore[no-any-return]

    def moves(self, actor: acting.Actor) -> list[Move]:
        """The moves that this actor may make now."""
        return moves_now(self.type, self.head, actor)


def moves_now(document_type: DocumentType, head: Mapping[str, Any], actor: acting.Actor) -> list[Move]:
    """The moves that the state allows to this side and the role to this actor."""
    found = document_type.moves_for(state=head["state"], side=head["side"])
    return [move for move in found if actor.may(f"{document_type.code}.{move.code}")]


def heads(*, type: str) -> QuerySet[models.Document]:
    """All documents of a type in this home; for filters, lists and counts."""
    return models.Document.objects.filter(type=type)


def head(*, id: uuid.UUID) -> Mapping[str, Any] | None:
    """The header of a document, None where there is none here."""
    found = first(_HEAD, HEAD, [id])
    return {**found, "details": json_of(found["details"])} if found else None


def whole(*, id: uuid.UUID, type: str | None = None) -> Whole | None:
    """A document with its lines and schedules, in three queries; None where there is none here (of that type)."""
    found = head(id=id)
    if found is None or (type is not None and found["type"] != type):
        return None
    lines, by_line = rows(_LINES, LINE, [id]), _schedules(id)
    for line in lines:
        line.update({name: json_of(line[name]) for name in _JSON}, schedules=by_line[line["id"]])
    return Whole(type=TYPES[found["type"]], head=found, lines=lines)


SCHEDULE = ["line_id", "kind", "id", "quantity", "due_on"]
_OF_ITEM = {f"item__{name}": f"i.{name}" for name in ("number", "name", "name_zh")}
_JSON = ("details", "substitute", "answer_details")
_HEAD = f"SELECT {', '.join(HEAD)} FROM documents_document WHERE id = %s"
_LINES = (
    f"SELECT {', '.join(_OF_ITEM.get(name, f'l.{name}') for name in LINE)} FROM documents_line l LEFT JOIN catalog_item i ON i.id = l.item_id "
    "WHERE l.document_id = %s ORDER BY l.position"
)
_SCHEDULES = (
    f"SELECT {', '.join(f's.{name}' for name in SCHEDULE)} FROM documents_schedule s JOIN documents_line l ON l.id = s.line_id "
    "WHERE l.document_id = %s ORDER BY s.position"
)


def _schedules(document_id: uuid.UUID) -> Mapping[uuid.UUID, Mapping[str, list[Mapping[str, Any]]]]:
    by_line: dict[uuid.UUID, dict[str, list[Mapping[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for schedule in rows(_SCHEDULES, SCHEDULE, [document_id]):
        by_line[schedule.pop("line_id")][schedule.pop("kind")].append(schedule)
    return by_line


def first_item(document: uuid.UUID) -> uuid.UUID | None:
    """One's own item of the first line of a document, where it is known."""
    return models.Line.objects.filter(document_id=document).order_by("position").values_list("item_id", flat=True).first()


def progress(*, id: uuid.UUID) -> Mapping[uuid.UUID, Mapping[str, Decimal]]:
    """The sums of the quantities of each schedule of a document, by kind (ordered, confirmed, shipped …)."""
    sums: dict[uuid.UUID, dict[str, Decimal]] = defaultdict(dict)
    found = models.Quantity.objects.filter(schedule__line__document_id=id).values_list("schedule_id", "kind").annotate(total=Sum("quantity"))
    for schedule, kind, total in found:
        sums[schedule][kind] = total
    return sums


def linking(*, target: uuid.UUID, type: str) -> list[Mapping[str, Any]]:
    """The documents of a type that counted, or count, something on a line of this one, the newest first."""
    linked = models.Quantity.objects.filter(schedule__line__document_id=target, step__document__type=type).values("step__document_id")
    columns = ("id", "number", "state", "side", "partner_id", "updated_at")
    return list(models.Document.objects.filter(pk__in=linked).order_by("-created_at", "-id").values(*columns))


def lines_of(ids: Sequence[uuid.UUID]) -> list[Mapping[str, Any]]:
    """The lines of several documents, as much of them as says what they are about. One query."""
    return list(models.Line.objects.filter(document_id__in=ids).order_by("document_id", "position").values("document_id", "position", "quantity", "details"))


def answering(*, type: str, field: str, id: uuid.UUID) -> Mapping[str, Any] | None:
    """The newest document of a type that names this one in its details under `field`, and that both sides know; None where there is none."""
    found = models.Document.objects.filter(type=type, details__contains={field: str(id)}).exclude(own_said=0, partner_said=0)
    row: Mapping[str, Any] | None = found.order_by("-created_at").values("id", "number", "state").first()
    return row


def history(*, id: uuid.UUID) -> list[Mapping[str, Any]]:
    """The steps of a document, the first one first."""
    return list(models.Step.objects.filter(document_id=id).order_by("position").values(*STEP))


def step(*, id: uuid.UUID) -> Mapping[str, Any] | None:
    """One step, None where there is none here."""
    found: Mapping[str, Any] | None = models.Step.objects.filter(pk=id).values(*STEP).first()
    return found


def answers(*, type: str, collection: str) -> QuerySet[models.Step]:
    """The steps that can be read as documents of their own: `order-responses` are the seller's answers to orders. What became of a draft was said to nobody."""
    message = collection.removesuffix("s").replace("-", "_")
    codes = [move.code for move in TYPES[type].moves if move.message == message]
    said = models.Step.objects.filter(document__type=type, move__in=codes, overruled=False).exclude(before=TYPES[type].draft)
    return said.select_related("document")


def thread(*, id: uuid.UUID) -> list[Mapping[str, Any]]:
    """The messages of a document, the first one first."""
    return list(models.Message.objects.filter(document_id=id).order_by("at", "id").values("id", "own", "by", "at", "text"))


def attachments(*, id: uuid.UUID) -> list[Mapping[str, Any]]:
    """The files that were laid beside a document, the first one first, without their bytes."""
    columns = ("id", "own", "by", "at", "name", "media_type", "size", "sha256")
    return list(models.Attachment.objects.filter(document_id=id).order_by("at", "id").values(*columns))


def attachment(*, id: uuid.UUID, document: uuid.UUID) -> tuple[str, str, bytes] | None:
    """Name, media type and bytes of one file beside a document."""
    found = models.Attachment.objects.filter(pk=id, document_id=document).first()
    return (found.name, found.media_type, files().read(found.stored)) if found else None


def originals(*, id: uuid.UUID) -> list[Mapping[str, Any]]:
    """The standard messages that made or moved a document, without their bytes."""
    return list(models.Original.objects.filter(document_id=id).order_by("received_at").values("id", "kind", "media_type", "received_at", "step_id"))


def original(*, id: uuid.UUID, document: uuid.UUID) -> tuple[str, bytes] | None:
    """Media type and bytes of one original of a document, as they came in."""
    found = models.Original.objects.filter(pk=id, document_id=document).values_list("media_type", "body").first()
    return (found[0], bytes(found[1])) if found else None


def by_number(*, type: str, number: str, side: str, partner_id: uuid.UUID) -> uuid.UUID | None:
    """The document of this number between the acting enterprise and a partner."""
    return models.Document.objects.filter(type=type, number=number, side=side, partner_id=partner_id).values_list("pk", flat=True).first()


def next_number(*, type: str, prefix: str = "") -> str:
    """A number for the next document of one's own: the newest one's, with its last digits counted on; empty where there is none.

    prefix: what the newest one begins with.
    """
    own = models.Document.objects.filter(type=type, issuer_id=acting.home().id)
    newest = (own.filter(number__startswith=f"{prefix}-") if prefix else own).order_by("-created_at", "-id").values_list("number", flat=True).first()
    digits = LAST_DIGITS.search(newest or "")
    if newest is None or digits is None:
        return ""
    head, counted = newest[: digits.start()], digits.group()
    following = [f"{head}{int(counted) + step:0{len(counted)}d}" for step in range(1, 50)]
    taken = set(own.filter(number__in=following).values_list("number", flat=True))
    return next((number for number in following if number not in taken), "")


def shared_ids() -> Iterable[uuid.UUID]:
    """The documents about which something was said between two enterprises."""
    return models.Document.objects.filter(Q(own_said__gt=0) | Q(partner_said__gt=0)).values_list("pk", flat=True)


def waiting_for_us(document_type: DocumentType) -> Q:
    """The documents that wait for a move of the acting side: to answer, to publish, to decide."""
    condition = Q(pk__in=[])
    for side in ("buyer", "seller"):
        condition |= Q(side=side, state__in=document_type.states_waiting_for(side))
    return condition


def waiting_for_them(document_type: DocumentType) -> Q:
    """The documents that wait for the partner."""
    condition = Q(pk__in=[])
    for side, other in (("buyer", "seller"), ("seller", "buyer")):
        condition |= Q(side=side, state__in=document_type.states_waiting_for(other))
    return condition


def late(document_type: DocumentType, *, today: dt.date) -> Q:
    """Open documents with a date that has passed and nothing agreed for it yet."""
    final = [state.code for state in document_type.states if state.final or state.stands or state.waits_for is None]
    return Q(due_on__lt=today) & ~Q(state__in=final)


def answer_overdue(*, at: dt.datetime) -> Q:
    """Documents whose answer was due before a moment, and has not come."""
    return Q(answer_due_at__lt=at)


def counts(document_type: DocumentType, *, today: dt.date, at: dt.datetime) -> Mapping[str, int]:
    """How many documents wait for us and for them, are late, or were not seen yet, and how many answers are overdue. One query.

    to_answer: all that wait for us but our own drafts: what a partner asks (asked), and what he answered (answered).
    """
    ours = waiting_for_us(document_type) & ~Q(state=document_type.draft)
    found = models.Document.objects.filter(type=document_type.code).aggregate(
        to_answer=Count("pk", filter=ours),
        asked=Count("pk", filter=ours & ~Q(side=document_type.issuer)),
        answered=Count("pk", filter=ours & Q(side=document_type.issuer)),
        drafts=Count("pk", filter=Q(state=document_type.draft)),
        waiting=Count("pk", filter=waiting_for_them(document_type)),
        late=Count("pk", filter=late(document_type, today=today)),
        overdue=Count("pk", filter=answer_overdue(at=at)),
        unseen=Count("pk", filter=Q(seen_at=None)),
    )
    return dict(found)


def _to_answer(types: Collection[str]) -> Q:
    condition = Q(pk__in=[])
    for document_type in (TYPES[code] for code in types):
        condition |= Q(type=document_type.code) & waiting_for_us(document_type) & ~Q(state=document_type.draft)
    return condition


def inbox_count(types: Collection[str] = TYPES) -> int:
    """How many documents, of these types, wait for an answer of ours. One query."""
    return models.Document.objects.filter(_to_answer(types)).count()


def waiting(*, types: Collection[str], limit: int) -> list[dict[str, Any]]:
    """The documents of these types that wait for an answer of ours, as rows of a list; those first whose answer is due first. One query."""
    found = models.Document.objects.filter(_to_answer(types)).order_by(F("answer_due_at").asc(nulls_last=True), F("due_on").asc(nulls_last=True), "id")
    return list(found.values(*HEAD)[:limit])


def unmatched() -> QuerySet[models.Line]:
    """The matching queue: lines of partners' documents whose item fits none of ours, or several."""
    open_documents = models.Document.objects.filter(pk=OuterRef("document_id")).exclude(state__in=["cancelled", "rejected"])
    return models.Line.objects.filter(Exists(open_documents), item=None).select_related("document")
