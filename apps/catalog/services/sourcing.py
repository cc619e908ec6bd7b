"""Sources: from which partner an item is bought, how long it takes, in which lots and at which price."""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.base import acting, fields
from apps.base.acting import Actor
from apps.base.findings import Finding, Invalid
from apps.base.models import Batch, new_id
from apps.base.retrying import whole
from apps.catalog import models
from apps.catalog.services.reading import (
    MOST_DAYS,
    MOST_PRIORITY,
    Given,
    Items,
    Partners,
    Put,
    Reader,
    at_least_zero,
    choice_of,
    number_of,
    read,
    whole_of,
    yes,
)

_VALUES = ("lead_days", "transport_days", "minimum", "multiple", "price", "currency", "priority", "policy", "asked", "active")
COLUMNS = ("item_id", "partner_id", *_VALUES)


def save_source(*, item: Any, partner: Any, lead_days: Any = 0, transport_days: Any = 0, minimum: Any = 0, multiple: Any = 0, price: Any = None,
                currency: Any = "", priority: Any = 0, policy: Any = "automatic", asked: Any = True, active: Any = True,
                id: uuid.UUID | None = None, by: Actor, at: dt.datetime) -> models.Source:  # fmt: skip
    """Say that `item` can be bought from `partner`, or change the source with `id`.

    item: number or id; partner: short name or id of an active partner. lead_days, transport_days: calendar days. minimum, multiple: lots in
    the item's unit, 0 for any. price: of one unit; without a currency it is in the enterprise's own. policy: `automatic` or `by_hand`.
    Raises Invalid with every finding.
    """
    row = {
        "item": item,
        "partner": partner,
        "lead_days": lead_days,
        "transport_days": transport_days,
        "minimum": minimum,
        "multiple": multiple,
        "price": price,
        "currency": currency,
        "priority": priority,
        "policy": policy,
        "asked": asked,
        "active": active,
    }
    return whole(lambda: _save({**row, **({"id": id} if id else {})}))


def _save(row: Given) -> models.Source:
    with transaction.atomic():
        return models.Source.objects.get(pk=put_sources([row]).only())


def remove_source(*, id: uuid.UUID, by: Actor, at: dt.datetime) -> None:
    """Forget a source. Raises Invalid where there is none."""
    deleted, _kinds = models.Source.objects.filter(pk=id).delete()
    if not deleted:
        raise Invalid([Finding("/", "missing", _("There is no such source."))])


def read_price(value: Any) -> Any:
    return None if value is None or value == "" else fields.price(number_of(value))


def read_currency(value: Any) -> str:
    return "" if value is None or value == "" else fields.currency(value)


_READERS: Mapping[str, Reader] = {
    "lead_days": whole_of(gettext_noop("A lead time cannot be negative."), high=MOST_DAYS),
    "transport_days": whole_of(gettext_noop("The days of transport cannot be negative."), high=MOST_DAYS),
    "minimum": at_least_zero(gettext_noop("A lot cannot be negative.")),
    "multiple": at_least_zero(gettext_noop("A lot cannot be negative.")),
    "price": read_price,
    "currency": read_currency,
    "priority": whole_of(gettext_noop("A priority cannot be negative."), high=MOST_PRIORITY),
    "policy": choice_of(models.Policy.values),
    "asked": yes,
    "active": yes,
}
_NEW: Mapping[str, Any] = {
    "lead_days": 0,
    "transport_days": 0,
    "minimum": 0,
    "multiple": 0,
    "price": None,
    "currency": "",
    "priority": 0,
    "policy": models.Policy.AUTOMATIC.value,
    "asked": True,
    "active": True,
}


def put_sources(rows: Sequence[Given], *, upsert: bool = False) -> Put:
    """Enter sources together, in a transaction of the caller's: fields as those of save_source(), `id` where one is changed.

    upsert: the source of the same item and partner is changed. The good rows are written, whatever is wrong with the others.
    """
    put = Put()
    items = Items(row.get("item") for row in rows)
    known = _known([found for row in rows if (found := items.get(row.get("item")))], [row["id"] for row in rows if "id" in row])
    partners = Partners(row["partner_id"] for row in known.values())
    by_pair = {(row["item_id"], row["partner_id"]): row["id"] for row in known.values()}
    readers: Mapping[str, Reader] = {"item": items.read, "partner": partners.read, **_READERS}
    coming: dict[uuid.UUID, dict[str, Any]] = {}
    for index, row in enumerate(rows):
        values = read(row, readers, index, put)
        if values is None:
            continue
        told = _arranged(values, row.get("id"), known, by_pair, upsert)
        if isinstance(told, Finding) or told["id"] in coming:
            put.findings.append((index, told if isinstance(told, Finding) else _taken()))
            continue
        by_pair[told["item_id"], told["partner_id"]] = told["id"]
        coming[told["id"]] = told
        put.saved[index] = told["id"]
    _write(coming, known)
    return put


def _known(items: Sequence[uuid.UUID], ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, dict[str, Any]]:
    owners = {*items, *(models.Source.objects.filter(pk__in=ids).values_list("item_id", flat=True) if ids else ())}
    # Locked, so that nobody else enters the same pair meanwhile.
    list(models.Item.objects.filter(pk__in=owners).order_by("pk").select_for_update(no_key=True).values_list("pk"))
    return {row["id"]: row for row in models.Source.objects.filter(item__in=owners).values("id", *COLUMNS)}


def _taken() -> Finding:
    return Finding("/partner", "source_taken", _("This partner is a source of the item already."))


def _arranged(values: dict[str, Any], id: uuid.UUID | None, known: Mapping[uuid.UUID, dict[str, Any]], by_pair: Mapping[tuple[uuid.UUID, uuid.UUID], uuid.UUID],
              upsert: bool) -> dict[str, Any] | Finding:  # fmt: skip
    """The row as it will stand; what is wrong, where it cannot."""
    before = known.get(id) if id else None
    if id and before is None:
        return Finding("/", "missing", _("There is no such source."))
    item = values.pop("item", before["item_id"] if before else None)
    partner = values.pop("partner", before["partner_id"] if before else None)
    taken = by_pair.get((item, partner))
    if before is None and upsert and taken is not None:
        before = known.get(taken)
    if taken is not None and (before is None or before["id"] != taken):
        return _taken()
    told = {**(before or {"id": new_id(), **_NEW}), **values, "item_id": item, "partner_id": partner}
    if told["price"] is not None and not told["currency"]:
        told["currency"] = acting.home().currency
    return told


def _write(coming: Mapping[uuid.UUID, dict[str, Any]], known: Mapping[uuid.UUID, dict[str, Any]]) -> None:
    names = ("id", "item", "partner_id", *_VALUES)
    new = [row for id, row in coming.items() if id not in known]
    changed = [row for id, row in coming.items() if id in known and row != known[id]]
    batch = Batch()
    batch.insert(models.Source, names, [(row["id"], *(row[name] for name in COLUMNS)) for row in new])
    batch.update(models.Source, names, [(row["id"], *(row[name] for name in COLUMNS)) for row in changed])
    batch.write()
