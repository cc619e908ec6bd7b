"""REST for the dock: the stock and its ledger."""

from django.urls import URLPattern

from apps.base.describing import both
from apps.logistics.api.stock import Balances, Moves

__all__ = ["routes"]


def routes() -> list[URLPattern]:
    """Every route of the dock beyond those of its documents."""
    return [*both("stock/", Balances.as_view(), "api-stock"), *both("stock/moves/", Moves.as_view(), "api-stock-moves")]
