"""What an item is made of and whence it comes: entered, refused with its place, and read in few queries."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.base.findings import Finding, Invalid
from apps.catalog import selectors
from apps.catalog import services as catalog
from tests import cast as company
from tests.cast import AT, Cast, Member, unchanged

Two = tuple[Member, Member]


def items(member: Member, *numbers: str) -> dict[str, uuid.UUID]:
    """Enter these items; their ids."""
    return {number: company.stock(member, number, f"Part {number}").pk for number in numbers}


def line(member: Member, item: Any, component: Any, **more: Any) -> Any:
    with member.acting():
        return catalog.save_component(item=item, component=component, by=member.actor, at=AT, **more)


def source(member: Member, item: Any, partner: Any, **more: Any) -> Any:
    with member.acting():
        return catalog.save_source(item=item, partner=partner, by=member.actor, at=AT, **more)


def refused(work: Callable[[], Any], member: Member) -> Finding:
    """The one finding with which it is refused; nothing has changed."""
    with unchanged(member), pytest.raises(Invalid) as refusal:
        work()
    assert len(refusal.value.findings) == 1, refusal.value.findings
    return refusal.value.findings[0]


def test_a_structure_is_read_whole_in_three_queries(pair: Two) -> None:
    buyer, seller = pair
    ids = items(buyer, "FRIDGE", "DOOR", "SHELF", "SCREW", "STEEL", "OTHER")
    line(buyer, "FRIDGE", "SHELF", quantity="ceil(height / 400)", condition="shelves = glass", scrap="2.5", fixed="1")
    line(buyer, "FRIDGE", "DOOR", position=5, quantity=2)
    line(buyer, "DOOR", "SCREW", quantity="8")
    line(buyer, "OTHER", "SCREW")
    line(buyer, "DOOR", "STEEL", alternate_of=10, priority=1)
    source(buyer, "SCREW", seller.slug, lead_days=7, transport_days=2, minimum="100", multiple="50", price="0.04", currency="EUR", policy="by_hand")
    source(buyer, "STEEL", seller.slug, active=False)
    with buyer.acting(), CaptureQueriesContext(connection) as captured:
        found = selectors.structure([ids["FRIDGE"]])
    assert len([query for query in captured if query["sql"].lstrip().startswith(("SELECT", "WITH"))]) == 3
    assert {made.number for made in found.items.values()} == {"FRIDGE", "DOOR", "SHELF", "SCREW", "STEEL"}
    door, shelf = found.components[ids["FRIDGE"]]
    assert (door.component, door.position, door.quantity) == (ids["DOOR"], 5, "2")
    assert (shelf.position, shelf.quantity, shelf.condition, shelf.scrap, shelf.fixed) == (10, "ceil(height / 400)", "shelves = glass", Decimal("2.5"), 1)
    (screw,) = found.components[ids["DOOR"]]
    assert [(one.component, one.priority) for one in screw.alternates] == [(ids["STEEL"], 1)]
    assert list(found.sources) == [ids["SCREW"]]
    (offer,) = found.sources[ids["SCREW"]]
    assert (offer.partner_id, offer.lead_days, offer.transport_days, offer.minimum, offer.multiple) == (seller.id, 7, 2, 100, 50)
    assert (offer.price, offer.currency, offer.policy, offer.asked, offer.active) == (Decimal("0.04"), "EUR", "by_hand", True, True)
    with buyer.acting():
        assert set(selectors.structure([ids["FRIDGE"]], inactive=True).sources) == {ids["SCREW"], ids["STEEL"]}
        assert [(use.number, use.level) for use in selectors.where_used(ids["SCREW"])] == [("DOOR", 1), ("OTHER", 1), ("FRIDGE", 2)]


def test_scrap_and_dates_are_reckoned(pair: Two) -> None:
    ids = items(pair[0], "P", "Q")
    line(pair[0], "P", "Q", scrap="5", valid_from="2027-01-01", valid_until="2027-06-30")
    with pair[0].acting():
        (found,) = selectors.components(ids["P"])
    assert found.taken(Decimal(19)) == Decimal(20)
    assert found.taken(Decimal(1)) == Decimal("1.052632")
    days = (dt.date(2026, 12, 31), dt.date(2027, 1, 1), dt.date(2027, 6, 30), dt.date(2027, 7, 1))
    assert [found.holds(day) for day in days] == [False, True, True, False]


def test_a_circle_is_refused_with_its_path(pair: Two) -> None:
    buyer, _seller = pair
    items(buyer, "A", "B", "C")
    line(buyer, "A", "B")
    line(buyer, "B", "C")
    found = refused(lambda: line(buyer, "C", "A"), buyer)
    assert (found.pointer, found.code, found.detail) == ("/component", "circle", "This goes in a circle: C needs A needs B needs C.")
    assert refused(lambda: line(buyer, "A", "A"), buyer).code == "circle"
    assert refused(lambda: line(buyer, "C", "B"), buyer).detail == "This goes in a circle: C needs B needs C."


def test_two_at_once_close_no_circle_together(pair: Two) -> None:
    """Each of the two lines is fine alone: the second one waits for the first, and then sees it."""
    buyer, _seller = pair
    items(buyer, "A", "B", "C", "D")
    line(buyer, "B", "C")
    line(buyer, "D", "A")

    def second() -> str:
        try:
            line(buyer, "C", "D")
        except Invalid as refusal:
            return refusal.findings[0].detail
        finally:
            connection.close()
        return ""

    with ThreadPoolExecutor(1) as pool:
        with buyer.acting(), transaction.atomic():
            line(buyer, "A", "B")
            answer = pool.submit(company.outside, second)
            assert wait([answer], timeout=0.5).not_done == {answer}
        assert answer.result(timeout=20) == "This goes in a circle: C needs D needs A needs B needs C."


def test_a_changed_line_may_turn_round(pair: Two) -> None:
    """The line that is changed is no part of the circle that it would close."""
    buyer, _seller = pair
    ids = items(buyer, "A", "B", "C")
    kept = line(buyer, "A", "B")
    turned = line(buyer, "B", "A", id=kept.pk)
    assert (turned.pk, turned.item_id, turned.component_id, turned.position) == (kept.pk, ids["B"], ids["A"], 10)
    with buyer.acting():
        assert selectors.structure([ids["B"]]).components.keys() == {ids["B"]}


@pytest.mark.parametrize(
    ("given", "pointer", "words"),
    [
        ({"quantity": "0"}, "/quantity", "greater than zero"),
        ({"quantity": "-2"}, "/quantity", "greater than zero"),
        ({"quantity": ""}, "/quantity", "must not be empty"),
        ({"quantity": "1 / 0"}, "/quantity", "divides by zero"),
        ({"quantity": "2 *"}, "/quantity", "(character 4)"),
        ({"quantity": 0.5}, "/quantity", "as text"),
        ({"condition": "colour = (red"}, "/condition", "(character 14)"),
        ({"condition": "2 + 3"}, "/condition", ""),
        ({"scrap": "100"}, "/scrap", "less than 100 %"),
        ({"scrap": "-1"}, "/scrap", "cannot be negative"),
        ({"fixed": "-1"}, "/fixed", "cannot be negative"),
        ({"component": "NOBODY"}, "/component", "You have no item “NOBODY”"),
        ({"component": ""}, "/component", "by its number"),
        ({"item": uuid.uuid4()}, "/item", "You have no item"),
        ({"position": 0}, "/position", "1 or more"),
        ({"position": "2.5"}, "/position", "whole number"),
        ({"position": 10}, "/position", "Position 10 of this item is taken already."),
        ({"valid_from": "2027-02-01", "valid_until": "2027-01-31"}, "/valid_until", "before the first"),
        ({"valid_from": "soon"}, "/valid_from", "year-month-day"),
        ({"alternate_of": 99}, "/alternate_of", "no other line"),
        ({"alternate_of": "x"}, "/alternate_of", "no other line"),
        ({"alternate_of": 10, "quantity": "3"}, "/quantity", "one for one"),
        ({"alternate_of": 20}, "/alternate_of", "cannot have alternates itself"),
        ({"alternate_of": 10, "component": "DOOR"}, "/component", "same item"),
        ({"id": uuid.uuid4()}, "/", "no such line"),
    ],
)
def test_a_bad_line_is_refused_at_its_place(pair: Two, given: dict[str, Any], pointer: str, words: str) -> None:
    buyer, _seller = pair
    items(buyer, "FRIDGE", "DOOR", "SHELF", "SCREW")
    line(buyer, "FRIDGE", "DOOR")
    line(buyer, "FRIDGE", "SHELF", alternate_of=10)
    found = refused(lambda: line(buyer, **{"item": "FRIDGE", "component": "SCREW", **given}), buyer)
    assert (found.pointer, words in found.detail) == (pointer, True), found


def test_everything_wrong_is_told_at_once(pair: Two) -> None:
    buyer, _seller = pair
    items(buyer, "FRIDGE", "DOOR")
    with unchanged(buyer), pytest.raises(Invalid) as refusal:
        line(buyer, "FRIDGE", "NONE", quantity="0", scrap="100", condition="(")
    assert [finding.pointer for finding in refusal.value.findings] == ["/component", "/quantity", "/condition", "/scrap"]


def test_a_line_goes_with_its_alternates(pair: Two) -> None:
    buyer, _seller = pair
    ids = items(buyer, "FRIDGE", "DOOR", "SHELF")
    main = line(buyer, "FRIDGE", "DOOR")
    line(buyer, "FRIDGE", "SHELF", alternate_of=10)
    with buyer.acting():
        catalog.remove_component(id=main.pk, by=buyer.actor, at=AT)
        assert selectors.components(ids["FRIDGE"]) == ()
    with buyer.acting(), pytest.raises(Invalid):
        catalog.remove_component(id=main.pk, by=buyer.actor, at=AT)


@pytest.mark.parametrize(
    ("given", "pointer", "words"),
    [
        ({"lead_days": -1}, "/lead_days", "A lead time cannot be negative."),
        ({"lead_days": "1.5"}, "/lead_days", "whole number"),
        ({"lead_days": 9999}, "/lead_days", "from 0 to 3650"),
        ({"transport_days": "-3"}, "/transport_days", "cannot be negative"),
        ({"minimum": "-1"}, "/minimum", "A lot cannot be negative."),
        ({"multiple": "many"}, "/multiple", "number in digits"),
        ({"price": "-0.01"}, "/price", "cannot be negative"),
        ({"price": "1", "currency": "XXQ"}, "/currency", "no currency in force"),
        ({"policy": "never"}, "/policy", "is none of: automatic, by_hand"),
        ({"asked": "yes"}, "/asked", "true or false"),
        ({"partner": "stranger"}, "/partner", "is no partner of yours"),
        ({"partner": "nobody-at-all"}, "/partner", "is no partner of yours"),
        ({"partner": ""}, "/partner", "Choose a partner"),
        ({"item": "NONE"}, "/item", "You have no item"),
        ({}, "/partner", "is a source of the item already"),
    ],
)
def test_a_bad_source_is_refused_at_its_place(cast: Cast, given: dict[str, Any], pointer: str, words: str) -> None:
    with cast.maker.acting():
        known = selectors.sources(selectors.ids(["M-COMP"])["M-COMP"])
    if not known:
        source(cast.maker, "M-COMP", "supplier", price="81.50")
    found = refused(lambda: source(cast.maker, **{"item": "M-COMP", "partner": "supplier", **given}), cast.maker)
    assert (found.pointer, words in found.detail) == (pointer, True), found


def test_a_source_has_the_houses_currency_and_can_be_changed(pair: Two) -> None:
    buyer, seller = pair
    kept = source(buyer, "A-1", seller.id, price="2.50")
    assert (kept.currency, kept.price) == (buyer.home.currency, Decimal("2.50"))
    changed = source(buyer, "A-1", seller.slug, price="3", currency="CNY", asked=False, id=kept.pk)
    assert (changed.pk, changed.currency, changed.asked) == (kept.pk, "CNY", False)
    with buyer.acting():
        catalog.remove_source(id=kept.pk, by=buyer.actor, at=AT)
        assert selectors.sources(kept.item_id) == ()


def test_nothing_of_it_is_seen_in_another_home(cast: Cast, pair: Two) -> None:
    buyer, seller = pair
    ids = items(buyer, "H-1", "H-2")
    top, part = ids.values()
    line(buyer, top, part)
    with buyer.acting():
        assert selectors.structure([top]).components
    for other in (cast.stranger, seller):
        with other.acting():
            found = selectors.structure([top, part])
            assert (found.items, found.components, found.sources) == ({}, {}, {})
            assert selectors.where_used(part) == []
            assert selectors.sources(top) == ()
        with unchanged(other), pytest.raises(Invalid):
            line(other, top, part)


def test_there_is_one_main_site(pair: Two) -> None:
    buyer, _seller = pair

    def site(code: str, **more: Any) -> Any:
        with buyer.acting():
            return catalog.save_site(code=code, name=f"Plant {code}", by=buyer.actor, at=AT, **more)

    first, second = site("BRE", country="de", time_zone="Europe/Berlin", gln="4006381000000"), site("NGB", name_zh="宁波工厂", time_zone="Asia/Shanghai")
    assert (first.main, first.country, second.main) == (True, "DE", False)
    site("NGB", main=True, id=second.pk)
    with buyer.acting():
        assert [(one.code, one.main) for one in selectors.sites()] == [("NGB", True), ("BRE", False)]
    with unchanged(buyer), buyer.acting(), pytest.raises(Invalid, match="make another one the main site"):
        catalog.remove_site(id=second.pk, by=buyer.actor, at=AT)
    for given, pointer in (
        ({"code": "BRE"}, "/code"),
        ({"code": ""}, "/code"),
        ({"gln": "4006381000001"}, "/gln"),
        ({"country": "XX"}, "/country"),
        ({"time_zone": "Moon/Base"}, "/time_zone"),
        ({"id": uuid.uuid4()}, "/"),
    ):
        assert refused(lambda given=given: site(**{"code": "NEW", **given}), buyer).pointer == pointer
