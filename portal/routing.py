"""Every socket of the portal."""

from typing import Any

websocket_urlpatterns: list[Any] = []
