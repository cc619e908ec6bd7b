"""What the dock shows on the pages of documents: the lines of its advices, and beside an order what has come of it."""

import datetime as dt
import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.urls import reverse

from apps.base import acting, units
from apps.base.templatetags.tributary import tone_of
from apps.documents import selectors as documents
from apps.documents.selectors import Whole
from apps.documents.types import TYPES
from apps.logistics import services
from apps.logistics.services.scanning import named
from apps.logistics.views.presenting import line_of, tree_of


def despatched(whole: Whole) -> dict[str, Any]:
    """The lines and units of a despatch advice, and where it is packed or received."""
    details, side = whole.head["details"], whole.head["side"]
    lines = [line_of(line, side) for line in whole.lines]
    actor = acting.actor()
    moves = {move.code for move in whole.moves(actor)}
    may_receive = side == "buyer" and services.is_receivable(whole.head) and actor.may("receipt_advice.send")
    arrives = details.get("arrives_on")
    receipt = documents.answering(type="receipt_advice", field="despatch_advice", id=whole.id) if whole.type.state(whole.head["state"]).final else None
    return {
        "lines": lines,
        "tree": tree_of(details.get("units") or [], {line["line"]: line for line in lines}),
        "arrives_on": dt.date.fromisoformat(arrives) if arrives else None,
        "tracking": details.get("tracking") or "",
        "receipt": {**receipt, "url": _url(TYPES["receipt_advice"].collection, receipt["id"])} if receipt else None,
        "pack_url": reverse("dock_packing", args=[whole.id]) if "ship" in moves else "",
        "receive_url": reverse("dock_receiving", args=[whole.id]) if may_receive else "",
    }


def received(whole: Whole) -> dict[str, Any]:
    """The lines of a receipt advice, and the delivery that it answers."""
    details = whole.head["details"]
    return {
        "lines": [_received(line, whole.head["side"]) for line in whole.lines],
        "advice_url": reverse("document", args=[TYPES["despatch_advice"].collection, details["despatch_advice"]]),
        "advice_number": details["despatch_number"],
    }


def _received(line: Mapping[str, Any], side: str) -> dict[str, Any]:
    details = line["details"]
    counts = {kind: Decimal(details["counts"].get(kind, "0")) for kind in ("received", "rejected", "short")}
    words = {"reason": services.REASONS.get(details["reason"], ""), "action": services.ACTIONS.get(details["action"], "")}
    return {**line_of(line, side), "shipped": Decimal(details["shipped"]), **counts, **words, "line": details["despatch_line"]}


def deliveries(whole: Whole) -> dict[str, Any] | None:
    """What has come of each agreed line of an order, and the advices that ship them; None while nothing is agreed."""
    sums = documents.progress_of(whole)
    if not sums:
        return None
    lines = [_progress(line, sums[line["position"]]) for line in whole.lines if line["position"] in sums]
    advices = documents.linking(target=whole.id, type="despatch_advice")
    to_ship = whole.head["side"] == "seller" and any(line["to_ship"] for line in lines) and acting.actor().may("despatch_advice.draft")
    return {
        "lines": lines,
        "advices": [_advice(row) for row in advices],
        "ship_url": reverse("dock") if to_ship else "",
        "listened": [whole.id, *(row["id"] for row in advices)],
    }


def _progress(line: Mapping[str, Any], sums: documents.Sums) -> dict[str, Any]:
    counted = {kind: sums.of(kind) for kind in ("shipped", "received", "accepted", "rejected", "short")}
    return {"line": line["position"], "name": named(line), "unit_label": units.label(line["unit"]), "agreed": sums.agreed, "to_ship": sums.to_ship, **counted}


def _advice(row: Mapping[str, Any]) -> dict[str, Any]:
    document_type = TYPES["despatch_advice"]
    state = document_type.state(row["state"])
    chip = {"label": state.label, "tone": tone_of(state.tone), "icon": state.icon}
    return {**row, "state": chip, "url": _url(document_type.collection, row["id"])}


def _url(collection: str, id: uuid.UUID) -> str:
    return reverse("document", args=[collection, id])
