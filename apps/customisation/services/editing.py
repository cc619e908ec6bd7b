"""What the maker does with his products: enter them, edit a draft of their model, publish it, withdraw it."""

import datetime as dt
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db import IntegrityError, models, transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from apps.base import acting
from apps.base.acting import Actor
from apps.base.findings import Finding, Invalid, refuse
from apps.catalog import selectors as catalog
from apps.customisation.models import Example, Feature, Option, Product, Release, Rule
from apps.customisation.services import reading
from apps.customisation.services.picturing import picture_name
from apps.customisation.services.reading import Reading

Row = Mapping[str, Any]


class NoSuchProduct(Exception):
    """There is no such product, or no such part of it; foreign and missing read alike."""


class NoDraft(Exception):
    """The product has no draft: what is published never changes."""


PRODUCT = ("item", "code", "name", "name_zh", "text", "text_zh", "public", "picture")


def save_product(*, given: Row, code: str | None = None, by: Actor, at: dt.datetime) -> Product:
    """Enter a product with an empty draft, or change what stands around the models of the one with `code`.

    given: item (one's own item number), code, name, name_zh, text, text_zh, public, picture. Raises Invalid with every finding.
    """
    said = Reading(given)
    said.unknown(PRODUCT)
    values: dict[str, Any] = {
        "code": said.take("code", reading.slug, ""),
        "name": said.text("name", limit=200, required=True),
        "name_zh": said.text("name_zh", limit=200),
    }
    values |= {"text": said.text("text", limit=2000), "text_zh": said.text("text_zh", limit=2000), "public": said.yes("public")}
    values |= {"picture": said.take("picture", picture_name, ""), "item_id": _item(said)}
    said.done()
    with transaction.atomic():
        product = locked(code) if code else Product()
        for name, value in values.items():
            setattr(product, name, value)
        try:
            with transaction.atomic():
                product.save()
        except IntegrityError as error:
            raise refuse("/code", "code_taken", _("You have a product with this code already.")) from error
        if code is None:
            Release.objects.create(product=product, number=1, currency=acting.home().currency)
    return product


def _item(said: Reading) -> uuid.UUID | None:
    number = said.text("item", limit=60, required=True)
    found = catalog.items().filter(number=number).values_list("pk", flat=True).first() if number else None
    if number and found is None:
        said.found("item", "item", _("You have no item with this number. Enter it in the catalogue first."))
    return found


def locked(code: str) -> Product:
    """The product, kept from everybody else until the end of this transaction. Raises NoSuchProduct."""
    found = Product.objects.select_for_update().filter(code=code).first()
    if found is None:
        raise NoSuchProduct(_("There is no such product."))
    return found


def draft_of(product: Product) -> Release:
    """The release that is edited. Raises NoDraft."""
    found = Release.objects.filter(product=product, published_at=None).first()
    if found is None:
        raise NoDraft(_("What is published never changes. Begin a new release, and change that one."))
    return found


def begin_release(*, product: str, by: Actor, at: dt.datetime) -> Release:
    """The draft of a product: the one that there is, else a copy of its newest release."""
    with transaction.atomic():
        found = locked(product)
        newest = Release.objects.filter(product=found).order_by("-number").first()
        if newest is None or newest.published_at is None:
            return newest or Release.objects.create(product=found, number=1, currency=acting.home().currency)
        draft = Release.objects.create(product=found, number=newest.number + 1, price=newest.price, currency=newest.currency)
        write(draft, described(newest))
        return draft


def drop_draft(*, product: str, by: Actor, at: dt.datetime) -> None:
    """Throw the draft away. The first draft of a product is its only one, and stays. Raises NoDraft."""
    with transaction.atomic():
        draft = draft_of(locked(product))
        if draft.number == 1:
            raise refuse("", "only", _("This is the only model of the product: edit it, or leave the product unpublished."))
        draft.delete()


def save_release(*, product: str, given: Row, by: Actor, at: dt.datetime) -> Release:
    """Replace the draft's whole model. given: price, currency, features (with options), rules, examples. Raises Invalid, NoDraft."""
    model = reading.model(given)
    with transaction.atomic():
        draft = draft_of(locked(product))
        draft.price, draft.currency = model["price"], model["currency"]
        draft.save(update_fields=["price", "currency"])
        for rows in (Feature, Rule, Example):
            rows._default_manager.filter(release=draft).delete()
        write(draft, model)
    return draft


def write(release: Release, model: Row) -> None:
    """Write features, options, rules and examples into a release that has none."""
    features = [Feature(release=release, position=index, **_without_options(row)) for index, row in enumerate(model["features"])]
    Feature.objects.bulk_create(features)
    pairs = zip(features, model["features"], strict=True)
    Option.objects.bulk_create([Option(feature=feature, position=index, **row) for feature, said in pairs for index, row in enumerate(said["options"])])
    Rule.objects.bulk_create([Rule(release=release, position=index, **row) for index, row in enumerate(model["rules"])])
    Example.objects.bulk_create([Example(release=release, position=index, **row) for index, row in enumerate(model["examples"])])


def _without_options(row: Row) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "options"}


