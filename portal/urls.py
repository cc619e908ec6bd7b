"""Every address of the portal."""

from typing import Any

from django.urls import include, path

from apps.accounts import api as accounts
from apps.base import reference
from apps.base.admin import homes, platform
from apps.catalog import api as catalog
from apps.customisation import api as customisation
from apps.documents import api as documents
from apps.exchange import api as exchange
from apps.live import api as live
from apps.logistics import api as logistics
from apps.network import api as network
from apps.orders import api as orders
from apps.procurement import api as procurement
from apps.scheduling import api as scheduling

# REST
api_urlpatterns: list[Any] = [
    *accounts.routes(),
    *network.routes(),
    *catalog.routes(),
    *documents.routes(),
    *exchange.routes(),
    *live.routes(),
    *customisation.routes(),
    *scheduling.routes(),
    *orders.routes(),
    *procurement.routes(),
    *logistics.routes(),
    *reference.routes(),
]

# What is shown where nothing else can be
handler400, handler403, handler404, handler500 = (f"apps.live.views.{view}" for view in ("bad_request", "forbidden", "not_found", "broken"))

urlpatterns: list[Any] = [
    path("api/v1/", include(api_urlpatterns)),
    *accounts.token_routes(),
    # Pages: people and settings, the network, the catalogue, keys
    path("", include("apps.accounts.urls")),
    path("", include("apps.network.urls")),
    path("", include("apps.catalog.urls")),
    path("", include("apps.exchange.urls")),
    # What can be configured, and the makers' public pages
    path("", include("apps.customisation.urls")),
    # When: the plan and promises
    path("", include("apps.scheduling.urls")),
    # The desks: what must be bought, and what an order's change would cost
    path("", include("apps.procurement.urls")),
    path("", include("apps.orders.urls")),
    # The admins: an enterprise's own, and the platform's
    path("admin/home/", homes.urls),
    path("admin/", platform.urls),
    # Pages: today, search and health; documents of every type
    path("", include("apps.live.urls")),
    path("", include("apps.logistics.urls")),
    path("", include("apps.documents.urls")),
]
