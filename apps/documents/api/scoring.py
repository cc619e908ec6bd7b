"""REST for the scorecard of a partnership."""

import datetime as dt
from typing import Any

from django.http import Http404
from django.urls import URLPattern
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from apps.base import acting, clock, fields
from apps.base.api import ApiView
from apps.base.describing import both, day, number, operation, parameter, shape, text, uid, whole
from apps.base.inputs import Parameters
from apps.documents import selectors
from apps.documents.selectors import Kept, Promised, Scorecard
from apps.network import selectors as network

SIDES = ("buyer", "seller")
KNOWN = ("side", "due_from", "due_to", "item", "limit")

Value = shape("ScoredValue", currency=text(_("ISO 4217.")), amount=number())


def _kept_fields() -> dict[str, Any]:
    return {
        "due": whole(_("How many schedule lines were to come by now, or have come.")),
        "on_time": whole(_("Came by the day first promised, in full.")),
        "late": whole(_("Came after the day first promised.")),
        "overdue": whole(_("Did not come, though the day first promised has passed.")),
        "open": whole(_("Promised for a day that has not passed.")),
        "on_time_share": number(_("Of those that were due, what share came on time and in full, in percent; null where nothing was due."), allow_null=True),
        "days_late": whole(_("The days between the first promise and the goods, of all that came late.")),
        "values": Value(many=True, help_text=_("What these schedule lines are worth at the agreed prices.")),
    }


KeptMonth = shape("KeptMonth", month=day(_("The first day of the month for which was promised first.")), **_kept_fields())
KeptItem = shape("KeptItem", item=text(_("Your own number.")), name=text(), **_kept_fields())
PromisedLine = shape(
    "PromisedLine",
    order=uid(),
    number=text(),
    line=whole(),
    item=text(_("Your own number.")),
    quantity=number(),
    unit=text(_("UN/ECE Recommendation 20.")),
    requested_on=day(_("Asked for."), allow_null=True),
    first_on=day(_("Promised first.")),
    last_on=day(_("Promised last."), allow_null=True),
    came_on=day(_("The day on which as much was accepted; null while it was not."), allow_null=True),
    judged=text(_("on_time, late, overdue or open: against the first promise.")),
    days_late=whole(),
)
ScorecardShape = shape(
    "Scorecard",
    partner=text(_("The partner's short name.")),
    side=text(_("What you are in these orders: buyer or seller. The figures are those of the seller.")),
    seller=text(_("The short name of the seller, whose promises these are.")),
    **_kept_fields(),
    as_promised_last_share=number(_("The share that came by the day promised last, in percent."), allow_null=True),
    as_asked_share=number(_("The share that came by the day asked for, in percent."), allow_null=True),
    answered=whole(_("How many orders were answered.")),
    answer_hours=number(_("How many hours an answer took on average."), allow_null=True),
    received=whole(_("Order lines of which something was received.")),
    as_advised=whole(_("Those of them of which all came as the despatch advice said: nothing short, rejected or too much.")),
    months=KeptMonth(many=True),
    items=KeptItem(many=True, help_text=_("The worst first, at most 500.")),
    lines=PromisedLine(many=True, help_text=_("The worst first, as many as the limit says.")),
)


def _of_kept(kept: Kept) -> dict[str, Any]:
    counts = {name: getattr(kept, name) for name in ("due", "on_time", "late", "overdue", "open", "days_late")}
    values = [{"currency": currency, "amount": amount} for currency, amount in sorted(kept.values.items())]
    return {**counts, "on_time_share": kept.share, "values": values}


def _of_line(row: Promised) -> dict[str, Any]:
    names = ("order", "number", "line", "item", "quantity", "unit", "requested_on", "first_on", "last_on", "came_on", "judged", "days_late")
    return {name: getattr(row, name) for name in names}


def told(partner: network.Partner, card: Scorecard) -> dict[str, Any]:
    """A scorecard as JSON."""
    return {
        "partner": partner.slug,
        "side": card.side,
        "seller": partner.slug if card.side == "buyer" else acting.home().slug,
        **_of_kept(card.whole),
        "as_promised_last_share": card.whole.percent(card.whole.as_last),
        "as_asked_share": card.whole.percent(card.whole.as_asked),
        **{name: getattr(card, name) for name in ("answered", "answer_hours", "received", "as_advised")},
        "months": [{"month": month, **_of_kept(kept)} for month, kept in card.months],
        "items": [{"item": item, "name": name, **_of_kept(kept)} for item, name, kept in card.items],
        "lines": [_of_line(row) for row in card.rows],
    }


def _day(parameters: Parameters, name: str) -> dt.date | None:
    value = parameters.text(name)
    if not value:
        return None
    try:
        return fields.date(value)
    except fields.Unreadable as error:
        parameters.found(name, error.code, str(error))
        return None


@extend_schema_view(
    get=operation(
        "partner_scorecard",
        _("Partner: the scorecard of the partnership"),
        tags=["partners"],
        answers={200: ScorecardShape},
        refused=[404, 422],
        parameters=[
            parameter("slug", _("The partner's short name."), place=OpenApiParameter.PATH),
            parameter("side", _("The orders in which you are this; where it is not said, the buyer, and the seller to a customer."), options=SIDES),
            parameter("due_from", _("Only what was first promised for this day or later."), kind=OpenApiTypes.DATE),
            parameter("due_to", _("Only what was first promised for this day or earlier."), kind=OpenApiTypes.DATE),
            parameter("item", _("Only this item, by your own number.")),
            parameter("limit", _("How many schedule lines to list, 1 to 500; 50 where it is not said."), kind=OpenApiTypes.INT),
        ],
        description=_(
            "What was asked, promised first, promised last, and came, for each schedule line, and how the first promises were kept. "
            "It is computed from the log that both of you hold, so both see the same figures. Days are those of UTC."
        ),
    )
)
class ScorecardDetail(ApiView):
    needs = {"get": "order.view", "head": "order.view"}

    def get(self, request: Request, slug: str) -> Response:
        partner = None if "\0" in slug else network.known(slug=slug)
        if partner is None:
            raise Http404
        parameters = Parameters(request, KNOWN)
        side = parameters.choice("side", SIDES, selectors.scored_side(partner.role))
        first_day, last_day = _day(parameters, "due_from"), _day(parameters, "due_to")
        item, limit = parameters.text("item", limit=60), parameters.number("limit", low=1, high=500, default=50)
        parameters.done()
        today = clock.now().date()
        card = selectors.scorecard(partner_id=partner.id, side=side, today=today, first_day=first_day, last_day=last_day, item=item, rows=limit)
        return Response(told(partner, card))


def routes() -> list[URLPattern]:
    """The route of the scorecard."""
    return both("partners/<str:slug>/scorecard/", ScorecardDetail.as_view(), "api-partner-scorecard")
