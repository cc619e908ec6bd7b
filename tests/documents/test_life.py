"""The whole life of an order, by two sides who speak at once: no sequence of moves and goods, delivered in any legal order, breaks a law or parts the views."""

from __future__ import annotations

import datetime as dt
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.documents.services import folding, guarding, storing
from apps.documents.services.folding import GIVEN_UP, Content, Line, Offer, Said, Schedule
from apps.documents.types import TYPES
from apps.documents.vocabulary import OTHER, Move, changed_lines
from tests import tally

ORDER = TYPES["order"]
SMALL, FULL = 200, 10_000
DAY = dt.date(2027, 1, 15)
CHOICES = st.lists(st.tuples(st.sampled_from(["buyer", "seller"]), st.integers(0, 2), st.integers(0, 10_000)), min_size=10, max_size=60)
Goods = Mapping[int, Decimal]


class Names:
    """Ids that no two things share, the same at each try."""

    def __init__(self) -> None:
        self._count = 0

    def next(self) -> uuid.UUID:
        self._count += 1
        return uuid.uuid5(uuid.NAMESPACE_OID, f"{self._count}")


class Desk:
    """One side, as its home computes it: what was said, what is confirmed by schedule, what has left as far as it knows."""

    def __init__(self, side: str, names: Names) -> None:
        self.side, self.names = side, names
        self.own: list[Said] = []
        self.taken: list[Said] = []
        self.content = Content(state=ORDER.draft)
        self.confirmed: dict[uuid.UUID, Decimal] = defaultdict(Decimal)
        self.left: dict[int, Decimal] = defaultdict(Decimal)
        self.known: dict[uuid.UUID, tuple[int, Decimal, dt.date | None]] = {}

    @property
    def sums(self) -> guarding.Sums:
        return {position: {"shipped": quantity} for position, quantity in self.left.items()}

    def moves(self, pick: int) -> list[Move]:
        """What may be said now; seldom what ends it all."""
        found = ORDER.moves_for(state=self.content.state, side=self.side)
        ends = {move.code for move in found if all(ORDER.state(state).final for state in move.outcomes())}
        return [move for move in found if move.code not in ends or pick % 9 == 0]

    def say(self, move: Move, pick: int) -> Said | None:
        """Make a move, unless the services would refuse it."""
        if move.effect == "close" and not any(self.left.values()):
            return None
        said = Said(move=move.code, side=self.side, said=len(self.own) + 1, seen=len(self.taken), data=self._data(move, pick))
        after = folding.apply(ORDER, self.content, said)
        if ORDER.state(self.content.state).stands:
            refused = move.unshipped and guarding.shipped(self.content, self.sums)
            if refused or guarding.below(self.content, after, self.sums):
                return None
        self.own.append(said)
        self._now(after)
        return said

    def take(self, said: Said) -> bool:
        """As the services take in a partner's move. Gives whether it was overruled."""
        earlier = [*self.own, *self.taken]
        heard = folding.hear(ORDER, self.content, said, own_said=len(self.own), partner_said=len(self.taken), earlier=lambda: earlier)
        self.taken.append(said)
        self._now(heard.content)
        return heard.overruled

    def ship(self, pick: int) -> Goods | None:
        """Ship a part of a line that is agreed, as the dock may."""
        if not ORDER.state(self.content.state).ships:
            return None
        waiting = changed_lines(self.content.details)
        open_lines = [(line, total(line.agreed) - self.left[line.position]) for line in self.content.lines if line.agreed and line.position not in waiting]
        able = [(line, most) for line, most in open_lines if most > 0]
        if not able:
            return None
        line, most = able[pick % len(able)]
        goods = {line.position: min(Decimal(1 + pick % 50), most)}
        self.count(goods)
        return goods

    def count(self, goods: Goods) -> None:
        for position, quantity in goods.items():
            self.left[position] += quantity

    def _now(self, after: Content) -> None:
        for schedule, quantity in storing.confirmed(*storing.exchanged(self.content.lines, after.lines)):
            self.confirmed[schedule] += quantity
        self.content = after
        self.check()

    def check(self) -> None:
        """The laws that hold at each home after each step."""
        content = self.content
        assert content == folding.fold(ORDER, [*self.own, *self.taken])[0]
        assert {key: sum_ for key, sum_ in self.confirmed.items() if sum_} == {s.id: s.quantity for line in content.lines for s in line.agreed or ()}
        for line in content.lines:
            assert total(line.requested) == line.quantity
            for schedule in [*line.requested, *(line.offer.schedules if line.offer else []), *(line.agreed or [])]:
                assert schedule.quantity > 0
                assert self.known.setdefault(schedule.id, (line.position, schedule.quantity, schedule.due_on)) == (
                    line.position, schedule.quantity, schedule.due_on,
                )  # fmt: skip
            if self.side == "seller" and ORDER.state(content.state).stands:
                assert self.left[line.position] <= total(line.agreed), "more has left than is agreed"
        waits = bool(changed_lines(content.details))
        assert waits == (ORDER.state(content.state).stands and ORDER.state(content.state).ships and ORDER.state(content.state).waits_for is not None)

    # What is said ----------------------------------------------------------------------------------------------------

    def _data(self, move: Move, pick: int) -> dict[str, Any]:
        said: dict[str, Any] = {"note": "", "reason": ""}
        waiting = changed_lines(self.content.details)
        lines = [line for line in self.content.lines if not waiting or line.position in waiting]
        if move.effect == "offer":
            return {**said, "lines": self._answers(lines, pick)}
        if move.effect in ("counter", "propose"):
            return {**said, "lines": {self._one(pick).position: self._other(pick)}}
        if move.effect == "change":
            line = self._one(pick)
            return {**said, "lines": {line.position: Offer(GIVEN_UP, line.price, []) if pick % 7 == 0 else self._other(pick)}}
        return {**said, "outcome": "short"} if move.effect == "close" else said

    def _one(self, pick: int) -> Line:
        return self.content.lines[pick % len(self.content.lines)]

    def _answers(self, lines: Sequence[Line], pick: int) -> dict[int, Offer]:
        way = pick % 5
        if way == 0:
            return {line.position: Offer("reject", None, [], "No.") for line in lines}
        if way == 1:
            return {lines[0].position: Offer("reject", None, [], "No.")}
        return {lines[pick % len(lines)].position: self._other(pick)} if way == 2 else {}

    def _other(self, pick: int) -> Offer:
        dates = [(Decimal(1 + pick % 60), DAY), (Decimal(1 + pick % 9), DAY + dt.timedelta(days=pick % 30))][: 1 + pick % 2]
        schedules = [Schedule(self.names.next(), quantity, day) for quantity, day in dates]
        return Offer("change", Decimal(70 + pick % 20), schedules, substitute={"item": "S-9"} if pick % 11 == 0 else None)


