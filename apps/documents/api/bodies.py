"""Which names a body may have, for each thing that can be sent."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from apps.base import fields
from apps.base.findings import Finding, Invalid, refuse
from apps.base.inputs import Shape, check_names
from apps.documents.vocabulary import OTHER, DocumentType, Move

SCHEDULES = [{"quantity": None, "due_on": None}]
LINE: Shape = {
    **dict.fromkeys(("item", "seller_item", "gtin", "name", "quantity", "unit", "price", "price_base", "note", "reference")),
    "schedules": SCHEDULES,
}
SUBSTITUTE = ("item", "name", "gtin")
ANSWER: Shape = {"line": None, "response": None, "schedules": SCHEDULES, "price": None, "substitute": dict.fromkeys(SUBSTITUTE), "reason": None}
REVISION: Shape = {"number": None, "currency": None, "note": None, "issued_on": None, "lines": [LINE]}
REMARK: Shape = {"text": None}
LONGEST_SUBSTITUTE = 500
ANSWERED = ("offer", "counter", "change", "propose")
"""The effects whose moves say something of lines, one by one."""


def draft(document_type: DocumentType) -> Shape:
    """The body of a new document: its content, and under the name of the other side the partner's slug."""
    return {OTHER[document_type.issuer]: None, **REVISION}


def move(declared: Move) -> Shape:
    """The body of a move."""
    shape: dict[str, Any] = {"note": None}
    if declared.reason != "none":
        shape["reason"] = None
    if declared.effect in ANSWERED:
        shape["lines"] = [ANSWER]
    return shape


def read_draft(document_type: DocumentType, given: Mapping[str, Any]) -> dict[str, Any]:
    """The keywords for documents.draft(). Raises Invalid."""
    check_names(given, draft(document_type))
    side = OTHER[document_type.issuer]
    try:
        partner = fields.text(given.get(side), limit=60, required=True)
    except fields.Unreadable as error:
        raise refuse(f"/{side}", error.code, str(error)) from error
    wanted = {name: given.get(name) for name in ("number", "currency", "lines", "issued_on")}
    return {"partner": partner, "note": given.get("note") or "", **wanted}


def read_move(declared: Move | None, given: Mapping[str, Any], *, more: Sequence[str] = ()) -> Mapping[str, Any]:
    """The data of a move. more: the names that it takes beyond the common ones. Raises Invalid."""
    if declared is None:
        return {}
    check_names(given, {**move(declared), **dict.fromkeys(more)})
    lines = given.get("lines")
    found = [finding for index, line in enumerate(lines if isinstance(lines, list) else ()) for finding in _substitute(f"/lines/{index}", line)]
    if found:
        raise Invalid(found)
    return given


def _substitute(at: str, line: Any) -> list[Finding]:
    """What is wrong with the substitute of one answer: it crosses as it is, so it must be texts."""
    substitute = line.get("substitute") if isinstance(line, Mapping) else None
    if not isinstance(substitute, Mapping):
        return []
    found = []
    for name, value in substitute.items():
        try:
            fields.text(value, limit=LONGEST_SUBSTITUTE)
        except fields.Unreadable as error:
            found.append(Finding(f"{at}/substitute/{name}", error.code, str(error)))
    if not any(substitute.values()):
        found.append(Finding(f"{at}/substitute", "required", _("Say the number or the name of the substitute.")))
    return found
