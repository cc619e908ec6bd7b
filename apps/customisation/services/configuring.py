"""Configuring a product, one's own or a partner's: what can still be chosen, in the reader's words; and keeping what was chosen.

The maker alone has the rules. Of one's own products they are read at home; of a partner's he is asked, with each click.
"""

import datetime as dt
import hashlib
import secrets
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

import orjson
from django.db import transaction
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from apps.base import acting, announcing
from apps.base.acting import Actor
from apps.base.findings import Finding, Invalid, refuse
from apps.customisation.models import Configuration, said
from apps.customisation.services import answering, reading
from apps.customisation.services.solving.model import NO
from apps.exchange import services as exchange
from apps.network import selectors as network

Plain = Mapping[str, Any]
# Who orders from a maker may ask what can be ordered of him.
DOCUMENT_TYPE = "order"


class NoSuchConfiguration(Exception):
    """There is no such configuration; foreign and missing read alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seller:
    """Who makes the product: oneself, or a partner."""

    id: uuid.UUID
    slug: str
    name: str
    own: bool


def seller_of(slug: str | None) -> Seller:
    """The seller with this slug; oneself where none is named. Raises NoPartner."""
    home = acting.home()
    if not slug or slug == home.slug:
        return Seller(id=home.id, slug=home.slug, name=home.name, own=True)
    return seller_with(network.agreed_partner(slug=slug, document_type=DOCUMENT_TYPE))


def seller_with(id: uuid.UUID) -> Seller:
    """The enterprise with this id as a seller; whether it is a partner is looked at when it is asked."""
    home = acting.home()
    if id == home.id:
        return seller_of(None)
    found = network.names([id])[id]
    return Seller(id=id, slug=found.slug, name=found.name, own=False)


ANSWERERS = {"products": answering.answer_products, "configuration": answering.answer_configuration, "picture": answering.answer_picture}


def ask(seller: Seller, question: str, body: Plain) -> Plain:
    """The seller's answer. Raises Invalid with what he refuses, and NoPartner where he may not be asked."""
    answer = ANSWERERS[question](body, None) if seller.own else exchange.ask(partner=seller.id, question=question, body=body)
    if found := answer.get("refused"):
        raise Invalid([Finding(str(each["pointer"]), str(each["code"]), str(each["detail"])) for each in found])
    return answer


def products(*, seller: Seller) -> list[Plain]:
    """What the seller offers to configure, as `answering.product_told` says it."""
    return list(ask(seller, "products", {})["products"])


def picture(*, seller: Seller, name: str) -> tuple[str, str]:
    """The media type and the content (Base64) of a seller's picture. Raises Invalid."""
    answer = ask(seller, "picture", {"picture": name})
    return str(answer["media_type"]), str(answer["content"])


# What stands now ---------------------------------------------------------------------------------------------------------


def in_reader_words(words: Mapping[str, str]) -> str:
    """The reader's one of the two texts."""
    return words["zh"] if (get_language() or "").startswith("zh") else words["en"]


@dataclass(frozen=True, kw_only=True)
class Told:
    """What stands after the choices so far, as the seller told it (`answering.told`), in the reader's words."""

    seller: Seller
    answer: Plain

    @property
    def product(self) -> Plain:
        product: Plain = self.answer["product"]
        return product

    @property
    def release(self) -> int:
        return int(self.answer["release"])

    @property
    def valid(self) -> bool:
        return bool(self.answer["valid"])

    @property
    def complete(self) -> bool:
        return bool(self.answer["complete"])

    @property
    def choices(self) -> dict[str, str | None]:
        return dict(self.answer["choices"])

    @property
    def wire_choices(self) -> dict[str, str]:
        """The choices as they travel: the whole product where nothing more need be chosen, else what was chosen so far."""
        return dict(self.answer["whole"]) or said(self.choices)

    @property
    def likely(self) -> dict[str, str]:
        """A whole product with these choices, as plain as possible; empty where they contradict each other."""
        return dict(self.answer["likely"])

    @cached_property
    def digest(self) -> str:
        return digest_of(seller=self.seller.slug, product=self.product["code"], release=self.release, choices=self.wire_choices)

    @property
    def amount(self) -> Decimal | None:
        price = self.answer["price"]
        return None if price is None else Decimal(price["amount"])

    @property
    def currency(self) -> str:
        return str(self.answer["price"]["currency"]) if self.answer["price"] else ""

    @cached_property
    def features(self) -> Mapping[str, Plain]:
        return {feature["code"]: feature for feature in self.answer["features"]}

    @property
    def wire(self) -> dict[str, Any]:
        """The configuration as it travels in the line of a document."""
        choices, text = self.wire_choices, dict(self.answer["text"])
        return {"product": self.product["code"], "release": self.release, "digest": self.digest, "choices": choices, "text": text}

    # In words ------------------------------------------------------------------------------------------------------------

    def name(self, feature: str) -> str:
        return in_reader_words(self.features[feature]["name"]) if feature in self.features else feature

    def value(self, feature: str, value: str | None) -> str:
        if value is None:
            return _("none")
        language = "zh" if (get_language() or "").startswith("zh") else "en"
        return answering.value_in_words(self.features[feature], value, language) if feature in self.features else value

    def chosen(self, feature: str, value: str | None) -> str:
        """A choice in words: “Colour: red”."""
        return _("%(feature)s: %(value)s") % {"feature": self.name(feature), "value": self.value(feature, value)}

    def why(self, reason: Plain) -> str:
        """A reason in a few sentences: the rules, then the choices against which they stand."""
        sentences = [sentence_of(in_reader_words(rule["text"])) for rule in reason["rules"]]
        if choices := ", ".join(self.chosen(feature, value) for feature, value in reason["choices"].items()):
            sentences.append(_("You chose %(choices)s.") % {"choices": choices})
        return " ".join(sentences) or _("No product has this.")

    def mend(self, change: Plain) -> str:
        """A change in words: what would be chosen instead, or taken back."""
        return _(", ").join(self._changed(one) for one in change["changed"])

    def _changed(self, one: Plain) -> str:
        name = self.name(one["feature"])
        if one["open"]:
            return _("take back “%(feature)s”") % {"feature": name}
        if one["value"] is None or (one["value"] == NO and self.features.get(one["feature"], {}).get("kind") == "flag"):
            return _("leave out “%(feature)s”") % {"feature": name}
        return _("set “%(feature)s” to %(value)s") % {"feature": name, "value": self.value(one["feature"], one["value"])}


