"""What an enterprise tolerates of its suppliers' answers: the places where it has said something, and one of them with its versions."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from apps.base import acting, clock
from apps.base.asking import summary, tell
from apps.base.findings import Invalid
from apps.base.pages import in_home, need, see_other
from apps.network import selectors, services
from apps.network.forms import PlaceForm, TermForm
from apps.network.terms import KINDS, Term, term_told
from apps.network.terms import read as read_terms

PLACE = ("partner", "group", "item")


@in_home
@require_safe
def tolerances(request: HttpRequest) -> HttpResponse:
    """Every place where something is tolerated, the wider first."""
    need("network.view")
    partners = {partner.id: partner for partner in selectors.partners()}
    rows = [_row(each, partners) for each in selectors.said_tolerances(buyer=acting.home().id)]
    return render(request, "network/tolerances.html", {"rows": rows, "may_change": acting.actor().may("network.consent")})


def _row(each: selectors.Tolerance, partners: Mapping[Any, selectors.Partner]) -> dict[str, Any]:
    partner = partners.get(each.partner) if each.partner else None
    place = {"partner": partner.slug if partner else "", "group": each.group, "item": each.item}
    return {
        "partner": partner.name if partner else "",
        "group": each.group,
        "item": each.item,
        "version": each.version,
        "terms": told_terms(each.terms),
        "by": each.by,
        "at": each.at,
        "url": f"{reverse('tolerance')}?{urlencode({name: value for name, value in place.items() if value})}",
    }


def told_terms(terms: Mapping[str, Term]) -> list[str]:
    """What is tolerated, in words: “Later: up to 5 days, more is asked”."""
    return [term_told(kind, term) for kind, term in terms.items()]


@in_home
@require_http_methods(["GET", "POST"])
def tolerance(request: HttpRequest) -> HttpResponse:
    """One place: what is tolerated there, and what was before. A place of which nothing was said yet is a new one."""
    need("network.view")
    may_change = acting.actor().may("network.consent")
    partners = selectors.partners()
    asked = {name: str((request.POST if request.method == "POST" else request.GET).get(name, ""))[:100] for name in PLACE}
    known = next((partner for partner in partners if partner.slug == asked["partner"]), None)
    versions = selectors.told_versions(partner=known.id if known else None, group=asked["group"], item=asked["item"]) if known or not asked["partner"] else []
    bound = request.POST if request.method == "POST" else None
    place = PlaceForm(bound, partners=partners, initial=asked)
    forms = [TermForm(bound, kind=kind, initial=_initial(versions, kind.code)) for kind in KINDS.values()]
    if request.method == "POST":
        need("network.consent")
        if all([place.is_valid(), *(form.is_valid() for form in forms)]) and _said(place, forms):
            messages.success(request, _("Said. Answers that come from now on are judged by it."))
            return see_other(reverse("tolerances"))
    context = {
        "place": place,
        "terms": forms,
        "versions": [{"version": row.version, "terms": told_terms(read_terms(row.terms)), "by": row.said_by, "at": row.said_at} for row in versions],
        "may_change": may_change,
        "errors_summary": summary(place, *forms),
    }
    return render(request, "network/tolerance.html", context, status=422 if context["errors_summary"] else 200)


def _initial(versions: Sequence[Any], kind: str) -> Mapping[str, str]:
    found: Mapping[str, str] = versions[0].terms.get(kind, {}) if versions else {}
    return found


def _said(place: PlaceForm, forms: Sequence[TermForm]) -> bool:
    terms = {form.kind.code: said for form in forms if (said := form.said())}
    try:
        services.save_tolerance(terms=terms, **place.cleaned_data, by=acting.actor(), at=clock.now())
    except Invalid as refusal:
        for finding in refusal.findings:
            parts = finding.pointer.strip("/").split("/")
            form = next((each for each in forms if parts[0] == "terms" and parts[1:2] == [each.kind.code]), None)
            if form is None:
                tell(place, Invalid([finding]))
            else:
                form.add_error(parts[2] if parts[2:] and parts[2] in form.fields else None, finding.detail)
        return False
    return True
