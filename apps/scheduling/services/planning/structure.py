"""Is the world sound? And what each of its items can be had by."""

from collections.abc import Iterator
from math import ceil

from apps.scheduling.services.planning.world import SCALE, Component, Item, Key, Minute, Operation, Resource, Routing, Source, World

Way = Routing | Source


class Circle(ValueError):
    """An item is made of itself. path: the items in the order of consumption, the first one again at the end."""

    def __init__(self, path: tuple[Key, ...]) -> None:
        super().__init__(" > ".join(str(key) for key in path))
        self.path = path


def examine(world: World) -> None:
    """Raises Circle when an item is made of itself, ValueError for a negative or impossible number, and for a resource that is not there."""
    for item in world.items.values():
        for source in item.sources:
            _positive(source.key, source.lead, source.transport)
            _lots(source.key, source.minimum, source.multiple, None)
        for routing in item.routings:
            _routing(world, routing)
    for resource in world.resources.values():
        _resource(resource)
    for supply in world.supplies:
        _positive(supply.key, supply.quantity)
    for busy in world.busy:
        if busy.resource not in world.resources:
            raise ValueError(f"There is no resource {busy.resource}.")
    _straight(world.items)


def _positive(key: Key, *numbers: float) -> None:
    if any(number < 0 for number in numbers):
        raise ValueError(f"A quantity or time of {key} is negative.")


def _lots(key: Key, minimum: int, multiple: int, maximum: int | None) -> None:
    _positive(key, minimum, multiple)
    if maximum is not None and (maximum <= 0 or maximum < multiple or largest(multiple, maximum) < minimum):
        raise ValueError(f"The largest lot of {key} is smaller than its smallest.")


def _routing(world: World, routing: Routing) -> None:
    _lots(routing.key, routing.minimum, routing.multiple, routing.maximum)
    for operation in routing.operations:
        _positive(operation.key, operation.setup, operation.run, operation.lag)
        missing = [key for key in operation.resources if key not in world.resources]
        if missing:
            raise ValueError(f"There is no resource {missing[0]}.")
    for component in routing.components:
        _positive(component.item, component.quantity, component.fixed)
        if component.rates and (len(component.rates) != len(component.alternates) or min(component.rates) <= 0):
            raise ValueError(f"What stands in for {component.item} has no rate.")


def _resource(resource: Resource) -> None:
    if resource.efficiency <= 0:
        raise ValueError(f"The efficiency of {resource.key} is not above zero.")
    last = 0
    for start, end in resource.windows:
        if start < last or end < start:
            raise ValueError(f"The working times of {resource.key} are not in order.")
        last = end


def _consumed(item: Item | None) -> Iterator[Key]:
    for routing in item.routings if item else ():
        for component in routing.components:
            yield component.item
            yield from component.alternates


def _straight(items: dict[Key, Item]) -> None:
    """Walks down from every item, once; without recursion, because a structure may be deep."""
    done: set[Key] = set()
    for top in items:
        if top in done:
            continue
        path, ways = {top: None}, [_consumed(items[top])]
        while ways:
            below = next(ways[-1], None)
            if below is None:
                ways.pop()
                done.add(path.popitem()[0])
            elif below in path:
                keys = list(path)
                raise Circle((*keys[keys.index(below) :], below))
            elif below not in done:
                path[below] = None
                ways.append(_consumed(items.get(below)))


def ways(item: Item | None) -> tuple[Way, ...]:
    """How it can be had, the preferred first; making before buying where both are equal."""
    return tuple(sorted((*item.routings, *item.sources), key=lambda way: way.priority)) if item else ()


def largest(multiple: int, maximum: int) -> int:
    """The largest lot that is a whole multiple."""
    return maximum // multiple * multiple if multiple else maximum


def lot_size(way: Way, wanted: int) -> int:
    """How much one lot is when so much is wanted: may be more (minimum, multiple), or less (maximum)."""
    size = max(wanted, way.minimum)
    if way.multiple:
        size = -(-size // way.multiple) * way.multiple
    if isinstance(way, Routing) and way.maximum is not None:
        size = min(size, largest(way.multiple, way.maximum))
    return size


def supported(routing: Routing, component: Component, made: int, there: int) -> int:
    """The largest lot that so much of a component allows and that leaves a lot of the rest, whole units where the whole is; 0 when there is none."""
    if not component.quantity or component.rates:
        return 0
    wanted = (there - component.fixed) * SCALE // component.quantity
    step = routing.multiple or (1 if made % SCALE else SCALE)
    part = min(wanted, made - routing.minimum) // step * step
    return part if part >= max(routing.minimum, 1) else 0


def converted(quantity: int, rate: int) -> int:
    """How much of a stand-in is as good as so much of the item."""
    return -(-quantity * rate // SCALE)


def consumed(quantity: int, fixed: int, made: int) -> int:
    """How much of a component a job of `made` takes."""
    return -(-quantity * made // SCALE) + fixed


def duration(operation: Operation, efficiency: float, made: int) -> Minute:
    """Working minutes of an operation on a resource."""
    return operation.setup + ceil(operation.run * made / SCALE / efficiency - 1e-6)
