"""The channels, as operators see them: how far they are, what halts them, and that something was said; never what."""

import uuid
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db import DatabaseError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.decorators import action

from apps.base import clock
from apps.base.acting import Home
from apps.base.admin import SeenAdmin, platform
from apps.exchange import models, selectors, services
from apps.tenants import selectors as tenancy
from apps.tenants import services as tenants

SHOWN = 100


class MoveForm(forms.Form):
    """What an operator does with a whole enterprise. again: its short name once more, where it is to leave."""

    deed = forms.ChoiceField(choices=[("export", "export"), ("offboard", "offboard")])
    again = forms.CharField(required=False, max_length=40)
    keep = forms.BooleanField(required=False)
    anyway = forms.BooleanField(required=False)


@platform.page("moving/<slug:slug>/", name="moving")
def moving(request: HttpRequest, slug: str) -> HttpResponse:
    """Write an enterprise into a file on the server, or let it leave. The file is not given to the browser: an operator reads no enterprise's data."""
    home = tenancy.standing(slug=slug)
    if home is None:
        raise Http404
    form = MoveForm(request.POST) if request.method == "POST" else None
    context: dict[str, Any] = {**platform.each_context(request), "title": home.name, "home": home}
    if form is not None and form.is_valid():
        context |= _move(home, form.cleaned_data)
    status = 422 if context.get("refused") or (form is not None and form.errors) else 200
    return render(request, "admin/moving.html", context, status=status)


def _move(home: Home, given: dict[str, Any]) -> dict[str, Any]:
    at = clock.now()
    leaves = given["deed"] == "offboard"
    if leaves and given["again"] != home.slug:
        return {"refused": _("Write its short name exactly: nothing was done.")}
    file = settings.VAR / "exports" / f"{home.slug}-{at:%Y%m%d-%H%M%S}.zip" if given["keep"] or not leaves else None
    try:
        if file is not None:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if leaves:
            tenants.offboard(home=home, at=at, file=file, anyway=given["anyway"])
        elif file is not None:
            tenants.export(home=home, file=file, at=at)
    except services.Unfinished as error:
        return {"refused": str(error)}
    return {"done": given["deed"], "file": file}


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
