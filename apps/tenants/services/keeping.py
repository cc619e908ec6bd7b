"""The keeper of the shared tables: who moves what they hold of an enterprise in and out, and nobody else."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import psycopg
from django.conf import settings
from psycopg import sql

from apps.base import announcing
from apps.base.announcing import Held
from apps.tenants.wall import grants

Progress = Callable[[str, int], None]


def unheard(what: str, count: int) -> None:
    """Progress that nobody wants to hear of."""


def held() -> list[Held]:
    """What all apps declare of their shared tables, in the order of the floors."""
    return [one for found in announcing.declared("HELD") for one in found]


@contextlib.contextmanager
def owners_connection() -> Iterator[psycopg.Connection[Any]]:
    """A connection of the owner's for one long piece of work. Its transaction is committed at the end of the block, or undone."""
    address = (settings.ENVIRONMENT.owner or settings.ENVIRONMENT.database).url
    with psycopg.connect(address) as connection:
        yield connection


@contextlib.contextmanager
def as_keeper(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Within this transaction: with the keeper's rights on the shared tables, and with no right on any home."""
    connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(grants.KEEPER_ROLE)))
    yield
    connection.execute("RESET ROLE")


def tables_of(connection: psycopg.Connection[Any], schema: str) -> list[str]:
    """The tables of a home, but its record of migrations."""
    query = "SELECT tablename FROM pg_tables WHERE schemaname = %s AND tablename <> 'django_migrations' ORDER BY 1"
    return [name for (name,) in connection.execute(query, [schema])]


def columns_of(connection: psycopg.Connection[Any], schema: str, table: str) -> list[str]:
    """The columns of a table that are carried over: not those which say in which life of which cluster a row was written."""
    query = (
        "SELECT column_name FROM information_schema.columns WHERE table_schema = %s AND table_name = %s "
        "AND coalesce(column_default, '') !~ 'pg_current_xact_id|current_epoch' ORDER BY ordinal_position"
    )
    return [name for (name,) in connection.execute(query, [schema, table])]


def migrations_of(connection: psycopg.Connection[Any], schema: str) -> Sequence[str]:
    """The record of a home's migrations."""
    query = sql.SQL("SELECT app || '.' || name FROM {}.django_migrations ORDER BY 1").format(sql.Identifier(schema))
    return [name for (name,) in connection.execute(query)]
