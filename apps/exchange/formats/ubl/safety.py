"""From untrusted bytes to a tree: no DOCTYPE, no entities, no network, and limits on everything that can grow."""

import codecs
import re
from typing import Final

from django.utils.translation import gettext as _
from lxml import etree

from apps.exchange.formats.messages import Finding, Refused

MAX_BYTES: Final = 10 * 1024 * 1024
MAX_DEPTH: Final = 64
MAX_ELEMENTS: Final = 500_000
MAX_ATTRIBUTES: Final = 32

# UTF-32 first: its little-endian mark begins with that of UTF-16.
_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_UNMARKED: Final = ((b"<\x00?\x00", "utf-16-le"), (b"\x00<\x00?", "utf-16-be"))
_ENCODINGS: Final = (
    *("utf-8", "utf-16", "utf-32", "ascii", "iso8859-1", "iso8859-2", "iso8859-15", "cp1252"),
    *("gb2312", "gbk", "gb18030", "big5", "shift_jis", "euc_kr"),
)
_DECLARATION: Final = re.compile(r"\A<\?xml\s[^>]*?\?>")
_DECLARED: Final = re.compile(r"encoding\s*=\s*[\"']([A-Za-z][A-Za-z0-9._-]*)[\"']")
_PROLOG: Final = re.compile(r"(?:\s+|<!--.*?-->|<\?.*?\?>)*", re.DOTALL)


class _Exceeded(Exception):
    def __init__(self, place: str, text: str, mend: str) -> None:
        super().__init__(text)
        self.finding = Finding(rule="UBL-XML-LIMIT", place=place, text=text, mend=mend)


class _Guard:
    """A parser target that keeps nothing but counts, so that a hostile document never becomes a tree."""

    def __init__(self) -> None:
        self._path: list[str] = []
        self._elements = 0

    def start(self, tag: str | bytes, attrib: dict[str | bytes, str | bytes]) -> None:
        self._path.append(str(tag).rpartition("}")[2])
        self._elements += 1
        if len(self._path) > MAX_DEPTH:
            self._stop(
                _("Elements are nested more than %(most)d deep.") % {"most": MAX_DEPTH},
                _("Send a document of the standard; none nests so deep."),
            )
        if self._elements > MAX_ELEMENTS:
            self._stop(
                _("The document has more than %(most)d elements.") % {"most": MAX_ELEMENTS},
                _("Split the document into several."),
            )
        if len(attrib) > MAX_ATTRIBUTES:
            self._stop(
                _("An element has more than %(most)d attributes.") % {"most": MAX_ATTRIBUTES},
                _("Remove the attributes that the standard does not know."),
            )

    def end(self, tag: str | bytes) -> None:
        self._path.pop()

    def data(self, data: str | bytes) -> None:
        """Text is bounded by the size of the body."""

    def comment(self, text: str | bytes) -> None:
        """Comments are not carried."""

    def close(self) -> None:
        self._path.clear()

    def _stop(self, text: str, mend: str) -> None:
        raise _Exceeded("/" + "/".join(self._path[:8]), text, mend)


def parse(body: bytes) -> etree._Element:
    """The root element of `body`. Raises `Refused` with one finding: what is not XML has only one fault to show."""
    text = _without_declaration(_decoded(body))
    _forbid_doctype(text)
    data = text.encode()
    try:
        etree.fromstring(data, _parser(_Guard()))
        return etree.fromstring(data, _parser())
    except _Exceeded as exceeded:
        raise Refused([exceeded.finding]) from exceeded
    except etree.XMLSyntaxError as error:
        raise _refused(
            "UBL-XML-SYNTAX",
            _place(error.lineno or 1),
            _("The document is not well-formed XML: %(why)s") % {"why": error.msg},
            _("Send a well-formed XML document."),
        ) from error


def _parser(target: _Guard | None = None) -> etree.XMLParser:
    return etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        target=target,
    )


def _refused(rule: str, place: str, text: str, mend: str) -> Refused:
    return Refused([Finding(rule=rule, place=place, text=text, mend=mend)])


def _place(line: int) -> str:
    return _("line %(line)d") % {"line": line}


def _decoded(body: bytes) -> str:
    if len(body) > MAX_BYTES:
        raise _refused(
            "UBL-XML-LIMIT",
            "/",
            _("The document has %(bytes)d bytes; %(most)d are allowed.") % {"bytes": len(body), "most": MAX_BYTES},
            _("Split the document, or send attachments by their address."),
        )
    if not body.strip():
        raise _refused("UBL-XML-EMPTY", "/", _("The message is empty."), _("Send the document as the body."))
    encoding, skip = _encoding(body)
    try:
        return body[skip:].decode(encoding)
    except UnicodeDecodeError as error:
        raise _refused(
            "UBL-XML-ENCODING",
            _place(body[: skip + error.start].count(b"\n") + 1),
            _("The document says that it is encoded in %(encoding)s, and its bytes are not.") % {"encoding": encoding},
            _("Declare the encoding in which the document is really written; UTF-8 is best."),
        ) from error


def _encoding(body: bytes) -> tuple[str, int]:
    """The name of the encoding and how many bytes its mark takes."""
    marked = next(((name, len(mark)) for mark, name in _MARKS if body.startswith(mark)), None)
    if marked is None:
        unmarked = next((name for start, name in _UNMARKED if body.startswith(start)), None)
        marked = (unmarked, 0) if unmarked else None
    head = body[:400].decode(marked[0] if marked else "latin-1", errors="replace")
    declaration = _DECLARATION.match(head.lstrip("\ufeff"))
    found = _DECLARED.search(declaration.group()) if declaration else None
    declared = _known(found.group(1)) if found else None
    if marked is None:
        return declared or "utf-8", 0
    if declared is not None and not marked[0].startswith(declared):
        raise _refused(
            "UBL-XML-ENCODING",
            _place(1),
            _("The document declares %(declared)s, and its bytes begin as %(marked)s.") % {"declared": declared, "marked": marked[0]},
            _("Declare the encoding in which the document is really written; UTF-8 is best."),
        )
    return marked


def _known(declared: str) -> str:
    try:
        name = codecs.lookup(declared).name
    except LookupError:
        name = ""
    if name not in _ENCODINGS:
        raise _refused(
            "UBL-XML-ENCODING",
            _place(1),
            _("The encoding “%(declared)s” is not supported.") % {"declared": declared},
            _("Send the document in UTF-8."),
        )
    return name


def _without_declaration(text: str) -> str:
    """The declaration is gone (it would contradict the bytes now), its line breaks stay, so that lines still count."""
    return _DECLARATION.sub(lambda match: "\n" * match.group().count("\n"), text)


def _forbid_doctype(text: str) -> None:
    prolog = _PROLOG.match(text)
    after = prolog.end() if prolog else 0
    if text[after : after + 9].upper() == "<!DOCTYPE":
        raise _refused(
            "UBL-XML-DOCTYPE",
            _place(text.count("\n", 0, after) + 1),
            _("The document has a DOCTYPE. It could define entities, so it is refused."),
            _("Remove the DOCTYPE; UBL documents have none."),
        )
