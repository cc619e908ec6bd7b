"""What the maker answers, to his partners and to himself: his products, and what can be chosen of one, as plain JSON.

Nobody but the maker has the rules. His own texts go in both languages, `{"en": ..., "zh": ...}`, and the asker picks; a refusal is
`{"refused": [{"pointer", "code", "detail"}]}` in the language of whoever asks.
"""

import base64
import uuid
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from apps.base import formulas, units
from apps.base.findings import Finding
from apps.base.templatetags.tributary import MINOR_UNITS
from apps.base.text import Text
from apps.customisation.models import Option, Product, Release, said
from apps.customisation.services import picturing, reading, solving
from apps.customisation.services.knowing import Known, known, words
from apps.customisation.services.solving import Change, Choices, Offer, Reason, Session
from apps.customisation.services.solving.domains import plain
from apps.customisation.services.solving.model import NO, YES
from apps.network import selectors as network

Plain = dict[str, Any]
# Reasons that are told unasked: each is a search for a least contradiction.
MOST_REASONS = 60
LARGEST_AMOUNT = 10**12


def refused(findings: Sequence[Finding]) -> Plain:
    return {"refused": [{"pointer": finding.pointer, "code": finding.code, "detail": finding.detail} for finding in findings]}


# Who may see what --------------------------------------------------------------------------------------------------------


def sold(partner_id: uuid.UUID | None) -> QuerySet[Product]:
    """The products that a customer may see, or everybody at home (None); others than customers see what is public."""
    found = Product.objects.filter(release__isnull=False).select_related("release", "item")
    if partner_id is None or network.role(id=partner_id) == "customer":
        return found
    return found.filter(Q(public=True))


def answer_products(body: Mapping[str, Any], partner_id: uuid.UUID | None) -> Plain:
    """The products that are sold, by code: `{"products": [...]}`. body: nothing, or `{"product": code}` for that one alone."""
    found = sold(partner_id)
    if body.get("product") is not None:
        found = found.filter(code=str(body["product"])[:60])
    return {"products": [product_told(row) for row in found]}


def product_told(row: Product) -> Plain:
    """A product as it is shown. price: before any choice; None where nothing is published."""
    item = row.item
    release = row.release
    return {
        "code": row.code,
        "name": words(row.name, row.name_zh),
        "text": words(row.text, row.text_zh),
        "picture": row.picture,
        "public": row.public,
        "release": release.number if release else None,
        "price": None if release is None else {"amount": format(rounded(release.price, release.currency), "f"), "currency": release.currency},
        "item": {"number": item.number, "name": words(item.name, item.name_zh), "unit": item.unit, "gtin": item.gtin},
    }


def answer_picture(body: Mapping[str, Any], partner_id: uuid.UUID | None) -> Plain:
    """A picture by its name: `{"media_type", "content"}`, the content in Base64 (RFC 4648, 4). A partner gets those of what he may see."""
    name = str(body.get("picture", ""))
    try:
        if partner_id is not None and not _is_shown(name, partner_id):
            raise picturing.NoSuchPicture(_("There is no such picture."))
        media_type, content = picturing.read_picture(name=name)
    except picturing.NoSuchPicture as error:
        return refused([Finding("/picture", "missing", str(error))])
    return {"media_type": media_type, "content": base64.b64encode(content).decode()}


def _is_shown(name: str, partner_id: uuid.UUID) -> bool:
    """Whether a picture is of a product that this partner may see, or of an option in one of its published releases."""
    if not picturing.NAME.match(name):
        return False
    seen = sold(partner_id)
    if seen.filter(picture=name).exists():
        return True
    return Option.objects.filter(picture=name, feature__release__product__in=seen, feature__release__published_at__isnull=False).exists()


def answer_configuration(body: Mapping[str, Any], partner_id: uuid.UUID | None) -> Plain:
    """What stands after the choices so far, and what can still be chosen.

    body: product (code), release (number; the one that is sold where it is not said), choices, and why: “all”, for which the reasons are
    told, or pairs of feature and value, for which also the least changes are that would allow them; draft, at home alone: true for the
    release that is edited. The answer: see `told`.
    """
    code, draft = str(body.get("product", ""))[:60], partner_id is None and body.get("draft") is True
    row = (Product.objects.select_related("release", "item") if draft else sold(partner_id)).filter(code=code).first()
    if row is None:
        return refused([Finding("/product", "product", _("There is no such product, or it is not sold any more."))])
    release = _draft(row) if draft else _release(row, body.get("release"))
    if release is None:
        return refused([Finding("/release", "release", _("The product has no such release."))])
    return {"product": product_told(row), **told(known(release), body.get("choices"), why=body.get("why"))}


