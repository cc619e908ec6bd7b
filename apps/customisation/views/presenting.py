"""From what the seller tells to what the configurator shows: groups, cards, what is grey and why, the ways out, the price."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, QueryDict
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from apps.base import units
from apps.base.findings import Finding, Invalid
from apps.customisation import services
from apps.customisation.services import Estimate, Seller, Told
from apps.customisation.services.configuring import in_reader_words
from apps.customisation.services.reading import LEFT_OUT
from apps.customisation.services.solving.model import NO, YES

Plain = Mapping[str, Any]
# A feature's field in forms and addresses: its code behind this.
FIELD = "c."
NOTHING = f"{LEFT_OUT}none"
# More options than these are a list to unfold.
MOST_CARDS = 24
MOST_DROPPED = 20


# What was asked ----------------------------------------------------------------------------------------------------------


def choices_of(query: QueryDict) -> dict[str, str | None]:
    """The choices in a form or an address, without the one that is taken back."""
    found: dict[str, str | None] = {}
    for name in query:
        value = query.get(name)
        if name.startswith(FIELD) and isinstance(value, str) and value and name.removeprefix(FIELD) != query.get("open"):
            found[name.removeprefix(FIELD)] = None if value == NOTHING else value
    return found


def query_of(choices: Mapping[str, str | None], more: Mapping[str, str] | None = None) -> str:
    """The address's query that says these choices."""
    pairs = {f"{FIELD}{feature}": NOTHING if value is None else value for feature, value in choices.items()}
    return f"?{urlencode({'on': '1', **(more or {}), **pairs})}"


def focus_of(query: QueryDict) -> str:
    """The feature that the reader is at: what he took back, or what a change has changed."""
    return query.get("open") or query.get("at") or ""


def wanted_of(query: QueryDict) -> tuple[str, str | None] | None:
    """The grey value that is asked about: feature and value."""
    try:
        pair = json.loads(query.get("want", "null"))
    except ValueError:
        return None
    known = isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str) and isinstance(pair[1], str | None)
    return (pair[0], pair[1]) if known else None


def configured(*, seller: Seller, product: str, choices: Mapping[str, str | None], release: int | None = None, wanted: Any = None,
               draft: bool = False) -> tuple[Told, list[Finding]]:  # fmt: skip
    """What stands after these choices; those that the model does not know (as an old address may say) are dropped, and told.

    Raises Invalid for everything else, NoPartner, NoAnswer.
    """
    left, dropped = dict(choices), list[Finding]()
    why = [list(wanted)] if wanted else None
    while True:
        try:
            return services.configure(seller=seller, product=product, choices=left, release=release, why=why, draft=draft), dropped
        except Invalid as refusal:
            unknown = [finding for finding in refusal.findings if finding.pointer.startswith("/choices/")]
            gone = {feature for feature in left for finding in unknown if finding.pointer == f"/choices/{_escaped(feature)}"}
            if not gone or len(dropped) > MOST_DROPPED:
                raise
            dropped += unknown
            left = {feature: value for feature, value in left.items() if feature not in gone}


def _escaped(feature: str) -> str:
    return feature[:60].replace("~", "~0").replace("/", "~1")


# What is shown -----------------------------------------------------------------------------------------------------------


