"""The catalogue's own sheets: from rows to services, and back."""

import datetime as dt
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from apps.base.acting import Actor
from apps.catalog import models
from apps.catalog.services.items import put_items
from apps.catalog.services.placing import COLUMNS as SITE
from apps.catalog.services.placing import put_sites
from apps.catalog.services.reading import Given, Items, Partners, Put
from apps.catalog.services.sourcing import put_sources
from apps.catalog.services.structuring import put_components
from apps.network import selectors as network

ITEM = ("number", "name", "name_zh", "unit", "gtin", "bought", "sold", "procurement", "shipping_days", "price")
LINE = ("position", "quantity", "scrap", "fixed", "condition", "priority", "valid_from", "valid_until")
OFFER = ("lead_days", "transport_days", "minimum", "multiple", "price", "currency", "priority", "policy", "asked", "active")


def load_items(rows: Sequence[Given], *, by: Actor, at: dt.datetime) -> Put:
    return put_items(rows)


def load_sites(rows: Sequence[Given], *, by: Actor, at: dt.datetime) -> Put:
    return put_sites(rows, upsert=True)


def load_components(rows: Sequence[Given], *, by: Actor, at: dt.datetime) -> Put:
    """Lines by item and position. One with “remove” is taken out first."""
    return _with_removals(rows, _remove_line, lambda kept: put_components([_line(row) for row in kept], upsert=True))


def load_sources(rows: Sequence[Given], *, by: Actor, at: dt.datetime) -> Put:
    """Sources by item and partner. One with “remove” is taken out first."""
    return _with_removals(rows, _remove_source, lambda kept: put_sources(kept, upsert=True))


def _line(row: Given) -> Given:
    """An alternate's own quantity may stay empty: it is that of the line for which it stands in."""
    return {**row, "quantity": "1"} if row.get("alternate_of") and not row.get("quantity") else row


def _with_removals(rows: Sequence[Given], remove: Callable[[Sequence[tuple[int, Given]], Put], None], keep: Callable[[list[Given]], Put]) -> Put:
    going = [(index, row) for index, row in enumerate(rows) if row.get("remove")]
    staying = [(index, {name: value for name, value in row.items() if name != "remove"}) for index, row in enumerate(rows) if not row.get("remove")]
    put = Put()
    remove(going, put)
    kept = keep([row for _index, row in staying])
    put.saved |= {staying[index][0]: id for index, id in kept.saved.items()}
    put.findings += [(staying[index][0], finding) for index, finding in kept.findings]
    return put


def _remove_line(rows: Sequence[tuple[int, Given]], put: Put) -> None:
    items = Items(row.get("item") for _index, row in rows)
    wanted = {index: (items.get(row.get("item")), str(row.get("position") or "")) for index, row in rows}
    lines = models.Component.objects.filter(item__in={item for item, _position in wanted.values() if item})
    known = {(line.item_id, str(line.position)): line.pk for line in lines}
    _forget(models.Component, wanted, known, put, "/position", _("There is no line at this position of the item, so that none can be removed."))


def _remove_source(rows: Sequence[tuple[int, Given]], put: Put) -> None:
    items = Items(row.get("item") for _index, row in rows)
    sources = list(models.Source.objects.filter(item__in={id for _index, row in rows if (id := items.get(row.get("item")))}))
    partners = Partners(source.partner_id for source in sources)
    wanted = {index: (items.get(row.get("item")), partners.get(row.get("partner"))) for index, row in rows}
    known = {(source.item_id, source.partner_id): source.pk for source in sources}
    _forget(models.Source, wanted, known, put, "/partner", _("This partner is no source of the item, so that none can be removed."))


def _forget(model: type[models.Component] | type[models.Source], wanted: Mapping[int, Any], known: Mapping[Any, uuid.UUID], put: Put,
            pointer: str, sentence: str) -> None:  # fmt: skip
    """Delete the rows that are named by what `known` has them by."""
    for index, key in wanted.items():
        if key in known:
            put.saved[index] = known[key]
        else:
            put.wrong(index, pointer, "missing", sentence)
    if put.saved:
        model._default_manager.filter(pk__in=put.saved.values()).delete()


# What there is --------------------------------------------------------------------------------------------------------


def dump_items() -> Iterator[Mapping[str, Any]]:
    for row in models.Item.objects.order_by("number").values(*ITEM):
        yield _numbers(row, ("price",))


def dump_sites() -> Iterator[Mapping[str, Any]]:
    yield from models.Site.objects.order_by("code").values(*SITE)


def dump_components() -> Iterator[Mapping[str, Any]]:
    lines = models.Component.objects.order_by("item__number", "position")
    for row in lines.values(*LINE, "item__number", "component__number", "alternate_of__position"):
        alternate_of = row["alternate_of__position"]
        told = {**row, "item": row["item__number"], "component": row["component__number"], "alternate_of": alternate_of}
        yield {**_numbers(told, ("scrap", "fixed")), **({"quantity": ""} if alternate_of is not None else {})}


def dump_sources() -> Iterator[Mapping[str, Any]]:
    rows = list(models.Source.objects.order_by("item__number", "priority", "id").values(*OFFER, "item__number", "partner_id"))
    names = network.names(list({row["partner_id"] for row in rows}))
    for row in rows:
        if row["partner_id"] in names:
            yield _numbers({**row, "item": row["item__number"], "partner": names[row["partner_id"]].slug}, ("minimum", "multiple", "price"))


def _numbers(row: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Numbers with more digits than a spreadsheet keeps become text, so that none is lost."""
    return {**row, **{name: format(value, "f") for name in names if isinstance(value := row[name], Decimal) and len(value.normalize().as_tuple().digits) > 15}}
