"""A network that fails between the parts of a house in production shape: nobody hangs, all come back, and nothing is lost or missed.

The house reaches its database and its broker through proxies, and so do a caller and a listener reach the house.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg
import pytest

from apps.base.patience import SILENCE
from portal.embedded import APP, BROKER, BROKER_DATABASE, DATABASE, HOST, Record
from portal.environment import Environment
from tests import redising, tally
from tests.faults import listening
from tests.faults.chains import LONGEST, Line, Talk
from tests.faults.listening import Listener
from tests.faults.proxy import Proxy, before
from tests.faults.reckoning import drained, reckon
from tests.faults.scene import language, seed
from tests.faults.stage import Cast, Stage, laid
from tests.faults.talking import Language
from tests.house import House
from tests.redising import Redis

pytestmark = pytest.mark.night

BACK = 5.0
"""Seconds in which everything answers again when the network does."""


@dataclass
class Net:
    """The house and the proxies around it."""

    stage: Stage
    house: House
    database: Proxy
    broker: Proxy
    redis: Redis


def _production(stage: Stage, record: Record, database: Proxy, broker: Proxy, redis: Redis) -> dict[str, str]:
    """The variables of a house that finds everything through the proxies."""
    ours = Environment.read(stage.environment)
    stage_secret, ring = (stage.place / "secret").read_text().strip(), (stage.place / "keyring").read_text().strip()
    assert ours.secret_key == stage_secret
    return {
        "DATABASE_URL": f"postgresql://{APP}:{record.passwords[APP]}@{HOST}:{database.port}/{DATABASE}",
        "BROKER_URL": f"pgmq://{BROKER}:{record.passwords[BROKER]}@{HOST}:{broker.port}/{BROKER_DATABASE}",
        "SECRET_KEY": stage_secret, "KEY_RING": ring, "PREPARED_STATEMENTS": "1", "REDIS_URL": redis.url,
    }  # fmt: skip


@pytest.fixture(scope="module")
def net() -> Iterator[Net]:
    with contextlib.ExitStack() as stack:
        stage = stack.enter_context(laid("network"))
        record = stage.server.prepare()
        database, broker = (stack.enter_context(before(record.port)) for _each in range(2))
        redis = stack.enter_context(redising.running(stage.place))
        given = _production(stage, record, database, broker, redis)
        yield Net(stage, stack.enter_context(stage.house(**given)), database, broker, redis)


@pytest.fixture(scope="module")
def cast(net: Net) -> Cast:
    """Two partners for all of it."""
    return net.stage.cast("net")


@dataclass
class Traffic:
    """Conversations that go on and on, and who listens to them."""

    talk: Talk
    line: Line
    listeners: list[Listener]
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
def traffic(net: Net, cast: Cast, number: int, run: str, *, clients: int = 4) -> Iterator[Traffic]:
    talk = Talk(cast, Language({}), HOST, net.house.port, number, chains=10**6, clients=clients, run=run)
    line = Line(talk.host, talk.port, talk.book)
    talk.language = language(net.house, cast, line)
    listeners = [Listener(member, HOST, net.house.port, listening.newest(line, member)) for member in cast.members]
    failures: list[BaseException] = []

    def hold() -> None:
        try:
            talk.hold()
        except BaseException as error:
            failures.append(error)

    holding = threading.Thread(target=hold)
    holding.start()
    try:
        yield Traffic(talk, line, listeners, holding, failures)
    finally:
        talk.chains = 0
        holding.join()
        for each in listeners:
            each.stop()
        line.close()


def takes(true: Callable[[], bool], *, longest: float) -> float:
    """Seconds until it is true; at most `longest`."""
    started = time.monotonic()
    while not true() and time.monotonic() < started + longest:
        time.sleep(0.02)
    return time.monotonic() - started


def settled(net: Net, cast: Cast, flow: Traffic, name: str, number: int, *, started: float, late: list[str], last: bool = False, **more: str) -> None:
    """Look at what is left of it all, and enter it in the book. last: nothing comes after it, so everything is verified."""
    flow.end()
    book = flow.talk.book
    findings = late + drained(net.stage, cast, since=time.monotonic())[1] + reckon(net.stage, cast, book, verify=last)
    findings += [finding for each in flow.listeners for finding in listening.missed(flow.line, each)]
    print(f"{name}: {book.done} chains, {book.requests} requests, longest {book.longest:.1f} s, met {dict(book.met)}, {more}, {findings[:10]}")
    tally.tell(name, tried=book.done, lost=len(findings), seconds=time.monotonic() - started, seed=number, longest=f"{book.longest:.1f}s", **more)
    assert findings == [], net.house.said()


def test_nobody_hangs_where_the_way_to_the_database_fails(net: Net, cast: Cast) -> None:
    number, started = seed(), time.monotonic()
    late, back = [], {}
    with traffic(net, cast, number, "n") as flow:
        assert takes(flow.flows(), longest=20) < 20
        for mode, seconds in (("cut", 1.5), ("throttle", 1.5), ("stall", 2.0), ("half-open", 0.0)):
            for proxy in (net.database, net.broker):
                proxy.set(mode)
            time.sleep(seconds)
            for proxy in (net.database, net.broker):
                if mode != "half-open":
                    proxy.set("pass")
            # What is half-open is noticed by its silence alone; whoever comes later is not held up by it.
            longest = BACK + (SILENCE if mode == "half-open" else 0)
            took = takes(flow.flows(), longest=longest)
            back[mode.replace("-", "_")] = f"{took:.1f}s"
            if took >= longest:
                late.append(f"{mode}: nothing flowed for {took:.1f} s")
        settled(net, cast, flow, "faults: database out of reach", number, started=started, late=late, **back)


def test_callers_who_stall_hold_up_nobody_else(net: Net, cast: Cast) -> None:
    """More requests than there are threads stop in the middle of their bodies; and a caller's own line fails in every way."""
    number, started = seed(), time.monotonic()
    late: list[str] = []
    with before(net.house.port) as proxy, traffic(net, cast, number, "l", clients=2) as flow, contextlib.ExitStack() as stack:
        remote = Talk(cast, flow.talk.language, HOST, proxy.port, number, chains=10**6, clients=2, run="p")
        far = Listener(cast.members[0], HOST, proxy.port, listening.newest(flow.line, cast.members[0]))
        stack.callback(far.stop)
        holding = threading.Thread(target=remote.hold)
        holding.start()
        try:
            for _each in range(20):
                stalled = stack.enter_context(socket.create_connection((HOST, net.house.port), 5))
                token = cast.members[0].token
                stalled.sendall(f"POST /api/v1/orders/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nContent-Length: 900\r\n\r\n{{".encode())
            for mode in ("cut", "throttle", "stall"):
                proxy.set(mode)
                time.sleep(0.7)
                proxy.set("pass")
                if (took := takes(flow.flows(), longest=LONGEST + 2)) >= LONGEST:
                    late.append(f"{mode} of one caller: nothing flowed for others for {took:.1f} s")
        finally:
            remote.chains = 0
            holding.join()
        flow.end()
        late += drained(net.stage, cast, since=time.monotonic())[1] + listening.missed(flow.line, far) + reckon(net.stage, cast, remote.book, verify=False)
        settled(net, cast, flow, "faults: callers out of reach", number, started=started, late=late, remote=str(remote.book.done))


