"""What happened, in words: the sentence of a step, and how an offer differs from what was asked."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from apps.base import units
from apps.base.templatetags.tributary import amount_difference, day_difference, day_text, written
from apps.base.text import Text
from apps.documents.types import TYPES
from apps.documents.vocabulary import State
from apps.network.terms import sentence_of

MOST_TOLD = 3
HOME_MOVES = {
    "draft": (Text("Draft", "草稿"), Text("wrote the draft", "拟了草稿")),
    "revise": (Text("Revision", "修改草稿"), Text("changed the draft", "修改了草稿")),
    "remark": (Text("Message", "留言"), Text("wrote a message", "发了留言")),
    "count": (Text("Goods", "货物"), Text("reported goods", "报告了货物")),
    "attach": (Text("File", "附件"), Text("attached a file", "添加了附件")),
    "remind": (Text("Reminder", "催办"), Text("reminded of the answer that is due soon", "提醒：答复即将到期")),
    "overdue": (Text("Answer late", "答复逾期"), Text("noted that the answer is late", "记录：答复已逾期")),
    "escalate": (Text("Escalation", "升级"), Text("told the responsible person that no answer comes", "已通知负责人：仍未收到答复")),
}
Dates = tuple[tuple[Decimal, dt.date | None], ...]


@dataclass(frozen=True, slots=True)
class Terms:
    """What one side says of a line: how many, when, at which price."""

    unit: str
    price: Decimal | None
    dates: Dates

    @property
    def quantity(self) -> Decimal:
        return sum((quantity for quantity, _day in self.dates), Decimal(0))


def move_label(type: str, move: str) -> Text:
    """What a step's move is called."""
    declared = TYPES[type].find_move(move)
    return declared.label if declared else HOME_MOVES[move][0]


def event_label(type: str, move: str, *, after: str) -> Text:
    """What somebody did by this move, which has led to a state: “answered the order”."""
    declared = TYPES[type].find_move(move)
    return declared.told(after)[1] if declared else HOME_MOVES[move][1]


def sentences(type: str, history: Sequence[Mapping[str, Any]], *, own: str, partner: str) -> dict[UUID, str]:
    """The sentence of each step of one document's whole history, by the step's id. own, partner: the enterprises' names."""
    told, contents = {}, terms_told(type, history)
    for step in history:
        what = contents[step["id"]]
        words = {
            "who": step["by"],
            "enterprise": own if step["own"] else partner,
            "event": event_label(type, step["move"], after=step["after"]),
            "what": what,
        }
        told[step["id"]] = (_("%(who)s (%(enterprise)s) %(event)s: %(what)s") if what else _("%(who)s (%(enterprise)s) %(event)s")) % words
    return told


def terms_told(type: str, history: Sequence[Mapping[str, Any]]) -> dict[UUID, str]:
    """What each step of a whole history says of the lines, in words: “line 1 split over 2 dates”; empty where it says nothing of them.

    The history is walked from the beginning: an answer is told against what was asked by then, a change against what was agreed.
    """
    said = Said()
    return {step["id"]: _what(type, step, said) for step in history}


@dataclass(frozen=True, slots=True)
class Said:
    """What stands of each line at a point of a history: asked, offered, and agreed by then."""

    asked: dict[int, Terms] = field(default_factory=dict)
    offered: dict[int, Terms] = field(default_factory=dict)
    agreed: dict[int, Terms] = field(default_factory=dict)


