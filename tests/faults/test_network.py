"""A network that fails between the parts of a house in production shape: nobody hangs, all come back, and nothing is lost or missed.

The house reaches its database, its broker and its Redis through proxies, and so do a caller and a listener reach the house.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from portal.embedded import BROKER_DATABASE, HOST
from tests import ground, seeds, tally
from tests.faults import listening
from tests.faults.chains import LONGEST, Talk
from tests.faults.listening import Listener
from tests.faults.network import BACK, Net, netted, settled, takes, through, traffic
from tests.faults.proxy import Proxy, before
from tests.faults.reckoning import drained, reckon
from tests.faults.stage import Cast, Stage, laid

HOLE = 15.0
"""Seconds for which nothing that is said arrives: longer than anybody may wait."""
MUTANTS = Path(__file__).with_name("mutants")


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with laid("network") as found:
        # Whoever signs in gets pages.
        found.must("manage.py", "collectstatic", "--no-input", "--verbosity", "0")
        yield found


@pytest.fixture(scope="module")
def net(stage: Stage) -> Iterator[Net]:
    with netted(stage) as found:
        yield found


@pytest.fixture(scope="module")
def cast(stage: Stage) -> Cast:
    """Two partners for all of it."""
    return stage.cast("net")


@pytest.mark.night
@pytest.mark.alone
def test_nobody_hangs_where_the_way_to_the_database_fails(net: Net, cast: Cast) -> None:
    number, started = seeds.fresh(), time.monotonic()
    late: list[str] = []
    back: dict[str, str] = {}
    with traffic(net, cast, number, "n") as flow:
        assert takes(flow.flows(), longest=20) < 20
        for mode, seconds in (("cut", 1.5), ("throttle", 1.5), ("stall", 2.0), ("half-open", 0.0), ("hole", HOLE)):
            took, found = through(flow, (net.database, net.broker), mode, seconds)
            back[mode.replace("-", "_")], late = f"{took:.1f}s", late + found
        settled(net, cast, flow, "faults: database out of reach", number, started=started, late=late, more=back)


@pytest.mark.night
@pytest.mark.alone
@pytest.mark.parametrize("part", ["broker", "redis"])
def test_what_is_not_needed_holds_up_nobody(net: Net, cast: Cast, part: str) -> None:
    """Broker and Redis, each alone: cut, stalled, silent. Documents go on meanwhile, people sign in, sockets open."""
    number, started = seeds.fresh(), time.monotonic()
    way: Proxy = getattr(net, part)
    late: list[str] = []
    back: dict[str, str] = {}
    with traffic(net, cast, number, part, clients=2) as flow:
        assert takes(flow.flows(), longest=20) < 20
        for mode, seconds in (("cut", 1.5), ("stall", 3.0), ("half-open", 0.0), ("hole", HOLE)):
            took, found = through(flow, (way,), mode, seconds, meanwhile=mode != "half-open")
            back[mode.replace("-", "_")], late = f"{took:.1f}s", late + found
        settled(net, cast, flow, f"faults: {part} out of reach", number, started=started, late=late, more=back)


def findings_of(stage: Stage, cast: Cast, part: str, mode: str, seconds: float, mutant: str) -> list[str]:
    """What the harness says of a house with these variables when the way to this part fails."""
    with (
        netted(stage, given={"PYTHONPATH": f"{MUTANTS}:{ground.ROOT}", "MUTANT": mutant}) as net,
        traffic(net, cast, seeds.fresh(), f"m{mutant}", clients=2) as flow,
    ):
        assert takes(flow.flows(), longest=20) < 20
        late = through(flow, (getattr(net, part),), mode, seconds, meanwhile=part != "database")[1]
        with contextlib.suppress(AssertionError):
            flow.end()
        flow.visitors.stop()
        return [
            *late,
            *flow.talk.book.broken,
            *flow.visitors.findings(),
            *(finding for each in flow.listeners for finding in listening.missed(flow.line, each)),
        ]


@pytest.mark.night
@pytest.mark.alone
@pytest.mark.parametrize(
    ("mutant", "part", "mode", "seconds", "found"),
    [
        ("patience", "database", "hole", HOLE, "hung for"),
        ("broker", "broker", "cut", 6.0, "nothing flowed"),
        ("redis", "redis", "hole", 8.0, "sign-in: 500"),
        ("feed", "redis", "cut", 1.0, "missed"),
    ],
)
def test_a_fault_that_was_put_in_is_found(stage: Stage, cast: Cast, mutant: str, part: str, mode: str, seconds: float, found: str) -> None:
    """Patience for a minute; a house that asks its broker before it answers; a cache that depends on Redis; a feed that drops every third event."""
    started = time.monotonic()
    findings = findings_of(stage, cast, part, mode, seconds, mutant)
    caught = any(found in finding for finding in findings)
    tally.tell(f"faults: network, mutant {mutant}", tried=1, lost=1 - caught, seconds=time.monotonic() - started)
    assert caught, findings


@pytest.mark.night
@pytest.mark.alone
def test_callers_who_stall_hold_up_nobody_else(net: Net, cast: Cast) -> None:
    """More requests than there are threads stop in the middle of their bodies; and a caller's own line fails in every way."""
    number, started = seeds.fresh(), time.monotonic()
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
        settled(net, cast, flow, "faults: callers out of reach", number, started=started, late=late, more={"remote": str(remote.book.done)})


@pytest.mark.night
@pytest.mark.alone
def test_documents_and_live_outlive_broker_and_redis(net: Net, cast: Cast) -> None:
    """Gone, emptied and started again: documents are untouched, the socket hears everything, and the sweep comes back."""
    number, started = seeds.fresh(), time.monotonic()
    late = []
    with traffic(net, cast, number, "b", clients=2) as flow:
        net.broker.set("cut")
        net.server.kill()
        if takes(flow.flows(), longest=BACK) >= BACK:
            late.append("without its broker and Redis the house stands still")
        with psycopg.connect(net.stage.server.dsn("postgres", BROKER_DATABASE), autocommit=True) as connection:
            connection.execute("SELECT pgmq.purge_queue(queue_name) FROM pgmq.list_queues()")
        net.server.start()
        assert net.server.say("FLUSHALL") == b"+OK"
        net.broker.set("pass")
        if takes(flow.flows(), longest=BACK) >= BACK:
            late.append("the house does not come back")
        if (took := takes(_swept(net), longest=30)) >= 30:
            late.append("the sweep did not come back within 30 s")
        settled(net, cast, flow, "faults: broker and Redis", number, started=started, late=late, last=True, more={"swept": f"{took:.1f}s"})


def _swept(net: Net) -> Callable[[], bool]:
    """Whether the worker has taken something that the scheduler said since now."""

    def taken() -> int:
        with psycopg.connect(net.stage.server.dsn("postgres", BROKER_DATABASE), autocommit=True) as connection:
            row = connection.execute("SELECT coalesce(sum(total_messages - queue_length), 0) FROM pgmq.metrics_all()").fetchone()
        assert row is not None
        return int(row[0])

    before = taken()
    return lambda: taken() > before
