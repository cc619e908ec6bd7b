"""``manage.py import FILE``: an enterprise comes from the file of an export."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts import services as accounts
from apps.base import clock
from apps.base.acting import Home, act_as, as_operator, in_lobby
from apps.exchange import services
from apps.tenants import services as tenants


class Command(BaseCommand):
    help = "Takes in an enterprise that was exported here or elsewhere, proves its log and its documents, and opens it. Exit status 1 where it cannot be."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            home = tenants.bring_in(file=options["file"], at=clock.now(), told=self._tell)
        except tenants.Unimportable as refusal:
            raise CommandError(str(refusal), returncode=1) from refusal
        self._prove(home)
        with as_operator():
            tenants.resume(enterprises=[home.id], at=clock.now())
        self.stdout.write(f"{home.name} ({home.slug}) is here and open.")
        with in_lobby():
            for email, token in accounts.new_administrators(enterprise=home.id, at=clock.now()):
                self.stdout.write(f"{email}: {accounts.set_up_address(token)}")

    def _prove(self, home: Home) -> None:
        with act_as(home):
            checked, differences = services.verify()
        for channel in checked:
            self.stdout.write(f"{channel.name}: {channel.envelopes} envelopes, {channel.delivered} delivered")
        for difference in differences:
            self.stderr.write(f"{difference.place}: {difference.text}")
        if differences:
            raise CommandError(f"{len(differences)} differences: {home.slug} stays suspended", returncode=1)

    def _tell(self, what: str, count: int) -> None:
        self.stdout.write(f"{what}: {count}")
        self.stdout.flush()
