"""The channels, as operators see them: how far they are, what halts them, and that something was said; never what."""

import uuid
from typing import Any

from django.contrib import admin, messages
from django.db import DatabaseError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.decorators import action

from apps.base.admin import SeenAdmin, platform
from apps.exchange import models, selectors, services

SHOWN = 100


@admin.register(models.Channel, site=platform)
class ChannelAdmin(SeenAdmin):
    list_display = ("sender", "receiver", "head", "delivered", "lag", "halted_at", "reason")
    list_filter = (("cursor__halted_at", admin.EmptyFieldListFilter),)
    list_select_related = ("sender", "receiver", "cursor")
    search_fields = ("sender__slug", "receiver__slug")
    fields = ("sender", "receiver", "head", "delivered", "lag", "halted_at", "reason")
    readonly_fields = ("delivered", "lag", "halted_at", "reason")
    actions = ("try_again",)
    actions_detail = ("envelopes",)

    def _cursor(self, row: models.Channel) -> models.Cursor | None:
        return row.cursor if hasattr(row, "cursor") else None

    @admin.display(description=gettext_lazy("delivered"))
    def delivered(self, row: models.Channel) -> int:
        cursor = self._cursor(row)
        return cursor.delivered if cursor else 0

    @admin.display(description=gettext_lazy("waiting"))
    def lag(self, row: models.Channel) -> int:
        return row.head - self.delivered(row)

    @admin.display(description=gettext_lazy("halted at"), ordering="cursor__halted_at")
    def halted_at(self, row: models.Channel) -> Any:
        cursor = self._cursor(row)
        return cursor.halted_at if cursor else None

    @admin.display(description=gettext_lazy("reason"))
    def reason(self, row: models.Channel) -> str:
        cursor = self._cursor(row)
        return cursor.reason if cursor else ""

    @admin.action(description=gettext_lazy("Try again now"))
    def try_again(self, request: HttpRequest, chosen: QuerySet[models.Channel]) -> None:
        taken = 0
        for channel in chosen.values_list("pk", flat=True):
            try:
                taken += services.resume(channel=channel)
            except DatabaseError as error:
                messages.error(request, _("A channel could not be tried: %(error)s") % {"error": error})
        messages.success(request, ngettext("%(count)d envelope was delivered.", "%(count)d envelopes were delivered.", taken) % {"count": taken})

    @action(description=gettext_lazy("Envelopes"), url_path="envelopes")  # type: ignore[untyped-decorator]
    def envelopes(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """When something was said, of what kind, and its digest: the columns that the database grants to operators."""
        channel = self.get_object(request, object_id)
        if channel is None:
            raise Http404
        before = request.GET.get("before", "")
        known = int(before) if before.isascii() and before.isdecimal() and len(before) < 16 else None
        rows = selectors.metadata(channel=uuid.UUID(str(channel.pk)), before=known, limit=SHOWN)
        context = {**platform.each_context(request), "title": f"{channel.sender.slug} → {channel.receiver.slug}", "envelopes": rows}
        older = rows[-1]["seq"] if len(rows) == SHOWN else None
        return render(request, "admin/envelopes.html", {**context, "older": older})