def _draft(row: Product) -> Release | None:
    return Release.objects.select_related("product").filter(product=row, published_at=None).first()


def _release(row: Product, number: Any) -> Release | None:
    """The release with this number that is, or was, sold; the one that is sold now where none is named."""
    if number is None or (row.release and number == row.release.number):
        found = row.release
    else:
        found = Release.objects.filter(product=row, number=number if isinstance(number, int) and 0 < number < 2**31 else 0, published_at__isnull=False).first()
    if found is not None:
        found.product = row
    return found


# One configuration -------------------------------------------------------------------------------------------------------


def told(release: Known, given: Any, *, why: Any = None) -> Plain:
    """What stands after the choices `given`, as plain JSON.

    features: what there is to choose. choices: as they were made; decided: with all that follows; whole: without what is left out, empty
    until nothing more need be chosen (`complete`); likely: a whole product with these choices, as plain as possible. offers: by feature
    state, value, possible, grey, least, most. why: reasons by feature and value. conflict: the reason why `valid` is false. price: of what
    is decided. deltas: what a feature with a price formula adds where it is chosen. text: in words.
    """
    findings: list[Finding] = []
    choices = _loosened(release, reading.plain_choices(given, "/choices", findings))
    if findings:
        return refused(findings)
    try:
        session = release.engine.session(choices)
    except solving.Unfit as error:
        return refused([Finding(f"/choices/{_place(error.feature)}", "choice", error.sentence)])
    except solving.Faulty as error:
        return refused([Finding("/product", "model", fault.sentence) for fault in error.faults])
    except formulas.FormulaError as error:
        return refused([Finding("/choices", "formula", error.sentence)])
    return _told(release, session, why)


def _loosened(release: Known, choices: Mapping[str, str | None]) -> Choices:
    """What cannot be left out and is said to be is open again."""
    by_code = release.model.by_code
    return {name: value for name, value in choices.items() if value is not None or name not in by_code or by_code[name].optional}


def _place(feature: str) -> str:
    return feature[:60].replace("~", "~0").replace("/", "~1")


def _told(release: Known, session: Session, why: Any) -> Plain:
    whole, likely = _whole(release, session)
    price, broken = _price(release, whole or session.decided)
    conflict = _reason(release, session.conflict, session.choices) if session.conflict else None
    if broken and session.valid:
        conflict = {"rules": [{"code": "price", "text": {"en": broken, "zh": broken}}], "choices": {}, "changes": []}
    return {
        "release": release.number,
        "features": release.features,
        "choices": dict(session.choices),
        "decided": dict(session.decided),
        "whole": {} if broken else whole,
        "likely": {} if broken else likely,
        "valid": session.valid and not broken,
        "complete": bool(whole) and not broken,
        "count": None if session.count is None else str(session.count),
        "offers": {offer.feature: _offer(offer) for offer in session.offers},
        "why": _reasons(release, session, why),
        "conflict": conflict,
        "price": price,
        "deltas": _deltas(release, session),
        "text": _in_words(release, whole or session.choices),
    }


def _whole(release: Known, session: Session) -> tuple[dict[str, str], dict[str, str]]:
    """The whole product, where all that is still open may be left out, else nothing; and the plainest whole product with these choices."""
    if not session.valid:
        return {}, {}
    if session.complete:
        decided = said(session.decided)
        return decided, decided
    plainest = release.engine.completed(session.choices)
    likely = said(plainest)
    open_ones = [offer for offer in session.offers if offer.state == "open"]
    left = all(_leaves(release, offer) and plainest.get(offer.feature) in (None, NO) for offer in open_ones)
    return likely if left else {}, likely


def _leaves(release: Known, offer: Offer) -> bool:
    """Whether the feature need not be chosen."""
    return (NO if release.model.by_code[offer.feature].kind == "flag" else None) in offer.possible


def rounded(amount: Decimal, currency: str) -> Decimal:
    """An amount to the minor unit of its currency (ISO 4217), half of it up."""
    return amount.quantize(Decimal(1).scaleb(-MINOR_UNITS.get(currency, 2)), ROUND_HALF_UP, Context(prec=100))


def _price(release: Known, decided: Choices) -> tuple[Plain | None, str]:
    """The price, or why there is none."""
    currency = release.model.currency
    try:
        found = release.engine.price_of(decided)
    except formulas.FormulaError as error:
        return None, _("The price cannot be computed for these choices: %(why)s") % {"why": error.sentence}
    if not 0 <= found.amount < LARGEST_AMOUNT:
        return None, _("The price cannot be computed for these choices: %(why)s") % {"why": _("It is below zero, or has more than 12 digits.")}
    parts = [{"feature": feature, "option": option, "amount": format(rounded(amount, currency), "f")} for feature, option, amount in found.parts]
    return {"amount": format(rounded(found.amount, currency), "f"), "currency": currency, "parts": parts, "open": list(found.open)}, ""


