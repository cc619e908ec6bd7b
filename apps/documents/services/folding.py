"""The engine: what both sides said, folded into what holds. Pure; it knows neither database nor clock.

A conversation is two sequences of moves, the buyer's and the seller's. Each move knows its number in its own sequence
(`said`) and how many of the other side's its maker had seen (`seen`). From the two sequences alone, in whatever order they
arrived, both sides compute the same document: a move is taken when all that it had seen has been taken; of two that did
not see each other the heavier one (`Move.weight`) comes first, and the other is then taken if it is still allowed, or
overruled.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from apps.documents.vocabulary import LIFE, OTHER, DocumentType, Move, changed_lines


@dataclass(slots=True)
class Schedule:
    """How much is due when. due_on is None where no date was given."""

    id: uuid.UUID
    quantity: Decimal
    due_on: dt.date | None


GIVEN_UP = "cancel"
"""The response of a buyer who wants nothing more of a line."""


@dataclass(slots=True)
class Offer:
    """A side's answer to one line: accept, change, reject or backorder, with what is offered instead."""

    response: str
    price: Decimal | None
    schedules: list[Schedule]
    reason: str = ""
    substitute: dict[str, Any] | None = None
    details: dict[str, Any] | None = None


@dataclass(slots=True)
class Line:
    """One line: what is asked, what is offered for it, and what is agreed."""

    id: uuid.UUID
    position: int
    quantity: Decimal
    unit: str
    price: Decimal | None
    requested: list[Schedule]
    reference: str = ""
    buyer_item: str = ""
    seller_item: str = ""
    gtin: str = ""
    name: str = ""
    price_base: Decimal | None = None
    note: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    offer: Offer | None = None
    agreed: list[Schedule] | None = None
    agreed_price: Decimal | None = None


