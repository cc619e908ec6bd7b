"""Promises through the tiers: asked, answered, held, taken, moved, kept. `react` hears every move of a promise in this home."""

from collections.abc import Callable

from apps.documents.services import Moved
from apps.scheduling.services.promising.answering import answer
from apps.scheduling.services.promising.asking import Asked, ask, drop
from apps.scheduling.services.promising.committing import Firmed, NotHeld, Released, commit, hold, note_order, released, taken
from apps.scheduling.services.promising.entering import BecameOrder, enter, make
from apps.scheduling.services.promising.estimating import answer_estimate, estimate_configuration
from apps.scheduling.services.promising.impacting import Frozen, Impact, Wish, answer_impact, impact, take_back
from apps.scheduling.services.promising.listening import answered, closed
from apps.scheduling.services.promising.progressing import Finished, NotDoable, counted, expire, finish, overdue, tend
from apps.scheduling.services.promising.reasoning import sentences
from apps.scheduling.services.promising.rippling import capacity_changed, heard, part_moved, plan_changed, settle
from apps.scheduling.services.promising.telling import facts, parts_of, tell

__all__ = [
    "Asked",
    "BecameOrder",
    "Finished",
    "Firmed",
    "Frozen",
    "Impact",
    "NotDoable",
    "NotHeld",
    "Released",
    "Wish",
    "answer_estimate",
    "answer_impact",
    "ask",
    "capacity_changed",
    "commit",
    "counted",
    "drop",
    "enter",
    "estimate_configuration",
    "expire",
    "facts",
    "finish",
    "hold",
    "impact",
    "make",
    "note_order",
    "overdue",
    "part_moved",
    "parts_of",
    "plan_changed",
    "react",
    "sentences",
    "settle",
    "take_back",
    "tell",
    "tend",
]


def _then(react_to: Callable[..., None]) -> Callable[[Moved], None]:
    return lambda news: react_to(news.document.pk, at=news.step.at)


# By whose move it is (one's own, or the partner's) and which.
_REACTIONS: dict[tuple[bool, str], Callable[[Moved], None]] = {
    (False, "ask"): answer,
    (False, "hold"): answer,
    (False, "commit"): _then(taken),
    (False, "release"): _then(released),
    (True, "release"): _then(closed),
    (False, "answer"): answered,
    (False, "move"): _then(heard),
    (False, "expire"): _then(closed),
    (False, "keep"): _then(closed),
    (False, "break"): _then(closed),
    (True, "keep"): _then(closed),
    (True, "break"): _then(closed),
}


def react(news: Moved) -> None:
    """React to a move of a promise; other documents are no concern of this floor."""
    if news.document_type.code == "promise" and not news.step.overruled and (reaction := _REACTIONS.get((news.step.own, news.step.move))):
        reaction(news)
