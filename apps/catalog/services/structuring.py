"""Bills of material: what goes into an item, under which condition, and that nothing is made of itself."""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.base import fields, formulas
from apps.base.acting import Actor
from apps.base.findings import Finding, Invalid
from apps.base.models import Batch, new_id
from apps.base.retrying import whole
from apps.catalog import models, selectors
from apps.catalog.services.reading import MOST_POSITION, MOST_PRIORITY, Given, Items, Put, Reader, at_least_zero, day, read, whole_of

STEP = 10
COLUMNS = ("item_id", "position", "component_id", "quantity", "scrap", "fixed", "condition", "alternate_of_id", "priority", "valid_from", "valid_until")
_FIELDS = tuple(name.removesuffix("_id") for name in COLUMNS)


def save_component(*, item: Any, component: Any, quantity: Any = "1", position: Any = None, condition: Any = "", scrap: Any = 0, fixed: Any = 0,
                   alternate_of: Any = None, priority: Any = 0, valid_from: Any = None, valid_until: Any = None,
                   id: uuid.UUID | None = None, by: Actor, at: dt.datetime) -> models.Component:  # fmt: skip
    """Say that `component` goes into `item`, or change the line with `id`.

    item, component: number or id. quantity: number or formula, in units of the component for one unit of the item, greater than zero.
    position: where the line stands, the next ten where it is not said. condition: a formula; empty always holds. scrap: percent of what is
    taken that is lost, below 100. alternate_of: position (or id) of the line for which this one may stand in, one for one.
    Raises Invalid with every finding; a circle is told with its path.
    """
    row = {
        "item": item,
        "component": component,
        "quantity": quantity,
        "position": position,
        "condition": condition,
        "scrap": scrap,
        "fixed": fixed,
        "alternate_of": alternate_of,
        "priority": priority,
        "valid_from": valid_from,
        "valid_until": valid_until,
    }
    return whole(lambda: _save({**row, **({"id": id} if id else {})}))


def _save(row: Given) -> models.Component:
    with transaction.atomic():
        return models.Component.objects.get(pk=put_components([row]).only())


def remove_component(*, id: uuid.UUID, by: Actor, at: dt.datetime) -> None:
    """Take a line out of its bill of material, with those that may stand in for it. Raises Invalid where there is none."""
    deleted, _kinds = models.Component.objects.filter(pk=id).delete()
    if not deleted:
        raise Invalid([Finding("/", "missing", _("There is no such line."))])


# Reading --------------------------------------------------------------------------------------------------------------


def read_quantity(value: Any) -> str:
    """A quantity as a formula. Raises Unreadable with its place in the text, and where it is a number that is not greater than zero."""
    text = _formula_text(value)
    if not text:
        raise fields.Unreadable("required", _("This must not be empty."))
    formula = _parsed(text)
    if not formula.names:
        try:
            amount = formula.amount({})
        except formulas.FormulaError as error:
            raise fields.Unreadable("formula", error.sentence) from error
        if amount <= 0:
            raise fields.Unreadable("not_positive", _("A quantity must be greater than zero."))
    return text


def read_condition(value: Any) -> str:
    """A condition as a formula, empty where it always holds. Raises Unreadable with its place in the text."""
    text = _formula_text(value)
    formula = _parsed(text)
    if text and not formula.names:
        try:
            formula.holds({})
        except formulas.FormulaError as error:
            raise fields.Unreadable("formula", error.sentence) from error
    return text


def _formula_text(value: Any) -> str:
    if isinstance(value, bool | float):
        raise fields.Unreadable("formula", _("Write a number or a formula, as text: “2” or “ceil(width / 100)”."))
    return fields.text(value if value is None else str(value), limit=1000)


def _parsed(text: str) -> formulas.Formula:
    try:
        return formulas.parse(text)
    except formulas.Unreadable as error:
        detail = _("%(what)s (character %(column)d)") % {"what": error.sentence, "column": error.column}
        raise fields.Unreadable("formula", detail) from error


