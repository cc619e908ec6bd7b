"""What a seller offers otherwise: agreed to by itself inside the buyer's tolerances, and not sent at all where they block it."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from apps.base import acting
from apps.base.acting import SYSTEM
from apps.base.findings import Finding, Invalid
from apps.documents import selectors as conversation
from apps.documents import services as documents
from apps.documents.services import Line, Moved
from apps.documents.vocabulary import changed_lines
from apps.network import selectors as network
from apps.network import terms
from apps.network.terms import Rule
from apps.procurement.services.judging import Judged, is_accepted, judge

OFFERING = ("confirm", "propose_change")
"""The moves of a seller by which he offers otherwise."""
WAITING = ("confirmed", "change_answered")
"""The states in which such an offer waits for the buyer."""


def answered(news: Moved) -> None:
    """React to an answer: at the seller's desk it is refused where the buyer blocks it; at the buyer's it is agreed to where it is tolerated.

    Raises Invalid, at the seller's.
    """
    step = news.step
    if news.document_type.code != "order" or step.overruled or step.move not in OFFERING or news.content is None:
        return
    if step.after not in WAITING:
        return
    judged = judge_offer(news)
    if step.own:
        _refuse_blocked(judged)
    elif judged and is_accepted(judged):
        documents.reply(to=news, move="accept_response", data={"judged": [each.told() for each in judged]}, by=SYSTEM, at=step.at)


def judge_offer(news: Moved) -> list[Judged]:
    """Every deviation of what a seller has just offered, judged by the tolerances of the buyer."""
    assert news.content is not None
    row, me = news.document, acting.home().id
    buyer, seller = (me, row.partner_id) if row.side == "buyer" else (row.partner_id, me)
    return judge_lines(news.content.lines, changed_lines(news.content.details), buyer=buyer, seller=seller)


def judge_lines(lines: Sequence[Line], changed: Mapping[int, object], *, buyer: uuid.UUID, seller: uuid.UUID) -> list[Judged]:
    """changed: the lines of which a change waits; where there are any, only they are answered."""
    asked = [line for line in lines if not changed or line.position in changed]
    said = network.tolerances(buyer=buyer, seller=seller)
    return judge(asked, {line.position: _rules_of(line, said) for line in asked})


def judged_panel(whole: conversation.Whole) -> dict[str, Any] | None:
    """What stands on the page of an order whose answer somebody of the buyer must look at; None where nothing does."""
    head = whole.head
    if head["side"] != "buyer" or head["state"] not in WAITING:
        return None
    content = documents.content(whole.id)
    if content is None:
        return None
    judged = judge_lines(content.lines, changed_lines(content.details), buyer=acting.home().id, seller=head["partner_id"])
    told = [{"sentence": terms.sentence_of(each.told()), "outside": each.verdict not in ("within", "accept")} for each in judged]
    return {"judged": told} if told else None


def _rules_of(line: Line, said: Sequence[network.Tolerance]) -> list[Rule]:
    """The rules that concern a line: those of its item among them, and what stands on the line itself."""
    rules = [each.rule for each in said if each.item in ("", line.buyer_item)]
    own = line.details.get("tolerances")
    if own:
        try:
            rules.append(Rule(scope="line", version=0, terms=terms.read(own)))
        except Invalid:
            # A line that came from elsewhere may bear anything under this name: it says nothing then, and the wider rules hold.
            return rules
    return rules


def _refuse_blocked(judged: Sequence[Judged]) -> None:
    found = [
        Finding(
            "/lines",
            "tolerance",
            _("The buyer does not accept this: %(what)s. Offer it otherwise, or write to him.") % {"what": terms.sentence_of(each.told())},
        )
        for each in judged
        if each.verdict == "block"
    ]
    if found:
        raise Invalid(found)
