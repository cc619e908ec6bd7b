"""Items: one's own numbers, and what the partners call them."""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import biip.gtin
from biip import ParseError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.base import fields, units
from apps.base.acting import Actor
from apps.base.findings import Finding, Invalid
from apps.base.models import Batch
from apps.catalog import models
from apps.catalog.services.reading import MOST_DAYS, Given, Put, Reader, choice_of, number_of, read, text_of, whole_of, yes
from apps.network import selectors as network


def save_item(*, number: Any, name: Any, unit: Any = "C62", name_zh: Any = "", gtin: Any = "", aliases: Sequence[Any] | None = None,
              id: uuid.UUID | None = None, bought: Any = True, sold: Any = True, procurement: Any = None, shipping_days: Any = None, price: Any = None,
              keep_aliases_of: Sequence[uuid.UUID] = (), by: Actor, at: dt.datetime) -> models.Item:  # fmt: skip
    """Enter an item, or change the one with `id`.

    gtin: GTIN-8 to GTIN-14 with its check digit (GS1 General Specifications 7.9). aliases: `{"partner": slug, "number"}` each; None leaves
    them as they are; keep_aliases_of: partners whose numbers stay, whatever aliases says. procurement: `make`, `buy` or `stock`;
    shipping_days: calendar days from being finished to the customer's door; price: a unit's list price, "" for none; None leaves these as
    they are. Raises Invalid with every finding.
    """
    put = Put()
    given = {"number": number, "name": name, "name_zh": name_zh, "unit": unit, "gtin": gtin, "bought": bought, "sold": sold}
    told = {name: value for name, value in (("procurement", procurement), ("shipping_days", shipping_days), ("price", price)) if value is not None}
    values = read({**given, **told}, READERS, 0, put)
    findings = [finding for _index, finding in put.findings]
    partners = _partners(aliases or [], findings)
    if findings or values is None:
        raise Invalid(findings)
    with transaction.atomic():
        return _write(id, values, None if aliases is None else partners, keep_aliases_of)


def put_items(rows: Sequence[Given]) -> Put:
    """Enter items together, in a transaction of the caller's, or change those with the same numbers: fields as those of save_item(), no aliases.

    The good rows are written, whatever is wrong with the others.
    """
    put = Put()
    numbers = [str(row.get("number", "")).strip() for row in rows]
    known = {item.number: item for item in models.Item.objects.select_for_update(no_key=True).filter(number__in=numbers).order_by("pk")}
    coming: dict[str, models.Item] = {}
    for index, row in enumerate(rows):
        values = read(row, READERS, index, put)
        if values is None:
            continue
        if values["number"] in coming:
            put.wrong(index, "/number", "twice", _("This item stands here twice."))
            continue
        item = known.get(values["number"]) or models.Item()
        for field, value in values.items():
            setattr(item, field, value)
        coming[item.number] = item
        put.saved[index] = item.pk
    models.Item.objects.bulk_create([item for number, item in coming.items() if number not in known], batch_size=2000)
    changed = [item for number, item in coming.items() if number in known]
    batch = Batch()
    batch.update(models.Item, ("id", *READERS), [(item.pk, *(getattr(item, name) for name in READERS)) for item in changed])
    batch.write()
    return put


def _write(id: uuid.UUID | None, values: Mapping[str, Any], aliases: Sequence[tuple[uuid.UUID, str]] | None, kept: Sequence[uuid.UUID]) -> models.Item:
    item = models.Item.objects.select_for_update().filter(pk=id).first() if id else models.Item()
    if item is None:
        raise Invalid([Finding("/", "missing", _("There is no such item."))])
    for field, value in values.items():
        setattr(item, field, value)
    try:
        with transaction.atomic():
            item.save()
    except IntegrityError as error:
        raise Invalid([Finding("/number", "number_taken", _("You have an item with this number already."))]) from error
    if aliases is not None:
        _write_aliases(item, aliases, kept)
    return item


def _write_aliases(item: models.Item, aliases: Sequence[tuple[uuid.UUID, str]], kept: Sequence[uuid.UUID]) -> None:
    item.aliases.exclude(partner_id__in=kept).delete()
    try:
        with transaction.atomic():
            models.Alias.objects.bulk_create([models.Alias(item=item, partner_id=partner, number=number) for partner, number in aliases])
    except IntegrityError as error:
        raise Invalid([Finding("/aliases", "number_taken", _("This partner's number stands for another item of yours already."))]) from error


def add_alias(*, item: uuid.UUID, partner_id: uuid.UUID, number: str, by: Actor, at: dt.datetime) -> None:
    """Say once that the partner's `number` means this item; what it meant before is replaced."""
    models.Alias.objects.update_or_create(partner_id=partner_id, number=number, defaults={"item_id": item})


def _partners(aliases: Sequence[Any], findings: list[Finding]) -> list[tuple[uuid.UUID, str]]:
    found = []
    for index, alias in enumerate(aliases):
        at = f"/aliases/{index}"
        if not isinstance(alias, Mapping):
            findings.append(Finding(at, "alias", _("A partner's number is an object with partner and number.")))
            continue
        try:
            found.append((network.partner(slug=str(alias.get("partner"))).id, fields.text(alias.get("number"), limit=60, required=True)))
        except network.NoPartner as error:
            findings.append(Finding(f"{at}/partner", "partner", str(error)))
        except fields.Unreadable as error:
            findings.append(Finding(f"{at}/number", error.code, str(error)))
    return found


def read_gtin(value: Any) -> str:
    """A GTIN-8 to GTIN-14 with its check digit, or nothing. Raises Unreadable."""
    text = fields.text(value, limit=14)
    if text:
        try:
            biip.gtin.Gtin.parse(text)
        except ParseError:
            raise fields.Unreadable("gtin", _("A GTIN has 8, 12, 13 or 14 digits, the last of them a check digit.")) from None
    return text


READERS: Mapping[str, Reader] = {
    "number": text_of(60, required=True),
    "name": text_of(200, required=True),
    "name_zh": text_of(200),
    "unit": units.unit,
    "gtin": read_gtin,
    "bought": yes,
    "sold": yes,
    "procurement": choice_of(models.Procurement.values),
    "shipping_days": whole_of(gettext_noop("The days to the customer cannot be negative."), high=MOST_DAYS),
    "price": lambda value: None if value in (None, "") else fields.price(number_of(value)),
}
