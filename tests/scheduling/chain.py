"""A chain of enterprises for the tests: each makes what the one before it buys, down to one who has it in stock."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from apps.catalog import selectors
from apps.catalog import services as catalog
from apps.logistics import services as logistics
from apps.scheduling import services as schedule
from tests.cast import AT, Member, befriend, provision, stock, with_items

TYPES = ("order", "promise", "despatch_advice", "receipt_advice")
_chains = itertools.count(1)


@dataclass(frozen=True)
class Chain:
    """members: the customer first, the last one has the raw material in stock. items: what each sells to the one before him."""

    members: tuple[Member, ...]

    @property
    def customer(self) -> Member:
        return self.members[0]

    @property
    def maker(self) -> Member:
        return self.members[1]

    @property
    def last(self) -> Member:
        return self.members[-1]


def make_chain(tiers: int, *, on_hand: str = "1000", run: str = "30", lead_days: int = 5) -> Chain:
    """A customer and `tiers` companies behind him. One machine each, working around the clock; the last sells from stock."""
    number = next(_chains)
    members = [provision(f"tier{level}-{number}", f"Tier {level} of chain {number}") for level in range(tiers + 1)]
    for level, (buyer, seller) in enumerate(itertools.pairwise(members)):
        befriend(buyer, seller, types=TYPES)
        sold, needed = f"T{level + 1}", f"N{level + 1}"
        stock(buyer, needed, f"Bought from tier {level + 1}")
        stock(
            seller,
            sold,
            f"Sold by tier {level + 1}",
            of={buyer.slug: needed},
            procurement="make" if level + 1 < tiers else "stock",
            price=str(100 - 10 * level),
        )
        if level:
            _make(buyer, sold=f"T{level}", needed=needed, seller=seller, run=run, lead_days=lead_days)
    with members[-1].acting():
        item = selectors.ids([f"T{tiers}"])[f"T{tiers}"]
        logistics.adjust(item=item, counted=on_hand, reason="Counted", by=members[-1].actor, at=AT)
    chain = [with_items(member, f"N{level + 1}" if level < tiers else f"T{tiers}") for level, member in enumerate(members)]
    return Chain(members=tuple(chain))


def _make(member: Member, *, sold: str, needed: str, seller: Member, run: str, lead_days: int) -> None:
    by = member.actor
    with member.acting():
        catalog.save_component(item=sold, component=needed, quantity="1", by=by, at=AT)
        catalog.save_source(item=needed, partner=seller.slug, lead_days=lead_days, asked=True, by=by, at=AT)
        hours = dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"), "00:00-24:00")
        schedule.save_calendar(code="ALWAYS", name="Around the clock", **hours, by=by, at=AT)
        schedule.save_resource(code="M1", name="Machine", calendar="ALWAYS", by=by, at=AT)
        schedule.save_operation(item=sold, position=10, name="Make", pool="M1", setup=0, run=run, by=by, at=AT)
