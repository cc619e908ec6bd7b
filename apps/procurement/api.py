"""REST for needs: what must be bought, and ordering it. One's own home only."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.urls import URLPattern
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from apps.base import acting, clock, fields
from apps.base.api import ApiView, given, uuid_of
from apps.base.describing import both, day, may_be, moment, number, operation, page_of, paging, parameter, shape, text, uid
from apps.base.findings import refuse
from apps.base.inputs import Parameters, check_names
from apps.base.paging import DAY, MOMENT, PARAMETERS, Column, page
from apps.network import selectors as network
from apps.procurement import selectors, services

BY = {
    "needed_on": Column(field="needed_on", read=DAY),
    "due_on": Column(field="due_on", read=DAY, nullable=True),
    "created_at": Column(field="created_at", read=MOMENT),
}
FILTERS = ("state", "partner", "item", *PARAMETERS)
COLUMNS = ("item__number", "partner_id", "quantity", "unit", "needed_on", "due_on", "price", "currency", "policy", "promise_id", "for_promise", "order_id",
           "created_at", "closed_at")  # fmt: skip

NeedShape = shape(
    "Need",
    uid=uid(),
    state=text(_("open, ordered or closed.")),
    item=text(_("Your own item number.")),
    seller=text(_("The partner's short name.")),
    quantity=number(),
    unit=text(_("UN/ECE Recommendation 20.")),
    needed_on=day(_("When it would have to be there.")),
    due_on=day(_("For which day the partner promised it."), allow_null=True),
    price=number(_("Of a unit."), allow_null=True),
    currency=text(),
    policy=text(_("automatic: ordered with the commit; by_hand: by a person.")),
    promise=uid(_("The partner's promise to you."), allow_null=True),
    serves=uid(_("Your own promise to a customer that needs it."), allow_null=True),
    order=uid(_("The order by which it was bought."), allow_null=True),
    created_at=moment(),
    closed_at=moment(allow_null=True),
)
Ordering = shape("NeedOrdering", number=may_be(text, _("The number of the order; the next one where it is not said.")))


def _standing(row: Mapping[str, Any]) -> str:
    if row["closed_at"] is not None:
        return "closed"
    return "ordered" if row["order_id"] else "open"


def _told(row: Mapping[str, Any], slugs: Mapping[uuid.UUID, Any]) -> dict[str, Any]:
    known = slugs.get(row["partner_id"])
    same = ("quantity", "unit", "needed_on", "due_on", "price", "currency", "policy", "created_at", "closed_at")
    renamed = {"promise": row["promise_id"], "serves": row["for_promise"], "order": row["order_id"]}
    head = {"uid": row["id"], "state": _standing(row), "item": row["item__number"], "seller": known.slug if known else ""}
    return {**head, **{name: row[name] for name in same}, **renamed}


@extend_schema_view(
    get=operation(
        "need_list",
        _("Needs: list"),
        tags=["needs"],
        answers={200: page_of("Need", NeedShape)},
        refused=[422],
        parameters=[
            parameter("state", _("Only the open, ordered or closed ones."), options=selectors.STANDINGS),
            parameter("partner", _("Only from the partner with this short name.")),
            parameter("item", _("Only of the item with this number.")),
            *paging(list(BY)),
        ],
    )
)
class Needs(ApiView):
    needs = {"get": "need.view", "head": "need.view"}

    def get(self, request: Request) -> Response:
        parameters = Parameters(request, FILTERS)
        rows = selectors.needs(standing=parameters.choice("state", selectors.STANDINGS))
        if number := parameters.text("item"):
            rows = rows.filter(item__number=number)
        if slug := parameters.text("partner"):
            known = network.related(slug=slug)
            if known is None:
                parameters.found("partner", "partner", str(_("“%(slug)s” is no partner of yours.")) % {"slug": slug[:60]})
            rows = rows.filter(partner_id=known) if known else rows.none()
        found = page(request, parameters, rows, columns=COLUMNS, by=BY, default="needed_on")
        slugs = network.names([row["partner_id"] for row in found.rows])
        return Response(found.answer([_told(row, slugs) for row in found.rows]))


@extend_schema_view(
    post=operation(
        "need_order",
        _("Need: order it"),
        tags=["needs"],
        answers={200: NeedShape},
        refused=[404],
        body=Ordering,
        writes=True,
        parameters=[parameter("uid", _("The need's uid."), kind=OpenApiTypes.UUID, place=OpenApiParameter.PATH)],
        example={"number": "4500012345"},
    )
)
class Order(ApiView):
    needs = {"post": "need.order"}

    def post(self, request: Request, uid: str) -> Response:
        body = given(request)
        check_names(body, {"number": None})
        need = uuid_of(uid)
        services.order(need=need, number=number_of(body.get("number")), by=acting.actor(), at=clock.now())
        row = selectors.needs().filter(pk=need).values("id", *COLUMNS)[0]
        return Response(_told(row, network.names([row["partner_id"]])))


def number_of(value: Any) -> str:
    """The number that an order is to have. Raises Invalid."""
    try:
        return fields.text(value, limit=60)
    except fields.Unreadable as error:
        raise refuse("/number", error.code, str(error)) from error


def routes() -> list[URLPattern]:
    """Every route of procurement."""
    return [*both("needs/", Needs.as_view(), "api-need-list"), *both("needs/<str:uid>/moves/order/", Order.as_view(), "api-need-order")]
