"""The ledger: nothing comes from nowhere, nothing is less than nothing, and the balances are the sums of the moves."""

from __future__ import annotations

import itertools
import threading
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.base import announcing
from apps.base.findings import Invalid
from apps.documents.services import MayNot
from apps.logistics import selectors, services
from apps.logistics.models import Balance, Place, StockMove
from tests.cast import AT, Member, ask, outside, provision, stock, unchanged

_fresh = itertools.count(1)


@pytest.fixture(scope="module")
def keeper(database: None) -> Member:
    return provision("keeper", "Keeper Ltd")


@pytest.fixture
def item(keeper: Member) -> uuid.UUID:
    found = stock(keeper, f"K-{next(_fresh)}", "Kettle")
    return uuid.UUID(str(found.pk))


def put(member: Member, item: uuid.UUID, quantity: Any, source: str = "production", target: str = "stock", **more: Any) -> StockMove:
    with member.acting():
        return services.move_stock(item=item, quantity=quantity, source=source, target=target, by=member.actor, at=AT, **more)


def held(member: Member, item: uuid.UUID) -> dict[tuple[str, str, str], Decimal]:
    with member.acting():
        return {(row.configuration, row.lot, row.place): row.quantity for row in Balance.objects.filter(item_id=item) if row.quantity}


def test_what_comes_in_lies_there_and_came_from_somewhere(keeper: Member, item: uuid.UUID) -> None:
    put(keeper, item, "40.5", lot="L1")
    put(keeper, item, "0.25", source="stock", target="quarantine", lot="L1")
    assert held(keeper, item) == {("", "L1", "stock"): Decimal("40.25"), ("", "L1", "quarantine"): Decimal("0.25"), ("", "L1", "production"): Decimal("-40.5")}


def test_more_than_there_is_does_not_leave(keeper: Member, item: uuid.UUID) -> None:
    put(keeper, item, "3", lot="L1")
    put(keeper, item, "9", lot="L2")
    with unchanged(keeper), pytest.raises(services.NotEnough) as refused:
        put(keeper, item, "5", source="stock", target="customer", lot="L1")
    with keeper.acting():
        number = Balance.objects.filter(item_id=item).values_list("item__number", flat=True)[0]
    assert str(refused.value) == (f"There is too little of “{number}” of lot L1 in stock: 2 pcs missing. Enter first what came in, or adjust the stock.")


def test_an_adjustment_says_why_and_may_go_below_nothing(keeper: Member, item: uuid.UUID) -> None:
    with keeper.acting():
        services.adjust(item=item, change="-2", reason="Shipped before it was entered.", by=keeper.actor, at=AT)
        assert services.adjust(item=item, counted="5", reason="Counted.", by=keeper.actor, at=AT)
        assert services.adjust(item=item, counted="5", reason="Counted again.", by=keeper.actor, at=AT) is None
        moves = list(StockMove.objects.filter(item_id=item).order_by("id").values_list("source", "target", "quantity", "reason"))
    assert moves == [("stock", "loss", 2, "Shipped before it was entered."), ("loss", "stock", 7, "Counted.")]
    assert held(keeper, item) == {("", "", "stock"): 5, ("", "", "loss"): -5}


BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"quantity": "0"}, "/quantity", "not_positive"),
    ({"quantity": "-1"}, "/quantity", "not_positive"),
    ({"quantity": 1.5}, "/quantity", "number"),
    ({"quantity": "1234567890123.000001"}, "/quantity", "number_size"),
    ({"quantity": "1", "source": "moon"}, "/from", "place"),
    ({"quantity": "1", "target": None}, "/to", "place"),
    ({"quantity": "1", "target": "production"}, "/to", "same"),
    ({"quantity": "1", "target": "loss"}, "/reason", "required"),
    ({"quantity": "1", "lot": "x" * 61}, "/lot", "too_long"),
    ({"quantity": "1", "configuration": "x" * 65}, "/configuration", "too_long"),
]


