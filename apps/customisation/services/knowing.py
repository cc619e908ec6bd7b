"""A release as the engine takes it, and as it is shown; kept in this process, for a published release never changes."""

import functools
import threading
import uuid
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from apps.base import acting, fields
from apps.base.text import Text
from apps.customisation.models import Release
from apps.customisation.services import editing, solving
from apps.customisation.services.solving import Attributes, Feature, Model, Option, Rule, Table
from apps.tenants.services import Leaving

Words = dict[str, str]
Row = Mapping[str, Any]
MOST_KEPT = 64


@dataclass(frozen=True, kw_only=True)
class Known:
    """A release: its model for the engine, and its features as plain JSON for whoever shows them, in both languages."""

    id: uuid.UUID
    number: int
    model: Model
    features: Sequence[dict[str, Any]]

    @functools.cached_property
    def engine(self) -> solving.Engine:
        """Compiled once for each process. Raises solving.Faulty."""
        return solving.engine(self.model)


_kept: OrderedDict[tuple[uuid.UUID, uuid.UUID], Known] = OrderedDict()
_lock = threading.Lock()


def known(release: Release) -> Known:
    """The release as the engine takes it. A draft is read anew each time."""
    if release.published_at is None:
        return _read(release)
    key = (acting.home().id, release.pk)
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    found = _read(release)
    with _lock:
        _kept[key] = found
        while len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)
    return found


def forget_releases(news: Leaving) -> None:
    """React to an enterprise that leaves: this process knows its products no longer. Elsewhere nobody acts for it who could ask."""
    with _lock:
        for key in [key for key in _kept if key[0] == news.home.id]:
            del _kept[key]
    solving.forget()


def _read(release: Release) -> Known:
    described = editing.described(release)
    product = release.product
    model = model_of(described, code=product.code, name=Text(product.name, product.name_zh or product.name))
    return Known(id=release.pk, number=release.number, model=model, features=[_shown(row) for row in described["features"]])


# For the engine ----------------------------------------------------------------------------------------------------------


def model_of(described: Row, *, code: str, name: Text | None = None) -> Model:
    """A model for the engine, of a release as `editing.described` gives it."""
    rules = [row for row in described["rules"] if row["table"] is None]
    tables = [row for row in described["rules"] if row["table"] is not None]
    return Model(
        code=code,
        name=name,
        features=tuple(_feature(row) for row in described["features"]),
        rules=tuple(Rule(code=row["code"], formula=row["formula"], explanation=_explanation(row)) for row in rules),
        tables=tuple(_table(row) for row in tables),
        price=described["price"],
        currency=described["currency"],
    )


def _feature(row: Row) -> Feature:
    options = tuple(
        Option(code=option["code"], name=_name(option), price=option["price"], attributes=_attributes(option["attributes"])) for option in row["options"]
    )
    numbers = {name: row[name] for name in ("minimum", "maximum", "step")}
    return Feature(
        code=row["code"],
        kind=row["kind"],
        name=_name(row),
        optional=row["optional"] and row["kind"] != "flag",
        options=options,
        price=row["price"],
        attributes=_attributes(row["attributes"]),
        **numbers,
    )


def _table(row: Row) -> Table:
    rows = tuple(tuple(values) for values in row["table"]["rows"])
    return Table(code=row["code"], features=tuple(row["table"]["features"]), rows=rows, explanation=_explanation(row))


def _name(row: Row) -> Text:
    return Text(row["name"], row["name_zh"] or row["name"])


def _explanation(row: Row) -> Text | None:
    return Text(row["text"], row["text_zh"] or row["text"]) if row["text"] else None


def _attributes(given: Mapping[str, str | bool]) -> Attributes:
    return tuple((name, Decimal(value) if isinstance(value, str) and fields.NUMBER.match(value) else value) for name, value in given.items())


# For whoever shows it ----------------------------------------------------------------------------------------------------


def words(english: str, chinese: str) -> Words:
    """A text of the maker's in both languages; the asker picks."""
    return {"en": english, "zh": chinese or english}


def _shown(row: Row) -> dict[str, Any]:
    """A feature as plain JSON: decimals as text."""
    options = [
        {"code": option["code"], "name": words(option["name"], option["name_zh"]), "price": format(option["price"], "f"), "picture": option["picture"]}
        for option in row["options"]
    ]
    numbers = {name: None if row[name] is None else format(row[name], "f") for name in ("minimum", "maximum", "step")}
    return {
        "code": row["code"],
        "name": words(row["name"], row["name_zh"]),
        "kind": row["kind"],
        "optional": row["optional"] and row["kind"] != "flag",
        "group": words(row["group"], row["group_zh"]),
        "unit": row["unit"],
        **numbers,
        "options": options,
    }
