"""REST for many documents at once: the table of what waits for answers, out and in, and one move on many, in the background."""

from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpResponse
from django.urls import URLPattern
from django.utils.text import format_lazy
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema_view
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from apps.base import acting, clock
from apps.base.api import ApiView, JSONRenderer, given, uuid_of
from apps.base.describing import both, moment, operation, page_of, paging, parameter, shape, text, texts, uid, whole, yes
from apps.base.findings import refuse
from apps.base.inputs import Parameters, check_names
from apps.base.paging import MOMENT, PARAMETERS, Column, page
from apps.documents import selectors, services
from apps.documents.vocabulary import DocumentType

BY = {"created_at": Column(field="created_at", read=MOMENT)}
UID = parameter("uid", place=OpenApiParameter.PATH)
TABLES = (services.XLSX, services.CSV)

BulkFinding = shape(
    "BulkFinding",
    row=whole(_("The row of the table, from 1 with its headings; 0 for the whole table.")),
    column=text(_("The code of the column; empty for the whole row.")),
    code=text(_("What: the same in every language, for programs.")),
    detail=text(_("A sentence in the reader's language that says what would mend it.")),
)
BulkOutcome = shape(
    "BulkOutcome",
    uid=uid(_("The document.")),
    number=text(),
    result=text(_("said, refused, or left where it was not come to.")),
    detail=text(_("Why it was refused.")),
)
_head = {
    "uid": uid(),
    "move": text(_("The move that is made.")),
    "name": text(_("The name of the table; empty where documents were named.")),
    "stage": text(_("checking: the table is being read; checked: say go, or stop; running; done.")),
    "whole": yes(_("All or nothing.")),
    "by": text(),
    "created_at": moment(),
    "finished_at": moment(allow_null=True),
    "total": whole(_("How many documents it is about.")),
    "done": whole(_("How many it has come to; while a table is checked, how many of its rows.")),
    "said": whole(_("On how many the move was made.")),
    "message": text(_("Why it has ended before it was through; empty where it was.")),
}
BulkHead = shape("BulkHead", **_head)
BulkWhole = shape("Bulk", **_head, findings=BulkFinding(many=True), outcomes=BulkOutcome(many=True))
BulkAsked = shape("BulkAsked", move=text(_("A move that asks for no more than a click, or that answers lines: each is then accepted as asked.")),
                  documents=texts(_("The uids of 1 to 10,000 documents.")))  # fmt: skip
BulkRun = shape("BulkRun", whole=yes(_("All or nothing; else the good part, each document for itself."), required=False))


def head_told(row: Mapping[str, Any]) -> dict[str, Any]:
    """One of them, without what was found. row: columns of `selectors.BULK`."""
    kept = ("move", "name", "stage", "whole", "by", "created_at", "finished_at", "total", "done", "said", "message")
    return {"uid": row["id"], **{name: row[name] for name in kept}}


def told(row: Mapping[str, Any]) -> dict[str, Any]:
    """One of them with what was found. row: as `selectors.bulk` gives it."""
    findings = [dict(zip(("row", "column", "code", "detail"), each, strict=True)) for each in row["findings"]]
    outcomes = [{"uid": each["document"], "number": each["number"], "result": each["result"], "detail": each["why"]} for each in selectors.bulk_outcomes(row)]
    return {**head_told(row), "findings": findings, "outcomes": outcomes}


class BulkView(ApiView):
    """What is done to many documents of one type."""

    document_type: DocumentType

    def found(self, uid: str) -> Mapping[str, Any]:
        """One of this type; 404 where there is none here."""
        row = selectors.bulk(id=uuid_of(uid))
        if row is None or row["type"] != self.document_type.code:
            raise Http404
        return row

    def taken(self, row: Any) -> Response:
        """What was begun; it is done in the background."""
        url = self.request.build_absolute_uri(f"/api/v1/{self.document_type.collection}/bulk/{row.pk}/")
        return Response(told(self.found(str(row.pk))), status=202, headers={"Location": url})


