"""One move on many documents, in the background: with progress, to be stopped, and exactly once each.

The worker comes to one document after the other. The move on it and the count of documents that are done (`Bulk.done`) are written in one
transaction, so whoever goes on after a crash begins with the first document on which nothing was done. All or nothing is one transaction for all.
"""

import contextvars
import datetime as dt
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from types import TracebackType
from typing import Any

from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _

from apps.base import announcing, clock, retrying
from apps.base.acting import Actor
from apps.base.findings import Invalid, refuse
from apps.base.problems import problem_of
from apps.documents import models, selectors
from apps.documents.models import Bulk, BulkStage
from apps.documents.services import filling, owning, sheeting
from apps.documents.services.moving import NoSuchDocument, Stale, _need
from apps.documents.services.recognising import clean_name
from apps.documents.types import TYPES
from apps.documents.vocabulary import DocumentType, Move

MOST_PICKED = 10_000
MOST_OPEN = 10
KEPT = dt.timedelta(days=90)
LOST = dt.timedelta(seconds=45)
"""After so much silence of the worker somebody else goes on."""
EVERY = 0.5
"""Seconds between two news of the progress."""


class BulkEnded(Exception):
    """Something was asked of what has ended, or is not so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkAsked:
    """News: there is something for the worker to do, or to go on with."""

    bulk: uuid.UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkMoved:
    """News: it is farther on, or has ended."""

    bulk: uuid.UUID


def answering_move(document_type: DocumentType) -> Move | None:
    """The move of a type that answers lines, and so can be made by a table; None where it has none."""
    return next((move for move in document_type.moves if move.effect == "offer"), None)


def can_be_picked(move: Move) -> bool:
    """Whether a move can be made on many documents without anything else being said: it asks for no more than a click, or accepts each line as asked."""
    return not move.inner and move.confirm is None and (move.effect == "offer" or (not move.form and move.reason == "none"))


# Beginning ------------------------------------------------------------------------------------------------------------


def upload_answers(*, type: str, name: str, body: bytes, by: Actor, at: dt.datetime) -> Bulk:
    """Take a table with answers, to be checked in the background. Raises MayNot, Invalid for what is no table at first sight."""
    move = answering_move(TYPES[type])
    if move is None:
        raise ValueError(f"{type} has no move that answers lines")
    _need(by, f"{type}.{move.code}")
    sheeting.need_readable(body)
    return _begin(type, move, BulkStage.CHECKING, by=by, at=at, name=clean_name(name), content=body)


def move_many(*, type: str, move: str, documents: Sequence[uuid.UUID], by: Actor, at: dt.datetime) -> Bulk:
    """Make a move on each of these documents in the background, each for itself. Raises MayNot, Invalid."""
    declared = TYPES[type].find_move(move)
    if declared is None or not can_be_picked(declared):
        raise refuse("/move", "move", _("“%(move)s” cannot be made on many documents at once.") % {"move": move[:40]})
    _need(by, f"{type}.{declared.code}")
    picked = list(dict.fromkeys(documents))
    if not 0 < len(picked) <= MOST_PICKED:
        raise refuse("/documents", "count", _("Name 1 to %(most)d documents.") % {"most": MOST_PICKED})
    numbers = dict(models.Document.objects.filter(type=type, pk__in=picked).values_list("id", "number"))
    plan: list[dict[str, Any]] = [{"document": str(key), "number": numbers.get(key, ""), "version": None, "data": {}, "rows": []} for key in picked]
    return _begin(type, declared, BulkStage.RUNNING, by=by, at=at, plan=plan, total=len(plan))


def _begin(type: str, move: Move, stage: BulkStage, *, by: Actor, at: dt.datetime, **more: Any) -> Bulk:
    if Bulk.objects.filter(finished_at=None, by_id=by.id).count() >= MOST_OPEN:
        raise refuse("/file", "too_many", _("You have %(count)d of these open already. Finish or discard one first.") % {"count": MOST_OPEN})
    Bulk.objects.filter(finished_at__lt=at - KEPT).delete()
    with transaction.atomic():
        row = Bulk.objects.create(
            type=type,
            move=move.code,
            stage=stage,
            by=by.name,
            by_kind=by.kind,
            by_id=by.id,
            language=get_language() or "en",
            created_at=at,
            touched_at=at,
            **more,
        )
        announcing.announce(BulkAsked(bulk=row.pk))
        announcing.announce(BulkMoved(bulk=row.pk))
    return row


def run_bulk(*, bulk: uuid.UUID, whole: bool, by: Actor, at: dt.datetime) -> None:
    """Say go to what was checked. whole: all or nothing, else the good part. In the name of who says it. Raises NoSuchDocument, MayNot, BulkEnded."""
    with transaction.atomic():
        row = _locked(bulk)
        _need(by, f"{row.type}.{row.move}")
        if row.stage != BulkStage.CHECKED:
            raise BulkEnded(_("This was decided already, or it is not checked yet."))
        if whole and row.findings:
            raise BulkEnded(_("Not every row is good: mend those that are told and upload the table again, or answer the good part."))
        if not row.plan:
            raise BulkEnded(_("There is nothing good in the table that could be said."))
        row.stage, row.whole, row.touched_at = BulkStage.RUNNING, whole, at
        row.by, row.by_kind, row.by_id = by.name, by.kind, by.id
        row.save(update_fields=["stage", "whole", "touched_at", "by", "by_kind", "by_id"])
        announcing.announce(BulkAsked(bulk=bulk))
        announcing.announce(BulkMoved(bulk=bulk))


def stop_bulk(*, bulk: uuid.UUID, by: Actor, at: dt.datetime) -> None:
    """Discard what was checked, or stop what runs: what was said stays said. Raises NoSuchDocument, MayNot, BulkEnded."""
    with transaction.atomic():
        row = _locked(bulk)
        _need(by, f"{row.type}.{row.move}")
        if row.stage == BulkStage.DONE:
            raise BulkEnded(_("This has ended."))
        if row.stage == BulkStage.CHECKED:
            _end(row, _("It was discarded: nothing was said."), at=at)
        elif not row.stop:
            row.stop = True
            row.save(update_fields=["stop"])
        announcing.announce(BulkMoved(bulk=bulk))


def _locked(bulk: uuid.UUID) -> Bulk:
    row = Bulk.objects.select_for_update().defer("content", "rows").filter(pk=bulk).first()
    if row is None:
        raise NoSuchDocument
    return row


def _end(row: Bulk, message: str, *, at: dt.datetime) -> None:
    row.stage, row.finished_at, row.message, row.content = BulkStage.DONE, at, message[:1000], b""
    row.save(update_fields=["stage", "finished_at", "message", "content"])


# In the worker --------------------------------------------------------------------------------------------------------


def work(*, bulk: uuid.UUID) -> None:
    """Do what is to be done, from where it stands. It may be called twice, and at once: nothing is done twice. What goes wrong stands in the row, too."""
    row = Bulk.objects.filter(pk=bulk).first()
    if row is None or row.stage not in (BulkStage.CHECKING, BulkStage.RUNNING):
        return
    with override(row.language):
        try:
            if row.stage == BulkStage.CHECKING:
                _check(row)
            elif row.whole:
                _say_whole(row)
            else:
                _say_each(row)
        except Exception as error:
            # What the database or a partner cannot do at this moment is done when the next turn finds it left.
            if not isinstance(error, OperationalError | InterfaceError) and problem_of(error) is None:
                _fail(bulk)
            raise


def resume(*, at: dt.datetime) -> list[uuid.UUID]:
    """Hand over anew what a worker has begun and left, or never got. Gives what that is."""
    left = Bulk.objects.filter(stage__in=(BulkStage.CHECKING, BulkStage.RUNNING), touched_at__lt=at - LOST).order_by("created_at")
    keys = list(left.values_list("id", flat=True)[:MOST_OPEN])
    with transaction.atomic():
        Bulk.objects.filter(pk__in=keys).update(touched_at=at)
        for key in keys:
            announcing.announce(BulkAsked(bulk=key))
    return keys


def _fail(bulk: uuid.UUID) -> None:
    """Note that the portal itself has failed: what was said until then stands in the report."""
    with transaction.atomic():
        row = _locked(bulk)
        if row.stage != BulkStage.DONE:
            _end(row, _("It was ended by a fault of the portal. What was said until then stands in the report."), at=clock.now())
            announcing.announce(BulkMoved(bulk=bulk))


def _check(row: Bulk) -> None:
    document_type, move = TYPES[row.type], TYPES[row.type].find_move(row.move)
    assert move is not None
    try:
        table = sheeting.read(bytes(row.content))
        with _Watching(row.pk) as watching:
            found = filling.check(document_type, move, table, seen=lambda rows: watching.reached(rows, len(table.rows)))
    except (Invalid, filling.Stopped) as error:
        findings = [[0, "", finding.code, finding.detail] for finding in error.findings] if isinstance(error, Invalid) else []
        _store_checked(row, _("The file cannot be read.") if findings else _("It was stopped: nothing was said."), findings=findings, total=0)
        return
    plan = [{**asdict(each), "document": str(each.document)} for each in found.plan]
    findings = [[each.row, each.column, each.code, each.detail] for each in found.wrong]
    nothing = "" if plan or findings else _("Nothing is answered in this table.")
    _store_checked(row, nothing, findings=findings, plan=plan, total=len(plan), rows=table.rows)


def _store_checked(row: Bulk, message: str, **found: Any) -> None:
    """Write what was found; message: why nothing is to be decided any more, empty where somebody has to."""
    at = clock.now()
    with transaction.atomic():
        now = _locked(row.pk)
        if now.stage != BulkStage.CHECKING:
            return
        for name, value in found.items():
            setattr(now, name, value)
        now.stage, now.content, now.touched_at, now.done = BulkStage.CHECKED, b"", at, 0
        now.save(update_fields=["stage", "content", "touched_at", "done", *found])
        if message or now.stop:
            _end(now, message or _("It was stopped: nothing was said."), at=at)
        announcing.announce(BulkMoved(bulk=row.pk))


def _actor(row: Bulk) -> Actor:
    """Who said go, with the one permission that he was asked for then."""
    return Actor(kind=row.by_kind, id=row.by_id, name=row.by, permissions=frozenset({f"{row.type}.{row.move}"}))  # type: ignore[arg-type]


def _say(row: Bulk, each: Mapping[str, Any], by: Actor) -> str:
    """Make one move in a transaction of the caller's; the reason why it could not be made, empty where it was."""
    key = uuid.UUID(each["document"])
    try:
        with transaction.atomic():
            version = _version(row, key, each["version"])
            owning.make(type=row.type, document=key, move=row.move, data=each["data"], by=by, at=clock.now(), version=version)
    except Invalid as error:
        return error.findings[0].detail
    except NoSuchDocument:
        return _("A document that was picked is not here any more.")
    except Exception as error:
        declared = problem_of(error)
        if declared is None or declared.status >= 500:
            raise
        return declared.detail(error)
    return ""


