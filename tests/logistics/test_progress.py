"""The laws of quantities (B0), whatever is shipped, replaced, cancelled, received, short and rejected, in whatever order."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.base.findings import Invalid
from apps.documents import selectors as documents
from apps.documents.selectors import Sums, stage_of
from apps.documents.selectors.progressing import STAGES
from apps.logistics.services import OverDelivery
from tests.cast import Member, line, move
from tests.logistics.deliveries import advice, agreed, balances, partners, proven, receipt, replace, stage, state, sums

AMOUNT = st.decimals("0", "45", places=2)
DEEDS = st.lists(
    st.one_of(
        st.tuples(st.just("ship"), AMOUNT, AMOUNT),
        st.tuples(st.just("replace"), AMOUNT, AMOUNT),
        st.tuples(st.just("cancel"), AMOUNT, AMOUNT),
        st.tuples(st.just("receive"), AMOUNT, AMOUNT),
    ),
    min_size=1,
    max_size=7,
)


@pytest.fixture(scope="module")
def pair(database: None) -> tuple[Member, Member]:
    return partners()


class Flow:
    """One order of 40, and what is done about it."""

    def __init__(self, buyer: Member, seller: Member) -> None:
        self.buyer, self.seller = buyer, seller
        self.order = agreed(buyer, seller, [line("A-1", "40")])
        self.underway: list[uuid.UUID] = []

    def _line(self, quantity: Decimal) -> dict[str, Any]:
        return {"order": str(self.order), "line": 1, "quantity": format(quantity, "f")}

    def ship(self, quantity: Decimal, _other: Decimal) -> None:
        self.underway.append(advice(self.seller, [self._line(quantity)]))

    def replace(self, quantity: Decimal, _other: Decimal) -> None:
        replace(self.seller, self.underway[0], {"lines": [self._line(quantity)]})

    def cancel(self, _quantity: Decimal, _other: Decimal) -> None:
        move(self.seller, self.underway[0], "cancel")
        self.underway.pop(0)

    def receive(self, received: Decimal, rejected: Decimal) -> None:
        taken = min(rejected, received)
        why = {"rejected": format(taken, "f"), "reason": 2, "action": 1 if rejected < 20 else 2} if taken else {}
        receipt(self.buyer, self.underway[0], [{"line": 1, "received": format(received, "f"), **why}])
        self.underway.pop(0)


@given(deeds=DEEDS)
@settings(max_examples=25, deadline=None)
def test_the_laws_of_quantities_hold_at_both_homes(pair: tuple[Member, Member], deeds: Sequence[tuple[str, Decimal, Decimal]]) -> None:
    buyer, seller = pair
    flow = Flow(buyer, seller)
    for deed, first, second in deeds:
        before = sums(seller, flow.order)
        try:
            getattr(flow, deed)(first, second)
        except (Invalid, OverDelivery, IndexError):
            # What is refused has changed nothing; and there is nothing to receive where nothing is on its way.
            assert sums(seller, flow.order) == before
        counted = sums(seller, flow.order)[1]
        assert sums(buyer, flow.order)[1] == counted
        assert stage(buyer, flow.order) == stage(seller, flow.order)
        hold(counted, underway=bool(flow.underway))
    assert proven(buyer, seller) == []
    for member, item in ((buyer, "A-1"), (seller, "S-1")):
        assert sum(balances(member, item).values()) == 0


def hold(counted: Mapping[str, Decimal], *, underway: bool) -> None:
    """The invariants of B0 for a line of 40 without any tolerance."""
    of = Sums(Decimal(40), counted)
    shipped, received, accepted, rejected, short = (of.of(kind) for kind in ("shipped", "received", "accepted", "rejected", "short"))
    assert shipped - short - rejected + of.of("credited") <= 40
    assert received == accepted + rejected
    assert of.of("oversupply") <= received
    assert of.on_the_way == shipped - short - received + of.of("oversupply") >= 0
    if not underway:
        assert short == shipped - received + of.of("oversupply")
        assert of.on_the_way == 0
    found = stage_of([of])
    assert found is not None
    assert (found.code in ("closed", "closed_short")) == (accepted + of.of("credited") >= 40)
    assert (found.code == "open") == (not shipped and not received)


STAGES_OF: list[tuple[list[dict[str, str]], str]] = [
    ([{}], "open"),
    ([{"shipped": "1"}], "partly_shipped"),
    ([{"shipped": "40"}], "shipped"),
    ([{"shipped": "40"}, {}], "partly_shipped"),
    ([{"shipped": "40"}, {"shipped": "40"}], "shipped"),
    ([{"shipped": "40", "received": "40", "accepted": "40"}, {}], "partly_received"),
    ([{"shipped": "40", "received": "40", "accepted": "39", "rejected": "1"}], "received"),
    ([{"shipped": "40", "received": "40", "accepted": "39", "rejected": "1", "credited": "1"}], "closed_short"),
    ([{"shipped": "40", "received": "40", "accepted": "40"}], "closed"),
    ([{"shipped": "40", "short": "40"}], "partly_shipped"),
    ([{"shipped": "40", "short": "40", "credited": "40"}], "closed_short"),
]


@pytest.mark.parametrize(("lines", "wanted"), STAGES_OF)
def test_how_far_an_order_has_come(lines: list[dict[str, str]], wanted: str) -> None:
    found = stage_of(Sums(Decimal(40), {kind: Decimal(quantity) for kind, quantity in one.items()}) for one in lines)
    assert found is not None
    assert found.code == wanted
    assert found is STAGES[wanted]


def test_where_nothing_is_agreed_nothing_has_come() -> None:
    assert stage_of([]) is None
    assert stage_of([Sums()]) is None


def test_what_was_delivered_fills_the_first_dates_first(pair: tuple[Member, Member]) -> None:
    buyer, seller = pair
    dates = [{"quantity": "18", "due_on": "2027-01-15"}, {"quantity": "22", "due_on": "2027-02-15"}]
    order = agreed(buyer, seller, [{**line("A-1"), "schedules": dates}])
    advice(seller, [{"order": order, "line": 1, "quantity": "20"}])
    with seller.acting():
        found = documents.agreed_lines(orders=[order])[0]
        assert [(str(day), quantity) for day, quantity in found.open_dates()] == [("2027-02-15", 20)]
        assert order in {row.order for row in documents.agreed_lines(side="seller", partner_id=buyer.id, to_ship=True)}
        assert documents.agreed_lines(side="buyer", to_ship=True) == []
    rest = advice(seller, [{"order": order, "line": 1, "quantity": "20"}])
    with seller.acting():
        assert documents.agreed_lines(orders=[order])[0].open_dates() == []
        assert order not in {row.order for row in documents.agreed_lines(side="seller", to_ship=True)}
    assert state(buyer, rest) == "shipped"
