"""Files beside a document: the same bytes on both sides, told by their content, and nothing left of what was refused."""

from __future__ import annotations

import contextlib
import hashlib
import io
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.client import encode_multipart

from apps.base.findings import Invalid
from apps.documents import services as documents
from apps.documents.services.recognising import clean_name, media_type_of
from apps.exchange import services as exchange
from apps.exchange.services.chaining import canonical
from tests.cast import AT, Cast, Member, ask, make_pair, move, order, unchanged
from tests.documents.browsing import page_of, words

Two = tuple[Member, Member]
PDF = b"%PDF-1.7\n\x80\x81 drawing 4711"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def archive(*names: str) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as made:
        for name in names:
            made.writestr(name, "x")
    return held.getvalue()


def bomb() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as made:
        for index in range(6):
            made.writestr(f"{index}", bytes(90 * 1024 * 1024))
    return held.getvalue()


def sent(member: Member, uid: Any, body: bytes = PDF, name: str = "drawing.pdf", *, key: str = "", boundary: str = "b0undary", **more: Any) -> Any:
    """A file posted as a form, as a partner's program does it."""
    form = encode_multipart(boundary, {"file": SimpleUploadedFile(name, body), **more})
    headers = {"Idempotency-Key": key} if key else {}
    return member.api.post(f"orders/{uid}/attachments/", form, content_type=f"multipart/form-data; boundary={boundary}", headers=headers)


