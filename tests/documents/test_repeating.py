"""Requests that are repeated: the same key gives the first answer again, whatever happens in between."""

import threading
from typing import Any

import pytest
from django.db import OperationalError, connections

from apps.documents.services import moving
from tests import cast as company
from tests.cast import Cast, Member, line, order, outside, unchanged

Pair = tuple[Member, Member]


def body(seller: Member, **more: Any) -> dict[str, Any]:
    return {"seller": seller.slug, "number": company.fresh_number(), "currency": "EUR", "lines": [line("A-1")], **more}


def keyed(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key}


def kept(member: Member) -> list[str]:
    return [row["key"] for row in company.ask(f'SELECT key FROM "{member.home.schema}".documents_reply ORDER BY key')]


def test_the_same_request_gives_the_first_answer_again(pair: Pair) -> None:
    buyer, seller = pair
    given = body(seller)
    first = buyer.api.post("orders/", given, headers=keyed("k-1"))
    uid = first.json()["uid"]
    assert buyer.api.post(f"orders/{uid}/moves/publish/").status_code == 200
    with unchanged(*pair):
        again = buyer.api.post("orders/", given, headers=keyed("k-1"))
    assert (again.status_code, again.content) == (201, first.content)
    assert {name: again[name] for name in ("Content-Type", "ETag", "Location")} == {name: first[name] for name in ("Content-Type", "ETag", "Location")}
    assert (first.headers.get("Idempotent-Replayed"), again["Idempotent-Replayed"]) == (None, "true")


def test_another_request_with_the_key_is_refused(pair: Pair) -> None:
    buyer, seller = pair
    given = body(seller)
    uid = buyer.api.post("orders/", given, headers=keyed("k-1")).json()["uid"]
    with unchanged(*pair):
        for answer in (
            buyer.api.post("orders/", {**given, "note": "x"}, headers=keyed("k-1")),
            buyer.api.post("orders", given, headers=keyed("k-1")),
            buyer.api.patch(f"orders/{uid}", given, headers=keyed("k-1")),
        ):
            assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (422, "idempotency-key-taken")


def test_a_move_is_made_once(pair: Pair) -> None:
    buyer, seller = pair
    uid = order(buyer, seller)
    first = seller.api.post(f"orders/{uid}/moves/acknowledge/", headers=keyed("a"))
    with unchanged(*pair):
        again = seller.api.post(f"orders/{uid}/moves/acknowledge/", headers=keyed("a"))
        assert seller.api.post(f"orders/{uid}/moves/acknowledge/", headers=keyed("b")).status_code == 409
    assert (first.status_code, again.status_code, again.content) == (200, 200, first.content)
    assert buyer.api.get(f"orders/{uid}").json()["state"] == "acknowledged"


def test_a_refusal_leaves_nothing_not_even_the_key(pair: Pair) -> None:
    buyer, seller = pair
    given = body(seller, currency="XXX")
    with unchanged(*pair):
        first, again = (buyer.api.post("orders/", given, headers=keyed("k-1")) for _round in range(2))
    assert first.status_code == 422
    assert (again.status_code, again.content, again["Content-Type"]) == (422, first.content, "application/problem+json")
    assert "Idempotent-Replayed" not in again
    assert kept(buyer) == []
    assert buyer.api.post("orders/", {**given, "currency": "EUR"}, headers=keyed("k-1")).status_code == 201


def test_what_was_not_possible_is_possible_later_with_the_same_key(pair: Pair) -> None:
    buyer, seller = pair
    uid = order(buyer, seller)
    confirmed = f"orders/{uid}/moves/confirm/"
    with unchanged(*pair):
        assert buyer.api.post(f"orders/{uid}/moves/accept_response/", headers=keyed("k")).status_code == 409
        assert seller.api.post(confirmed, headers={**keyed("k"), "If-Match": '"9"'}).status_code == 412
    assert kept(buyer) == kept(seller) == []
    assert seller.api.post(confirmed, {"lines": [{"line": 1, "price": "90"}]}, headers=keyed("k")).status_code == 200
    assert buyer.api.post(f"orders/{uid}/moves/accept_response/", headers=keyed("k")).status_code == 200


