"""One inbox for somebody who works for several enterprises: what waits in each, and nothing of anybody else's."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from apps.accounts import selectors
from apps.accounts import services as accounts
from apps.base import clock
from apps.base.acting import SYSTEM, in_lobby
from apps.documents.services import tick
from tests.cast import AT, Cast, Member, PageClient, fresh_number, legible, order, outside

Two = tuple[Member, Member]
EVERYWHERE = "/everywhere/"


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is two days after what the tests do: answers are late."""
    monkeypatch.setattr(clock, "now", lambda: AT + dt.timedelta(days=2, hours=1))


def let_in(member: Member, person: Any, role: str = "seller") -> uuid.UUID:
    """Let a person work for one more enterprise. Gives the membership's id."""

    def join() -> uuid.UUID:
        with in_lobby():
            return accounts.join(enterprise=member.id, email=person.email, role=role, at=AT).pk

    return outside(join)


def wind(member: Member) -> None:
    def turn() -> None:
        with member.acting(SYSTEM):
            tick(at=clock.now())

    outside(turn)


def numbers(page: PageClient, **more: Any) -> list[tuple[str, str]]:
    return [(row["home"].slug, row["number"]) for row in page.get(EVERYWHERE, **more).context["rows"]]


def test_what_waits_in_each_enterprise_stands_in_one_list(make_pair: Callable[..., Two]) -> None:
    (buyer, seller), (other_buyer, other) = make_pair(), make_pair()
    let_in(other, seller.person("seller"))
    late, fresh, foreign = fresh_number(), fresh_number(), fresh_number()
    order(other_buyer, other, number=fresh, at=AT + dt.timedelta(days=2))
    order(buyer, seller, number=late)
    order(buyer, seller, publish=False)
    for member in (seller, other):
        wind(member)
    page = seller.page_client("seller")
    assert numbers(page) == [(seller.slug, late), (other.slug, fresh)]
    shown = page.get(EVERYWHERE)
    assert [(desk.home.slug, desk.count) for desk in shown.context["desks"]] == [(seller.slug, 1), (other.slug, 1)]
    assert [row["overdue"] for row in shown.context["rows"]] == [True, False]
    row = shown.context["rows"][1]
    answer = page.post("/switch/", {"enterprise": other.slug, "next": row["url"]})
    assert answer["Location"] == row["url"]
    assert fresh in legible(page.get(row["url"]))
    # Whoever works for one alone sees one, and his colleague's other enterprise is nothing to him.
    order(other_buyer, other, number=foreign)
    assert numbers(seller.page_client()) == [(seller.slug, late)]


def test_who_may_not_see_orders_there_sees_none_and_who_has_left_not_even_the_enterprise(
    make_pair: Callable[..., Two], monkeypatch: pytest.MonkeyPatch
) -> None:
    (buyer, seller), (other_buyer, other) = make_pair(), make_pair()
    person = seller.person("seller")
    membership = let_in(other, person, "viewer")
    first, second = fresh_number(), fresh_number()
    order(buyer, seller, number=first)
    order(other_buyer, other, number=second)
    page = seller.page_client("seller")
    assert set(numbers(page)) == {(seller.slug, first), (other.slug, second)}
    known = selectors.permissions_of
    with monkeypatch.context() as patch:
        patch.setattr(selectors, "permissions_of", lambda role: frozenset() if role == "viewer" else known(role))
        shown = page.get(EVERYWHERE)
        assert [row["number"] for row in shown.context["rows"]] == [first]
        assert [desk.count for desk in shown.context["desks"]] == [1, 0]

    def leave() -> None:
        with in_lobby():
            accounts.leave(membership=membership, enterprise=other.id, at=AT)

    outside(leave)
    assert [desk.home.slug for desk in page.get(EVERYWHERE).context["desks"]] == [seller.slug]


def test_at_an_enterprises_own_address_it_is_that_one_alone(make_pair: Callable[..., Two]) -> None:
    (buyer, seller), (other_buyer, other) = make_pair(), make_pair()
    let_in(other, seller.person("seller"))
    order(buyer, seller)
    order(other_buyer, other)
    page = seller.page_client("seller")
    assert {slug for slug, _number in numbers(page, headers={"host": f"{other.slug}.localhost"})} == {other.slug}


def test_more_than_the_page_holds_is_said(make_pair: Callable[..., Two], monkeypatch: pytest.MonkeyPatch) -> None:
    buyer, seller = make_pair()
    for _order in range(3):
        order(buyer, seller)
    monkeypatch.setattr("apps.live.views.MOST_WAITING", 2)
    shown = seller.page_client().get(EVERYWHERE)
    assert len(shown.context["rows"]) == 2
    assert f"Of {seller.home.name} the first 2 of 3 are shown here" in legible(shown)


def test_nobody_who_is_not_signed_in_and_a_stranger_only_his_own(cast: Cast, client: Any) -> None:
    assert outside(client.get, EVERYWHERE)["Location"].startswith("/accounts/login/")
    assert numbers(cast.stranger.page_client()) == []
