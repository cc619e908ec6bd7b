"""Promises: through one to four tiers with many askers at once, a machine that breaks at the fourth tier, and a click in the configurator."""

from __future__ import annotations

import datetime as dt
import itertools
import os
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import psycopg

from apps.base import clock
from apps.live import selectors as live
from bench import chain as chains
from bench import ground, left
from bench.chain import TIERS, Chain
from bench.figures import Figure, paired, percentile
from bench.live import arrived, listening
from bench.serving import Client, Request, serving, timed

ASKERS = (1, 8, 32)
CUSTOMERS = 8
# Promises in one measurement by the number of askers, and before anything counts.
PROMISES = {1: 12, 8: 32, 32: 64}
WARMING = 24
WORKERS, RUNS = 2, 3
# What is asked for, in milliseconds.
PROMISE_ASKED, RIPPLE_ASKED, RULES_ASKED, DATE_ASKED = 300, 1000, 20, 200
RIPPLES, PATIENCE = 6, 10.0
CLICKS = 40
_days = itertools.count()


def measure() -> Iterator[Figure]:
    """`promise_1x1` … `promise_4x32` (tiers x askers), `click_rules`, `click_date`, `ripple_4`: the 95th percentile in milliseconds."""
    chain = chains.build("chain", CUSTOMERS)
    chains.add_product(chain)
    with serving(workers=WORKERS) as port:
        yield from _promises(chain, port)
        yield from _clicks(chain, port)
        # A chain of its own: what the ripple meets should not hang on how many holds the promises have left.
        yield from _ripple(chains.build("ripple", 1), port)


# Promises through the tiers ----------------------------------------------------------------------------------------------


def _asked(chain: Chain, tiers: int) -> Request:
    """A promise, held: for one of the next weeks, so that the machines are never full."""
    due_on = chains.days_from_now(20 + next(_days) % 60)
    body = {"seller": chain.asked(tiers), "item": chains.item(tiers), "quantity": "5", "unit": "C62", "due_on": due_on, "hold_minutes": 60}
    return "POST", "/api/v1/promises/", orjson.dumps(body)


