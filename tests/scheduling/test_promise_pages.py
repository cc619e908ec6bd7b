"""The pages of promises: asking, from what a date is made, ordering; each read also by the stranger and by the neighbour who must not see inside."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.base import clock
from apps.scheduling import selectors
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


def held(chain: Chain, quantity: str = "10", due_on: dt.date = DUE) -> uuid.UUID:
    buyer = chain.customer
    with buyer.acting():
        asked = schedule.Asked(partner=chain.maker.slug, item="N1", quantity=Decimal(quantity), unit="C62", due_on=due_on, hold_minutes=30)
        return schedule.ask(asked, by=buyer.actor, at=AT).document


def body(response: Any) -> str:
    """What stands in the page itself, without the frame around it."""
    return legible(response).partition("<main")[2].partition("</main>")[0]


def given(chain: Chain, **more: str) -> dict[str, str]:
    return {"seller": chain.maker.slug, "item": "N1", "quantity": "10", "unit": "C62", "due_on": DUE.isoformat(), "hold_minutes": "30", **more}


def test_asking_leads_to_the_promise(database: None) -> None:
    chain = make_chain(2)
    client = chain.customer.page_client()
    form = client.get("/schedule/promises/new/?item=N1")
    assert (form.status_code, 'value="N1"' in legible(form)) == (200, True)
    answer = client.post("/schedule/promises/new/", given(chain))
    assert answer.status_code == 303, legible(answer)
    page = body(client.get(answer.headers["Location"]))
    for words in ("Asked for", "Promised first", "Promised now", "18 Jan 2027", "30 minutes left", "Order now", "Release"):
        assert words in page


@pytest.mark.parametrize(
    ("wrong", "field", "sentence"),
    [
        ({"item": "nothing"}, "id_item", "You have no item"),
        ({"quantity": "0"}, "id_quantity", ""),
        ({"due_on": "2026-12-31"}, "id_due_on", "This day has passed"),
        ({"due_on": "soon"}, "id_due_on", "Write a date"),
        ({"seller": ""}, "id_seller", ""),
        ({"seller": "stranger"}, "id_seller", ""),
        ({"hold_minutes": "7"}, "id_hold_minutes", ""),
    ],
)
def test_what_is_wrong_stands_at_its_field(database: None, wrong: dict[str, str], field: str, sentence: str) -> None:
    chain = make_chain(1)
    client = chain.customer.page_client()
    client.get("/schedule/promises/new/")
    with unchanged(*chain.members):
        answer = client.post("/schedule/promises/new/", given(chain, **wrong))
    page = legible(answer)
    assert answer.status_code == 422
    assert re.search(rf'<(input|select)[^>]*aria-invalid="true"[^>]*id="{field}"|<(input|select)[^>]*id="{field}"[^>]*aria-invalid="true"', page), page
    assert sentence in page


def test_who_promises_sees_inside_and_who_buys_does_not(database: None) -> None:
    chain = make_chain(3)
    promise = held(chain)
    maker = body(chain.maker.page_client().get(f"/schedule/promises/{promise}/"))
    for words in ("From what this date is made", "made here", "Machine", "bought", chain.members[2].home.name, "their promise"):
        assert words in maker
    # The supplier's price of 90 is the maker's own affair, and who stands behind the supplier is the supplier's.
    assert chain.last.home.name not in maker
    customer = body(chain.customer.page_client().get(f"/schedule/promises/{promise}/"))
    for secret in ("From what this date is made", "Machine", chain.members[2].home.name, "90.00", "N2"):
        assert secret not in customer


def test_neither_stranger_nor_neighbour_opens_it(cast: Cast) -> None:
    chain = make_chain(3)
    promise = held(chain)
    for outsider in (cast.stranger, chain.members[2], chain.last):
        client = outsider.page_client()
        assert client.get(f"/schedule/promises/{promise}/").status_code == 404
        with unchanged(*chain.members):
            assert client.post(f"/schedule/promises/{promise}/order/", {"number": "1"}).status_code == 404
            assert client.post(f"/schedule/promises/{promise}/hold/", {"hold_minutes": "60"}).status_code == 404
        assert client.get(f"/documents/promises/{promise}/parts/made-of/").status_code == 404


def test_ordering_by_a_number(database: None) -> None:
    chain = make_chain(2)
    promise = held(chain)
    client = chain.customer.page_client()
    answer = client.post(f"/schedule/promises/{promise}/order/", {"number": "PO-7"})
    assert answer.status_code == 303, legible(answer)
    page = legible(client.get(answer.headers["Location"]))
    assert ("PO-7" in page, "What this order stands on" in page) == (True, True)
    again = body(client.get(f"/schedule/promises/{promise}/"))
    assert ("Order now" in again, "The order" in again) == (False, True)
    other = held(chain, quantity="1")
    with unchanged(*chain.members):
        taken = client.post(f"/schedule/promises/{other}/order/", {"number": "PO-7"})
    assert (taken.status_code, "You have used the number" in legible(taken)) == (422, True)


def test_a_hold_that_has_passed_is_told(database: None, at: Callable[[dt.datetime], None]) -> None:
    chain = make_chain(2)
    promise = held(chain)
    at(AT + dt.timedelta(minutes=31))
    client = chain.customer.page_client()
    assert "The hold has expired" in body(client.get(f"/schedule/promises/{promise}/"))
    part = client.get(f"/schedule/promises/{promise}/?part=hold", headers={"HX-Request": "true"})
    assert ("The hold has expired" in legible(part), "<html" in legible(part)) == (True, False)
    with unchanged(*chain.members):
        refused = client.post(f"/schedule/promises/{promise}/order/", {"number": "1"})
    assert (refused.status_code, "ask again" in legible(refused)) == (409, True)


def test_what_was_answered_is_held_by_a_click(database: None) -> None:
    chain = make_chain(2)
    client = chain.customer.page_client()
    where = client.post("/schedule/promises/new/", given(chain, hold_minutes="0")).headers["Location"]
    assert "Hold it for" in body(client.get(where))
    assert client.post(f"{where}hold/", {"hold_minutes": "240"}).status_code == 303
    assert "4 hours left" in body(client.get(where))


def test_a_viewer_looks_and_moves_nothing(database: None) -> None:
    chain = make_chain(2)
    promise = held(chain)
    client = chain.customer.page_client("viewer")
    assert "Order now" not in body(client.get(f"/schedule/promises/{promise}/"))
    with unchanged(*chain.members):
        assert client.post(f"/schedule/promises/{promise}/order/", {"number": "1"}).status_code == 403
        assert client.get("/schedule/promises/new/").status_code == 403


def test_the_documents_page_leads_to_it(database: None) -> None:
    chain = make_chain(2)
    promise = held(chain)
    client = chain.customer.page_client()
    assert f"/schedule/promises/{promise}/" in legible(client.get(f"/documents/promises/{promise}/"))
    panel = client.get(f"/documents/promises/{promise}/parts/made-of/")
    assert (panel.status_code, "Promised now" in legible(panel)) == (200, True)
    assert client.get(f"/documents/promises/{promise}/parts/promised/").status_code == 404
    assert client.get(f"/documents/promises/{promise}/moves/commit/").headers["Location"] == f"/schedule/promises/{promise}/order/"


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_page_in_both_languages(database: None, language: str) -> None:
    chain = make_chain(2)
    promise = held(chain)
    for member in (chain.customer, chain.maker):
        client = member.page_client()
        for path in (f"/schedule/promises/{promise}/", f"/documents/promises/{promise}/", "/schedule/promises/new/", "/needs/"):
            assert client.get(path, headers={"Accept-Language": language}).status_code == 200


def test_the_tree_holds_together(database: None) -> None:
    chain = make_chain(3)
    promise = held(chain)
    with chain.maker.acting():
        with CaptureQueriesContext(
            connection,
        ) as asked:
            (node,) = selectors.made_of(promise, at=AT)
        assert (node.kind, node.quantity, [each.kind for each in node.nodes]) == ("job", 10, ["part"])
        assert node.starts_at is not None
        assert node.starts_at >= node.nodes[0].due_at
        assert len([query for query in asked if "scheduling_" in query["sql"]]) == 2
        # What was held until then is not there any more.
        assert selectors.made_of(promise, at=AT + dt.timedelta(minutes=30)) == []


def test_no_hand_is_offered_what_only_the_plan_does(database: None) -> None:
    """The date is answered and moved by the seller's plan: neither his page nor his token is told that he might."""
    chain = make_chain(2)
    where = f"promises/{held(chain)}/"
    assert chain.maker.api.get(where).json()["moves"] == ["expire"]
    assert chain.customer.api.post(f"{where}moves/commit/", {"number": "PO-8"}).status_code == 200
    assert chain.maker.api.get(where).json()["moves"] == ["keep", "break"]
    with unchanged(*chain.members):
        for move in ("answer", "move"):
            assert chain.maker.api.post(f"{where}moves/{move}/", {}).status_code == 403
