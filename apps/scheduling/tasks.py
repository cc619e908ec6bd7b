import uuid

from celery import shared_task
from django.db import transaction
from kombu.exceptions import OperationalError

from apps.base import clock
from apps.scheduling import services
from apps.scheduling.services import PlanAsked
from apps.tenants.tasks import EnterpriseTask


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
