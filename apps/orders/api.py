"""REST for orders beyond what every document has: what a change or a cancellation would cost."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

from django.http import Http404
from django.urls import URLPattern
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from apps.base import clock, fields
from apps.base.api import ApiView, uuid_of
from apps.base.describing import both, day, number, operation, parameter, shape, text, uid, yes
from apps.base.inputs import Parameters
from apps.documents import selectors as conversation
from apps.orders import services
from apps.orders.services import Costs
from apps.scheduling.selectors import Record
from apps.scheduling.services import Impact, Wish

T = TypeVar("T")

_TOLD: dict[str, Callable[[], Any]] = {
    "frozen": lambda: yes(_("It cannot be taken back or changed any more.")),
    "freezes_on": lambda: day(_("The day on which it froze, or will."), allow_null=True),
    "cost": lambda: number(_("What is to be paid for what cannot be undone; null where there is no price."), allow_null=True),
    "currency": lambda: text(_("ISO 4217.")),
    "due_on": lambda: day(_("The day for which the change could be promised; null where it cannot, or nothing is to be changed."), allow_null=True),
}
PromiseImpact = shape("PromiseImpact", promise=uid(), item=text(), price=number(_("Of a unit, after the change."), allow_null=True),
                      **{name: make() for name, make in _TOLD.items()})  # fmt: skip
OrderImpact = shape(
    "OrderImpact",
    order=uid(),
    **{name: make() for name, make in _TOLD.items()},
    why=text(_("Why it is refused, in a sentence; empty where it is not.")),
    promises=PromiseImpact(many=True, help_text=_("One for each promise that the order stands on; empty: it stands on none, and costs nothing here.")),
)


def wish_of(parameters: Parameters) -> Wish:
    """What is wished: to cancel, or another day or quantity. Raises Invalid."""
    move = parameters.choice("move", ("cancel", "change"))
    due_on = _read(parameters, "due_on", fields.date)
    quantity = _read(parameters, "quantity", fields.quantity)
    if move == "cancel" and (due_on or quantity is not None):
        parameters.found("move", "instead", str(_("Ask what it costs to cancel, or to change the day or the quantity; not both.")))
    if move != "cancel" and due_on is None and quantity is None:
        parameters.found("move", "required", str(_("Say what you wish: move=cancel, or another due_on or quantity.")))
    parameters.done()
    return Wish(due_on=due_on, quantity=quantity)


def _read(parameters: Parameters, name: str, reader: Callable[[Any], T]) -> T | None:
    value = parameters.text(name)
    if not value:
        return None
    try:
        return reader(value)
    except fields.Unreadable as error:
        parameters.found(name, error.code, str(error))
        return None


def _told(order: Any, costs: Costs) -> dict[str, Any]:
    of_all = {name: getattr(costs, name) for name in _TOLD}
    return {"order": order, **of_all, "why": costs.sentence, "promises": [_of_promise(record, found) for record, found in costs.promises]}


def _of_promise(record: Record, found: Impact) -> dict[str, Any]:
    values: dict[str, dt.date | Decimal | str | bool | None] = {name: getattr(found, name) for name in _TOLD}
    return {"promise": record.document, "item": record.item_number, "price": found.price, **values}


@extend_schema_view(
    get=operation(
        "order_impact",
        _("Order: what a change or a cancellation would cost"),
        tags=["orders"],
        answers={200: OrderImpact},
        refused=[404, 409, 422],
        parameters=[
            parameter("uid", _("The order's uid."), kind=OpenApiTypes.UUID, place=OpenApiParameter.PATH),
            parameter("move", _("“cancel”, or “change” with another day or quantity."), options=["cancel", "change"]),
            parameter("due_on", _("The day that you wish instead."), kind=OpenApiTypes.DATE),
            parameter("quantity", _("The quantity that you wish instead.")),
        ],
        description=_("Asked of the seller, who asks his own sellers: each tells a date and an amount, and nothing else. Nothing is written anywhere."),
    )
)
class ImpactDetail(ApiView):
    needs = {"get": "order.view", "head": "order.view"}

    def get(self, request: Request, uid: str) -> Response:
        head = conversation.head(id=uuid_of(uid))
        if head is None or head["type"] != "order":
            raise Http404
        wish = wish_of(Parameters(request, ("move", "due_on", "quantity")))
        return Response(_told(head["id"], services.impact(head["id"], wish, at=clock.now())))


def routes() -> list[URLPattern]:
    """Every route of orders beyond those of the document."""
    return both("orders/<str:uid>/impact/", ImpactDetail.as_view(), "api-order-impact")
