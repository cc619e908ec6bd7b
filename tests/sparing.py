"""Homes that a test is done with are emptied and lived in again: to make a home takes longer than most tests do.

What is used again is what the database is made of, forty tables with their keys and a role's rights on them. The enterprise is another
one, with another id, and enters the home by the same verbs as every other.
"""

from __future__ import annotations

from typing import Any

import psycopg
from django.conf import settings
from psycopg import sql

from apps.tenants import models
from apps.tenants.services import provisioning
from apps.tenants.wall import building
from tests.cast import Member

# The empty homes: the name of the schema and of the role, and the migrations that it has behind it.
_empty: list[tuple[str, str]] = []
_clone = building.clone
GONE = "UPDATE public.tenants_enterprise SET ready = false, offboarded_at = now() WHERE id = ANY(%s)"
LIVES = "SELECT nspname FROM pg_namespace WHERE nspname = ANY(%s)"


def begin() -> None:
    """From now on a new home is an emptied one, where there is one."""
    provisioning.building.clone = clone  # type: ignore[attr-defined]


def clone(cursor: Any, *, source: str, target: str) -> building.Plan:
    """As `building.clone`, but a home that stands empty gets the name of the new one, and so does its role."""
    plan = building.plan_of(cursor, source)
    if source != models.TEMPLATE_SCHEMA or not _empty or _empty[-1][1] != plan.record:
        return _clone(cursor, source=source, target=target)
    name, _record = _empty.pop()
    for kind in ("SCHEMA", "ROLE"):
        cursor.execute(sql.SQL(f"ALTER {kind} {{}} RENAME TO {{}}").format(*map(sql.Identifier, (name, target))).as_string(None))
    return plan


def give_back(*members: Member) -> None:
    """Nobody needs these enterprises any more: they are gone, and their homes stand empty."""
    with psycopg.connect(settings.ENVIRONMENT.superuser.url) as connection:
        cursor: Any = connection.cursor()
        lives = {name for (name,) in cursor.execute(LIVES, [[member.home.schema for member in members]])}
        plan = building.plan_of(cursor, models.TEMPLATE_SCHEMA)
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(GONE, [[member.id for member in members]])
        homes = [member.home.schema for member in members if member.home.schema in lives]
        emptied = [
            sql.SQL("DELETE FROM {}.{}").format(sql.Identifier(home), sql.Identifier(table))
            for home in homes
            for table in plan.tables
            if table != "django_migrations"
        ]
        if emptied:
            cursor.execute(sql.SQL("; ").join(emptied))
    _empty.extend((home, plan.record) for home in homes)
