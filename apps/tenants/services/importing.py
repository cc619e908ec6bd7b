"""An enterprise comes from the file of an export: into another installation, or back after it had left."""

import datetime as dt
import hashlib
import json
import shutil
import uuid
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from apps.base import announcing
from apps.base.acting import Home
from apps.base.announcing import Held
from apps.tenants import models
from apps.tenants.services.exporting import FORMAT, MANIFEST, PIECE
from apps.tenants.services.keeping import Progress, as_keeper, columns_of, held, migrations_of, owners_connection, tables_of, unheard
from apps.tenants.storage import folder_of
from apps.tenants.wall import building, grants

# Rows that go to the database at once: no more than this, and no more bytes than these.
MOST_ROWS, MOST_BYTES = 500, 4 << 20
DIFFERS = "what is here already says something else, or goes on further: the export is older than the log, or was changed"


class Unimportable(RuntimeError):
    """The file cannot be taken in; nothing was changed. The message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """News: an enterprise was brought in from an export. people: who worked for it, as e-mail address, name, language and role."""

    home: Home
    people: Sequence[dict[str, str]]
    at: dt.datetime


def bring_in(*, file: Path, at: dt.datetime, told: Progress = unheard) -> Home:
    """Take an enterprise in, with its home, files, log and people; in one transaction, but for the people. It is suspended until somebody resumes it.

    Nothing new is ever written in the name of an enterprise that lives here already: what the log says of it must be here, word for word. Its
    people need new passwords where they are new here, its programs new tokens; it signs with a new key. Raises Unimportable.
    """
    with _opened(file) as archive:
        manifest = _manifest(archive)
        row = manifest["enterprise"]
        known = {name: row[name] for name in ("slug", "name", "schema_name", "language", "currency", "time_zone")}
        home = models.Enterprise(**known, id=uuid.UUID(row["id"])).home()
        folder = folder_of(home)
        arriving = folder.with_name(f"{folder.name}.arriving")
        try:
            with owners_connection() as connection:
                _take(connection, archive, manifest, home, at, told)
                _lay_files(archive, arriving, told)
                # Nobody of this name lives here, so what lies there is what a kill left.
                shutil.rmtree(folder, ignore_errors=True)
                arriving.rename(folder)
        except psycopg.Error as error:
            raise Unimportable(str(error).splitlines()[0]) from error
        finally:
            shutil.rmtree(arriving, ignore_errors=True)
        people = [json.loads(line) for line in _lines(archive, "people.jsonl")]
    announcing.announce(Arrived(home=home, people=people, at=at))
    return home


def _opened(file: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except (OSError, zipfile.BadZipFile) as error:
        raise Unimportable(f"{file} cannot be read: {error}") from error


def _manifest(archive: zipfile.ZipFile) -> dict[str, Any]:
    """The manifest, after every member was found to be as it says."""
    try:
        manifest: dict[str, Any] = json.loads(archive.read(MANIFEST))
        if manifest["tributary"] != FORMAT:
            raise Unimportable(f"it was written in the form {manifest['tributary']}, and this release reads {FORMAT}")
        if manifest["enterprise"]["schema_name"] != f"t_{uuid.UUID(manifest['enterprise']['id']).hex}":
            raise Unimportable("its manifest names no home")
        for member in {*archive.namelist(), *manifest["members"]} - {MANIFEST}:
            path = PurePosixPath(member)
            if path.is_absolute() or ".." in path.parts or _digest(archive, member) != manifest["members"].get(member):
                raise Unimportable(f"{member} is not as it was written")
    except (KeyError, TypeError, ValueError, zipfile.BadZipFile, EOFError) as error:
        raise Unimportable(f"it is no whole export: {error}") from error
    return manifest


def _digest(archive: zipfile.ZipFile, member: str) -> str:
    digest = hashlib.sha256()
    with archive.open(member) as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()


def _take(connection: psycopg.Connection[Any], archive: zipfile.ZipFile, manifest: dict[str, Any], home: Home, at: dt.datetime, told: Progress) -> None:
    wanted = migrations_of(connection, models.TEMPLATE_SCHEMA)
    if list(wanted) != manifest["migrations"]:
        raise Unimportable("it was written by a release with other tables: bring both installations to the same release first")
    with as_keeper(connection):
        _enter(connection, manifest["enterprise"], at)
        _partners(connection, archive, at)
        moved = [one for one in held() if one.moved]
        sealed = {one.sealed_by[1]: _here(connection, archive, one.sealed_by[1]) for one in moved if one.sealed_by}
        for one in moved:
            _shared(connection, archive, one, home, sealed, told)
        for one in moved:
            if one.arrived:
                connection.execute(sql.SQL(one.arrived), {"me": home.id, "at": at})
    with connection.cursor() as cursor:
        plan = building.clone(cursor, source=models.TEMPLATE_SCHEMA, target=home.schema)
        grants.open_home(cursor, schema=home.schema, tables=plan.tables)
    tables = tables_of(connection, home.schema)
    for table in tables:
        count = sum(_insert(connection, home.schema, table, rows) for rows in _batches(archive, f"home/{table}.jsonl"))
        told(f"home/{table}.jsonl", count)


def _enter(connection: psycopg.Connection[Any], row: dict[str, Any], at: dt.datetime) -> None:
    """The enterprise's own row in the directory; where it had left, the one that it left behind."""
    found = connection.execute("SELECT id, offboarded_at IS NULL FROM tenants_enterprise WHERE id = %s OR slug = %s", [row["id"], row["slug"]]).fetchall()
    if any(lives for _id, lives in found):
        raise Unimportable(f"{row['slug']} is here already")
    if any(str(id) != row["id"] for id, _lives in found):
        raise Unimportable(f"the short name {row['slug']} belonged to another enterprise here")
    given = {**row, "ready": True, "suspended_at": at.isoformat(), "offboarded_at": None}
    if found:
        connection.execute("DELETE FROM tenants_enterprise WHERE id = %s", [row["id"]])
    _insert(connection, "public", "tenants_enterprise", [json.dumps(given)])


