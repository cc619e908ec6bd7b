"""The structure as a workbook: out and in again, refused cell by cell, and safe from what a hostile file can be."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from django.utils.translation import override
from openpyxl import Workbook, load_workbook

from apps.base.findings import Finding, Invalid
from apps.catalog import selectors
from apps.catalog import services as catalog
from tests import cast as company
from tests.cast import AT, Cast, Member, unchanged

Two = tuple[Member, Member]
Rows = Sequence[Sequence[Any]]
LINE = ("Item", "Position", "Component", "Quantity")


def book(change: Callable[[Workbook], Any] | None = None, **sheets: Rows) -> bytes:
    """A workbook with these sheets."""
    made = Workbook()
    made.remove(made.worksheets[0])
    for title, rows in sheets.items():
        sheet = made.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
    if change is not None:
        change(made)
    return saved(made)


def saved(made: Workbook) -> bytes:
    stream = io.BytesIO()
    made.save(stream)
    return stream.getvalue()


def repacked(data: bytes, changed: Mapping[str, bytes]) -> bytes:
    """The same archive with some parts put in or put otherwise."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            if part.filename not in changed:
                new.writestr(part.filename, old.read(part))
        for name, content in changed.items():
            new.writestr(name, content)
    return stream.getvalue()


def take(member: Member, data: bytes, **more: Any) -> catalog.Imported:
    with member.acting():
        return catalog.import_structure(workbook=data, by=member.actor, at=AT, **more)


def refused(member: Member, data: bytes) -> list[Finding]:
    with unchanged(member), pytest.raises(Invalid) as refusal:
        take(member, data)
    assert all(finding.detail for finding in refusal.value.findings)
    return refusal.value.findings


def lines_of(member: Member, number: str) -> list[tuple[int, str, str]]:
    with member.acting():
        lines = selectors.components(selectors.ids([number])[number])
        names = selectors.numbers([line.component for line in lines])
        return [(line.position, names[line.component], line.quantity) for line in lines]


WHOLE: dict[str, Rows] = {
    "Sites": [("Code", "Name", "Country", "Time zone"), ("HB1", "Bremen plant", "DE", "Europe/Berlin")],
    "Items": [
        ("Number", "Name", "Chinese name", "Unit", "Procurement", "Sold"),
        ("FR-1", "Refrigerator", "冰箱", "C62", "make", "yes"),
        (4711, "Screw", "螺钉", "C62", "外购", False),
        ("ST-9", "Steel", None, "KGM", None, None),
    ],
    "Components": [
        (*LINE, "Scrap, percent", "Condition", "Alternate of", "Valid from"),
        ("FR-1", 10, "4711", "ceil(width / 100)", 2.5, "colour = red", None, "2027-01-01"),
        ("FR-1", 20, "ST-9", 0.1, None, None, None, None),
        ("FR-1", 30, "A-1", None, None, None, 20, None),
    ],
    "Sources": [("Item", "Partner", "Lead time, days", "Price", "Currency", "Ordering"), ("4711", "PARTNER", 7, 0.04, "EUR", "手动")],
}


def whole(partner: Member) -> bytes:
    sources = [tuple(partner.slug if cell == "PARTNER" else cell for cell in row) for row in WHOLE["Sources"]]
    return book(**{**WHOLE, "Sources": sources})


def test_one_workbook_enters_everything(pair: Two) -> None:
    buyer, seller = pair
    found = take(buyer, whole(seller))
    assert (dict(found.saved), list(found.findings)) == ({"sites": 1, "items": 3, "components": 3, "sources": 1}, [])
    assert lines_of(buyer, "FR-1") == [(10, "4711", "ceil(width / 100)"), (20, "ST-9", "0.1")]
    with buyer.acting():
        ids = selectors.ids(["FR-1", "4711", "ST-9", "A-1"])
        structure = selectors.structure([ids["FR-1"]])
        assert [one.component for one in structure.components[ids["FR-1"]][1].alternates] == [ids["A-1"]]
        assert structure.items[ids["4711"]].procurement == "buy"
        assert (structure.items[ids["ST-9"]].unit, structure.items[ids["FR-1"]].procurement) == ("KGM", "make")
        (offer,) = structure.sources[ids["4711"]]
        assert (offer.lead_days, str(offer.price), offer.policy) == (7, "0.04", "by_hand")


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_what_goes_out_comes_in_again(pair: Two, language: str) -> None:
    buyer, seller = pair
    take(buyer, whole(seller))
    with override(language), buyer.acting():
        data = catalog.export_structure()
    titles = load_workbook(io.BytesIO(data)).sheetnames
    assert ("Components" in titles, "组件" in titles) == (language == "en", language != "en")
    with unchanged(buyer):
        found = take(buyer, data)
    assert found.saved["components"] == 3
    assert list(found.findings) == []


