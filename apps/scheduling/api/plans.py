"""REST for the runs of the planner: start one, see how far it is, stop it with the best that it has."""

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
from apps.base.describing import may_be, moment, operation, page_of, paging, parameter, shape, text, texts, uid, whole, yes
from apps.base.inputs import Parameters, check_names
from apps.base.paging import MOMENT, PARAMETERS, Column, page
from apps.scheduling import selectors, services

BY = {"started_at": Column(field="started_at", read=MOMENT)}
_NEEDS = {"get": "schedule.view", "head": "schedule.view", "post": "schedule.change"}

Figures = shape(
    "PlanFigures",
    seconds=whole(_("How long it may improve.")),
    promises=may_be(whole, _("How many promises were planned.")),
    jobs=may_be(whole, _("How many jobs that makes.")),
    late_before=may_be(whole, _("How many were late in the plan that stood.")),
    late_after=may_be(whole),
    days_before=may_be(whole, _("How many days late they were in all.")),
    days_after=may_be(whole),
    impossible=may_be(whole, _("How many cannot be served within the horizon.")),
    alone=may_be(yes, _("False where somebody else wrote the plan meanwhile.")),
    kept=may_be(yes, _("True where the plan that stood was no worse, and stays.")),
)
PlanShape = shape(
    "Plan",
    uid=uid(),
    started_at=moment(),
    finished_at=moment(allow_null=True),
    by=text(),
    progress=whole(_("Percent.")),
    stop=yes(_("Somebody asked it to stop.")),
    figures=Figures(),
    message=text(_("How it ended.")),
    moves=texts(_("What you may do now: “stop”.")),
)
Starting = shape("PlanStarting", seconds=may_be(whole, _("How long it may improve what it has built, 1 to 600; 20 where it is not said.")))
UID = parameter("uid", _("The run's uid."), kind=OpenApiTypes.UUID, place=OpenApiParameter.PATH)


def told(row: Mapping[str, Any]) -> dict[str, Any]:
    """A run as JSON."""
    open_to = row["finished_at"] is None and not row["stop"] and acting.actor().may("schedule.change")
    return {"uid": row["id"], **{name: row[name] for name in selectors.PLAN if name != "id"}, "moves": ["stop"] if open_to else []}


def _row(key: uuid.UUID) -> Mapping[str, Any]:
    row = selectors.plan(id=key)
    if row is None:
        raise Http404
    return row


@extend_schema_view(
    get=operation(
        "plan_list", _("Plans: the runs of the planner"), tags=["plans"], answers={200: page_of("Plan", PlanShape)}, refused=[422], parameters=paging(list(BY))
    ),
    post=operation(
        "plan_start",
        _("Plans: plan everything anew"),
        tags=["plans"],
        answers={201: PlanShape},
        body=Starting,
        writes=True,
        description=_("It runs in the background: what has begun stays, no promise becomes later than it is, and the best plan is kept. One at a time."),
        example={"seconds": 20},
    ),
)
class PlanCollection(ApiView):
    needs = _NEEDS

    def get(self, request: Request) -> Response:
        parameters = Parameters(request, PARAMETERS)
        found = page(request, parameters, selectors.plans(), columns=selectors.PLAN, by=BY, default="-started_at")
        return Response(found.answer([told(row) for row in found.rows]))

    def post(self, request: Request) -> Response:
        check_names(given(request), {"seconds": None})
        plan = services.start_plan(seconds=given(request).get("seconds"), by=acting.actor(), at=clock.now())
        return Response(told(_row(plan.pk)), status=201)


@extend_schema_view(get=operation("plan_read", _("Plan: read"), tags=["plans"], answers={200: PlanShape}, refused=[404], parameters=[UID]))
class PlanDetail(ApiView):
    needs = _NEEDS

    def get(self, request: Request, uid: str) -> Response:
        return Response(told(_row(uuid_of(uid))))


@extend_schema_view(
    post=operation("plan_stop", _("Plan: end it with the best so far"), tags=["plans"], answers={200: PlanShape}, refused=[404], writes=True, parameters=[UID])
)
class PlanStop(ApiView):
    needs = _NEEDS

    def post(self, request: Request, uid: str) -> Response:
        key = _row(uuid_of(uid))["id"]
        check_names(given(request), {})
        services.stop_plan(plan=key, by=acting.actor(), at=clock.now())
        return Response(told(_row(key)))
