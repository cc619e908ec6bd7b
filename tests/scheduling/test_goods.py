"""Goods go up the chain: made, shipped, received; the promise is kept, or owed again; the ledger and the plan agree."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from django.db import connections, transaction

from apps.catalog import selectors as catalog
from apps.logistics import selectors as stock
from apps.scheduling import models
from apps.scheduling import services as schedule
from apps.scheduling.services import holding, replanning
from tests.cast import AT, Member
from tests.scheduling.chain import Chain, make_chain
from tests.scheduling.test_promising import ask, states, verified


def ordered(chain: Chain) -> models.Promise:
    promise = ask(chain, hold_minutes=30)
    with chain.customer.acting():
        schedule.commit(document=promise.document, number="", by=chain.customer.actor, at=AT)
    return promise


def sold(member: Member) -> str:
    with member.acting():
        return str(models.Promise.objects.get(side="seller").order_id)


def ship(member: Member, order: str, quantity: str = "10") -> str:
    made = member.api.post("despatch-advices/", {"lines": [{"order": order, "line": 1, "quantity": quantity}], "units": []})
    assert made.status_code == 201, made.content
    shipped = member.api.post(f"despatch-advices/{made.json()['uid']}/moves/ship/", {})
    assert shipped.status_code == 200, shipped.content
    return str(made.json()["uid"])


def receive(member: Member, advice: str, **line: Any) -> None:
    made = member.api.post("receipt-advices/", {"despatch_advice": advice, "lines": [{"line": 1, **line}]})
    assert made.status_code == 201, made.content
    sent = member.api.post(f"receipt-advices/{made.json()['uid']}/moves/send/", {})
    assert sent.status_code == 200, sent.content


def on_hand(member: Member, number: str) -> Decimal:
    with member.acting():
        item = catalog.ids([number])[number]
        return stock.on_hand(items=[item]).get(item, Decimal(0))


def finish(member: Member) -> Any:
    (job,) = member.api.get("jobs/?open=1").json()["results"]
    assert job["moves"] == ["finish"]
    return member.api.post(f"jobs/{job['uid']}/moves/finish/", {})


def test_goods_go_up_the_chain_and_the_promise_is_kept(database: None) -> None:
    chain = make_chain(2, on_hand="10")
    customer, maker, supplier = chain.members
    ordered(chain)
    assert finish(maker).status_code == 409
    receive(maker, ship(supplier, sold(supplier)), received="10", short="0", rejected="0")
    assert (on_hand(maker, "N2"), states(supplier)) == (10, ["kept"])
    assert finish(maker).status_code == 200
    assert (on_hand(maker, "N2"), on_hand(maker, "T1")) == (0, 10)
    receive(customer, ship(maker, sold(maker)), received="10", short="0", rejected="0")
    assert (on_hand(maker, "T1"), on_hand(customer, "N1"), states(customer), states(maker)) == (0, 10, ["kept"], ["kept", "kept"])
    for member in chain.members:
        with member.acting():
            assert (models.Peg.objects.count(), models.Promise.objects.filter(closed_at=None).count()) == (0, 0)
    verified(chain)


def test_what_leaves_before_it_is_reported_done_is_not_sold_again(database: None) -> None:
    """The dock is quicker than the shop floor's paper: the stock is below zero, and what the job gives is no longer anybody's to have."""
    chain = make_chain(2, on_hand="20")
    _customer, maker, supplier = chain.members
    ordered(chain)
    receive(maker, ship(supplier, sold(supplier)), received="10", short="0", rejected="0")
    ship(maker, sold(maker))
    assert on_hand(maker, "T1") == 0
    ask(chain, hold_minutes=30)
    with maker.acting():
        assert sorted(models.Job.objects.values_list("firm", "quantity")) == [(False, 10), (True, 10)]
        (first,) = models.Job.objects.filter(firm=True)
        assert not models.Peg.objects.filter(job=first).exists()
    assert maker.api.post(f"jobs/{first.pk}/moves/finish/", {}).status_code == 200
    assert on_hand(maker, "T1") == 0
    verified(chain)


def test_what_came_short_is_owed_again_and_the_customer_is_told(database: None) -> None:
    chain = make_chain(2, on_hand="10")
    _customer, maker, supplier = chain.members
    ordered(chain)
    receive(maker, ship(supplier, sold(supplier)), received="8", short="2", rejected="0")
    with supplier.acting():
        promise = models.Promise.objects.get(side="seller")
    assert (promise.arrived, promise.closed_at) == (8, None)
    with maker.acting():
        assert {peg.giver for peg in models.Peg.objects.filter(item__number="N2")} == {"stock", "part"}
    verified(chain)


def test_what_leaves_while_its_plan_is_made_anew_is_not_held_once_more(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever plans anew has read what is owed; the dock waits until that is written, and only then takes what left out of it."""
    chain = make_chain(2, on_hand="20")
    supplier = chain.members[2]
    ordered(chain)
    with supplier.acting():
        promise = models.Promise.objects.get(side="seller")
        assert models.Peg.objects.filter(promise_id=promise.document).exists()
    read, sound = threading.Event(), holding.withdraw

    def slowly(*given: Any, **more: Any) -> Any:
        found = sound(*given, **more)
        read.set()
        time.sleep(0.5)
        return found

    def plan_anew() -> None:
        try:
            with supplier.acting(), transaction.atomic():
                replanning.replan([promise.document], at=AT)
        finally:
            connections.close_all()

    monkeypatch.setattr(holding, "withdraw", slowly)
    with ThreadPoolExecutor(1) as pool:
        planned = pool.submit(plan_anew)
        assert read.wait(10)
        ship(supplier, str(promise.order_id))
        planned.result()
    with supplier.acting():
        assert not models.Peg.objects.filter(promise_id=promise.document).exists()
        assert models.Promise.objects.get(document=promise.document).arrived == 10
    verified(chain)
