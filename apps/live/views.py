"""The day's work, the search over everything, whether the portal is well, and the pages for what went wrong."""

import datetime as dt
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template import loader
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.accounts.selectors import Entry
from apps.base import acting, clock
from apps.base.acting import Home
from apps.base.api import cannot_reach
from apps.base.pages import from_lobby, in_home
from apps.base.patience import is_unavailable
from apps.base.templatetags.tributary import day_text, tone_of
from apps.catalog import selectors as catalog
from apps.documents import selectors as documents
from apps.documents.types import TYPES
from apps.documents.vocabulary import DocumentType
from apps.live import selectors
from apps.network import selectors as network
from apps.tenants import selectors as tenants
from apps.tenants.logs import request_id

WEEKS = 12
RECENT = 14
MOST_TOLD_LINES = 50
MOST_FOUND = 8
MOST_WAITING = 50
NEVER = dt.datetime.max.replace(tzinfo=dt.UTC)


def _types() -> list[DocumentType]:
    """The types that the reader may see."""
    return [each for each in TYPES.values() if acting.actor().may(f"{each.code}.view")]


@in_home
@require_safe
def today(request: HttpRequest) -> HttpResponse:
    return render(request, "today.html", {**_counts(), "recent": _recent(), "order_flow": _flow(), "on_time": _on_time()})


@in_home
@require_safe
def today_counts(request: HttpRequest) -> HttpResponse:
    return render(request, "today/_counts.html", _counts())


@in_home
@require_safe
def today_recent(request: HttpRequest) -> HttpResponse:
    return render(request, "today/_recent.html", {"recent": _recent()})


@in_home
@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """The number in the top bar, which fetches itself anew when something happens."""
    return render(request, "_pieces/inbox.html")


