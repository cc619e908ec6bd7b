import logging
import uuid

from celery import shared_task
from django.db import DatabaseError, transaction
from kombu.exceptions import OperationalError

from apps.base import acting, clock
from apps.documents import services
from apps.documents.services import BulkAsked
from apps.network import selectors as network
from apps.tenants import selectors as tenants
from apps.tenants.tasks import EnterpriseTask, PlatformTask

log = logging.getLogger(__name__)


@shared_task(base=PlatformTask)
def tell_by_mail() -> None:
    """Send what waits for an answer to those who are told by mail; in the homes where something is due."""
    at = clock.now()
    for enterprise in network.enterprises_to_tell(at=at):
        home = tenants.home(id=enterprise)
        if home is None:
            continue
        with acting.act_as(home):
            try:
                services.tell_by_mail(at=at)
            except DatabaseError:
                log.exception("notices were not mailed; the next turn tries again", extra={"enterprise": home.slug})


@shared_task(base=PlatformTask)
def tick() -> None:
    """In every home: compute the clocks that are to be looked at, and do what they say."""
    at = clock.now()
    for home in tenants.homes():
        with acting.act_as(home):
            try:
                services.tick(at=at)
            except DatabaseError:
                log.exception("clocks were not wound; the next turn tries again", extra={"enterprise": home.slug})


@shared_task(base=EnterpriseTask)
def work(bulk: str) -> None:
    """Check a table of answers, or move many documents, as somebody asked."""
    services.work(bulk=uuid.UUID(bulk))


def work_soon(news: BulkAsked) -> None:
    """Hand it over to the worker, when the row is there for it to be read. Where the broker cannot be reached, the next turn does it."""

    def hand_over() -> None:
        try:
            work.delay(str(news.bulk))
        except OperationalError:
            log.warning("the broker cannot be reached; what is to be done is handed over again", extra={"bulk": str(news.bulk)})

    transaction.on_commit(hand_over)


@shared_task(base=PlatformTask)
def resume() -> None:
    """In every home: go on with what a worker has left, as one does that is killed."""
    at = clock.now()
    for home in tenants.homes():
        with acting.act_as(home):
            try:
                services.resume(at=at)
            except DatabaseError:
                log.exception("what was left is left still; the next turn tries again", extra={"enterprise": home.slug})
