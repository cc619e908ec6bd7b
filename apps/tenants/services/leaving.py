"""An enterprise leaves: its partners keep what was said to them and by them, and nothing else of it remains."""

import datetime as dt
import shutil
from dataclasses import dataclass
from pathlib import Path

from psycopg import sql

from apps.base import announcing
from apps.base.acting import Home, as_operator
from apps.tenants import cache, models
from apps.tenants.services.exporting import export
from apps.tenants.services.keeping import Progress, as_keeper, held, owners_connection, unheard
from apps.tenants.services.provisioning import suspend
from apps.tenants.storage import folder_of

# What the directory keeps: the id and the name, by which its partners know whose words they hold, and the short name, which nobody gets again.
TOMBSTONE = (
    "UPDATE tenants_enterprise SET ready = false, offboarded_at = %(at)s, gln = '', tax_number = '', country = '', city = '', roles = '[]' WHERE id = %(me)s"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """News: nobody can enter this home any more, and it will be gone: what is under way is to be finished. anyway: it goes even so."""

    home: Home
    anyway: bool
    at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """News: this enterprise is being taken away: whoever works for it, and every way into it, is forgotten."""

    home: Home
    at: dt.datetime


def offboard(*, home: Home, at: dt.datetime, file: Path | None = None, anyway: bool = False, told: Progress = unheard) -> None:
    """Shut the door, deliver what was said, write an export if `file` is given, and take the enterprise away: home, role, files, ways in.

    Killed anywhere, it is begun again, and goes on. anyway: even where a partner has not taken in what was said to him; then he may never.
    """
    with as_operator():
        lives = models.Enterprise.objects.filter(pk=home.id, offboarded_at=None).exists()
        if lives:
            suspend(enterprises=[home.id], at=at)
    if lives:
        announcing.announce(Closed(home=home, anyway=anyway, at=at))
        if file is not None:
            export(home=home, file=file, at=at, told=told)
        announcing.announce(Leaving(home=home, at=at))
        _take_away(home, at)
    shutil.rmtree(folder_of(home), ignore_errors=True)
    cache.forget(home.schema)


def _take_away(home: Home, at: dt.datetime) -> None:
    """All in one transaction: the shared tables as the apps declare it, the tombstone, the home and its role."""
    known = {"me": home.id, "at": at}
    with owners_connection() as connection:
        connection.execute("SET LOCAL lock_timeout = '10s'")
        with as_keeper(connection):
            for one in reversed(held()):
                if one.left:
                    connection.execute(sql.SQL(one.left), known)
            connection.execute(sql.SQL(TOMBSTONE), known)
        connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(home.schema)))
        connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(home.schema)))
