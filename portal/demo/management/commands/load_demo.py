"""``manage.py load_demo``: eleven enterprises, how they work, some months of orders, and promises through the tiers, all through the services."""

import json
import os
import secrets
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from portal.demo import loading, network, trading

WORDS = [
    "amber",
    "birch",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "grove",
    "heron",
    "islet",
    "juniper",
    "kelp",
    "larch",
    "meadow",
    "north",
    "otter",
    "pine",
    "quarry",
    "river",
    "slate",
    "tide",
]


class Command(BaseCommand):
    help = "Loads the demo network and writes var/demo.json; what is there already stays."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--weeks", type=int, default=trading.WEEKS, help="how long the companies have been ordering from one another; 17 where it is not said"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        target = settings.VAR / "demo.json"
        begun = settings.VAR / "demo.begun.json"
        if target.exists():
            cast = json.loads(target.read_text("utf-8"))
            _write(target, {**cast, "url": settings.BASE_URL})
            return
        password = json.loads(begun.read_text("utf-8"))["password"] if begun.exists() else _password()
        _write(begun, {"password": password})
        plan = network.read("network")
        members = loading.load(plan, password=password, weeks=options["weeks"], say=self.stdout.write)
        _write(target, network.cast_of(plan, members, password=password, url=settings.BASE_URL))
        begun.unlink()


def _password() -> str:
    return "-".join([*(secrets.choice(WORDS) for _ in range(3)), str(secrets.randbelow(90) + 10)])


def _write(path: Path, data: Any) -> None:
    """Write JSON that only the owner may read, whole or not at all."""
    part = path.with_suffix(".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(data, file, ensure_ascii=False, indent=1)
    part.replace(path)
