"""The plan as people see it: who does what when, how full each resource is, what a job takes and whom it serves, and a replan with its progress."""

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateformat import format as date_format
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from django.views.decorators.http import require_POST, require_safe

from apps.base import acting, clock, fields
from apps.base.findings import Invalid
from apps.base.pages import in_home, need, see_other
from apps.base.problems import problem_of
from apps.base.retrying import whole
from apps.base.templatetags.tributary import written
from apps.scheduling import selectors, services
from apps.scheduling.selectors import pegging
from apps.scheduling.selectors.picture import Bar, Picture, Week, load, nearest, picture
from apps.scheduling.selectors.working import moment

SPANS = {1: gettext_lazy("Day"), 7: gettext_lazy("Week"), 14: gettext_lazy("Two weeks"), 28: gettext_lazy("Four weeks")}
VIEWS = {"resources": gettext_lazy("By resource"), "orders": gettext_lazy("By order")}
WEEKS = 8
SECONDS = (10, 20, 60, 300)
# Lanes up to which the picture has a height; beyond the last one it scrolls inside.
HEIGHTS = ((4, "gantt-small"), (10, "gantt-middle"), (20, "gantt-large"))
FULL, BUSY = 100, 85


def frame(active: str) -> list[dict[str, Any]]:
    """The tabs that the pages of the schedule share."""
    tabs = [
        ("schedule", _("Plan")),
        ("schedule_load", _("Load")),
        ("resources", _("Resources")),
        ("calendars", _("Calendars")),
        ("operations", pgettext("works", "Operations")),
    ]
    return [{"url": reverse(name), "label": label, "current": name == active} for name, label in tabs]


@in_home
@require_safe
def schedule(request: HttpRequest) -> HttpResponse:
    """The plan in a stretch of days, by resource or by order, with a table of the same."""
    need("schedule.view")
    view = request.GET.get("view") if request.GET.get("view") in VIEWS else "resources"
    span = next((days for days in SPANS if str(days) == request.GET.get("days")), 7)
    first = _day(request.GET.get("from")) or timezone.localdate()
    now = clock.now()
    zone = timezone.get_current_timezone()
    since, until = (dt.datetime.combine(day, dt.time(), zone) for day in (first, first + dt.timedelta(days=span)))
    found = picture(since=since, until=until, at=now)
    drawn = _drawn(found, str(view), now)
    context = {
        "tabs": frame("schedule"),
        "views": [{"label": label, "url": _url(code, first, span), "current": code == view} for code, label in VIEWS.items()],
        "spans": [{"label": label, "url": _url(str(view), first, days), "current": days == span} for days, label in SPANS.items()],
        "first": first,
        "last": first + dt.timedelta(days=span - 1),
        "before_url": _url(str(view), first - dt.timedelta(days=span), span),
        "after_url": _url(str(view), first + dt.timedelta(days=span), span),
        "today_url": _url(str(view), None, span),
        "gantt": drawn,
        "height": next((css for most, css in HEIGHTS if len(drawn["lanes"]) <= most), "gantt-huge"),
        "rows": [_row(bar) for bar in found.bars],
        "elsewhere": None if found.bars else _elsewhere(since, until, now, str(view), span),
        "more": found.more,
        "machines": found.machines,
        "down": _down(found, now),
        "run": _run(),
        "new_resource_url": reverse("resource_new") if acting.actor().may("schedule.change") else "",
    }
    return render(request, "schedule/plan.html", context)


def _elsewhere(since: dt.datetime, until: dt.datetime, now: dt.datetime, view: str, span: int) -> dict[str, Any] | None:
    """Where the nearest work is, for whoever looks at days without any."""
    begins = nearest(since=since, until=until, at=now)
    return {"day": timezone.localdate(begins), "url": _url(view, timezone.localdate(begins), span)} if begins else None


def _day(text: str | None) -> dt.date | None:
    """A day that the calendar has and that can be shown; None for anything else."""
    try:
        day = parse_date(text or "")
    except ValueError:
        return None
    return day if day and fields.FIRST_DAY < day < fields.LAST_DAY - dt.timedelta(days=60) else None


