"""REST for what items are made of, and whence they come: one's own home only."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.http import Http404, HttpResponse
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema_view
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from apps.base import acting, clock
from apps.base.api import ApiView, JSONRenderer, given, uuid_of
from apps.base.describing import Finding, day, may_be, number, operation, page_of, paging, parameter, shape, text, uid, whole, yes
from apps.base.inputs import Parameters, check_names
from apps.base.paging import PARAMETERS, Column, page
from apps.catalog import models, selectors, services
from apps.network import selectors as network

LINE = ("position", "quantity", "scrap", "fixed", "condition", "priority", "valid_from", "valid_until")
OFFER = ("lead_days", "transport_days", "minimum", "multiple", "price", "currency", "priority", "policy", "asked", "active")
LINE_COLUMNS = ("id", "item__number", "component__number", "alternate_of__position", *LINE)
OFFER_COLUMNS = ("id", "item__number", "partner_id", *OFFER)
LINE_BODY: Mapping[str, Any] = dict.fromkeys(("item", "component", "alternate_of", *LINE))
OFFER_BODY: Mapping[str, Any] = dict.fromkeys(("item", "partner", *OFFER))
BY = {"item": Column(field="item__number")}
_NEEDS = {"get": "catalog.view", "head": "catalog.view", "post": "catalog.structure", "patch": "catalog.structure", "delete": "catalog.structure"}

_ITEM = _("Your own number of the item.")
_LINE: Mapping[str, tuple[Any, Any]] = {
    "position": (whole, _("Where the line stands; the next ten where it is not said.")),
    "quantity": (text, _("A number or a formula, in units of the component for one unit of the item; “1” where it is not said.")),
    "scrap": (number, _("Percent of what is taken that is lost, below 100.")),
    "fixed": (number, _("So much more a job, whatever its size.")),
    "condition": (text, _("A formula on the configuration, as “colour = red”; empty always holds.")),
    "priority": (whole, _("The lowest comes first.")),
    "valid_from": (day, _("The first day.")),
    "valid_until": (day, _("The last day.")),
    "alternate_of": (whole, _("The position of the line for which this one may stand in, one for one.")),
}
_OFFER: Mapping[str, tuple[Any, Any]] = {
    "lead_days": (whole, _("Calendar days from the order to the partner's door, where he is not asked.")),
    "transport_days": (whole, _("Calendar days from there to your own dock.")),
    "minimum": (number, _("The smallest lot; 0: any.")),
    "multiple": (number, _("Lots are multiples of it; 0: any.")),
    "price": (number, _("Of one unit; null where none is agreed.")),
    "currency": (text, _("ISO 4217; your enterprise's own where it is not said.")),
    "priority": (whole, _("The lowest comes first.")),
    "policy": (text, _("“automatic”: the order is placed by itself; “by_hand”: somebody places it.")),
    "asked": (yes, _("Whether the partner is asked for a promise.")),
    "active": (yes, _("Whether it is used.")),
}


def _all(fields: Mapping[str, tuple[Any, Any]], *, optional: bool = False) -> dict[str, Any]:
    return {name: may_be(make, help) if optional else make(help) for name, (make, help) in fields.items()}


_NULLED = {"valid_from": day(allow_null=True), "valid_until": day(allow_null=True), "alternate_of": whole(allow_null=True)}
ComponentShape = shape("Component", uid=uid(), item=text(_ITEM), component=text(_ITEM), **{**_all(_LINE), **_NULLED})
ComponentEntered = shape("ComponentEntered", item=text(_ITEM), component=text(_ITEM), **_all(_LINE, optional=True))
ComponentChanged = shape("ComponentChanged", item=may_be(text, _ITEM), component=may_be(text, _ITEM), **_all(_LINE, optional=True))
_PARTNER = _("The partner's short name.")
SourceShape = shape("Source", uid=uid(), item=text(_ITEM), partner=text(_PARTNER), **{**_all(_OFFER), "price": number(allow_null=True)})
SourceEntered = shape("SourceEntered", item=text(_ITEM), partner=text(_PARTNER), **_all(_OFFER, optional=True))
SourceChanged = shape("SourceChanged", item=may_be(text, _ITEM), partner=may_be(text, _PARTNER), **_all(_OFFER, optional=True))
MadeShape = shape("StructureItem", uid=uid(), number=text(_ITEM), name=text(), name_zh=text(), unit=text(), procurement=text(), shipping_days=whole(),
                  price=number(allow_null=True))  # fmt: skip
StructureShape = shape("Structure", item=text(_("The number of the item that was asked for.")), items=MadeShape(many=True),
                       components=ComponentShape(many=True), sources=SourceShape(many=True))  # fmt: skip
SavedShape = shape("StructureSaved", saved=shape("StructureCounts", items=may_be(whole), components=may_be(whole), sources=may_be(whole))(),
                   errors=Finding(many=True, help_text=_("What is wrong with the rows that were not taken.")))  # fmt: skip
UID = parameter("uid", _("The item's uid."), kind=OpenApiTypes.UUID, place=OpenApiParameter.PATH)
LINE_UID = parameter("uid", _("The line's uid."), kind=OpenApiTypes.UUID, place=OpenApiParameter.PATH)
OFFER_UID = parameter("uid", _("The source's uid."), kind=OpenApiTypes.UUID, place=OpenApiParameter.PATH)
OF_ITEM = parameter("item", _("Only those of the item with this number."))


def line_told(row: Mapping[str, Any]) -> dict[str, Any]:
    named = {"uid": row["id"], "item": row["item__number"], "component": row["component__number"]}
    return {**named, **{name: row[name] for name in LINE}, "alternate_of": row["alternate_of__position"]}


def offers_told(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Sources as JSON. One query, whatever the number."""
    names = network.names(list({row["partner_id"] for row in rows}))
    return [
        {"uid": row["id"], "item": row["item__number"], "partner": names[row["partner_id"]].slug, **{name: row[name] for name in OFFER}}
        for row in rows
        if row["partner_id"] in names
    ]


