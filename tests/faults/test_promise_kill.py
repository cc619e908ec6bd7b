"""What a `kill -9` may cost a promise through four tiers: time. Promises are held, taken and given back over HTTP while the house's processes are killed."""

from __future__ import annotations

import datetime as dt
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from apps.base import clock
from apps.exchange import services as exchange
from apps.scheduling import models
from apps.scheduling import services as schedule
from tests import seeds, tally
from tests.cast import Member, ask, line, make_pair
from tests.faults import listening, stage
from tests.faults.insisting import PATIENCE, Client, Killer, undelivered
from tests.faults.network import Net, Traffic, netted, settled, through, traffic
from tests.faults.stage import Cast, borrowed
from tests.house import House
from tests.scheduling.chain import Chain, make_chain

TIERS, CLIENTS = 4, 3
QUANTITY = 5
AFTERWARDS = (("commit", "committed"), ("commit", "committed"), ("release", "released"), ("", "held"))


@pytest.fixture(scope="module")
def net(database: None) -> Iterator[Net]:
    with netted(borrowed("promises")) as running:
        yield running


@pytest.fixture
def house(net: Net) -> House:
    return net.house


@pytest.fixture(scope="module")
def chain(database: None) -> Chain:
    return make_chain(TIERS, run="1")


def asked(chain: Chain, index: int) -> dict[str, Any]:
    due_on = (clock.now() + dt.timedelta(days=40 + index)).date().isoformat()
    return {"seller": chain.maker.slug, "item": "N1", "quantity": str(QUANTITY), "unit": "C62", "due_on": due_on, "hold_minutes": 30}


def promise(client: Client, chain: Chain, index: int) -> tuple[str, str]:
    """Hold a promise; take two of four, give one back, and leave one held. Gives its uid and the state in which its customer left it."""
    answer = client.post("promises/", asked(chain, index), key=f"promise-{index}")
    assert answer.status_code == 201, answer.text
    uid = answer.json()["uid"]
    assert answer.json()["state"] == "held", answer.text
    move, state = AFTERWARDS[index % 4]
    if not move:
        return uid, state
    moved = client.post(f"promises/{uid}/moves/{move}/", {"number": f"K-{index}"} if move == "commit" else {}, key=f"{move}-{index}")
    assert moved.status_code == 200, moved.text
    return uid, state


def documents(member: Member, type: str) -> Counter[tuple[str, str]]:
    """Side and state of every document of a type, and how many there are."""
    rows = ask(f'SELECT side, state, count(*) AS n FROM "{member.home.schema}".documents_document WHERE type = %s GROUP BY 1, 2', [type])
    return Counter({(row["side"], row["state"]): row["n"] for row in rows})


def unexplained(member: Member) -> list[dict[str, Any]]:
    """Jobs and pegs that are kept for no promise of this home that was taken, or whose hold stands differently from the promise's."""
    home = f'"{member.home.schema}"'
    return ask(
        f"SELECT k.* FROM (SELECT id, promise_id, firm, held_until FROM {home}.scheduling_job UNION ALL "
        f"SELECT id, promise_id, firm, held_until FROM {home}.scheduling_peg) k LEFT JOIN {home}.scheduling_promise p ON p.document = k.promise_id "
        "AND p.side = 'seller' AND p.closed_at IS NULL AND p.firm = k.firm AND p.held_until IS NOT DISTINCT FROM k.held_until WHERE p.id IS NULL"
    )


def kept(member: Member) -> list[tuple[Any, ...]]:
    """How much each open promise of ours was asked for, and how much is pegged to it."""
    home = f'"{member.home.schema}"'
    rows = ask(
        f"SELECT p.quantity AS wanted, (SELECT sum(g.quantity) FROM {home}.scheduling_peg g WHERE g.promise_id = p.document AND g.taker_job_id IS NULL) "
        f"AS pegged FROM {home}.scheduling_promise p WHERE p.side = 'seller' AND p.closed_at IS NULL"
    )
    return [(row["wanted"], row["pegged"]) for row in rows]


