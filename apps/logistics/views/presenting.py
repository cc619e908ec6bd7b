"""What the dock's pages have in common: their tabs, their lines, and how a refusal is told."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.base import retrying, units
from apps.base.findings import Invalid
from apps.base.problems import problem_of
from apps.documents import selectors as documents
from apps.documents.selectors import Whole
from apps.logistics.services.packing import TYPES
from apps.logistics.services.scanning import item_name, variant
from apps.network import selectors as network


def tabs(here: str) -> list[dict[str, Any]]:
    """The parts of the dock."""
    parts = (("dock", _("To ship")), ("dock_expected", _("On the way here")), ("stock", _("Stock")))
    return [{"url": reverse(name), "label": label, "here": name == here} for name, label in parts]


def delivery(uid: uuid.UUID, side: str) -> Whole:
    """A despatch advice on one side. Raises Http404: foreign and missing look alike."""
    whole = documents.whole(id=uid, type="despatch_advice")
    if whole is None or whole.head["side"] != side:
        raise Http404
    return whole


def partner_name(partner_id: uuid.UUID) -> str:
    listed = network.names([partner_id]).get(partner_id)
    return listed.name if listed else "–"


def line_of(line: Mapping[str, Any], side: str) -> dict[str, Any]:
    """A line of an advice as the dock shows it."""
    own, partners = ("buyer_item", "seller_item") if side == "buyer" else ("seller_item", "buyer_item")
    details = line["details"]
    return {
        "line": line["position"],
        "item_number": line["item__number"] or line[own] or line[partners] or line["gtin"],
        "name": item_name(line),
        "variant": variant(details),
        "order_number": details["order_number"],
        "order_line": details["order_line"],
        "order_url": reverse("document", args=["orders", details["order"]]),
        "quantity": line["quantity"],
        "unit_label": units.label(line["unit"]),
        "lot": details["lot"],
        "serials": details.get("serials") or [],
    }


def tree_of(given: Sequence[Mapping[str, Any]], lines: Mapping[int, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The units of an advice with what they hold, for the packing tree. lines: as `line_of` gives them, by position."""
    return [
        {
            "sscc": unit["sscc"],
            "type": TYPES[unit["type"]],
            "holds": [{**lines[one["line"]], "quantity": one["quantity"], "lot": one["lot"]} for one in unit["contains"] if "line" in one],
            "units": tree_of([one for one in unit["contains"] if "line" not in one], lines),
        }
        for unit in given
    ]


def attempt(work: Callable[[], Any]) -> tuple[Any, list[dict[str, str]]]:
    """What `work` gives, or why it was refused, for the notice above the form. What nobody declared is raised."""
    try:
        return retrying.whole(work), []
    except Invalid as refusal:
        return None, [{"field_id": "", "text": finding.detail, "pointer": finding.pointer} for finding in refusal.findings]
    except Exception as error:
        declared = problem_of(error)
        if declared is None:
            raise
        if declared.status == 404:
            raise Http404 from error
        if declared.status == 403:
            raise PermissionDenied(declared.detail(error)) from error
        return None, [{"field_id": "", "text": declared.detail(error), "pointer": ""}]
