"""REST for resources: what there is to work with, what is down, and until when."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.http import Http404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from apps.base import acting, clock
from apps.base.api import ApiView, given, uuid_of
from apps.base.describing import may_be, moment, number, operation, page_of, paging, parameter, shape, text, texts, uid
from apps.base.inputs import Parameters, check_names
from apps.base.paging import PARAMETERS, Column, page
from apps.scheduling import selectors, services

FIELDS = ("code", "name", "name_zh", "site", "calendar", "pool", "efficiency")
BODY: Mapping[str, Any] = dict.fromkeys(FIELDS)
BY = {"code": Column(field="code")}
NEEDS = {"get": "schedule.view", "head": "schedule.view", "post": "schedule.change", "patch": "schedule.change", "delete": "schedule.change"}

_SAID: Mapping[str, tuple[Any, Any]] = {
    "code": (text, _("Your own short name of it.")),
    "name": (text, ""),
    "name_zh": (text, ""),
    "site": (text, _("The code of the site where it stands; empty where that is not said.")),
    "calendar": (text, _("The code of the calendar by which it works.")),
    "pool": (text, _("The code of the group whose members can stand in for one another.")),
    "efficiency": (number, _("Percent; at 50 a run takes twice its time. 100 where it is not said.")),
}
DownShape = shape("ResourceDown", since=moment(), until=moment(_("When it is thought to run again.")), reason=text())
ResourceShape = shape(
    "Resource",
    uid=uid(),
    **{name: make(help) for name, (make, help) in _SAID.items()},
    down=DownShape(allow_null=True, help_text=_("Null while it runs.")),
    moves=texts(_("What you may do now: “break”, “repair”.")),
)
ResourceEntered = shape(
    "ResourceEntered",
    **{name: make(help) if name in ("code", "name", "calendar") else may_be(make, help) for name, (make, help) in _SAID.items()},
)
ResourceChanged = shape("ResourceChanged", **{name: may_be(make, help) for name, (make, help) in _SAID.items()})
Breaking = shape("ResourceBreaking", until=moment(_("When it is thought to run again, with its zone.")), reason=may_be(text))
UID = parameter("uid", _("The resource's uid."), kind=OpenApiTypes.UUID, place=OpenApiParameter.PATH)


def told(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Resources as JSON. One query, whatever the number."""
    down = selectors.down([row["id"] for row in rows], at=clock.now())
    may = acting.actor().may("schedule.break")
    return [
        {
            "uid": row["id"],
            "code": row["code"],
            "name": row["name"],
            "name_zh": row["name_zh"],
            "site": row["site__code"] or "",
            "calendar": row["calendar__code"],
            "pool": row["pool"],
            "efficiency": row["efficiency"],
            "down": {"since": out.starts_at, "until": out.ends_at, "reason": out.reason} if (out := down.get(row["id"])) else None,
            "moves": [] if not may else ["break", "repair"] if row["id"] in down else ["break"],
        }
        for row in rows
    ]


def _row(key: uuid.UUID) -> Mapping[str, Any]:
    row = selectors.resource(id=key)
    if row is None:
        raise Http404
    return row


@extend_schema_view(
    get=operation(
        "resource_list",
        _("Resources: list"),
        tags=["resources"],
        answers={200: page_of("Resource", ResourceShape)},
        refused=[422],
        parameters=[
            parameter("pool", _("Only those of this pool, or the one with this code.")),
            parameter("calendar", _("Only those that work by the calendar with this code.")),
            *paging(list(BY)),
        ],
    ),
    post=operation(
        "resource_enter",
        _("Resources: enter one"),
        tags=["resources"],
        answers={201: ResourceShape},
        body=ResourceEntered,
        writes=True,
        example={"code": "FURNACE-1", "name": "Induction furnace", "calendar": "TWO-SHIFTS", "pool": "FURNACE"},
    ),
)
class ResourceCollection(ApiView):
    needs = NEEDS

    def get(self, request: Request) -> Response:
        parameters = Parameters(request, ("pool", "calendar", *PARAMETERS))
        rows = selectors.resources(pool=parameters.text("pool"), calendar=parameters.text("calendar"))
        found = page(request, parameters, rows, columns=selectors.RESOURCE, by=BY, default="code")
        return Response(found.answer(told(found.rows)))

    def post(self, request: Request) -> Response:
        check_names(given(request), BODY)
        saved = services.save_resource(**given(request), by=acting.actor(), at=clock.now())
        return Response(told([_row(saved.pk)])[0], status=201)


@extend_schema_view(
    get=operation("resource_read", _("Resource: read"), tags=["resources"], answers={200: ResourceShape}, refused=[404], parameters=[UID]),
    patch=operation(
        "resource_change",
        _("Resource: change"),
        tags=["resources"],
        answers={200: ResourceShape},
        body=ResourceChanged,
        refused=[404],
        writes=True,
        parameters=[UID],
        example={"efficiency": "90"},
    ),
    delete=operation("resource_remove", _("Resource: remove"), tags=["resources"], answers={204: None}, refused=[404, 422], parameters=[UID]),
)
class ResourceDetail(ApiView):
    needs = NEEDS

    def get(self, request: Request, uid: str) -> Response:
        return Response(told([_row(uuid_of(uid))])[0])

    def patch(self, request: Request, uid: str) -> Response:
        key = _row(uuid_of(uid))["id"]
        check_names(given(request), BODY)
        services.save_resource(id=key, **given(request), by=acting.actor(), at=clock.now())
        return Response(told([_row(key)])[0])

    def delete(self, request: Request, uid: str) -> Response:
        services.remove_resource(id=_row(uuid_of(uid))["id"], by=acting.actor(), at=clock.now())
        return Response(status=204)


@extend_schema_view(
    post=operation(
        "resource_break",
        _("Resource: say that it is down"),
        tags=["resources"],
        answers={200: ResourceShape},
        body=Breaking,
        refused=[404],
        writes=True,
        parameters=[UID],
        description=_("It is down from now until that moment. What it had planned is planned anew, and customers hear of the promises that move."),
        example={"until": "2027-01-15T06:00:00Z", "reason": "Bearing"},
    )
)
class ResourceBreak(ApiView):
    needs = {"post": "schedule.break"}

    def post(self, request: Request, uid: str) -> Response:
        key = _row(uuid_of(uid))["id"]
        body = given(request)
        check_names(body, {"until": None, "reason": None})
        services.break_resource(resource=key, until=body.get("until"), reason=body.get("reason"), by=acting.actor(), at=clock.now())
        return Response(told([_row(key)])[0])


@extend_schema_view(
    post=operation(
        "resource_repair",
        _("Resource: say that it runs again"),
        tags=["resources"],
        answers={200: ResourceShape},
        refused=[404],
        writes=True,
        parameters=[UID],
    )
)
class ResourceRepair(ApiView):
    needs = {"post": "schedule.break"}

    def post(self, request: Request, uid: str) -> Response:
        key = _row(uuid_of(uid))["id"]
        check_names(given(request), {})
        services.repair_resource(resource=key, by=acting.actor(), at=clock.now())
        return Response(told([_row(key)])[0])
