"""Verbs of procurement: what was promised to a customer becomes needs, needs become orders, and answers inside the tolerances agree by themselves."""

from apps.procurement.services.needing import NoSuchNeed, NotOpen, firmed, order, released
from apps.procurement.services.tolerating import answered, judged_panel

__all__ = ["NoSuchNeed", "NotOpen", "answered", "firmed", "judged_panel", "order", "released"]
