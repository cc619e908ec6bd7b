"""XLSX workbooks (ECMA-376) in and out. What comes in is hostile until it has been weighed: no macros, no formulas, no bombs."""

import datetime as dt
import io
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Context, Decimal
from typing import Any, Final

from django.utils.translation import gettext as _
from openpyxl import Workbook, load_workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.read_only import EMPTY_CELL
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException

from apps.base.fields import Unreadable
from apps.base.findings import Finding, refuse
from apps.catalog.services.sheets import MOST_BYTES, Column, Sheet

MOST_UNPACKED: Final = 60 * 1024 * 1024
MOST_RATIO: Final = 100
MOST_PARTS: Final = 400
MOST_ROWS: Final = 50_000
MOST_COLUMNS: Final = 60
_DOUBLE: Final = Context(prec=15)  # as many digits as a spreadsheet keeps
# What the library raises for a workbook that is not sound; it was written for sound ones.
_BROKEN: Final = (
    *(zipfile.BadZipFile, zlib.error, EOFError, InvalidFileException, SyntaxError, NotImplementedError, RuntimeError),
    *(LookupError, ValueError, TypeError, AttributeError, ArithmeticError),
)
# What XML cannot say (XML 1.0, 2.2): a text may hold it, for JSON can.
_UNSAYABLE: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_WORDS: Final = {**dict.fromkeys(("yes", "true", "x", "1", "是"), True), **dict.fromkeys(("no", "false", "-", "0", "否"), False)}


@dataclass(slots=True)
class Table:
    """A sheet as it was found. title: as it is written there; letters: where each column stands; rows: their numbers and values.

    unsound: the same of rows of which a cell cannot be read, without that cell.
    """

    sheet: Sheet
    title: str
    letters: dict[str, str] = field(default_factory=dict)
    rows: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    unsound: list[tuple[int, dict[str, Any]]] = field(default_factory=list)

    def placed(self, index: int, finding: Finding) -> Finding:
        """A finding about a row, at its cell."""
        code = finding.pointer.strip("/").partition("/")[0]
        return Finding(f"{self.title}!{self.letters.get(code, 'A')}{self.rows[index][0]}", finding.code, finding.detail)


@dataclass(slots=True)
class Read:
    """The known sheets of a workbook in the order of their declaration, and what is wrong with cells and headings."""

    tables: list[Table] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


NOT_THERE: Final = frozenset([id(EMPTY_CELL)])


def read(data: bytes, sheets: Sequence[Sheet]) -> Read:
    """The rows of the known sheets. Raises Invalid for what is no sound workbook; faults of cells are told in the answer, without their rows."""
    _weigh(data)
    with warnings.catch_warnings():
        # The library warns of what it leaves out: drawings, validations, extensions. None of it is wanted.
        warnings.simplefilter("ignore")
        return _read(data, sheets)


