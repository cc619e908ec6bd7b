"""REST for the dock: the stock with its ledger, and the scanners."""

from django.urls import URLPattern

from apps.base.describing import both
from apps.logistics.api.scans import Scans
from apps.logistics.api.stock import Balances, Moves

__all__ = ["routes"]


def routes() -> list[URLPattern]:
    """Every route of the dock beyond those of its documents."""
    return [
        *both("stock/", Balances.as_view(), "api-stock"),
        *both("stock/moves/", Moves.as_view(), "api-stock-moves"),
        *both("despatch-advices/<str:uid>/scans/", Scans.as_view(), "api-scans"),
    ]
