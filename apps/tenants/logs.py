"""What every log line bears: the request, the enterprise and who acts."""

import logging
from contextvars import ContextVar

from apps.base import acting

request_id: ContextVar[str] = ContextVar("request_id", default="-")


class Context(logging.Filter):
    """Adds request, enterprise and actor to each record."""

    def filter(self, record: logging.LogRecord) -> bool:
        context = acting.current_or_none()
        record.request = request_id.get()
        record.enterprise = context.home.slug if context and context.home else "-"
        record.actor = context.actor.name if context else "-"
        return True
