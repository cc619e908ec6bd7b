"""Needs: what was promised to a customer needs parts, and these are ordered by policy or by a click."""

import datetime as dt
import uuid
from collections.abc import Mapping

from django.db import transaction
from django.utils.translation import gettext as _

from apps.base.acting import SYSTEM, Actor
from apps.catalog import selectors as catalog
from apps.documents import services as documents
from apps.documents.services import MayNot
from apps.exchange import services as exchange
from apps.network import selectors as network
from apps.procurement import models
from apps.scheduling import selectors as scheduling
from apps.scheduling import services as schedule
from apps.scheduling.services import Firmed, Released


class NoSuchNeed(Exception):
    """There is no such need here."""


class NotOpen(Exception):
    """The need was ordered or given up already."""


def firmed(news: Firmed) -> None:
    """React to a promise of ours that was taken: each part that a partner promised for it is a need, ordered at once where the policy says so."""
    known = set(models.Need.objects.filter(promise_id__in=news.children).values_list("promise_id", flat=True))
    parts = scheduling.parts([child for child in news.children if child not in known])
    policies = {source.id: source.policy for part in parts if part.item for source in catalog.sources(part.item, inactive=True)}
    needs = [_need(part, _policy(policies, part), news) for part in parts if part.item]
    models.Need.objects.bulk_create(needs)
    for need in needs:
        if need.policy == "automatic":
            _order(need, by=SYSTEM, at=news.at)


def _policy(policies: Mapping[uuid.UUID, str], part: scheduling.Part) -> str:
    """As the source says; what was asked for by hand is ordered with the commit."""
    return policies.get(part.source, "automatic") if part.source else "automatic"


def _need(part: scheduling.Part, policy: str, news: Firmed) -> models.Need:
    assert part.item is not None
    return models.Need(
        item_id=part.item, partner_id=part.partner_id, source_id=part.source, quantity=part.quantity, unit=part.unit, needed_on=part.asked_on or news.at.date(),
        due_on=part.promised_on, price=part.price, currency=part.currency, policy=policy, promise_id=part.document, for_promise=news.document,
        created_at=news.at,
    )  # fmt: skip


def released(news: Released) -> None:
    """React to a promise of ours that was given back: what it needed is needed no more. What was ordered is cancelled, where the partner lets us.

    What is frozen there stays ordered, and lies free for whoever wants it next.
    """
    for need in models.Need.objects.select_for_update().filter(for_promise=news.document, closed_at=None).order_by("pk"):
        if _taken_back(need, at=news.at):
            need.closed_at = news.at
            need.save()


def _taken_back(need: models.Need, *, at: dt.datetime) -> bool:
    if need.order_id is None:
        if need.promise_id is not None:
            schedule.drop(need.promise_id, by=SYSTEM, at=at)
        return True
    try:
        with transaction.atomic():
            documents.apply(document=need.order_id, move="cancel", data={"reason": _("It is needed no more.")}, by=SYSTEM, at=at)
    except (documents.NotAllowed, schedule.Frozen, exchange.NoAnswer, exchange.Stuck, network.NoPartner):
        return False
    return True


def order(*, need: uuid.UUID, number: str = "", by: Actor, at: dt.datetime) -> uuid.UUID:
    """Order what is needed, at the partner's promise; gives the order's id. Raises NoSuchNeed, NotOpen, MayNot, and what a commit raises."""
    if not by.may("need.order"):
        raise MayNot("need.order")
    with transaction.atomic():
        row = models.Need.objects.select_for_update().filter(pk=need).first()
        if row is None:
            raise NoSuchNeed(_("There is no such need."))
        if row.order_id or row.closed_at:
            raise NotOpen(_("This need was ordered or given up already."))
        return _order(row, number=number, by=by, at=at)


def _order(need: models.Need, *, number: str = "", by: Actor, at: dt.datetime) -> uuid.UUID:
    assert need.promise_id is not None
    need.order_id = schedule.commit(document=need.promise_id, number=number, by=by, at=at)
    need.save()
    return need.order_id
