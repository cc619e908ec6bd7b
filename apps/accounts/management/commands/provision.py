"""``manage.py provision SLUG --name NAME``: a new enterprise, ready to log in."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts import services
from apps.base import clock
from apps.base.acting import in_lobby
from apps.base.findings import Invalid
from apps.tenants import selectors as tenancy
from apps.tenants import services as tenants


class Command(BaseCommand):
    help = "Makes an enterprise with its home, role, key and host name, and prints the one-time link of its first administrator."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", metavar="SLUG", help="its short name: small letters, digits and hyphens, beginning with a letter")
        parser.add_argument("--name", required=True, help="its full name")
        parser.add_argument("--template", default="home", help="the template that its home is a copy of (default: home)")
        parser.add_argument("--email", help="its first administrator; by default admin@SLUG.HOST")
        parser.add_argument("--person", default="", help="the name of the first administrator")
        parser.add_argument("--language", choices=[code for code, _name in settings.LANGUAGES], default="en")
        parser.add_argument("--currency", default="EUR", help="ISO 4217")
        parser.add_argument("--time-zone", default="UTC")
        parser.add_argument(
            "--role", action="append", default=[], help="its role in the chain, as maker, supplier, dealer, carrier; may be given several times"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        slug = options["slug"]
        email = options["email"] or f"admin@{slug}.{settings.BASE_HOST}"
        profile = {name: options[name] for name in ("language", "currency", "time_zone")}
        try:
            services.check_address(options["email"] or f"admin@slug.{settings.BASE_HOST}")
            with in_lobby():
                if tenancy.find(slug=slug) is not None:
                    raise CommandError(f"“{slug}” is taken.")
            home = tenants.provision(slug=slug, name=options["name"], roles=options["role"], template=options["template"], at=clock.now(), **profile)
            with in_lobby():
                token = services.first_administrator(enterprise=home.id, email=email, name=options["person"], language=options["language"], at=clock.now())
        except Invalid as refusal:
            raise CommandError("; ".join(f"{finding.pointer.strip('/')}: {finding.detail}" for finding in refusal.findings)) from refusal
        self.stdout.write(f"{home.name} ({slug}) stands. Its administrator: {email}")
        self.stdout.write(services.set_up_address(token) if token else f"{email} has a password already: sign in at {settings.BASE_URL}/")
