"""Conversations for the tests, derived from the declarations: how to bring a document into a state, and what each move says."""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.documents.types import TYPES
from apps.documents.vocabulary import DocumentType, Move
from tests.cast import Member, line, move, order

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
COUNTER = {"lines": [{"line": 1, "price": "82.00", "schedules": [{"quantity": "40", "due_on": "2027-02-01"}]}]}
# What a move says to come out as it shall: by its effect and the outcome.
SAYING: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("offer", "accepted"): ACCEPT,
    ("offer", "changed"): CHANGE,
    ("offer", "rejected"): REJECT,
    ("counter", ""): COUNTER,
}


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
        return dict(SAYING.get((found.effect, self.outcome), {}))


def _outcomes(declared: Move) -> list[tuple[str, str]]:
    return [("", declared.to)] if isinstance(declared.to, str) else sorted(declared.to.items())


def edges(document_type: DocumentType) -> list[Edge]:
    """Every declared way, in a fixed order."""
    return [
        Edge(before, declared.code, side, outcome, after)
        for declared in document_type.moves
        for before in sorted(declared.before)
        for side in sorted(declared.sides)
        for outcome, after in _outcomes(declared)
    ]


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


def walk(buyer: Member, seller: Member, document: uuid.UUID, path: list[Edge]) -> None:
    """Make the moves of a way."""
    for edge in path:
        move(buyer if edge.side == "buyer" else seller, document, edge.move, edge.data)


def order_in(state: str, buyer: Member, seller: Member) -> uuid.UUID:
    """A fresh order of two lines in this state on both sides."""
    document = order(buyer, seller, [line(buyer.items[0]), line(buyer.items[1], "5", "9.99")], publish=False)
    walk(buyer, seller, document, route(TYPES["order"], state))
    return document
