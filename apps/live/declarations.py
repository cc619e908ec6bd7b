"""What live contributes: it hears of every step and of every change of a partnership."""

from apps.documents.services import Moved
from apps.network.services import PartnershipChanged

REACTIONS = {
    Moved: ["apps.live.services.tell"],
    PartnershipChanged: ["apps.live.services.tell_partners"],
}