def _partners(connection: psycopg.Connection[Any], archive: zipfile.ZipFile, at: dt.datetime) -> None:
    """Know the partners by name, also where they do not live here."""
    for line in _lines(archive, "partners.jsonl"):
        row = json.loads(line)
        if connection.execute("SELECT 1 FROM tenants_enterprise WHERE id = %s", [row["id"]]).fetchone():
            continue
        if connection.execute("SELECT 1 FROM tenants_enterprise WHERE slug = %s", [row["slug"]]).fetchone():
            row["slug"] = f"{row['slug'][:30]}-{row['id'][-8:]}"
        names = ("id", "slug", "name", "country", "city")
        away = models.Enterprise(**{name: row[name] for name in names}, schema_name=f"t_{uuid.UUID(row['id']).hex}")
        values = {field.column: field.value_from_object(away) for field in models.Enterprise._meta.concrete_fields}
        values |= {"id": row["id"], "ready": False, "created_at": at.isoformat(), "offboarded_at": at.isoformat()}
        _insert(connection, "public", "tenants_enterprise", [json.dumps(values)])


def _shared(
    connection: psycopg.Connection[Any],
    archive: zipfile.ZipFile,
    one: Held,
    home: Home,
    sealed: Mapping[str, set[str]],
    told: Progress,
) -> None:
    count = 0
    for batch in _batches(archive, f"public/{one.table}.jsonl"):
        rows = _known_to(connection, one, _within(connection, one, batch), home)
        if one.sealed_by and not _all_known(connection, one, [row for row in rows if json.loads(row)[one.sealed_by[0]] in sealed[one.sealed_by[1]]]):
            raise Unimportable(f"{one.table}: {DIFFERS}")
        _insert(connection, "public", one.table, rows, keep=True)
        if not _all_known(connection, one, rows):
            raise Unimportable(f"{one.table}: {DIFFERS}")
        if one.own:
            _own_again(connection, one, rows, home)
        count += len(rows)
    told(f"public/{one.table}.jsonl", count)


def _here(connection: psycopg.Connection[Any], archive: zipfile.ZipFile, table: str) -> set[str]:
    """Which of the rows of this table in the archive are here already, by id."""
    ids = [json.loads(row)["id"] for row in _lines(archive, f"public/{table}.jsonl")]
    query = sql.SQL("SELECT id::text FROM public.{} WHERE id = ANY(%s::uuid[])").format(sql.Identifier(table))
    return {id for (id,) in connection.execute(query, [ids])}


def _within(connection: psycopg.Connection[Any], one: Held, rows: list[str]) -> list[str]:
    """The rows whose superior row is here."""
    if one.of is None:
        return rows
    column, table = one.of
    wanted = {row: json.loads(row)[column] for row in rows}
    query = sql.SQL("SELECT id::text FROM public.{} WHERE id = ANY(%s::uuid[])").format(sql.Identifier(table))
    here = {id for (id,) in connection.execute(query, [list(set(wanted.values()))])}
    return [row for row in rows if wanted[row] in here]


