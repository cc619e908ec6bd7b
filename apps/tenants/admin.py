"""Enterprises, as operators see them: the directory, host names and addresses."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import action

from apps.base import clock
from apps.base.admin import OperatorAdmin, SeenInline, platform
from apps.tenants import models, services


class DomainInline(SeenInline):
    model = models.Domain
    fields = ("domain", "is_primary")


class EndpointInline(SeenInline):
    model = models.Endpoint
    fields = ("scheme", "value")


@admin.register(models.Enterprise, site=platform)
class EnterpriseAdmin(OperatorAdmin):
    list_display = ("slug", "name", "country", "language", "ready", "suspended_at", "created_at")
    list_filter = ("ready", "language", "country")
    search_fields = ("slug", "name", "gln", "tax_number")
    fields = (
        "slug",
        "name",
        "gln",
        "tax_number",
        "country",
        "city",
        "roles",
        "language",
        "currency",
        "time_zone",
        "schema_name",
        "ready",
        "suspended_at",
        "offboarded_at",
        "created_at",
    )
    readonly_fields = ("slug", "roles", "schema_name", "ready", "suspended_at", "offboarded_at", "created_at")
    actions = ("suspend", "resume")
    actions_detail = ("move",)
    inlines = (DomainInline, EndpointInline)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponseBase:
        """An enterprise is provisioned with its home, not written as a row."""
        return redirect("admin:provision")

    @action(description=_("Export or offboard"), url_path="move")  # type: ignore[untyped-decorator]
    def move(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.get_object(request, object_id)
        if row is None or row.offboarded_at is not None:
            raise Http404
        return redirect("admin:moving", slug=row.slug)

    @admin.action(description=_("Suspend: nobody can enter"))
    def suspend(self, request: HttpRequest, chosen: QuerySet[models.Enterprise]) -> None:
        count = services.suspend(enterprises=list(chosen.values_list("pk", flat=True)), at=clock.now())
        messages.success(request, ngettext("%(count)d enterprise was suspended.", "%(count)d enterprises were suspended.", count) % {"count": count})

    @admin.action(description=_("Resume"))
    def resume(self, request: HttpRequest, chosen: QuerySet[models.Enterprise]) -> None:
        count = services.resume(enterprises=list(chosen.values_list("pk", flat=True)), at=clock.now())
        messages.success(request, ngettext("%(count)d enterprise was resumed.", "%(count)d enterprises were resumed.", count) % {"count": count})


@admin.register(models.Domain, site=platform)
class DomainAdmin(OperatorAdmin):
    list_display = ("domain", "tenant", "is_primary")
    list_select_related = ("tenant",)
    search_fields = ("domain", "tenant__slug")
    autocomplete_fields = ("tenant",)

    def has_delete_permission(self, request: HttpRequest, obj: models.Domain | None = None) -> bool:
        """A host name can be taken away; the one that an enterprise was given with its home stays."""
        return obj is None or not obj.is_primary


@admin.register(models.Endpoint, site=platform)
class EndpointAdmin(OperatorAdmin):
    list_display = ("scheme", "value", "enterprise")
    list_select_related = ("enterprise",)
    search_fields = ("value", "enterprise__slug")
    autocomplete_fields = ("enterprise",)

    def has_delete_permission(self, request: HttpRequest, obj: models.Endpoint | None = None) -> bool:
        return True
