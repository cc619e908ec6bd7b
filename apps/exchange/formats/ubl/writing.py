"""From content to bytes. What is written is judged as what is read: we send nothing that we would refuse."""

from typing import Any, Final

from lxml import etree

from apps.exchange.formats.messages import PartyLike, Refused
from apps.exchange.formats.ubl import changes, model, orders, responses, tree
from apps.exchange.formats.ubl.reading import judge

_DATA: Final = {"order": orders.data, "order_response": responses.data, "order_change": changes.data, "order_cancellation": changes.cancellation_data}
_DOCUMENTS: Final = {"order": "Order", "order_change": changes.CHANGE.document, "order_cancellation": changes.CANCELLATION}


def write(kind: str, content: dict[str, Any], *, buyer: PartyLike, seller: PartyLike) -> bytes:
    """The document of this kind in UTF-8 (of an answer the OrderResponseSimple where the content was read from one).

    A content that was not read from a message becomes Peppol BIS Ordering 3. Raises `Refused` where `content` does not
    suffice for a valid document (details for which UBL has no place included), ValueError for an unknown `kind`.
    """
    if kind not in _DATA:
        raise ValueError(kind)
    said = _said(content)
    document = _DOCUMENTS.get(kind) or responses.document(said)
    made = _DATA[kind](said, buyer, seller)
    root = _root(document, made.pop("schema_location", None))
    tree.fill(root, made, model.aggregate(document))
    etree.indent(root)
    findings = list(judge(root, document))
    if findings:
        raise Refused(findings)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _said(content: tree.Data) -> tree.Data:
    """The content without what is None, and without the number that we made for a message that had none."""
    details = dict(content.get("details") or {})
    made = details.pop("number_made", None)
    lines = [_present(line) for line in content["lines"]]
    said = {**_present(content), "details": details, "lines": lines}
    if not made or made["value"] != content["number"]:
        return said
    # The element was there and empty, or was not there at all.
    return {**said, "number": ""} if made["element"] else {key: value for key, value in said.items() if key != "number"}


def _present(line: tree.Data) -> tree.Data:
    said = {key: value for key, value in line.items() if value is not None}
    if "schedules" in said:
        said["schedules"] = [_present(schedule) for schedule in said["schedules"]]
    return said


def _root(document: str, location: str | None) -> etree._Element:
    namespace = model.DOCUMENT % document
    spaces: dict[Any, str] = {None: namespace, "cac": model.CAC, "cbc": model.CBC}
    if location:
        spaces["xsi"] = model.XSI
    root = etree.Element(f"{{{namespace}}}{document}", nsmap=spaces)
    if location:
        root.set(f"{{{model.XSI}}}schemaLocation", location)
    return root
