"""Verbs of documents. Business apps say `documents.apply(document=…, move=…, by=…, at=…)`."""

from apps.documents.services.adding import Added
from apps.documents.services.arranging import forget_view, save_view
from apps.documents.services.attaching import accept_attachment, attach, compare_attachments, untold
from apps.documents.services.bulking import (
    BulkAsked,
    BulkEnded,
    BulkMoved,
    answering_move,
    can_be_picked,
    move_many,
    resume,
    run_bulk,
    stop_bulk,
    upload_answers,
    work,
)
from apps.documents.services.clocking import ClockSet, tick
from apps.documents.services.counting import Counted, Uncountable
from apps.documents.services.folding import Content, Line, NotAllowed, OutOfOrder, Said, Schedule
from apps.documents.services.keeping import Answer, KeyTaken, StillRunning, claim, fingerprint, keep_answer, keep_original
from apps.documents.services.matching import match_line
from apps.documents.services.moving import MayNot, Moved, NoSuchDocument, Stale, Unacceptable, accept, apply, draft, reply, revise, say
from apps.documents.services.noticing import actor_of, answer_by_link, moves_by_link, tell_by_mail
from apps.documents.services.numbering import numbered
from apps.documents.services.owning import Owned, Owner, Panel, change, enter, make, owner_of, panels_of, shapes_of, show_panel, tell
from apps.documents.services.recognising import LARGEST_FILE
from apps.documents.services.remarking import accept_remark, compare_remarks, mark_seen, remark
from apps.documents.services.replaying import compare
from apps.documents.services.sheeting import ANSWERS, CSV, LARGEST_TABLE, SHEET, XLSX, harmless
from apps.documents.services.sheeting import write as write_sheet
from apps.documents.services.storing import content

__all__ = [
    "ANSWERS",
    "CSV",
    "LARGEST_FILE",
    "LARGEST_TABLE",
    "SHEET",
    "XLSX",
    "Added",
    "Answer",
    "BulkAsked",
    "BulkEnded",
    "BulkMoved",
    "ClockSet",
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
    "actor_of",
    "answer_by_link",
    "answering_move",
    "apply",
    "attach",
    "can_be_picked",
    "change",
    "claim",
    "compare",
    "compare_attachments",
    "compare_remarks",
    "content",
    "draft",
    "enter",
    "fingerprint",
    "forget_view",
    "harmless",
    "keep_answer",
    "keep_original",
    "make",
    "mark_seen",
    "match_line",
    "move_many",
    "moves_by_link",
    "numbered",
    "owner_of",
    "panels_of",
    "remark",
    "reply",
    "resume",
    "revise",
    "run_bulk",
    "save_view",
    "say",
    "shapes_of",
    "show_panel",
    "stop_bulk",
    "tell",
    "tell_by_mail",
    "tick",
    "untold",
    "upload_answers",
    "work",
    "write_sheet",
]
