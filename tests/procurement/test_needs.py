"""Needs: what must be bought for what was promised, by policy or by a click; one's own home only."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from decimal import Decimal

import pytest

from apps.base import clock
from apps.catalog import selectors as catalog
from apps.catalog import services as catalogue
from apps.scheduling import selectors as scheduling
from apps.scheduling import services as schedule
from tests.cast import AT, Cast, legible, unchanged
from tests.scheduling.chain import Chain, make_chain

DUE = dt.date(2027, 1, 18)


@pytest.fixture(autouse=True)
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[dt.datetime], None]:
    def put(moment: dt.datetime) -> None:
        monkeypatch.setattr(clock, "now", lambda: moment)

    put(AT)
    return put


def by_hand(chain: Chain) -> None:
    """The maker orders by hand from his supplier."""
    with chain.maker.acting():
        (source,) = catalog.sources(catalog.ids(["N2"])["N2"])
        catalogue.save_source(id=source.id, item="N2", partner=chain.members[2].slug, lead_days=5, policy="by_hand", asked=True, by=chain.maker.actor, at=AT)


def sold(chain: Chain, number: str = "1") -> uuid.UUID:
    buyer = chain.customer
    with buyer.acting():
        asked = schedule.Asked(partner=chain.maker.slug, item="N1", quantity=Decimal(10), unit="C62", due_on=DUE, hold_minutes=600)
        promise = schedule.ask(asked, by=buyer.actor, at=AT)
        return schedule.commit(document=promise.document, number=number, by=buyer.actor, at=AT)


def test_what_is_ordered_by_itself_leads_to_its_order(database: None) -> None:
    chain = make_chain(3)
    sold(chain)
    (need,) = chain.maker.api.get("needs/").json()["results"]
    assert (need["state"], need["item"], need["seller"], need["quantity"], need["price"], need["policy"]) == (
        "ordered", "N2", chain.members[2].slug, "10", "90", "automatic",
    )  # fmt: skip
    assert chain.maker.api.get(f"orders/{need['order']}/").status_code == 200
    assert chain.maker.api.get("needs/?state=open").json()["results"] == []
    page = legible(chain.maker.page_client().get("/needs/?state=ordered"))
    assert f"/documents/orders/{need['order']}/" in page


def test_what_is_ordered_by_hand_waits_for_a_click(database: None) -> None:
    chain = make_chain(3)
    by_hand(chain)
    sold(chain)
    (need,) = chain.maker.api.get("needs/?state=open").json()["results"]
    assert (need["order"], need["policy"], need["due_on"] <= need["needed_on"]) == (None, "by_hand", True)
    client = chain.maker.page_client()
    assert "to be ordered" in legible(client.get("/needs/"))
    answer = client.post(f"/needs/{need['uid']}/order/", {"number": "N-1"})
    assert answer.status_code == 303, legible(answer)
    assert "N-1" in legible(client.get(answer.headers["Location"]))
    with unchanged(*chain.members):
        again = client.post(f"/needs/{need['uid']}/order/", {"number": "N-2"})
    assert (again.status_code, "ordered or given up already" in legible(again)) == (409, True)


def test_programs_order_too(database: None) -> None:
    chain = make_chain(3)
    by_hand(chain)
    sold(chain)
    (need,) = chain.maker.api.get("needs/?state=open").json()["results"]
    url = f"needs/{need['uid']}/moves/order/"
    for wrong, status in (({"number": "x" * 61}, 422), ({"what": 1}, 422), ([], 422)):
        with unchanged(*chain.members):
            assert chain.maker.api.post(url, wrong).status_code == status
    answer = chain.maker.api.post(url, {"number": "N-1"})
    assert (answer.status_code, answer.json()["state"]) == (200, "ordered")
    with unchanged(*chain.members):
        assert chain.maker.api.post(url, {}).status_code == 409


def test_an_expired_promise_is_told_where_it_was_asked(database: None, at: Callable[[dt.datetime], None]) -> None:
    chain = make_chain(3)
    by_hand(chain)
    sold(chain)
    (need,) = chain.maker.api.get("needs/").json()["results"]
    at(AT + dt.timedelta(days=3))
    with unchanged(*chain.members):
        refused = chain.maker.page_client().post(f"/needs/{need['uid']}/order/", {"number": "N-1"})
    assert (refused.status_code, "need-error" in legible(refused), 'value="N-1"' in legible(refused)) == (409, True, True)


def test_needs_are_nobody_elses(cast: Cast) -> None:
    chain = make_chain(3)
    by_hand(chain)
    sold(chain)
    (need,) = chain.maker.api.get("needs/").json()["results"]
    for outsider in (cast.stranger, chain.customer, chain.last):
        assert need["uid"] not in legible(outsider.api.get("needs/"))
        with unchanged(*chain.members):
            assert outsider.api.post(f"needs/{need['uid']}/moves/order/", {}).status_code == 404
            assert outsider.page_client().post(f"/needs/{need['uid']}/order/", {}).status_code == 404
        assert "N2" not in legible(outsider.page_client().get("/needs/?state=all")).partition("<main")[2]
    with unchanged(*chain.members):
        assert chain.maker.page_client("viewer").post(f"/needs/{need['uid']}/order/", {}).status_code == 403
    assert "Number of the order" not in legible(chain.maker.page_client("viewer").get("/needs/"))


@pytest.mark.parametrize(("query", "pointer"), [("state=gone", "/state"), ("partner=nobody", "/partner"), ("x=1", "/x"), ("cursor=x", "/cursor")])
def test_a_list_refuses_what_it_does_not_know(cast: Cast, query: str, pointer: str) -> None:
    answer = cast.maker.api.get(f"needs/?{query}")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


def test_a_cursor_goes_through_all(database: None) -> None:
    chain = make_chain(3)
    for number in ("1", "2", "3"):
        sold(chain, number)
    seen, page = [], chain.maker.api.get("needs/?limit=2").json()
    while True:
        seen += [row["uid"] for row in page["results"]]
        if not page["next"]:
            break
        page = chain.maker.api.get(page["next"]).json()
    assert (len(seen), len(set(seen))) == (3, 3)


def test_a_need_that_waits_for_a_click_outlives_a_broken_machine(database: None) -> None:
    """The supplier holds the part for us meanwhile: it is asked for once, and needed once."""
    chain = make_chain(3)
    by_hand(chain)
    sold(chain)
    (before,) = chain.maker.api.get("needs/").json()["results"]
    with chain.maker.acting():
        (machine,) = scheduling.resources()
        until = AT + dt.timedelta(days=20)
        schedule.break_resource(resource=machine.pk, until=until, reason="Spindle", by=chain.maker.actor, at=AT)
    (after,) = chain.maker.api.get("needs/").json()["results"]
    assert (after["uid"], after["promise"], after["state"]) == (before["uid"], before["promise"], "open")
    moved = chain.customer.api.get("promises/").json()["results"][0]["uid"]
    assert chain.customer.api.get(f"promises/{moved}/").json()["due_on"] >= until.date().isoformat()
    assert chain.maker.api.post(f"needs/{after['uid']}/moves/order/", {}).status_code == 200
