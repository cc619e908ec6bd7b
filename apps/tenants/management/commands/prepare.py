"""Make the database ready: roles, migrations of the public schema and of every home, rights."""

from contextlib import closing
from typing import Any

import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import connections, transaction
from django_tenants.migration_executors.base import run_migrations

from apps.tenants import models, services
from apps.tenants.wall import grants


class Command(BaseCommand):
    help = "Creates the roles, migrates the public schema, the template and every home that is behind, and sets all rights."

    def handle(self, *args: Any, **options: Any) -> None:
        owner = connections[services.OWNER]
        with transaction.atomic(using=services.OWNER), owner.cursor() as cursor:
            grants.make_roles(cursor)
        self._migrate("public")
        services.begin_epoch()
        with owner.cursor() as cursor:
            cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {models.TEMPLATE_SCHEMA}")
        for schema in [models.TEMPLATE_SCHEMA, *self._behind()]:
            self._migrate(schema)
        with transaction.atomic(using=services.OWNER), owner.cursor() as cursor:
            grants.apply(cursor)
            for schema in models.Enterprise.objects.using(services.OWNER).values_list("schema_name", flat=True):
                grants.open_home(cursor, schema=schema)
        self._close_functions()
        self.stdout.write("The database is ready.")

    def _migrate(self, schema: str) -> None:
        options = {"database": services.OWNER, "verbosity": 0, "interactive": False, "run_syncdb": False, "app_label": None, "migration_name": None,
                   "fake": False, "fake_initial": False, "plan": False, "check_unapplied": False, "prune": False, "skip_checks": True,
                   "no_color": False, "force_color": False, "traceback": False, "stdout": None, "stderr": None}  # fmt: skip
        run_migrations([], options, "standard", schema)

    def _behind(self) -> list[str]:
        """The homes whose record of migrations is not the template's; the others cost nothing."""
        homes = list(models.Enterprise.objects.using(services.OWNER).values_list("schema_name", flat=True))
        if not homes:
            return []
        with connections[services.OWNER].cursor() as cursor:
            query = " UNION ALL ".join(f"SELECT '{schema}', count(*) FROM \"{schema}\".django_migrations" for schema in homes)
            cursor.execute(query)
            counts = dict(cursor.fetchall())
        wanted = self._wanted()
        return [schema for schema in homes if counts[schema] != wanted]

    def _wanted(self) -> int:
        self._migrate(models.TEMPLATE_SCHEMA)
        with connections[services.OWNER].cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {models.TEMPLATE_SCHEMA}.django_migrations")
            return int(cursor.fetchone()[0])

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
