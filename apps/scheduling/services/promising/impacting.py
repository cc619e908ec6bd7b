"""What a change or a cancellation costs, before anybody says yes: asked of the seller, who asks his own sellers. Nothing is written anywhere.

What is told is whether it is frozen, from which day on, an amount and a date; the rest is the seller's own affair.
"""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.base import clock
from apps.base.acting import Actor
from apps.base.templatetags.tributary import day_text
from apps.documents import services as documents
from apps.exchange import services as exchange
from apps.scheduling import models
from apps.scheduling.services import holding, planning, replanning
from apps.scheduling.services.promising import freezing
from apps.scheduling.services.promising.asking import UNANSWERED, Sources
from apps.scheduling.services.promising.committing import can
from apps.scheduling.services.promising.freezing import Bought, Spell

Plain = dict[str, Any]


class Frozen(Exception):
    """What was promised cannot be taken back any more: the sentence says since when."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is wished instead: another day, another quantity. Neither: that it be taken back."""

    due_on: dt.date | None = None
    quantity: Decimal | None = None

    @property
    def is_change(self) -> bool:
        return self.due_on is not None or self.quantity is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """What it means. frozen: it cannot be had any more; freezes_on: the day on which it froze, or will, None where nobody knows one.

    cost: what is to be paid for what cannot be undone, None where there is no price. due_on, price: what a change would be promised for, of a
    unit; due_on None: it cannot be promised, or nothing was to be changed.
    """

    frozen: bool
    freezes_on: dt.date | None
    cost: Decimal | None
    currency: str
    due_on: dt.date | None = None
    price: Decimal | None = None

    @property
    def sentence(self) -> str:
        """Why it is refused; empty where it is not."""
        if not self.frozen:
            return ""
        if self.freezes_on is None:
            return _("It cannot be taken back any more: goods are on their way.")
        return _("It cannot be taken back any more: work on it began on %(day)s.") % {"day": day_text(self.freezes_on)}


def impact(document: uuid.UUID, wish: Wish, *, at: dt.datetime) -> Impact | None:
    """What it means to take back a promise, or to change it: a promise to us is asked about, one of ours is looked at. None where there is none.

    Raises exchange.NoAnswer, network.NoPartner.
    """
    row = models.Promise.objects.filter(document=document).first()
    if row is None:
        return None
    if row.side == models.Side.SELLER:
        return _of_ours(row, wish, at=at)
    return _read(exchange.ask(partner=row.partner_id, question="impact", body=_body(document, wish)))


def _body(document: uuid.UUID, wish: Wish) -> Plain:
    quantity = None if wish.quantity is None else format(wish.quantity, "f")
    return {"promise": str(document), "due_on": wish.due_on.isoformat() if wish.due_on else None, "quantity": quantity}


def answer_impact(body: Mapping[str, Any], partner_id: uuid.UUID) -> Plain:
    """What it means to a customer; of a promise that is not his, as of one that is none: nothing."""
    wish = Wish(due_on=_day(body.get("due_on")), quantity=_number(body.get("quantity")))
    row = models.Promise.objects.filter(document=uuid.UUID(str(body["promise"])), side="seller", partner_id=partner_id).first()
    return _told(_of_ours(row, wish, at=clock.now()) if row else Impact(frozen=False, freezes_on=None, cost=None, currency=""))


def _told(found: Impact) -> Plain:
    return {
        "frozen": found.frozen, "freezes_on": found.freezes_on.isoformat() if found.freezes_on else None, "currency": found.currency,
        "due_on": found.due_on.isoformat() if found.due_on else None, "cost": _text(found.cost), "price": _text(found.price),
    }  # fmt: skip


