"""What the dock contributes: who may do what there, what lies in stock, and how a refusal is told."""

from django.utils.translation import gettext_lazy as _

from apps.base.problems import Problem
from apps.logistics.services import NotEnough

_EVERYBODY = {"buyer", "seller", "planner", "dock", "viewer", "integration"}
PERMISSIONS = {"stock.view": _EVERYBODY, "stock.move": {"dock", "planner", "integration"}}

# What scheduling asks: how much of which item is nobody's yet.
ON_HAND = ["apps.logistics.selectors.on_hand"]

PROBLEMS = {NotEnough: Problem(status=409, code="not-enough", title=_("There is not enough of it."))}
