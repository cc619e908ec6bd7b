"""Some months of orders between the demo's enterprises, said move by move by the people whose work it is."""

import datetime as dt
import random
import uuid
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from apps.base import clock
from apps.base.acting import act_as
from apps.documents import selectors as documents
from apps.documents import services as engine
from portal.demo.network import Member, Plan

WEEKS = 17
READ_AFTER = dt.timedelta(days=2)
REASONS = {
    "en": ["Capacity is taken until then", "The raw material comes in two lots", "The tool is in maintenance that week"],
    "zh-hans": ["该周产能已满", "原材料分两批到货", "模具当周保养"],
}
REMARKS = {
    "en": ["Please mark each pallet with the order number.", "We can send the first half a week earlier if that helps."],
    "zh-hans": ["请在每个托盘上标注订单号。", "如有需要，第一批可提前一周发货。"],
}


def load(plan: Plan, members: Mapping[str, Member], *, weeks: int = WEEKS) -> int:
    """Let every trade have its orders of so many weeks up to now. Gives how many orders there are. Orders that are there already are left alone."""
    return sum(_load_trade(index, trade, members[trade["buyer"]], members[trade["seller"]], weeks) for index, trade in enumerate(plan["trades"]))


def _load_trade(index: int, trade: Mapping[str, Any], buyer: Member, seller: Member, weeks: int) -> int:
    chance = random.Random(1000 + index)
    now = clock.now()
    count = 0
    for count, at in enumerate(_days(trade, now, weeks), start=1):
        story = Story(trade, buyer, seller, chance, f"{trade['buyer'][:2].upper()}-{at:%y}{index:02d}{count:03d}", now)
        story.tell(at, _plot(chance, (now - at).days, count))
    return count


def _days(trade: Mapping[str, Any], now: dt.datetime, weeks: int) -> Iterator[dt.datetime]:
    """The moments at which the buyer orders: in working hours, every so many days, the last one this morning or yesterday."""
    day = now - dt.timedelta(weeks=weeks)
    while day < now - dt.timedelta(hours=20):
        yield day.replace(hour=7 + day.day % 8, minute=(day.day * 7) % 60, second=0, microsecond=0) if day.weekday() < 5 else day + dt.timedelta(days=2)
        day += dt.timedelta(days=trade["every"])
    yield now - dt.timedelta(hours=3)


def _plot(chance: random.Random, age: int, count: int) -> str:
    """How the story of an order goes; the young ones are still open."""
    if age < 1:
        return chance.choice(["published", "acknowledged", "changed"])
    if age < 6:
        return chance.choice(["changed", "acknowledged", "draft", "countered", "agreed"])
    if count == 3:
        return "unanswered"
    return chance.choices(["agreed", "split", "countered_agreed", "rejected", "cancelled", "refused"], [70, 16, 5, 3, 4, 2])[0]


