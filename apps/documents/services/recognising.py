"""What a file is, told by its content: never by its name, nor by what its sender says of it."""

import io
import re
import unicodedata
import zipfile
from pathlib import PurePosixPath
from xml.parsers import expat

from django.utils.translation import gettext as _

from apps.base.findings import Invalid, refuse

LARGEST_FILE = 5 * 1024 * 1024
LONGEST_NAME = 200
LONGEST_ENDING = 10
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
BEGINNINGS = {b"%PDF-": "application/pdf", b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}
# Parts and bytes that an archive may unfold to.
MOST_PARTS, LARGEST_UNFOLDED = 10_000, 100 * LARGEST_FILE
CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
# Characters that show nothing, or turn the direction in which a name is read.
UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
DXF = re.compile(r"(999\r?\n[^\n]*\n)*\s*0\r?\nSECTION\r?\n")


def clean_name(name: str) -> str:
    """A file's name alone: without a path or unseen characters, at most 200 characters with its ending kept; “file” where nothing is left."""
    alone = re.split(r"[/\\]", name)[-1]
    seen = "".join(" " if character in "\t\r\n" else character for character in alone if character in "\t\r\n" or unicodedata.category(character) not in UNSEEN)
    plain = " ".join(seen.split()).strip(". ")
    ending = PurePosixPath(plain).suffix[:LONGEST_ENDING]
    return (plain if len(plain) <= LONGEST_NAME else plain[: LONGEST_NAME - len(ending)] + ending) or "file"


def media_type_of(body: bytes, *, name: str) -> str:
    """The media type of a file that is taken. Raises Invalid, with the reason, for every other one."""
    if not body:
        raise refuse("/file", "empty", _("The file is empty."))
    if len(body) > LARGEST_FILE:
        raise refuse("/file", "too_big", _("The file is too big: at most 5 MB are taken."))
    for beginning, media_type in BEGINNINGS.items():
        if body.startswith(beginning):
            return media_type
    return _archive(body) if body.startswith(b"PK\x03\x04") else _text(body, name)


def _unknown() -> Invalid:
    return refuse("/file", "content", _("Files of this kind are not taken. Send a PDF, PNG, JPEG, XML, text, CSV, Excel (XLSX), ZIP, STEP or DXF file."))


def _archive(body: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, UnicodeError) as error:
        raise refuse("/file", "broken", _("The file is broken: it cannot be opened as an archive.")) from error
    if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > LARGEST_UNFOLDED:
        raise refuse("/file", "too_big", _("The archive unfolds to more than can be taken."))
    names = {part.filename for part in parts}
    is_workbook = {"[Content_Types].xml", "xl/workbook.xml"} <= names and "xl/vbaProject.bin" not in names
    return XLSX if is_workbook else "application/zip"


def _text(body: bytes, name: str) -> str:
    """Text of any kind: what is none, or holds bytes that no text holds, is refused."""
    start = body.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if start == b"<" or body.startswith((b"\xff\xfe<\0", b"\xfe\xff\0<")):
        return _xml(body)
    try:
        words = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unknown() from error
    if CONTROL.search(words):
        raise _unknown()
    if words.startswith("ISO-10303-21;"):
        return "model/step"
    if DXF.match(words):
        return "image/vnd.dxf"
    return "text/csv" if name.lower().endswith(".csv") else "text/plain"


class _Doctype(Exception):
    """The XML declares a document type, which may name files and unfold without end."""


def _refuse_doctype(*_declared: object) -> None:
    raise _Doctype


def _xml(body: bytes) -> str:
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        parser.Parse(body, True)
    except _Doctype as error:
        raise refuse("/file", "doctype", _("XML with a DOCTYPE is not taken. Remove it, and send the file again.")) from error
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise refuse("/file", "broken", _("The file is broken: it begins like XML, and is not well-formed.")) from error
    return "application/xml"
