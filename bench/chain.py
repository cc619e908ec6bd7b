"""A chain for the promises: four makers, each making what the one before him buys, and the customers who ask any of them."""

from __future__ import annotations

import datetime as dt
import itertools
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from apps.accounts import services as accounts
from apps.base import clock
from apps.base.acting import Home, act_as, in_lobby
from apps.catalog import services as catalog
from apps.customisation import services as customisation
from apps.logistics import services as logistics
from apps.network import services as network
from apps.scheduling import selectors as plan
from apps.scheduling import services as schedule
from apps.tenants import services as tenants
from bench.stage import BY

TIERS = 4
TYPES = ("order", "promise")
WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
CHOICES, OPTIONS = 9, 5


@dataclass(frozen=True)
class Party:
    """An enterprise and its API token."""

    home: Home
    token: str


@dataclass(frozen=True)
class Chain:
    """makers: the first one's suppliers follow, down to the last, who has the raw material in stock. Every customer knows every maker."""

    customers: tuple[Party, ...]
    makers: tuple[Party, ...]

    def asked(self, tiers: int) -> str:
        """Whom one asks so that the promise goes through so many tiers."""
        return self.makers[TIERS - tiers].home.slug


def item(tiers: int) -> str:
    """What customers call what is promised through so many tiers."""
    return f"WANTED-{tiers}"


def build(name: str, customers: int) -> Chain:
    """Provision a chain. Each maker has one machine that works around the clock, and makes one of one, a minute each."""
    makers = tuple(_party(f"{name}-maker-{tier}") for tier in range(1, TIERS + 1))
    found = tuple(_party(f"{name}-customer-{number}") for number in range(customers))
    for buyer, seller in itertools.pairwise(makers):
        _befriend(buyer, seller)
    for customer, maker in itertools.product(found, makers):
        _befriend(customer, maker)
    for tier, maker in enumerate(makers):
        _furnish(maker, tier, makers, found)
    for customer in found:
        with act_as(customer.home, by=BY):
            for tiers in range(1, TIERS + 1):
                catalog.save_item(number=item(tiers), name="Cabinet", by=BY, at=clock.now())
    return Chain(found, makers)


def _party(slug: str) -> Party:
    home = tenants.provision(slug=slug, name=slug.replace("-", " ").title(), at=clock.now())
    with in_lobby():
        return Party(home, accounts.issue_token(enterprise=home.id, name="Benchmarks", role="integration", at=clock.now())[1])


def _befriend(buyer: Party, seller: Party) -> None:
    with act_as(buyer.home, by=BY):
        partnership = network.invite(slug=seller.home.slug, role="supplier", document_types=TYPES, by=BY, at=clock.now()).partnership_id
    with act_as(seller.home, by=BY):
        network.accept(partnership=partnership, by=BY, at=clock.now())


def _furnish(maker: Party, tier: int, makers: Sequence[Party], customers: Sequence[Party]) -> None:
    """What a maker sells, what he makes it of, and on what."""
    at = clock.now()
    buyers = [(customer.home.slug, item(TIERS - tier)) for customer in customers] + ([(makers[tier - 1].home.slug, "BOUGHT")] if tier else [])
    with act_as(maker.home, by=BY):
        aliases = [{"partner": slug, "number": number} for slug, number in buyers]
        catalog.save_item(number="SOLD", name="Sold", procurement="make", price=str(100 - 10 * tier), aliases=aliases, by=BY, at=at)
        last = tier == TIERS - 1
        bought = catalog.save_item(number="BOUGHT", name="Bought", procurement="stock" if last else "buy", by=BY, at=at)
        catalog.save_component(item="SOLD", component="BOUGHT", quantity="1", by=BY, at=at)
        if last:
            logistics.adjust(item=bought.pk, counted="100000000", reason="Counted", by=BY, at=at)
        else:
            catalog.save_source(item="BOUGHT", partner=makers[tier + 1].home.slug, lead_days=5, asked=True, by=BY, at=at)
        week: dict[str, Any] = dict.fromkeys(WEEK, "00:00-24:00")
        schedule.save_calendar(code="ALWAYS", name="Around the clock", **week, by=BY, at=at)
        schedule.save_resource(code="M1", name="Machine", calendar="ALWAYS", by=BY, at=at)
        schedule.save_operation(item="SOLD", position=10, name="Make", pool="M1", setup=0, run="1", by=BY, at=at)


def machine(maker: Party) -> uuid.UUID:
    """The maker's machine."""
    with act_as(maker.home, by=BY):
        return plan.resources().get(code="M1").pk


def add_product(chain: Chain) -> None:
    """A product of the first maker's: twelve features with 45 options and twenty rules; one part is bought down the chain, others by what is chosen."""
    at = clock.now()
    with act_as(chain.makers[0].home, by=BY):
        product = catalog.save_item(number="PRODUCT", name="Refrigerator", procurement="make", price="900", by=BY, at=at)
        catalog.save_component(item="PRODUCT", component="BOUGHT", quantity="1", by=BY, at=at)
        for number in range(OPTIONS):
            part = catalog.save_item(number=f"DOOR-{number}", name=f"Door {number}", procurement="stock", by=BY, at=at)
            logistics.adjust(item=part.pk, counted="100000", reason="Counted", by=BY, at=at)
            catalog.save_component(item="PRODUCT", component=f"DOOR-{number}", quantity="1", condition=f"f0 = f0o{number}", by=BY, at=at)
        run = "2 + if(f1 = f1o2, 3, 0)"
        schedule.save_operation(item="PRODUCT", position=10, name="Assemble", pool="M1", setup=0, run=run, by=BY, at=at)
        about = {"item": product.number, "code": "fridge", "name": "Refrigerator"}
        customisation.save_product(given=about, by=BY, at=at)
        customisation.save_release(product="fridge", given=model(), by=BY, at=at)
        customisation.publish(product="fridge", by=BY, at=at)


def model() -> dict[str, Any]:
    """The product model: nine choices of five options, two flags, a number; rules that tie each feature to the ones beside it."""
    features: list[dict[str, Any]] = [
        {
            "code": f"f{index}",
            "name": f"Feature {index}",
            "kind": "choice",
            "options": [{"code": f"f{index}o{option}", "name": f"Option {option}", "price": str(option * 5)} for option in range(OPTIONS)],
        }
        for index in range(CHOICES)
    ]
    features += [{"code": f"f{index}", "name": f"Feature {index}", "kind": "flag", "price": "35"} for index in (CHOICES, CHOICES + 1)]
    number = {"minimum": "600", "maximum": "900", "step": "50", "unit": "MMT", "price": "(width - 600) * 0.5"}
    features.append({"code": "width", "name": "Width", "kind": "number", **number})
    ties = [f"f{index} = f{index}o1 => f{index + 1} != f{index + 1}o3" for index in range(CHOICES - 1)]
    ties += [f"not (f{index} = f{index}o2 and f{index + 2} = f{index + 2}o4)" for index in range(CHOICES - 2)]
    ties += ["f9 => width >= 700", "f10 => f3 != f3o0", "f0 = f0o4 => width <= 800", "f9 => not f10", "f8 = f8o0 => f9"]
    rules = [{"code": f"R{index}", "kind": "requires", "formula": formula, "text": formula} for index, formula in enumerate(ties)]
    return {"price": "900", "currency": "EUR", "features": features, "rules": rules, "examples": []}


def days_from_now(days: int) -> str:
    """A day in so many days, as in the contract."""
    return (clock.now() + dt.timedelta(days=days)).date().isoformat()
