"""Homes: how long a new enterprise takes, and what the wall costs each transaction."""

from __future__ import annotations

import itertools
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial

import psycopg
from django.db import connections, transaction
from django.test.utils import CaptureQueriesContext

from apps.base import clock
from apps.base.acting import act_as
from apps.tenants import services as tenants
from bench import ground, stage
from bench.figures import Figure, compare

DEFINING = ("CREATE", "ALTER", "GRANT", "REVOKE")
TRANSACTIONS = 2000
_numbers = itertools.count(1)


def _provision() -> float:
    started = time.perf_counter()
    tenants.provision(slug=f"new-{next(_numbers)}", name="A new enterprise", at=clock.now())
    return time.perf_counter() - started


def _recorded() -> tuple[str, str]:
    """What one provisioning says to the database to define the home, in one script, and the schema that the script names."""
    with CaptureQueriesContext(connections[tenants.OWNER]) as said:
        home = tenants.provision(slug=f"new-{next(_numbers)}", name="A new enterprise", at=clock.now())
    return ";\n".join(query["sql"] for query in said.captured_queries if query["sql"].startswith(DEFINING)), home.schema


def _replay(script: str, schema: str) -> float:
    statements = script.replace(schema, f"t_{uuid.uuid4().hex}").encode()
    with psycopg.connect(ground.login("owner")) as connection:
        started = time.perf_counter()
        connection.execute(statements)
        connection.commit()
        return time.perf_counter() - started


def provisioning() -> Iterator[Figure]:
    """`provision`: a new enterprise, ready to be entered, against the same definitions replayed as one script."""
    script, schema = _recorded()
    _replay(script, schema)
    yield compare("provision", "s", _provision, partial(_replay, script, schema), note="the floor: its definitions as one recorded script; asked: ≤ 0.5 s")


def _transactions(alias: str, acting: Callable[[], AbstractContextManager[object]]) -> float:
    """Microseconds for a transaction of one short statement."""
    with acting():
        started = time.perf_counter()
        for _transaction in range(TRANSACTIONS):
            with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
                cursor.execute("SELECT 1")
        return (time.perf_counter() - started) / TRANSACTIONS * 1e6


def wall() -> Iterator[Figure]:
    """`wall`: a transaction of one statement behind the wall, and the same by Django's own backend with the same login and options."""
    pair = stage.pair("wall")
    connections.databases["plain"] = {**connections.databases["default"], "ENGINE": "django.db.backends.postgresql"}
    behind, plain = partial(_transactions, "default", partial(act_as, pair.buyer)), partial(_transactions, "plain", nullcontext)
    behind(), plain()
    found = compare("wall", "µs", behind, plain)
    yield replace(found, note=f"the wall costs {found.value - (found.floor or 0):.0f} µs a transaction")
    connections["plain"].close()
    connections["plain"].close_pool()  # type: ignore[attr-defined]
