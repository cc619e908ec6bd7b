"""Fixed questions as plain SQL. Where a question never changes, putting it together anew by the mapper costs more than its answer."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from django.db import connection


def rows(query: str, names: Sequence[str], parameters: Sequence[Any]) -> list[dict[str, Any]]:
    """All rows of `query`, whose columns are called `names` here."""
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def first(query: str, names: Sequence[str], parameters: Sequence[Any] | Mapping[str, Any]) -> dict[str, Any] | None:
    """The first row of `query`, None where there is none."""
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        row = cursor.fetchone()
    return dict(zip(names, row, strict=True)) if row else None


def json_of(value: Any) -> Any:
    """The value of a JSON column, which Django's connections give as text."""
    return orjson.loads(value) if isinstance(value, str) else value
