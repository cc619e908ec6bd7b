"""One enterprise at full load, with all that a program can ask for: the others' slowest answers take at most twice as long as without it."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator

import pytest

from apps.catalog import selectors as catalog
from apps.exchange import formats
from apps.logistics import services as logistics
from apps.tenants import services as tenants
from bench.serving import FRESH, Beside, Request, beside, serving, timed
from tests import cast as company
from tests import ground, tally
from tests.cast import AT, Member, line, order, stock
from tests.exchange.formats.samples import XML, written
from tests.scheduling.chain import TYPES

pytestmark = [pytest.mark.night, pytest.mark.alone]

MOST = 2.0
"""So many times as long."""
ROUNDS = 3
LOUD, QUIET = 8, 2
"""Connections of the one at full load, and of each of the others."""
READS = 300
"""Of each of these connections, without and with the noise."""
ORDERS = 60
NUMBER = b"4500012345"
_numbers = itertools.count(1)


@pytest.fixture
def loud() -> Iterator[tuple[Member, Member]]:
    """A buyer and a seller who exchange everything; the buyer's item is in the seller's stock, and a standard message of his names both."""
    message = formats.read(written("order.xml"), XML)
    number = next(_numbers)
    buyer, seller = (
        company.provision(f"loud-{side}-{number}", endpoints=list(party.endpoints)) for side, party in (("buyer", message.buyer), ("seller", message.seller))
    )
    company.befriend(buyer, seller, types=TYPES)
    stock(buyer, "A-1", "Bought")
    stock(seller, "S-1", "Sold", of={buyer.slug: "A-1"}, procurement="stock", price="50")
    with seller.acting():
        logistics.adjust(item=catalog.ids(["S-1"])["S-1"], counted="1000000", reason="Counted", by=seller.actor, at=AT)
    yield buyer, seller
    for member in (buyer, seller):
        with member.acting():
            tenants.save_endpoints(endpoints=(), at=AT)


def reads_of(buyer: Member, seller: Member) -> list[Request]:
    uids = [order(buyer, seller, [line(buyer.items[0] if buyer.items else "A-1")], publish=False) for _order in range(ORDERS)]
    return [("GET", f"/api/v1/orders/{uids[0]}/", b""), ("GET", "/api/v1/orders/?limit=50", b"")]


def noise_of(buyer: Member, seller: Member) -> list[Request]:
    """Reads, writes, plans, standard messages and exports."""
    wish = {"seller": seller.slug, "item": "A-1", "quantity": "1", "unit": "C62", "due_on": "2027-06-01", "hold_minutes": 0}
    body = {"seller": seller.slug, "number": FRESH.decode(), "currency": "EUR", "lines": [line("A-1") for _line in range(10)]}
    message = written("order.xml")
    assert message.count(NUMBER) == 1
    return [
        *reads_of(buyer, seller),
        ("POST", "/api/v1/orders/", json.dumps(body).encode()),
        ("POST", "/api/v1/promises/", json.dumps(wish).encode()),
        ("POST", "/api/v1/inbox/", message.replace(NUMBER, FRESH)),
        ("GET", "/api/v1/structure/", b""),
    ]


def measure(loud: tuple[Member, Member], settings: str) -> list[Beside]:
    """Rounds until one is good. Whatever else the machine does makes a round worse and none better; without shares none is good."""
    quiet = company.make_pair()
    wanted = list(itertools.islice(itertools.cycle(reads_of(*quiet)), READS))
    reads, noise = [(quiet[0].token, wanted)] * QUIET, noise_of(*loud)
    found: list[Beside] = []
    with serving(workers=2, settings=settings, place=ground.RUN) as port:
        timed(port, [*reads, (loud[0].token, [request for request in noise if FRESH not in request[2]])])
        while len(found) < ROUNDS and (not found or found[-1].ratio > MOST):
            found.append(beside(port, reads, token=loud[0].token, noise=noise, connections=LOUD))
    print([f"{one.calm:.1f} ms, beside the noise {one.pressed:.1f} ms ({one.ratio:.2f}; {one.noise} requests)" for one in found])
    return found


def test_others_hardly_notice_a_neighbour_at_full_load(loud: tuple[Member, Member]) -> None:
    began = time.monotonic()
    rounds = measure(loud, "portal.settings")
    best = min(rounds, key=lambda one: one.ratio)
    tally.tell(
        "noisy neighbour", tried=sum(one.noise for one in rounds), lost=best.ratio > MOST, seconds=time.monotonic() - began,
        p99=f"{best.calm:.0f} ms, {best.pressed:.0f} ms", ratio=round(best.ratio, 2), rounds=len(rounds),
    )  # fmt: skip
    assert best.ratio <= MOST


def test_a_process_that_gives_all_to_whoever_asks_is_found(loud: tuple[Member, Member]) -> None:
    began = time.monotonic()
    rounds = measure(loud, "tests.thousand.unshared")
    best = min(one.ratio for one in rounds)
    tally.tell("noisy neighbour: mutant", tried=len(rounds), lost=best <= MOST, seconds=time.monotonic() - began, ratio=round(best, 2))
    assert best > MOST
