"""The number that a form proposes: the newest one's, counted on, and never one that is taken."""

import pytest

from apps.documents.selectors import next_number
from apps.documents.services import numbered
from tests.cast import make_pair, order


@pytest.mark.parametrize(("newest", "proposed"), [("4500012345", "4500012346"), ("PO-0099", "PO-0100"), ("A9", "A10"), ("without", "")])
def test_the_last_digits_are_counted_on(newest: str, proposed: str) -> None:
    buyer, seller = make_pair()
    order(buyer, seller, number=newest)
    with buyer.acting():
        assert next_number(type="order") == proposed
    with seller.acting():
        assert next_number(type="order") == ""


def test_a_taken_number_is_passed_over() -> None:
    buyer, seller = make_pair()
    for number in ("N-3", "N-2"):
        order(buyer, seller, number=number)
    with buyer.acting():
        assert next_number(type="order") == "N-4"


def test_a_prefix_has_numbers_of_its_own() -> None:
    """Where the newest number cannot be counted on, the portal goes on with its own, and never begins them again."""
    buyer, seller = make_pair()
    for number in ("DA-000007", "without"):
        order(buyer, seller, number=number)
    with buyer.acting():
        assert (next_number(type="order"), next_number(type="order", prefix="DA"), next_number(type="order", prefix="RA")) == ("", "DA-000008", "")
        assert [numbered(type="order", prefix=prefix, write=str) for prefix in ("DA", "RA")] == ["DA-000008", "RA-000001"]


def test_the_form_proposes_it() -> None:
    buyer, seller = make_pair()
    order(buyer, seller, number="N-1")
    assert 'value="N-2"' in buyer.page_client().get("/documents/orders/new/").content.decode()
