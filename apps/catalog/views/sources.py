"""From whom an item is bought, and the form for one source."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from apps.base import acting, clock, units
from apps.base.asking import ask, summary, tell
from apps.base.findings import Invalid
from apps.base.pages import in_home, need, see_other
from apps.catalog import models, selectors, services
from apps.catalog.forms import SourceForm
from apps.catalog.views.items import around, known
from apps.network import selectors as network


@in_home
@require_safe
def sources(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """From whom an item is bought, the first choice first."""
    need("catalog.view")
    found = known(id)
    offers = selectors.sources(id, inactive=True)
    names = network.names([offer.partner_id for offer in offers])
    may_change = acting.actor().may("catalog.structure")
    rows = [
        {
            "offer": offer,
            "partner_name": names[offer.partner_id].name,
            "policy": models.Policy(offer.policy).label,
            "edit_url": reverse("source_edit", args=[offer.id]) if may_change else "",
        }
        for offer in offers
        if offer.partner_id in names
    ]
    new_url = reverse("source_new", args=[id]) if may_change else ""
    context = {"rows": rows, "unit_label": units.label(found.unit), "new_url": new_url}
    return render(request, "catalogue/sources.html", {**around(found, "sources"), **context})


@in_home
@require_http_methods(["GET", "POST"])
def new_source(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Say from whom an item can be bought."""
    need("catalog.structure")
    return _page(request, known(id), None, {})


def _source(id: uuid.UUID) -> models.Source:
    found = selectors.source(id=id)
    if found is None:
        raise Http404
    return found


@in_home
@require_http_methods(["GET", "POST"])
def edit_source(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Change a source."""
    need("catalog.structure")
    source = _source(id)
    names = ("lead_days", "transport_days", "minimum", "multiple", "price", "currency", "priority", "policy", "asked", "active")
    slug = network.names([source.partner_id])[source.partner_id].slug
    return _page(request, source.item, source, {"partner": slug, **{name: getattr(source, name) for name in names}})


def _page(request: HttpRequest, item: models.Item, source: models.Source | None, initial: Mapping[str, Any]) -> HttpResponse:
    partners = [one for one in network.partners() if one.state == "active" or (source is not None and one.id == source.partner_id)]
    form = SourceForm(request.POST, partners=partners) if request.method == "POST" else SourceForm(initial=dict(initial), partners=partners)
    if request.method == "POST" and form.is_valid():
        try:
            services.save_source(item=item.pk, id=source.pk if source else None, **form.cleaned_data, by=acting.actor(), at=clock.now())
        except Invalid as refusal:
            tell(form, refusal)
        else:
            messages.success(request, _("Saved."))
            return see_other(reverse("item_sources", args=[item.pk]))
    errors = summary(form)
    context = {
        "form": form,
        "heading": _("Source") if source else _("New source"),
        "lede": _("For %(number)s %(name)s") % {"number": item.number, "name": item.label},
        "remove_url": reverse("source_remove", args=[source.pk]) if source else "",
        "errors_summary": errors,
        "back_url": reverse("item_sources", args=[item.pk]),
        "back_label": item.number,
    }
    return render(request, "catalogue/part_form.html", context, status=422 if errors else 200)


@in_home
@require_http_methods(["GET", "POST"])
def remove_source(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Forget a source, after a question."""
    need("catalog.structure")
    source = _source(id)
    back = reverse("item_sources", args=[source.item_id])
    if request.method == "POST":
        services.remove_source(id=id, by=acting.actor(), at=clock.now())
        messages.success(request, _("Removed."))
        return see_other(back)
    names = network.names([source.partner_id])
    question = _("Buy %(item)s no longer from %(partner)s?") % {"item": source.item.number, "partner": names[source.partner_id].name}
    consequence = _("Lead time, lots and price are forgotten. What was ordered already stays as it is.")
    return ask(request, question=question, consequence=consequence, submit=_("Remove"), back_url=back, back_label=source.item.number, danger=True)
