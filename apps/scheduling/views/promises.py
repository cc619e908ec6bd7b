"""Promises: asking for one, and the page that says from what its date is made."""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from apps.base import acting, clock, retrying, units
from apps.base.asking import summary, tell
from apps.base.findings import Invalid
from apps.base.pages import in_home, is_part, need, see_other
from apps.base.problems import problem_of
from apps.base.templatetags.tributary import tone_of
from apps.catalog import selectors as catalog
from apps.customisation import selectors as products
from apps.customisation.services.configuring import in_reader_words
from apps.documents import selectors as conversation
from apps.documents.selectors import Whole
from apps.network import selectors as network
from apps.scheduling import selectors, services
from apps.scheduling.selectors import Node, Record
from apps.scheduling.views.promise_forms import AskForm, HoldForm, OrderForm

MOST_ITEMS = 500
POINTERS = {"/lines/0/item": "item", "/lines/0/quantity": "quantity", "/lines/0/unit": "unit", "/lines/0/schedules/0/due_on": "due_on"}


@in_home
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Ask a partner for an item, or for what was configured; the promise's page comes next."""
    need("promise.ask")
    configuration = _configuration(request)
    if request.method != "POST":
        known = {name: request.GET[name][:60] for name in ("seller", "item", "quantity", "due_on") if name in request.GET}
        return _ask_page(request, AskForm(initial=known, configured=configuration is not None), configuration)
    form = AskForm(request.POST, configured=configuration is not None)
    if not form.is_valid():
        return _ask_page(request, form, configuration)
    try:
        made = retrying.whole(lambda: services.enter(given=_given(form, configuration), by=acting.actor(), at=clock.now()))
    except Invalid as error:
        tell(form, error, POINTERS)
    except Exception as error:
        form.add_error(None, _sentence_of(error))
    else:
        return see_other(reverse("promise", args=[made]))
    return _ask_page(request, form, configuration)


def _configuration(request: HttpRequest) -> Any:
    """What was chosen, where it is asked for; Http404 for what nobody here has configured."""
    text = request.GET.get("configuration")
    if not text:
        return None
    try:
        found = products.configuration(id=uuid.UUID(text))
    except ValueError:
        found = None
    if found is None:
        raise Http404
    return found


def _given(form: AskForm, configuration: Any) -> dict[str, Any]:
    given = {**form.cleaned_data, "hold_minutes": int(form.cleaned_data["hold_minutes"])}
    if configuration is not None:
        seller = network.names([configuration.seller_id]).get(configuration.seller_id)
        given |= {"configuration": str(configuration.pk), "seller": seller.slug if seller else ""}
    return given


def _sentence_of(error: Exception) -> str:
    """How a refusal is told on a page that stays; any other exception is raised again."""
    declared = problem_of(error)
    if declared is None:
        raise error
    if declared.status == 403:
        raise PermissionDenied(declared.detail(error)) from error
    return declared.detail(error)


def _ask_page(request: HttpRequest, form: AskForm, configuration: Any) -> HttpResponse:
    errors = summary(form)
    context = {
        "form": form,
        "errors_summary": errors,
        "configured": _configured(configuration) if configuration is not None else None,
        "item_options": [{"number": item.number, "name": item.label} for item in catalog.items()[:MOST_ITEMS]] if configuration is None else [],
        "back_url": reverse("promises"),
    }
    return render(request, "promises/new.html", context, status=422 if errors else 200)


def _configured(row: Any) -> dict[str, Any]:
    seller = network.names([row.seller_id]).get(row.seller_id)
    return {
        "product": row.product,
        "seller": seller.name if seller else "–",
        "text": in_reader_words(row.text) if row.text else "",
        "amount": row.amount,
        "currency": row.currency,
        "unit_label": units.label(row.unit),
        "url": reverse("configuration", args=[row.pk]),
    }


# The page of a promise ------------------------------------------------------------------------------------------------


