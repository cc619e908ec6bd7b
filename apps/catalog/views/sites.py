"""The enterprise's own sites."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from apps.base import acting, clock
from apps.base.asking import ask, summary, tell
from apps.base.findings import Invalid
from apps.base.pages import in_home, need, see_other
from apps.catalog import models, selectors, services
from apps.catalog.forms import SiteForm

FIELDS = ("code", "name", "name_zh", "gln", "address", "city", "country", "time_zone", "main")


@in_home
@require_safe
def sites(request: HttpRequest) -> HttpResponse:
    """The sites, the main one first."""
    need("catalog.view")
    may_change = acting.actor().may("catalog.structure")
    rows = [{"site": site, "edit_url": reverse("site_edit", args=[site.pk]) if may_change else ""} for site in selectors.sites()]
    context = {"rows": rows, "new_url": reverse("site_new") if may_change else "", "back_url": reverse("catalogue")}
    return render(request, "catalogue/sites.html", context)


def _site(id: uuid.UUID) -> models.Site:
    found = selectors.site(id=id)
    if found is None:
        raise Http404
    return found


@in_home
@require_http_methods(["GET", "POST"])
def new_site(request: HttpRequest) -> HttpResponse:
    """Enter a site."""
    need("catalog.structure")
    return _page(request, None, {"time_zone": acting.home().time_zone})


@in_home
@require_http_methods(["GET", "POST"])
def edit_site(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Change a site."""
    need("catalog.structure")
    site = _site(id)
    return _page(request, site, {name: getattr(site, name) for name in FIELDS})


def _page(request: HttpRequest, site: models.Site | None, initial: dict[str, Any]) -> HttpResponse:
    form = SiteForm(request.POST) if request.method == "POST" else SiteForm(initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            services.save_site(id=site.pk if site else None, **form.cleaned_data, by=acting.actor(), at=clock.now())
        except Invalid as refusal:
            tell(form, refusal)
        else:
            messages.success(request, _("Saved."))
            return see_other(reverse("sites"))
    errors = summary(form)
    context = {
        "form": form,
        "heading": site.label if site else _("New site"),
        "remove_url": reverse("site_remove", args=[site.pk]) if site else "",
        "errors_summary": errors,
        "back_url": reverse("sites"),
        "back_label": _("Sites"),
    }
    return render(request, "catalogue/part_form.html", context, status=422 if errors else 200)


@in_home
@require_http_methods(["GET", "POST"])
def remove_site(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Take a site off the list, after a question."""
    need("catalog.structure")
    site = _site(id)
    if request.method == "POST":
        try:
            services.remove_site(id=id, by=acting.actor(), at=clock.now())
        except Invalid as refusal:
            messages.error(request, refusal.findings[0].detail)
        else:
            messages.success(request, _("Removed."))
        return see_other(reverse("sites"))
    question = _("Take %(code)s off the list?") % {"code": site.code}
    consequence = _("What stands there keeps working; it only has no site any more.")
    return ask(request, question=question, consequence=consequence, submit=_("Remove"), back_url=reverse("sites"), back_label=_("Sites"), danger=True)