def _version(row: Bulk, document: uuid.UUID, version: int | None) -> int | None:
    """The version on which the move is made: messages, files and reminders that came since the check change nothing of it. Raises NoSuchDocument, Stale."""
    now = models.Document.objects.filter(pk=document, type=row.type).values_list("version", flat=True).first()
    if now is None:
        raise NoSuchDocument
    if version is not None and version != now and selectors.moved_since({document: version}):
        raise Stale(now)
    return now if version is not None else None


def _say_each(row: Bulk) -> None:
    by, told = _actor(row), 0.0
    for index in range(row.done, len(row.plan)):
        if not retrying.whole(partial(_say_next, row, index, by)):
            return
        if time.monotonic() - told >= EVERY:
            told = time.monotonic()
            announcing.announce(BulkMoved(bulk=row.pk))
    with transaction.atomic():
        now = _locked(row.pk)
        if now.stage == BulkStage.RUNNING and now.done == now.total:
            _end(now, "", at=clock.now())
            announcing.announce(BulkMoved(bulk=row.pk))


def _say_next(row: Bulk, index: int, by: Actor) -> bool:
    """The next document, in one transaction with the count. Whether to go on: not where somebody says stop, or somebody else is at it."""
    with transaction.atomic():
        now = Bulk.objects.select_for_update().only("stage", "stop", "done", "said", "outcomes", "total").get(pk=row.pk)
        if now.stage != BulkStage.RUNNING or now.done != index:
            return False
        if now.stop:
            _end(now, _("It was stopped: what was said by then stays said."), at=clock.now())
            announcing.announce(BulkMoved(bulk=row.pk))
            return False
        why = _say(row, row.plan[index], by)
        now.done, now.touched_at, now.said = index + 1, clock.now(), now.said + (not why)
        if why:
            now.outcomes[str(index)] = why
        now.save(update_fields=["done", "touched_at", "said", *(["outcomes"] if why else [])])
    return True


