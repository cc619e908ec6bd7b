"""What procurement contributes: it orders what a taken promise needs, and who may do so by hand."""

from django.utils.translation import gettext_lazy as _

from apps.base.problems import Problem
from apps.base.text import Text
from apps.documents.services import Moved, Panel
from apps.procurement.services import NoSuchNeed, NotOpen
from apps.scheduling.services import Firmed, Released

REACTIONS = {
    Firmed: ["apps.procurement.services.firmed"],
    Released: ["apps.procurement.services.released"],
    Moved: ["apps.procurement.services.answered"],
}
PANELS = {"order": [Panel(code="judged", template="needs/_judged.html", show="apps.procurement.services.judged_panel", permission="order.view")]}
MENU = [{"code": "needs", "label": Text("Needs", "采购需求"), "url": "needs", "icon": "shopping-cart", "permission": "need.view", "order": 20}]
PERMISSIONS = {
    "need.view": {"buyer", "planner", "viewer", "integration"},
    "need.order": {"buyer", "planner", "integration"},
}
PROBLEMS = {
    NoSuchNeed: Problem(status=404, code="not-found", title=_("There is nothing here.")),
    NotOpen: Problem(status=409, code="not-open", title=_("This is not possible now.")),
}
