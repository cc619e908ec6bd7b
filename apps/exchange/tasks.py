from celery import shared_task

from apps.exchange import services
from apps.tenants.tasks import PlatformTask


@shared_task(base=PlatformTask)
def sweep() -> None:
    """Deliver whatever a crash left behind."""
    services.sweep()