def sentence_of(text: str) -> str:
    """A text with a full stop at its end, unless it has one."""
    stripped = text.strip()
    return stripped if not stripped or stripped[-1] in ".!?。！？" else stripped + (_(".") if stripped[-1].isascii() else "。")


def digest_of(*, seller: str, product: str, release: int, choices: Mapping[str, str | None]) -> str:
    """The digest of a configuration: SHA-256, in hex, of JSON without spaces, its names sorted, in UTF-8, with the choices that were made.

    seller: his slug.
    """
    whole = {"choices": said(choices), "product": product, "release": release, "seller": seller}
    return hashlib.sha256(orjson.dumps(whole, option=orjson.OPT_SORT_KEYS)).hexdigest()


def configure(*, seller: Seller, product: str, choices: Any, release: int | None = None, why: Any = None, draft: bool = False) -> Told:
    """What stands after these choices. why: “all”, or pairs of feature and value whose reasons are wanted. Raises Invalid, NoPartner, NoAnswer.

    draft: of the release that is being edited, of one's own products alone.
    """
    findings: list[Finding] = []
    plain = reading.plain_choices(choices, "/choices", findings)
    if findings:
        raise Invalid(findings)
    body = {"product": product, "release": release, "choices": plain, "why": why, **({"draft": True} if draft else {})}
    return Told(seller=seller, answer=ask(seller, "configuration", body))


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """When one could be had now. not_before: the days for options that supply holds up, by feature and option."""

    due_on: dt.date | None = None
    not_before: Mapping[str, Mapping[str, dt.date]] = field(default_factory=dict)


def estimate(told: Told) -> Estimate:
    """When one of what is told could be had, as the floors above know it (`ESTIMATES`, each answer an Estimate or None)."""
    if not told.valid:
        return Estimate()
    return next((answer for answer in announcing.ask_above("ESTIMATES", configuration=told) if answer is not None), Estimate())


# Keeping -----------------------------------------------------------------------------------------------------------------


def save_configuration(
    *, seller: Seller, product: str, choices: Any, release: int | None = None, by: Actor, at: dt.datetime, why: Any = None
) -> tuple[Configuration, Told]:
    """Keep what was chosen, whether it is complete or not, or contradicts itself. Raises Invalid, NoPartner."""
    told = configure(seller=seller, product=product, choices=choices, release=release, why=why)
    row = Configuration(seller_id=seller.id, product=product, release=told.release, token=secrets.token_urlsafe(24), created_by=by.name, created_at=at)
    _keep(row, told, at)
    return row, told


def change_configuration(*, id: uuid.UUID, choices: Any, by: Actor, at: dt.datetime, why: Any = None) -> tuple[Configuration, Told]:
    """Change some choices of a configuration: an empty text takes a choice back, None leaves the feature out. Its release stays.

    Raises NoSuchConfiguration, Invalid, NoPartner.
    """
    if not isinstance(choices, Mapping):
        raise refuse("/choices", "object", _("Send a JSON object."))
    with transaction.atomic():
        row = Configuration.objects.select_for_update().filter(pk=id).first()
        if row is None:
            raise NoSuchConfiguration(_("There is no such configuration."))
        merged = dict(_merged(row.choices, choices))
        told = configure(seller=seller_with(row.seller_id), product=row.product, choices=merged, release=row.release, why=why)
        _keep(row, told, at)
    return row, told


def _merged(before: Mapping[str, Any], changes: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in {**before, **changes}.items():
        if value != "":
            yield name, value


def _keep(row: Configuration, told: Told, at: dt.datetime) -> None:
    item, name = told.product["item"], told.product["name"]
    row.name, row.name_zh = name["en"], name["zh"]
    row.item, row.unit = item["number"], item["unit"]
    row.choices, row.whole, row.digest, row.text = told.choices, dict(told.answer["whole"]), told.digest, dict(told.answer["text"])
    row.valid, row.complete, row.amount, row.currency = told.valid, told.complete, told.amount, told.currency
    row.changed_at = at
    row.save()


def reasons(told: Told) -> dict[str, dict[str, str]]:
    """Why values are grey, in words, by feature and value; “no product has this” where the seller gave no reason."""
    found: dict[str, dict[str, str]] = {}
    for feature, offer in told.answer["offers"].items():
        said_ones: Sequence[Plain] = told.answer["why"].get(feature, ())
        known = {reason["value"]: told.why(reason) for reason in said_ones}
        grey = {value: known.get(value, _("It does not go with what is chosen.")) for value in offer["grey"]}
        if grey:
            found[feature] = {"" if value is None else value: sentence for value, sentence in grey.items()}
    return found
