"""REST for despatch and receipt advices: what they say beyond what every document does. Their doors are those of all documents."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.base.describing import day, may_be, number, shape, text, texts, uid, whole, yes
from apps.documents.selectors import Whole
from apps.documents.services import Owned

_WHY = _("Why it was rejected: 1 broken, 2 quality, 3 wrong item, 4 wrong version, 5 wrong label, 6 price, 7 packaging, 8 both, 99 other.")
Ordered = shape("OrderedLine", uid=uid(_("The order.")), number=text(_("Its number.")), line=whole(_("Its line, from 1.")))


@extend_schema_field({
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "sscc": {"type": "string", "description": "18 digits, the last a check digit."},
            "type": {"type": "string", "description": "UN/ECE Recommendation 21: PX a pallet, CT a carton."},
            "contains": {"type": "array", "items": {"type": "object"}, "description": "{line, quantity, lot} each, or units again, at most four deep."},
        },
    },
})  # fmt: skip
class Units(serializers.ListField):
    """A tree of units."""


def units(help: Any = "", **more: Any) -> Any:
    return Units(help_text=help, **more)


ShippedLine = shape(
    "ShippedLine",
    line=whole(_("Counts from 1.")),
    order=Ordered(help_text=_("The line of the order that it ships.")),
    item=text(_("Your own item number; where the line is not matched yet, what the partner calls it.")),
    matched=yes(_("Whether it is matched to an item of yours.")),
    partner_item=text(_("The partner's number for it.")),
    name=text(),
    gtin=text(),
    quantity=number(),
    unit=text(_("UN/ECE Recommendation 20.")),
    lot=text(),
    serials=texts(),
    configuration=text(_("The digest of what was chosen; empty where there was nothing to choose.")),
)
LineShipped = shape(
    "LineShipped",
    order=uid(_("The order.")),
    line=whole(_("Which line of it, from 1.")),
    quantity=number(_("Zero where nothing of the line is shipped.")),
    lot=may_be(text),
    serials=may_be(texts),
)
ReceivedLine = shape(
    "ReceivedLine",
    line=whole(_("The line of the despatch advice.")),
    order=Ordered(help_text=_("The line of the order that it ships.")),
    item=text(),
    matched=yes(),
    partner_item=text(),
    name=text(),
    unit=text(),
    lot=text(),
    shipped=number(),
    received=number(),
    accepted=number(),
    rejected=number(),
    short=number(),
    reason=whole(_WHY, allow_null=True),
    action=whole(_("What shall happen: 1 replace, 2 credit and cancel."), allow_null=True),
)
LineReceived = shape(
    "LineReceived",
    line=whole(_("The line of the despatch advice; all of them must be said.")),
    received=number(),
    short=may_be(number, _("What of the shipped did not come; it follows from what came.")),
    rejected=may_be(number, _("What of the received is not taken.")),
    reason=may_be(whole, _WHY),
    action=may_be(whole, _("What shall happen: 1 replace, 2 credit and cancel.")),
)
Answered = shape("AnsweredDespatch", uid=uid(), number=text())

_UNITS = _("What it is packed in: units with sscc, type and contains (lines with a quantity, or units again).")
_CONTENT: Mapping[str, Any] = {
    "lines": lambda: LineShipped(many=True),
    "units": lambda: units(_UNITS, required=False),
    "arrives_on": lambda: may_be(day, _("When it should arrive.")),
    "tracking": lambda: may_be(text, _("The carrier's number for it.")),
}
_ORDER = "0193a000-0000-7000-8000-000000000000"
DESPATCH = Owned(
    asked=shape(
        "DespatchAdviceAsked",
        number=may_be(text, _("Your number; the next one where it is not said.")),
        note=may_be(text),
        **{name: make() for name, make in _CONTENT.items()},
    ),
    example={
        "lines": [{"order": _ORDER, "line": 1, "quantity": "40", "lot": "L-7"}],
        "units": [{"sscc": "340123450000000017", "type": "PX", "contains": [{"line": 1, "quantity": "40"}]}],
    },
    told={
        "lines": lambda: ShippedLine(many=True),
        "units": lambda: units(_UNITS),
        "arrives_on": lambda: day(_("When it should arrive."), allow_null=True),
        "tracking": lambda: text(_("The carrier's number for it.")),
    },
    moves={"replace": _CONTENT},
)
RECEIPT = Owned(
    asked=shape("ReceiptAdviceAsked", despatch_advice=uid(), lines=LineReceived(many=True), number=may_be(text), note=may_be(text)),
    example={
        "despatch_advice": _ORDER,
        "lines": [{"line": 1, "received": "39", "short": "1", "rejected": "2", "reason": 1, "action": 1}],
    },
    told={"lines": lambda: ReceivedLine(many=True), "despatch_advice": lambda: Answered(help_text=_("The delivery that it answers."))},
)


def _common(line: Mapping[str, Any], side: str) -> dict[str, Any]:
    own, partners = ("buyer_item", "seller_item") if side == "buyer" else ("seller_item", "buyer_item")
    details = line["details"]
    return {
        "order": {"uid": details["order"], "number": details["order_number"], "line": details["order_line"]},
        "item": line["item__number"] or line[own] or line[partners] or line["gtin"] or line["name"],
        "matched": line["item_id"] is not None,
        "partner_item": line[partners],
        "name": line["name"] or line["item__name"] or "",
        "unit": line["unit"],
        "lot": details["lot"],
    }


def despatched(document: Whole) -> dict[str, Any]:
    """What a despatch advice says beyond its head."""
    details = document.head["details"]
    return {
        "lines": [_shipped(line, document.head["side"]) for line in document.lines],
        "units": details.get("units") or [],
        "arrives_on": details.get("arrives_on"),
        "tracking": details.get("tracking") or "",
    }


def _shipped(line: Mapping[str, Any], side: str) -> dict[str, Any]:
    details = line["details"]
    own = {"gtin": line["gtin"], "quantity": line["quantity"], "serials": details["serials"]}
    digest = (details.get("configuration") or {}).get("digest") or ""
    return {"line": line["position"], **_common(line, side), **own, "configuration": digest}


def received(document: Whole) -> dict[str, Any]:
    """What a receipt advice says beyond its head."""
    details = document.head["details"]
    return {
        "lines": [_received(line, document.head["side"]) for line in document.lines],
        "despatch_advice": {"uid": details["despatch_advice"], "number": details["despatch_number"]},
    }


def _received(line: Mapping[str, Any], side: str) -> dict[str, Any]:
    details = line["details"]
    counts = {kind: details["counts"].get(kind, "0") for kind in ("received", "accepted", "rejected", "short")}
    said = {name: details[name] for name in ("shipped", "reason", "action")}
    return {"line": details["despatch_line"], **_common(line, side), **said, **counts}
