"""A document's page and its parts, its thread, its files and its originals."""

import re
import uuid
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from apps.base import acting, clock, retrying
from apps.base.findings import Invalid
from apps.base.pages import is_part, see_other
from apps.documents import selectors
from apps.documents import services as documents
from apps.documents.api.views import as_file, writers
from apps.documents.selectors import Whole
from apps.documents.views.presenting import address, found, head_of, history_of, lines_page, moves_of, of_type, panels_page, partner_name, thread_of
from apps.documents.vocabulary import DocumentType

PARTS = ("head", "lines", "papers", "history", "thread")
MESSAGE = "application/xml"
UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@of_type()
@require_GET
def document(request: HttpRequest, document_type: DocumentType, uid: uuid.UUID) -> HttpResponse:
    whole = found(document_type, uid)
    if whole.head["seen_at"] is None:
        documents.mark_seen(document=uid, at=clock.now())
    return render(request, "documents/detail.html", _page(request, whole))


def _page(request: HttpRequest, whole: Whole) -> dict[str, Any]:
    partner = partner_name(whole.head["partner_id"])
    return {
        "document": head_of(whole.type, whole.head, partner=partner, lines=whole.lines),
        **lines_page(request, whole),
        "history": history_of(whole.type, whole.id, partner=partner),
        "thread": thread_of(whole.id, partner=partner),
        "can_remark": acting.actor().may(f"{whole.type.code}.remark"),
        "can_attach": acting.actor().may(f"{whole.type.code}.attach"),
        "panels": panels_page(whole),
        **_papers(whole.type, whole.id),
        **moves_of(whole),
    }


def _papers(document_type: DocumentType, uid: uuid.UUID) -> dict[str, Any]:
    """The document as a standard message, the messages that came in, byte for byte, and the files that were added."""
    written = {"url": address("document_message", document_type, uid), "label": _("As a UBL message"), "icon": "file-type-xml"}
    label = _("%(kind)s as received")
    received = [
        {"url": address("document_original", document_type, uid, found["id"]), "label": label % {"kind": found["kind"]}, "icon": "file-code"}
        for found in selectors.originals(id=uid)
    ]
    added = [{**row, "url": address("document_attachment", document_type, uid, row["id"])} for row in selectors.attachments(id=uid)]
    return {"downloads": ([written] if MESSAGE in writers(document_type.code) else []) + received, "attachments": added}


@of_type()
@require_GET
def part(request: HttpRequest, document_type: DocumentType, uid: uuid.UUID, part: str) -> HttpResponse:
    """One part of the page anew: head, lines, papers, history, thread, or a panel of another app."""
    head = selectors.head(id=uid)
    if head is None or head["type"] != document_type.code:
        raise Http404
    if part not in PARTS:
        return _panel(request, found(document_type, uid), part)
    if head["seen_at"] is None:
        documents.mark_seen(document=uid, at=clock.now())
    partner = partner_name(head["partner_id"])
    context: dict[str, Any] = {"document": head_of(document_type, head, partner=partner)}
    if part == "history":
        context["history"] = history_of(document_type, uid, partner=partner)
    elif part == "thread":
        context["thread"] = thread_of(uid, partner=partner)
    elif part == "papers":
        context |= _papers(document_type, uid)
    else:
        whole = found(document_type, uid)
        context |= {**lines_page(request, whole), "document": head_of(document_type, whole.head, partner=partner, lines=whole.lines), **moves_of(whole)}
    return render(request, context["lines_template"] if part == "lines" else f"documents/_{part}.html", context)


def _panel(request: HttpRequest, whole: Whole, code: str) -> HttpResponse:
    """A panel anew; nothing where it has nothing to show any more. Raises Http404 for one that is none."""
    if code not in [panel.code for panel in documents.panels_of(whole.type.code, by=acting.actor())]:
        raise Http404
    shown = panels_page(whole, code=code)
    if not shown:
        return HttpResponse()
    document = head_of(whole.type, whole.head, partner=partner_name(whole.head["partner_id"]))
    return render(request, shown[0]["template"], {"document": document, "panel": shown[0]})


@of_type()
@require_POST
def write(request: HttpRequest, document_type: DocumentType, uid: uuid.UUID) -> HttpResponse:
    """A message into the thread; what cannot be taken stays in the field, with the reason."""
    whole = found(document_type, uid)
    text = request.POST.get("text", "")
    try:
        retrying.whole(lambda: documents.remark(document=uid, text=text, by=acting.actor(), at=clock.now()))
    except Invalid as error:
        context = _page(request, whole) | {"thread_text": text, "thread_error": error.findings[0].detail}
        return render(request, "documents/detail.html", context, status=422)
    if is_part(request):
        partner = partner_name(whole.head["partner_id"])
        context = {"document": head_of(document_type, whole.head, partner=partner), "thread": thread_of(uid, partner=partner)}
        return render(request, "documents/_thread.html", context)
    return see_other(f"{address('document', document_type, uid)}#thread")


@of_type()
@require_POST
def attach(request: HttpRequest, document_type: DocumentType, uid: uuid.UUID) -> HttpResponse:
    """A file beside the document; what cannot be taken is told with the reason."""
    whole = found(document_type, uid)
    file = request.FILES.get("file")
    # What is too big is not read whole to be refused.
    body = file.read(documents.LARGEST_FILE + 1) if file else b""
    name = (file.name or "") if file else ""
    try:
        retrying.whole(lambda: documents.attach(document=uid, name=name, body=body, by=acting.actor(), at=clock.now()))
    except Invalid as error:
        detail = error.findings[0].detail if file else _("Choose a file first.")
        return render(request, "documents/detail.html", _page(request, whole) | {"attach_error": detail}, status=422)
    return see_other(f"{address('document', document_type, uid)}#papers")


@of_type()
@require_GET
def attachment(request: HttpRequest, document_type: DocumentType, uid: uuid.UUID, key: uuid.UUID) -> HttpResponse:
    """A file that was added, byte for byte."""
    head, kept = selectors.head(id=uid), selectors.attachment(id=key, document=uid)
    if head is None or head["type"] != document_type.code or kept is None:
        raise Http404
    return as_file(*kept)


@of_type()
@require_GET
def message(request: HttpRequest, document_type: DocumentType, uid: uuid.UUID) -> HttpResponse:
    """The document as a standard message, as a file."""
    whole = found(document_type, uid)
    if MESSAGE not in writers(document_type.code):
        raise Http404
    return _file(import_string(writers(document_type.code)[MESSAGE])(media_type=MESSAGE, document=whole), whole.head["number"], MESSAGE)


@of_type()
@require_GET
def original(request: HttpRequest, document_type: DocumentType, uid: uuid.UUID, key: uuid.UUID) -> HttpResponse:
    """A message as it came in, as a file: never shown by the browser itself."""
    head, kept = selectors.head(id=uid), selectors.original(id=key, document=uid)
    if head is None or head["type"] != document_type.code or kept is None:
        raise Http404
    media_type, body = kept
    return _file(body, head["number"], media_type)


def _file(body: bytes, number: str, media_type: str) -> HttpResponse:
    ending = "xml" if media_type.endswith("xml") else "txt"
    return as_file(f"{UNSAFE.sub('_', number)[:80]}.{ending}", media_type, body)
