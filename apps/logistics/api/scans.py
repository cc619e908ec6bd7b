"""REST for the scanners at the dock: a code in, and whether what bears it belongs into the delivery."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from apps.base import acting, clock
from apps.base.api import ApiView, given, uuid_of
from apps.base.describing import moment, number, operation, page_of, parameter, shape, text, whole, yes
from apps.base.findings import refuse
from apps.base.inputs import check_names
from apps.base.paging import everything
from apps.documents import selectors as documents
from apps.documents.services import NoSuchDocument
from apps.logistics import selectors, services

UID = parameter("uid", _("The despatch advice's uid."), kind=OpenApiTypes.UUID, place=OpenApiParameter.PATH)
ScanShape = shape(
    "Scan",
    dock=text(_("ship or receive.")),
    code=text(),
    accepted=yes(_("Whether it belongs into the delivery.")),
    sentence=text(_("For the person at the dock: what it is; where it is refused, what is needed instead.")),
    line=whole(_("The line of the advice; null where a whole unit was scanned, or nothing fits."), allow_null=True),
    unit=text(_("The SSCC, where a whole unit was scanned.")),
    lot=text(),
    serial=text(),
    quantity=number(_("How much of the line it stands for.")),
    at=moment(),
    by=text(),
)
ScanMade = shape(
    "ScanMade",
    dock=text(_("ship: while it is packed; receive: when it arrives.")),
    code=text(_("As it was read: GS1 elements (SSCC, GTIN, lot, serial number), an item number, or the digest of a configuration.")),
)


@extend_schema_view(
    get=operation(
        "scan_list",
        _("Despatch advice: what was scanned"),
        tags=["despatch-advices"],
        answers={200: page_of("Scan", ScanShape)},
        refused=[404],
        parameters=[UID],
    ),
    post=operation(
        "scan_make",
        _("Despatch advice: scan a code at the dock"),
        tags=["despatch-advices"],
        answers={201: ScanShape},
        body=ScanMade,
        refused=[404],
        writes=True,
        parameters=[UID],
        example={"dock": "receive", "code": "(00)340123450000000017"},
    ),
)
class Scans(ApiView):
    needs = {"get": "despatch_advice.view", "head": "despatch_advice.view"}

    def get(self, request: Request, uid: str) -> Response:
        if documents.whole(id=uuid_of(uid), type="despatch_advice") is None:
            raise NoSuchDocument
        return Response(everything([_told(row) for row in selectors.scans(document=uuid_of(uid))]))

    def post(self, request: Request, uid: str) -> Response:
        if documents.whole(id=uuid_of(uid), type="despatch_advice") is None:
            raise NoSuchDocument
        body = given(request)
        check_names(body, {"dock": None, "code": None})
        if body.get("dock") not in list(services.DOCKS):
            raise refuse("/dock", "dock", str(_("Say at which dock: ship or receive.")))
        services.scan(document=uuid_of(uid), dock=body["dock"], code=body.get("code"), by=acting.actor(), at=clock.now())
        return Response(_told(selectors.scans(document=uuid_of(uid))[0]), status=201)


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("dock", "code", "accepted", "sentence", "line", "unit", "lot", "serial", "quantity", "at", "by")}
