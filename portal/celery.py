"""The Celery application: JSON messages, late acknowledgement, no result store.

The broker, the schedule and the test switches come from Django's settings (``CELERY_…``); what is said here holds
everywhere. A message is acknowledged when its work is done, so that a worker's death repeats it and loses nothing:
every task must bear to run twice.
"""

from __future__ import annotations

import os

from celery import Celery

from portal import broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

broker.install()

# The class refuses a task that does not say for which enterprise it runs.
app = Celery("tributary", task_cls="apps.tenants.tasks:EnterpriseTask")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    accept_content=["json"],
    task_serializer="json",
    result_serializer="json",
    event_serializer="json",
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    task_default_queue="tributary",
    worker_prefetch_multiplier=1,
    # Control and events would each need queues of their own, which on PostgreSQL are tables.
    worker_enable_remote_control=False,
    worker_send_task_events=False,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
    enable_utc=True,
    timezone="UTC",
)
app.autodiscover_tasks()
