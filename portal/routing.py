"""Every socket of the portal."""

from typing import Any

from django.urls import path

from apps.live.consumers import EventsConsumer

websocket_urlpatterns: list[Any] = [path("ws/events/", EventsConsumer.as_asgi())]
