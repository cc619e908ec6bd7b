"""The clock: the one place where the present time is read."""

import datetime as dt

from django.utils import timezone


def now() -> dt.datetime:
    """The present moment, aware, in UTC."""
    return timezone.now()


def today(zone: dt.tzinfo | None = None) -> dt.date:
    """The present date in `zone` (the active zone of the reader where none is given)."""
    return timezone.localdate(timezone=zone)
