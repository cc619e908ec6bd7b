"""Receiving: what is on its way here, and counting it with a scanner in the hand."""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.base import acting, clock
from apps.base.pages import in_home, need, see_other
from apps.documents import selectors as documents
from apps.documents.selectors import Whole
from apps.documents.types import TYPES
from apps.logistics import selectors, services
from apps.logistics.views.presenting import attempt, delivery, line_of, partner_name, tabs
from apps.network import selectors as network

MOST = 200
NAMES = ("received", "rejected", "reason", "action")


@in_home
@require_safe
def expected(request: HttpRequest) -> HttpResponse:
    """The deliveries on their way here, the first to arrive first."""
    need("despatch_advice.view")
    receive = TYPES["despatch_advice"].find_move("receive")
    before = receive.before if receive else frozenset()
    columns = ("id", "number", "partner_id", "details", "line_count", "updated_at")
    found = list(documents.heads(type="despatch_advice").filter(side="buyer", state__in=before).order_by("updated_at").values(*columns)[:MOST])
    names = network.names([row["partner_id"] for row in found])
    rows = sorted((_expected(row, names) for row in found), key=lambda row: row["arrives_on"] or dt.date.max)
    may_receive = acting.actor().may("receipt_advice.send")
    return render(request, "dock/expected.html", {"tabs": tabs("dock_expected"), "rows": rows, "may_receive": may_receive})


def _expected(row: Mapping[str, Any], names: Mapping[uuid.UUID, Any]) -> dict[str, Any]:
    arrives = row["details"].get("arrives_on")
    arrives_on = dt.date.fromisoformat(arrives) if arrives else None
    return {
        **row,
        "partner": names[row["partner_id"]].name if row["partner_id"] in names else "–",
        "url": reverse("dock_receiving", args=[row["id"]]),
        "arrives_on": arrives_on,
        "late": arrives_on is not None and arrives_on < clock.today(),
        "units": len(row["details"].get("units") or []),
        "tracking": row["details"].get("tracking") or "",
    }


@in_home
def receiving(request: HttpRequest, uid: uuid.UUID) -> HttpResponse:
    """One delivery: scan what comes, correct what was counted, and send the receipt."""
    need("receipt_advice.view")
    whole = delivery(uid, "buyer")
    if not services.is_receivable(whole.head):
        return see_other(_document(whole))
    if request.method != "POST":
        return _page(request, whole)
    need("receipt_advice.send")
    if "receive" in request.POST:
        return _received(request, whole)
    return _scanned(request, whole)


def _document(whole: Whole) -> str:
    return reverse("document", args=[whole.type.collection, whole.id])


def _scanned(request: HttpRequest, whole: Whole) -> HttpResponse:
    """A code that was read; an empty one is Enter in another field."""
    code, by, at = request.POST.get("code", "").strip(), acting.actor(), clock.now()
    if not code:
        return _page(request, whole)
    before = selectors.seen(whole=whole, dock="receive")
    found, errors = attempt(lambda: services.scan(document=whole.id, dock="receive", code=code, by=by, at=at))
    now = selectors.seen(whole=whole, dock="receive")
    fresh = {position for position, count in now.items() if count != before.get(position)}
    return _page(request, whole, scanned=found, fresh=fresh, errors=errors)


def _received(request: HttpRequest, whole: Whole) -> HttpResponse:
    by, at = acting.actor(), clock.now()
    lines = [{"line": line["position"], **_typed(request.POST, line["position"])} for line in whole.lines]
    given = {"despatch_advice": str(whole.id), "lines": lines, "note": request.POST.get("note", "")}
    uid, errors = attempt(lambda: services.receive(given=given, by=by, at=at))
    if errors:
        return _page(request, whole, errors=errors)
    messages.success(request, _("Received. The supplier knows of it."))
    return see_other(reverse("document", args=["receipt-advices", uid]))


def _typed(typed: Mapping[str, Any], position: int) -> dict[str, Any]:
    said = {name: typed.get(f"{name}-{position}", "").strip() for name in NAMES}
    rejected = {name: value for name, value in said.items() if name != "received" and value}
    return {"received": said["received"], **(rejected if rejected.get("rejected", "").strip("0.") else {})}


def _page(
    request: HttpRequest,
    whole: Whole,
    *,
    scanned: services.Scanned | None = None,
    fresh: set[int] | frozenset[int] = frozenset(),
    errors: Sequence[Mapping[str, str]] = (),
) -> HttpResponse:
    seen = selectors.seen(whole=whole, dock="receive")
    context = {
        "tabs": tabs("dock_expected"),
        "document": {"number": whole.head["number"], "url": _document(whole)},
        "partner": partner_name(whole.head["partner_id"]),
        "lines": [_line(request.POST, line, seen, fresh, errors) for line in whole.lines],
        "reasons": [{"code": str(code), "label": label} for code, label in services.REASONS.items()],
        "actions": [{"code": str(code), "label": label} for code, label in services.ACTIONS.items()],
        "scanned": scanned,
        "scans": selectors.scans(document=whole.id, dock="receive", limit=8),
        "may_receive": acting.actor().may("receipt_advice.send"),
        "note": request.POST.get("note", ""),
        "errors_summary": errors,
    }
    return render(request, "dock/receiving.html", context, status=422 if errors else 200)


def _line(
    typed: Mapping[str, Any], line: Mapping[str, Any], seen: Mapping[int, Decimal], fresh: set[int] | frozenset[int], errors: Sequence[Mapping[str, str]]
) -> dict[str, Any]:  # fmt: skip
    """A line with what was typed. Once anything was scanned, what was not counts as nothing; before, all counts as come."""
    position = line["position"]
    count = seen.get(position, Decimal(0)) if seen else line["quantity"]
    received = typed.get(f"received-{position}")
    if received is None or position in fresh:
        received = format(count.normalize(), "f")
    wrong = [error["text"] for error in errors if error.get("pointer", "").startswith(f"/lines/{position - 1}/")]
    return {
        **line_of(line, "buyer"),
        "received": received,
        "scanned": seen.get(position),
        "fresh": position in fresh,
        "unmatched": line["item_id"] is None,
        "wrong": wrong,
        **{name: typed.get(f"{name}-{position}", "") for name in NAMES[1:]},
    }
