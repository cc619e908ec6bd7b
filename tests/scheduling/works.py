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
from apps.logistics import services as logistics
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
        return scheduling.save_resource(**{"code": code, "name": f"Machine {code}", "calendar": at, **more}, by=member.actor, at=AT)


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


def furnish(member: Member, customer: uuid.UUID, at: dt.datetime) -> None:
    """A works to look at: presses in two shifts, an oven day and night, promises firm, late and held, an outage."""
    calendar(member, "SHIFTS", name="Two shifts", time_zone="Europe/Berlin", country="DE", subdivision="HB")
    calendar(member, "ALWAYS", name="Day and night", **ALWAYS)
    for code, name, zh, pool, at_work in (
        ("PRESS-1", "Press 400 t", "400 吨压力机", "PRESS", "SHIFTS"),
        ("PRESS-2", "Press 250 t", "250 吨压力机", "PRESS", "SHIFTS"),
        ("OVEN", "Curing oven", "固化炉", "", "ALWAYS"),
        ("MOUNT", "Assembly line", "装配线", "", "SHIFTS"),
    ):
        machine(member, code, at=at_work, pool=pool, name=name, name_zh=zh)
    stock(member, "STEEL", "Steel sheet", name_zh="钢板", procurement="stock")
    made(member, "PANEL", of={"STEEL": "1.2"}, steps=[{"pool": "PRESS", "name": "Press", "name_zh": "冲压", "setup": 45, "run": "if(wide, 8, 6)", "lag": 30}])
    made(member, "COATED", of={"PANEL": "1"}, steps=[{"pool": "OVEN", "name": "Cure", "name_zh": "固化", "run": "4"}])
    made(member, "DOOR", of={"COATED": "2"}, steps=[{"pool": "MOUNT", "name": "Mount", "name_zh": "装配", "setup": 20, "run": "9"}])
    with member.acting():
        logistics.adjust(item=item(member, "STEEL"), counted="100000", reason="Counted", by=member.actor, at=at)
    today = at.date()
    for days, quantity in ((3, "40"), (4, "25"), (6, "60"), (9, "30")):
        promise(member, "DOOR", quantity, today + dt.timedelta(days=days), at=at, customer=customer, choices={"wide": "yes"})
    promise(member, "PANEL", "80", today + dt.timedelta(days=2), at=at, customer=customer, choices={"wide": "no"})
    promise(member, "DOOR", "20", today + dt.timedelta(days=5), at=at, customer=customer, held_until=at + dt.timedelta(days=1), choices={"wide": "no"})
    with member.acting():
        late = models.Promise.objects.order_by("promised_on").filter(firm=True)[1]
        models.Promise.objects.filter(pk=late.pk).update(asked_on=today, first_on=today, promised_on=today)
        oven = models.Resource.objects.get(code="OVEN")
        models.Outage.objects.create(resource=oven, starts_at=at - dt.timedelta(hours=2), ends_at=at + dt.timedelta(hours=6), reason="Burner")