def test_no_text_goes_out_as_a_formula(pair: Two) -> None:
    company.stock(pair[0], "=1+1", '=HYPERLINK("http://x")')
    with pair[0].acting():
        sheet = load_workbook(io.BytesIO(catalog.export_structure()))["Items"]
    cells = [cell for row in sheet.iter_rows(min_row=2) for cell in row if isinstance(cell.value, str)]
    assert {cell.value for cell in cells} >= {"=1+1", '=HYPERLINK("http://x")'}
    assert {cell.data_type for cell in cells} == {"s"}


def test_what_no_workbook_can_say_goes_out_as_a_sign_of_it(pair: Two) -> None:
    """A text that came as JSON may hold characters that XML has none for."""
    company.stock(pair[0], "A\uffffB", "Made of \ufffe")
    with pair[0].acting():
        sheet = load_workbook(io.BytesIO(catalog.export_structure()))["Items"]
    assert {cell.value for row in sheet.iter_rows(min_row=2) for cell in row} >= {"A\ufffdB", "Made of \ufffd"}
    assert pair[0].api.get("structure/").status_code == 200


def test_a_row_changes_what_is_there_and_the_rest_stays(pair: Two) -> None:
    buyer, seller = pair
    take(buyer, whole(seller))
    take(buyer, book(Components=[(*LINE, "Remove"), ("FR-1", 20, "ST-9", 7, None), ("FR-1", 10, None, None, "yes")]))
    assert lines_of(buyer, "FR-1") == [(20, "ST-9", "7")]
    found = take(buyer, book(Sources=[("Item", "Partner", "Remove"), ("4711", seller.slug, True)]))
    assert found.saved["sources"] == 1
    findings = refused(buyer, book(Sources=[("Item", "Partner", "Remove"), ("4711", seller.slug, True)]))
    assert [(finding.pointer, finding.code) for finding in findings] == [("Sources!B2", "missing")]


@pytest.mark.parametrize(
    ("sheets", "places"),
    [
        ({"Components": [("Item", "Component"), ("A-1", "A-2")]}, ["Components!A1", "Components!A1"]),
        ({"Components": [(*LINE, "Colour"), ("A-1", 10, "A-2", 1, "red")]}, ["Components!E1", "Components!E2"]),
        ({"Components": [(*LINE, "Item"), ("A-1", 10, "A-2", 1)]}, ["Components!E1"]),
        ({"Componets": [LINE, ("A-1", 10, "A-2", 1)]}, ["Componets"]),
        ({"Components": [LINE]}, [""]),
        ({"Components": [LINE, ("A-1", "first", "A-2", 1), ("A-1", 20, "A-2", "0")]}, ["Components!B2", "Components!D3"]),
        ({"Components": [LINE, ("A-1", 30, "NO", "x +")]}, ["Components!C2", "Components!D2"]),
        ({"Components": [LINE, ("A-1", True, AT.replace(tzinfo=None), 1)]}, ["Components!B2", "Components!C2"]),
        ({"Components": [LINE, ("A-1", 10, "A-2", "=1+1")]}, ["Components!D2"]),
        ({"Components": [LINE, ("A-1", 10, "A-2", "#REF!")]}, ["Components!D2"]),
        ({"Components": [LINE, ("A-1", 10, "A-2", 1), ("A-2", 10, "A-3", 1), ("A-3", 10, "A-1", 1)]}, ["Components!C4"]),
        ({"Components": [LINE, ("A-1", 10, "A-2", 1), ("A-1", 10, "A-3", 1)]}, ["Components!B3"]),
        ({"Sources": [("Item", "Partner", "Lead time, days"), ("A-1", "stranger", -1)]}, ["Sources!B2", "Sources!C2"]),
        ({"Sources": [("Item", "Partner", "Ordering"), ("A-1", "stranger", "sometimes")]}, ["Sources!C2"]),
        ({"Items": [("Number", "Name", "Sold"), ("N", "Nut", "perhaps")]}, ["Items!C2"]),
        ({"Items": [("Number", "Name"), ("N", "Nut"), ("N", "Nut again")]}, ["Items!A3"]),
        ({"Sites": [("Code", "Name", "GLN"), ("S", "Site", 123)]}, ["Sites!C2"]),
    ],
)  # fmt: skip
def test_each_fault_is_told_at_its_cell(pair: Two, sheets: dict[str, Rows], places: list[str]) -> None:
    assert [finding.pointer for finding in refused(pair[0], book(**sheets))] == places


def test_a_circle_is_told_with_its_path(pair: Two) -> None:
    findings = refused(pair[0], book(Components=[LINE, ("A-1", 10, "A-2", 1), ("A-2", 10, "A-1", 1)]))
    assert [finding.detail for finding in findings] == ["This goes in a circle: A-2 needs A-1 needs A-2."]


