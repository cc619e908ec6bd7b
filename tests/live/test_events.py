"""What one enterprise does stands on the other's open socket: once, in order, and nowhere else."""

from __future__ import annotations

import contextlib
import itertools
import random
import threading
import time
from typing import Any

import psycopg
import pytest
from django.conf import settings
from websockets.exceptions import ConnectionClosed

from apps.documents import selectors as documents
from apps.documents import services
from tests.cast import AT, Cast, Member, ask, move, order
from tests.live.conftest import Web, heard, serve, silent


def feed(member: Member, after: str = "") -> list[dict[str, Any]]:
    """The whole feed of an enterprise, as REST gives it, page by page."""
    found: list[dict[str, Any]] = []
    while True:
        page = member.api.get(f"events/?limit=90&after={after}").json()
        if not page["results"]:
            return found
        found, after = found + page["results"], page["cursor"]


def newest(member: Member) -> str:
    with member.acting():
        return documents.newest_cursor()


def test_an_order_published_here_stands_on_the_partners_open_socket(web: Web, pair: tuple[Member, Member]) -> None:
    buyer, seller = pair
    with web.listen(seller) as socket:
        uid = order(buyer, seller, number="4500012345")
        (told,) = heard(socket, 1)
        assert {key: told[key] for key in told.keys() - {"cursor"}} == {
            "at": "2027-01-04T09:30:00+00:00",
            "event": "order.published",
            "document": {"type": "order", "uid": str(uid), "number": "4500012345"},
            "by": buyer.actor.name,
            "partner": buyer.slug,
            "own": False,
        }
        assert told == feed(seller)[-1]
        move(seller, uid, "acknowledge")
        assert heard(socket, 1)[0]["event"] == "order.acknowledged"
    assert [body["event"] for body in feed(buyer)] == ["order.drafted", "order.published", "order.acknowledged"]


def test_the_stranger_hears_nothing(web: Web, pair: tuple[Member, Member], cast: Cast) -> None:
    buyer, seller = pair
    with web.listen(cast.stranger) as stranger, web.listen(seller) as socket:
        order(buyer, seller)
        heard(socket, 1)
        assert silent(stranger)
    cursor = feed(seller)[-1]["cursor"]
    with web.listen(cast.stranger, after="0.0." + "0" * 32) as stranger, web.listen(cast.stranger, after=cursor) as another:
        assert silent(stranger, 1.0)
        assert silent(another, 0.5)


def test_from_now_on_means_from_the_handshake_on(web: Web, pair: tuple[Member, Member]) -> None:
    buyer, seller = pair
    order(buyer, seller)
    for _again in range(10):
        with web.listen(seller) as socket:
            uid = order(buyer, seller)
            assert heard(socket, 1)[0]["document"]["uid"] == str(uid)


def test_whoever_comes_back_with_the_last_cursor_misses_nothing(web: Web, pair: tuple[Member, Member]) -> None:
    buyer, seller = pair
    begin = newest(seller)
    chance = random.Random(5)
    working = threading.Thread(target=lambda: [order(buyer, seller) for _ in range(200)])
    got: list[dict[str, Any]] = []
    working.start()
    connections = 0
    while len(got) < 200:
        cursor, connections = got[-1]["cursor"] if got else begin, connections + 1
        with web.listen(seller, after=cursor) as socket:
            for _ in range(min(chance.randint(1, 12), 200 - len(got))):
                got += heard(socket, 1, timeout=20)
    working.join()
    assert connections > 15
    assert got == feed(seller, begin)
    assert len({body["cursor"] for body in got}) == 200


def test_many_who_came_at_different_times_hear_the_same(web: Web, pair: tuple[Member, Member]) -> None:
    buyer, seller = pair
    begin = newest(seller)
    working = threading.Thread(target=lambda: [order(buyer, seller) for _ in range(40)])
    working.start()
    with contextlib.ExitStack() as stack:
        sockets = []
        for index in range(12):
            sockets.append(stack.enter_context(web.listen(seller, **({} if index % 3 == 0 else {"after": begin}))))
            time.sleep(0.02)
        working.join()
        order(buyer, seller, number="the-last")
        whole = feed(seller, begin)
        for index, socket in enumerate(sockets):
            got = heard(socket, 1)
            while got[-1]["document"]["number"] != "the-last":
                got += heard(socket, 1)
            assert got == whole[-len(got) :]
            assert index % 3 == 0 or len(got) == 41
            assert silent(socket, 0.05)


def test_two_web_processes_tell_the_same(two_webs: tuple[Web, Web], pair: tuple[Member, Member]) -> None:
    buyer, seller = pair
    with two_webs[0].listen(seller) as one, two_webs[1].listen(seller) as other, two_webs[1].listen(buyer) as buyers:
        for _ in range(20):
            order(buyer, seller)
        assert heard(one, 20) == heard(other, 20) == feed(seller)[-20:]
        assert heard(buyers, 40) == feed(buyer)[-40:]


