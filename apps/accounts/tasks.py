from celery import shared_task
from django.core.management import call_command

from apps.accounts import services
from apps.base import clock
from apps.tenants.tasks import PlatformTask


@shared_task(base=PlatformTask)
def clear() -> None:
    """Forget sessions, tokens and links that have expired."""
    call_command("clearsessions")
    services.forget_expired(at=clock.now())
