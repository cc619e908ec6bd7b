"""What became of a promise: goods that were made, shipped, received, missing; holds that expired, days that passed."""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from apps.base import acting, announcing
from apps.base.acting import SYSTEM, Actor
from apps.documents import selectors as conversation
from apps.documents import services as documents
from apps.documents.services import Counted, MayNot
from apps.scheduling import models
from apps.scheduling.services import holding
from apps.scheduling.services.promising.asking import drop_children
from apps.scheduling.services.promising.committing import can
from apps.scheduling.services.promising.rippling import plan_anew_for, settle


class NotDoable(Exception):
    """A job cannot be finished now; the sentence says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """News: a job is done. produced, consumed: item, configuration's digest (empty: none) and quantity each. What has left already is not produced again."""

    job: uuid.UUID
    produced: tuple[uuid.UUID, str, Decimal]
    consumed: tuple[tuple[uuid.UUID, str, Decimal], ...]
    by: Actor
    at: dt.datetime


def finish(*, job: uuid.UUID, by: Actor, at: dt.datetime) -> models.Job:
    """Say that a firm job is done: its components are used up, what it makes is there. Raises NotDoable, MayNot, and what the ledger refuses."""
    if not by.may("schedule.change"):
        raise MayNot("schedule.change")
    with transaction.atomic():
        holding.lock_plan()
        row = models.Job.objects.select_for_update().filter(pk=job).first()
        if row is None or not row.firm or row.done_at is not None:
            raise NotDoable(_("This is no job that can be finished: it is not firm, or it is done already."))
        taken = list(models.Peg.objects.filter(taker_job=row))
        if any(peg.giver == "job" and peg.job is not None and peg.job.done_at is None for peg in taken):
            raise NotDoable(_("What this job needs is not finished yet: finish that first."))
        row.done_at = at
        row.ends_at = min(row.ends_at, at) if row.starts_at < at else row.ends_at
        row.save()
        consumed = tuple((peg.item_id, _digest(peg.configuration), peg.quantity) for peg in taken)
        models.Peg.objects.filter(taker_job=row).delete()
        announcing.announce(Finished(job=row.pk, produced=(row.item_id, _digest(row.configuration), row.quantity - row.gone), consumed=consumed, by=by, at=at))
    return row


def note_gone(goods: Mapping[tuple[uuid.UUID, str], Decimal]) -> None:
    """Note what left the house before the job that makes it was reported done, or came back: it comes out of the job no more, and nobody else gets it.

    goods: how much of each item and configuration (its digest; empty: none) left; below zero where it came back.
    """
    for (item, digest), quantity in goods.items():
        jobs = models.Job.objects.select_for_update().filter(item_id=item, firm=True, done_at=None).order_by("ends_at", "pk")
        making = [job for job in jobs if _digest(job.configuration) == digest]
        left = quantity
        for job in making if quantity > 0 else reversed(making):
            part = min(left, job.quantity - job.gone) if quantity > 0 else max(left, -job.gone)
            if part:
                left -= part
                models.Job.objects.filter(pk=job.pk).update(gone=F("gone") + part)


def _digest(configuration: Any) -> str:
    return str(configuration.get("digest", "")) if configuration else ""


def counted(news: Counted) -> None:
    """React to goods that were shipped or received on an order that stands on a promise."""
    concerned = models.Promise.objects.filter(order_id__in={order for order, _line, _kind in news.sums}, closed_at=None)
    if not concerned.exists():
        return
    # Whoever plans anew meanwhile would hold once more what has just left.
    holding.lock_plan()
    for promise in concerned.select_for_update().order_by("pk"):
        sums: dict[str, Decimal] = {}
        for (order, _line, kind), quantity in news.sums.items():
            if order == promise.order_id:
                sums[kind] = sums.get(kind, Decimal(0)) + quantity
        (_sold if promise.side == "seller" else _bought)(promise, sums, at=news.step.at)


def _bought(promise: models.Promise, sums: Mapping[str, Decimal], *, at: dt.datetime) -> None:
    """At the buyer: what was accepted lies in stock now, and whoever waited for it takes it from there."""
    if accepted := sums.get("accepted", Decimal(0)):
        models.Promise.objects.filter(pk=promise.pk).update(arrived=F("arrived") + accepted)
        _move_pegs(promise.document, accepted)


