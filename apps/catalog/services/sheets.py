"""What a workbook of the structure is made of: sheets that the apps declare (`declarations.SHEETS`), each with its columns."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from apps.base.text import Text

MEDIA_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_BYTES: Final = 8 * 1024 * 1024
"""What a workbook may weigh, packed."""
Kind = Literal["text", "number", "day", "yes", "choice"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a sheet. code: the name of the field, as in findings' pointers; words: what belongs there; needed: the sheet must have it.

    kind: how a cell is read: a text (numbers become text), a Decimal, a date, a bool, or one of `choices` by its code or either label.
    An empty text is "", an empty number or date None; an empty yes or choice is left out of the row.
    """

    code: str
    title: Text
    words: Text
    kind: Kind = "text"
    needed: bool = False
    choices: Mapping[str, Text] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A sheet of the workbook.

    load: dotted name of `load(rows, *, by, at) -> reading.Put`: rows are mappings of column codes (those that the sheet has) to values, in
    a transaction of the caller's; the good ones are written, a finding's pointer is a column's code behind a slash.
    dump: dotted name of `dump() -> Iterable[Mapping[str, value]]`, what there is now, in the order of its reading.
    """

    code: str
    title: Text
    columns: tuple[Column, ...]
    load: str
    dump: str
