"""What a buyer says of an order that he has given: a change to some of its lines, or its cancellation. The data of a document as content, and back."""

import copy
from typing import Final

from apps.exchange.formats.messages import PartyLike
from apps.exchange.formats.ubl import mapping, orders, parties
from apps.exchange.formats.ubl.orders import OrderKind, fresh
from apps.exchange.formats.ubl.tree import Data

PROFILE: Final = "urn:fdc:peppol.eu:poacc:bis:advanced_ordering:3"
CHANGE: Final = OrderKind("OrderChange", mapping.CHANGE, mapping.CHANGE_LINE, "urn:fdc:peppol.eu:poacc:trns:order_change:3", PROFILE)
CANCELLATION: Final = "OrderCancellation"
CANCELLED: Final = "urn:fdc:peppol.eu:poacc:trns:order_cancellation:3"


def content(data: Data) -> Data:
    """The content of an OrderChange: that of an order, with its place among the changes, and what becomes of each line. `data` is used up."""
    return orders.content(data, CHANGE)


def data(content: Data, buyer: PartyLike, seller: PartyLike) -> Data:
    """The data of an OrderChange that says what `content` says."""
    return orders.data(content, buyer, seller, CHANGE)


def cancellation(data: Data) -> Data:
    """The content of an OrderCancellation, which has no lines; `data` is used up."""
    made: Data = mapping.lift(data, mapping.CANCELLATION, CANCELLATION, {})
    return {**made, "details": data, "lines": []}


def cancellation_data(content: Data, buyer: PartyLike, seller: PartyLike) -> Data:
    """The data of an OrderCancellation that says what `content` says."""
    made: Data = copy.deepcopy(content.get("details", {}))
    if fresh(content):
        made = {"customization": CANCELLED, "profile": PROFILE, **made}
    parties.place(made, "buyer", buyer, address=False)
    parties.place(made, "seller", seller, address=False)
    mapping.put(made, mapping.CANCELLATION, CANCELLATION, content, {})
    return made
