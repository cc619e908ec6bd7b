"""What is entered about the works: when is worked, on what, and how things are made."""

import zoneinfo
from typing import Any

from babel import Locale
from django import forms
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from apps.base.worktime import known_countries
from apps.catalog import selectors as catalog
from apps.scheduling import selectors

_SHIFTS = _("“06:00-14:00, 14:00-22:00”; “22:00-06:00” ends on the next day. Empty: free.")


def _zones() -> list[tuple[str, str]]:
    return [(zone, zone) for zone in sorted(zoneinfo.available_timezones())]


def _countries() -> list[tuple[str, Any]]:
    names = Locale.parse("zh_Hans" if (get_language() or "").startswith("zh") else "en").territories
    known = sorted(((code, f"{names[code]} ({code})") for code in known_countries() if code in names), key=lambda pair: pair[1])
    return [("", _("none: holidays are worked")), *known]


def _sites() -> list[tuple[str, str]]:
    return [("", "–"), *((site.code, str(site)) for site in catalog.sites())]


def _calendars() -> list[tuple[str, str]]:
    return [("", "–"), *((calendar.code, str(calendar)) for calendar in selectors.calendars())]


def _shift_field(label: Any) -> forms.CharField:
    return forms.CharField(label=label, required=False, max_length=400)


def _minutes(label: Any, help: Any = "") -> forms.CharField:
    return forms.CharField(label=label, required=False, initial="0", max_length=10, help_text=help, widget=forms.TextInput(attrs={"inputmode": "numeric"}))


class CalendarForm(forms.Form):
    """A calendar: the week, and whose holidays are free."""

    code = forms.CharField(label=_("Code"), max_length=30)
    name = forms.CharField(label=_("Name"), max_length=200)
    time_zone = forms.ChoiceField(label=_("Time zone"), choices=_zones)
    country = forms.ChoiceField(label=_("Public holidays of"), choices=_countries, required=False)
    subdivision = forms.CharField(
        label=_("Part of the country"), max_length=6, required=False, help_text=_("As “BY” for Bavaria; empty: those of the whole country.")
    )
    monday = forms.CharField(label=_("Monday"), required=False, max_length=400, help_text=_SHIFTS)
    tuesday = _shift_field(_("Tuesday"))
    wednesday = _shift_field(_("Wednesday"))
    thursday = _shift_field(_("Thursday"))
    friday = _shift_field(_("Friday"))
    saturday = _shift_field(_("Saturday"))
    sunday = _shift_field(_("Sunday"))


def _moment_field(label: Any, help: Any = "") -> forms.DateTimeField:
    return forms.DateTimeField(label=label, help_text=help, widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"))


class ClosureForm(forms.Form):
    """A time without work, or an extra shift."""

    starts_at = _moment_field(_("From"))
    ends_at = _moment_field(_("Until"))
    reason = forms.CharField(label=_("Reason"), max_length=200, required=False)
    working = forms.BooleanField(label=_("An extra shift: it is worked, even on a holiday"), required=False)


class ResourceForm(forms.Form):
    """A machine, a person or a place."""

    code = forms.CharField(label=_("Code"), max_length=30)
    name = forms.CharField(label=_("Name"), max_length=200)
    name_zh = forms.CharField(label=_("Chinese name"), max_length=200, required=False, widget=forms.TextInput(attrs={"lang": "zh-Hans"}))
    calendar = forms.ChoiceField(label=_("Calendar"), choices=_calendars, help_text=_("When it works."))
    pool = forms.CharField(label=_("Pool"), max_length=30, required=False, help_text=_("The code of the group whose members can stand in for one another."))
    efficiency = forms.CharField(label=_("Efficiency, percent"), required=False, initial="100", max_length=20, help_text=_("At 50 a run takes twice its time."),
                                 widget=forms.TextInput(attrs={"inputmode": "decimal"}))  # fmt: skip
    site = forms.ChoiceField(label=_("Site"), choices=_sites, required=False)


class BreakForm(forms.Form):
    """A resource that is down."""

    until = _moment_field(_("Down until"), _("When it is thought to run again. Say it anew when you know better."))
    reason = forms.CharField(
        label=_("Reason"), max_length=200, required=False, help_text=_("For the people here. Customers learn that a machine is down, and no more.")
    )


class OperationForm(forms.Form):
    """A step of making an item."""

    item = forms.CharField(label=_("Item"), max_length=60, help_text=_("The number of the item that is made."))
    name = forms.CharField(label=_("Name"), max_length=200)
    name_zh = forms.CharField(label=_("Chinese name"), max_length=200, required=False, widget=forms.TextInput(attrs={"lang": "zh-Hans"}))
    pool = forms.CharField(
        label=_("Pool or resource"),
        max_length=30,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "list": "offered-items"}),
        help_text=_("The code of a pool or of one resource. Empty: it only takes time."),
    )
    setup = _minutes(_("Set-up, minutes"), _("Once a job."))
    run = forms.CharField(label=_("Run time a unit, minutes"), required=False, initial="0", max_length=1000,
                          help_text=_("A number, or a formula on the configuration such as if(height > 1800, 14, 11)."))  # fmt: skip
    condition = forms.CharField(label=_("Condition"), max_length=1000, required=False, help_text=_("When it is done, as colour = red. Empty: always."))
    lag = _minutes(_("Waiting after it, minutes"), _("Cooling, drying, transport: the next operation begins later."))
    position = forms.CharField(label=_("Position"), required=False, max_length=10, widget=forms.TextInput(attrs={"inputmode": "numeric"}),
                               help_text=_("Where it stands: 10, 20 … Empty: at the end."))  # fmt: skip
    routing = forms.CharField(
        label=_("Routing"), max_length=30, required=False, help_text=_("Where there are several ways of making it: the code of this one.")
    )
    priority = forms.CharField(label=_("Priority"), required=False, initial="0", max_length=10, widget=forms.TextInput(attrs={"inputmode": "numeric"}),
                               help_text=_("Among several ways the lowest comes first."))  # fmt: skip
