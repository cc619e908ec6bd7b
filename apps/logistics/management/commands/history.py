"""``manage.py history FILE --enterprise SLUG``: the purchase lines of years gone by, as one buyer's history with each vendor."""

import time
from collections import Counter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.base import clock
from apps.base.acting import in_lobby
from apps.logistics.services import chronicles, retelling
from apps.logistics.services.chronicles import Bought, Fault, NoChronicle
from apps.logistics.services.retelling import NotOurs, Teller
from apps.tenants import selectors as tenants

SHOWN, SECONDS = 200, 2.0


class Command(BaseCommand):
    help = (
        "Loads purchase lines of the past (CSV, as the SCMS delivery history) as the orders of one enterprise: each vendor becomes a partner, and each line is "
        "published, confirmed, shipped and received on its days. Can be stopped, and goes on where it was. A row that cannot be taken is told."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="the CSV file")
        parser.add_argument("--enterprise", metavar="SLUG", required=True, help="the buyer, whose history it is")
        parser.add_argument("--currency", default="USD", help="ISO 4217, of the values in the file (default: USD)")
        parser.add_argument("--orders", metavar="N", type=int, help="only the first N orders of the file")

    def handle(self, *args: Any, **options: Any) -> None:
        with in_lobby():
            home = tenants.home(slug=options["enterprise"])
        if home is None:
            raise CommandError(f"there is no enterprise “{options['enterprise']}” that can be entered")
        read = self._read(options["file"])
        faults = [row for row in read if isinstance(row, Fault)]
        bought = _first([row for row in read if isinstance(row, Bought)], options["orders"])
        teller = Teller(buyer=home, currency=options["currency"], at=clock.now())
        try:
            faults += self._tell(teller, bought)
        except KeyboardInterrupt:
            raise CommandError("stopped: the same command goes on from here") from None
        except NotOurs as refusal:
            raise CommandError(str(refusal)) from refusal
        self._report(len(bought) + sum(isinstance(row, Fault) for row in read), faults)

    def _read(self, name: str) -> list[Bought | Fault]:
        try:
            return list(chronicles.read(Path(name).read_bytes()))
        except (OSError, ValueError) as error:
            reason = str(error) if isinstance(error, NoChronicle) else f"“{name[:200]}” cannot be read"
            raise CommandError(reason) from error

    def _tell(self, teller: Teller, bought: list[Bought]) -> list[Fault]:
        """Say all orders, with the progress from time to time."""
        faults: list[Fault] = []
        total, counted, told_at = len(retelling.orders_of(bought)), Counter[str](), time.monotonic()
        for done, told in enumerate(teller.tell(bought), start=1):
            faults += told.faults
            counted["rows"] += told.rows
            counted["there"] += bool(told.rows) and not told.said
            if time.monotonic() - told_at >= SECONDS or done == total:
                told_at = time.monotonic()
                self.stdout.write(f"{done} of {total} orders ({counted['there']} were there), {counted['rows']} rows, {len(faults)} not taken")
        return faults

    def _report(self, rows: int, faults: list[Fault]) -> None:
        for fault in sorted(faults, key=lambda fault: fault.row)[:SHOWN]:
            self.stderr.write(f"row {fault.row}: {fault.detail}")
        self.stdout.write(f"{rows} rows: {rows - len(faults)} stand in the portal, {len(faults)} do not")


def _first(bought: list[Bought], orders: int | None) -> list[Bought]:
    """The rows of the first orders of the file, whole."""
    wanted = set(list(retelling.orders_of(bought))[:orders])
    return [row for row in bought if row.order in wanted]
