"""The list of a type of document: filters, columns, totals, saved views, export, and moves for several at once."""

import csv
import io
import uuid
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from apps.base import acting, clock
from apps.base.findings import Invalid
from apps.base.pages import in_home, is_part, see_other
from apps.documents import filters, selectors
from apps.documents import services as documents
from apps.documents.types import COLLECTIONS
from apps.documents.views.presenting import address, of_type, row_of
from apps.documents.vocabulary import DocumentType, Move
from apps.network import selectors as network
from apps.network.selectors import Partner

ROWS = 50
MOST_PICKED = 500
COLUMNS = ("number", "partner", "side", "state", "issued_on", "due_on", "lines_count", "amount", "updated_at")


def _new_url(document_type: DocumentType) -> str:
    """Where a document of this type is written: the page of the app that owns the type, or the common one; empty where one may not."""
    if not acting.actor().may(f"{document_type.code}.draft"):
        return ""
    if owner := documents.owner_of(document_type.code):
        return reverse(owner.page) if owner.page else ""
    return "" if document_type.own_entry else address("document_new", document_type)


def _labels() -> dict[str, str]:
    return {
        "number": _("Number"), "partner": _("Partner"), "side": _("Kind"), "state": _("State"), "issued_on": _("Issued"), "due_on": _("Due"),
        "lines_count": _("Lines"), "amount": _("Amount"), "updated_at": _("Changed"),
    }  # fmt: skip


@in_home
def first_list(request: HttpRequest) -> HttpResponseBase:
    """`/documents/` is the list of the first type that the reader may see."""
    for document_type in COLLECTIONS.values():
        if acting.actor().may(f"{document_type.code}.view"):
            return redirect(address("document_list", document_type))
    raise Http404


@of_type()
@require_GET
def document_list(request: HttpRequest, document_type: DocumentType) -> HttpResponse:
    partners = network.partners()
    names = {partner.id: partner.name for partner in partners}
    found = filters.DocumentFilter(request.GET, document_type=document_type, partners=partners)
    page = selectors.leaf(found.qs, cursor=request.GET.get("cursor", ""), limit=ROWS)
    today = clock.today()
    context = {
        "type": document_type,
        "rows": [row_of(document_type, row, partner=names.get(row["partner_id"], "–"), today=today) for row in page.rows],
        "columns": _columns(document_type, request.GET),
        "totals": selectors.totals(found.qs) if document_type.priced else [],
        "previous_url": _with(request.GET, cursor=page.newer) if page.newer else "",
        "next_url": _with(request.GET, cursor=page.older) if page.older else "",
        "new_url": _new_url(document_type),
    }
    if is_part(request):
        return render(request, "documents/_rows.html", context)
    return render(request, "documents/list.html", context | _tools(request, document_type, found))


def _tools(request: HttpRequest, document_type: DocumentType, found: filters.DocumentFilter) -> dict[str, Any]:
    """What stands around the rows."""
    return {
        "filter": found,
        "saved_views": _views(request, document_type),
        "can_save": bool(_kept(request.GET)),
        "save_url": address("document_views", document_type),
        "export_url": f"{address('document_export', document_type)}{_with(request.GET)}",
        "bulk_moves": [
            {"label": _many(move), "icon": move.icon, "url": address("document_bulk", document_type, None, move.code)} for move in _bulk_moves(document_type)
        ],
        "answers_url": _answers_url(document_type),
    }


def _many(move: Move) -> str:
    """What a move is called that is made on several: an answer to several says the same to each."""
    return _("Accept everything as asked") if move.effect == "offer" else str(move.label)


def _answers_url(document_type: DocumentType) -> str:
    """Where many are answered by one table; empty where one may not, or nothing is answered."""
    move = documents.answering_move(document_type)
    return address("document_answers", document_type) if move and acting.actor().may(f"{document_type.code}.{move.code}") else ""


def _bulk_moves(document_type: DocumentType) -> list[Move]:
    """The moves that can be made for several documents at once."""
    return [move for move in document_type.moves if documents.can_be_picked(move) and acting.actor().may(f"{document_type.code}.{move.code}")]


