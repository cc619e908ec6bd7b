"""What the dock contributes: its types of documents, who may do what there, what lies in stock, and how a refusal is told."""

from django.utils.translation import gettext_lazy as _

from apps.base.problems import Problem
from apps.base.text import Text
from apps.documents.services import Moved, Owner, Panel
from apps.logistics.services import AlreadyReceived, DuplicateUnit, NoPrefix, NotEnough, OverDelivery
from apps.scheduling.services import Finished

_EVERYBODY = {"buyer", "seller", "planner", "dock", "viewer", "integration"}
# Shipping and receiving are the dock's work, beside the desk whose side it is.
PERMISSIONS = {
    "stock.view": _EVERYBODY,
    "stock.move": {"dock", "planner", "integration"},
    **{f"despatch_advice.{code}": {"dock", "integration"} for code in ("draft", "ship", "replace", "cancel")},
    **{f"receipt_advice.{code}": {"dock", "integration"} for code in ("draft", "send", "discard")},
}

REACTIONS = {Moved: ["apps.logistics.services.follow"], Finished: ["apps.logistics.services.produced"]}

OWNED = {
    "despatch_advice": Owner(
        enter="apps.logistics.services.despatching.enter",
        revise="apps.logistics.services.despatching.revise",
        make="apps.logistics.services.despatching.make",
        shapes="apps.logistics.api.advices.DESPATCH",
        tell="apps.logistics.api.advices.despatched",
        page="dock",
        move_pages={"replace": "dock_packing"},
        lines="dock/_despatched.html",
        show="apps.logistics.views.showing.despatched",
        css="css/dock.css",
    ),
    "receipt_advice": Owner(
        enter="apps.logistics.services.receiving.enter",
        shapes="apps.logistics.api.advices.RECEIPT",
        tell="apps.logistics.api.advices.received",
        page="dock_expected",
        lines="dock/_received.html",
        show="apps.logistics.views.showing.received",
        css="css/dock.css",
    ),
}

PANELS = {
    "order": [
        Panel(
            code="deliveries",
            template="dock/_deliveries.html",
            show="apps.logistics.views.showing.deliveries",
            permission="despatch_advice.view",
        )
    ]
}
MENU = [{"code": "dock", "label": Text("Dock", "收发货"), "url": "dock", "icon": "truck-delivery", "permission": "despatch_advice.view", "order": 25}]

# What scheduling asks: how much of which item is nobody's yet.
ON_HAND = ["apps.logistics.selectors.on_hand"]

PROBLEMS = {
    NotEnough: Problem(status=409, code="not-enough", title=_("There is not enough of it.")),
    OverDelivery: Problem(status=409, code="over-delivery", title=_("More would be shipped than is agreed.")),
    AlreadyReceived: Problem(status=409, code="not-receivable", title=_("This delivery cannot be received.")),
    DuplicateUnit: Problem(status=409, code="duplicate-unit", title=_("This SSCC stands for another unit.")),
    NoPrefix: Problem(status=409, code="no-prefix", title=_("Your enterprise has no GLN.")),
}