@from_lobby
@require_safe
def everywhere(request: Any) -> HttpResponse:
    """One inbox for somebody who works for several: what waits for him in each of his enterprises.

    At the host name of an enterprise, that one alone. The page hears each of them.
    """
    direct = tenants.home_at(host=request.get_host().partition(":")[0])
    desks = [_desk(entry) for entry in (request.entries if direct is None else [request.entry])]
    rows = sorted((row for desk in desks for row in desk.rows), key=lambda row: (row["answer_due_at"] is None, row["answer_due_at"] or NEVER))
    return render(request, "today/everywhere.html", {"desks": desks, "rows": rows, "most": MOST_WAITING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What waits for a person in one of his enterprises. count: of all; rows: at most MOST_WAITING, as the page shows them."""

    home: Home
    count: int
    rows: list[dict[str, Any]]
    live_url: str


def _desk(entry: Entry) -> Desk:
    with acting.act_as(entry.home, by=entry.actor):
        types = {each.code for each in _types()}
        found = documents.waiting(types=types, limit=MOST_WAITING)
        names = network.names([row["partner_id"] for row in found])
        rows = [_waits(row, home=entry.home, partner=_name(names, row["partner_id"])) for row in found]
        return Desk(home=entry.home, count=documents.inbox_count(types), rows=rows, live_url=selectors.live_url(entry))


def _waits(row: Mapping[str, Any], *, home: Home, partner: str) -> dict[str, Any]:
    document_type = TYPES[row["type"]]
    state = document_type.state(row["state"])
    return {
        "home": home,
        "partner_name": partner,
        "type_label": document_type.side_labels[row["side"]],
        "state": {"label": str(state.label), "tone": tone_of(state.tone), "icon": state.icon},
        "overdue": row["answer_due_at"] is not None and row["answer_due_at"] < clock.now(),
        "url": reverse("document", args=[document_type.collection, row["id"]]),
        **{name: row[name] for name in ("id", "number", "due_on", "amount", "currency", "answer_due_at")},
    }


def _counts() -> dict[str, Any]:
    """What waits and what goes wrong; each number leads to the list behind it."""
    waiting, wrong = [], []
    for document_type in _types():
        counts = documents.counts(document_type, today=clock.today(), at=clock.now())
        waiting += [tile for tile in _waiting(document_type, counts) if tile["count"]]
        wrong += [tile for tile in _wrong(document_type, counts) if tile["count"]]
    return {"waiting": waiting, "wrong": wrong}


def _waiting(document_type: DocumentType, counts: Mapping[str, int]) -> list[dict[str, Any]]:
    ours = document_type.issuer
    theirs = "seller" if ours == "buyer" else "buyer"
    answer = _("%(documents)s to answer") % {"documents": document_type.label_plural}
    decide = _("Answers to decide on")
    return [
        _tile(document_type, answer, counts["asked"], f"waiting=on&side={theirs}", "warning", "inbox"),
        _tile(document_type, decide, counts["answered"], f"waiting=on&side={ours}", "warning", "message"),
        _tile(document_type, _("Drafts"), counts["drafts"], f"state={document_type.draft}", "neutral", "pencil"),
    ]


def _wrong(document_type: DocumentType, counts: Mapping[str, int]) -> list[dict[str, Any]]:
    late = _("%(documents)s past their date, and not agreed") % {"documents": document_type.label_plural}
    overdue = _("%(documents)s whose answer is late") % {"documents": document_type.label_plural}
    return [
        _tile(document_type, overdue, counts["overdue"], "overdue=on", "danger", "message"),
        _tile(document_type, late, counts["late"], "late=on", "danger", "clock-exclamation"),
    ]


def _tile(document_type: DocumentType, label: str, count: int, query: str, tone: str, icon: str) -> dict[str, Any]:
    url = f"{reverse('document_list', args=[document_type.collection])}?{query}"
    return {"label": label, "count": count, "url": url, "tone": tone, "icon": icon}


def _recent() -> list[dict[str, Any]]:
    steps = [step for step in documents.recent(limit=RECENT) if acting.actor().may(f"{step['document__type']}.view")]
    names = network.names([step["document__partner_id"] for step in steps])
    told = _told(steps)
    return [_happened(step, _name(names, step["document__partner_id"]), told.get(step["id"], "")) for step in steps]


def _name(names: Mapping[uuid.UUID, tenants.Listed], key: uuid.UUID) -> str:
    return names[key].name if key in names else "–"


def _told(steps: Sequence[Mapping[str, Any]]) -> dict[uuid.UUID, str]:
    """What the steps say of the lines; but for documents of very many lines, whose histories are long to read."""
    types = {step["document_id"]: step["document__type"] for step in steps if step["document__line_count"] <= MOST_TOLD_LINES}
    told: dict[uuid.UUID, str] = {}
    for key, history in documents.histories(list(types)).items():
        told |= documents.terms_told(types[key], history)
    return told


def _happened(step: Mapping[str, Any], partner: str, what: str) -> dict[str, Any]:
    document_type = TYPES[step["document__type"]]
    return {
        "at": step["at"],
        "side_is_own": step["own"],
        "document_type_label": document_type.label,
        "number": step["document__number"],
        "url": reverse("document", args=[document_type.collection, step["document_id"]]),
        "event_label": documents.event_label(document_type.code, step["move"], after=step["after"]),
        "what": what,
        "partner_name": partner,
        "by": step["by"],
        "tone": tone_of(document_type.state(step["after"]).tone) if step["after"] else "neutral",
    }


def _flow() -> list[dict[str, Any]]:
    """The documents sent and received in each of the last weeks."""
    this = clock.today()
    first = this - dt.timedelta(days=this.weekday(), weeks=WEEKS - 1)
    sums: dict[dt.date, tuple[int, int]] = {}
    for document_type in _ordering():
        for week, (sent, received) in documents.weekly(document_type, first=first, zone=acting.home().time_zone).items():
            before = sums.get(week, (0, 0))
            sums[week] = (before[0] + sent, before[1] + received)
    weeks = [first + dt.timedelta(weeks=index) for index in range(WEEKS)]
    return [{"week": day_text(week), "sent": sums.get(week, (0, 0))[0], "received": sums.get(week, (0, 0))[1]} for week in weeks]


def _ordering() -> list[DocumentType]:
    """The types by which something is ordered: what else is said of it would count it twice."""
    return [document_type for document_type in _types() if document_type.ordered]


def _on_time() -> list[dict[str, Any]]:
    """How often the date that was asked for was promised, by partner."""
    since = clock.now() - dt.timedelta(weeks=2 * WEEKS)
    found = [row for document_type in _ordering() for row in documents.punctuality(document_type, since=since)]
    names = network.names([partner for partner, _rate, _count in found])
    return [{"partner": names[partner].name, "rate": rate, "count": count} for partner, rate, count in found if partner in names]


@in_home
@require_safe
def search(request: HttpRequest) -> HttpResponse:
    words = request.GET.get("q", "").replace("\x00", "").strip()[:200]
    groups = [group for group in _groups(words) if group["results"]] if words else []
    return render(request, "search.html", {"q": words, "groups": groups})


def _groups(words: str) -> Iterator[dict[str, Any]]:
    partners = network.partners()
    named = [partner for partner in partners if words.casefold() in f"{partner.name} {partner.slug} {partner.gln}".casefold()]
    names = {partner.id: partner.name for partner in partners}
    for document_type in _types():
        yield _documents(document_type, words, named, names)
    if acting.actor().may("network.view"):
        found = [{"url": reverse("partner", args=[p.slug]), "title": p.name, "subtitle": " · ".join(filter(None, [p.city, p.country, p.gln]))} for p in named]
        yield {"label": _("Partners"), "icon": "affiliate", "results": found[:MOST_FOUND], "more_url": reverse("network") if len(found) > MOST_FOUND else ""}
    if acting.actor().may("catalog.view"):
        yield _items(words)


def _documents(document_type: DocumentType, words: str, named: Sequence[network.Partner], names: Mapping[uuid.UUID, str]) -> dict[str, Any]:
    found = documents.heads(type=document_type.code).filter(documents.about(words, partners=[partner.id for partner in named]))
    rows = list(found.order_by("-updated_at", "-id").values("id", "number", "side", "state", "partner_id", "due_on")[: MOST_FOUND + 1])
    results = []
    for row in rows[:MOST_FOUND]:
        state = document_type.state(row["state"])
        about = [str(document_type.side_labels[row["side"]]), names.get(row["partner_id"], ""), day_text(row["due_on"]) if row["due_on"] else ""]
        chip = {"label": state.label, "tone": tone_of(state.tone), "icon": state.icon}
        url = reverse("document", args=[document_type.collection, row["id"]])
        results.append({"url": url, "title": row["number"], "subtitle": " · ".join(filter(None, about)), "state": chip})
    more = f"{reverse('document_list', args=[document_type.collection])}?{urlencode({'q': words})}" if len(rows) > MOST_FOUND else ""
    return {"label": document_type.label_plural, "icon": "file-text", "results": results, "more_url": more}


def _items(words: str) -> dict[str, Any]:
    items = list(catalog.items(search=words)[: MOST_FOUND + 1])
    results = [{"url": reverse("item", args=[item.pk]), "title": item.number, "subtitle": item.label} for item in items[:MOST_FOUND]]
    more = f"{reverse('catalogue')}?{urlencode({'q': words})}" if len(items) > MOST_FOUND else ""
    return {"label": _("Items"), "icon": "packages", "results": results, "more_url": more}


# Whether the portal is well -------------------------------------------------------------------------------------------


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """This process answers. It asks nobody."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Everything that this process needs answers, too: 200, or 503 with what does not."""
    found = tenants.faults()
    return JsonResponse({"ready": not found, "wrong": found}, status=503 if found else 200)


# What went wrong ------------------------------------------------------------------------------------------------------


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "400.html", {"request_id": request_id.get()}, status=400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "errors/403.html", {"detail": str(exception), "request_id": request_id.get()}, status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Foreign and missing look alike: the page says nothing of what was looked for."""
    return render(request, "errors/404.html", {"request_id": request_id.get()}, status=404)


def broken(request: HttpRequest) -> HttpResponse:
    """Without context processors, as the database may be what broke; then it is 503, and worth another try."""
    error = sys.exc_info()[1]
    if error is not None and is_unavailable(error) and request.path.startswith("/api/"):
        return cannot_reach()
    if error is not None and is_unavailable(error):
        page = loader.render_to_string("errors/503.html", {"request": request, "request_id": request_id.get()})
        return HttpResponse(page, status=503, headers={"Retry-After": "2"})
    return HttpResponse(loader.render_to_string("errors/500.html", {"request": request, "request_id": request_id.get()}), status=500)