def _known_to(connection: psycopg.Connection[Any], one: Held, rows: list[str], home: Home) -> list[str]:
    """Nothing that would be new to an enterprise that lives here: nobody brings words, keys or partners of another's with him. Raises Unimportable."""
    named = {row: {json.loads(row)[name] for name in one.parties} for row in rows}
    query = "SELECT id::text FROM tenants_enterprise WHERE id = ANY(%s::uuid[]) AND id <> %s AND offboarded_at IS NULL"
    alive = {id for (id,) in connection.execute(query, [sorted(set().union(*named.values())), home.id])}
    theirs = {row for row in rows if alive & named[row]}
    unknown = {row for row in theirs if not _known(connection, one, [row])} if not _all_known(connection, one, list(theirs)) else set()
    if unknown and not one.dispensable:
        raise Unimportable(f"{one.table}: it says something in the name of an enterprise that lives here and knows nothing of it")
    return [row for row in rows if row not in unknown]


def _all_known(connection: psycopg.Connection[Any], one: Held, rows: Sequence[str]) -> bool:
    return not rows or _known(connection, one, rows) == len(rows)


def _known(connection: psycopg.Connection[Any], one: Held, rows: Sequence[str]) -> int:
    """How many of these rows are in the table, the same in what counts."""
    same = sql.SQL(" AND ").join(sql.SQL("t.{0} IS NOT DISTINCT FROM g.{0}").format(sql.Identifier(name)) for name in one.same)
    # The key by an equality, so that an index finds it.
    key = sql.SQL(" AND ").join(sql.SQL("t.{0} = g.{0}").format(sql.Identifier(name)) for name in one.same[: 2 if one.same[0] == "channel_id" else 1])
    query = sql.SQL("SELECT count(*) FROM jsonb_populate_recordset(NULL::public.{0}, %s) g WHERE EXISTS (SELECT 1 FROM public.{0} t WHERE {1} AND {2})")
    found = connection.execute(query.format(sql.Identifier(one.table), key, same), [_array(rows)]).fetchone()
    return int(found[0]) if found else 0


def _own_again(connection: psycopg.Connection[Any], one: Held, rows: Sequence[str], home: Home) -> None:
    """What is its own stands as it did; its partners' is theirs."""
    sets = sql.SQL(", ").join(sql.SQL("{0} = g.{0}").format(sql.Identifier(name)) for name in one.own)
    query = "UPDATE public.{0} t SET {1} FROM jsonb_populate_recordset(NULL::public.{0}, %s) g WHERE t.id = g.id AND t.enterprise_id = %s"
    connection.execute(sql.SQL(query).format(sql.Identifier(one.table), sets), [_array(rows), home.id])


def _insert(connection: psycopg.Connection[Any], schema: str, table: str, rows: Sequence[str], *, keep: bool = False) -> int:
    """Insert rows; keep: one that is there already stays as it is."""
    place = sql.Identifier(schema, table)
    columns = sql.SQL(", ").join(map(sql.Identifier, columns_of(connection, schema, table)))
    query = sql.SQL("INSERT INTO {0} ({1}) SELECT {1} FROM jsonb_populate_recordset(NULL::{0}, %s)" + (" ON CONFLICT DO NOTHING" if keep else ""))
    connection.execute(query.format(place, columns), [_array(rows)])
    return len(rows)


def _array(rows: Sequence[str]) -> Jsonb:
    """Rows as one JSON array, without being read."""
    return Jsonb(None, dumps=lambda _none: f"[{','.join(rows)}]")


def _lines(archive: zipfile.ZipFile, member: str) -> Iterator[str]:
    if member not in archive.NameToInfo:
        return
    with archive.open(member) as file:
        for line in file:
            yield line.decode()


def _batches(archive: zipfile.ZipFile, member: str) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for line in _lines(archive, member):
        batch.append(line)
        size += len(line)
        if len(batch) >= MOST_ROWS or size >= MOST_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _lay_files(archive: zipfile.ZipFile, folder: Path, told: Progress) -> None:
    members = [name for name in archive.namelist() if name.startswith("files/")]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for member in members:
        place = folder / member.removeprefix("files/")
        place.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(member) as source, place.open("xb") as target:
            shutil.copyfileobj(source, target, PIECE)
    told("files", len(members))
