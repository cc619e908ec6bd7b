"""An enterprise's documents, in its own admin: to be looked at; they change by moves alone."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from apps.base.admin import SeenAdmin, SeenInline, homes
from apps.documents import models
from apps.documents.types import TYPES
from apps.network import selectors as network


class LineInline(SeenInline):
    model = models.Line
    fields = ("position", "item", "buyer_item", "seller_item", "name", "quantity", "unit", "price", "response", "offered_price", "agreed_price")


class StepInline(SeenInline):
    model = models.Step
    fields = ("position", "own", "by", "at", "move", "before", "after", "overruled")


class MessageInline(SeenInline):
    model = models.Message
    fields = ("own", "by", "at", "text")


class AttachmentInline(SeenInline):
    model = models.Attachment
    fields = ("own", "by", "at", "name", "media_type", "size", "sha256")


@admin.register(models.Document, site=homes)
class DocumentAdmin(SeenAdmin):
    list_display = ("number", "kind", "partner", "state_label", "amount", "currency", "due_on", "updated_at")
    list_filter = ("type", "side", "state")
    search_fields = ("number",)
    ordering = ("-updated_at", "-id")
    fields = (
        "number",
        "kind",
        "partner",
        "state_label",
        "currency",
        "amount",
        "note",
        "issued_on",
        "due_on",
        "answer_due_at",
        "answer_stage",
        "version",
        "own_said",
        "partner_said",
        "created_at",
        "updated_at",
    )
    readonly_fields = ("kind", "partner", "state_label")
    inlines = (LineInline, StepInline, MessageInline, AttachmentInline)

    @admin.display(description=_("kind"), ordering="type")
    def kind(self, row: models.Document) -> str:
        return str(TYPES[row.type].side_labels[row.side])

    @admin.display(description=_("partner"))
    def partner(self, row: models.Document) -> str:
        listed = network.names([row.partner_id]).get(row.partner_id)
        return listed.name if listed else "–"

    @admin.display(description=_("state"), ordering="state")
    def state_label(self, row: models.Document) -> str:
        return str(TYPES[row.type].state(row.state).label)


class _OfDocument(SeenAdmin):
    """Rows that belong to a document."""

    list_select_related = ("document",)
    search_fields = ("document__number", "by")
    ordering = ("-at", "-id")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("document")


@admin.register(models.Step, site=homes)
class StepAdmin(_OfDocument):
    list_display = ("at", "document", "move", "before", "after", "by", "own", "overruled")
    list_filter = ("move", "own", "overruled")
    fields = ("document", "position", "own", "by", "at", "move", "before", "after", "said", "seen", "overruled", "data")


@admin.register(models.Message, site=homes)
class MessageAdmin(_OfDocument):
    list_display = ("at", "document", "by", "own", "text")
    list_filter = ("own",)
    fields = ("document", "own", "by", "at", "text")
