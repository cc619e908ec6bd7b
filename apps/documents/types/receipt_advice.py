"""The receipt advice: what of a delivery came, and what of it was taken (Peppol Receipt Advice, UBL 2.1 ReceiptAdvice)."""

from apps.base.text import Text
from apps.documents.vocabulary import DocumentType, Move, Side, State

BUYER: frozenset[Side] = frozenset(["buyer"])

RECEIPT_ADVICE = DocumentType(
    code="receipt_advice",
    collection="receipt-advices",
    label=Text("Receipt advice", "收货通知"),
    label_plural=Text("Receipt advices", "收货通知"),
    issuer="buyer",
    draft="draft",
    dated=False,
    priced=False,
    ordered=False,
    link="receives",
    own_entry=True,
    side_labels={"buyer": Text("Receipt of ours", "我方收货"), "seller": Text("Receipt at the customer", "客户收货")},
    states=(
        State(code="draft", label=Text("Being received", "收货中"), tone="neutral", icon="package-import", waits_for="buyer"),
        State(code="sent", label=Text("Received", "已收货"), tone="good", icon="checks", final=True, counted=True),
        State(code="discarded", label=Text("Discarded", "已作废"), tone="neutral", icon="ban", final=True),
    ),
    moves=(
        Move(
            code="send",
            label=Text("Send", "发送"),
            past="sent",
            event=Text("said what was received", "告知了收货情况"),
            sides=BUYER,
            before=frozenset(["draft"]),
            to="sent",
            effect="ask",
            message="receipt_advice",
            tone="good",
            icon="checks",
        ),
        Move(
            code="discard",
            label=Text("Discard", "作废"),
            past="discarded",
            event=Text("discarded the receipt", "作废了收货记录"),
            sides=BUYER,
            before=frozenset(["draft"]),
            to="discarded",
            crosses=False,
            confirm=Text("Discard this receipt? Nothing of it was sent.", "确定作废该收货记录？其内容尚未发送。"),
            tone="bad",
            icon="ban",
        ),
    ),
)
