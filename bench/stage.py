"""Who takes part: two partners who know ten items of one another, and drafts of orders between them."""

from __future__ import annotations

import datetime as dt
import itertools
import uuid
from dataclasses import dataclass
from typing import Any

from apps.accounts import services as accounts
from apps.base import clock
from apps.base.acting import Actor, Home, act_as, in_lobby
from apps.catalog import services as catalog
from apps.documents import services as documents
from apps.network import services as network
from apps.tenants import services as tenants

LINES = 10
BY = Actor(kind="system", name="Wei Zhang")
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Pair:
    """A buyer and a seller, and the buyer's API token."""

    buyer: Home
    seller: Home
    token: str


def pair(name: str) -> Pair:
    """Provision two partners with ten items each."""
    at = clock.now()
    buyer = tenants.provision(slug=f"{name}-buyer", name=f"Buyer {name}", at=at)
    seller = tenants.provision(slug=f"{name}-seller", name=f"Seller {name}", at=at)
    with in_lobby():
        token = accounts.issue_token(enterprise=buyer.id, name="Benchmarks", role="integration", at=at)[1]
    with act_as(buyer, by=BY):
        partnership = network.invite(slug=seller.slug, role="supplier", document_types=["order"], by=BY, at=at).partnership_id
        for index in range(LINES):
            catalog.save_item(number=f"A-{index}", name=f"Compressor of size {index}", by=BY, at=at)
    with act_as(seller, by=BY):
        network.accept(partnership=partnership, by=BY, at=at)
        for index in range(LINES):
            catalog.save_item(number=f"S-{index}", name=f"Compressor RX{index}", aliases=[{"partner": buyer.slug, "number": f"A-{index}"}], by=BY, at=at)
    return Pair(buyer, seller, token)


def lines() -> list[dict[str, Any]]:
    """Ten lines with one date each, as in the contract."""
    due = dt.date(2027, 1, 15)
    return [
        {"item": f"A-{index}", "quantity": "40", "unit": "C62", "price": "81.50", "schedules": [{"quantity": "40", "due_on": str(due + dt.timedelta(index))}]}
        for index in range(LINES)
    ]


def number() -> str:
    """A number that no other order of this run has, whichever process makes it."""
    return f"{uuid.uuid4().hex[:12]}-{next(_numbers)}"


def draft(buyer: Home, seller: Home) -> uuid.UUID:
    """A draft of an order with ten lines."""
    with act_as(buyer, by=BY):
        return documents.draft(type="order", partner=seller.slug, number=number(), currency="EUR", lines=lines(), by=BY, at=clock.now()).pk
