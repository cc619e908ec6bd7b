"""The constructive planner: each demand in its turn, from its date back to now (just in time), and where that does not fit, from now on.

One walk down and up: an operation is placed as late as its need allows, what it takes is asked for by its start; whatever comes later pushes it,
and so everything above it, to the right. What became late is then planned once more towards the date that was found, so that nothing below is
made earlier than it serves. A change costs O(log n), whatever there is already.
"""

import gc
from collections.abc import Iterable
from itertools import repeat
from typing import Literal

from apps.scheduling.services.planning.book import Book, Bought, Lot, Made, Peg, Shelf, Step
from apps.scheduling.services.planning.structure import Way, consumed, converted, duration, examine, lot_size, supported, ways
from apps.scheduling.services.planning.timeline import Timeline
from apps.scheduling.services.planning.world import (
    SCALE,
    Answer,
    Cause,
    Component,
    Delivery,
    Demand,
    Job,
    Key,
    Minute,
    Operation,
    Outcome,
    Purchase,
    Routing,
    Slot,
    Source,
    Take,
    World,
)

Direction = Literal["backward", "forward"]
NEVER: Minute = 1 << 60
Had = tuple[Minute, Cause | None]
"""When it is there (the need, when it is not late), and why not earlier."""


class Planned:
    """A demand in the plan: what it takes, and why the last of it is late."""

    __slots__ = ("causes", "demand", "pegs", "wanted")

    def __init__(self, demand: Demand, wanted: Minute) -> None:
        self.demand, self.wanted = demand, wanted
        self.pegs: list[Peg] = []
        self.causes: tuple[Cause, ...] = ()


