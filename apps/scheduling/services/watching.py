"""A long run, seen from outside: how far it is, and whether somebody said stop."""

import contextvars
import threading
import time
import uuid
from types import TracebackType

from django.db import connection

from apps.live import services as live
from apps.scheduling.models import Plan
from apps.scheduling.services.holding import TOPIC


class Watching:
    """While it is open, a thread of its own writes the progress of a run each second, and reads whether it shall stop.

    The solver asks from threads of its own, which act for nobody: they ask an event, and never the database.
    """

    def __init__(self, plan: uuid.UUID, seconds: float, *, every: float = 0.5) -> None:
        self.plan, self.seconds, self.every = plan, max(seconds, 0.1), every
        self._stop, self._over = threading.Event(), threading.Event()
        self._began = time.monotonic()
        context = contextvars.copy_context()
        self._thread = threading.Thread(target=lambda: context.run(self._watch), name="plan-watching", daemon=True)

    def __enter__(self) -> "Watching":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()

    def stopped(self) -> bool:
        return self._stop.is_set()

    def _watch(self) -> None:
        try:
            while not self._over.wait(self.every):
                done = min(95, int(95 * (time.monotonic() - self._began) / self.seconds))
                Plan.objects.filter(pk=self.plan).update(progress=done)
                live.nudge(TOPIC)
                if Plan.objects.filter(pk=self.plan, stop=True).exists():
                    self._stop.set()
        finally:
            connection.close()
