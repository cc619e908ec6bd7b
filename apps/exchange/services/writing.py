"""A document as a standard message, for whoever asks for it in that form."""

import uuid
from collections.abc import Mapping
from typing import Any

from apps.base import acting
from apps.documents import selectors as documents
from apps.documents.selectors import Whole
from apps.documents.vocabulary import LIFE
from apps.exchange import formats
from apps.exchange.formats import Party
from apps.exchange.services import answering, changing
from apps.network import selectors as network
from apps.tenants import selectors as tenants

TEXTS = ("reference", "buyer_item", "seller_item", "gtin", "name", "unit", "note")
NUMBERS = ("quantity", "price", "price_base")


def write(*, media_type: str, document: Whole | None = None, answer: Mapping[str, Any] | None = None) -> bytes:
    """An order, or what was said of one (the columns of its step: an answer, a change, a cancellation), as bytes of this media type.

    What came in by a message goes out as it came, with what has changed since. Raises Refused where UBL cannot say it.
    """
    if answer is not None:
        found = documents.whole(id=answer["document_id"])
        assert found is not None
        return _message(*_said(answer, found), found.head, media_type)
    assert document is not None
    return _message(document.type.code, _content(document), document.head, media_type)


def _said(step: Mapping[str, Any], order: Whole) -> tuple[str, dict[str, Any]]:
    """Which message a step is, and its content."""
    move = order.type.find_move(step["move"])
    assert move is not None
    if move.message != "order_response":
        return move.message, changing.write(step, order)
    return move.message, answering.write(step, order, code=documents.response_code(order.type, step))


def _message(kind: str, content: dict[str, Any], head: Mapping[str, Any], media_type: str) -> bytes:
    said = "buyer" in content.get("details", {})
    me, other = (_party(id, said=said) for id in (acting.home().id, head["partner_id"]))
    buyer, seller = (me, other) if head["side"] == "buyer" else (other, me)
    return formats.write(kind, content, buyer=buyer, seller=seller, media_type=media_type)


def _party(id: uuid.UUID, *, said: bool) -> Party:
    """A party by its electronic addresses; where the message said who it is, none, so that it stays as it was said."""
    listed = network.names([id])[id]
    return Party(endpoints=() if said else tuple(tenants.endpoints_of(id)), name=listed.name, country=listed.country)


def _content(document: Whole) -> dict[str, Any]:
    head = document.head
    content = {
        "number": head["number"],
        "issued_on": head["issued_on"].isoformat() if head["issued_on"] else None,
        "currency": head["currency"],
        "note": head["note"],
        "details": {name: value for name, value in head["details"].items() if name != LIFE},
        "lines": [_line(row) for row in document.lines],
    }
    return {name: value for name, value in content.items() if value not in (None, "")}


def _line(row: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"line": row["position"], "details": row["details"], **{name: row[name] for name in TEXTS if row[name]}}
    made |= {name: format(row[name], "f") for name in NUMBERS if row[name] is not None}
    made["schedules"] = [_schedule(one) for one in row["schedules"].get("requested", ())]
    return made


def _schedule(one: Mapping[str, Any]) -> dict[str, str]:
    made = {"quantity": format(one["quantity"], "f")}
    return {**made, "due_on": one["due_on"].isoformat()} if one["due_on"] else made
