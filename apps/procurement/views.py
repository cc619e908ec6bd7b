"""The page of needs: what must be bought by when, and a click that buys it."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from apps.base import acting, clock, retrying, units
from apps.base.findings import Invalid
from apps.base.pages import in_home, need, see_other
from apps.base.problems import problem_of
from apps.documents import selectors as conversation
from apps.network import selectors as network
from apps.procurement import selectors, services
from apps.procurement.api import number_of
from apps.procurement.models import Need

MOST = 200


def _words() -> dict[str, tuple[Any, str, str]]:
    """How a need stands, in words, with tone and icon."""
    return {
        "open": (_("to be ordered"), "warning", "shopping-cart"),
        "ordered": (_("ordered"), "success", "circle-check"),
        "closed": (_("given up"), "neutral", "ban"),
    }


@in_home
@require_safe
def needs(request: HttpRequest) -> HttpResponse:
    """The needs by their day: the open ones first asked for, the ordered ones with their orders."""
    need("need.view")
    return _page(request)


def _page(request: HttpRequest, *, wrong: uuid.UUID | None = None, error: str = "", typed: str = "", status: int = 200) -> HttpResponse:
    wanted = request.GET.get("state", "")
    chosen = wanted if wanted in (*selectors.STANDINGS, "all") else "open"
    found = selectors.needs(standing="" if chosen == "all" else chosen).order_by("needed_on", "pk")
    rows = list(found[: MOST + 1])
    names = network.names([row.partner_id for row in rows])
    orders = {row["id"]: row["number"] for row in conversation.heads(type="order").filter(pk__in=[r.order_id for r in rows]).values("id", "number")}
    context = {
        "rows": [_row(row, names, orders) for row in rows[:MOST]],
        "more": len(rows) > MOST,
        "tabs": [{"url": f"?state={code}", "label": label, "here": code == chosen} for code, label in _tabs()],
        "may_order": acting.actor().may("need.order"),
        "wrong": wrong,
        "error": error,
        "typed": typed,
    }
    return render(request, "needs/list.html", context, status=status)


def _tabs() -> list[tuple[str, Any]]:
    return [("open", _("To be ordered")), ("ordered", _("Ordered")), ("closed", _("Given up")), ("all", _("All"))]


def _row(row: Need, names: Mapping[uuid.UUID, Any], orders: Mapping[uuid.UUID, str]) -> dict[str, Any]:
    label, tone, icon = _words()[selectors.standing_of(row)]
    known = names.get(row.partner_id)
    number = orders.get(row.order_id, "") if row.order_id else ""
    return {
        "need": row,
        "partner": known.name if known else "–",
        "unit_label": units.label(row.unit),
        "late": row.due_on is not None and row.due_on > row.needed_on,
        "policy": _("by hand") if row.policy == "by_hand" else _("by itself"),
        "chip": {"label": label, "tone": tone, "icon": icon},
        "number": number,
        "order_url": reverse("document", args=["orders", row.order_id]) if number else "",
        "promise_url": reverse("promise", args=[row.promise_id]) if row.promise_id else "",
        "serves_url": reverse("promise", args=[row.for_promise]) if row.for_promise else "",
        "can_order": row.order_id is None and row.closed_at is None and row.promise_id is not None,
    }


@in_home
@require_POST
def order(request: HttpRequest, uid: uuid.UUID) -> HttpResponse:
    """Order what is needed, at the partner's promise; the order's page comes next."""
    if selectors.need(id=uid) is None:
        raise Http404
    need("need.order")
    typed = request.POST.get("number", "")
    try:
        made = retrying.whole(lambda: services.order(need=uid, number=number_of(typed), by=acting.actor(), at=clock.now()))
    except Invalid as error:
        return _page(request, wrong=uid, error=error.findings[0].detail, typed=typed, status=422)
    except Exception as error:
        declared = problem_of(error)
        if declared is None:
            raise
        if declared.status == 403:
            raise PermissionDenied(declared.detail(error)) from error
        return _page(request, wrong=uid, error=declared.detail(error), typed=typed, status=declared.status)
    messages.success(request, _("Ordered."))
    return see_other(reverse("document", args=["orders", made]))
