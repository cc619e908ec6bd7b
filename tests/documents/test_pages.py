"""The pages of documents: lists that a planner can live in, forms that work without JavaScript and lose nothing that was typed."""

from __future__ import annotations

import csv
import io
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.documents import selectors
from apps.documents import services as documents
from apps.documents.views import listing
from tests.cast import AT, Cast, Member, PageClient, fresh_number, line, move, order, unchanged
from tests.documents.conversations import CHANGE

Two = tuple[Member, Member]
LIST = "/documents/orders/"


def page_of(uid: uuid.UUID, more: str = "") -> str:
    return f"{LIST}{uid}/{more}"


def head(member: Member, uid: uuid.UUID) -> Mapping[str, Any]:
    with member.acting():
        found = selectors.head(id=uid)
    assert found is not None
    return found


def numbers(answer: Any) -> list[str]:
    return [row["number"] for row in answer.context["rows"]]


def words(answer: Any) -> str:
    """The text of a page as it is read, without tags."""
    body = re.sub(r"<(script|style).*?</\1>", " ", answer.content.decode(), flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body)).replace("&#x27;", "'").replace("\u00a0", " ")


def typed(*lines: Mapping[str, Any], **head: Any) -> dict[str, Any]:
    """An entry form as a browser sends it."""
    sent: dict[str, Any] = {"partner": "", "number": "", "currency": "EUR", "note": "", **head}
    for index, row in enumerate(lines):
        schedules = row.get("schedules", [{"due_on": "2027-01-15", "quantity": "40"}])
        sent |= {f"lines-{index}-{name}": value for name, value in row.items() if name != "schedules"}
        for at, schedule in enumerate(schedules):
            sent |= {f"lines-{index}-schedules-{at}-{name}": value for name, value in schedule.items()}
    return sent


LINE = {"item": "A-1", "quantity": "40", "unit": "C62", "price": "81.50"}


def errors_beside(answer: Any) -> dict[str, list[str]]:
    """The sentences that stand beside fields, by the field's name."""
    forms = [answer.context["form"]]
    for entry in answer.context["lines"]:
        forms += [entry.form, *entry.schedules]
    found = {form[name].html_name: [str(error) for error in form[name].errors] for form in forms for name in form.fields if form[name].errors}
    loose = [str(error) for form in forms for error in form.non_field_errors()]
    return {**found, **({"": loose} if loose else {})}


# Lists ---------------------------------------------------------------------------------------------------------------


def test_a_list_shows_each_side_its_own_view(pair: Two) -> None:
    buyer, seller = pair
    order(buyer, seller, number="L-1")
    assert "Purchase order" in words(buyer.page_client().get(LIST))
    shown = words(seller.page_client().get(LIST))
    assert "Sales order" in shown
    assert f"{buyer.home.name} Sales order Published" in shown


def test_the_filters_find_what_they_say(pair: Two) -> None:
    buyer, seller = pair
    early = order(buyer, seller, [line("A-1", due_on="2027-01-10")], number="F-EARLY")
    order(buyer, seller, [line("A-2", due_on="2027-03-10")], number="F-LATER")
    order(buyer, seller, [line("A-3", due_on="2027-05-10")], number="F-DRAFT", publish=False)
    move(seller, early, "confirm", CHANGE)
    page = buyer.page_client()
    expected = {
        "state=draft": ["F-DRAFT"],
        "state=draft&state=confirmed": ["F-DRAFT", "F-EARLY"],
        "waiting=on": ["F-EARLY"],
        "theirs=on": ["F-LATER"],
        "number=later": ["F-LATER"],
        "due_from=2027-02-01&due_to=2027-04-01": ["F-LATER"],
        "side=seller": [],
        f"partner={seller.slug}": ["F-DRAFT", "F-EARLY", "F-LATER"],
        "q=A-2": ["F-LATER"],
        f"q={seller.home.name}": ["F-DRAFT", "F-EARLY", "F-LATER"],
        "unseen=on": ["F-EARLY"],
    }
    assert {query: sorted(numbers(page.get(f"{LIST}?{query}"))) for query in expected} == expected
    assert sorted(numbers(seller.page_client().get(f"{LIST}?late=on"))) == []


@pytest.mark.parametrize(
    "query", ["due_from=soon", "state=nonsense", "partner=nobody", "side=%00", "q=%00", "cursor=nonsense", "cursor=b2019", "columns=none", "due_to=99999-01-01"]
)
def test_a_wrong_filter_is_no_fault_of_ours(pair: Two, query: str) -> None:
    assert pair[0].page_client().get(f"{LIST}?{query}").status_code == 200