@extend_schema_view(
    get=operation(
        "item_structure",
        _("Item: what it is made of"),
        tags=["items"],
        answers={200: StructureShape},
        refused=[404],
        parameters=[UID],
        description=_(
            "Every item that can be reached, each once, with the lines between them and their sources: a part that stands in two places is told once. "
            "Conditions and quantities are formulas on a configuration, and are given as they were entered."
        ),
    )
)
class ItemStructure(ApiView):
    needs = _NEEDS

    def get(self, request: Request, uid: str) -> Response:
        key = uuid_of(uid)
        found = selectors.structure([key], inactive=True)
        if key not in found.items:
            raise Http404
        numbers = {id: made.number for id, made in found.items.items()}
        made = [{"uid": one.id, **{name: getattr(one, name) for name in _MADE}} for one in sorted(found.items.values(), key=lambda one: one.number)]
        lines = [told for owned in found.components.values() for line in owned for told in _lines(line, numbers)]
        offers = [_offer(offer, numbers) for owned in found.sources.values() for offer in owned]
        return Response({"item": numbers[key], "items": made, "components": lines, "sources": offers_told(offers)})


_MADE = ("number", "name", "name_zh", "unit", "procurement", "shipping_days", "price")


def _lines(line: selectors.Component, numbers: Mapping[uuid.UUID, str]) -> list[dict[str, Any]]:
    """The line, and those that may stand in for it."""
    rows = [(line, None), *((one, line.position) for one in line.alternates)]
    return [
        line_told({**{name: getattr(one, name) for name in LINE}, "id": one.id, "item__number": numbers[one.item], "component__number": numbers[one.component],
                   "alternate_of__position": position})
        for one, position in rows
    ]  # fmt: skip


def _offer(offer: selectors.Source, numbers: Mapping[uuid.UUID, str]) -> dict[str, Any]:
    return {**{name: getattr(offer, name) for name in OFFER}, "id": offer.id, "item__number": numbers[offer.item], "partner_id": offer.partner_id}


