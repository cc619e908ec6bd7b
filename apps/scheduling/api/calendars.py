"""REST for calendars: the week, holidays, closures and extra shifts."""

from collections.abc import Mapping
from typing import Any

from django.http import Http404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from apps.base import acting, clock
from apps.base.api import ApiView, given, uuid_of
from apps.base.describing import may_be, moment, operation, page_of, parameter, shape, text, uid, yes
from apps.base.inputs import Parameters, check_names
from apps.base.paging import everything
from apps.scheduling import models, selectors, services
from apps.scheduling.api.resources import NEEDS
from apps.scheduling.services.calendaring import CALENDAR_COLUMNS, WEEK, said_week

BODY: Mapping[str, Any] = {**dict.fromkeys(CALENDAR_COLUMNS), "closures": [dict.fromkeys(("starts_at", "ends_at", "reason", "working"))]}

_DAY = _("The shifts of the day, “06:00-14:00, 22:00-06:00”: one that ends before it starts ends on the next day; empty: free.")
_SAID: Mapping[str, tuple[Any, Any]] = {
    "code": (text, _("Your own short name of it.")),
    "name": (text, ""),
    "time_zone": (text, _("Of the IANA database, as “Europe/Berlin”; your enterprise's own where it is not said.")),
    "country": (text, _("Whose public holidays are free, ISO 3166-1; empty: holidays are worked.")),
    "subdivision": (text, _("The part of the country, as “BY” for Bavaria.")),
    **dict.fromkeys(WEEK, (text, _DAY)),
}
ClosureShape = shape("Closure", starts_at=moment(), ends_at=moment(), reason=text(), working=yes(_("An extra shift, worked even on a holiday.")))
ClosureEntered = shape("ClosureEntered", starts_at=moment(), ends_at=moment(), reason=may_be(text), working=may_be(yes))
_CLOSURES = _("Times without work, and extra shifts: all of them.")
CalendarShape = shape(
    "Calendar", uid=uid(), **{name: make(help) for name, (make, help) in _SAID.items()}, closures=ClosureShape(many=True, help_text=_CLOSURES)
)
CalendarEntered = shape(
    "CalendarEntered",
    **{name: make(help) if name in ("code", "name") else may_be(make, help) for name, (make, help) in _SAID.items()},
    closures=ClosureEntered(many=True, required=False, help_text=_CLOSURES),
)
CalendarChanged = shape(
    "CalendarChanged",
    **{name: may_be(make, help) for name, (make, help) in _SAID.items()},
    closures=ClosureEntered(many=True, required=False, help_text=_CLOSURES),
)
UID = parameter("uid", _("The calendar's uid."), kind=OpenApiTypes.UUID, place=OpenApiParameter.PATH)


def told(row: models.Calendar) -> dict[str, Any]:
    """A calendar as JSON."""
    named = {name: getattr(row, name) for name in ("code", "name", "time_zone", "country", "subdivision")}
    closures = [{name: getattr(one, name) for name in ("starts_at", "ends_at", "reason", "working")} for one in row.closures.all()]
    return {"uid": row.pk, **named, **said_week((shift.weekday, shift.starts, shift.ends) for shift in row.shifts.all()), "closures": closures}


def _row(uid: str) -> models.Calendar:
    row = selectors.calendar(id=uuid_of(uid))
    if row is None:
        raise Http404
    return row


@extend_schema_view(
    get=operation("calendar_list", _("Calendars: list"), tags=["calendars"], answers={200: page_of("Calendar", CalendarShape)}),
    post=operation(
        "calendar_enter",
        _("Calendars: enter one"),
        tags=["calendars"],
        answers={201: CalendarShape},
        body=CalendarEntered,
        writes=True,
        example={"code": "TWO-SHIFTS", "name": "Two shifts", "country": "DE", "monday": "06:00-14:00, 14:00-22:00", "friday": "06:00-14:00"},
    ),
)
class CalendarCollection(ApiView):
    needs = NEEDS

    def get(self, request: Request) -> Response:
        Parameters(request, ()).done()
        return Response(everything([told(row) for row in selectors.calendars()]))

    def post(self, request: Request) -> Response:
        check_names(given(request), BODY)
        saved = services.save_calendar(**given(request), by=acting.actor(), at=clock.now())
        return Response(told(_row(str(saved.pk))), status=201)


@extend_schema_view(
    get=operation("calendar_read", _("Calendar: read"), tags=["calendars"], answers={200: CalendarShape}, refused=[404], parameters=[UID]),
    patch=operation(
        "calendar_change",
        _("Calendar: change"),
        tags=["calendars"],
        answers={200: CalendarShape},
        body=CalendarChanged,
        refused=[404],
        writes=True,
        parameters=[UID],
        description=_("Resources that work by it change with it: what they have planned is planned anew."),
        example={"saturday": "06:00-12:00"},
    ),
    delete=operation("calendar_remove", _("Calendar: remove"), tags=["calendars"], answers={204: None}, refused=[404, 422], parameters=[UID]),
)
class CalendarDetail(ApiView):
    needs = NEEDS

    def get(self, request: Request, uid: str) -> Response:
        return Response(told(_row(uid)))

    def patch(self, request: Request, uid: str) -> Response:
        row = _row(uid)
        check_names(given(request), BODY)
        services.save_calendar(id=row.pk, **given(request), by=acting.actor(), at=clock.now())
        return Response(told(_row(uid)))

    def delete(self, request: Request, uid: str) -> Response:
        services.remove_calendar(id=_row(uid).pk, by=acting.actor(), at=clock.now())
        return Response(status=204)
