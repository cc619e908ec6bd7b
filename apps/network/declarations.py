from django.utils.translation import gettext_lazy as _

from apps.base.problems import Problem
from apps.base.text import Text
from apps.network.selectors import NoPartner
from apps.network.services import ConsentRefused

_EVERYBODY = {"buyer", "seller", "planner", "dock", "viewer", "integration"}
PERMISSIONS = {"network.view": _EVERYBODY, "network.invite": {"buyer", "seller"}, "network.consent": {"buyer", "seller"}}

PROBLEMS = {
    NoPartner: Problem(status=422, code="no-partner", title=_("No partner.")),
    ConsentRefused: Problem(status=409, code="not-allowed", title=_("This is not possible now.")),
}

MENU = [{"code": "network", "label": Text("Network", "协同网络"), "url": "network", "icon": "affiliate", "permission": "network.view", "order": 60}]
