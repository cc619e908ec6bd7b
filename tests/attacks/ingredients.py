"""What hostile requests are made of: values, bodies, headers, documents and workbooks that are more than they seem."""

from __future__ import annotations

import contextlib
import io
import socket
import threading
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

CANARY, LURE = "KANARIENVOGEL", "lure.txt"
SPOKEN = "kuckucksei"
"""Stands in what is sent, and may stand in no statement."""

NUMBERS: Sequence[Any] = (
    *(0, -1, 1, 2**31, 2**31 - 1, 2**63, 2**63 - 1, 2**64, -(2**63), 10**19, 10**18 - 1, 1e308, -1e308, 5e-324, 0.1, 1.5, True, False, None),
    *(
        "0",
        "-0",
        "1e999",
        "-1e999",
        "NaN",
        "Infinity",
        "-Infinity",
        "sNaN",
        "1_000",
        "0x10",
        "٣",
        "１２",
        "½",
        "1e-9999999",
        "1E+999999999",
        "+1",
        " 1 ",
        "1,5",
        "1.",
        ".5",
    ),
    *("9999999999999999999", "9" * 19, "9" * 400, "0." + "9" * 400, "0" * 5000 + "1", "-1", "1e19", "99999999999999999999.999999", "1" * 12 + "." + "1" * 6),
)
TEXTS: Sequence[str] = (
    *("", " ", "\x00", "a\x00b", "\ud800", "\udfff\ud800", "\U0001f4a5", "𠜎𠜱", "\u202e\u2066evil\u2069", "\ufeff", "\u200b", "e\u0301" * 50, "Z̸̡̢", "ﷺ" * 40),
    *(
        "\x7f\x1b[31m",
        "\r\nSet-Cookie: a=b",
        "\u2028",
        "\uffff",
        "ß" * 300,
        "İ",
        "ǅ",
        "ſ",
        "A" * 300,
        "A" * 70_000,
        "%00",
        "%",
        "%s%n",
        "{{7*7}}",
        "${7*7}",
        "{0.__class__}",
    ),
    *(
        "'",
        "'; DROP TABLE documents_document; --",
        "' OR 1=1 --",
        '"',
        "\\",
        "$$",
        "1)) UNION SELECT 1",
        "%' AND pg_sleep(9) --",
        f"'; SET ROLE {SPOKEN}; --",
        f'"{SPOKEN}"',
        f"{SPOKEN}) OR (1=1",
        "../../../../etc/passwd",
        "file:///etc/passwd",
    ),
    *(
        "<script>alert(1)</script>",
        "=cmd|'/c calc'!A0",
        "+1",
        "@SUM(1)",
        "-2+3",
        "null",
        "true",
        "NaN",
        "[]",
        "{}",
        "(",
        "(a+)+$",
        "*" * 200,
        "2027-02-30",
        "0000-00-00",
    ),
    *("10000-01-01", "2027-01-15T25:61:61Z", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "2027-W53-7", "00000000-0000-0000-0000-000000000000"),
    *(
        "{00000000000000000000000000000000}",
        "urn:uuid:12345678-1234-5678-1234-567812345678",
        "٠" * 32,
        "f" * 33,
        "colour = ",
        "if(1,",
        "((((" * 60,
        "not " * 400 + "a",
        "1/0",
        "9**9**9",
    ),
)
NAMES = (f"{SPOKEN}'\"", "__proto__", "\x00", "", "lines", "uid", "state", "a" * 3000, "\ud83d\ude00", "version", "partner", "0")
RAW: Sequence[bytes] = (
    *(
        b"",
        b"null",
        b"[]",
        b'""',
        b"0",
        b"{",
        b'{"a":',
        b"\xff\xfe{\x00}\x00",
        b"\xef\xbb\xbf{}",
        b'{"a": NaN}',
        b'{"a": 1e999}',
        b'{"a": -1e999}',
        b'{"a": 123456789012345678901234567890}',
    ),
    *(
        b'{"a": "\xff"}',
        b'{"a": "\\ud800"}',
        b'{"a": "\\u0000"}',
        b"[" * 900 + b"]" * 900,
        b'{"a":1,"a":2}',
        b"\x00" * 5000,
    ),
)
HEAVY: Sequence[bytes] = (
    *(b"[" * 100_000, b'{"a":' * 50_000, b"{}" + b" " * 200_000, b'{"lines": [' + b",".join([b"{}"] * 20_000) + b"]}"),
    b'{"seller": "x", "lines": [' + b",".join([b'{"item": "A-1", "quantity": "1"}'] * 3000) + b"]}",
)
MEDIA = (
    *(
        "application/json",
        "application/xml",
        "text/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "multipart/form-data; boundary=" + "x" * 300,
    ),
    *(
        "multipart/form-data; boundary=\xe9",
        "text/plain",
        "",
        "application/json; charset=utf-7",
        "application/json; charset=nonsense",
        "application/xml; charset=utf-16",
        "a/b; " * 200,
        "\x7f/\x7f",
    ),
)
HEADERS: Mapping[str, Sequence[str]] = {
    "Idempotency-Key": ("", "a", "a" * 255, "a" * 256, "\x7f", "é", "same", "\t"),
    "If-Match": ("*", '"1"', 'W/"1"', '"999999999999999999999"', '"-1"', '"٣"', "nonsense", ""),
    "Accept": ("*/*", "application/xml", "text/html", "nonsense", "a/b;q=x", "application/json;q=1e999", ", ,", "application/vnd.oasis.ubl+xml", "*/*" * 500),
    "Accept-Language": ("zh-hans", "xx", "en;q=nan", "\xff", "a" * 10_000, "zh-hans-" * 50),
    "X-Request-ID": ("a" * 200, "\x00", "\xe9", "a:b"),
    "Range": ("bytes=0-", "bytes=-1", "bytes=9999999999999999999-1"),
    "Content-Encoding": ("gzip", "deflate", "br"),
    "Cookie": ("sessionid=\xff", "django_language=../../etc", "sessionid=" + "a" * 5000, ";;;=;"),
}

