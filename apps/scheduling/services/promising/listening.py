"""What one notes when a partner has spoken: his answer, and the end of a promise."""

import datetime as dt
import uuid

from django.db.models import Value
from django.db.models.functions import Coalesce
from django.utils.dateparse import parse_datetime

from apps.documents.services import Moved
from apps.scheduling import models


def answered(news: Moved) -> None:
    """A partner's answer: the day, the price and the hold, or that he cannot. The first day stays for ever."""
    content = news.content
    assert content is not None
    offer = content.lines[0].offer
    day = max((each.due_on for each in offer.schedules if each.due_on), default=None) if offer else None
    until = content.details.get("valid_until")
    models.Promise.objects.filter(document=news.document.pk, side="buyer").update(
        promised_on=day,
        first_on=Coalesce("first_on", Value(day)),
        price=offer.price if offer else None,
        currency=content.currency,
        held_until=parse_datetime(until) if until else None,
        closed_at=None if day else news.step.at,
    )


def closed(document: uuid.UUID, *, at: dt.datetime) -> None:
    """A promise that came to its end: released, expired, kept or broken."""
    models.Promise.objects.filter(document=document).update(closed_at=at, held_until=None)
