"""Makes enterprises on a ground of its own (`tests.faults.stage`), in a process of its own, and prints them as JSON."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

import django

django.setup()

from apps.catalog import selectors as catalog  # noqa: E402
from apps.documents import services as documents  # noqa: E402
from apps.logistics import services as logistics  # noqa: E402
from tests.cast import AT, Member, befriend, line, move, order, provision, stock  # noqa: E402
from tests.scheduling.chain import TYPES, make_chain  # noqa: E402

TIERS = 4
Pairs = list[tuple[Member, Member, str]]


def six() -> Pairs:
    """Four tiers behind one customer, who has a second supplier, too: six enterprises."""
    chain = make_chain(TIERS, run="1", on_hand="1000000")
    pairs = [(buyer, seller, buyer.items[0]) for buyer, seller in zip(chain.members, chain.members[1:], strict=False)]
    sixth = provision("sixth", "Sixth")
    return [*pairs, _trade(chain.customer, sixth), _trade(sixth, chain.last)]


def two(name: str) -> Pairs:
    """Two who trade what one of them has in stock."""
    return [_trade(provision(f"{name}-buyer"), provision(f"{name}-seller"))]


def _trade(buyer: Member, seller: Member) -> tuple[Member, Member, str]:
    befriend(buyer, seller, types=TYPES)
    needed, sold = f"FROM-{seller.slug}".upper(), f"FOR-{buyer.slug}".upper()
    stock(buyer, needed, f"Bought from {seller.slug}")
    stock(seller, sold, f"Sold to {buyer.slug}", of={buyer.slug: needed}, procurement="stock", price="50")
    with seller.acting():
        logistics.adjust(item=catalog.ids([sold])[sold], counted="1000000", reason="Counted", by=seller.actor, at=AT)
    return buyer, seller, needed


def talked(count: int = 5) -> Pairs:
    """Six who have talked already: with every partner some orders, each with a file beside it and the seller's answer."""
    pairs = six()
    for number, (buyer, seller, item) in enumerate(pairs):
        for turn in range(count):
            document = order(buyer, seller, [line(item)], number=f"B{number}-{turn}", publish=False)
            with buyer.acting():
                documents.attach(document=document, name=f"drawing-{turn}.txt", body=f"Drawing {number}-{turn}\n".encode() * 100, by=buyer.actor, at=AT)
            move(buyer, document, "publish")
            move(seller, document, "confirm")
    return pairs


def told(pairs: Pairs) -> dict[str, Any]:
    members = {member.slug: member for buyer, seller, _item in pairs for member in (buyer, seller)}
    rows = [{"id": str(m.id), "slug": m.slug, "schema": m.home.schema, "token": m.token} for m in members.values()]
    return {"members": rows, "pairs": [(buyer.slug, seller.slug, item) for buyer, seller, item in pairs]}


if __name__ == "__main__":
    kind = sys.argv[1]
    made = {"six": six, "talked": talked}.get(kind)
    print(json.dumps(told(made() if made else two(kind))))
