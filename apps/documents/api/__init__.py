"""REST for documents, derived from their declarations: collections, moves, steps, threads, files, and answers as documents."""

from django.urls import URLPattern

from apps.base.describing import both
from apps.documents.api import bulking, describing, scoring
from apps.documents.types import TYPES
from apps.documents.vocabulary import DocumentType

__all__ = ["routes"]


def routes() -> list[URLPattern]:
    """Every route of every type, and of what is counted over documents."""
    return [*scoring.routes(), *(route for document_type in TYPES.values() for route in _of(document_type))]


def _of(document_type: DocumentType) -> list[URLPattern]:
    shapes = describing.Shapes(document_type)
    base, name = document_type.collection, document_type.code
    one = f"{base}/<str:uid>/"
    # Before the routes of one document: no uid reads like their names.
    found = [
        *bulking.routes(document_type),
        *both(f"{base}/", describing.collection(document_type, shapes).as_view(), f"api-{name}-list"),
        *both(one, describing.detail(document_type, shapes).as_view(), f"api-{name}"),
        *both(f"{one}steps/", describing.steps(document_type).as_view(), f"api-{name}-steps"),
        *both(f"{one}thread/", describing.thread(document_type).as_view(), f"api-{name}-thread"),
        *both(f"{one}attachments/", describing.attachments(document_type).as_view(), f"api-{name}-attachments"),
        *both(f"{one}attachments/<str:attachment>/", describing.attachment(document_type).as_view(), f"api-{name}-attachment"),
    ]
    for move in document_type.moves:
        found += both(f"{one}moves/{move.code}/", describing.moved(document_type, shapes, move).as_view(), f"api-{name}-{move.code}")
    found += both(f"{one}moves/<str:move>/", describing.unknown_move(document_type).as_view(), f"api-{name}-move")
    for collection in document_type.answers:
        listed, read = describing.answers(document_type, collection)
        found += [*both(f"{collection}/", listed.as_view(), f"api-{collection}-list"), *both(f"{collection}/<str:uid>/", read.as_view(), f"api-{collection}")]
    return found
