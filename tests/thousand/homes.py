"""Many homes: made, and taken back to before a later release."""

from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import psycopg
from django.conf import settings
from django.test import override_settings

from apps.tenants import services as tenants
from tests import ground
from tests.cast import AT, ask, outside

LATER = {"procurement": "bench.later"}
COLUMN = "SELECT table_schema FROM information_schema.columns WHERE table_name = 'procurement_need' AND column_name = 'later'"
INDEX = "SELECT schemaname FROM pg_indexes WHERE indexname = 'need_opened'"
_numbers = itertools.count(1)


def many(count: int) -> list[Any]:
    """So many enterprises more, without a partner or a person."""
    numbers = itertools.islice(_numbers, count)
    return [outside(tenants.provision, slug=f"one-of-many-{number}", name=f"One of many, {number}", at=AT) for number in numbers]


def all_schemas() -> list[str]:
    return [row["schema_name"] for row in ask("SELECT schema_name FROM tenants_enterprise WHERE ready")]


def brought_on() -> tuple[set[str], set[str], set[str]]:
    """The schemas that have the later column, the later index, and the record of both, at one moment: the same ones, if none is half done."""
    with psycopg.connect(settings.ENVIRONMENT.superuser.url) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")

        def ask(query: str) -> set[str]:
            return {schema for (schema,) in connection.execute(query.encode())}

        every = ask("SELECT schema_name FROM tenants_enterprise WHERE ready") | {"template_home"}
        record = " UNION ALL ".join(f"SELECT '{schema}' FROM \"{schema}\".django_migrations WHERE name = '0002_one_column'" for schema in every)
        return ask(COLUMN), ask(INDEX), ask(record)


def take_back(schemas: Iterable[str] | None = None) -> None:
    """Every home that was brought on as it was before the later release, and the template; or only these homes."""
    script = [
        f'ALTER TABLE "{schema}".procurement_need DROP COLUMN later; ALTER INDEX "{schema}".need_opened RENAME TO need_open; '
        f"DELETE FROM \"{schema}\".django_migrations WHERE name = '0002_one_column'"
        for schema in (brought_on()[0] if schemas is None else schemas)
    ]
    if schemas is None:
        script.append("DELETE FROM public.django_migrations WHERE name = '0002_one_column'")
    with psycopg.connect(settings.ENVIRONMENT.superuser.url, autocommit=True) as connection:
        for statements in script:
            connection.execute(statements.encode())


@contextlib.contextmanager
def later_release() -> Iterator[None]:
    """The code of a later release, here."""
    with override_settings(MIGRATION_MODULES=LATER):
        yield


def prepare(*more: str) -> subprocess.Popen[str]:
    """`manage.py prepare` of a later release, in a process of its own."""
    told = {**os.environ, "DJANGO_SETTINGS_MODULE": "bench.later_settings"}
    command = [sys.executable, "manage.py", "prepare", *more]
    return subprocess.Popen(command, cwd=ground.ROOT, env=told, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@contextlib.contextmanager
def held(schemas: list[str]) -> Iterator[None]:
    """Somebody reads the needs of these homes, in a transaction that does not end."""
    with psycopg.connect(settings.ENVIRONMENT.superuser.url) as connection:
        for schema in schemas:
            connection.execute(f'LOCK TABLE "{schema}".procurement_need IN ACCESS SHARE MODE'.encode())
        yield
        connection.rollback()
