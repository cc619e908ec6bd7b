"""Packing: what goes into the delivery, in which units, checked by scanning; and its labels."""

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

from apps.base import acting, clock, fields
from apps.base.pages import in_home, need, see_other
from apps.documents import selectors as documents
from apps.documents.selectors import Whole
from apps.logistics import selectors, services
from apps.logistics.services import packing as packs
from apps.logistics.services.labelling import bars
from apps.logistics.views.presenting import attempt, delivery, line_of, partner_name, tabs, tree_of

SHIP, REPLACE = "ship", "replace"
MOST_PACKS = 500


@in_home
def packing(request: HttpRequest, uid: uuid.UUID) -> HttpResponse:
    """A delivery of one's own, while it is packed; or, until it is received, to be replaced."""
    need("despatch_advice.view")
    whole = delivery(uid, "seller")
    moves = {move.code for move in whole.moves(acting.actor())}
    if not moves & {SHIP, REPLACE}:
        return see_other(_document(whole))
    if request.method != "POST":
        return _page(request, whole, moves)
    return _scanned(request, whole, moves) if "scan" in request.POST else _saved(request, whole, moves)


def _document(whole: Whole) -> str:
    return reverse("document", args=[whole.type.collection, whole.id])


def _scanned(request: HttpRequest, whole: Whole, moves: set[str]) -> HttpResponse:
    """A code that was read; an empty one is Enter in another field."""
    code, by, at = request.POST.get("code", "").strip(), acting.actor(), clock.now()
    if not code or SHIP not in moves:
        return _page(request, whole, moves)
    found, errors = attempt(lambda: services.scan(document=whole.id, dock="ship", code=code, by=by, at=at))
    return _page(request, whole, moves, scanned=found, errors=errors)


def _saved(request: HttpRequest, whole: Whole, moves: set[str]) -> HttpResponse:
    """Keep what was typed, and ship it (or replace what was shipped) where that button was pressed: both, or neither."""
    given, by, at = _given(request.POST, whole), acting.actor(), clock.now()
    version = request.POST.get("version", "")
    seen = int(version) if version.isdecimal() and len(version) < 10 else -1
    ships = "ship" in request.POST or SHIP not in moves
    _done, errors = attempt(lambda: services.pack(document=whole.id, given=given, ship=ships, by=by, at=at, version=seen))
    if errors:
        return _page(request, whole, moves, errors=errors)
    if ships:
        messages.success(request, _("The customer knows of it."))
    return see_other(_document(whole) if ships else f"{request.path}?saved=1")


def _given(typed: Mapping[str, Any], whole: Whole) -> dict[str, Any]:
    """What was typed, as the service takes it. Where nobody said how many packs, what is packed already stays."""
    lines, wanted = [], []
    for line in whole.lines:
        details, key = line["details"], line["position"]
        quantity, lot = typed.get(f"quantity-{key}", "").strip(), typed.get(f"lot-{key}", "").strip()
        serials = details["serials"] if quantity == format(line["quantity"], "f") else []
        lines.append({"order": details["order"], "line": details["order_line"], "quantity": quantity, "lot": lot, "serials": serials})
        count = typed.get(f"packs-{key}", "").strip()
        wanted.append({"line": key, "quantity": _amount(quantity), "lot": lot, "packs": count, "type": typed.get(f"type-{key}", "CT")})
    reason = {"reason": typed["reason"]} if typed.get("reason") else {}
    return {"lines": lines, "units": _units(wanted, typed, whole), **reason}


def _amount(text: str) -> Decimal:
    try:
        return fields.quantity_or_none(text)
    except fields.Unreadable:
        return Decimal(0)


def _units(wanted: Sequence[Mapping[str, Any]], typed: Mapping[str, Any], whole: Whole) -> list[dict[str, Any]]:
    there: list[dict[str, Any]] = whole.head["details"].get("units") or []
    if not any(line["packs"] for line in wanted):
        return there
    counted = [{**line, "packs": min(int(line["packs"]), MOST_PACKS) if line["packs"].isdecimal() and len(line["packs"]) < 6 else 1} for line in wanted]
    if not any(line["packs"] for line in counted):
        return []
    return packs.even(counted, pallet="PX" if "pallet" in typed else "", known=_numbers(there))


