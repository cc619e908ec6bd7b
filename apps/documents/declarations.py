"""What documents contribute: who may make which move, and how a refusal is told."""

from django.utils.translation import gettext_lazy as _

from apps.base.problems import Problem
from apps.documents.services import BulkAsked, BulkEnded, KeyTaken, MayNot, Moved, NoSuchDocument, NotAllowed, Stale, StillRunning, Uncountable
from apps.documents.types import TYPES
from apps.network.services import AnsweringChanged

DESK = {"buyer": "buyer", "seller": "seller"}


def _permissions() -> dict[str, set[str]]:
    """`order.publish` for each move of each type, to the desk of the side that makes it; reading to everybody."""
    found: dict[str, set[str]] = {}
    for document_type in TYPES.values():
        code = document_type.code
        everybody = {"buyer", "seller", "planner", "dock", "viewer", "integration"}
        found[f"{code}.view"] = everybody
        found[f"{code}.remark"] = found[f"{code}.attach"] = everybody - {"viewer"}
        found[f"{code}.draft"] = {DESK[document_type.issuer], "integration"}
        for move in (move for move in document_type.moves if not move.inner):
            found[f"{code}.{move.code}"] = {*(DESK[side] for side in move.sides), "integration"}
    return found


PERMISSIONS = _permissions()
MENU = [
    {"code": each.code, "label": each.label_plural, "url": each.collection, "icon": "file-text", "permission": f"{each.code}.view", "order": 10 + index}
    for index, each in enumerate(TYPES.values())
    if not each.own_entry
]

REACTIONS = {
    Moved: ["apps.documents.services.noticing.note"],
    BulkAsked: ["apps.documents.tasks.work_soon"],
    AnsweringChanged: ["apps.documents.services.clocking.look_again"],
}

# What the floors below ask for: labels for agreements, figures for the network's pages, the length of the matching queue.
DOCUMENT_TYPES = {document_type.code: document_type.label_plural for document_type in TYPES.values()}
PARTNER_FIGURES = ["apps.documents.selectors.partnering.figures"]
PARTNER_RECENT = ["apps.documents.selectors.partnering.recent_with"]
PARTNER_PAGES = ["apps.documents.selectors.partnering.pages_with"]
ITEM_QUEUES = ["apps.documents.selectors.partnering.waiting_for_items"]

PROBLEMS = {
    NotAllowed: Problem(status=409, code="not-allowed", title=_("This move is not possible now."), more=lambda error: {"state": error.state}),
    NoSuchDocument: Problem(
        status=404, code="not-found", title=_("There is nothing here."), detail=lambda error: str(_("It does not exist, or it is not yours to see."))
    ),
    MayNot: Problem(status=403, code="forbidden", title=_("You may not do this."), more=lambda error: {"permission": error.permission}),
    BulkEnded: Problem(status=409, code="bulk-ended", title=_("This is not possible now.")),
    Uncountable: Problem(status=409, code="uncountable", title=_("This cannot be counted on an agreed line.")),
    Stale: Problem(status=412, code="stale", title=_("The document has changed."), more=lambda error: {"version": error.version}),
    KeyTaken: Problem(
        status=422,
        code="idempotency-key-taken",
        title=_("This Idempotency-Key was used for another request."),
        detail=lambda error: str(_("Use a new key for a new request, and the same key only to repeat the same one.")),
    ),
    StillRunning: Problem(
        status=409,
        code="still-running",
        title=_("The first request with this Idempotency-Key is still running."),
        detail=lambda error: str(_("Wait a moment and ask again with the same key.")),
    ),
}
