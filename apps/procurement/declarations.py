"""What procurement contributes: it orders what a taken promise needs, and who may do so by hand."""

from django.utils.translation import gettext_lazy as _

from apps.base.problems import Problem
from apps.procurement.services import NoSuchNeed, NotOpen
from apps.scheduling.services import Firmed

REACTIONS = {Firmed: ["apps.procurement.services.firmed"]}
PERMISSIONS = {
    "need.view": {"buyer", "planner", "viewer", "integration"},
    "need.order": {"buyer", "planner", "integration"},
}
PROBLEMS = {
    NoSuchNeed: Problem(status=404, code="not-found", title=_("There is nothing here.")),
    NotOpen: Problem(status=409, code="not-open", title=_("This is not possible now.")),
}
