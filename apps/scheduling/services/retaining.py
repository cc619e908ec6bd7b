"""What is only held when a machine breaks: kept on another time or machine where the day stays, else given up, and the customer hears that it expired."""

import datetime as dt
import uuid
from collections.abc import Sequence

from django.db import connection

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
    for row in _touched(news):
        if not _kept(row, at=news.at):
            models.Promise.objects.filter(pk=row.pk).update(held_until=news.at)
            expire(at=news.at, document=row.document)


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


def _kept(row: models.Promise, *, at: dt.datetime) -> bool:
    """Plan a held promise anew, with what partners hold for it. False where it cannot be had by its day: then nothing is held any more."""
    holding.lock_plan()
    parts = list(models.Peg.objects.filter(promise_id=row.document, giver=models.Giver.PART, document__isnull=False))
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
