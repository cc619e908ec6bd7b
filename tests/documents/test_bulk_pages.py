"""Many documents at once, as people and programs reach it: the table down and up, what is wrong, go and stop, progress, the report."""

from __future__ import annotations

import csv
import io
import uuid
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.documents import selectors, tasks
from tests.cast import Member, make_pair, move, order, unchanged
from tests.documents.browsing import LIST, words
from tests.documents.test_bulk import answered, rows_of, state, table, work

Two = tuple[Member, Member]
ANSWERS = f"{LIST}answers/"


@pytest.fixture
def queued(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is handed over to the worker, which does nothing of it."""
    found: list[str] = []
    monkeypatch.setattr(tasks.work, "delay", found.append)
    return found


@pytest.fixture
def two(queued: list[str]) -> Two:
    return make_pair()


def download(page: Any, query: str = "as=csv") -> list[dict[str, str]]:
    return rows_of(page.get(f"{ANSWERS}table/?{query}").content)


def upload(page: Any, body: bytes, name: str = "answers.csv") -> Any:
    return page.post(ANSWERS, {"file": SimpleUploadedFile(name, body)})


def key_of(answer: Any) -> uuid.UUID:
    assert answer.status_code == 303
    return uuid.UUID(answer["Location"].rstrip("/").rpartition("/")[2])


def test_a_supplier_answers_by_a_table(two: Two) -> None:
    buyer, seller = two
    keys = [order(buyer, seller, 2, number=f"T-{number}") for number in range(3)]
    page = seller.page_client()
    shown = words(page.get(ANSWERS))
    assert "3 documents wait for your answer" in shown
    assert "Answer by table" in words(page.get(LIST))
    rows = answered(download(page))
    assert {row["Order"] for row in rows} == {"T-0", "T-1", "T-2"}
    bulk = key_of(upload(page, table(rows)))
    address = f"{LIST}bulk/{bulk}/"
    assert "Being checked" in words(page.get(address))
    work(seller, bulk)
    assert "Say it: 3 documents, all or nothing" in words(page.get(address))
    assert page.post(address, {"do": "all"}).status_code == 303
    assert "Running" in words(page.get(address))
    work(seller, bulk)
    shown = words(page.get(address))
    assert "Said 3" in shown
    assert "Not said 0" in shown
    assert [state(buyer, key) for key in keys] == ["agreed"] * 3
    assert "answers.csv" in words(page.get(ANSWERS))
    assert "Nothing waits for an answer of yours now." in words(page.get(ANSWERS))
    report = csv.DictReader(io.StringIO(page.get(f"{address}report/?as=csv").content.decode("utf-8-sig")))
    assert [(row["Order"], row["Line"], row["Result"], row["What is wrong"]) for row in report] == [(row["Order"], row["Line"], "said", "") for row in rows]


def test_the_table_has_what_the_list_shows(two: Two) -> None:
    buyer, seller = two
    order(buyer, seller, number="F-1")
    order(buyer, seller, number="F-2")
    assert {row["Order"] for row in download(seller.page_client(), "number=F-2&as=csv")} == {"F-2"}
    assert seller.page_client().get(f"{ANSWERS}table/?as=xlsx").content.startswith(b"PK")
    assert seller.page_client().get(f"{ANSWERS}table/?as=pdf").status_code == 404
    assert download(buyer.page_client()) == []


def test_what_is_wrong_is_told_at_its_row_and_the_good_part_is_said(two: Two) -> None:
    buyer, seller = two
    keys = [order(buyer, seller, number=f"G-{number}") for number in range(3)]
    page = seller.page_client()
    rows = answered(download(page))
    rows[1]["Answer"] = "perhaps"
    bulk = key_of(upload(page, table(rows)))
    work(seller, bulk)
    address = f"{LIST}bulk/{bulk}/"
    shown = words(page.get(address))
    assert "3 Answer “perhaps” is no answer." in shown
    assert "all or nothing" not in shown
    with unchanged(buyer, seller):
        page.post(address, {"do": "all"})
    assert "Not every row is good" in words(page.get(address))
    page.post(address, {"do": "good"})
    work(seller, bulk)
    assert sorted(state(buyer, key) for key in keys) == ["agreed", "agreed", "published"]
    report = csv.DictReader(io.StringIO(page.get(f"{address}report/?as=csv").content.decode("utf-8-sig")))
    assert [row["Result"] for row in report] == ["said", "wrong", "said"]


def test_what_is_no_table_is_refused_in_the_page(two: Two, queued: list[str]) -> None:
    page = two[1].page_client()
    for body, told in ((b"%PDF-1.7", "This is no table."), (b" ", "The file is empty."), (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old or an encrypted workbook")):
        answer = upload(page, body)
        assert answer.status_code == 422
        assert told in words(answer)
    assert "Choose the table" in words(page.post(ANSWERS, {}))
    assert queued == []


def test_a_move_on_many_tells_what_was_not_possible(two: Two) -> None:
    buyer, seller = two
    first, second, third = (order(buyer, seller, number=f"B-{index}") for index in range(3))
    move(seller, third, "confirm")
    page = seller.page_client()
    bulk = key_of(page.post(f"{LIST}moves/acknowledge/", {"uid": [str(first), str(second), str(third)]}))
    work(seller, bulk)
    shown = words(page.get(f"{LIST}bulk/{bulk}/"))
    assert "Said 2" in shown
    assert "B-2 “Acknowledge” is not possible while the document is “Agreed”." in shown
    assert [state(seller, uid) for uid in (first, second, third)] == ["acknowledged", "acknowledged", "agreed"]
    bulk = key_of(page.post(f"{LIST}moves/confirm/", {"uid": [str(first), str(second)]}))
    work(seller, bulk)
    assert [state(seller, uid) for uid in (first, second)] == ["agreed", "agreed"]


def test_a_move_that_asks_more_than_a_click_is_none_for_many(two: Two, queued: list[str]) -> None:
    buyer, seller = two
    uid = order(buyer, seller)
    with unchanged(buyer, seller):
        page = seller.page_client()
        assert page.post(f"{LIST}moves/offer_cancel/", {"uid": [str(uid)]}).status_code == 404
        assert page.post(f"{LIST}moves/acknowledge/", {"uid": ["nonsense"]}).status_code == 404
        answer = page.post(f"{LIST}moves/acknowledge/", {"next": f"{LIST}?waiting=on"}, follow=True)
        assert "Select at least one document first." in words(answer)
        assert seller.page_client("viewer").post(f"{LIST}moves/acknowledge/", {"uid": [str(uid)]}).status_code == 403
    assert queued == []


def test_nobody_else_sees_it(two: Two) -> None:
    buyer, seller = two
    order(buyer, seller)
    stranger, _other = make_pair()
    page = seller.page_client()
    bulk = key_of(upload(page, table(answered(download(page)))))
    work(seller, bulk)
    address = f"{LIST}bulk/{bulk}/"
    with unchanged(buyer, seller):
        for other in (buyer, stranger):
            for path in (address, f"{address}report/"):
                assert other.page_client().get(path).status_code == 404
            assert other.page_client().post(address, {"do": "all"}).status_code == 404
            for path in (f"orders/bulk/{bulk}/", f"orders/bulk/{bulk}/report/"):
                assert other.api.get(path).status_code == 404
            for deed in ("run", "stop"):
                assert other.api.post(f"orders/bulk/{bulk}/{deed}/", {}).status_code == 404
        assert seller.page_client("viewer").get(address).status_code == 403
        assert seller.page_client("viewer").get(ANSWERS).status_code == 403
    assert page.get(f"/documents/promises/bulk/{bulk}/").status_code == 404
    assert page.get("/documents/promises/answers/").status_code == 404


def test_a_program_answers_by_a_table(two: Two) -> None:
    buyer, seller = two
    keys = [order(buyer, seller) for _number in range(2)]
    api = seller.api
    found = api.get("orders/answers/", headers={"Accept": "text/csv"})
    assert found["Content-Type"] == "text/csv; charset=utf-8"
    assert api.get("orders/answers/").content.startswith(b"PK")
    body = table(answered(rows_of(found.content)))
    taken = api.post("orders/answers/", body, content_type="text/csv", headers={"Idempotency-Key": "a-1"})
    assert taken.status_code == 202
    uid = taken.json()["uid"]
    assert taken["Location"].endswith(f"/api/v1/orders/bulk/{uid}/")
    again = api.post("orders/answers/", body, content_type="text/csv", headers={"Idempotency-Key": "a-1"})
    assert (again.json(), again["Idempotent-Replayed"]) == (taken.json(), "true")
    work(seller, uuid.UUID(uid))
    told = api.get(f"orders/bulk/{uid}/").json()
    assert (told["stage"], told["total"], told["findings"]) == ("checked", 2, [])
    assert [each["result"] for each in told["outcomes"]] == ["left", "left"]
    assert api.post(f"orders/bulk/{uid}/run/", {"whole": "yes"}).status_code == 422
    assert api.post(f"orders/bulk/{uid}/run/", {"whole": True}).status_code == 202
    assert api.post(f"orders/bulk/{uid}/run/", {}).status_code == 409
    work(seller, uuid.UUID(uid))
    told = api.get(f"orders/bulk/{uid}/").json()
    assert (told["stage"], told["said"], [each["result"] for each in told["outcomes"]]) == ("done", 2, ["said", "said"])
    assert {state(buyer, key) for key in keys} == {"agreed"}
    assert [each["uid"] for each in api.get("orders/bulk/").json()["results"]] == [uid]
    assert api.post(f"orders/bulk/{uid}/stop/", {}).status_code == 409
    assert api.get(f"orders/bulk/{uid}/report/", headers={"Accept": "text/csv"}).content.count(b"said") == 2


def test_a_program_is_told_each_fault(two: Two, queued: list[str]) -> None:
    buyer, seller = two
    key = order(buyer, seller)
    api = seller.api
    rows = answered(rows_of(api.get("orders/answers/", headers={"Accept": "text/csv"}).content))
    rows[0]["Answer"] = "reject"
    uid = api.post("orders/answers/", table(rows), content_type="text/csv").json()["uid"]
    work(seller, uuid.UUID(uid))
    (finding,) = api.get(f"orders/bulk/{uid}/").json()["findings"]
    assert (finding["row"], finding["column"], finding["code"]) == (2, "reason", "required")
    queued.clear()
    with unchanged(buyer, seller):
        for body, kind, status in ((b"x", "application/pdf", 415), (b" \n", "text/csv", 422), (b"%PDF", "text/csv", 422)):
            assert api.post("orders/answers/", body, content_type=kind).status_code == status
        for wrong in ({}, {"move": "acknowledge"}, {"move": "offer_cancel", "documents": [str(key)]}, {"move": "x", "documents": [str(key)], "more": 1}):
            assert api.post("orders/bulk/", wrong).status_code == 422
        assert api.post("orders/bulk/", {"move": "acknowledge", "documents": ["nonsense"]}).status_code == 404
    assert queued == []
    begun = api.post("orders/bulk/", {"move": "acknowledge", "documents": [str(key)]})
    assert begun.status_code == 202
    work(seller, uuid.UUID(begun.json()["uid"]))
    assert state(buyer, key) == "acknowledged"


def test_what_runs_can_be_stopped_by_whoever_may_answer(two: Two) -> None:
    buyer, seller = two
    key = order(buyer, seller)
    page = seller.page_client()
    bulk = key_of(upload(page, table(answered(download(page)))))
    page.post(f"{LIST}bulk/{bulk}/", {"do": "stop"})
    assert "Stopping" in words(page.get(f"{LIST}bulk/{bulk}/"))
    work(seller, bulk)
    assert "It was stopped: nothing was said." in words(page.get(f"{LIST}bulk/{bulk}/"))
    assert state(buyer, key) == "published"
    with seller.acting():
        found = selectors.bulk(id=bulk)
    assert found is not None
    assert found["finished_at"] is not None
