"""From what the selectors say to what the templates show: words, addresses, and which actions are offered."""

import datetime as dt
import functools
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.module_loading import import_string
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from apps.base import acting, clock, units
from apps.base.pages import in_home, need
from apps.base.problems import problem_of
from apps.base.templatetags.tributary import tone_of
from apps.base.text import Text
from apps.documents import selectors
from apps.documents import services as documents
from apps.documents.selectors import Whole
from apps.documents.types import COLLECTIONS
from apps.documents.vocabulary import DocumentType, Move
from apps.network import selectors as network

MOST_MOVES = 3
SHOWN_LINES = 100
RESPONSES: dict[str, tuple[Text, str, str]] = {
    "accept": (Text("as asked", "按要求"), "success", "check"),
    "change": (Text("changed", "有变更"), "warning", "git-compare"),
    "reject": (Text("rejected", "已拒绝"), "danger", "x"),
    "backorder": (Text("on backorder", "缺货待补"), "info", "hourglass"),
}


def of_type(permission: str = "view") -> Callable[[Callable[..., HttpResponseBase]], Callable[..., HttpResponseBase]]:
    """A page about one type of document, named by its collection in the address: its view gets the declaration instead.

    permission: the last part of the one that is needed, as `view` in `order.view`. A collection that is none is a page that is none.
    """

    def decorate(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        @in_home
        @functools.wraps(view)
        def entered(request: HttpRequest, collection: str, **kwargs: Any) -> HttpResponseBase:
            document_type = COLLECTIONS.get(collection)
            if document_type is None:
                raise Http404
            need(f"{document_type.code}.{permission}")
            try:
                return view(request, document_type=document_type, **kwargs)
            except Exception as error:
                return refusal(request, document_type, error, kwargs.get("uid"))

        return entered

    return decorate


def refusal(request: HttpRequest, document_type: DocumentType, error: Exception, uid: uuid.UUID | None = None) -> HttpResponse:
    """The page for an exception that the apps declare a problem for; any other one is raised again."""
    declared = problem_of(error)
    if declared is None:
        raise error
    if declared.status == 404:
        raise Http404 from error
    if declared.status == 403:
        raise PermissionDenied(declared.detail(error)) from error
    document = {"url": address("document", document_type, uid)} if uid else None
    context = {"heading": declared.title, "detail": declared.detail(error), "document": document}
    return render(request, "errors/409.html", context, status=409)


def found(document_type: DocumentType, uid: uuid.UUID) -> Whole:
    """The document with its lines. Raises Http404: foreign and missing look alike."""
    whole = selectors.whole(id=uid, type=document_type.code)
    if whole is None:
        raise Http404
    return whole


def address(name: str, document_type: DocumentType, uid: uuid.UUID | None = None, *more: Any) -> str:
    """The address of a page of this type, or of one of its documents."""
    arguments = [document_type.collection, *([] if uid is None else [uid]), *more]
    return reverse(name, args=arguments)


@dataclass(frozen=True, slots=True)
class Chip:
    """A state as it is shown: words, tone and icon together."""

    label: str
    tone: str
    icon: str


def state_chip(document_type: DocumentType, code: str) -> Chip:
    state = document_type.state(code)
    return Chip(str(state.label), tone_of(state.tone), state.icon)


def progress_chip(document_type: DocumentType, head: Mapping[str, Any]) -> Chip | None:
    """How far the goods have come, as it is shown; None where there is nothing to say of it: while somebody still has to answer."""
    state = document_type.state(head["state"])
    stage = selectors.stage(id=head["id"]) if document_type.ordered and (state.stands or state.waits_for is None) else None
    return Chip(str(stage.label), tone_of(stage.tone), stage.icon) if stage else None


@dataclass(frozen=True, slots=True)
class Clock:
    """Until when an answer is due, as it is shown. late: it has not come by then; escalated: the responsible persons were told; ours: we are asked."""

    due_at: dt.datetime
    late: bool
    escalated: bool
    ours: bool


def clock_shown(document_type: DocumentType, head: Mapping[str, Any]) -> Clock | None:
    """The clock of what waits for an answer; None where nothing does, or there is no hurry."""
    due_at = head["answer_due_at"]
    if due_at is None:
        return None
    ours = document_type.waits_for(head["state"]) == head["side"]
    return Clock(due_at=due_at, late=due_at < clock.now(), escalated=head["answer_stage"] == "escalated", ours=ours)


def partner_name(partner_id: uuid.UUID) -> str:
    listed = network.names([partner_id]).get(partner_id)
    return listed.name if listed else "–"


def head_of(document_type: DocumentType, head: Mapping[str, Any], *, partner: str, lines: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """The head of a document's page."""
    own = {"name": acting.home().name}
    parties = (own, {"name": partner}) if head["side"] == "buyer" else ({"name": partner}, own)
    return {
        "uid": head["id"],
        "collection": document_type.collection,
        "type_label": document_type.side_labels[head["side"]],
        "url": address("document", document_type, head["id"]),
        "state": state_chip(document_type, head["state"]),
        "progress": progress_chip(document_type, head),
        "late": selectors.is_late(document_type, head, today=clock.today()),
        "clock": clock_shown(document_type, head),
        "buyer": parties[0],
        "seller": parties[1],
        "partner": partner,
        "offered_amount": offered_amount(lines),
        "priced": document_type.priced,
        "dated": document_type.dated,
        **{name: head[name] for name in ("number", "side", "amount", "currency", "due_on", "issued_on", "version", "note")},
    }


def offered_amount(lines: Iterable[Mapping[str, Any]]) -> Decimal | None:
    """What the offered lines come to; None where nothing is offered, or without a price."""
    total, any_offered = Decimal(0), False
    for line in lines:
        # Of a line whose change is not answered yet, what is agreed.
        kind, price = ("offered", line["offered_price"]) if line["response"] else ("agreed", line["agreed_price"])
        offered = line["schedules"].get(kind) or []
        if not offered:
            continue
        if price is None:
            return None
        any_offered = True
        total += price * sum(s["quantity"] for s in offered) / (line["price_base"] or 1)
    return total.quantize(Decimal("0.01")) if any_offered else None


def lines_of(whole: Whole, lines: Sequence[Mapping[str, Any]] | None = None) -> list[dict[str, Any]]:
    """The lines of a document's page, all or some of them: what is asked beside what is offered."""
    currency, side = whole.head["currency"], whole.head["side"]
    waiting = {each.line: each for each in selectors.changing(whole)}
    return [_line(line, currency, side) | {"change": _change(waiting.get(line["position"]))} for line in (whole.lines if lines is None else lines)]


def _change(change: selectors.Changing | None) -> dict[str, Any] | None:
    """A change of a line that waits, beside what is agreed."""
    if change is None:
        return None
    agreed = change.agreed
    dates = [{"due_on": due_on, "quantity": quantity} for quantity, due_on in agreed.dates]
    return {"quantity": agreed.quantity, "price": agreed.price, "schedules": dates, "words": change.words, "given_up": not change.newest.dates}


def lines_page(request: HttpRequest, whole: Whole) -> dict[str, Any]:
    """Some of a document's lines, and the pages that show the others; or what the owner of the type shows of them."""
    owner = documents.owner_of(whole.type.code)
    if owner and owner.lines:
        return {"lines_template": owner.lines, "lines_css": owner.css, **import_string(owner.show)(whole)}
    text, last = request.GET.get("lines", ""), max(1, -(-len(whole.lines) // SHOWN_LINES))
    page = min(int(text), last) if text.isdecimal() and 0 < len(text) < 6 and int(text) else 1
    shown = whole.lines[(page - 1) * SHOWN_LINES : page * SHOWN_LINES]
    url = address("document", whole.type, whole.id)
    return {
        "lines_template": "documents/_lines.html",
        "lines": lines_of(whole, shown),
        "lines_count": len(whole.lines),
        "changed_count": len(selectors.waiting_lines(whole)) if selectors.changing(whole) else 0,
        "change_number": selectors.change_number(whole.head),
        "lines_page": page,
        "lines_before_url": f"{url}?lines={page - 1}#document-lines" if page > 1 else "",
        "lines_after_url": f"{url}?lines={page + 1}#document-lines" if page < last else "",
    }


def panels_page(whole: Whole, *, move: str = "", code: str = "") -> list[dict[str, Any]]:
    """What other apps add to the page of a document, or of a move on it: each with its template and what it shows; only the one with this code."""
    found = documents.panels_of(whole.type.code, by=acting.actor(), move=move)
    shown = [(panel, documents.show_panel(panel, whole)) for panel in found if code in ("", panel.code)]
    return [{"code": panel.code, "template": panel.template, "css": panel.css, **content} for panel, content in shown if content is not None]


def _line(line: Mapping[str, Any], currency: str, side: str) -> dict[str, Any]:
    own, theirs = (line["buyer_item"], line["seller_item"]) if side == "buyer" else (line["seller_item"], line["buyer_item"])
    return {
        "line": line["position"],
        "name": _item_name(line),
        "item_number": line["item__number"] or own,
        "partner_item_number": theirs,
        "unmatched": line["item_id"] is None,
        "unit_label": units.label(line["unit"]),
        "currency": currency,
        "schedules": dates_of(line, "requested"),
        "offered": _offered(line),
        "differences": selectors.differences(line, currency),
        **{name: line[name] for name in ("gtin", "quantity", "price", "price_base", "note")},
    }


def _item_name(line: Mapping[str, Any]) -> str:
    chinese = (get_language() or "").startswith("zh") and line["item__name_zh"]
    return str(chinese or line["item__name"] or line["name"])


def dates_of(line: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    """The dates of one kind, without their ids: so that equal ones are equal."""
    return [{"due_on": s["due_on"], "quantity": s["quantity"]} for s in line["schedules"].get(kind) or []]


def _offered(line: Mapping[str, Any]) -> dict[str, Any] | None:
    if not line["response"]:
        return None
    label, tone, icon = RESPONSES[line["response"]]
    return {
        "response": Chip(str(label), tone, icon),
        "price": line["offered_price"],
        "schedules": dates_of(line, "offered"),
        "substitute": selectors.substitute_name(line["substitute"]) if line["substitute"] else "",
        "reason": line["reason"],
    }


def moves_of(whole: Whole) -> dict[str, list[dict[str, Any]]]:
    """The moves that make sense now: the first few as buttons, the others, and what is hard to undo, in the menu."""
    actor = acting.actor()
    moves = sorted(whole.moves(actor), key=lambda move: move.tone != "good")
    shown = [move_of(whole, move) for move in moves if move.tone != "bad"]
    rest = [move_of(whole, move) for move in moves if move.tone == "bad"]
    if whole.head["state"] == whole.type.draft and not whole.type.own_entry and actor.may(f"{whole.type.code}.draft"):
        edit = {"code": "edit", "label": _("Change"), "url": address("document_edit", whole.type, whole.id), "icon": "pencil", "tone": "neutral"}
        shown.insert(1, edit | {"needs_form": True, "confirm_text": None})
    return {"moves": shown[:MOST_MOVES], "more_moves": shown[MOST_MOVES:] + rest}


def is_plain(move: Move) -> bool:
    """Whether a move asks for no more than a click."""
    return not move.form and move.confirm is None and move.reason == "none"


def page_of_move(document_type: DocumentType, move: Move) -> str:
    """The URL name of the page that the owner of the type has for a move; empty where the common one serves."""
    owner = documents.owner_of(document_type.code)
    return owner.move_pages.get(move.code, "") if owner else ""


def move_of(whole: Whole, move: Move) -> dict[str, Any]:
    page = page_of_move(whole.type, move)
    return {
        "code": move.code,
        "label": move.label,
        "url": reverse(page, args=[whole.id]) if page else address("document_move", whole.type, whole.id, move.code),
        "icon": move.icon,
        "tone": tone_of(move.tone),
        "needs_form": not is_plain(move),
        "confirm_text": move.confirm,
    }


def history_of(whole_type: DocumentType, uid: uuid.UUID, *, partner: str) -> list[dict[str, Any]]:
    """The timeline of both sides, the newest step first."""
    history, own = selectors.history(id=uid), acting.home().name
    told = selectors.sentences(whole_type.code, history, own=own, partner=partner)
    return [_step(whole_type, step, told[step["id"]], own if step["own"] else partner) for step in reversed(history)]


def _step(document_type: DocumentType, step: Mapping[str, Any], sentence: str, enterprise: str) -> dict[str, Any]:
    return {
        "label": selectors.move_label(document_type.code, step["move"]),
        "sentence": sentence,
        "data_summary": _said_with(document_type, step),
        "enterprise_name": enterprise,
        **{name: step[name] for name in ("id", "own", "overruled", "at", "by")},
    }


def _said_with(document_type: DocumentType, step: Mapping[str, Any]) -> str:
    """The reason and note of a move; those of a publication are the document's own, and stand in its head."""
    move = document_type.find_move(step["move"])
    if move is None or move.effect == "ask":
        return ""
    return " · ".join(str(step["data"][name]) for name in ("reason", "note") if step["data"].get(name))


def thread_of(uid: uuid.UUID, *, partner: str) -> list[dict[str, Any]]:
    own = acting.home().name
    return [{**message, "enterprise_name": own if message["own"] else partner} for message in selectors.thread(id=uid)]


def row_of(document_type: DocumentType, row: Mapping[str, Any], *, partner: str, today: dt.date) -> dict[str, Any]:
    """One row of a list."""
    return {
        "uid": row["id"],
        "url": address("document", document_type, row["id"]),
        "partner_name": partner,
        "side_label": document_type.side_labels[row["side"]],
        "state": state_chip(document_type, row["state"]),
        "late": selectors.is_late(document_type, row, today=today),
        "clock": clock_shown(document_type, row),
        "lines_count": row["line_count"],
        "unseen": row["seen_at"] is None,
        **{name: row[name] for name in ("number", "side", "issued_on", "due_on", "amount", "currency", "updated_at")},
    }
