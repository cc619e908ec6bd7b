"""Sums that a message carries ready-made: they go when what they were computed from has changed, lest they lie."""

import hashlib
import json
from typing import Any, Final

from apps.exchange.formats.ubl.tree import Data

_OF_LINE: Final = (
    "line_extension_amount",
    "tax_inclusive_line_extension_amount",
    "total_tax_amount",
    "tax_total",
    "item_price_extension",
)
_OF_DOCUMENT: Final = ("tax_total", "anticipated_monetary_total", "legal_monetary_total")


def _digest(parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def _line_basis(line: Data, currency: str | None) -> str:
    return _digest([line.get(key) for key in ("quantity", "unit", "price", "price_base")] + [currency])


def _basis(content: Data) -> str:
    return _digest([_line_basis(line, content.get("currency")) for line in content["lines"]])


def note_line(line: Data, line_item: Data, currency: str | None) -> None:
    """Write into the details of `line` what the sums in `line_item` belong to."""
    if any(key in line_item for key in _OF_LINE):
        line["details"]["amounts_of"] = _line_basis(line, currency)


def note(content: Data) -> None:
    """Write into the details what the totals of the document belong to."""
    if any(key in content["details"] for key in _OF_DOCUMENT):
        content["details"]["totals_of"] = _basis(content)


def settle_line(details: Data, line: Data, currency: str | None) -> None:
    """Drop the sums of a line (in its `details`, changed in place) that no longer belong to it."""
    noted = details.pop("amounts_of", None)
    if noted is not None and noted != _line_basis(line, currency):
        for key in _OF_LINE:
            details.get("line_item", {}).pop(key, None)


def settle(details: Data, content: Data) -> None:
    """Drop the totals of the document (in `details`, changed in place) that no longer belong to its lines."""
    noted = details.pop("totals_of", None)
    if noted is not None and noted != _basis(content):
        for key in _OF_DOCUMENT:
            details.pop(key, None)
