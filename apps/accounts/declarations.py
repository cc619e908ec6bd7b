from django.utils.translation import gettext_lazy as _

from apps.accounts.services import LastAdministrator
from apps.base.problems import Problem

PERMISSIONS: dict[str, set[str]] = {"settings.view": {"buyer", "seller", "planner"}, "settings.change": set(), "people.change": set(), "tokens.change": set()}
PROBLEMS = {LastAdministrator: Problem(status=409, code="not-allowed", title=_("This is not possible now."))}
