"""What live tells: events as partners read them, the names of groups, and what every page's frame shows."""

import functools
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from apps.accounts import selectors as accounts
from apps.accounts.selectors import CHOSEN, Entry
from apps.base import acting, announcing
from apps.documents import selectors as documents
from apps.documents.selectors import Happened
from apps.network import selectors as network
from apps.network.selectors import Partner
from apps.tenants.selectors import Listed

SOCKET = "/ws/events/"


def group_name(topic: str) -> str:
    """The name of the acting enterprise's group for a topic (`events`, `network`). Raises NobodyActs."""
    return f"t.{acting.home().id.hex}.{topic}"


def group_name_of_partner(partner: Partner, topic: str) -> str:
    """The name of a partner's group, to wake it and no more. Raises NobodyActs: one must be somebody to have partners."""
    acting.home()
    return f"t.{partner.id.hex}.{topic}"


def database_login(name: str) -> dict[str, Any]:
    """The login of the web for a connection of one's own, as psycopg takes it. name: how the database calls the connection."""
    login: dict[str, Any] = settings.DATABASES["default"]
    options = {key: value for key, value in login["OPTIONS"].items() if key not in ("pool", "server_side_binding")}
    where = {"dbname": login["NAME"], "user": login["USER"], "password": login["PASSWORD"], "host": login["HOST"], "port": login["PORT"]}
    return {**where, "application_name": name, **options}


# Events --------------------------------------------------------------------------------------------------------------


def event_body(happened: Happened, partners: Mapping[uuid.UUID, Listed]) -> dict[str, Any]:
    """One event, as REST and the socket tell it: ids, no contents.

    partners: the directory's entries of the documents' partners. The partner is told by its slug; own: it was done here, not by him.
    """
    step, document = happened.step, happened.document
    partner = partners.get(document["partner_id"])
    return {
        "cursor": happened.cursor,
        "at": step["at"].isoformat(),
        "event": documents.event_code(document["type"], step["move"], after=step["after"]),
        "document": {"type": document["type"], "uid": str(document["id"]), "number": document["number"]},
        "by": step["by"],
        "partner": partner.slug if partner else None,
        "own": step["own"],
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """A piece of the feed as bodies. cursor: where the next piece begins. held: see `documents.selectors.Page`."""

    bodies: Sequence[dict[str, Any]]
    cursor: str
    held: bool


def events(*, after: str, limit: int) -> Events:
    """The acting enterprise's events after a cursor, at most `limit`; from the beginning where `after` is empty. Raises BadCursor."""
    page = documents.feed_page(after=after, limit=limit)
    partners = network.names([happened.document["partner_id"] for happened in page.happened]) if page.happened else {}
    bodies = [event_body(happened, partners) for happened in page.happened]
    return Events(bodies=bodies, cursor=bodies[-1]["cursor"] if bodies else after, held=page.held)


# The frame -----------------------------------------------------------------------------------------------------------


class Frame:
    """What `frame.html` shows around every page. Each part is read when the template asks for it: a fragment costs nothing."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    @functools.cached_property
    def entries(self) -> list[Entry]:
        """All ways in of this person. Pages outside a home (the account's own) look them up themselves."""
        if getattr(self.request, "entries", None):
            return list(self.request.entries)  # type: ignore[attr-defined]
        if self.person is None or _in_a_home():
            return []
        return [accounts.entry_of(membership) for membership in accounts.memberships(self.person.pk)]

    @functools.cached_property
    def entry(self) -> Entry | None:
        open_one: Entry | None = getattr(self.request, "entry", None)
        if open_one is not None or not self.entries:
            return open_one
        return accounts.choose(self.entries, host=self.request.get_host(), chosen=self.request.session.get(CHOSEN, ""))

    @property
    def enterprise(self) -> acting.Home | None:
        return self.entry.home if self.entry else None

    @property
    def enterprises(self) -> list[acting.Home]:
        return [entry.home for entry in self.entries]

    @property
    def person(self) -> Any:
        user = getattr(self.request, "user", None)
        return user if user is not None and user.is_authenticated else None

    @property
    def languages(self) -> list[tuple[str, str]]:
        return list(settings.LANGUAGES)

    @functools.cached_property
    def menu(self) -> list[dict[str, Any]]:
        """The pages that this person may enter: url, label, icon, and whether this page is one of them."""
        if self.entry is None:
            return []
        shown = [(item, reverse(item["url"])) for item in _menu() if self.entry.actor.may(item["permission"])]
        here = max((url for _item, url in shown if _is_below(self.request.path, url)), key=len, default="")
        return [{"code": item["code"], "label": item["label"], "icon": item["icon"], "url": url, "active": url == here} for item, url in shown]

    @functools.cached_property
    def inbox_count(self) -> int:
        """How many documents wait for an answer of ours."""
        return documents.inbox_count() if _in_a_home() else 0

    @functools.cached_property
    def live_url(self) -> str:
        """Where this page hears of what happens from now on; empty outside a home."""
        if self.entry is None or not _in_a_home():
            return ""
        return live_url(self.entry, after=getattr(self.request, "live_cursor", None))


def live_url(entry: Entry, *, after: str | None = None) -> str:
    """Where a page hears of what happens in the home that is open, by this entry: after a cursor, or from now on."""
    return f"{SOCKET}?{urlencode({'after': after or documents.newest_cursor(), 'enterprise': entry.home.slug})}"


def _in_a_home() -> bool:
    now = acting.current_or_none()
    return now is not None and now.home is not None


def _is_below(path: str, url: str) -> bool:
    return path == url or (url != "/" and path.startswith(url))


@functools.lru_cache(maxsize=1)
def _menu() -> list[Mapping[str, Any]]:
    """The entries that the apps declare (`declarations.MENU`), in their order."""
    return sorted((item for menu in announcing.declared("MENU") for item in menu), key=lambda item: item["order"])


def frame(request: HttpRequest) -> dict[str, Any]:
    """The context processor of all pages: `frame`, in at most three queries."""
    return {"frame": Frame(request)}
