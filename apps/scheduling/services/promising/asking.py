"""Asking a partner for a promise: the buyer's half of the conversation, and the planner's questions to the sources."""

import datetime as dt
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import transaction

from apps.base import acting
from apps.base.acting import SYSTEM, Actor
from apps.base.findings import Invalid
from apps.base.models import Batch, new_id
from apps.catalog import selectors as catalog
from apps.documents import selectors as conversation
from apps.documents import services as documents
from apps.documents.types import TYPES
from apps.exchange import services as exchange
from apps.network import selectors as network
from apps.scheduling import models
from apps.scheduling.services.exploding import Of
from apps.scheduling.services.loading import Loaded, unscaled
from apps.scheduling.services.planning.world import Answer, Key, Minute, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked of a partner, named by his slug or his id. item: one's own number; partner_item: the partner's; configuration: as it travels."""

    partner: str | uuid.UUID
    quantity: Decimal
    unit: str
    due_on: dt.date
    item: str = ""
    partner_item: str = ""
    name: str = ""
    configuration: Mapping[str, Any] | None = None
    price: Decimal | None = None
    currency: str = ""
    hold_minutes: int = 0
    source: uuid.UUID | None = None
    parent: uuid.UUID | None = None


def ask(asked: Asked, *, by: Actor, at: dt.datetime) -> models.Promise:
    """Ask for a promise, through all tiers, in this transaction; gives one's own record of it with the partner's answer.

    Raises Invalid, NoPartner, MayNot, and exchange.Stuck where the partner cannot answer; then nothing has changed.
    """
    number = f"P{at:%y%m%d}-{secrets.token_hex(6).upper()}"
    currency = asked.currency or acting.home().currency
    with transaction.atomic():
        row = documents.say(
            type="promise",
            move="ask",
            partner=asked.partner,
            number=number,
            currency=currency,
            lines=[_line(asked)],
            details={"hold_minutes": asked.hold_minutes},
            by=by,
            at=at,
            lenient=asked.configuration is not None,
            inline=True,
            noted=lambda document, items, batch: _note(asked, document, items[1], currency, batch),
        )
        return models.Promise.objects.get(document=row.pk)


def _note(asked: Asked, document: Any, item: uuid.UUID | None, currency: str, batch: Batch) -> None:
    """One's own record of what was asked, before the answer comes."""
    note = {
        "document": document.pk, "side": "buyer", "partner_id": document.partner_id, "source": asked.source, "configuration": asked.configuration,
        "quantity": asked.quantity, "asked_on": asked.due_on, "currency": currency, "parent_id": asked.parent, "item": item,
    }  # fmt: skip
    record(batch, note)


def record(batch: Batch, note: Mapping[str, Any]) -> None:
    """Add one's own record of a promise: its fields by their names, what is left out stays empty."""
    row = {**_EMPTY, "id": new_id(), **note}
    batch.insert(models.Promise, tuple(row), [tuple(row.values())])


_EMPTY: Mapping[str, Any] = {
    **dict.fromkeys(("item", "configuration", "source", "asked_on", "first_on", "promised_on", "price", "held_until", "parent_id", "closed_at")),
    "arrived": 0, "currency": "", "firm": False, "moved": 0, "cause": [],
}  # fmt: skip


def _line(asked: Asked) -> dict[str, Any]:
    quantity = format(asked.quantity, "f")
    line: dict[str, Any] = {
        "item": asked.item,
        "seller_item": asked.partner_item,
        "name": asked.name,
        "quantity": quantity,
        "unit": asked.unit,
        "schedules": [{"quantity": quantity, "due_on": asked.due_on}],
    }
    if asked.price is not None:
        line["price"] = format(asked.price, "f")
    if asked.configuration is not None:
        line["details"] = {"configuration": dict(asked.configuration)}
    return line


