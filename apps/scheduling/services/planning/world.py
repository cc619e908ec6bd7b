"""What the planner is given and what it answers. Pure data: no database, no clock, no configuration.

Time is whole minutes since an origin that the caller chooses. A quantity is a whole number of millionths of the item's unit
(`SCALE`), so that sums are exact. An item with a configuration is an item of its own here: whoever loads the world has
evaluated conditions and formulas (`Key` is any hashable value the caller knows again).
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Literal

SCALE = 1_000_000

Key = Hashable
Minute = int


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """What one unit of an item consumes. quantity: millionths a unit, scrap included; fixed: millionths a job, whatever its size.

    alternates: items that may stand in, in the order of preference; rates: how many millionths of each stand in for one unit, one for one where not told.
    """

    item: Key
    quantity: int
    fixed: int = 0
    alternates: tuple[Key, ...] = ()
    rates: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A step of making. resources: each that can do it, best first. setup: minutes a job; run: minutes a unit (a float, at 100 % efficiency).

    lag: minutes between its end and the next operation, on no resource (cooling, transport). An operation without resources only takes time.
    """

    key: Key
    resources: tuple[Key, ...]
    setup: Minute = 0
    run: float = 0.0
    lag: Minute = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """One way of making an item: operations in their order, and what they consume. Lots: at least `minimum`, in steps of `multiple`, at most `maximum`."""

    key: Key
    operations: tuple[Operation, ...]
    components: tuple[Component, ...] = ()
    priority: int = 0
    minimum: int = 0
    multiple: int = 0
    maximum: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One way of buying an item. lead: minutes from the order to the arrival, the standard one. asked: the partner is asked for a promise.

    transport: minutes from the partner's promised date to this enterprise's dock.
    """

    key: Key
    lead: Minute
    priority: int = 0
    minimum: int = 0
    multiple: int = 0
    asked: bool = False
    transport: Minute = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An item, and how it can be had beyond what there is: made by its routings, bought from its sources. Without either only stock and open supply serve."""

    key: Key
    routings: tuple[Routing, ...] = ()
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """What there is, or will be: stock (`at` 0), an open purchase at its arrival, work in progress at its end. Only the quantity that nobody holds."""

    key: Key
    item: Key
    quantity: int
    at: Minute = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A machine, a person or a place. windows: working time as sorted, disjoint [start, end) within the horizon. efficiency: 1.0 is 100 %."""

    key: Key
    windows: Sequence[tuple[Minute, Minute]]
    efficiency: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Busy:
    """Time of a resource that is taken already."""

    resource: Key
    start: Minute
    end: Minute


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What somebody wants. due: the minute by which; priority: lower first, then due, then as they came. earliest: not before.

    latest: what is there only later is not wanted at all. whole: everything in one delivery, or nothing.
    """

    key: Key
    item: Key
    quantity: int
    due: Minute
    priority: int = 0
    earliest: Minute = 0
    latest: Minute | None = None
    whole: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A partner's answer: the whole quantity stands at his door at `at`. reference: whatever the asker wants back in the purchase."""

    at: Minute
    reference: object = None


Ask = Callable[[Source, Key, int, Minute], Answer | None]
"""(source, item, quantity, needed at the partner's door) -> the partner's answer, or None where he gives none."""


@dataclass(slots=True, kw_only=True)
class World:
    """All that one enterprise's plan is made from. horizon: the last minute; nothing is promised beyond it."""

    horizon: Minute
    items: dict[Key, Item]
    resources: dict[Key, Resource] = field(default_factory=dict)
    supplies: list[Supply] = field(default_factory=list)
    busy: list[Busy] = field(default_factory=list)
    ask: Ask | None = None


@dataclass(slots=True, kw_only=True)
class Slot:
    """One operation of a job on one resource (None: it needs none). setup: minutes of it at the start. It may pause where the resource does not work."""

    operation: Key
    resource: Key | None
    start: Minute
    end: Minute
    setup: Minute = 0


@dataclass(slots=True, kw_only=True)
class Job:
    """A work order that the plan proposes. ready: when what it makes can be taken: its end and the lag of its last operation."""

    key: Key
    item: Key
    quantity: int
    routing: Key
    slots: list[Slot]
    ready: Minute

    @property
    def start(self) -> Minute:
        return min((slot.start for slot in self.slots), default=0)

    @property
    def end(self) -> Minute:
        return max((slot.end for slot in self.slots), default=0)


@dataclass(slots=True, kw_only=True)
class Purchase:
    """A purchase that the plan proposes. needed: when it would have to be here; arrives: when it is."""

    key: Key
    item: Key
    source: Key
    quantity: int
    needed: Minute
    arrives: Minute
    reference: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """Pegging: `taker` (a demand's or a job's key) takes so much of `giver` (a supply's, a job's or a purchase's key)."""

    giver: Key
    taker: Key
    item: Key
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """So much of a demand is there at `at`."""

    demand: Key
    quantity: int
    at: Minute


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why something is not earlier. subject: the item, resource or source; until: the minute until which it holds up.

    stock: it is taken from there; capacity: the resource is taken or rests; run: the work itself takes so long; supply: a purchase arrives then;
    lead_time: the standard lead time; silence: the partner gives no answer; nothing: no way to get the item; horizon: beyond the plan.
    because: what holds that up in turn.
    """

    kind: Literal["stock", "capacity", "run", "supply", "lead_time", "silence", "nothing", "horizon"]
    subject: Key
    until: Minute
    because: tuple["Cause", ...] = ()


@dataclass(slots=True, kw_only=True)
class Outcome:
    """The answer to some demands. A demand whose deliveries do not add up to its quantity cannot be served within the horizon.

    causes: for each demand the chain that explains its last delivery.
    """

    deliveries: list[Delivery] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    purchases: list[Purchase] = field(default_factory=list)
    takes: list[Take] = field(default_factory=list)
    causes: dict[Key, tuple[Cause, ...]] = field(default_factory=dict)
