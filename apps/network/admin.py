"""Partnerships, as operators see them: with both consents, and without a hand in them."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from apps.base.admin import SeenAdmin, SeenInline, platform
from apps.network import models


class ConsentInline(SeenInline):
    model = models.Consent
    fields = ("enterprise", "state", "document_types", "supplier_group", "notice_days", "answer_hours", "changed_at")


@admin.register(models.Partnership, site=platform)
class PartnershipAdmin(SeenAdmin):
    list_display = ("inviter", "invitee", "role", "consents_given", "created_at")
    list_filter = ("role",)
    list_select_related = ("inviter", "invitee")
    search_fields = ("inviter__slug", "invitee__slug", "inviter__name", "invitee__name")
    fields = ("inviter", "invitee", "role", "created_at")
    inlines = (ConsentInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[models.Partnership]:
        found: QuerySet[models.Partnership] = super().get_queryset(request).prefetch_related("consents__enterprise")
        return found

    @admin.display(description=_("consents"))
    def consents_given(self, row: Any) -> str:
        return ", ".join(f"{consent.enterprise.slug}: {consent.get_state_display()}" for consent in row.consents.all())


@admin.register(models.Office, site=platform)
class OfficeAdmin(SeenAdmin):
    """When an enterprise answers, and who is responsible; each enterprise says it itself."""

    list_display = ("enterprise", "opens", "closes", "person")
    list_select_related = ("enterprise",)
    search_fields = ("enterprise__slug", "enterprise__name", "person")
    fields = ("enterprise", "days", "opens", "closes", "subdivision", "person", "email")


@admin.register(models.Tolerance, site=platform)
class ToleranceAdmin(SeenAdmin):
    """What enterprises tolerate of their suppliers' answers, with all versions; each says it itself."""

    list_display = ("enterprise", "partner", "supplier_group", "item", "version", "said_at")
    list_select_related = ("enterprise", "partner")
    search_fields = ("enterprise__slug", "partner__slug", "supplier_group", "item")
    fields = ("enterprise", "partner", "supplier_group", "item", "version", "terms", "said_by", "said_at")


@admin.register(models.Invitation, site=platform)
class InvitationAdmin(SeenAdmin):
    """Who brings whom onto the platform; the link itself nobody sees."""

    list_display = ("inviter", "email", "role", "created_at", "accepted_at", "enterprise")
    list_filter = ("role", ("accepted_at", admin.EmptyFieldListFilter))
    list_select_related = ("inviter", "enterprise")
    search_fields = ("email", "inviter__slug")
    fields = ("inviter", "email", "role", "language", "by", "created_at", "expires_at", "withdrawn_at", "enterprise", "accepted_at")
