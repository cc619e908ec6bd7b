"""What a `kill -9` may cost a promise through four tiers: time. Promises are held, taken and given back over HTTP while the house's processes are killed."""

from __future__ import annotations

import datetime as dt
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from apps.base import clock
from apps.exchange import services as exchange
from apps.scheduling import models
from apps.scheduling import services as schedule
from tests.cast import Member, ask
from tests.faults.test_kill import PATIENCE, Client, Killer, undelivered
from tests.house import House, open_house
from tests.scheduling.chain import Chain, make_chain

TIERS, PROMISES, CLIENTS = 4, 24, 3
QUANTITY = 5
AFTERWARDS = (("commit", "committed"), ("commit", "committed"), ("release", "released"), ("", "held"))


@pytest.fixture(scope="module")
def house(database: None) -> Iterator[House]:
    with open_house() as running:
        yield running


def promise(client: Client, chain: Chain, index: int) -> tuple[str, str]:
    """Hold a promise; take two of four, give one back, and leave one held. Gives its uid and the state in which its customer left it."""
    due_on = (clock.now() + dt.timedelta(days=40 + index)).date().isoformat()
    body = {"seller": chain.maker.slug, "item": "N1", "quantity": str(QUANTITY), "unit": "C62", "due_on": due_on, "hold_minutes": 30}
    asked = client.post("promises/", body, key=f"promise-{index}")
    assert asked.status_code == 201, asked.text
    uid = asked.json()["uid"]
    assert asked.json()["state"] == "held", asked.text
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


@pytest.mark.night
def test_promises_survive_kills(house: House) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    chain = make_chain(TIERS, run="1")
    client = Client(house, chain.customer)
    killer, done = Killer(house, random.Random(seed), steps=PROMISES), threading.Event()
    killing = threading.Thread(target=killer.run, args=[done])

    def send(index: int) -> None:
        killer.sent.append(promise(client, chain, index))

    killing.start()
    try:
        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(send, range(PROMISES)))
    finally:
        done.set()
        killing.join()
        client.http.close()
    ended = time.monotonic()
    while undelivered(*chain.members):
        assert time.monotonic() < ended + PATIENCE, house.said()
        time.sleep(0.2)
    print(f"killed {killer.killed}; met {dict(client.met)}")
    assert Counter(killer.killed) == {"web": 3, "worker": 1, "server": 1}
    states = Counter(state for _uid, state in killer.sent)
    _all_or_nothing(chain, states)
    _nothing_is_left(chain, states["held"])


def _all_or_nothing(chain: Chain, states: Counter[str]) -> None:
    """Each promise stands in every home as its customer left it, once, and each that was taken has its order at every tier."""
    assert sum(states.values()) == PROMISES
    for level, member in enumerate(chain.members):
        sides = [side for side, has in (("buyer", level < TIERS), ("seller", level > 0)) if has]
        assert documents(member, "promise") == {(side, state): n for side in sides for state, n in states.items()}
        assert documents(member, "order") == {(side, "agreed"): states["committed"] for side in sides}
        assert kept(member) == [(QUANTITY, QUANTITY)] * (states["committed"] + states["held"] if level else 0)
        with member.acting():
            checked, differences = exchange.verify()
        assert differences == []
        assert {channel.halted for channel in checked} == {False}


def _nothing_is_left(chain: Chain, held: int) -> None:
    """No hold stands that no promise explains; those that do fall free at every tier when their time has passed."""
    assert [unexplained(member) for member in chain.members] == [[]] * len(chain.members)
    with chain.maker.acting():
        assert schedule.expire(at=clock.now() + dt.timedelta(days=2)) == held
    for member in chain.members:
        with member.acting():
            assert models.Promise.objects.filter(firm=False, closed_at=None).count() == 0
            assert models.Job.objects.filter(firm=False).count() + models.Peg.objects.filter(firm=False).count() == 0
            assert exchange.verify()[1] == []
