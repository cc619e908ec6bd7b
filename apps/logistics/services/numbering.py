"""Numbers for what is written at the dock: people there do not think of any."""

from typing import Any

from django.db import transaction

from apps.base.findings import Invalid
from apps.documents import selectors as documents
from apps.documents import services as engine

TRIES = 8


def numbered(*, type: str, prefix: str, number: Any, **content: Any) -> Any:
    """Write a draft under its number, or under the next one where none is given: two who write at once get two numbers. Raises what `draft` raises."""
    if number not in (None, ""):
        return engine.draft(type=type, number=number, currency="", lenient=True, **content)
    for attempt in range(1, TRIES + 1):
        proposed = documents.next_number(type=type) or f"{prefix}-000001"
        try:
            with transaction.atomic():
                return engine.draft(type=type, number=proposed, currency="", lenient=True, **content)
        except Invalid as refusal:
            if attempt == TRIES or [finding.code for finding in refusal] != ["number_taken"]:
                raise
    raise AssertionError("unreachable")
