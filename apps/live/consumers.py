"""The one socket of the portal: `/ws/events/?after=CURSOR`, the feed of the enterprise for which one has entered."""

import asyncio
import contextlib
import importlib
import logging
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.contrib import auth
from django.db import Error as DatabaseError
from django.http import HttpRequest, parse_cookie
from django.http.request import split_domain_port, validate_host
from django.utils import translation
from django.utils.translation import gettext as _

from apps.accounts import selectors as accounts
from apps.accounts.selectors import CHOSEN, Entry
from apps.base import limiting
from apps.base.acting import act_as
from apps.base.api import PROBLEM, dumps
from apps.base.patience import is_unavailable
from apps.base.problems import body_of
from apps.documents import selectors as documents
from apps.live import bridge
from apps.live.bridge.groups import bare

log = logging.getLogger(__name__)

BAD_CURSOR, NOT_SIGNED_IN, NO_ENTRY, TOO_MANY = 4400, 4401, 4403, 4429
TOO_BIG, UNWANTED, BROKEN, LATER = 1009, 1008, 1011, 1013
LARGEST_MESSAGE = 1024
# Seconds of silence after which a heartbeat goes out: less than proxies wait, and a dead connection is found out.
HEARTBEAT = 30.0
# Seconds that a socket has to take its own end; then it is dropped.
LAST_WORD = 1.0
PROTOCOL = "bearer."


