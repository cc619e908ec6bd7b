"""Deliveries that come late, twice, in any order and in any portions: an envelope is taken once, in its place, and both sides come to the same documents.

So for every declared type that crosses; and after each step all quantities add up.
"""

from __future__ import annotations

import logging
import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from apps.documents.services import counting, folding, moving, storing, wording
from apps.documents.services.folding import Content, Line, Said
from apps.documents.types import TYPES
from apps.documents.vocabulary import OTHER, DocumentType, Move
from apps.exchange.services import chaining, lifting
from apps.exchange.services.lifting import Reached, Taken
from tests import seeds, tally
from tests.cast import AT
from tests.faults import conserving, saying
from tests.faults.rows import Row, Step, View

T = TypeVar("T")
CROSSING = [document_type for document_type in TYPES.values() if any(move.crosses for move in document_type.moves)]
BY_DAY, BY_NIGHT = -(-500 // len(CROSSING)), 10_000
"""Permutations of each type."""
BUYER, SELLER, CHANNEL = (uuid.UUID(int=number) for number in (1, 2, 3))
ORDERED = [uuid.UUID(int=number) for number in (4, 5)]
"""The orders on whose lines is counted."""
MOST_SAID, MOST_DOCUMENTS = 12, 4


class Words:
    """What is said in one turn, decided by one number of Hypothesis's."""

    def __init__(self, turn: int, number: int) -> None:
        self.chance, self.keys_used = random.Random(f"{turn} {number}"), turn

    def random(self) -> float:
        return self.chance.random()

    def pick(self, among: Sequence[T]) -> T:
        return self.chance.choice(among)

    def id(self) -> uuid.UUID:
        return uuid.UUID(int=self.chance.getrandbits(128))


class Desk(lifting.Lane):
    """One side with its cursor on the other's channel, in memory; what the network brings is what `following` gives."""

    def __init__(self, document_type: DocumentType, side: str) -> None:
        self.type, self.side = document_type, side
        self.views: dict[uuid.UUID, View] = {}
        self.counted: conserving.Counted = {}
        self.log: list[Taken] = []
        self.head = b""
        self.cursor = Reached(CHANNEL, CHANNEL, 0, b"")
        self.brought: Sequence[Taken] = ()
        self.taken: list[int] = []
        self.halted = 0
        self.off: list[str] = []

    def speak(self, words: Words) -> None:
        """Something that this side may say now: another document, or a move on one of those that there are."""
        known = [view for view in self.views.values() if self.moves_on(view)]
        if len(self.log) >= MOST_SAID:
            return
        if self.side == self.type.issuer and len(self.views) < MOST_DOCUMENTS and (not known or words.random() < 0.3):
            lines = [saying.new_line(words, position, details=self.details(words)) for position in range(1, words.pick((1, 1, 2)) + 1)]
            self.say(self.blank(words.id()), saying.PUBLISHING[self.type.code], saying.asked(words, lines))
        elif known:
            view = words.pick(known)
            move = saying.one_of(words, self.type, self.moves_on(view))
            self.say(view, move, saying.data(words, move, view.content))

    def moves_on(self, view: View) -> list[Move]:
        return self.type.moves_for(state=view.content.state, side=self.side)

    def details(self, words: Words) -> dict[str, Any] | None:
        return saying.counts(words, words.pick(ORDERED), 1) if self.type.link else None

    def blank(self, document: uuid.UUID) -> View:
        return View(document, self.type, self.side, 0, Content(state=self.type.draft))

    def say(self, view: View, move: Move, data: dict[str, Any]) -> None:
        said, after = folding.say(self.type, view.content, move, data, side=self.side, own_said=view.own_said, partner_said=view.partner_said)
        self.store(view, after, said, own_said=said.said or view.own_said, partner_said=view.partner_said)
        if not said.said:
            return
        step = Step(uuid.uuid4(), move.code, said.said, said.seen, AT, "somebody", wording.write(move.effect, data))
        body = moving.body_of(Row(self.type.code, view.id, self.side), step)  # type: ignore[arg-type]
        sender, receiver = (BUYER, SELLER) if self.side == "buyer" else (SELLER, BUYER)
        kind = f"{self.type.code}.{move.code}"
        seq, written, self.head = chaining.link(
            channel=CHANNEL, head=len(self.log), previous=self.head, sender=sender, receiver=receiver, kind=kind, content=body
        )  # fmt: skip
        self.log.append(Taken(seq, sender, kind, written, self.head, b"", sender))

    def store(self, view: View, after: Content, said: Said, *, own_said: int, partner_said: int) -> None:
        moves = (*view.moves, said) if said.said else view.moves
        stored = View(view.id, self.type, self.side, 0, after, own_said, partner_said, moves, conserving.booked(view, after))
        self.views = {**self.views, view.id: stored}
        self.counted = conserving.counted(self.counted, view, after)
        self.off += [f"{said.move}: {fault}" for fault in (*conserving.faults(view, stored), *conserving.miscounted(self.counted, self.views.values()))]

    def key(self) -> str:
        return self.side

    def whole(self, work: Callable[[], T]) -> T:
        kept = (self.views, self.counted, self.cursor, list(self.taken))
        self.cursor = Reached(self.cursor.id, self.cursor.channel, self.cursor.delivered, self.cursor.digest)
        try:
            return work()
        except BaseException:
            self.views, self.counted, self.cursor, self.taken = kept
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
        view = self.views.get(uuid.UUID(body["content"]["document"]))
        if view is None:
            assert folding.is_first_word(self.type, said)
            view = self.blank(uuid.UUID(body["content"]["document"]))
            after = folding.apply(self.type, view.content, said)
        else:
            moves = view.moves
            after = folding.hear(self.type, view.content, said, own_said=view.own_said, partner_said=view.partner_said, earlier=lambda: moves).content
        self.store(view, after, said, own_said=view.own_said, partner_said=said.said)
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
portion = st.lists(st.integers(1, MOST_SAID), min_size=1, max_size=5)
side = st.sampled_from(["buyer", "seller"])
happens = st.lists(st.one_of(st.tuples(side, st.integers(0, 10**6)), st.tuples(side, portion)), min_size=12, max_size=40)
tried = {"permutations": 0, "stray": 0, "steps": 0}


def check(document_type: DocumentType, course: list[tuple[str, Any]]) -> None:
    desks = {side: Desk(document_type, side) for side in ("buyer", "seller")}
    desks[document_type.issuer].speak(Words(-1, 0))
    tried["permutations"] += 1
    for turn, (side, what) in enumerate(course):
        desk, other = desks[side], desks[OTHER[side]]
        if isinstance(what, int):
            desk.speak(Words(turn, what))
        else:
            bring(desk, other, what)
        tried["steps"] += 1
        assert desk.off == []
        assert desk.taken == list(range(1, len(desk.taken) + 1))
        assert desk.cursor.delivered == len(desk.taken) == sum(view.partner_said for view in desk.views.values())
    for side, desk in desks.items():
        rest = desks[OTHER[side]].log[desk.cursor.delivered :]
        bring(desk, desks[OTHER[side]], [envelope.seq for envelope in rest])
        assert desk.off == []
        assert desk.taken == [envelope.seq for envelope in desks[OTHER[side]].log]
    compare(desks["buyer"], desks["seller"])


def compare(buyer: Desk, seller: Desk) -> None:
    """Both hold the same documents, which follow from what was said, and count the same."""
    assert buyer.views.keys() == seller.views.keys()
    for document, view in buyer.views.items():
        assert view.content == seller.views[document].content == folding.fold(view.type, view.moves)[0]
    counts = [{key: quantity for key, quantity in desk.counted.items() if quantity} for desk in (buyer, seller)]
    assert counts[0] == counts[1]


def bring(desk: Desk, other: Desk, numbers: list[int]) -> None:
    """The network brings these envelopes of the other side's: what does not follow halts, and nothing of it is taken."""
    desk.brought = [other.log[(number - 1) % len(other.log)] for number in numbers if other.log]
    halted = desk.halted
    lifting.deliver_batch(desk)
    tried["stray"] += desk.halted - halted


def permute(document_type: DocumentType, examples: int) -> None:
    number, began = seeds.fresh(), time.monotonic()
    permuted(document_type, examples, number)
    assert tried["stray"]
    tally.tell(
        f"reordered deliveries: {document_type.code}", tried=tried["permutations"], seconds=time.monotonic() - began, seed=number,
        steps=tried["steps"], stray=tried["stray"],
    )  # fmt: skip


def permuted(document_type: DocumentType, examples: int, number: int, phases: Sequence[Phase] = tuple(Phase)) -> None:
    tried.update(permutations=0, stray=0, steps=0)

    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck), phases=phases)
    @seed(number)
    @given(course=happens)
    def run(course: list[tuple[str, Any]]) -> None:
        check(document_type, course)

    run()