class Story:
    """One order, from its draft to wherever its plot leads, at the times at which people would have done it."""

    def __init__(self, trade: Mapping[str, Any], buyer: Member, seller: Member, chance: random.Random, number: str, now: dt.datetime) -> None:
        self.trade, self.buyer, self.seller, self.chance, self.number, self.now = trade, buyer, seller, chance, number, now
        self.order: uuid.UUID | None = None

    def tell(self, at: dt.datetime, plot: str) -> None:
        lines = self._lines(at)
        moves = list(self._moves(plot, lines))
        if not self._draft(at, lines):
            return
        for hours, desk, move, data in moves:
            at = min(at + dt.timedelta(hours=hours), self.now)
            self._move(desk, move, data, at)
        if plot in ("split", "changed") or self.chance.random() < 0.08:
            self._remark(at)
        if at < self.now - READ_AFTER:
            self._read(at)

    def _read(self, at: dt.datetime) -> None:
        """Both sides have looked at it since."""
        assert self.order is not None
        for member in (self.buyer, self.seller):
            with act_as(member.home, by=member.desk("buyer" if member is self.buyer else "seller")):
                engine.mark_seen(document=self.order, at=at)

    def _draft(self, at: dt.datetime, lines: Sequence[Mapping[str, Any]]) -> bool:
        person = self.buyer.desk("buyer")
        with act_as(self.buyer.home, by=person):
            if documents.heads(type="order").filter(side="buyer", number=self.number).exists():
                return False
            drafted = engine.draft(
                type="order",
                partner=self.seller.home.slug,
                number=self.number,
                currency=self.trade["currency"],
                lines=lines,
                issued_on=at.date(),
                by=person,
                at=at,
            )
            self.order = drafted.pk
        return True

    def _lines(self, at: dt.datetime) -> list[dict[str, Any]]:
        chosen = self.chance.sample(self.trade["items"], self.chance.randint(1, len(self.trade["items"])))
        return [self._line(row, at) for row in sorted(chosen)]

    def _line(self, row: Sequence[Any], at: dt.datetime) -> dict[str, Any]:
        item, _theirs, _name, _zh, unit, price, lot, _gtin = row
        first = lot * self.chance.randint(2, 12)
        due = at.date() + dt.timedelta(days=self.trade["lead"] + self.chance.randint(-3, 5))
        schedules = [{"quantity": str(first), "due_on": due.isoformat()}]
        if self.chance.random() < 0.2:
            schedules.append({"quantity": str(lot), "due_on": (due + dt.timedelta(days=7)).isoformat()})
        whole = sum(Decimal(s["quantity"]) for s in schedules)
        return {"item": item, "quantity": str(whole), "unit": unit, "price": price, "schedules": schedules}

    def _moves(self, plot: str, lines: Sequence[Mapping[str, Any]]) -> Iterator[tuple[float, str, str, Any]]:
        """The moves of a plot: hours after the one before, whose desk, which move, with what."""
        if plot == "draft":
            return
        yield 0.4, "buyer", "publish", None
        if plot in ("published", "unanswered"):
            return
        yield 2.5, "seller", "acknowledge", None
        if plot == "cancelled":
            yield 20, "buyer", "cancel", {"reason": "The customer has changed his mind."}
        elif plot == "agreed":
            yield 22, "seller", "confirm", None
        elif plot == "rejected":
            yield 26, "seller", "confirm", {"lines": [{"line": n, "response": "reject", "reason": self._say(REASONS)} for n in range(1, len(lines) + 1)]}
        elif plot != "acknowledged":
            yield 1.5 if plot == "changed" else 24, "seller", "confirm", {"lines": [self._split(lines[0])]}
            yield from self._end(plot, lines)

    def _end(self, plot: str, lines: Sequence[Mapping[str, Any]]) -> Iterator[tuple[float, str, str, Any]]:
        if plot == "split":
            yield 5, "buyer", "accept_response", None
        elif plot == "refused":
            yield 5, "buyer", "refuse_response", {"reason": "The date cannot move: our line stands still without it."}
            yield 20, "seller", "confirm", None
        elif plot in ("countered", "countered_agreed"):
            yield 6, "buyer", "counter", {"lines": [{"line": 1, "schedules": lines[0]["schedules"], "price": lines[0]["price"]}]}
            if plot == "countered_agreed":
                yield 18, "seller", "confirm", None

    def _split(self, line: Mapping[str, Any]) -> dict[str, Any]:
        """Half in time, the rest two weeks later, and a price that is a little higher."""
        due, whole = dt.date.fromisoformat(line["schedules"][0]["due_on"]), Decimal(line["quantity"])
        half = (whole / 2).quantize(Decimal(1))
        later = [{"quantity": str(half), "due_on": due.isoformat()}, {"quantity": str(whole - half), "due_on": (due + dt.timedelta(days=14)).isoformat()}]
        price = (Decimal(line["price"]) * Decimal("1.02")).quantize(Decimal("0.01"))
        return {"line": 1, "response": "change", "schedules": later, "price": str(price), "reason": self._say(REASONS)}

    def _say(self, words: Mapping[str, list[str]]) -> str:
        return self.chance.choice(words[self.seller.home.language])

    def _move(self, desk: str, move: str, data: Any, at: dt.datetime) -> None:
        member = self.buyer if desk == "buyer" else self.seller
        person = member.desk(desk)
        assert self.order is not None
        with act_as(member.home, by=person):
            engine.apply(document=self.order, move=move, data=data, by=person, at=at)

    def _remark(self, at: dt.datetime) -> None:
        person = self.seller.desk("seller")
        assert self.order is not None
        with act_as(self.seller.home, by=person):
            engine.remark(document=self.order, text=self._say(REMARKS), by=person, at=min(at + dt.timedelta(hours=1), self.now))