FILES: Sequence[bytes] = (
    b"",
    b"%PDF-1.7",
    b"\x89PNG\r\n\x1a\n" + b"\x00" * 50,
    b"<svg onload=alert(1)>",
    b"MZ" + b"\x00" * 200,
    b"#!/bin/sh\n",
    b"\x00" * 1000,
    b"GIF89a" + b"\xff" * 20,
)
FILE_NAMES = (
    "a.pdf",
    "../../evil.sh",
    "a\x00.pdf",
    "\r\nX: y.pdf",
    "a" * 3000 + ".pdf",
    "\u202egpj.exe",
    ".",
    "",
    "con.pdf",
    "a/b\\c.png",
    '"; filename="x',
    "💥.xlsx",
)


class Lure:
    """A file and an address that nobody may ask for: the content of the one must come back nowhere, the other be called by nobody."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / LURE
        self.file.write_text(CANARY)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(0.2)
        self.address = f"http://127.0.0.1:{self._socket.getsockname()[1]}/{CANARY.lower()}"
        self.calls = 0
        self._open = True
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while self._open:
            with contextlib.suppress(TimeoutError):
                connection, _peer = self._socket.accept()
                self.calls += 1
                connection.close()

    def close(self) -> None:
        self._open = False
        self._thread.join(5)
        self._socket.close()


def documents(lure: Lure) -> list[bytes]:
    """XML that is more than it seems: files, addresses, entities that grow, depth, width, broken encodings."""
    file, address = lure.file.as_uri(), lure.address
    of = b"urn:oasis:names:specification:ubl:schema:xsd:"
    order = b'<Order xmlns="' + of + b'Order-2"><ID xmlns="' + of + b'CommonBasicComponents-2">%s</ID></Order>'
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    made = [
        f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "{file}">]><a>&x;</a>',
        f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "{address}">]><a>&x;</a>',
        f'<!DOCTYPE a SYSTEM "{address}"><a/>',
        f'<!DOCTYPE a PUBLIC "-//x//y" "{file}"><a/>',
        f'<!DOCTYPE a [<!ENTITY % p SYSTEM "{address}">%p;]><a/>',
        f'<!DOCTYPE a [<!ENTITY l0 "ha">{laughs}]><a>&l9;</a>',
        f'<!DOCTYPE a [<!ENTITY x "{"A" * 50_000}">]><a>{"&x;" * 20_000}</a>',
        f'<a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="{file}" parse="text"/></a>',
        f'<a xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:a {address}"/>',
        f'<?xml-stylesheet type="text/xsl" href="{address}"?><a/>',
        "<a>" * 100_000,
        "<a>" * 5_000 + "</a>" * 5_000,
        "<a " + " ".join(f'b{n}="{n}"' for n in range(50_000)) + "/>",
        "<a " + " ".join(f'xmlns:n{n}="urn:{n}"' for n in range(20_000)) + "/>",
        "<a>" + "<b/>" * 200_000 + "</a>",
        "<a><![CDATA[" + "x" * 1_000_000 + "]]></a>",
        "<a>&#0;</a>",
        "<a>&#xD800;</a>",
        "<a>&undefined;</a>",
        "<!-- " + "-" * 100_000,
        "<?" + "x" * 100_000,
        "<" + "a" * 200_000 + "/>",
    ]
    given = [text.encode() for text in made]
    given += [text.encode("utf-16") for text in made[:4]] + [text.encode("utf-32") for text in made[:2]]
    given += [
        b'<?xml version="1.0" encoding="utf-7"?>+ADw-a/+AD4-',
        b'<?xml version="1.0" encoding="nonsense"?><a/>',
        b"<a>\xff\xfe</a>",
        b"<a",
        b"\x1f\x8b" + b"\x00" * 500,
    ]
    given += [order % text.encode("utf-8", "replace")[:5000].replace(b"<", b"&lt;").replace(b"&", b"&amp;") for text in TEXTS]
    return given


def workbooks(lure: Lure) -> list[bytes]:
    """XLSX files: bombs, doors out, lies about what is inside."""
    sheet = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{}</sheetData></worksheet>'
    entity = f'<!DOCTYPE a [<!ENTITY x SYSTEM "{lure.file.as_uri()}">]>'
    made = [
        _zip({"xl/worksheets/sheet1.xml": b"0" * 70_000_000}),
        _zip({f"part{n}.xml": b"x" for n in range(5000)}),
        _zip({"../../../../tmp/evil.xml": b"x", "/etc/evil": b"x", "xl/workbook.xml": b"<a/>"}),
        _zip({"[Content_Types].xml": entity.encode() + b"<a>&x;</a>", "xl/workbook.xml": entity.encode() + b"<a>&x;</a>"}),
        _book(sheet.format('<row r="1"><c r="A1" t="s"><v>999999999</v></c></row>')),
        _book(sheet.format('<row r="1048577"><c r="ZZZZ99999999999"><v>1e999</v></c></row>')),
        _book(sheet.format('<row r="1"><c r="A1"><f>cmd|\' /c calc\'!A0</f><v>NaN</v></c></row>')),
        _book(entity + sheet.format('<row r="1"><c r="A1" t="inlineStr"><is><t>&x;</t></is></c></row>')),
        _book(sheet.format("".join(f'<row r="{n}"/>' for n in range(1, 60_000)))),
        _book("<a"),
        b"PK\x03\x04" + b"\x00" * 300,
        b"PK\x05\x06" + b"\x00" * 18,
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600,
        b"",
    ]
    return made + [book[: len(book) // 2] for book in made[2:6]]


def _zip(parts: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return packed.getvalue()


def _book(sheet: str) -> bytes:
    """A workbook whose one sheet is this."""
    office = "http://schemas.openxmlformats.org"
    main, relations = f"{office}/spreadsheetml/2006/main", f"{office}/officeDocument/2006/relationships"
    package, kind = f"{office}/package/2006/relationships", "application/vnd.openxmlformats-officedocument.spreadsheetml"
    types = [("/xl/workbook.xml", "sheet.main"), ("/xl/worksheets/sheet1.xml", "worksheet")]
    overrides = "".join(f'<Override PartName="{part}" ContentType="{kind}.{what}+xml"/>' for part, what in types)
    rels = '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'

    def related(kind: str, target: str) -> str:
        return f'<Relationships xmlns="{package}"><Relationship Id="r1" Type="{relations}/{kind}" Target="{target}"/></Relationships>'

    sheets = '<sheets><sheet name="Items" sheetId="1" r:id="r1"/></sheets>'
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{office}/package/2006/content-types">{rels}{overrides}</Types>',
        "_rels/.rels": related("officeDocument", "xl/workbook.xml"),
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{relations}">{sheets}</workbook>',
        "xl/_rels/workbook.xml.rels": related("worksheet", "worksheets/sheet1.xml"),
        "xl/worksheets/sheet1.xml": sheet,
    }
    return _zip({name: text.encode() for name, text in parts.items()})