each_type = pytest.mark.parametrize("document_type", CROSSING, ids=lambda document_type: document_type.code)


@each_type
def test_what_comes_in_any_order_is_taken_in_its_own(document_type: DocumentType) -> None:
    permute(document_type, BY_DAY)


@pytest.mark.night
@each_type
def test_ten_thousand_permutations_are_taken_in_their_order(document_type: DocumentType) -> None:
    permute(document_type, BY_NIGHT)


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


def _confirmed_is_never_taken_back(patch: pytest.MonkeyPatch) -> None:
    real = storing.confirmed
    patch.setattr(storing, "confirmed", lambda gone, come: real([], come))


def _confirmed_twice(patch: pytest.MonkeyPatch) -> None:
    real = storing.confirmed
    patch.setattr(storing, "confirmed", lambda gone, come: [*real(gone, come), *real([], come)])


def _counted_twice(patch: pytest.MonkeyPatch) -> None:
    real = counting.change_of
    patch.setattr(counting, "change_of", lambda *given: {key: 2 * quantity for key, quantity in real(*given).items()})


def _one_line_is_not_counted(patch: pytest.MonkeyPatch) -> None:
    real = counting._of_line
    patch.setattr(counting, "_of_line", lambda line: real(line) if line.position == 1 else iter(()))