def _move_pegs(document: uuid.UUID, quantity: Decimal) -> None:
    """The pegs on a partner's promise become pegs on stock, the first needed first, as far as the goods are here."""
    for peg in models.Peg.objects.select_for_update().filter(document=document, giver="part").order_by("needed_at", "pk"):
        if quantity <= 0:
            return
        here = min(peg.quantity, quantity)
        quantity -= here
        if here < peg.quantity:
            models.Peg.objects.filter(pk=peg.pk).update(quantity=peg.quantity - here)
            _copy(peg, here).save(force_insert=True)
        else:
            models.Peg.objects.filter(pk=peg.pk).update(giver="stock", document=None)


def _copy(peg: models.Peg, quantity: Decimal) -> models.Peg:
    columns = ("item_id", "promise_id", "taker_job_id", "configuration", "needed_at", "due_at", "firm", "held_until")
    return models.Peg(giver="stock", quantity=quantity, **{name: getattr(peg, name) for name in columns})


def _sold(promise: models.Promise, sums: Mapping[str, Decimal], *, at: dt.datetime) -> None:
    """At the seller: what was shipped is gone; what came short or was refused is owed again; what was accepted in full is kept, or was late."""
    shipped, missing = sums.get("shipped", Decimal(0)), sums.get("short", Decimal(0)) + sums.get("rejected", Decimal(0))
    if shipped > 0:
        _use_up(promise.document, shipped)
    if shipped or missing:
        models.Promise.objects.filter(pk=promise.pk).update(arrived=F("arrived") + shipped - missing)
    if missing > 0:
        plan_anew_for([promise.document], kind="short_goods", at=at)
    if sums.get("accepted", Decimal(0)) > 0:
        _close_if_whole(promise, at=at)


def _use_up(document: uuid.UUID, quantity: Decimal) -> None:
    """What was shipped is not held any more."""
    for peg in models.Peg.objects.select_for_update().filter(promise_id=document, taker_job=None).order_by("due_at", "pk"):
        if quantity <= 0:
            return
        gone = min(peg.quantity, quantity)
        quantity -= gone
        if gone < peg.quantity:
            models.Peg.objects.filter(pk=peg.pk).update(quantity=peg.quantity - gone)
        else:
            peg.delete()


def _close_if_whole(promise: models.Promise, *, at: dt.datetime) -> None:
    """Everything was accepted: kept where it came by the promised day, broken otherwise."""
    promise.refresh_from_db()
    if promise.order_id is None or _accepted(promise.order_id) < promise.quantity:
        return
    day = at.astimezone(ZoneInfo(acting.home().time_zone)).date()
    move = "keep" if promise.promised_on is None or day <= promise.promised_on else "break"
    if can(promise.document, move):
        documents.apply(document=promise.document, move=move, by=SYSTEM, at=at)


def _accepted(order: uuid.UUID) -> Decimal:
    return sum((kinds.get("accepted", Decimal(0)) for kinds in conversation.progress(id=order).values()), Decimal(0))


def expire(*, at: dt.datetime, document: uuid.UUID | None = None) -> int:
    """Give back what was held until a moment that has passed, and tell the customers. Gives how many."""
    rows = models.Promise.objects.filter(side="seller", firm=False, closed_at=None, held_until__lte=at).order_by("pk")
    expired: Sequence[uuid.UUID] = list((rows.filter(document=document) if document else rows).values_list("document", flat=True))
    given_back = 0
    for each in expired:
        with transaction.atomic():
            holding.lock_plan()
            # Somebody may have been taking it at its last moment: asked again, now that nobody writes the plan.
            if not rows.filter(document=each).exists():
                continue
            given_back += 1
            holding.release(each)
            models.Promise.objects.filter(document=each).update(closed_at=at, held_until=None)
            drop_children(each, by=SYSTEM, at=at)
            if can(each, "expire"):
                documents.apply(document=each, move="expire", by=SYSTEM, at=at)
    return given_back


def overdue(*, at: dt.datetime) -> int:
    """Plan anew what should have left by yesterday and has not, and tell the customers. Gives how many promises were overdue."""
    today = at.astimezone(ZoneInfo(acting.home().time_zone)).date()
    late = models.Promise.objects.filter(side="seller", firm=True, closed_at=None, promised_on__lt=today, arrived__lt=F("quantity"))
    documents_late = list(late.order_by("promised_on", "document").values_list("document", flat=True))
    if documents_late:
        with transaction.atomic():
            plan_anew_for(documents_late, kind="late_goods", at=at)
    return len(documents_late)


def tend(*, at: dt.datetime) -> tuple[int, int, int]:
    """What time alone changes in one home: holds that expired, promises that are overdue, news that a storm held back. Gives how many of each."""
    expired, late = expire(at=at), overdue(at=at)
    with transaction.atomic():
        told = settle(at=at)
    return expired, late, told
