"""What is told of a promise beyond what every document tells: the day, the price, what it is made from, and why it is as it is."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from apps.base import units
from apps.base.describing import day, may_be, moment, number, shape, text, texts, uid, whole
from apps.documents import selectors as conversation
from apps.documents.services import Owned
from apps.network import selectors as network
from apps.scheduling import models
from apps.scheduling.selectors import exploring
from apps.scheduling.services.promising.reasoning import sentences


def tell(found: conversation.Whole) -> dict[str, Any]:
    """The fields that REST adds to a promise. One's own record beside what both sides said; parts: the direct answers of one's own partners."""
    line = found.lines[0]
    schedules = line["schedules"].get("agreed") or line["schedules"].get("offered") or []
    own = models.Promise.objects.filter(document=found.id).first()
    price = line["agreed_price"] if line["agreed_price"] is not None else line["offered_price"]
    return {
        "quantity": line["quantity"],
        "asked_on": max((each["due_on"] for each in line["schedules"].get("requested", ()) if each["due_on"]), default=None),
        "due_on": max((each["due_on"] for each in schedules if each["due_on"]), default=None),
        "first_due_on": own.first_on if own else None,
        "price": price,
        "valid_until": found.head["details"].get("valid_until"),
        "configuration": line["details"].get("configuration"),
        "order": own.order_id if own else None,
        "parts": parts_of([found.id]).get(found.id, []),
        "why": sentences(found.head["details"].get("why", ())),
    }


def facts(found: conversation.Whole) -> dict[str, Any]:
    """What the page of a promise shows of it beside what every document shows."""
    own, told = exploring.record(found.id), tell(found)
    unit = units.label(found.lines[0]["unit"])
    return {"told": told, "record": own, "currency": found.head["currency"], "unit_label": unit, "side": found.head["side"]}


def parts_of(promises: list[uuid.UUID]) -> dict[uuid.UUID, list[dict[str, Any]]]:
    """What partners promised us for these promises of ours: one's own direct suppliers, and nobody behind them."""
    rows = list(models.Promise.objects.filter(parent_id__in=promises, side="buyer").select_related("item").order_by("promised_on", "document"))
    names = network.names([row.partner_id for row in rows])
    found: dict[uuid.UUID, list[dict[str, Any]]] = {}
    for row in rows:
        if row.parent_id is not None and (row.closed_at is None or row.firm):
            found.setdefault(row.parent_id, []).append(_part(row, names))
    return found


def _part(row: models.Promise, names: Mapping[uuid.UUID, Any]) -> dict[str, Any]:
    known = names.get(row.partner_id)
    return {
        "uid": row.document,
        "seller": known.slug if known else "",
        "item": row.item.number if row.item else "",
        "quantity": row.quantity,
        "asked_on": row.asked_on,
        "first_due_on": row.first_on,
        "due_on": row.promised_on,
        "price": row.price,
        "currency": row.currency,
        "order": row.order_id,
    }


Part = shape(
    "PromisePart",
    uid=uid(),
    seller=text(_("The partner's short name.")),
    item=text(),
    quantity=number(),
    asked_on=day(allow_null=True),
    first_due_on=day(_("The day that was promised first."), allow_null=True),
    due_on=day(allow_null=True),
    price=number(allow_null=True),
    currency=text(),
    order=uid(allow_null=True),
)
PromiseAsked = shape(
    "PromiseAsked",
    seller=text(_("The partner's short name.")),
    item=may_be(text, _("Your own item number; or a configuration.")),
    configuration=may_be(uid, _("A configuration of the seller's product, complete.")),
    quantity=number(),
    unit=may_be(text, _("UN/ECE Recommendation 20; pieces where it is not said.")),
    due_on=may_be(day, _("When you want it; as early as can be where it is not said.")),
    hold_minutes=may_be(whole, _("How long to hold it, 0 to 1440; 0: it is only answered.")),
)
OWNED = Owned(
    asked=PromiseAsked,
    example={"seller": "boreal", "item": "A-100", "quantity": "10", "unit": "C62", "due_on": "2027-01-15", "hold_minutes": 30},
    told={
        "quantity": number,
        "asked_on": lambda: day(_("The day that was asked for."), allow_null=True),
        "due_on": lambda: day(_("The day that holds now; null where it cannot be promised."), allow_null=True),
        "first_due_on": lambda: day(_("The day that was promised first."), allow_null=True),
        "price": lambda: number(_("Of a unit."), allow_null=True),
        "valid_until": lambda: moment(_("Until when it is held."), allow_null=True),
        "configuration": lambda: shape("ConfigurationCarried", product=text(), release=whole(), digest=text())(allow_null=True),
        "order": lambda: uid(_("The order that it became."), allow_null=True),
        "parts": lambda: Part(many=True, help_text=_("What your own partners promised you for it: direct answers only.")),
        "why": lambda: texts(_("Why it is not earlier, in sentences.")),
    },
    moves={
        "hold": {"hold_minutes": lambda: may_be(whole, _("1 to 1440; an hour where it is not said."))},
        "commit": {"number": lambda: may_be(text, _("The number of the order that it becomes; the next one where it is not said."))},
    },
)
