"""What lies where."""

import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet, Sum

from apps.logistics import models
from apps.logistics.models import Place

MOVE = ("id", "item_id", "item__number", "item__name", "item__name_zh", "item__unit", "configuration", "lot", "source", "target", "quantity", "cause",
        "document_id", "document__type", "document__number", "reason", "at", "by")  # fmt: skip
BALANCE = ("id", "item_id", "item__number", "item__name", "item__name_zh", "item__unit", "configuration", "lot", "place", "quantity")
# What can be counted by hand: the other places are where goods come from and go to.
SHOWN = (Place.STOCK, Place.QUARANTINE, Place.TRANSIT)


def on_hand(items: Sequence[uuid.UUID]) -> Mapping[uuid.UUID, Decimal]:
    """How much of each item lies in stock and is nobody's yet: without what was made to a configuration, which is its customer's. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_ON_HAND, [list(items), Place.STOCK])
        return {item: total for item, total in cursor.fetchall() if total}


_ON_HAND = "SELECT item_id, sum(quantity) FROM logistics_balance WHERE item_id = ANY(%s::uuid[]) AND place = %s AND configuration = '' GROUP BY item_id"


def balances() -> QuerySet[models.Balance]:
    """What lies where, by item, configuration and lot; nothing is left out but what is zero."""
    return models.Balance.objects.exclude(quantity=0)


def moves() -> QuerySet[models.StockMove]:
    """All moves of the ledger."""
    return models.StockMove.objects.all()


def item_balances(*, item: uuid.UUID) -> list[Mapping[str, Any]]:
    """What there is of one item, by configuration, lot and place."""
    return list(balances().filter(item_id=item, place__in=SHOWN).order_by("configuration", "lot", "place").values(*BALANCE))


def item_moves(*, item: uuid.UUID, limit: int = 50) -> list[Mapping[str, Any]]:
    """The last moves of one item, the newest first."""
    return list(moves().filter(item_id=item).order_by("-id").values(*MOVE)[:limit])


def overview(*, words: str = "", after: str = "", limit: int = 50) -> list[Mapping[str, Any]]:
    """The items of which something lies somewhere, by number, with how much in stock, in quarantine and on the way. One query."""
    found = balances().filter(place__in=SHOWN)
    if words:
        found = found.filter(Q(item__number__icontains=words) | Q(item__name__icontains=words) | Q(item__name_zh__icontains=words) | Q(lot__iexact=words))
    if after:
        found = found.filter(item__number__gt=after)
    named = found.values("item_id", "item__number", "item__name", "item__name_zh", "item__unit")
    sums = {place.value: Sum("quantity", filter=Q(place=place)) for place in SHOWN}
    return list(named.annotate(**sums).order_by("item__number")[:limit])
