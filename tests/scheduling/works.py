"""A works to plan for: a calendar, machines, items with what they are made of, and somebody who wants them."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db import transaction

from apps.base.models import new_id
from apps.catalog import services as catalog
from apps.scheduling import models
from apps.scheduling import services as scheduling
from apps.scheduling.services import planning
from apps.scheduling.services.exploding import Wanted
from apps.scheduling.services.loading import Loaded, load, scaled
from apps.scheduling.services.planning.world import Demand, Outcome
from tests.cast import AT, Member, stock

WORKDAYS = dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday"), "06:00-14:00, 14:00-22:00")
ALWAYS = dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"), "00:00-24:00")


def calendar(member: Member, code: str = "TWO", **more: Any) -> Any:
    """Two shifts from Monday to Friday, in UTC and without holidays where nothing else is said."""
    with member.acting():
        return scheduling.save_calendar(**{"code": code, "name": code, "time_zone": "UTC", **WORKDAYS, **more}, by=member.actor, at=AT)


def machine(member: Member, code: str, *, at: str = "TWO", **more: Any) -> Any:
    with member.acting():
        return scheduling.save_resource(code=code, name=f"Machine {code}", calendar=at, **more, by=member.actor, at=AT)


def made(member: Member, number: str, *, of: Mapping[str, str] | None = None, steps: Sequence[Mapping[str, Any]] = ()) -> uuid.UUID:
    """An item that is made: of: the quantity formula of each component; steps: operations."""
    item: uuid.UUID = stock(member, number, number, procurement="make").pk
    with member.acting():
        for component, quantity in (of or {}).items():
            catalog.save_component(item=number, component=component, quantity=quantity, by=member.actor, at=AT)
        for step in steps:
            scheduling.save_operation(**{"item": number, "name": "Make", **step}, by=member.actor, at=AT)
    return item


def want(item: uuid.UUID, quantity: str, *, due: dt.date, choices: Mapping[str, Any] | None = None, at: dt.datetime = AT) -> tuple[uuid.UUID, Loaded, Outcome]:
    """Plan one demand. Gives the promise's id, the world and the outcome; the caller acts."""
    loaded = load([Wanted(item=item, choices=choices)], at=at)
    promise = new_id()
    demand = Demand(key=promise, item=loaded.wanted[0], quantity=scaled(Decimal(quantity)), due=loaded.due(due, loaded.wanted[0]))
    return promise, loaded, planning.plan(loaded.world, [demand], at=0)


def item(member: Member, number: str) -> uuid.UUID:
    with member.acting():
        found = models.Operation.item.field.related_model.objects.get(number=number)  # type: ignore[attr-defined]
    return found.pk  # type: ignore[no-any-return]


def promise(
    member: Member,
    number: str,
    quantity: str,
    due: dt.date,
    *,
    at: dt.datetime = AT,
    customer: uuid.UUID | None = None,
    held_until: dt.datetime | None = None,
    choices: Mapping[str, Any] | None = None,
) -> uuid.UUID:
    """A promise to a customer, planned and written down: firm, or held."""
    with member.acting(), transaction.atomic():
        scheduling.lock_plan()
        document, loaded, outcome = want(item(member, number), quantity, due=due, choices=choices, at=at)
        day = loaded.day(max(delivery.at for delivery in outcome.deliveries))
        scheduling.write(outcome, loaded=loaded, firm=held_until is None, held_until=held_until, at=at)
        day = max(day, due)
        models.Promise.objects.create(
            document=document,
            item_id=loaded.wanted[0].item,
            side="seller",
            partner_id=customer or document,
            quantity=Decimal(quantity),
            asked_on=due,
            first_on=day,
            promised_on=day,
            firm=held_until is None,
            held_until=held_until,
        )
    return document