def test_a_server_with_several_processes_misses_nothing(database: None, pair: tuple[Member, Member]) -> None:
    buyer, seller = pair
    with serve(workers=2) as web, contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(web.listen(seller)) for _ in range(8)]
        for _ in range(10):
            order(buyer, seller)
        for socket in sockets:
            assert heard(socket, 10) == feed(seller)[-10:]


def test_a_transaction_that_commits_late_is_told_in_its_place(web: Web, pair: tuple[Member, Member]) -> None:
    """The one that began first commits last: nothing after it is told before it, and both are."""
    buyer, seller = pair
    begin = newest(seller)
    with web.listen(seller) as socket:
        with psycopg.connect(settings.ENVIRONMENT.superuser.url) as early:
            early.execute("SELECT pg_current_xact_id()")
            later = order(buyer, seller)
            assert silent(socket, 1.2)
            assert feed(seller, begin) == []
        told = heard(socket, 1, timeout=1.5)
        assert [body["document"]["uid"] for body in told] == [str(later)]
        assert told == feed(seller, begin)


def test_overlapping_transactions_leave_no_gap(web: Web, pair: tuple[Member, Member]) -> None:
    """Many at once, some held open for a while: what a socket got is the feed, each event once."""
    buyer, seller = pair
    begin = newest(seller)
    stop = threading.Event()

    def hold_some() -> None:
        chance = random.Random(7)
        while not stop.is_set():
            with psycopg.connect(settings.ENVIRONMENT.superuser.url) as held:
                held.execute("SELECT pg_current_xact_id()")
                time.sleep(chance.random() / 20)

    with web.listen(seller) as socket:
        holding = threading.Thread(target=hold_some)
        working = [threading.Thread(target=lambda: [order(buyer, seller) for _ in range(25)]) for _ in range(4)]
        for thread in (holding, *working):
            thread.start()
        got = heard(socket, 100, timeout=20)
        stop.set()
        for thread in (holding, *working):
            thread.join()
        assert silent(socket, 0.3)
    assert got == feed(seller, begin)
    positions = [documents.position_of(body["cursor"]) for body in got]
    assert all(one < other for one, other in itertools.pairwise(positions))


def test_the_poll_brings_what_no_notification_did(web: Web, pair: tuple[Member, Member]) -> None:
    buyer, seller = pair
    with web.listen(seller) as socket:
        killed = ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tributary-listener'")
        assert killed
        started = time.monotonic()
        order(buyer, seller)
        heard(socket, 1)
        assert time.monotonic() - started < 1.5


def test_the_listener_comes_back(web: Web, pair: tuple[Member, Member], until: Any) -> None:
    buyer, seller = pair
    listening = "SELECT pid FROM pg_stat_activity WHERE application_name = 'tributary-listener' AND state = 'idle' AND query LIKE 'LISTEN%%'"
    before = {row["pid"] for row in ask(listening)}
    ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tributary-listener'")
    until(lambda: len({row["pid"] for row in ask(listening)} - before) >= len(before))
    waited = 0.0
    with web.listen(seller) as socket:
        for _order in range(6):
            order(buyer, seller)
            began = time.monotonic()
            heard(socket, 1)
            waited += time.monotonic() - began
    # The poll alone, once a second, would bring them after half a second each.
    assert waited < 1.5


def test_a_message_in_the_thread_is_told_to_both(web: Web, pair: tuple[Member, Member]) -> None:
    buyer, seller = pair
    uid = order(buyer, seller)
    with web.listen(seller, after=newest(seller)) as socket, web.listen(buyer, after=newest(buyer)) as own:
        with seller.acting():
            services.remark(document=uid, text="On its way.", by=seller.actor, at=AT)
        assert [body["event"] for body in heard(socket, 1) + heard(own, 1)] == ["order.remarked"] * 2


@pytest.mark.parametrize("said", ["pong", '{"subscribe": "everything"}', ""])
def test_nothing_is_asked_through_the_socket(web: Web, cast: Cast, said: str) -> None:
    with web.listen(cast.maker) as socket:
        socket.send(said)
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=2)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008


def test_a_message_that_is_too_long_closes_the_socket(web: Web, cast: Cast) -> None:
    with web.listen(cast.maker) as socket:
        socket.send("x" * 5000)
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=2)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009


def test_a_ping_is_answered_with_a_heartbeat(web: Web, cast: Cast) -> None:
    with web.listen(cast.maker) as socket:
        socket.send("ping")
        (beat,) = heard(socket, 1)
        assert beat["event"] is None
        assert documents.position_of(beat["cursor"]) <= documents.position_of(newest(cast.maker))
