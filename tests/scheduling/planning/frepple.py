"""Reads frePPLe's test models (XML) as worlds, and what frePPLe promised in them (the DEMAND lines of its expected output)."""

import re
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from xml.etree.ElementTree import Element

from apps.scheduling.services.planning.world import Busy, Component, Demand, Item, Operation, Resource, Routing, Source, Supply, World

MODELS = Path(__file__).parents[4] / "shared" / "data" / "supplychain" / "frepple-tests"
TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
YEARS = 4
HORIZON = YEARS * 365 * 1440
Promised = list[tuple[str, str, float]]
"""Demand, date, quantity."""


KINDS = ("", "operation_fixed_time", "operation_time_per", "operation_routing", "operation_alternate", "flow_start", "flow_end", "resource_infinite")
TAGS = {
    *("fence", "setupmatrix", "minimum_calendar", "effective_start", "effective_end", "transferbatch", "available"),
    *("batchwindow", "posttime", "policy", "toolperpiece", "extra_safety_leadtime", "hard_safety_leadtime", "dependencies", "constrained", "skill"),
}


class NotBuilt(Exception):
    """The model has something of a kind that the planner does not know."""


def field(node: Element, name: str) -> str | None:
    """frePPLe writes a field as an attribute or as a child."""
    return node.get(name) or node.findtext(name) or None


def named(node: Element, tag: str) -> str | None:
    """The name of what is referred to."""
    child = node.find(tag)
    return field(child, "name") if child is not None else None


