"""REST for the stock: what lies where, and the moves that brought it there."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from apps.base import acting, clock
from apps.base.api import ApiView, given
from apps.base.describing import may_be, moment, number, operation, page_of, paging, parameter, shape, text, uid
from apps.base.findings import refuse
from apps.base.inputs import Parameters, check_names
from apps.base.paging import MOMENT, PARAMETERS, Column, page
from apps.catalog import selectors as catalog
from apps.logistics import selectors, services
from apps.logistics.models import Place

BY = {"item": Column(field="item__number")}
MOVES_BY = {"at": Column(field="at", read=MOMENT)}
FILTERS = ("item", "place", "lot", "configuration", *PARAMETERS)
MOVE_FILTERS = ("item", "lot", "configuration", *PARAMETERS)
BODY = dict.fromkeys(("item", "quantity", "from", "to", "counted", "place", "lot", "configuration", "reason"))

BalanceShape = shape(
    "Balance",
    item=text(_("Your own item number.")),
    configuration=text(_("The digest of what was chosen; empty where there was nothing to choose.")),
    lot=text(),
    place=text(_("stock, quarantine, transit; or production, supplier, customer, loss: where goods come from and go to, below zero where they came from it.")),
    quantity=number(),
    unit=text(_("UN/ECE Recommendation 20.")),
)
MoveShape = shape(
    "StockMove",
    uid=uid(),
    item=text(),
    configuration=text(),
    lot=text(),
    **{"from": text(), "to": text()},
    quantity=number(),
    unit=text(),
    cause=text(_("hand, adjustment, despatch or receipt.")),
    document=uid(_("The despatch or receipt advice that caused it."), allow_null=True),
    reason=text(),
    at=moment(),
    by=text(),
)
MoveMade = shape(
    "StockMoveMade",
    item=text(_("Your own item number.")),
    quantity=may_be(number),
    **{"from": may_be(text, _("From which place.")), "to": may_be(text, _("To which place; from or to “loss” it is an adjustment, and needs its reason."))},
    counted=may_be(number, _("Instead of quantity, from and to: what was counted at the place; the difference is entered.")),
    place=may_be(text, _("Where it was counted: stock, where it is not said.")),
    lot=may_be(text),
    configuration=may_be(text),
    reason=may_be(text),
)


def _item(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"item": row["item__number"], **{name: row[name] for name in ("configuration", "lot")}}


def _balance(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**_item(row), "place": row["place"], "quantity": row["quantity"], "unit": row["item__unit"]}


def _move(row: Mapping[str, Any]) -> dict[str, Any]:
    told = {"uid": row["id"], **_item(row), "from": row["source"], "to": row["target"], "quantity": row["quantity"], "unit": row["item__unit"]}
    return {**told, "cause": row["cause"], "document": row["document_id"], **{name: row[name] for name in ("reason", "at", "by")}}


def _filtered(parameters: Parameters, rows: QuerySet[Any], names: tuple[str, ...]) -> QuerySet[Any]:
    for name, field in (("item", "item__number"), ("lot", "lot"), ("configuration", "configuration")):
        if value := parameters.text(name):
            rows = rows.filter(**{field: value})
    if "place" in names and (place := parameters.choice("place", Place.values)):
        rows = rows.filter(place=place)
    return rows


_FILTERED = [
    parameter("item", _("Only of the item with this number.")),
    parameter("lot", _("Only of this lot.")),
    parameter("configuration", _("Only of the configuration with this digest.")),
]


@extend_schema_view(
    get=operation(
        "stock_list",
        _("Stock: what lies where"),
        tags=["stock"],
        answers={200: page_of("Balance", BalanceShape)},
        refused=[422],
        parameters=[*_FILTERED, parameter("place", _("Only at this place."), options=Place.values), *paging(list(BY))],
    )
)
class Balances(ApiView):
    needs = {"get": "stock.view", "head": "stock.view"}

    def get(self, request: Request) -> Response:
        parameters = Parameters(request, FILTERS)
        rows = _filtered(parameters, selectors.balances(), FILTERS)
        found = page(request, parameters, rows, columns=selectors.BALANCE, by=BY, default="item")
        return Response(found.answer([_balance(row) for row in found.rows]))


@extend_schema_view(
    get=operation(
        "stock_move_list",
        _("Stock: its moves"),
        tags=["stock"],
        answers={200: page_of("StockMove", MoveShape)},
        refused=[422],
        parameters=[*_FILTERED, *paging(list(MOVES_BY))],
    ),
    post=operation(
        "stock_move_make",
        _("Stock: move goods, or adjust what the ledger holds"),
        tags=["stock"],
        answers={201: MoveShape},
        body=MoveMade,
        writes=True,
        example={"item": "A-100", "quantity": "40", "from": "production", "to": "stock", "lot": "L-7"},
    ),
)
class Moves(ApiView):
    needs = {"get": "stock.view", "head": "stock.view", "post": "stock.move"}

    def get(self, request: Request) -> Response:
        parameters = Parameters(request, MOVE_FILTERS)
        rows = _filtered(parameters, selectors.moves(), MOVE_FILTERS)
        found = page(request, parameters, rows, columns=selectors.MOVE, by=MOVES_BY, default="-at")
        return Response(found.answer([_move(row) for row in found.rows]))

    def post(self, request: Request) -> Response:
        body = given(request)
        check_names(body, BODY)
        row = self._made(_known(body.get("item")), body)
        if row is None:
            raise refuse("/counted", "same", str(_("The ledger holds what you counted: there is nothing to adjust.")))
        return Response(_move(selectors.moves().filter(pk=row.pk).values(*selectors.MOVE)[0]), status=201)

    def _made(self, item: uuid.UUID, body: Mapping[str, Any]) -> Any:
        said = {name: body.get(name, "") for name in ("lot", "configuration", "reason")}
        by, at = acting.actor(), clock.now()
        if "counted" not in body:
            return services.move_stock(item=item, quantity=body.get("quantity"), source=body.get("from"), target=body.get("to"), **said, by=by, at=at)
        if wrong := [name for name in ("quantity", "from", "to") if name in body]:
            raise refuse(f"/{wrong[0]}", "instead", str(_("Say what was counted, or what is moved from where to where; not both.")))
        return services.adjust(item=item, counted=body["counted"], place=body.get("place", Place.STOCK.value), **said, by=by, at=at)


def _known(number: Any) -> uuid.UUID:
    """The own item of this number. Raises Invalid."""
    found = catalog.items().filter(number=number).values_list("pk", flat=True).first() if isinstance(number, str) else None
    if found is None:
        raise refuse("/item", "item", str(_("You have no item “%(number)s”. Enter it among your items first.")) % {"number": str(number)[:60]})
    return found
