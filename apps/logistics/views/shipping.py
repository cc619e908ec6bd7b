"""To ship: what was agreed and is due, by partner and day, and a click that begins to pack it."""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.views.decorators.http import require_POST, require_safe

from apps.base import acting, clock, units
from apps.base.pages import in_home, need, see_other
from apps.documents import selectors as documents
from apps.documents import services as engine
from apps.documents.selectors import Agreed
from apps.documents.types import TYPES
from apps.logistics.services.scanning import variant
from apps.logistics.views.presenting import attempt, tabs
from apps.network import selectors as network

MOST = 300


@in_home
@require_safe
def to_ship(request: HttpRequest) -> HttpResponse:
    """The agreed lines of which something is to be shipped, the first due first; and what is being packed."""
    need("despatch_advice.view")
    return _page(request)


def _page(request: HttpRequest, *, errors: Sequence[Mapping[str, str]] = (), status: int = 200) -> HttpResponse:
    found = documents.agreed_lines(side="seller", to_ship=True, limit=MOST + 1)
    rows = found[:MOST]
    draft = TYPES["despatch_advice"].draft
    packed = list(
        documents.heads(type="despatch_advice")
        .filter(side="seller", state=draft)
        .order_by("-updated_at")
        .values("id", "number", "partner_id", "line_count")[:50]
    )
    names = network.names([row.partner_id for row in rows] + [row["partner_id"] for row in packed])
    called = {id: listed.name for id, listed in names.items()}
    context = {
        "tabs": tabs("dock"),
        "groups": _groups(rows, called, request.POST, _packed([row["id"] for row in packed])),
        "more": len(found) > MOST,
        "packing": [{**row, "partner": called.get(row["partner_id"], "–"), "url": reverse("dock_packing", args=[row["id"]])} for row in packed],
        "may_pack": acting.actor().may("despatch_advice.draft"),
        "errors_summary": errors,
    }
    return render(request, "dock/to_ship.html", context, status=status)


def _packed(drafts: Sequence[uuid.UUID]) -> Mapping[str, Decimal]:
    """How much of each order's line is being packed, by order and line as the form names them."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for line in documents.lines_of(drafts):
        sums[f"{line['details']['order']}:{line['details']['order_line']}"] += line["quantity"]
    return sums


def _groups(rows: Sequence[Agreed], names: Mapping[uuid.UUID, str], typed: QueryDict, packed: Mapping[str, Decimal]) -> list[dict[str, Any]]:
    """The lines by partner, who has the first due comes first; what is due on his first day is picked. What was typed stays."""
    groups: dict[uuid.UUID, dict[str, Any]] = {}
    picked = typed.getlist("pick")
    for row in sorted(rows, key=lambda row: (row.due_on or dt.date.max, row.number, row.position)):
        group = groups.setdefault(row.partner_id, {"partner": names.get(row.partner_id, "–"), "key": row.partner_id.hex[-6:], "rows": []})
        group["rows"].append(_row(row, typed, packed))
    for group in groups.values():
        first = max(group["rows"][0]["due_on"] or dt.date.max, clock.today())
        for row in group["rows"]:
            due = row["due_on"] is None or row["due_on"] <= first
            row["picked"] = row["key"] in picked if picked else due and row["left"] > 0
    return list(groups.values())


def _row(row: Agreed, typed: Mapping[str, Any], packed: Mapping[str, Decimal]) -> dict[str, Any]:
    chinese = (get_language() or "").startswith("zh") and row.item_name_zh
    key = f"{row.order}:{row.position}"
    today = clock.today()
    left = max(row.sums.to_ship - packed.get(key, Decimal(0)), Decimal(0))
    return {
        "key": key,
        "order_number": row.number,
        "order_url": reverse("document", args=["orders", row.order]),
        "order_line": row.position,
        "item_number": row.item_number or row.seller_item,
        "name": str(chinese or row.item_name or row.name),
        "variant": variant(row.details),
        "unit_label": units.label(row.unit),
        "to_ship": row.sums.to_ship,
        "agreed": row.sums.agreed,
        "packed": packed.get(key),
        "left": left,
        "due_on": row.due_on,
        "late": row.due_on is not None and row.due_on < today,
        "soon": row.due_on is not None and row.due_on == today,
        "quantity": typed.get(f"quantity-{key}") or format(left.normalize(), "f"),
    }


@in_home
@require_POST
def pack(request: HttpRequest) -> HttpResponse:
    """Begin to pack the picked lines: a despatch advice that stays at home until it is shipped."""
    need("despatch_advice.draft")
    picked = [key.partition(":") for key in request.POST.getlist("pick")]
    lines = [
        {
            "order": order,
            "line": int(line) if line.isdecimal() and len(line) < 6 else line,
            "quantity": request.POST.get(f"quantity-{order}:{line}", "").strip(),
        }
        for order, _colon, line in picked
    ]
    by, at = acting.actor(), clock.now()
    uid, errors = attempt(lambda: engine.enter(type="despatch_advice", given={"lines": lines}, by=by, at=at))
    if errors:
        return _page(request, errors=errors, status=422)
    return see_other(reverse("dock_packing", args=[uid]))
