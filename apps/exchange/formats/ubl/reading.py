"""From bytes to a message: parse, judge everything, and only then map."""

import hashlib
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import Final

from django.utils.translation import gettext as _
from lxml import etree

from apps.exchange.formats.messages import Finding, Message, Refused
from apps.exchange.formats.ubl import changes, model, orders, parties, responses, rules, safety, tree, values

MOST_FINDINGS: Final = 200

Rules = Callable[[etree._Element], Iterator[Finding]]

_RULES: Final[dict[str, Rules]] = {
    "Order": rules.order,
    responses.FULL: rules.response,
    responses.SIMPLE: rules.response,
    changes.CHANGE.document: rules.change,
    changes.CANCELLATION: rules.cancellation,
}
# What each document is in the content's words, and how its data become content.
_KINDS: Final[dict[str, tuple[str, Callable[[tree.Data], tree.Data]]]] = {
    "Order": ("order", orders.content),
    responses.FULL: ("order_response", partial(responses.content, document=responses.FULL)),
    responses.SIMPLE: ("order_response", partial(responses.content, document=responses.SIMPLE)),
    changes.CHANGE.document: ("order_change", changes.content),
    changes.CANCELLATION: ("order_cancellation", changes.cancellation),
}


def read(body: bytes) -> Message:
    """Read an Order, an answer to one, a change or a cancellation of one. Raises `Refused` with up to `MOST_FINDINGS` findings."""
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
        text=_("This is no UBL order, and nothing that is said of one, but %(name)s.") % {"name": str(root.tag)[:200]},
        mend=_("Send an Order, OrderResponse, OrderResponseSimple, OrderChange or OrderCancellation of UBL 2, in its namespace."),
    )
    raise Refused([finding])


def _message(data: tree.Data, document: str, digest: str) -> Message:
    buyer, seller = parties.read(data["buyer"]), parties.read(data["seller"])
    customization = data.get("customization", "")
    kind, of = _KINDS[document]
    content = of(data)
    if not content.get("number"):
        # Some messages leave their number empty; one that follows from the bytes shows when they come twice.
        content["details"]["number_made"] = {"value": digest, "element": "number" in content}
        content["number"] = digest
    return Message(
        kind=kind,
        number=content["number"],
        buyer=buyer,
        seller=seller,
        content=content,
        customization=tree.leaf_text(customization),
    )
