"""The one commit: the promise is taken, the order stands at the seller, and everything beneath it at every tier, or nothing at all."""

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from apps.base import acting, announcing
from apps.base.acting import SYSTEM, Actor
from apps.documents import selectors as conversation
from apps.documents import services as documents
from apps.documents.types import TYPES
from apps.scheduling import models
from apps.scheduling.services import holding
from apps.scheduling.services.holding import HoldExpired
from apps.scheduling.services.promising import asking, reasoning

COMMIT_MINUTES = 10
"""How long a promise is held that is taken at once: longer than any transaction lasts."""


class NotHeld(Exception):
    """What was answered cannot be held any more: the sentence says what can be had instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Firmed:
    """News: a promise of ours to a customer was taken, and what was held for it is firm. children: what partners promised us for it."""

    document: uuid.UUID
    children: tuple[uuid.UUID, ...]
    at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """News: a customer gave back a promise of ours that he had taken. children: what partners promised us for it, and we have taken."""

    document: uuid.UUID
    children: tuple[uuid.UUID, ...]
    at: dt.datetime


def can(document: uuid.UUID, move: str) -> bool:
    """Whether the state of a promise allows this side a move."""
    head = conversation.head(id=document)
    return head is not None and move in [each.code for each in conversation.moves_now(TYPES["promise"], head, SYSTEM)]


def hold(*, document: uuid.UUID, minutes: int, by: Actor, at: dt.datetime, version: int | None = None) -> None:
    """Ask the seller to hold what he answered. Where it has become later meanwhile he answers anew, and nothing is held."""
    data = {"outcome": "holding", "terms": {"hold_minutes": minutes}}
    documents.apply(document=document, move="hold", data=data, by=by, at=at, version=version, inline=True)


def commit(*, document: uuid.UUID, number: str = "", by: Actor, at: dt.datetime, version: int | None = None) -> uuid.UUID:
    """Take a promise: it becomes the order to the seller, with all that hangs on it at every tier, in this transaction. Gives the order's id.

    A promise that is only answered is held first. Raises HoldExpired, NotHeld, Stuck and what `documents.apply` raises; then nothing has changed.
    """
    with transaction.atomic():
        if can(document, "hold"):
            hold(document=document, minutes=COMMIT_MINUTES, by=by, at=at, version=version)
            version = None
            if not can(document, "commit"):
                raise NotHeld(_("It cannot be had on that day any more: %(why)s") % {"why": " ".join(_why(document))})
        promise = models.Promise.objects.select_for_update().filter(document=document, side="buyer").first()
        if promise is not None and promise.held_until is not None and promise.held_until <= at:
            raise HoldExpired(_("The hold has expired, and what was held may be taken: ask again."))
        documents.apply(document=document, move="commit", by=by, at=at, version=version, inline=True)
        order = _order(document, number=number, by=by, at=at)
        models.Promise.objects.filter(document=document).update(order_id=order, firm=True, held_until=None)
    return order


def _why(document: uuid.UUID) -> list[str]:
    head = conversation.head(id=document)
    return reasoning.sentences(head["details"].get("why", ())) if head else []


def _order(document: uuid.UUID, *, number: str, by: Actor, at: dt.datetime) -> uuid.UUID:
    """The order that a promise becomes, at its price and day, published; the seller takes it in at once."""
    whole = conversation.whole(id=document)
    assert whole is not None
    lines, lenient = [_line(line, document) for line in whole.lines], any(line["item_id"] is None for line in whole.lines)
    partner, currency = whole.head["partner_id"], whole.head["currency"]

    def publish(number: str) -> uuid.UUID:
        said = documents.say(
            type="order", move="publish", partner=partner, number=number, currency=currency, lines=lines, by=by, at=at, lenient=lenient, inline=True
        )
        return said.pk

    # Others of this enterprise may take promises at this moment: nobody who named no number is refused for the one that we chose.
    return publish(number) if number else documents.numbered(type="order", prefix=acting.home().slug.upper()[:12], write=publish)


def _line(line: Mapping[str, Any], promise: uuid.UUID) -> dict[str, Any]:
    price = line["agreed_price"] if line["agreed_price"] is not None else line["price"]
    agreed = line["schedules"]["agreed"]
    return {
        "item": line["buyer_item"],
        "seller_item": line["seller_item"],
        "gtin": line["gtin"],
        "name": line["name"],
        "quantity": format(line["quantity"], "f"),
        "unit": line["unit"],
        "price": None if price is None else format(price, "f"),
        "schedules": [{"quantity": format(day["quantity"], "f"), "due_on": day["due_on"]} for day in agreed],
        "details": {**line["details"], "promise": str(promise)},
    }


def taken(document: uuid.UUID, *, at: dt.datetime) -> None:
    """React at the seller: what was held for the customer becomes firm, and the floors above order what partners promised for it."""
    holding.lock_plan()
    promise = models.Promise.objects.select_for_update().get(document=document)
    if promise.held_until is None or promise.held_until <= at:
        raise HoldExpired(_("The hold has expired, and what was held may be taken: ask again."))
    _need_parts(document, at=at)
    holding.firm_up(document, at=at)
    models.Promise.objects.filter(pk=promise.pk).update(firm=True, held_until=None)
    children = models.Promise.objects.filter(parent_id=document, side="buyer", closed_at=None, held_until__gt=at).order_by("pk")
    announcing.announce(Firmed(document=document, children=tuple(children.values_list("document", flat=True)), at=at))


def _need_parts(document: uuid.UUID, *, at: dt.datetime) -> None:
    """What partners hold for a promise must be held still: one of them may have lost it before its time. Raises HoldExpired."""
    parts = models.Peg.objects.filter(promise_id=document, giver=models.Giver.PART, document__isnull=False).values("document")
    gone = Q(closed_at__isnull=False) | Q(firm=False, held_until__lte=at)
    if models.Promise.objects.filter(gone, document__in=parts, side="buyer").exists():
        raise HoldExpired(_("The hold has expired, and what was held may be taken: ask again."))


def released(document: uuid.UUID, *, at: dt.datetime) -> None:
    """React at the seller: what was kept for the customer is free, and what partners promised for it is given back, tier by tier.

    What we have taken ourselves became orders: the floors above take those back, as far as they can be.
    """
    holding.lock_plan()
    holding.release(document)
    models.Promise.objects.filter(document=document).update(firm=False, held_until=None, closed_at=at)
    asking.drop_children(document, by=SYSTEM, at=at)
    taken = models.Promise.objects.filter(parent_id=document, side="buyer", closed_at=None, firm=True).order_by("pk")
    announcing.announce(Released(document=document, children=tuple(taken.values_list("document", flat=True)), at=at))


def note_order(*, promise: uuid.UUID, order: uuid.UUID) -> None:
    """Note at the seller which order a promise of ours became."""
    models.Promise.objects.filter(document=promise, side="seller").update(order_id=order)
