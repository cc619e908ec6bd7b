"""The clock of a question: until when its answer is wanted, and what happens when none comes.

It begins with the word that asks, and is told by the log alone: both partners hold the same steps, the asker's wish and the office of whoever is to
answer, and so compute the same. What is stored of it is for lists, and so that each thing happens once. A pass of the beat winds it (`tick`), for a move
must not wait for it; a move only says that it is to be looked at (`storing.wind`).
"""

import datetime as dt
import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.db import DatabaseError, transaction

from apps.base import acting, announcing, worktime
from apps.base.acting import SYSTEM
from apps.documents import models
from apps.documents.services import moving, storing
from apps.documents.types import TYPES
from apps.network import selectors as network
from apps.network import services as partners
from apps.network.services import AnsweringChanged

log = logging.getLogger(__name__)

RUNNING: Final = "running"
STAGES: Final = (("reminded", 0.75, "remind"), ("late", 1.0, "overdue"), ("escalated", 1.5, "escalate"))
"""Each stage, after which part of the hours it begins, and the step that says so."""
ORDER: Final = ("", RUNNING, *(stage for stage, _part, _step in STAGES))
# So often it is computed anew, for who is asked may change his hours meanwhile, and a year's holidays become known.
AGAIN = dt.timedelta(hours=1)
BATCH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSet:
    """News: clocks of this home were computed, which no step of a history tells."""

    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """until: when the answer is due; moments: when each stage begins, in their order."""

    until: dt.datetime
    moments: tuple[dt.datetime, ...]

    def stage(self, at: dt.datetime) -> str:
        """How far it is at a moment."""
        return ORDER[1 + sum(moment <= at for moment in self.moments)]

    def next(self, at: dt.datetime) -> dt.datetime | None:
        """When to look at it next; None where all of it has happened."""
        coming = [moment for moment in self.moments if moment > at]
        return min(coming[0], at + AGAIN) if coming else None


def clock_of(since: dt.datetime, *, hours: int, office: worktime.Office) -> Clock:
    """The clock of a question that was asked at a moment, to an office that shall answer within so many of its hours."""
    moments = tuple(worktime.due(office, since=since, hours=hours * part) for _stage, part, _step in STAGES)
    return Clock(until=moments[1], moments=moments)


def tick(*, at: dt.datetime) -> int:
    """Compute the clocks of this home that are to be looked at, each in a transaction of its own, and do what they say. Gives how many there were."""
    due = models.Document.objects.filter(answer_next_at__lte=at).order_by("answer_next_at", "id").values_list("pk", flat=True)
    known: Known = {}
    count = quiet = 0
    for key in list(due[:BATCH]):
        try:
            with transaction.atomic():
                quiet += _look(key, at=at, known=known)
        except DatabaseError:
            log.exception("a clock could not be wound; the next turn tries again", extra={"document": str(key)})
        else:
            count += 1
    if quiet:
        with transaction.atomic():
            announcing.announce(ClockSet(count=quiet))
    return count


Known = dict[uuid.UUID, Mapping[uuid.UUID, network.Answering]]
"""Of each partner that was asked for: how soon he and the acting enterprise answer each other."""


def _look(document: uuid.UUID, *, at: dt.datetime, known: Known) -> bool:
    """Look at one clock. Says whether something changed that no step tells."""
    row = storing.locked(document)
    if row is None or row.answer_next_at is None or row.answer_next_at > at:
        return False
    before = (row.answer_due_at, row.answer_stage)
    clock = _clock(row, known)
    if clock is None:
        row.answer_due_at, row.answer_next_at, row.answer_stage = None, None, ""
        storing.write_header(row, storing.CLOCK)
        return before != (None, "")
    # What has happened is not undone where the hours are changed, and does not happen twice.
    stage = max(row.answer_stage, clock.stage(at), key=ORDER.index)
    row.answer_due_at, row.answer_next_at, row.answer_stage = clock.until, clock.next(at), stage
    storing.write_header(row, storing.CLOCK)
    if ORDER.index(stage) > max(ORDER.index(before[1]), ORDER.index(RUNNING)):
        _strike(row, stage, at=at)
        return False
    return before != (row.answer_due_at, stage)


def _strike(row: models.Document, stage: str, *, at: dt.datetime) -> None:
    """Something happens: it stands in the history, and whoever it concerns is told by mail."""
    step = next(step for name, _part, step in STAGES if name == stage)
    moving.note_step(row, storing.made_by(SYSTEM, at=at, move=step))
    if stage == "escalated":
        partners.tell_responsible(document=row.pk, document_type=row.type, at=at)
    elif TYPES[row.type].waits_for(row.state) == row.side:
        partners.renew_links(document=row.pk, document_type=row.type, at=at, about="reminder")


def _clock(row: models.Document, known: Known) -> Clock | None:
    """The clock of a document; None where no answer is wanted, or whenever."""
    waits_for = TYPES[row.type].waits_for(row.state)
    if waits_for is None:
        return None
    own = waits_for != row.side
    asked = row.steps.filter(own=own, said__gt=0, overruled=False).order_by("-said").values_list("at", flat=True).first()
    if row.partner_id not in known:
        known[row.partner_id] = network.answering(id=row.partner_id)
    both, me = known[row.partner_id], acting.home().id
    asker, answerer = (me, row.partner_id) if own else (row.partner_id, me)
    if asked is None or asker not in both or answerer not in both or not both[asker].hours:
        return None
    try:
        return clock_of(asked, hours=both[asker].hours, office=both[answerer].office)
    except ValueError:
        # Somebody who is there for a minute a week is never there for so long: it is as if he had been given no time, and holds up nobody's beat.
        return None


def look_again(news: AnsweringChanged) -> None:
    """React to other hours: the clocks of this home are to be computed anew."""
    for each in (each for each in TYPES.values() if each.clocked):
        waiting = [state.code for state in each.states if each.waits_for(state.code)]
        rows = models.Document.objects.filter(type=each.code, state__in=waiting).exclude(answer_stage=ORDER[-1])
        (rows if news.partner is None else rows.filter(partner_id=news.partner)).update(answer_next_at=news.at)
