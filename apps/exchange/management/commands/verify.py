"""``manage.py verify``: proof that what is shown is what was said."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.base import clock
from apps.base.acting import Home, act_as, in_lobby
from apps.exchange import services
from apps.tenants import selectors as tenants


class Command(BaseCommand):
    help = "Recomputes every digest and signature, rebuilds every document from the log, and compares. Exit status 1 where anything differs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--enterprise", metavar="SLUG", help="look at the channels and documents of this enterprise only")
        parser.add_argument(
            "--export", metavar="DIR", type=Path, help="write a bundle there that proves the channels without the portal: python3 DIR/check_bundle.py DIR"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        lines: dict[str, str] = {}
        differences: dict[tuple[str, str], None] = {}
        for home in self._homes(options["enterprise"]):
            with act_as(home):
                checked, found = services.verify()
                for channel in checked:
                    lines[channel.name] = self._line(channel)
                differences |= dict.fromkeys((difference.place, difference.text) for difference in found)
                if options["export"]:
                    services.export(folder=options["export"], at=clock.now())
        for line in lines.values():
            self.stdout.write(line)
        for place, text in differences:
            self.stderr.write(f"{place}: {text}")
        if differences:
            raise CommandError(f"{len(differences)} differences: see above", returncode=1)

    def _homes(self, slug: str | None) -> list[Home]:
        with in_lobby():
            if slug is None:
                return tenants.homes()
            home = tenants.home(slug=slug)
        if home is None:
            raise CommandError(f"there is no enterprise “{slug}” that can be entered")
        return [home]

    def _line(self, channel: services.Checked) -> str:
        halted = ", halted" if channel.halted else ""
        return f"{channel.name}: {channel.envelopes} envelopes, {channel.delivered} delivered{halted}"
