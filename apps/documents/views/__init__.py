"""The pages of documents, of whatever type: each is derived from its declaration."""

from apps.documents.views.entering import edit, new
from apps.documents.views.listing import document_list, export, first_list, forget_view, save_view
from apps.documents.views.moving import move
from apps.documents.views.reading import attach, attachment, document, message, original, part, write

__all__ = [
    "attach",
    "attachment",
    "document",
    "document_list",
    "edit",
    "export",
    "first_list",
    "forget_view",
    "message",
    "move",
    "new",
    "original",
    "part",
    "save_view",
    "write",
]
