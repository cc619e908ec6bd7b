"""From bytes to a message: parse, judge everything, and only then map."""

import hashlib
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final

from django.utils.translation import gettext as _
from lxml import etree

from apps.exchange.formats.messages import Finding, Message, Refused
from apps.exchange.formats.ubl import model, orders, parties, responses, rules, safety, tree, values

MOST_FINDINGS: Final = 200

Rules = Callable[[etree._Element], Iterator[Finding]]

_RULES: Final[dict[str, Rules]] = {
    "Order": rules.order,
    responses.FULL: rules.response,
    responses.SIMPLE: rules.response,
}


def read(body: bytes) -> Message:
    """Read an Order, OrderResponse or OrderResponseSimple. Raises `Refused` with up to `MOST_FINDINGS` findings."""
    root = safety.parse(body)
    document = _document(root)
    findings = list(islice(judge(root, document), MOST_FINDINGS))
    if findings:
        raise Refused(findings)
    data = tree.to_data(root, model.aggregate(document))
    location = root.get(f"{{{model.XSI}}}schemaLocation")
    if location:
        data["schema_location"] = " ".join(location.split())
    return _message(data, document, hashlib.sha256(body).hexdigest()[:12])


def judge(root: etree._Element, document: str) -> Iterator[Finding]:
    """Everything that speaks against the document, its structure first."""
    yield from model.check(root, values.check)
    yield from _RULES[document](root)


def _document(root: etree._Element) -> str:
    for document in _RULES:
        if root.tag == f"{{{model.DOCUMENT % document}}}{document}":
            return document
    finding = Finding(
        rule="UBL-ROOT",
        place=model.place(root),
        text=_("This is no UBL order and no answer to one, but %(name)s.") % {"name": str(root.tag)[:200]},
        mend=_("Send an Order, OrderResponse or OrderResponseSimple of UBL 2, in its namespace."),
    )
    raise Refused([finding])


def _message(data: tree.Data, document: str, digest: str) -> Message:
    buyer, seller = parties.read(data["buyer"]), parties.read(data["seller"])
    customization = data.get("customization", "")
    kind = "order" if document == "Order" else "order_response"
    content = orders.content(data) if document == "Order" else responses.content(data, document)
    if not content["number"]:
        # Some messages leave their number empty; one that follows from the bytes shows when they come twice.
        content["number"] = content["details"]["number_made"] = digest
    return Message(
        kind=kind,
        number=content["number"],
        buyer=buyer,
        seller=seller,
        content=content,
        customization=tree.leaf_text(customization),
    )
