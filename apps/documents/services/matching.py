"""Matching: a person says which of one's own items a partner's line means."""

import datetime as dt
import uuid

from django.db import transaction
from django.db.models import Case, F, Value, When
from django.utils.translation import gettext as _

from apps.base.acting import Actor
from apps.base.findings import refuse
from apps.catalog import selectors as catalog
from apps.catalog import services as items
from apps.documents import models
from apps.documents.services.moving import NoSuchDocument, _need


def match_line(*, line: uuid.UUID, item: uuid.UUID, remember: bool = True, by: Actor, at: dt.datetime) -> int:
    """Match a line of the queue with an item of one's own, and every waiting line for which the same partner says the same number.

    remember: enter the partner's number for the item, so that later documents match by themselves. Gives how many lines were
    matched. What was said between the two enterprises does not change. Raises NoSuchDocument, MayNot, Invalid.
    """
    _need(by, "catalog.change")
    with transaction.atomic():
        row = models.Line.objects.select_for_update(of=("self",)).select_related("document").filter(pk=line, item=None).first()
        if row is None:
            raise NoSuchDocument
        found = catalog.item(id=item)
        if found is None:
            raise refuse("/item", "item", _("There is no such item."))
        own, partners = ("buyer_item", "seller_item") if row.document.side == "buyer" else ("seller_item", "buyer_item")
        number = getattr(row, partners)
        waiting = models.Line.objects.filter(pk=row.pk, item=None)
        if number and remember:
            items.add_alias(item=found.pk, partner_id=row.document.partner_id, number=number, by=by, at=at)
            alike = {"document__partner_id": row.document.partner_id, "document__side": row.document.side, partners: number}
            waiting = models.Line.objects.filter(item=None, pk__in=models.Line.objects.filter(item=None, **alike).values("pk"))
        # What the partner wrote stays as he wrote it: one's own number is entered only where he left it out.
        return waiting.update(item_id=found.pk, **{own: Case(When(**{own: ""}, then=Value(found.number)), default=F(own))})
