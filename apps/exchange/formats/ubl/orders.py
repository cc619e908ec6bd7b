"""An order: the data of a document as content, and back."""

import copy
from dataclasses import dataclass
from typing import Final

from apps.exchange.formats.messages import PartyLike
from apps.exchange.formats.ubl import amounts, configured, deliveries, mapping, parties
from apps.exchange.formats.ubl.tree import Data

CUSTOMIZATION: Final = "urn:fdc:peppol.eu:poacc:trns:order:3"
PROFILE: Final = "urn:fdc:peppol.eu:poacc:bis:ordering:3"

Rows = tuple[mapping.Field, ...]


@dataclass(frozen=True)
class OrderKind:
    """A document of the buyer's that says lines: its name in UBL, the rows of the whole and of a line, and how Peppol identifies it."""

    document: str
    rows: Rows
    line_rows: Rows
    customization: str
    profile: str


ORDER: Final = OrderKind("Order", mapping.ORDER, mapping.ORDER_LINE, CUSTOMIZATION, PROFILE)


def content(data: Data, kind: OrderKind = ORDER) -> Data:
    """The content of an order, or of a change to one; `data` is used up."""
    lines = data.pop("order_line")
    made: Data = mapping.lift(data, kind.rows, kind.document, {})
    derive_currency(made, data, lines)
    header_day = deliveries.first_day(data.get("delivery", []), deliveries.REQUESTED)
    made["details"] = data
    made["lines"] = [_line(line, number, header_day, made, kind) for number, line in enumerate(lines, 1)]
    amounts.note(made)
    return made


def derive_currency(made: Data, details: Data, lines: list[Data]) -> None:
    """Give a content whose message says no currency for the whole (UBL 2.0) that of its prices."""
    found = None if "currency" in made else _price_currency(lines)
    if found is not None:
        made["currency"] = found
        details.setdefault("derived", []).append("currency")


def _price_currency(lines: list[Data]) -> str | None:
    for line in lines:
        amount = line["line_item"].get("price", {}).get("price_amount")
        if isinstance(amount, dict) and amount.get("currency_id"):
            return str(amount["currency_id"])
    return None


def context(made: Data) -> dict[str, str]:
    return {"currency": made["currency"]} if "currency" in made else {}


def _line(line: Data, number: int, header_day: str | None, made: Data, kind: OrderKind) -> Data:
    ours = configured.take(line)
    core: Data = {"line": number, **mapping.lift(line, kind.line_rows, "OrderLine", context(made))}
    item = line.get("line_item", {})
    core["schedules"] = deliveries.schedules(item.get("delivery", []), core.get("quantity"), header_day, deliveries.REQUESTED)
    core["details"] = {**line, **ours}
    amounts.note_line(core, item, made.get("currency"))
    return core


def fresh(content: Data) -> bool:
    """Whether the content was not read from a message (every one of which has a buyer), so that we choose the form."""
    return "buyer" not in content.get("details", {})


def _identity(content: Data, kind: OrderKind) -> dict[str, str]:
    """Peppol's order has one delivery a line, without a quantity; one with more is plain UBL."""
    if any(len(line.get("schedules", [])) > 1 for line in content["lines"]):
        return {"ubl_version": "2.1"}
    return {"customization": kind.customization, "profile": kind.profile}


def data(content: Data, buyer: PartyLike, seller: PartyLike, kind: OrderKind = ORDER) -> Data:
    """The data of a document of this kind that says what `content` says."""
    made: Data = copy.deepcopy(content.get("details", {}))
    if fresh(content):
        made = {**_identity(content, kind), **made}
    amounts.settle(made, content)
    derived = made.pop("derived", [])
    parties.place(made, "buyer", buyer, address=True)
    parties.place(made, "seller", seller, address=True)
    header_day = deliveries.first_day(made.get("delivery", []), deliveries.REQUESTED)
    made["order_line"] = [_line_data(line, header_day, content, kind) for line in content["lines"]]
    mapping.put(made, header_rows(kind.rows, made, content, derived), kind.document, content, {})
    return made


def header_rows(rows: Rows, made: Data, content: Data, derived: list[str]) -> Rows:
    """Without the currency where the message had said none, and its prices say it still."""
    if "currency" in derived and _price_currency(made.get("order_line", [])) == content.get("currency"):
        return tuple(row for row in rows if row.key != "currency")
    return rows


def _line_data(line: Data, header_day: str | None, content: Data, kind: OrderKind) -> Data:
    made: Data = copy.deepcopy(line.get("details", {}))
    configured.put(made, made.pop("configuration", None), made.pop("promise", None))
    amounts.settle_line(made, line, content.get("currency"))
    item: Data = made.setdefault("line_item", {})
    item.setdefault("item", {})
    old = item.get("delivery", [])
    said_already = deliveries.schedules(old, line.get("quantity"), header_day, deliveries.REQUESTED)
    deliveries.settle(item, said_already, line.get("schedules", said_already), line, deliveries.REQUESTED)
    said: Data = {"reference": str(line.get("line", "")), **line}
    if fresh(content):
        # Peppol's rules want a name for every item.
        ids = [line[key] for key in ("name", "seller_item", "buyer_item", "gtin") if key in line]
        said.update({"name": ids[0]} if ids else {})
        amounts.say_net(item, line, content.get("currency"))
    mapping.put(made, kind.line_rows, "OrderLine", said, context(content), as_given=fresh(content))
    return made
