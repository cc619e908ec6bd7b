"""Estimates: what could be promised now. Nothing is written and nothing is promised; each tier asks the next one in the same way."""

import datetime as dt
import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from apps.base import clock
from apps.base.models import new_id
from apps.catalog import selectors as catalog
from apps.customisation import selectors as products
from apps.customisation import services as customisation
from apps.exchange import services as exchange
from apps.scheduling.services.exploding import Wanted
from apps.scheduling.services.promising import reasoning
from apps.scheduling.services.promising.answering import Request, price_of
from apps.scheduling.services.promising.asking import UNANSWERED, Sources
from apps.scheduling.services.promising.considering import consider

Plain = dict[str, Any]


def answer_estimate(body: Mapping[str, Any], partner_id: uuid.UUID) -> Plain:
    """What could be promised to a partner: `{"due_on", "price", "currency", "why"}`; due_on None where nothing can.

    body: `{"item": his number, "partner_item": ours, "gtin", "quantity", "due_on", "configuration"}`; the item or the configuration.
    """
    configuration = body.get("configuration")
    wanted = _configured(configuration) if configuration else _named(body, partner_id)
    if wanted is None:
        return {"due_on": None, "price": None, "currency": "", "why": [{"kind": "configuration" if configuration else "unknown_item"}]}
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
    return {
        "due_on": found.promised_on.isoformat() if found.promised_on and not price.refused else None,
        "price": None if price.amount is None else format(price.amount, "f"),
        "currency": price.currency,
        "why": [{"kind": price.refused}] if price.refused else reasoning.told(found.causes, found.loaded),
    }


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
    body = {"quantity": "1", "due_on": None, "configuration": wire}
    try:
        seller = configuration.seller
        answer = answer_estimate(body, seller.id) if seller.own else exchange.ask(partner=seller.id, question="estimate", body=body)
    except UNANSWERED:
        return None
    return customisation.Estimate(due_on=dt.date.fromisoformat(answer["due_on"]) if answer["due_on"] else None)
