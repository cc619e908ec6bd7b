"""What the enterprises of the simulation say: any declared move of any declared type, with what its effect asks for."""

from __future__ import annotations

import datetime as dt
import random
import uuid
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from apps.documents.services.counting import Uncountable
from apps.documents.services.folding import GIVEN_UP, Content, Line, NotAllowed, Offer, Schedule
from apps.documents.types import TYPES
from apps.documents.vocabulary import DocumentType, Move
from apps.exchange.services.lifting import Stuck
from apps.network.selectors import NoPartner
from tests.faults.rows import Request, View

if TYPE_CHECKING:
    from tests.faults.simulation import Simulation

T = TypeVar("T")
DAYS = [dt.date(2027, 1, day) for day in range(1, 29)]
PRICES = [Decimal(f"{number}.50") for number in range(80, 90)]
QUANTITIES = [Decimal(number) for number in range(1, 100)]
ALL = list(TYPES.values())
REACTS = 0.25
"""How often an enterprise answers at once what it has just heard."""
GOES_ON = 0.5
"""How often it asks its own supplier first, within a conversation."""


class Speaker(Protocol):
    """Who decides what is said. keys_used: a number that no two things have that he says."""

    chance: random.Random
    keys_used: int

    def random(self) -> float: ...

    def pick(self, among: Sequence[T]) -> T: ...

    def id(self) -> uuid.UUID: ...


def publishing(document_type: DocumentType) -> Move:
    """The move that says a draft to the partner."""
    return next(move for move in document_type.moves if move.effect == "ask")


PUBLISHING = {document_type.code: publishing(document_type) for document_type in ALL}


def something(world: Simulation) -> Request | None:
    """What a client wants next: a new document, or a move on one that he knows; None where there is nothing to be said."""
    me = int(world.random() * len(world.known))
    known = world.known[me]
    if not known or world.random() < 0.2:
        return new(world, me)
    view = world.db.rows["view", me, world.pick(known[-12:])]
    moves = view.type.moves_for(state=view.content.state, side=view.side)
    if not moves or len(view.moves) >= MOST_MOVES:
        return None
    move = one_of(world, view.type, moves)
    return request(world, me, view.partner, view.id, view.type, move, data(world, move, view.content))


MOST_MOVES = 14
TRADE = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (0, 2), (1, 3), (5, 0)]
"""Who buys from whom: a chain with two short cuts, and a circle."""
PARTNERS = {
    (me, side): [pair[1 - place] for pair in TRADE if pair[place] == me] for me in range(6) for place, side in enumerate(("buyer", "seller"))
}  # fmt: skip
"""With whom one may talk as the buyer, or as the seller."""
ENDING = {(kind.code, move.code) for kind in ALL for move in kind.moves if all(kind.state(state).final for state in move.outcomes())}
"""The moves after which nothing more is said."""


def one_of(world: Speaker, document_type: DocumentType, moves: list[Move]) -> Move:
    """One of these moves; conversations seldom end by it."""
    move = world.pick(moves)
    if (document_type.code, move.code) in ENDING and world.random() < 0.7:
        return world.pick(moves)
    return move


def new(world: Simulation, me: int) -> Request | None:
    document_type = world.pick(ALL)
    partners = PARTNERS[me, document_type.issuer]
    if not partners:
        return None
    partner = world.pick(partners)
    move = PUBLISHING[document_type.code]
    lines = counting_lines(world, me, partner) if document_type.link else new_lines(world)
    if not lines:
        return None
    return request(world, me, partner, None, document_type, move, asked(world, lines))


def request(world: Simulation, me: int, partner: int, document: uuid.UUID | None, document_type: DocumentType, move: Move,
            given: dict[str, Any]) -> Request:  # fmt: skip
    world.keys_used += 1
    inline = move.crosses and world.random() < 0.2
    return Request(world.keys_used, me, partner, document, document_type, move, given, inline, f"{world.keys_used}")


def react(world: Simulation, me: int, view: View) -> None:
    """Answer at once, as a policy does; within a conversation perhaps after asking one's own supplier. In the open transaction."""
    if world.random() > REACTS or len(view.moves) >= MOST_MOVES:
        return
    moves = view.type.moves_for(state=view.content.state, side=view.side)
    if not moves:
        return
    if world.waiting and world.random() < GOES_ON:
        go_on(world, me)
        # A conversation may have come back to this very document meanwhile.
        view = world.db.get(("view", me, view.id.int))
        moves = view.type.moves_for(state=view.content.state, side=view.side)
    if moves:
        move = one_of(world, view.type, moves)
        world.move(me, view.id, view.type, move, data(world, move, view.content), partner=view.partner, inline=False)


def go_on(world: Simulation, me: int) -> None:
    """Say something inline one tier further. Where that cannot be, it is as if nothing had been said."""
    document_type = world.pick([TYPES["promise"], TYPES["order"]])
    try:
        with world.db.savepoint():
            given = asked(world, new_lines(world))
            world.move(me, None, document_type, PUBLISHING[document_type.code], given, partner=world.pick(PARTNERS[me, "buyer"]), inline=True)
    except (Stuck, NoPartner, NotAllowed, Uncountable):
        world.happened["a tier could not go on"] += 1


