"""REST for documents: one set of views, of which each document type gets its own from its declaration."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.utils.http import content_disposition_header
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from rest_framework import renderers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.base import acting, announcing, clock
from apps.base.api import ApiView, JSONRenderer, UploadParser, dumps, etag, given, uuid_of, version_of
from apps.base.findings import refuse
from apps.base.inputs import Parameters, check_names
from apps.base.paging import DAY, MOMENT, NUMBER, PARAMETERS, Column, everything, page
from apps.documents import selectors, services
from apps.documents.api import bodies, telling
from apps.documents.vocabulary import DocumentType, Move
from apps.network import selectors as network

BY = {
    "updated_at": Column(field="updated_at", read=MOMENT),
    "created_at": Column(field="created_at", read=MOMENT),
    "number": Column(field="number"),
    "issued_on": Column(field="issued_on", read=DAY, nullable=True),
    "due_on": Column(field="due_on", read=DAY, nullable=True),
    "amount": Column(field="amount", read=NUMBER, nullable=True),
}
FILTERS = ("side", "state", "partner", "number", "updated_after", "answer_due_before", "q", *PARAMETERS)
ANSWERS_BY = {"at": Column(field="at", read=MOMENT)}
ANSWER_FILTERS = ("side", "partner", "number", "updated_after", *PARAMETERS)


class DocumentView(ApiView):
    """A view of the documents of one type."""

    document_type: DocumentType

    def whole(self, uid: str) -> selectors.Whole:
        found = selectors.whole(id=uuid_of(uid), type=self.document_type.code)
        if found is None:
            raise Http404
        return found

    def head(self, uid: str) -> Mapping[str, Any]:
        """The header of a document of this type; 404 where there is none here."""
        found = selectors.head(id=uuid_of(uid))
        if found is None or found["type"] != self.document_type.code:
            raise Http404
        return found

    def told(self, uid: str, *, status: int = 200) -> Response:
        """The whole document, with its version."""
        found = self.whole(uid)
        return Response(telling.whole(found, actor=acting.actor()), status=status, headers={"ETag": etag(found.head["version"])})

    def slugs(self, row: Mapping[str, Any]) -> dict[str, str]:
        """The slugs of the two enterprises of a header."""
        parties = telling.Parties([row["partner_id"]])
        return {"own": parties.own["slug"], "partner": parties.of(row)["partner"]}


class Collection(DocumentView):
    def get(self, request: Request) -> Response:
        parameters = Parameters(request, FILTERS)
        found = page(request, parameters, self._filtered(parameters), columns=telling.COLUMNS, by=BY, default="-updated_at")
        parties, actor = telling.Parties([row["partner_id"] for row in found.rows]), acting.actor()
        return Response(found.answer([telling.head(self.document_type, row, parties=parties, actor=actor) for row in found.rows]))

    def _filtered(self, parameters: Parameters) -> QuerySet[Any]:
        rows = selectors.heads(type=self.document_type.code)
        if side := parameters.choice("side", ("buyer", "seller")):
            rows = rows.filter(side=side)
        if state := parameters.choice("state", [state.code for state in self.document_type.states]):
            rows = rows.filter(state=state)
        if number := parameters.text("number"):
            rows = rows.filter(number=number)
        if after := parameters.moment("updated_after"):
            rows = rows.filter(updated_at__gt=after)
        if before := parameters.moment("answer_due_before"):
            rows = rows.filter(selectors.answer_overdue(at=before))
        if words := parameters.text("q"):
            rows = rows.filter(selectors.about(words))
        return of_partner(parameters, rows, "partner_id")

    def post(self, request: Request) -> Response:
        key = self._entered(given(request))
        response = self.told(str(key), status=201)
        response["Location"] = request.build_absolute_uri(f"{request.path.rstrip('/')}/{key}/")
        return response

    def _entered(self, body: Mapping[str, Any]) -> uuid.UUID:
        type, by, at = self.document_type.code, acting.actor(), clock.now()
        if services.owner_of(type):
            return services.enter(type=type, given=body, by=by, at=at)
        document = services.draft(type=type, **bodies.read_draft(self.document_type, body), by=by, at=at)
        return uuid.UUID(str(document.pk))


def of_partner(parameters: Parameters, rows: QuerySet[Any], field: str) -> QuerySet[Any]:
    """The rows with the partner that is named by the parameter `partner`."""
    slug = parameters.text("partner")
    if not slug:
        return rows
    known = network.related(slug=slug)
    if known is None:
        parameters.found("partner", "partner", _("“%(slug)s” is no partner of yours.") % {"slug": slug[:60]})
    return rows.filter(**{field: known})


class MessageRenderer(renderers.BaseRenderer):
    """A document as a standard message, which is bytes already; a problem stays JSON."""

    charset = None
    render_style = "binary"
    format = JSONRenderer.format

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None) -> Any:
        return data if isinstance(data, bytes) else dumps(data)


def writers(kind: str) -> dict[str, str]:
    """The formats in which the floors above can write a kind of message: the writer's dotted name by media type (`declarations.WRITERS`)."""
    return {media_type: name for declared in announcing.declared("WRITERS") for media_type, name in declared.get(kind, {}).items()}


