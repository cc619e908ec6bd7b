"""``manage.py break RESOURCE --enterprise SLUG --hours N``: a machine is down, and everybody whom it concerns hears of it."""

import datetime as dt
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext_noop

from apps.base import clock
from apps.base.acting import SYSTEM, act_as, in_lobby
from apps.base.retrying import whole
from apps.scheduling import selectors, services
from apps.tenants import selectors as tenants

LONGEST = 24 * 3650


class Command(BaseCommand):
    help = "Says that a resource is down from now on; what it had planned is planned anew, and the promises that move are told to the customers."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("resource", metavar="RESOURCE", help="the code of the resource")
        parser.add_argument("--enterprise", metavar="SLUG", required=True, help="whose it is")
        parser.add_argument("--hours", metavar="N", type=float, default=24.0, help="for how long; 24 where it is not said")
        parser.add_argument("--reason", default=gettext_noop("Breakdown"), help="why, for the people there")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 0 < options["hours"] <= LONGEST:
            raise CommandError(f"--hours is more than 0 and at most {LONGEST}")
        with in_lobby():
            home = tenants.home(slug=options["enterprise"])
        if home is None:
            raise CommandError(f"there is no enterprise “{options['enterprise']}” that can be entered")
        with act_as(home):
            row = selectors.resource(code=options["resource"])
            if row is None:
                raise CommandError(f"“{home.slug}” has no resource “{options['resource']}”")
            at = clock.now()
            until = at + dt.timedelta(hours=options["hours"])
            outage = whole(lambda: services.break_resource(resource=row["id"], until=until, reason=options["reason"], by=SYSTEM, at=at))
        self.stdout.write(f"{row['code']} of {home.slug} is down until {outage.ends_at:%Y-%m-%d %H:%M} UTC")
