"""Sums that a message carries ready-made: they go when what they were computed from has changed, lest they lie."""

import hashlib
import json
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any, Final

from apps.exchange.formats.ubl.tree import Data, leaf_text
from apps.exchange.formats.ubl.values import MOST_DIGITS, canonical

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
    numbers = [line.get(key) and canonical(line[key]) for key in ("quantity", "price", "price_base")]
    return _digest([*numbers, line.get("unit"), currency])


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
    """Drop the sums of a line (in its `details`, changed in place) that no longer belong to it; renew the net one."""
    noted = details.pop("amounts_of", None)
    if noted is None or noted == _line_basis(line, currency):
        return
    item = details["line_item"]
    dropped = [key for key in _OF_LINE if item.pop(key, None) is not None]
    if "line_extension_amount" in dropped:
        say_net(item, line, currency)


def say_net(item: Data, line: Data, currency: str | None) -> None:
    """Write the net amount of a line, to the cent, into its line item (Peppol T01-R024 and R028)."""
    if currency is None or "price" not in line or "quantity" not in line:
        return
    with localcontext(prec=4 * MOST_DIGITS):
        base = Decimal(line.get("price_base", "1")) or Decimal(1)
        net = Decimal(line["quantity"]) * Decimal(line["price"]) / base + _allowances(item)
        text = format(net.quantize(Decimal("0.01"), ROUND_HALF_UP), "f")
    if len(text) <= MOST_DIGITS:
        item["line_extension_amount"] = {"value": text, "currency_id": currency}


def _allowances(item: Data) -> Decimal:
    """Charges less allowances of a line."""
    signed = {"true": Decimal(1), "1": Decimal(1)}
    held = item.get("allowance_charge", [])
    return sum(
        (signed.get(one["charge_indicator"], Decimal(-1)) * Decimal(leaf_text(one["amount"])) for one in held),
        Decimal(0),
    )


def settle(details: Data, content: Data) -> None:
    """Drop the totals of the document (in `details`, changed in place) that no longer belong to its lines."""
    noted = details.pop("totals_of", None)
    if noted is not None and noted != _basis(content):
        for key in _OF_DOCUMENT:
            details.pop(key, None)
