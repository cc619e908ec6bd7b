"""Questions about promises: one's own records of what was promised to us and by us."""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from apps.scheduling import models


@dataclass(frozen=True, slots=True, kw_only=True)
class Promised:
    """A promise of ours to a customer, as it holds now."""

    document: uuid.UUID
    partner_id: uuid.UUID
    item: uuid.UUID | None
    quantity: Decimal
    asked_on: dt.date | None
    promised_on: dt.date | None
    price: Decimal | None
    firm: bool
    configuration: Mapping[str, Any] | None
    order_id: uuid.UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a partner promised us. item: one's own; parent: the promise of ours that it serves."""

    document: uuid.UUID
    partner_id: uuid.UUID
    item: uuid.UUID | None
    unit: str
    source: uuid.UUID | None
    quantity: Decimal
    asked_on: dt.date | None
    promised_on: dt.date | None
    price: Decimal | None
    currency: str
    parent: uuid.UUID | None


def promised(document: uuid.UUID) -> Promised | None:
    """A promise of ours, None where there is none here."""
    row = models.Promise.objects.filter(document=document, side="seller").first()
    if row is None:
        return None
    return Promised(
        document=row.document, partner_id=row.partner_id, item=row.item_id, quantity=row.quantity, asked_on=row.asked_on, promised_on=row.promised_on,
        price=row.price, firm=row.firm, configuration=row.configuration, order_id=row.order_id,
    )  # fmt: skip


def parts(documents: Sequence[uuid.UUID]) -> list[Part]:
    """What partners promised us, by the ids of the documents, the first due first."""
    rows = models.Promise.objects.filter(document__in=list(documents), side="buyer").select_related("item").order_by("promised_on", "document")
    return [
        Part(
            document=row.document, partner_id=row.partner_id, item=row.item_id, unit=row.item.unit if row.item else "C62", source=row.source_id,
            quantity=row.quantity, asked_on=row.asked_on, promised_on=row.promised_on, price=row.price, currency=row.currency, parent=row.parent_id,
        )
        for row in rows
    ]  # fmt: skip