def test_a_cut_and_a_loss_harm_nobody(net: Net) -> None:
    """The small size of `test_network`: the way to the database is cut, then the broker is lost, then Redis is silent."""
    number, started = seeds.fresh(), time.monotonic()
    cast = _cast(make_pair())
    late: list[str] = []
    with traffic(net, cast, number, "d", clients=2, pages=False) as flow:
        late += through(flow, (net.database,), "cut", 0.5)[1]
        late += through(flow, (net.broker,), "cut", 0.3, meanwhile=True)[1]
        late += through(flow, (net.redis,), "hole", 0.3, meanwhile=True)[1]
        settled(net, cast, flow, "faults: network, by day", number, started=started, late=late)
        _tampered(flow)


def _tampered(flow: Traffic) -> None:
    """A listener who missed one, heard one twice, or in another order, is found."""
    listener = flow.listeners[0]
    heard = list(listener.heard)
    assert len(heard) > 2
    for wrong in (heard[1:], [*heard, heard[-1]], [heard[1], heard[0], *heard[2:]]):
        listener.heard[:] = wrong
        assert listening.missed(flow.line, listener, longest=0.0) != []
    listener.heard[:] = heard


def _cast(pair: tuple[Member, Member]) -> Cast:
    """Two partners as programs know them."""
    buyer, seller = (stage.Member(str(each.id), each.slug, each.home.schema, each.token) for each in pair)
    return Cast((buyer, seller), (stage.Pair(buyer, seller, pair[0].items[0]),))


@dataclass
class Kept:
    """What became of promises that were made while processes were killed. states: in which their customer left them, and how many."""

    chain: Chain
    states: Counter[str]
    killed: Counter[str]


def keep(house: House, chain: Chain, number: int, promises: int, kills: int) -> Kept:
    """Make so many while so many are killed, and wait until everything has arrived."""
    client = Client(house, chain.customer)
    killer, done = Killer(house, random.Random(number), steps=promises, kills=kills), threading.Event()
    killing = threading.Thread(target=killer.run, args=[done])

    def send(index: int) -> None:
        killer.sent.append(promise(client, chain, index))

    killing.start()
    try:
        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(send, range(promises)))
    finally:
        done.set()
        killing.join()
        client.http.close()
    ended = time.monotonic()
    while undelivered(*chain.members):
        assert time.monotonic() < ended + PATIENCE, house.said()
        time.sleep(0.2)
    print(f"killed {killer.killed}; met {dict(client.met)}")
    return Kept(chain, Counter(state for _uid, state in killer.sent), Counter(killer.killed))


def survive(house: House, chain: Chain, name: str, promises: int, killed: dict[str, int]) -> None:
    number, started = seeds.fresh(), time.monotonic()
    kept = keep(house, chain, number, promises, sum(killed.values()))
    findings = [*_different(kept, promises), *_left(kept)]
    seconds = time.monotonic() - started
    tally.tell(name, tried=sum(kept.states.values()), lost=len(findings), seconds=seconds, seed=number, kills=sum(kept.killed.values()))
    assert findings == []
    assert kept.killed == killed


def test_promises_survive_kills(house: House, chain: Chain) -> None:
    survive(house, chain, "faults: promises under kills", 4, {"web": 1, "worker": 1})


@pytest.mark.night
def test_more_promises_survive_more_kills(house: House) -> None:
    survive(house, make_chain(TIERS, run="1"), "faults: promises under kills, by night", 24, {"web": 3, "worker": 1, "server": 1})


