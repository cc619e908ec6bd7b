"""Messages for the tests: our own few, and how to take one apart for a comparison."""

from pathlib import Path
from typing import Any

from lxml import etree

from apps.exchange import formats
from apps.exchange.formats import Finding, Message, Party

XML = "application/xml"
WRITTEN = Path(__file__).parent / "written"
CAC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2}"
CBC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2}"

BUYER = Party(endpoints=(("0088", "7300010000001"), ("0007", "5541277710")), name="Aurora Cooling", country="SE")
SELLER = Party(endpoints=(("0192", "987654325"),), name="Boreal Compressors", country="NO")

# Every document of the shared data that is to be taken.
REAL = (
    "peppol/scenarios/post-award/Advanced_Ordering_scenarios/advanced_ordering_sc1/OrderCancellation_sc1.xml",
    "peppol/scenarios/post-award/Advanced_Ordering_scenarios/advanced_ordering_sc1/OrderChange_sc1.xml",
    "peppol/scenarios/post-award/OrderChange_Example.xml",
    "ubl/oasis-examples/UBL-OrderCancellation-2.1-Example.xml",
    "ubl/oasis-examples/UBL-OrderChange-2.1-Example.xml",
    "peppol/scenarios/post-award/Advanced_Ordering_scenarios/advanced_ordering_sc1/OrderResponse_sc1.xml",
    "peppol/scenarios/post-award/Advanced_Ordering_scenarios/advanced_ordering_sc1/Order_sc1.xml",
    "peppol/scenarios/post-award/Order-response_use_cases/UC2_Order_response.xml",
    "peppol/scenarios/post-award/Order-response_use_cases/UC3_Order_response.xml",
    "peppol/scenarios/post-award/Order-response_use_cases/UC4_Order_response.xml",
    "peppol/scenarios/post-award/OrderResponseAdvanced_Example.xml",
    "peppol/scenarios/post-award/Order_Example.xml",
    "peppol/scenarios/post-award/Order_use_cases/UC1_Order.xml",
    "peppol/scenarios/post-award/Order_use_cases/UC2_Order.xml",
    "peppol/scenarios/post-award/Order_use_cases/UC3_Order.xml",
    "peppol/scenarios/post-award/Order_use_cases/UC5_Order.xml",
    "peppol/scenarios/post-award/Order_use_cases/UC6_Order.xml",
    "ubl/oasis-examples/UBL-Order-2.1-Example.xml",
    "ubl/oasis-examples/UBL-OrderResponse-2.1-Example.xml",
    "ubl/oasis-examples/UBL-OrderResponseSimple-2.1-Example.xml",
    "ubl/oasis-validation/order-test-good.xml",
    "ubl/phax-testfiles/order/BII03_Order_example_01.xml",
    "ubl/phax-testfiles/order/CENBII-Order-minimal.xml",
    "ubl/phax-testfiles/orderresponsesimple/CENBII-AcceptOrder-maximal.xml",
    "ubl/phax-testfiles/orderresponsesimple/CENBII-AcceptOrder-minimal.xml",
    "ubl/phax-testfiles/orderresponsesimple/CENBII-RejectOrder-maximal.xml",
)
# A refusal without a finding would pass for a message that is taken.
NOTHING_SAID = Finding(rule="", place="", text="", mend="")
BAD_MODEL = "ubl/oasis-validation/order-test-bad-model.xml"


def written(name: str) -> bytes:
    return (WRITTEN / name).read_bytes()


def write(message: Message, content: dict[str, Any] | None = None) -> bytes:
    """The message (or another content in its stead) written for its own parties."""
    content = message.content if content is None else content
    return formats.write(message.kind, content, buyer=message.buyer, seller=message.seller, media_type=XML)


def findings(body: bytes) -> list[Finding]:
    """The findings for which `body` is refused; none where it is taken."""
    try:
        formats.read(body, XML)
    except formats.Refused as refused:
        return refused.findings or [NOTHING_SAID]
    return []


def rules(body: bytes) -> list[str]:
    return [finding.rule for finding in findings(body)]


def canonical(root: etree._Element) -> Any:
    """The document as docs/formats.md compares it: names, order, attributes and values, white space apart."""
    return (
        root.tag,
        (root.text or "").strip(),
        sorted((name, " ".join(str(value).split())) for name, value in root.attrib.items()),
        [canonical(child) for child in root if isinstance(child.tag, str) and not _left_out(child)],
    )


def _left_out(element: etree._Element) -> bool:
    return str(element.tag).endswith("}UBLExtensions") or element.tag == f"{CAC}Signature"


def order(**changes: Any) -> dict[str, Any]:
    """An order as REST makes one: no details."""
    return {
        "number": "PO-1",
        "issued_on": "2027-01-04",
        "currency": "EUR",
        "lines": [
            {
                "line": 1,
                "reference": "1",
                "buyer_item": "A-100",
                "name": "Compressor 90 W",
                "quantity": "40",
                "unit": "C62",
                "price": "81.50",
                "schedules": [{"quantity": "40", "due_on": "2027-01-15"}],
            }
        ],
        **changes,
    }


def response(**changes: Any) -> dict[str, Any]:
    """A response as REST makes one: a split with a new price."""
    return {
        "number": "R-1",
        "issued_on": "2027-01-05",
        "code": "CA",
        "order_number": "PO-1",
        "currency": "EUR",
        "lines": [
            {
                "reference": "1",
                "response": "change",
                "name": "Compressor 90 W",
                "quantity": "40",
                "unit": "C62",
                "price": "83.00",
                "reason": "Short of copper",
                "schedules": [
                    {"quantity": "15", "due_on": "2027-01-15"},
                    {"quantity": "25", "due_on": "2027-02-20"},
                ],
            }
        ],
        **changes,
    }
