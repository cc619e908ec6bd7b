"""Partners' programs that listen at the socket, come back with their cursor whenever it breaks, and must have heard everything, once, in order."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from dataclasses import dataclass, field

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from tests.faults.chains import Line
from tests.faults.stage import Member

SILENT = 4.0
"""Seconds after which a listener asks whether the socket lives, and after which it gives it up."""


@dataclass
class Listener:
    member: Member
    host: str
    port: int
    start: str
    heard: list[str] = field(default_factory=list)
    came_back: int = 0
    local: int = 0

    def __post_init__(self) -> None:
        self.cursor, self._stopped = self.start, threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"listener-{self.member.slug}")
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.is_set():
            with contextlib.suppress(OSError, WebSocketException, TimeoutError, EOFError):
                self._listen()
            self.local = 0
            self.came_back += 1
            self._stopped.wait(0.1)

    def _listen(self) -> None:
        address = f"ws://{self.host}:{self.port}/ws/events/?after={self.cursor}"
        headers = {"Authorization": f"Bearer {self.member.token}"}
        with connect(address, additional_headers=headers, proxy=None, open_timeout=5, close_timeout=1, ping_interval=None, compression=None) as socket:
            self.local = socket.local_address[1]
            while not self._stopped.is_set():
                self._hear(socket)

    def _hear(self, socket: ClientConnection) -> None:
        try:
            text = socket.recv(timeout=SILENT / 2)
        except TimeoutError:
            socket.send("ping")
            text = socket.recv(timeout=SILENT / 2)
        message = json.loads(text)
        if message["document"] is not None:
            self.cursor = message["cursor"]
            self.heard.append(message["cursor"])


def newest(line: Line, member: Member) -> str:
    """The cursor at the end of the member's feed."""
    cursor = ""
    while True:
        page = line.call(member, "GET", f"events/?limit=500&after={cursor}").body
        if not page["results"]:
            return str(page["cursor"])
        cursor = page["cursor"]


def feed(line: Line, member: Member, after: str) -> list[str]:
    """The cursors of everything in the member's feed after a cursor."""
    found: list[str] = []
    while True:
        answer = line.call(member, "GET", f"events/?limit=500&after={after}")
        page = answer.body["results"]
        if not page:
            return found
        found += [event["cursor"] for event in page]
        after = found[-1]


def missed(line: Line, listener: Listener, *, longest: float = 10.0) -> list[str]:
    """What this listener did not hear, heard twice or in another order than the feed's; he is given a moment to hear the rest."""
    wanted = feed(line, listener.member, listener.start)
    until = time.monotonic() + longest
    while len(listener.heard) < len(wanted) and time.monotonic() < until:
        time.sleep(0.1)
    if listener.heard == wanted:
        return []
    lost, extra = len(set(wanted) - set(listener.heard)), len(listener.heard) - len(set(listener.heard))
    return [f"{listener.member.slug} heard {len(listener.heard)} of {len(wanted)} events: {lost} missed, {extra} doubled"]
