"""The ripple: a machine breaks far down the chain, and the customer hears of it; nobody hears more than his own."""

from __future__ import annotations

import datetime as dt

from apps.documents import selectors as conversation
from apps.scheduling import models
from apps.scheduling import services as schedule
from tests.cast import AT, Member
from tests.scheduling.chain import Chain, make_chain
from tests.scheduling.test_promising import DUE, ask, states, verified


def committed(chain: Chain, due_on: dt.date = DUE) -> models.Promise:
    promise = ask(chain, hold_minutes=30, due_on=due_on)
    with chain.customer.acting():
        schedule.commit(document=promise.document, number="", by=chain.customer.actor, at=AT)
    return promise


def broken(member: Member, hours: int, at: dt.datetime = AT) -> None:
    with member.acting():
        machine = models.Resource.objects.get(code="M1")
        schedule.break_resource(resource=machine.pk, until=at + dt.timedelta(hours=hours), reason="Spindle", by=member.actor, at=at)


def day_of(member: Member, promise: models.Promise) -> dt.date | None:
    with member.acting():
        return models.Promise.objects.get(document=promise.document).promised_on


def test_a_broken_machine_moves_the_promise_up_to_the_customer(database: None) -> None:
    chain = make_chain(4)
    promise = committed(chain)
    broken(chain.members[3], 24 * 20)
    assert day_of(chain.customer, promise) > DUE  # type: ignore[operator]
    assert [states(member) for member in chain.members] == [["moved"], ["moved", "moved"], ["moved", "moved"], ["committed", "moved"], ["committed"]]
    with chain.customer.acting():
        whole = conversation.whole(id=promise.document)
        assert whole is not None
        reasons = whole.head["details"]["why"]
        assert [reason["kind"] for reason in reasons] == ["supply"]
        assert "Spindle" not in str(conversation.history(id=promise.document))
    verified(chain)


def test_slack_absorbs_what_it_can(database: None) -> None:
    chain = make_chain(3)
    promise = committed(chain, due_on=dt.date(2027, 3, 1))
    broken(chain.members[2], 24 * 5)
    assert day_of(chain.customer, promise) == dt.date(2027, 3, 1)
    assert [states(member) for member in chain.members] == [["committed"], ["committed", "committed"], ["committed", "committed"], ["committed"]]
    verified(chain)


def test_a_storm_is_damped_and_settles(database: None) -> None:
    chain = make_chain(3)
    promise = committed(chain)
    for number in range(1, 6):
        broken(chain.members[2], 24 * (20 + number), at=AT + dt.timedelta(seconds=number))
    with chain.maker.acting():
        moved = models.Promise.objects.get(document=promise.document).moved
    assert moved == 1
    for member in chain.members[:0:-1]:
        with member.acting():
            schedule.settle(at=AT + dt.timedelta(minutes=1))
    with chain.maker.acting():
        ours = models.Promise.objects.get(document=promise.document)
    assert (ours.moved, day_of(chain.customer, promise)) == (2, ours.promised_on)
    verified(chain)
