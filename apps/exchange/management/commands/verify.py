"""``manage.py verify``: proof that what is shown is what was said."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.base.acting import Home, act_as, in_lobby
from apps.exchange import selectors, services
from apps.tenants import selectors as tenants


class Command(BaseCommand):
    help = "Recomputes every digest and signature, rebuilds every document from the log, and compares. Exit status 1 where anything differs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--enterprise", metavar="SLUG", help="look at the channels and documents of this enterprise only")
        parser.add_argument("--export", metavar="DIR", type=Path, help="write the channels and the public keys there, too, as JSON lines")

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
                    export(options["export"])
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


def export(folder: Path) -> None:
    """Write what proves the acting enterprise's channels without the portal: a file a channel, and the keys of all."""
    folder.mkdir(parents=True, exist_ok=True)
    for id, sender, receiver in selectors.exported_channels():
        _write(folder / f"{sender}.{receiver}.jsonl", selectors.exported_envelopes(channel=id))
    path = folder / "keys.jsonl"
    known = {orjson.loads(line)["id"]: orjson.loads(line) for line in path.read_bytes().splitlines()} if path.exists() else {}
    _write(path, {**known, **{key["id"]: key for key in selectors.exported_keys()}}.values())


def _write(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    with path.open("wb") as file:
        for row in rows:
            file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
