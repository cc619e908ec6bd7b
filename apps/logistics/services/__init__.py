"""Verbs of the dock: what moves goods, and what is said about them."""

from apps.logistics.services.stock import Goods, NotEnough, Transfer, adjust, move_stock, post

__all__ = ["Goods", "NotEnough", "Transfer", "adjust", "move_stock", "post"]