def test_documents_and_live_outlive_broker_and_redis(net: Net, cast: Cast) -> None:
    """Gone, emptied and started again: documents are untouched, the socket hears everything, and the sweep comes back."""
    number, started = seed(), time.monotonic()
    late = []
    with traffic(net, cast, number, "b", clients=2) as flow:
        net.broker.set("cut")
        net.redis.kill()
        if takes(flow.flows(), longest=BACK) >= BACK:
            late.append("without its broker and Redis the house stands still")
        with psycopg.connect(net.stage.server.dsn("postgres", BROKER_DATABASE), autocommit=True) as connection:
            connection.execute("SELECT pgmq.purge_queue(queue_name) FROM pgmq.list_queues()")
        net.redis.start()
        assert net.redis.say("FLUSHALL") == b"+OK"
        net.broker.set("pass")
        if takes(flow.flows(), longest=BACK) >= BACK:
            late.append("the house does not come back")
        if (took := takes(_swept(net), longest=30)) >= 30:
            late.append("the sweep did not come back within 30 s")
        settled(net, cast, flow, "faults: broker and Redis", number, started=started, late=late, last=True, swept=f"{took:.1f}s")


def _swept(net: Net) -> Callable[[], bool]:
    """Whether the worker has taken something that the scheduler said since now."""

    def taken() -> int:
        with psycopg.connect(net.stage.server.dsn("postgres", BROKER_DATABASE), autocommit=True) as connection:
            row = connection.execute("SELECT coalesce(sum(total_messages - queue_length), 0) FROM pgmq.metrics_all()").fetchone()
        assert row is not None
        return int(row[0])

    before = taken()
    return lambda: taken() > before
