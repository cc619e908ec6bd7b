"""REST for standard messages: the inbox."""

from typing import Any

from django.urls import URLPattern
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from apps.base import acting, clock
from apps.base.api import ApiView
from apps.base.describing import both, operation, shape, text, uid
from apps.exchange import formats, services
from apps.exchange.services import Received

Taken = shape(
    "Taken",
    type=text(
        _("The type of the document: “order”; or “order_response”, “order_change”, “order_cancellation” for what is said of one as a document of its own.")
    ),
    uid=uid(),
    number=text(),
    state=text(_("The state of the order now.")),
    move=text(_("The move by which the message made or moved it.")),
)
InboxAnswer = shape(
    "InboxAnswer",
    kind=text(_("What the message is: “order”, “order_response”, “order_change”, “order_cancellation”.")),
    number=text(_("Its own number.")),
    documents=Taken(many=True),
)


def told(received: Received) -> dict[str, Any]:
    """What a message did, as JSON."""
    moved = {"state": received.state, "move": received.move}
    documents = [{"type": "order", "uid": received.document, "number": received.order_number, **moved}]
    if received.kind != "order":
        documents.append({"type": received.kind, "uid": received.step, "number": received.number, **moved})
    return {"kind": received.kind, "number": received.number, "documents": documents}


@extend_schema_view(
    post=operation(
        "inbox",
        _("Inbox: send a standard message"),
        tags=["inbox"],
        answers={201: InboxAnswer},
        body=dict.fromkeys(formats.MEDIA_TYPES, OpenApiTypes.BINARY),
        writes=True,
        description=_(
            "A UBL Order (2.0 to 2.4, Peppol BIS) of yours is published; an OrderResponse of yours answers the order that it names, "
            "an OrderChange or OrderCancellation of yours changes or cancels it. "
            "The parties are found by their electronic addresses. The message is taken whole or not at all, and kept byte for byte. "
            "Each finding says the rule, the place in the message, and what would mend it."
        ),
    )
)
class Inbox(ApiView):
    def post(self, request: Request) -> Response:
        body = request._request.body
        received = services.receive(body=body, media_type=request.content_type or "", by=acting.actor(), at=clock.now())
        return Response(told(received), status=201)


def routes() -> list[URLPattern]:
    """Every route for standard messages."""
    return both("inbox/", Inbox.as_view(), "api-inbox")
