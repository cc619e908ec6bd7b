from django.utils.translation import gettext_lazy as _

from apps.base.announcing import Held
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

_MINE = "%(me)s IN (inviter_id, invitee_id)"
_SILENT = f"SELECT p.id FROM network_partnership p WHERE {_MINE} AND NOT EXISTS (SELECT 1 FROM exchange_channel c WHERE c.partnership_id = p.id)"

# What was never used goes with whoever leaves; elsewhere his consent ends, and the partner keeps what was said.
HELD = [
    Held(
        table="network_partnership",
        mine=_MINE,
        same=("id", "inviter_id", "invitee_id", "role"),
        parties=("inviter_id", "invitee_id"),
        dispensable=True,
        left=f"DELETE FROM network_partnership WHERE id IN ({_SILENT})",
    ),
    Held(
        table="network_consent",
        mine=f"partnership_id IN (SELECT id FROM network_partnership WHERE {_MINE})",
        parties=("enterprise_id",),
        dispensable=True,
        own=("state", "document_types", "supplier_group", "notice_days", "answer_hours", "changed_at"),
        of=("partnership_id", "network_partnership"),
        left=f"DELETE FROM network_consent WHERE partnership_id IN ({_SILENT})",
    ),
    Held(
        table="network_consent", mine="false", left="UPDATE network_consent SET state = 'ended', changed_at = %(at)s WHERE enterprise_id = %(me)s", moved=False
    ),
    Held(
        table="network_contact",
        mine="enterprise_id = %(me)s",
        parties=("enterprise_id",),
        left="DELETE FROM network_contact WHERE enterprise_id = %(me)s",
    ),
    Held(
        table="network_office",
        mine="enterprise_id = %(me)s",
        parties=("enterprise_id",),
        left="DELETE FROM network_office WHERE enterprise_id = %(me)s",
    ),
    Held(
        table="network_tolerance",
        mine="enterprise_id = %(me)s",
        parties=("enterprise_id", "partner_id"),
        dispensable=True,
        left="DELETE FROM network_tolerance WHERE enterprise_id = %(me)s",
    ),
    # A link leads to one installation, and is signed with its key: it does not move house.
    Held(table="network_answerlink", mine="false", left="DELETE FROM network_answerlink WHERE enterprise_id = %(me)s", moved=False),
    # So it is with an invitation by mail; whoever has accepted one leaves it to the one who invited him.
    Held(table="network_invitation", mine="false", left="DELETE FROM network_invitation WHERE inviter_id = %(me)s", moved=False),
    Held(table="network_invitation", mine="false", left="UPDATE network_invitation SET enterprise_id = NULL WHERE enterprise_id = %(me)s", moved=False),
]
