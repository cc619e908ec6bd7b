"""Statements whose plan is kept: a connection goes from home to home, and the plan that it keeps must not."""

from __future__ import annotations

from django.db import connection, transaction

from apps.exchange import models as exchange
from apps.tenants import boundary
from tests.cast import Cast, Member, order, stock

OFTEN = 12


def _numbers() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT number FROM catalog_item ORDER BY number")
        return [number for (number,) in cursor.fetchall()]


def _kept_plans() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'SELECT number FROM catalog_item%%'")
        return int(cursor.fetchone()[0])


def test_a_kept_plan_reads_the_home_that_acts(pair: tuple[Member, Member]) -> None:
    buyer, seller = pair
    stock(buyer, "ONLY-BUYER", "For the buyer alone")
    with transaction.atomic():
        for _turn in range(OFTEN):
            with buyer.acting():
                mine = _numbers()
                with boundary.enter(seller.home):
                    theirs = _numbers()
            assert mine == ["A-1", "A-2", "A-3", "ONLY-BUYER"]
            assert theirs == ["S-1", "S-2", "S-3"]
        with buyer.acting():
            assert _kept_plans() == 1, "the statement was to be prepared, or this test shows nothing"


def test_a_kept_plan_of_a_shared_table_obeys_the_policy_of_the_role_that_acts(cast: Cast) -> None:
    order(cast.maker, cast.supplier)
    for _turn in range(OFTEN):
        with cast.maker.acting():
            assert {row.sender_id for row in exchange.Envelope.objects.only("sender_id")} >= {cast.maker.id}
        with cast.stranger.acting():
            assert list(exchange.Envelope.objects.only("sender_id")) == []
        with cast.subsupplier.acting():
            assert cast.maker.id not in {row.sender_id for row in exchange.Envelope.objects.only("sender_id")}
