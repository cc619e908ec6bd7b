"""Make the database ready: roles, migrations of the public schema and of every home, rights."""

import sys
import time
from contextlib import closing
from typing import Any

import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections, transaction

from apps.tenants import services
from apps.tenants.services import upgrading
from apps.tenants.wall import grants

EACH_SECONDS = 2.0


class Command(BaseCommand):
    help = "Creates the roles, migrates the public schema, the template and every home that is behind, and sets all rights. Exit status 1 where a home failed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--workers", type=int, default=4, help="how many homes are upgraded at a time (default: 4)")
        parser.add_argument("--lock-timeout", type=float, default=2.0, metavar="SECONDS", help="how long a home's lock is waited for before it is tried again")
        parser.add_argument("--rights", action="store_true", help="set the rights of every home anew, also where they look current")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["workers"] < 1 or options["lock_timeout"] <= 0:
            raise CommandError("--workers and --lock-timeout must be greater than zero")
        owner = connections[services.OWNER]
        with transaction.atomic(using=services.OWNER), owner.cursor() as cursor:
            grants.make_roles(cursor)
        upgrading.migrate("public")
        services.begin_epoch()
        upgrading.set_public_rights(lock_timeout=options["lock_timeout"], anew=options["rights"])
        self._close_functions()
        self._told, self._verbose = time.monotonic(), options["verbosity"] > 0
        done = services.upgrade(workers=options["workers"], lock_timeout=options["lock_timeout"], rights=options["rights"], told=self._tell)
        if done.failed:
            for slug, reason in done.failed.items():
                self.stderr.write(f"{slug}: {reason}")
            raise CommandError(f"{len(done.failed)} of {done.behind} homes failed and are as they were: run this again", returncode=1)
        self.stdout.write(f"The database is ready: {done.homes} homes, {done.behind} of them brought up to date.")

    def _tell(self, done: int, of: int) -> None:
        if self._verbose and (done == of or time.monotonic() - self._told >= EACH_SECONDS):
            self._told = time.monotonic()
            self.stdout.write(f"homes brought up to date: {done} of {of}")
            sys.stdout.flush()

    def _close_functions(self) -> None:
        superuser = settings.ENVIRONMENT.superuser
        if superuser is None:
            with connections[services.OWNER].cursor() as cursor:
                count = len(grants.open_functions(cursor))
            if count:
                self.stdout.write(
                    f"{count} functions of PostgreSQL that lead out of a home are open to everybody: run prepare once with DATABASE_SUPERUSER_URL."
                )
            return
        with closing(psycopg.connect(superuser.url, autocommit=True)) as connection, connection.cursor() as cursor:
            grants.close_functions(cursor)