def _text(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")


def _read(answer: Mapping[str, Any]) -> Impact:
    """A partner's answer. Raises NoAnswer for what cannot be read: it is no answer."""
    try:
        return Impact(
            frozen=bool(answer["frozen"]), freezes_on=_day(answer["freezes_on"]), cost=_number(answer["cost"]), currency=str(answer["currency"])[:3],
            due_on=_day(answer["due_on"]), price=_number(answer["price"]),
        )  # fmt: skip
    except (KeyError, ValueError, InvalidOperation) as error:
        raise exchange.NoAnswer(_("The partner gives no answer.")) from error


def _day(value: Any) -> dt.date | None:
    return dt.date.fromisoformat(str(value)) if value else None


def _number(value: Any) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def _of_ours(row: models.Promise, wish: Wish, *, at: dt.datetime) -> Impact:
    """What it means for a promise of ours. Where nothing is kept for it, it costs nothing."""
    if not row.firm or (row.closed_at is not None and not row.arrived):
        return Impact(frozen=False, freezes_on=None, cost=Decimal(0), currency=row.currency)
    spells = _spells(row.document)
    start = freezing.freezes_at(spells)
    frozen = row.arrived > 0 or (start is not None and start <= at)
    value = None if row.price is None else row.price * row.quantity
    share = freezing.lost_share(freezing.begun(spells, at=at), _bought(row, at=at), value=value)
    found = Impact(frozen=frozen, freezes_on=start.date() if start else None, cost=freezing.cost(share, value=value), currency=row.currency)
    return found if frozen or not wish.is_change else _changed(row, wish, found, at=at)


def _spells(promise: uuid.UUID) -> list[Spell]:
    rows = models.Slot.objects.filter(job__promise_id=promise).values_list("starts_at", "ends_at")
    return [Spell(starts_at=starts_at, ends_at=ends_at) for starts_at, ends_at in rows]


def _bought(row: models.Promise, *, at: dt.datetime) -> list[Bought]:
    """What was bought for a promise of ours: of a partner's promise he says what is lost, of the rest the lead time does."""
    children = models.Promise.objects.filter(parent_id=row.document, side="buyer", firm=True, closed_at=None).select_related("source").order_by("pk")
    found = [_asked(child, row.currency, at=at) for child in children]
    for peg in models.Peg.objects.filter(promise_id=row.document, giver="part", document=None).select_related("source"):
        source = peg.source
        known = source is not None and source.price is not None and source.currency == row.currency
        days = source.lead_days + source.transport_days if source else 0
        late = freezing.beyond_recall(peg.due_at, days=days, at=at)
        value = source.price * peg.quantity if source is not None and known and source.price is not None else None
        found.append(Bought(value=value, share=Decimal(int(late))))
    return found


def _asked(child: models.Promise, currency: str, *, at: dt.datetime) -> Bought:
    """What is lost of a partner's promise, by his own word; where he is silent, the whole of it once his lead time runs."""
    value = None if child.price is None else child.price * child.quantity
    weight = value if child.currency == currency else None
    try:
        told = _read(exchange.ask(partner=child.partner_id, question="impact", body=_body(child.document, Wish())))
    except UNANSWERED:
        days = child.source.lead_days if child.source else 0
        due = dt.datetime.combine(child.promised_on or at.date(), dt.time(), dt.UTC)
        return Bought(value=weight, share=Decimal(int(freezing.beyond_recall(due, days=days, at=at))))
    if told.frozen or not value:
        return Bought(value=weight, share=Decimal(int(told.frozen)))
    return Bought(value=weight, share=min((told.cost or Decimal(0)) / value, Decimal(1)))


def _changed(row: models.Promise, wish: Wish, found: Impact, *, at: dt.datetime) -> Impact:
    """What a change would be promised for: planned anew among all that stands, and undone. What is given up of a quantity costs its share."""
    quantity = wish.quantity or row.quantity
    with transaction.atomic():
        holding.lock_plan()
        ordered = holding.withdraw([row.document], begun=at)
        row.quantity, before = quantity, row.quantity
        row.asked_on = row.promised_on = wish.due_on or row.promised_on
        loaded = replanning.world_of([row], ordered, at=at)
        asks = Sources(parent=row.document, at=at, recorded=False)
        asks.loaded, loaded.world.ask = loaded, asks
        demands = replanning.demands_of([row], loaded)
        (planned,) = replanning.results([row], demands, loaded, planning.plan(loaded.world, demands, at=0))
        transaction.set_rollback(True)
    given_up = max(Decimal(0), (before - quantity) / before)
    cost = None if found.cost is None else (found.cost * given_up).quantize(freezing.CENT)
    return Impact(frozen=False, freezes_on=found.freezes_on, cost=cost, currency=found.currency, due_on=planned.after, price=row.price)


def take_back(promises: Sequence[uuid.UUID], *, by: Actor, at: dt.datetime, let_off: bool = False) -> None:
    """Give back promises to us that became an order which is not wanted any more, through all tiers, in this transaction.

    let_off: the partner has asked for it himself, or has delivered what he will: it is not asked whether work on it has begun.
    Raises Frozen where a partner cannot take one back, and what `impact` raises; then nothing has changed.
    """
    for document in promises:
        if not can(document, "release"):
            continue
        found = None if let_off else impact(document, Wish(), at=at)
        if found is not None and found.frozen:
            raise Frozen(found.sentence)
        documents.apply(document=document, move="release", by=by, at=at, inline=True)
