"""Numbers for what nobody numbered: at the dock, at the taking of a promise, people do not think of any."""

from collections.abc import Callable
from typing import TypeVar

from django.db import transaction

from apps.base.findings import Invalid
from apps.documents import selectors

Written = TypeVar("Written")

TRIES = 8
"""So many may write at the same moment before the last of them is refused."""


def numbered(*, type: str, prefix: str, write: Callable[[str], Written]) -> Written:
    """Write a document of one's own under the next number: two who write at once get two numbers.

    prefix: begins the first number of all. write: is called with a number, each time in a savepoint of its own. Raises what `write` raises.
    """
    for attempt in range(1, TRIES + 1):
        try:
            with transaction.atomic():
                return write(selectors.next_number(type=type) or selectors.next_number(type=type, prefix=prefix) or f"{prefix}-000001")
        except Invalid as refusal:
            if attempt == TRIES or [finding.code for finding in refusal] != ["number_taken"]:
                raise
    raise AssertionError("unreachable")
