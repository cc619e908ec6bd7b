"""A promise through the tiers: asked, held, taken as one commit, released; each sees its own two sides and nothing else."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import pytest

from apps.documents import selectors as conversation
from apps.exchange import services as exchange
from apps.scheduling import models
from apps.scheduling import services as schedule
from apps.scheduling.services import HoldExpired
from tests.cast import AT, Cast, Member, snapshot, unchanged
from tests.scheduling.chain import Chain, make_chain

DUE = dt.date(2027, 1, 18)


def ask(chain: Chain, quantity: str = "10", due_on: dt.date = DUE, hold_minutes: int = 0, at: dt.datetime = AT) -> models.Promise:
    buyer, seller = chain.members[0], chain.members[1]
    with buyer.acting():
        asked = schedule.Asked(partner=seller.slug, item="N1", quantity=Decimal(quantity), unit="C62", due_on=due_on, hold_minutes=hold_minutes)
        return schedule.ask(asked, by=buyer.actor, at=at)


def states(member: Member, type: str = "promise") -> list[str]:
    with member.acting():
        return sorted(row["state"] for row in conversation.heads(type=type).values("state"))


def verified(chain: Chain) -> None:
    for member in chain.members:
        with member.acting():
            checked, differences = exchange.verify()
        assert differences == []
        assert {channel.halted for channel in checked} <= {False}


@pytest.mark.parametrize("tiers", [1, 2, 3, 4])
def test_a_promise_goes_through_the_tiers(tiers: int, database: None) -> None:
    chain = make_chain(tiers)
    promise = ask(chain, hold_minutes=30)
    assert (promise.promised_on, promise.price) == (DUE, 100)
    assert promise.held_until == AT + dt.timedelta(minutes=30)
    assert [states(member) for member in chain.members] == [["held"], *[["held", "held"]] * (tiers - 1), ["held"]]
    verified(chain)


def test_one_commit_orders_at_every_tier(database: None) -> None:
    chain = make_chain(4)
    promise = ask(chain, hold_minutes=30)
    buyer = chain.customer
    with buyer.acting():
        order = schedule.commit(document=promise.document, number="4711", by=buyer.actor, at=AT)
    assert [states(member) for member in chain.members] == [["committed"], *[["committed", "committed"]] * 3, ["committed"]]
    assert [states(member, "order") for member in chain.members] == [["agreed"], *[["agreed", "agreed"]] * 3, ["agreed"]]
    with chain.maker.acting():
        seen = conversation.whole(id=order)
        assert seen is not None
        assert (seen.head["number"], seen.lines[0]["agreed_price"]) == ("4711", 100)
    verified(chain)


def test_a_hold_that_has_expired_cannot_be_taken(database: None) -> None:
    chain = make_chain(3)
    promise = ask(chain, hold_minutes=30)
    later = AT + dt.timedelta(minutes=31)
    with unchanged(*chain.members), chain.customer.acting(), pytest.raises(HoldExpired):
        schedule.commit(document=promise.document, number="1", by=chain.customer.actor, at=later)


def test_what_is_released_is_free_again_at_every_tier(database: None) -> None:
    chain = make_chain(3, on_hand="10")
    first = ask(chain, hold_minutes=30)
    second = ask(chain, hold_minutes=30)
    assert (first.promised_on, second.promised_on) == (DUE, None)
    with chain.customer.acting():
        schedule.drop(first.document, by=chain.customer.actor, at=AT)
    assert ask(chain, hold_minutes=30).promised_on == DUE
    verified(chain)


def test_the_stranger_knows_nothing(cast: Cast) -> None:
    chain = make_chain(2)
    promise = ask(chain)
    assert cast.stranger.api.get(f"promises/{promise.document}/").status_code == 404
    with cast.stranger.acting():
        assert (conversation.head(id=promise.document), models.Promise.objects.count()) == (None, 0)
    with chain.last.acting():
        assert conversation.head(id=promise.document) is None


def test_rest_asks_holds_and_commits(database: None) -> None:
    chain = make_chain(3)
    body: dict[str, Any] = {"seller": chain.maker.slug, "item": "N1", "quantity": "10", "unit": "C62", "due_on": "2027-01-18", "hold_minutes": 0}
    asked = chain.customer.api.post("promises/", body)
    assert asked.status_code == 201, asked.content
    told = asked.json()
    assert (told["state"], told["due_on"], told["price"], told["parts"]) == ("answered", "2027-01-18", "100", [])
    held = chain.customer.api.post(f"promises/{told['uid']}/moves/hold/", {"hold_minutes": 60})
    assert (held.status_code, held.json()["state"]) == (200, "held")
    committed = chain.customer.api.post(f"promises/{told['uid']}/moves/commit/", {"number": "R-1"})
    assert committed.status_code == 200, committed.content
    order = chain.customer.api.get(f"orders/{committed.json()['order']}/").json()
    assert (order["number"], order["state"]) == ("R-1", "agreed")
    parts = chain.maker.api.get(f"promises/{told['uid']}/").json()["parts"]
    assert [(part["seller"], part["item"]) for part in parts] == [(chain.members[2].slug, "N2")]
    before = snapshot(*chain.members)
    assert chain.customer.api.post(f"promises/{told['uid']}/moves/commit/", {"number": "R-2"}).status_code == 409
    assert snapshot(*chain.members) == before
    assert chain.customer.api.get(f"promises/{uuid.uuid4()}/").status_code == 404