def described(release: Release) -> dict[str, Any]:
    """A release as save_release() takes it: the numbers as Decimal. Four queries."""
    options: dict[uuid.UUID, list[dict[str, Any]]] = {}
    for row in Option.objects.filter(feature__release=release).order_by("feature__position", "position").values("feature_id", *reading.OPTION):
        options.setdefault(row.pop("feature_id"), []).append(row)
    columns = [name for name in reading.FEATURE if name != "options"]
    rows = Feature.objects.filter(release=release).values_list("id", *columns)
    features = [{**dict(zip(columns, row[1:], strict=True)), "options": options.get(row[0], [])} for row in rows]
    return {
        "price": release.price,
        "currency": release.currency,
        "features": features,
        "rules": list(Rule.objects.filter(release=release).values(*reading.RULE)),
        "examples": list(Example.objects.filter(release=release).values(*reading.EXAMPLE)),
    }


# Part by part -----------------------------------------------------------------------------------------------------------


def save_terms(*, product: str, given: Row, by: Actor, at: dt.datetime) -> None:
    """Set the draft's base price and currency. Raises Invalid, NoDraft."""
    model = reading.model({**given, "features": []})
    with transaction.atomic():
        draft = draft_of(locked(product))
        draft.price, draft.currency = model["price"], model["currency"]
        draft.save(update_fields=["price", "currency"])


def save_feature(*, product: str, code: str | None, given: Row, by: Actor, at: dt.datetime) -> Feature:
    """Enter a feature with its options, or replace the draft's feature `code`. Raises Invalid, NoDraft, NoSuchProduct."""
    row = _read(reading.feature, given)
    _refuse_twice(row["options"])
    with transaction.atomic():
        feature: Feature = _part(Feature, product, code, "code", row["code"])
        _set(feature, _without_options(row))
        feature.options.all().delete()
        Option.objects.bulk_create([Option(feature=feature, position=index, **option) for index, option in enumerate(row["options"])])
    return feature


def _refuse_twice(options: Sequence[Row]) -> None:
    findings: list[Finding] = []
    reading.once(options, "code", "/options", findings)
    if findings:
        raise Invalid(findings)


def save_rule(*, product: str, code: str | None, given: Row, by: Actor, at: dt.datetime) -> Rule:
    """Enter a rule, or replace the draft's rule `code`. Raises Invalid, NoDraft, NoSuchProduct."""
    row = _read(reading.rule, given)
    with transaction.atomic():
        rule: Rule = _part(Rule, product, code, "code", row["code"])
        _set(rule, row)
    return rule


def save_example(*, product: str, name: str | None, given: Row, by: Actor, at: dt.datetime) -> Example:
    """Enter an example, or replace the draft's example `name`. Raises Invalid, NoDraft, NoSuchProduct."""
    row = _read(reading.example, given)
    with transaction.atomic():
        example: Example = _part(Example, product, name, "name", row["name"])
        _set(example, row)
    return example


def remove_part(*, product: str, part: str, code: str, by: Actor, at: dt.datetime) -> None:
    """Remove a feature (with its options), a rule or an example from the draft. Raises NoDraft, NoSuchProduct."""
    kind, name = PARTS[part]
    with transaction.atomic():
        _known(kind, draft_of(locked(product)), name, code).delete()


def move_part(*, product: str, part: str, code: str, back: bool, by: Actor, at: dt.datetime) -> None:
    """Let a feature, rule or example change places with the one before it (back) or after it. At the end nothing happens."""
    kind, name = PARTS[part]
    with transaction.atomic():
        draft = draft_of(locked(product))
        rows: list[Any] = list(kind._default_manager.filter(release=draft).order_by("position"))
        here = next((index for index, row in enumerate(rows) if getattr(row, name) == code), None)
        if here is None:
            raise NoSuchProduct(_("There is no such part of the product."))
        there = min(max(here + (-1 if back else 1), 0), len(rows) - 1)
        rows.insert(there, rows.pop(here))
        for index, row in enumerate(rows):
            row.position = index
        kind._default_manager.bulk_update(rows, ["position"])


PARTS: Mapping[str, tuple[type[models.Model], str]] = {
    "features": (Feature, "code"),
    "rules": (Rule, "code"),
    "examples": (Example, "name"),
}


def _read(read: Callable[[Any, str, list[Finding]], dict[str, Any]], given: Row) -> dict[str, Any]:
    findings: list[Finding] = []
    row = read(given, "", findings)
    if findings:
        raise Invalid(findings)
    return row


def _known(kind: type[models.Model], draft: Release, name: str, code: str) -> Any:
    found = kind._default_manager.filter(release=draft, **{name: code}).first() if code.isprintable() else None
    if found is None:
        raise NoSuchProduct(_("There is no such part of the product."))
    return found


def _part(kind: type[models.Model], product: str, code: str | None, name: str, wanted: str) -> Any:
    """The row to write: the one with `code`, or a new one at the end. Raises Invalid where another one is called as is `wanted`."""
    draft = draft_of(locked(product))
    others = kind._default_manager.filter(release=draft)
    if code != wanted and others.filter(**{name: wanted}).exists():
        raise refuse(f"/{name}", "twice", _("“%(code)s” is there already; each has a code of its own.") % {"code": wanted})
    if code is not None:
        return _known(kind, draft, name, code)
    last = others.aggregate(last=Max("position"))["last"]
    return kind(release=draft, position=0 if last is None else last + 1)


def _set(row: models.Model, values: Row) -> None:
    for name, value in values.items():
        setattr(row, name, value)
    row.save()
