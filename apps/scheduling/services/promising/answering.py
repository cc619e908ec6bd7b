"""Answering a customer: the seller's half of the conversation. It runs in his home, within the customer's transaction."""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from apps.base import acting
from apps.base.acting import SYSTEM
from apps.base.findings import Invalid
from apps.base.models import Batch
from apps.customisation import services as customisation
from apps.documents import selectors as conversation
from apps.documents import services as documents
from apps.documents.services import Moved, Schedule
from apps.scheduling import models
from apps.scheduling.services import holding
from apps.scheduling.services.exploding import Wanted
from apps.scheduling.services.promising import asking, reasoning
from apps.scheduling.services.promising.considering import Considered, consider

Plain = Mapping[str, Any]
LONGEST_HOLD = 1440


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a customer asks for, as the seller reads it. wanted: None where he does not know the item."""

    document: uuid.UUID
    partner_id: uuid.UUID
    wanted: Wanted | None
    quantity: Decimal
    due_on: dt.date | None
    price: Decimal | None
    currency: str
    configuration: Plain | None
    hold_minutes: int
    offered_on: dt.date | None

    @classmethod
    def of(cls, news: Moved) -> "Request":
        assert news.content is not None
        line = news.content.lines[0]
        item = news.items[line.position] if line.position in news.items else conversation.first_item(news.document.pk)
        configuration = line.details.get("configuration")
        choices = dict(configuration["choices"]) if configuration else None
        digest = str(configuration["digest"]) if configuration else ""
        return cls(
            document=news.document.pk,
            partner_id=news.document.partner_id,
            wanted=Wanted(item=item, choices=choices, digest=digest) if item else None,
            quantity=line.quantity,
            due_on=_last(line.requested),
            price=line.price,
            currency=news.content.currency,
            configuration=configuration,
            hold_minutes=min(int(news.content.details.get("hold_minutes") or 0), LONGEST_HOLD),
            offered_on=_last(line.offer.schedules) if line.offer else None,
        )


def _last(schedules: Sequence[Schedule]) -> dt.date | None:
    return max((schedule.due_on for schedule in schedules if schedule.due_on), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a unit costs; amount None: it is agreed elsewhere. refused: why nothing is sold this way, as the customer is told."""

    amount: Decimal | None
    currency: str
    refused: str = ""


def price_of(wish: Request, listed: Decimal | None) -> Price:
    """One's own price: of the configuration, else the item's list price, else what the customer says is agreed."""
    home = acting.home()
    if wish.configuration is not None:
        return _configured(wish.configuration, home)
    return Price(amount=listed, currency=home.currency) if listed is not None else Price(amount=wish.price, currency=wish.currency)


def _configured(configuration: Plain, home: acting.Home) -> Price:
    """The price of a configuration that is whole, holds by the rules of its release, and is what its digest says."""
    try:
        told = customisation.configure(
            seller=customisation.seller_of(None), product=configuration["product"], choices=configuration["choices"], release=configuration["release"]
        )
    except Invalid:
        return Price(amount=None, currency=home.currency, refused="configuration")
    if not (told.valid and told.complete and told.digest == configuration["digest"]):
        return Price(amount=None, currency=home.currency, refused="configuration")
    return Price(amount=told.amount, currency=told.currency)