def _what(type: str, step: Mapping[str, Any], said: Said) -> str:
    """The content of one step in words; what it says is remembered."""
    if step["move"] == "attach":
        return str(step["data"].get("file", ""))
    if step["move"] == "count":
        return _counted(step["data"])
    document_type = TYPES[type]
    declared = document_type.find_move(step["move"])
    effect = declared.effect if declared else "none"
    given = step["data"].get("lines") or []
    told = ""
    if step["data"].get("judged"):
        told = _("inside what is tolerated: %(what)s") % {"what": pgettext("between two lines", "; ").join(map(sentence_of, step["data"]["judged"]))}
    if effect == "ask":
        said.asked.update({line["line"]: _terms(line, line["unit"]) for line in given})
    elif effect in SAYING:
        told = _terms_in(effect, given, said, overruled=step["overruled"], partly=document_type.state(step["before"]).stands)
    if not step["overruled"]:
        _settle(effect, given, said, state=document_type.state(step["after"]) if declared else None)
    return told


def _settle(effect: str, given: Sequence[Mapping[str, Any]], said: Said, *, state: State | None) -> None:
    """What is agreed with a step, or stands as it was agreed before."""
    if effect not in ("offer", "agree", "stand") or state is None or not state.stands or state.waits_for is not None:
        return
    if effect == "stand" or (given and said.agreed and all(answer["response"] == "reject" for answer in given)):
        said.asked.update(said.agreed)
        said.offered.update(said.agreed)
    else:
        said.agreed.update(said.offered)


SAYING = ("offer", "counter", "change", "propose")
"""The effects whose moves say other terms for lines."""


def _terms_in(effect: str, given: Sequence[Mapping[str, Any]], said: Said, *, overruled: bool, partly: bool) -> str:
    """What a step says of the lines, against what it answers or changes. partly: something is agreed, and it is only about the lines that it names."""
    standing = {**said.asked, **said.agreed} if effect in ("change", "propose") or (effect == "counter" and partly) else said.asked
    answers = [(answer, standing.get(answer["line"])) for answer in given]
    told = [(answer["line"], changes(answer["response"], before, _answer(answer, before), answer["substitute"])) for answer, before in answers if before]
    if not overruled:
        terms = {answer["line"]: _answer(answer, before) for answer, before in answers if before and answer["response"] != "reject"}
        if effect in ("counter", "change"):
            said.asked.update(terms)
        else:
            said.offered.update(terms if partly else {**said.asked, **terms})
    return _listed([(line, words) for line, words in told if words]) or (_("as asked") if effect == "offer" else "")


def _counted(data: Mapping[str, Any]) -> str:
    """What was counted by which document: “DA-000001: line 1 shipped 40”."""
    lines: dict[int, list[str]] = {}
    for row in data["counted"]:
        lines.setdefault(row["line"], []).append(f"{_kinds().get(row['kind'], row['kind'])} {written(Decimal(row['quantity']))}")
    return f"{data['number']}: {_listed(list(lines.items()))}"


def _kinds() -> dict[str, str]:
    """The kinds of quantities in words, as they stand before a number."""
    return {
        "shipped": _("shipped"), "received": _("received"), "accepted": _("accepted"), "rejected": _("rejected"), "short": _("short"),
        "credited": _("credited"), "oversupply": _("too much"),
    }  # fmt: skip


def _terms(given: Mapping[str, Any], unit: str) -> Terms:
    dates = tuple((Decimal(s["quantity"]), dt.date.fromisoformat(s["due_on"]) if s["due_on"] else None) for s in given["schedules"])
    return Terms(unit, None if given["price"] is None else Decimal(given["price"]), dates)


def _answer(given: Mapping[str, Any], before: Terms) -> Terms:
    """An answer's terms: what it leaves out stands as asked."""
    terms = _terms(given, before.unit)
    if given["response"] == "cancel":
        return terms
    return replace(terms, price=before.price if terms.price is None else terms.price, dates=terms.dates or before.dates)


def _listed(told: Sequence[tuple[int, Sequence[str]]]) -> str:
    between = pgettext("between two changes", ", ")
    parts = [_("line %(line)d %(changes)s") % {"line": line, "changes": between.join(words)} for line, words in told[:MOST_TOLD]]
    if more := len(told) - MOST_TOLD:
        parts += [ngettext("%(count)d more line", "%(count)d more lines", more) % {"count": more}] if more > 0 else []
    return pgettext("between two lines", "; ").join(parts)


