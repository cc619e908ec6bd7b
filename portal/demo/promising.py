"""What was promised between the demo's enterprises: refrigerators made to order through four tiers, a machine that broke, a promise that is held."""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.db import transaction

from apps.base import clock
from apps.base.acting import Actor, act_as
from apps.base.retrying import whole
from apps.customisation import selectors as configured
from apps.customisation import services as customisation
from apps.documents import selectors as documents
from apps.scheduling import selectors as plan
from apps.scheduling import services as schedule
from portal.demo.network import Member, Plan

Row = Mapping[str, Any]
# Whoever goes on after an interruption counts the hours from a later moment.
MEANWHILE = dt.timedelta(hours=8)
# Minutes for which a promise is held that is taken in the same breath.
TAKEN = 30


def load(promises: Plan, members: Mapping[str, Member], *, product: str) -> int:
    """Let everything happen that has not happened yet; each event happens whole or not at all. Gives how many promises there are."""
    now = clock.now()
    for event in promises["events"]:
        at = now - dt.timedelta(hours=event["ago"])
        happen = _break if "breaks" in event else _promise
        happen(event, members, product, at)
    return sum("breaks" not in event for event in promises["events"])


def _break(event: Row, members: Mapping[str, Member], product: str, at: dt.datetime) -> None:
    """A machine was down for some hours, unless it was already."""
    member = members[event["enterprise"]]
    person = member.desk("administrator")
    with act_as(member.home, by=person):
        machine = plan.resource(code=event["breaks"])
        assert machine is not None
        if not plan.down([machine["id"]], at=at + MEANWHILE):
            until = at + dt.timedelta(hours=event["hours"])
            whole(lambda: schedule.break_resource(resource=machine["id"], until=until, reason=event["reason"], by=person, at=at))


def _promise(event: Row, members: Mapping[str, Member], product: str, at: dt.datetime) -> None:
    """A customer asks, and takes the promise, or has it held, or only looks."""
    member = members[event["buyer"]]
    person = member.desk("buyer")
    with act_as(member.home, by=person), transaction.atomic():
        if "order" in event and documents.heads(type="order").filter(side="buyer", number=event["order"]).exists():
            return
        asked = _asked(event, member, product, person, at)
        if asked is None:
            return
        promise = schedule.ask(asked, by=person, at=at)
        if "order" in event:
            schedule.commit(document=promise.document, number=event["order"], by=person, at=at)


def _asked(event: Row, member: Member, product: str, person: Actor, at: dt.datetime) -> schedule.Asked | None:
    """What is asked for; None where the same was configured, and so asked for, before."""
    due_on = at.date() + dt.timedelta(days=event.get("due", 0))
    given: dict[str, Any] = {
        "partner": event["seller"],
        "quantity": Decimal(event["quantity"]),
        "due_on": due_on,
        "hold_minutes": event.get("hold", TAKEN if "order" in event else 0),
    }
    if "choices" not in event:
        return schedule.Asked(item=event["item"], unit="C62", **given)
    chosen: dict[str, Any] = {"seller": customisation.seller_of(event["seller"]), "product": product, "choices": event["choices"]}
    told = customisation.configure(**chosen)
    if configured.configurations().filter(digest=told.digest).exists():
        return None
    row, _told = customisation.save_configuration(**chosen, by=person, at=at)
    return schedule.Asked(partner_item=row.item, name=row.text["en"][:500], unit=row.unit, configuration=row.wire, **given)