def test_keys_of_one_enterprise_mean_nothing_to_another(cast: Cast) -> None:
    given = {"text": "x"}
    uid = order(cast.maker, cast.supplier)
    assert cast.maker.api.post(f"orders/{uid}/thread/", given, headers=keyed("shared")).status_code == 201
    answer = cast.supplier.api.post(f"orders/{uid}/thread/", given, headers=keyed("shared"))
    assert (answer.status_code, answer.json()["enterprise"]) == (201, cast.supplier.slug)
    assert cast.stranger.api.post(f"orders/{uid}/thread/", given, headers=keyed("shared")).status_code == 404


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb"])
def test_a_key_that_cannot_be_is_refused(cast: Cast, key: str) -> None:
    with unchanged(cast.maker):
        answer = cast.maker.api.post("orders/", {}, headers=keyed(key))
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "idempotency_key")


def test_two_at_once_are_done_once(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    buyer, seller = pair
    given, inside, go = body(seller), threading.Event(), threading.Event()
    real = moving.draft

    def slow(**more: Any) -> Any:
        inside.set()
        assert go.wait(10)
        return real(**more)

    monkeypatch.setattr("apps.documents.services.draft", slow)
    answers: list[Any] = []
    worker = threading.Thread(target=lambda: answers.append(in_thread(buyer, given)))
    worker.start()
    assert inside.wait(10)
    second = buyer.api.post("orders/", given, headers=keyed("k-1"))
    go.set()
    worker.join(20)
    assert (second.status_code, second.json()["type"].rpartition("/")[2]) == (409, "still-running")
    monkeypatch.undo()
    third = buyer.api.post("orders/", given, headers=keyed("k-1"))
    assert (answers[0].status_code, third.status_code, third.content) == (201, 201, answers[0].content)
    assert len(buyer.api.get("orders/").json()["results"]) == 1


def in_thread(member: Member, given: Any) -> Any:

    try:
        return member.api.post("orders/", given, headers=keyed("k-1"))
    finally:
        outside(connections.close_all)


def test_after_a_crash_nothing_is_kept(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    buyer, seller = pair
    given = body(seller)

    def crash(*args: Any, **more: Any) -> Any:
        raise RuntimeError("the machine stopped here")

    monkeypatch.setattr("apps.documents.services.keep_answer", crash)
    with unchanged(*pair):
        assert buyer.api.post("orders/", given, headers=keyed("k-1")).status_code == 500
    monkeypatch.undo()
    assert buyer.api.post("orders/", given, headers=keyed("k-1")).status_code == 201


def test_a_transaction_that_lost_is_tried_again_whole(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    buyer, seller = pair
    real, tries = moving.draft, []

    def unlucky(**more: Any) -> Any:
        row = real(**more)
        tries.append(1)
        if len(tries) < 3:
            raise lost("40001")
        return row

    monkeypatch.setattr("apps.documents.services.draft", unlucky)
    answer = buyer.api.post("orders/", body(seller), headers=keyed("k-1"))
    assert (answer.status_code, len(tries)) == (201, 3)
    assert len(buyer.api.get("orders/").json()["results"]) == 1


@pytest.mark.parametrize("state", ["55P03", "57014"])
def test_who_waits_too_long_is_told_to_come_again(pair: Pair, monkeypatch: pytest.MonkeyPatch, state: str) -> None:
    def busy(**more: Any) -> Any:
        raise lost(state)

    monkeypatch.setattr("apps.documents.services.draft", busy)
    with unchanged(*pair):
        answer = pair[0].api.post("orders/", body(pair[1]), headers=keyed("k-1"))
    assert (answer.status_code, answer["Retry-After"], answer["Content-Type"]) == (503, "1", "application/problem+json")


class Cause(Exception):
    def __init__(self, sqlstate: str) -> None:
        super().__init__(sqlstate)
        self.sqlstate = sqlstate


def lost(state: str) -> OperationalError:
    error = OperationalError(state)
    error.__cause__ = Cause(state)
    return error
