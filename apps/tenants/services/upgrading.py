"""All homes up to date: which are behind is one question, and those that stand alike are brought on by one and the same script, side by side."""

import contextlib
import itertools
import logging
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

import psycopg
from django.conf import settings
from django.db import Error as DatabaseFault
from django.db import connections, transaction
from django.db.migrations import Migration, RunPython, SeparateDatabaseAndState
from django.db.migrations.executor import MigrationExecutor
from django_tenants.migration_executors.base import run_migrations
from psycopg import sql

from apps.tenants import models
from apps.tenants.services.provisioning import OWNER
from apps.tenants.wall import building, grants

log = logging.getLogger(__name__)

# How often a home is tried in which somebody holds a lock that the upgrade needs, or who was first in a deadlock.
TRIES = 12
AGAIN = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgraded:
    """What an upgrade did. homes: how many there are; behind: how many were not current; failed: why, by slug."""

    homes: int
    behind: int
    failed: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Standing:
    """How a home stands. record: names its migrations; rights: the mark of its rights."""

    slug: str
    schema: str
    record: str | None
    rights: str | None


def upgrade(*, workers: int = 4, lock_timeout: float = 2.0, rights: bool = False, told: Callable[[int, int], None] = lambda done, of: None) -> Upgraded:
    """Migrate the template and every home that is behind, each home in one transaction of its own, so many at a time.

    A home that is current costs nothing; one in which a lock cannot be had within `lock_timeout` seconds is tried again, and in the
    end told as failed. Killed anywhere, the next upgrade goes on where this one was. rights: set the rights of every home anew, whether or
    not it bears today's mark. told: progress, as done and of how many.
    """
    migrate(models.TEMPLATE_SCHEMA)
    homes = _standings()
    wanted, mark = _record_of(models.TEMPLATE_SCHEMA), grants.rights_mark()
    behind = [home for home in homes if rights or home.record != wanted or home.rights != mark]
    failed = {home.slug: "it has no record of migrations" for home in behind if home.record is None}
    alike = {home.record: home.schema for home in behind if home.record is not None}
    with connections[OWNER].cursor() as cursor:
        tables = building.plan_of(cursor, models.TEMPLATE_SCHEMA).tables
    scripts: dict[str | None, str | None] = {record: _script(schema, tables) for record, schema in alike.items()}
    together = [home for home in behind if scripts.get(home.record) is not None]
    alone = [home for home in behind if home.record is not None and scripts[home.record] is None]
    done = len(failed)
    for slug, fault in itertools.chain(_side_by_side(together, scripts, workers, lock_timeout), _one_by_one(alone, tables, lock_timeout)):
        done += 1
        failed |= {slug: fault} if fault else {}
        told(done, len(behind))
    return Upgraded(homes=len(homes), behind=len(behind), failed=failed)


def set_public_rights(*, lock_timeout: float = 2.0, anew: bool = False) -> None:
    """Set the rights and policies of the public tables, where they are not today's: people at work wait for as long as this takes, at most."""
    with connections[OWNER].cursor() as cursor:
        cursor.execute("SELECT obj_description('public'::regnamespace, 'pg_namespace')")
        if cursor.fetchone()[0] == grants.public_mark() and not anew:
            return
    for attempt in range(1, TRIES + 1):
        try:
            with transaction.atomic(using=OWNER), connections[OWNER].cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = {int(lock_timeout * 1000)}")
                grants.apply(cursor)
            return
        except DatabaseFault as error:
            if attempt == TRIES or not isinstance(error.__cause__, AGAIN):
                raise
            time.sleep(random.uniform(0.05, 0.2) * attempt)


def migrate(schema: str) -> None:
    """Migrate the public schema or the template, as Django does it."""
    with connections[OWNER].cursor() as cursor:
        cursor.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)).as_string(cursor.connection))
    options = {"database": OWNER, "verbosity": 0, "interactive": False, "run_syncdb": False, "app_label": None, "migration_name": None,
               "fake": False, "fake_initial": False, "plan": False, "check_unapplied": False, "prune": False, "skip_checks": True,
               "no_color": False, "force_color": False, "traceback": False, "stdout": None, "stderr": None}  # fmt: skip
    run_migrations([], options, "standard", schema)


def _standings() -> list[_Standing]:
    """How all homes stand; in two questions, however many they are."""
    with connections[OWNER].cursor() as cursor:
        cursor.execute(
            "SELECT e.slug, e.schema_name, to_regclass(format('%I.django_migrations', e.schema_name)) IS NOT NULL, obj_description(n.oid, 'pg_namespace') "
            "FROM public.tenants_enterprise e LEFT JOIN pg_namespace n ON n.nspname = e.schema_name WHERE e.ready ORDER BY e.slug"
        )
        found = cursor.fetchall()
        recorded = [schema for _slug, schema, recorded, _rights in found if recorded]
        one = sql.SQL(f"SELECT {{}}, {building.RECORD} FROM {{}}.django_migrations")
        records: dict[str, str] = {}
        if recorded:
            every = sql.SQL(" UNION ALL ").join(one.format(sql.Literal(schema), sql.Identifier(schema)) for schema in recorded)
            cursor.execute(every.as_string(cursor.connection))
            records = dict(cursor.fetchall())
    return [_Standing(slug, schema, records.get(schema), rights) for slug, schema, _recorded, rights in found]