def _ours(chain: Chain, port: int, tiers: int, askers: int, count: int) -> list[float]:
    customers = itertools.cycle(chain.customers)
    shares = [(next(customers).token, [_asked(chain, tiers) for _promise in range(count // askers)]) for _asker in range(askers)]
    return timed(port, shares)


def _pattern(chain: Chain, port: int, tiers: int) -> left.Left:
    """What one promise leaves in all homes."""
    before = left.now()
    with Client(port, chain.customers[0].token) as client:
        told = orjson.loads(client.ask(*_asked(chain, tiers)).body)
    assert told["state"] == "held", told
    makers = [maker.home.schema for maker in chain.makers[TIERS - tiers :]]
    found = left.since(before, [chain.customers[0].home.schema, *makers])
    left.shape(found)
    return found


def _floor(pattern: left.Left, askers: int, count: int) -> list[float]:
    """The same rows, written by as many connections at once."""

    def write(_asker: int) -> list[float]:
        writer = left.Writer(pattern)
        try:
            return [writer.write() for _promise in range(count // askers)]
        finally:
            writer.close()

    with ThreadPoolExecutor(askers) as pool:
        return [seconds for took in pool.map(write, range(askers)) for seconds in took]


def _promises(chain: Chain, port: int) -> Iterator[Figure]:
    _ours(chain, port, TIERS, WORKERS * 4, WARMING)
    patterns = {tiers: _pattern(chain, port, tiers) for tiers in range(1, TIERS + 1)}
    measured: dict[tuple[int, int], list[tuple[list[float], list[float]]]] = {}
    for _run in range(RUNS):
        for tiers, askers in itertools.product(patterns, ASKERS):
            ours = _ours(chain, port, tiers, askers, PROMISES[askers])
            floor = _floor(patterns[tiers], askers, PROMISES[askers])
            measured.setdefault((tiers, askers), []).append((ours, floor))
    for (tiers, askers), runs in measured.items():
        asked = PROMISE_ASKED if (tiers, askers) == (TIERS, 8) else None
        note = f"{patterns[tiers].count} rows in {tiers + 1} homes and the log"
        yield _figure(f"promise_{tiers}x{askers}", runs, asked, note)


def _figure(name: str, runs: Sequence[tuple[Sequence[float], Sequence[float]]], asked: int | None, note: str) -> Figure:
    """The 95th percentile of each run, with the median beside it; asked: what it should not exceed, in milliseconds."""
    pairs = [(percentile(ours, 95) * 1000, percentile(floor, 95) * 1000) for ours, floor in runs]
    half = percentile([seconds for ours, _floor in runs for seconds in ours], 50) * 1000
    worst = percentile([seconds for ours, _floor in runs for seconds in ours], 95) * 1000
    goal = f", asked: ≤ {asked} ms" if asked else ""
    more: dict[str, Any] = {"asked": asked, "met": worst <= asked} if asked else {}
    return paired(name, "ms", pairs, note=f"p95{goal}; p50 {half:.3g} ms; {note}", p50=round(half, 1), p95=round(worst, 1), load=os.getloadavg()[0], **more)


# A click in the configurator ---------------------------------------------------------------------------------------------


def _clicks(chain: Chain, port: int) -> Iterator[Figure]:
    """The same clicks with the rules alone, and with the day through the chain; each answered by the portal and by a plain view from a dictionary."""
    token, seller = chain.customers[0].token, chain.makers[0].home.slug
    with Client(port, token) as client:
        made = orjson.loads(client.ask("POST", "/api/v1/configurations/", orjson.dumps({"seller": seller, "product": "fridge", "choices": {}})).body)
        path = f"/api/v1/configurations/{made['uid']}/"
        choices = _walk(client, path, made)
        kinds = {name: [("PATCH", path + query, body) for body in choices] for name, query in (("click_rules", ""), ("click_date", "?promise=1"))}
        answers = {f"{request[1]} {request[2].decode()}": orjson.loads(client.ask(*request).body) for requests in kinds.values() for request in requests}
    assert any(answer.get("due_on") for answer in answers.values()), "no click was answered with a day"
    (ground.HERE / "clicked.json").write_bytes(orjson.dumps(answers))
    with serving(settings="bench.plain_settings") as plain:
        for (name, requests), asked in zip(kinds.items(), (RULES_ASKED, DATE_ASKED), strict=True):
            timed(plain, [(token, requests)])
            runs = [(timed(port, [(token, requests)]), timed(plain, [(token, requests)])) for _run in range(RUNS)]
            yield _figure(name, runs, asked, f"{CLICKS} clicks; the floor: a plain view with the same answers in a dictionary")


def _walk(client: Client, path: str, told: dict[str, Any]) -> list[bytes]:
    """Clicks that choose what is open, one feature after the other, and take all back when nothing is left."""
    bodies: list[bytes] = []
    while len(bodies) < CLICKS:
        undecided = [(feature, values) for feature, values in told["open"].items() if feature not in told["choices"] and len(values) > 1]
        if undecided:
            feature, values = undecided[0]
            change = {feature: values[len(bodies) % len(values)]}
        else:
            change = dict.fromkeys(told["choices"], "")
        bodies.append(orjson.dumps({"choices": change}))
        told = orjson.loads(client.ask("PATCH", path, bodies[-1]).body)
        assert told["valid"], told["conflict"]
    return bodies


# The ripple --------------------------------------------------------------------------------------------------------------


def _ripple(chain: Chain, port: int) -> Iterator[Figure]:
    """A machine breaks at the fourth tier: from there to the open socket of the customer at the other end."""
    customer = chain.customers[0]
    with listening(port, customer.token, 1) as listener, Hops(TIERS) as hops:
        runs = []
        for run in range(RUNS):
            ours = [_broken(chain, port, listener, days=200 - 5 * (run * RIPPLES + number)) for number in range(RIPPLES)]
            runs.append((ours, [hops.measure() for _ripple in range(RIPPLES)]))
    yield _figure(f"ripple_{TIERS}", runs, RIPPLE_ASKED, f"{RIPPLES * RUNS} ripples; the floor: a NOTIFY that is passed on once a tier")


def _broken(chain: Chain, port: int, listener: subprocess.Popen[str], *, days: int) -> float:
    """Seconds from the moment when somebody says that the machine is down until the customer's socket has the day that it moves.

    days: for when the promise was made. Each is for an earlier day than the last, so that nothing but it is hit.
    """
    customer, maker = chain.customers[0], chain.makers[-1]
    machine = chains.machine(maker)
    with Client(port, customer.token) as buying, Client(port, maker.token) as breaking:
        uid = _committed(chain, buying, days)
        arrived(listener)
        until = clock.now() + dt.timedelta(days=days + 3)
        started = time.monotonic()
        down = breaking.ask("POST", f"/api/v1/resources/{machine}/moves/break/", orjson.dumps({"until": until.isoformat(), "reason": "Spindle"}))
        assert down.status == 200, down.body
        took = _heard(listener, uid, started + PATIENCE) - started
        up = breaking.ask("POST", f"/api/v1/resources/{machine}/moves/repair/", b"{}")
        assert up.status == 200, up.body
    return took


def _committed(chain: Chain, client: Client, days: int) -> str:
    """A promise through all tiers, taken."""
    body = {"seller": chain.asked(TIERS), "item": chains.item(TIERS), "quantity": "5", "unit": "C62", "due_on": chains.days_from_now(days), "hold_minutes": 60}
    uid = str(orjson.loads(client.ask("POST", "/api/v1/promises/", orjson.dumps(body)).body)["uid"])
    taken = client.ask("POST", f"/api/v1/promises/{uid}/moves/commit/", b"{}")
    assert taken.status == 200, taken.body
    return uid


def _heard(listener: subprocess.Popen[str], uid: str, until: float) -> float:
    """When the socket heard that a document has moved."""
    while time.monotonic() < until:
        if moments := arrived(listener).get(f"{uid} promise.moved"):
            return moments[0]
        time.sleep(0.02)
    raise AssertionError(f"the customer did not hear of {uid}")


class Hops:
    """As many listeners as there are tiers, each of whom passes on what he hears."""

    def __init__(self, count: int) -> None:
        login = live.database_login("bench")
        # What came while a connection was sending would be lost to whoever listens on it.
        self._hearing = [psycopg.connect(**login, autocommit=True) for _hop in range(count)]
        self._saying = [psycopg.connect(**login, autocommit=True) for _hop in range(count)]
        self._there = threading.Event()
        for number, connection in enumerate(self._hearing):
            connection.execute(f"LISTEN hop_{number}".encode())
        self._threads = [threading.Thread(target=self._pass_on, args=[number], daemon=True) for number in range(count)]

    def __enter__(self) -> Hops:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._say(0, "end")
        for thread in self._threads:
            thread.join(PATIENCE)
        for connection in (*self._hearing, *self._saying):
            connection.close()

    def measure(self) -> float:
        """Seconds from the first NOTIFY until the last one is heard."""
        self._there.clear()
        started = time.monotonic()
        self._say(0, "on")
        assert self._there.wait(PATIENCE), "a hop was lost"
        return time.monotonic() - started

    def _say(self, number: int, what: str) -> None:
        self._saying[number].execute(f"NOTIFY hop_{number}, '{what}'".encode())

    def _pass_on(self, number: int) -> None:
        for heard in self._hearing[number].notifies():
            if number + 1 < len(self._hearing):
                self._say(number + 1, heard.payload)
            else:
                self._there.set()
            if heard.payload == "end":
                return