def answer(news: Moved) -> None:
    """Answer what a customer asks, or asks to hold: with a date and a price, and with a hold where he wants one and it is still to be had."""
    wish, document, at = Request.of(news), news.document.pk, news.step.at
    if wish.hold_minutes:
        holding.lock_plan()
    if wish.offered_on is not None:
        holding.release(document)
        asking.drop_children(document, by=SYSTEM, at=at)
    if wish.wanted is None:
        _decline(news, wish, [{"kind": "unknown_item"}])
        return
    price = price_of(wish, None)
    if price.refused:
        _decline(news, wish, [{"kind": price.refused}])
        return
    asks = asking.Sources(parent=document, at=at, hold_minutes=wish.hold_minutes)
    found = consider(document=document, wanted=wish.wanted, quantity=wish.quantity, due_on=wish.due_on, at=at, asks=asks)
    for unused in asks.unused({purchase.reference for purchase in found.outcome.purchases} if found.promised_on else set()):
        asking.drop(unused, by=SYSTEM, at=at)
    if wish.configuration is None:
        price = price_of(wish, found.loaded.made[wish.wanted.item].price)
    why = reasoning.told(found.causes, found.loaded)
    if found.promised_on is None:
        _decline(news, wish, why or [{"kind": "horizon"}], chain=reasoning.chain(found.causes, found.loaded))
        return
    _promise(news, wish, found, price, why)


def _promise(news: Moved, wish: Request, found: Considered, price: Price, why: list[dict[str, Any]]) -> None:
    """Promise the day that was found. Asked to hold what was answered before, nothing is held where it has become later meanwhile."""
    assert found.promised_on is not None
    at, batch = news.step.at, Batch()
    later = wish.offered_on is not None and found.promised_on > wish.offered_on
    held = bool(wish.hold_minutes) and not later
    until = at + dt.timedelta(minutes=wish.hold_minutes) if held else None
    _record(batch, wish, promised_on=found.promised_on, price=price, held_until=until, chain=reasoning.chain(found.causes, found.loaded))
    if held:
        holding.write(found.outcome, loaded=found.loaded, held_until=until, at=at, batch=batch)
    else:
        batch.write()
        if wish.hold_minutes:
            asking.drop_children(wish.document, by=SYSTEM, at=at)
    quantity = format(wish.quantity, "f")
    line = {"line": 1, "response": "change", "schedules": [{"quantity": quantity, "due_on": found.promised_on}]}
    if price.amount is not None:
        line["price"] = format(price.amount, "f")
    terms = {"why": why, "valid_until": until.isoformat() if until else None, "currency": price.currency, "hold_minutes": 0}
    data = {"outcome": "held" if held else "answered", "terms": terms, "lines": [line]}
    documents.reply(to=news, move="answer", data=data, by=SYSTEM, at=at)


def _decline(news: Moved, wish: Request, why: list[dict[str, Any]], *, chain: list[dict[str, Any]] | None = None) -> None:
    at, batch = news.step.at, Batch()
    asking.drop_children(wish.document, by=SYSTEM, at=at)
    _record(batch, wish, promised_on=None, price=Price(amount=None, currency=wish.currency), held_until=None, chain=chain or [], closed_at=at)
    batch.write()
    line = {"line": 1, "response": "reject", "reason": _("It cannot be promised.")}
    data = {"outcome": "declined", "terms": {"why": why, "hold_minutes": 0}, "lines": [line]}
    documents.reply(to=news, move="answer", data=data, by=SYSTEM, at=at)


def _record(batch: Batch, wish: Request, *, promised_on: dt.date | None, price: Price, held_until: dt.datetime | None, chain: list[dict[str, Any]],
            closed_at: dt.datetime | None = None) -> None:  # fmt: skip
    """One's own record of what was promised: the first day stays for ever."""
    now = {
        "promised_on": promised_on, "price": price.amount, "currency": price.currency, "held_until": held_until, "cause": chain, "closed_at": closed_at,
    }  # fmt: skip
    asked = {
        "item": wish.wanted.item if wish.wanted else None, "side": "seller", "partner_id": wish.partner_id, "quantity": wish.quantity,
        "asked_on": wish.due_on, "configuration": wish.configuration, "first_on": promised_on,
    }  # fmt: skip
    if wish.offered_on is None:
        asking.record(batch, {"document": wish.document, **asked, **now})
    else:
        models.Promise.objects.filter(document=wish.document).update(**now, first_on=Coalesce("first_on", Value(promised_on)))
