from django.urls import path

from apps.catalog.views import items, sites, sources, structure, workbook

urlpatterns = [
    path("catalogue/", items.catalogue, name="catalogue"),
    path("catalogue/items/new/", items.new_item, name="item_new"),
    path("catalogue/items/<uuid:id>/", items.item, name="item"),
    path("catalogue/items/<uuid:id>/edit/", items.edit_item, name="item_edit"),
    path("catalogue/items/<uuid:id>/structure/", structure.structure, name="item_structure"),
    path("catalogue/items/<uuid:id>/uses/", structure.uses, name="item_uses"),
    path("catalogue/items/<uuid:id>/components/new/", structure.new_component, name="component_new"),
    path("catalogue/components/<uuid:id>/", structure.edit_component, name="component_edit"),
    path("catalogue/components/<uuid:id>/remove/", structure.remove_component, name="component_remove"),
    path("catalogue/items/<uuid:id>/sources/", sources.sources, name="item_sources"),
    path("catalogue/items/<uuid:id>/sources/new/", sources.new_source, name="source_new"),
    path("catalogue/sources/<uuid:id>/", sources.edit_source, name="source_edit"),
    path("catalogue/sources/<uuid:id>/remove/", sources.remove_source, name="source_remove"),
    path("catalogue/sites/", sites.sites, name="sites"),
    path("catalogue/sites/new/", sites.new_site, name="site_new"),
    path("catalogue/sites/<uuid:id>/", sites.edit_site, name="site_edit"),
    path("catalogue/sites/<uuid:id>/remove/", sites.remove_site, name="site_remove"),
    path("catalogue/import/", workbook.take, name="structure_import"),
    path("catalogue/export/", workbook.give, name="structure_export"),
]
