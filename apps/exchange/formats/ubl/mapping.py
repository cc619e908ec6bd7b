"""The one table that says which element of a message is which place of the content, for both directions.

Reading *lifts*: the value leaves the generic data (see `tree`) for its place in the content, what else the element has
(attributes) stays. Writing *puts* it back. So nothing is said twice, and what was changed in the content is written.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from apps.exchange.formats.ubl import model, values
from apps.exchange.formats.ubl.tree import Data

GTIN_SCHEMES: Final = ("0160", "GTIN")


@dataclass(frozen=True, kw_only=True)
class Field:
    """One place of the content.

    `paths` are elements from the aggregate down; the first is written, the others are read where it is absent.
    A path may end in ``@attribute``. `implied` are attributes with the place of the content that they repeat
    (``=text`` for a fixed one): they are left out of the details while they agree. `only` restricts by an attribute.
    A `number` that is not written in the shortest way has its spelling in the details, because whoever keeps it as a
    number will give it back in another.
    """

    key: str
    paths: tuple[str, ...]
    date: bool = False
    number: bool = False
    implied: Mapping[str, str] = field(default_factory=dict)
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


ORDER: Final = (
    Field(key="number", paths=("ID",)),
    Field(key="issued_on", paths=("IssueDate",), date=True),
    Field(key="currency", paths=("DocumentCurrencyCode",)),
    Field(key="note", paths=("Note",)),
)

RESPONSE: Final = (
    *ORDER,
    Field(key="code", paths=("OrderResponseCode",)),
    Field(key="order_number", paths=("OrderReference/ID",)),
)

SIMPLE_RESPONSE: Final = (
    *(row for row in ORDER if row.key not in ("currency", "note")),
    Field(key="note", paths=("Note", "RejectionNote")),
    Field(key="code", paths=("AcceptedIndicator",)),
    Field(key="order_number", paths=("OrderReference/ID",)),
)

CHANGE: Final = (
    *ORDER,
    Field(key="sequence", paths=("SequenceNumberID",)),
    Field(key="order_number", paths=("OrderReference/ID",)),
)

CANCELLATION: Final = (
    *(row for row in ORDER if row.key != "currency"),
    Field(key="reason", paths=("CancellationNote",)),
    Field(key="order_number", paths=("OrderReference/ID",)),
)

_PRICE: Final = (
    Field(key="quantity", paths=("LineItem/Quantity",), number=True),
    Field(key="unit", paths=("LineItem/Quantity@unitCode",)),
    Field(key="price", paths=("LineItem/Price/PriceAmount",), number=True, implied={"currency_id": "currency"}),
    Field(key="price_base", paths=("LineItem/Price/BaseQuantity",), number=True, implied={"unit_code": "unit"}),
)


def _item(path: str) -> tuple[Field, ...]:
    return (
        Field(key="buyer_item", paths=(f"{path}/BuyersItemIdentification/ID",)),
        Field(key="seller_item", paths=(f"{path}/SellersItemIdentification/ID",)),
        Field(
            key="gtin",
            paths=(f"{path}/StandardItemIdentification/ID",),
            implied={"scheme_id": "=0160"},
            only={"scheme_id": GTIN_SCHEMES},
        ),
        Field(key="name", paths=(f"{path}/Name", f"{path}/Description")),
    )


_ITEM: Final = _item("LineItem/Item")

ORDER_LINE: Final = (
    Field(key="reference", paths=("LineItem/ID",)),
    *_ITEM,
    *_PRICE,
    Field(key="note", paths=("LineItem/Note", "Note")),
)

CHANGE_LINE: Final = (*ORDER_LINE, Field(key="status", paths=("LineItem/LineStatusCode",)))

RESPONSE_LINE: Final = (
    Field(key="reference", paths=("OrderLineReference/LineID", "LineItem/ID")),
    Field(key="response", paths=("LineItem/LineStatusCode",)),
    *_ITEM,
    *_PRICE,
    Field(key="backorder", paths=("LineItem/MaximumBackorderQuantity",), number=True, implied={"unit_code": "unit"}),
    Field(key="reason", paths=("LineItem/Note", "Note")),
)

# Of the aggregate LineItem, which the substituting line is.
SUBSTITUTE: Final = _item("Item")


def lift(data: Data, rows: tuple[Field, ...], kind: str, context: Mapping[str, str]) -> dict[str, str]:
    """Take the values of `rows` out of `data` (of the aggregate `kind`, changed in place), by their key."""
    found: dict[str, str] = {}
    for row in rows:
        for index, path in enumerate(row.paths):
            value = _lift(data, row, _steps(path, kind), {**context, **found}, keep=index > 0)
            if value is not None:
                found[row.key] = value
                break
    return found


def put(
    data: Data,
    rows: tuple[Field, ...],
    kind: str,
    content: Mapping[str, Any],
    context: Mapping[str, str],
    *,
    as_given: bool = False,
) -> None:
    """The reverse of `lift`: `data`, changed in place, says what `content` says, and no more.

    Numbers are written as the message had them where they still are the same, `as_given` where there was none.
    """
    known = {**context, **{key: value for key, value in content.items() if isinstance(value, str)}}
    for row in rows:
        paths = [_steps(path, kind) for path in row.paths]
        vacant = [steps for steps in paths if _vacant(data, steps)]
        if row.key in content:
            chosen = vacant[0] if vacant else paths[0]
            _put(data, row, chosen, str(content[row.key]), known, as_given=as_given)
        for steps in vacant:
            _drop_vacant(data, steps)


@dataclass(frozen=True)
class _Step:
    child: model.Child
    attribute: str = ""


@cache
def _steps(path: str, kind: str) -> tuple[_Step, ...]:
    bare, _at, attribute = path.partition("@")
    steps: list[_Step] = []
    for name in bare.split("/"):
        child = model.aggregate(kind).by_name[name]
        steps.append(_Step(child))
        kind = child.aggregate
    steps[-1] = _Step(steps[-1].child, model.snake(attribute))
    return tuple(steps)


def _first(data: Data, child: model.Child) -> Any:
    held = data.get(child.key)
    return (held[0] if held else None) if child.many else held


def _set_first(data: Data, child: model.Child, value: Any) -> None:
    if child.many:
        data[child.key] = [value, *data.get(child.key, [])[1:]]
    else:
        data[child.key] = value


def _drop_first(data: Data, child: model.Child) -> None:
    rest = data.get(child.key, [])[1:] if child.many else []
    if rest:
        data[child.key] = rest
    else:
        data.pop(child.key, None)


def _walk(data: Data, steps: tuple[_Step, ...]) -> Iterator[tuple[Data, model.Child]]:
    """Every holder on the way with the child to take in it, as far as the data goes."""
    for step in steps:
        yield data, step.child
        following = _first(data, step.child)
        if not isinstance(following, dict):
            return
        data = following


def _lift(data: Data, row: Field, steps: tuple[_Step, ...], context: Mapping[str, str], *, keep: bool) -> str | None:
    way = list(_walk(data, steps))
    leaf = _first(*way[-1]) if len(way) == len(steps) else None
    if leaf is None:
        return None
    leaf = dict(leaf) if isinstance(leaf, dict) else {"value": leaf}
    part = steps[-1].attribute or "value"
    if part not in leaf or any(leaf.get(name) not in allowed for name, allowed in row.only.items()):
        return None
    value = _lifted(leaf, row, str(leaf.pop(part)))
    _forget_implied(leaf, row, context)
    _prune(way, leaf, keep=keep)
    return value


def _lifted(leaf: Data, row: Field, value: str) -> str:
    """The value for the content; what of its form would be lost stays in the leaf."""
    if row.number and values.canonical(value) != value:
        leaf["spelled"] = value
    day, zone = (values.date(value) if row.date else None) or (value, "")
    if zone:
        leaf["zone"] = zone
    return day


def _spelled(leaf: Data, row: Field, value: str, *, as_given: bool) -> str:
    """The value for the element; `leaf` loses what was only kept for that."""
    zone, spelled = leaf.pop("zone", ""), leaf.pop("spelled", None)
    if not row.number or as_given:
        return f"{value}{zone}"
    if spelled is None:
        return values.canonical(value)
    return str(spelled) if values.canonical(spelled) == values.canonical(value) else value


def _implied(row: Field, known: Mapping[str, str]) -> dict[str, str]:
    resolved = {name: rule[1:] if rule.startswith("=") else known.get(rule, "") for name, rule in row.implied.items()}
    return {name: value for name, value in resolved.items() if value}


def _forget_implied(leaf: Data, row: Field, context: Mapping[str, str]) -> None:
    for name, value in _implied(row, context).items():
        if name not in leaf:
            leaf[name] = None
        elif leaf[name] == value:
            del leaf[name]


def _prune(way: list[tuple[Data, model.Child]], leaf: Data, *, keep: bool) -> None:
    """Put the rest of the leaf back; where nothing is left of it, nor of what held it, those go too.

    The first of several stays, empty, lest the next be taken for it; so does what stood for another (`keep`).
    """
    holder, child = way[-1]
    _set_first(holder, child, leaf)
    for holder, child in reversed(way):
        if keep or _first(holder, child) or (child.many and len(holder[child.key]) > 1):
            return
        _drop_first(holder, child)


def _vacant(data: Data, steps: tuple[_Step, ...]) -> bool:
    way = list(_walk(data, steps))
    leaf = _first(*way[-1]) if len(way) == len(steps) else None
    return isinstance(leaf, dict) and (steps[-1].attribute or "value") not in leaf


def _put(data: Data, row: Field, steps: tuple[_Step, ...], value: str, known: Mapping[str, str], *, as_given: bool) -> None:
    for step in steps[:-1]:
        following = _first(data, step.child)
        if not isinstance(following, dict):
            following = {}
            _set_first(data, step.child, following)
        data = following
    last = steps[-1]
    held = _first(data, last.child)
    leaf = dict(held) if isinstance(held, dict) else ({} if held is None else {"value": held})
    if last.attribute and "value" not in leaf:
        return
    implied = _implied(row, known)
    if any({**implied, **leaf}.get(name) not in allowed for name, allowed in row.only.items()):
        leaf = {}
    said = value if last.attribute else _spelled(leaf, row, value, as_given=as_given)
    leaf = {**implied, **leaf, (last.attribute or "value"): said}
    _set_first(data, last.child, {name: part for name, part in leaf.items() if part is not None})


def _drop_vacant(data: Data, steps: tuple[_Step, ...]) -> None:
    """Take away what still lacks its value, and every aggregate that cannot be without it, or is empty without it."""
    if not _vacant(data, steps) or steps[-1].attribute:
        return
    way = list(_walk(data, steps))
    while way:
        holder, child = way.pop()
        _drop_first(holder, child)
        needed = bool(way) and way[-1][1].least > 0
        if not child.least and (holder or needed):
            return