@dataclass(slots=True)
class Content:
    """What holds of a document: its state, its head and its lines."""

    state: str
    number: str = ""
    issued_on: dt.date | None = None
    currency: str = ""
    note: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)

    def amount(self) -> Decimal | None:
        """The sum over the lines of price times quantity: as agreed, else as asked. None while a price is missing."""
        total = Decimal(0)
        for line in self.lines:
            price = line.price if line.agreed is None else line.agreed_price
            quantity = line.quantity if line.agreed is None else sum((s.quantity for s in line.agreed), Decimal(0))
            if price is None:
                if quantity:
                    return None
                continue
            total += price * quantity / (line.price_base or 1)
        return total.quantize(Decimal("0.01"), ROUND_HALF_UP)

    def due_on(self) -> dt.date | None:
        """The first date on which something is due: as agreed, else as asked."""
        due = [s.due_on for line in self.lines for s in (line.requested if line.agreed is None else line.agreed) if s.due_on]
        return min(due, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One move as it was said: by which side, as which of its moves, having seen how many of the other side's.

    data: the move's own fields, as they crossed (`documents.services.wording`).
    """

    move: str
    side: str
    said: int
    seen: int
    data: Mapping[str, Any]


class NotAllowed(Exception):
    """A move that the state or the side does not allow. `state`, `move`: the codes."""

    def __init__(self, move: str, state: str, side: str, sentence: str = "") -> None:
        super().__init__(sentence or f"{move} is not allowed to the {side} in {state}")
        self.move, self.state, self.side = move, state, side


def allowed(document_type: DocumentType, content: Content, said: Said) -> Move:
    """The declared move, or NotAllowed."""
    move = document_type.find_move(said.move)
    if move is None or not document_type.allows(move, state=content.state, side=said.side):
        raise NotAllowed(said.move, content.state, said.side)
    return move


class OutOfOrder(Exception):
    """The partner's move is not the next one of his."""


def outcome_of(move: Move, before: str, outcome: str) -> str:
    """The state that a move leads to from a state. Raises ValueError for an outcome that is not declared."""
    leads = move.leads(before)
    if (outcome if "" not in leads else "") not in leads:
        raise ValueError(f"{move.code} has no outcome {outcome}")
    return leads.get("") or leads[outcome]


def apply(document_type: DocumentType, content: Content, said: Said) -> Content:
    """The document after one more move. The given content is left as it was; lines that do not change are shared."""
    move = allowed(document_type, content, said)
    after = Content(content.state, content.number, content.issued_on, content.currency, content.note, content.details, list(content.lines))
    outcome = EFFECTS[move.effect](after, said.data)
    after.state = outcome_of(move, content.state, outcome)
    return after


def say(document_type: DocumentType, content: Content, move: Move, data: Mapping[str, Any], *, side: str, own_said: int,
        partner_said: int) -> tuple[Said, Content]:  # fmt: skip
    """A move of one's own, and the document after it. A move that the partner is not to hear of has no number (`said` 0). Raises NotAllowed."""
    crosses = move.crosses and (move.effect == "ask" or own_said + partner_said > 0)
    said = Said(move=move.code, side=side, said=own_said + 1 if crosses else 0, seen=partner_said, data=data)
    return said, apply(document_type, content, said)


def is_first_word(document_type: DocumentType, said: Said) -> bool:
    """Whether a document can begin with this: its issuer says the whole of it."""
    move = document_type.find_move(said.move)
    return move is not None and move.effect == "ask" and said.side == document_type.issuer and said.said == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A document after a move of the partner's: what holds, and whether that move was overruled; then nothing has changed.

    lost: all moves that are overruled now, by side and number; None where what was said before was not looked at again.
    """

    content: Content
    overruled: bool = False
    lost: frozenset[tuple[str, int]] | None = None


def hear(document_type: DocumentType, content: Content, said: Said, *, own_said: int, partner_said: int, earlier: Callable[[], Iterable[Said]]) -> Heard:
    """Take in the partner's next move. Where its maker had not seen all of ours, the whole conversation is folded anew (`earlier`: what was said so far).

    Raises OutOfOrder; NotAllowed where its maker had seen everything, and should have known.
    """
    if said.said != partner_said + 1:
        raise OutOfOrder(f"{said.said} after {partner_said}")
    if not simultaneous(said, others=own_said):
        return Heard(content=apply(document_type, content, said))
    after, overruled = fold(document_type, [*earlier(), said])
    lost = frozenset((other.side, other.said) for other in overruled)
    is_lost = (said.side, said.said) in lost
    return Heard(content=content if is_lost else after, overruled=is_lost, lost=lost)


def fold(document_type: DocumentType, moves: Iterable[Said]) -> tuple[Content, list[Said]]:
    """What holds after all `moves`, and those among them that were overruled."""
    queues: dict[str, list[Said]] = {"buyer": [], "seller": []}
    for said in sorted(moves, key=lambda said: said.said):
        queues[said.side].append(said)
    taken = {"buyer": 0, "seller": 0}
    content, overruled = Content(state=document_type.draft), []
    while any(taken[side] < len(queues[side]) for side in taken):
        said = _next(document_type, queues, taken)
        taken[said.side] += 1
        try:
            content = apply(document_type, content, said)
        except NotAllowed:
            overruled.append(said)
    return content, overruled


def _next(document_type: DocumentType, queues: Mapping[str, Sequence[Said]], taken: Mapping[str, int]) -> Said:
    ready = [queue[taken[side]] for side, queue in queues.items() if taken[side] < len(queue) and queue[taken[side]].seen <= taken[OTHER[side]]]
    if not ready:
        raise ValueError("a move had seen another that is not there")
    return max(ready, key=lambda said: (_weight(document_type, said), said.side == document_type.issuer))


def _weight(document_type: DocumentType, said: Said) -> int:
    move = document_type.find_move(said.move)
    return move.weight if move is not None else -1


def simultaneous(said: Said, *, others: int) -> bool:
    """Whether the maker of `said` had not seen all of the `others` moves that this side has made."""
    return said.seen < others


def _ask(content: Content, data: Mapping[str, Any]) -> str:
    content.number, content.currency = data["number"], data["currency"]
    content.issued_on, content.note = data["issued_on"], data["note"]
    content.details, content.lines = data["details"], data["lines"]
    return "asked"


def _offer(content: Content, data: Mapping[str, Any]) -> str:
    """The answer to what is asked: of a change only to the lines that it changes."""
    answers: Mapping[int, Offer] = data["lines"]
    changed = changed_lines(content.details)
    content.lines = [
        replace(line, offer=_offer_for(line, answers.get(line.position), changed.get(line.position))) if _answers(line, changed) else line
        for line in content.lines
    ]
    responses = {line.offer.response for line in content.lines if line.offer and _answers(line, changed)}
    if responses == {"reject"}:
        if changed:
            _stand(content, data)
        return "rejected"
    if responses != {"accept"}:
        return "changed"
    _agree(content, data)
    return "accepted"


Changed = Mapping[int, Mapping[str, Any]]
"""The lines of which a change waits, as `vocabulary.changed_lines` gives them."""


def _answers(line: Line, changed: Changed) -> bool:
    """Whether an answer concerns a line: all of them, or those of which a change waits."""
    return not changed or line.position in changed


def _offer_for(line: Line, answer: Offer | None, kept: Mapping[str, Any] | None = None) -> Offer:
    """What an answer offers for a line. kept: what was offered before, where it is a change that is answered."""
    substitute = (kept or {}).get("substitute")
    if answer is None or answer.response == "accept":
        details = answer.details if answer else None
        return Offer("accept", line.price, _offered(line), reason=answer.reason if answer else "", substitute=substitute, details=details)
    if answer.response == "reject":
        return replace(answer, price=None, schedules=[])
    price = line.price if answer.price is None else answer.price
    return replace(answer, price=price, schedules=answer.schedules or _offered(line), substitute=answer.substitute or substitute)


def _offered(line: Line) -> list[Schedule]:
    """What is asked, as an offer. Ids are derived, so that both sides give the same ones."""
    return [Schedule(uuid.uuid5(s.id, "offered"), s.quantity, s.due_on) for s in line.requested]


def _agreed(line: Line, kept: Mapping[str, Any] | None = None) -> Line:
    """The line as offered. kept: what was offered before, where it is a change that is agreed; a change that is rejected leaves the line as it was."""
    offer = line.offer or Offer("accept", line.price, _offered(line))
    if kept is not None and offer.response == "reject" and not kept.get("proposed"):
        return _standing(line, kept)
    schedules = [Schedule(uuid.uuid5(s.id, "agreed"), s.quantity, s.due_on) for s in offer.schedules]
    return replace(line, agreed=schedules, agreed_price=offer.price)


def _agree(content: Content, data: Mapping[str, Any]) -> str:
    changed = changed_lines(content.details)
    content.lines = [_agreed(line, changed.get(line.position)) if _answers(line, changed) else line for line in content.lines]
    _settle(content)
    return "agreed"


# Changes of what is agreed ----------------------------------------------------------------------------------------------


def _live(content: Content, **life: Any) -> None:
    """Note in the header how its life goes on; what is empty is not kept."""
    told = {name: value for name, value in {**content.details.get(LIFE, {}), **life}.items() if value}
    content.details = {**{name: value for name, value in content.details.items() if name != LIFE}, **({LIFE: told} if told else {})}


def _settle(content: Content) -> None:
    """No change waits any more."""
    if changed_lines(content.details):
        _live(content, changed={})


def _note_changed(content: Content, positions: Iterable[int], *, proposed: bool = False) -> None:
    """Note of which lines a change waits from now on, and what was offered for them until now."""
    lines, changed = {line.position: line for line in content.lines}, changed_lines(content.details)
    fresh = {position: _kept(lines[position], proposed=proposed) for position in positions if position in lines and position not in changed}
    _live(content, changed={str(position): kept for position, kept in sorted({**changed, **fresh}.items())})


def _kept(line: Line, *, proposed: bool) -> dict[str, Any]:
    offer = line.offer or Offer("accept", None, [])
    kept = {"response": offer.response, "reason": offer.reason, "substitute": offer.substitute, "proposed": proposed}
    return {name: value for name, value in kept.items() if value}


def _reasked(line: Line) -> Line:
    """The line as if what is agreed had been asked. Ids are derived, so that both sides give the same ones."""
    agreed = line.agreed or []
    requested = [Schedule(uuid.uuid5(s.id, "requested"), s.quantity, s.due_on) for s in agreed]
    return replace(line, requested=requested, quantity=sum((s.quantity for s in agreed), Decimal(0)), price=line.agreed_price)


def _standing(line: Line, kept: Mapping[str, Any]) -> Line:
    """The line as agreed, whatever was asked or offered since."""
    schedules = [Schedule(uuid.uuid5(s.id, "offered"), s.quantity, s.due_on) for s in line.agreed or []]
    offer = Offer(kept.get("response", "accept"), line.agreed_price, schedules, reason=kept.get("reason", ""), substitute=kept.get("substitute"))
    return replace(_reasked(line), offer=offer)


def _stand(content: Content, data: Mapping[str, Any]) -> str:
    """A change that waits is off: its lines stand as they were agreed."""
    changed = changed_lines(content.details)
    content.lines = [_standing(line, changed[line.position]) if line.position in changed else line for line in content.lines]
    _settle(content)
    return "stands"


def _change(content: Content, data: Mapping[str, Any]) -> str:
    """A change of the lines that are named: what is asked of them is another now, and waits for an answer. Nothing is said of the others."""
    answers: Mapping[int, Offer] = data["lines"]
    _note_changed(content, answers)
    waiting = changed_lines(content.details)
    _live(content, changed={str(position): {name: value for name, value in kept.items() if name != "proposed"} for position, kept in waiting.items()})
    content.lines = [replace(_countered(line, answers.get(line.position)), offer=None) if line.position in waiting else line for line in content.lines]
    _live(content, sequence=content.details.get(LIFE, {}).get("sequence", 0) + 1)
    return "changed"


def _propose(content: Content, data: Mapping[str, Any]) -> str:
    """The seller offers otherwise what is agreed, of the lines that are named."""
    answers: Mapping[int, Offer] = data["lines"]
    known = {line.position: line.offer.substitute if line.offer else None for line in content.lines}
    _note_changed(content, answers, proposed=True)
    content.lines = [_proposed(line, answers[line.position], known[line.position]) if line.position in answers else line for line in content.lines]
    return "proposed"


def _proposed(line: Line, answer: Offer, substitute: Any) -> Line:
    asked = _reasked(line)
    return replace(asked, offer=_offer_for(asked, answer, {"substitute": substitute}))


def _suspend(content: Content, data: Mapping[str, Any]) -> str:
    _live(content, held=True)
    return "held"


def _resume(content: Content, data: Mapping[str, Any]) -> str:
    _live(content, held=False)
    return "resumed"


def _go_on(content: Content, data: Mapping[str, Any]) -> str:
    """As before it was asked to end it."""
    return "held" if content.details.get(LIFE, {}).get("held") else "agreed"


def _close(content: Content, data: Mapping[str, Any]) -> str:
    return str(data["outcome"])


def _restate(content: Content, data: Mapping[str, Any]) -> str:
    """The whole content again, in place of what was said before."""
    content.details, content.lines = data["details"], data["lines"]
    return "restated"


def _promise(content: Content, data: Mapping[str, Any]) -> str:
    """The seller's promise: offers that nobody has taken yet, and until when they hold and why they are as they are."""
    answers: Mapping[int, Offer] = data["lines"]
    content.lines = [replace(line, offer=_offer_for(line, answers.get(line.position))) for line in content.lines]
    content.details = {**content.details, **data["terms"]}
    content.currency = str(data["terms"].get("currency") or content.currency)
    return str(data["outcome"])


def _repromise(content: Content, data: Mapping[str, Any]) -> str:
    """A promise that was taken is moved: what is offered now holds at once."""
    outcome = _promise(content, data)
    content.lines = [_agreed(line) for line in content.lines]
    return outcome


def _hold(content: Content, data: Mapping[str, Any]) -> str:
    content.details = {**content.details, **data["terms"]}
    return "holding"


def _counter(content: Content, data: Mapping[str, Any]) -> str:
    """What is asked instead of what was offered; of an order that is agreed already, it is a change of it."""
    if changed_lines(content.details):
        return _change(content, data)
    answers: Mapping[int, Offer] = data["lines"]
    content.lines = [_countered(line, answers.get(line.position)) for line in content.lines]
    return "countered"


def _countered(line: Line, answer: Offer | None) -> Line:
    if answer is None:
        return line
    schedules = [] if answer.response == GIVEN_UP else answer.schedules or line.requested
    quantity = sum((s.quantity for s in schedules), Decimal(0))
    return replace(line, requested=schedules, quantity=quantity, price=line.price if answer.price is None else answer.price)


def _nothing(content: Content, data: Mapping[str, Any]) -> str:
    return "done"


EFFECTS: dict[str, Callable[[Content, Mapping[str, Any]], str]] = {
    "none": _nothing,
    "ask": _ask,
    "offer": _offer,
    "agree": _agree,
    "counter": _counter,
    "restate": _restate,
    "promise": _promise,
    "repromise": _repromise,
    "hold": _hold,
    "stand": _stand,
    "change": _change,
    "propose": _propose,
    "suspend": _suspend,
    "resume": _resume,
    "go_on": _go_on,
    "close": _close,
}