def test_one_bad_row_in_ten_thousand(pair: Two) -> None:
    buyer, _seller = pair
    items = [("Number", "Name"), *((f"P-{index}", f"Part {index}") for index in range(1, 5001))]
    lines = [LINE, *(("A-1", 10 * index, f"P-{index}", "0" if index == 3210 else 2) for index in range(1, 5001))]
    data = book(Items=items, Components=lines)
    assert [(finding.pointer, finding.detail) for finding in refused(buyer, data)] == [("Components!D3211", "A quantity must be greater than zero.")]
    before = time.perf_counter()
    found = take(buyer, data, partial=True)
    assert time.perf_counter() - before < 30
    assert (dict(found.saved), [finding.pointer for finding in found.findings]) == ({"items": 5000, "components": 4999}, ["Components!D3211"])
    assert len(lines_of(buyer, "A-1")) == 4999


def test_many_findings_are_cut_and_counted(pair: Two) -> None:
    findings = refused(pair[0], book(Components=[LINE, *(("A-1", 10, "A-2", "0") for _row in range(1200))]))
    assert len(findings) == 1001
    assert findings[-1].detail.startswith("… and 200 more")


def bomb() -> bytes:
    row = b'<row r="1"><c r="A1" t="inlineStr"><is><t>A</t></is></c></row>'
    sheet = b"<worksheet><sheetData>" + row * 500_000 + b"</sheetData></worksheet>"
    return repacked(book(Components=[LINE]), {"xl/worksheets/sheet1.xml": sheet})


def laughing() -> bytes:
    text = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><sst><si><t>&b;</t></si></sst>'
    return repacked(book(Components=[LINE]), {"xl/sharedStrings.xml": text})


def far_row() -> bytes:
    row = b'<row r="99999999"><c r="A99999999"><v>1</v></c></row>'
    text = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>' + row + b"</sheetData></worksheet>"
    return repacked(book(Components=[LINE]), {"xl/worksheets/sheet1.xml": text})


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (lambda: b"", "workbook"),
        (lambda: b"Item,Component\nA-1,A-2\n", "workbook"),
        (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "workbook"),
        (lambda: repacked(b"PK\5\6" + b"\0" * 18, {"readme.txt": b"x"}), "workbook"),
        (lambda: book(Components=[LINE])[:-200], "workbook"),
        (lambda: repacked(book(Components=[LINE]), {"xl/workbook.xml": b"<no"}), "workbook"),
        (lambda: repacked(book(Components=[LINE, ("A-1", 10, "A-2", 1)]), {"xl/worksheets/sheet1.xml": b"<worksheet><sheetData><row>"}), "workbook"),
        (lambda: repacked(book(Components=[LINE]), {"xl/vbaProject.bin": b"x"}), "macros"),
        (lambda: b"x" * (catalog.MOST_BYTES + 1), "too_big"),
        (bomb, "too_big"),
        (laughing, "doctype"),
        (lambda: book(Components=[LINE, *(("A-1", 10, "A-2", 1) for _row in range(50_001))]), "too_many"),
    ],
)
def test_what_is_no_sound_workbook_is_refused_whole(pair: Two, data: Callable[[], bytes], code: str) -> None:
    assert [finding.code for finding in refused(pair[0], data())] == [code]


def test_a_row_far_below_is_not_waited_for(pair: Two) -> None:
    before = time.perf_counter()
    refused(pair[0], far_row())
    assert time.perf_counter() - before < 5


def test_it_is_taken_by_rest_and_given_back(pair: Two, cast: Cast) -> None:
    buyer, seller = pair
    sent = {"content_type": catalog.MEDIA_TYPE}
    with unchanged(buyer):
        bad = buyer.api.post("structure/", book(Components=[LINE, ("A-1", 10, "A-2", 0)]), **sent)
        assert (bad.status_code, bad.json()["errors"][0]["pointer"]) == (422, "Components!D2")
        assert buyer.api.post("structure/", {"a": 1}).status_code == 415
    some = buyer.api.post("structure/?partial=1", book(Components=[LINE, ("A-1", 10, "A-2", 0), ("A-1", 20, "A-3", 1)]), **sent)
    assert (some.status_code, some.json()["saved"], [one["pointer"] for one in some.json()["errors"]]) == (200, {"components": 1}, ["Components!D2"])
    given = buyer.api.get("structure/", headers={"Accept": catalog.MEDIA_TYPE})
    assert (given.status_code, given["Content-Type"]) == (200, catalog.MEDIA_TYPE)
    sheet = load_workbook(io.BytesIO(given.content))["Components"]
    assert [row[0] for row in sheet.iter_rows(min_row=2, max_col=1, values_only=True)] == ["A-1"]
    for other in (seller, cast.stranger):
        theirs = load_workbook(io.BytesIO(other.api.get("structure/").content))["Components"]
        assert list(theirs.iter_rows(min_row=2, values_only=True)) == []
