"""Documents as JSON: plain columns in, plain data out."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from apps.base import acting
from apps.base.acting import Actor
from apps.documents import selectors, services
from apps.documents.selectors import Whole
from apps.documents.types import TYPES
from apps.documents.vocabulary import DocumentType
from apps.network import selectors as network

# What a list needs of a header.
COLUMNS = (
    "id",
    "number",
    "state",
    "side",
    "partner_id",
    "currency",
    "note",
    "issued_on",
    "due_on",
    "amount",
    "line_count",
    "version",
    "created_at",
    "updated_at",
    "answer_due_at",
    "answer_stage",
)
NOBODY = {"slug": "", "name": ""}


class Parties:
    """How the acting enterprise and its partners are called, asked for once for all the rows of an answer."""

    def __init__(self, partners: Sequence[uuid.UUID]) -> None:
        home = acting.home()
        self.own = {"slug": home.slug, "name": home.name}
        self.known = {id: {"slug": found.slug, "name": found.name} for id, found in network.names(partners).items()}

    def of(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The parties of a row by their side, and the partner's slug."""
        other = self.known.get(row["partner_id"], NOBODY)
        bought = row["side"] == "buyer"
        return {"side": row["side"], "buyer": self.own if bought else other, "seller": other if bought else self.own, "partner": other["slug"]}