class Planner:
    """A plan that keeps its book: one more demand can be planned on top, and one can be withdrawn."""

    def __init__(self, world: World, *, at: Minute) -> None:
        """at: now; nothing begins before it. Raises Circle and ValueError as `examine` does."""
        examine(world)
        self.world, self.at = world, at
        busy: dict[Key, list[tuple[Minute, Minute]]] = {}
        for taken in world.busy:
            busy.setdefault(taken.resource, []).append((taken.start, taken.end))
        machines = {key: Timeline(resource, at, world.horizon, busy.get(key, ())) for key, resource in world.resources.items()}
        self.book = Book(machines)
        self.planned: dict[Key, Planned] = {}
        self._ways: dict[Key, tuple[Way, ...]] = {key: ways(item) for key, item in world.items.items()}
        for supply in world.supplies:
            if supply.quantity and supply.at <= world.horizon:
                self.book.shelf(supply.item).put(Lot(supply.key, self.book.serial(), supply.item, supply.quantity, max(supply.at, at)))

    # Demands ----------------------------------------------------------------------------------------------------------

    def add(self, demand: Demand, *, direction: Direction = "backward") -> Planned:
        """Plan one more demand on top of what is planned. backward: there by its due minute, no earlier than needed; forward: as early as it can be."""
        if demand.key in self.planned:
            raise ValueError(f"{demand.key} is planned already.")
        wanted = max(self.at, demand.earliest, demand.due if direction == "backward" else 0)
        planned = self.planned[demand.key] = Planned(demand, wanted)
        self._serve(planned)
        self.book.log.clear()
        return planned

    def withdraw(self, key: Key) -> Demand:
        """Take a demand out: what only it needed is free again."""
        planned = self.planned.pop(key)
        self._release(planned.pegs)
        self.book.log.clear()
        return planned.demand

    def _release(self, pegs: list[Peg]) -> None:
        book, open_ends = self.book, [pegs]
        while open_ends:
            pegs = open_ends.pop()
            for lot, quantity in list(pegs):
                book.give(lot, quantity, pegs)
                if lot.left == lot.quantity and isinstance(lot, Made | Bought):
                    book.remove(lot)
                    if isinstance(lot, Made):
                        book.vacate(lot.slots)
                        open_ends.append(lot.pegs)

    def _serve(self, planned: Planned) -> None:
        demand, need, pegs, book = planned.demand, min(planned.wanted, self.world.horizon), planned.pegs, self.book
        late: list[Had] = []
        latest = NEVER - 1 if demand.latest is None else max(demand.latest, need)
        left = self._from_shelf(demand.item, demand.quantity, need, pegs)
        while left:
            mark = len(book.log)
            before = left
            when, cause, left = self._next_lot(demand.item, left, need, pegs)
            if when > need:
                late.append((when, cause))
            if when > latest:
                book.undo(mark)
                left = before
                break
            if when > need and isinstance(pegs[-1][0], Made):
                steps = book.undo(mark)
                again, _cause, left_again = self._next_lot(demand.item, before, when, pegs)
                if again > when or left_again != left:
                    book.undo(mark)
                    book.again(steps)
        if left and demand.whole:
            self._release(pegs)
        if late:
            cause = max(late, key=lambda had: had[0])[1]
            planned.causes = (cause,) if cause else ()

    # An item ----------------------------------------------------------------------------------------------------------

    def _obtain(self, item: Key, quantity: int, need: Minute, pegs: list[Peg]) -> Had:
        """Have so much of an item by `need`, or as soon after it as can be; NEVER when not all of it can be had (what was taken stays with the caller)."""
        left = self._from_shelf(item, quantity, need, pegs)
        latest: Had = (need, None)
        while left:
            when, cause, left = self._next_lot(item, left, need, pegs)
            if when > latest[0]:
                latest = (when, cause)
                if when >= NEVER:
                    break
        return latest

    def _from_shelf(self, item: Key, left: int, need: Minute, pegs: list[Peg]) -> int:
        """Take what is there by `need`, the latest first, so that the earlier remains for who needs it earlier. Gives what is still wanted."""
        shelf = self.book.shelves.get(item)
        if shelf is not None and left:
            place = shelf.upto(need)
            while place and left:
                place -= 1
                lot = shelf.lots[place]
                taken = min(left, lot.left)
                self.book.take(lot, taken, pegs)
                left -= taken
        return left

    def _next_lot(self, item: Key, left: int, need: Minute, pegs: list[Peg]) -> tuple[Minute, Cause | None, int]:
        """Make or buy one lot, or take one that comes late but earlier than that. Gives when it is there, why not earlier, and what is still wanted."""
        book = self.book
        mark = len(book.log)
        when, cause = self._best_way(item, left, need)
        if when > need:
            shelf = book.shelves.get(item)
            coming = self._coming(shelf, need, when) if shelf is not None else None
            if coming is not None:
                book.undo(mark)
                taken = min(left, coming.left)
                book.take(coming, taken, pegs)
                return coming.at, Cause(kind="supply", subject=coming.key, until=coming.at), left - taken
            if when >= NEVER:
                return when, cause, left
        lot = self._fresh
        assert lot is not None
        taken = min(left, lot.left)
        book.take(lot, taken, pegs)
        return when, cause, left - taken

    def _coming(self, shelf: Shelf, need: Minute, before: Minute) -> Lot | None:
        """The first lot that comes after `need`, and not after what could be had anew."""
        for place in range(shelf.upto(need), len(shelf.lots)):
            lot = shelf.lots[place]
            if lot.at > before:
                return None
            if lot is not self._fresh:
                return lot
        return None

    _fresh: Lot | None = None

    def _best_way(self, item: Key, left: int, need: Minute) -> Had:
        """One lot the first way that is in time, else the way that is earliest. `_fresh` is the lot."""
        book, found = self.book, self._ways.get(item, ())
        self._fresh = None
        if not found:
            return NEVER, Cause(kind="nothing", subject=item, until=self.world.horizon)
        best: Had | None = None
        for way in found:
            mark = len(book.log)
            size = lot_size(way, left)
            when, cause = self._make(item, way, size, need) if isinstance(way, Routing) else self._buy(item, way, size, need)
            if when <= need:
                return when, cause
            if best is None or when < best[0]:
                best, lot = (when, cause), self._fresh
                steps = book.undo(mark) if len(found) > 1 else []
            else:
                book.undo(mark)
        assert best is not None
        book.again(steps) if len(found) > 1 else None
        self._fresh = lot
        return best

    # Buying -----------------------------------------------------------------------------------------------------------

    def _buy(self, item: Key, source: Source, quantity: int, need: Minute) -> Had:
        horizon, answer = self.world.horizon, None
        self._fresh = None
        if source.asked and self.world.ask is not None:
            answer = self._ask(item, source, quantity, need - source.transport)
            if answer is None:
                return NEVER, Cause(kind="silence", subject=source.key, until=horizon)
            arrives = max(answer.at, self.at) + source.transport
            cause = Cause(kind="supply", subject=source.key, until=arrives)
        else:
            arrives = max(need, self.at + source.lead)
            cause = Cause(kind="lead_time", subject=source.key, until=arrives)
        if arrives > horizon:
            return NEVER, Cause(kind="horizon", subject=source.key, until=horizon, because=(cause,))
        self._fresh = bought = Bought(self.book.serial(), item, quantity, arrives, source, need, answer)
        self.book.add(bought)
        return (arrives, cause) if arrives > need else (need, None)

    def _ask(self, item: Key, source: Source, quantity: int, needed: Minute) -> Answer | None:
        """An answer that an abandoned attempt left over serves again where it is early enough, or as early as he can."""
        for before, answer in self.book.spare.get((source.key, item, quantity), ()):
            if answer.at <= needed or needed <= before - source.transport < answer.at:
                return answer
        assert self.world.ask is not None
        return self.world.ask(source, item, quantity, needed)

    # Making -----------------------------------------------------------------------------------------------------------

    def _make(self, item: Key, routing: Routing, quantity: int, need: Minute) -> Had:
        book = self.book
        mark = len(book.log)
        made = Made(book.serial(), item, quantity, routing)
        slots = self._backward(routing, quantity, need)
        start = slots[0].start if slots else need
        ready, cause, part = self._components(made, self.at if slots is None else start, splits=slots is not None)
        if part:
            steps = book.undo(mark)
            had = self._make(item, routing, part, need)
            if had[0] <= need or ready >= NEVER > had[0]:
                return had
            book.undo(mark)
            book.again(steps)
        if slots is not None and ready <= start:
            made.slots, made.at = slots, need if not slots else slots[-1].end + routing.operations[-1].lag
            book.add(made)
            self._fresh = made
            return need, None
        if slots:
            book.vacate(slots)
        if ready < NEVER:
            ready, cause = self._forward(made, ready, cause)
        if ready >= NEVER:
            book.undo(mark)
            self._fresh = None
            return NEVER, cause
        made.at = ready
        book.add(made)
        self._fresh = made
        return (ready, cause) if ready > need else (need, None)

    def _components(self, made: Made, need: Minute, splits: bool) -> tuple[Minute, Cause | None, int]:
        """Have all that a job takes by `need`. Gives when it is there, why not earlier, and how much could be made of what is there
        in time (`splits`), or else of what can be had at all: 0 when that is all or nothing."""
        when, cause, early, ever = need, None, made.quantity if splits else 0, made.quantity
        for component in made.routing.components:
            quantity = consumed(component.quantity, component.fixed, made.quantity)
            if not quantity:
                continue
            before = len(made.pegs)
            had = self._component(component, quantity, need, made.pegs)
            if had[0] > need and (early or had[0] >= NEVER):
                pegs = made.pegs[before:]
                early = min(early, supported(made.routing, component, made.quantity, sum(taken for lot, taken in pegs if lot.at <= need)))
                if had[0] >= NEVER:
                    ever = min(ever, supported(made.routing, component, made.quantity, sum(taken for _lot, taken in pegs)))
            if had[0] > when:
                when, cause = had
                if when >= NEVER:
                    break
        part = early if early or when < NEVER else ever
        return when, cause, part if part < made.quantity else 0

    def _component(self, component: Component, quantity: int, need: Minute, pegs: list[Peg]) -> Had:
        """The item itself where it is in time, else what may stand in for it, the first that is in time, else whichever is earliest."""
        if not component.alternates:
            return self._obtain(component.item, quantity, need, pegs)
        items = [(component.item, SCALE), *zip(component.alternates, component.rates or repeat(SCALE), strict=False)]
        for item, rate in items:
            wanted = converted(quantity, rate)
            left = self._from_shelf(item, wanted, need, pegs)
            quantity = quantity - (wanted - left) * SCALE // rate if left else 0
        return self._best_stand_in(items, quantity, need, pegs) if quantity else (need, None)

    def _best_stand_in(self, items: list[tuple[Key, int]], quantity: int, need: Minute, pegs: list[Peg]) -> Had:
        book, best, steps = self.book, None, list[Step]()
        for item, rate in items:
            mark = len(book.log)
            had = self._obtain(item, converted(quantity, rate), need, pegs)
            if had[0] <= need:
                return had
            attempt = book.undo(mark)
            if best is None or had[0] < best[0]:
                best, steps = had, attempt
        assert best is not None
        book.again(steps)
        return best

    def _backward(self, routing: Routing, quantity: int, need: Minute) -> list[Slot] | None:
        """The operations as late as they can be, reserved; None when they do not fit between now and the need."""
        slots: list[Slot] = []
        mark, limit = len(self.book.log), min(need, self.world.horizon)
        for operation in reversed(routing.operations):
            slot = self._latest(operation, quantity, limit - operation.lag)
            if slot is None:
                self.book.undo(mark)
                return None
            self.book.occupy([slot])
            slots.append(slot)
            limit = slot.start
        slots.reverse()
        return slots

    def _latest(self, operation: Operation, quantity: int, limit: Minute) -> Slot | None:
        if not operation.resources:
            start = limit - duration(operation, 1.0, quantity)
            return Slot(operation=operation.key, resource=None, start=start, end=limit, setup=operation.setup) if start >= self.at else None
        best: tuple[Minute, Minute] | None = None
        chosen: Key = None
        for key in operation.resources:
            machine = self.book.machines[key]
            length = duration(operation, machine.efficiency, quantity)
            found = machine.latest(limit, length) if length else (limit, limit)
            if found is not None and (best is None or found[0] > best[0]):
                best, chosen = found, key
        if best is None or best[0] < self.at:
            return None
        return Slot(operation=operation.key, resource=chosen, start=best[0], end=best[1], setup=operation.setup)

    def _forward(self, made: Made, ready: Minute, cause: Cause | None) -> Had:
        """The operations as early as they can be from `ready` on, reserved; with the chain of what held them up."""
        for operation in made.routing.operations:
            slot = self._earliest(operation, made.quantity, ready)
            if slot is None or slot.end > self.world.horizon:
                because = (cause,) if cause else ()
                kind: Literal["capacity", "horizon"] = "capacity" if slot is None else "horizon"
                subject = operation.resources[0] if operation.resources else made.item
                return NEVER, Cause(kind=kind, subject=subject, until=self.world.horizon, because=because)
            self.book.occupy([slot])
            made.slots.append(slot)
            if slot.start > ready:
                cause = Cause(kind="capacity", subject=slot.resource, until=slot.start, because=(cause,) if cause else ())
            ready = slot.end + operation.lag
            if ready > slot.start:
                cause = Cause(kind="run", subject=made.item, until=ready, because=(cause,) if cause else ())
        return (NEVER, Cause(kind="horizon", subject=made.item, until=self.world.horizon)) if ready > self.world.horizon else (ready, cause)

    def _earliest(self, operation: Operation, quantity: int, ready: Minute) -> Slot | None:
        if not operation.resources:
            end = ready + duration(operation, 1.0, quantity)
            return Slot(operation=operation.key, resource=None, start=ready, end=end, setup=operation.setup)
        best: tuple[Minute, Minute] | None = None
        chosen: Key = None
        for key in operation.resources:
            machine = self.book.machines[key]
            length = duration(operation, machine.efficiency, quantity)
            found = machine.earliest(ready, length) if length else (ready, ready)
            if found is not None and (best is None or found[1] < best[1]):
                best, chosen = found, key
        if best is None:
            return None
        return Slot(operation=operation.key, resource=chosen, start=best[0], end=best[1], setup=operation.setup)

    # The answer -------------------------------------------------------------------------------------------------------

    def outcome(self) -> Outcome:
        """Everything that is planned now."""
        found = Outcome()
        for planned in self.planned.values():
            found.deliveries.extend(self.deliveries(planned))
            found.takes.extend(self._takes(planned.demand.key, planned.pegs))
            if planned.causes:
                found.causes[planned.demand.key] = planned.causes
        for made in self.book.made.values():
            job = Job(key=made.key, item=made.item, quantity=made.quantity, routing=made.routing.key, slots=made.slots, ready=made.at)
            found.jobs.append(job)
            found.takes.extend(self._takes(made.key, made.pegs))
        for lot in self.book.bought.values():
            reference = lot.answer.reference if lot.answer else None
            found.purchases.append(
                Purchase(key=lot.key, item=lot.item, source=lot.source.key, quantity=lot.quantity, needed=lot.needed, arrives=lot.at, reference=reference)
            )
        return found

    @staticmethod
    def deliveries(planned: Planned) -> list[Delivery]:
        """What of a demand is there when; what is there before it is wanted counts at the wanted minute."""
        by_time: dict[Minute, int] = {}
        last = max((lot.at for lot, _quantity in planned.pegs), default=0) if planned.demand.whole else 0
        for lot, quantity in planned.pegs:
            when = max(lot.at, planned.wanted, last)
            by_time[when] = by_time.get(when, 0) + quantity
        return [Delivery(demand=planned.demand.key, quantity=quantity, at=when) for when, quantity in sorted(by_time.items())]

    @staticmethod
    def _takes(taker: Key, pegs: Iterable[Peg]) -> list[Take]:
        return [Take(giver=lot.key, taker=taker, item=lot.item, quantity=quantity) for lot, quantity in pegs]

    def unused(self) -> list[Answer]:
        """Answers of partners that the plan did not take in the end."""
        return [answer for answers in self.book.spare.values() for _needed, answer in answers]


def in_turn(demands: Iterable[Demand]) -> list[Demand]:
    """Demands in the order in which they are planned: priority, then due, then as they came."""
    return sorted(demands, key=lambda demand: (demand.priority, demand.due))


def plan(world: World, demands: Iterable[Demand], *, at: Minute, direction: Direction = "backward") -> Outcome:
    """Plan the demands in their turn, from `at` on. Raises Circle and ValueError as `examine` does."""
    collecting = gc.isenabled()
    gc.disable()  # nothing here points back, so the collector would walk a growing plan again and again for nothing
    try:
        planner = Planner(world, at=at)
        for demand in in_turn(demands):
            planner.add(demand, direction=direction)
        return planner.outcome()
    finally:
        if collecting:
            gc.enable()
