"""Verbs of the dock: what moves goods, and what is said about them."""

from apps.logistics.services.despatching import OverDelivery, pack
from apps.logistics.services.following import DuplicateUnit, follow
from apps.logistics.services.packing import NoPrefix, next_ssccs, read_sscc
from apps.logistics.services.producing import produced
from apps.logistics.services.receiving import ACTIONS, REASONS, AlreadyReceived, is_receivable, receive
from apps.logistics.services.scanning import DOCKS, Scanned, scan
from apps.logistics.services.stock import Goods, NotEnough, Transfer, adjust, move_stock, post

__all__ = [
    "ACTIONS",
    "DOCKS",
    "REASONS",
    "AlreadyReceived",
    "DuplicateUnit",
    "Goods",
    "NoPrefix",
    "NotEnough",
    "OverDelivery",
    "Scanned",
    "Transfer",
    "adjust",
    "follow",
    "is_receivable",
    "move_stock",
    "next_ssccs",
    "pack",
    "post",
    "produced",
    "read_sscc",
    "receive",
    "scan",
]
