"""An independent judge of a plan: from the definitions alone, without a line of the planner's. It is slow and simple on purpose."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

from apps.scheduling.services.planning.world import SCALE, Demand, Job, Key, Minute, Operation, Outcome, Resource, Routing, Slot, Source, World

Given = tuple[Key, int, Minute]
"""Item, quantity and time of something that can be taken."""


def check(world: World, demands: Sequence[Demand], outcome: Outcome, *, at: Minute = 0) -> list[str]:
    """What is wrong with an outcome, a sentence each; nothing when it can be carried out as it stands. at: the minute it was planned from."""
    rules: list[Callable[[World, Sequence[Demand], Outcome, Minute], Iterator[str]]] = [
        _keys,
        _jobs,
        _resources,
        _purchases,
        _pegs,
        _consumption,
        _balance,
        _deliveries,
        _explained,
    ]
    return [wrong for rule in rules for wrong in rule(world, demands, outcome, at)]


def _keys(world: World, demands: Sequence[Demand], outcome: Outcome, _at: Minute) -> Iterator[str]:
    keys = [*(supply.key for supply in world.supplies), *(job.key for job in outcome.jobs), *(purchase.key for purchase in outcome.purchases)]
    if len(set(keys)) < len(keys):
        yield "Two supplies, jobs or purchases share a key."
    if len({demand.key for demand in demands}) < len(demands):
        yield "Two demands share a key."


def _routing(world: World, job: Job) -> Routing:
    return next(routing for routing in world.items[job.item].routings if routing.key == job.routing)


def _lot(what: Key, quantity: int, way: Routing | Source) -> Iterator[str]:
    if quantity <= 0 or quantity < way.minimum:
        yield f"{what} is smaller than a lot."
    if way.multiple and quantity % way.multiple:
        yield f"{what} is no whole number of its multiple."
    if isinstance(way, Routing) and way.maximum is not None and quantity > way.maximum:
        yield f"{what} is larger than a lot."


def _jobs(world: World, _demands: Sequence[Demand], outcome: Outcome, at: Minute) -> Iterator[str]:
    for job in outcome.jobs:
        routing = _routing(world, job)
        yield from _lot(job.key, job.quantity, routing)
        if [slot.operation for slot in job.slots] != [operation.key for operation in routing.operations]:
            yield f"{job.key} does not follow its routing."
            continue
        free = at
        for slot, operation in zip(job.slots, routing.operations, strict=True):
            if slot.start < free:
                yield f"{job.key}: {slot.operation} begins at {slot.start}, before {free}."
            yield from _slot(world, job, slot, operation)
            free = slot.end + operation.lag
        if job.ready < free or job.ready > world.horizon:
            yield f"{job.key} is ready at {job.ready}, its work at {free}, the horizon is {world.horizon}."


def _slot(world: World, job: Job, slot: Slot, operation: Operation) -> Iterator[str]:
    efficiency = Fraction(1)
    if operation.resources:
        if slot.resource not in operation.resources:
            yield f"{job.key}: {slot.resource} cannot do {slot.operation}."
            return
        resource = world.resources[slot.resource]
        efficiency, worked = Fraction(resource.efficiency), _working(resource, slot.start, slot.end)
        edges = worked and not (_working(resource, slot.start, slot.start + 1) and _working(resource, slot.end - 1, slot.end))
        if edges:
            yield f"{job.key}: {slot.operation} begins or ends where {slot.resource} does not work."
    else:
        worked = slot.end - slot.start
        if slot.resource is not None:
            yield f"{job.key}: {slot.operation} needs no resource."
    run = Fraction(operation.run) * job.quantity / SCALE / efficiency
    if not 0 <= worked - operation.setup - run + Fraction(1, 10_000) < 1 + Fraction(1, 5_000):
        yield f"{job.key}: {slot.operation} has {worked} minutes where {operation.setup} + {float(run)} are needed."


def _working(resource: Resource, start: Minute, end: Minute) -> int:
    """Working minutes between two times."""
    return sum(max(0, min(end, last) - max(start, first)) for first, last in resource.windows)


def _resources(world: World, _demands: Sequence[Demand], outcome: Outcome, _at: Minute) -> Iterator[str]:
    """A resource does one thing at a time; two that only share a rest do not meet."""
    taken: dict[Key, list[tuple[Minute, Minute, str]]] = defaultdict(list)
    for job in outcome.jobs:
        for slot in job.slots:
            if slot.resource is not None and slot.start < slot.end:
                taken[slot.resource].append((slot.start, slot.end, str(job.key)))
    for key, work in taken.items():
        work += [(busy.start, busy.end, "what is busy") for busy in world.busy if busy.resource == key]
        work.sort()
        last, whose = 0, ""
        for start, end, what in work:
            meets = start < last and _working(world.resources[key], start, min(end, last)) > 0
            if meets and not (whose == what == "what is busy"):
                yield f"{key} has both {whose} and {what} at {start}."
            if end > last:
                last, whose = end, what


def _purchases(world: World, _demands: Sequence[Demand], outcome: Outcome, at: Minute) -> Iterator[str]:
    for purchase in outcome.purchases:
        source = next(source for source in world.items[purchase.item].sources if source.key == purchase.source)
        yield from _lot(purchase.key, purchase.quantity, source)
        lead = source.transport if source.asked and world.ask is not None else source.lead
        if not at + lead <= purchase.arrives <= world.horizon:
            yield f"{purchase.key} arrives at {purchase.arrives}; it takes {lead} from {at}, the horizon is {world.horizon}."


def _givers(world: World, outcome: Outcome, at: Minute) -> dict[Key, Given]:
    return {
        **{supply.key: (supply.item, supply.quantity, max(at, supply.at)) for supply in world.supplies},
        **{job.key: (job.item, job.quantity, job.ready) for job in outcome.jobs},
        **{purchase.key: (purchase.item, purchase.quantity, purchase.arrives) for purchase in outcome.purchases},
    }


def _pegs(world: World, demands: Sequence[Demand], outcome: Outcome, at: Minute) -> Iterator[str]:
    givers, given = _givers(world, outcome, at), defaultdict[Key, int](int)
    starts = {**{job.key: job.start if job.slots else job.ready for job in outcome.jobs}, **{demand.key: world.horizon for demand in demands}}
    for take in outcome.takes:
        if take.giver not in givers or take.taker not in starts or take.quantity <= 0:
            yield f"{take} leads nowhere."
            continue
        item, _quantity, when = givers[take.giver]
        given[take.giver] += take.quantity
        if item != take.item:
            yield f"{take.giver} gives {item} and not {take.item}."
        if when > starts[take.taker]:
            yield f"{take.taker} takes from {take.giver} before it is there."
    for key, (_item, quantity, _when) in givers.items():
        if given[key] > quantity:
            yield f"{key} gives {given[key]} of {quantity}."
    for key in (*(job.key for job in outcome.jobs), *(purchase.key for purchase in outcome.purchases)):
        if not given[key]:
            yield f"{key} serves nobody."


def _consumption(world: World, _demands: Sequence[Demand], outcome: Outcome, _at: Minute) -> Iterator[str]:
    """slack: what rounding up costs where something stands in at a rate."""
    taken: dict[Key, dict[Key, int]] = defaultdict(lambda: defaultdict(int))
    for take in outcome.takes:
        taken[take.taker][take.item] += take.quantity
    for job in outcome.jobs:
        has, slack = taken[job.key], defaultdict[Key, int](int)
        for component in _routing(world, job).components:
            wanted = -(-component.quantity * job.quantity // SCALE) + component.fixed
            rates = (SCALE, *(component.rates or [SCALE] * len(component.alternates)))
            for item, rate in zip((component.item, *component.alternates), rates, strict=True):
                whole = -(-wanted * rate // SCALE)
                used = min(whole, has[item])
                has[item] -= used
                wanted = 0 if used == whole else wanted - used * SCALE // rate
                slack[item] += rate // SCALE + 1 if rate != SCALE else 0
            if wanted:
                yield f"{job.key} lacks {wanted} of {component.item}."
        yield from (f"{job.key} takes {left} of {item} too much." for item, left in has.items() if left > slack[item])


def _balance(world: World, demands: Sequence[Demand], outcome: Outcome, at: Minute) -> Iterator[str]:
    """What is taken out until any moment was put in by then; without asking who took it from whom."""
    moves: dict[Key, list[tuple[Minute, int, int]]] = defaultdict(list)
    for item, quantity, when in _givers(world, outcome, at).values():
        moves[item].append((when, 0, quantity))
    starts = {job.key: job.start if job.slots else job.ready for job in outcome.jobs}
    for take in outcome.takes:
        if take.taker in starts:
            moves[take.item].append((starts[take.taker], 1, -take.quantity))
    wanted = {demand.key: demand.item for demand in demands}
    for delivery in outcome.deliveries:
        moves[wanted[delivery.demand]].append((delivery.at, 1, -delivery.quantity))
    for item, changes in moves.items():
        stock = 0
        for when, _order, quantity in sorted(changes):
            stock += quantity
            if stock < 0:
                yield f"There is {stock} of {item} at {when}."
                break


def _deliveries(world: World, demands: Sequence[Demand], outcome: Outcome, at: Minute) -> Iterator[str]:
    givers = _givers(world, outcome, at)
    taken: dict[Key, list[tuple[Minute, int]]] = defaultdict(list)
    for take in outcome.takes:
        taken[take.taker].append((givers[take.giver][2], take.quantity))
    delivered: dict[Key, list[tuple[Minute, int]]] = defaultdict(list)
    for delivery in outcome.deliveries:
        delivered[delivery.demand].append((delivery.at, delivery.quantity))
    for demand in demands:
        got = delivered[demand.key]
        if sum(quantity for _when, quantity in got) > demand.quantity:
            yield f"{demand.key} is given more than it wants."
        if sum(quantity for _when, quantity in got) != sum(quantity for _when, quantity in taken[demand.key]):
            yield f"{demand.key}: deliveries and takes differ."
        for when, _quantity in got:
            if sum(quantity for then, quantity in got if then <= when) > sum(quantity for then, quantity in taken[demand.key] if then <= when):
                yield f"{demand.key} is delivered at {when} what is not there."
            if not max(at, demand.earliest) <= when <= max(world.horizon, demand.due):
                yield f"{demand.key} is delivered at {when}: too early or beyond the horizon."


def _explained(_world: World, demands: Sequence[Demand], outcome: Outcome, at: Minute) -> Iterator[str]:
    for demand in demands:
        got = [delivery for delivery in outcome.deliveries if delivery.demand == demand.key]
        late = any(delivery.at > max(at, demand.due, demand.earliest) for delivery in got)
        if (late or sum(delivery.quantity for delivery in got) < demand.quantity) and not outcome.causes.get(demand.key):
            yield f"{demand.key} is late or short, and nobody says why."
