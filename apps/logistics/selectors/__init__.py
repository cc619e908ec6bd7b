"""Questions about the dock and the stock."""

from apps.logistics.selectors.docking import scans, seen
from apps.logistics.selectors.stock import BALANCE, MOVE, SHOWN, balances, item_balances, item_moves, moves, on_hand, overview

__all__ = ["BALANCE", "MOVE", "SHOWN", "balances", "item_balances", "item_moves", "moves", "on_hand", "overview", "scans", "seen"]
