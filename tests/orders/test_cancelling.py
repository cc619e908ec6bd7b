"""Orders that stand on a promise: what a change costs, tier by tier, and how they are taken back."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from apps.base import clock
from apps.documents import selectors as conversation
from apps.documents import services as documents
from apps.exchange import services as exchange
from apps.procurement import selectors as procurement
from apps.scheduling import services as schedule
from apps.scheduling.services import Frozen
from tests.cast import AT, Cast, Member, snapshot, unchanged
from tests.scheduling.chain import Chain, make_chain

DUE = dt.date(2027, 1, 18)
EVE = dt.datetime(2027, 1, 17, 23, tzinfo=dt.UTC)


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[dt.datetime], None]:
    def put(moment: dt.datetime) -> None:
        monkeypatch.setattr(clock, "now", lambda: moment)

    put(AT)
    return put


def ordered(chain: Chain, quantity: str = "10", number: str = "4711") -> uuid.UUID:
    """An order of the customer that stands on a promise through all tiers."""
    buyer = chain.customer
    with buyer.acting():
        asked = schedule.Asked(partner=chain.maker.slug, item="N1", quantity=Decimal(quantity), unit="C62", due_on=DUE, hold_minutes=30)
        promise = schedule.ask(asked, by=buyer.actor, at=AT)
        return schedule.commit(document=promise.document, number=number, by=buyer.actor, at=AT)


def states(member: Member, type: str = "order") -> list[str]:
    with member.acting():
        return sorted(row["state"] for row in conversation.heads(type=type).values("state"))


def cancel(member: Member, order: uuid.UUID, at: dt.datetime = AT) -> None:
    with member.acting():
        documents.apply(document=order, move="cancel", data={"reason": "No more"}, by=member.actor, at=at)


def verified(chain: Chain) -> None:
    for member in chain.members:
        with member.acting():
            _checked, differences = exchange.verify()
        assert differences == []


def test_a_cancelled_order_is_taken_back_at_every_tier(database: None, at: Callable[[dt.datetime], None]) -> None:
    chain = make_chain(4, on_hand="10")
    order = ordered(chain)
    cancel(chain.customer, order)
    assert [states(member) for member in chain.members] == [["cancelled"], *[["cancelled", "cancelled"]] * 3, ["cancelled"]]
    assert [states(member, "promise") for member in chain.members] == [["released"], *[["released", "released"]] * 3, ["released"]]
    with chain.maker.acting():
        assert [procurement.standing_of(need) for need in procurement.needs()] == ["closed"]
    again = ordered(chain, number="4712")
    assert again != order
    verified(chain)


def test_what_has_begun_is_not_taken_back(database: None, at: Callable[[dt.datetime], None]) -> None:
    chain = make_chain(3)
    order = ordered(chain)
    at(EVE + dt.timedelta(days=3))
    with unchanged(*chain.members), pytest.raises(Frozen, match="work on it began"):
        cancel(chain.customer, order, EVE + dt.timedelta(days=3))


def test_what_a_supplier_has_begun_stays_ordered(database: None, at: Callable[[dt.datetime], None]) -> None:
    """The maker has not begun, his supplier has: the customer may go, and pays; the maker keeps what he ordered."""
    chain = make_chain(3)
    order = ordered(chain)
    told = chain.maker.api.get(f"orders/{order}/impact/?move=cancel").json()
    first = dt.date.fromisoformat(told["freezes_on"])
    (part,) = chain.maker.api.get("orders/?side=buyer").json()["results"]
    of_part = chain.maker.api.get(f"orders/{part['uid']}/impact/?move=cancel").json()
    assert dt.date.fromisoformat(of_part["freezes_on"]) <= first
    between = _between(chain, part["uid"], order)
    at(between)
    told = chain.customer.api.get(f"orders/{order}/impact/?move=cancel").json()
    # The part is 90 of 100 in the price: nine tenths.
    assert (told["frozen"], told["cost"], told["currency"]) == (False, "900.00", "EUR")
    cancel(chain.customer, order, between)
    assert [states(member) for member in chain.members] == [["cancelled"], ["agreed", "cancelled"], ["agreed", "agreed"], ["agreed"]]
    verified(chain)


def _between(chain: Chain, part: str, order: uuid.UUID) -> dt.datetime:
    """A moment at which the maker's supplier has begun, and the maker has not."""
    from apps.scheduling import selectors as scheduling

    starts = []
    for member, document in ((chain.members[2], uuid.UUID(part)), (chain.maker, order)):
        with member.acting():
            (record,) = [each for each in scheduling.of_order(document) if each.side == "seller"]
            starts.append(min(node.starts_at for each in scheduling.made_of(record.document, at=AT) for node in each.flat() if node.starts_at))
    assert starts[0] < starts[1]
    return starts[0] + (starts[1] - starts[0]) / 2


