"""REST for operations: how items are made, on what, and how long it takes."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.http import Http404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from apps.base import acting, clock
from apps.base.api import ApiView, given, uuid_of
from apps.base.describing import may_be, operation, page_of, paging, parameter, shape, text, uid, whole
from apps.base.inputs import Parameters, check_names
from apps.base.paging import PARAMETERS, Column, page
from apps.scheduling import selectors, services
from apps.scheduling.api.resources import NEEDS
from apps.scheduling.services.operating import OPERATION_COLUMNS

BODY: Mapping[str, Any] = dict.fromkeys(OPERATION_COLUMNS)
BY = {"item": Column(field="item__number")}

_SAID: Mapping[str, tuple[Any, Any]] = {
    "item": (text, _("Your own number of the item that is made.")),
    "routing": (text, _("One of several ways of making it; its operations share the code.")),
    "priority": (whole, _("The way with the lowest comes first.")),
    "position": (whole, _("Where it stands; the next ten where it is not said.")),
    "name": (text, ""),
    "name_zh": (text, ""),
    "pool": (text, _("The code of a pool or of one resource; empty: it only takes time.")),
    "setup": (whole, _("Minutes a job.")),
    "run": (text, _("Minutes a unit: a number or a formula on the configuration.")),
    "condition": (text, _("A formula on the configuration, as “colour = red”; empty always holds.")),
    "lag": (whole, _("Minutes until the next operation can begin.")),
}
OperationShape = shape("Operation", uid=uid(), **{name: make(help) for name, (make, help) in _SAID.items()})
OperationEntered = shape("OperationEntered", **{name: make(help) if name in ("item", "name") else may_be(make, help) for name, (make, help) in _SAID.items()})
OperationChanged = shape("OperationChanged", **{name: may_be(make, help) for name, (make, help) in _SAID.items()})
UID = parameter("uid", _("The operation's uid."), kind=OpenApiTypes.UUID, place=OpenApiParameter.PATH)


def told(row: Mapping[str, Any]) -> dict[str, Any]:
    """An operation as JSON."""
    return {"uid": row["id"], "item": row["item__number"], **{name: row[name] for name in OPERATION_COLUMNS if name != "item"}}


def _row(key: uuid.UUID) -> Mapping[str, Any]:
    row = selectors.operation(id=key)
    if row is None:
        raise Http404
    return row


@extend_schema_view(
    get=operation(
        "operation_list",
        _("Operations: list"),
        tags=["operations"],
        answers={200: page_of("Operation", OperationShape)},
        refused=[422],
        parameters=[parameter("item", _("Only those of the item with this number.")), *paging(list(BY))],
    ),
    post=operation(
        "operation_enter",
        _("Operations: enter one"),
        tags=["operations"],
        answers={201: OperationShape},
        body=OperationEntered,
        writes=True,
        example={"item": "A-100", "name": "Foam the housing", "pool": "FOAM", "setup": 20, "run": "if(height > 1800, 14, 11)", "lag": 60},
    ),
)
class OperationCollection(ApiView):
    needs = NEEDS

    def get(self, request: Request) -> Response:
        parameters = Parameters(request, ("item", *PARAMETERS))
        rows = selectors.operations(item=parameters.text("item"))
        found = page(request, parameters, rows, columns=selectors.OPERATION, by=BY, default="item")
        return Response(found.answer([told(row) for row in found.rows]))

    def post(self, request: Request) -> Response:
        check_names(given(request), BODY)
        saved = services.save_operation(**given(request), by=acting.actor(), at=clock.now())
        return Response(told(_row(saved.pk)), status=201)


@extend_schema_view(
    get=operation("operation_read", _("Operation: read"), tags=["operations"], answers={200: OperationShape}, refused=[404], parameters=[UID]),
    patch=operation(
        "operation_change",
        _("Operation: change"),
        tags=["operations"],
        answers={200: OperationShape},
        body=OperationChanged,
        refused=[404],
        writes=True,
        parameters=[UID],
        example={"setup": 15},
    ),
    delete=operation("operation_remove", _("Operation: remove"), tags=["operations"], answers={204: None}, refused=[404], parameters=[UID]),
)
class OperationDetail(ApiView):
    needs = NEEDS

    def get(self, request: Request, uid: str) -> Response:
        return Response(told(_row(uuid_of(uid))))

    def patch(self, request: Request, uid: str) -> Response:
        key = _row(uuid_of(uid))["id"]
        check_names(given(request), BODY)
        services.save_operation(id=key, **given(request), by=acting.actor(), at=clock.now())
        return Response(told(_row(key)))

    def delete(self, request: Request, uid: str) -> Response:
        services.remove_operation(id=_row(uuid_of(uid))["id"], by=acting.actor(), at=clock.now())
        return Response(status=204)
