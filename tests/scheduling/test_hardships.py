"""What goes wrong between companies while a date is found: circles, silence, answers that break, and a plan that changes under a commit."""

from __future__ import annotations

import datetime as dt
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from django.db import connections, transaction

from apps.base import acting
from apps.base.retrying import whole
from apps.catalog import selectors as items
from apps.catalog import services as catalog
from apps.documents import selectors as conversation
from apps.documents import services as documents
from apps.exchange import services as exchange
from apps.exchange.services import Stuck
from apps.network import selectors as network
from apps.network import services
from apps.scheduling import models
from apps.scheduling import services as schedule
from apps.scheduling.services import HoldExpired, NotHeld
from apps.scheduling.services.promising import answering
from tests.cast import AT, Member, befriend, order, outside, stock, unchanged
from tests.scheduling.chain import TYPES, Chain, make_chain
from tests.scheduling.test_promising import DUE, ask, states, verified
from tests.scheduling.test_rippling import broken, committed, day_of


def closed(tiers: int = 3) -> Chain:
    """A chain whose last buys what he sells of the maker, who buys it of him: nobody has it in stock."""
    chain = make_chain(tiers, on_hand="0")
    last, maker = chain.last, chain.maker
    befriend(last, maker, types=TYPES)
    change(last, f"T{tiers}", procurement="buy")
    with last.acting():
        catalog.save_source(item=f"T{tiers}", partner=maker.slug, asked=True, by=last.actor, at=AT)
    change(maker, "T1", aliases=[{"partner": chain.customer.slug, "number": "N1"}, {"partner": last.slug, "number": f"T{tiers}"}])
    return chain


def change(member: Member, number: str, **given: Any) -> None:
    """Change what is said of an item, and leave the rest of it as it is."""
    with member.acting():
        row = items.items().get(number=number)
        kept = {name: getattr(row, name) for name in ("number", "name", "unit", "procurement", "price")}
        catalog.save_item(id=row.pk, **{**kept, **given}, by=member.actor, at=AT)


def test_a_circle_of_companies_is_no_answer(database: None) -> None:
    chain = closed()
    promise = ask(chain, hold_minutes=30)
    assert promise.promised_on is None
    assert set(states(chain.customer)) == {"declined"}
    for member in chain.members:
        assert "held" not in states(member)
        with member.acting():
            assert (models.Job.objects.count(), models.Peg.objects.count()) == (0, 0)
    verified(chain)


def test_a_partner_who_is_silent_is_told_as_the_cause(database: None) -> None:
    """The maker's supplier speaks with nobody for now: the maker cannot promise, and says why to himself alone."""
    chain = make_chain(3)
    silent = chain.members[2]
    with silent.acting():
        (partnership,) = [row.partnership_id for row in network.active() if row.id == chain.maker.id]
        services.suspend(partnership=partnership, by=silent.actor, at=AT)
    with unchanged(silent, chain.last):
        promise = ask(chain, hold_minutes=30)
    assert promise.promised_on is None
    with chain.maker.acting():
        assert "silence" in [cause["kind"] for cause in _causes(models.Promise.objects.get(document=promise.document).cause)]
    told = chain.customer.api.get(f"promises/{promise.document}/").json()
    assert told["state"] == "declined"
    assert silent.home.name not in str(told)
    verified(chain)


def _causes(chain: Any) -> list[Any]:
    return [each for cause in chain for each in (cause, *_causes(cause["because"]))]


