import logging
import uuid

from celery import shared_task
from django.db import DatabaseError, transaction
from kombu.exceptions import OperationalError

from apps.base import acting, clock
from apps.scheduling import services
from apps.scheduling.services import PlanAsked
from apps.tenants import selectors as tenants
from apps.tenants.tasks import EnterpriseTask, PlatformTask

log = logging.getLogger(__name__)


@shared_task(base=PlatformTask)
def tend() -> None:
    """In every home: give back what was held too long, plan what is overdue, tell what a storm held back."""
    at = clock.now()
    for home in tenants.homes():
        with acting.act_as(home):
            try:
                services.tend(at=at)
            except DatabaseError:
                log.exception("promises were not tended; the next turn tries again", extra={"enterprise": home.slug})


@shared_task(base=EnterpriseTask)
def replan(plan: str) -> None:
    """Plan everything anew, as somebody asked."""
    services.run_plan(plan=uuid.UUID(plan), at=clock.now())


def replan_soon(news: PlanAsked) -> None:
    """Hand the run over to the worker, when the row is there for it to be read. Where the broker cannot be reached, the row says so."""

    def hand_over() -> None:
        try:
            replan.delay(str(news.plan))
        except OperationalError as error:
            services.fail_plan(plan=news.plan, why=str(error))

    transaction.on_commit(hand_over)
