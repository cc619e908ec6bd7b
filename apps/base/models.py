"""Abstract models: what every row of a home has in common."""

import uuid
from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

import orjson
from django.db import connection, models
from uuid_utils.compat import uuid7

from apps.base import acting


def new_id() -> uuid.UUID:
    """A fresh UUIDv7 (RFC 9562): unique in every home, ordered by the time at which it was made."""
    return uuid7()


class NotAtHome(RuntimeError):
    """A row of one enterprise was about to be saved in another's home."""


class Batch:
    """Rows of several tables, written by one statement, whatever their number.

    The rows travel as JSON, so that the statement is the same for one row and for ten thousand: one round trip, one plan.
    """

    def __init__(self) -> None:
        self._parts: list[tuple[str, type[models.Model], tuple[str, ...]]] = []
        self._rows: list[str] = []

    def insert(self, model: type[models.Model], columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Add rows: values in the order of the field names `columns`."""
        self._add("insert", model, columns, rows)

    def update(self, model: type[models.Model], columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Change rows: the first of `columns` is the key."""
        self._add("update", model, columns, rows)

    def _add(self, kind: str, model: type[models.Model], columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        if rows:
            self._parts.append((kind, model, tuple(columns)))
            self._rows.append(orjson.dumps([dict(zip(columns, row, strict=True)) for row in rows], default=_plain).decode())

    def write(self) -> None:
        """Write everything at once. In one statement an update does not see the batch's own inserts."""
        if self._parts:
            with connection.cursor() as cursor:
                cursor.execute(_statement(tuple(self._parts)), self._rows)


def _plain(value: Any) -> Any:
    return format(value, "f") if isinstance(value, Decimal) else str(value)


@lru_cache(maxsize=256)
def _statement(parts: tuple[tuple[str, type[models.Model], tuple[str, ...]], ...]) -> str:
    steps = [f"w{index} AS ({_part(kind, model, columns)})" for index, (kind, model, columns) in enumerate(parts)]
    return f"WITH {', '.join(steps)} SELECT 1"


def _part(kind: str, model: type[models.Model], columns: tuple[str, ...]) -> str:
    table = model._meta.db_table
    fields: dict[str, Any] = {name: model._meta.get_field(name) for name in columns}
    given = ", ".join(f'"{name}" {field.db_type(connection)}' for name, field in fields.items())
    source = f"json_to_recordset(%s::json) AS r({given})"
    if kind == "insert":
        names = ", ".join(f'"{field.column}"' for field in fields.values())
        return f'INSERT INTO "{table}" ({names}) SELECT * FROM {source}'
    key, *rest = columns
    sets = ", ".join(f'"{fields[name].column}" = r."{name}"' for name in rest)
    return f'UPDATE "{table}" SET {sets} FROM {source} WHERE "{table}"."{key}" = r."{key}"'


class Identified(models.Model):
    """A row with a UUIDv7 as its key."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)

    class Meta:
        abstract = True


class HomeModel(Identified):
    """A row in an enterprise's home. It remembers whose it is, and cannot be saved anywhere else."""

    class Meta:
        abstract = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        context = acting.current_or_none()
        self._home = context.home.id if context is not None and context.home is not None else None

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self._home != acting.home().id:
            raise NotAtHome(f"{type(self).__name__} {self.pk} belongs to another home")
        super().save(*args, **kwargs)


class NumericField(models.DecimalField):  # type: ignore[type-arg]
    """PostgreSQL's numeric without a declared scale: the number comes back as it was written, `81.50` as `81.50`.

    At most 18 digits, 6 of them after the point; the bounds are checked where numbers enter (`apps.base.fields`).
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_digits", 18)
        kwargs.setdefault("decimal_places", 6)
        super().__init__(*args, **kwargs)

    def db_type(self, connection: Any) -> str:
        return "numeric"
