"""The matching queue: partners' lines whose item fits none of ours, or several."""

import uuid
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from apps.base import acting, clock, units
from apps.base.findings import Invalid
from apps.base.pages import in_home, need, see_other
from apps.catalog import selectors as catalog
from apps.documents import selectors, services
from apps.documents.types import TYPES
from apps.documents.views.presenting import address
from apps.network import selectors as network

SHOWN = 50


@in_home
@require_safe
def queue(request: HttpRequest) -> HttpResponse:
    """The lines that wait for an item, the oldest first, each with the items that may be meant."""
    need("catalog.view")
    lines = list(selectors.unmatched().order_by("document__created_at", "document_id", "position")[:SHOWN])
    partners = network.names([line.document.partner_id for line in lines])
    shown = [_line(line, partners) for line in lines]
    return render(request, "catalogue/matching.html", {"queue": shown, "may_match": acting.actor().may("catalog.change"), "back_url": reverse("catalogue")})


def _line(line: Any, partners: Any) -> dict[str, Any]:
    document = line.document
    document_type = TYPES[document.type]
    number = line.seller_item if document.side == "buyer" else line.buyer_item
    partner = partners.get(document.partner_id)
    known = {"name": line.name[:200], "unit": line.unit, "gtin": line.gtin, "partner": partner.slug if partner else "", "partner_number": number}
    return {
        "name": line.name or number or line.gtin,
        "line": line.position,
        "quantity": line.quantity,
        "unit_label": units.label(line.unit),
        "gtin": line.gtin,
        "partner_item_number": number,
        "partner_name": partner.name if partner else "–",
        "document": {"url": address("document", document_type, document.pk), "type_label": document_type.side_labels[document.side], "number": document.number},
        "candidates": [_candidate(item, line, number) for item in catalog.likely(number=number, gtin=line.gtin, name=line.name)],
        "post_url": reverse("matching_line", args=[line.pk]),
        "new_url": f"{reverse('item_new')}?{urlencode(known)}" if acting.actor().may("catalog.change") else "",
    }


def _candidate(item: Any, line: Any, number: str) -> dict[str, Any]:
    if line.gtin and item.gtin == line.gtin:
        why = _("same GTIN")
    elif number and number.casefold() in item.number.casefold():
        why = _("similar number")
    else:
        why = _("similar name")
    return {"uid": item.pk, "number": item.number, "name": item.label, "gtin": item.gtin, "why": why}


@in_home
@require_POST
def match(request: HttpRequest, line: uuid.UUID) -> HttpResponse:
    """Match one line, and remember it for the lines to come."""
    need("catalog.change")
    try:
        chosen = uuid.UUID(request.POST.get("item", ""))
    except ValueError:
        messages.error(request, _("Choose an item first."))
        return see_other(reverse("matching"))
    try:
        count = services.match_line(line=line, item=chosen, by=acting.actor(), at=clock.now())
    except services.NoSuchDocument as missing:
        raise Http404 from missing
    except Invalid as refusal:
        messages.error(request, refusal.findings[0].detail)
    else:
        messages.success(request, ngettext("%(count)d line was matched.", "%(count)d lines were matched.", count) % {"count": count})
    return see_other(reverse("matching"))
