"""What every log line bears, and what none does: the request, the enterprise and who acts, and no secret."""

import logging
import re
from contextvars import ContextVar

from apps.base import acting

request_id: ContextVar[str] = ContextVar("request_id", default="-")

# API and access tokens, wherever they stand; one-time links and links to a new password, by their address; what a socket's subprotocol bears.
SECRET = re.compile(
    r"\btr[ab]_[\w-]{8,}|(?<=bearer\.)[\w-]{8,}|(?<=Bearer )[\w.-]{8,}"
    r"|(?:(?<=/set-up/)|(?<=/answer/)|(?<=/join/)|(?<=/reset/key/)|(?<=/confirm-email/))[^/\s'\"]+"
)
HIDDEN = "***"


class Context(logging.Filter):
    """Adds request, enterprise and actor to each record, and hides what opens something."""

    def filter(self, record: logging.LogRecord) -> bool:
        context = acting.current_or_none()
        record.request = request_id.get()
        record.enterprise = context.home.slug if context and context.home else "-"
        record.actor = context.actor.name if context else "-"
        _hide(record)
        return True


def _hide(record: logging.LogRecord) -> None:
    said = record.getMessage()
    clean = SECRET.sub(HIDDEN, said)
    if clean != said:
        record.msg, record.args = clean, None
    if record.exc_info and record.exc_info[0] is not None:
        trace = logging.Formatter().formatException(record.exc_info)
        clean = SECRET.sub(HIDDEN, trace)
        if clean != trace:
            record.exc_info, record.exc_text = None, clean
