#!/usr/bin/env python3
"""Django's command line. A command finds the embedded database running, and leaves it as it was."""

from __future__ import annotations

import contextlib
import os
import sys

from portal import processes
from portal.embedded import PostgresRefused
from portal.environment import Environment, EnvironmentRefused

# They need no database, or start it themselves.
WITHOUT_DATABASE = {
    "check", "collectstatic", "compilemessages", "demo", "diffsettings", "findstatic", "help", "makemessages",
    "spectacular", "up", "version", "--help", "--version",
}  # fmt: skip


def main() -> None:
    """Run the command that the arguments name."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    from django.core.management import execute_from_command_line

    import portal.celery  # noqa: F401 - so that tasks sent by commands go to our broker

    with contextlib.ExitStack() as stack:
        try:
            environment = Environment.read()
            if not WITHOUT_DATABASE.issuperset(sys.argv[1:2]):
                processes.end_on_signals()
                stack.enter_context(processes.services(environment))
        except (EnvironmentRefused, PostgresRefused) as refusal:
            sys.exit(str(refusal))
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
