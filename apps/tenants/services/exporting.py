"""An enterprise in one file: the rows of its home, its files, its side of the channels, the public keys, and who works for it.

The file is a ZIP archive of JSON lines; `manifest.json`, written last, names every member with its SHA-256. No private key, password or token
is in it.
"""

import contextlib
import datetime as dt
import hashlib
import json
import os
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from apps.base.acting import Home
from apps.tenants.services.keeping import Progress, as_keeper, held, migrations_of, owners_connection, tables_of, unheard
from apps.tenants.storage import folder_of

FORMAT = 1
MANIFEST = "manifest.json"
PEOPLE = (
    "SELECT jsonb_build_object('email', u.email, 'name', u.name, 'language', u.language, 'role', m.role)::text FROM accounts_membership m "
    "JOIN accounts_user u ON u.id = m.user_id WHERE m.enterprise_id = %(me)s AND m.ended_at IS NULL AND u.is_active ORDER BY m.created_at, m.id"
)
PARTNERS = (
    "SELECT jsonb_build_object('id', e.id, 'slug', e.slug, 'name', e.name, 'country', e.country, 'city', e.city)::text FROM tenants_enterprise e "
    "WHERE e.id IN (SELECT CASE WHEN inviter_id = %(me)s THEN invitee_id ELSE inviter_id END FROM network_partnership WHERE %(me)s IN (inviter_id, invitee_id))"
)
ENTERPRISE = "SELECT to_jsonb(e)::text FROM tenants_enterprise e WHERE id = %(me)s"
PIECE = 1 << 20


class _Bundle:
    """An archive that grows. counts: rows or bytes of each member; digests: SHA-256 of each."""

    def __init__(self, archive: zipfile.ZipFile, told: Progress) -> None:
        self.archive, self.told = archive, told
        self.counts: dict[str, int] = {}
        self.digests: dict[str, str] = {}

    def rows(self, member: str, texts: Iterable[str]) -> None:
        """Add rows, a line each, as they come."""
        digest, count = hashlib.sha256(), 0
        with self.archive.open(member, "w", force_zip64=True) as file:
            for text in texts:
                line = text.encode() + b"\n"
                file.write(line)
                digest.update(line)
                count += 1
        self.counts[member], self.digests[member] = count, digest.hexdigest()
        self.told(member, count)

    def file(self, member: str, path: Path) -> None:
        """Add a file, piece by piece."""
        digest, size = hashlib.sha256(), 0
        with path.open("rb") as source, self.archive.open(member, "w", force_zip64=True) as file:
            while piece := source.read(PIECE):
                file.write(piece)
                digest.update(piece)
                size += len(piece)
        self.counts[member], self.digests[member] = size, digest.hexdigest()


def export(*, home: Home, file: Path, at: dt.datetime, told: Progress = unheard) -> dict[str, int]:
    """Write an enterprise as it is at one moment into `file`, whole or not at all. Gives rows (of files: bytes) by the archive's member.

    told: progress: a member and how many rows it has. Raises OSError where the file cannot be written.
    """
    unfinished = file.with_name(f"{file.name}.unfinished")
    try:
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as target, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            bundle = _Bundle(archive, told)
            _fill(bundle, home, at)
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)
    return bundle.counts


def _fill(bundle: _Bundle, home: Home, at: dt.datetime) -> None:
    me = {"me": home.id}
    with owners_connection() as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        migrations = migrations_of(connection, home.schema)
        for table in tables_of(connection, home.schema):
            query = sql.SQL("SELECT to_jsonb(t)::text FROM {}.{} t").format(sql.Identifier(home.schema), sql.Identifier(table))
            bundle.rows(f"home/{table}.jsonl", _texts(connection, query, {}))
        with as_keeper(connection):
            for one in held():
                if one.moved:
                    query = sql.SQL("SELECT to_jsonb(t)::text FROM public.{} t WHERE {}").format(sql.Identifier(one.table), sql.SQL(one.mine))
                    bundle.rows(f"public/{one.table}.jsonl", _texts(connection, query, me))
            bundle.rows("people.jsonl", _texts(connection, sql.SQL(PEOPLE), me))
            bundle.rows("partners.jsonl", _texts(connection, sql.SQL(PARTNERS), me))
            enterprise = json.loads(next(_texts(connection, sql.SQL(ENTERPRISE), me)))
    # After the rows: a file is laid before the row that names it.
    for path in _files(folder_of(home)):
        bundle.file(f"files/{path.relative_to(folder_of(home)).as_posix()}", path)
    manifest = {"tributary": FORMAT, "at": at.isoformat(), "enterprise": enterprise, "migrations": list(migrations), "members": bundle.digests}
    with bundle.archive.open(MANIFEST, "w") as file:
        file.write(json.dumps(manifest, ensure_ascii=False).encode())


def _texts(connection: psycopg.Connection[Any], query: sql.SQL | sql.Composed, parameters: dict[str, Any]) -> Iterator[str]:
    """The rows of a query, fetched by the hundred, so that a large table needs no more memory than a small one."""
    with contextlib.closing(connection.cursor(name="export")) as cursor:
        cursor.itersize = 100
        cursor.execute(query, parameters)
        for (text,) in cursor:
            yield text


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
