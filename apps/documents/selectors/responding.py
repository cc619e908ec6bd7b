"""Moves that can be read as documents of their own: answers to what was asked."""

from collections.abc import Mapping
from typing import Any

from apps.documents.vocabulary import DocumentType

CODES = {"accepted": "AP", "changed": "CA", "rejected": "RE"}


def response_code(document_type: DocumentType, step: Mapping[str, Any]) -> str:
    """The code of an answer as a whole (UNCL 4343 as Peppol has it): AB received, AP accepted, CA with changes, RE refused."""
    move = document_type.find_move(step["move"])
    if move is None or isinstance(move.to, str):
        return move.message_code if move else ""
    found = [outcome for outcome, state in move.leads(step["before"]).items() if state == step["after"]]
    if len(found) > 1:
        # A change that is rejected leaves the order agreed, as one that is accepted does.
        rejected = all(line["response"] == "reject" for line in step["data"].get("lines", ()))
        found = [outcome for outcome in found if (outcome == "rejected") == rejected]
    return CODES[found[0]]


def response_number(number: str, step: Mapping[str, Any]) -> str:
    """The number of an answer that was given without one: that of its document, and which of its side's moves it was; the same on both sides."""
    return f"{number}-{step['said']}"
