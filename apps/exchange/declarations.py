from apps.documents.services import Moved, Remarked
from apps.tenants.services import Provisioned

REACTIONS = {
    Moved: ["apps.exchange.services.send"],
    Remarked: ["apps.exchange.services.send_remark"],
    Provisioned: ["apps.exchange.services.make_first_key"],
}