def read_scrap(value: Any) -> Any:
    found = at_least_zero(gettext_noop("Scrap cannot be negative."))(value)
    if found >= 100:
        raise fields.Unreadable("scrap", _("Scrap must be less than 100 %: otherwise nothing would be left."))
    return found


_position = whole_of(gettext_noop("A position is 1 or more."), low=1, high=MOST_POSITION)
_READERS: Mapping[str, Reader] = {
    "quantity": read_quantity,
    "condition": read_condition,
    "scrap": read_scrap,
    "fixed": at_least_zero(gettext_noop("A fixed quantity cannot be negative.")),
    "priority": whole_of(gettext_noop("A priority cannot be negative."), high=MOST_PRIORITY),
    "valid_from": day,
    "valid_until": day,
    "position": lambda value: None if value is None or value == "" else _position(value),
}


# Writing many at once -------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Line:
    """A line on its way into the table: what is said about it, and the line that it changes."""

    index: int
    values: dict[str, Any]
    known: dict[str, Any] | None
    id: uuid.UUID
    alternate_of: Any = None

    @property
    def stands_in(self) -> bool:
        return self.alternate_of is not None and self.alternate_of != ""

    @property
    def edge(self) -> tuple[uuid.UUID, uuid.UUID]:
        return self.values["item_id"], self.values["component_id"]


