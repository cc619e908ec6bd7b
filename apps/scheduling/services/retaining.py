"""What is only held when a machine breaks, or a partner's hold is gone: kept another way where the day stays, else given up, and the customer hears it."""

import datetime as dt
import uuid
from collections.abc import Sequence

from django.db import connection

from apps.documents.services import Moved
from apps.scheduling import models
from apps.scheduling.services import holding, planning, replanning
from apps.scheduling.services.calendaring import CapacityChanged
from apps.scheduling.services.exploding import Of
from apps.scheduling.services.loading import Given, Loaded, scaled
from apps.scheduling.services.planning.world import Supply
from apps.scheduling.services.promising.progressing import expire


def keep_holds(news: CapacityChanged) -> None:
    """React to a machine that is down, or works less: every hold on it is planned anew, after what is firm."""
    if news.more:
        return
    holding.lock_plan()
    for row in _touched(news):
        _keep_or_give_up(row, at=news.at)


def part_gone(news: Moved) -> None:
    """React to a partner's hold that has expired: what we hold for others with it is planned anew without it."""
    at = news.step.at
    if news.document_type.code != "promise" or (news.step.own, news.step.move, news.step.overruled) != (False, "expire", False):
        return
    holding.lock_plan()
    hanging = models.Peg.objects.filter(document=news.document.pk, promise_id__isnull=False).values("promise_id")
    held = models.Promise.objects.filter(document__in=hanging, side=models.Side.SELLER, firm=False, closed_at__isnull=True, held_until__gt=at)
    for row in held.order_by("promised_on", "document"):
        _keep_or_give_up(row, at=at, without=news.document.pk)


def _keep_or_give_up(row: models.Promise, *, at: dt.datetime, without: uuid.UUID | None = None) -> None:
    if not _kept(row, at=at, without=without):
        models.Promise.objects.filter(pk=row.pk).update(held_until=at)
        expire(at=at, document=row.document)


def _touched(news: CapacityChanged) -> list[models.Promise]:
    with connection.cursor() as cursor:
        cursor.execute(_HELD, [list(news.resources), news.at, news.until, news.until, news.at])
        found = [row[0] for row in cursor.fetchall()]
    rows = models.Promise.objects.filter(document__in=found, side=models.Side.SELLER, firm=False, closed_at__isnull=True, item__isnull=False)
    return list(rows.order_by("promised_on", "document"))


_HELD = (
    "SELECT DISTINCT j.promise_id FROM scheduling_slot s JOIN scheduling_job j ON j.id = s.job_id WHERE s.resource_id = ANY(%s::uuid[]) "
    "AND s.ends_at > %s AND (%s::timestamptz IS NULL OR s.starts_at < %s) AND NOT j.firm AND j.held_until > %s"
)


def _kept(row: models.Promise, *, at: dt.datetime, without: uuid.UUID | None) -> bool:
    """Plan a held promise anew, with what partners hold for it, but for one of them. False where it cannot be had by its day: then nothing is held.

    The caller has locked the plan before he read which promise is held.
    """
    parts = list(models.Peg.objects.filter(promise_id=row.document, giver=models.Giver.PART, document__isnull=False).exclude(document=without))
    ordered = holding.withdraw([row.document])
    loaded = replanning.world_of([row], ordered, at=at)
    loaded.world.ask = replanning.nobody
    loaded.world.supplies += _supplies(parts, loaded)
    demands = replanning.demands_of([row], loaded)
    outcome = planning.plan(loaded.world, demands, at=0)
    (result,) = replanning.results([row], demands, loaded, outcome)
    if result.later:
        return False
    holding.write(outcome, loaded=loaded, held_until=row.held_until, at=at)
    return True


def _supplies(parts: Sequence[models.Peg], loaded: Loaded) -> list[Supply]:
    """What partners hold for it, as supply: one for each of their promises."""
    found: dict[tuple[uuid.UUID | None, Of], list[models.Peg]] = {}
    for peg in parts:
        found.setdefault((peg.document, Of(peg.item_id, str((peg.configuration or {}).get("digest", "")))), []).append(peg)
    return [
        Supply(key=Given("part", document), item=item, quantity=sum(scaled(peg.quantity) for peg in pegs), at=max(0, loaded.minute(pegs[0].due_at)))
        for (document, item), pegs in found.items()
        if item in loaded.choices
    ]