@extend_schema_view(
    get=operation(
        "component_list",
        _("Components: list"),
        tags=["components"],
        answers={200: page_of("Component", ComponentShape)},
        refused=[422],
        parameters=[OF_ITEM, parameter("component", _("Only those in which the item with this number goes.")), *paging(list(BY))],
    ),
    post=operation(
        "component_enter",
        _("Components: enter one"),
        tags=["components"],
        answers={201: ComponentShape},
        body=ComponentEntered,
        writes=True,
        example={"item": "A-100", "component": "B-7", "quantity": "ceil(height / 400)", "condition": "shelves = glass", "scrap": "2"},
    ),
)
class ComponentCollection(ApiView):
    needs = _NEEDS

    def get(self, request: Request) -> Response:
        parameters = Parameters(request, ("item", "component", *PARAMETERS))
        rows = models.Component.objects.all()
        for name in ("item", "component"):
            if value := parameters.text(name):
                rows = rows.filter(**{f"{name}__number": value})
        found = page(request, parameters, rows, columns=LINE_COLUMNS, by=BY, default="item")
        return Response(found.answer([line_told(row) for row in found.rows]))

    def post(self, request: Request) -> Response:
        check_names(given(request), LINE_BODY)
        saved = services.save_component(**{"item": None, "component": None, **given(request)}, by=acting.actor(), at=clock.now())
        return Response(line_told(_line_row(saved.pk)), status=201)


def _line_row(key: uuid.UUID) -> dict[str, Any]:
    row = models.Component.objects.filter(pk=key).values(*LINE_COLUMNS).first()
    if row is None:
        raise Http404
    return dict(row)


@extend_schema_view(
    get=operation("component_read", _("Component: read"), tags=["components"], answers={200: ComponentShape}, refused=[404], parameters=[LINE_UID]),
    patch=operation(
        "component_change",
        _("Component: change"),
        tags=["components"],
        answers={200: ComponentShape},
        body=ComponentChanged,
        refused=[404],
        writes=True,
        parameters=[LINE_UID],
        example={"quantity": "3"},
    ),
    delete=operation("component_remove", _("Component: remove"), tags=["components"], answers={204: None}, refused=[404], parameters=[LINE_UID]),
)
class ComponentDetail(ApiView):
    needs = _NEEDS

    def get(self, request: Request, uid: str) -> Response:
        return Response(line_told(_line_row(uuid_of(uid))))

    def patch(self, request: Request, uid: str) -> Response:
        row = _line_row(uuid_of(uid))
        check_names(given(request), LINE_BODY)
        wanted = {name: value for name, value in line_told(row).items() if name != "uid"}
        services.save_component(id=row["id"], **{**wanted, **given(request)}, by=acting.actor(), at=clock.now())
        return Response(line_told(_line_row(row["id"])))

    def delete(self, request: Request, uid: str) -> Response:
        services.remove_component(id=_line_row(uuid_of(uid))["id"], by=acting.actor(), at=clock.now())
        return Response(status=204)


@extend_schema_view(
    get=operation(
        "source_list",
        _("Sources: list"),
        tags=["sources"],
        answers={200: page_of("Source", SourceShape)},
        refused=[422],
        parameters=[OF_ITEM, parameter("partner", _("Only those at this partner, by his short name.")), *paging(list(BY))],
    ),
    post=operation(
        "source_enter",
        _("Sources: enter one"),
        tags=["sources"],
        answers={201: SourceShape},
        body=SourceEntered,
        writes=True,
        example={"item": "B-7", "partner": "boreal", "lead_days": 12, "transport_days": 2, "minimum": "50", "price": "81.50", "currency": "EUR"},
    ),
)
class SourceCollection(ApiView):
    needs = _NEEDS

    def get(self, request: Request) -> Response:
        parameters = Parameters(request, ("item", "partner", *PARAMETERS))
        rows = models.Source.objects.all()
        if value := parameters.text("item"):
            rows = rows.filter(item__number=value)
        if slug := parameters.text("partner"):
            partner = network.related(slug=slug)
            rows = rows.filter(partner_id=partner) if partner else rows.none()
        found = page(request, parameters, rows, columns=OFFER_COLUMNS, by=BY, default="item")
        return Response(found.answer(offers_told(found.rows)))

    def post(self, request: Request) -> Response:
        check_names(given(request), OFFER_BODY)
        saved = services.save_source(**{"item": None, "partner": None, **given(request)}, by=acting.actor(), at=clock.now())
        return Response(offers_told([_offer_row(saved.pk)])[0], status=201)


