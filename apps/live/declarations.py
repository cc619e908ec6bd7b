"""What live contributes: it hears of every step and of every change of a partnership."""

from apps.base.text import Text
from apps.documents.services import BulkMoved, ClockSet, Moved
from apps.network.services import PartnershipChanged, ToleranceSaid

REACTIONS = {
    Moved: ["apps.live.services.tell"],
    BulkMoved: ["apps.live.services.tell_bulk"],
    ClockSet: ["apps.live.services.tell_clocks"],
    ToleranceSaid: ["apps.live.services.tell_tolerances"],
    PartnershipChanged: ["apps.live.services.tell_partners"],
}

# Everybody who works here has a day.
MENU = [{"code": "today", "label": Text("Today", "今日"), "url": "today", "icon": "home", "permission": "network.view", "order": 0}]
