"""The resources: what there is to work with; saying that one is down, and that it runs again."""

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.base import acting, clock
from apps.base.asking import ask, tell
from apps.base.findings import Invalid
from apps.base.pages import in_home, need, see_other
from apps.scheduling import selectors, services
from apps.scheduling.forms import BreakForm, ResourceForm
from apps.scheduling.views.entering import form_page, removal
from apps.scheduling.views.plan import frame

USUAL_OUTAGE = dt.timedelta(hours=8)


@in_home
@require_safe
def resources(request: HttpRequest) -> HttpResponse:
    """All resources, with what is down."""
    need("schedule.view")
    may_change, may_break = (acting.actor().may(permission) for permission in ("schedule.change", "schedule.break"))
    rows = list(selectors.resources().values(*selectors.RESOURCE))
    down = selectors.down([row["id"] for row in rows], at=clock.now())
    told = [
        {
            "row": row,
            "label": _label(row),
            "down": down.get(row["id"]),
            "edit_url": reverse("resource_edit", args=[row["id"]]) if may_change else "",
            "break_url": reverse("resource_break", args=[row["id"]]) if may_break else "",
            "repair_url": reverse("resource_repair", args=[row["id"]]) if may_break and row["id"] in down else "",
        }
        for row in rows
    ]
    context = {"tabs": frame("resources"), "rows": told, "new_url": reverse("resource_new") if may_change else ""}
    return render(request, "schedule/resources.html", context)


def _label(row: Mapping[str, Any]) -> str:
    return str(row["name_zh"] if row["name_zh"] and (get_language() or "").startswith("zh") else row["name"])


def _row(id: uuid.UUID) -> Mapping[str, Any]:
    row = selectors.resource(id=id)
    if row is None:
        raise Http404
    return row


@in_home
@require_http_methods(["GET", "POST"])
def new_resource(request: HttpRequest) -> HttpResponse:
    """Enter a resource."""
    need("schedule.change")
    form = ResourceForm(request.POST) if request.method == "POST" else ResourceForm()
    return _page(request, form, None, _("New resource"))


@in_home
@require_http_methods(["GET", "POST"])
def edit_resource(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Change a resource."""
    need("schedule.change")
    row = _row(id)
    initial = {**row, "site": row["site__code"] or "", "calendar": row["calendar__code"], "efficiency": format(row["efficiency"], "f")}
    form = ResourceForm(request.POST) if request.method == "POST" else ResourceForm(initial=initial)
    return _page(request, form, id, str(row["code"]), remove_url=reverse("resource_remove", args=[id]))


def _page(request: HttpRequest, form: ResourceForm, id: uuid.UUID | None, heading: str, **context: Any) -> HttpResponse:
    def save(given: Mapping[str, Any]) -> None:
        services.save_resource(**given, **({"id": id} if id else {}), by=acting.actor(), at=clock.now())

    return form_page(request, form, save=save, heading=heading, back_url=reverse("resources"), back_label=_("Resources"), **context)


@in_home
@require_http_methods(["GET", "POST"])
def remove_resource(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Take a resource away, after a question."""
    need("schedule.change")
    row = _row(id)
    return removal(
        request,
        remove=lambda: services.remove_resource(id=id, by=acting.actor(), at=clock.now()),
        question=_("Take %(code)s off the list?") % {"code": row["code"]},
        consequence=_("Operations that name it, or a pool of which it was the last, can no longer be planned."),
        back_url=reverse("resources"),
        back_label=_("Resources"),
    )


@in_home
@require_http_methods(["GET", "POST"])
def break_resource(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Say that a resource is down, and until when."""
    need("schedule.break")
    row = _row(id)
    until = timezone.localtime(clock.now() + USUAL_OUTAGE)
    form = BreakForm(request.POST) if request.method == "POST" else BreakForm(initial={"until": until})
    if request.method == "POST" and form.is_valid():
        try:
            services.break_resource(resource=id, **form.cleaned_data, by=acting.actor(), at=clock.now())
        except Invalid as refusal:
            tell(form, refusal)
        else:
            messages.success(request, _("%(code)s is down. What it had planned was planned anew.") % {"code": row["code"]})
            return see_other(reverse("resources"))
    return ask(
        request,
        question=_("Is %(code)s down?") % {"code": row["code"]},
        consequence=_("What it had planned is planned anew at once, and customers whose promises move hear of it."),
        submit=_("It is down"),
        back_url=reverse("resources"),
        back_label=_("Resources"),
        form=form,
        danger=True,
    )


@in_home
@require_POST
def repair_resource(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Say that a resource runs again."""
    need("schedule.break")
    row = _row(id)
    try:
        services.repair_resource(resource=id, by=acting.actor(), at=clock.now())
    except services.NotBroken as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("%(code)s runs again.") % {"code": row["code"]})
    return see_other(reverse("resources"))
