"""The operations: how items are made, on what, and how long it takes."""

import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from apps.base import acting, clock
from apps.base.pages import in_home, need
from apps.scheduling import selectors, services
from apps.scheduling.forms import OperationForm
from apps.scheduling.services.operating import OPERATION_COLUMNS
from apps.scheduling.views.entering import form_page, removal
from apps.scheduling.views.plan import frame

LIMIT = 200


@in_home
@require_safe
def operations(request: HttpRequest) -> HttpResponse:
    """The operations by item; `item`: of the item with this number, `after`: from the item after this one on."""
    need("schedule.view")
    may_change = acting.actor().may("schedule.change")
    item, after = (request.GET.get(name, "")[:60].replace("\0", "") for name in ("item", "after"))
    rows = list(selectors.operations(item=item, after=after).values(*selectors.OPERATION)[: LIMIT + 1])
    kept = rows[:LIMIT] if len(rows) <= LIMIT or rows[0]["item__number"] == rows[LIMIT]["item__number"] else _whole_items(rows)
    told = [
        {
            "row": row,
            "label": _label(row),
            "first": index == 0 or kept[index - 1]["item__number"] != row["item__number"],
            "edit_url": reverse("operation_edit", args=[row["id"]]) if may_change else "",
        }
        for index, row in enumerate(kept)
    ]
    new = f"{reverse('operation_new')}{'?' + urlencode({'item': item}) if item else ''}"
    context = {
        "tabs": frame("operations"),
        "rows": told,
        "item": item,
        "new_url": new if may_change else "",
        "more_url": f"?{urlencode({'item': item, 'after': kept[-1]['item__number']})}" if len(rows) > LIMIT else "",
    }
    return render(request, "schedule/operations.html", context)


def _whole_items(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of a page without those of an item that goes on on the next one."""
    return [row for row in rows[:LIMIT] if row["item__number"] != rows[LIMIT]["item__number"]]


def _label(row: Mapping[str, Any]) -> str:
    return str(row["name_zh"] if row["name_zh"] and (get_language() or "").startswith("zh") else row["name"])


@in_home
@require_http_methods(["GET", "POST"])
def new_operation(request: HttpRequest) -> HttpResponse:
    """Enter an operation."""
    need("schedule.change")
    form = OperationForm(request.POST) if request.method == "POST" else OperationForm(initial={"item": request.GET.get("item", "")[:60]})
    return _page(request, form, None, _("New operation"))


@in_home
@require_http_methods(["GET", "POST"])
def edit_operation(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Change an operation."""
    need("schedule.change")
    row = selectors.operation(id=id)
    if row is None:
        raise Http404
    initial = {**{name: row[name] for name in OPERATION_COLUMNS if name != "item"}, "item": row["item__number"]}
    form = OperationForm(request.POST) if request.method == "POST" else OperationForm(initial=initial)
    return _page(request, form, id, _label(row), remove_url=reverse("operation_remove", args=[id]))


def _page(request: HttpRequest, form: OperationForm, id: uuid.UUID | None, heading: str, **context: Any) -> HttpResponse:
    def save(given: Mapping[str, Any]) -> None:
        services.save_operation(**given, **({"id": id} if id else {}), by=acting.actor(), at=clock.now())

    offered = sorted({code for row in selectors.resources().values_list("code", "pool") for code in row if code})
    return form_page(
        request, form, save=save, heading=heading, back_url=reverse("operations"), back_label=pgettext("works", "Operations"), offered=offered, **context
    )


@in_home
@require_http_methods(["GET", "POST"])
def remove_operation(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Take an operation away, after a question."""
    need("schedule.change")
    row = selectors.operation(id=id)
    if row is None:
        raise Http404
    return removal(
        request,
        remove=lambda: services.remove_operation(id=id, by=acting.actor(), at=clock.now()),
        question=_("Take “%(operation)s” out of %(item)s?") % {"operation": _label(row), "item": row["item__number"]},
        consequence=_("What is planned already stays; what is planned from now on is made without it."),
        back_url=reverse("operations"),
        back_label=pgettext("works", "Operations"),
    )
