"""REST for the plan: resources, calendars, operations and runs of the planner; one's own home only."""

from django.urls import URLPattern

from apps.base.describing import both
from apps.scheduling.api.calendars import CalendarCollection, CalendarDetail
from apps.scheduling.api.jobs import JobCollection, JobFinish
from apps.scheduling.api.operations import OperationCollection, OperationDetail
from apps.scheduling.api.plans import PlanCollection, PlanDetail, PlanStop
from apps.scheduling.api.resources import ResourceBreak, ResourceCollection, ResourceDetail, ResourceRepair


def routes() -> list[URLPattern]:
    """Every route of scheduling."""
    return [
        *both("resources/", ResourceCollection.as_view(), "api-resource-list"),
        *both("resources/<str:uid>/", ResourceDetail.as_view(), "api-resource"),
        *both("resources/<str:uid>/moves/break/", ResourceBreak.as_view(), "api-resource-break"),
        *both("resources/<str:uid>/moves/repair/", ResourceRepair.as_view(), "api-resource-repair"),
        *both("calendars/", CalendarCollection.as_view(), "api-calendar-list"),
        *both("calendars/<str:uid>/", CalendarDetail.as_view(), "api-calendar"),
        *both("operations/", OperationCollection.as_view(), "api-operation-list"),
        *both("operations/<str:uid>/", OperationDetail.as_view(), "api-operation"),
        *both("jobs/", JobCollection.as_view(), "api-job-list"),
        *both("jobs/<str:uid>/moves/finish/", JobFinish.as_view(), "api-job-finish"),
        *both("plans/", PlanCollection.as_view(), "api-plan-list"),
        *both("plans/<str:uid>/", PlanDetail.as_view(), "api-plan"),
        *both("plans/<str:uid>/moves/stop/", PlanStop.as_view(), "api-plan-stop"),
    ]
