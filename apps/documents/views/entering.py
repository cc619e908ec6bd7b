"""Writing a document and changing a draft. Every button submits, so all of it works without JavaScript."""

import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from apps.base import acting, clock, retrying
from apps.base.findings import Finding, Invalid
from apps.base.pages import see_other
from apps.catalog import selectors as catalog
from apps.documents import forms, models
from apps.documents import services as documents
from apps.documents.forms import HeadForm, LineEntry, LineForm, Row, Typed
from apps.documents.selectors import Whole, next_number
from apps.documents.views.moving import MOST_FORM_LINES, changed_since, too_late, version_of
from apps.documents.views.presenting import address, dates_of, found, head_of, of_type, partner_name
from apps.documents.vocabulary import DocumentType
from apps.network import selectors as network

MOST_OPTIONS = 500
ECHO = re.compile(r"/lines/(\d+)/schedules/0/quantity")


@of_type("draft")
def new(request: HttpRequest, document_type: DocumentType) -> HttpResponse:
    if document_type.own_entry:
        raise Http404
    if request.method != "POST":
        number = next_number(type=document_type.code)
        head = {"partner": request.GET.get("partner", "")[:60], "number": number, "currency": acting.home().currency}
        return _form_page(request, document_type, Typed(head, [Row({"unit": "C62"})]))
    typed = forms.read(request.POST, head=HeadForm, line=LineForm)
    if typed.change(request.POST):
        return _form_page(request, document_type, typed)
    return _save(request, document_type, typed)


@of_type("draft")
def edit(request: HttpRequest, document_type: DocumentType, uid: uuid.UUID) -> HttpResponse:
    whole = found(document_type, uid)
    if document_type.own_entry:
        raise Http404
    if whole.head["state"] != document_type.draft:
        return too_late(request, whole, _("It has been sent: it can be changed only together with your partner."), [])
    if len(whole.lines) > MOST_FORM_LINES:
        words = _("This document has %(count)d lines, more than a page can hold. Change it through the interface.")
        return too_late(request, whole, words % {"count": len(whole.lines)}, [])
    if request.method != "POST":
        return _form_page(request, document_type, _typed(whole), whole=whole)
    typed = forms.read(request.POST, head=HeadForm, line=LineForm)
    if typed.change(request.POST):
        return _form_page(request, document_type, typed, whole=whole)
    return _save(request, document_type, typed, whole=whole)


def _typed(whole: Whole) -> Typed:
    """A draft as its form shows it."""
    head = {"number": whole.head["number"], "currency": whole.head["currency"], "note": whole.head["note"]}
    own = "buyer_item" if whole.head["side"] == "buyer" else "seller_item"
    rows = [
        Row(
            {"item": line[own], "quantity": plain(line["quantity"]), "unit": line["unit"], "price": plain(line["price"])},
            [{"due_on": day["due_on"].isoformat() if day["due_on"] else "", "quantity": plain(day["quantity"])} for day in dates_of(line, "requested")],
        )
        for line in whole.lines
    ]
    return Typed(head, rows)


def plain(number: Any) -> str:
    """A number as a form takes it: digits with a point, whatever the reader's language."""
    return "" if number is None else format(number, "f")


def _save(request: HttpRequest, document_type: DocumentType, typed: Typed, whole: Whole | None = None) -> HttpResponse:
    head, lines = _forms(document_type, typed, bound=True, fixed=whole is not None)
    if not all([head.is_valid(), *(line.is_readable() for line in lines)]):
        return _form_page(request, document_type, typed, whole=whole, shown=(head, lines), errors=forms.unreadable(head, lines), status=422)
    sent = [index for index, row in enumerate(typed.rows) if not row.is_empty()] or [0]
    given = {name: typed.head[name] for name in ("number", "currency", "note")} | {"lines": [_line(typed.rows[index]) for index in sent]}
    try:
        row = retrying.whole(lambda: _written(request, document_type, typed.head["partner"], given, whole))
    except Invalid as error:
        findings = [finding for finding in error if not _is_echo(finding, typed, sent)]
        errors = forms.place(findings, head, lines, sent)
        return _form_page(request, document_type, typed, whole=whole, shown=(head, lines), errors=errors, status=422)
    except documents.Stale:
        fresh = found(document_type, whole.id) if whole else None
        news = changed_since(fresh, version_of(request)) if fresh else []
        return _form_page(request, document_type, typed, whole=fresh, news=news, status=409)
    return see_other(address("document", document_type, row.pk))