def _url(view: str, first: dt.date | None, span: int) -> str:
    said = {"view": view, "days": str(span), **({"from": first.isoformat()} if first else {})}
    return f"{reverse('schedule')}?{urlencode(said)}"


def _wall(at: dt.datetime) -> int:
    """The clock on the reader's wall, in milliseconds, as if it were UTC: what the picture's axis shows."""
    return int(timezone.localtime(at).replace(tzinfo=dt.UTC).timestamp() * 1000)


def _drawn(found: Picture, view: str, now: dt.datetime) -> dict[str, Any]:
    """What the picture is drawn from."""
    lanes = _by_resource(found) if view == "resources" else _by_order(found)
    places = {lane["id"]: index for index, lane in enumerate(lanes)}
    items = {item: index for index, item in enumerate(sorted({bar.item for bar in found.bars}))}
    marked = view == "resources"
    return {
        "lanes": lanes,
        "since": _wall(found.since),
        "until": _wall(found.until),
        "now": _wall(now),
        "bars": [_bar(bar, places, items[bar.item], view) for bar in found.bars if _lane(bar, view) in places],
        "rests": _stretches(found.rests, places) if marked else [],
        "outages": _stretches(found.outages, places) if marked else [],
    }


def _by_resource(found: Picture) -> list[dict[str, str]]:
    return [{"id": str(machine.id), "label": machine.code, "more": machine.label} for machine in found.machines]


def _by_order(found: Picture) -> list[dict[str, str]]:
    lanes: dict[str, dict[str, str]] = {}
    for bar in found.bars:
        label, more = (bar.promised_item, bar.partner) if bar.promise else (_("without a promise"), "")
        lanes.setdefault(_lane(bar, "orders"), {"id": _lane(bar, "orders"), "label": label, "more": more})
    return list(lanes.values())


def _lane(bar: Bar, view: str) -> str:
    return str(bar.resource if view == "resources" else bar.promise)


def _bar(bar: Bar, places: dict[str, int], colour: int, view: str) -> dict[str, Any]:
    row = _row(bar)
    tip = [f"{row['quantity']} × {bar.item} {bar.item_name}", f"{bar.operation} · {bar.resource_code}" if bar.resource_code else bar.operation]
    tip += [f"{row['starts']} – {row['ends']}", *([bar.partner] if bar.partner else []), *([row["state"]] if row["state"] else [])]
    return {
        "lane": places[_lane(bar, view)],
        "start": _wall(bar.starts_at),
        "end": _wall(bar.ends_at),
        "label": bar.item if view == "resources" else bar.resource_code or bar.operation,
        "tip": tip,
        "url": row["url"],
        "held": bar.held,
        "late": bar.late_days > 0,
        "done": bar.done,
        "colour": colour,
    }


def _stretches(windows: Any, places: dict[str, int]) -> list[dict[str, int]]:
    return [{"lane": places[str(key)], "start": _wall(moment(start)), "end": _wall(moment(end))} for key, cuts in windows.items() for start, end in cuts]


def _row(bar: Bar) -> dict[str, Any]:
    """A line of the table."""
    clock_of = pgettext("date and time format", "j M Y, H:i")
    return {
        "bar": bar,
        "url": reverse("schedule_job", args=[bar.job]),
        "quantity": written(bar.quantity),
        "starts": spoken(bar.starts_at, clock_of),
        "ends": spoken(bar.ends_at, clock_of),
        "state": _state(bar),
    }


def spoken(at: dt.datetime, pattern: str) -> str:
    """A moment in the reader's zone and format."""
    return date_format(timezone.localtime(at), pattern)


def _state(bar: Bar) -> str:
    if bar.done:
        return _("done")
    if bar.late_days:
        return _("%(count)d days late") % {"count": bar.late_days}
    return _("held, not yet ordered") if bar.held else ""


def _down(found: Picture, now: dt.datetime) -> list[dict[str, Any]]:
    """The resources that are down now."""
    down = selectors.down([machine.id for machine in found.machines], at=now)
    return [{"machine": machine, "down": down[machine.id]} for machine in found.machines if machine.id in down]


