"""The calendars: the week, holidays, closures and extra shifts."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from apps.base import acting, clock
from apps.base.pages import in_home, need
from apps.scheduling import models, selectors, services
from apps.scheduling.forms import CalendarForm, ClosureForm
from apps.scheduling.services.calendaring import WEEK, said_week
from apps.scheduling.views.entering import form_page, removal
from apps.scheduling.views.plan import frame


def _week(calendar: models.Calendar) -> dict[str, str]:
    return said_week((shift.weekday, shift.starts, shift.ends) for shift in calendar.shifts.all())


@in_home
@require_safe
def calendars(request: HttpRequest) -> HttpResponse:
    """All calendars, each with its week, what comes, and how many resources work by it."""
    need("schedule.view")
    may_change = acting.actor().may("schedule.change")
    today, language = timezone.localdate(), (get_language() or "en")[:2]
    rows = [
        {
            "calendar": calendar,
            "week": list(zip((_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun")), _week(calendar).values(), strict=True)),
            "closures": [_closure(closure, may_change) for closure in calendar.closures.all() if closure.ends_at > clock.now()],
            "holidays": selectors.next_holidays(calendar, on=today, language=language, most=4),
            "edit_url": reverse("calendar_edit", args=[calendar.pk]) if may_change else "",
            "closure_url": reverse("closure_new", args=[calendar.pk]) if may_change else "",
        }
        for calendar in selectors.calendars()
    ]
    context = {"tabs": frame("calendars"), "rows": rows, "new_url": reverse("calendar_new") if may_change else ""}
    return render(request, "schedule/calendars.html", context)


def _closure(closure: models.Closure, may_change: bool) -> dict[str, Any]:
    return {"closure": closure, "remove_url": reverse("closure_remove", args=[closure.pk]) if may_change else ""}


def _calendar(id: uuid.UUID) -> models.Calendar:
    found = selectors.calendar(id=id)
    if found is None:
        raise Http404
    return found


@in_home
@require_http_methods(["GET", "POST"])
def new_calendar(request: HttpRequest) -> HttpResponse:
    """Enter a calendar; two shifts from Monday to Friday are proposed."""
    need("schedule.change")
    usual = dict.fromkeys(WEEK[:5], "06:00-14:00, 14:00-22:00")
    form = CalendarForm(request.POST) if request.method == "POST" else CalendarForm(initial={"time_zone": acting.home().time_zone, **usual})
    return _page(request, form, None, _("New calendar"))


@in_home
@require_http_methods(["GET", "POST"])
def edit_calendar(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Change a calendar."""
    need("schedule.change")
    row = _calendar(id)
    initial = {**{name: getattr(row, name) for name in ("code", "name", "time_zone", "country", "subdivision")}, **_week(row)}
    form = CalendarForm(request.POST) if request.method == "POST" else CalendarForm(initial=initial)
    return _page(request, form, id, row.name, remove_url=reverse("calendar_remove", args=[id]))


def _page(request: HttpRequest, form: CalendarForm, id: uuid.UUID | None, heading: str, **context: Any) -> HttpResponse:
    def save(given: Mapping[str, Any]) -> None:
        services.save_calendar(**given, **({"id": id} if id else {}), by=acting.actor(), at=clock.now())

    return form_page(request, form, save=save, heading=heading, back_url=reverse("calendars"), back_label=_("Calendars"), **context)


@in_home
@require_http_methods(["GET", "POST"])
def remove_calendar(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Take a calendar away, after a question."""
    need("schedule.change")
    return removal(
        request,
        remove=lambda: services.remove_calendar(id=id, by=acting.actor(), at=clock.now()),
        question=_("Take %(code)s off the list?") % {"code": _calendar(id).code},
        consequence=_("Nothing may work by it any more."),
        back_url=reverse("calendars"),
        back_label=_("Calendars"),
    )


@in_home
@require_http_methods(["GET", "POST"])
def new_closure(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Close a calendar for a time, or enter an extra shift."""
    need("schedule.change")
    row = _calendar(id)
    form = ClosureForm(request.POST) if request.method == "POST" else ClosureForm()

    def save(given: Mapping[str, Any]) -> None:
        services.save_closure(calendar=row.pk, **given, by=acting.actor(), at=clock.now())

    heading = _("Closure or extra shift: %(calendar)s") % {"calendar": row.name}
    return form_page(request, form, save=save, heading=heading, back_url=reverse("calendars"), back_label=_("Calendars"))


@in_home
@require_http_methods(["GET", "POST"])
def remove_closure(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Take a closure or an extra shift away, after a question."""
    need("schedule.change")
    row = selectors.closure(id=id)
    if row is None:
        raise Http404
    return removal(
        request,
        remove=lambda: services.remove_closure(id=id, by=acting.actor(), at=clock.now()),
        question=_("Take this time off the calendar %(calendar)s?") % {"calendar": row.calendar.code},
        consequence=_("Resources that work by it change with it: what they have planned is planned anew."),
        back_url=reverse("calendars"),
        back_label=_("Calendars"),
    )
