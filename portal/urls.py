"""Every address of the portal."""

from typing import Any

urlpatterns: list[Any] = []
