from django.utils.translation import gettext_lazy as _

from apps.accounts.services import LastAdministrator
from apps.base.problems import Problem
from apps.base.text import Text
from apps.tenants.services import Arrived, Leaving

PERMISSIONS: dict[str, set[str]] = {"settings.view": {"buyer", "seller", "planner"}, "settings.change": set(), "people.change": set(), "tokens.change": set()}
PROBLEMS = {LastAdministrator: Problem(status=409, code="not-allowed", title=_("This is not possible now."))}
MENU = [{"code": "settings", "label": Text("Settings", "设置"), "url": "settings", "icon": "settings", "permission": "settings.view", "order": 90}]
REACTIONS = {Leaving: ["apps.accounts.services.forget_enterprise"], Arrived: ["apps.accounts.services.join_again"]}
