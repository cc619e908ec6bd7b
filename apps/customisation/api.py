"""REST for configurable products and configurations."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.http import Http404
from django.urls import URLPattern
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.base import acting, clock, fields
from apps.base.api import ApiView, given, uuid_of
from apps.base.describing import both, may_be, moment, number, operation, page_of, paging, parameter, shape, text, uid, whole, yes
from apps.base.findings import refuse
from apps.base.inputs import Parameters, check_names
from apps.base.paging import MOMENT, PARAMETERS, Column, everything, page
from apps.customisation import selectors, services
from apps.customisation.services import Seller, Told, configuring
from apps.network import selectors as network

ENTERED: Mapping[str, Any] = dict.fromkeys(("seller", "product", "choices"))
CHANGED: Mapping[str, Any] = {"choices": None}
BY = {"changed_at": Column(field="changed_at", read=MOMENT), "created_at": Column(field="created_at", read=MOMENT)}
ROW = ("id", "seller_id", "product", "release", "digest", "valid", "complete", "choices", "amount", "currency", "created_by", "created_at", "changed_at")


def _anything(help: Any = "", **more: Any) -> Any:
    return serializers.JSONField(help_text=help, **more)


def _bag(help: Any = "", **more: Any) -> Any:
    return serializers.DictField(help_text=help, **more)


MoneyShape = shape("Money", amount=number(), currency=text(_("ISO 4217.")))
ConfigurableShape = shape(
    "Configurable",
    code=text(_("The product's code.")),
    name=text(),
    name_zh=text(),
    text=text(),
    text_zh=text(),
    seller=text(_("The seller's short name.")),
    release=whole(_("The number of the release that is sold.")),
    item=text(_("The seller's item number.")),
    unit=text(_("UN/ECE Recommendation 20.")),
    price=MoneyShape(help_text=_("Before any choice.")),
    public=yes(_("Shown to everybody, without a login.")),
)
ConflictShape = shape(
    "Conflict",
    rules=serializers.ListField(child=_bag(), help_text=_("The fewest rules that contradict the choices: code and text.")),
    mend=serializers.ListField(child=_bag(), help_text=_("The least changes, best first: text, and the choices to send by PATCH.")),
)
_KEPT: Mapping[str, Any] = {
    "uid": uid(),
    "digest": text(_("SHA-256 of what was chosen, of which product and release, from whom.")),
    "seller": text(_("The seller's short name.")),
    "product": text(_("The product's code.")),
    "release": whole(),
    "valid": yes(_("Whether a product with these choices exists.")),
    "complete": yes(_("Whether nothing more need be chosen.")),
    "choices": _bag(_("What was chosen: an option's code, a number as text, “yes” or “no”; null for what is left out.")),
    "price": MoneyShape(allow_null=True, help_text=_("Of one, as far as it is decided.")),
    "created_by": text(),
    "created_at": moment(),
    "changed_at": moment(),
}
ConfigurationRow = shape("ConfigurationRow", **_KEPT)
ConfigurationShape = shape(
    "Configuration",
    **_KEPT,
    decided=_bag(_("The choices, and all that follows from them.")),
    open=_bag(_("What can still be chosen, by feature: options; of a number the least and the most.")),
    grey=_bag(_("What cannot be chosen any more, by feature and option, and why.")),
    conflict=ConflictShape(allow_null=True),
    configuration=_bag(_("As it travels in the line of an order or a promise.")),
    share=text(_("The address that shows this configuration.")),
    due_on=serializers.DateField(required=False, allow_null=True, help_text=_("With ?promise=1: the day on which it could be had now.")),
)
ConfigurationEntered = shape(
    "ConfigurationEntered",
    seller=may_be(text, _("The seller's short name; your own enterprise where it is not said.")),
    product=text(_("The product's code.")),
    choices=may_be(_bag, _("Option codes, numbers, “yes” and “no” by feature; null leaves out.")),
)
ConfigurationChanged = shape(
    "ConfigurationChanged", choices=_bag(_("What changes: null leaves an optional feature out, and takes any other choice back; so does an empty text."))
)


def _seller(slug: Any, at: str) -> Seller:
    try:
        return services.seller_of(fields.text(slug, limit=60))
    except network.NoPartner as error:
        raise refuse(at, "partner", str(error)) from error
    except fields.Unreadable as error:
        raise refuse(at, error.code, str(error)) from error


@extend_schema_view(
    get=operation(
        "product_list",
        _("Products that are configured to order: list"),
        tags=["configurations"],
        answers={200: page_of("Configurable", ConfigurableShape)},
        refused=[409, 422],
        parameters=[parameter("seller", _("Whose: a partner's short name; your own where it is not said."))],
    )
)
class ProductCollection(ApiView):
    needs = {"get": "product.view", "head": "product.view"}

    def get(self, request: Request) -> Response:
        parameters = Parameters(request, ("seller",))
        slug = parameters.text("seller", limit=60)
        parameters.done()
        seller = _seller(slug, "/seller")
        return Response(everything([_product(row, seller) for row in services.products(seller=seller)]))


def _product(row: Mapping[str, Any], seller: Seller) -> dict[str, Any]:
    item, name, words = row["item"], row["name"], row["text"]
    return {
        "code": row["code"],
        "name": name["en"],
        "name_zh": name["zh"],
        "text": words["en"],
        "text_zh": words["zh"],
        "seller": seller.slug,
        "release": row["release"],
        "item": item["number"],
        "unit": item["unit"],
        "price": row["price"],
        "public": row["public"],
    }


PROMISE = parameter("promise", _("1: with the day on which it could be had now."), options=["0", "1"])


@extend_schema_view(
    get=operation(
        "configuration_list",
        _("Configurations: list"),
        tags=["configurations"],
        answers={200: page_of("ConfigurationRow", ConfigurationRow)},
        refused=[422],
        parameters=[parameter("seller", _("Only of this seller, by his short name.")), parameter("product", _("Only of this product.")), *paging(list(BY))],
    ),
    post=operation(
        "configuration_enter",
        _("Configurations: begin one"),
        tags=["configurations"],
        answers={201: ConfigurationShape, 200: ConfigurationShape},
        body=ConfigurationEntered,
        writes=True,
        parameters=[PROMISE],
        description=_("201; or 200, where the choices contradict each other: the configuration is kept, with the conflict and what would mend it."),
        example={"seller": "aurora", "product": "fridge-300", "choices": {"colour": "red", "width": "600"}},
    ),
)
class ConfigurationCollection(ApiView):
    needs = {"get": "configuration.view", "head": "configuration.view", "post": "configuration.change"}

    def get(self, request: Request) -> Response:
        parameters = Parameters(request, ("seller", "product", *PARAMETERS))
        rows = selectors.configurations()
        if slug := parameters.text("seller", limit=60):
            rows = rows.filter(seller_id=acting.home().id if slug == acting.home().slug else network.related(slug=slug) or uuid.UUID(int=0))
        if product := parameters.text("product", limit=60):
            rows = rows.filter(product=product)
        found = page(request, parameters, rows, columns=ROW, by=BY, default="-changed_at")
        names = network.names([row["seller_id"] for row in found.rows])
        return Response(found.answer([_row(row, names[row["seller_id"]].slug if row["seller_id"] in names else None) for row in found.rows]))

    def post(self, request: Request) -> Response:
        with_date = _wants_date(request)
        body = given(request)
        check_names(body, {**ENTERED, "choices": dict.fromkeys(body["choices"]) if isinstance(body.get("choices"), Mapping) else None})
        seller = _seller(body.get("seller"), "/seller")
        product = _code(body.get("product"))
        row, told = services.save_configuration(seller=seller, product=product, choices=body.get("choices"), by=acting.actor(), at=clock.now(), why="all")
        return _answer(request, row, told, with_date=with_date, status=201 if told.valid else 200)


def _code(value: Any) -> str:
    try:
        return fields.text(value, limit=60, required=True)
    except fields.Unreadable as error:
        raise refuse("/product", error.code, str(error)) from error


def _wants_date(request: Request) -> bool:
    parameters = Parameters(request, ("promise",))
    wanted = parameters.choice("promise", ("0", "1"), "0") == "1"
    parameters.done()
    return wanted


CONFIGURATION = parameter("uid", _("The configuration's uid."), kind=OpenApiTypes.UUID, place=OpenApiParameter.PATH)


@extend_schema_view(
    get=operation(
        "configuration_read",
        _("Configuration: read"),
        tags=["configurations"],
        answers={200: ConfigurationShape},
        refused=[404, 409, 422],
        parameters=[CONFIGURATION, PROMISE],
    ),
    patch=operation(
        "configuration_change",
        _("Configuration: change choices"),
        tags=["configurations"],
        answers={200: ConfigurationShape},
        body=ConfigurationChanged,
        refused=[404],
        writes=True,
        parameters=[CONFIGURATION, PROMISE],
        example={"choices": {"colour": "white"}},
    ),
)
class ConfigurationDetail(ApiView):
    needs = {"get": "configuration.view", "head": "configuration.view", "patch": "configuration.change"}

    def get(self, request: Request, uid: str) -> Response:
        row = selectors.configuration(id=uuid_of(uid))
        if row is None:
            raise Http404
        with_date = _wants_date(request)
        seller = services.seller_with(row.seller_id)
        told = services.configure(seller=seller, product=row.product, choices=row.choices, release=row.release, why="all")
        return _answer(request, row, told, with_date=with_date)

    def patch(self, request: Request, uid: str) -> Response:
        key = uuid_of(uid)
        if selectors.configuration(id=key) is None:
            raise Http404
        with_date = _wants_date(request)
        body = given(request)
        if not isinstance(body.get("choices"), Mapping):
            check_names(body, CHANGED)
            raise refuse("/choices", "object", _now("Send the choices that change as a JSON object."))
        check_names(body, {"choices": dict.fromkeys(body["choices"])})
        row, told = services.change_configuration(id=key, choices=body["choices"], by=acting.actor(), at=clock.now(), why="all")
        return _answer(request, row, told, with_date=with_date)


# Telling -----------------------------------------------------------------------------------------------------------------


def _row(row: Mapping[str, Any], seller: str | None) -> dict[str, Any]:
    plain = {name: row[name] for name in ("digest", "product", "release", "valid", "complete", "choices", "created_by", "created_at", "changed_at")}
    price = None if row["amount"] is None else {"amount": row["amount"], "currency": row["currency"]}
    return {"uid": row["id"], "seller": seller, **plain, "price": price}


def _answer(request: Request, row: Any, told: Told, *, with_date: bool, status: int = 200) -> Response:
    body = {
        **_row({name: getattr(row, name) for name in ROW}, told.seller.slug),
        "valid": told.valid,
        "complete": told.complete,
        "price": None if told.amount is None else {"amount": told.amount, "currency": told.currency},
        "decided": told.answer["decided"],
        "open": {feature: _open(told.features[feature], offer) for feature, offer in told.answer["offers"].items()},
        "grey": configuring.reasons(told),
        "conflict": _conflict(told),
        "configuration": told.wire,
        "share": request.build_absolute_uri(f"/configure/shared/{row.token}/"),
    }
    if with_date:
        body["due_on"] = services.estimate(told).due_on
    return Response(body, status=status)


def _open(feature: Mapping[str, Any], offer: Mapping[str, Any]) -> list[Any]:
    """What can still be chosen; of a number its two ends, and null last where it may be left out."""
    possible = list(offer["possible"])
    if feature["kind"] == "number" and offer["least"] is not None:
        return [offer["least"], offer["most"], *([None] if None in possible else [])]
    return possible


def _conflict(told: Told) -> dict[str, Any] | None:
    conflict = told.answer["conflict"]
    if conflict is None:
        return None
    rules = [{"code": rule["code"], "text": configuring.in_reader_words(rule["text"])} for rule in conflict["rules"]]
    mend = [
        {"text": told.mend(change), "choices": {one["feature"]: "" if one["open"] else one["value"] for one in change["changed"]}}
        for change in conflict["changes"]
    ]
    return {"rules": rules, "why": told.why(conflict), "mend": mend}


def routes() -> list[URLPattern]:
    """Every route for products and configurations."""
    return [
        *both("products/", ProductCollection.as_view(), "api-product-list"),
        *both("configurations/", ConfigurationCollection.as_view(), "api-configuration-list"),
        *both("configurations/<str:uid>/", ConfigurationDetail.as_view(), "api-configuration"),
    ]