def _offer_row(key: uuid.UUID) -> dict[str, Any]:
    row = models.Source.objects.filter(pk=key).values(*OFFER_COLUMNS).first()
    if row is None:
        raise Http404
    return dict(row)


@extend_schema_view(
    get=operation("source_read", _("Source: read"), tags=["sources"], answers={200: SourceShape}, refused=[404], parameters=[OFFER_UID]),
    patch=operation(
        "source_change",
        _("Source: change"),
        tags=["sources"],
        answers={200: SourceShape},
        body=SourceChanged,
        refused=[404],
        writes=True,
        parameters=[OFFER_UID],
        example={"lead_days": 9},
    ),
    delete=operation("source_remove", _("Source: remove"), tags=["sources"], answers={204: None}, refused=[404], parameters=[OFFER_UID]),
)
class SourceDetail(ApiView):
    needs = _NEEDS

    def get(self, request: Request, uid: str) -> Response:
        return Response(offers_told([_offer_row(uuid_of(uid))])[0])

    def patch(self, request: Request, uid: str) -> Response:
        row = _offer_row(uuid_of(uid))
        check_names(given(request), OFFER_BODY)
        wanted = {"item": row["item__number"], "partner": row["partner_id"], **{name: row[name] for name in OFFER}, **given(request)}
        services.save_source(id=row["id"], **wanted, by=acting.actor(), at=clock.now())
        return Response(offers_told([_offer_row(row["id"])])[0])

    def delete(self, request: Request, uid: str) -> Response:
        services.remove_source(id=_offer_row(uuid_of(uid))["id"], by=acting.actor(), at=clock.now())
        return Response(status=204)


class WorkbookRenderer(BaseRenderer):
    """Lets a caller ask for the workbook by its media type; what is no workbook is JSON."""

    media_type = services.MEDIA_TYPE
    format = "xlsx"
    charset = None
    render_style = "binary"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None) -> Any:
        return JSONRenderer().render(data)


@extend_schema_view(
    get=operation(
        "structure_export",
        _("Structure: everything as a workbook"),
        tags=["structure"],
        answers={(200, services.MEDIA_TYPE): OpenApiTypes.BINARY},
    ),
    post=operation(
        "structure_import",
        _("Structure: enter a workbook"),
        tags=["structure"],
        answers={200: SavedShape},
        body={services.MEDIA_TYPE: OpenApiTypes.BINARY},
        writes=True,
        parameters=[parameter("partial", _("“1”: take the good rows, and tell of the others."), options=["1"])],
        description=_(
            "Sites, items, components, sources, and what the other desks add. A row with a known key changes what is there; what is on no sheet stays. "
            "It is taken whole or not at all; each finding names its cell, as “Components!D7”."
        ),
    ),
)
class StructureWorkbook(ApiView):
    needs = _NEEDS
    renderer_classes = (JSONRenderer, WorkbookRenderer)  # type: ignore[assignment]

    def get(self, request: Request) -> HttpResponse:
        return workbook(services.export_structure())

    def post(self, request: Request) -> Response:
        parameters = Parameters(request, ("partial",))
        partial = parameters.choice("partial", ("1",)) == "1"
        parameters.done()
        if (request.content_type or "").partition(";")[0].strip() != services.MEDIA_TYPE:
            raise UnsupportedMediaType(request.content_type or "")
        found = services.import_structure(workbook=request._request.body, partial=partial, by=acting.actor(), at=clock.now())
        return Response({"saved": found.saved, "errors": [{"pointer": f.pointer, "code": f.code, "detail": f.detail} for f in found.findings]})


def workbook(content: bytes) -> HttpResponse:
    """A workbook as a download."""
    name = f"structure-{clock.today().isoformat()}.xlsx"
    return HttpResponse(content, content_type=services.MEDIA_TYPE, headers={"Content-Disposition": f'attachment; filename="{name}"'})
