"""A thousand homes in one database: upgrades with nothing to do and with a column to add, a backend that has been in many, and a noisy neighbour."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import psutil
import psycopg
from django.core.management import call_command
from django.db import connection, transaction
from django.test import override_settings
from psycopg import sql

from apps.base import clock
from apps.base.acting import Home, act_as, in_lobby
from apps.tenants import selectors as tenancy
from apps.tenants import services as tenants
from bench import ground, stage
from bench.figures import Figure, paired
from bench.serving import Request, beside, serving, timed

HOMES, TOUCHED = 1000, 300
LATER = {"procurement": "bench.later"}
NOISY, QUIET = 8, 2
READS, ROUNDS = 120, 3


def measure() -> Iterator[Figure]:
    """`upgrade_nothing`, `upgrade_column`, `backend_300_homes`: with the same thousand homes."""
    homes = _homes()
    yield _nothing()
    yield _column(homes)
    yield _backend(homes)


def _homes() -> list[Home]:
    with in_lobby():
        known = len(tenancy.homes())
    for number in range(HOMES - known):
        tenants.provision(slug=f"thousand-{number}", name=f"One of a thousand, {number}", at=clock.now())
    with in_lobby():
        return tenancy.homes()


def _took(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _nothing() -> Figure:
    """`manage.py prepare` where all are current, against the one question to which all records of migrations are the answer."""
    with in_lobby():
        every = [home.schema for home in tenancy.homes()]
    question = sql.SQL(" UNION ALL ").join(sql.SQL("SELECT count(*) FROM {}.django_migrations").format(sql.Identifier(schema)) for schema in every)

    def ask() -> None:
        with psycopg.connect(ground.login("owner")) as owner:
            owner.execute(question).fetchall()

    runs = [(_took(lambda: call_command("prepare", verbosity=0)), _took(ask)) for _run in range(3)]
    return paired("upgrade_nothing", "s", runs, note=f"{len(every)} homes; the floor: one question to all of them; asked: ≤ 10 s")


def _column(homes: list[Home]) -> Figure:
    """One migration more in every home, against the same two statements by hand in a transaction each."""

    def upgrade() -> None:
        with override_settings(MIGRATION_MODULES=LATER):
            done = tenants.upgrade()
        assert (done.failed, done.behind >= HOMES) == ({}, True), done

    def by_hand() -> None:
        with psycopg.connect(ground.login("owner"), autocommit=True) as owner:
            for home in homes:
                need = sql.Identifier(home.schema, "procurement_need")
                index = sql.SQL("ALTER INDEX {} RENAME TO need_opened").format(sql.Identifier(home.schema, "need_open"))
                with owner.transaction():
                    owner.execute(sql.SQL("ALTER TABLE {} ADD COLUMN later varchar(20) DEFAULT '' NOT NULL").format(need))
                    owner.execute(index)

    runs = []
    for _run in range(2):
        ours = _took(upgrade)
        _take_back(homes)
        floor = _took(by_hand)
        _take_back(homes)
        runs.append((ours, floor))
    return paired("upgrade_column", "s", runs, note=f"{len(homes)} homes, a column and a renamed index; the floor: by hand, one after another; asked: ≤ 60 s")


def _take_back(homes: list[Home]) -> None:
    with psycopg.connect(ground.login("owner"), autocommit=True) as owner:
        for schema in ["template_home", *(home.schema for home in homes)]:
            name = sql.Identifier(schema)
            with owner.transaction():
                owner.execute(sql.SQL("ALTER TABLE {}.procurement_need DROP COLUMN later").format(name) if _has(owner, schema) else sql.SQL("SELECT 1"))
                owner.execute(sql.SQL("ALTER INDEX IF EXISTS {}.need_opened RENAME TO need_open").format(name))
                owner.execute(sql.SQL("DELETE FROM {}.django_migrations WHERE name = '0002_one_column'").format(name))


def _has(owner: psycopg.Connection[tuple[object, ...]], schema: str) -> bool:
    found = owner.execute(
        "SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass(format('%%I.procurement_need', %s::text)) AND attname = 'later' AND NOT attisdropped", [schema]
    )
    return found.fetchone() is not None


def _backend(homes: list[Home]) -> Figure:
    """What one backend holds for itself when it has read every table of so many homes, against when it has been in one."""
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]
    _read_all(homes[0])
    with act_as(homes[0]), connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = psutil.Process(cursor.fetchone()[0])
    one = backend.memory_full_info().uss / 1e6
    for home in homes[1:TOUCHED]:
        _read_all(home)
    many = backend.memory_full_info().uss / 1e6
    found = paired("backend_300_homes", "MB", [(many, one)])
    return replace(found, note=f"one backend, all tables of {TOUCHED} homes; the floor: of one home")


def _read_all(home: Home) -> None:
    with act_as(home), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s AND tablename <> 'django_migrations'", [home.schema])
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT * FROM "{table}" LIMIT 1')
            cursor.fetchall()


# The noisy neighbour -------------------------------------------------------------------------------------------------


def neighbour() -> Iterator[Figure]:
    """`neighbour_p99`: the 99th percentile of one enterprise's reads while another asks all it can, against when nobody else asks."""
    quiet, loud = stage.pair("quiet"), stage.pair("loud")
    for pair in (quiet, loud):
        for _order in range(60):
            stage.draft(pair.buyer, pair.seller)
    uid = {pair.token: str(stage.draft(pair.buyer, pair.seller)) for pair in (quiet, loud)}
    wanted: list[Request] = [("GET", f"/api/v1/orders/{uid[quiet.token]}/", b""), ("GET", "/api/v1/orders/?limit=50", b"")]
    pressed: list[Request] = [("GET", "/api/v1/orders/?limit=50", b""), ("GET", f"/api/v1/orders/{uid[loud.token]}/", b"")]
    with serving(workers=2) as port:
        reads = [(quiet.token, list(itertools.islice(itertools.cycle(wanted), READS)))] * QUIET
        timed(port, reads)
        found = [beside(port, reads, token=loud.token, noise=pressed, connections=NOISY) for _round in range(ROUNDS)]
    runs = [(one.pressed, one.calm) for one in found]
    yield paired("neighbour_p99", "ms", runs, wanted=0.5, note=f"{NOISY} connections of another enterprise at full load; the floor: nobody else; asked: ≤ 2 ×")
