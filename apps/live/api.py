"""REST for the feed: everything that happened to the caller's documents, without gaps."""

from django.urls import URLPattern
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from apps.base.api import ApiView
from apps.base.describing import both, moment, operation, parameter, shape, text, uid, yes
from apps.base.findings import refuse
from apps.base.inputs import Parameters
from apps.documents import selectors as documents
from apps.live import selectors

LIMIT, MOST = 100, 500

Named = shape("DocumentNamed", type=text(), uid=uid(), number=text())
Event = shape(
    "Event",
    cursor=text(gettext_lazy("The place behind this event.")),
    at=moment(),
    event=text(gettext_lazy("The type of the document and what happened, as “order.confirmed”.")),
    document=Named(),
    by=text(gettext_lazy("Who.")),
    partner=text(gettext_lazy("The other enterprise of the document, by its short name.")),
    own=yes(gettext_lazy("Whether it was done here, and not by the partner.")),
)
Events = shape("Events", results=Event(many=True), cursor=text(gettext_lazy("Say it as “after” to get what comes next.")))


@extend_schema_view(
    get=operation(
        "event_list",
        gettext_lazy("Events: what happened after a cursor"),
        tags=["events"],
        answers={200: Events},
        refused=[422],
        parameters=[
            parameter("after", gettext_lazy("The cursor of the last event that you have; from the beginning where it is not said.")),
            parameter("limit", gettext_lazy("How many at most, 1 to 500; 100 where it is not said."), kind=OpenApiTypes.INT),
        ],
        description=gettext_lazy("Gap-free and in an order that never changes. With the last cursor you go on where you stopped, after whatever time."),
    )
)
class EventCollection(ApiView):
    def get(self, request: Request) -> Response:
        parameters = Parameters(request, ("after", "limit"))
        after, limit = parameters.text("after"), parameters.number("limit", low=1, high=MOST, default=LIMIT)
        parameters.done()
        try:
            found = selectors.events(after=after or documents.START, limit=limit)
        except documents.BadCursor as error:
            raise refuse("/after", "cursor", _("This feed never gave this cursor. Leave it out to begin from the start.")) from error
        return Response({"results": found.bodies, "cursor": found.cursor})


def routes() -> list[URLPattern]:
    """Every route of the feed."""
    return both("events/", EventCollection.as_view(), "api-events")