def listed(member: Member, uid: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = member.api.get(f"orders/{uid}/attachments/").json()["results"]
    return found


def kept(member: Member) -> dict[str, bytes]:
    """The files in this enterprise's folder."""
    folder = Path(settings.STORAGES["default"]["OPTIONS"]["location"]) / member.home.schema
    return {path.name: path.read_bytes() for path in folder.glob("**/*") if path.is_file()}


@contextlib.contextmanager
def nothing_left(*members: Member) -> Iterator[None]:
    """Neither a row nor a file has changed in the block."""
    before = [kept(member) for member in members]
    with unchanged(*members):
        yield
    assert [kept(member) for member in members] == before


def differences(member: Member) -> list[str]:
    with member.acting():
        return [difference.text for difference in exchange.verify()[1]]


# Both sides -----------------------------------------------------------------------------------------------------------


def test_both_enterprises_hold_the_same_bytes(pair: Two) -> None:
    buyer, seller = pair
    uid = order(buyer, seller)
    answer = sent(seller, uid, name="Zeichnung 图纸.pdf")
    assert answer.status_code == 201, answer.content
    added = answer.json()
    assert answer["Location"] == added["url"]
    assert (added["kind"], added["name"], added["media_type"], added["size"]) == ("attachment", "Zeichnung 图纸.pdf", "application/pdf", len(PDF))
    assert added["sha256"] == hashlib.sha256(PDF).hexdigest()
    for member in pair:
        assert listed(member, uid) == [{**added, "own": member is seller}]
        file = member.api.get(f"orders/{uid}/attachments/{added['uid']}/")
        assert (file.content, file["Content-Type"], file["X-Content-Type-Options"]) == (PDF, "application/pdf", "nosniff")
        assert file["Content-Disposition"].startswith("attachment; filename")
        assert list(kept(member).values()) == [PDF]
        (step,) = [step for step in member.api.get(f"orders/{uid}/steps/").json()["results"] if step["move"] == "attach"]
        assert (step["event"], step["own"], step["before"]) == ("order.attached", member is seller, step["after"])
        assert member.api.get("events/").json()["results"][-1]["event"] == "order.attached"
        assert differences(member) == []


def test_a_file_beside_a_draft_goes_with_its_publication(pair: Two) -> None:
    buyer, seller = pair
    uid = order(buyer, seller, publish=False)
    assert sent(buyer, uid).status_code == 201
    assert (kept(seller), differences(buyer)) == ({}, [])
    move(buyer, uid, "publish")
    assert [row["name"] for row in listed(seller, uid)] == ["drawing.pdf"]
    assert list(kept(seller).values()) == [PDF]
    assert differences(buyer) + differences(seller) == []


@pytest.mark.parametrize(("language", "sentence"), [("en", "attached a file: drawing.pdf"), ("zh-hans", "添加了附件：drawing.pdf")])
def test_the_sentence_of_the_history_names_the_file(language: str, sentence: str) -> None:
    buyer, seller = make_pair(language=language)
    uid = order(buyer, seller)
    sent(buyer, uid)
    assert sentence in words(seller.page_client().get(page_of(uid)))


def test_one_key_adds_one_file_whatever_stands_between_the_parts(pair: Two) -> None:
    buyer, seller = pair
    uid = order(buyer, seller)
    first, again = sent(buyer, uid, key="f-1"), sent(buyer, uid, key="f-1", boundary="another")
    assert (first.status_code, again.status_code, again["Idempotent-Replayed"], again.content) == (201, 201, "true", first.content)
    assert len(listed(seller, uid)) == len(kept(seller)) == len(kept(buyer)) == 1
    assert sent(buyer, uid, PDF + b"2", key="f-1").status_code == 422
    assert len(kept(buyer)) == 1


# Refusals -------------------------------------------------------------------------------------------------------------

REFUSED = {
    "empty": (b"", "empty"),
    "too big": (b"%PDF-" + bytes(documents.LARGEST_FILE), "too_big"),
    "a program": (b"MZ\x90\0\x03\0", "content"),
    "Latin-1": ("naïve".encode("latin-1"), "content"),
    "an escape": (b"plain \x1b[2J", "content"),
    "a web page": (b"<html><body><p>Hello</body></html>", "broken"),
    "a DOCTYPE": (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "doctype"),
    "no archive": (b"PK\x03\x04 and nothing more", "broken"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused_leaves_nothing(pair: Two, what: str) -> None:
    buyer, seller = pair
    uid = order(buyer, seller)
    body, code = REFUSED[what]
    page = buyer.page_client()
    with nothing_left(buyer, seller):
        answer = sent(buyer, uid, body)
        shown = page.post(page_of(uid, "attachments/"), {"file": SimpleUploadedFile("drawing.pdf", body)})
    assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json")
    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == ("/file", code)
    assert shown.status_code == 422
    assert error["detail"] in words(shown)


def test_an_archive_that_unfolds_without_end_is_refused() -> None:
    with pytest.raises(Invalid, match="unfolds"):
        media_type_of(bomb(), name="a.zip")


def test_a_body_that_is_no_form_with_one_file_is_refused(pair: Two) -> None:
    buyer, seller = pair
    uid = order(buyer, seller)
    form = "multipart/form-data; boundary=b"
    many = encode_multipart("b", {"file": [SimpleUploadedFile("a.pdf", PDF)] * 120})
    for status, body, media_type in (
        (415, b"{}", "application/json"),
        (400, b"nothing", "multipart/form-data"),
        (400, many, form),
        (422, encode_multipart("b", {"text": "x"}), form),
        (422, encode_multipart("b", {"file": [SimpleUploadedFile("a.pdf", PDF)] * 2}), form),
        (422, encode_multipart("b", {"file": SimpleUploadedFile("a.pdf", PDF), "more": "x"}), form),
        (413, bytes(13 * 1024 * 1024), form),
    ):
        for headers in ({}, {"Idempotency-Key": f"k-{status}-{len(body)}"}):
            answer = buyer.api.post(f"orders/{uid}/attachments/", body, content_type=media_type, headers=headers)
            assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json"), (body[:40], answer.content)
    assert listed(buyer, uid) == []
    assert kept(buyer) == kept(seller) == {}


def test_who_may_not_adds_nothing(pair: Two, cast: Cast) -> None:
    buyer, seller = pair
    uid = order(buyer, seller)
    page = buyer.page_client("viewer")
    assert "Attach a file" not in words(page.get(page_of(uid)))
    with nothing_left(buyer, seller):
        assert page.post(page_of(uid, "attachments/"), {"file": SimpleUploadedFile("a.pdf", PDF)}).status_code == 403
        with buyer.acting(buyer.viewer), pytest.raises(documents.MayNot):
            documents.attach(document=uid, name="a.pdf", body=PDF, by=buyer.viewer, at=AT)


def test_the_stranger_finds_no_file(pair: Two, cast: Cast) -> None:
    buyer, seller = pair
    uid, other = order(buyer, seller), order(buyer, seller)
    key = sent(buyer, uid).json()["uid"]
    page = cast.stranger.page_client()
    nowhere = cast.stranger.api.get(f"orders/{uuid.uuid4()}")
    with nothing_left(buyer, seller, cast.stranger):
        for answer in (
            cast.stranger.api.get(f"orders/{uid}/attachments/"),
            cast.stranger.api.get(f"orders/{uid}/attachments/{key}/"),
            sent(cast.stranger, uid),
        ):
            assert (answer.status_code, answer.content) == (404, nowhere.content)
        assert page.get(page_of(uid, f"attachments/{key}/")).status_code == 404
        assert page.post(page_of(uid, "attachments/"), {"file": SimpleUploadedFile("a.pdf", PDF)}).status_code == 404
        assert buyer.api.get(f"orders/{other}/attachments/{key}/").status_code == 404
        assert buyer.page_client().get(page_of(other, f"attachments/{key}/")).status_code == 404


def test_without_a_partnership_nothing_is_added(pair: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reaction fails after the row was written: neither row nor file stays."""
    buyer, seller = pair
    uid = order(buyer, seller)

    def fail(**_given: Any) -> None:
        raise RuntimeError("no more room in the log")

    monkeypatch.setattr("apps.exchange.services.sending.append", fail)
    with nothing_left(buyer, seller), buyer.acting(), pytest.raises(RuntimeError, match="no more room"):
        documents.attach(document=uid, name="a.pdf", body=PDF, by=buyer.actor, at=AT)


# The partner's word ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lie", [{"sha256": "0" * 64}, {"size": 1}, {"name": "../../a.pdf"}, {"media_type": "text/html"}, {"content": "TVqQ", "size": 3}, {"content": "%%"}]
)
def test_a_partners_file_must_be_what_it_says(pair: Two, lie: dict[str, Any]) -> None:
    buyer, seller = pair
    uid = order(buyer, seller)
    with buyer.acting():
        added = documents.attach(document=uid, name="a.pdf", body=PDF, by=buyer.actor, at=AT)
        (news,) = documents.untold(document=uid)
    body = {**news.body, "attachment": str(uuid.uuid4()), **lie}
    if lie.get("content") == "TVqQ":
        body["sha256"] = hashlib.sha256(b"MZ\x90").hexdigest()
    with nothing_left(seller), seller.acting(), pytest.raises((documents.Unacceptable, ValueError)):
        documents.accept_attachment(body=body, partner_id=buyer.id)
    with seller.acting(), pytest.raises(documents.Unacceptable):
        documents.accept_attachment(body={**news.body, "attachment": str(uuid.uuid4())}, partner_id=uuid.uuid4())
    assert canonical(dict(news.body))
    assert kept(seller) == {added.stored: PDF}


def test_a_file_or_a_row_that_was_changed_is_named(pair: Two) -> None:
    buyer, seller = pair
    uid = order(buyer, seller)
    key = sent(buyer, uid).json()["uid"]
    place = Path(settings.STORAGES["default"]["OPTIONS"]["location"]) / seller.home.schema / uuid.UUID(key).hex
    place.write_bytes(PDF + b"!")
    assert differences(seller) == [f"attachment {key}: its file differs from its digest"]
    place.unlink()
    assert differences(seller) == [f"attachment {key}: its file is missing"]
    place.write_bytes(PDF)
    ask(f'UPDATE "{seller.home.schema}".documents_attachment SET name = %s WHERE id = %s', ["other.pdf", key])
    assert differences(seller) == [f"attachment {key}: differs from the log"]
    assert differences(buyer) == []
    ask(f'DELETE FROM "{seller.home.schema}".documents_attachment WHERE id = %s', [key])
    assert differences(seller) == [f"attachment {key}: missing"]


def test_an_enterprise_changes_no_file_that_it_added(pair: Two) -> None:
    for privilege in ("UPDATE", "DELETE"):
        schema = pair[0].home.schema
        assert ask(f"SELECT has_table_privilege('{schema}', '\"{schema}\".documents_attachment', '{privilege}') AS may")[0]["may"] is False


# Pages ----------------------------------------------------------------------------------------------------------------


def test_a_file_is_added_without_javascript_and_seen_by_the_partner(pair: Two) -> None:
    buyer, seller = pair
    uid = order(buyer, seller)
    answer = buyer.page_client().post(page_of(uid, "attachments/"), {"file": SimpleUploadedFile("Maße <b>.txt", "40 µm".encode())})
    assert answer["Location"] == page_of(uid) + "#papers"
    theirs = seller.page_client()
    part = theirs.get(page_of(uid, "parts/papers/")).content.decode()
    assert part.lstrip().startswith('<div class="papers" id="papers"')
    assert "Maße &lt;b&gt;.txt" in part
    key = listed(seller, uid)[0]["uid"]
    file = theirs.get(page_of(uid, f"attachments/{key}/"))
    assert (file.content.decode(), file["Content-Type"], file["X-Content-Type-Options"]) == ("40 µm", "text/plain; charset=utf-8", "nosniff")
    assert file["Content-Disposition"].startswith("attachment; ")
    assert "sandbox" in file["Content-Security-Policy"]


def test_a_form_without_a_file_says_so(pair: Two) -> None:
    buyer, seller = pair
    uid = order(buyer, seller)
    with nothing_left(buyer, seller):
        answer = buyer.page_client().post(page_of(uid, "attachments/"), {})
    assert answer.status_code == 422
    assert "Choose a file first." in words(answer)


# Names and kinds ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "clean"),
    [
        ("drawing.pdf", "drawing.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\plans\\a.pdf", "a.pdf"),
        ("a\r\nSet-Cookie: b\0.pdf", "a Set-Cookie: b.pdf"),
        ("\u202efdp.exe", "fdp.exe"),
        ("..", "file"),
        ("", "file"),
        ("图纸.dxf", "图纸.dxf"),
        ("x" * 300 + ".step", "x" * 195 + ".step"),
    ],
)
def test_a_name_is_cleaned(given: str, clean: str) -> None:
    assert clean_name(given) == clean
    assert clean_name(clean) == clean


@pytest.mark.parametrize(
    ("body", "name", "media_type"),
    [
        (PDF, "a.txt", "application/pdf"),
        (b"\x89PNG\r\n\x1a\n....", "a", "image/png"),
        (b"\xff\xd8\xff\xe0....", "a", "image/jpeg"),
        (b"\xef\xbb\xbf<?xml version='1.0'?><a/>", "a.html", "application/xml"),
        ("<?xml version='1.0' encoding='utf-16'?><a/>".encode("utf-16"), "a", "application/xml"),
        (b"a;b\r\n1;2\r\n", "A.CSV", "text/csv"),
        ("40 µm".encode(), "a.exe", "text/plain"),
        (b"ISO-10303-21;\nHEADER;\n", "a", "model/step"),
        (b"  0\r\nSECTION\r\n  2\r\nHEADER\r\n", "a", "image/vnd.dxf"),
        (archive("[Content_Types].xml", "xl/workbook.xml"), "a", XLSX),
        (archive("[Content_Types].xml", "xl/workbook.xml", "xl/vbaProject.bin"), "a.xlsx", "application/zip"),
        (archive("a.txt"), "a.xlsx", "application/zip"),
    ],
)
def test_a_file_is_what_its_content_says(body: bytes, name: str, media_type: str) -> None:
    assert media_type_of(body, name=name) == media_type


def test_a_partner_of_one_side_sees_no_file_of_the_other(cast: Cast) -> None:
    uid = order(cast.maker, cast.supplier)
    key = sent(cast.maker, uid).json()["uid"]
    assert cast.subsupplier.api.get(f"orders/{uid}/attachments/{key}/").status_code == 404
