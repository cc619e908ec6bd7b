"""Every document type, by its code. A new one is one file and one line here."""

from apps.documents.types.despatch_advice import DESPATCH_ADVICE
from apps.documents.types.order import ORDER
from apps.documents.types.promise import PROMISE
from apps.documents.types.receipt_advice import RECEIPT_ADVICE
from apps.documents.vocabulary import DocumentType

_ALL = (ORDER, PROMISE, DESPATCH_ADVICE, RECEIPT_ADVICE)

TYPES: dict[str, DocumentType] = {}
COLLECTIONS: dict[str, DocumentType] = {}


class FaultyType(ValueError):
    """A declaration that contradicts itself."""


def register(document_type: DocumentType) -> None:
    """Make a type known. Refuses a faulty declaration, and a code that is taken."""
    faults = document_type.faults()
    if document_type.code in TYPES or document_type.collection in COLLECTIONS:
        faults.append(f"{document_type.code}: declared twice")
    if faults:
        raise FaultyType("; ".join(faults))
    TYPES[document_type.code] = document_type
    COLLECTIONS[document_type.collection] = document_type


for _type in _ALL:
    register(_type)
