"""What a finished job does to the stock: its components go into production, and what it made comes out of it."""

import uuid
from collections.abc import Iterator
from decimal import Decimal

from apps.logistics import models
from apps.logistics.models import Cause, Place
from apps.logistics.services.stock import Goods, Transfer, post
from apps.scheduling.services import Finished


def produced(news: Finished) -> None:
    """React to a job that is done. Raises NotEnough where a component is not there; then the job is not done."""
    moves = [move for item, configuration, quantity in news.consumed for move in _consumed(item, configuration, quantity)]
    item, configuration, quantity = news.produced
    made = Transfer(goods=Goods(item=item, configuration=configuration), source=Place.PRODUCTION, target=Place.STOCK, quantity=quantity)
    post([*moves, made] if quantity else moves, cause=Cause.PRODUCTION, by=news.by, at=news.at)


def _consumed(item: uuid.UUID, configuration: str, quantity: Decimal) -> Iterator[Transfer]:
    """From the lots in stock, in their order; what is missing is asked of the last one, so that the ledger says how much it is."""
    lots = list(
        models.Balance.objects.select_for_update()
        .filter(item_id=item, configuration=configuration, place=Place.STOCK, quantity__gt=0)
        .order_by("lot")
        .values_list("lot", "quantity")
    )
    for lot, there in lots:
        part = min(quantity, there)
        if part:
            yield Transfer(goods=Goods(item=item, configuration=configuration, lot=lot), source=Place.STOCK, target=Place.PRODUCTION, quantity=part)
        quantity -= part
    if quantity > 0:
        yield Transfer(goods=Goods(item=item, configuration=configuration), source=Place.STOCK, target=Place.PRODUCTION, quantity=quantity)