def _run() -> dict[str, Any]:
    """The last replan, and what may be done about it."""
    last = selectors.plans().values(*selectors.PLAN).first()
    may = acting.actor().may("schedule.change")
    going = last is not None and last["finished_at"] is None
    return {
        "last": last,
        "going": going,
        "stop_url": reverse("plan_stop", args=[last["id"]]) if last and going and may and not last["stop"] else "",
        "start_url": reverse("plan_start") if may and not going else "",
        "patience": SECONDS,
    }


@in_home
@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """Plan everything anew, in the background."""
    need("schedule.change")
    try:
        services.start_plan(seconds=request.POST.get("seconds") or None, by=acting.actor(), at=clock.now())
    except (services.AlreadyRunning, Invalid) as refusal:
        messages.error(request, refusal.findings[0].detail if isinstance(refusal, Invalid) else str(refusal))
    return see_other(reverse("schedule"))


@in_home
@require_POST
def stop(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """End a replan with the best that it has."""
    need("schedule.change")
    try:
        services.stop_plan(plan=id, by=acting.actor(), at=clock.now())
    except services.NotRunning as refusal:
        messages.error(request, str(refusal))
    return see_other(reverse("schedule"))


@in_home
@require_safe
def loads(request: HttpRequest) -> HttpResponse:
    """How full each resource is, week by week."""
    need("schedule.view")
    today = timezone.localdate()
    first = _day(request.GET.get("from")) or today
    monday = first - dt.timedelta(days=first.weekday())
    found = load(monday=monday, weeks=WEEKS, at=clock.now())
    context = {
        "tabs": frame("schedule_load"),
        "weeks": [monday + dt.timedelta(weeks=number) for number in range(WEEKS)],
        "rows": [{"machine": machine, "weeks": [_week(week) for week in weeks]} for machine, weeks in found],
        "before_url": f"?{urlencode({'from': (monday - dt.timedelta(weeks=WEEKS)).isoformat()})}",
        "after_url": f"?{urlencode({'from': (monday + dt.timedelta(weeks=WEEKS)).isoformat()})}",
        "today_url": reverse("schedule_load"),
    }
    return render(request, "schedule/load.html", context)


def _week(week: Week) -> dict[str, Any]:
    tone = "danger" if week.percent > FULL else "warning" if week.percent >= BUSY else "info" if week.percent else "neutral"
    return {
        "percent": week.percent,
        "bar": min(20, round(week.percent / 5)),
        "tone": tone,
        "taken": round(week.taken / 60, 1),
        "can": round(week.can / 60, 1),
        "url": f"{reverse('schedule')}?{urlencode({'view': 'resources', 'days': '7', 'from': week.monday.isoformat()})}",
    }


@in_home
@require_safe
def job(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """A job: its slots, what it takes, and whom it serves."""
    need("schedule.view")
    found = pegging.job(id=id)
    if found is None:
        raise Http404
    context = {
        "tabs": frame("schedule"),
        "job": found,
        "beneath": _tree(pegging.beneath_job(id)),
        "above": _tree(pegging.above_job(id)),
        "late": found.done_at is None and found.ends_at < clock.now(),
        "may_finish": found.firm and found.done_at is None and acting.actor().may("schedule.change"),
    }
    return render(request, "schedule/job.html", context)


@in_home
@require_POST
def finish(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Say that a job is done."""
    need("schedule.change")
    try:
        whole(lambda: services.finish(job=id, by=acting.actor(), at=clock.now()))
    except Exception as refusal:
        if not (problem := problem_of(refusal)) or problem.status >= 500:
            raise
        messages.error(request, str(refusal))
    return see_other(reverse("schedule_job", args=[id]))


def _tree(tree: pegging.Tree) -> dict[str, Any]:
    return {"rows": list(_flat(tree.nodes, 1)), "cut": tree.cut}


def _flat(nodes: Sequence[pegging.Node], level: int) -> Any:
    for node in nodes:
        yield {"node": node, "level": min(level, 8), "deep": level, "url": _node_url(node)}
        yield from _flat(node.beneath, level + 1)


def _node_url(node: pegging.Node) -> str:
    if node.kind == "job" and node.job:
        return reverse("schedule_job", args=[node.job])
    if node.document:
        return reverse("promise", args=[node.document])
    return ""
