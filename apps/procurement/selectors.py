"""Questions about needs: what must be bought, for whom, and what became of it."""

import uuid

from django.db.models import QuerySet

from apps.procurement.models import Need

STANDINGS = ("open", "ordered", "closed")


def needs(*, standing: str = "") -> QuerySet[Need]:
    """The needs of this home, with their items: open (to be ordered), ordered, closed (given up), or all."""
    rows = Need.objects.select_related("item")
    if standing == "open":
        return rows.filter(order_id=None, closed_at=None)
    if standing == "ordered":
        return rows.filter(order_id__isnull=False, closed_at=None)
    return rows.filter(closed_at__isnull=False) if standing == "closed" else rows


def need(*, id: uuid.UUID) -> Need | None:
    return needs().filter(pk=id).first()


def standing_of(need: Need) -> str:
    """One of STANDINGS."""
    if need.closed_at is not None:
        return "closed"
    return "ordered" if need.order_id else "open"
