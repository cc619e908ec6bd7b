"""Models from other tools, and for them: the Universal Variability Language."""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from apps.base import acting
from apps.base.acting import Actor
from apps.base.findings import Finding, Invalid, refuse
from apps.base.text import Text
from apps.customisation.models import Release, RuleKind
from apps.customisation.services import editing, uvl
from apps.customisation.services.knowing import known
from apps.customisation.services.solving import Attributes, Feature, Model, Option

LARGEST_UVL = 5 * 1024 * 1024


def as_uvl(release: Release) -> str:
    """A release as a UVL file. Raises Invalid with the places of what UVL cannot say."""
    try:
        return uvl.write(known(release).model)
    except uvl.Unwritable as error:
        raise Invalid([Finding(f"/{fault.place}", fault.code, fault.sentence) for fault in error.faults]) from error


def take_uvl(*, product: str, body: bytes, by: Actor, at: dt.datetime) -> list[str]:
    """Replace the draft by the model of a UVL file of at most 5 MB; gives what was assumed, in sentences.

    The examples go with the model. Raises Invalid with lines and columns, NoDraft, NoSuchProduct.
    """
    if len(body) > LARGEST_UVL:
        raise refuse("/file", "too_big", _("The file is too big: at most 5 MB are taken."))
    try:
        read = uvl.read(body.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise refuse("/file", "content", _("The file is no text in UTF-8.")) from error
    except uvl.Refused as error:
        raise Invalid([Finding("/file", fault.code, _placed(fault)) for fault in error.faults]) from error
    editing.save_release(product=product, given=_described(read.model), by=by, at=at)
    return [_placed(note) for note in read.notes]


def _placed(fault: uvl.Fault) -> str:
    place = fault.place
    return _("Line %(line)d, column %(column)d: %(why)s") % {"line": place.line, "column": place.column, "why": fault.sentence}


def _described(model: Model) -> dict[str, Any]:
    """A model as `editing.save_release` takes it."""
    rules: list[dict[str, Any]] = [{"code": rule.code, "formula": rule.formula, **_explained(rule.explanation)} for rule in model.rules]
    for table in model.tables:
        rows = {"features": list(table.features), "rows": [list(row) for row in table.rows]}
        rules.append({"code": table.code, "kind": RuleKind.TABLE.value, "table": rows, **_explained(table.explanation)})
    currency = model.currency or acting.home().currency
    return {"price": _digits(model.price), "currency": currency, "features": [_feature(one) for one in model.features], "rules": rules}


def _feature(feature: Feature) -> dict[str, Any]:
    numbers = {name: _digits(value) for name in ("minimum", "maximum", "step") if (value := getattr(feature, name)) is not None}
    return {
        "code": feature.code,
        **_named(feature.name),
        "kind": feature.kind,
        "optional": feature.optional,
        "price": feature.price,
        "attributes": _attributes(feature.attributes),
        "options": [_option(one) for one in feature.options],
        **numbers,
    }


def _option(option: Option) -> dict[str, Any]:
    return {"code": option.code, **_named(option.name), "price": _digits(option.price), "attributes": _attributes(option.attributes)}


def _named(name: Text | None) -> Mapping[str, str]:
    return {"name": name.en[:200], "name_zh": name.zh[:200] if name.zh != name.en else ""} if name else {}


def _explained(text: Text | None) -> Mapping[str, str]:
    return {"text": text.en[:400], "text_zh": text.zh[:400] if text.zh != text.en else ""} if text else {}


def _attributes(attributes: Attributes) -> dict[str, str | bool]:
    return {name: _digits(value) if isinstance(value, Decimal) else value for name, value in attributes}


def _digits(value: Decimal) -> str:
    return format(value, "f")
