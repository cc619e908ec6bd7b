"""A house in production shape behind proxies, those who talk, listen and visit there, and what is said of them when a way fails."""

from __future__ import annotations

import base64
import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.base.patience import SILENCE
from portal.embedded import APP, BROKER, BROKER_DATABASE, DATABASE, HOST
from portal.environment import Environment
from tests import redising, tally
from tests.faults import listening
from tests.faults.chains import LONGEST, Line, Talk
from tests.faults.listening import Listener
from tests.faults.proxy import Proxy, before
from tests.faults.reckoning import drained, reckon
from tests.faults.scene import language
from tests.faults.stage import Cast, Stage
from tests.faults.talking import Language
from tests.faults.visiting import Visitors
from tests.house import House, open_house
from tests.redising import Redis

BACK = 5.0
"""Seconds in which everything answers again when the network does."""


@dataclass
class Net:
    """The house and the proxies around it. server: the Redis behind the proxy."""

    stage: Stage
    house: House
    database: Proxy
    broker: Proxy
    redis: Proxy
    server: Redis


@contextlib.contextmanager
def netted(stage: Stage, given: Mapping[str, str] | None = None) -> Iterator[Net]:
    """A house in production shape that finds everything through proxies. given: variables of its own."""
    record = stage.server.prepare()
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(redising.running(stage.place))
        database, broker, redis = (stack.enter_context(before(port)) for port in (record.port, record.port, server.port))
        variables = {
            "DATABASE_URL": f"postgresql://{APP}:{record.passwords[APP]}@{HOST}:{database.port}/{DATABASE}",
            "BROKER_URL": f"pgmq://{BROKER}:{record.passwords[BROKER]}@{HOST}:{broker.port}/{BROKER_DATABASE}",
            "REDIS_URL": f"redis://{HOST}:{redis.port}/0", "PREPARED_STATEMENTS": "1", **_secrets(stage), **(given or {}),
        }  # fmt: skip
        yield Net(stage, stack.enter_context(open_house(given={**stage.environment, **variables})), database, broker, redis, server)


def _secrets(stage: Stage) -> dict[str, str]:
    """Those with which the enterprises were made."""
    ours = Environment.read(stage.environment)
    return {"SECRET_KEY": ours.secret_key, "KEY_RING": ",".join(base64.b64encode(key).decode() for key in ours.key_ring)}


@dataclass
class Traffic:
    """Conversations that go on and on, and who listens to them."""

    talk: Talk
    line: Line
    listeners: list[Listener]
    visitors: Visitors
    holding: threading.Thread
    failures: list[BaseException]

    def end(self) -> None:
        """Let what was begun come to its end. Raises what a client could not bear."""
        self.talk.chains = 0
        self.holding.join()
        if self.failures:
            raise self.failures[0]

    def flows(self) -> Callable[[], bool]:
        """Whether five more chains came to their end since now."""
        due = self.talk.book.done + 5
        return lambda: self.talk.book.done >= due


@contextlib.contextmanager
def traffic(net: Net, cast: Cast, number: int, run: str, *, clients: int = 4, pages: bool = True) -> Iterator[Traffic]:
    """pages: whether people sign in, too: where no pages are laid out they cannot."""
    talk = Talk(cast, Language({}), HOST, net.house.port, number, chains=10**6, clients=clients, run=run)
    line = Line(talk.host, talk.port, talk.book)
    talk.language = language(net.house, cast, line)
    listeners = [Listener(member, HOST, net.house.port, listening.newest(line, member)) for member in cast.members]
    visitors = Visitors(net.house, cast.members[0], signs_in=pages)
    failures: list[BaseException] = []

    def hold() -> None:
        try:
            talk.hold()
        except BaseException as error:
            failures.append(error)

    holding = threading.Thread(target=hold)
    holding.start()
    try:
        yield Traffic(talk, line, listeners, visitors, holding, failures)
    finally:
        talk.chains = 0
        holding.join()
        visitors.stop()
        for each in listeners:
            each.stop()
        line.close()


def takes(true: Callable[[], bool], *, longest: float) -> float:
    """Seconds until it is true; at most `longest`."""
    started = time.monotonic()
    while not true() and time.monotonic() < started + longest:
        time.sleep(0.02)
    return time.monotonic() - started


def settled(
    net: Net, cast: Cast, flow: Traffic, name: str, number: int, *, started: float, late: list[str], last: bool = False, more: Mapping[str, str] | None = None
) -> None:
    """Look at what is left of it all, and enter it in the book. last: nothing comes after it, so everything is verified."""
    flow.end()
    flow.visitors.stop()
    book = flow.talk.book
    if book.longest > LONGEST:
        late.append(f"somebody waited for {book.longest:.1f} s")
    late += flow.visitors.findings()
    findings = late + drained(net.stage, cast, since=time.monotonic())[1] + reckon(net.stage, cast, book, verify=last)
    findings += [finding for each in flow.listeners for finding in listening.missed(flow.line, each)]
    figures: dict[str, Any] = {"visits": str(flow.visitors.made), "waited": f"{max(flow.visitors.longest.values()):.1f}s", **(more or {})}
    print(f"{name}: {book.done} chains, {book.requests} requests, longest {book.longest:.1f} s, met {dict(book.met)}, {figures}, {findings[:10]}")
    tally.tell(name, tried=book.done, lost=len(findings), seconds=time.monotonic() - started, seed=number, longest=f"{book.longest:.1f}s", **figures)
    assert findings == [], net.house.said()


def through(flow: Traffic, proxies: Sequence[Proxy], mode: str, seconds: float, *, meanwhile: bool = False) -> tuple[float, list[str]]:
    """Let it happen for so long, and see whether chains come to their end afterwards; meanwhile: during it too."""
    late = []
    for proxy in proxies:
        proxy.set(mode)
    ends = time.monotonic() + seconds
    if meanwhile and (took := takes(flow.flows(), longest=BACK)) >= BACK:
        late.append(f"{mode}: meanwhile nothing flowed for {took:.1f} s")
    time.sleep(max(0.0, ends - time.monotonic()))
    for proxy in proxies:
        if mode != "half-open":
            proxy.set("pass")
    # What is half-open is noticed by its silence alone; whoever comes later is not held up by it.
    longest = BACK + (SILENCE if mode == "half-open" else 0)
    if (took := takes(flow.flows(), longest=longest)) >= longest:
        late.append(f"{mode}: nothing flowed for {took:.1f} s")
    return took, late
