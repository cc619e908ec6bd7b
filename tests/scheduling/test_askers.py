"""Many askers at once for few pieces and few machine hours: nothing is sold twice, and the sums are exact."""

from __future__ import annotations

import datetime as dt
import itertools
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.db import connection

from apps.base.retrying import whole
from apps.catalog import selectors
from apps.documents import selectors as conversation
from apps.exchange import services as exchange
from apps.logistics import services as logistics
from apps.scheduling import models
from apps.scheduling import services as schedule
from tests.cast import AT, Member, befriend, provision, stock
from tests.scheduling.chain import TYPES

_hubs = itertools.count(1)
DUE = dt.date(2027, 1, 29)


def make_hub(customers: int, *, pieces: str, hours: int) -> tuple[Member, list[Member]]:
    """A supplier with so many pieces in stock and a machine that works so many hours in all, and his customers."""
    number = next(_hubs)
    hub = provision(f"hub-{number}", f"Hub {number}")
    found = [provision(f"asker-{number}-{index}", f"Asker {index} of hub {number}") for index in range(customers)]
    for customer in found:
        befriend(customer, hub, types=TYPES)
        stock(customer, "PIECE", "Piece")
        stock(customer, "HOUR", "Hour")
    of = {customer.slug: "PIECE" for customer in found}
    stock(hub, "H-PIECE", "Piece", of=of, procurement="stock")
    stock(hub, "H-HOUR", "Hour", of=dict.fromkeys(of, "HOUR"), procurement="make")
    by = hub.actor
    with hub.acting():
        logistics.adjust(item=selectors.ids(["H-PIECE"])["H-PIECE"], counted=pieces, reason="Counted", by=by, at=AT)
        shift = {"starts_at": AT + dt.timedelta(hours=1), "ends_at": AT + dt.timedelta(hours=1 + hours), "reason": "All there is", "working": True}
        schedule.save_calendar(code="FEW", name="Few hours", closures=[shift], by=by, at=AT)
        schedule.save_resource(code="M1", name="Machine", calendar="FEW", by=by, at=AT)
        schedule.save_operation(item="H-HOUR", position=10, name="Make", pool="M1", setup=0, run="60", by=by, at=AT)
    return hub, found


def hold(member: Member, hub: Member, item: str, quantity: str) -> bool:
    """Ask for a promise and hold it, as a program does that repeats what met another. Whether it was promised."""
    asked = schedule.Asked(partner=hub.slug, item=item, quantity=Decimal(quantity), unit="C62", due_on=DUE, hold_minutes=60)
    try:
        with member.acting():
            return whole(lambda: schedule.ask(asked, by=member.actor, at=AT)).held_until is not None
    finally:
        connection.close()


def run(customers: int, askers: int, *, pieces: int, hours: int, threads: int) -> None:
    hub, found = make_hub(customers, pieces=str(pieces), hours=hours)
    wishes = [(found[index % customers], ("PIECE", "2") if index % 2 else ("HOUR", "1")) for index in range(askers)]
    with ThreadPoolExecutor(threads) as pool:
        answers = list(pool.map(lambda wish: (wish[1][0], hold(wish[0], hub, *wish[1])), wishes))
    got = Counter(item for item, promised in answers if promised)
    assert got == {"PIECE": min(pieces // 2, askers // 2), "HOUR": min(hours, askers // 2)}
    with hub.acting():
        pegged = sum(models.Peg.objects.filter(giver="stock").values_list("quantity", flat=True))
        slots = sorted(models.Slot.objects.values_list("starts_at", "ends_at"))
        states = Counter(row["state"] for row in conversation.heads(type="promise").values("state"))
        assert exchange.verify()[1] == []
    assert pegged == got["PIECE"] * 2
    assert len(slots) == got["HOUR"]
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(slots))
    assert states == {"held": sum(got.values()), "declined": askers - sum(got.values())}


def test_nothing_is_sold_twice(database: None) -> None:
    run(10, 40, pieces=20, hours=8, threads=8)


@pytest.mark.night
def test_two_hundred_askers_for_a_hundred_pieces_and_forty_hours(database: None) -> None:
    run(50, 200, pieces=100, hours=40, threads=16)


def test_two_askers_for_the_last_piece(database: None) -> None:
    hub, found = make_hub(2, pieces="2", hours=1)
    with ThreadPoolExecutor(2) as pool:
        promised = list(pool.map(lambda member: hold(member, hub, "PIECE", "2"), found))
    assert sorted(promised) == [False, True]