class _Undone(Exception):
    """All or nothing, and it was not all: index of the plan, and why."""

    def __init__(self, index: int, why: str) -> None:
        super().__init__(why)
        self.index, self.why = index, why


def _say_whole(row: Bulk) -> None:
    """Every move in one transaction. Whoever else is at it at the same time waits, and then finds it done."""
    with _Watching(row.pk) as watching:
        try:
            retrying.whole(partial(_say_all, row, watching.reached))
        except filling.Stopped:
            _undone(row, _("It was stopped: nothing was said."), {})
        except _Undone as error:
            number = row.plan[error.index]["number"]
            _undone(row, _("Nothing was said: %(number)s. %(why)s") % {"number": number, "why": error.why}, {str(error.index): error.why})


def _say_all(row: Bulk, reached: Callable[[int, int], bool]) -> None:
    by = _actor(row)
    with transaction.atomic():
        for index, each in enumerate(row.plan):
            if reached(index, 0):
                raise filling.Stopped
            if why := _say(row, each, by):
                raise _Undone(index, why)
        now = _locked(row.pk)
        if now.stage != BulkStage.RUNNING:
            raise filling.Stopped
        now.done = now.said = now.total
        now.save(update_fields=["done", "said"])
        _end(now, "", at=clock.now())
        announcing.announce(BulkMoved(bulk=row.pk))


