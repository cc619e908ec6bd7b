"""The words in which a document type is declared. A type is data; everything else is derived from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from apps.base.text import Text

Side = Literal["buyer", "seller"]
ASIDE = frozenset({"remark", "attach", "remind", "overdue", "escalate"})
"""Steps after which a document says what it said before: whoever read it earlier may still decide on what he has read."""
OTHER: dict[str, Side] = {"buyer": "seller", "seller": "buyer"}
Tone = Literal["neutral", "info", "waiting", "good", "warning", "bad"]


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A state of the conversation.

    final: nothing more is said. waits_for: the side whose move the document waits for.
    counted: while it holds, the document's lines count as progress of the lines that they name (`documents.services.counting`).
    stands: something is agreed, and stays agreed until both say otherwise. ships: what is agreed may be shipped, but for lines of which a change waits.
    """

    code: str
    label: Text
    tone: Tone
    icon: str
    final: bool = False
    waits_for: Side | None = None
    counted: bool = False
    stands: bool = False
    ships: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What a side may do to a document.

    before: the states in which it is allowed. to: the state after it, or one for each outcome of its effect. instead: the same from a state where it
    leads elsewhere.
    effect: what it does to the lines (`documents.services.folding.EFFECTS`). past: the event's word.
    message: the standard message that it is (UBL); code: the message's status code, where it is always the same one.
    crosses: the partner hears of it. form: it asks for more than a click. confirm: the question before it is done.
    weight: of two simultaneous moves the heavier one stands.
    inner: made by the move of another document (a delivery is received by its receipt advice) or by the plan (a promise is moved), and by nobody's hand.
    by_link: it can be made by a one-time link that was mailed, too, without an account (`documents.services.noticing`).
    asks: `past` and `event` where it leads elsewhere (`instead`), for there it only asks for it.
    answers: it answers what the other side asked: only the side may make it for which the state waits. takes_back: only the side that asked may make it.
    unshipped: refused once goods are on their way. noticed: of what is agreed, only until the partner's notice before its date.
    """

    code: str
    label: Text
    past: str
    event: Text
    sides: frozenset[Side]
    before: frozenset[str]
    to: str | Mapping[str, str]
    effect: str = "none"
    message: str = ""
    message_code: str = ""
    crosses: bool = True
    form: bool = False
    confirm: Text | None = None
    tone: Tone = "neutral"
    icon: str = "arrow-right"
    weight: int = 0
    reason: Literal["none", "optional", "required"] = "none"
    inner: bool = False
    by_link: bool = False
    instead: Mapping[str, str | Mapping[str, str]] = field(default_factory=dict)
    asks: tuple[str, Text] | None = None
    answers: bool = False
    takes_back: bool = False
    unshipped: bool = False
    noticed: bool = False

    def told(self, after: str) -> tuple[str, Text]:
        """The event's word, and what somebody did, where it has led to a state."""
        return self.asks if self.asks and after in self.instead.values() else (self.past, self.event)

    def leads(self, before: str) -> Mapping[str, str]:
        """Where this move leads from a state, by the outcome of its effect; by an empty one where each leads to the same state."""
        to = self.instead.get(before, self.to)
        return {"": to} if isinstance(to, str) else to

    def outcomes(self) -> frozenset[str]:
        """The states that this move may lead to."""
        return frozenset(state for before in self.before for state in self.leads(before).values())


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentType:
    """A type of document: who issues it, in which states it can be, and which moves lead from one to another.

    collection: its name in URLs. issuer: the side whose number it bears. draft: the state in which it is written at home.
    answers: collections of the moves on it that can be read as documents of their own (`order-responses`).
    dated: its lines say when they are due. priced: it has a currency, and its lines prices.
    ordered: what is agreed counts as ordered and confirmed.
    link: what its lines do to the lines of another document that they name (`ships`); empty where they name none.
    own_entry: the app above that owns it enters it by a service and a page of its own, and not by the common form.
    clocked: what waits for a side is to be answered within its working hours (`documents.services.clocking`).
    """

    code: str
    collection: str
    label: Text
    label_plural: Text
    issuer: Side
    draft: str
    states: tuple[State, ...]
    moves: tuple[Move, ...]
    side_labels: Mapping[str, Text]
    answers: Mapping[str, Text] = field(default_factory=dict)
    dated: bool = True
    priced: bool = True
    ordered: bool = True
    link: str = ""
    own_entry: bool = False
    clocked: bool = False
    _states: Mapping[str, State] = field(init=False, repr=False, compare=False)
    _moves: Mapping[str, Move] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_states", {state.code: state for state in self.states})
        object.__setattr__(self, "_moves", {move.code: move for move in self.moves})

    def state(self, code: str) -> State:
        return self._states[code]

    def find_move(self, code: str) -> Move | None:
        return self._moves.get(code)

    def moves_for(self, *, state: str, side: str) -> list[Move]:
        """The moves that `side` may make in `state`, in their declared order."""
        return [move for move in self.moves if self.allows(move, state=state, side=side)]

    def allows(self, move: Move, *, state: str, side: str) -> bool:
        """Whether `side` may make a move in `state`."""
        if state not in move.before or side not in move.sides:
            return False
        waits_for = self.state(state).waits_for
        return (not move.answers or waits_for == side) and (not move.takes_back or waits_for == OTHER[side])

    def waits_for(self, state: str) -> Side | None:
        """The side whose answer has a clock in a state; None where nobody is asked."""
        return self.state(state).waits_for if self.clocked and state != self.draft else None

    def states_waiting_for(self, side: str) -> list[str]:
        return [state.code for state in self.states if state.waits_for == side]

    def faults(self) -> list[str]:
        """What is wrong with the declaration, in words; checked when it is registered."""
        codes = {state.code for state in self.states}
        found = [f"{self.code}.{move.code}: unknown state {code}" for move in self.moves for code in (move.before | move.outcomes()) - codes]
        found += [
            f"{self.code}.{move.code}: leads elsewhere from {code}, where it is not allowed"
            for move in self.moves
            for code in move.instead.keys() - move.before
        ]
        found += [f"{self.code}.{move.code}: leaves a final state" for move in self.moves if any(self.state(c).final for c in move.before & codes)]
        for what, names in (("state", [s.code for s in self.states]), ("move", [m.code for m in self.moves])):
            found += [f"{self.code}: {what} {name} is said twice" for name in {n for n in names if names.count(n) > 1}]
        if self.draft not in codes:
            found.append(f"{self.code}: no state {self.draft}")
        return found


def changed_lines(details: Mapping[str, Any]) -> Mapping[int, Mapping[str, Any]]:
    """The lines of which a change waits to be agreed, by position, with what was offered for them before; from the details of a header."""
    return {int(position): kept for position, kept in details.get(LIFE, {}).get("changed", {}).items()}


LIFE = "life"
"""In the details of a header: the number of the last change (`sequence`), the lines of which one waits (`changed`), and whether it is on hold (`held`)."""
