"""The table of lines to be answered, as XLSX or as text with separators: written in the reader's language, read in either, whatever program saved it."""

import codecs
import csv
import datetime as dt
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.utils.translation import gettext as _

from apps.base.findings import Finding, Invalid, refuse
from apps.base.text import Text
from apps.catalog.services.sheets import MEDIA_TYPE, MOST_BYTES, Column, Sheet

MOST_ROWS: Final = 20_000
LARGEST_TABLE: Final = MOST_BYTES
XLSX: Final = MEDIA_TYPE
CSV: Final = "text/csv"
# Where a spreadsheet would take a text for a formula (OWASP, CSV injection).
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
SEPARATORS: Final = ",;\t"


def _column(code: str, en: str, zh: str, words: Text, **more: Any) -> Column:
    return Column(code=code, title=Text(en, zh), words=words, **more)


_AS_IT_CAME = Text("As it came; it is not read again.", "原样保留，不会再读取。")
_LINE = Text("The line of the order. Further rows of a line are its further dates.", "订单的行号。同一行的后续各行是其后续日期。")
_ANSWER = Text("On the first row of a line: accept, change, reject or backorder.", "在每行的首行填写：接受、变更、拒绝或缺货待补。")
_EMPTY = Text("Empty: as asked on this row.", "留空：按该行需求。")
_ID = Text("Leave it as it is: it tells orders of one number apart.", "请勿改动：用于区分号码相同的订单。")
_VERSION = Text("Leave it as it is: it tells what you answer to.", "请勿改动：用于说明您所答复的版本。")
SHEET: Final = Sheet(
    code="answers",
    title=Text("Answers", "答复"),
    columns=(
        _column("number", "Order", "订单号", Text("The order's number.", "订单号。"), needed=True),
        _column("line", "Line", "行号", _LINE, needed=True),
        _column("partner", "Customer", "客户", _AS_IT_CAME),
        _column("own_item", "Your item", "我方物料号", _AS_IT_CAME),
        _column("partner_item", "Customer's item", "客户物料号", _AS_IT_CAME),
        _column("name", "Name", "名称", _AS_IT_CAME),
        _column("unit", "Unit", "单位", _AS_IT_CAME),
        _column("asked_quantity", "Quantity asked", "需求数量", _AS_IT_CAME, kind="number"),
        _column("asked_on", "Date asked", "需求日期", _AS_IT_CAME, kind="day"),
        _column("asked_price", "Price asked", "需求价格", _AS_IT_CAME, kind="number"),
        _column("currency", "Currency", "币种", _AS_IT_CAME),
        _column("answer", "Answer", "答复", _ANSWER, needed=True),
        _column("quantity", "Quantity offered", "答复数量", _EMPTY, kind="number"),
        _column("due_on", "Date offered", "答复日期", _EMPTY, kind="day"),
        _column("price", "Price offered", "答复价格", Text("Empty: as asked.", "留空：按需求价格。"), kind="number"),
        _column("reason", "Reason", "原因", Text("Needed to reject.", "拒绝时必填。")),
        _column("document", "Order ID", "订单标识", _ID),
        _column("version", "Version", "版本", _VERSION, kind="number", needed=True),
        _column("result", "Result", "结果", _AS_IT_CAME),
        _column("problem", "What is wrong", "问题", _AS_IT_CAME),
    ),
    load="",
    dump="",
)  # fmt: skip
COLUMNS: Final = {column.code: column for column in SHEET.columns}
FILLED: Final = ("answer", "quantity", "due_on", "price", "reason")
"""The columns that whoever answers fills."""
REPORTED: Final = ("result", "problem")
"""The columns of a report."""
ANSWERS: Final[Mapping[str, Text]] = {
    "accept": Text("accept", "接受"),
    "change": Text("change", "变更"),
    "reject": Text("reject", "拒绝"),
    "backorder": Text("backorder", "缺货待补"),
}
_ANSWER_NAMES: Final = {name.casefold(): code for code, label in ANSWERS.items() for name in (code, label.en, label.zh)}
Row = tuple[int, dict[str, str]]


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with a row. row: its number in the table, from 1, with the headings; column: by its code, empty for the whole row."""

    row: int
    column: str
    code: str
    detail: str


@dataclass(slots=True)
class Sheeted:
    """A table as it was read: its rows as texts by column, and what is wrong with cells. decimal_comma: numbers in it have one."""

    rows: list[Row] = field(default_factory=list)
    wrong: list[Wrong] = field(default_factory=list)
    decimal_comma: bool = False


def answer_of(text: str) -> str | None:
    """The code of an answer, by its word in either language; None where there is no such answer."""
    return _ANSWER_NAMES.get(text.strip().casefold())


def number_of(text: str, *, decimal_comma: bool) -> str:
    """A number as the services read it: with a point, where the table's numbers have a comma."""
    return text.replace(",", ".") if decimal_comma and "." not in text and text.count(",") == 1 else text


