"""``manage.py offboard SLUG``: an enterprise leaves, and its partners keep what was said."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.base import clock
from apps.base.acting import in_lobby
from apps.exchange import services
from apps.tenants import selectors as tenancy
from apps.tenants import services as tenants


class Command(BaseCommand):
    help = "Takes an enterprise away: home, role, files, people, tokens. Partners keep their copies and the log. Begun again after a kill, it goes on."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", metavar="SLUG")
        parser.add_argument("--export", metavar="FILE", type=Path, help="write an export there first, after the last envelope was delivered")
        parser.add_argument("--yes", metavar="SLUG", help="the short name once more: without it nothing is done")
        parser.add_argument("--force", action="store_true", help="also where a partner has not taken in yet what was said to him")

    def handle(self, *args: Any, **options: Any) -> None:
        slug = options["slug"]
        if options["yes"] != slug:
            raise CommandError(f"This cannot be undone but by an import of an export. To do it: offboard {slug} --yes {slug}", returncode=2)
        with in_lobby():
            home = tenancy.standing(slug=slug, gone=True)
        if home is None:
            raise CommandError(f"there is no enterprise “{slug}”")
        try:
            tenants.offboard(home=home, at=clock.now(), file=options["export"], anyway=options["force"], told=self._tell)
        except (services.Unfinished, OSError) as error:
            raise CommandError(f"{error}. It is suspended and otherwise as it was; --force does not wait for partners.", returncode=1) from error
        self.stdout.write(f"{home.name} ({slug}) has left.")

    def _tell(self, what: str, count: int) -> None:
        self.stdout.write(f"{what}: {count}")
        self.stdout.flush()
