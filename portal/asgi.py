"""One address for everything: HTTP goes whole to Django's WSGI application, sockets go to Channels.

Sync views under Django's own ASGI handler lose half their speed to thread hops; through ``a2wsgi`` a request makes
one, into a pool of ``WEB_THREADS`` threads. The server's lifespan starts and stops the bridge that brings the
database's news to this process's sockets.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, cast

from a2wsgi import WSGIMiddleware
from channels.routing import URLRouter
from django.urls import re_path

from apps.base.sharing import Shares, asker
from portal.environment import Environment
from portal.processes import SUPERVISED, die_with_parent
from portal.wsgi import application as wsgi

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

NO_SUCH_SOCKET = 4404
STALLED = 8.0
"""Seconds that a caller may pause within his request."""
HELD = 16 * 1024 * 1024
"""Bytes of a body that are taken in before it is looked at: more than Django takes in all."""

if SUPERVISED in os.environ:
    # The server's own worker processes: theirs is not the supervisor, but the server's first process.
    die_with_parent()

# Whoever has to wait for the interpreter after each statement that he sent waits for so long at most, in seconds.
sys.setswitchinterval(0.0005)

THREADS = Environment.read().web_threads
http = WSGIMiddleware(cast(Any, wsgi), workers=THREADS)
# While several enterprises ask, a quarter of the threads for each of them, and an eighth more for what takes long: the interpreter
# runs one thread at a time, and what one enterprise has in hand is what the others wait for.
shares = Shares(THREADS, max(1, THREADS // 4), max(1, THREADS // 8))


async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
    """Close a socket at an address where there is none."""
    await receive()
    await send({"type": "websocket.close", "code": NO_SUCH_SOCKET})


# Django must be set up, by the import above, before a consumer may be imported.
sockets = URLRouter([*importlib.import_module("portal.routing").websocket_urlpatterns, re_path(r"", cast(Any, refuse))])


async def lifespan(receive: Receive, send: Send) -> None:
    """Start the live bridge with the server and stop it with it (ASGI lifespan protocol 2.0)."""
    bridge = importlib.import_module("apps.live.bridge")
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await bridge.start()
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await bridge.stop()
            await send({"type": "lifespan.shutdown.complete"})
            return


async def whole_request(scope: Scope, receive: Receive, send: Send) -> None:
    """Pass an HTTP request on when its body is here; one that breaks off is an error, and never a shorter body.

    A caller who pauses within his request so holds up no thread, and nobody else.
    """

    async def heard() -> MutableMapping[str, Any]:
        try:
            async with asyncio.timeout(STALLED):
                message = await receive()
        except TimeoutError:
            raise ConnectionResetError("the caller paused for too long") from None
        if message["type"] == "http.disconnect":
            raise ConnectionResetError("the caller left before his request was whole")
        return message

    begun: deque[MutableMapping[str, Any]] = deque()
    broken: ConnectionResetError | None = None
    try:
        while sum(len(message.get("body", b"")) for message in begun) < HELD:
            begun.append(await heard())
            if not begun[-1].get("more_body"):
                break
    except ConnectionResetError as error:
        broken = error

    # A coroutine of our own: a2wsgi takes nothing else, and the server's `receive` gives a future.
    async def received() -> MutableMapping[str, Any]:
        if begun:
            return begun.popleft()
        if broken:
            raise broken
        return await heard()

    async with shares.place(asker(scope["headers"])):
        await http(scope, received, send)  # type: ignore[arg-type]


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """The ASGI 3.0 application."""
    if scope["type"] == "http":
        await whole_request(scope, receive, send)
    elif scope["type"] == "websocket":
        await sockets(scope, receive, send)
    elif scope["type"] == "lifespan":
        await lifespan(receive, send)
