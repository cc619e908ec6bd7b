"""REST for jobs: what is to be made, when, for whom; and saying that it is done."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from apps.base import acting, clock
from apps.base.api import ApiView, given, uuid_of
from apps.base.describing import moment, number, operation, page_of, paging, parameter, shape, text, texts, uid
from apps.base.inputs import Parameters, check_names
from apps.base.paging import MOMENT, PARAMETERS, Column, page
from apps.scheduling import selectors, services

BY = {"starts_at": Column(field="starts_at", read=MOMENT), "ends_at": Column(field="ends_at", read=MOMENT)}
UID = parameter("uid", _("The job's uid."), kind=OpenApiTypes.UUID, place=OpenApiParameter.PATH)
JobShape = shape(
    "Job",
    uid=uid(),
    item=text(),
    quantity=number(),
    gone=number(_("How much of it left the house before it was reported done.")),
    configuration=text(_("The digest of what was chosen; empty where there is nothing to choose.")),
    promise=uid(_("The promise that it serves."), allow_null=True),
    starts_at=moment(),
    ends_at=moment(),
    held_until=moment(_("Until when it is held; null where it is firm."), allow_null=True),
    done_at=moment(allow_null=True),
    moves=texts(_("What you may do now: “finish”.")),
)


def told(row: Mapping[str, Any]) -> dict[str, Any]:
    """A job as JSON."""
    open_to = row["firm"] and row["done_at"] is None and acting.actor().may("schedule.change")
    return {
        "uid": row["id"],
        "item": row["item__number"],
        "quantity": row["quantity"],
        "gone": row["gone"],
        "configuration": (row["configuration"] or {}).get("digest", ""),
        "promise": row["promise_id"],
        **{name: row[name] for name in ("starts_at", "ends_at", "held_until", "done_at")},
        "moves": ["finish"] if open_to else [],
    }


@extend_schema_view(
    get=operation(
        "job_list",
        _("Jobs: list"),
        tags=["plans"],
        answers={200: page_of("Job", JobShape)},
        refused=[422],
        parameters=[
            parameter("open", _("“1”: only those that are not done.")),
            parameter("item", _("Only those of the item with this number.")),
            parameter("promise", _("Only those that serve this promise."), kind=OpenApiTypes.UUID),
            *paging(list(BY)),
        ],
    )
)
class JobCollection(ApiView):
    needs = {"get": "schedule.view", "head": "schedule.view"}

    def get(self, request: Request) -> Response:
        parameters = Parameters(request, ("open", "item", "promise", *PARAMETERS))
        rows: QuerySet[Any] = selectors.jobs(at=clock.now())
        if parameters.text("open"):
            rows = rows.filter(done_at=None)
        if number_of := parameters.text("item"):
            rows = rows.filter(item__number=number_of)
        if promise := parameters.text("promise"):
            rows = rows.filter(promise_id=uuid_of(promise))
        found = page(request, parameters, rows, columns=selectors.JOB, by=BY, default="starts_at")
        return Response(found.answer([told(row) for row in found.rows]))


@extend_schema_view(
    post=operation(
        "job_finish",
        _("Job: say that it is done"),
        tags=["plans"],
        answers={200: JobShape},
        body=shape("JobFinished"),
        refused=[404],
        writes=True,
        parameters=[UID],
        example={},
        description=_("Its components leave the stock, and what it makes enters it."),
    )
)
class JobFinish(ApiView):
    needs = {"post": "schedule.change"}

    def post(self, request: Request, uid: str) -> Response:
        check_names(given(request), {})
        key, at = uuid_of(uid), clock.now()
        if not selectors.jobs(at=dt.datetime.min.replace(tzinfo=dt.UTC)).filter(pk=key).exists():
            raise Http404
        services.finish(job=key, by=acting.actor(), at=at)
        return Response(told(selectors.jobs(at=at).filter(pk=key).values(*selectors.JOB)[0]))
