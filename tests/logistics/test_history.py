"""Years gone by, loaded through the same moves as today: nothing is lost, a stop is no end, and the scorecards are those that were published."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.base.acting import in_lobby
from apps.documents import selectors as documents
from apps.documents.selectors import Scorecard
from apps.logistics.services import chronicles, retelling
from apps.logistics.services.chronicles import Bought, Fault
from apps.tenants import selectors as tenants
from tests.cast import Member, fresh_number, outside, provision, stock, unchanged
from tests.logistics.deliveries import proven

DATA = Path(__file__).parents[3] / "shared" / "data" / "supplychain" / "scms"
HEADING = list(chronicles.COLUMNS.values())
GOOD = {
    "Vendor": "Vendor One, Ltd.", "PO / SO #": "PO-1", "ASN/DN #": "ASN-1", "Item Description": "Reveal, 30 tests", "Line Item Quantity": "19",
    "Line Item Value": "551", "PO Sent to Vendor Date": "Date Not Captured", "Scheduled Delivery Date": "02-Jun-06", "Delivered to Client Date": "05-Jun-06",
}  # fmt: skip


def written(*rows: dict[str, str], encoding: str = "utf-8") -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, HEADING)
    writer.writeheader()
    writer.writerows({**GOOD, **row} for row in rows)
    return out.getvalue().encode(encoding)


@pytest.fixture
def buyer(database: None) -> Member:
    return provision(f"past{fresh_number('')}", "Buyer of the past", currency="USD")


def load(buyer: Member, file: Path, **more: Any) -> tuple[str, str]:
    """What the command prints, and what it complains of."""
    out, err = io.StringIO(), io.StringIO()
    outside(call_command, "history", str(file), enterprise=buyer.slug, stdout=out, stderr=err, **more)
    return out.getvalue(), err.getvalue()


def vendor_of(buyer: Member, name: str) -> Member:
    with in_lobby():
        home = tenants.home(slug=chronicles.slug_of(name, buyer=buyer.slug))
    assert home is not None
    return Member(home=home, token="")


def card(reader: Member, partner: Member, side: str) -> Scorecard:
    with reader.acting():
        return documents.scorecard(partner_id=partner.id, side=side, today=dt.date(2027, 1, 4))


def test_every_row_is_a_line_or_a_fault() -> None:
    wrong = [
        {"Vendor": ""}, {"Line Item Quantity": "0"}, {"Line Item Value": "-1"}, {"Scheduled Delivery Date": "soon"}, {"Delivered to Client Date": "31-Feb-06"},
        {"PO / SO #": "x" * 61}, {"Item Description": "a\x00b"},
    ]  # fmt: skip
    found = list(chronicles.read(written({}, *wrong, {"Item Description": "Côte", "Line Item Value": "0"}, encoding="cp1252")))
    assert [type(row) for row in found] == [Bought, *[Fault] * len(wrong), Bought]
    assert [row.row for row in found] == list(range(2, 11))
    last = found[-1]
    assert isinstance(last, Bought)
    assert (last.item, last.value, last.sent_on, last.came_on) == ("Côte", Decimal(0), None, dt.date(2006, 6, 5))
    assert [row.detail.partition(":")[0] for row in found if isinstance(row, Fault)] == [next(iter(each)) for each in wrong]


def test_vendors_whose_names_begin_alike_stand_apart() -> None:
    long = "A vendor of many words, and of many more "
    slugs = [chronicles.slug_of(name, buyer="buyer") for name in ("Acme, Ltd.", f"{long}one", f"{long}two", "上海", "宁波")]
    assert slugs[0] == "buyer-acme-ltd"
    assert len(set(slugs)) == 5
    assert [slug for slug in slugs if not re.fullmatch("[a-z][a-z0-9-]{1,39}", slug)] == []


@pytest.mark.parametrize("content", [b"", b"Vendor,Order\n1,2\n", b"\xff\xfe\x00", b"PK\x03\x04"])
def test_what_is_no_history_is_refused_whole(buyer: Member, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "x.csv"
    file.write_bytes(content)
    with unchanged(buyer), pytest.raises(CommandError, match="lacks these columns"):
        load(buyer, file)


def test_a_history_is_told_once_and_goes_on_where_it_was_stopped(buyer: Member, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "history.csv"
    long = "A very long description of an item that is longer than any number of it may be, 30 tests"
    file.write_bytes(written(
        {}, {"Line Item Quantity": "3", "Line Item Value": "10", "Item Description": long},
        {"PO / SO #": "PO-2", "ASN/DN #": "ASN-2", "Delivered to Client Date": "01-Jun-06", "PO Sent to Vendor Date": "4/19/2006"},
        {"PO / SO #": "PO-3", "ASN/DN #": "ASN-3", "Scheduled Delivery Date": "never"},
        {"PO / SO #": "PO-2", "Vendor": "Vendor Two"},
    ))  # fmt: skip
    moves = 0
    real = retelling.Teller._say

    def say(self: Any, move: Any) -> None:
        nonlocal moves
        moves += 1
        if moves in (2, 4, 7):
            raise KeyboardInterrupt
        real(self, move)

    monkeypatch.setattr(retelling.Teller, "_say", say)
    for _time in range(3):
        with pytest.raises(CommandError, match="goes on from here"):
            load(buyer, file)
    out, err = load(buyer, file)
    assert "5 rows: 3 stand in the portal, 2 do not" in out
    assert err.splitlines() == ["row 5: Scheduled Delivery Date: “never” is no day.", "row 6: The order PO-2 is with another vendor, too."]
    vendor = vendor_of(buyer, "Vendor One, Ltd.")
    with unchanged(buyer, vendor):
        again, _err = load(buyer, file)
    assert "2 of 2 orders (2 were there)" in again
    for reader, partner, side in ((buyer, vendor, "buyer"), (vendor, buyer, "seller")):
        scored = card(reader, partner, side)
        assert (scored.whole.on_time, scored.whole.late, scored.whole.days_late, scored.whole.values) == (1, 2, 6, {"USD": Decimal("1112.00")})
    assert proven(buyer, vendor) == []


def test_nothing_is_said_in_the_name_of_an_enterprise_that_is_there(buyer: Member, tmp_path: Path) -> None:
    other = provision(chronicles.slug_of("Vendor One, Ltd.", buyer=buyer.slug), "Somebody else")
    stock(other, "X-1", "Theirs")
    file = tmp_path / "history.csv"
    file.write_bytes(written({}))
    with unchanged(buyer, other), pytest.raises(CommandError, match="no supplier of this history"):
        load(buyer, file)


def published() -> list[dict[str, Any]]:
    if not DATA.is_dir():
        pytest.skip("the delivery history of SCMS is not here: ../shared/data/supplychain/scms")
    found: list[dict[str, Any]] = json.loads((DATA / "expected_vendor_kpis.json").read_text("utf-8"))["vendors"]
    return found


def compared(buyer: Member, vendors: list[dict[str, Any]]) -> None:
    """The scorecard of each vendor is as it was published, at both sides."""
    for each in vendors:
        vendor = vendor_of(buyer, each["vendor"])
        for scored in (card(buyer, vendor, "buyer"), card(vendor, buyer, "seller")):
            kept = scored.whole
            told = (each["vendor"], kept.due, kept.on_time, float(kept.share or 0), kept.days_late, float(kept.values["USD"]))
            wanted = tuple(each[name] for name in ("vendor", "lines", "on_time_lines", "on_time_pct", "total_days_late", "line_value_usd"))
            assert told == wanted


def test_a_part_of_the_real_history_comes_to_the_published_figures(buyer: Member, tmp_path: Path) -> None:
    small = [each for each in published() if each["lines"] <= 3 or each["vendor"] == "EMCURE PHARMACEUTICALS LTD"][:6]
    names = {each["vendor"] for each in small}
    with next(DATA.glob("*.csv")).open(encoding="utf-8", newline="") as given:
        rows = [row for row in csv.DictReader(given) if row["Vendor"] in names]
    file = tmp_path / "part.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    out_text, err = load(buyer, file)
    assert f"{len(rows)} rows: {len(rows)} stand in the portal, 0 do not" in out_text
    assert err == ""
    compared(buyer, small)


@pytest.mark.night
def test_the_whole_real_history_comes_to_the_published_figures(buyer: Member) -> None:
    vendors = published()
    out, err = load(buyer, next(DATA.glob("*.csv")))
    assert "6507 rows: 6507 stand in the portal, 0 do not" in out
    assert err == ""
    compared(buyer, vendors)
