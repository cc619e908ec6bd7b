"""The scorecard of a partnership, as a page: figures in words, a picture by month, and the ledger beneath."""

from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_safe

from apps.base import acting, clock, units
from apps.base.asking import summary
from apps.base.pages import in_home, need
from apps.base.templatetags.tributary import written
from apps.base.text import Text
from apps.documents import selectors
from apps.documents.forms import ScorecardForm
from apps.documents.selectors import Kept, Promised, Scorecard
from apps.network import selectors as network

JUDGED = {
    "on_time": {"label": Text("on time", "准时"), "tone": "good", "icon": "circle-check"},
    "late": {"label": Text("late", "延迟"), "tone": "warning", "icon": "clock-exclamation"},
    "overdue": {"label": Text("overdue", "逾期未到"), "tone": "bad", "icon": "clock-x"},
    "open": {"label": Text("not due yet", "未到期"), "tone": "neutral", "icon": "clock"},
}


@in_home
@require_safe
def scorecard(request: HttpRequest, slug: str) -> HttpResponse:
    """How the seller of a partnership kept his first promises; both sides see the same figures."""
    need("network.view")
    need("order.view")
    partner = network.known(slug=slug)
    if partner is None:
        raise Http404
    side = request.GET.get("side") or selectors.scored_side(partner.role)
    form = ScorecardForm({"side": side, **{name: request.GET.get(name, "") for name in ("due_from", "due_to", "item")}})
    right = form.is_valid()
    wanted: dict[str, Any] = form.cleaned_data if right else {"side": selectors.scored_side(partner.role)}
    card = selectors.scorecard(
        partner_id=partner.id, side=wanted["side"], today=clock.now().date(), first_day=wanted.get("due_from"), last_day=wanted.get("due_to"),
        item=wanted.get("item", ""),
    )  # fmt: skip
    context = {
        "partner": {"name": partner.name, "url": reverse("partner", args=[slug])},
        "form": form,
        "errors_summary": [] if right else summary(form),
        "tabs": _tabs(slug, card.side),
        "lede": _lede(partner.name, card.side),
        "card": card,
        "facts": _facts(card),
        "months": [{"month": date_format(month, pgettext("month format", "M Y")), **_counts(kept)} for month, kept in card.months],
        "items": [{"item": item, "name": name, **_counts(kept)} for item, name, kept in card.items[:50]],
        "rows": [_row(row) for row in card.rows],
    }
    return render(request, "network/scorecard.html", context, status=200 if right else 422)


def _tabs(slug: str, side: str) -> list[dict[str, Any]]:
    address = reverse("scorecard", args=[slug])
    labels = {"buyer": _("What we buy"), "seller": _("What we sell")}
    return [{"label": label, "url": f"{address}?{urlencode({'side': code})}", "here": code == side} for code, label in labels.items()]


def _lede(name: str, side: str) -> str:
    if side == "buyer":
        return _("How %(name)s kept the dates that were promised to you first. You both see the same figures.") % {"name": name}
    return _("How you kept the dates that you promised to %(name)s first. You both see the same figures.") % {"name": name}


def _share(value: Any) -> str:
    return "–" if value is None else pgettext("per cent", "%s%%") % written(value)


def _counts(kept: Kept) -> dict[str, Any]:
    counts = {name: getattr(kept, name) for name in ("due", "on_time", "late", "overdue", "open", "days_late")}
    return {**counts, "share": _share(kept.share)}


def _facts(card: Scorecard) -> list[dict[str, Any]]:
    """The figures, each with what it means."""
    kept = card.whole
    values = " · ".join(f"{currency}\u00a0{written(amount, 2)}" for currency, amount in sorted(kept.values.items()))
    hours = "–" if card.answer_hours is None else _("%(hours)s hours") % {"hours": written(card.answer_hours)}
    as_advised = _("%(right)d of %(all)d order lines") % {"right": card.as_advised, "all": card.received}
    return [
        {"label": _("On time and in full"), "value": _share(kept.share), "help": _("%(count)d of %(due)d due") % {"count": kept.on_time, "due": kept.due}},
        {"label": _("Came late"), "value": kept.late, "help": _("%(days)d days in all") % {"days": kept.days_late}},
        {"label": _("Overdue"), "value": kept.overdue, "help": _("has not come yet")},
        {"label": _("Not due yet"), "value": kept.open, "help": _("promised for later")},
        {"label": _("By the day promised last"), "value": _share(kept.percent(kept.as_last)), "help": _("of what was due")},
        {"label": _("By the day asked for"), "value": _share(kept.percent(kept.as_asked)), "help": _("of what was due")},
        {"label": _("Time to the first answer"), "value": hours, "help": _("on average over %(count)d orders") % {"count": card.answered}},
        {"label": _("As the despatch advice said"), "value": as_advised, "help": _("nothing short, rejected or too much")},
        {"label": _("Value"), "value": values or "–", "help": _("at the agreed prices")},
    ]


def _row(row: Promised) -> dict[str, Any]:
    return {
        "promised": row,
        "chip": JUDGED[row.judged],
        "unit": units.label(row.unit),
        "url": reverse("document", args=["orders", row.order]) if acting.actor().may("order.view") else "",
    }