class InFormats(DocumentView):
    """Gives a document in the media type that is asked for (`Accept`): JSON, or a standard message of the kind that it is."""

    def kind(self) -> str:
        """The kind of message."""
        return self.document_type.code

    def get_renderers(self) -> list[renderers.BaseRenderer]:
        messages = [type("Renderer", (MessageRenderer,), {"media_type": name})() for name in writers(self.kind())]
        return [JSONRenderer(), *messages]

    def message(self, **what: Any) -> Response | None:
        """The answer as a message, where one was asked for; `what` goes to the writer."""
        wanted = self.request.accepted_renderer.media_type
        if wanted == JSONRenderer.media_type:
            return None
        return Response(import_string(writers(self.kind())[wanted])(media_type=wanted, **what), content_type=wanted)


class Detail(InFormats):
    def get(self, request: Request, uid: str) -> Response:
        found = self.whole(uid)
        response = self.message(document=found) or Response(telling.whole(found, actor=acting.actor()))
        response["ETag"] = etag(found.head["version"])
        response["Vary"] = "Accept, Accept-Language"
        return response

    def patch(self, request: Request, uid: str) -> Response:
        self.head(uid)
        body = given(request)
        type = self.document_type.code
        if services.owner_of(type) is None:
            check_names(body, bodies.REVISION)
        services.change(type=type, document=uuid_of(uid), given=body, by=acting.actor(), at=clock.now(), version=version_of(request))
        return self.told(uid)


class Moves(DocumentView):
    """A move on a document; of each declared move there is a class of its own, and one for what is none."""

    move: Move | None = None

    def post(self, request: Request, uid: str, move: str = "") -> Response:
        self.head(uid)
        type = self.document_type.code
        owned = services.shapes_of(type)
        code = self.move.code if self.move else move
        data = bodies.read_move(self.move, given(request), more=tuple(owned.moves.get(code, ())) if owned else ())
        services.make(type=type, document=uuid_of(uid), move=code, data=data, by=acting.actor(), at=clock.now(), version=version_of(request))
        return self.told(uid)


class Steps(DocumentView):
    def get(self, request: Request, uid: str) -> Response:
        row = self.head(uid)
        slugs = self.slugs(row)
        found = [telling.step(self.document_type, step, **slugs) for step in selectors.history(id=row["id"])]
        return Response(everything(found), headers={"ETag": etag(row["version"])})


class Thread(DocumentView):
    def get(self, request: Request, uid: str) -> Response:
        row = self.head(uid)
        slugs = self.slugs(row)
        return Response(everything([telling.message(message, **slugs) for message in selectors.thread(id=row["id"])]))

    def post(self, request: Request, uid: str) -> Response:
        row = self.head(uid)
        body = given(request)
        check_names(body, bodies.REMARK)
        message = services.remark(document=row["id"], text=body.get("text"), by=acting.actor(), at=clock.now())
        told = {"id": message.pk, "own": True, "by": message.by, "at": message.at, "text": message.text}
        return Response(telling.message(told, **self.slugs(row)), status=201)


