"""Verbs of the seller's desk: orders that stand on a promise of ours are confirmed at once, as they were promised."""

import uuid
from collections.abc import Mapping
from typing import Any

from apps.base.acting import SYSTEM
from apps.documents import selectors as conversation
from apps.documents import services as documents
from apps.documents.services import Moved
from apps.scheduling import selectors as scheduling
from apps.scheduling import services as schedule


def answer_promised(news: Moved) -> None:
    """React to an order: where each line stands on a promise that the customer has taken, and asks for nothing else, it is confirmed."""
    if news.document_type.code != "order" or news.step.own or news.step.move != "publish":
        return
    whole = conversation.whole(id=news.document.pk)
    if whole is not None and whole.lines and all(_is_promised(line, whole) for line in whole.lines):
        for line in whole.lines:
            schedule.note_order(promise=uuid.UUID(line["details"]["promise"]), order=whole.id)
        documents.apply(document=whole.id, move="confirm", by=SYSTEM, at=news.step.at)


def _is_promised(line: Mapping[str, Any], whole: conversation.Whole) -> bool:
    """Whether a line asks for exactly what was promised: quantity, day, price, and no other configuration."""
    try:
        promised = scheduling.promised(uuid.UUID(str(line["details"].get("promise"))))
    except ValueError:
        return False
    if promised is None or promised.partner_id != whole.head["partner_id"] or not promised.firm:
        return False
    asked = [(each["quantity"], each["due_on"]) for each in line["schedules"]["requested"]]
    same_terms = asked == [(promised.quantity, promised.promised_on)] and (promised.price is None or line["price"] == promised.price)
    return same_terms and line["details"].get("configuration") == promised.configuration and promised.order_id in (None, whole.id)
