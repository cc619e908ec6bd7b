"""``manage.py deliver``: the sweep, by hand."""

from typing import Any

from django.core.management.base import BaseCommand

from apps.exchange import services


class Command(BaseCommand):
    help = "Delivers everything that waits in the channels between enterprises, in halted ones too, and prints the counts."

    def handle(self, *args: Any, **options: Any) -> None:
        swept = services.sweep(even_halted=True)
        self.stdout.write(f"channels with something waiting: {swept.channels}; envelopes delivered: {swept.delivered}; channels halted: {swept.halted}")
