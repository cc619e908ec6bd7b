"""``manage.py repair RESOURCE --enterprise SLUG``: a machine runs again."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.base import clock
from apps.base.acting import SYSTEM, act_as, in_lobby
from apps.base.retrying import whole
from apps.scheduling import selectors, services
from apps.tenants import selectors as tenants


class Command(BaseCommand):
    help = "Says that a resource runs again; late promises that can gain by it are planned anew."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("resource", metavar="RESOURCE", help="the code of the resource")
        parser.add_argument("--enterprise", metavar="SLUG", required=True, help="whose it is")

    def handle(self, *args: Any, **options: Any) -> None:
        with in_lobby():
            home = tenants.home(slug=options["enterprise"])
        if home is None:
            raise CommandError(f"there is no enterprise “{options['enterprise']}” that can be entered")
        with act_as(home):
            row = selectors.resource(code=options["resource"])
            if row is None:
                raise CommandError(f"“{home.slug}” has no resource “{options['resource']}”")
            try:
                whole(lambda: services.repair_resource(resource=row["id"], by=SYSTEM, at=clock.now()))
            except services.NotBroken as error:
                raise CommandError(str(error)) from error
        self.stdout.write(f"{row['code']} of {home.slug} runs again")