@pytest.mark.parametrize(("said", "pointer", "code"), BAD)
def test_what_cannot_be_is_refused(keeper: Member, item: uuid.UUID, said: dict[str, Any], pointer: str, code: str) -> None:
    with unchanged(keeper), pytest.raises(Invalid) as refused:
        put(keeper, item, **said)
    assert [(finding.pointer, finding.code) for finding in refused.value] == [(pointer, code)]


def test_what_cannot_be_adjusted_is_refused(keeper: Member, item: uuid.UUID) -> None:
    for said, pointer in (({"counted": "-1", "reason": "x"}, "/counted"), ({"counted": "1", "reason": " "}, "/reason"),
                          ({"counted": "1", "reason": "x", "place": "customer"}, "/place"), ({"change": "x", "reason": "x"}, "/change")):  # fmt: skip
        with unchanged(keeper), keeper.acting(), pytest.raises(Invalid) as refused:
            services.adjust(item=item, by=keeper.actor, at=AT, **said)  # type: ignore[arg-type]
        assert [finding.pointer for finding in refused.value] == [pointer]


def test_who_may_not_move_stock_moves_none(keeper: Member, item: uuid.UUID) -> None:
    for by in (keeper.viewer, keeper.buyer, keeper.seller):
        with unchanged(keeper), keeper.acting(by=by), pytest.raises(MayNot):
            services.move_stock(item=item, quantity="1", source="production", target="stock", by=by, at=AT)
    with keeper.acting(by=keeper.as_role("dock")):
        services.move_stock(item=item, quantity="1", source="production", target="stock", by=keeper.as_role("dock"), at=AT)


def test_large_quantities_are_kept_to_the_last_digit(keeper: Member, item: uuid.UUID) -> None:
    for _round in range(3):
        put(keeper, item, "999999999999.999999")
    put(keeper, item, "0.000001", source="stock", target="customer")
    assert held(keeper, item)["", "", "stock"] == Decimal("2999999999999.999996")


def test_what_is_nobodys_yet_is_told_to_the_floors_below(keeper: Member, item: uuid.UUID) -> None:
    put(keeper, item, "4", lot="L1")
    put(keeper, item, "3", lot="L2")
    put(keeper, item, "2", configuration="ab" * 32)
    put(keeper, item, "1", source="stock", target="quarantine", lot="L1")
    with keeper.acting():
        assert announcing.ask_above("ON_HAND", items=[item, uuid.uuid4()]) == [{item: Decimal(6)}]
        assert selectors.on_hand([]) == {}


PLACES = st.sampled_from(Place.values)
STEPS = st.lists(st.tuples(PLACES, PLACES, st.decimals("0.000001", "99999", places=6), st.sampled_from(["", "L1", "L2"])), min_size=1, max_size=12)


@given(steps=STEPS)
@settings(max_examples=40, deadline=None)
def test_the_balances_are_the_sums_of_the_moves_and_sum_up_to_nothing(keeper: Member, steps: list[tuple[str, str, Decimal, str]]) -> None:
    item = uuid.UUID(str(stock(keeper, f"K-{next(_fresh)}", "Kettle").pk))
    sums: dict[tuple[str, str], Decimal] = {}
    for source, target, quantity, lot in steps:
        try:
            put(keeper, item, str(quantity), source, target, lot=lot, reason="Counted." if "loss" in (source, target) else "")
        except (services.NotEnough, Invalid):
            continue
        for place, sign in ((source, -1), (target, 1)):
            sums[lot, place] = sums.get((lot, place), Decimal(0)) + sign * quantity
    found = {(lot, place): quantity for (_of, lot, place), quantity in held(keeper, item).items()}
    assert found == {key: quantity for key, quantity in sums.items() if quantity}
    assert sum(found.values()) == 0
    adjusted = any("loss" in step[:2] for step in steps)
    assert adjusted or all(quantity >= 0 for (_lot, place), quantity in found.items() if place in ("stock", "quarantine"))


