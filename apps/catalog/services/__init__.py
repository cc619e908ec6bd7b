"""Verbs of the catalogue. Whoever calls says `catalog.save_component(item="A-100", component="B-7", quantity="2", by=…, at=…)`."""

from apps.catalog.services.importing import Imported, export_structure, import_structure, sheets
from apps.catalog.services.items import add_alias, read_gtin, save_item
from apps.catalog.services.placing import read_country, read_gln, read_time_zone, remove_site, save_site
from apps.catalog.services.reading import Put
from apps.catalog.services.sheets import MEDIA_TYPE, MOST_BYTES, Column, Sheet
from apps.catalog.services.sourcing import remove_source, save_source
from apps.catalog.services.structuring import read_condition, read_quantity, remove_component, save_component

__all__ = [
    "MEDIA_TYPE",
    "MOST_BYTES",
    "Column",
    "Imported",
    "Put",
    "Sheet",
    "add_alias",
    "export_structure",
    "import_structure",
    "read_condition",
    "read_country",
    "read_gln",
    "read_gtin",
    "read_quantity",
    "read_time_zone",
    "remove_component",
    "remove_site",
    "remove_source",
    "save_component",
    "save_item",
    "save_site",
    "save_source",
    "sheets",
]
