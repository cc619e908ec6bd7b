"""The inbox: a standard message is read, its parties are found, and it says what its sender could have said by hand."""

import datetime as dt
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.base import acting
from apps.base.acting import Actor
from apps.base.findings import Finding, Invalid
from apps.documents import selectors as documents
from apps.documents import services as engine
from apps.exchange import formats
from apps.exchange.formats import Message, Party, Refused
from apps.exchange.services import answering, changing
from apps.network import selectors as network
from apps.network.selectors import Partner
from apps.tenants import selectors as tenants

# The side that says a message of each kind, and the element of each side.
SENDERS = {"order": "buyer", "order_response": "seller", "order_change": "buyer", "order_cancellation": "buyer"}
ELEMENTS = {"buyer": "BuyerCustomerParty", "seller": "SellerSupplierParty"}
ROOTS = {"order": "Order", "order_response": "OrderResponse", "order_change": "OrderChange", "order_cancellation": "OrderCancellation"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What a message did. move: the move by which it did it; step: its step in the document's history."""

    kind: str
    number: str
    move: str
    document: uuid.UUID
    order_number: str
    step: uuid.UUID
    state: str


def refusal(rule: str, place: str, text: str, mend: str) -> Refused:
    """A refusal with one finding."""
    return Refused([formats.Finding(rule=rule, place=place, text=text, mend=mend)])


def receive(*, body: bytes, media_type: str, by: Actor, at: dt.datetime) -> Received:
    """Take in a standard message from the acting enterprise to one of its partners, whole or not at all; the original is kept byte for byte.

    Raises UnknownMediaType, Refused with every finding, and what documents raise: MayNot, NotAllowed.
    """
    message = formats.read(body, media_type)
    partner = _partner(message)
    with transaction.atomic():
        try:
            received = _ACTS[message.kind](message, partner, by, at)
        except Invalid as error:
            raise Refused([_placed(message, finding) for finding in error.findings]) from error
        essence = media_type.partition(";")[0].strip().lower()
        engine.keep_original(document=received.document, step=received.step, kind=message.kind, media_type=essence, body=body, at=at)
    return received


# Parties --------------------------------------------------------------------------------------------------------------


def _partner(message: Message) -> Partner:
    """The partner to whom the acting enterprise says this. Raises Refused: it is not the sender, or the other one is no partner."""
    sender = SENDERS[message.kind]
    receiver = "seller" if sender == "buyer" else "buyer"
    said, heard = getattr(message, sender), getattr(message, receiver)
    active = network.active()
    if not _is_me(said, heard):
        raise _not_the_sender(message, sender, to_me=_is_me(heard, said))
    found = _by_own_ids(heard, said, active) if _own_ids(heard, said) else _by_name(message, heard, active)
    if found is None:
        raise refusal(
            "TRB-PARTNER",
            f"/{ROOTS[message.kind]}/{ELEMENTS[receiver]}",
            _("The message is for %(party)s, who is no partner of yours.") % {"party": _called(heard)},
            _("Invite the enterprise under Network first, or ask it to enter this id among its electronic addresses."),
        )
    return found


def _own_ids(party: Party, other: Party) -> list[tuple[str, str]]:
    """The ids that only this one of the two parties has: what both have says nothing of who is who."""
    return [endpoint for endpoint in party.endpoints if endpoint not in other.endpoints]


def _is_me(party: Party, other: Party) -> bool:
    """Whether a party is the acting enterprise: by an id of its own, else by one that both have, else by name."""
    me = acting.home()
    if own := _own_ids(party, other):
        return tenants.enterprises_at(own)[:1] == [me.id]
    return me.id in tenants.enterprises_at(party.endpoints) or party.name == me.name


def _by_own_ids(party: Party, other: Party, active: Sequence[Partner]) -> Partner | None:
    known = {partner.id: partner for partner in active}
    return next((known[id] for id in tenants.enterprises_at(_own_ids(party, other)) if id in known), None)


def _by_name(message: Message, party: Party, active: Sequence[Partner]) -> Partner | None:
    """The partner of a party without an id of its own: the one of this name, else the one whose document is answered, if there is but one."""
    found = [partner for partner in active if partner.name == party.name]
    if not found and "order_number" in message.content:
        found = [partner for partner in active if _named(message, partner) is not None]
    return found[0] if len(found) == 1 else None


def _named(message: Message, partner: Partner) -> uuid.UUID | None:
    """The order of which a message speaks."""
    return documents.by_number(type="order", number=message.content["order_number"], side=SENDERS[message.kind], partner_id=partner.id)


def _called(party: Party) -> str:
    ids = ", ".join(f"{scheme}:{value}" if scheme else value for scheme, value in party.endpoints)
    return f"“{party.name}” ({ids})" if party.name and ids else f"“{party.name or ids}”"


def _not_the_sender(message: Message, sender: str, *, to_me: bool) -> Refused:
    place = f"/{ROOTS[message.kind]}/{ELEMENTS[sender]}"
    if to_me:
        text = _("The message is for you, and comes from %(party)s. Only %(party)s can say it.") % {"party": _called(getattr(message, sender))}
        mend = _("Ask the partner to send it to an inbox of his own: what he says there stands with you at once.")
        return refusal("TRB-SENDER", place, text, mend)
    text = _("The message is neither from you nor for you: its sender is %(party)s.") % {"party": _called(getattr(message, sender))}
    return refusal("TRB-SENDER", place, text, _("Enter the id among your electronic addresses under Settings, if it is yours."))


# What a message says ---------------------------------------------------------------------------------------------------


def _order(message: Message, partner: Partner, by: Actor, at: dt.datetime) -> Received:
    content = message.content
    named = {name: content.get(name) for name in ("number", "currency", "issued_on", "lines", "details")}
    note = content.get("note", "")
    row = engine.draft(type="order", partner=partner.slug, note=note, **named, by=by, at=at, lenient=True)  # type: ignore[arg-type]
    row = engine.apply(document=row.pk, move="publish", by=by, at=at)
    return _received(message, row, "publish")


def _response(message: Message, partner: Partner, by: Actor, at: dt.datetime) -> Received:
    found = _order_of(message, partner)
    move, data = answering.read(message.content, found)
    return _say(message, found, *answering.of_agreed(move, data, found), by, at)


def _change(message: Message, partner: Partner, by: Actor, at: dt.datetime) -> Received:
    found = _order_of(message, partner)
    return _say(message, found, *changing.read_change(message.content, found), by, at)


def _cancellation(message: Message, partner: Partner, by: Actor, at: dt.datetime) -> Received:
    found = _order_of(message, partner)
    return _say(message, found, *changing.read_cancellation(message.content, found), by, at)


def _order_of(message: Message, partner: Partner) -> documents.Whole:
    """The order of which a message speaks. Raises Refused."""
    order = _named(message, partner)
    found = documents.whole(id=order) if order else None
    if found is not None:
        return found
    number = {"number": message.content["order_number"], "name": partner.name}
    place = f"/{ROOTS[message.kind]}/OrderReference/ID"
    if SENDERS[message.kind] == "seller":
        raise refusal("TRB-ORDER", place, _("You have no order “%(number)s” from %(name)s.") % number, _("Write the number of an order of this buyer."))
    raise refusal("TRB-ORDER", place, _("You have given no order “%(number)s” to %(name)s.") % number, _("Write the number of an order to this seller."))


def _say(message: Message, order: documents.Whole, move: str, data: Mapping[str, Any], by: Actor, at: dt.datetime) -> Received:
    """Make the move that a message is. What it said stays beside it (`response`), and goes out again as it came."""
    row = engine.apply(document=order.id, move=move, data={**data, "response": message.content}, by=by, at=at, lenient=True)
    return _received(message, row, move)


def _received(message: Message, row: Any, move: str) -> Received:
    step = documents.history(id=row.pk)[-1]["id"]
    return Received(kind=message.kind, number=message.number, move=move, document=row.pk, order_number=row.number, step=step, state=row.state)


_ACTS: Mapping[str, Callable[[Message, Partner, Actor, dt.datetime], Received]] = {
    "order": _order,
    "order_response": _response,
    "order_change": _change,
    "order_cancellation": _cancellation,
}

# Places ----------------------------------------------------------------------------------------------------------------

# Where the parts of the content come from; within lines and schedules a name may mean another place.
_PLACES = {
    "number": "ID",
    "currency": "DocumentCurrencyCode",
    "issued_on": "IssueDate",
    "note": "Note",
    "lines/note": "LineItem/Note",
    "seller": "SellerSupplierParty",
    "lines": "OrderLine",
    "reference": "LineItem/ID",
    "quantity": "LineItem/Quantity",
    "unit": "LineItem/Quantity/@unitCode",
    "price": "LineItem/Price/PriceAmount",
    "price_base": "LineItem/Price/BaseQuantity",
    "item": "LineItem/Item/BuyersItemIdentification/ID",
    "seller_item": "LineItem/Item/SellersItemIdentification/ID",
    "gtin": "LineItem/Item/StandardItemIdentification/ID",
    "name": "LineItem/Item/Name",
    "reason": "LineItem/Note",
    "schedules": "LineItem/Delivery",
    "schedules/quantity": "Quantity",
    "due_on": "RequestedDeliveryPeriod",
    "substitute": "SellerSubstitutedLineItem",
}


def _placed(message: Message, finding: Finding) -> formats.Finding:
    """A finding against the content as one against the message: by the path of the element from which that part of the content came."""
    place, within = f"/{ROOTS[message.kind]}", ""
    for part in finding.pointer.strip("/").split("/"):
        if part.isdecimal():
            place += f"[{int(part) + 1}]"
        elif element := _PLACES.get(f"{within}/{part}", _PLACES.get(part)):
            place += f"/{element}"
        within = part if part in ("lines", "schedules") else within
    return formats.Finding(rule=f"TRB-{finding.code.upper().replace('_', '-')}", place=place, text=finding.detail, mend="")