class Refused(Exception):
    """There is no way in. code: the close code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """An entry, and all that must stay open for the socket to stay open."""

    entry: Entry
    keys: frozenset[str]
    by_session: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """What a handshake says of who calls."""

    host: str
    origin: str
    token: str
    subprotocol: str | None
    session_key: str
    enterprise: str
    after: str
    languages: str

    @classmethod
    def read(cls, scope: dict[str, Any]) -> "Caller":
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        query = parse_qs(scope["query_string"].decode("latin-1"))
        scheme, _space, token = headers.get("authorization", "").partition(" ")
        offered = next((name for name in scope.get("subprotocols", []) if name.startswith(PROTOCOL)), None)
        return cls(
            host=headers.get("host", ""),
            origin=headers.get("origin", ""),
            token=token.strip() if scheme.lower() == "bearer" else (offered or "").removeprefix(PROTOCOL),
            subprotocol=offered,
            session_key=parse_cookie(headers.get("cookie", "")).get(settings.SESSION_COOKIE_NAME, ""),
            enterprise=query.get("enterprise", [""])[0],
            after=query.get("after", [""])[0],
            languages=headers.get("accept-language", ""),
        )

    def may_come(self) -> bool:
        """Whether the host is ours and, where the session speaks, the page that calls comes from this very host."""
        domain, _port = split_domain_port(self.host)
        if not domain or not validate_host(domain, settings.ALLOWED_HOSTS):
            return False
        if self.token or not self.session_key:
            return True
        origin = urlsplit(self.origin)
        return (origin.scheme, origin.netloc.lower()) == (urlsplit(settings.BASE_URL).scheme, self.host.lower())

    def language(self) -> str:
        """The one in which a refusal is said."""
        request = HttpRequest()
        request.META["HTTP_ACCEPT_LANGUAGE"] = self.languages
        return translation.get_language_from_request(request)

    def admitted(self) -> Admitted:
        """The entry of the token, or of the session. Asked in the lobby. Raises Refused, TooMany."""
        admitted = self._by_token() if self.token else self._by_session()
        entry = admitted.entry
        with translation.override(self.language()):
            limiting.take(("sockets-of-token", str(entry.actor.id)), ("sockets-of-enterprise", str(entry.home.id)))
        return admitted

    def _by_token(self) -> Admitted:
        entry = accounts.entry_by_token(self.token)
        if entry is None:
            raise Refused(NOT_SIGNED_IN)
        return Admitted(entry=entry, keys=entry.keys, by_session=False)

    def _by_session(self) -> Admitted:
        request = HttpRequest()
        request.session = importlib.import_module(settings.SESSION_ENGINE).SessionStore(self.session_key or None)
        user = auth.get_user(request)
        if not user.is_authenticated:
            raise Refused(NOT_SIGNED_IN)
        entries = [accounts.entry_of(membership) for membership in accounts.memberships(user.pk)]
        entry = accounts.choose(entries, host=self.host, chosen=self.enterprise or request.session.get(CHOSEN, ""))
        if entry is None or self.enterprise not in ("", entry.home.slug):
            raise Refused(NO_ENTRY)
        return Admitted(entry=entry, keys=accounts.session_keys(self.session_key, user) | entry.keys, by_session=True)


class EventsConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """Each event once, in the feed's order, from the caller's cursor on, or from now. Ids only: contents are read elsewhere."""

    # The bridge hands the events to the sockets itself: a channel layer drops what does not fit, and says nothing.
    channel_layer_alias = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().__call__(scope, receive, send)
        except asyncio.CancelledError:
            if self.group is None or not self.listener.ended.done():
                raise
            cast(asyncio.Task[None], asyncio.current_task()).uncancel()
            await self._close_or_drop(self.listener.ended.result())

    async def connect(self) -> None:
        self.group: bridge.Group | None = None
        self._application = asyncio.current_task()
        caller = Caller.read(self.scope)
        if not caller.may_come():
            await self.close()
            return
        try:
            admitted = await self._join(caller)
        except Refused as refused:
            await self.accept(caller.subprotocol)
            await self.close(refused.code)
            return
        except limiting.TooMany as error:
            await self._answer_too_many(caller, error)
            return
        await self.accept(caller.subprotocol)
        with act_as(admitted.entry.home, by=admitted.entry.actor):
            log.info("a socket was opened")
        self._task = asyncio.create_task(self._live())

    async def _answer_too_many(self, caller: Caller, error: limiting.TooMany) -> None:
        """429 as REST gives it; where the server answers no handshake by a response (ASGI, websocket.http.response), a socket that closes with 4429."""
        if "websocket.http.response" not in (self.scope.get("extensions") or {}):
            await self.accept(caller.subprotocol)
            await self.close(TOO_MANY, reason=str(error))
            return
        with translation.override(caller.language()):
            body = dumps(body_of(status=429, code="too-many", title=_("Too many requests."), detail=str(error)))
            said = {"content-type": PROBLEM, "retry-after": str(error.wait), "content-language": translation.get_language()}
        headers = [(name.encode(), value.encode()) for name, value in said.items()]
        await self.base_send({"type": "websocket.http.response.start", "status": 429, "headers": headers})
        await self.base_send({"type": "websocket.http.response.body", "body": body})

    async def _join(self, caller: Caller) -> Admitted:
        """Enter the group before anything is said, and before `accept`: what happens from then on is heard."""
        try:
            self._bridge = bridge.current()
            admitted = await self._bridge.ask_lobby(caller.admitted)
            home = admitted.entry.home
            cursor = caller.after or await self._bridge.read(home, documents.newest_cursor)
            self.listener = bridge.Listener(keys=admitted.keys, cursor=cursor, nudged=admitted.by_session)
        except documents.BadCursor as error:
            raise Refused(BAD_CURSOR) from error
        except bridge.NoBridge as error:
            raise Refused(LATER) from error
        except DatabaseError as error:
            if is_unavailable(error):
                raise Refused(LATER) from error
            raise
        self.group = self._bridge.enter(home, self.listener)
        return admitted

    async def _live(self) -> None:
        """Send until the socket is closed, by the caller or by us."""
        sending = asyncio.create_task(self._send_all())
        try:
            both: set[asyncio.Future[Any]] = {sending, self.listener.ended}
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if not self.listener.ended.done():
                log.warning("a socket broke: %s", sending.exception())
                self.listener.end(BROKEN)
        finally:
            sending.cancel()
        # The server closes no socket that somebody waits at: the end of the waiting is the end of the application.
        assert self._application is not None
        self._application.cancel()

    async def _send_all(self) -> None:
        assert self.group is not None
        await self.group.catch_up(self.listener, self.send)
        while True:
            try:
                async with asyncio.timeout(HEARTBEAT):
                    text = await self.listener.waiting.get()
            except TimeoutError:
                text = bare(self.listener.cursor)
            await self.send(text)

    async def _close_or_drop(self, code: int) -> None:
        self._leave()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORD):
                await self.close(code)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Nothing is asked through this socket, but whether it lives: `ping` is answered with a heartbeat."""
        if self.group is None:
            return
        if len(text_data or bytes_data or "") > LARGEST_MESSAGE:
            self.listener.end(TOO_BIG)
        elif text_data == "ping":
            self.listener.put(bare(self.listener.cursor))
        else:
            self.listener.end(UNWANTED)

    async def disconnect(self, code: int) -> None:
        if self.group is not None:
            self._task.cancel()
            self._leave()

    def _leave(self) -> None:
        assert self.group is not None
        self._bridge.leave(self.group, self.listener)
