"""The sweep: finds whatever a crash left undelivered."""

import uuid
from dataclasses import dataclass

from django.db.models import F, Q
from django.utils.translation import gettext as _

from apps.base import acting, clock
from apps.exchange import crossing, models
from apps.exchange.services import lifting
from apps.tenants.services import Closed


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What a sweep found: channels with something waiting, envelopes delivered, channels that are halted."""

    channels: int
    delivered: int
    halted: int


def waiting() -> list[tuple[uuid.UUID, uuid.UUID]]:
    """The channels (sender, receiver) in which something waits and which are not halted for now. Ask as an operator."""
    rows = models.Channel.objects.filter(Q(cursor=None, head__gt=0) | Q(head__gt=F("cursor__delivered")))
    found = rows.values_list("sender_id", "receiver_id", "cursor__halted_at", "cursor__attempts")
    now = clock.now()
    return [(sender, receiver) for sender, receiver, halted_at, attempts in found if lifting.due(halted_at=halted_at, attempts=attempts, now=now)]


def sweep(*, even_halted: bool = False) -> Swept:
    """Deliver all that is pending, channel by channel. One channel's trouble is not another's."""
    with acting.as_operator():
        channels = waiting()
        if even_halted:
            rows = models.Channel.objects.filter(Q(cursor=None, head__gt=0) | Q(head__gt=F("cursor__delivered")))
            channels = list(rows.values_list("sender_id", "receiver_id"))
        delivered = lifting.sweep(channels, lambda sender, receiver: crossing.deliver(sender=sender, receiver=receiver))
        halted = models.Cursor.objects.exclude(halted_at=None).count()
    return Swept(channels=len(channels), delivered=delivered, halted=halted)


class Unfinished(RuntimeError):
    """An enterprise that leaves has said what its partners have not taken in yet. The message names them."""


def finish(news: Closed) -> None:
    """React to a door that was shut: whatever waits from or for this enterprise is delivered. Raises Unfinished."""
    me = news.home
    with acting.act_as(me):
        channels = list(models.Channel.objects.filter(Q(sender=me.id) | Q(receiver=me.id)).values_list("sender_id", "receiver_id"))
    with acting.as_operator():
        for sender, receiver in channels:
            crossing.deliver(sender=sender, receiver=receiver, home=me if receiver == me.id else None)
    with acting.act_as(me):
        rows = models.Channel.objects.filter(Q(cursor=None, head__gt=0) | Q(head__gt=F("cursor__delivered")), sender=me.id)
        behind = sorted(rows.values_list("receiver__slug", flat=True))
    if behind and not news.anyway:
        partners = ", ".join(behind)
        raise Unfinished(_("%(slug)s has said what these partners have not taken in yet: %(partners)s") % {"slug": me.slug, "partners": partners})


def resume(*, channel: uuid.UUID) -> int:
    """Try a halted channel again now. Gives how many envelopes were taken. Ask as an operator."""
    row = models.Channel.objects.get(pk=channel)
    return crossing.deliver(sender=row.sender_id, receiver=row.receiver_id)
