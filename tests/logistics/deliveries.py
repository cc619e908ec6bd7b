"""Deliveries for the tests: partners who ship to one another, and what they say."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from apps.base.acting import in_lobby
from apps.documents import selectors as documents
from apps.documents import services as engine
from apps.exchange import crossing
from apps.exchange import services as exchange
from tests.cast import AT, Member, befriend, line, move, order, outside, provision, stock, with_items
from tests.cast import ask as ask_database

TYPES = ("order", "despatch_advice", "receipt_advice")
GLN = "4012345000009"
_known = iter(range(1, 10_000))


def partners() -> tuple[Member, Member]:
    """A buyer and a seller who ship: they know three items of one another, A-1 … A-3 are the seller's S-1 … S-3, made by the seller."""
    number = next(_known)
    buyer, seller = provision(f"receiver-{number}", f"Receiver {number}"), provision(f"shipper-{number}", f"Shipper {number}", gln=GLN)
    befriend(buyer, seller, types=TYPES)
    for index in (1, 2, 3):
        stock(buyer, f"A-{index}", f"Item {index}", unit="C62")
        stock(seller, f"S-{index}", f"Item {index}", of={buyer.slug: f"A-{index}"})
    return with_items(buyer, "A-1", "A-2", "A-3"), with_items(seller, "S-1", "S-2", "S-3")


def agreed(buyer: Member, seller: Member, lines: Sequence[Mapping[str, Any]] | None = None, **more: Any) -> uuid.UUID:
    """An order to which the seller has agreed: 40 of A-1 where nothing else is said."""
    found = order(buyer, seller, lines or [line("A-1")], **more)
    move(seller, found, "confirm")
    return found


def advice(seller: Member, lines: Sequence[Mapping[str, Any]], *, units: Any = None, by: Any = None, ship: bool = True, **more: Any) -> uuid.UUID:
    """A despatch advice of these lines, shipped or being packed."""
    actor = by or seller.actor
    given = {"lines": [{**one, "order": str(one["order"])} for one in lines], **({"units": units} if units is not None else {}), **more}
    with seller.acting(by=actor):
        found = engine.enter(type="despatch_advice", given=given, by=actor, at=AT)
        if ship:
            engine.make(type="despatch_advice", document=found, move="ship", data={}, by=actor, at=AT)
    return found


def receipt(buyer: Member, despatch: uuid.UUID, lines: Sequence[Mapping[str, Any]], *, by: Any = None, send: bool = True) -> uuid.UUID:
    """A receipt advice of these lines, sent or being counted."""
    actor = by or buyer.actor
    with buyer.acting(by=actor):
        found = engine.enter(type="receipt_advice", given={"despatch_advice": str(despatch), "lines": list(lines)}, by=actor, at=AT)
        if send:
            engine.make(type="receipt_advice", document=found, move="send", data={}, by=actor, at=AT)
    return found


def replace(seller: Member, despatch: uuid.UUID, data: Mapping[str, Any]) -> None:
    with seller.acting():
        engine.make(type="despatch_advice", document=despatch, move="replace", data=data, by=seller.actor, at=AT)


def state(member: Member, document: uuid.UUID) -> str:
    with member.acting():
        head = documents.head(id=document)
    assert head is not None
    return str(head["state"])


def sums(member: Member, order: uuid.UUID) -> dict[int, dict[str, Decimal]]:
    """What counts on each line of an order at a home, by kind; what is nothing is left out."""
    with member.acting():
        found = documents.agreed_lines(orders=[order])
    return {row.position: {kind: total for kind, total in row.sums.counted.items() if total and kind not in ("ordered", "confirmed")} for row in found}


def stage(member: Member, order: uuid.UUID) -> str:
    with member.acting():
        found = documents.stage_of(row.sums for row in documents.agreed_lines(orders=[order]))
    assert found is not None
    return found.code


def balances(member: Member, item: str) -> dict[tuple[str, str], Decimal]:
    """What lies where of an item, by lot and place; what is nothing is left out."""
    rows = ask_database(
        f'SELECT b.lot, b.place, sum(b.quantity) AS quantity FROM "{member.home.schema}".logistics_balance b '
        f'JOIN "{member.home.schema}".catalog_item i ON i.id = b.item_id WHERE i.number = %s GROUP BY 1, 2 HAVING sum(b.quantity) <> 0',
        [item],
    )
    return {(row["lot"], row["place"]): row["quantity"] for row in rows}


def deliver(sender: Member, receiver: Member) -> int:
    """Deliver what waits from one to the other, as the worker does. Gives how many envelopes were taken."""

    def work() -> int:
        with in_lobby():
            return crossing.deliver(sender=sender.id, receiver=receiver.id)

    return outside(work)


def proven(*members: Member) -> list[str]:
    """What verify finds different, at each of them."""
    found = []
    for member in members:
        with member.acting():
            found += [f"{member.slug}: {difference.text}" for difference in exchange.verify()[1]]
    return found
