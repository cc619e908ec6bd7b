"""The stock: what lies where, the moves of an item, and setting it right."""

import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.base import acting, clock, retrying, units
from apps.base.asking import summary, tell
from apps.base.findings import Invalid
from apps.base.pages import in_home, need, see_other
from apps.catalog import selectors as catalog
from apps.documents.types import TYPES
from apps.logistics import selectors, services
from apps.logistics.forms import COUNTED, DEEDS, StockForm
from apps.logistics.models import Cause, Place
from apps.logistics.views.presenting import tabs

LIMIT = 50


@in_home
@require_safe
def stock(request: HttpRequest) -> HttpResponse:
    """The items of which something lies somewhere; `q` looks into number, name and lot."""
    need("stock.view")
    words, after = request.GET.get("q", "").strip()[:100], request.GET.get("after", "")[:60]
    found = selectors.overview(words=words, after=after, limit=LIMIT + 1)
    rows = [_row(row) for row in found[:LIMIT]]
    others = catalog.items(search=words).exclude(pk__in=[row["item_id"] for row in found])[:8] if words else []
    context = {
        "tabs": tabs("stock"),
        "rows": rows,
        "q": words,
        "others": [{"number": item.number, "name": item.label, "url": reverse("stock_item", args=[item.pk])} for item in others],
        "next_url": f"?{urlencode({'q': words, 'after': rows[-1]['number']})}" if len(found) > LIMIT else "",
        "older_label": _("Next"),
    }
    return render(request, "dock/stock.html", context)


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    chinese = (get_language() or "").startswith("zh") and row["item__name_zh"]
    return {
        "url": reverse("stock_item", args=[row["item_id"]]),
        "number": row["item__number"],
        "name": chinese or row["item__name"],
        "unit_label": units.label(row["item__unit"]),
        **{place.value: row[place.value] for place in selectors.SHOWN},
    }


@in_home
def stock_item(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """One item: what lies where of it, what moved it, and a form that moves or counts it."""
    need("stock.view")
    item = catalog.item(id=id)
    if item is None:
        raise Http404
    form = StockForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        need("stock.move")
        if form.is_valid() and _entered(form, id):
            messages.success(request, _("Entered."))
            return see_other(request.path)
    errors = summary(form)
    context = {
        "tabs": tabs("stock"),
        "item": {"number": item.number, "name": item.label, "unit_label": units.label(item.unit), "url": reverse("item", args=[id])},
        "balances": [{**row, "place_label": Place(row["place"]).label} for row in selectors.item_balances(item=id)],
        "moves": [_move(row) for row in selectors.item_moves(item=id)],
        "form": form if acting.actor().may("stock.move") else None,
        "errors_summary": errors,
    }
    return render(request, "dock/stock_item.html", context, status=422 if errors else 200)


def _entered(form: StockForm, id: uuid.UUID) -> bool:
    """Whether the deed was done; what is refused stands in the form."""
    said, by, at = form.cleaned_data, acting.actor(), clock.now()
    common = {"item": id, "lot": said["lot"], "reason": said["reason"], "by": by, "at": at}
    try:
        if said["deed"] == COUNTED:
            retrying.whole(lambda: services.adjust(counted=said["quantity"], **common))
        else:
            source, target = DEEDS[said["deed"]][1:]
            retrying.whole(lambda: services.move_stock(quantity=said["quantity"], source=source, target=target, **common))
    except Invalid as refusal:
        tell(form, refusal, {"/counted": "quantity", "/from": "deed", "/to": "deed"})
    except services.NotEnough as error:
        form.add_error("quantity", str(error))
    return not form.errors


def _move(row: Mapping[str, Any]) -> dict[str, Any]:
    document = reverse("document", args=[TYPES[row["document__type"]].collection, row["document_id"]]) if row["document_id"] else ""
    ends = {"source_label": Place(row["source"]).label, "target_label": Place(row["target"]).label, "cause_label": Cause(row["cause"]).label}
    return {**row, **ends, "document_url": document, "document_number": row["document__number"]}