class Bulks(BulkView):
    def get(self, request: Request) -> Response:
        parameters = Parameters(request, PARAMETERS)
        rows = selectors.bulks(type=self.document_type.code).order_by()
        found = page(request, parameters, rows, columns=selectors.BULK, by=BY, default="-created_at")
        return Response(found.answer([head_told(row) for row in found.rows]))

    def post(self, request: Request) -> Response:
        body = given(request)
        check_names(body, {"move": None, "documents": None})
        documents = body.get("documents")
        if not isinstance(documents, list) or not all(isinstance(each, str) for each in documents):
            raise refuse("/documents", "list", _now("Name the documents as a list of their uids."))
        found = [uuid_of(each) for each in documents]
        taken = services.move_many(type=self.document_type.code, move=str(body.get("move", "")), documents=found, by=acting.actor(), at=clock.now())
        return self.taken(taken)


class OneBulk(BulkView):
    def get(self, request: Request, uid: str) -> Response:
        Parameters(request, ()).done()
        return Response(told(self.found(uid)))


class Run(BulkView):
    def post(self, request: Request, uid: str) -> Response:
        row, body = self.found(uid), given(request)
        check_names(body, {"whole": None})
        if not isinstance(body.get("whole", False), bool):
            raise refuse("/whole", "boolean", _now("Say true or false."))
        services.run_bulk(bulk=row["id"], whole=body.get("whole", False), by=acting.actor(), at=clock.now())
        return Response(told(self.found(uid)), status=202)


class Stop(BulkView):
    def post(self, request: Request, uid: str) -> Response:
        row = self.found(uid)
        check_names(given(request), {})
        services.stop_bulk(bulk=row["id"], by=acting.actor(), at=clock.now())
        return Response(told(self.found(uid)), status=202)


class TableRenderer(BaseRenderer):
    """Lets a caller ask for a table by its media type; what is no table is JSON."""

    media_type = services.XLSX
    format = "xlsx"
    charset = None
    render_style = "binary"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None) -> Any:
        return JSONRenderer().render(data)


class TextRenderer(TableRenderer):
    """The same for text with separators."""

    media_type = services.CSV
    format = "csv"


class Tables(BulkView):
    """A view that gives a table: XLSX, or CSV where the caller asks for it."""

    renderer_classes = (JSONRenderer, TableRenderer, TextRenderer)  # type: ignore[assignment]

    def table(self, rows: Any, name: str, *, reported: bool = False) -> HttpResponse:
        accepted = (self.request.accepted_media_type or "").partition(";")[0]
        kind = services.CSV if accepted == services.CSV else services.XLSX
        ending = "csv" if kind == services.CSV else "xlsx"
        headers = {"Content-Disposition": f'attachment; filename="{name}-{clock.today().isoformat()}.{ending}"', "Vary": "Accept, Accept-Language"}
        media_type = f"{kind}; charset=utf-8" if ending == "csv" else kind
        return HttpResponse(services.write_sheet(rows, kind=kind, reported=reported), content_type=media_type, headers=headers)


class AnswerTable(Tables):
    def get(self, request: Request) -> HttpResponse:
        Parameters(request, ()).done()
        move = services.answering_move(self.document_type)
        assert move is not None
        waiting = selectors.answerable(self.document_type, move, selectors.heads(type=self.document_type.code))
        return self.table(selectors.sheet_rows(selectors.asked(waiting)), self.document_type.collection)

    def post(self, request: Request) -> Response:
        Parameters(request, ()).done()
        if (request.content_type or "").partition(";")[0].strip() not in TABLES:
            raise UnsupportedMediaType(request.content_type or "")
        body = request._request.body
        return self.taken(services.upload_answers(type=self.document_type.code, name="answers", body=body, by=acting.actor(), at=clock.now()))