def _numbers(units: Sequence[Mapping[str, Any]]) -> list[str]:
    """The SSCCs that are there: a label that was printed stays good."""
    return [sscc for unit in units if "sscc" in unit for sscc in (unit["sscc"], *_numbers(unit["contains"]))]


def _page(
    request: HttpRequest, whole: Whole, moves: set[str], *, scanned: services.Scanned | None = None, errors: Sequence[Mapping[str, str]] = ()
) -> HttpResponse:  # fmt: skip
    seen = selectors.seen(whole=whole, dock="ship")
    lines = [{**line_of(line, "seller"), **_typed(request.POST, line), "scanned": seen.get(line["position"])} for line in whole.lines]
    details = whole.head["details"]
    context = {
        "tabs": tabs("dock"),
        "document": {"uid": whole.id, "number": whole.head["number"], "url": _document(whole), "version": request.POST.get("version") or whole.head["version"]},
        "partner": partner_name(whole.head["partner_id"]),
        "lines": lines,
        "tree": tree_of(details.get("units") or [], {line["line"]: line for line in lines}),
        "types": [{"code": code, "label": label} for code, label in packs.TYPES.items() if code != "PX"],
        "replaces": SHIP not in moves,
        "saved": "saved" in request.GET and request.method == "GET",
        "scanned": scanned,
        "scans": selectors.scans(document=whole.id, dock="ship", limit=8),
        "errors_summary": errors,
        "pallet": "pallet" in request.POST,
        "reason": request.POST.get("reason", ""),
    }
    return render(request, "dock/packing.html", context, status=422 if errors else 200)


def _typed(typed: Mapping[str, Any], line: Mapping[str, Any]) -> dict[str, str]:
    key = line["position"]
    quantity = format(line["quantity"].normalize(), "f")
    shown = {"typed_quantity": f"quantity-{key}", "typed_lot": f"lot-{key}", "packs": f"packs-{key}", "pack_type": f"type-{key}"}
    usual = {"typed_quantity": quantity, "typed_lot": line["details"]["lot"], "packs": "", "pack_type": "CT"}
    return {name: typed.get(field, usual[name]) for name, field in shown.items()}


@in_home
@require_safe
def labels(request: HttpRequest, uid: uuid.UUID) -> HttpResponse:
    """A label for each unit of a delivery, to be printed (GS1 Logistic Label Guideline): from, to, what is in it, the SSCC as GS1-128."""
    need("despatch_advice.view")
    whole = documents.whole(id=uid, type="despatch_advice")
    if whole is None:
        whole = delivery(uid, "seller")
    own, partner = acting.home().name, partner_name(whole.head["partner_id"])
    ends = (own, partner) if whole.head["side"] == "seller" else (partner, own)
    lines = {line["position"]: line_of(line, whole.head["side"]) for line in whole.lines}
    tree = tree_of(whole.head["details"].get("units") or [], lines)
    context = {
        "document": {"number": whole.head["number"], "url": _document(whole)},
        "labels": [{**unit, "bars": bars(unit["sscc"]), "everything": _within(unit)} for unit in _flat(tree)],
        "sender": ends[0],
        "receiver": ends[1],
    }
    return render(request, "dock/labels.html", context)


def _flat(tree: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [each for unit in tree for each in (unit, *_flat(unit["units"]))]


def _within(unit: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """All that lies in a unit, however deep, each line and lot once."""
    found: dict[tuple[int, str], dict[str, Any]] = {}
    for each in _flat([unit]):
        for one in each["holds"]:
            held = found.setdefault((one["line"], one["lot"]), {**one, "quantity": Decimal(0)})
            held["quantity"] += Decimal(one["quantity"])
    return list(found.values())
