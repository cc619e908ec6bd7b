"""REST for an enterprise's own items."""

import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.http import Http404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from apps.base import acting, clock
from apps.base.api import ApiView, given, uuid_of
from apps.base.describing import may_be, operation, page_of, paging, parameter, shape, text, uid, whole, yes
from apps.base.describing import number as decimal
from apps.base.findings import Finding, Invalid
from apps.base.inputs import Parameters, check_names
from apps.base.paging import MOMENT, PARAMETERS, Column, page
from apps.catalog import selectors, services
from apps.network import selectors as network

COLUMNS = ("id", "number", "name", "name_zh", "unit", "gtin", "bought", "sold", "procurement", "shipping_days", "price")
BY = {"number": Column(field="number"), "name": Column(field="name"), "created_at": Column(field="created_at", read=MOMENT)}
BODY: Mapping[str, Any] = {**dict.fromkeys(COLUMNS[1:]), "aliases": [{"partner": None, "number": None}]}

AliasShape = shape("Alias", partner=text(_("The partner's short name.")), number=text(_("What the partner calls the item.")))
_CONTENT: Mapping[str, Callable[[], Any]] = {
    "name_zh": lambda: may_be(text, _("The name in Chinese.")),
    "unit": lambda: may_be(text, _("UN/ECE Recommendation 20; “C62”, a piece, where it is not said.")),
    "gtin": lambda: may_be(text, _("8, 12, 13 or 14 digits, the last a check digit.")),
    "bought": lambda: may_be(yes),
    "sold": lambda: may_be(yes),
    "procurement": lambda: may_be(text, _("“make”, “buy” or “stock”: how it is had beyond what there is.")),
    "shipping_days": lambda: may_be(whole, _("Calendar days from being finished to the customer's door.")),
    "price": lambda: may_be(decimal, _("What a unit costs a customer, in your own currency; null where it is agreed otherwise."), allow_null=True),
    "aliases": lambda: AliasShape(many=True, required=False, help_text=_("What your partners call it.")),
}
ItemShape = shape("Item", uid=uid(), number=text(_("Your own number.")), name=text(), name_zh=text(), unit=text(), gtin=text(), bought=yes(),
                  sold=yes(), procurement=text(), shipping_days=whole(), price=decimal(allow_null=True), aliases=AliasShape(many=True))  # fmt: skip
ItemEntered = shape("ItemEntered", number=text(_("Your own number; each item has its own.")), name=text(), **{name: make() for name, make in _CONTENT.items()})
ItemChanged = shape("ItemChanged", number=may_be(text), name=may_be(text), **{name: make() for name, make in _CONTENT.items()})


def told(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Items as JSON, with what the partners call them. Two queries, whatever the number."""
    aliases: dict[uuid.UUID, list[tuple[uuid.UUID, str]]] = defaultdict(list)
    for item, partner, number in selectors.aliases([row["id"] for row in rows]):
        aliases[item].append((partner, number))
    names = network.names([partner for held in aliases.values() for partner, _number in held])
    return [_item(row, [{"partner": names[partner].slug, "number": number} for partner, number in aliases[row["id"]] if partner in names]) for row in rows]


def _item(row: Mapping[str, Any], aliases: list[dict[str, str]]) -> dict[str, Any]:
    return {"uid": row["id"], **{name: row[name] for name in COLUMNS[1:]}, "aliases": aliases}


def _checked(body: Mapping[str, Any]) -> dict[str, Any]:
    """The keywords for save_item(). Raises Invalid for a name that nobody knows, or a value of another kind."""
    check_names(body, BODY)
    wrong = [Finding(f"/{name}", "boolean", str(_("Write true or false."))) for name in ("bought", "sold") if not isinstance(body.get(name, True), bool)]
    if not isinstance(body.get("aliases", []), list):
        wrong.append(Finding("/aliases", "list", str(_("Give a list of partner and number."))))
    if wrong:
        raise Invalid(wrong)
    # To a service None is what is not said; here it is said that there is no price.
    return {**body, "price": ""} if "price" in body and body["price"] is None else dict(body)


@extend_schema_view(
    get=operation(
        "item_list",
        _("Items: list"),
        tags=["items"],
        answers={200: page_of("Item", ItemShape)},
        refused=[422],
        parameters=[
            parameter("number", _("Only the one with this number.")),
            parameter("gtin", _("Only those with this GTIN.")),
            parameter("q", _("Only those in whose number, names or GTIN this stands.")),
            *paging(list(BY)),
        ],
    ),
    post=operation(
        "item_enter",
        _("Items: enter one"),
        tags=["items"],
        answers={201: ItemShape},
        body=ItemEntered,
        writes=True,
        example={"number": "A-100", "name": "Compressor 90 W", "unit": "C62", "gtin": "4006381333931", "aliases": [{"partner": "boreal", "number": "BC90"}]},
    ),
)
class ItemCollection(ApiView):
    needs = {"get": "catalog.view", "head": "catalog.view", "post": "catalog.change"}

    def get(self, request: Request) -> Response:
        parameters = Parameters(request, ("number", "gtin", "q", *PARAMETERS))
        rows = selectors.items(search=parameters.text("q"))
        for name in ("number", "gtin"):
            if value := parameters.text(name):
                rows = rows.filter(**{name: value})
        found = page(request, parameters, rows.prefetch_related(None), columns=COLUMNS, by=BY, default="number")
        return Response(found.answer(told(found.rows)))

    def post(self, request: Request) -> Response:
        wanted = {"number": None, "name": None, **_checked(given(request))}
        item = services.save_item(**wanted, by=acting.actor(), at=clock.now())
        return Response(told([{name: getattr(item, name) for name in COLUMNS}])[0], status=201)


ITEM = parameter("uid", _("The item's uid."), kind=OpenApiTypes.UUID, place=OpenApiParameter.PATH)


@extend_schema_view(
    get=operation("item_read", _("Item: read"), tags=["items"], answers={200: ItemShape}, refused=[404], parameters=[ITEM]),
    patch=operation(
        "item_change",
        _("Item: change"),
        tags=["items"],
        answers={200: ItemShape},
        body=ItemChanged,
        refused=[404],
        writes=True,
        parameters=[ITEM],
        example={"name": "Compressor 95 W"},
    ),
)
class ItemDetail(ApiView):
    needs = {"get": "catalog.view", "head": "catalog.view", "patch": "catalog.change"}

    def _row(self, uid: str) -> dict[str, Any]:
        row = selectors.items().prefetch_related(None).filter(pk=uuid_of(uid)).values(*COLUMNS).first()
        if row is None:
            raise Http404
        return dict(row)

    def get(self, request: Request, uid: str) -> Response:
        return Response(told([self._row(uid)])[0])

    def patch(self, request: Request, uid: str) -> Response:
        row = self._row(uid)
        wanted = {**{name: row[name] for name in COLUMNS[1:]}, **_checked(given(request))}
        services.save_item(id=row["id"], **wanted, by=acting.actor(), at=clock.now())
        return Response(told([self._row(uid)])[0])