class Report(Tables):
    def get(self, request: Request, uid: str) -> HttpResponse:
        Parameters(request, ()).done()
        row = self.found(uid)
        return self.table(selectors.bulk_report(row, selectors.bulk_rows(id=row["id"])), f"{self.document_type.collection}-report", reported=True)


def _of(view: type, document_type: DocumentType, needs: Mapping[str, str]) -> Any:
    title = "".join(part.title() for part in document_type.code.split("_"))
    return type(f"{title}{view.__name__}", (view,), {"document_type": document_type, "needs": {**needs}})


def routes(document_type: DocumentType) -> list[URLPattern]:
    """The routes of a type: those of the table where it has a move that answers lines, those of many where a move can be made on many."""
    answering = services.answering_move(document_type)
    if answering is None:
        return []
    code, base, label = document_type.code, document_type.collection, document_type.label_plural
    see = {"get": f"{code}.view", "head": f"{code}.view"}
    answer = {"get": f"{code}.view", "head": f"{code}.view", "post": f"{code}.{answering.code}"}
    shared: dict[str, Any] = {"tags": [base]}

    def many(id: str, words: Any, **more: Any) -> Any:
        return operation(f"{code}_{id}", format_lazy("{documents}: {words}", documents=label, words=words), **{**shared, **more})

    files = {(200, kind): OpenApiTypes.BINARY for kind in TABLES}
    table = extend_schema_view(
        get=many("answers_table", _("what waits for answers, as a table"), answers=files, refused=[406, 422],
                 description=_("A row for each date of each line. Fill in the answers and send it back; headings may be in any language of ours.")),
        post=many("answers_upload", _("answer by a table"), answers={202: BulkWhole}, body=dict.fromkeys(TABLES, OpenApiTypes.BINARY), writes=True,
                  description=_("It is checked in the background, row by row; nothing is said before “run”.")),
    )(_of(AnswerTable, document_type, answer))  # fmt: skip
    listed = extend_schema_view(
        get=many("bulk_list", _("what was done to many at once"), answers={200: page_of("Bulk", BulkHead)}, refused=[422], parameters=paging(list(BY))),
        post=many("bulk_start", _("one move on many"), answers={202: BulkWhole}, body=BulkAsked, refused=[404], writes=True,
                  description=_("Each for itself, in the background; what could not be done is told with its reason.")),
    )(_of(Bulks, document_type, answer))  # fmt: skip
    one = extend_schema_view(
        get=many("bulk_read", _("how far it is, and what became of each"), answers={200: BulkWhole}, refused=[404, 422], parameters=[UID])
    )(_of(OneBulk, document_type, see))
    run = extend_schema_view(
        post=many("bulk_run", _("say what was checked"), answers={202: BulkWhole}, body=BulkRun, refused=[404], writes=True, parameters=[UID])
    )(_of(Run, document_type, answer))
    stop = extend_schema_view(
        post=many("bulk_stop", _("stop, or discard what was checked"), answers={202: BulkWhole}, refused=[404], writes=True, parameters=[UID])
    )(_of(Stop, document_type, answer))
    report = extend_schema_view(
        get=many("bulk_report", _("the table, with what became of each row"), answers=files, refused=[404, 406, 422], parameters=[UID])
    )(_of(Report, document_type, see))
    each = f"{base}/bulk/<str:uid>/"
    return [
        *both(f"{base}/answers/", table.as_view(), f"api-{code}-answers"),
        *both(f"{base}/bulk/", listed.as_view(), f"api-{code}-bulk"),
        *both(each, one.as_view(), f"api-{code}-bulk-one"),
        *both(f"{each}run/", run.as_view(), f"api-{code}-bulk-run"),
        *both(f"{each}stop/", stop.as_view(), f"api-{code}-bulk-stop"),
        *both(f"{each}report/", report.as_view(), f"api-{code}-bulk-report"),
    ]
