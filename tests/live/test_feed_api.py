"""The feed by REST."""

from typing import Any

import pytest

from tests import cast as company
from tests.cast import Cast, Member, order

Pair = tuple[Member, Member]


def pages(member: Member, limit: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after = ""
    while True:
        page = member.api.get(f"events/?limit={limit}&after={after}").json()
        found += page["results"]
        if not page["results"]:
            assert page["cursor"] == after
            return found
        assert page["cursor"] == page["results"][-1]["cursor"]
        after = page["cursor"]


def test_the_feed_tells_everything_once_in_order(pair: Pair) -> None:
    buyer, seller = pair
    uid = order(buyer, seller, number="PO-1")
    company.move(seller, uid, "confirm", {"lines": [{"line": 1, "price": "90"}]})
    told = pages(buyer, 2)
    assert [event["event"] for event in told] == ["order.drafted", "order.published", "order.confirmed"]
    assert [event["own"] for event in told] == [True, True, False]
    assert told[2] == {
        "cursor": told[2]["cursor"],
        "at": "2027-01-04T09:30:00+00:00",
        "event": "order.confirmed",
        "document": {"type": "order", "uid": str(uid), "number": "PO-1"},
        "by": seller.actor.name,
        "partner": seller.slug,
        "own": False,
    }
    assert [event["event"] for event in pages(seller, 500)] == ["order.published", "order.confirmed"]


def test_an_empty_feed_has_a_cursor_to_go_on_from(pair: Pair) -> None:
    buyer, seller = pair
    cursor = seller.api.get("events/").json()["cursor"]
    order(buyer, seller)
    assert [event["event"] for event in seller.api.get(f"events/?after={cursor}").json()["results"]] == ["order.published"]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("after=nonsense", "/after"),
        ("after=ffffffff.0.00000000000000000000000000000000", "/after"),
        ("after=1.ffffffffffffffff.00000000000000000000000000000000", "/after"),
        ("after=-1.0.00000000000000000000000000000000", "/after"),
        ("after=%00", "/after"),
        ("limit=0", "/limit"),
        ("limit=501", "/limit"),
        ("limit=-1", "/limit"),
        ("since=1", "/since"),
    ],
)
def test_a_parameter_that_cannot_be_is_refused(cast: Cast, query: str, pointer: str) -> None:
    answer = cast.maker.api.get(f"events/?{query}")
    assert (answer.status_code, [error["pointer"] for error in answer.json()["errors"]]) == (422, [pointer])
