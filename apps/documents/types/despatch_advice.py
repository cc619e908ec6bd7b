"""The despatch advice: what was shipped, in which units (Peppol Advanced Despatch Advice, UBL 2.1 DespatchAdvice), until it is received."""

from apps.base.text import Text
from apps.documents.vocabulary import DocumentType, Move, Side, State

BUYER: frozenset[Side] = frozenset(["buyer"])
SELLER: frozenset[Side] = frozenset(["seller"])

DESPATCH_ADVICE = DocumentType(
    code="despatch_advice",
    collection="despatch-advices",
    label=Text("Despatch advice", "发货通知"),
    label_plural=Text("Despatch advices", "发货通知"),
    issuer="seller",
    draft="draft",
    dated=False,
    priced=False,
    ordered=False,
    link="ships",
    own_entry=True,
    side_labels={"buyer": Text("Incoming delivery", "到货"), "seller": Text("Delivery of ours", "我方发货")},
    states=(
        State(code="draft", label=Text("Being packed", "装箱中"), tone="neutral", icon="package", waits_for="seller"),
        State(code="shipped", label=Text("On the way", "在途"), tone="info", icon="truck-delivery", waits_for="buyer", counted=True),
        State(code="received", label=Text("Received", "已收货"), tone="good", icon="package-import", final=True, counted=True),
        State(code="cancelled", label=Text("Cancelled", "已取消"), tone="bad", icon="ban", final=True),
    ),
    moves=(
        Move(
            code="ship",
            label=Text("Ship", "发货"),
            past="shipped",
            event=Text("shipped the goods", "发出了货物"),
            sides=SELLER,
            before=frozenset(["draft"]),
            to="shipped",
            effect="ask",
            message="despatch_advice",
            message_code="9",
            tone="good",
            icon="truck-delivery",
        ),
        Move(
            code="replace",
            label=Text("Replace", "更正"),
            past="replaced",
            event=Text("replaced the despatch advice", "更正了发货通知"),
            sides=SELLER,
            before=frozenset(["shipped"]),
            to="shipped",
            effect="restate",
            message="despatch_advice",
            message_code="5",
            form=True,
            icon="replace",
            weight=10,
            reason="optional",
        ),
        Move(
            code="receive",
            label=Text("Receive", "收货"),
            past="received",
            event=Text("received the goods", "收到了货物"),
            sides=BUYER,
            before=frozenset(["shipped"]),
            to="received",
            inner=True,
            icon="package-import",
            weight=30,
        ),
        Move(
            code="cancel",
            label=Text("Cancel the delivery", "取消发货"),
            past="cancelled",
            event=Text("cancelled the delivery", "取消了发货"),
            sides=SELLER,
            before=frozenset(["draft", "shipped"]),
            to="cancelled",
            message="despatch_advice",
            message_code="1",
            confirm=Text(
                "Cancel this delivery? The goods count as never shipped. This cannot be undone.", "确定取消该发货？货物将视为从未发出，此操作无法撤销。"
            ),
            tone="bad",
            icon="ban",
            weight=20,
            reason="optional",
        ),
    ),
)
