"""The other ends of the sockets: many listeners in one process, and the plainest server that could tell them something.

`python -m bench.sockets listen PORT TOKEN COUNT`, `python -m bench.sockets serve PORT LOGIN`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections import defaultdict
from collections.abc import Sequence

import psycopg
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, broadcast
from websockets.asyncio.server import serve as serve_at


async def listen(port: int, token: str, count: int) -> None:
    """Open `count` sockets; say so by a line; for each line that comes in, tell when which event of which document arrived."""
    arrived: dict[str, list[float]] = defaultdict(list)

    async def one(ready: asyncio.Queue[None]) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with connect(f"ws://127.0.0.1:{port}/ws/events/", additional_headers=headers, compression=None, proxy=None, open_timeout=60) as socket:
            ready.put_nowait(None)
            async for message in socket:
                moment = time.monotonic()
                told = json.loads(message)
                if told["document"]:
                    arrived[told["document"]["uid"]].append(moment)
                    # What the plain server passes on is no event of ours, and has no name.
                    arrived[f"{told['document']['uid']} {told.get('event', '')}"].append(moment)

    ready: asyncio.Queue[None] = asyncio.Queue()
    sockets = [asyncio.create_task(one(ready)) for _socket in range(count)]
    for _socket in range(count):
        await ready.get()
    print("ready", flush=True)
    while await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(arrived), flush=True)
        arrived.clear()
    for task in sockets:
        task.cancel()


async def serve(port: int, login: dict[str, object]) -> None:
    """Pass on whatever is notified to whoever has connected."""
    connected: set[ServerConnection] = set()

    async def keep(socket: ServerConnection) -> None:
        connected.add(socket)
        with contextlib.suppress(Exception):
            await socket.wait_closed()
        connected.discard(socket)

    async with await psycopg.AsyncConnection.connect(**login, autocommit=True) as connection, serve_at(keep, "127.0.0.1", port, compression=None):  # type: ignore[arg-type]
        await connection.execute("LISTEN bench")
        print("ready", flush=True)
        async for notified in connection.notifies():
            broadcast(connected, notified.payload)


def main(arguments: Sequence[str]) -> None:
    what, port, *rest = arguments
    if what == "listen":
        asyncio.run(listen(int(port), rest[0], int(rest[1])))
    else:
        asyncio.run(serve(int(port), json.loads(rest[0])))


if __name__ == "__main__":
    main(sys.argv[1:])
