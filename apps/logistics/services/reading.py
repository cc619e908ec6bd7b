"""Reading what comes from outside: lists of lines with their fields, and everything that is wrong with them at once."""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from apps.base import fields
from apps.base.findings import Finding, Invalid

MOST_LINES = 10_000


class Reader:
    """Takes values at places of an input, and collects what is wrong."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def found(self, pointer: str, code: str, detail: str) -> None:
        self.findings.append(Finding(pointer, code, detail))

    def take(self, pointer: str, read: Callable[[Any], Any], value: Any, default: Any = None) -> Any:
        """The value as read, or the default and a finding at `pointer`."""
        try:
            return read(value)
        except fields.Unreadable as error:
            self.found(pointer, error.code, str(error))
            return default

    def text(self, pointer: str, value: Any, limit: int) -> str:
        return str(self.take(pointer, lambda given: fields.text(given, limit=limit), value, ""))

    def uid(self, pointer: str, value: Any) -> uuid.UUID | None:
        """A uid; None, with a finding, where it is none."""
        try:
            return uuid.UUID(value) if isinstance(value, str) else value if isinstance(value, uuid.UUID) else uuid.UUID("")
        except ValueError:
            self.found(pointer, "uid", _("Write the uid of the document."))
            return None

    def lines(self, given: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Each line with its place."""
        if not isinstance(given, Sequence) or isinstance(given, str) or not given:
            self.found("/lines", "required", _("Give at least one line."))
            return
        if len(given) > MOST_LINES:
            self.found("/lines", "too_many", _("A document has at most 10,000 lines; this one has %(count)d. Split it.") % {"count": len(given)})
            return
        for index, line in enumerate(given):
            if isinstance(line, Mapping):
                yield f"/lines/{index}", line
            else:
                self.found(f"/lines/{index}", "line", _("A line is an object."))

    def done(self) -> None:
        """Raises Invalid with all that was found."""
        if self.findings:
            raise Invalid(self.findings)