_YEAR_FIRST: Final = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[T ]00:00(?::00)?)?\Z", re.ASCII)
_DAY_FIRST: Final = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})\Z", re.ASCII)


def day_of(text: str) -> str:
    """A day as ISO 8601, where it can be meant in one way only: year first, or day, month and year with points. Else as it was written."""
    if found := _YEAR_FIRST.match(text):
        year, month, day = found.groups()
    elif found := _DAY_FIRST.match(text):
        day, month, year = found.groups()
    else:
        return text
    return f"{year}-{month:0>2}-{day:0>2}"


# Reading --------------------------------------------------------------------------------------------------------------


def need_readable(data: bytes) -> None:
    """Raises Invalid for what is no table of ours at first sight: empty, too big, or of another kind."""
    if not data.strip():
        raise refuse("/file", "empty", _("The file is empty."))
    if len(data) > LARGEST_TABLE:
        raise refuse("/file", "too_big", _("A table may have 8 MB at most. Split it into several."))
    if data.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        raise refuse("/file", "workbook", _("This is an old or an encrypted workbook. Save it as “Excel workbook (.xlsx)”, without a password."))
    if data.startswith((b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"{\\rtf", b"\x7fELF", b"MZ", b"<")):
        raise refuse("/file", "content", _("This is no table. Send the XLSX or CSV file that you downloaded, with your answers in it."))


def read(data: bytes) -> Sheeted:
    """The rows of a table, as XLSX or as text. Raises Invalid for a file that cannot be read, or whose headings are not ours."""
    need_readable(data)
    found = _read_workbook(data) if data.startswith(b"PK") else _read_text(data)
    if not found.rows:
        raise refuse("/file", "empty", _("The table holds no rows. Fill in your answers below the headings."))
    return found


def _read_workbook(data: bytes) -> Sheeted:
    from apps.catalog.services import workbooks  # the library of workbooks takes an eighth of a process's start, and few ever read one

    read = workbooks.read_alone(data, SHEET, most=MOST_ROWS)
    table = read.tables[0]
    columns = {letter: code for code, letter in table.letters.items()}
    placed = [(finding, *_place(finding.pointer)) for finding in read.findings]
    if headings := [finding for finding, _letters, row in placed if row <= 1]:
        raise Invalid(headings)
    wrong = [Wrong(row, columns.get(letters, ""), finding.code, finding.detail) for finding, letters, row in placed]
    rows = [
        (number, {code: _text(value) for code, value in values.items()}) for number, values in sorted([*table.rows, *table.unsound], key=lambda row: row[0])
    ]
    return Sheeted(rows=rows, wrong=wrong)


def _place(pointer: str) -> tuple[str, int]:
    found = re.search(r"!([A-Z]+)(\d+)\Z", pointer)
    return (found[1], int(found[2])) if found else ("", 0)


def _text(value: Any) -> str:
    return "" if value is None else value.isoformat() if isinstance(value, dt.date) else _plain(str(value))


def _plain(text: str) -> str:
    """A cell without the mark that keeps spreadsheets from taking it for a formula."""
    text = text.strip()
    return text[1:] if text.startswith("'") and text[1:].startswith(FORMULA) else text


def _read_text(data: bytes) -> Sheeted:
    text = decoded(data)
    separator = _separator(text)
    records = _records(text, separator)
    columns = _headings([cell.strip() for cell in next(records, (1, []))[1]])
    found = Sheeted(decimal_comma=separator == ";")
    for number, cells in records:
        if len(found.rows) >= MOST_ROWS:
            raise refuse("/file", "too_many", _("A table may have %(most)d rows at most. Split it into several.") % {"most": MOST_ROWS})
        if any(cell.strip() for cell in cells):
            found.rows.append((number, {columns[index]: _plain(cell) for index, cell in enumerate(cells[: len(columns)]) if columns[index]}))
            if any(cell.strip() for index, cell in enumerate(cells) if index >= len(columns) or not columns[index]):
                found.wrong.append(
                    Wrong(number, "", "column", _("This row has more cells than there are headings. A text with a separator in it stands in quotes."))
                )
    return found