def _agreed_is_more_than_was_offered(patch: pytest.MonkeyPatch) -> None:
    real = folding._agreed

    def agreed(line: Line, kept: Mapping[str, Any] | None = None) -> Line:
        found = real(line, kept)
        return replace(found, agreed=[replace(schedule, quantity=schedule.quantity + 1) for schedule in found.agreed or ()])

    patch.setattr(folding, "_agreed", agreed)


def _the_last_date_is_lost_on_its_way(patch: pytest.MonkeyPatch) -> None:
    real = wording._parse_schedules
    patch.setattr(wording, "_parse_schedules", lambda given: real(given)[:1])


Mutant = Callable[[pytest.MonkeyPatch], None]
ORDERING = [document_type for document_type in CROSSING if document_type.ordered]
COUNTING = [document_type for document_type in CROSSING if document_type.link]
MUTANTS: list[tuple[Mutant, list[DocumentType]]] = [
    (_what_does_not_follow_is_passed_over, CROSSING),
    (_moves_in_the_order_of_arrival, CROSSING),
    (_confirmed_is_never_taken_back, ORDERING),
    (_confirmed_twice, ORDERING),
    (_counted_twice, COUNTING),
    (_one_line_is_not_counted, COUNTING),
    (_agreed_is_more_than_was_offered, ORDERING),
    (_the_last_date_is_lost_on_its_way, CROSSING),
]
MUTATED = 1000
"""Permutations of each type within which a fault that was put in must be found."""


def find(mutant: Mutant, document_types: Sequence[DocumentType], patch: pytest.MonkeyPatch) -> None:
    """The permutations of one of these types find it; nobody needs to know the shortest course that does."""
    mutant(patch)
    number = seeds.fresh()
    for document_type in document_types:
        try:
            permuted(document_type, MUTATED, number, [Phase.generate])
        except AssertionError as error:
            print(f"{document_type.code}: {str(error)[:300]}")
            return
    raise AssertionError("no type's permutations find it")


@pytest.mark.parametrize(("mutant", "document_types"), MUTANTS, ids=[mutant.__name__.strip("_") for mutant, _types in MUTANTS])
def test_a_fault_put_in_on_purpose_is_found(mutant: Mutant, document_types: list[DocumentType], monkeypatch: pytest.MonkeyPatch) -> None:
    find(mutant, document_types, monkeypatch)