def asked(world: Speaker, lines: list[Line]) -> dict[str, Any]:
    return {"note": "", "reason": "", "number": f"{world.keys_used}", "issued_on": DAYS[0], "currency": "EUR", "details": {}, "lines": lines}


def schedules(world: Speaker, quantity: Decimal) -> list[Schedule]:
    """One date, or two that add up."""
    day = world.pick(DAYS)
    if quantity > 1 and world.random() < 0.2:
        first = Decimal(world.chance.randrange(1, int(quantity)))
        return [Schedule(world.id(), first, day), Schedule(world.id(), quantity - first, world.pick(DAYS))]
    return [Schedule(world.id(), quantity, day)]


def new_lines(world: Speaker) -> list[Line]:
    return [new_line(world, position) for position in ((1, 2) if world.random() < 0.2 else (1,))]


def new_line(world: Speaker, position: int, quantity: Decimal | None = None, details: dict[str, Any] | None = None) -> Line:
    much = quantity or world.pick(QUANTITIES)
    requested = schedules(world, much)
    return Line(world.id(), position, much, "C62", world.pick(PRICES), requested, details=details or {})


def counting_lines(world: Simulation, me: int, partner: int) -> list[Line]:
    """A line that counts on an order's line that is agreed, as its issuer sees it; none where there is none."""
    for document in world.known[me][-6:]:
        order = world.db.rows["view", me, document]
        if order.partner == partner and order.type.ordered and any(line.agreed for line in order.content.lines):
            line = next(line for line in order.content.lines if line.agreed)
            return [new_line(world, 1, details=counts(world, order.id, line.position))]
    return []


def counts(world: Speaker, order: uuid.UUID, line: int) -> dict[str, Any]:
    kind = world.pick(("shipped", "received", "accepted", "rejected"))
    return {"order": str(order), "order_line": line, "counts": {kind: str(world.pick(QUANTITIES))}}


def data(world: Speaker, move: Move, content: Content) -> dict[str, Any]:
    """What a move says, by its effect. An effect that is not known here is an error: it would not be tried."""
    return {"note": "", "reason": "", **SAYING[move.effect](world, move, content)}


def _nothing(world: Speaker, move: Move, content: Content) -> dict[str, Any]:
    return {}


def _ask(world: Speaker, move: Move, content: Content) -> dict[str, Any]:
    return asked(world, content.lines or new_lines(world))


def _answers(world: Speaker, move: Move, content: Content) -> dict[str, Any]:
    """All as asked; or one line otherwise; or all rejected."""
    way = world.chance.randrange(3)
    if way == 0:
        return {"lines": {}}
    if way == 1:
        return {"lines": {line.position: Offer("reject", None, [], "no") for line in content.lines}}
    line = world.pick(content.lines)
    return {"lines": {line.position: Offer("change", world.pick(PRICES), schedules(world, world.pick(QUANTITIES)))}}


def _counter(world: Speaker, move: Move, content: Content) -> dict[str, Any]:
    line = world.pick(content.lines)
    return {"lines": {line.position: Offer("change", world.pick(PRICES), schedules(world, world.pick(QUANTITIES)))}}


def _change(world: Speaker, move: Move, content: Content) -> dict[str, Any]:
    """Other terms for a line, or nothing more of it."""
    line = world.pick(content.lines)
    if world.random() < 0.2:
        return {"lines": {line.position: Offer(GIVEN_UP, line.price, [])}}
    return _counter(world, move, content)


def _close(world: Speaker, move: Move, content: Content) -> dict[str, Any]:
    return {"outcome": world.pick(sorted(move.leads(content.state)))}


def _restate(world: Speaker, move: Move, content: Content) -> dict[str, Any]:
    return {"details": {}, "lines": [new_line(world, line.position, details={**line.details, "counts": {"shipped": "7"}}) for line in content.lines]}


def _terms(world: Speaker, move: Move, content: Content) -> dict[str, Any]:
    outcome = world.pick(sorted(move.to)) if not isinstance(move.to, str) else ""
    return {"outcome": outcome, "terms": {"until": str(world.keys_used)}}


def _promise(world: Speaker, move: Move, content: Content) -> dict[str, Any]:
    return {**_counter(world, move, content), **_terms(world, move, content)}


SAYING: dict[str, Callable[[Speaker, Move, Content], dict[str, Any]]] = {
    "none": _nothing,
    "agree": _nothing,
    "ask": _ask,
    "offer": _answers,
    "counter": _counter,
    "restate": _restate,
    "promise": _promise,
    "repromise": _promise,
    "hold": _terms,
    "stand": _nothing,
    "change": _change,
    "propose": _counter,
    "suspend": _nothing,
    "resume": _nothing,
    "go_on": _nothing,
    "close": _close,
}