def test_the_last_pieces_are_taken_once(keeper: Member, item: uuid.UUID) -> None:
    """Twelve hands reach for ten pieces, two at a time."""
    put(keeper, item, "10")
    taken: list[bool] = []

    def take() -> None:
        def once() -> bool:
            try:
                put(keeper, item, "2", source="stock", target="customer")
            except services.NotEnough:
                return False
            finally:
                connection.close()
            return True

        taken.append(outside(once))

    threads = [threading.Thread(target=take) for _hand in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == [False] * 7 + [True] * 5
    assert held(keeper, item) == {("", "", "customer"): 10, ("", "", "production"): -10}


# REST ----------------------------------------------------------------------------------------------------------------


def number_of(member: Member, item: uuid.UUID) -> str:
    return str(ask(f'SELECT number FROM "{member.home.schema}".catalog_item WHERE id = %s', [item])[0]["number"])


def test_stock_by_rest(keeper: Member, item: uuid.UUID) -> None:
    number = number_of(keeper, item)
    answer = keeper.api.post("stock/moves/", {"item": number, "quantity": "12", "from": "production", "to": "stock", "lot": "L9"})
    assert answer.status_code == 201, answer.content
    told = answer.json()
    assert told == {
        "uid": told["uid"], "item": number, "configuration": "", "lot": "L9", "from": "production", "to": "stock", "quantity": "12", "unit": "C62",
        "cause": "hand", "document": None, "reason": "", "at": told["at"], "by": told["by"],
    }  # fmt: skip
    counted = keeper.api.post("stock/moves/", {"item": number, "counted": "11.5", "lot": "L9", "reason": "One is broken."})
    assert (counted.status_code, counted.json()["quantity"], counted.json()["to"], counted.json()["cause"]) == (201, "0.5", "loss", "adjustment")
    assert [row["uid"] for row in keeper.api.get(f"stock/moves/?item={number}").json()["results"]] == [counted.json()["uid"], told["uid"]]
    rows = keeper.api.get(f"stock/?item={number}").json()["results"]
    assert {row["place"]: row["quantity"] for row in rows} == {"stock": "11.5", "loss": "0.5", "production": "-12"}
    assert keeper.api.get(f"stock/?item={number}&place=stock").json()["results"] == [
        {"item": number, "configuration": "", "lot": "L9", "place": "stock", "quantity": "11.5", "unit": "C62"}
    ]


WRONG: list[tuple[dict[str, Any], int, str]] = [
    ({"item": "nothing", "quantity": "1"}, 422, "/item"),
    ({"item": 7}, 422, "/item"),
    ({"item": "?", "quantity": "1", "from": "production", "to": "stock", "colour": "red"}, 422, "/colour"),
    ({"item": "?", "counted": "1", "quantity": "1", "reason": "x"}, 422, "/quantity"),
    ({"item": "?", "counted": "0", "reason": "x"}, 422, "/counted"),
    ({"item": "?", "quantity": "1", "from": "stock", "to": "customer"}, 409, ""),
]


@pytest.mark.parametrize(("body", "status", "pointer"), WRONG)
def test_what_rest_refuses(keeper: Member, item: uuid.UUID, body: dict[str, Any], status: int, pointer: str) -> None:
    said = {**body, "item": number_of(keeper, item)} if body["item"] == "?" else body
    with unchanged(keeper):
        answer = keeper.api.post("stock/moves/", said)
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json"), answer.content
    assert [error["pointer"] for error in answer.json()["errors"]] == ([pointer] if pointer else [])
    assert answer.json()["detail"]


def test_a_stranger_sees_no_stock_of_others(keeper: Member, cast: Any, item: uuid.UUID) -> None:
    put(keeper, item, "3")
    for path in ("stock/", "stock/moves/"):
        assert cast.stranger.api.get(path).json()["results"] == []
    refused = cast.stranger.api.post("stock/moves/", {"item": number_of(keeper, item), "counted": "0", "reason": "Mine."})
    assert refused.status_code == 422


def test_a_repeated_move_moves_once(make_pair: Callable[..., tuple[Member, Member]]) -> None:
    buyer, _seller = make_pair()
    said = {"item": "A-1", "quantity": "5", "from": "production", "to": "stock"}
    first, again = (buyer.api.post("stock/moves/", said, headers={"Idempotency-Key": "one"}) for _round in range(2))
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert [row["quantity"] for row in buyer.api.get("stock/?place=stock").json()["results"]] == ["5"]