def _line(row: Row) -> dict[str, Any]:
    """A typed line as the services take it. One date without a quantity is for the whole line."""
    schedules = [{"due_on": s.get("due_on", ""), "quantity": s.get("quantity", "")} for s in row.schedules]
    if len(schedules) == 1 and not schedules[0]["quantity"]:
        schedules[0]["quantity"] = row.values["quantity"]
    return {**row.values, "price": row.values["price"] or None, "schedules": schedules}


def _is_echo(finding: Finding, typed: Typed, sent: Sequence[int]) -> bool:
    """Whether a fault of a line's quantity is told once more, at a date that took its quantity from the line."""
    found = ECHO.fullmatch(finding.pointer)
    return found is not None and not typed.rows[sent[int(found[1])]].schedules[0].get("quantity")


def _written(request: HttpRequest, document_type: DocumentType, partner: str, given: Mapping[str, Any], whole: Whole | None) -> models.Document:
    """Save the draft, and publish it where that button was pressed: both, or neither."""
    by, at = acting.actor(), clock.now()
    with transaction.atomic():
        if whole is None:
            row = documents.draft(type=document_type.code, partner=partner, **given, by=by, at=at)
        else:
            row = documents.revise(document=whole.id, given=given, by=by, at=at, version=version_of(request))
        publishing = _publishing(document_type) if "publish" in request.POST else None
        if publishing:
            documents.apply(document=row.pk, move=publishing, by=by, at=at)
    return row


def _publishing(document_type: DocumentType) -> str | None:
    """The move by which a draft of this type is sent, where the actor may make it."""
    moves = [move.code for move in document_type.moves if move.effect == "ask" and document_type.draft in move.before]
    return next((code for code in moves if acting.actor().may(f"{document_type.code}.{code}")), None)


def _forms(document_type: DocumentType, typed: Typed, *, bound: bool, fixed: bool) -> tuple[HeadForm, list[LineEntry]]:
    known = [(partner.slug, partner.name) for partner in network.active() if document_type.code in partner.document_types]
    head = HeadForm(typed.head if bound else None, initial=None if bound else typed.head, partners=known, fixed=fixed)
    return head, forms.entries(typed, LineForm, bound=bound)


def _form_page(
    request: HttpRequest,
    document_type: DocumentType,
    typed: Typed,
    *,
    whole: Whole | None = None,
    shown: tuple[HeadForm, Sequence[LineEntry]] | None = None,
    errors: Sequence[Mapping[str, str]] = (),
    news: Sequence[str] = (),
    status: int = 200,
) -> HttpResponse:
    head, lines = shown or _forms(document_type, typed, bound=False, fixed=whole is not None)
    context = {
        "type": document_type,
        "form": head,
        "lines": lines,
        "errors_summary": errors,
        "news": news,
        "document": head_of(document_type, whole.head, partner=partner_name(whole.head["partner_id"])) if whole else None,
        "item_options": [{"number": item.number, "name": item.label} for item in catalog.items()[:MOST_OPTIONS]],
        "can_publish": _publishing(document_type) is not None,
        "cancel_url": address("document", document_type, whole.id) if whole else address("document_list", document_type),
        "date_help": _("One date without a quantity is for the whole line."),
    }
    return render(request, "documents/form.html", context, status=status)
