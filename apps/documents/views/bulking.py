"""Many documents at once: answers by one table, and one move on each that was picked; how far it is, and what became of each."""

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.base import acting, clock
from apps.base.findings import Invalid, refuse
from apps.base.pages import need, see_other, way_back
from apps.documents import filters, selectors
from apps.documents import services as documents
from apps.documents.models import BulkStage
from apps.documents.types import TYPES
from apps.documents.views.listing import picked
from apps.documents.views.presenting import address, of_type
from apps.documents.vocabulary import DocumentType, Move
from apps.network import selectors as network

SHOWN = 200
RECENT = 20
TITLES = {column.code: column.title for column in documents.SHEET.columns}
KINDS = {"xlsx": documents.XLSX, "csv": documents.CSV}


def _answering(document_type: DocumentType) -> Move:
    """The move by which lines are answered. Raises Http404, PermissionDenied."""
    move = documents.answering_move(document_type)
    if move is None:
        raise Http404
    need(f"{document_type.code}.{move.code}")
    return move


def _waiting(document_type: DocumentType, move: Move, given: QueryDict) -> Any:
    """The documents that wait for an answer, of those that a list shows."""
    found = filters.DocumentFilter(given, document_type=document_type, partners=network.partners())
    return selectors.answerable(document_type, move, found.qs)


@of_type()
@require_http_methods(["GET", "POST"])
def answers(request: HttpRequest, document_type: DocumentType) -> HttpResponse:
    """GET: what waits, as a table to be downloaded. POST: the table with the answers, to be checked in the background."""
    move, error = _answering(document_type), ""
    if request.method == "POST":
        file = request.FILES.get("file")
        try:
            if file is None:
                raise refuse("/file", "required", _("Choose the table with your answers first."))
            body = file.read(documents.LARGEST_TABLE + 1)
            taken = documents.upload_answers(type=document_type.code, name=file.name or "", body=body, by=acting.actor(), at=clock.now())
            return see_other(address("document_bulk_one", document_type, taken.pk))
        except Invalid as refused:
            error = refused.findings[0].detail
    waiting = _waiting(document_type, move, request.GET)
    context = {
        "type": document_type,
        "error": error,
        "count": waiting.count(),
        "tables": [{"kind": kind.upper(), "url": f"{address('document_answers_table', document_type)}?{_as(request.GET, kind)}"} for kind in KINDS],
        "columns": documents.SHEET.columns,
        "answers": documents.ANSWERS,
        "recent": [_row(document_type, row) for row in selectors.bulks(type=document_type.code).values(*selectors.BULK)[:RECENT]],
        "back_url": address("document_list", document_type),
        "post_url": address("document_answers", document_type),
    }
    return render(request, "documents/answers.html", context, status=422 if error else 200)


def _as(given: QueryDict, kind: str) -> str:
    kept = given.copy()
    kept["as"] = kind
    return kept.urlencode()


@of_type()
@require_safe
def answers_table(request: HttpRequest, document_type: DocumentType) -> HttpResponse:
    """What waits for an answer, as XLSX or CSV: a row for each date of each line. The filters are those of the list."""
    move = _answering(document_type)
    rows = selectors.sheet_rows(selectors.asked(_waiting(document_type, move, request.GET)))
    return _download(request, rows, f"{document_type.collection}-{clock.today().isoformat()}")


def _download(request: HttpRequest, rows: Any, name: str, *, reported: bool = False) -> HttpResponse:
    kind = request.GET.get("as", "xlsx")
    if kind not in KINDS:
        raise Http404
    content = documents.write_sheet(rows, kind=KINDS[kind], reported=reported)
    media_type = KINDS[kind] + ("; charset=utf-8" if kind == "csv" else "")
    return HttpResponse(content, content_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}.{kind}"'})


@of_type()
@require_POST
def bulk(request: HttpRequest, document_type: DocumentType, move: str) -> HttpResponse:
    """One move on each picked document, each for itself, in the background; its page tells what could not be done, and why."""
    declared = document_type.find_move(move)
    if declared is None or not documents.can_be_picked(declared):
        raise Http404
    need(f"{document_type.code}.{move}")
    back = way_back(request, address("document_list", document_type))
    chosen = picked(request.POST)
    if not chosen:
        messages.warning(request, _("Select at least one document first."))
        return see_other(back)
    try:
        taken = documents.move_many(type=document_type.code, move=move, documents=chosen, by=acting.actor(), at=clock.now())
    except Invalid as refused:
        messages.error(request, refused.findings[0].detail)
        return see_other(back)
    return see_other(address("document_bulk_one", document_type, taken.pk))


