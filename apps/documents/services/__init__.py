"""Verbs of documents. Business apps say `documents.apply(document=…, move=…, by=…, at=…)`."""

from apps.documents.services.adding import Added
from apps.documents.services.arranging import forget_view, save_view
from apps.documents.services.attaching import accept_attachment, attach, compare_attachments, untold
from apps.documents.services.counting import Counted, Uncountable
from apps.documents.services.folding import Content, Line, NotAllowed, OutOfOrder, Said, Schedule
from apps.documents.services.keeping import Answer, KeyTaken, StillRunning, claim, fingerprint, keep_answer, keep_original
from apps.documents.services.matching import match_line
from apps.documents.services.moving import MayNot, Moved, NoSuchDocument, Stale, Unacceptable, accept, apply, draft, reply, revise, say
from apps.documents.services.owning import Owned, Owner, Panel, change, enter, make, owner_of, panels_of, shapes_of, show_panel, tell
from apps.documents.services.recognising import LARGEST_FILE
from apps.documents.services.remarking import accept_remark, compare_remarks, mark_seen, remark
from apps.documents.services.replaying import compare

__all__ = [
    "LARGEST_FILE",
    "Added",
    "Answer",
    "Content",
    "Counted",
    "KeyTaken",
    "Line",
    "MayNot",
    "Moved",
    "NoSuchDocument",
    "NotAllowed",
    "OutOfOrder",
    "Owned",
    "Owner",
    "Panel",
    "Said",
    "Schedule",
    "Stale",
    "StillRunning",
    "Unacceptable",
    "Uncountable",
    "accept",
    "accept_attachment",
    "accept_remark",
    "apply",
    "attach",
    "change",
    "claim",
    "compare",
    "compare_attachments",
    "compare_remarks",
    "draft",
    "enter",
    "fingerprint",
    "forget_view",
    "keep_answer",
    "keep_original",
    "make",
    "mark_seen",
    "match_line",
    "owner_of",
    "panels_of",
    "remark",
    "reply",
    "revise",
    "save_view",
    "say",
    "shapes_of",
    "show_panel",
    "tell",
    "untold",
]
