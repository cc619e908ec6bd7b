"""People who sign in and programs that open sockets, again and again: each must have an answer, whatever it is, before he hangs."""

from __future__ import annotations

import http.client
import re
import threading
import time
import urllib.parse
from collections import Counter, defaultdict

from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.sync.client import connect

from tests.faults.chains import LONGEST
from tests.faults.stage import Member
from tests.house import House

PAUSE = 0.3
# Who does not know a password is asked again (200) or told to wait (429); a house that cannot know says that (503).
ANSWERS = (200, 429, 503)


class Visitors:
    """One who signs in, if `signs_in`, and one who opens a socket. longest: seconds that each kind waited at most."""

    def __init__(self, house: House, member: Member, *, signs_in: bool) -> None:
        self.port, self.member = house.port, member
        self.made = 0
        self.longest: dict[str, float] = defaultdict(float)
        self.off: Counter[str] = Counter()
        self._stopped = threading.Event()
        kinds = {"handshake": self._handshake, **({"sign-in": self._sign_in} if signs_in else {})}
        self._threads = [threading.Thread(target=self._run, args=[kind, visit]) for kind, visit in kinds.items()]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def findings(self) -> list[str]:
        hung = [f"{kind}: hung for {longest:.1f} s" for kind, longest in self.longest.items() if longest > LONGEST]
        return [*hung, *(f"{what} ({times} times)" for what, times in self.off.items())]

    def _run(self, kind: str, visit: object) -> None:
        assert callable(visit)
        while not self._stopped.wait(PAUSE):
            started = time.monotonic()
            status = visit()
            self.longest[kind] = max(self.longest[kind], time.monotonic() - started)
            self.made += 1
            if status not in ANSWERS:
                self.off[f"{kind}: {status}"] += 1

    def _handshake(self) -> int:
        address, headers = f"ws://127.0.0.1:{self.port}/ws/events/", {"Authorization": f"Bearer {self.member.token}"}
        try:
            with connect(address, additional_headers=headers, proxy=None, open_timeout=2 * LONGEST, close_timeout=0.2, ping_interval=None):
                return 200
        except InvalidStatus as refused:
            return refused.response.status_code
        except (OSError, WebSocketException, EOFError):
            return 503

    def _sign_in(self) -> int:
        """With an address that nobody has: what is asked of cache and limits is the same."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2 * LONGEST)
        try:
            line.request("GET", "/accounts/login/", headers={"Host": f"localhost:{self.port}"})
            answer = line.getresponse()
            page = answer.read().decode()
            cookie = (answer.headers["Set-Cookie"] or "").partition(";")[0]
            token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
            if answer.status != 200 or token is None:
                return answer.status if answer.status != 200 else 0
            body = urllib.parse.urlencode({"csrfmiddlewaretoken": token[1], "login": f"n{self.made}@nobody.example", "password": "nothing that anybody has"})
            headers = {"Host": f"localhost:{self.port}", "Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
            line.request("POST", "/accounts/login/", body, headers)
            answer = line.getresponse()
            answer.read()
            return answer.status
        except (OSError, http.client.HTTPException) as error:
            return 0 if isinstance(error, TimeoutError) else 503
        finally:
            line.close()