def total(schedules: Sequence[Schedule] | None) -> Decimal:
    return sum((s.quantity for s in schedules or ()), Decimal(0))


def live(choices: Sequence[tuple[str, int, int]]) -> Counter[str]:
    """One order's life. Each choice: which side, what it does (move, ship, hear), and which of what it could. Gives how often each move was made."""
    names, made = Names(), Counter[str]()
    desks = {side: Desk(side, names) for side in OTHER}
    waiting: dict[str, list[Said | Goods]] = {"buyer": [], "seller": []}
    lines = [Line(names.next(), n + 1, Decimal(40), "C62", Decimal(80), [Schedule(names.next(), Decimal(40), DAY)]) for n in range(2)]
    asked = {"number": "1", "currency": "EUR", "issued_on": DAY, "note": "", "details": {}, "lines": lines}
    first = Said(move="publish", side="buyer", said=1, seen=0, data=asked)
    desks["buyer"].own.append(first)
    desks["buyer"].content = folding.apply(ORDER, desks["buyer"].content, first)
    waiting["seller"].append(first)

    def hear(side: str) -> None:
        what = waiting[side].pop(0)
        if isinstance(what, Said):
            made["overruled"] += desks[side].take(what)
        else:
            desks[side].count(what)

    for side, deed, pick in choices:
        desk = desks[side]
        if deed == 2 and waiting[side]:
            hear(side)
        elif deed == 1 and side == "seller" and (goods := desk.ship(pick)):
            waiting["buyer"].append(goods)
            made["ship"] += 1
        elif deed == 0 and (moves := desk.moves(pick)) and (said := desk.say(moves[pick % len(moves)], pick // 7)):
            waiting[OTHER[side]].append(said)
            made[said.move] += 1
    for side in desks:
        while waiting[side]:
            hear(side)
    buyer, seller = desks["buyer"], desks["seller"]
    assert (buyer.content, +Counter(buyer.left)) == (seller.content, +Counter(seller.left))
    for line in buyer.content.lines:
        assert not ORDER.state(buyer.content.state).stands or buyer.left[line.position] <= total(line.agreed)
    return made


def lives(count: int) -> Counter[str]:
    made: Counter[str] = Counter()

    @settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(choices=CHOICES)
    def one(choices: list[tuple[str, int, int]]) -> None:
        made.update(live(choices))

    began = time.monotonic()
    one()
    tally.tell("lives of an order", tried=count, seconds=time.monotonic() - began, moves=made.total(), overruled=made["overruled"])
    return made


def test_no_life_breaks_a_law_or_parts_the_views() -> None:
    lives(SMALL)


@pytest.mark.night
def test_ten_thousand_lives_break_no_law() -> None:
    made = lives(FULL)
    never = {move.code for move in ORDER.moves} - made.keys() - {"publish"}
    assert (never, made["overruled"] > 0, made["ship"] > 0) == (set(), True, True)