@dataclass(slots=True)
class _Lines:
    """The lines of some items: those that are there, and those that come."""

    put: Put
    known: dict[uuid.UUID, dict[str, Any]]
    coming: dict[uuid.UUID, _Line] = field(default_factory=dict)
    at: dict[tuple[uuid.UUID, int], uuid.UUID] = field(default_factory=dict)
    highest: dict[uuid.UUID, int] = field(default_factory=dict)

    def place(self, item: uuid.UUID, position: int, id: uuid.UUID) -> None:
        self.at[item, position] = id
        self.highest[item] = max(self.highest.get(item, 0), position)

    def next_position(self, item: uuid.UUID) -> int:
        return (self.highest.get(item, 0) // STEP + 1) * STEP

    def standing(self, id: uuid.UUID) -> dict[str, Any] | None:
        """What will be said about the line with this id when all that comes is written."""
        return self.coming[id].values if id in self.coming else self.known.get(id)

    def stands_in(self, id: uuid.UUID) -> bool:
        """Whether the line is an alternate of another one."""
        return self.coming[id].stands_in if id in self.coming else self.known[id]["alternate_of_id"] is not None

    def drop(self, line: _Line, pointer: str, code: str, detail: str) -> None:
        del self.coming[line.id]
        self.put.wrong(line.index, pointer, code, detail)


def put_components(rows: Sequence[Given], *, upsert: bool = False) -> Put:
    """Enter lines together, in a transaction of the caller's: fields as those of save_component(), `id` where a line is changed.

    upsert: a line at the same position of the same item is changed. The good rows are written, whatever is wrong with the others.
    """
    put = Put()
    items = Items(row.get(name) for row in rows for name in ("item", "component"))
    parsed = [_read(row, index, items, put) for index, row in enumerate(rows)]
    good = [(index, values) for index, values in enumerate(parsed) if values is not None]
    lines = _Lines(put, _known([values["item"] for _index, values in good if "item" in values], [row["id"] for row in rows if "id" in row]))
    for row in lines.known.values():
        lines.place(row["item_id"], row["position"], row["id"])
    for index, values in good:
        _arrange(lines, index, values, rows[index].get("id"), upsert)
    _refuse_circles(lines)
    _tie_alternates(lines)
    _write(lines)
    return put


def _read(row: Given, index: int, items: Items, put: Put) -> dict[str, Any] | None:
    values = read(row, {"item": items.read, "component": items.read, **_READERS}, index, put)
    if values is None:
        return None
    if {"item", "component"} <= values.keys() and values["item"] == values["component"]:
        put.wrong(index, "/component", "circle", _("An item cannot be made of itself."))
        return None
    if values.get("valid_from") and values.get("valid_until") and values["valid_from"] > values["valid_until"]:
        put.wrong(index, "/valid_until", "dates", _("The last day lies before the first."))
        return None
    return {**values, **({"alternate_of": row["alternate_of"]} if "alternate_of" in row else {})}


def _known(items: Iterable[uuid.UUID], ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, dict[str, Any]]:
    """The lines of these items, and of the items of the lines with these ids; the items are locked first, so that nobody else takes a position."""
    named = list(ids)
    owners = {*items, *(models.Component.objects.filter(pk__in=named).values_list("item_id", flat=True) if named else ())}
    _lock(owners)
    return {row["id"]: row for row in models.Component.objects.filter(item__in=owners).values("id", *COLUMNS)}


def _lock(items: Iterable[uuid.UUID]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM catalog_item WHERE id = ANY(%s::uuid[]) ORDER BY id FOR NO KEY UPDATE", [list(items)])


def _arrange(lines: _Lines, index: int, values: dict[str, Any], id: uuid.UUID | None, upsert: bool) -> None:
    """Find the line that is meant, and its place."""
    known = lines.known.get(id) if id else None
    if id and known is None:
        lines.put.wrong(index, "/", "missing", _("There is no such line."))
        return
    alternate_of = values.pop("alternate_of", known["alternate_of_id"] if known else None)
    item = values.pop("item", known["item_id"] if known else None)
    said = values.pop("position", None)
    position = said or (known["position"] if known else lines.next_position(item))
    taken = lines.at.get((item, position))
    if taken and known is None and upsert and taken in lines.known and taken not in lines.coming:
        known = lines.known[taken]
    if taken and (known is None or taken != known["id"]):
        lines.put.wrong(index, "/position", "position_taken", _("Position %(position)d of this item is taken already.") % {"position": position})
        return
    component = values.pop("component", known["component_id"] if known else None)
    base = {name: known[name] for name in COLUMNS} if known else dict(_NEW)
    told = {**base, **values, "item_id": item, "component_id": component, "position": position}
    line = _Line(index, told, known, known["id"] if known else new_id(), alternate_of)
    lines.place(item, position, line.id)
    if known and (known["item_id"], known["position"]) != (item, position):
        del lines.at[known["item_id"], known["position"]]
    lines.coming[line.id] = line


_NEW: Mapping[str, Any] = {
    "quantity": "1",
    "scrap": 0,
    "fixed": 0,
    "condition": "",
    "alternate_of_id": None,
    "priority": 0,
    "valid_from": None,
    "valid_until": None,
}


# Circles --------------------------------------------------------------------------------------------------------------


def _refuse_circles(lines: _Lines) -> None:
    """Drop the lines with which something would be needed for itself."""
    graph = _graph(list(lines.coming.values()))
    if not _in_circle(graph, lines.coming.values()):
        return
    for line in list(lines.coming.values()):
        item, component = line.edge
        path = _path(graph, component, item)
        if path is None:
            graph[item].add(component)
        else:
            numbers = selectors.numbers(path)
            told = f" {_('needs')} ".join(numbers[key] for key in (item, *path))
            lines.drop(line, "/component", "circle", _("This goes in a circle: %(path)s.") % {"path": told})


def _graph(coming: Sequence[_Line]) -> dict[uuid.UUID, set[uuid.UUID]]:
    """What needs what below the items that these lines name, without the lines that they change. The items are locked, so that it stays true.

    Whoever else adds a line that closes a circle with one of these locks one of the same items, and then sees these lines.
    """
    ends = {end for line in coming for end in line.edge}
    locked: set[uuid.UUID] = set()
    while True:
        edges = _edges([line.values["component_id"] for line in coming])
        wanted = ends | {end for edge in edges for end in edge[:2]}
        if wanted <= locked:
            break
        _lock(wanted)
        locked |= wanted
    changed = {line.id for line in coming}
    graph: dict[uuid.UUID, set[uuid.UUID]] = defaultdict(set)
    for item, component, id in edges:
        if id not in changed:
            graph[item].add(component)
    return graph


def _edges(components: Sequence[uuid.UUID]) -> list[tuple[uuid.UUID, uuid.UUID, uuid.UUID]]:
    with connection.cursor() as cursor:
        cursor.execute(_BELOW, [list(components)])
        found: list[tuple[uuid.UUID, uuid.UUID, uuid.UUID]] = cursor.fetchall()
    return found


_BELOW = (
    "WITH RECURSIVE reached(id) AS (SELECT unnest(%s::uuid[]) UNION SELECT c.component_id FROM catalog_component c JOIN reached r ON c.item_id = r.id) "
    "SELECT c.item_id, c.component_id, c.id FROM catalog_component c JOIN reached r ON c.item_id = r.id"
)


def _in_circle(graph: Mapping[uuid.UUID, set[uuid.UUID]], coming: Iterable[_Line]) -> bool:
    needs = {item: set(components) for item, components in graph.items()}
    for line in coming:
        item, component = line.edge
        needs.setdefault(item, set()).add(component)
    try:
        TopologicalSorter(needs).prepare()
    except CycleError:
        return True
    return False


def _path(graph: Mapping[uuid.UUID, set[uuid.UUID]], start: uuid.UUID, end: uuid.UUID) -> list[uuid.UUID] | None:
    """The items from `start` to `end`, both among them, each needing the next; None where there is no way."""
    came: dict[uuid.UUID, uuid.UUID | None] = {start: None}
    waiting = [start]
    while waiting:
        here = waiting.pop(0)
        if here == end:
            path = [here]
            while (before := came[path[-1]]) is not None:
                path.append(before)
            return path[::-1]
        for further in graph.get(here, ()):
            if further not in came:
                came[further] = here
                waiting.append(further)
    return None


# Alternates -----------------------------------------------------------------------------------------------------------


def _tie_alternates(lines: _Lines) -> None:
    """Find the line for which each one may stand in, and drop those that say something else."""
    for line in list(lines.coming.values()):
        if not line.stands_in:
            line.values["alternate_of_id"] = None
        elif fault := _alternate_fault(lines, line):
            lines.drop(line, *fault)


def _alternate_fault(lines: _Lines, line: _Line) -> tuple[str, str, str] | None:
    """Tie the line to the one that it names; what is wrong, where it cannot be."""
    target = _named(lines, line)
    main = lines.standing(target) if target else None
    if target is None or main is None or main["item_id"] != line.values["item_id"] or target == line.id:
        return "/alternate_of", "alternate_of", _("There is no other line of this item at that position.")
    if lines.stands_in(target) or (line.known is not None and any(lines.known[id]["alternate_of_id"] == line.id for id in lines.known)):
        return "/alternate_of", "alternate_of", _("A line that stands in for another one cannot have alternates itself.")
    if main["component_id"] == line.values["component_id"]:
        return "/component", "alternate_of", _("The alternate is the same item as the line that it stands in for.")
    if line.values["quantity"] != "1" or line.values["condition"]:
        return "/quantity", "alternate_of", _("An alternate stands in one for one: its quantity and condition are those of the other line.")
    line.values["alternate_of_id"] = target
    return None


def _named(lines: _Lines, line: _Line) -> uuid.UUID | None:
    said = line.alternate_of
    if isinstance(said, uuid.UUID):
        return said
    try:
        return lines.at.get((line.values["item_id"], _position(said)))
    except fields.Unreadable:
        return None


def _write(lines: _Lines) -> None:
    coming = lines.coming.values()
    new = [line for line in coming if line.known is None]
    changed = [line for line in coming if line.known is not None and any(line.values[name] != line.known[name] for name in COLUMNS)]
    batch = Batch()
    batch.insert(models.Component, ("id", *_FIELDS), [(line.id, *(line.values[name] for name in COLUMNS)) for line in new])
    batch.write()
    batch = Batch()
    batch.update(models.Component, ("id", *_FIELDS), [(line.id, *(line.values[name] for name in COLUMNS)) for line in changed])
    batch.write()
    lines.put.saved |= {line.index: line.id for line in coming}
