"""Verbs of the seller's desk: orders that stand on a promise are confirmed as they were promised, and taken back as far as they can be."""

import contextlib
import datetime as dt
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from apps.base import clock
from apps.base.acting import SYSTEM
from apps.documents import selectors as conversation
from apps.documents import services as documents
from apps.documents.services import Line, Moved
from apps.exchange import services as exchange
from apps.network import selectors as network
from apps.scheduling import selectors as scheduling
from apps.scheduling import services as schedule
from apps.scheduling.services import Impact, Wish


def react(news: Moved) -> None:
    """React to a move of an order: what came in on a promise is confirmed, and what ends gives its promises back."""
    step = news.step
    if news.document_type.code != "order" or step.overruled:
        return
    if (step.own, step.move) == (False, "publish"):
        _answer_promised(news)
    elif (step.own, step.after) == (False, "cancel_asked"):
        _let_go(news)
    elif step.own and step.move in TAKING_BACK:
        promises = [record.document for record in scheduling.of_order(news.document.pk)]
        schedule.take_back(promises, by=SYSTEM, at=step.at, let_off=TAKING_BACK[step.move])


TAKING_BACK = {"cancel": False, "accept_cancel": True, "close": True}
"""The buyer's moves after which what was promised for an order is wanted no more; and whether the seller has let him off already."""


def _let_go(news: Moved) -> None:
    """A customer who has given back all that was promised for an order, and asks to cancel it, is let go.

    Whether work on it had begun was asked before he could give it back. Where goods are on their way already, somebody here decides.
    """
    standing = scheduling.of_order(news.document.pk)
    if standing and all(record.closed_at is not None for record in standing):
        with contextlib.suppress(documents.NotAllowed):
            documents.apply(document=news.document.pk, move="accept_cancel", by=SYSTEM, at=news.step.at)


def _answer_promised(news: Moved) -> None:
    """Where each line stands on a promise that the customer has taken, and asks for nothing else, the order is confirmed."""
    lines = news.content.lines if news.content else []
    if lines and all(_is_promised(line, news.document) for line in lines):
        for line in lines:
            schedule.note_order(promise=uuid.UUID(line.details["promise"]), order=news.document.pk)
        documents.reply(to=news, move="confirm", by=SYSTEM, at=news.step.at)


def _is_promised(line: Line, order: Any) -> bool:
    """Whether a line of an order asks for exactly what was promised: quantity, day, price, and no other configuration."""
    try:
        promised = scheduling.promised(uuid.UUID(str(line.details.get("promise"))))
    except ValueError:
        return False
    if promised is None or promised.partner_id != order.partner_id or not promised.firm:
        return False
    asked = [(each.quantity, each.due_on) for each in line.requested]
    same_terms = asked == [(promised.quantity, promised.promised_on)] and (promised.price is None or line.price == promised.price)
    return same_terms and line.details.get("configuration") == promised.configuration and promised.order_id in (None, order.pk)


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What it means to cancel an order, or to change it. promises: of each promise that it stands on; none: it stands on none, and costs nothing here."""

    promises: tuple[tuple[scheduling.Record, Impact], ...]

    @property
    def frozen(self) -> bool:
        return any(found.frozen for _record, found in self.promises)

    @property
    def freezes_on(self) -> dt.date | None:
        """The first day on which something of it froze, or will."""
        return min((found.freezes_on for _record, found in self.promises if found.freezes_on), default=None)

    @property
    def cost(self) -> Decimal | None:
        """Of all together; None where one has no price."""
        costs = [found.cost for _record, found in self.promises]
        known = [cost for cost in costs if cost is not None]
        return sum(known, Decimal(0)) if len(known) == len(costs) else None

    @property
    def currency(self) -> str:
        return next((found.currency for _record, found in self.promises), "")

    @property
    def due_on(self) -> dt.date | None:
        """The day for which all of it could be promised; None where one of them cannot, or nothing was to be changed."""
        days = [found.due_on for _record, found in self.promises]
        known = [day for day in days if day is not None]
        return max(known) if known and len(known) == len(days) else None

    @property
    def sentence(self) -> str:
        """Why it is refused; empty where it is not."""
        return next((found.sentence for _record, found in self.promises if found.frozen), "")


def impact(order: uuid.UUID, wish: Wish, *, at: dt.datetime) -> Costs:
    """What it means to cancel an order of this home (a wish that wishes nothing), or to change it; asked of the seller. Raises exchange.NoAnswer, NoPartner."""
    standing = [record for record in scheduling.of_order(order) if record.closed_at is None]
    found = [(record, schedule.impact(record.document, wish, at=at)) for record in standing]
    return Costs(promises=tuple((record, told) for record, told in found if told is not None))


def impact_panel(whole: conversation.Whole) -> dict[str, Any] | None:
    """What stands beside the question before an order is cancelled; None where it stands on no promise."""
    try:
        costs = impact(whole.id, Wish(), at=clock.now())
    except (exchange.NoAnswer, network.NoPartner) as error:
        return {"silent": str(error)}
    return {"costs": costs} if costs.promises else None
