"""What becomes of an order that is agreed: changed, put on hold, cancelled, closed; and what is shipped of it binds."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest

from apps.base.findings import Invalid
from apps.documents import models
from apps.documents import selectors as documents
from apps.documents import services as engine
from apps.documents.services import NotAllowed
from apps.exchange import crossing
from apps.logistics.services import OverDelivery
from tests.cast import Cast, Member, line, move, order, unchanged
from tests.documents.browsing import page_of, words
from tests.logistics.deliveries import advice, deliver, partners, proven, receipt, stage, state, sums

Two = tuple[Member, Member]
LATER = [{"quantity": "60", "due_on": "2027-02-01"}]
WHY = {"reason": "Plans have changed."}


@pytest.fixture(scope="module")
def pair(database: None) -> Two:
    return partners()


@pytest.fixture
def agreed(pair: Two) -> uuid.UUID:
    """40 of A-1 and 5 of A-2, to which the seller has agreed."""
    found = order(*pair, [line("A-1"), line("A-2", "5", "9.99")])
    move(pair[1], found, "confirm")
    return found


def told(member: Member, uid: uuid.UUID) -> Any:
    answer = member.api.get(f"orders/{uid}/")
    assert answer.status_code == 200, answer.content
    return answer.json()


def change(pair: Two, uid: uuid.UUID, *lines: Mapping[str, Any]) -> None:
    move(pair[0], uid, "change", {"lines": list(lines)})


def promised(member: Member, uid: uuid.UUID) -> list[tuple[uuid.UUID, str]]:
    """What is agreed at a home: each schedule with its quantity."""
    with member.acting():
        rows = models.Schedule.objects.filter(line__document=uid, kind="agreed").order_by("line__position", "due_on")
        return [(row.pk, f"{row.quantity.normalize():f}") for row in rows]


def held(member: Member, uid: uuid.UUID) -> dict[str, dict[uuid.UUID, Decimal]]:
    """What is counted at a home: by kind, the sum of each schedule, those that are nothing left out."""
    with member.acting():
        found: dict[str, dict[uuid.UUID, Decimal]] = {}
        for schedule, kinds in documents.progress(id=uid).items():
            for kind, total in kinds.items():
                if total:
                    found.setdefault(kind, {})[schedule] = total
        return found


def same(pair: Two, *uids: uuid.UUID) -> None:
    """Both sides hold the same, and the log says so."""
    for uid in uids:
        assert promised(pair[0], uid) == promised(pair[1], uid)
        assert held(pair[0], uid) == held(pair[1], uid)
    assert proven(*pair) == []


# Changes -------------------------------------------------------------------------------------------------------------


def test_a_change_is_answered_alone_and_promises_on_the_rest_survive(pair: Two, agreed: uuid.UUID) -> None:
    buyer, seller = pair
    before = promised(seller, agreed)
    change(pair, agreed, {"line": 1, "schedules": LATER, "price": "80.00"})
    assert (state(buyer, agreed), state(seller, agreed), promised(seller, agreed)) == ("changed", "changed", before)
    whole = told(seller, agreed)
    assert whole["change"] == {
        "number": 1,
        "lines": [
            {
                "line": 1,
                "agreed": {"price": "81.50", "quantity": "40", "schedules": [{"quantity": "40", "due_on": "2027-01-15"}]},
                "asked": {"price": "80.00", "quantity": "60", "schedules": [{"quantity": "60", "due_on": "2027-02-01"}]},
                "offered": None,
                "changes": ["quantity 60 instead of 40 pcs", "on 1 Feb 2027 instead of 15 Jan 2027", "price 80.00 instead of 81.50"],
            }
        ],
    }  # fmt: skip
    with unchanged(*pair), pytest.raises(Invalid) as refused:
        move(seller, agreed, "confirm", {"lines": [{"line": 2, "response": "reject", "reason": "No."}]})
    assert [(finding.pointer, finding.detail) for finding in refused.value.findings] == [
        ("/lines/0/line", "Line 2 is agreed, and nothing else is asked of it.")
    ]
    move(seller, agreed, "confirm")
    now = promised(buyer, agreed)
    assert (state(buyer, agreed), now[1], now[0][1], now[0][0] != before[0][0]) == ("agreed", before[1], "60", True)
    assert told(buyer, agreed)["change"] is None
    assert held(buyer, agreed)["confirmed"] == {key: Decimal(quantity) for key, quantity in now}
    same(pair, agreed)


def test_a_change_that_is_rejected_or_withdrawn_leaves_the_order_as_agreed(pair: Two, agreed: uuid.UUID) -> None:
    buyer, seller = pair
    before = promised(seller, agreed)
    for ends in ((seller, agreed, "confirm", {"lines": [{"line": 1, "response": "reject", "reason": "Too late."}]}), (buyer, agreed, "withdraw_change")):
        change(pair, agreed, {"line": 1, "schedules": LATER})
        move(*ends)
        for member in pair:
            whole = told(member, agreed)
            assert (whole["state"], whole["change"], whole["amount"]) == ("agreed", None, "3309.95")
            assert whole["lines"][0]["schedules"] == whole["lines"][0]["agreed"]["schedules"] == [{"quantity": "40", "due_on": "2027-01-15"}]
            assert promised(member, agreed) == before
    response = next(each for each in seller.api.get("order-responses/").json()["results"] if each["order"]["uid"] == str(agreed))
    assert response["code"] == "RE"
    with buyer.acting():
        assert documents.change_number(documents.head(id=agreed) or {}) == 2
    same(pair, agreed)


def test_other_terms_are_offered_for_a_change_and_taken_countered_or_refused(pair: Two, agreed: uuid.UUID) -> None:
    buyer, seller = pair
    offer = {"lines": [{"line": 1, "response": "change", "price": "82.00", "schedules": [{"quantity": "50", "due_on": "2027-02-10"}]}]}
    for answer, after, quantity in (("refuse_response", "agreed", "40"), ("counter", "changed", "55"), ("accept_response", "agreed", "50")):
        if state(buyer, agreed) == "agreed":
            change(pair, agreed, {"line": 1, "schedules": LATER})
        move(seller, agreed, "confirm", offer)
        assert (state(buyer, agreed), told(buyer, agreed)["change"]["lines"][0]["offered"]["quantity"]) == ("change_answered", "50")
        data = {"lines": [{"line": 1, "schedules": [{"quantity": "55", "due_on": "2027-02-10"}]}]} if answer == "counter" else None
        move(buyer, agreed, answer, data)
        assert (state(seller, agreed), f"{told(seller, agreed)['lines'][0]['quantity']}".removesuffix(".0")) == (after, quantity if after == "changed" else
            told(seller, agreed)["lines"][0]["quantity"].removesuffix(".0"))  # fmt: skip
    assert promised(buyer, agreed)[0][1] == "50"
    same(pair, agreed)


def test_a_line_is_cancelled_by_a_change(pair: Two, agreed: uuid.UUID) -> None:
    buyer, seller = pair
    change(pair, agreed, {"line": 2, "response": "cancel", "reason": "Not needed."})
    assert told(seller, agreed)["change"]["lines"][0]["changes"] == ["cancelled"]
    move(seller, agreed, "confirm")
    assert (state(buyer, agreed), [quantity for _id, quantity in promised(buyer, agreed)], told(buyer, agreed)["amount"]) == ("agreed", ["40"], "3260.00")
    change(pair, agreed, {"line": 2, "schedules": [{"quantity": "3", "due_on": "2027-03-01"}]})
    move(seller, agreed, "confirm")
    assert [quantity for _id, quantity in promised(seller, agreed)] == ["40", "3"]
    same(pair, agreed)


def test_a_seller_proposes_a_change(pair: Two, agreed: uuid.UUID) -> None:
    buyer, seller = pair
    before = promised(buyer, agreed)
    data = {"lines": [{"line": 2, "response": "reject", "reason": "The tool broke."}]}
    move(seller, agreed, "propose_change", data)
    assert (state(buyer, agreed), promised(buyer, agreed)) == ("change_answered", before)
    move(buyer, agreed, "refuse_response")
    assert (state(seller, agreed), promised(seller, agreed)) == ("agreed", before)
    move(seller, agreed, "propose_change", data)
    move(buyer, agreed, "accept_response")
    assert (state(seller, agreed), promised(seller, agreed)) == ("agreed", before[:1])
    same(pair, agreed)


@pytest.mark.parametrize(
    ("data", "pointer", "sentence"),
    [
        ({}, "/lines", "Say what is to change: at least one line."),
        ({"lines": [{"line": 1}]}, "/lines", "Nothing would change: this is what is agreed."),
        ({"lines": [{"line": 1, "price": "81.50"}]}, "/lines", "Nothing would change: this is what is agreed."),
        ({"lines": [{"line": 9, "price": "80"}]}, "/lines/0/line", "The document has no line 9."),
        ({"lines": [{"line": 1, "response": "reject", "reason": "x"}]}, "/lines/0/response", "Say one of: change, cancel."),
        (
            {"lines": [{"line": 1, "price": "1"}, {"line": 1, "response": "cancel"}]},
            "/lines/1/line",
            "Line 1 is answered twice. Put all its dates into one answer.",
        ),
    ],
)
def test_a_change_that_says_nothing_is_refused(pair: Two, agreed: uuid.UUID, data: Any, pointer: str, sentence: str) -> None:
    with unchanged(*pair):
        answer = pair[0].api.post(f"orders/{agreed}/moves/change/", data)
    assert (answer.status_code, [(error["pointer"], error["detail"]) for error in answer.json()["errors"]]) == (422, [(pointer, sentence)])


# What is shipped binds -----------------------------------------------------------------------------------------------


def shipped(pair: Two, uid: uuid.UUID, quantity: str, position: int = 1) -> uuid.UUID:
    return advice(pair[1], [{"order": uid, "line": position, "quantity": quantity}])


def test_nothing_is_changed_below_what_was_shipped(pair: Two, agreed: uuid.UUID) -> None:
    buyer, seller = pair
    shipped(pair, agreed, "30")
    sentence = "30 pcs of line 1 are shipped already: it cannot be reduced to 20 pcs."
    fewer = [{"quantity": "20", "due_on": "2027-02-01"}]
    with unchanged(*pair):
        for member, code in ((buyer, "change"), (seller, "propose_change")):
            answer = member.api.post(f"orders/{agreed}/moves/{code}/", {"lines": [{"line": 2, "price": "9"}, {"line": 1, "schedules": fewer}]})
            assert (answer.status_code, [(e["pointer"], e["detail"]) for e in answer.json()["errors"]]) == (422, [("/lines/1/schedules", sentence)])
    with unchanged(*pair), pytest.raises(Invalid, match="30 pcs of line 1 are shipped already: it cannot be reduced to 0 pcs"):
        change(pair, agreed, {"line": 1, "response": "cancel"})


def test_what_was_shipped_meanwhile_is_not_agreed_away(pair: Two, agreed: uuid.UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    """The buyer wants less, and does not know yet that more has left."""
    buyer, seller = pair
    with monkeypatch.context() as patch:
        patch.setattr(crossing, "deliver", lambda **_: 0)
        change(pair, agreed, {"line": 1, "schedules": [{"quantity": "20", "due_on": "2027-02-01"}]})
        shipped(pair, agreed, "30")
    for sender, receiver in ((buyer, seller), (seller, buyer)):
        deliver(sender, receiver)
    with unchanged(*pair), pytest.raises(Invalid, match="30 pcs of line 1 are shipped already: it cannot be reduced to 20 pcs"):
        move(seller, agreed, "confirm")
    move(seller, agreed, "confirm", {"lines": [{"line": 1, "schedules": [{"quantity": "30", "due_on": "2027-02-01"}]}]})
    move(buyer, agreed, "accept_response")
    assert (sums(buyer, agreed)[1], stage(buyer, agreed)) == ({"shipped": 30}, "partly_shipped")
    same(pair, agreed)


def test_what_was_shipped_goes_with_the_new_dates(pair: Two, agreed: uuid.UUID) -> None:
    buyer, seller = pair
    first = shipped(pair, agreed, "30")
    receipt(buyer, first, [{"line": 1, "received": "30"}])
    change(pair, agreed, {"line": 1, "schedules": [{"quantity": "25", "due_on": "2027-02-01"}, {"quantity": "35", "due_on": "2027-03-01"}]})
    move(seller, agreed, "confirm")
    now = dict(promised(buyer, agreed)[:2])
    for kind in ("shipped", "received", "accepted"):
        assert {key: total for key, total in held(buyer, agreed)[kind].items() if key in now} == dict(zip(now, (Decimal(25), Decimal(5)), strict=True))
        assert set(held(buyer, agreed)[kind]) == set(now)
    assert told(buyer, agreed)["lines"][0]["progress"]["to_ship"] == "30"
    second = shipped(pair, agreed, "30")
    receipt(buyer, second, [{"line": 1, "received": "30"}])
    shipped(pair, agreed, "5", position=2)
    same(pair, agreed)


def test_of_what_waits_nothing_is_shipped_and_of_the_rest_all(pair: Two, agreed: uuid.UUID) -> None:
    buyer, seller = pair
    packed = advice(seller, [{"order": agreed, "line": 1, "quantity": "10"}], ship=False)
    change(pair, agreed, {"line": 1, "schedules": LATER})
    sentence = "A change of line 1 of order {number} waits to be agreed: it is not shipped before.".format(number=told(buyer, agreed)["number"])
    with unchanged(*pair):
        answer = seller.api.post("despatch-advices/", {"lines": [{"order": str(agreed), "line": 1, "quantity": "1"}]})
        assert (answer.status_code, answer.json()["errors"][0]["detail"]) == (422, sentence)
        with seller.acting(), pytest.raises(OverDelivery) as refused:
            engine.make(type="despatch_advice", document=packed, move="ship", data={}, by=seller.actor, at=_now())
        assert str(refused.value) == sentence
    shipped(pair, agreed, "5", position=2)
    move(buyer, agreed, "withdraw_change")
    with seller.acting():
        engine.make(type="despatch_advice", document=packed, move="ship", data={}, by=seller.actor, at=_now())
    assert sums(buyer, agreed) == {1: {"shipped": 10}, 2: {"shipped": 5}}
    same(pair, agreed)


def _now() -> Any:
    from tests.cast import AT

    return AT


# On hold, cancelled, closed ------------------------------------------------------------------------------------------


def test_nothing_is_shipped_on_hold(pair: Two, agreed: uuid.UUID) -> None:
    buyer, seller = pair
    move(buyer, agreed, "hold", {"reason": "The hall is full."})
    assert told(seller, agreed)["moves"] == ["offer_cancel"]
    with unchanged(*pair):
        answer = seller.api.post("despatch-advices/", {"lines": [{"order": str(agreed), "line": 1, "quantity": "1"}]})
    number = told(buyer, agreed)["number"]
    assert (answer.status_code, answer.json()["errors"][0]["detail"]) == (422, f"Order {number} is “On hold”: nothing more is shipped for it.")
    with seller.acting():
        assert agreed not in {row.order for row in documents.agreed_lines(side="seller", to_ship=True)}
    move(buyer, agreed, "cancel", WHY)
    move(seller, agreed, "refuse_cancel", {"reason": "It is finished."})
    assert state(buyer, agreed) == "held"
    move(buyer, agreed, "resume")
    shipped(pair, agreed, "40")
    same(pair, agreed)


@pytest.mark.parametrize(("asks", "code", "waits"), [(0, "cancel", "cancel_asked"), (1, "offer_cancel", "cancel_offered")])
def test_a_cancellation_is_asked_and_answered(pair: Two, agreed: uuid.UUID, asks: int, code: str, waits: str) -> None:
    one, other = pair[asks], pair[1 - asks]
    for answer, after in (("refuse_cancel", "agreed"), ("accept_cancel", "cancelled")):
        move(one, agreed, code, WHY)
        allowed = (["withdraw_cancel"], ["accept_cancel", "refuse_cancel"])
        assert (state(other, agreed), told(one, agreed)["moves"], told(other, agreed)["moves"]) == (waits, *allowed)
        for member, foreign in ((one, answer), (other, "withdraw_cancel")):
            with unchanged(*pair), pytest.raises(NotAllowed):
                move(member, agreed, foreign)
        move(other, agreed, answer)
        assert (state(one, agreed), state(other, agreed)) == (after, after)
    assert told(pair[0], agreed)["lines"][0]["progress"]["to_ship"] == "0"
    events = [step["event"] for step in one.api.get(f"orders/{agreed}/steps/").json()["results"]]
    assert (f"order.{waits}" in events, "order.cancelled" in events) == (True, False)
    same(pair, agreed)


@pytest.mark.parametrize(("asks", "code", "waits"), [(0, "cancel", "cancel_asked"), (1, "offer_cancel", "cancel_offered")])
@pytest.mark.parametrize("held", [False, True])
def test_who_asked_to_cancel_may_go_on_with_it(pair: Two, agreed: uuid.UUID, asks: int, code: str, waits: str, held: bool) -> None:
    one, other = pair[asks], pair[1 - asks]
    if held:
        move(pair[0], agreed, "hold", WHY)
    move(one, agreed, code, WHY)
    assert state(other, agreed) == waits
    move(one, agreed, "withdraw_cancel")
    assert [state(member, agreed) for member in pair] == ["held" if held else "agreed"] * 2
    if not held:
        shipped(pair, agreed, "40")
    same(pair, agreed)


@pytest.mark.parametrize(("answer", "after"), [("accept_cancel", "cancelled"), ("refuse_cancel", "agreed")])
def test_an_answer_stands_before_who_takes_back_at_the_same_time(
    pair: Two, agreed: uuid.UUID, monkeypatch: pytest.MonkeyPatch, answer: str, after: str
) -> None:
    """Whoever agreed to cancel may have acted upon it already."""
    buyer, seller = pair
    move(buyer, agreed, "cancel", WHY)
    with monkeypatch.context() as patch:
        patch.setattr(crossing, "deliver", lambda **_: 0)
        move(buyer, agreed, "withdraw_cancel")
        move(seller, agreed, answer)
    for sender, receiver in ((buyer, seller), (seller, buyer)):
        deliver(sender, receiver)
    assert [state(member, agreed) for member in pair] == [after, after]
    assert [step["overruled"] for step in buyer.api.get(f"orders/{agreed}/steps/").json()["results"] if step["event"] == "order.cancel_withdrawn"] == [True]
    same(pair, agreed)


def test_a_seller_who_wants_to_be_let_off_says_why(pair: Two, agreed: uuid.UUID) -> None:
    with unchanged(*pair):
        missing = pair[1].api.post(f"orders/{agreed}/moves/offer_cancel/", {})
        assert (missing.status_code, [error["pointer"] for error in missing.json()["errors"]]) == (422, ["/reason"])


def test_what_is_shipped_is_not_cancelled(pair: Two, agreed: uuid.UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    buyer, seller = pair
    with monkeypatch.context() as patch:
        patch.setattr(crossing, "deliver", lambda **_: 0)
        move(buyer, agreed, "cancel", WHY)
        shipped(pair, agreed, "30")
    for sender, receiver in ((buyer, seller), (seller, buyer)):
        deliver(sender, receiver)
    words = "30 pcs of line 1 are shipped already, and what is shipped cannot be cancelled. The buyer can close the order short."
    with unchanged(*pair), pytest.raises(NotAllowed) as refused:
        move(seller, agreed, "accept_cancel")
    assert str(refused.value) == words
    move(seller, agreed, "refuse_cancel")
    with unchanged(*pair):
        for member, code in ((buyer, "cancel"), (seller, "offer_cancel")):
            answer = member.api.post(f"orders/{agreed}/moves/{code}/", WHY)
            assert (answer.status_code, answer.json()["detail"]) == (409, words)


def test_an_order_is_closed_when_all_has_come_and_short_with_a_reason(pair: Two, agreed: uuid.UUID) -> None:
    buyer, seller = pair
    with unchanged(*pair), pytest.raises(NotAllowed, match="Nothing has come yet"):
        move(buyer, agreed, "close", WHY)
    receipt(buyer, shipped(pair, agreed, "30"), [{"line": 1, "received": "30"}])
    with unchanged(*pair), pytest.raises(Invalid) as refused:
        move(buyer, agreed, "close")
    assert [(each.pointer, each.detail) for each in refused.value.findings] == [("/reason", "Not everything has come. Say why the rest is given up.")]
    move(buyer, agreed, "close", WHY)
    for member in pair:
        whole = told(member, agreed)
        assert (whole["state"], whole["progress"], whole["moves"], whole["lines"][0]["progress"]["to_ship"]) == ("closed_short", "closed_short", [], "0")
    with unchanged(*pair):
        answer = seller.api.post("despatch-advices/", {"lines": [{"order": str(agreed), "line": 1, "quantity": "1"}]})
    assert answer.status_code == 422
    other = order(*pair, [line("A-1")])
    move(seller, other, "confirm")
    receipt(buyer, shipped(pair, other, "40"), [{"line": 1, "received": "40"}])
    move(buyer, other, "close")
    assert (state(buyer, other), state(seller, other), stage(seller, other)) == ("closed", "closed", "closed")
    same(pair, agreed, other)


# Both at once ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bought", "sold", "after", "lost"),
    [
        (("change", {"lines": [{"line": 1, "schedules": LATER}]}), ("propose_change", {"lines": [{"line": 1, "price": "90"}]}), "change_answered", "change"),
        (("hold", None), ("offer_cancel", WHY), "cancel_offered", "hold"),
        (("cancel", WHY), ("offer_cancel", WHY), "cancel_asked", "offer_cancel"),
        (("cancel", WHY), ("propose_change", {"lines": [{"line": 1, "price": "90"}]}), "cancel_asked", "propose_change"),
    ],
)
def test_of_two_at_once_one_stands_and_the_other_is_told(pair: Two, agreed: uuid.UUID, bought: Any, sold: Any, after: str, lost: str,
                                                         monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    _at_once(pair, agreed, [bought], [sold], monkeypatch)
    for member in pair:
        assert (state(member, agreed), _lost(member, agreed)) == (after, [lost])
    same(pair, agreed)


def test_a_change_that_is_confirmed_while_it_is_withdrawn_is_agreed(pair: Two, agreed: uuid.UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    change(pair, agreed, {"line": 1, "schedules": LATER})
    _at_once(pair, agreed, [("withdraw_change", None)], [("confirm", None)], monkeypatch)
    for member in pair:
        assert (state(member, agreed), _lost(member, agreed), promised(member, agreed)[0][1]) == ("agreed", ["withdraw_change"], "60")
    page = pair[0].page_client().get(page_of(agreed))
    assert "overruled" in words(page)
    same(pair, agreed)


def test_an_agreement_that_falls_to_a_cancellation_and_holds_again(pair: Two, agreed: uuid.UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    """The buyer takes other terms while the seller asks to be let off: what was agreed before holds again, under its own ids."""
    buyer, seller = pair
    before = promised(buyer, agreed)
    move(seller, agreed, "propose_change", {"lines": [{"line": 1, "price": "90", "schedules": LATER}]})
    _at_once(pair, agreed, [("accept_response", None)], [("offer_cancel", WHY)], monkeypatch)
    assert (_lost(buyer, agreed), promised(buyer, agreed), state(buyer, agreed)) == (["accept_response"], before, "cancel_offered")
    move(buyer, agreed, "refuse_cancel")
    assert held(buyer, agreed)["confirmed"] == {key: Decimal(quantity) for key, quantity in before}
    same(pair, agreed)


def _at_once(pair: Two, uid: uuid.UUID, bought: Sequence[Any], sold: Sequence[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(crossing, "deliver", lambda **_: 0)
        for member, said in ((pair[0], bought), (pair[1], sold)):
            for code, data in said:
                move(member, uid, code, data)
    for _round in range(2):
        deliver(*pair)
        deliver(*reversed(pair))


def _lost(member: Member, uid: uuid.UUID) -> list[str]:
    with member.acting():
        return [step["move"] for step in documents.history(id=uid) if step["overruled"]]


# Seen ----------------------------------------------------------------------------------------------------------------


def test_the_pages_show_what_changes_and_ask_only_for_that(pair: Two, agreed: uuid.UUID, cast: Cast) -> None:
    buyer, seller = pair
    page = buyer.page_client()
    form = page.get(page_of(agreed, "moves/change/"))
    assert [entry.form["response"].value() for entry in form.context["lines"]] == ["accept", "accept"]
    assert "Leave as agreed" in words(form)
    sent = _sent(form, {0: {"response": "change", "price": "80.00", "quantity": "60", "due_on": "2027-02-01"}})
    nothing = page.post(page_of(agreed, "moves/change/"), _sent(form, {}))
    assert (nothing.status_code, "Say what is to change: at least one line." in words(nothing)) == (422, True)
    assert page.post(page_of(agreed, "moves/change/"), sent).status_code == 303
    for member in pair:
        shown = words(member.page_client().get(page_of(agreed)))
        assert "Change 1: 1 line waits" in shown
        assert "Agreed until now" in shown
        assert "asked for a change: line 1 quantity 60 instead of 40 pcs, on 1 Feb 2027 instead of 15 Jan 2027, price 80.00 instead of 81.50" in shown
    chinese = words(seller.page_client(HTTP_ACCEPT_LANGUAGE="zh-hans").get(page_of(agreed)))
    assert "目前的约定" in chinese or "Agreed until now" in chinese
    answer = seller.page_client().get(page_of(agreed, "moves/confirm/"))
    assert [entry.line["line"] for entry in answer.context["lines"]] == [1]
    assert seller.page_client().post(page_of(agreed, "moves/confirm/"), {"accept_all": "1", "version": _version(answer)}).status_code == 303
    assert state(buyer, agreed) == "agreed"
    for outsider in (cast.stranger,):
        with unchanged(*pair):
            assert outsider.page_client().get(page_of(agreed, "moves/change/")).status_code == 404
            assert outsider.api.post(f"orders/{agreed}/moves/change/", {"lines": [{"line": 1, "price": "1"}]}).status_code == 404


def test_who_may_not_is_told_so(pair: Two, agreed: uuid.UUID) -> None:
    viewer = pair[0].page_client("viewer")
    with unchanged(*pair):
        for code in ("change", "hold", "cancel", "close"):
            assert viewer.post(page_of(agreed, f"moves/{code}/"), {"reason": "x"}).status_code == 403
        assert pair[1].page_client().get(page_of(agreed, "moves/change/")).status_code == 404


def _version(answer: Any) -> str:
    return str(answer.context["document"]["version"])


def _sent(answer: Any, changed: Mapping[int, Mapping[str, str]]) -> dict[str, str]:
    """The form as it was shown, with what somebody typed."""
    sent = {"version": _version(answer), "reason": ""}
    for index, entry in enumerate(answer.context["lines"]):
        typed = {**{name: entry.form[name].value() or "" for name in entry.form.fields}, **changed.get(index, {})}
        dates = {name: typed.pop(name, entry.schedules[0][name].value()) for name in ("quantity", "due_on")}
        sent |= {f"lines-{index}-{name}": value for name, value in typed.items()}
        sent |= {f"lines-{index}-schedules-0-{name}": value for name, value in dates.items()}
    return sent