def read_alone(data: bytes, sheet: Sheet, *, most: int) -> Read:
    """The rows, at most so many, of one sheet: the one of its name, else the first, whatever it is called. Raises as read()."""
    _weigh(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with _library():
            book = load_workbook(io.BytesIO(data), read_only=True, keep_links=False)
        if not book.worksheets:
            raise refuse("", "workbook", _("The workbook holds no sheet. Open it in your spreadsheet program and save it again as XLSX."))
        names = set(_names(sheet.code, sheet.title))
        worksheet = next((each for each in book.worksheets if each.title.strip().casefold() in names), book.worksheets[0])
        found = Read(tables=[Table(sheet, worksheet.title)])
        _read_sheet(worksheet, found.tables[0], found.findings, most, most)
        book.close()
    return found


# Weighing -------------------------------------------------------------------------------------------------------------


def _weigh(data: bytes) -> None:
    """Raises Invalid for what must not be opened."""
    if len(data) > MOST_BYTES:
        raise refuse("", "too_big", _("A workbook may have 8 MB at most. Split it into several."))
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _weigh_parts(archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise refuse("", "workbook", _("This is no XLSX workbook. Save it as “Excel workbook (.xlsx)”, without a password.")) from error


def _weigh_parts(archive: zipfile.ZipFile) -> None:
    parts = archive.infolist()
    unpacked, packed = sum(part.file_size for part in parts), sum(part.compress_size for part in parts)
    if len(parts) > MOST_PARTS or unpacked > MOST_UNPACKED or (unpacked > 5_000_000 and unpacked > MOST_RATIO * max(packed, 1)):
        raise refuse("", "too_big", _("The workbook unpacks to far more than a table of this kind needs. Split it into several."))
    names = {part.filename.casefold() for part in parts}
    if "[content_types].xml" not in names or "xl/workbook.xml" not in names:
        raise zipfile.BadZipFile("no workbook")
    if any(name.endswith("vbaproject.bin") or "/macrosheets/" in name for name in names):
        raise refuse("", "macros", _("The workbook holds macros. Save it as “Excel workbook (.xlsx)”, which has none."))
    for part in parts:
        if part.filename.casefold().endswith((".xml", ".rels", ".vml")) and _DECLARES.search(archive.read(part).replace(b"\0", b"")):
            raise refuse("", "doctype", _("The workbook declares a document type, which a spreadsheet program never writes."))


_DECLARES: Final = re.compile(rb"<!(DOCTYPE|ENTITY)", re.IGNORECASE)


# Reading --------------------------------------------------------------------------------------------------------------


@contextmanager
def _library() -> Iterator[None]:
    """Around each call of the library and nothing else: whatever it stumbles over is the workbook's fault, and what we stumble over is ours."""
    try:
        yield
    except _BROKEN as error:
        raise refuse("", "workbook", _("The workbook is damaged. Open it in your spreadsheet program and save it again as XLSX.")) from error


def _rows(worksheet: Any, most: int) -> Iterator[Sequence[Any]]:
    with _library():
        worksheet.reset_dimensions()
        rows = worksheet.iter_rows(max_col=MOST_COLUMNS, max_row=most)
    while True:
        with _library():
            cells = next(rows, None)
        if cells is None:
            return
        yield cells


def _read(data: bytes, sheets: Sequence[Sheet]) -> Read:
    with _library():
        book = load_workbook(io.BytesIO(data), read_only=True, keep_links=False)
    found = Read()
    named = {name: sheet for sheet in sheets for name in _names(sheet.code, sheet.title)}
    tables: dict[str, Table] = {}
    for worksheet in book.worksheets:
        sheet = named.get(worksheet.title.strip().casefold())
        if sheet is None or sheet.code in tables:
            known = ", ".join(str(sheet.title) for sheet in sheets)
            found.findings.append(Finding(worksheet.title, "sheet", _("There is no sheet of this name. Known are: %(known)s.") % {"known": known}))
            continue
        tables[sheet.code] = Table(sheet, worksheet.title)
        left = MOST_ROWS - sum(len(table.rows) for table in tables.values())
        _read_sheet(worksheet, tables[sheet.code], found.findings, left)
    book.close()
    found.tables = [tables[sheet.code] for sheet in sheets if sheet.code in tables]
    return found


def _names(code: str, title: Any) -> Iterator[str]:
    yield from (code.casefold(), title.en.casefold(), title.zh.casefold())


def _read_sheet(worksheet: Any, table: Table, findings: list[Finding], left: int, most: int = MOST_ROWS) -> None:
    rows = _rows(worksheet, left + 2)
    columns = _headings(next(rows, ()), table, findings)
    for number, cells in enumerate(rows, start=2):
        # Told by what they are before they are looked at: a sheet may have tens of thousands of rows that are not there.
        if NOT_THERE.issuperset(map(id, cells)) or all(cell.value is None for cell in cells):
            continue
        if len(table.rows) >= left:
            raise refuse(table.title, "too_many", _("A workbook may have %(most)d rows at most. Split it into several.") % {"most": most})
        if columns:
            values, sound = _row(cells, number, columns, table, findings)
            (table.rows if sound else table.unsound).append((number, values))


def _headings(cells: Sequence[Any], table: Table, findings: list[Finding]) -> dict[int, Column]:
    """The columns by their place; none where one that is needed is missing."""
    named = {name: column for column in table.sheet.columns for name in _names(column.code, column.title)}
    columns: dict[int, Column] = {}
    for index, cell in enumerate(cells):
        heading = str(cell.value).strip() if cell.value is not None else ""
        column = named.get(heading.casefold())
        if column is not None and column.code not in table.letters:
            columns[index] = column
            table.letters[column.code] = get_column_letter(index + 1)
        elif heading:
            known = ", ".join(str(column.title) for column in table.sheet.columns)
            told = _("There is no column “%(name)s”. Known are: %(known)s.") % {"name": heading[:60], "known": known}
            twice = _("The column “%(name)s” stands here twice.") % {"name": heading[:60]}
            findings.append(Finding(f"{table.title}!{get_column_letter(index + 1)}1", "column", told if column is None else twice))
    missing = [column for column in table.sheet.columns if column.needed and column.code not in table.letters]
    findings += [Finding(f"{table.title}!A1", "column", _("The column “%(name)s” is missing.") % {"name": column.title}) for column in missing]
    return {} if missing else columns


def _row(cells: Sequence[Any], number: int, columns: Mapping[int, Column], table: Table, findings: list[Finding]) -> tuple[dict[str, Any], bool]:
    """The values of a row, and whether each of its cells could be read."""
    values: dict[str, Any] = {}
    sound = True
    for index, cell in enumerate(cells):
        column = columns.get(index)
        try:
            if column is not None:
                value = _value(cell, column)
                if value is not None or column.kind not in ("yes", "choice"):
                    values[column.code] = value
            elif cell.value is not None:
                raise Unreadable("column", _("This column has no heading."))
        except Unreadable as error:
            sound = False
            findings.append(Finding(f"{table.title}!{get_column_letter(index + 1)}{number}", error.code, str(error)))
    return values, sound


def _value(cell: Any, column: Column) -> Any:
    if cell.data_type == "f":
        raise Unreadable("formula_cell", _("This cell holds a formula of the spreadsheet. Put its value there."))
    if cell.data_type == "e":
        raise Unreadable("error_cell", _("This cell holds an error of the spreadsheet: %(value)s.") % {"value": str(cell.value)[:20]})
    value = cell.value.strip() if isinstance(cell.value, str) else cell.value
    return _READERS[column.kind](None if value == "" else value, column)


def _text(value: Any, column: Column) -> str:
    if isinstance(value, bool | dt.date | dt.time | dt.timedelta):
        raise Unreadable("text", _("Write a text here, no date and no tick. Format the column as text first."))
    return _plain(value) if isinstance(value, int | float) else value or ""


def _number(value: Any, column: Column) -> Any:
    if isinstance(value, bool | dt.date | dt.time | dt.timedelta):
        raise Unreadable("number", _("Write a number here, no date and no tick. Format the column as number first."))
    return _plain(value) if isinstance(value, int | float) else value


def _plain(value: int | float) -> str:
    """A number of a cell as text, without the dust of binary fractions."""
    return format(Decimal(value) if isinstance(value, int) else _DOUBLE.create_decimal_from_float(value).normalize(_DOUBLE), "f")


def _day(value: Any, column: Column) -> Any:
    if isinstance(value, dt.datetime):
        return value.date()
    if value is None or isinstance(value, str | dt.date):
        return value
    raise Unreadable("date", _("Write a date as year-month-day: “2027-01-15”."))


def _yes(value: Any, column: Column) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    found = _WORDS.get(_plain(value) if isinstance(value, int | float) else str(value).casefold())
    if found is None:
        raise Unreadable("boolean", _("Write yes or no."))
    return found


def _choice(value: Any, column: Column) -> str | None:
    if value is None:
        return None
    named = {name: code for code, label in column.choices.items() for name in _names(code, label)}
    found = named.get(str(value).casefold())
    if found is None:
        told = {"value": str(value)[:60], "options": ", ".join(str(label) for label in column.choices.values())}
        raise Unreadable("choice", _("“%(value)s” is none of: %(options)s.") % told)
    return found


_READERS: Final = {"text": _text, "number": _number, "day": _day, "yes": _yes, "choice": _choice}


# Writing --------------------------------------------------------------------------------------------------------------


def write(sheets: Iterable[tuple[Sheet, Iterable[Mapping[str, Any]]]]) -> bytes:
    """A workbook in the reader's language. A text stays a text, whatever it begins with: no cell is ever a formula."""
    book = Workbook(write_only=True)
    for sheet, rows in sheets:
        worksheet = book.create_sheet(str(sheet.title))
        worksheet.freeze_panes = "A2"
        for index, column in enumerate(sheet.columns, start=1):
            worksheet.column_dimensions[get_column_letter(index)].width = max(12, min(32, 2 * len(str(column.title))))
        worksheet.append([_heading(worksheet, column) for column in sheet.columns])
        for row in rows:
            worksheet.append([_cell(worksheet, column, row.get(column.code)) for column in sheet.columns])
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _heading(worksheet: Any, column: Column) -> Any:
    cell = WriteOnlyCell(worksheet, str(column.title))
    cell.font = Font(bold=True)
    return cell


def _cell(worksheet: Any, column: Column, value: Any) -> Any:
    if value is None or value == "":
        return None
    if column.kind == "yes":
        return _("yes") if value else _("no")
    if column.kind == "choice":
        return str(column.choices[value])
    if not isinstance(value, str):
        return value
    cell = WriteOnlyCell(worksheet, _UNSAYABLE.sub("\ufffd", value))
    cell.data_type = "s"
    # Spreadsheet programs then show the text and ask no question, also after it was edited.
    cell.quotePrefix = value.startswith(("=", "+", "-", "@"))
    return cell
