"""What the planner has decided so far, and how to take it back: every change is noted, so that an attempt can be undone and done again."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import Any

from apps.scheduling.services.planning.timeline import Timeline
from apps.scheduling.services.planning.world import Answer, Key, Minute, Routing, Slot, Source

Peg = tuple["Lot", int]


class Lot:
    """A quantity of an item that is there from `at` on, and how much of it nobody has taken."""

    __slots__ = ("at", "item", "key", "left", "quantity", "serial")

    def __init__(self, key: Key, serial: int, item: Key, quantity: int, at: Minute) -> None:
        self.key, self.serial, self.item, self.quantity, self.at = key, serial, item, quantity, at
        self.left = quantity


class Made(Lot):
    """What a job makes. pegs: what it takes."""

    __slots__ = ("pegs", "routing", "slots")

    def __init__(self, serial: int, item: Key, quantity: int, routing: Routing) -> None:
        super().__init__(("job", serial), serial, item, quantity, 0)
        self.routing = routing
        self.slots: list[Slot] = []
        self.pegs: list[Peg] = []


class Bought(Lot):
    """What a purchase brings. needed: when it would have to be here."""

    __slots__ = ("answer", "needed", "source")

    def __init__(self, serial: int, item: Key, quantity: int, at: Minute, source: Source, needed: Minute, answer: Answer | None) -> None:
        super().__init__(("purchase", serial), serial, item, quantity, at)
        self.source, self.needed, self.answer = source, needed, answer


class Shelf:
    """The lots of one item of which something is left, by time."""

    __slots__ = ("lots", "times")

    def __init__(self) -> None:
        self.times: list[tuple[Minute, int]] = []
        self.lots: list[Lot] = []

    def put(self, lot: Lot) -> None:
        place = bisect_left(self.times, (lot.at, lot.serial))
        self.times.insert(place, (lot.at, lot.serial))
        self.lots.insert(place, lot)

    def drop(self, lot: Lot) -> None:
        place = bisect_left(self.times, (lot.at, lot.serial))
        del self.times[place], self.lots[place]

    def upto(self, time: Minute) -> int:
        """How many lots are there by a time."""
        return bisect_right(self.times, (time, 1 << 62))


Step = tuple[Callable[..., None], Callable[..., None], tuple[Any, ...]]
"""What was done, how it is undone, with what."""


class Book:
    """Shelves, machines and what was made and bought; each change through `do`, so that `undo` and `again` can follow it."""

    def __init__(self, machines: dict[Key, Timeline]) -> None:
        self.machines = machines
        self.shelves: dict[Key, Shelf] = {}
        self.made: dict[int, Made] = {}
        self.bought: dict[int, Bought] = {}
        self.log: list[Step] = []
        self.spare: dict[tuple[Key, Key, int], list[tuple[Minute, Answer]]] = {}
        self._serial = 0

    def serial(self) -> int:
        self._serial += 1
        return self._serial

    # What can be done, and undone -------------------------------------------------------------------------------------

    def take(self, lot: Lot, quantity: int, pegs: list[Peg]) -> None:
        self.log.append((self._take, self._give, (lot, quantity, pegs)))
        self._take(lot, quantity, pegs)

    def occupy(self, slots: list[Slot]) -> None:
        self.log.append((self._occupy, self._vacate, (slots,)))
        self._occupy(slots)

    def vacate(self, slots: list[Slot]) -> None:
        self.log.append((self._vacate, self._occupy, (slots,)))
        self._vacate(slots)

    def add(self, lot: Made | Bought) -> None:
        self.log.append((self._add, self._remove, (lot,)))
        self._add(lot)

    def remove(self, lot: Made | Bought) -> None:
        self.log.append((self._remove, self._add, (lot,)))
        self._remove(lot)

    def give(self, lot: Lot, quantity: int, pegs: list[Peg]) -> None:
        self.log.append((self._give, self._take, (lot, quantity, pegs)))
        self._give(lot, quantity, pegs)

    def undo(self, mark: int) -> list[Step]:
        """Take back everything since the mark, and tell it, so that `again` can do it once more."""
        steps = self.log[mark:]
        del self.log[mark:]
        for _do, back, what in reversed(steps):
            back(*what)
        return steps

    def again(self, steps: list[Step]) -> None:
        self.log.extend(steps)
        for do, _back, what in steps:
            do(*what)

    def shelf(self, item: Key) -> Shelf:
        found = self.shelves.get(item)
        if found is None:
            found = self.shelves[item] = Shelf()
        return found

    # The changes themselves -------------------------------------------------------------------------------------------

    def _take(self, lot: Lot, quantity: int, pegs: list[Peg]) -> None:
        pegs.append((lot, quantity))
        lot.left -= quantity
        if not lot.left:
            self.shelf(lot.item).drop(lot)

    def _give(self, lot: Lot, quantity: int, pegs: list[Peg]) -> None:
        place = len(pegs) - 1
        while pegs[place][0] is not lot or pegs[place][1] != quantity:
            place -= 1
        del pegs[place]
        if not lot.left:
            self.shelf(lot.item).put(lot)
        lot.left += quantity

    def _occupy(self, slots: list[Slot]) -> None:
        for slot in slots:
            if slot.resource is not None and slot.start < slot.end:
                self.machines[slot.resource].reserve(slot.start, slot.end)

    def _vacate(self, slots: list[Slot]) -> None:
        for slot in slots:
            if slot.resource is not None and slot.start < slot.end:
                self.machines[slot.resource].release(slot.start, slot.end)

    def _add(self, lot: Made | Bought) -> None:
        if isinstance(lot, Made):
            self.made[lot.serial] = lot
        else:
            self.bought[lot.serial] = lot
            if lot.answer is not None:
                self._used(lot)
        self.shelf(lot.item).put(lot)

    def _remove(self, lot: Made | Bought) -> None:
        self.shelf(lot.item).drop(lot)
        if isinstance(lot, Made):
            del self.made[lot.serial]
        else:
            del self.bought[lot.serial]
            if lot.answer is not None:
                self.spare.setdefault((lot.source.key, lot.item, lot.quantity), []).append((lot.needed, lot.answer))

    def _used(self, lot: Bought) -> None:
        answers = self.spare.get((lot.source.key, lot.item, lot.quantity), [])
        for place, (_needed, answer) in enumerate(answers):
            if answer is lot.answer:
                del answers[place]
                return
