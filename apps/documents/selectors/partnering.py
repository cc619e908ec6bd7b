"""What documents tell the floors below, where their pages ask: how many there are with a partner, and how many lines wait for an item."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.db.models import Count, Q
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.base import acting, clock
from apps.documents import models
from apps.documents.selectors.reading import late, unmatched
from apps.documents.types import TYPES
from apps.documents.vocabulary import DocumentType
from apps.network import selectors as network

LATEST = 8


def _seen_types() -> list[DocumentType]:
    return [document_type for document_type in TYPES.values() if acting.actor().may(f"{document_type.code}.view")]


def figures(*, only: uuid.UUID | None) -> list[Mapping[str, Any]]:
    """For each partner (or one), type and side: how many documents there are, are open, are late; and the address of their list. One query a type."""
    rows: list[Mapping[str, Any]] = []
    for document_type in _seen_types():
        final = [state.code for state in document_type.states if state.final]
        found = models.Document.objects.filter(type=document_type.code, **({} if only is None else {"partner_id": only}))
        counted = found.values("partner_id", "side").annotate(
            count=Count("pk"), open=Count("pk", filter=~Q(state__in=final)), late=Count("pk", filter=late(document_type, today=clock.today()))
        )
        rows += [
            {**row, "label": document_type.side_labels[row["side"]], "url": _list_url(document_type, row)} for row in counted.order_by("partner_id", "side")
        ]
    return rows


def _list_url(document_type: DocumentType, row: Mapping[str, Any]) -> str:
    partner = network.names([row["partner_id"]]).get(row["partner_id"])
    return f"{reverse('document_list', args=[document_type.collection])}?side={row['side']}&partner={partner.slug if partner else ''}"


def recent_with(*, partner_id: uuid.UUID) -> list[Mapping[str, Any]]:
    """The latest documents with a partner, as a page shows them."""
    types = {document_type.code: document_type for document_type in _seen_types()}
    found = models.Document.objects.filter(partner_id=partner_id, type__in=types).order_by("-updated_at", "-id")
    columns = ("id", "type", "number", "state", "due_on", "amount", "currency")
    return [{**row, "state": types[row["type"]].state(row["state"]), "url": _url(types[row["type"]], row["id"])} for row in found.values(*columns)[:LATEST]]


def _url(document_type: DocumentType, id: uuid.UUID) -> str:
    return reverse("document", args=[document_type.collection, id])


def waiting_for_items() -> int:
    """How many lines of partners' documents wait in the matching queue."""
    return unmatched().count()


def pages_with(*, slug: str) -> list[Mapping[str, Any]]:
    """The pages about a partner that a page of the partner leads to."""
    if not acting.actor().may("order.view"):
        return []
    return [{"label": _("Scorecard"), "icon": "chart-bar", "url": reverse("scorecard", args=[slug])}]
