"""Making a move: at a click, or by a form with an answer to each line."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.base import acting, clock, retrying
from apps.base.findings import Invalid
from apps.base.pages import need, see_other
from apps.documents import forms, selectors
from apps.documents import services as documents
from apps.documents.forms import AnswerForm, ChangeForm, CounterForm, LineEntry, MoveForm, ProposalForm, Row, Typed
from apps.documents.selectors import Whole
from apps.documents.views.presenting import address, dates_of, found, head_of, is_plain, lines_of, move_of, of_type, page_of_move, panels_page, partner_name
from apps.documents.vocabulary import ASIDE, DocumentType, Move

MOST_FORM_LINES = 200
# By the move's effect: the form of each line.
LINE_FORMS: dict[str, type[Form]] = {"offer": AnswerForm, "counter": CounterForm, "change": ChangeForm, "propose": ProposalForm}
CHANGING = ("change", "propose")
"""The effects whose moves change what is agreed: their forms begin with that."""


def version_of(request: HttpRequest) -> int | None:
    """The version that the page showed; one that cannot be read is none that ever was."""
    text = request.POST.get("version")
    if text is None:
        return None
    return int(text) if text.isdecimal() and len(text) < 10 else -1


def decided_on(whole: Whole, version: int | None) -> int | None:
    """The version on which a reader of `version` decides: messages, files and reminders that came meanwhile change nothing of it."""
    if version is None or version >= whole.head["version"]:
        return version
    news = selectors.steps_after(id=whole.id, version=version)
    moved = any(step["id"] in news and step["move"] not in ASIDE for step in selectors.history(id=whole.id))
    return version if moved else whole.head["version"]


def changed_since(whole: Whole, version: int | None) -> list[str]:
    """What both sides have done since a version, in sentences."""
    steps = selectors.steps_after(id=whole.id, version=version or 0)
    partner = partner_name(whole.head["partner_id"])
    told = selectors.sentences(whole.type.code, selectors.history(id=whole.id), own=acting.home().name, partner=partner)
    return [sentence for key, sentence in told.items() if key in steps]


@of_type()
def move(request: HttpRequest, document_type: DocumentType, uid: uuid.UUID, move: str) -> HttpResponse:
    """GET asks what a move needs; POST makes it."""
    whole, declared = found(document_type, uid), document_type.find_move(move)
    if declared is None or whole.head["side"] not in declared.sides:
        raise Http404
    need(f"{document_type.code}.{declared.code}")
    if page := page_of_move(document_type, declared):
        return see_other(reverse(page, args=[uid]))
    if request.method == "POST":
        return _posted(request, whole, declared)
    if not document_type.allows(declared, state=whole.head["state"], side=whole.head["side"]):
        return too_late(request, whole, _("“%(move)s” is not possible any more.") % {"move": declared.label}, [])
    return _ask(request, whole, declared, proposed(whole, declared))


def _posted(request: HttpRequest, whole: Whole, declared: Move) -> HttpResponse:
    typed = forms.read(request.POST, head=MoveForm, line=LINE_FORMS.get(declared.effect, CounterForm))
    if declared.effect not in LINE_FORMS or "accept_all" in request.POST:
        typed.rows = []
    elif len(typed.rows) != len(lines_for(whole, declared)) or len(typed.rows) > MOST_FORM_LINES:
        # A line that did not come would count as accepted: so nothing is taken, and all is asked again.
        return _ask(request, whole, declared, proposed(whole, declared), status=422)
    if typed.change(request.POST):
        return _ask(request, whole, declared, typed)
    return _make(request, whole, declared, typed)


def _make(request: HttpRequest, whole: Whole, declared: Move, typed: Typed) -> HttpResponse:
    head, lines = forms_of(whole, declared, typed, bound=True)
    if not all([head.is_valid(), *(line.is_readable() for line in lines)]):
        return _ask(request, whole, declared, typed, shown=(head, lines), errors=forms.unreadable(head, lines), status=422)
    sent, data = data_of(whole, declared, typed)
    try:
        version = decided_on(whole, version_of(request))
        by, type = acting.actor(), whole.type.code
        retrying.whole(lambda: documents.make(type=type, document=whole.id, move=declared.code, data=data, by=by, at=clock.now(), version=version))
    except Invalid as error:
        errors = forms.place(error, head, lines, sent)
        return _ask(request, whole, declared, typed, shown=(head, lines), errors=errors, status=422)
    except (documents.Stale, documents.NotAllowed) as error:
        return _refused(request, found(whole.type, whole.id), declared, typed, error)
    messages.success(request, _("Done: %(move)s.") % {"move": declared.label})
    return see_other(address("document", whole.type, whole.id))


def _refused(request: HttpRequest, whole: Whole, declared: Move, typed: Typed, error: Exception) -> HttpResponse:
    """Somebody was quicker, or it may not be. Where the state allows it the form comes again, with what was typed, and what has changed or why not."""
    news = changed_since(whole, version_of(request))
    if is_plain(declared) or not whole.type.allows(declared, state=whole.head["state"], side=whole.head["side"]):
        return too_late(request, whole, str(error), news)
    typed.rows = typed.rows or proposed(whole, declared).rows
    errors = [{"field_id": "", "text": str(error)}] if isinstance(error, documents.NotAllowed) else []
    return _ask(request, whole, declared, typed, errors=errors, news=news, status=409)


def too_late(request: HttpRequest, whole: Whole, sentence: str, news: Sequence[str]) -> HttpResponse:
    document = head_of(whole.type, whole.head, partner=partner_name(whole.head["partner_id"]))
    return render(request, "errors/409.html", {"document": document, "detail": sentence, "news": news}, status=409)


def too_long_to_show(whole: Whole) -> str:
    words = _("This document has %(count)d lines, more than a page can hold. Answer line by line through the interface, or by a standard message.")
    return words % {"count": len(whole.lines)}


def lines_for(whole: Whole, declared: Move) -> Sequence[Mapping[str, Any]]:
    """The lines of which a move's form asks: all of them; what answers a change, only those that it changes."""
    return whole.lines if declared.effect in CHANGING else selectors.waiting_lines(whole)


