"""Hostile bytes on the line, at a web server as it is started in earnest: what its parser makes of requests that are none."""

from __future__ import annotations

import random
import socket
import time

from tests.attacks import hostile
from tests.attacks.hostile import Found

PATIENCE = 15.0
GOOD = b"GET /api/v1/me/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nConnection: close\r\n\r\n"
BODY = b"POST /api/v1/orders/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nConnection: close\r\n"
SOCKET = (
    b"GET /ws/events/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
BAD = (
    *(
        b"",
        b"\r\n\r\n",
        b"\x00" * 500,
        b"\xff" * 5000,
        b"GET",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ),
    *(
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET " + b"/a" * 50_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"G\xc3\x89T / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ),
    *(b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 5000 + b"\r\n", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 500_000 + b"\r\n\r\n"),
    *(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n", b"GET /%00%ff%c0%af HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    *(
        BODY + b"Content-Length: -1\r\n\r\n{}",
        BODY + b"Content-Length: 99999999999999999999\r\n\r\n{}",
        BODY + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",
    ),
    *(BODY + b"Content-Length: 50\r\n\r\n{}", BODY + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
    *(BODY + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{}", BODY + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n{}\r\n0\r\n\r\n"),
    *(
        BODY + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
        BODY + b"Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n",
    ),
    *(
        SOCKET + frame
        for frame in (b"\xff" * 100, b"\x81\xfe\xff\xff", b"\x81\xff" + b"\xff" * 8, b"\x09\xff" + b"x" * 300, b"\x88\x80\0\0\0\0", b"\x81\x05hello")
    ),
    *(SOCKET.replace(b"13", b"99"), SOCKET.replace(b"dGhlIHNhbXBsZSBub25jZQ==", b"x"), SOCKET + b"\x80\x80\0\0\0\0" * 500),
)


class Lines:
    """Connections of one enterprise's token to one port; each sends something, says that it has said all, and waits for what comes."""

    def __init__(self, chance: random.Random, port: int, token: str) -> None:
        self.chance, self.port, self.token, self.found = chance, port, token.encode(), Found()

    def said(self) -> bytes:
        """Something bad, or something good in which some bytes were changed, doubled or left out."""
        chance = self.chance
        if chance.random() < 0.3:
            return chance.choice(BAD).replace(b"%s", self.token)
        changed = bytearray(chance.choice((GOOD, BODY + b"Content-Length: 2\r\n\r\n{}", SOCKET + b"\x81\x84\0\0\0\0ping")).replace(b"%s", self.token))
        for _change in range(chance.randrange(1, 5)):
            place, size = chance.randrange(len(changed)), chance.choice((0, 1, 1, 2, 30))
            changed[place : place + size] = bytes(
                chance.choices((0, 9, 10, 13, 32, 44, 58, 59, 127, 255, chance.randrange(256)), k=chance.choice((0, 1, 1, 2, 300)))
            )
        return bytes(changed)

    def run(self, count: int) -> Found:
        """Each bad one first, then by chance; and a good one last, which finds all as it was."""
        for said in BAD:
            self.once(said.replace(b"%s", self.token))
        while self.found.tried < count:
            self.once(self.said())
        if self.once(GOOD.replace(b"%s", self.token), hangs_up=False) != 200:
            self.found.wrong.append("a good request is not answered any more")
        return self.found

    def once(self, said: bytes, *, hangs_up: bool = True) -> int:
        """Send it; an answer below 500, or none (0) and the line closed, and both soon.

        hangs_up: whoever sent it says that it was all, and may get no answer.
        """
        began, came = time.perf_counter(), b""
        try:
            with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as line:
                line.sendall(said)
                if hangs_up:
                    line.shutdown(socket.SHUT_WR)
                while more := line.recv(65536):
                    came += more
        except TimeoutError:
            self.found.wrong.append(f"was left open: {said[:300]!r}")
        except ConnectionRefusedError:
            self.found.wrong.append(f"nobody is there any more: {said[:300]!r}")
        except OSError:
            # Closed while one was still speaking: that is an answer, too.
            pass
        seconds = time.perf_counter() - began
        status = int(came[9:12]) if came[:7] == b"HTTP/1." and came[9:12].isdigit() else 0
        self.found.tried += 1
        self.found.slowest = max(self.found.slowest, seconds)
        self.found.statuses[status] = self.found.statuses.get(status, 0) + 1
        self.found.wrong += [f"answered {status}: {said[:300]!r}"] if status >= 500 else []
        self.found.wrong += [f"took {seconds:.1f} s: {said[:300]!r}"] if seconds > hostile.SLOWEST else []
        return status
