"""Drafts written at the dock, where people do not think of numbers."""

from typing import Any

from apps.documents import services as engine


def numbered(*, type: str, prefix: str, number: Any, **content: Any) -> Any:
    """Write a draft under its number, or under the next one where none is given. Raises what `draft` raises."""

    def write(number: Any) -> Any:
        return engine.draft(type=type, number=number, currency="", lenient=True, **content)

    return write(number) if number not in (None, "") else engine.numbered(type=type, prefix=prefix, write=write)
