"""The pages of the dock: big enough for gloves, short enough for a telephone, and whole without scripts."""

from apps.logistics.views.packing import labels, packing
from apps.logistics.views.receiving import expected, receiving
from apps.logistics.views.shipping import pack, to_ship
from apps.logistics.views.stocking import stock, stock_item

__all__ = ["expected", "labels", "pack", "packing", "receiving", "stock", "stock_item", "to_ship"]
