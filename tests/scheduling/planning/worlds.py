"""Small worlds for the planner's tests: by hand, and at random."""

from hypothesis import strategies as st

from apps.scheduling.services.planning.world import SCALE, Busy, Component, Demand, Item, Operation, Resource, Routing, Source, Supply, World

DAY = 1440
HORIZON = 200 * DAY


def units(number: float) -> int:
    return round(number * SCALE)


def always(key: str = "machine", efficiency: float = 1.0) -> Resource:
    """A resource that never rests."""
    return Resource(key=key, windows=[(0, HORIZON)], efficiency=efficiency)


def shifts(key: str = "machine", starts: int = 480, ends: int = 960, efficiency: float = 1.0) -> Resource:
    """A resource that works the same hours each day."""
    return Resource(key=key, windows=[(day * DAY + starts, day * DAY + ends) for day in range(HORIZON // DAY)], efficiency=efficiency)


def made(key: str, *components: Component, on: tuple[str, ...] = (), run: float = 1.0, setup: int = 0, lag: int = 0, **lots: int) -> Item:
    """An item with one routing of one operation."""
    operation = Operation(key=f"make {key}", resources=on, setup=setup, run=run, lag=lag)
    return Item(key=key, routings=(Routing(key=f"routing {key}", operations=(operation,), components=components, **lots),))


def bought(key: str, lead: int, **lots: int) -> Item:
    return Item(key=key, sources=(Source(key=f"source {key}", lead=lead, **lots),))


def world(*items: Item, resources: tuple[Resource, ...] = (), supplies: tuple[Supply, ...] = (), busy: tuple[Busy, ...] = ()) -> World:
    return World(
        horizon=HORIZON,
        items={item.key: item for item in items},
        resources={resource.key: resource for resource in resources},
        supplies=list(supplies),
        busy=list(busy),
    )


def demand(key: str, item: str, quantity: float, due: int, **more: int) -> Demand:
    return Demand(key=key, item=item, quantity=units(quantity), due=due, **more)


# At random ---------------------------------------------------------------------------------------------------------------

QUANTITIES = st.integers(1, 40).map(units) | st.integers(1, 5 * SCALE)


@st.composite
def resources(draw: st.DrawFn) -> dict[str, Resource]:
    found = {}
    for key in ("saw", "press", "oven"):
        lengths = draw(st.lists(st.tuples(st.integers(0, 300), st.integers(1, 600)), max_size=30))
        windows, time = [], 0
        for rest, work in lengths:
            windows.append((time + rest, time + rest + work))
            time += rest + work
        found[key] = Resource(key=key, windows=windows, efficiency=draw(st.sampled_from([0.5, 0.8, 1.0, 1.25])))
    return found


@st.composite
def parts(draw: st.DrawFn, item: str, others: list[str]) -> Component:
    alternates = tuple(other for other in others if draw(st.booleans()))[:1]
    rates = (draw(st.sampled_from([units(2), units(0.3), 1_234_567])),) if alternates and draw(st.booleans()) else ()
    return Component(item=item, quantity=draw(QUANTITIES), fixed=draw(st.sampled_from([0, 0, units(1)])), alternates=alternates, rates=rates)


@st.composite
def routings(draw: st.DrawFn, level: int, number: int) -> Routing:
    operations = tuple(
        Operation(
            key=f"operation {place}",
            resources=tuple(draw(st.lists(st.sampled_from(["saw", "press", "oven"]), max_size=2, unique=True))),
            setup=draw(st.integers(0, 30)),
            run=draw(st.sampled_from([0.0, 0.5, 1.0, 3.7])),
            lag=draw(st.sampled_from([0, 0, 60])),
        )
        for place in range(draw(st.integers(0, 3)))
    )
    below = [f"item {lower} {other}" for lower in range(level + 1, 4) for other in range(2)]
    chosen = draw(st.lists(st.sampled_from(below), max_size=2, unique=True)) if below else []
    others = [other for other in below if other not in chosen]
    components = tuple(draw(parts(item, others)) for item in chosen)
    multiple = draw(st.sampled_from([0, 0, units(5)]))
    maximum = draw(st.sampled_from([None, None, units(20)]))
    minimum = draw(st.sampled_from([0, 0, units(10)]))
    return Routing(key=f"routing {number}", operations=operations, components=components, priority=number, minimum=minimum, multiple=multiple, maximum=maximum)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Four levels of two items, three machines, stock, open supply, sources."""
    items = {}
    for level in range(4):
        for other in range(2):
            ways = tuple(draw(routings(level, number)) for number in range(draw(st.integers(0, 2))))
            sources = tuple(
                Source(
                    key=f"source {number}",
                    lead=draw(st.integers(0, 3000)),
                    priority=draw(st.integers(0, 2)),
                    minimum=draw(st.sampled_from([0, units(8)])),
                    multiple=draw(st.sampled_from([0, units(3)])),
                )
                for number in range(draw(st.integers(0, 2)))
            )
            items[f"item {level} {other}"] = Item(key=f"item {level} {other}", routings=ways, sources=sources)
    supplies = [
        Supply(key=f"supply {number}", item=draw(st.sampled_from(sorted(items))), quantity=draw(QUANTITIES), at=draw(st.integers(0, 4000)))
        for number in range(draw(st.integers(0, 6)))
    ]
    busy = [
        Busy(resource=draw(st.sampled_from(["saw", "press", "oven"])), start=start, end=start + draw(st.integers(1, 200)))
        for start in draw(st.lists(st.integers(0, 3000), max_size=4))
    ]
    return World(horizon=draw(st.integers(500, 20_000)), items=dict(items), resources=dict(draw(resources())), supplies=supplies, busy=busy)


@st.composite
def demands(draw: st.DrawFn) -> list[Demand]:
    return [
        Demand(
            key=f"demand {number}",
            item=f"item {draw(st.integers(0, 1))} {draw(st.integers(0, 1))}",
            quantity=draw(QUANTITIES),
            due=draw(st.integers(0, 8000)),
            priority=draw(st.integers(0, 2)),
            earliest=draw(st.sampled_from([0, 0, 500])),
        )
        for number in range(draw(st.integers(1, 6)))
    ]