def changes(response: str, asked: Terms, offered: Terms, substitute: Mapping[str, Any] | None = None) -> list[str]:
    """How an answer differs from what was asked, in short: “split over 2 dates”, “price 83.00 instead of 81.50”."""
    if response in ("reject", "cancel"):
        return [_("rejected") if response == "reject" else _("cancelled")]
    found = [_("on backorder")] if response == "backorder" else []
    found += _date_changes(asked, offered)
    if offered.price is not None and offered.price != asked.price:
        new, old = _price(offered.price), _price(asked.price)
        found.append((_("price %(new)s instead of %(old)s") if old else _("price %(new)s")) % {"new": new, "old": old})
    if substitute:
        found.append(_("%(item)s as a substitute") % {"item": substitute_name(substitute)})
    return found


def _date_changes(asked: Terms, offered: Terms) -> list[str]:
    found = []
    if offered.quantity != asked.quantity:
        unit = units.label(asked.unit)
        found.append(_("quantity %(new)s instead of %(old)s %(unit)s") % {"new": written(offered.quantity), "old": written(asked.quantity), "unit": unit})
    if [day for _quantity, day in offered.dates] == [day for _quantity, day in asked.dates]:
        same = offered.quantity != asked.quantity or offered.dates == asked.dates
        return found if same else [*found, _("other quantities for the dates")]
    if len(offered.dates) > len(asked.dates):
        found.append(_("split over %(count)d dates") % {"count": len(offered.dates)})
    elif len(offered.dates) == 1 and len(asked.dates) == 1:
        new, old = offered.dates[0][1], asked.dates[0][1]
        found.append(_("on %(new)s instead of %(old)s") % {"new": _day(new), "old": _day(old)})
    else:
        found.append(_("other dates"))
    return found


def _day(value: dt.date | None) -> str:
    return day_text(value) if value else _("no date")


def _price(value: Decimal | None) -> str:
    return "" if value is None else written(value, 2)


def substitute_name(substitute: Mapping[str, Any]) -> str:
    """What is offered instead, in words: its number and its name."""
    return " ".join(str(substitute[key]) for key in ("item", "name") if substitute.get(key))


def differences(line: Mapping[str, Any], currency: str) -> list[str]:
    """How the offer of a line (as `whole()` gives it) differs from what is asked, each in a sentence of its own."""
    asked, offered = (_kind(line, "requested"), line["price"]), (_kind(line, "offered"), line["offered_price"])
    if not line["response"] or not offered[0]:
        return []
    found = []
    if price := amount_difference(asked[1], offered[1], currency):
        found.append(_("Price: %(difference)s") % {"difference": price})
    more = _sum(offered[0]) - _sum(asked[0])
    if more:
        words = _("%(quantity)s more than asked") if more > 0 else _("%(quantity)s less than asked")
        found.append(words % {"quantity": f"{written(abs(more))} {units.label(line['unit'])}"})
    if len(offered[0]) > len(asked[0]):
        found.append(_("Split over %(count)d dates") % {"count": len(offered[0])})
    if days := day_difference(_last(asked[0]), _last(offered[0])):
        found.append((_("The last of it %(difference)s") if len(offered[0]) > 1 else _("Delivery %(difference)s")) % {"difference": days})
    elif _last(offered[0]) is None and _last(asked[0]) is not None:
        found.append(_("No date is promised"))
    return found


def _kind(line: Mapping[str, Any], kind: str) -> Sequence[Mapping[str, Any]]:
    return line["schedules"].get(kind) or []


def _sum(schedules: Iterable[Mapping[str, Any]]) -> Decimal:
    return sum((schedule["quantity"] for schedule in schedules), Decimal(0))


def _last(schedules: Iterable[Mapping[str, Any]]) -> dt.date | None:
    return max((schedule["due_on"] for schedule in schedules if schedule["due_on"]), default=None)
