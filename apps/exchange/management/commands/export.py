"""``manage.py export SLUG --to FILE``: one enterprise in one file."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.base import clock
from apps.base.acting import in_lobby
from apps.tenants import selectors as tenancy
from apps.tenants import services as tenants


class Command(BaseCommand):
    help = "Writes an enterprise into one file: home, files, its side of the log, public keys, and who works for it; no password, token or private key."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", metavar="SLUG")
        parser.add_argument("--to", metavar="FILE", type=Path, help="by default SLUG.zip here")

    def handle(self, *args: Any, **options: Any) -> None:
        slug = options["slug"]
        file = options["to"] or Path(f"{slug}.zip")
        with in_lobby():
            home = tenancy.standing(slug=slug)
        if home is None:
            raise CommandError(f"there is no enterprise “{slug}” with a home here")
        try:
            counts = tenants.export(home=home, file=file, at=clock.now(), told=self._tell)
        except OSError as error:
            raise CommandError(f"{file} cannot be written: {error}") from error
        self.stdout.write(f"{file}: {len(counts)} members")

    def _tell(self, what: str, count: int) -> None:
        self.stdout.write(f"{what}: {count}")
        self.stdout.flush()
