"""``manage.py demo``: the portal with the demo network, prepared and loaded where that has not been done."""

from __future__ import annotations

import os
import sys

from django.core.management.base import BaseCommand, CommandParser


class Command(BaseCommand):
    """Become the supervisor: a new program in this process, without Django's memory."""

    help = "Start everything with the demo network, and print the addresses and logins."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """``--reset`` deletes the embedded database and all that was stored beside it."""
        parser.add_argument("--reset", action="store_true", help="start anew: delete the embedded database first")

    def handle(self, *args: object, **options: object) -> None:
        """Never returns: the program is replaced."""
        more = ["--reset"] if options["reset"] else []
        os.execv(sys.executable, [sys.executable, "-m", "portal.processes", "demo", *more])  # noqa: S606
