"""A socket of the portal without a network between."""

from __future__ import annotations

import asyncio
import contextvars
from typing import Any

from channels.routing import URLRouter

from portal.routing import websocket_urlpatterns


class Wire:
    """One socket, spoken to as a server does (ASGI 3.0)."""

    def __init__(self, address: str, headers: dict[str, str]) -> None:
        path, _mark, query = address.partition("?")
        given = [(name.encode(), value.encode()) for name, value in {"host": "localhost:8000", **headers}.items()]
        self.scope = {"type": "websocket", "path": path, "root_path": "", "query_string": query.encode(), "headers": given, "subprotocols": []}
        self.said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def open(self) -> bool:
        """Whether the portal let one in."""
        application: Any = URLRouter(websocket_urlpatterns)
        self.task = contextvars.Context().run(asyncio.create_task, application(self.scope, self.said.get, self.told.put))
        await self.said.put({"type": "websocket.connect"})
        async with asyncio.timeout(5):
            return (await self.told.get())["type"] == "websocket.accept"

    def heard(self) -> list[str]:
        """What has come since."""
        messages = [self.told.get_nowait() for _ in range(self.told.qsize())]
        return [message.get("text") or "" for message in messages if message["type"] == "websocket.send"]

    async def shut(self) -> None:
        await self.said.put({"type": "websocket.disconnect", "code": 1000})
        await asyncio.wait([self.task], timeout=1)
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