def _found(document_type: DocumentType, uid: uuid.UUID) -> Mapping[str, Any]:
    """One of this type, for whoever may make its move. Raises Http404, PermissionDenied."""
    found = selectors.bulk(id=uid)
    if found is None or found["type"] != document_type.code:
        raise Http404
    need(f"{document_type.code}.{found['move']}")
    return found


@of_type()
@require_http_methods(["GET", "POST"])
def bulk_one(request: HttpRequest, document_type: DocumentType, uid: uuid.UUID) -> HttpResponse:
    """How far it is, and what is wrong with which row. POST with `do`: say all, say the good part (`good`), or `stop`."""
    found = _found(document_type, uid)
    if request.method == "POST":
        by, at, do = acting.actor(), clock.now(), request.POST.get("do")
        try:
            if do == "stop":
                documents.stop_bulk(bulk=uid, by=by, at=at)
            elif do in ("all", "good"):
                documents.run_bulk(bulk=uid, whole=do == "all", by=by, at=at)
        except documents.BulkEnded as error:
            messages.error(request, str(error))
        return see_other(request.path)
    return render(request, "documents/bulk.html", _page(document_type, found))


def _page(document_type: DocumentType, found: Mapping[str, Any]) -> dict[str, Any]:
    outcomes = list(selectors.bulk_outcomes(found))
    refused = [each for each in outcomes if each["why"]]
    of_table = bool(found["name"])
    report = address("document_bulk_report", document_type, found["id"])
    return {
        "type": document_type,
        "bulk": _row(document_type, found),
        "waits": found["stage"] == BulkStage.CHECKED,
        "going": found["stage"] in (BulkStage.CHECKING, BulkStage.RUNNING),
        "checking": found["stage"] == BulkStage.CHECKING,
        "of_table": of_table,
        "good": len(found["plan"]),
        "findings": [_finding(each) for each in found["findings"][:SHOWN]],
        "findings_count": len(found["findings"]),
        "refused": [{**each, "url": address("document", document_type, uuid.UUID(each["document"]))} for each in refused[:SHOWN]],
        "refused_count": len(refused),
        "reports": [{"kind": kind.upper(), "url": f"{report}?as={kind}"} for kind in KINDS] if of_table or found["finished_at"] else [],
        "back_url": address("document_answers", document_type) if of_table else address("document_list", document_type),
    }


def _finding(found: Any) -> dict[str, Any]:
    row, column, _code, detail = found
    return {"row": row or "", "column": TITLES.get(column, ""), "detail": detail}


def _row(document_type: DocumentType, row: Mapping[str, Any]) -> dict[str, Any]:
    move = TYPES[row["type"]].find_move(row["move"])
    stopping = row["stop"] and row["finished_at"] is None
    return {
        "uid": row["id"],
        "url": address("document_bulk_one", document_type, row["id"]),
        "title": row["name"] or (move.label if move else row["move"]),
        "stage": _("stopping") if stopping else BulkStage(row["stage"]).label,
        "whole": row["whole"],
        "stop": row["stop"],
        "by": row["by"],
        "created_at": row["created_at"],
        "finished_at": row["finished_at"],
        "took": _took(row["created_at"], row["finished_at"]),
        "total": row["total"],
        "done": row["done"],
        "said": row["said"],
        "message": row["message"],
        "percent": min(100, 100 * row["done"] // row["total"]) if row["total"] else 0,
    }


def _took(started: dt.datetime, finished: dt.datetime | None) -> int:
    return round((finished - started).total_seconds()) if finished else 0


@of_type()
@require_safe
def bulk_report(request: HttpRequest, document_type: DocumentType, uid: uuid.UUID) -> HttpResponse:
    """The table as it was uploaded with what became of each row; of picked documents, a row for each."""
    found = _found(document_type, uid)
    rows = selectors.bulk_report(found, selectors.bulk_rows(id=uid))
    return _download(request, rows, f"{document_type.collection}-report-{clock.today().isoformat()}", reported=True)
