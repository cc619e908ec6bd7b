"""The pages of a document and its forms, which work without JavaScript and lose nothing that was typed."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.documents import selectors
from apps.documents import services as documents
from tests.cast import AT, Cast, Member, PageClient, fresh_number, move, order, unchanged
from tests.documents.browsing import LINE, LIST, errors_beside, head, page_of, typed, words
from tests.documents.conversations import CHANGE

Two = tuple[Member, Member]


# Who may ------------------------------------------------------------------------------------------------------------


def test_a_stranger_finds_nothing_on_any_page(pair: Two, cast: Cast) -> None:
    buyer, seller = pair
    uid = order(buyer, seller, number="SECRET-1")
    page, missing = cast.stranger.page_client(), uuid.uuid4()
    assert "SECRET-1" not in words(page.get(f"{LIST}?q=SECRET"))
    assert "SECRET-1" not in page.get(f"{LIST}export/").content.decode()
    gets = [
        "",
        "edit/",
        "parts/head/",
        "parts/lines/",
        "parts/history/",
        "parts/papers/",
        "parts/thread/",
        "moves/confirm/",
        "moves/cancel/",
        f"originals/{uuid.uuid4()}/",
        f"attachments/{uuid.uuid4()}/",
    ]
    posts = ["edit/", "thread/", "attachments/", "moves/confirm/", "moves/cancel/"]
    with unchanged(buyer, seller, cast.stranger):
        for send, parts in ((page.get, gets), (page.post, posts)):
            for part in parts:
                foreign, absent = (send(page_of(key, part), headers={"X-Request-ID": "same"}) for key in (uid, missing))
                assert (foreign.status_code, absent.status_code) == (404, 404), part
                assert words(foreign).replace(str(uid), "") == words(absent).replace(str(missing), ""), part


def test_who_is_not_signed_in_signs_in_first() -> None:
    page = PageClient()
    assert page.get(f"{LIST}?late=on")["Location"] == "/accounts/login/?next=/documents/orders/%3Flate%3Don"


def test_a_role_without_the_permission_is_told_which_one_it_lacks(pair: Two) -> None:
    buyer, seller = pair
    uid = order(buyer, seller)
    page = buyer.page_client("viewer")
    assert page.get(LIST).context["new_url"] == ""
    assert page.get(page_of(uid)).context["moves"] == []
    with unchanged(buyer, seller):
        for url, permission in ((f"{LIST}new/", "order.draft"), (page_of(uid, "moves/cancel/"), "order.cancel")):
            answer = page.post(url, {})
            assert answer.status_code == 403
            assert f"your role lacks “{permission}”. An administrator of your enterprise can give it to you." in words(answer)
        assert page.post(page_of(uid, "thread/"), {"text": "Hello"}).status_code == 403


def test_nothing_of_a_page_is_kept_for_the_next_enterprise(pair: Two) -> None:
    answer = pair[0].page_client().get(LIST)
    assert {part.strip() for part in answer["Cache-Control"].split(",")} == {"private", "no-cache"}
    assert {"Cookie", "HX-Request"} <= {part.strip() for part in answer["Vary"].split(",")}


def test_there_is_no_page_for_a_type_that_is_none(pair: Two) -> None:
    assert pair[0].page_client().get("/documents/love-letters/").status_code == 404
    assert pair[0].page_client().get("/documents/")["Location"] == LIST


# Writing -------------------------------------------------------------------------------------------------------------


def test_a_draft_is_written_without_javascript(pair: Two) -> None:
    buyer, seller = pair
    page = buyer.page_client()
    typing = typed(LINE, partner=seller.slug, number="N-1")
    more = page.post(f"{LIST}new/", {**typing, "add_line": "1"})
    assert [entry.form["item"].value() for entry in more.context["lines"]] == ["A-1", None]
    assert more.context["form"]["number"].value() == "N-1"
    two = {**typing, **{f"lines-1-{name}": value for name, value in {**LINE, "item": "A-2"}.items()}, "lines-1-schedules-0-due_on": "2027-02-01"}
    dated = page.post(f"{LIST}new/", {**two, "lines-1-schedules-0-quantity": "30", "add_schedule": "1"})
    assert [[schedule["quantity"].value() for schedule in entry.schedules] for entry in dated.context["lines"]] == [["40"], ["30", None]]
    split = {**two, "lines-1-schedules-0-quantity": "30", "lines-1-schedules-1-due_on": "2027-03-01", "lines-1-schedules-1-quantity": "10"}
    answer = page.post(f"{LIST}new/", {**split, "save": ""})
    assert answer.status_code == 303
    with buyer.acting():
        whole = selectors.whole(id=uuid.UUID(answer["Location"].split("/")[-2]))
    assert whole is not None
    assert (whole.head["state"], whole.head["number"], str(whole.head["amount"])) == ("draft", "N-1", "6520.00")
    assert [[str(s["quantity"]) for s in row["schedules"]["requested"]] for row in whole.lines] == [["40"], ["30", "10"]]
    with seller.acting():
        assert selectors.head(id=whole.id) is None


def test_lines_and_dates_are_removed_without_javascript(pair: Two) -> None:
    two_dates = [{"due_on": "2027-01-15", "quantity": "1"}, {"due_on": "2027-01-16", "quantity": "2"}]
    typing = typed({**LINE, "item": "X", "schedules": two_dates}, {**LINE, "item": "Y"})
    page = pair[0].page_client()
    assert [entry.form["item"].value() for entry in page.post(f"{LIST}new/", {**typing, "remove_line": "0"}).context["lines"]] == ["Y"]
    fewer = page.post(f"{LIST}new/", {**typing, "remove_schedule": "0-0"}).context["lines"][0]
    assert [schedule["quantity"].value() for schedule in fewer.schedules] == ["2"]
    for wrong in ("9", "x", "-1", "", "9" * 30):
        assert len(page.post(f"{LIST}new/", {**typing, "remove_line": wrong}).context["lines"]) == 2


def test_one_date_without_a_quantity_is_for_the_whole_line_and_an_empty_line_is_none(pair: Two) -> None:
    buyer, seller = pair
    empty = {"item": "", "quantity": "", "unit": "C62", "price": "", "schedules": [{"due_on": "", "quantity": ""}]}
    typing = typed(empty, {**LINE, "schedules": [{"due_on": "2027-01-15", "quantity": ""}]}, partner=seller.slug, number="W-1")
    answer = buyer.page_client().post(f"{LIST}new/", {**typing, "publish": ""})
    with seller.acting():
        whole = selectors.whole(id=uuid.UUID(answer["Location"].split("/")[-2]))
    assert whole is not None
    assert [str(s["quantity"]) for row in whole.lines for s in row["schedules"]["requested"]] == ["40"]
    assert whole.head["state"] == "published"


NUMBER = "Write a number in digits with a point, as text: “40” or “81.50”."
SIZE = "A number has at most 12 digits before the point and 6 after it."
YEARS = "A date must lie between 1990 and 2199."
UNIT = "“furlong” is no known unit. Write its code of UN/ECE Rec 20: “C62” (piece), “KGM”, “MTR”."


def dated(day: str, quantity: str = "40") -> dict[str, Any]:
    return {"schedules": [{"due_on": day, "quantity": quantity}]}


WRONG: Sequence[tuple[str, Mapping[str, Any], Mapping[str, str], str, str]] = (
    ("unknown partner", {}, {"partner": "nobody"}, "partner", "“nobody” is no partner of yours. Invite the enterprise under Network first."),
    ("unknown item", {"item": "NO-SUCH"}, {}, "lines-0-item", "You have no item “NO-SUCH”. Enter it among your items first."),
    ("unknown unit", {"unit": "furlong"}, {}, "lines-0-unit", UNIT),
    ("unknown currency", {}, {"currency": "XXX"}, "currency", "“XXX” is no currency in force. Write its ISO 4217 code: “EUR”, “CNY”."),
    ("quantity 0", {"quantity": "0"}, {}, "lines-0-quantity", "A quantity must be greater than zero."),
    ("negative quantity", {"quantity": "-5"}, {}, "lines-0-quantity", "A quantity must be greater than zero."),
    ("19 digits", {"quantity": "1" * 19}, {}, "lines-0-quantity", SIZE),
    ("7 decimals", {"quantity": "1.1234567"}, {}, "lines-0-quantity", SIZE),
    ("NaN", {"quantity": "NaN"}, {}, "lines-0-quantity", NUMBER),
    ("a comma", {"quantity": "1,5"}, {}, "lines-0-quantity", NUMBER),
    ("infinity", {"price": "Infinity"}, {}, "lines-0-price", NUMBER),
    ("exponent", {"price": "1e5"}, {}, "lines-0-price", NUMBER),
    ("negative price", {"price": "-1"}, {}, "lines-0-price", "A price cannot be negative."),
    ("year 9999", dated("9999-01-01"), {}, "lines-0-schedules-0-due_on", YEARS),
    ("no date", dated(""), {}, "lines-0-schedules-0-due_on", "Write a date as year-month-day: “2027-01-15”."),
    ("31 February", dated("2027-02-31"), {}, "lines-0-schedules-0-due_on", "Write a date as year-month-day: “2027-01-15”."),
    ("sum of dates", dated("2027-01-15", "39"), {}, "", "The quantities of the dates must add up to the quantity of the line."),
    ("no number", {}, {"number": ""}, "number", "This must not be empty."),
    ("long number", {}, {"number": "9" * 61}, "number", "At most 60 characters."),
    ("control character", {}, {"number": "A\x01B"}, "number", "The text holds a character that cannot be shown."),
)


@pytest.mark.parametrize(("row", "top", "field", "sentence"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_bad_input_is_told_beside_its_field_and_changes_nothing(cast: Cast, row: Mapping[str, Any], top: Mapping[str, str], field: str, sentence: str) -> None:
    typing = typed({**LINE, "item": "M-COMP", **row}, **{"partner": "supplier", "number": "WRONG-1", **top})
    page = cast.maker.page_client()
    with unchanged(cast.maker, cast.supplier):
        answer = page.post(f"{LIST}new/", {**typing, "publish": ""})
    assert answer.status_code == 422
    assert errors_beside(answer) == {field: [sentence]}
    assert [error["text"].endswith(sentence) for error in answer.context["errors_summary"]] == [True]
    kept = {name: value for name, value in typing.items() if value}
    shown = answer.content.decode()
    assert all(f'value="{value}"' in shown or f">{value}<" in shown for value in kept.values() if value.isprintable()), "what was typed stays"


def test_a_nul_character_is_refused_and_not_a_fault(cast: Cast) -> None:
    typing = typed({**LINE, "item": "M\x00COMP"}, partner="supplier", number="WRONG-2")
    with unchanged(cast.maker, cast.supplier):
        answer = cast.maker.page_client().post(f"{LIST}new/", typing)
    assert answer.status_code == 422
    assert list(errors_beside(answer)) == ["lines-0-item"]


def test_a_number_used_twice_is_told_at_the_number(pair: Two) -> None:
    buyer, seller = pair
    order(buyer, seller, number="TWICE")
    with unchanged(buyer, seller):
        answer = buyer.page_client().post(f"{LIST}new/", typed(LINE, partner=seller.slug, number="TWICE"))
    assert errors_beside(answer) == {"number": ["You have used the number “TWICE” before. Every document needs its own."]}


def test_every_fault_is_told_at_once_at_the_line_where_it_stands(pair: Two) -> None:
    empty = {"item": "", "quantity": "", "unit": "C62", "price": "", "schedules": [{"due_on": "", "quantity": ""}]}
    typing = typed(empty, {**LINE, "quantity": "0"}, {**LINE, "price": "x", **dated("2027-13-01")}, partner=pair[1].slug, number="M-1")
    answer = pair[0].page_client().post(f"{LIST}new/", typing)
    assert set(errors_beside(answer)) == {"lines-1-quantity", "lines-2-price", "lines-2-schedules-0-due_on"}
    texts = [error["text"].split(":")[0] for error in answer.context["errors_summary"]]
    assert texts == ["Line 2, Quantity", "Line 3, Date", "Line 3, Price"]
    assert answer.context["errors_summary"][0]["field_id"] == "id_lines-1-quantity"


def test_a_quantity_that_a_date_took_from_its_line_is_told_once(pair: Two) -> None:
    typing = typed({**LINE, "quantity": "1,5", **dated("2027-01-15", "")}, partner=pair[1].slug, number="ONCE")
    assert errors_beside(pair[0].page_client().post(f"{LIST}new/", typing)) == {"lines-0-quantity": [NUMBER]}


def test_the_partner_and_the_lines_are_refused_at_once(pair: Two) -> None:
    answer = pair[0].page_client().post(f"{LIST}new/", typed({**LINE, "quantity": "0"}))
    assert errors_beside(answer) == {
        "partner": ["Choose a partner."],
        "number": ["This must not be empty."],
        "lines-0-quantity": ["A quantity must be greater than zero."],
    }


def test_publishing_that_is_refused_leaves_no_draft(pair: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    buyer, seller = pair
    apply = documents.apply

    def refused(**given: Any) -> Any:
        apply(**given)
        raise documents.NotAllowed("publish", "draft", "buyer", "Not today.")

    monkeypatch.setattr(documents, "apply", refused)
    with unchanged(buyer, seller):
        answer = buyer.page_client().post(f"{LIST}new/", {**typed(LINE, partner=seller.slug, number="R-1"), "publish": ""})
    assert answer.status_code == 409
    assert "Not today." in words(answer)


def test_a_draft_is_changed_and_nothing_typed_is_lost_when_somebody_was_quicker(pair: Two) -> None:
    buyer, seller = pair
    uid = order(buyer, seller, number="D-1", publish=False)
    page = buyer.page_client()
    shown = page.get(page_of(uid, "edit/"))
    assert shown.context["lines"][0].form["quantity"].value() == "40"
    version = shown.context["document"]["version"]
    with buyer.acting():
        documents.revise(document=uid, given={"note": "Careful"}, by=buyer.as_role("buyer", "Ana"), at=AT)
    typing = typed({**LINE, "price": "79.00"}, number="D-1", version=str(version))
    with unchanged(buyer, seller):
        answer = page.post(page_of(uid, "edit/"), typing)
    assert answer.status_code == 409
    assert f"Ana ({buyer.home.name}) changed the draft" in words(answer)
    assert answer.context["lines"][0].form["price"].value() == "79.00"
    again = page.post(page_of(uid, "edit/"), {**typing, "version": str(answer.context["document"]["version"])})
    assert again.status_code == 303
    assert str(head(buyer, uid)["amount"]) == "3160.00"


def test_what_was_sent_is_no_draft_any_more(pair: Two) -> None:
    buyer, seller = pair
    uid = order(buyer, seller)
    with unchanged(buyer, seller):
        assert buyer.page_client().get(page_of(uid, "edit/")).status_code == 409
        assert buyer.page_client().post(page_of(uid, "edit/"), typed(LINE, number="Z")).status_code == 409


# Moving --------------------------------------------------------------------------------------------------------------


def answered(**fields: Any) -> dict[str, Any]:
    """The answer form of one line as a browser sends it."""
    return typed({"response": "accept", "price": "81.50", "substitute": "", "reason": "", **fields})


def test_the_seller_answers_with_a_split_and_a_new_price_without_javascript(pair: Two) -> None:
    buyer, seller = pair
    uid = order(buyer, seller, number="S-1")
    page = seller.page_client()
    url = page_of(uid, "moves/confirm/")
    shown = page.get(url)
    entry = shown.context["lines"][0]
    assert (entry.form["response"].value(), entry.form["price"].value(), entry.schedules[0]["due_on"].value()) == ("accept", "81.50", "2027-01-15")
    split = [{"due_on": "2027-01-15", "quantity": "18"}, {"due_on": "2027-02-15", "quantity": "22"}]
    with unchanged(buyer, seller):
        more = page.post(url, {**answered(response="change", price="83.00", schedules=split[:1]), "add_schedule": "0", "version": "3"})
    assert [schedule["quantity"].value() for schedule in more.context["lines"][0].schedules] == ["18", None]
    assert more.context["lines"][0].form["response"].value() == "change"
    answer = page.post(url, {**answered(response="change", price="83.00", schedules=split), "version": str(shown.context["document"]["version"])})
    assert answer["Location"] == page_of(uid)
    told = words(buyer.page_client().get(page_of(uid)))
    assert f"Administrator of {seller.home.name} ({seller.home.name}) answered the order: line 1 split over 2 dates, price 83.00 instead of 81.50" in told
    for difference in ("Price: EUR 1.50 more than asked", "Split over 2 dates", "The last of it 31 days later", "offered EUR 3,320.00"):
        assert difference in told


def test_a_rejection_without_a_reason_is_told_beside_the_reason(pair: Two) -> None:
    buyer, seller = pair
    uid = order(buyer, seller, lines=2)
    typing = typed({"response": "accept", "price": "", "substitute": "", "reason": ""}, {"response": "reject", "price": "", "substitute": "", "reason": ""})
    with unchanged(buyer, seller):
        answer = seller.page_client().post(page_of(uid, "moves/confirm/"), typing)
    assert errors_beside(answer) == {"lines-1-reason": ["Say why the line is rejected."]}


def test_accepting_takes_the_line_as_asked_whatever_stands_in_its_other_fields(pair: Two) -> None:
    buyer, seller = pair
    uid = order(buyer, seller)
    seller.page_client().post(page_of(uid, "moves/confirm/"), answered(price="99.00"))
    assert (head(buyer, uid)["state"], str(head(buyer, uid)["amount"])) == ("agreed", "3260.00")


def test_everything_is_accepted_at_one_press(pair: Two) -> None:
    buyer, seller = pair
    uid = order(buyer, seller, lines=3)
    seller.page_client().post(page_of(uid, "moves/confirm/"), {**answered(response="reject"), "accept_all": "1"})
    assert head(buyer, uid)["state"] == "agreed"


def test_an_answer_that_did_not_come_whole_is_asked_again(pair: Two) -> None:
    buyer, seller = pair
    uid = order(buyer, seller, lines=3)
    with unchanged(buyer, seller):
        for given in ({}, answered(response="change", price="90")):
            answer = seller.page_client().post(page_of(uid, "moves/confirm/"), given)
            assert (answer.status_code, len(answer.context["lines"])) == (422, 3)


def test_an_answer_whose_dates_did_not_come_is_asked_for_them(pair: Two) -> None:
    buyer, seller = pair
    uid = order(buyer, seller)
    with unchanged(buyer, seller):
        answer = seller.page_client(raise_request_exception=False).post(page_of(uid, "moves/confirm/"), {"lines-0-response": "change", "lines-0-price": "90"})
    assert (answer.status_code, len(answer.context["lines"])) == (422, 1)


def test_a_counter_proposal_begins_with_what_is_offered_and_sends_what_differs(pair: Two) -> None:
    buyer, seller = pair
    uid = order(buyer, seller, lines=2)
    move(seller, uid, "confirm", CHANGE)
    page, url = buyer.page_client(), page_of(uid, "moves/counter/")
    first = page.get(url).context["lines"][0]
    assert [first.form["price"].value(), *(schedule["quantity"].value() for schedule in first.schedules)] == ["83.00", "18", "22"]
    asked = {"price": "81.50", "reason": ""}
    typing = typed({**asked, "price": "82.00", "schedules": [{"due_on": "2027-02-01", "quantity": "40"}]}, asked)
    assert page.post(url, typing).status_code == 303
    assert f"({buyer.home.name}) made a counter-proposal: line 1 on 1 Feb 2027 instead of 15 Jan 2027, price 82.00 instead of 81.50" in words(
        seller.page_client().get(page_of(uid))
    )


def test_a_counter_proposal_that_proposes_nothing_is_refused(pair: Two) -> None:
    buyer, seller = pair
    uid = order(buyer, seller)
    move(seller, uid, "confirm", CHANGE)
    with unchanged(buyer, seller):
        answer = buyer.page_client().post(page_of(uid, "moves/counter/"), typed({"price": "81.50", "reason": ""}))
    assert [error["text"] for error in answer.context["errors_summary"]] == ["Say what you propose instead: at least one line."]


def test_a_plain_move_is_one_press_and_a_grave_one_asks_first(pair: Two) -> None:
    buyer, seller = pair
    uid = order(buyer, seller)
    page = seller.page_client()
    shown = page.get(page_of(uid))
    assert [entry["code"] for entry in shown.context["moves"]] == ["confirm", "acknowledge"]
    page.post(page_of(uid, "moves/acknowledge/"), {"version": str(shown.context["document"]["version"])})
    assert head(seller, uid)["state"] == "acknowledged"
    asking = buyer.page_client().get(page_of(uid, "moves/cancel/"))
    assert "Cancel this order? What is agreed stands until your partner agrees to cancel it" in words(asking)
    assert head(buyer, uid)["state"] == "acknowledged"
    buyer.page_client().post(page_of(uid, "moves/cancel/"), {"reason": "No demand", "version": str(asking.context["document"]["version"])})
    assert head(seller, uid)["state"] == "cancelled"
    assert "No demand" in words(page.get(page_of(uid)))


def test_a_press_on_a_page_that_is_out_of_date_does_nothing_and_says_what_is_new(pair: Two) -> None:
    buyer, seller = pair
    uid = order(buyer, seller)
    old = head(seller, uid)["version"]
    move(buyer, uid, "cancel", by=buyer.as_role("buyer", "Wei Zhang"))
    with unchanged(buyer, seller):
        for version in (str(old), "", "nonsense", "9" * 40):
            answer = seller.page_client().post(page_of(uid, "moves/acknowledge/"), {"version": version})
            assert answer.status_code == 409
            assert f"Wei Zhang ({buyer.home.name}) cancelled the order" in words(answer)


def test_an_answer_to_an_older_version_comes_back_with_what_was_typed_and_what_is_new(pair: Two) -> None:
    buyer, seller = pair
    uid = order(buyer, seller)
    old = head(seller, uid)["version"]
    move(seller, uid, "acknowledge", by=seller.as_role("seller", "Mei Lin"))
    typing = answered(response="change", price="85.00", reason="Copper")
    page = seller.page_client()
    with unchanged(buyer, seller):
        answer = page.post(page_of(uid, "moves/confirm/"), {**typing, "version": str(old)})
    assert answer.status_code == 409
    assert f"Mei Lin ({seller.home.name}) acknowledged receipt" in words(answer)
    form = answer.context["lines"][0].form
    assert (form["response"].value(), form["price"].value(), form["reason"].value()) == ("change", "85.00", "Copper")
    assert page.post(page_of(uid, "moves/confirm/"), {**typing, "version": str(answer.context["document"]["version"])}).status_code == 303
    assert head(buyer, uid)["state"] == "confirmed"


def test_a_move_that_is_not_possible_now_or_not_ours_is_refused(pair: Two) -> None:
    buyer, seller = pair
    uid = order(buyer, seller)
    page = buyer.page_client()
    with unchanged(buyer, seller):
        late = page.post(page_of(uid, "moves/publish/"), {})
        assert late.status_code == 409
        assert "“Publish” is not possible while the document is “Published”. Possible now: Cancel the order." in words(late)
        assert page.get(page_of(uid, "moves/publish/")).status_code == 409
        for theirs in ("acknowledge", "confirm", "nonsense"):
            assert page.post(page_of(uid, f"moves/{theirs}/"), {}).status_code == 404


# Reading -------------------------------------------------------------------------------------------------------------


def test_a_document_is_new_until_somebody_has_looked_at_it(pair: Two) -> None:
    buyer, seller = pair
    uid = order(buyer, seller)
    page = seller.page_client()
    assert [row["unseen"] for row in page.get(LIST).context["rows"]] == [True]
    page.get(page_of(uid))
    assert [row["unseen"] for row in page.get(LIST).context["rows"]] == [False]


def test_both_enterprises_read_the_thread(pair: Two) -> None:
    buyer, seller = pair
    uid = order(buyer, seller)
    page = buyer.page_client()
    assert page.post(page_of(uid, "thread/"), {"text": "Can it be <b>sooner</b>?"})["Location"] == page_of(uid) + "#thread"
    theirs = seller.page_client().get(page_of(uid)).content.decode()
    assert "Can it be &lt;b&gt;sooner&lt;/b&gt;?" in theirs
    part = page.post(page_of(uid, "thread/"), {"text": "Please"}, headers={"HX-Request": "true"}).content.decode()
    assert part.lstrip().startswith('<div id="thread"')
    assert "Please" in part


@pytest.mark.parametrize("text", ["", "   ", "x" * 4001])
def test_a_message_that_cannot_be_taken_stays_in_its_field(pair: Two, text: str) -> None:
    buyer, seller = pair
    uid = order(buyer, seller)
    page = buyer.page_client()
    with unchanged(buyer, seller):
        answer = page.post(page_of(uid, "thread/"), {"text": text})
    assert answer.status_code == 422
    assert answer.context["thread_text"] == text
    assert answer.context["thread_error"] in words(answer)


def test_an_original_is_a_file_byte_for_byte_of_its_document_alone(pair: Two) -> None:
    buyer, seller = pair
    one, other = order(buyer, seller, number="O/1"), order(buyer, seller)
    with buyer.acting():
        documents.keep_original(document=one, step=None, kind="Order", media_type="application/xml", body=b"<Order>\xff</Order>", at=AT)
        key = selectors.originals(id=one)[0]["id"]
    page = buyer.page_client()
    assert "Order as received" in words(page.get(page_of(one)))
    answer = page.get(page_of(one, f"originals/{key}/"))
    assert answer.content == b"<Order>\xff</Order>"
    assert answer["Content-Disposition"] == 'attachment; filename="O_1.xml"'
    assert page.get(page_of(other, f"originals/{key}/")).status_code == 404
    assert seller.page_client().get(page_of(one, f"originals/{key}/")).status_code == 404


def test_a_document_is_a_standard_message_too(pair: Two, cast: Cast) -> None:
    buyer, seller = pair
    uid = order(buyer, seller, number="UBL/1")
    page = seller.page_client()
    assert "As a UBL message" in words(page.get(page_of(uid)))
    answer = page.get(page_of(uid, "message/"))
    assert answer["Content-Disposition"] == 'attachment; filename="UBL_1.xml"'
    assert b"<cbc:ID>UBL/1</cbc:ID>" in answer.content
    assert cast.stranger.page_client().get(page_of(uid, "message/")).status_code == 404


@pytest.mark.parametrize("part", ["head", "lines", "papers", "history", "thread"])
def test_each_part_of_a_page_comes_alone(pair: Two, part: str) -> None:
    buyer, seller = pair
    uid = order(buyer, seller)
    answer = buyer.page_client().get(page_of(uid, f"parts/{part}/"))
    assert answer.status_code == 200
    assert "<html" not in answer.content.decode()
    assert f"/parts/{part}/" in answer.content.decode()


def test_the_pages_are_chinese_for_who_reads_chinese(pair: Two) -> None:
    buyer, seller = pair
    uid = order(buyer, seller, number="ZH-1")
    move(seller, uid, "confirm", CHANGE, by=seller.as_role("seller", "Mei Lin"))
    page = buyer.page_client()
    page.cookies["django_language"] = "zh-hans"
    shown = page.get(page_of(uid))
    assert '<html lang="zh-Hans"' in shown.content.decode()
    assert f"Mei Lin（{seller.home.name}）答复了订单：第 1 行分 2 个日期交货，价格 83.00（原 81.50）" in words(shown)
    assert "最后一批推迟 31 天" in words(shown)
    wrong = page.post(f"{LIST}new/", typed({**LINE, "quantity": "0"}, partner=seller.slug, number="ZH-2"))
    assert errors_beside(wrong) == {"lines-0-quantity": ["数量必须大于零。"]}
    assert "待我方处理" in words(page.get(LIST))


def test_a_long_document_is_read_by_pages_and_answered_as_a_whole(pair: Two) -> None:
    buyer, seller = pair
    uid = order(buyer, seller, lines=205, number="LONG")
    page, shown = seller.page_client(), []
    url = page_of(uid)
    while url:
        answer = page.get(url)
        shown += [row["line"] for row in answer.context["lines"]]
        url = answer.context["lines_after_url"]
    assert shown == list(range(1, 206))
    assert [row["line"] for row in page.get(page_of(uid, "parts/lines/?lines=3")).context["lines"]] == [201, 202, 203, 204, 205]
    for wrong in ("0", "-1", "x", "99999", "9" * 50):
        assert page.get(page_of(uid, f"?lines={wrong}")).status_code == 200
    asking = page.get(page_of(uid, "moves/confirm/"))
    assert asking.context["lines"] == []
    assert "This document has 205 lines, more than a page can hold." in words(asking)
    with unchanged(buyer, seller):
        assert page.post(page_of(uid, "moves/confirm/"), {"reason": ""}).status_code == 422
    page.post(page_of(uid, "moves/confirm/"), {"accept_all": "1"})
    assert head(buyer, uid)["state"] == "agreed"
    draft = order(buyer, seller, lines=205, publish=False)
    assert buyer.page_client().get(page_of(draft, "edit/")).status_code == 409


def queries(ask: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert ask().status_code == 200
    return len(captured)


def test_a_page_asks_as_often_for_many_rows_and_lines_as_for_one(pair: Two) -> None:
    buyer, seller = pair
    page, few = buyer.page_client(), order(buyer, seller)
    one = (queries(lambda: page.get(LIST)), queries(lambda: page.get(page_of(few))))
    many = order(buyer, seller, lines=20)
    for _time in range(5):
        order(buyer, seller, number=fresh_number("Q"))
    assert (queries(lambda: page.get(LIST)), queries(lambda: page.get(page_of(many)))) == one
    assert one[0] <= 12
    assert one[1] <= 16
    seller_page = seller.page_client()
    assert queries(lambda: seller_page.get(page_of(many))) <= 17, "marking it as seen included"