def proposed(whole: Whole, declared: Move) -> Typed:
    """What a form comes with: an answer begins with what is asked, a counter-proposal with what is offered, a change with what is agreed."""
    lines = lines_for(whole, declared)
    if declared.effect not in LINE_FORMS or len(lines) > MOST_FORM_LINES:
        return Typed({}, [])
    return Typed({}, [_row(line, declared.effect) for line in lines])


def _row(line: Mapping[str, Any], effect: str) -> Row:
    kind = "offered" if effect == "counter" else "agreed" if effect in CHANGING else "requested"
    price = {"offered": line["offered_price"], "agreed": line["agreed_price"]}.get(kind)
    price = line["price"] if price is None else price
    dates = dates_of(line, kind) or dates_of(line, "requested")
    schedules = [{"due_on": day["due_on"].isoformat() if day["due_on"] else "", "quantity": format(day["quantity"], "f")} for day in dates]
    return Row({"response": "accept", "price": "" if price is None else format(price, "f")}, schedules or [{}])


def data_of(whole: Whole, declared: Move, typed: Typed) -> tuple[list[int], dict[str, Any]]:
    """The move's fields as the services take them, and the page's line of each line that is sent."""
    data: dict[str, Any] = {"reason": typed.head.get("reason", "")}
    if declared.effect not in LINE_FORMS or not typed.rows:
        return [], data
    pairs = list(zip(lines_for(whole, declared), typed.rows, strict=False))
    if declared.effect in CHANGING:
        sent = [index for index, (_line, row) in enumerate(pairs) if row.values["response"] != "accept"]
        return sent, data | {"lines": [_answer(*pairs[index]) for index in sent]}
    if declared.effect == "offer":
        return list(range(len(pairs))), data | {"lines": [_answer(line, row) for line, row in pairs]}
    sent = [index for index, (line, row) in enumerate(pairs) if not _as_asked(line, row)]
    lines = [{"line": pairs[i][0]["position"], "response": "change", **_terms(pairs[i][1]), "reason": pairs[i][1].values["reason"]} for i in sent]
    return sent, data | {"lines": lines}


def _terms(row: Row) -> dict[str, Any]:
    return {"price": row.values["price"] or None, "schedules": [{name: s.get(name, "") for name in ("due_on", "quantity")} for s in row.schedules]}


def _answer(line: Mapping[str, Any], row: Row) -> dict[str, Any]:
    """One answer. Accepting takes the line as asked, whatever stands in the fields for another offer."""
    values = row.values
    answer = {"line": line["position"], "response": values["response"], "reason": values["reason"]}
    if values["response"] in ("accept", "reject", "cancel"):
        return answer
    substitute = {"item": values["substitute"]} if values.get("substitute") else None
    return answer | _terms(row) | {"substitute": substitute}


def _as_asked(line: Mapping[str, Any], row: Row) -> bool:
    """Whether a counter-proposal leaves the line as it was asked."""
    asked = _row(line, "offer")
    return row.schedules == asked.schedules and row.values["price"] == asked.values["price"]


def forms_of(whole: Whole, declared: Move, typed: Typed, *, bound: bool) -> tuple[MoveForm, list[LineEntry]]:
    head = MoveForm(typed.head if bound else None, initial=None if bound else typed.head, required=declared.reason == "required")
    if declared.reason == "none":
        del head.fields["reason"]
    form = LINE_FORMS.get(declared.effect)
    return head, forms.entries(typed, form, bound=bound, lines=lines_of(whole, lines_for(whole, declared))) if form else []


def _ask(
    request: HttpRequest,
    whole: Whole,
    declared: Move,
    typed: Typed,
    *,
    shown: tuple[MoveForm, Sequence[LineEntry]] | None = None,
    errors: Sequence[Mapping[str, str]] = (),
    news: Sequence[str] = (),
    status: int = 200,
) -> HttpResponse:
    head, lines = shown or forms_of(whole, declared, typed, bound=False)
    context = {
        "document": head_of(whole.type, whole.head, partner=partner_name(whole.head["partner_id"]), lines=whole.lines),
        "move": move_of(whole, declared),
        "form": head,
        "lines": lines,
        "can_accept_all": declared.effect == "offer",
        "changes_agreed": declared.effect in CHANGING,
        "needs_lines": declared.effect in LINE_FORMS,
        "too_long": too_long_to_show(whole) if declared.effect in LINE_FORMS and not lines else "",
        "panels": panels_page(whole, move=declared.code),
        "errors_summary": errors,
        "news": news,
    }
    return render(request, "documents/move.html", context, status=status)
