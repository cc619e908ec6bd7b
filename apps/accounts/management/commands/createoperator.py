"""``manage.py createoperator EMAIL``: somebody who runs the platform."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts import services
from apps.base import clock
from apps.base.acting import in_lobby
from apps.base.findings import Invalid


class Command(BaseCommand):
    help = "Makes a person an operator of the platform, and prints a one-time link by which he sets a password."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", metavar="EMAIL")
        parser.add_argument("--name", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with in_lobby():
                _user, token = services.make_operator(email=options["email"], name=options["name"], at=clock.now())
        except Invalid as refusal:
            raise CommandError(refusal.findings[0].detail) from refusal
        self.stdout.write(services.set_up_address(token))