def _records(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """The records with their numbers, from 1, as a spreadsheet numbers its rows."""
    try:
        yield from enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True), start=1)
    except csv.Error as error:
        raise refuse("/file", "table", _("The file cannot be read as a table: a quotation mark is not closed, or a cell is too long.")) from error


def _separator(text: str) -> str:
    """The one by which most headings are ours. Excel writes a semicolon where the comma is in numbers."""
    first = text.lstrip("\r\n").partition("\n")[0].rstrip("\r")
    return max(SEPARATORS, key=lambda each: (sum(name.strip(' "').casefold() in _NAMES for name in first.split(each)), -SEPARATORS.index(each)))


_NAMES: Final = {name.casefold(): column.code for column in SHEET.columns for name in (column.code, column.title.en, column.title.zh)}


def _headings(names: Sequence[str]) -> list[str]:
    """The columns' codes by their place, empty where there is no heading. Raises Invalid where one is unknown, stands there twice or is missing."""
    findings, codes = [], []
    for name in names:
        code = _NAMES.get(name.casefold(), "")
        if name and (not code or code in codes):
            known = ", ".join(str(column.title) for column in SHEET.columns)
            told = _("There is no column “%(name)s”. Known are: %(known)s.") % {"name": name[:60], "known": known}
            findings.append(Finding("/file", "column", _("The column “%(name)s” stands here twice.") % {"name": name[:60]} if code else told))
        codes.append(code)
    missing = [column.title for column in SHEET.columns if column.needed and column.code not in codes]
    findings += [Finding("/file", "column", _("The column “%(name)s” is missing.") % {"name": title}) for title in missing]
    if findings:
        raise Invalid(findings)
    return codes


# Encodings ------------------------------------------------------------------------------------------------------------

_MARKS: Final = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_HIGH: Final = re.compile(rb"[\x80-\xff]+")


def decoded(data: bytes) -> str:
    """The text of a file: UTF-8 or UTF-16, with or without a mark, else GB 18030 or Windows-1252, by what its bytes look like. Raises Invalid."""
    mark, encoding = next(((mark, encoding) for mark, encoding in _MARKS if data.startswith(mark)), (b"", ""))
    for name in [encoding] if encoding else _guessed(data):
        try:
            text = data[len(mark) :].decode(name)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise refuse("/file", "encoding", _("The file's characters cannot be read. Save it as “CSV UTF-8”, or as an Excel workbook (.xlsx)."))


def _guessed(data: bytes) -> list[str]:
    even, odd = data[:4000:2].count(0), data[1:4000:2].count(0)
    if even or odd:
        return ["utf-16-be" if even > odd else "utf-16-le"]
    if _is_mixed(data):
        return []
    # Chinese characters are pairs of high bytes; an accented letter is mostly a single one among plain letters.
    runs = [len(run) for run in _HIGH.findall(data)]
    pairs = sum(length % 2 == 0 for length in runs)
    return ["utf-8", "gb18030", "cp1252"] if pairs * 2 > len(runs) else ["utf-8", "cp1252", "gb18030"]


def _is_mixed(data: bytes) -> bool:
    """Whether some lines are UTF-8 beyond plain letters, and others are not UTF-8: then every reading of the whole would be wrong somewhere."""
    lines = [line for line in data.splitlines() if not line.isascii()]
    sound = sum(_is_utf8(line) for line in lines)
    # Now and then a line in another encoding reads as UTF-8 by chance.
    return len(lines) <= 4 * sound < 4 * len(lines)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


# Writing --------------------------------------------------------------------------------------------------------------


def write(rows: Iterable[Mapping[str, Any]], *, kind: str, reported: bool = False) -> bytes:
    """A table of these rows, by column, in the reader's language. kind: XLSX or CSV. reported: with what became of each row.

    No cell is ever a formula. CSV is UTF-8 with a mark, and comma-separated (RFC 4180).
    """
    columns = tuple(column for column in SHEET.columns if reported or column.code not in REPORTED)
    if kind == XLSX:
        from apps.catalog.services import workbooks

        return workbooks.write([(Sheet(code=SHEET.code, title=SHEET.title, columns=columns, load="", dump=""), rows)])
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([str(column.title) for column in columns])
    writer.writerows([harmless(row.get(column.code)) for column in columns] for row in rows)
    return codecs.BOM_UTF8 + text.getvalue().encode()


def harmless(cell: Any) -> str:
    """A cell that no spreadsheet takes for a formula."""
    text = "" if cell is None else format(cell, "f") if hasattr(cell, "as_tuple") else str(cell)
    return f"'{text}" if text.startswith(FORMULA) else text
