"""Conversations for the tests, derived from the declarations: how to bring a document into a state, and what each move says."""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.documents.types import TYPES
from apps.documents.vocabulary import DocumentType
from tests.cast import Member, line, move, order
from tests.logistics.deliveries import advice, receipt

ACCEPT: dict[str, Any] = {}
CHANGE = {
    "lines": [
        {
            "line": 1,
            "response": "change",
            "price": "83.00",
            "schedules": [{"quantity": "18", "due_on": "2027-01-15"}, {"quantity": "22", "due_on": "2027-02-15"}],
        }
    ]
}
REJECT = {"lines": [{"line": 1, "response": "reject", "reason": "The tool is broken."}, {"line": 2, "response": "reject", "reason": "The tool is broken."}]}
CHANGE_ASKED = {"lines": [{"line": 1, "price": "80.00", "schedules": [{"quantity": "45", "due_on": "2027-01-20"}]}], "reason": "Plans have changed."}
REASON = {"reason": "Plans have changed."}
COUNTER = {"lines": [{"line": 1, "price": "82.00", "schedules": [{"quantity": "40", "due_on": "2027-02-01"}]}]}
# What a move says to come out as it shall: by its effect and the outcome.
SAYING: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("offer", "accepted"): ACCEPT,
    ("offer", "changed"): CHANGE,
    ("offer", "rejected"): REJECT,
    ("counter", ""): COUNTER,
    ("change", ""): CHANGE_ASKED,
    ("propose", ""): CHANGE,
    ("close", "short"): REASON,
}
# What must have come by then: of the first line, or of both.
COME: Mapping[tuple[str, str], Sequence[str]] = {("close", "short"): ["30"], ("close", "closed"): ["40", "5"]}


@dataclass(frozen=True, slots=True)
class Edge:
    """A declared way from one state to another."""

    before: str
    move: str
    side: str
    outcome: str
    after: str

    @property
    def data(self) -> dict[str, Any]:
        found = TYPES["order"].find_move(self.move)
        assert found is not None
        # Of a change that is rejected, only what it changes is.
        partly = {"lines": REJECT["lines"][:1]} if (found.effect, self.outcome) == ("offer", "rejected") and self.before in found.instead else {}
        return {**SAYING.get((found.effect, self.outcome), {}), **partly, **(REASON if found.reason == "required" else {})}

    @property
    def come(self) -> Sequence[str]:
        found = TYPES["order"].find_move(self.move)
        assert found is not None
        return COME.get((found.effect, self.outcome), [])


def edges(document_type: DocumentType) -> list[Edge]:
    """Every declared way, in a fixed order."""
    return [
        Edge(before, declared.code, side, outcome, after)
        for declared in document_type.moves
        for before in sorted(declared.before)
        for side in sorted(declared.sides)
        if document_type.allows(declared, state=before, side=side)
        for outcome, after in sorted(declared.leads(before).items())
    ]


def route_to(document_type: DocumentType, edge: Edge) -> list[Edge]:
    """A way to where an edge begins, by which it leads where it says: what is refused goes back to where it was asked."""
    if edge.outcome != "held":
        return route(document_type, edge.before)
    asked = next(each for each in edges(document_type) if (each.before, each.after) == ("held", edge.before))
    return [*route(document_type, "held"), asked]


def route(document_type: DocumentType, state: str) -> list[Edge]:
    """The shortest way from the draft to a state."""
    waiting: deque[tuple[str, list[Edge]]] = deque([(document_type.draft, [])])
    known = {document_type.draft}
    while waiting:
        at, path = waiting.popleft()
        if at == state:
            return path
        for edge in edges(document_type):
            # A draft that was given up is known at home alone: those ends are reached by another way.
            if edge.before == at and edge.after not in known and (at != document_type.draft or _sends(document_type, edge.move)):
                known.add(edge.after)
                waiting.append((edge.after, [*path, edge]))
    raise AssertionError(f"no way leads to {state}")


def _sends(document_type: DocumentType, move: str) -> bool:
    found = document_type.find_move(move)
    return found is not None and (found.effect == "ask" or not found.crosses)


def walk(buyer: Member, seller: Member, document: uuid.UUID, path: list[Edge], *, come: Sequence[str] = ()) -> None:
    """Make the moves of a way; what must have come by its end comes as soon as it can be shipped."""
    come = come or next((edge.come for edge in path if edge.come), ())
    for edge in path:
        move(buyer if edge.side == "buyer" else seller, document, edge.move, edge.data)
        if come and TYPES["order"].state(edge.after).ships:
            bring(buyer, seller, document, come)
            come = ()


def bring(buyer: Member, seller: Member, document: uuid.UUID, quantities: Sequence[str]) -> None:
    """Ship and receive so much of the lines."""
    shipped = advice(seller, [{"order": document, "line": index + 1, "quantity": quantity} for index, quantity in enumerate(quantities)])
    receipt(buyer, shipped, [{"line": index + 1, "received": quantity} for index, quantity in enumerate(quantities)])


def order_in(state: str, buyer: Member, seller: Member, *, before: Edge | None = None) -> uuid.UUID:
    """A fresh order of two lines in this state on both sides; so that `before` can follow."""
    document = order(buyer, seller, [line(buyer.items[0]), line(buyer.items[1], "5", "9.99")], publish=False)
    path = route_to(TYPES["order"], before) if before else route(TYPES["order"], state)
    walk(buyer, seller, document, path, come=before.come if before else ())
    return document
