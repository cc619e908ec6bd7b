"""Orders by REST: what is read, written, moved and refused."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts import services as accounts
from tests import cast as company
from tests.cast import Cast, Member, line, order, unchanged

Pair = tuple[Member, Member]


def body(seller: Member, **more: Any) -> dict[str, Any]:
    return {"seller": seller.slug, "number": company.fresh_number(), "currency": "EUR", "lines": [line("A-1")], **more}


def drafted(pair: Pair, **more: Any) -> dict[str, Any]:
    answer = pair[0].api.post("orders/", body(pair[1], **more))
    assert answer.status_code == 201, answer.content
    found: dict[str, Any] = answer.json()
    return found


def published(pair: Pair, **more: Any) -> str:
    uid = str(drafted(pair, **more)["uid"])
    assert pair[0].api.post(f"orders/{uid}/moves/publish/").status_code == 200
    return uid


def errors(answer: Any) -> list[tuple[str, str]]:
    assert answer["Content-Type"] == "application/problem+json", answer.content
    found = answer.json()
    assert set(found) >= {"type", "title", "status", "detail", "errors"}
    assert all(error["detail"] for error in found["errors"])
    return [(error["pointer"], error["code"]) for error in found["errors"]]


@contextmanager
def queries(most: int) -> Iterator[None]:
    """At most so many statements; what opens and closes transactions is not counted."""
    with CaptureQueriesContext(connection) as captured:
        yield
    said = [query["sql"] for query in captured if not query["sql"].startswith(("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE"))]
    assert len(said) <= most, "\n".join(said)


# Reading and writing ---------------------------------------------------------------------------------------------------


def test_a_draft_is_what_was_sent_and_stays_at_home(pair: Pair) -> None:
    buyer, seller = pair
    found = drafted(pair, number="PO-1", note="Ring first")
    assert found == {
        "uid": found["uid"],
        "type": "order",
        "number": "PO-1",
        "state": "draft",
        "moves": ["publish", "cancel"],
        "side": "buyer",
        "buyer": {"slug": buyer.slug, "name": buyer.home.name},
        "seller": {"slug": seller.slug, "name": seller.home.name},
        "partner": seller.slug,
        "currency": "EUR",
        "note": "Ring first",
        "issued_on": found["issued_on"],
        "due_on": "2027-01-15",
        "amount": "3260.00",
        "line_count": 1,
        "version": 1,
        "created_at": found["created_at"],
        "updated_at": found["updated_at"],
        "answer_due_at": None,
        "answer_stage": None,
        "progress": None,
        "change": None,
        "lines": [
            {
                "line": 1,
                "reference": "",
                "item": "A-1",
                "matched": True,
                "partner_item": "",
                "buyer_item": "A-1",
                "seller_item": "",
                "gtin": "",
                "name": "Item 1",
                "quantity": "40",
                "unit": "C62",
                "price": "81.50",
                "price_base": None,
                "schedules": [{"quantity": "40", "due_on": "2027-01-15"}],
                "offered": None,
                "agreed": None,
                "note": "",
                "progress": None,
            }
        ],
    }
    assert seller.api.get(f"orders/{found['uid']}").status_code == 404
    assert buyer.api.get(f"orders/{found['uid']}").json() == found


def test_a_new_document_says_where_it_is_and_at_which_version(pair: Pair) -> None:
    answer = pair[0].api.post("orders/", body(pair[1]))
    assert answer["ETag"] == '"1"'
    assert answer["Location"].endswith(f"/api/v1/orders/{answer.json()['uid']}/")
    assert pair[0].api.get(answer["Location"])["ETag"] == '"1"'


def test_both_sides_see_one_document_in_their_own_words(pair: Pair) -> None:
    buyer, seller = pair
    uid = published(pair)
    found = seller.api.get(f"orders/{uid}/").json()
    assert (found["uid"], found["state"], found["side"], found["partner"]) == (uid, "published", "seller", buyer.slug)
    assert found["moves"] == ["acknowledge", "confirm"]
    assert (found["lines"][0]["item"], found["lines"][0]["partner_item"]) == ("S-1", "A-1")
    assert (found["lines"][0]["buyer_item"], found["lines"][0]["seller_item"]) == ("A-1", "S-1")


def test_an_item_that_matches_nothing_is_called_as_the_partner_calls_it(pair: Pair) -> None:
    company.stock(pair[0], "A-99", "New thing")
    uid = published(pair, lines=[line("A-99")])
    found = pair[1].api.get(f"orders/{uid}").json()["lines"][0]
    assert (found["item"], found["matched"], found["name"]) == ("A-99", False, "New thing")


def test_an_answer_stands_beside_what_was_asked(pair: Pair) -> None:
    buyer, seller = pair
    uid = published(pair)
    schedules = [{"quantity": "18", "due_on": "2027-01-15"}, {"quantity": "22.0", "due_on": "2027-02-15"}]
    answer = seller.api.post(f"orders/{uid}/moves/confirm/", {"lines": [{"line": 1, "response": "change", "price": "83.00", "schedules": schedules}]})
    assert answer.status_code == 200
    assert answer.json()["state"] == "confirmed"
    found = buyer.api.get(f"orders/{uid}").json()
    assert found["moves"] == ["accept_response", "counter", "refuse_response", "cancel"]
    asked = found["lines"][0]
    assert (asked["quantity"], asked["price"], asked["schedules"]) == ("40", "81.50", [{"quantity": "40", "due_on": "2027-01-15"}])
    assert asked["offered"] == {"response": "change", "price": "83.00", "schedules": schedules, "reason": "", "substitute": None}
    assert asked["agreed"] is None
    agreed = buyer.api.post(f"orders/{uid}/moves/accept_response").json()
    assert (agreed["state"], agreed["amount"]) == ("agreed", "3320.00")
    assert agreed["lines"][0]["agreed"] == {"price": "83.00", "quantity": "40.0", "schedules": schedules}
    assert seller.api.get(f"orders/{uid}").json()["lines"][0]["agreed"] == agreed["lines"][0]["agreed"]


def test_every_move_of_the_contract_that_is_built_can_be_made(pair: Pair) -> None:
    buyer, seller = pair
    uid = published(pair)
    change = {"lines": [{"line": 1, "price": "90"}]}
    made = [
        (seller, "acknowledge", None, "acknowledged"),
        (seller, "confirm", change, "confirmed"),
        (buyer, "counter", {"lines": [{"line": 1, "price": "85"}]}, "countered"),
        (seller, "confirm", change, "confirmed"),
        (buyer, "refuse_response", {"reason": "Too dear"}, "refused"),
        (seller, "confirm", {"lines": [{"line": 1, "response": "accept"}]}, "agreed"),
        (buyer, "hold", None, "held"),
        (buyer, "resume", None, "agreed"),
        (buyer, "change", {"lines": [{"line": 1, "price": "84"}]}, "changed"),
        (seller, "confirm", None, "agreed"),
        (buyer, "cancel", {"reason": "Not needed"}, "cancel_asked"),
        (seller, "refuse_cancel", {"reason": "It is being made"}, "agreed"),
        (seller, "offer_cancel", {"reason": "The tool broke"}, "cancel_offered"),
        (buyer, "accept_cancel", {"reason": "So be it"}, "cancelled"),
    ]
    for member, move, data, state in made:
        answer = member.api.post(f"orders/{uid}/moves/{move}/", data)
        assert (answer.status_code, answer.json()["state"]) == (200, state), answer.content
    steps = seller.api.get(f"orders/{uid}/steps/").json()["results"]
    assert [step["move"] for step in steps] == ["publish", *[move for _member, move, _data, _state in made]]
    assert steps[-1]["reason"] == "So be it"
    assert {(step["own"], step["enterprise"]) for step in steps} == {(True, seller.slug), (False, buyer.slug)}
    assert steps[2]["event"] == "order.confirmed"
    assert steps[2]["lines"] == [{"line": 1, "response": "change", "price": "90", "reason": "", "substitute": None, "schedules": []}]


def test_a_draft_can_be_revised_and_nothing_else(pair: Pair) -> None:
    buyer, _seller = pair
    uid = drafted(pair)["uid"]
    answer = buyer.api.patch(f"orders/{uid}", {"note": "Soon", "lines": [line("A-2", quantity="7")]})
    assert (answer.status_code, answer["ETag"]) == (200, '"2"')
    assert (answer.json()["note"], answer.json()["lines"][0]["item"], answer.json()["amount"]) == ("Soon", "A-2", "570.50")
    assert buyer.api.post(f"orders/{uid}/moves/publish/").status_code == 200
    with unchanged(*pair):
        assert buyer.api.patch(f"orders/{uid}", {"note": "Late"}).status_code == 409


def test_the_thread_is_read_by_both(pair: Pair) -> None:
    buyer, seller = pair
    uid = published(pair)
    written = buyer.api.post(f"orders/{uid}/thread/", {"text": "When?"})
    assert (written.status_code, written.json()["own"]) == (201, True)
    assert seller.api.post(f"orders/{uid}/thread", {"text": "Friday"}).status_code == 201
    for member in pair:
        found = member.api.get(f"orders/{uid}/thread/").json()["results"]
        assert [(message["text"], message["enterprise"], message["own"]) for message in found] == [
            ("When?", buyer.slug, member is buyer),
            ("Friday", seller.slug, member is seller),
        ]


# Lists -------------------------------------------------------------------------------------------------------------------


def test_a_list_is_gone_through_page_by_page_in_both_directions(pair: Pair) -> None:
    buyer = pair[0]
    uids = [str(drafted(pair)["uid"]) for _number in range(7)]
    for ordering, wanted in (("-updated_at", uids[::-1]), ("updated_at", uids), ("number", uids), ("-due_on", None), ("amount", None)):
        pages, url = [], f"orders/?limit=3&ordering={ordering}"
        while url:
            found = buyer.api.get(url).json()
            pages.append([row["uid"] for row in found["results"]])
            last, url = found, found["next"]
        assert [len(page) for page in pages] == [3, 3, 1]
        assert wanted is None or list(chain(*pages)) == wanted
        assert sorted(chain(*pages)) == sorted(uids)
        back = buyer.api.get(last["previous"]).json()
        assert [row["uid"] for row in back["results"]] == pages[1]
        first = buyer.api.get(back["previous"]).json()
        assert ([row["uid"] for row in first["results"]], first["previous"]) == (pages[0], None)


def test_rows_without_a_value_come_last_both_ways(pair: Pair) -> None:
    dear, priceless = str(drafted(pair)["uid"]), str(drafted(pair, lines=[line("A-1", price=None)])["uid"])
    for ordering in ("amount", "-amount"):
        found = pair[0].api.get(f"orders/?ordering={ordering}&limit=1").json()
        assert [row["uid"] for row in found["results"]] == [dear]
        following = pair[0].api.get(found["next"]).json()
        assert ([row["uid"] for row in following["results"]], following["next"]) == ([priceless], None)
        assert [row["uid"] for row in pair[0].api.get(following["previous"]).json()["results"]] == [dear]


def test_a_list_is_filtered(pair: Pair) -> None:
    buyer, seller = pair
    draft, sent = drafted(pair, number="PO-A"), published(pair, number="PO-B", lines=[line("A-2")])
    wanted = {
        "side=buyer": {draft["uid"], sent},
        "side=seller": set(),
        "state=draft": {draft["uid"]},
        f"partner={seller.slug}": {draft["uid"], sent},
        "number=PO-A": {draft["uid"]},
        "q=po-": {draft["uid"], sent},
        "q=A-2": {sent},
        "updated_after=2020-01-01T00:00:00%2B01:00": {draft["uid"], sent},
        "updated_after=2190-01-01": set(),
    }
    for parameters, uids in wanted.items():
        assert {row["uid"] for row in buyer.api.get(f"orders/?{parameters}").json()["results"]} == uids, parameters
    row = buyer.api.get("orders/?number=PO-A").json()["results"][0]
    assert row == {name: value for name, value in draft.items() if name not in ("lines", "progress", "change")}


@pytest.mark.parametrize(
    ("query", "pointer", "code"),
    [
        ("side=middle", "/side", "choice"),
        ("state=lost", "/state", "choice"),
        ("partner=nobody", "/partner", "partner"),
        ("partner=stranger", "/partner", "partner"),
        ("limit=501", "/limit", "range"),
        ("limit=x", "/limit", "range"),
        ("ordering=colour", "/ordering", "choice"),
        ("cursor=x", "/cursor", "cursor"),
        ("cursor=W10", "/cursor", "cursor"),
        ("updated_after=soon", "/updated_after", "time"),
        ("updated_after=9999-01-01", "/updated_after", "time"),
        ("updated_after=2027-13-41T00:00:00Z", "/updated_after", "time"),
        ("q=%00", "/q", "control_character"),
        ("number=a%00b", "/number", "control_character"),
        ("colour=red", "/colour", "unknown_parameter"),
        ("side=buyer&side=seller", "/side", "twice"),
    ],
)
def test_a_parameter_that_cannot_be_is_refused_with_its_name(cast: Cast, query: str, pointer: str, code: str) -> None:
    answer = cast.maker.api.get(f"orders/?{query}")
    assert (answer.status_code, errors(answer)) == (422, [(pointer, code)])


def test_reading_takes_few_queries(pair: Pair) -> None:
    buyer, seller = pair
    uid = published(pair, lines=[line("A-1")] * 30)
    for _number in range(3):
        drafted(pair)
    with queries(3):
        assert len(buyer.api.get("orders/").json()["results"]) == 4
    with queries(4):
        buyer.api.get(f"orders/?partner={seller.slug}&state=published&q=4")
    with queries(5):
        assert len(buyer.api.get(f"orders/{uid}").json()["lines"]) == 30
    with queries(4):
        buyer.api.get(f"orders/{uid}/steps")
    with queries(3):
        buyer.api.get("order-responses/")
    with queries(3):
        buyer.api.get("events/")


# Order responses ------------------------------------------------------------------------------------------------------


def test_answers_can_be_read_as_documents_of_their_own(pair: Pair) -> None:
    buyer, seller = pair
    uid = published(pair, number="PO-7")
    seller.api.post(f"orders/{uid}/moves/acknowledge/")
    seller.api.post(f"orders/{uid}/moves/confirm/", {"lines": [{"line": 1, "response": "reject", "reason": "Sold out"}], "note": "Sorry"})
    for member in pair:
        listed = member.api.get("order-responses/").json()["results"]
        assert [row["code"] for row in listed] == ["RE", "AB"]
        refusal = member.api.get(f"order-responses/{listed[0]['uid']}").json()
        assert refusal == listed[0]
        assert (refusal["order"], refusal["type"], refusal["note"]) == ({"uid": uid, "number": "PO-7"}, "order_response", "Sorry")
        assert (refusal["buyer"]["slug"], refusal["seller"]["slug"], refusal["own"]) == (buyer.slug, seller.slug, member is seller)
        assert refusal["lines"] == [{"line": 1, "response": "reject", "price": None, "reason": "Sold out", "substitute": None, "schedules": []}]
        assert member.api.get(f"order-responses/?number=PO-7&side={refusal['side']}&partner={refusal['partner']}").json()["results"] == listed
        assert member.api.get("order-responses/?number=other").json()["results"] == []
        assert [row["code"] for row in member.api.get(member.api.get("order-responses/?limit=1").json()["next"]).json()["results"]] == ["AB"]
    assert buyer.api.post("order-responses/", {}).status_code == 405


# The stranger ---------------------------------------------------------------------------------------------------------


def test_the_stranger_finds_nothing(cast: Cast) -> None:
    uid = str(order(cast.maker, cast.supplier))
    company.move(cast.supplier, uuid.UUID(uid), "confirm", {"lines": [{"line": 1, "price": "90"}]})
    response = cast.maker.api.get("order-responses/").json()["results"][0]["uid"]
    nowhere = cast.stranger.api.get(f"orders/{uuid.uuid4()}")
    assert nowhere.status_code == 404
    with unchanged(cast.maker, cast.supplier, cast.stranger):
        for method, path in (
            ("GET", f"orders/{uid}"),
            ("PATCH", f"orders/{uid}"),
            ("GET", f"orders/{uid}/steps/"),
            ("GET", f"orders/{uid}/thread/"),
            ("POST", f"orders/{uid}/thread/"),
            ("GET", f"orders/{uid}/attachments/"),
            ("POST", f"orders/{uid}/attachments/"),
            ("GET", f"orders/{uid}/attachments/{uid}/"),
            ("POST", f"orders/{uid}/moves/cancel/"),
            ("POST", f"orders/{uid}/moves/nonsense/"),
            ("GET", f"order-responses/{response}"),
            ("GET", "orders/nonsense"),
            ("GET", f"orders/{response}"),
        ):
            answer = cast.stranger.api.request(method, path, {} if method != "GET" else None)
            assert (answer.status_code, answer.content) == (404, nowhere.content), path
        for path in ("orders/", "order-responses/", "events/"):
            assert cast.stranger.api.get(path).json()["results"] == []
    assert company.Api("").get(f"orders/{uid}").status_code == 401
    assert company.Api("trb_wrong").get("orders/").status_code == 401


def test_a_partner_of_one_side_finds_nothing_either(cast: Cast) -> None:
    uid = order(cast.maker, cast.supplier)
    assert cast.subsupplier.api.get(f"orders/{uid}").status_code == 404


# Refusals -------------------------------------------------------------------------------------------------------------


def changed(**more: Any) -> Callable[[dict[str, Any]], None]:
    def change(given: dict[str, Any]) -> None:
        given.update(more)

    return change


def in_line(**more: Any) -> Callable[[dict[str, Any]], None]:
    def change(given: dict[str, Any]) -> None:
        given["lines"][0].update(more)

    return change


def in_schedule(**more: Any) -> Callable[[dict[str, Any]], None]:
    def change(given: dict[str, Any]) -> None:
        given["lines"][0]["schedules"][0].update(more)

    return change


BAD: list[tuple[Callable[[dict[str, Any]], None], list[str]]] = [
    (changed(seller="nobody"), ["/seller"]),
    (changed(seller="stranger"), ["/seller"]),
    (changed(seller=None), ["/seller"]),
    (changed(seller=["a"]), ["/seller"]),
    (changed(seller="a\0b"), ["/seller"]),
    (changed(number=""), ["/number"]),
    (changed(number=7), ["/number"]),
    (changed(number="x" * 61), ["/number"]),
    (changed(number="a\0b"), ["/number"]),
    (changed(currency="XXX"), ["/currency"]),
    (changed(currency=None), ["/currency"]),
    (changed(currency={}), ["/currency"]),
    (changed(issued_on="9999-12-31"), ["/issued_on"]),
    (changed(note=5), ["/note"]),
    (changed(note="x" * 4001), ["/note"]),
    (changed(lines=[]), ["/lines"]),
    (changed(lines=None), ["/lines"]),
    (changed(lines="A-1"), ["/lines"]),
    (changed(lines=["A-1"]), ["/lines/0", "/lines/0/quantity", "/lines/0/schedules", "/lines/0/unit"]),
    (changed(lines=[line("A-1")] * 10_001), ["/lines"]),
    (changed(numbr="x"), ["/numbr"]),
    (in_line(item="nothing"), ["/lines/0/item"]),
    (in_line(item=None), ["/lines/0/item"]),
    (in_line(item=["A-1"]), ["/lines/0/item"]),
    (in_line(unit="XYZ"), ["/lines/0/unit"]),
    (in_line(unit=None), ["/lines/0/unit"]),
    (in_line(price="-1"), ["/lines/0/price"]),
    (in_line(price=81.5), ["/lines/0/price"]),
    (in_line(quantiy="40"), ["/lines/0/quantiy"]),
    (in_line(schedules=[]), ["/lines/0/schedules"]),
    (in_line(schedules=[{"quantity": "39", "due_on": "2027-01-15"}]), ["/lines/0/schedules"]),
    (in_line(schedules=[{"quantity": "1", "due_on": "2027-01-15"}] * 401), ["/lines/0/schedules"]),
    (in_schedule(due_on="9999-01-01"), ["/lines/0/schedules/0/due_on"]),
    (in_schedule(due_on="2027-02-30"), ["/lines/0/schedules/0/due_on"]),
    (in_schedule(due_on=None), ["/lines/0/schedules/0/due_on"]),
    (in_schedule(due="2027-02-03"), ["/lines/0/schedules/0/due"]),
    *[
        (in_line(quantity=value), ["/lines/0/quantity"])
        for value in ("0", "-1", "NaN", "Infinity", "1e3", "1234567890123456789", "1.1234567", "", None, 40.0, True, [], "４０", 10**30)
    ],
]


@pytest.mark.parametrize(("change", "pointers"), BAD)
def test_a_bad_draft_is_refused_with_each_place(cast: Cast, change: Callable[[dict[str, Any]], None], pointers: list[str]) -> None:
    given = {**body(cast.supplier), "lines": [line("M-COMP")]}
    change(given)
    with unchanged(cast.maker, cast.supplier):
        answer = cast.maker.api.post("orders/", given)
    assert answer.status_code == 422, answer.content
    assert {pointer for pointer, _code in errors(answer)} >= set(pointers)
    if change is not BAD[0][0] and "quantity" not in pointers[0]:
        assert sorted({pointer for pointer, _code in errors(answer)}) == sorted(pointers)


def test_a_number_is_used_once(pair: Pair) -> None:
    drafted(pair, number="PO-1")
    with unchanged(*pair):
        answer = pair[0].api.post("orders/", body(pair[1], number="PO-1"))
    assert (answer.status_code, errors(answer)) == (422, [("/number", "number_taken")])
    other = drafted(pair)
    with unchanged(*pair):
        assert errors(pair[0].api.patch(f"orders/{other['uid']}", {"number": "PO-1"})) == [("/number", "number_taken")]


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"{", 400),
        (b'{"quantity": NaN}', 400),
        (b'{"quantity": Infinity}', 400),
        (b"\xff\xfe", 400),
        (b"[" * 100_000, 400),
        (b"[]", 422),
        (b'"text"', 422),
        (b"null", 422),
        (b"7", 422),
        (b'{"\\u0000": "\\u0000"}', 422),
    ],
)
def test_a_body_that_is_no_object_is_refused(cast: Cast, raw: bytes, status: int) -> None:
    with unchanged(cast.maker):
        answer = cast.maker.api.post("orders/", raw)
    assert answer.status_code == status
    errors(answer)


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", "nonsense"])
def test_a_body_of_another_type_is_refused(cast: Cast, media_type: str) -> None:
    with unchanged(cast.maker):
        answer = cast.maker.api.post("orders/", b"{}", content_type=media_type)
    assert answer.status_code == 415
    assert errors(answer) == []


def test_a_body_that_is_too_big_is_refused(cast: Cast) -> None:
    answer = cast.maker.api.post("orders/", b" " * (13 * 1024 * 1024))
    assert (answer.status_code, errors(answer)) == (413, [])


def test_what_is_not_given_in_a_media_type_is_refused(cast: Cast) -> None:
    answer = cast.maker.api.get("orders/", headers={"Accept": "text/html"})
    assert (answer.status_code, errors(answer)) == (406, [])


def test_ten_thousand_lines_are_taken(pair: Pair) -> None:
    found = drafted(pair, lines=[line("A-1")] * 10_000)
    assert (found["line_count"], found["lines"][-1]["line"]) == (10_000, 10_000)


MOVES: list[tuple[str, Any, list[str]]] = [
    ("confirm", {"lines": [{"line": 2}]}, ["/lines/0/line"]),
    ("confirm", {"lines": [{"line": "1"}]}, ["/lines/0/line"]),
    ("confirm", {"lines": ["x"]}, ["/lines/0/line"]),
    ("confirm", {"lines": {}}, ["/lines"]),
    ("confirm", {"lines": [{"line": 1}, {"line": 1}]}, ["/lines/1/line"]),
    ("confirm", {"lines": [{"line": 1, "response": "perhaps"}]}, ["/lines/0/response"]),
    ("confirm", {"lines": [{"line": 1, "response": ["accept"]}]}, ["/lines/0/response"]),
    ("confirm", {"lines": [{"line": 1, "response": "reject"}]}, ["/lines/0/reason"]),
    ("confirm", {"lines": [{"line": 1, "price": "-1"}]}, ["/lines/0/price"]),
    ("confirm", {"lines": [{"line": 1, "price": 1.5}]}, ["/lines/0/price"]),
    ("confirm", {"lines": [{"line": 1, "schedules": [{"quantity": "0", "due_on": "2027-01-15"}]}]}, ["/lines/0/schedules/0/quantity"]),
    ("confirm", {"lines": [{"line": 1, "schedules": [{"quantity": "1", "due_on": "9999-01-15"}]}]}, ["/lines/0/schedules/0/due_on"]),
    ("confirm", {"lines": [{"line": 1, "substitute": {"colour": "red"}}]}, ["/lines/0/substitute/colour"]),
    ("confirm", {"lines": [{"line": 1, "substitute": {"item": 7}}]}, ["/lines/0/substitute/item"]),
    ("confirm", {"lines": [{"line": 1, "substitute": {}}]}, ["/lines/0/substitute"]),
    ("confirm", {"lines": [{"line": 1, "substitute": "S-2"}]}, ["/lines/0/substitute"]),
    ("confirm", {"lines": [{"line": 1, "details": {}}]}, ["/lines/0/details"]),
    ("confirm", {"response": {}}, ["/response"]),
    ("acknowledge", {"note": 5}, ["/note"]),
    ("acknowledge", {"reason": "x"}, ["/reason"]),
    ("acknowledge", {"note": "x" * 4001}, ["/note"]),
    ("acknowledge", [], [""]),
]


@pytest.mark.parametrize(("move", "data", "pointers"), MOVES)
def test_a_bad_move_is_refused_with_each_place(cast: Cast, move: str, data: Any, pointers: list[str]) -> None:
    uid = order(cast.maker, cast.supplier)
    with unchanged(cast.maker, cast.supplier):
        answer = cast.supplier.api.post(f"orders/{uid}/moves/{move}/", data)
    assert answer.status_code == 422, answer.content
    assert [pointer for pointer, _code in errors(answer)] == pointers


def test_a_move_that_is_not_allowed_now_is_refused_with_a_sentence(cast: Cast) -> None:
    uid = order(cast.maker, cast.supplier)
    with unchanged(cast.maker, cast.supplier):
        for member, move in (
            (cast.maker, "publish"),
            (cast.maker, "confirm"),
            (cast.supplier, "cancel"),
            (cast.supplier, "close"),
            (cast.maker, "accept_response"),
        ):
            answer = member.api.post(f"orders/{uid}/moves/{move}/")
            assert answer.status_code == 409, answer.content
            assert errors(answer) == []
            assert answer.json()["detail"].endswith(".")
            assert answer.json()["state"] == "published"


def test_who_lacks_the_permission_is_refused(cast: Cast) -> None:
    uid = order(cast.maker, cast.supplier)
    with company.in_lobby():
        _client, token = accounts.issue_token(enterprise=cast.supplier.id, name="Screen", role="viewer", at=company.AT)
    screen = company.Api(token)
    found = screen.get(f"orders/{uid}").json()
    assert found["moves"] == []
    with unchanged(cast.maker, cast.supplier):
        for path, data in ((f"orders/{uid}/moves/confirm/", None), (f"orders/{uid}/thread/", {"text": "x"}), ("orders/", body(cast.maker))):
            answer = screen.post(path, data)
            assert answer.status_code == 403, answer.content
            assert errors(answer) == []


@pytest.mark.parametrize("tag", ['"1"', 'W/"1"', '"99"', '"nonsense"', "1"])
def test_a_stale_version_is_refused(pair: Pair, tag: str) -> None:
    uid = published(pair)
    with unchanged(*pair):
        answer = pair[0].api.post(f"orders/{uid}/moves/cancel/", headers={"If-Match": tag})
        assert (answer.status_code, errors(answer)) == (412, [])
    assert answer.json()["version"] == 2
    draft = drafted(pair)["uid"]
    assert pair[0].api.patch(f"orders/{draft}", {"note": "x"}, headers={"If-Match": '"2"'}).status_code == 412
    assert pair[0].api.patch(f"orders/{draft}", {"note": "x"}, headers={"If-Match": '"1"'}).status_code == 200
    assert pair[0].api.post(f"orders/{uid}/moves/cancel/", headers={"If-Match": "*"}).status_code == 200


@pytest.mark.parametrize("text", ["", " ", None, 5, "x" * 4001, "a\0b"])
def test_a_bad_message_is_refused(cast: Cast, text: Any) -> None:
    uid = order(cast.maker, cast.supplier)
    with unchanged(cast.maker, cast.supplier):
        answer = cast.maker.api.post(f"orders/{uid}/thread/", {"text": text})
    assert (answer.status_code, [pointer for pointer, _code in errors(answer)]) == (422, ["/text"])


def test_a_refusal_is_in_the_language_of_the_reader(cast: Cast) -> None:
    uid = order(cast.maker, cast.supplier)
    answer = cast.maker.api.post(f"orders/{uid}/moves/confirm/", headers={"Accept-Language": "zh-Hans"})
    assert "已发布" in answer.json()["detail"]
    assert answer["Content-Language"] == "zh-hans"