def head(document_type: DocumentType, row: Mapping[str, Any], *, parties: Parties, actor: Actor) -> dict[str, Any]:
    """A document without its lines."""
    return {
        "uid": row["id"],
        "type": document_type.code,
        "number": row["number"],
        "state": row["state"],
        "moves": [move.code for move in selectors.moves_now(document_type, row, actor)],
        **parties.of(row),
        "currency": row["currency"],
        "note": row["note"],
        "issued_on": row["issued_on"],
        "due_on": row["due_on"],
        "amount": row["amount"],
        "line_count": row["line_count"],
        "version": row["version"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "answer_due_at": row["answer_due_at"],
        "answer_stage": row["answer_stage"] or None,
    }


def whole(document: Whole, *, actor: Actor) -> dict[str, Any]:
    """A document with its lines: what is asked, what is offered beside it, and what is agreed."""
    told = head(document.type, document.head, parties=Parties([document.head["partner_id"]]), actor=actor)
    sums = selectors.progress_of(document)
    stage = selectors.stage_of(sums.values())
    told["progress"] = stage.code if stage else None
    if document.type.ordered:
        told["change"] = _change(document)
    told["lines"] = [{**_line(row, side=document.head["side"]), "progress": _progress(sums.get(row["position"]))} for row in document.lines]
    return told | services.tell(type=document.type.code, whole=document)


def _change(document: Whole) -> dict[str, Any] | None:
    """The change that waits to be agreed, line by line; None where none does."""
    lines = selectors.changing(document)
    if not lines:
        return None
    told = [
        {
            "line": each.line,
            "agreed": _terms(each.agreed),
            "asked": _terms(each.asked),
            "offered": _terms(each.offered) if each.offered else None,
            "changes": list(each.words),
        }
        for each in lines
    ]
    return {"number": selectors.change_number(document.head), "lines": told}


def _terms(terms: selectors.Terms) -> dict[str, Any]:
    dates = [{"quantity": quantity, "due_on": due_on} for quantity, due_on in terms.dates]
    return {"price": terms.price, "quantity": terms.quantity, "schedules": dates}


def _progress(sums: selectors.Sums | None) -> dict[str, Any] | None:
    """What has come of an agreed line; None where nothing is agreed."""
    if sums is None:
        return None
    counted = {kind: sums.of(kind) for kind in ("shipped", "received", "accepted", "rejected", "short", "credited")}
    return {"agreed": sums.agreed, **counted, "to_ship": sums.to_ship, "on_the_way": sums.on_the_way}


def _line(row: Mapping[str, Any], *, side: str) -> dict[str, Any]:
    own, partners = ("buyer_item", "seller_item") if side == "buyer" else ("seller_item", "buyer_item")
    kinds = row["schedules"]
    return {
        "line": row["position"],
        "reference": row["reference"],
        "item": row["item__number"] or row[own] or row[partners] or row["gtin"] or row["name"],
        "matched": row["item_id"] is not None,
        "partner_item": row[partners],
        "buyer_item": row["buyer_item"],
        "seller_item": row["seller_item"],
        "gtin": row["gtin"],
        "name": row["name"] or row["item__name"] or "",
        "quantity": row["quantity"],
        "unit": row["unit"],
        "price": row["price"],
        "price_base": row["price_base"],
        "schedules": _schedules(kinds.get("requested")),
        "offered": _offered(row) if row["response"] else None,
        "agreed": _agreed(row) if kinds.get("agreed") else None,
        "note": row["note"],
    }


def _offered(row: Mapping[str, Any]) -> dict[str, Any]:
    schedules = _schedules(row["schedules"].get("offered"))
    return {"response": row["response"], "price": row["offered_price"], "schedules": schedules, "reason": row["reason"], "substitute": row["substitute"]}


def _agreed(row: Mapping[str, Any]) -> dict[str, Any]:
    schedules = row["schedules"]["agreed"]
    return {"price": row["agreed_price"], "quantity": sum(schedule["quantity"] for schedule in schedules), "schedules": _schedules(schedules)}


def _schedules(given: Sequence[Mapping[str, Any]] | None) -> list[dict[str, Any]]:
    return [{"quantity": schedule["quantity"], "due_on": schedule["due_on"]} for schedule in given or ()]


def step(document_type: DocumentType, row: Mapping[str, Any], *, own: str, partner: str) -> dict[str, Any]:
    """One step of the history. own, partner: the slugs of the two enterprises."""
    data = row["data"]
    return {
        "uid": row["id"],
        "step": row["position"],
        "move": row["move"],
        "event": selectors.event_code(document_type.code, row["move"], after=row["after"]),
        "before": row["before"],
        "after": row["after"],
        "by": row["by"],
        "own": row["own"],
        "enterprise": own if row["own"] else partner,
        "at": row["at"],
        "overruled": row["overruled"],
        "note": data.get("note", ""),
        "reason": data.get("reason", ""),
        "lines": [_answer(line) for line in data.get("lines", ()) if "response" in line],
    }


def _answer(line: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: line.get(name) for name in ("line", "response", "price", "reason", "substitute")}
    return {**kept, "schedules": _schedules(line.get("schedules"))}


def message(row: Mapping[str, Any], *, own: str, partner: str) -> dict[str, Any]:
    """One message of the thread."""
    return {"uid": row["id"], "by": row["by"], "own": row["own"], "enterprise": own if row["own"] else partner, "at": row["at"], "text": row["text"]}


def attachment(row: Mapping[str, Any], *, url: str, own: str, partner: str) -> dict[str, Any]:
    """A file that somebody laid beside a document."""
    told = {name: row[name] for name in ("name", "media_type", "size", "sha256", "by", "own", "at")}
    return {"uid": row["id"], "kind": "attachment", **told, "enterprise": own if row["own"] else partner, "step": None, "url": url}


def original(row: Mapping[str, Any], *, url: str) -> dict[str, Any]:
    """A standard message as it came in: nobody named it, and its step tells who sent it."""
    nobody = {"name": "", "size": None, "sha256": "", "by": "", "own": None, "enterprise": ""}
    return {"uid": row["id"], "kind": row["kind"], "media_type": row["media_type"], "at": row["received_at"], "step": row["step_id"], **nobody, "url": url}


# Columns of the steps that can be read as documents of their own.
ANSWER_COLUMNS = (
    *("id", "document_id", "position", "said", "own", "by", "at", "move", "before", "after", "data"),
    *("document__type", "document__number", "document__side", "document__partner_id", "document__currency"),
)


def answer(row: Mapping[str, Any], *, parties: Parties) -> dict[str, Any]:
    """A move that can be read as a document of its own: an order response."""
    data = row["data"]
    sent = data.get("response") or {}
    document_type = TYPES[row["document__type"]]
    move = document_type.find_move(row["move"])
    about = {"side": row["document__side"], "partner_id": row["document__partner_id"]}
    return {
        "uid": row["id"],
        "type": move.message if move else "",
        "number": sent.get("number") or selectors.response_number(row["document__number"], row),
        "code": selectors.response_code(document_type, row),
        **parties.of(about),
        "own": row["own"],
        document_type.code: {"uid": row["document_id"], "number": row["document__number"]},
        "currency": sent.get("currency") or row["document__currency"],
        "issued_on": sent.get("issued_on") or row["at"].date(),
        "note": data.get("note", ""),
        "reason": data.get("reason", ""),
        "by": row["by"],
        "at": row["at"],
        "lines": [_answer(line) for line in data.get("lines", ()) if "response" in line],
    }
