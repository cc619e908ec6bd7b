"""The ripple: what a broken machine, a late part or a changed order moves, told tier by tier.

Each enterprise plans anew what is touched, and tells its own customers the promises that become later; they do the same. Where slack absorbs
it nothing is said. Promises hang together as they were asked for, which never goes in a circle, so the ripple ends. A storm is damped: who
was told a moment ago is told again only when the dust has settled (`settle`).
"""

import datetime as dt
import uuid
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from django.db.models import F

from apps.base import acting, announcing
from apps.base.acting import SYSTEM
from apps.catalog import selectors as catalog
from apps.documents import selectors as conversation
from apps.documents import services as documents
from apps.scheduling import models
from apps.scheduling.services import holding, replanning
from apps.scheduling.services.calendaring import CapacityChanged
from apps.scheduling.services.promising.asking import Sources, drop
from apps.scheduling.services.promising.committing import COMMIT_MINUTES, Firmed, can
from apps.scheduling.services.replanning import Replanned, Touched
from apps.scheduling.services.running import PlanChanged

DAMPED = dt.timedelta(seconds=10)


def capacity_changed(news: CapacityChanged) -> None:
    """React to a machine that is down, or works at other times."""
    # Before anything is read: what another one is just making firm is neither held nor firm to whoever reads meanwhile.
    holding.lock_plan()
    found = replanning.touched(news)
    kind = "outage" if news.until is not None and not news.more else "change"
    _plan_anew(found, kind=kind, at=news.at, recover=news.more)


def part_moved(document: uuid.UUID, *, kind: str, at: dt.datetime) -> None:
    """React to a partner's promise that holds for another day than before: whatever takes from it is planned anew."""
    holding.lock_plan()
    _plan_anew(replanning.taking_from([document]), kind=kind, at=at)


def plan_changed(news: PlanChanged) -> None:
    """React to a full replan: customers whose promises can have another day hear of it."""
    for one in news.moved:
        tell(one, kind="change", at=news.at)


def plan_anew_for(promises: Sequence[uuid.UUID], *, kind: str, at: dt.datetime) -> None:
    """Plan these promises of ours anew, and tell the customers of those that become later."""
    _plan_anew(Touched(promises=tuple(promises), jobs=()), kind=kind, at=at)


def _plan_anew(found: Touched, *, kind: str, at: dt.datetime, recover: bool = False) -> None:
    if not found.promises:
        return
    for one in replanning.replan(found.promises, again=found.jobs, at=at, recover=recover, ask=replanning.nobody):
        anew = one if one.after is not None else _ask_anew(one.promise, at=at)
        if anew.later or (recover and anew.after is not None and anew.after != anew.before):
            tell(anew, kind=kind, at=at)


def _ask_anew(promise: uuid.UUID, *, at: dt.datetime) -> Replanned:
    """What was promised to us is not enough any more: the partners are asked for what is missing, and what they promise is ordered."""
    asks = Sources(parent=promise, at=at, hold_minutes=COMMIT_MINUTES)
    (found,) = replanning.replan([promise], at=at, ask=asks, shown=asks.show)
    given = models.Peg.objects.filter(promise_id=promise, giver="part").values_list("document", flat=True)
    for unused in asks.unused(set(given)):
        drop(unused, by=SYSTEM, at=at)
    children = models.Promise.objects.filter(parent_id=promise, side="buyer", closed_at=None, firm=False, held_until__gt=at).order_by("pk")
    announcing.announce(Firmed(document=promise, children=tuple(children.values_list("document", flat=True)), at=at))
    return found


def tell(one: Replanned, *, kind: str, at: dt.datetime) -> None:
    """Tell a customer the day on which he can count now, unless he was told a moment ago. A day that nobody knows yet is not told."""
    promise = models.Promise.objects.select_for_update().get(document=one.promise)
    if one.after is None or one.after == promise.promised_on:
        return
    if promise.told_at is not None and at - promise.told_at < DAMPED:
        return
    say(promise, one.after, kind=kind, at=at)


def say(promise: models.Promise, day: dt.date, *, kind: str, at: dt.datetime) -> None:
    """Move a promise to a day: the customer hears of it, with the kind of the cause and nothing more."""
    if not can(promise.document, "move"):
        return
    quantity = format(promise.quantity, "f")
    line: dict[str, object] = {"line": 1, "response": "change", "schedules": [{"quantity": quantity, "due_on": day}]}
    if promise.price is not None:
        line["price"] = format(promise.price, "f")
    terms = {"why": [{"kind": kind, "on": day.isoformat()}]}
    models.Promise.objects.filter(pk=promise.pk).update(promised_on=day, moved=F("moved") + 1, told_at=at)
    data = {"outcome": "moved", "terms": terms, "lines": [line]}
    documents.apply(document=promise.document, move="move", data=data, by=SYSTEM, at=at)


def settle(*, at: dt.datetime, promises: Sequence[uuid.UUID] | None = None) -> int:
    """Tell the customers what was held back while a storm lasted. Gives how many were told."""
    waiting = models.Promise.objects.filter(side="seller", firm=True, closed_at=None, told_at__lte=at - DAMPED).order_by("promised_on", "document")
    if promises is not None:
        waiting = waiting.filter(document__in=list(promises))
    rows = {row.document: row for row in waiting}
    told = 0
    for document, day in _days(list(waiting)).items():
        promised = rows[document].promised_on
        if promised is not None and day > promised:
            say(rows[document], day, kind="change", at=at)
            told += 1
    return told


def _days(rows: Sequence[models.Promise]) -> dict[uuid.UUID, dt.date]:
    """The day at the customer's door that the plan has for each promise."""
    zone = ZoneInfo(acting.home().time_zone)
    made = catalog.structure([row.item_id for row in rows if row.item_id]).items
    ends = holding.ends([row.document for row in rows])
    found = {}
    for row in rows:
        if row.document in ends and row.item_id in made:
            finished = (ends[row.document] - dt.timedelta(minutes=1)).astimezone(zone).date()
            found[row.document] = finished + dt.timedelta(days=made[row.item_id].shipping_days)
    return found


def heard(document: uuid.UUID, *, at: dt.datetime) -> None:
    """React at the buyer: a partner moved his promise to us."""
    whole = conversation.whole(id=document)
    promise = models.Promise.objects.filter(document=document, side="buyer").first()
    if whole is None or promise is None:
        return
    day = max((each["due_on"] for each in whole.lines[0]["schedules"].get("agreed", ()) if each["due_on"]), default=promise.promised_on)
    models.Promise.objects.filter(pk=promise.pk).update(promised_on=day, moved=F("moved") + 1)
    part_moved(document, kind="supply", at=at)
