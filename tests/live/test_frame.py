"""What stands around every page: cheap, and nothing where there is no home."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from apps.accounts import selectors as accounts
from apps.accounts import services
from apps.base.acting import act_as, in_lobby
from apps.documents import selectors as documents
from apps.live import selectors
from tests.cast import AT, Member, order, outside

Pair = tuple[Member, Member]


def request_of(user: Any, path: str = "/network/", **attributes: Any) -> Any:
    request = RequestFactory().get(path)
    request.user, request.session = user, SessionStore()
    for name, value in attributes.items():
        setattr(request, name, value)
    return request


def entries_of(member: Member, role: str) -> list[accounts.Entry]:
    person = member.person(role)
    with in_lobby():
        return [accounts.entry_of(membership) for membership in accounts.memberships(person.pk)]


def test_the_frame_costs_two_queries(pair: Pair) -> None:
    buyer, seller = pair
    order(buyer, seller)
    order(buyer, seller, publish=False)
    entries = entries_of(seller, "seller")
    request = request_of(seller.person("seller"), entry=entries[0], entries=entries)
    with act_as(seller.home, by=entries[0].actor), CaptureQueriesContext(connection) as asked:
        frame = selectors.frame(request)["frame"]
        assert not asked.captured_queries
        assert frame.inbox_count == 1
        assert frame.enterprise == seller.home
        assert [enterprise.slug for enterprise in frame.enterprises] == [seller.slug]
        assert frame.person == seller.person("seller")
        assert frame.live_url.startswith("/ws/events/?after=")
        assert frame.live_url.endswith(f"&enterprise={seller.slug}")
        assert [entry["code"] for entry in frame.menu if entry["active"]] == ["network"]
        assert frame.languages == [("en", "English"), ("zh-hans", "简体中文")]
        statements = [query for query in asked.captured_queries if "SELECT" in query["sql"]]
    assert len(statements) == 2


def test_the_socket_goes_on_from_before_the_page_was_made(pair: Pair) -> None:
    """What happens while the page is being made is told again, and not lost."""
    buyer, seller = pair
    entries = entries_of(seller, "seller")
    with act_as(seller.home):
        before = documents.newest_cursor()
    order(buyer, seller)
    request = request_of(seller.person("seller"), entry=entries[0], entries=entries, live_cursor=before)
    with act_as(seller.home):
        assert selectors.frame(request)["frame"].live_url == f"/ws/events/?after={before}&enterprise={seller.slug}"


def test_a_page_notes_the_cursor_and_a_fragment_does_not(pair: Pair) -> None:
    page = pair[1].page_client()
    assert page.get("/network/").wsgi_request.live_cursor
    assert not hasattr(page.get("/network/", headers={"HX-Request": "true"}).wsgi_request, "live_cursor")


def test_the_menu_shows_what_the_person_may_enter(pair: Pair) -> None:
    def menu(role: str) -> set[str]:
        entries = entries_of(pair[0], role)
        request = request_of(pair[0].person(role), entry=entries[0], entries=entries)
        with act_as(pair[0].home, by=entries[0].actor):
            return {entry["code"] for entry in selectors.frame(request)["frame"].menu}

    assert menu("administrator") - menu("viewer") == {"settings"}
    assert {"network", "catalogue"} <= menu("viewer")


def test_in_the_lobby_the_frame_knows_the_person_and_no_home(pair: Pair) -> None:
    buyer, seller = pair
    person = seller.person("seller")

    def join() -> None:
        with in_lobby():
            services.join(enterprise=buyer.id, email=person.email, role="buyer", at=AT)

    outside(join)
    with in_lobby():
        frame = selectors.frame(request_of(person, "/accounts/email/"))["frame"]
        assert {enterprise.slug for enterprise in frame.enterprises} == {buyer.slug, seller.slug}
        assert frame.enterprise in (buyer.home, seller.home)
        assert (frame.live_url, frame.inbox_count) == ("", 0)
        assert frame.menu


def test_for_a_visitor_the_frame_is_empty(database: None) -> None:
    with in_lobby():
        frame = selectors.frame(request_of(AnonymousUser()))["frame"]
        assert (frame.enterprise, frame.enterprises, frame.person, frame.menu, frame.live_url, frame.inbox_count) == (None, [], None, [], "", 0)


def test_the_number_of_what_waits_is_a_fragment_of_its_own(pair: Pair) -> None:
    buyer, seller = pair
    page = seller.page_client("seller")
    assert 'class="count"' not in page.get("/today/inbox/").content.decode()
    order(buyer, seller)
    told = page.get("/today/inbox/", headers={"HX-Request": "true"}).content.decode()
    assert '<span class="count">1</span>' in told
    assert 'hx-get="/today/inbox/"' in told
    assert "<html" not in told


def test_a_page_says_where_its_news_comes_from(pair: Pair) -> None:
    seller = pair[1]
    told = seller.page_client().get("/network/").content.decode()
    with act_as(seller.home):
        cursor = documents.newest_cursor()
    assert f'data-live-url="/ws/events/?after={cursor}&amp;enterprise={seller.slug}"' in told