def test_a_partner_whose_answer_breaks_is_passed_over(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if he had said nothing; and at him nothing is left behind."""
    chain = make_chain(3)
    sound = answering.consider

    def breaks(**given: Any) -> Any:
        if acting.home().slug == chain.members[2].slug:
            raise ZeroDivisionError
        return sound(**given)

    monkeypatch.setattr(answering, "consider", breaks)
    with unchanged(chain.members[2], chain.members[3]):
        promise = ask(chain, hold_minutes=30)
    with chain.maker.acting():
        ours = models.Promise.objects.get(document=promise.document)
    assert "silence" in [cause["kind"] for cause in _causes(ours.cause)]
    verified(chain)


def test_a_customer_whose_partner_breaks_is_told_so(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    chain = make_chain(2)

    def breaks(**given: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(answering, "consider", breaks)
    body = {"seller": chain.maker.slug, "item": "N1", "quantity": "10", "unit": "C62", "due_on": "2027-01-18", "hold_minutes": 30}
    with unchanged(*chain.members):
        answer = chain.customer.api.post("promises/", body)
    assert answer.status_code in (409, 503), answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "ZeroDivision" not in answer.content.decode()


def test_a_machine_that_breaks_before_the_commit_takes_the_hold_along(database: None) -> None:
    """Nothing is taken that is not there any more: the customer asks again, and hears a later day."""
    chain = make_chain(3)
    promise = ask(chain, hold_minutes=30)
    broken(chain.members[2], 24 * 30)
    assert [states(member)[0] for member in chain.members] == ["expired", "expired", "expired", "released"]
    with unchanged(*chain.members), chain.customer.acting(), pytest.raises(documents.NotAllowed):
        schedule.commit(document=promise.document, number="1", by=chain.customer.actor, at=AT)
    again = ask(chain, hold_minutes=30)
    assert again.promised_on is not None
    assert again.promised_on > DUE
    verified(chain)


@pytest.mark.parametrize("turn", range(3))
def test_a_commit_while_the_plan_changes_is_whole_or_refused(turn: int, database: None) -> None:
    """At the same moment: either it was taken, and then moved, or the hold was gone first. Nothing between."""
    chain = make_chain(3)
    promise = ask(chain, hold_minutes=30)
    barrier, refused = threading.Barrier(2), list[Exception]()

    def commit() -> None:
        barrier.wait()
        with chain.customer.acting():
            try:
                whole(lambda: schedule.commit(document=promise.document, number="", by=chain.customer.actor, at=AT))
            except (HoldExpired, NotHeld, Stuck, documents.NotAllowed) as error:
                refused.append(error)

    def down() -> None:
        barrier.wait()
        whole(lambda: broken(chain.members[2], 24 * 30))

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(outside, alone, work) for work in (commit, down)]:
            done.result()
    orders = 0 if refused else 1
    assert [len(states(member, "order")) for member in chain.members] == [orders, 2 * orders, 2 * orders, orders]
    # What one of them found locked, the sweep brings; and whoever was told a moment ago is told again when the dust has settled.
    for member in chain.members[:0:-1]:
        outside(exchange.sweep)
        with member.acting():
            schedule.settle(at=AT + dt.timedelta(minutes=1))
    outside(exchange.sweep)
    if orders:
        assert day_of(chain.customer, promise) > DUE  # type: ignore[operator]
    verified(chain)


def test_a_promise_that_names_no_number_takes_the_next_free_one(database: None) -> None:
    """Somebody writes an order under that number at the same moment: he who named none is not refused for it."""
    chain = make_chain(2)
    buyer, seller = chain.customer, chain.maker
    promise = ask(chain, hold_minutes=30)
    order(buyer, seller, publish=False, number="R-1")
    written, over, taken = threading.Event(), threading.Event(), list[uuid.UUID]()

    def write() -> None:
        with transaction.atomic():
            order(buyer, seller, publish=False, number="R-2")
            written.set()
            assert over.wait(30)

    def commit() -> None:
        with buyer.acting():
            taken.append(schedule.commit(document=promise.document, by=buyer.actor, at=AT))

    with ThreadPoolExecutor(2) as pool:
        writing = pool.submit(outside, alone, write)
        assert written.wait(30)
        committing = pool.submit(outside, alone, commit)
        with suppress(TimeoutError):
            committing.result(1)
        assert not committing.done(), "it did not wait for the other"
        over.set()
        writing.result()
        committing.result()
    with buyer.acting():
        heads = {head["number"]: head["id"] for head in conversation.heads(type="order").values("number", "id")}
    assert heads.keys() == {"R-1", "R-2", "R-3"}
    assert heads["R-3"] == taken[0]
    verified(chain)


def alone(work: Callable[[], None]) -> None:
    """In a thread of its own, which leaves no connection behind."""
    try:
        work()
    finally:
        connections.close_all()


def test_a_ripple_in_a_circle_ends(database: None) -> None:
    """The last buys of the maker what the maker makes of the last's parts: what moves once round is not told again."""
    chain = make_chain(3)
    befriend(chain.last, chain.maker, types=TYPES)
    stock(chain.last, "Z1", "Bought of the maker")
    change(chain.maker, "T1", aliases=[{"partner": chain.customer.slug, "number": "N1"}, {"partner": chain.last.slug, "number": "Z1"}])
    promise = committed(chain)
    with chain.last.acting():
        asked = schedule.Asked(partner=chain.maker.slug, item="Z1", quantity=Decimal(3), unit="C62", due_on=DUE + dt.timedelta(days=3), hold_minutes=30)
        round_trip = schedule.ask(asked, by=chain.last.actor, at=AT)
    broken(chain.members[2], 24 * 20)
    assert day_of(chain.customer, promise) > DUE  # type: ignore[operator]
    with chain.maker.acting():
        assert models.Promise.objects.get(document=promise.document).moved == 1
    assert round_trip.document
    verified(chain)
