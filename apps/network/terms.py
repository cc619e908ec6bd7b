"""How far an answer may differ from what was asked before a person must look at it: the words of it, how it is inherited, and what is wrong with it.

Pure. A tolerance says for some kinds of deviation up to where it is accepted, and what becomes of more: it is accepted all the same, asked, or blocked
at the desk of whoever would offer it. What a narrower place does not speak of is as the wider one says: default, supplier group, agreement, item, line.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from apps.base.findings import Finding, Invalid
from apps.base.text import Text

Beyond = Literal["accept", "ask", "block"]
Scope = Literal["default", "group", "agreement", "item", "line"]
BEYOND: Mapping[str, Text] = {
    "accept": Text("accepted all the same", "仍然接受"),
    "ask": Text("asked", "需要人工处理"),
    "block": Text("blocked", "不允许"),
}
BEYONDS: Mapping[str, Beyond] = {"accept": "accept", "ask": "ask", "block": "block"}
SCOPES: Mapping[str, Text] = {
    "default": Text("all suppliers", "所有供应商"),
    "group": Text("the supplier group", "供应商组"),
    "agreement": Text("the agreement with the partner", "与合作伙伴的协议"),
    "item": Text("the item", "物料"),
    "line": Text("the line", "订单行"),
}
"""From the widest to the narrowest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of deviation. limits: in which measures its limit is said; none: it is a matter of yes or no."""

    code: str
    label: Text
    limits: tuple[str, ...] = ()


KINDS: Mapping[str, Kind] = {
    kind.code: kind
    for kind in (
        Kind(code="over", label=Text("More than asked", "数量超出"), limits=("percent",)),
        Kind(code="under", label=Text("Less than asked", "数量不足"), limits=("percent",)),
        Kind(code="early", label=Text("Earlier", "提前"), limits=("days",)),
        Kind(code="late", label=Text("Later", "延迟"), limits=("days",)),
        Kind(code="dearer", label=Text("Dearer", "价格上涨"), limits=("percent", "amount")),
        Kind(code="cheaper", label=Text("Cheaper", "价格下降"), limits=("percent", "amount")),
        Kind(code="split", label=Text("Split over several dates", "分批交货"), limits=("count",)),
        Kind(code="substitute", label=Text("Substitute", "替代品")),
        Kind(code="backorder", label=Text("Backorder", "缺货待补")),
    )
}
MOST: Mapping[str, Decimal] = {"percent": Decimal(1000), "amount": Decimal(1_000_000_000), "days": Decimal(365), "count": Decimal(100)}
WHOLE = ("days", "count")


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """What is tolerated of one kind. limits: up to where, by measure; of several each holds. beyond: what becomes of more."""

    limits: Mapping[str, Decimal]
    beyond: Beyond


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What was said at one place. version: which it is of those that were said there; 0 for what stands on the line itself."""

    scope: Scope
    version: int
    terms: Mapping[str, Term]


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What holds for one kind, and who says so."""

    term: Term
    scope: Scope
    version: int


NOTHING = Holding(term=Term(limits={}, beyond="ask"), scope="default", version=0)
"""Where nobody has said anything: every deviation is asked."""


def inherited(rules: Iterable[Rule]) -> Mapping[str, Holding]:
    """What holds for each kind: the narrowest place that speaks of it."""
    order = list(SCOPES)
    held: dict[str, Holding] = {}
    for rule in sorted(rules, key=lambda rule: order.index(rule.scope)):
        held |= {kind: Holding(term=term, scope=rule.scope, version=rule.version) for kind, term in rule.terms.items()}
    return {kind: held.get(kind, NOTHING) for kind in KINDS}


def read(given: Any, *, at: str = "/terms") -> dict[str, Term]:
    """Terms as they come: of each kind its limits, as texts or whole numbers, and `beyond`. Raises Invalid with each fault at its place."""
    if not isinstance(given, Mapping):
        raise Invalid([Finding(at, "shape", _("Say for each kind of deviation up to where it is accepted."))])
    found: list[Finding] = []
    terms = {kind: _term(KINDS[kind], said, f"{at}/{kind}", found) for kind, said in given.items() if kind in KINDS}
    found += [
        Finding(f"{at}/{str(kind)[:40]}", "unknown", _("There is no such kind. It is one of: %(known)s.") % {"known": ", ".join(KINDS)})
        for kind in given
        if kind not in KINDS
    ]
    if found:
        raise Invalid(found)
    return terms


def _term(kind: Kind, said: Any, at: str, found: list[Finding]) -> Term:
    if not isinstance(said, Mapping):
        found.append(Finding(at, "shape", _("Say its limit, and what becomes of more.")))
        said = {}
    known = (*kind.limits, "beyond")
    found += [
        Finding(f"{at}/{str(name)[:40]}", "unknown", _("There is no such field here. It is one of: %(known)s.") % {"known": ", ".join(known)})
        for name in said
        if name not in known
    ]
    beyond = BEYONDS.get(str(said.get("beyond", "ask")))
    if beyond is None:
        found.append(Finding(f"{at}/beyond", "beyond", _("More is one of: accept, ask, block.")))
    limits = {measure: _limit(said[measure], measure, f"{at}/{measure}", found) for measure in kind.limits if said.get(measure) not in (None, "")}
    return Term(limits=limits, beyond=beyond or "ask")


def _limit(value: Any, measure: str, at: str, found: list[Finding]) -> Decimal:
    try:
        read = Decimal(str(value)) if isinstance(value, (str, int)) and not isinstance(value, bool) else Decimal("NaN")
    except InvalidOperation:
        read = Decimal("NaN")
    if not read.is_finite() or not 0 <= read <= MOST[measure] or (measure in WHOLE and read != read.to_integral_value()):
        words = _("Write a whole number, at most %(most)s.") if measure in WHOLE else _("Write a number, at most %(most)s.")
        found.append(Finding(at, "number", words % {"most": MOST[measure]}))
        return Decimal(0)
    return read


def written(terms: Mapping[str, Term]) -> dict[str, Any]:
    """The inverse of read(): plain JSON."""
    return {
        kind: {**{measure: format(limit.normalize(), "f") for measure, limit in term.limits.items()}, "beyond": term.beyond} for kind, term in terms.items()
    }


def sentence_of(told: Mapping[str, Any]) -> str:
    """A deviation that was judged, in words: “line 1: 14 days later (up to 21 days: the agreement with the partner, version 3)”.

    told: as `procurement.services.judging.Judged.told` keeps it.
    """
    what = _("line %(line)d: %(what)s") % {"line": told["line"], "what": _what(told["kind"], told["by"])}
    limits = [_limit_words(measure, value) for measure, value in told["limits"].items()]
    if not limits and told["beyond"] == "ask":
        return what
    words = pgettext("between two limits", " and ").join(limits) if limits else str(BEYOND[told["beyond"]])
    if not told["version"] and told["scope"] != "line":
        return f"{what} ({words})"
    place = str(SCOPES[told["scope"]]) + (pgettext("which version", ", version %(number)d") % {"number": told["version"]} if told["version"] else "")
    return f"{what} ({words}: {place})"


def _what(kind: str, by: Mapping[str, str]) -> str:
    percent, days = _percent(by.get("percent", "")), int(by.get("days", 0))
    words = {
        "over": _("%(percent)s more than asked"), "under": _("%(percent)s less than asked"), "dearer": _("%(percent)s dearer"),
        "cheaper": _("%(percent)s cheaper"), "early": ngettext("%(days)d day earlier", "%(days)d days earlier", days),
        "late": ngettext("%(days)d day later", "%(days)d days later", days), "split": _("split over %(count)s dates"), "substitute": _("a substitute"),
        "backorder": _("on backorder"), "reject": _("rejected"),
    }  # fmt: skip
    return words[kind] % {"percent": percent, "days": days, "count": by.get("count", "")}


def _percent(value: str) -> str:
    """A share with at most two decimals; one that cannot be computed, for nothing was asked, as a dash."""
    read = Decimal(value or "NaN")
    return f"{read.quantize(Decimal('0.01')).normalize():f} %" if read.is_finite() else "–"


def _limit_words(measure: str, value: str) -> str:
    if measure == "percent":
        return _("up to %(value)s %%") % {"value": value}
    if measure == "amount":
        return _("up to %(value)s a unit") % {"value": value}
    count = int(value)
    if measure == "days":
        return ngettext("up to %(count)d day", "up to %(count)d days", count) % {"count": count}
    return ngettext("up to %(count)d date", "up to %(count)d dates", count) % {"count": count}


def term_told(kind: str, term: Term) -> str:
    """What is tolerated of one kind, in words: “Later: up to 5 days; more is asked”."""
    limits = pgettext("between two limits", " and ").join(_limit_words(measure, format(limit.normalize(), "f")) for measure, limit in term.limits.items())
    beyond = str(BEYOND[term.beyond])
    if not limits:
        return _("%(kind)s: %(beyond)s") % {"kind": KINDS[kind].label, "beyond": beyond}
    return _("%(kind)s: %(limits)s; more is %(beyond)s") % {"kind": KINDS[kind].label, "limits": limits, "beyond": beyond}