class Shown:
    """The configurator's page after the choices so far. picture: the address of a picture of the seller's by its name.

    carried: what every address of the page says beside the choices. focus: the feature that the reader is at.
    """

    def __init__(self, told: Told, *, picture: Callable[[str], str], wanted: tuple[str, str | None] | None = None, estimate: Estimate | None = None,
                 carried: Mapping[str, str] | None = None, focus: str = "") -> None:  # fmt: skip
        self.told, self.picture, self.estimate, self.carried = told, picture, estimate or Estimate(), carried or {}
        self.offers: Mapping[str, Plain] = told.answer["offers"]
        self.wanted = wanted if wanted and wanted[0] in self.offers else None
        self.focus = focus

    def context(self) -> dict[str, Any]:
        told = self.told
        groups = self._groups()
        return {
            "product": self._product(),
            "groups": groups,
            "valid": told.valid,
            "complete": told.complete,
            "conflict": self._conflict(),
            "price": told.amount,
            "currency": told.currency,
            "count": self._count(),
            "due_on": self.estimate.due_on,
            "summary": list(self._summary()),
            "missing": [feature for group in groups for feature in group["features"] if feature["missing"]],
            "hidden": [(f"{FIELD}{name}", NOTHING if value is None else value) for name, value in told.choices.items()],
            "query": query_of(told.choices, self.carried),
            "fresh_url": query_of({}, self.carried),
            "carried": list(self.carried.items()),
        }

    def _product(self) -> dict[str, Any]:
        product = self.told.product
        shown = {"code": product["code"], "name": in_reader_words(product["name"]), "text": in_reader_words(product["text"])}
        return {**shown, "picture": self.picture(product["picture"]) if product["picture"] else "", "release": self.told.release}

    def _count(self) -> int | None:
        count = self.told.answer["count"]
        return int(count) if count is not None and len(count) <= 15 else None

    def _groups(self) -> list[dict[str, Any]]:
        """The features in their order, those of one group together."""
        groups: dict[str, dict[str, Any]] = {}
        for index, feature in enumerate(self.told.answer["features"]):
            name = in_reader_words(feature["group"])
            group = groups.setdefault(name, {"name": name, "id": f"g{len(groups)}", "features": []})
            group["features"].append(self._feature(feature, index))
        return list(groups.values())

    def _feature(self, feature: Plain, index: int) -> dict[str, Any]:
        offer = self.offers[feature["code"]]
        state, value = offer["state"], offer["value"]
        options = list(self._options(feature, offer, f"f{index}")) if feature["kind"] != "number" else []
        shown = {
            "code": feature["code"],
            "id": f"f{index}",
            "field": f"{FIELD}{feature['code']}",
            "name": in_reader_words(feature["name"]),
            "kind": feature["kind"],
            "optional": feature["optional"],
            "is_chosen": state == "chosen",
            "is_forced": state == "forced",
            "missing": state == "open" and not feature["optional"] and feature["kind"] != "flag",
            "value": value,
            "value_text": self.told.value(feature["code"], value) if state != "open" else "",
            "options": options,
            "as_list": len(options) > MOST_CARDS,
            "delta": self._delta(feature),
            "focus": feature["code"] == self.focus,
        }
        return {**shown, **self._number(feature, offer)} if feature["kind"] == "number" else shown

    def _delta(self, feature: Plain) -> Decimal | None:
        """What the feature itself adds, beside its options."""
        amount = self.told.answer["deltas"].get(feature["code"])
        return Decimal(amount) if amount and Decimal(amount) else None

    def _options(self, feature: Plain, offer: Plain, id: str) -> Iterator[dict[str, Any]]:
        """The cards of a feature: its options, or yes and no; and none, where it may be left out."""
        if feature["kind"] == "flag":
            delta = self._delta(feature)
            known: list[tuple[str | None, str, Any, str]] = [(YES, _("Yes"), delta, ""), (NO, _("No"), None, "")]
        else:
            known = [(one["code"], in_reader_words(one["name"]), Decimal(one["price"]) or None, one["picture"]) for one in feature["options"]]
            known += [(None, _("None"), None, "")] if feature["optional"] else []
        focused = self._focused(feature, offer, [value for value, *_rest in known])
        for index, (value, name, price, picture) in enumerate(known):
            not_before = self.estimate.not_before.get(feature["code"], {}).get(value or "")
            chosen = offer["state"] != "open" and offer["value"] == value
            yield {
                "id": f"{id}-{index}",
                "value": NOTHING if value is None else value,
                "name": name,
                "price": price,
                "picture": self.picture(picture) if picture else "",
                "chosen": chosen,
                "grey": self.told.valid and value in offer["grey"] and not chosen,
                "want": json.dumps([feature["code"], value], ensure_ascii=False),
                "not_before": not_before,
                "reason": self._reason(feature["code"], value),
                "focus": index == focused,
            }

    def _focused(self, feature: Plain, offer: Plain, values: Sequence[str | None]) -> int | None:
        """Which card has the focus: the chosen one, else the first that can be chosen."""
        if feature["code"] != self.focus:
            return None
        wanted = [offer["value"]] if offer["state"] == "chosen" else offer["possible"]
        return next((index for index, value in enumerate(values) if value in wanted), None)

    def _number(self, feature: Plain, offer: Plain) -> dict[str, Any]:
        least, most = offer["least"], offer["most"]
        narrowed = least is not None and (Decimal(least), Decimal(most)) != (Decimal(feature["minimum"]), Decimal(feature["maximum"]))
        return {
            "minimum": feature["minimum"],
            "maximum": feature["maximum"],
            "step": feature["step"],
            "least": least,
            "most": most,
            "narrowed": narrowed,
            "unit": units.label(feature["unit"]) if feature["unit"] else "",
            "left_out": offer["state"] == "chosen" and offer["value"] is None,
        }

    def _summary(self) -> Iterator[dict[str, str]]:
        """What is decided, but for what is not wanted."""
        for code, value in self.told.answer["decided"].items():
            if value is None or (value == NO and self.told.features[code]["kind"] == "flag"):
                continue
            yield {"name": self.told.name(code), "value": self.told.value(code, value)}

    # Why not, and what then ----------------------------------------------------------------------------------------------

    def _reason(self, feature: str, value: str | None) -> dict[str, Any] | None:
        """Why a grey value cannot be, where it was asked."""
        if self.wanted != (feature, value):
            return None
        found = next((reason for reason in self.told.answer["why"].get(feature, ()) if reason["value"] == value), None)
        return self._way_out(found) if found else None

    def _conflict(self) -> dict[str, Any] | None:
        conflict = self.told.answer["conflict"]
        return self._way_out(conflict) if conflict else None

    def _way_out(self, reason: Plain) -> dict[str, Any]:
        """A reason in words, with the changes that would help as addresses."""
        changes = [{"text": capital(self.told.mend(change)), "url": self._changed(change)} for change in reason["changes"]]
        return {"why": self.told.why(reason), "changes": changes}

    def _changed(self, change: Plain) -> str:
        """The address after a change; the reader is then at what has changed."""
        return query_of(change["choices"], {**self.carried, "at": change["changed"][0]["feature"]} if change["changed"] else self.carried)


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def quote_url(uid: Any) -> str:
    """Where a quote for a configuration is asked for; empty where nobody answers."""
    try:
        return f"{reverse('promise_new')}?{urlencode({'configuration': uid})}"
    except NoReverseMatch:
        return ""


def product_card(product: Plain, *, url: str, picture: Callable[[str], str]) -> dict[str, Any]:
    """A product as a card in a list."""
    price = product["price"]
    return {
        "code": product["code"],
        "name": in_reader_words(product["name"]),
        "text": in_reader_words(product["text"]),
        "url": url,
        "picture": picture(product["picture"]) if product["picture"] else "",
        "price": Decimal(price["amount"]) if price else None,
        "currency": price["currency"] if price else "",
        "public": product["public"],
    }


def own_picture(request: HttpRequest, seller: Seller) -> Callable[[str], str]:
    """The addresses of a seller's pictures for who works here."""
    return lambda name: reverse("product_picture", args=[seller.slug, name])


def told_findings(findings: Sequence[Finding]) -> list[str]:
    return [finding.detail for finding in findings]