def test_a_promise_that_one_tier_forgot_is_found(database: None) -> None:
    """A home that lost what it keeps for a promise, another that lost its document, and a third in which something is kept for nobody."""
    chain = make_chain(TIERS, run="1")
    for index in range(2):
        _hold(chain, index)
    kept_by = Kept(chain, Counter({"held": 2}), Counter())
    assert _different(kept_by, 2) == []
    for member, statement in (
        (chain.members[1], "DELETE FROM {}.scheduling_peg WHERE id = (SELECT g.id FROM {}.scheduling_peg g WHERE g.taker_job_id IS NULL LIMIT 1)"),
        (
            chain.members[2],
            "UPDATE {}.documents_document SET state = 'released' WHERE id = (SELECT id FROM {}.documents_document LIMIT 1)",
        ),
        (chain.members[3], "UPDATE {}.scheduling_job SET firm = true WHERE id = (SELECT id FROM {}.scheduling_job LIMIT 1)"),
    ):
        ask(statement.format(*[f'"{member.home.schema}"'] * 2), [])
    found = [*_different(kept_by, 2), *_unexplained(kept_by)]
    assert {finding.partition(":")[0] for finding in found} == {member.slug for member in chain.members[1:4]}, found


def _hold(chain: Chain, index: int) -> None:
    answer = chain.customer.api.post("promises/", asked(chain, index), headers={"Idempotency-Key": f"hold-{index}"})
    assert (answer.status_code, answer.json()["state"]) == (201, "held"), answer.content


def _different(kept_by: Kept, promises: int) -> list[str]:
    """Where a promise does not stand as its customer left it, once, in every home, or one that was taken has no order at a tier."""
    states = kept_by.states
    found = [] if sum(states.values()) == promises else [f"{promises} promises were made, and {sum(states.values())} were told"]
    for level, member in enumerate(kept_by.chain.members):
        sides = [side for side, has in (("buyer", level < TIERS), ("seller", level > 0)) if has]
        promised, ordered = documents(member, "promise"), documents(member, "order")
        if promised != {(side, state): n for side in sides for state, n in states.items()}:
            found.append(f"{member.slug}: promises {dict(promised)}")
        if ordered != ({(side, "agreed"): states["committed"] for side in sides} if states["committed"] else {}):
            found.append(f"{member.slug}: orders {dict(ordered)}")
        pegged = kept(member)
        if pegged != [(QUANTITY, QUANTITY)] * (states["committed"] + states["held"] if level else 0):
            found.append(f"{member.slug}: kept {pegged}")
        with member.acting():
            checked, differences = exchange.verify()
        found += [f"{member.slug}: {difference}" for difference in differences] + [f"{member.slug}: stands still" for channel in checked if channel.halted]
    return found


def _unexplained(kept_by: Kept) -> list[str]:
    return [f"{member.slug}: kept for no promise: {row}" for member in kept_by.chain.members for row in unexplained(member)]


def _left(kept_by: Kept) -> list[str]:
    """Holds that no promise explains; and those that do not fall free at every tier when their time has passed."""
    found, held = _unexplained(kept_by), kept_by.states["held"]
    with kept_by.chain.maker.acting():
        if (expired := schedule.expire(at=clock.now() + dt.timedelta(days=2))) != held:
            found.append(f"{expired} of {held} holds fell free")
    for member in kept_by.chain.members:
        with member.acting():
            left = [model.objects.filter(firm=False).count() for model in (models.Job, models.Peg)]
            left.append(models.Promise.objects.filter(firm=False, closed_at=None).count())
            if any(left) or exchange.verify()[1]:
                found.append(f"{member.slug}: {left} jobs, pegs and promises are left")
    return found


def _orders(member: Member) -> Counter[tuple[str, str]]:
    """(number, id) of every order that stands at this enterprise, and how often."""
    rows = ask(f'SELECT number, id FROM "{member.home.schema}".documents_document')
    return Counter((row["number"], str(row["id"])) for row in rows)


def test_one_key_makes_one_document(net: Net) -> None:
    """Sixteen at once with one key: one document, and in the end one answer to all."""
    buyer, seller = make_pair()
    body = {"seller": seller.slug, "number": "TWICE-1", "currency": "EUR", "lines": [line(buyer.items[0])]}
    clients = [Client(net.house, buyer) for _ in range(16)]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda client: client.post("orders/", body, key="one-key"), clients))
    for client in clients:
        client.http.close()
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1
    assert set(_orders(buyer).values()) == {1}
    assert len(_orders(buyer)) == 1
    assert _orders(seller) == Counter()
