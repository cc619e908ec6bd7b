"""``manage.py up``: the portal in one process group, on the configured services; it migrates nothing."""

from __future__ import annotations

import os
import sys

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Become the supervisor: a new program in this process, without Django's memory."""

    help = "Start web, worker and scheduler, and the embedded database where none is configured."
    requires_system_checks = []

    def handle(self, *args: object, **options: object) -> None:
        """Never returns: the program is replaced."""
        os.execv(sys.executable, [sys.executable, "-m", "portal.processes", "up"])  # noqa: S606