def minutes(text: str | None) -> int:
    """An ISO 8601 duration; frePPLe also writes plain seconds."""
    if not text:
        return 0
    found = re.fullmatch(r"(-?)P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", text)
    if not found:
        raise NotBuilt(f"duration {text}")
    days, hours, mins, seconds = (int(group or 0) for group in found.groups()[1:])
    return (-1 if found[1] else 1) * (days * 1440 + hours * 60 + mins + seconds // 60)


def millionths(text: str | None, default: float = 0) -> int:
    return round(float(text) * 1_000_000) if text else round(default * 1_000_000)


class Model:
    """One XML model."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.root = ElementTree.parse(MODELS / name / f"{name}.xml").getroot()
        self.origin = datetime.fromisoformat(self.root.findtext("current") or "")
        self.operations = self._all("operation", "producing")
        self.buffers = {key: self._stock_key(key, nodes) for key, nodes in self._all("buffer").items()}
        self.resources: dict[object, Resource] = {}
        self.pools: dict[str, tuple[object, ...]] = {}
        self.unbuilt: dict[str, str] = {}
        self.flows, self.loads = self._hung("flow"), self._hung("load")

    @staticmethod
    def _refuse(nodes: Iterable[Element]) -> None:
        """Raises NotBuilt for what of these elements the planner has no word for."""
        for node in (inner for outer in nodes for inner in outer.iter()):
            kind = node.get(TYPE) or ""
            if kind not in KINDS:
                raise NotBuilt(kind)
            unknown = TAGS & {node.tag, *node.keys()}
            if unknown:
                raise NotBuilt(min(unknown))
            if (node.tag == "minimum" and float(node.text or 0)) or float(node.get("minimum") or 0):
                raise NotBuilt("a minimum stock")

    def _all(self, *tags: str) -> dict[str, list[Element]]:
        """The elements of each name, wherever they are written; a name alone refers to what is written elsewhere."""
        found: dict[str, list[Element]] = defaultdict(list)
        for node in self.root.iter():
            name = field(node, "name") if node.tag in tags else None
            if name:
                found[name].append(node)
        return found

    def _hung(self, tag: str) -> dict[str, list[Element]]:
        """Flows or loads of each operation, wherever they are written."""
        found: dict[str, list[Element]] = defaultdict(list)
        for name, nodes in self.operations.items():
            found[name] += [node for operation in nodes for node in operation.findall(f"{tag}s/{tag}")]
        for node in self.root.iter(tag):
            name = named(node, "operation") or ""
            if name:
                found[name].append(node)
        for owner in self.root.iter("resource"):
            for node in owner.findall(f"{tag}s/{tag}"):
                node.set("of", field(owner, "name") or "")
        return found

    def minute(self, text: str | None) -> int:
        return int((datetime.fromisoformat(text or "") - self.origin).total_seconds() // 60)

    def date(self, minute: int) -> str:
        return (self.origin + timedelta(minutes=minute)).isoformat()

    # Stock points ---------------------------------------------------------------------------------------------------

    @staticmethod
    def _stock_key(name: str, nodes: list[Element]) -> str:
        item = next((named(node, "item") for node in nodes if named(node, "item")), None)
        location = next((named(node, "location") for node in nodes if named(node, "location")), None)
        return f"{item} @ {location}" if item and location else name

    def value(self, operation: str, name: str) -> str | None:
        return next((field(node, name) for node in self.operations[operation] if field(node, name)), None)

    def reference(self, operation: str, tag: str) -> str | None:
        return next((named(node, tag) for node in self.operations[operation] if named(node, tag)), None)

    def stock(self, flow: Element, operation: str) -> str:
        buffer = named(flow, "buffer")
        return self.buffers.get(buffer, buffer) if buffer else f"{named(flow, 'item')} @ {self.reference(operation, 'location')}"

    # Machines -------------------------------------------------------------------------------------------------------

    def pool(self, name: str) -> tuple[object, ...] | None:
        """The machines of a resource: as many as its maximum; None when it is without a limit."""
        nodes = self._all("resource")[name]
        self._refuse(nodes)
        if any(node.get(TYPE) == "resource_infinite" for node in nodes):
            return None
        if any(node.find("members") is not None or node.find("owner") is not None for node in nodes):
            raise NotBuilt("resource pools")
        if name not in self.pools:
            calendar = next((node.find("maximum_calendar") for node in nodes if node.find("maximum_calendar") is not None), None)
            maximum = next((field(node, "maximum") for node in nodes if field(node, "maximum")), "1")
            steps = self._steps(calendar) if calendar is not None else [(0, HORIZON, float(maximum))]
            keys = [(name, number) for number in range(int(max(value for _start, _end, value in steps)))]
            for key in keys:
                windows = [(start, end) for start, end, value in steps if value > key[1]]
                self.resources[key] = Resource(key=key, windows=windows)
            self.pools[name] = tuple(keys)
        return self.pools[name]

    def _steps(self, calendar: Element) -> list[tuple[int, int, float]]:
        """A calendar as steps: the bucket with the lowest priority number rules, of equals the one that began last."""
        node = next((found for found in self._all("calendar").get(field(calendar, "name") or "", []) if len(found)), calendar)
        default, buckets = float(field(node, "default") or 0), node.findall("buckets/bucket")
        if any(bucket.get("days") or bucket.get("starttime") for bucket in buckets):
            raise NotBuilt("daily calendars")
        spans = []
        for bucket in buckets:
            start = self.minute(field(bucket, "start")) if field(bucket, "start") else 0
            end = self.minute(field(bucket, "end")) if field(bucket, "end") else HORIZON
            spans.append((int(field(bucket, "priority") or 0), -start, end, float(field(bucket, "value") or 0)))
        edges = sorted({0, HORIZON, *(max(0, -span[1]) for span in spans), *(min(HORIZON, span[2]) for span in spans)})
        steps: list[tuple[int, int, float]] = []
        for first, last in pairwise(edges):
            ruling = min((span for span in spans if -span[1] <= first < span[2]), default=(0, 0, 0, default))
            steps.append((first, last, ruling[3]))
        return steps

    def machines(self, operation: str) -> tuple[object, ...]:
        """What an operation runs on: one load, or the alternates of one load."""
        loads = self.loads[operation]
        groups = {field(load, "name") or number: load for number, load in enumerate(loads)}
        found: list[tuple[object, ...]] = []
        for load in sorted(loads, key=lambda node: int(field(node, "priority") or 1)):
            if float(field(load, "quantity") or 1) != 1:
                raise NotBuilt("loads of more or less than one machine")
            keys = self.pool(named(load, "resource") or load.get("of") or "")
            if keys is not None:
                found.append(keys)
        if len(groups) > 1 and len(found) > 1:
            raise NotBuilt("an operation on two resources at once")
        return tuple(key for keys in found for key in keys)

    # Making and buying ----------------------------------------------------------------------------------------------

    def steps(self, operation: str) -> list[str]:
        """The operation itself, or the steps of a routing in their order."""
        return [name for name, _priority in self.subs(operation)] if self._type(operation) == "operation_routing" else [operation]

    def subs(self, operation: str) -> list[tuple[str, int]]:
        found = []
        for node in self.operations[operation]:
            for sub in node.findall("suboperations/suboperation"):
                found.append((named(sub, "operation") or "", int(field(sub, "priority") or 1)))
        return sorted(found, key=lambda one: one[1])

    def _type(self, operation: str) -> str:
        return next((node.get(TYPE) or "" for node in self.operations[operation] if node.get(TYPE)), "operation_fixed_time")

    def routing(self, operation: str, stock: str | None, priority: int = 0) -> Routing:
        """stock: what it makes; None for a delivery."""
        places = {self.reference(step, "location") or "" for step in self.steps(operation)}
        self._refuse([*self.operations[operation], *(node for place in places for node in self._all("location")[place])])
        steps = self.steps(operation)
        flows = [(step, flow) for step in dict.fromkeys((operation, *steps)) for flow in self.flows[step]]
        made = [flow for step, flow in flows if self._quantity(flow) > 0 and self.stock(flow, step) == stock]
        if any(self._quantity(flow) > 0 and self.stock(flow, step) != stock for step, flow in flows):
            raise NotBuilt("by-products")
        if any(field(flow, "quantity_fixed") for flow in made):
            raise NotBuilt("a fixed quantity that is made")
        if len(made) > 1:
            raise NotBuilt("a step that brings goods before the last")
        per = self._quantity(made[0]) if made else 1.0
        operations = tuple(self._operation(step, per) for step in steps)
        groups: dict[object, list[tuple[int, str, float, int]]] = defaultdict(list)
        for number, (step, flow) in enumerate(flows):
            if self._quantity(flow) < 0:
                entry = (int(field(flow, "priority") or 1), self.stock(flow, step), -self._quantity(flow) / per, -millionths(field(flow, "quantity_fixed")))
                groups[field(flow, "name") or number].append(entry)
        components = []
        for group in groups.values():
            (_first, item, quantity, fixed), *others = sorted(group)
            rates = tuple(round(other[2] / quantity * 1_000_000) for other in others)
            components.append(
                Component(item=item, quantity=round(quantity * 1_000_000), fixed=fixed, alternates=tuple(other[1] for other in others), rates=rates)
            )
        sizes = {name: millionths(self.value(operation, f"size_{name}")) for name in ("minimum", "multiple", "maximum")}
        return Routing(
            key=operation,
            operations=operations,
            components=tuple(components),
            priority=priority,
            minimum=round(sizes["minimum"] * per),
            multiple=round(sizes["multiple"] * per),
            maximum=round(sizes["maximum"] * per) or self._piece(operations, sizes["multiple"], per),
        )

    @staticmethod
    def _piece(operations: tuple[Operation, ...], multiple: int, per: float) -> int | None:
        """On several machines, without anything that a lot costs once, each piece is a job of its own: frePPLe cuts lots so that they fit."""
        cut = all(len(operation.resources) > 1 and operation.run and not operation.setup for operation in operations)
        return round((multiple or 1_000_000) * per) if cut else None

    @staticmethod
    def _quantity(flow: Element) -> float:
        return float(field(flow, "quantity") or 0)

    def _operation(self, name: str, per: float) -> Operation:
        fixed = minutes(self.value(name, "duration"))
        run = minutes(self.value(name, "duration_per")) / per if self._type(name) == "operation_time_per" else 0
        return Operation(key=name, resources=self.machines(name), setup=fixed, run=run)

    def makers(self) -> dict[str, list[Routing]]:
        """The routings of each stock point."""
        inner = {sub for name in self.operations for sub, _priority in self.subs(name)}
        found: dict[str, list[Routing]] = defaultdict(list)
        for name in self.operations:
            if name in inner or self.value(name, "priority") == "0":
                continue
            ways = self.subs(name) if self._type(name) == "operation_alternate" else [(name, int(self.value(name, "priority") or 1))]
            for way, priority in ways:
                stock = self.makes(way) or self.makes(name)
                if stock:
                    try:
                        found[stock].append(self.routing(way, stock, priority))
                    except NotBuilt as kind:
                        brought = {self.stock(flow, step) for step in self.steps(way) for flow in self.flows[step] if self._quantity(flow) > 0}
                        self.unbuilt |= dict.fromkeys({stock, *brought}, str(kind))
        return found

    def makes(self, operation: str) -> str | None:
        for step in (operation, *self.steps(operation)):
            for flow in self.flows[step]:
                if self._quantity(flow) > 0:
                    return self.stock(flow, step)
        item, location = self.reference(operation, "item"), self.reference(operation, "location")
        if item and location:
            return f"{item} @ {location}"
        return next((self.buffers[name] for name, nodes in self._all("buffer").items() for node in nodes if named(node, "producing") == operation), None)

    def sources(self) -> dict[str, list[Source]]:
        """The sources of each item."""
        found: dict[str, list[Source]] = defaultdict(list)
        owners = {id(child): field(parent, "name") for tag in ("item", "supplier") for parent in self.root.iter(tag) for child in parent.iter("itemsupplier")}
        families = {field(node, "name"): owner for node in self.root.iter("item") if (owner := named(node, "owner"))}
        for number, node in enumerate(self.root.iter("itemsupplier")):
            item = named(node, "item") or owners[id(node)] or ""
            if field(node, "priority") == "0":
                continue
            try:
                self._refuse([node])
            except NotBuilt as kind:
                self.unbuilt[item] = str(kind)
            found[item].append(
                Source(
                    key=f"source {number}",
                    lead=minutes(field(node, "leadtime")),
                    priority=int(field(node, "priority") or 1),
                    minimum=millionths(field(node, "size_minimum"), 1),
                    multiple=millionths(field(node, "size_multiple")),
                )
            )
        for item, owner in families.items():
            found[item or ""] += found[owner]
        return found

    # The whole ------------------------------------------------------------------------------------------------------

    def world(self) -> tuple[World, list[Demand], dict[str, str]]:
        """The world, the demands that can be told in it, and why not for each that cannot."""
        makers, sources = self.makers(), self.sources()
        for key, nodes in self._all("buffer").items():
            try:
                self._refuse(nodes)
            except NotBuilt as kind:
                self.unbuilt[self.buffers[key]] = str(kind)
        demands, left_out = self._demands(makers)
        stocks = {*makers, *self.buffers.values(), *(str(demand.item) for demand in demands)}
        stocks |= {below for routings in makers.values() for below in self._below(routings)}
        items: dict[object, Item] = {
            key: Item(key=key, routings=tuple(makers.get(key, ())), sources=tuple(sources.get(key.split(" @ ")[0], ()))) for key in stocks
        }
        supplies = [
            Supply(key=f"on hand {key}", item=self.buffers[key], quantity=millionths(amount))
            for key, nodes in self._all("buffer").items()
            for amount in {field(node, "onhand") for node in nodes}
            if amount and float(amount) > 0
        ]
        world = World(horizon=HORIZON, items=items, resources=self.resources, supplies=supplies)
        self._progress(world, demands)
        return world, demands, left_out

    @staticmethod
    def _below(routings: Iterable[Routing]) -> Iterator[str]:
        for routing in routings:
            for component in routing.components:
                yield from map(str, (component.item, *component.alternates))

    def _demands(self, makers: dict[str, list[Routing]]) -> tuple[list[Demand], dict[str, str]]:
        demands: list[Demand] = []
        left_out: dict[str, str] = {}
        groups = {id(child): group for group in self.root.iter("demand") for child in group.findall("members/demand")}
        for node in self.root.iter("demand"):
            name = field(node, "name") or ""
            if field(node, "quantity") is None:
                continue
            try:
                if id(node) in groups and field(groups[id(node)], "policy") != "independent":
                    raise NotBuilt("demands that wait for one another")
                demand = self._demand(node, name, makers)
                self._reachable(str(demand.item), makers)
                demands.append(demand)
            except NotBuilt as kind:
                left_out[name] = str(kind)
        return demands, left_out

    def _reachable(self, stock: str, makers: dict[str, list[Routing]]) -> None:
        waiting = [stock]
        for found in waiting:
            for key in (found, found.split(" @ ")[0]):
                if key in self.unbuilt:
                    raise NotBuilt(self.unbuilt[key])
            waiting.extend(below for below in self._below(makers.get(found, ())) if below not in waiting)

    def _demand(self, node: Element, name: str, makers: dict[str, list[Routing]]) -> Demand:
        self._refuse([node])
        quantity, status = millionths(field(node, "quantity")), field(node, "status") or "open"
        if status not in ("open", "quote"):
            raise NotBuilt(f"a demand that is {status}")
        least, late = millionths(field(node, "minshipment")), field(node, "maxlateness")
        if least not in (0, 1_000_000, quantity):
            raise NotBuilt("a smallest shipment that is not all")
        operation, due = named(node, "operation"), self.minute(field(node, "due"))
        item = f"{named(node, 'item')} @ {named(node, 'location')}"
        if operation and not self.makes(operation):
            item = f"deliver by {operation}"
            makers[item] = [self.routing(operation, None)]
        elif operation:
            item = self.makes(operation) or item
        latest = due + minutes(late) if late else None
        whole = least == quantity and quantity > 1_000_000
        return Demand(key=name, item=item, quantity=quantity, due=due, priority=int(field(node, "priority") or 1), whole=whole, latest=latest)

    def _progress(self, world: World, demands: list[Demand]) -> None:
        """Confirmed orders: what they bring, what they take, and the machine they hold."""
        for number, node in enumerate(self.root.findall("operationplans/operationplan")):
            key, quantity = f"open {number}", millionths(field(node, "quantity"))
            operation, start, end = named(node, "operation"), field(node, "start"), field(node, "end")
            if operation is None:
                stock = f"{named(node, 'item')} @ {named(node, 'location')}"
                world.supplies.append(Supply(key=key, item=stock, quantity=quantity, at=self.minute(end)))
                continue
            begins = self.minute(start) if start else self.minute(end)
            ends = self.minute(end) if end else begins + minutes(self.value(operation, "duration"))
            for flow in self.flows[operation]:
                moved = round(self._quantity(flow) * quantity) + millionths(field(flow, "quantity_fixed"))
                if moved > 0:
                    world.supplies.append(Supply(key=f"{key} {named(flow, 'item')}", item=self.stock(flow, operation), quantity=moved, at=max(0, ends)))
                else:
                    demands.append(Demand(key=f"{key} takes", item=self.stock(flow, operation), quantity=-moved, due=begins, priority=-1))
            world.busy.extend(Busy(resource=machine, start=begins, end=ends) for machine in self.machines(operation)[:1])

    def promised(self, run: int = 1) -> Promised:
        """What frePPLe promised in its run of this number."""
        found: dict[tuple[str, str], float] = defaultdict(float)
        for line in (MODELS / self.name / f"{self.name}.{run}.expect").read_text().splitlines():
            kind, *words = line.split("\t")
            if kind == "DEMAND" and len(words) > 2:
                found[words[0], words[1]] += float(words[2])
        return [(demand, date, quantity) for (demand, date), quantity in sorted(found.items())]
