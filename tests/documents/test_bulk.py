"""Many orders answered by one table: out and in again in either language, each fault at its row, exactly once, stopped and gone on with."""

from __future__ import annotations

import csv
import datetime as dt
import io
import uuid
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest
from django.utils.translation import override
from openpyxl import Workbook, load_workbook

from apps.base import clock
from apps.base.findings import Invalid
from apps.documents import selectors, services, tasks
from apps.documents.models import Bulk
from apps.documents.services import bulking, owning, sheeting
from apps.documents.types import TYPES
from tests.cast import AT, Member, line, make_pair, move, order, unchanged

Two = tuple[Member, Member]
Row = dict[str, str]
ORDER = TYPES["order"]


@pytest.fixture
def queued(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is handed over to the worker, which does nothing of it."""
    found: list[str] = []
    monkeypatch.setattr(tasks.work, "delay", found.append)
    return found


@pytest.fixture
def two(queued: list[str]) -> Two:
    return make_pair()


def sheet(seller: Member, kind: str = services.CSV, *, language: str = "en") -> bytes:
    """The table of what waits for this seller."""
    with seller.acting(), override(language):
        move = services.answering_move(ORDER)
        assert move is not None
        found = selectors.asked(selectors.answerable(ORDER, move, selectors.heads(type="order")))
        return services.write_sheet(selectors.sheet_rows(found), kind=kind)


def rows_of(data: bytes) -> list[Row]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))


def table(rows: Sequence[Mapping[str, Any]], *, encoding: str = "utf-8", separator: str = ",") -> bytes:
    text = io.StringIO()
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(text, names, delimiter=separator)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode(encoding)


def book(rows: Sequence[Mapping[str, Any]]) -> bytes:
    made = Workbook()
    names = list(rows[0])
    table: list[list[Any]] = [names, *([row.get(name) for name in names] for row in rows)]
    for each in table:
        made.worksheets[0].append(each)
    stream = io.BytesIO()
    made.save(stream)
    return stream.getvalue()


def upload(member: Member, body: bytes, *, name: str = "answers.csv", language: str = "en") -> uuid.UUID:
    with member.acting(), override(language):
        return services.upload_answers(type="order", name=name, body=body, by=member.seller, at=clock.now()).pk


def work(member: Member, key: uuid.UUID) -> Bulk:
    with member.acting():
        services.work(bulk=key)
        return Bulk.objects.get(pk=key)


def checked(member: Member, body: bytes, **more: Any) -> Bulk:
    return work(member, upload(member, body, **more))


def go(member: Member, key: uuid.UUID, *, whole: bool = False) -> Bulk:
    with member.acting():
        services.run_bulk(bulk=key, whole=whole, by=member.seller, at=clock.now())
    return work(member, key)


def state(member: Member, key: uuid.UUID) -> str:
    with member.acting():
        found = selectors.head(id=key)
    assert found is not None
    return str(found["state"])


def faults(row: Bulk) -> list[tuple[int, str, str]]:
    assert all(detail for _row, _column, _code, detail in row.findings)
    return [(number, column, code) for number, column, code, _detail in row.findings]


def answered(rows: list[Row], *more: Mapping[str, str]) -> list[Row]:
    """Each row accepted, but for what is said of the first ones."""
    return [{**row, "Answer": "accept", **dict(more[index] if index < len(more) else {})} for index, row in enumerate(rows)]


def test_what_waits_goes_out_with_what_is_asked(two: Two) -> None:
    buyer, seller = two
    dated = line("A-1", "18") | {"schedules": [{"quantity": "10", "due_on": "2027-01-15"}, {"quantity": "8", "due_on": "2027-01-20"}]}
    key = order(buyer, seller, [dated, line("A-2", "7", "1.25")], number="4711")
    done = order(buyer, seller)
    move(seller, done, "confirm")
    rows = rows_of(sheet(seller))
    assert [
        (row["Order"], row["Line"], row["Your item"], row["Customer's item"], row["Quantity asked"], row["Date asked"], row["Price asked"]) for row in rows
    ] == [
        ("4711", "1", "S-1", "A-1", "10", "2027-01-15", "81.50"),
        ("4711", "1", "S-1", "A-1", "8", "2027-01-20", "81.50"),
        ("4711", "2", "S-2", "A-2", "7", "2027-01-15", "1.25"),
    ]
    assert {row["Order ID"] for row in rows} == {str(key)}
    assert {(row["Answer"], row["Quantity offered"], row["Unit"], row["Customer"]) for row in rows} == {("", "", "pcs", buyer.home.name)}
    assert rows_of(sheet(buyer)) == []


@pytest.mark.parametrize("kind", [services.CSV, services.XLSX])
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_a_table_in_one_language_is_read_in_the_other(two: Two, kind: str, language: str) -> None:
    buyer, seller = two
    key = order(buyer, seller, 2)
    data = sheet(seller, kind, language=language)
    word = "接受" if language != "en" else "accept"
    if kind == services.XLSX:
        made = load_workbook(io.BytesIO(data))
        assert made.sheetnames == [{"en": "Answers"}.get(language, "答复")]
        for place in (2, 3):
            made.worksheets[0].cell(place, 12).value = word
        stream = io.BytesIO()
        made.save(stream)
        data = stream.getvalue()
    else:
        rows = rows_of(data)
        data = table([{**row, list(row)[11]: word} for row in rows])
    row = checked(seller, data, language="en" if language != "en" else "zh-hans")
    assert (row.stage, faults(row), row.total) == ("checked", [], 1)
    assert (go(seller, row.pk).said, state(seller, key), state(buyer, key)) == (1, "agreed", "agreed")


def test_accepted_changed_split_rejected_and_on_backorder(two: Two) -> None:
    buyer, seller = two
    key = order(buyer, seller, [line("A-1"), line("A-2"), line("A-3"), line("A-1", "6"), line("A-1", "9", "2")])
    rows = answered(
        rows_of(sheet(seller)),
        {},
        {"Answer": "change", "Quantity offered": "10", "Date offered": "2027-02-01"},
        {"Answer": "reject", "Reason": "not made any more"},
        {"Answer": "backorder", "Quantity offered": "2"},
        {"Answer": "change", "Price offered": "2.5"},
    )
    split = {"Order": rows[1]["Order"], "Line": "2", "Quantity offered": "30", "Date offered": "2027-03-01", "Version": rows[1]["Version"]}
    row = checked(seller, table([*rows, split]))
    assert (faults(row), row.total) == ([], 1)
    assert go(seller, row.pk).said == 1
    with buyer.acting():
        whole = selectors.whole(id=key, type="order")
    assert whole is not None
    offered = [[(each["quantity"], each["due_on"]) for each in one["schedules"].get("offered") or []] for one in whole.lines]
    assert [one["response"] for one in whole.lines] == ["accept", "change", "reject", "backorder", "change"]
    assert offered[1] == [(Decimal(10), dt.date(2027, 2, 1)), (Decimal(30), dt.date(2027, 3, 1))]
    assert offered[3] == [(Decimal(2), dt.date(2027, 1, 15))]
    assert (whole.lines[2]["reason"], whole.lines[4]["offered_price"]) == ("not made any more", Decimal("2.5"))


def test_an_answer_that_is_filled_down_is_one_answer(two: Two) -> None:
    buyer, seller = two
    dated = line("A-1", "18") | {"schedules": [{"quantity": "10", "due_on": "2027-01-15"}, {"quantity": "8", "due_on": "2027-01-20"}]}
    key = order(buyer, seller, [dated])
    rows = answered(rows_of(sheet(seller)))
    other = checked(seller, table([rows[0], {**rows[1], "Answer": "reject"}]))
    assert faults(other) == [(3, "answer", "twice")]
    row = checked(seller, table(rows))
    assert (faults(row), row.total) == ([], 1)
    assert go(seller, row.pk).said == 1
    assert state(buyer, key) == "agreed"


def test_each_fault_is_told_at_its_row_and_says_what_would_mend_it(two: Two) -> None:
    buyer, seller = two
    stranger, _other = make_pair()
    for _number in range(9):
        order(buyer, seller, 1)
    foreign = order(stranger, _other, 1)
    late = order(buyer, seller, 1, number="LATE")
    rows = answered(rows_of(sheet(seller)))
    move(seller, late, "confirm")
    index = {row["Order"]: at for at, row in enumerate(rows)}
    bad: list[dict[str, str]] = [
        {"Answer": "perhaps"},
        {"Answer": "reject"},
        {"Answer": "change"},
        {"Answer": "change", "Quantity offered": "-4"},
        {"Answer": "change", "Date offered": "03/04/2027"},
        {"Answer": "accept", "Quantity offered": "3"},
        {"Version": "x"},
        {"Line": "99"},
    ]
    others = [at for at in range(len(rows)) if at != index["LATE"]]
    for at, change in zip(others, bad, strict=False):
        rows[at] |= change
    good = rows[others[8]]
    mine = {"Order": "x", "Order ID": str(foreign), "Line": "1", "Answer": "accept", "Version": "1"}
    row = checked(seller, table([*rows, {**good}, mine, {**mine, "Order ID": str(uuid.uuid4())}]))
    told = [
        *[("answer", "response"), ("reason", "required"), ("quantity", "required"), ("quantity", "not_positive"), ("due_on", "date")],
        *[("quantity", "contradiction"), ("version", "version"), ("line", "line")],
    ]
    wanted = {
        *((others[at] + 2, column, code) for at, (column, code) in enumerate(told)),
        (others[7] + 2, "line", "incomplete"), (index["LATE"] + 2, "number", "state"),
        (len(rows) + 2, "answer", "twice"), (len(rows) + 3, "number", "missing"), (len(rows) + 4, "number", "missing"),
    }  # fmt: skip
    assert set(faults(row)) == wanted
    foreign_told, missing_told = (detail for _row, _column, code, detail in row.findings if code == "missing")
    assert foreign_told == missing_told
    assert row.total == 0
    with unchanged(buyer, seller), seller.acting(), pytest.raises(services.BulkEnded):
        services.run_bulk(bulk=row.pk, whole=False, by=seller.seller, at=AT)


def test_one_bad_row_holds_back_its_order_alone_or_all(two: Two) -> None:
    buyer, seller = two
    keys = [order(buyer, seller, 2, number=f"N-{number}") for number in range(4)]
    rows = answered(rows_of(sheet(seller)))
    at = next(index for index, row in enumerate(rows) if row["Order"] == "N-2")
    rows[at]["Answer"] = ""
    row = checked(seller, table(rows))
    assert (faults(row), row.total) == ([(at + 2, "answer", "required")], 3)
    with unchanged(buyer, seller), seller.acting():
        with pytest.raises(services.BulkEnded):
            services.run_bulk(bulk=row.pk, whole=True, by=seller.seller, at=AT)
        with pytest.raises(services.MayNot):
            services.run_bulk(bulk=row.pk, whole=False, by=seller.viewer, at=AT)
    assert go(seller, row.pk).said == 3
    assert [state(buyer, key) for key in keys] == ["agreed", "agreed", "published", "agreed"]


def test_what_changed_since_is_a_conflict_and_talk_is_none(two: Two) -> None:
    buyer, seller = two
    talked, moved = order(buyer, seller, number="T"), order(buyer, seller, number="M")
    data = table(answered(rows_of(sheet(seller))))
    with buyer.acting():
        services.remark(document=talked, text="please", by=buyer.actor, at=AT)
    move(seller, moved, "acknowledge")
    row = checked(seller, data)
    assert [(column, code) for _row, column, code in faults(row)] == [("version", "changed")]
    assert [each["number"] for each in row.plan] == ["T"]


def test_all_or_nothing_says_nothing_where_one_has_changed_since_the_check(two: Two) -> None:
    buyer, seller = two
    keys = [order(buyer, seller) for _number in range(3)]
    data = table(answered(rows_of(sheet(seller))))
    row, other = checked(seller, data), checked(seller, data)
    move(seller, uuid.UUID(row.plan[2]["document"]), "acknowledge")
    ended = go(seller, row.pk, whole=True)
    assert (ended.stage, ended.said, list(ended.outcomes)) == ("done", 0, ["2"])
    assert sorted(state(buyer, key) for key in keys) == ["acknowledged", "published", "published"]
    ended = go(seller, other.pk)
    assert (ended.done, ended.said, list(ended.outcomes)) == (3, 2, ["2"])
    assert sorted(state(buyer, key) for key in keys) == ["acknowledged", "agreed", "agreed"]


def test_all_or_nothing_says_all(two: Two) -> None:
    buyer, seller = two
    keys = [order(buyer, seller) for _number in range(3)]
    ended = go(seller, checked(seller, table(answered(rows_of(sheet(seller))))).pk, whole=True)
    assert (ended.done, ended.said, ended.message) == (3, 3, "")
    assert {state(buyer, key) for key in keys} == {"agreed"}


class Killed(BaseException):
    """The worker is gone."""


@pytest.fixture
def dying(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Kill whoever makes the so-manieth move from now on, when it is made and not committed yet."""
    made = owning.make

    def die_at(number: int) -> None:
        left = iter(range(number))

        def make(**more: Any) -> None:
            made(**more)
            if next(left, None) is None:
                raise Killed

        monkeypatch.setattr(owning, "make", make)

    yield die_at
    monkeypatch.setattr(owning, "make", made)


def test_whoever_goes_on_after_a_kill_says_nothing_twice(two: Two, queued: list[str], dying: Callable[[int], None], monkeypatch: pytest.MonkeyPatch) -> None:
    buyer, seller = two
    keys = [order(buyer, seller) for _number in range(5)]
    row = checked(seller, table(answered(rows_of(sheet(seller)))))
    with pytest.MonkeyPatch.context():
        dying(2)
        with pytest.raises(Killed):
            go(seller, row.pk)
    monkeypatch.undo()
    monkeypatch.setattr(tasks.work, "delay", queued.append)
    with seller.acting():
        left = Bulk.objects.get(pk=row.pk)
    assert (left.stage, left.done, left.said) == ("running", 2, 2)
    queued.clear()
    with seller.acting():
        assert services.resume(at=clock.now()) == []
        assert services.resume(at=clock.now() + 2 * bulking.LOST) == [row.pk]
    assert queued == [str(row.pk)]
    ended = work(seller, row.pk)
    assert (ended.stage, ended.done, ended.said, ended.outcomes) == ("done", 5, 5, {})
    with unchanged(buyer, seller):
        work(seller, row.pk)
    for key in keys:
        with buyer.acting():
            assert [step["move"] for step in selectors.history(id=key)].count("confirm") == 1


def test_what_is_stopped_says_no_more(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    buyer, seller = two
    for _number in range(4):
        order(buyer, seller)
    row = checked(seller, table(answered(rows_of(sheet(seller)))))
    made = owning.make

    def stopping(**more: Any) -> None:
        made(**more)
        Bulk.objects.filter(pk=row.pk).update(stop=True)

    monkeypatch.setattr(owning, "make", stopping)
    ended = go(seller, row.pk)
    assert (ended.stage, ended.done, ended.said) == ("done", 1, 1)
    assert ended.message == "It was stopped: what was said by then stays said."
    with unchanged(seller), seller.acting(), pytest.raises(services.BulkEnded):
        services.stop_bulk(bulk=row.pk, by=seller.seller, at=AT)


def test_what_is_checked_can_be_discarded(two: Two) -> None:
    buyer, seller = two
    key = order(buyer, seller)
    row = checked(seller, table(answered(rows_of(sheet(seller)))))
    with seller.acting():
        with pytest.raises(services.MayNot):
            services.stop_bulk(bulk=row.pk, by=seller.viewer, at=AT)
        services.stop_bulk(bulk=row.pk, by=seller.seller, at=AT)
        with pytest.raises(services.BulkEnded):
            services.run_bulk(bulk=row.pk, whole=False, by=seller.seller, at=AT)
    assert state(buyer, key) == "published"


def test_nothing_is_answered_in_a_table_that_came_back_as_it_went(two: Two) -> None:
    order(*two)
    row = checked(two[1], sheet(two[1]))
    assert (row.stage, row.message, row.findings) == ("done", "Nothing is answered in this table.", [])


@pytest.mark.parametrize(
    ("encoding", "separator"),
    [("utf-8", ","), ("utf-8-sig", ";"), ("gb18030", ","), ("cp1252", ";"), ("utf-16", "\t"), ("utf-16-le", ","), ("utf-16-be", ";")],
)
def test_a_table_is_read_in_the_encoding_in_which_it_was_saved(two: Two, encoding: str, separator: str) -> None:
    buyer, seller = two
    key = order(buyer, seller, [line("A-1"), line("A-2")])
    reason = "Maß geändert, größer" if encoding == "cp1252" else "交货期延长，尺寸已变更" if encoding == "gb18030" else "Maß 尺寸"
    price = "81,75" if separator == ";" else "81.75"
    rows = answered(rows_of(sheet(seller)), {"Answer": "change", "Price offered": price, "Reason": reason}, {"Answer": "change", "Date offered": "20.3.2027"})
    row = checked(seller, table(rows, encoding=encoding, separator=separator))
    assert faults(row) == []
    go(seller, row.pk)
    with buyer.acting():
        whole = selectors.whole(id=key, type="order")
    assert whole is not None
    assert (whole.lines[0]["reason"], whole.lines[0]["offered_price"]) == (reason, Decimal("81.75"))
    assert whole.lines[1]["schedules"]["offered"][0]["due_on"] == dt.date(2027, 3, 20)


MIXED = "Order,Line,Answer,Version,Reason\nA,1,accept,1,尺寸\n".encode() + "B,1,accept,1,Größe\n".encode("cp1252")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (MIXED, "encoding"),
        (b"Order,Line,Answer,Version,Guess\n1,1,accept,1,x\n", "column"),
        (b"Order,Line,Answer\n1,1,accept\n", "column"),
        (b"Order,Line,Answer,Version,Answer\n1,1,accept,1,reject\n", "column"),
        (b"Order,Line,Answer,Version\n", "empty"),
        (b'Order,Line,Answer,Version\n"1,1,accept,1\n', "table"),
        (b"PK\x03\x04 and so on", "workbook"),
        (b"Order,Line,Answer,Version\n\x81 ,1,accept,1\n", "encoding"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(two: Two, body: bytes, code: str) -> None:
    row = checked(two[1], body)
    assert (row.stage, row.message) == ("done", "The file cannot be read.")
    assert {found for _row, _column, found in faults(row)} == {code}


@pytest.mark.parametrize("body", [b"", b"  \n", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), b"%PDF-1.7", b"x" * (services.LARGEST_TABLE + 1)])
def test_what_is_no_table_at_first_sight_is_refused(two: Two, body: bytes, queued: list[str]) -> None:
    with unchanged(two[1]), pytest.raises(Invalid):
        upload(two[1], body)
    assert queued == []


def test_macros_bombs_and_formulas(two: Two) -> None:
    buyer, seller = two
    order(buyer, seller, number="F")
    rows: list[dict[str, Any]] = [dict(row) for row in answered(rows_of(sheet(seller)))]
    data = book(rows)
    for name, content, code in (("xl/vbaProject.bin", b"x", "macros"), ("xl/media/bomb.bin", bytes(30_000_000), "too_big")):
        stream = io.BytesIO(data)
        with zipfile.ZipFile(stream, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, content)
        row = checked(seller, stream.getvalue(), name="answers.xlsx")
        assert ({found for _row, _column, found in faults(row)}, row.plan) == ({code}, [])
    row = checked(seller, book([{**rows[0], "Answer": "change", "Quantity offered": "=20+20"}]), name="answers.xlsx")
    assert (faults(row), row.plan) == ([(2, "quantity", "formula_cell")], [])


def test_no_text_goes_out_as_a_formula_and_it_comes_back_as_it_was(two: Two) -> None:
    buyer, seller = two
    order(buyer, seller, number="=1+1")
    (row,) = rows_of(sheet(seller))
    assert row["Order"] == "'=1+1"
    cells = load_workbook(io.BytesIO(sheet(seller, services.XLSX))).worksheets[0][2]
    assert (cells[0].value, cells[0].data_type) == ("=1+1", "s")
    found = checked(seller, table([{**row, "Order ID": "", "Answer": "accept"}]))
    assert (faults(found), found.total) == ([], 1)


def test_a_move_on_each_that_was_picked_with_what_became_of_it(two: Two, queued: list[str]) -> None:
    buyer, seller = two
    keys = [order(buyer, seller) for _number in range(3)]
    foreign = order(*make_pair())
    move(seller, keys[1], "confirm")
    with seller.acting():
        row = services.move_many(type="order", move="acknowledge", documents=[*keys, foreign], by=seller.seller, at=clock.now())
    assert queued[-1] == str(row.pk)
    ended = work(seller, row.pk)
    assert (ended.stage, ended.total, ended.said, sorted(ended.outcomes)) == ("done", 4, 2, ["1", "3"])
    assert [state(buyer, key) for key in keys] == ["acknowledged", "agreed", "acknowledged"]
    with seller.acting():
        row = services.move_many(type="order", move="confirm", documents=keys, by=seller.seller, at=clock.now())
    assert work(seller, row.pk).said == 2
    assert {state(buyer, key) for key in keys} == {"agreed"}
    with unchanged(buyer, seller), seller.acting():
        with pytest.raises(Invalid):
            services.move_many(type="order", move="offer_cancel", documents=keys, by=seller.seller, at=AT)
        with pytest.raises(Invalid):
            services.move_many(type="order", move="acknowledge", documents=[], by=seller.seller, at=AT)
        with pytest.raises(services.MayNot):
            services.move_many(type="order", move="acknowledge", documents=keys, by=seller.viewer, at=AT)


def test_no_heading_means_two_columns() -> None:
    names = [name for column in services.SHEET.columns for name in {each.casefold() for each in (column.code, column.title.en, column.title.zh)}]
    assert len(names) == len(set(names))
    assert sheeting.answer_of(" 拒绝 ") == "reject"