def test_asking_costs_nothing_and_tells_only_date_and_amount(database: None, at: Callable[[dt.datetime], None]) -> None:
    chain = make_chain(3)
    order = ordered(chain)
    with unchanged(*chain.members):
        told = chain.customer.api.get(f"orders/{order}/impact/?move=cancel")
        changed = chain.customer.api.get(f"orders/{order}/impact/?due_on=2027-01-25&quantity=12")
    assert told.status_code == 200, told.content
    body = told.json()
    assert (body["frozen"], body["cost"], body["why"], body["due_on"]) == (False, "0.00", "", None)
    assert set(body["promises"][0]) == {"promise", "item", "price", "frozen", "freezes_on", "cost", "currency", "due_on"}
    assert (changed.json()["due_on"], changed.json()["cost"], changed.json()["promises"][0]["price"]) == ("2027-01-25", "0.00", "100")


def test_a_change_that_cannot_be_had_says_when(database: None, at: Callable[[dt.datetime], None]) -> None:
    chain = make_chain(3)
    order = ordered(chain)
    told = chain.customer.api.get(f"orders/{order}/impact/?due_on=2027-01-04").json()
    assert told["due_on"] > "2027-01-04"


@pytest.mark.parametrize(
    ("query", "pointer"),
    [("", "/move"), ("?move=burn", "/move"), ("?due_on=soon", "/due_on"), ("?quantity=0", "/quantity"), ("?move=cancel&quantity=3", "/move"), ("?x=1", "/x")],
)
def test_a_wish_that_cannot_be_read(database: None, at: Callable[[dt.datetime], None], query: str, pointer: str) -> None:
    chain = make_chain(1)
    order = ordered(chain)
    answer = chain.customer.api.get(f"orders/{order}/impact/{query}")
    assert (answer.status_code, [error["pointer"] for error in answer.json()["errors"]][:1]) == (422, [pointer])


def test_the_stranger_learns_nothing(cast: Cast, at: Callable[[dt.datetime], None]) -> None:
    chain = make_chain(2)
    order = ordered(chain)
    for outsider in (cast.stranger, chain.last):
        assert outsider.api.get(f"orders/{order}/impact/?move=cancel").status_code == 404
        assert outsider.page_client().get(f"/documents/orders/{order}/impact/").status_code == 404
        assert outsider.page_client().get(f"/documents/orders/{order}/parts/promised/").status_code == 404


def test_an_order_on_no_promise_costs_nothing_here(cast: Cast) -> None:
    from tests.cast import order as plain

    key = plain(cast.maker, cast.supplier)
    told = cast.maker.api.get(f"orders/{key}/impact/?move=cancel").json()
    assert (told["frozen"], told["promises"]) == (False, [])
    page = cast.maker.page_client().get(f"/documents/orders/{key}/")
    assert (page.status_code, b"panel-promised" in page.content) == (200, False)


def text(response: Any) -> str:
    return str(response.content.decode())


def test_the_page_shows_promise_chain_and_cost(database: None, at: Callable[[dt.datetime], None]) -> None:
    chain = make_chain(3)
    order = ordered(chain)
    client = chain.maker.page_client()
    page = text(client.get(f"/documents/orders/{order}/"))
    for name in (chain.customer.home.name, chain.maker.home.name, chain.members[2].home.name):
        assert name in page
    # Who stands behind the supplier is the supplier's own affair, and so are prices beyond one's own.
    assert chain.last.home.name not in page
    customers = text(chain.customer.page_client().get(f"/documents/orders/{order}/"))
    assert "The chain, as far as you see it" in customers
    assert chain.members[2].home.name not in customers
    confirm = text(chain.customer.page_client().get(f"/documents/orders/{order}/moves/cancel/"))
    assert "Before you say yes" in confirm
    impact = chain.customer.page_client().get(f"/documents/orders/{order}/impact/?due_on=2027-01-25")
    assert (impact.status_code, "If it were changed" in text(impact)) == (200, True)
    part = client.get(f"/documents/orders/{order}/parts/promised/")
    assert (part.status_code, "chain-tier" in text(part)) == (200, True)


def test_a_frozen_order_refuses_on_its_page(database: None, at: Callable[[dt.datetime], None]) -> None:
    chain = make_chain(3)
    order = ordered(chain)
    at(EVE + dt.timedelta(days=3))
    client = chain.customer.page_client()
    assert "Frozen" in text(client.get(f"/documents/orders/{order}/moves/cancel/"))
    before = snapshot(*chain.members)
    refused = client.post(f"/documents/orders/{order}/moves/cancel/", {"reason": "No more"})
    assert (refused.status_code, "work on it began" in text(refused)) == (409, True)
    answer = chain.customer.api.post(f"orders/{order}/moves/cancel/", {"reason": "No more"})
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (409, "frozen")
    after = snapshot(*chain.members)
    # The pages mark what was seen, and nothing else.
    assert {name for name in before if before[name] != after[name]} == set()


def test_a_promise_that_became_an_order_is_not_released_alone(database: None, at: Callable[[dt.datetime], None]) -> None:
    chain = make_chain(1)
    order = ordered(chain)
    promise = chain.customer.api.get("promises/").json()["results"][0]["uid"]
    with unchanged(*chain.members):
        answer = chain.customer.api.post(f"promises/{promise}/moves/release/", {})
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (409, "became-order")
    assert order