def _columns(document_type: DocumentType, query: QueryDict) -> list[dict[str, Any]]:
    wanted = [code for code in query.getlist("columns") if code in COLUMNS]
    empty = {*(() if document_type.dated else ("due_on",)), *(() if document_type.priced else ("amount",))}
    return [{"code": code, "label": label, "shown": not wanted or code in wanted} for code, label in _labels().items() if code not in empty]


def _kept(query: QueryDict) -> QueryDict:
    """The query without the place in the list, and without what is empty."""
    kept = QueryDict(mutable=True)
    for name, values in query.lists():
        if name != "cursor" and any(values):
            kept.setlist(name, [value for value in values if value])
    return kept


def _with(query: QueryDict, **more: str) -> str:
    kept = _kept(query)
    for name, value in more.items():
        kept[name] = value
    return f"?{kept.urlencode()}"


def _views(request: HttpRequest, document_type: DocumentType) -> list[dict[str, Any]]:
    """The views that everybody has, and those that this person has saved."""
    here, base = sorted(_kept(request.GET).lists()), address("document_list", document_type)
    drafts = (f"state={document_type.draft}", str(document_type.state(document_type.draft).label), None)
    views: list[tuple[str, str, uuid.UUID | None]] = [("", _("All"), None), ("waiting=on", _("Waits for us"), None), drafts, ("late=on", _("Late"), None)]
    if document_type.clocked:
        views.append(("overdue=on", _("Answer late"), None))
    person = acting.actor().id
    if person is not None:
        views += [(view["query"], view["name"], view["id"]) for view in selectors.saved_views(person=person, type=document_type.code)]
    return [
        {
            "name": name,
            "url": f"{base}?{query}" if query else base,
            "active": sorted(QueryDict(query).lists()) == here,
            "forget_url": address("document_view", document_type, key) if key else "",
        }
        for query, name, key in views
    ]


@of_type()
@require_POST
def save_view(request: HttpRequest, document_type: DocumentType) -> HttpResponse:
    query = _kept(QueryDict(request.POST.get("query", "")[:2000])).urlencode()
    try:
        documents.save_view(type=document_type.code, name=request.POST.get("name", ""), query=query, by=acting.actor())
    except Invalid as error:
        messages.error(request, error.findings[0].detail)
    return see_other(f"{address('document_list', document_type)}?{query}")


@of_type()
@require_POST
def forget_view(request: HttpRequest, document_type: DocumentType, uid: uuid.UUID) -> HttpResponse:
    documents.forget_view(id=uid, by=acting.actor())
    return see_other(address("document_list", document_type))


@of_type()
def export(request: HttpRequest, document_type: DocumentType) -> HttpResponse:
    """The filtered list, or the rows that were picked, as CSV (RFC 4180) in UTF-8: dates in ISO 8601, numbers with a point."""
    partners = network.partners()
    found = filters.DocumentFilter(request.GET, document_type=document_type, partners=partners).qs
    if chosen := picked(request.POST or request.GET):
        found = found.filter(pk__in=chosen)
    names = {partner.id: partner for partner in partners}
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([_("Number"), _("Partner"), _("Kind"), _("State"), _("Issued"), _("Due"), _("Lines"), _("Amount"), _("Currency"), _("Changed"), "uid"])
    for row in found.order_by("-updated_at", "-id").values(*selectors.ROW):
        writer.writerow([documents.harmless(cell) for cell in _cells(document_type, row, names)])
    name = f"{document_type.collection}-{clock.today().isoformat()}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(f"\ufeff{text.getvalue()}".encode(), content_type="text/csv; charset=utf-8", headers=headers)


def _cells(document_type: DocumentType, row: Mapping[str, Any], partners: Mapping[uuid.UUID, Partner]) -> list[Any]:
    partner = partners.get(row["partner_id"])
    amount = None if row["amount"] is None else format(row["amount"], "f")
    return [
        row["number"], partner.name if partner else "", document_type.side_labels[row["side"]], document_type.state(row["state"]).label, row["issued_on"],
        row["due_on"], row["line_count"], amount, row["currency"], row["updated_at"].isoformat(timespec="seconds"), row["id"],
    ]  # fmt: skip


def picked(given: QueryDict) -> list[uuid.UUID]:
    found = []
    for text in given.getlist("uid")[:MOST_PICKED]:
        try:
            found.append(uuid.UUID(text))
        except ValueError:
            raise Http404 from None
    return found