def _record_of(schema: str) -> str:
    with connections[OWNER].cursor() as cursor:
        cursor.execute(sql.SQL(f"SELECT {building.RECORD} FROM {{}}.django_migrations").format(sql.Identifier(schema)).as_string(cursor.connection))
        return str(cursor.fetchone()[0])


@contextlib.contextmanager
def _inside(schema: str) -> Iterator[MigrationExecutor]:
    """Django's executor of migrations in one schema."""
    connection: Any = connections[OWNER]
    connection.set_schema(schema)
    try:
        yield MigrationExecutor(connection)
    finally:
        connection.set_schema_to_public()


def _script(schema: str, tables: Sequence[str]) -> str | None:
    """What brings a home that stands as this one to where the code is, and its rights; as SQL, with PLACE for its schema. None where it is more."""
    with _inside(schema) as executor:
        loader = executor.loader
        plan = [migration for migration, _backwards in executor.migration_plan(loader.graph.leaf_nodes())]
        if not all(_is_sql(migration.operations) for migration in plan):
            return None
        statements = [statement for migration in plan for statement in _statements(executor, migration)]
    return "\n".join([*statements, grants.home_rights(building.PLACE, tables)])


def _is_sql(operations: Sequence[Any]) -> bool:
    return not any(
        isinstance(operation, RunPython) or (isinstance(operation, SeparateDatabaseAndState) and not _is_sql(operation.database_operations))
        for operation in operations
    )


def _statements(executor: MigrationExecutor, migration: Migration) -> list[str]:
    before = executor.loader.project_state((migration.app_label, migration.name), at_end=False)
    with connections[OWNER].schema_editor(collect_sql=True, atomic=False) as editor:
        migration.apply(before, editor, collect_sql=True)
    noted = sql.SQL("INSERT INTO django_migrations (app, name, applied) VALUES ({}, {}, now());").format(
        sql.Literal(migration.app_label), sql.Literal(migration.name)
    )
    return [*editor.collected_sql, noted.as_string(None)]


def _side_by_side(homes: Sequence[_Standing], scripts: Mapping[str | None, str | None], workers: int, lock_timeout: float) -> Iterator[tuple[str, str]]:
    """Bring these homes on by their scripts; each one's slug, when it is done, and what went wrong with it."""
    if not homes:
        return
    idle: SimpleQueue[psycopg.Connection[Any]] = SimpleQueue()
    address = (settings.ENVIRONMENT.owner or settings.ENVIRONMENT.database).url
    with contextlib.ExitStack() as stack, ThreadPoolExecutor(workers) as pool:
        for _worker in range(min(workers, len(homes))):
            idle.put(stack.enter_context(contextlib.closing(psycopg.connect(address, autocommit=True))))
        work = {pool.submit(_bring_on, idle, home, scripts[home.record] or "", lock_timeout): home for home in homes}
        for done in as_completed(work):
            yield work[done].slug, done.result()


def _bring_on(idle: "SimpleQueue[psycopg.Connection[Any]]", home: _Standing, script: str, lock_timeout: float) -> str:
    connection = idle.get()
    try:
        for attempt in range(1, TRIES):
            try:
                connection.execute(_whole(home, script, lock_timeout).encode())
                return ""
            except AGAIN:
                connection.execute("ROLLBACK")
                time.sleep(random.uniform(0.05, 0.2) * attempt)
        connection.execute(_whole(home, script, lock_timeout).encode())
    except psycopg.Error as error:
        log.exception("a home could not be upgraded", extra={"enterprise": home.slug})
        if not connection.closed:
            connection.execute("ROLLBACK")
        return str(error).splitlines()[0]
    finally:
        idle.put(connection)
    return ""


def _whole(home: _Standing, script: str, lock_timeout: float) -> str:
    """One home's upgrade as one transaction, sent at once. It begins by making sure that nobody else has brought this home on meanwhile."""
    name = sql.Identifier(home.schema).as_string(None)
    changed = "MESSAGE = 'somebody else is upgrading this home'"
    return (
        f"BEGIN; SET LOCAL lock_timeout = {int(lock_timeout * 1000)}; SET LOCAL client_min_messages = error; SET LOCAL search_path TO {name}, public; "
        f"LOCK TABLE django_migrations IN EXCLUSIVE MODE; DO $$ BEGIN IF (SELECT {building.RECORD} FROM django_migrations) <> '{home.record}' "
        f"THEN RAISE EXCEPTION USING {changed}; END IF; END $$;\n{script.replace(building.PLACE, home.schema)}; COMMIT"
    )


def _one_by_one(homes: Sequence[_Standing], tables: Sequence[str], lock_timeout: float) -> Iterator[tuple[str, str]]:
    """Homes whose migrations do more than SQL can say, by Django's own executor; still one transaction a home."""
    for home in homes:
        fault = ""
        try:
            with _inside(home.schema) as executor, transaction.atomic(using=OWNER), connections[OWNER].cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = {int(lock_timeout * 1000)}")
                executor.migrate(executor.loader.graph.leaf_nodes())
                grants.open_home(cursor, schema=home.schema, tables=tables)
        except DatabaseFault as error:
            log.exception("a home could not be upgraded", extra={"enterprise": home.slug})
            fault = str(error).splitlines()[0]
        yield home.slug, fault
