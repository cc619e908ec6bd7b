"""UBL: Order, OrderResponse and OrderResponseSimple, 2.0 to 2.4, and the Peppol BIS made of them."""

from apps.exchange.formats.ubl.reading import read
from apps.exchange.formats.ubl.writing import write

__all__ = ["read", "write"]
