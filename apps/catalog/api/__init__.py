"""REST for what an enterprise keeps about its own items: numbers, structure, sources; and for its sites."""

from django.urls import URLPattern

from apps.base.describing import both
from apps.catalog.api.items import ItemCollection, ItemDetail
from apps.catalog.api.sites import SiteCollection, SiteDetail
from apps.catalog.api.structure import (
    ComponentCollection,
    ComponentDetail,
    ItemStructure,
    SourceCollection,
    SourceDetail,
    StructureWorkbook,
)


def routes() -> list[URLPattern]:
    """Every route of the catalogue."""
    return [
        *both("items/", ItemCollection.as_view(), "api-item-list"),
        *both("items/<str:uid>/structure/", ItemStructure.as_view(), "api-item-structure"),
        *both("items/<str:uid>/", ItemDetail.as_view(), "api-item"),
        *both("components/", ComponentCollection.as_view(), "api-component-list"),
        *both("components/<str:uid>/", ComponentDetail.as_view(), "api-component"),
        *both("sources/", SourceCollection.as_view(), "api-source-list"),
        *both("sources/<str:uid>/", SourceDetail.as_view(), "api-source"),
        *both("structure/", StructureWorkbook.as_view(), "api-structure"),
        *both("sites/", SiteCollection.as_view(), "api-site-list"),
        *both("sites/<str:uid>/", SiteDetail.as_view(), "api-site"),
    ]
