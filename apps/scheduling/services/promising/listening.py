"""What one notes when a partner has spoken: his answer, and the end of a promise."""

import datetime as dt
import uuid

from django.utils.dateparse import parse_datetime

from apps.documents import selectors as conversation
from apps.scheduling import models


def answered(document: uuid.UUID, *, at: dt.datetime) -> None:
    """A partner's answer: the day, the price and the hold, or that he cannot. The first day stays for ever."""
    whole = conversation.whole(id=document)
    row = models.Promise.objects.filter(document=document, side="buyer").first()
    if whole is None or row is None:
        return
    offered = whole.lines[0]["schedules"].get("offered") or []
    day = max((each["due_on"] for each in offered if each["due_on"]), default=None)
    until = whole.head["details"].get("valid_until")
    row.promised_on, row.first_on = day, row.first_on or day
    row.price, row.currency = whole.lines[0]["offered_price"], whole.head["currency"]
    row.held_until = parse_datetime(until) if until else None
    row.closed_at = None if day else at
    row.save()


def closed(document: uuid.UUID, *, at: dt.datetime) -> None:
    """A promise that came to its end: released, expired, kept or broken."""
    models.Promise.objects.filter(document=document).update(closed_at=at, held_until=None)
