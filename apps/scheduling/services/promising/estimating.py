"""Estimates: what could be promised now. Nothing is written and nothing is promised; each tier asks the next one in the same way."""

import datetime as dt
import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from apps.base import announcing, clock, formulas
from apps.base.models import new_id
from apps.catalog import selectors as catalog
from apps.customisation import selectors as products
from apps.customisation import services as customisation
from apps.exchange import services as exchange
from apps.scheduling.services.exploding import Wanted
from apps.scheduling.services.promising import reasoning
from apps.scheduling.services.promising.answering import Request, price_of
from apps.scheduling.services.promising.asking import UNANSWERED, Sources
from apps.scheduling.services.promising.considering import Considered, consider

Plain = dict[str, Any]


def answer_estimate(body: Mapping[str, Any], partner_id: uuid.UUID) -> Plain:
    """What could be promised to a partner: `{"due_on", "price", "currency", "why"}`; due_on None where nothing can.

    body: `{"item": his number, "partner_item": ours, "gtin", "quantity", "due_on", "configuration"}`; the item or the configuration.
    """
    configuration = body.get("configuration")
    wanted = _configured(configuration) if configuration else _named(body, partner_id)
    if wanted is None:
        return {"not_before": {}, "due_on": None, "price": None, "currency": "", "why": [{"kind": "configuration" if configuration else "unknown_item"}]}
    return _estimate(wanted, body, partner_id)


def _estimate(wanted: Wanted, body: Mapping[str, Any], partner_id: uuid.UUID) -> Plain:
    due_on = dt.date.fromisoformat(body["due_on"]) if body.get("due_on") else None
    request = Request(
        document=new_id(), partner_id=partner_id, wanted=wanted, quantity=Decimal(str(body["quantity"])), due_on=due_on, price=None, currency="",
        configuration=body.get("configuration"), hold_minutes=0, offered_on=None,
    )  # fmt: skip
    at = clock.now()
    asks = Sources(parent=request.document, at=at, recorded=False)
    found = consider(document=request.document, wanted=wanted, quantity=request.quantity, due_on=due_on, at=at, asks=asks)
    price = price_of(request, found.loaded.made[wanted.item].price)
    late = _not_before(body, wanted, found, asks) if found.promised_on and isinstance(body.get("open"), Mapping) else {}
    return {
        "not_before": late,
        "due_on": found.promised_on.isoformat() if found.promised_on and not price.refused else None,
        "price": None if price.amount is None else format(price.amount, "f"),
        "currency": price.currency,
        "why": [{"kind": price.refused}] if price.refused else reasoning.told(found.causes, found.loaded),
    }


MOST_ALTERNATIVES = 12
"""So many options are asked after at a click; those beyond are not marked."""


def _not_before(body: Mapping[str, Any], wanted: Wanted, found: Considered, asks: Sources) -> dict[str, dict[str, str]]:
    """The days for options that would be later than what stands now, by feature and option: only those whose parts are not in stock are planned."""
    structure = catalog.structure([wanted.item])
    on_hand = _on_hand([line.component for lines in structure.components.values() for line in lines])
    late: dict[str, dict[str, str]] = {}
    looked = 0
    for feature, options in body["open"].items():
        for option in options:
            choices = {**(wanted.choices or {}), feature: option}
            if looked >= MOST_ALTERNATIVES or not _lacks(structure, wanted, choices, on_hand):
                continue
            looked += 1
            other = consider(
                document=new_id(), wanted=Wanted(item=wanted.item, choices=choices), quantity=found_quantity(body), due_on=None, at=asks.at,
                asks=Sources(parent=asks.parent, at=asks.at, recorded=False, answers=asks.answers),
            )  # fmt: skip
            if other.promised_on and found.promised_on and other.promised_on > found.promised_on:
                late.setdefault(feature, {})[option] = other.promised_on.isoformat()
    return late


def found_quantity(body: Mapping[str, Any]) -> Decimal:
    """How many are asked for."""
    return Decimal(str(body["quantity"]))


def _on_hand(items: list[uuid.UUID]) -> set[uuid.UUID]:
    """The items of which anything lies in stock."""
    return {item for answer in announcing.ask_above("ON_HAND", items=items) for item, quantity in answer.items() if quantity > 0}


def _lacks(structure: catalog.Structure, wanted: Wanted, choices: Mapping[str, Any], on_hand: set[uuid.UUID]) -> bool:
    """Whether other choices bring in a component of the product that is not there already and not in stock."""
    for line in structure.components.get(wanted.item, ()):
        if line.condition and line.component not in on_hand and _holds(line.condition, choices) and not _holds(line.condition, wanted.choices or {}):
            return True
    return False


def _holds(condition: str, choices: Mapping[str, Any]) -> bool:
    try:
        return formulas.parse(condition).value(choices) is True
    except formulas.FormulaError:
        return False


def _named(body: Mapping[str, Any], partner_id: uuid.UUID) -> Wanted | None:
    looked_for = catalog.Wanted(key=0, own=str(body.get("partner_item", ""))[:60], partners=str(body.get("item", ""))[:60], gtin=str(body.get("gtin", ""))[:14])
    found = catalog.match(partner_id=partner_id, wanted=[looked_for])[0]
    return Wanted(item=found.id) if found else None


def _configured(configuration: Mapping[str, Any]) -> Wanted | None:
    """The maker's item of a product, with what was chosen."""
    product = products.product(code=str(configuration.get("product", "")))
    if product is None:
        return None
    return Wanted(item=product.item_id, choices=dict(configuration["choices"]), digest=str(configuration.get("digest", "")))


def estimate_configuration(configuration: customisation.Told) -> customisation.Estimate | None:
    """When one piece of what stands in the configurator could be had: as it is where it is whole, else of the plainest that it can become."""
    wire = configuration.wire if configuration.complete else {**configuration.wire, "choices": configuration.likely}
    if not wire["choices"]:
        return None
    if not configuration.complete:
        wire["digest"] = customisation.digest_of(
            seller=configuration.seller.slug, product=wire["product"], release=wire["release"], choices=configuration.likely
        )
    chosen = wire["choices"]
    still_open = {
        feature: [value for value in offer["possible"] or () if value is not None and value != chosen.get(feature)]
        for feature, offer in configuration.answer["offers"].items()
    }
    body = {"quantity": "1", "due_on": None, "configuration": wire, "open": still_open}
    try:
        seller = configuration.seller
        answer = answer_estimate(body, seller.id) if seller.own else exchange.ask(partner=seller.id, question="estimate", body=body)
    except UNANSWERED:
        return None
    late = {feature: {option: dt.date.fromisoformat(day) for option, day in days.items()} for feature, days in answer["not_before"].items()}
    return customisation.Estimate(due_on=dt.date.fromisoformat(answer["due_on"]) if answer["due_on"] else None, not_before=late)