def _offer(offer: Offer) -> Plain:
    ends = {name: None if (end := getattr(offer, name)) is None else format(end, "f") for name in ("least", "most")}
    return {"state": offer.state, "value": offer.value, "possible": list(offer.possible), "grey": list(offer.grey), **ends}


def _reason(release: Known, reason: Reason, before: Choices) -> Plain:
    """A reason as plain JSON, with the changes of the choices `before` that would help."""
    rules = [{"code": rule.code, "text": _words_of(rule.explanation, str(rule))} for rule in reason.rules]
    return {"rules": rules, "choices": dict(reason.choices), "changes": [_change(release, change, before) for change in reason.changes]}


def _change(release: Known, change: Change, before: Choices) -> Plain:
    """A change; a number that would be taken back is set to the nearest one that goes with the rest."""
    choices, names = dict(change.choices), [name for name, _value in change.changed]
    for name in names:
        if name not in choices and release.model.by_code[name].kind == "number" and (was := before.get(name)) is not None:
            offer = next(offer for offer in release.engine.session(choices).offers if offer.feature == name)
            if ends := [end for ends in offer.ranges for end in ends]:
                choices[name] = plain(min(ends, key=lambda end: (abs(end - Decimal(was)), end)))
    changed = [{"feature": name, "open": name not in choices, "value": choices.get(name)} for name in names]
    return {"choices": choices, "changed": changed}


def _words_of(text: Text | None, otherwise: str) -> dict[str, str]:
    return words(text.en, text.zh) if text else words(otherwise, otherwise)


def _reasons(release: Known, session: Session, wanted: Any) -> dict[str, list[Plain]]:
    """Why values are grey, by feature: those that are asked for, at most 60 of them; what would allow them only where they were named."""
    if not session.valid or not wanted:
        return {}
    pairs = [(offer.feature, value) for offer in session.offers for value in offer.grey]
    if wanted != "all":
        asked = {tuple(pair) for pair in wanted if isinstance(pair, list | tuple) and len(pair) == 2} if isinstance(wanted, list) else set()
        pairs = [pair for pair in pairs if pair in asked]
    found: dict[str, list[Plain]] = {}
    for feature, value in pairs[:MOST_REASONS]:
        if reason := release.engine.why(session.choices, feature, value, changes=wanted != "all", grey=True):
            found.setdefault(feature, []).append({"value": value, **_reason(release, reason, session.choices)})
    return found


def _deltas(release: Known, session: Session) -> dict[str, str]:
    """What a feature with a price formula of its own adds where it is chosen; nothing where that cannot be told yet."""
    found = {}
    for feature in release.model.features:
        if not feature.price:
            continue
        value = YES if feature.kind == "flag" else session.decided.get(feature.code)
        if value is None:
            continue
        try:
            formula = formulas.parse(feature.price)
            amount = formula.amount(release.engine.scope.choices(formula.names, {**session.decided, feature.code: value}))
        except formulas.FormulaError:
            # It waits for other choices, or cannot be computed with these: the price itself says so where it matters.
            continue
        found[feature.code] = format(rounded(amount, release.model.currency), "f")
    return found


YES_AND_NO = {YES: Text("yes", "是"), NO: Text("no", "否")}


def _in_words(release: Known, choices: Choices) -> dict[str, str]:
    """What is chosen, in words: “Colour: red; Width: 700 mm”. A flag that is not wanted is not told."""
    lines: dict[str, list[str]] = {"en": [], "zh": []}
    for feature in release.features:
        value = choices.get(feature["code"])
        if value is None or (feature["kind"] == "flag" and value == NO):
            continue
        for language, told_lines in lines.items():
            shown = value_in_words(feature, value, language)
            sign = "：" if language == "zh" else ": "
            told_lines.append(feature["name"][language] if feature["kind"] == "flag" else f"{feature['name'][language]}{sign}{shown}")
    return {"en": "; ".join(lines["en"]), "zh": "；".join(lines["zh"])}


def value_in_words(feature: Mapping[str, Any], value: str, language: str) -> str:
    """A value of a feature in words. language: “en” or “zh”."""
    if feature["kind"] == "flag":
        return str(getattr(YES_AND_NO[value], language)) if value in YES_AND_NO else value
    if feature["kind"] == "number":
        return f"{value} {_unit(feature['unit'], language)}".strip()
    return next((option["name"][language] for option in feature["options"] if option["code"] == value), value)


def _unit(code: str, language: str) -> str:
    return str(getattr(units.UNITS[code], language)) if code in units.UNITS else code