class Attachments(DocumentView):
    parser_classes = (UploadParser,)

    def get(self, request: Request, uid: str) -> Response:
        row = self.head(uid)
        slugs = self.slugs(row)
        found = [telling.original(each, url=self._url(each["id"])) for each in selectors.originals(id=row["id"])]
        found += [telling.attachment(each, url=self._url(each["id"]), **slugs) for each in selectors.attachments(id=row["id"])]
        return Response(everything(found))

    def post(self, request: Request, uid: str) -> Response:
        row = self.head(uid)
        name, body = self._file()
        added = services.attach(document=row["id"], name=name, body=body, by=acting.actor(), at=clock.now())
        told = next(each for each in selectors.attachments(id=row["id"]) if each["id"] == added.pk)
        url = self._url(added.pk)
        return Response(telling.attachment(told, url=url, **self.slugs(row)), status=201, headers={"Location": url})

    def said(self, body: bytes) -> bytes:
        """The file alone: each time it is sent, other bytes may stand between the parts of the form."""
        name, content = self._file()
        return services.fingerprint(name.encode(), content).encode()

    def _file(self) -> tuple[str, bytes]:
        files = self.request.FILES.getlist("file")
        others = (set(self.request.data) | set(self.request.FILES)) - {"file"}
        if len(files) != 1 or others:
            raise refuse("/file", "required", _("Send one file, as the field “file” of a form (multipart/form-data)."))
        # A request may be answered at a second try.
        files[0].seek(0)
        return files[0].name or "", files[0].read()

    def _url(self, id: Any) -> str:
        return self.request.build_absolute_uri(f"{self.request.path.rstrip('/')}/{id}/")


class Attachment(DocumentView):
    def get(self, request: Request, uid: str, attachment: str) -> HttpResponse:
        row = self.head(uid)
        key = uuid_of(attachment)
        if added := selectors.attachment(id=key, document=row["id"]):
            return as_file(*added)
        found = selectors.original(id=key, document=row["id"])
        if found is None:
            raise Http404
        media_type, body = found
        return as_file(str(key), media_type, body)


def as_file(name: str, media_type: str, body: bytes) -> HttpResponse:
    """Bytes to be kept, and never shown by the browser itself."""
    shown = f"{media_type}; charset=utf-8" if media_type.startswith("text/") else media_type
    headers = {
        "Content-Disposition": content_disposition_header(True, name) or "attachment",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    return HttpResponse(body, content_type=shown, headers=headers)


class Answers(DocumentView):
    """The moves on documents of a type that can be read as documents of their own."""

    collection: str

    def get(self, request: Request) -> Response:
        parameters = Parameters(request, ANSWER_FILTERS)
        rows = selectors.answers(type=self.document_type.code, collection=self.collection)
        if side := parameters.choice("side", ("buyer", "seller")):
            rows = rows.filter(document__side=side)
        if number := parameters.text("number"):
            rows = rows.filter(document__number=number)
        if after := parameters.moment("updated_after"):
            rows = rows.filter(at__gt=after)
        rows = of_partner(parameters, rows, "document__partner_id")
        found = page(request, parameters, rows, columns=telling.ANSWER_COLUMNS, by=ANSWERS_BY, default="-at")
        parties = telling.Parties([row["document__partner_id"] for row in found.rows])
        return Response(found.answer([telling.answer(row, parties=parties) for row in found.rows]))


class Answer(InFormats):
    collection: str

    def kind(self) -> str:
        return self.collection.removesuffix("s").replace("-", "_")

    def get(self, request: Request, uid: str) -> Response:
        rows = selectors.answers(type=self.document_type.code, collection=self.collection).filter(pk=uuid_of(uid))
        row = rows.values(*telling.ANSWER_COLUMNS).first()
        if row is None:
            raise Http404
        response = self.message(answer=row) or Response(telling.answer(row, parties=telling.Parties([row["document__partner_id"]])))
        response["ETag"] = etag(row["position"])
        response["Vary"] = "Accept, Accept-Language"
        return response
