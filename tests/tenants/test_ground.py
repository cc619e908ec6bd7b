"""The ground itself: the cast stands, and a comparison of homes sees what has changed."""

from __future__ import annotations

import socket

import pytest

from apps.documents import selectors as documents
from tests.cast import Cast, Member, order, snapshot, unchanged

CHANGED = (
    *("documents_document", "documents_line", "documents_schedule", "documents_step"),
    *("public.exchange_channel", "public.exchange_cursor", "public.exchange_envelope", "public.exchange_receipt"),
)


def test_an_order_stands_at_the_supplier_and_nowhere_else(cast: Cast) -> None:
    with unchanged(cast.subsupplier, cast.carrier, cast.stranger):
        document = order(cast.maker, cast.supplier, 2)
    for member, there in ((cast.maker, True), (cast.supplier, True), (cast.subsupplier, False), (cast.carrier, False), (cast.stranger, False)):
        with member.acting():
            assert (documents.whole(id=document) is not None) == there


def test_a_comparison_sees_a_change(pair: tuple[Member, Member]) -> None:
    before = snapshot(*pair)
    with pytest.raises(AssertionError), unchanged(*pair):
        order(*pair)
    after = snapshot(*pair)
    assert {name for name in after if after[name] != before[name]} == {f"{member.slug}.{table}" for member in pair for table in CHANGED}


@pytest.mark.filterwarnings("ignore:A test tried to use socket")
def test_nothing_leaves_the_machine() -> None:
    with socket.socket() as outside, pytest.raises(RuntimeError, match="A test tried to use socket"):
        outside.connect(("192.0.2.1", 80))
