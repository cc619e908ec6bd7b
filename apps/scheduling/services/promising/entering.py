"""The doors of promises: what REST and pages send is read here, and every move goes the way of its own."""

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from apps.base import fields, units
from apps.base.acting import Actor
from apps.base.findings import Finding, Invalid
from apps.customisation import selectors as products
from apps.documents import services as documents
from apps.network import selectors as network
from apps.scheduling import models
from apps.scheduling.services.promising import committing
from apps.scheduling.services.promising.answering import LONGEST_HOLD
from apps.scheduling.services.promising.asking import Asked, ask

NAMES = ("seller", "item", "configuration", "quantity", "unit", "due_on", "hold_minutes")


class BecameOrder(Exception):
    """The promise was taken and became an order: what is not wanted any more is cancelled there."""


def enter(*, given: Mapping[str, Any], by: Actor, at: dt.datetime) -> uuid.UUID:
    """Ask a seller for a promise, held where minutes are given; gives the document's id. The body is that of the contract.

    Raises Invalid with every finding, NoPartner, MayNot.
    """
    if not by.may("promise.ask"):
        raise documents.MayNot("promise.ask")
    return ask(read(given, at=at), by=by, at=at).document


def read(given: Mapping[str, Any], *, at: dt.datetime) -> Asked:
    """The body of a request as what is asked. Raises Invalid with every finding."""
    findings = [Finding(f"/{name}", "unknown", _("This is not known here.")) for name in given if name not in NAMES]
    values: dict[str, Any] = {}
    readers: dict[str, Any] = {
        "seller": lambda value: fields.text(value, limit=60, required=True),
        "item": lambda value: fields.text(value, limit=60),
        "quantity": fields.quantity,
        "unit": lambda value: units.unit(value) if value else "C62",
        "due_on": lambda value: _day(value, at),
        "hold_minutes": _minutes,
    }
    for name, reader in readers.items():
        try:
            values[name] = reader(given.get(name))
        except fields.Unreadable as error:
            findings.append(Finding(f"/{name}", error.code, str(error)))
    configured = _configured(given.get("configuration"), values, findings)
    if not values.get("item") and not given.get("configuration"):
        findings.append(Finding("/item", "required", _("Say which item, or which configuration.")))
    if not findings:
        _check_partner(values["seller"], findings)
    if findings:
        raise Invalid(findings)
    return Asked(partner=values.pop("seller"), **{**values, **configured})


def _day(value: Any, at: dt.datetime) -> dt.date:
    day = fields.date(value) if value else at.date()
    if day < at.date():
        raise fields.Unreadable("past", _("This day has passed: ask for today or later."))
    return day


def _minutes(value: Any) -> int:
    minutes = fields.number(0 if value is None else value)
    if minutes != int(minutes) or not 0 <= minutes <= LONGEST_HOLD:
        raise fields.Unreadable("minutes", _("Say whole minutes from 0 to 1440."))
    return int(minutes)


def _configured(value: Any, values: dict[str, Any], findings: list[Finding]) -> dict[str, Any]:
    """What a configuration says of what is asked: the maker's item, its name, and how it travels."""
    if not value:
        return {}
    try:
        row = products.configuration(id=uuid.UUID(str(value)))
    except ValueError:
        row = None
    if row is None:
        findings.append(Finding("/configuration", "missing", _("There is no such configuration.")))
        return {}
    if not (row.valid and row.complete):
        findings.append(Finding("/configuration", "incomplete", _("This configuration is not complete, or contradicts itself: choose what is missing first.")))
    seller = network.names([row.seller_id]).get(row.seller_id)
    if seller is not None and "seller" in values and values["seller"] != seller.slug:
        findings.append(Finding("/seller", "another", _("This configuration is of a product of “%(seller)s”.") % {"seller": seller.slug}))
    return {"partner_item": row.item, "name": row.label, "unit": row.unit, "configuration": row.wire, "item": ""}


def _check_partner(slug: str, findings: list[Finding]) -> None:
    try:
        network.agreed_partner(slug=slug, document_type="promise")
    except network.NoPartner as error:
        findings.append(Finding("/seller", "partner", str(error)))


def make(*, document: uuid.UUID, move: str, data: Mapping[str, Any], by: Actor, at: dt.datetime, version: int | None = None) -> None:
    """Make a move on a promise. `hold` and `commit` go through all tiers; the seller's moves and the rest are as for every type."""
    if move == "commit":
        number = fields_text(data.get("number"))
        committing.commit(document=document, number=number, by=by, at=at, version=version)
    elif move == "hold":
        committing.hold(document=document, minutes=hold_minutes(data.get("hold_minutes")), by=by, at=at, version=version)
    elif move in ("answer", "move"):
        raise documents.MayNot(f"promise.{move}")
    else:
        if move == "release" and models.Promise.objects.filter(document=document, side="buyer", order_id__isnull=False).exists():
            raise BecameOrder(_("It became an order: cancel the order, and the promise is given back with it."))
        documents.apply(document=document, move=move, data=data, by=by, at=at, version=version, inline=move == "release")


def fields_text(value: Any) -> str:
    try:
        return fields.text(value, limit=60)
    except fields.Unreadable as error:
        raise Invalid([Finding("/number", error.code, str(error))]) from error


def hold_minutes(value: Any) -> int:
    """How long to hold: an hour where it is not said. Raises Invalid."""
    try:
        return _minutes(60 if value is None else value) or 60
    except fields.Unreadable as error:
        raise Invalid([Finding("/hold_minutes", error.code, str(error))]) from error
