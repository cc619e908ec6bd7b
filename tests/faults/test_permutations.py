"""Deliveries that come late, twice, in any order and in any portions: an envelope is taken once, in its place, and both sides come to the same document."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from apps.documents.services import folding, moving, wording
from apps.documents.services.folding import Content, Said
from apps.documents.vocabulary import OTHER
from apps.exchange.services import chaining, lifting
from apps.exchange.services.lifting import Reached, Taken
from tests import tally
from tests.cast import AT
from tests.documents.test_folding import ANSWERS, ORDER
from tests.faults import seeds
from tests.faults.rows import Row, Step

T = TypeVar("T")
BY_DAY, BY_NIGHT = 500, 10_000
BUYER, SELLER, CHANNEL = (uuid.UUID(int=number) for number in (1, 2, 3))
DOCUMENT = uuid.UUID(int=4)


class Desk(lifting.Lane):
    """One side with its cursor on the other's channel, in memory; what the network brings is what `following` gives."""

    def __init__(self, side: str) -> None:
        self.side = side
        self.content = Content(state=ORDER.draft)
        self.moves: list[Said] = []
        self.own = self.partners = 0
        self.log: list[Taken] = []
        self.head = b""
        self.cursor = Reached(CHANNEL, CHANNEL, 0, b"")
        self.brought: Sequence[Taken] = ()
        self.taken: list[int] = []
        self.halted = 0

    def say(self, code: str, data: dict[str, Any]) -> None:
        move = ORDER.find_move(code)
        assert move is not None
        said, self.content = folding.say(ORDER, self.content, move, data, side=self.side, own_said=self.own, partner_said=self.partners)
        self.own, self.moves = said.said, [*self.moves, said]
        step = Step(uuid.uuid4(), code, said.said, said.seen, AT, "somebody", wording.write(move.effect, data))
        body = moving.body_of(Row("order", DOCUMENT, self.side), step)  # type: ignore[arg-type]
        sender, receiver = (BUYER, SELLER) if self.side == "buyer" else (SELLER, BUYER)
        seq, written, self.head = chaining.link(
            channel=CHANNEL, head=len(self.log), previous=self.head, sender=sender, receiver=receiver, kind=f"order.{code}", content=body
        )
        self.log.append(Taken(seq, sender, f"order.{code}", written, self.head, b"", sender))

    def key(self) -> str:
        return self.side

    def whole(self, work: Callable[[], T]) -> T:
        kept = (self.content, self.moves, self.own, self.partners, self.cursor, list(self.taken))
        self.cursor = Reached(self.cursor.id, self.cursor.channel, self.cursor.delivered, self.cursor.digest)
        try:
            return work()
        except BaseException:
            self.content, self.moves, self.own, self.partners, self.cursor, self.taken = kept
            raise

    def reach(self) -> Reached | None:
        return self.cursor

    def following(self, reached: Reached, *, upto: int | None, limit: int) -> Sequence[Taken]:
        return [envelope for envelope in self.brought if upto is None or envelope.seq <= upto][:limit]

    def need_agreement(self, document_type: str, seq: int) -> None:
        """They have agreed."""

    def signed(self, envelope: Taken) -> bool:
        return True

    def accept(self, envelope: Taken, body: dict[str, Any]) -> None:
        _type, said = moving.read_body(body["content"])
        if self.partners + self.own == 0:
            assert folding.is_first_word(ORDER, said)
            self.content = folding.apply(ORDER, self.content, said)
        else:
            self.content = folding.hear(ORDER, self.content, said, own_said=self.own, partner_said=self.partners, earlier=lambda: self.moves).content
        self.partners, self.moves = said.said, [*self.moves, said]
        self.taken.append(envelope.seq)

    def advance(self, reached: Reached) -> None:
        self.cursor = reached

    def halt(self, reached: Reached, reason: str) -> None:
        self.halted += 1


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """What does not follow is logged as an error, with where it comes from: here it is half of everything."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


# What happens next: a side speaks, or the network brings some of what was said: these numbers, in this order.
portion = st.lists(st.integers(1, 12), min_size=1, max_size=5)
side = st.sampled_from(["buyer", "seller"])
happens = st.lists(st.one_of(st.tuples(side, st.integers(0, 30)), st.tuples(side, portion)), min_size=6, max_size=30)
tried = {"permutations": 0, "stray": 0}


def check(course: list[tuple[str, Any]]) -> None:
    desks = {side: Desk(side) for side in ("buyer", "seller")}
    desks["buyer"].say("publish", ANSWERS["ask"][0])
    tried["permutations"] += 1
    for side, what in course:
        desk, other = desks[side], desks[OTHER[side]]
        if isinstance(what, int):
            moves = ORDER.moves_for(state=desk.content.state, side=side) if desk.moves else []
            if moves and len(desk.log) < 12:
                move = moves[what % len(moves)]
                data = ANSWERS.get(move.effect, [{"lines": {}}])
                desk.say(move.code, data[what % len(data)])
        else:
            bring(desk, other, what)
        assert desk.taken == list(range(1, len(desk.taken) + 1))
        assert desk.cursor.delivered == len(desk.taken) == desk.partners
    for side, desk in desks.items():
        rest = desks[OTHER[side]].log[desk.cursor.delivered :]
        bring(desk, desks[OTHER[side]], [envelope.seq for envelope in rest])
        assert desk.taken == [envelope.seq for envelope in desks[OTHER[side]].log]
    assert desks["buyer"].content == desks["seller"].content == folding.fold(ORDER, desks["buyer"].moves)[0]


def bring(desk: Desk, other: Desk, numbers: list[int]) -> None:
    """The network brings these envelopes of the other side's: what does not follow halts, and nothing of it is taken."""
    desk.brought = [other.log[(number - 1) % len(other.log)] for number in numbers if other.log]
    halted = desk.halted
    lifting.deliver_batch(desk)
    tried["stray"] += desk.halted - halted


def permute(examples: int) -> None:
    number, began = seeds.fresh(), time.monotonic()
    tried.update(permutations=0, stray=0)
    settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))(seed(number)(given(course=happens)(check)))()
    assert tried["stray"]
    tally.tell("reordered deliveries", tried=tried["permutations"], seconds=time.monotonic() - began, seed=number, stray=tried["stray"])


def test_what_comes_in_any_order_is_taken_in_its_own() -> None:
    permute(BY_DAY)


@pytest.mark.night
def test_ten_thousand_permutations_are_taken_in_their_order() -> None:
    permute(BY_NIGHT)


# The harness finds what is wrong --------------------------------------------------------------------------------------


def _what_does_not_follow_is_passed_over(patch: pytest.MonkeyPatch) -> None:
    real = lifting.take

    def take(lane: lifting.Lane, reached: Reached, envelope: Taken) -> None:
        if envelope.seq == reached.delivered + 1:
            real(lane, reached, envelope)
        else:
            reached.delivered, reached.digest = envelope.seq, envelope.digest

    patch.setattr(lifting, "take", take)


def _moves_in_the_order_of_arrival(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(folding, "simultaneous", lambda said, *, others: False)


@pytest.mark.night
@pytest.mark.parametrize("mutant", [_what_does_not_follow_is_passed_over, _moves_in_the_order_of_arrival])
def test_a_fault_put_in_on_purpose_is_found(mutant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch) -> None:
    mutant(monkeypatch)
    with pytest.raises(AssertionError):
        permute(BY_DAY)