def _undone(row: Bulk, message: str, outcomes: dict[str, str]) -> None:
    with transaction.atomic():
        now = _locked(row.pk)
        if now.stage == BulkStage.RUNNING:
            now.done, now.said, now.outcomes = 0, 0, outcomes
            now.save(update_fields=["done", "said", "outcomes"])
            _end(now, message, at=clock.now())
            announcing.announce(BulkMoved(bulk=row.pk))


class _Watching:
    """While it is open, a thread of its own writes how far the work is, which is itself within one transaction, and reads whether it shall stop."""

    def __init__(self, bulk: uuid.UUID) -> None:
        self.bulk = bulk
        self._stop, self._over = threading.Event(), threading.Event()
        self._done, self._total = 0, 0
        context = contextvars.copy_context()
        self._thread = threading.Thread(target=lambda: context.run(self._watch), name="bulk-watching", daemon=True)

    def __enter__(self) -> "_Watching":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()

    def reached(self, done: int, total: int) -> bool:
        """Note how far it is (total: of how many, where that is not known yet); whether to stop."""
        self._done, self._total = done, total
        return self._stop.is_set()

    def _watch(self) -> None:
        try:
            while not self._over.wait(EVERY):
                with transaction.atomic():
                    # Once the work itself has ended it says how far it came.
                    now = Bulk.objects.filter(pk=self.bulk, finished_at=None, stage__in=(BulkStage.CHECKING, BulkStage.RUNNING))
                    now.update(done=self._done, touched_at=clock.now(), **({"total": self._total} if self._total else {}))
                    announcing.announce(BulkMoved(bulk=self.bulk))
                    if now.filter(stop=True).exists():
                        self._stop.set()
        finally:
            connection.close()