def _whole(uid: uuid.UUID) -> Whole:
    found = conversation.whole(id=uid, type="promise")
    if found is None:
        raise Http404
    return found


@in_home
@require_safe
def promise(request: HttpRequest, uid: uuid.UUID) -> HttpResponse:
    """From what a date is made: what was asked and promised, why it is not earlier, what is kept for it, and how it moved."""
    need("promise.view")
    whole = _whole(uid)
    if is_part(request) and request.GET.get("part") == "hold":
        return render(request, "promises/_hold.html", _head(whole, selectors.record(uid)))
    return _page(request, whole)


def _page(request: HttpRequest, whole: Whole, *, order: OrderForm | None = None, sentence: str = "", status: int = 200) -> HttpResponse:
    record = selectors.record(whole.id)
    context = {
        **_head(whole, record),
        "moves": _moves(whole),
        "order_form": order or OrderForm(initial={"number": conversation.next_number(type="order")}),
        "hold_form": HoldForm(),
        "sentence": sentence,
        "history": _history(whole, record),
        "why": services.sentences(whole.head["details"].get("why", ())),
        **_inside(whole, record),
    }
    return render(request, "promises/detail.html", context, status=status)


def _head(whole: Whole, record: Record | None) -> dict[str, Any]:
    """The head of the page: who promises what to whom, asked, first, now, and until when it is held."""
    line, state = whole.lines[0], whole.type.state(whole.head["state"])
    partner = network.names([whole.head["partner_id"]]).get(whole.head["partner_id"])
    own = acting.home()
    held_until = record.held_until if record else None
    minutes = max(0, -(-int((held_until - clock.now()).total_seconds()) // 60)) if held_until else 0
    return {
        "uid": whole.id,
        "number": whole.head["number"],
        "version": whole.head["version"],
        "document_url": reverse("document", args=["promises", whole.id]),
        "chip": {"label": state.label, "tone": tone_of(state.tone), "icon": state.icon},
        "side": whole.head["side"],
        "buyer": own.name if whole.head["side"] == "buyer" else partner.name if partner else "–",
        "seller": own.name if whole.head["side"] == "seller" else partner.name if partner else "–",
        "item_number": line["item__number"] or line["buyer_item"] or line["seller_item"],
        "item_name": _name(line),
        "unit_label": units.label(line["unit"]),
        "quantity": line["quantity"],
        "record": record,
        "price": record.price if record else None,
        "configuration": _words(line["details"].get("configuration")),
        "held_until": held_until,
        "minutes_left": minutes,
        "hours_left": minutes // 60,
        "order_url": reverse("document", args=["orders", record.order_id]) if record and record.order_id else "",
        "ended": state.final,
    }


def _name(line: Mapping[str, Any]) -> str:
    return str(line["item__name"] or line["name"])


def _words(wire: Any) -> str:
    """A configuration in the reader's words; its product where it says none; empty where there is none."""
    if not isinstance(wire, Mapping):
        return ""
    text = wire.get("text")
    return in_reader_words(text) if isinstance(text, Mapping) and {"en", "zh"} <= set(text) else str(wire.get("product", ""))


def _moves(whole: Whole) -> dict[str, Any]:
    """The moves that make sense now: ordering includes holding, so it is offered for what is only answered, too."""
    codes = {move.code for move in whole.moves(acting.actor())}
    may_order = acting.actor().may("promise.commit") and codes & {"hold", "commit"}
    record = selectors.record(whole.id)
    return {
        "order": bool(may_order),
        "hold": "hold" in codes,
        "release_url": reverse("document_move", args=["promises", whole.id, "release"])
        if "release" in codes and (record is None or record.order_id is None)
        else "",
        "again_url": _again(whole) if whole.head["side"] == "buyer" and not codes & {"hold", "commit"} else "",
    }


def _again(whole: Whole) -> str:
    partner = network.names([whole.head["partner_id"]]).get(whole.head["partner_id"])
    line = whole.lines[0]
    if line["details"].get("configuration") or partner is None or not acting.actor().may("promise.ask"):
        return ""
    quantity = format(line["quantity"].normalize(), "f")
    return f"{reverse('promise_new')}?seller={partner.slug}&item={line['buyer_item']}&quantity={quantity}"


def _history(whole: Whole, record: Record | None) -> list[dict[str, Any]]:
    """Every move of the date, the first one first: what was asked, promised, and promised instead, with its reason."""
    found: list[dict[str, Any]] = []
    before: dt.date | None = None
    own = acting.home().name
    partner = network.names([whole.head["partner_id"]]).get(whole.head["partner_id"])
    for step in conversation.history(id=whole.id):
        day = _day_of(step)
        found.append(
            {
                "at": step["at"],
                "who": own if step["own"] else partner.name if partner else "–",
                "by": step["by"],
                "label": conversation.move_label(whole.type.code, step["move"]),
                "day": day,
                "before": before if day and before and day != before else None,
                "why": services.sentences((step["data"].get("terms") or {}).get("why", ())),
            }
        )
        before = day or before
    return [step for step in found if step["day"] or step is not found[0]]


def _day_of(step: Mapping[str, Any]) -> dt.date | None:
    """The last day that a step says of its first line."""
    lines = step["data"].get("lines") or []
    days = [dt.date.fromisoformat(each["due_on"]) for line in lines[:1] for each in line.get("schedules") or () if each.get("due_on")]
    return max(days, default=None)


def _inside(whole: Whole, record: Record | None) -> dict[str, Any]:
    """What only who promises sees: his chain of causes, his jobs and stock, and the direct parts of his own partners."""
    if whole.head["side"] != "seller" or record is None or not acting.actor().may("schedule.view"):
        return {"inside": False, "listened": [str(whole.id)]}
    nodes = selectors.made_of(whole.id, at=clock.now())
    given = [each.document for node in nodes for each in node.flat() if each.document]
    parts = selectors.records(given)
    names = network.names([part.partner_id for part in parts.values()])
    heads = {row["id"]: row for row in conversation.heads(type="promise").filter(pk__in=list(parts)).values("id", "state")}
    span = _span(nodes)
    return {
        "inside": True,
        "causes": [_cause(cause) for cause in record.cause],
        "nodes": [_node(node, span, parts, names, whole, heads) for node in nodes],
        "span": span,
        "listened": [str(whole.id), *map(str, parts)],
    }


CAUSES = {
    "stock": gettext_lazy("waits for stock"),
    "capacity": gettext_lazy("is taken until"),
    "run": gettext_lazy("is made until"),
    "supply": gettext_lazy("is promised by the supplier for"),
    "lead_time": gettext_lazy("comes after its lead time on"),
    "silence": gettext_lazy("the supplier gave no answer"),
    "nothing": gettext_lazy("nobody is known who has it"),
    "horizon": gettext_lazy("lies beyond what can be planned"),
    "outage": gettext_lazy("is down until"),
}


def _cause(cause: Mapping[str, Any]) -> dict[str, Any]:
    """A cause in words, with those behind it."""
    kind = str(cause.get("kind", ""))
    return {
        "what": cause.get("what") or _("It"),
        "text": CAUSES.get(kind, kind),
        "on": dt.date.fromisoformat(cause["on"]) if cause.get("on") else None,
        "because": [_cause(each) for each in cause.get("because", ())],
    }


def _span(nodes: Sequence[Node]) -> tuple[dt.datetime, dt.datetime] | None:
    """From the first start to the last end of everything in the tree."""
    flat = [each for node in nodes for each in node.flat()]
    if not flat:
        return None
    first, last = min((each.starts_at or each.due_at) for each in flat), max(each.due_at for each in flat)
    return (first, last) if last > first else (first, first + dt.timedelta(days=1))


def _place(moment: dt.datetime, span: tuple[dt.datetime, dt.datetime]) -> float:
    """Where a moment lies in the span, 0 to 100."""
    return round(min(100.0, max(0.0, (moment - span[0]) / (span[1] - span[0]) * 100)), 2)


KINDS: dict[str, tuple[Any, str]] = {
    "stock": (gettext_lazy("from stock"), "package"),
    "job": (gettext_lazy("made here"), "building-factory-2"),
    "part": (gettext_lazy("bought"), "shopping-cart"),
}


def _node(node: Node, span: tuple[dt.datetime, dt.datetime] | None, parts: Mapping[uuid.UUID, Record], names: Mapping[uuid.UUID, Any], whole: Whole,
          heads: Mapping[uuid.UUID, Mapping[str, Any]]) -> dict[str, Any]:  # fmt: skip
    """A node of the tree as it is drawn; of a part also who promised it, and how that stands."""
    label, icon = KINDS[node.kind]
    part = parts.get(node.document) if node.document else None
    state = whole.type.state(heads[part.document]["state"]) if part and part.document in heads else None
    left = _place(node.starts_at or node.due_at, span) if span else 0.0
    right = _place(node.due_at, span) if span else 0.0
    return {
        "node": node,
        "label": label,
        "icon": icon,
        "unit_label": units.label(node.unit),
        "clock": span is not None and span[1] - span[0] < dt.timedelta(days=3),
        "left": str(min(left, 98.0)),
        "width": str(max(2.0, round(right - left, 2))),
        "part": part,
        "partner": names[part.partner_id].name if part and part.partner_id in names else "",
        "part_url": reverse("promise", args=[part.document]) if part else "",
        "chip": {"label": state.label, "tone": tone_of(state.tone), "icon": state.icon} if state else None,
        "order_url": reverse("document", args=["orders", part.order_id]) if part and part.order_id else "",
        "nodes": [_node(each, span, parts, names, whole, heads) for each in node.nodes],
    }


# Moves ----------------------------------------------------------------------------------------------------------------


@in_home
@require_http_methods(["GET", "POST"])
def order(request: HttpRequest, uid: uuid.UUID) -> HttpResponse:
    """Order at a promise, under a number; the order's page comes next. GET leads to the promise's page, which asks for the number."""
    whole = _whole(uid)
    need("promise.commit")
    if request.method != "POST":
        return see_other(f"{reverse('promise', args=[uid])}#order")
    form = OrderForm(request.POST)
    if not form.is_valid():
        return _page(request, whole, order=form, status=422)
    try:
        data = {"number": form.cleaned_data["number"]}
        retrying.whole(lambda: services.make(document=uid, move="commit", data=data, by=acting.actor(), at=clock.now(), version=_version(request)))
    except Invalid as error:
        tell(form, error)
        return _page(request, whole, order=form, status=422)
    except Exception as error:
        return _page(request, _whole(uid), order=form, sentence=_sentence_of(error), status=409)
    record = selectors.record(uid)
    messages.success(request, _("Ordered."))
    return see_other(reverse("document", args=["orders", record.order_id]) if record else reverse("promise", args=[uid]))


@in_home
@require_http_methods(["GET", "POST"])
def hold(request: HttpRequest, uid: uuid.UUID) -> HttpResponse:
    """Ask that what was answered be held. GET leads to the promise's page, which asks for how long."""
    whole = _whole(uid)
    need("promise.hold")
    if request.method != "POST":
        return see_other(f"{reverse('promise', args=[uid])}#order")
    form = HoldForm(request.POST)
    if not form.is_valid():
        return _page(request, whole, sentence=_("Say how long it is to be held."), status=422)
    try:
        data = {"hold_minutes": int(form.cleaned_data["hold_minutes"])}
        retrying.whole(lambda: services.make(document=uid, move="hold", data=data, by=acting.actor(), at=clock.now(), version=_version(request)))
    except Exception as error:
        return _page(request, _whole(uid), sentence=_sentence_of(error), status=409)
    return see_other(reverse("promise", args=[uid]))


def _version(request: HttpRequest) -> int | None:
    text = request.POST.get("version", "")
    return int(text) if text.isdecimal() and len(text) < 10 else None
