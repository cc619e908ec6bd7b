"""The way in: each request gets an id, and begins in the lobby, where no home is open."""

import logging
import re
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from apps.base.acting import in_lobby
from apps.base.models import new_id
from apps.tenants.logs import request_id

log = logging.getLogger("tributary.request")
REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,100}\Z")
Next = Callable[[HttpRequest], HttpResponse]


class RequestMiddleware:
    """X-Request-ID in and out and in every log line; one line for each request."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        name = given if REQUEST_ID.match(given) else new_id().hex
        token, started = request_id.set(name), time.perf_counter()
        try:
            response = self.get_response(request)
            response["X-Request-ID"] = name
            if request.path not in ("/healthz", "/readyz"):
                took = round((time.perf_counter() - started) * 1000, 1)
                log.info("%s %s %s %sms", request.method, request.path, response.status_code, took, extra={"status": response.status_code, "ms": took})
            return response
        finally:
            request_id.reset(token)


class LobbyMiddleware:
    """Everything begins in the lobby: people, sessions and the directory can be read, no home."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with in_lobby():
            return self.get_response(request)
