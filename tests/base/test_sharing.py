"""Shares: whoever asks alone has all threads; where several ask, nobody has more than a share, and nobody waits for ever."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter

import pytest

from apps.base import sharing
from apps.base.sharing import Shares, asker


async def _ask(shares: Shares, key: int, busy: Counter[int], most: Counter[int]) -> None:
    async with shares.place(key):
        busy[key] += 1
        most[key] = max(most[key], busy[key])
        await asyncio.sleep(0.001)
        busy[key] -= 1


def _run(counts: dict[int, int]) -> Counter[int]:
    """How many requests of each asker were at work at once, when so many came together."""

    async def all_of_them() -> Counter[int]:
        shares, busy, most = Shares(8, 2, 1), Counter[int](), Counter[int]()
        first = [asyncio.create_task(_ask(shares, key, busy, most)) for key in counts]
        rest = [asyncio.create_task(_ask(shares, key, busy, most)) for key, count in counts.items() for _one in range(count - 1)]
        await asyncio.gather(*first, *rest)
        assert (sum(busy.values()), shares._waiting, dict(shares._busy)) == (0, {}, {})
        return most

    return asyncio.run(all_of_them())


def test_whoever_asks_alone_has_all_threads() -> None:
    assert _run({1: 50}) == {1: 8}


def test_where_several_ask_each_has_a_share() -> None:
    assert _run({1: 50, 2: 5, 3: 1}) == {1: 2, 2: 2, 3: 1}


def test_whoever_wants_more_than_all_others_together_has_half_a_share_while_he_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "MOST_REST", 0)

    async def work() -> list[int]:
        shares, ends, found = Shares(8, 2, 1), [asyncio.Event() for _one in range(7)], list[int]()
        busy = 0

        async def ask(end: asyncio.Event) -> None:
            nonlocal busy
            async with shares.place(1):
                busy += 1
                await end.wait()
                busy -= 1

        async with shares.place(2):
            tasks = [asyncio.create_task(ask(end)) for end in ends]
            for end in ends:
                await asyncio.sleep(0)
                await asyncio.sleep(0)
                found.append(busy)
                end.set()
                await asyncio.sleep(0)
            await asyncio.gather(*tasks)
        return found

    # Two were in before there was a queue; from then on one at a time, until no more are waiting than a share.
    assert asyncio.run(work()) == [2, 1, 1, 1, 1, 2, 1]


def test_whoever_gives_up_waiting_leaves_no_gap() -> None:
    async def work() -> int:
        shares, busy, most = Shares(1, 1, 1), Counter[int](), Counter[int]()
        tasks = [asyncio.create_task(_ask(shares, 7, busy, most)) for _one in range(6)]
        await asyncio.sleep(0)
        for task in tasks[1:4]:
            task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert dict(shares._busy) == {}
        return sum(isinstance(result, asyncio.CancelledError) for result in done)

    assert asyncio.run(work()) == 3


def test_a_request_is_counted_for_the_enterprise_once_it_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "_homes", {})
    home = uuid.uuid4()
    one, other = [(b"authorization", b"Bearer one")], [(b"cookie", b"a=b; sessionid=two; c=d")]
    assert asker(one) not in (None, asker(other))
    sharing.note("one", home)
    sharing.note("two", home)
    assert asker(one) == asker(other) == hash(home)
    assert asker([(b"host", b"x")]) is None
    monkeypatch.setattr(sharing, "REMEMBERED", 2)
    sharing.note("three", home)
    assert len(sharing._homes) == 1


def test_a_place_of_whoever_presses_rests_for_as_long_as_it_was_used() -> None:
    async def work(others: int) -> float:
        shares, clock = Shares(8, 1, 1), asyncio.get_running_loop().time
        began = clock()

        async def ask(key: int, seconds: float) -> None:
            async with shares.place(key):
                await asyncio.sleep(seconds)

        await asyncio.gather(*(ask(2, 0.2) for _one in range(others)), *(ask(1, 0.02) for _one in range(4)))
        return clock() - began

    # Four of 20 ms one after the other, and between them three rests as long; while nobody else asks, all of them at once.
    assert asyncio.run(work(0)) < 7 * 0.02 <= asyncio.run(work(1))


@pytest.mark.parametrize(("others", "at_most"), [(1, 1), (7, 3)])
def test_what_takes_long_holds_nobody_up_but_there_is_never_too_much_of_it(monkeypatch: pytest.MonkeyPatch, others: int, at_most: int) -> None:
    """Where it is more than all others want together, not even that."""
    monkeypatch.setattr(sharing, "LONG_SECONDS", 0.005)
    monkeypatch.setattr(sharing, "MOST_REST", 0)

    async def work() -> tuple[int, bool]:
        shares, busy, most, end = Shares(8, 1, 2), Counter[int](), Counter[int](), asyncio.Event()

        async def long() -> None:
            async with shares.place(1):
                busy[1] += 1
                most[1] = max(most[1], busy[1])
                await end.wait()
                busy[1] -= 1

        async def other() -> None:
            async with shares.place(2):
                await end.wait()

        tasks = [*(asyncio.create_task(other()) for _one in range(others)), *(asyncio.create_task(long()) for _one in range(6))]
        await asyncio.sleep(0.05)
        at_once = most[1]
        end.set()
        await asyncio.gather(*tasks)
        return at_once, (dict(shares._busy), dict(shares._long), shares._waiting) == ({}, {}, {})

    assert asyncio.run(work()) == (at_most, True)