def test_cursor_pages_show_each_document_once(pair: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    buyer, seller = pair
    monkeypatch.setattr(listing, "ROWS", 3)
    made = [f"P-{index}" for index in range(7)]
    for number in made:
        order(buyer, seller, number=number, publish=False)
    page, url, seen = buyer.page_client(), LIST, []
    while url:
        answer = page.get(url)
        seen.append(numbers(answer))
        url = f"{LIST}{answer.context['next_url']}" if answer.context["next_url"] else ""
    assert [number for leaf in seen for number in leaf] == made[::-1]
    back = page.get(f"{LIST}{answer.context['previous_url']}")
    assert numbers(back) == seen[1]
    assert numbers(page.get(f"{LIST}{back.context['previous_url']}")) == seen[0]


def test_totals_stand_for_each_currency(pair: Two) -> None:
    buyer, seller = pair
    for number, currency in (("T-1", "EUR"), ("T-2", "EUR"), ("T-3", "CNY")):
        order(buyer, seller, number=number, currency=currency)
    totals = buyer.page_client().get(LIST).context["totals"]
    assert [(row["currency"], row["count"], str(row["amount"])) for row in totals] == [("CNY", 1, "3260.00"), ("EUR", 2, "6520.00")]


def test_columns_are_chosen_in_the_address(pair: Two) -> None:
    buyer, seller = pair
    order(buyer, seller, number="C-1")
    shown = words(buyer.page_client().get(f"{LIST}?columns=number&columns=amount"))
    assert "C-1 new" not in shown
    assert "C-1 EUR 3,260.00" in shown


def test_htmx_gets_the_rows_alone(pair: Two) -> None:
    body = pair[0].page_client().get(LIST, headers={"HX-Request": "true"}).content.decode()
    assert body.lstrip().startswith('<div id="rows"')
    assert "<html" not in body


def test_the_export_is_what_the_list_shows_and_holds_no_formula(pair: Two) -> None:
    buyer, seller = pair
    order(buyer, seller, number="=1+2")
    uid = order(buyer, seller, number="E-2", publish=False)
    page = buyer.page_client()
    answer = page.get(f"{LIST}export/?state=published")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].startswith("attachment")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row[0] for row in rows] == ["Number", "'=1+2"]
    assert rows[1][1:9] == [seller.home.name, "Purchase order", "Published", "2027-01-04", "2027-01-15", "1", "3260.00", "EUR"]
    picked = page.post(f"{LIST}export/", {"uid": [str(uid)]}).content.decode("utf-8-sig")
    assert [row[0] for row in csv.reader(io.StringIO(picked))] == ["Number", "E-2"]


def test_a_saved_view_belongs_to_the_person_who_saved_it(pair: Two) -> None:
    buyer, _seller = pair
    page = buyer.page_client("buyer")
    answer = page.post(f"{LIST}views/", {"name": "Urgent", "query": "late=on&state=confirmed&cursor=abc"})
    assert answer["Location"] == f"{LIST}?late=on&state=confirmed"
    views = page.get(answer["Location"]).context["saved_views"]
    assert [(view["name"], view["active"]) for view in views][-1] == ("Urgent", True)
    other = buyer.page_client("planner")
    assert "Urgent" not in [view["name"] for view in other.get(LIST).context["saved_views"]]
    other.post(views[-1]["forget_url"])
    assert "Urgent" in [view["name"] for view in page.get(LIST).context["saved_views"]]
    page.post(views[-1]["forget_url"])
    assert "Urgent" not in [view["name"] for view in page.get(LIST).context["saved_views"]]


def test_a_move_for_several_tells_what_was_not_possible(pair: Two) -> None:
    buyer, seller = pair
    first, second, third = (order(buyer, seller, number=f"B-{index}") for index in range(3))
    move(seller, third, "confirm")
    page = seller.page_client()
    answer = page.post(f"{LIST}moves/acknowledge/", {"uid": [str(first), str(second), str(third)], "next": f"{LIST}?waiting=on"}, follow=True)
    assert answer.request["QUERY_STRING"] == "waiting=on"
    shown = words(answer)
    assert "“Acknowledge” was done for 2 documents." in shown
    assert "B-2: “Acknowledge” is not possible while the document is “Agreed”." in shown
    assert [head(seller, uid)["state"] for uid in (first, second, third)] == ["acknowledged", "acknowledged", "agreed"]


def test_a_move_that_asks_more_than_a_click_is_none_for_several(pair: Two) -> None:
    buyer, seller = pair
    uid = order(buyer, seller)
    with unchanged(buyer, seller):
        assert seller.page_client().post(f"{LIST}moves/confirm/", {"uid": [str(uid)]}).status_code == 404
        assert seller.page_client().post(f"{LIST}moves/acknowledge/", {"uid": ["nonsense"]}).status_code == 404


# Who may ------------------------------------------------------------------------------------------------------------


def test_a_stranger_finds_nothing_on_any_page(pair: Two, cast: Cast) -> None:
    buyer, seller = pair
    uid = order(buyer, seller, number="SECRET-1")
    page, missing = cast.stranger.page_client(), uuid.uuid4()
    assert "SECRET-1" not in words(page.get(f"{LIST}?q=SECRET"))
    assert "SECRET-1" not in page.get(f"{LIST}export/").content.decode()
    gets = ["", "edit/", "parts/head/", "parts/lines/", "parts/history/", "parts/thread/", "moves/confirm/", "moves/cancel/", f"originals/{uuid.uuid4()}/"]
    posts = ["edit/", "thread/", "moves/confirm/", "moves/cancel/"]
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
    assert [error["text"].removeprefix("Line 1: ") for error in answer.context["errors_summary"]] == [sentence]
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
    assert texts == ["Line 2", "Line 3", "Line 3"]
    assert answer.context["errors_summary"][0]["field_id"] == "id_lines-1-quantity"


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
    assert f"({buyer.home.name}) made a counter-proposal: line 1 1 Feb 2027 instead of 15 Jan 2027, price 82.00 instead of 81.50" in words(
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
    assert "Cancel this order? This cannot be undone." in words(asking)
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


@pytest.mark.parametrize("part", ["head", "lines", "history", "thread"])
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
    assert one[1] <= 14
    seller_page = seller.page_client()
    assert queries(lambda: seller_page.get(page_of(many))) <= 14, "marking it as seen included"
