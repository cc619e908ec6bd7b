"""Abstract models: what every row of a home has in common."""

import uuid
from collections.abc import Sequence
from typing import Any, TypeVar

import orjson
from django.db import connection, models
from uuid_utils.compat import uuid7

from apps.base import acting


def new_id() -> uuid.UUID:
    """A fresh UUIDv7 (RFC 9562): unique in every home, ordered by the time at which it was made."""
    return uuid7()


class NotAtHome(RuntimeError):
    """A row of one enterprise was about to be saved in another's home."""


def _plain(value: Any) -> Any:
    if isinstance(value, dict | list):
        return orjson.dumps(value).decode()
    return value


M = TypeVar("M", bound=models.Model)


def columns_of(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Rows turned into columns, for UNNEST; JSON values as text."""
    return [[_plain(value) for value in column] for column in zip(*rows, strict=True)]


class HomeQuerySet(models.QuerySet[M]):
    """Adds the one bulk statement that documents are written with."""

    def insert_rows(self, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Insert `rows` (values in the order of the field names `columns`) by one statement, whatever their number.

        Arrays and UNNEST keep the statement, and so its plan, the same for one row and for ten thousand.
        """
        if not rows:
            return
        fields = [self.model._meta.get_field(name) for name in columns]
        names = ", ".join(f'"{field.column}"' for field in fields)  # type: ignore[union-attr]
        arrays = ", ".join(f"%s::{field.db_type(connection)}[]" for field in fields)  # type: ignore[union-attr]
        with connection.cursor() as cursor:
            cursor.execute(f'INSERT INTO "{self.model._meta.db_table}" ({names}) SELECT * FROM UNNEST({arrays})', columns_of(rows))


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


class NumericField(models.DecimalField):
    """PostgreSQL's numeric without a declared scale: the number comes back as it was written, `81.50` as `81.50`.

    At most 18 digits, 6 of them after the point; the bounds are checked where numbers enter (`apps.base.fields`).
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_digits", 18)
        kwargs.setdefault("decimal_places", 6)
        super().__init__(*args, **kwargs)

    def db_type(self, connection: Any) -> str:
        return "numeric"
