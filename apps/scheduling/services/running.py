"""A full replan: everything that has not begun is planned anew, built first, then improved while time and patience last; the best is kept.

It never makes a promise later than it is, and brings those that had moved back towards their first day. Nobody waits for it: the plan is locked
only while the result is written, and where somebody has written it meanwhile the result is built anew on what stands then.
"""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.base import announcing, clock, fields
from apps.base.acting import Actor
from apps.base.findings import refuse
from apps.catalog.services.reading import whole_of
from apps.live import services as live
from apps.scheduling import models
from apps.scheduling.models import Plan, PlanKind
from apps.scheduling.selectors.ending import ends
from apps.scheduling.services import holding, planning, replanning
from apps.scheduling.services.loading import Loaded
from apps.scheduling.services.planning.improve import improve
from apps.scheduling.services.planning.world import Demand, Outcome
from apps.scheduling.services.replanning import Replanned
from apps.scheduling.services.watching import Watching

SECONDS = 20
MOST_SECONDS = 600
LOST = dt.timedelta(hours=1)
_seconds = whole_of(gettext_noop("It needs one second at least."), low=1, high=MOST_SECONDS)


class AlreadyRunning(Exception):
    """A replan was to be started while one runs."""


class NotRunning(Exception):
    """A replan was to be stopped that has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanChanged:
    """News: a full replan was written. moved: the promises whose day can be another one now."""

    plan: uuid.UUID
    moved: tuple[Replanned, ...]
    at: dt.datetime


def start_plan(*, seconds: Any = None, by: Actor, at: dt.datetime) -> Plan:
    """Ask for a full replan that improves for so many seconds, 1 to 600. It runs in the background, after the commit. Raises AlreadyRunning, Invalid."""
    try:
        patience = _seconds(SECONDS if seconds is None else seconds)
    except fields.Unreadable as error:
        raise refuse("/seconds", error.code, str(error)) from error
    message = _("It was lost on the way: start it again.")
    Plan.objects.filter(kind=PlanKind.FULL, finished_at__isnull=True, started_at__lt=at - LOST).update(finished_at=at, message=message)
    try:
        with transaction.atomic():
            plan = Plan.objects.create(kind=PlanKind.FULL, started_at=at, by=by.name, figures={"seconds": patience})
    except IntegrityError as error:
        raise AlreadyRunning(_("A replan is running already. Stop it, or wait for it.")) from error
    announcing.announce(PlanAsked(plan=plan.pk))
    live.nudge(holding.TOPIC)
    return plan


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanAsked:
    """News: somebody wants a full replan."""

    plan: uuid.UUID


def stop_plan(*, plan: uuid.UUID, by: Actor, at: dt.datetime) -> Plan:
    """End a replan with the best that it has. Raises NotRunning where it has ended, or there is none."""
    if not Plan.objects.filter(pk=plan, kind=PlanKind.FULL, finished_at__isnull=True).update(stop=True):
        raise NotRunning(_("This replan has ended."))
    live.nudge(holding.TOPIC)
    return Plan.objects.get(pk=plan)


def run_plan(*, plan: uuid.UUID, at: dt.datetime, workers: int = 2) -> None:
    """Do what `start_plan` asked for. It may be called twice: what has ended stays as it is. Whatever goes wrong stands in the row, and is raised."""
    row = Plan.objects.filter(pk=plan, kind=PlanKind.FULL, finished_at__isnull=True).first()
    if row is None:
        return
    try:
        figures, message, moved = _Run(row, at, workers).whole()
    except Exception as error:
        fail_plan(plan=plan, why=str(error))
        raise
    _finish(plan, figures, message)
    if moved:
        with transaction.atomic():
            announcing.announce(PlanChanged(plan=plan, moved=tuple(moved), at=clock.now()))


def fail_plan(*, plan: uuid.UUID, why: str) -> None:
    """Note that a run could not be done, and why."""
    _finish(plan, {}, _("It could not be planned: %(why)s") % {"why": why[:800]})


def _finish(plan: uuid.UUID, figures: dict[str, Any], message: str) -> None:
    row = Plan.objects.get(pk=plan)
    row.figures = {**row.figures, **figures}
    row.message, row.finished_at, row.progress = message[:1000], clock.now(), 100
    row.save(update_fields=["figures", "message", "finished_at", "progress"])
    live.nudge(holding.TOPIC)


class _Seen(Exception):
    """The world was drawn as it would be; what was taken out of the plan for that goes back."""


@dataclass(slots=True)
class _Drawn:
    """The world without all that can be planned anew, and the promises that want it."""

    rows: list[models.Promise]
    demands: list[Demand]
    loaded: Loaded

    def same(self, other: "_Drawn") -> bool:
        """Whether nothing has changed between two drawings."""
        mine, theirs = self.loaded.world, other.loaded.world
        if (self.demands, mine.items, mine.resources) != (other.demands, theirs.items, theirs.resources):
            return False
        return sorted(map(repr, [*mine.supplies, *mine.busy])) == sorted(map(repr, [*theirs.supplies, *theirs.busy]))


class _Run:
    """One full replan."""

    def __init__(self, row: Plan, at: dt.datetime, workers: int) -> None:
        self.plan, self.at, self.workers = row.pk, at, workers
        self.seconds = int(row.figures.get("seconds", SECONDS))
        # Nothing new begins before the run can have ended.
        self.earliest = self.seconds // 60 + 1

    def whole(self) -> tuple[dict[str, Any], str, list[Replanned]]:
        """Draw, build, improve, write. Gives the figures, what is said about it, and which promises can have another day."""
        drawn = self._seen()
        if not drawn.rows:
            return {"promises": 0}, _("There is no firm promise to plan for."), []
        built = planning.plan(drawn.loaded.world, drawn.demands, at=self.earliest)
        best = self._improved(drawn, built)
        with transaction.atomic():
            return self._written(drawn, best)

    def _seen(self) -> _Drawn:
        found: list[_Drawn] = []
        try:
            with transaction.atomic():
                found.append(self._draw())
                raise _Seen
        except _Seen:
            return found[0]

    def _draw(self) -> _Drawn:
        rows = replanning.open_promises()
        ordered = holding.withdraw([row.document for row in rows], begun=self.at)
        loaded = replanning.world_of(rows, ordered, at=self.at)
        loaded.world.ask = replanning.nobody
        return _Drawn(rows, replanning.demands_of(rows, loaded, recover=True), loaded)

    def _improved(self, drawn: _Drawn, built: Outcome) -> Outcome:
        with Watching(self.plan, self.seconds) as watching:
            return improve(drawn.loaded.world, drawn.demands, built, at=self.earliest, seconds=self.seconds, stop=watching.stopped, workers=self.workers)

    def _written(self, drawn: _Drawn, best: Outcome) -> tuple[dict[str, Any], str, list[Replanned]]:
        holding.lock_plan()
        standing = ends([row.document for row in drawn.rows])
        try:
            with transaction.atomic():
                now = self._draw()
                alone = now.same(drawn)
                if not alone:
                    best = planning.plan(now.loaded.world, now.demands, at=self.earliest)
                results = replanning.results(now.rows, now.demands, now.loaded, best)
                figures = {**_figures(now, standing, results), "jobs": len(best.jobs), "alone": alone}
                if any(_worse(now, standing, result) for result in results):
                    raise _Seen
                holding.write(best, loaded=now.loaded, firm=True, at=self.at)
        except _Seen:
            return {**figures, "kept": True}, _("The plan that stands is no worse: it stays."), []
        said = _("Planned anew.") if alone else _("Planned anew, around what was written meanwhile.")
        return figures, said, [result for result in results if result.after != result.before]


def _days_late(day: dt.date | None, promised: dt.date | None) -> int:
    return max(0, (day - promised).days) if day and promised else 0


def _day(drawn: _Drawn, standing: dict[uuid.UUID, dt.datetime], result: Replanned) -> dt.date | None:
    """The day of a promise in the plan that stands; None where nothing is planned for it."""
    end = standing.get(result.promise)
    return drawn.loaded.day(drawn.loaded.minute(end), result.item) if end else None


def _worse(drawn: _Drawn, standing: dict[uuid.UUID, dt.datetime], result: Replanned) -> bool:
    """Whether a promise is later than it is promised, and later than in the plan that stands."""
    before = _day(drawn, standing, result)
    if before is None:
        return False
    return result.after is None or (result.later and result.after > before)


def _figures(drawn: _Drawn, standing: dict[uuid.UUID, dt.datetime], results: Sequence[Replanned]) -> dict[str, Any]:
    before = [_days_late(_day(drawn, standing, result), result.before) for result in results]
    after = [_days_late(result.after, result.before) for result in results]
    return {
        "promises": len(results),
        "late_before": sum(days > 0 for days in before),
        "late_after": sum(days > 0 for days in after),
        "days_before": sum(before),
        "days_after": sum(after),
        "impossible": sum(result.after is None for result in results),
    }
