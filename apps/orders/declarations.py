"""What the seller's desk contributes: what it reacts to, and what it adds to the page of an order."""

from apps.documents.services import Moved, Panel

REACTIONS = {Moved: ["apps.orders.services.react"]}
PANELS = {
    "order": [
        Panel(
            code="promised",
            template="orders/_promised.html",
            show="apps.orders.selectors.promised_panel",
            permission="promise.view",
            css="css/promises.css",
        ),
        Panel(
            code="impact",
            template="orders/_impact.html",
            show="apps.orders.services.impact_panel",
            permission="order.view",
            moves=frozenset({"cancel"}),
        ),
    ]
}