UNANSWERED = (exchange.Stuck, exchange.NoAnswer, network.NoPartner, Invalid, documents.MayNot, documents.NotAllowed)
"""What a partner's silence looks like: whatever keeps him from answering is his, and one plans without him."""


@dataclass(slots=True)
class Sources:
    """The planner's questions to the partners of its sources. Each is asked once for the same thing.

    recorded: he is asked for a promise that is kept (and held, where minutes are given); otherwise he is asked what he could promise.
    """

    parent: uuid.UUID
    at: dt.datetime
    hold_minutes: int = 0
    recorded: bool = True
    loaded: Loaded = field(init=False)
    answers: dict[tuple[Key, Key, int], Answer | None] = field(default_factory=dict)

    def show(self, loaded: Loaded) -> None:
        """The world in which is planned: needed before the first question."""
        self.loaded = loaded

    def __call__(self, source: Source, item: Key, quantity: int, needed: Minute) -> Answer | None:
        key = (source.key, item, quantity)
        if key not in self.answers:
            assert isinstance(item, Of)
            assert isinstance(source.key, uuid.UUID)
            self.answers[key] = self._ask(self.loaded.sources[source.key], item, quantity, needed)
        return self.answers[key]

    def _ask(self, source: catalog.Source, item: Of, quantity: int, needed: Minute) -> Answer | None:
        made = self.loaded.made[item.item]
        # His day ends after the minute at which it is needed: so it must be the day before.
        zone = self.loaded.zone
        due_on = max(self.loaded.moment(needed).astimezone(zone).date() - dt.timedelta(days=1), self.at.astimezone(zone).date())
        given: dict[str, Any] = {"item": made.number, "quantity": unscaled(quantity), "unit": made.unit, "due_on": due_on}
        promised, reference = self._recorded(source, given) if self.recorded else self._estimated(source, given)
        return None if promised is None else Answer(at=self.loaded.due(promised), reference=reference)

    def _recorded(self, source: catalog.Source, given: Mapping[str, Any]) -> tuple[dt.date | None, uuid.UUID | None]:
        more: dict[str, Any] = {"price": source.price, "currency": source.currency, "source": source.id}
        more |= {"hold_minutes": self.hold_minutes, "parent": self.parent}
        try:
            promise = ask(Asked(partner=source.partner_id, **given, **more), by=SYSTEM, at=self.at)
        except UNANSWERED:
            return None, None
        return promise.promised_on, promise.document

    def _estimated(self, source: catalog.Source, given: Mapping[str, Any]) -> tuple[dt.date | None, None]:
        body = {**given, "quantity": format(given["quantity"], "f"), "due_on": given["due_on"].isoformat()}
        try:
            answer = exchange.ask(partner=source.partner_id, question="estimate", body=body)
        except UNANSWERED:
            return None, None
        return (dt.date.fromisoformat(answer["due_on"]) if answer["due_on"] else None), None

    def unused(self, taken: set[object]) -> list[uuid.UUID]:
        """The promises that were asked for and that the plan does not take."""
        asked = {answer.reference for answer in self.answers.values() if answer is not None and answer.reference is not None}
        return [reference for reference in asked - taken if isinstance(reference, uuid.UUID)]


def drop(document: uuid.UUID, *, by: Actor, at: dt.datetime) -> None:
    """Give back a promise of a partner's that is not needed any more, where he still keeps it."""
    head = conversation.head(id=document)
    if head is not None and "release" in [move.code for move in conversation.moves_now(TYPES["promise"], head, by)]:
        documents.apply(document=document, move="release", by=by, at=at, inline=True)


def drop_children(parent: uuid.UUID, *, by: Actor, at: dt.datetime) -> None:
    """Give back all that was asked of partners for one promise of ours, and not taken."""
    for document in models.Promise.objects.filter(parent_id=parent, side="buyer", closed_at=None, firm=False).order_by("pk").values_list("document", flat=True):
        drop(document, by=by, at=at)
