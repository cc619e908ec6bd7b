"""What every REST view has in common: JSON as orjson writes it, problems in RFC 9457, an entry that is acted for, and
requests that may be repeated."""

import contextlib
import logging
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from importlib import import_module
from typing import Any

import orjson
from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import IntegrityError, OperationalError, transaction
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from rest_framework import exceptions, parsers, permissions, renderers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.base import clock, limiting
from apps.base.acting import act_as
from apps.base.findings import Finding, Invalid, refuse
from apps.base.patience import is_unavailable
from apps.base.problems import body_of, problem_of
from apps.base.retrying import sqlstate, whole

log = logging.getLogger(__name__)
PROBLEM = "application/problem+json"


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    return str(value)


def dumps(data: Any) -> bytes:
    """JSON: decimals as text with the digits they were written with, times in ISO 8601."""
    return orjson.dumps(data, default=_plain, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_SUBCLASS)


class JSONRenderer(renderers.BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None) -> Any:
        return b"" if data is None else dumps(data)


class JSONParser(parsers.BaseParser):
    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        """Numbers with a point become text that cannot be taken for a decimal by mistake: they are refused where a decimal is read."""
        raw = stream.read()
        try:
            data = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise Malformed(str(error)) from error
        if NUL_ESCAPED in raw and (found := list(_with_nul(data, ""))):
            raise Invalid(found)
        return data


class UploadParser(parsers.MultiPartParser):
    """A form with files (RFC 7578); one with too many parts is as unreadable as a broken one."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        try:
            return super().parse(stream, media_type, parser_context)
        except SuspiciousOperation as error:
            raise Unreadable from error


NUL_ESCAPED = b"\\u0000"


def _with_nul(value: Any, at: str) -> Iterator[Finding]:
    """The texts (and names) that hold U+0000: JSON has it, the database does not."""
    if isinstance(value, str) and "\0" in value:
        yield Finding(at, "control_character", _("The text holds a character that cannot be shown."))
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _with_nul(name, at)
            yield from _with_nul(inner, f"{at}/{name}".replace("\0", ""))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _with_nul(inner, f"{at}/{index}")


class Malformed(exceptions.APIException):
    status_code = 400
    default_code = "malformed"
    default_detail = _lazy("The body cannot be read.")

    def __init__(self, what: str) -> None:
        super().__init__(_("The body is no JSON: %(what)s") % {"what": what})


class Unreadable(exceptions.APIException):
    status_code = 400
    default_code = "malformed"
    default_detail = _lazy("The body cannot be read.")


class TooBig(exceptions.APIException):
    status_code = 413
    default_code = "too-big"
    default_detail = _lazy("The body is too big: at most 12 MB are taken.")


class Interrupted(exceptions.APIException):
    status_code = 400
    default_code = "interrupted"
    default_detail = _lazy("The body did not arrive whole.")


def problem(*, status: int, code: str, title: Any, **more: Any) -> Response:
    return Response(body_of(status=status, code=code, title=title, **more), status=status, content_type=PROBLEM)


def handle(error: Exception, context: Mapping[str, Any]) -> HttpResponse | None:
    """Every exception that has an answer, as a problem; any other one is a fault of ours, and is logged as one."""
    if isinstance(error, Invalid):
        title = _("The input cannot be taken.")
        return problem(status=422, code="invalid", title=title, detail=error.findings[0].detail if error.findings else "", findings=error.findings)
    if declared := problem_of(error):
        return problem(status=declared.status, code=declared.code, title=declared.title, detail=declared.detail(error), **declared.more(error))
    if isinstance(error, limiting.TooMany):
        return _too_many(error)
    if isinstance(error, Http404 | exceptions.NotFound):
        return problem(status=404, code="not-found", title=_("There is nothing here."), detail=_("It does not exist, or it is not yours to see."))
    if is_unavailable(error):
        return cannot_reach()
    if isinstance(error, OperationalError | IntegrityError):
        return _contended(error)
    if isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    if isinstance(error, exceptions.APIException):
        return _framework(error)
    return None


def cannot_reach() -> HttpResponse:
    """503: the database or the disk cannot be had now. What was asked may have been done, if its last word was lost: a repetition with the same key tells."""
    log.warning("the database or the disk cannot be had", exc_info=True)
    detail = _("The portal cannot reach its data at this moment. Ask again in a moment, with the same Idempotency-Key.")
    body = body_of(status=503, code="unavailable", title=_("Not available at this moment."), detail=detail)
    return HttpResponse(dumps(body), status=503, content_type=PROBLEM, headers={"Retry-After": "2"})


def _contended(error: Exception) -> Response | None:
    """Two at the same thing at the same moment: 409 for who came second, 503 for who waited too long. Any other fault is ours."""
    state = sqlstate(error)
    if state == "23505":
        detail = _("Somebody did the same at this very moment. Read again, and decide anew.")
        return problem(status=409, code="conflict", title=_("This is not possible now."), detail=detail)
    if state in ("55P03", "57014", "40001", "40P01"):
        response = problem(status=503, code="busy", title=_("Too busy at this moment."), detail=_("Nothing was done. Ask again in a moment."))
        response["Retry-After"] = "1"
        return response
    return None


def _too_many(error: limiting.TooMany) -> Response:
    response = problem(status=429, code="too-many", title=_("Too many requests."), detail=str(error))
    response["Retry-After"] = str(error.wait)
    return response


def _framework(error: exceptions.APIException) -> Response:
    detail = error.detail if isinstance(error.detail, str) else orjson.dumps(error.detail, default=str).decode()
    code = str(error.default_code).replace("_", "-")
    response = problem(status=error.status_code, code=code, title=error.default_detail, detail=str(detail))
    if header := getattr(error, "auth_header", None):
        response["WWW-Authenticate"] = header
    if wait := getattr(error, "wait", None):
        response["Retry-After"] = str(int(wait))
    return response


class InEnterprise(permissions.BasePermission):
    """Only who acts for an enterprise may enter."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return request.auth is not None


class ApiView(APIView):
    """A REST view. Its handlers run acting for the caller's enterprise; a POST is whole or nothing, and may be repeated.

    needs: the permission that each method needs, by its name in lower case.
    """

    needs: Mapping[str, str] = {}
    renderer_classes = (JSONRenderer,)
    parser_classes: Sequence[type[parsers.BaseParser]] = (JSONParser,)
    permission_classes = (InEnterprise,)

    def get_authenticators(self) -> list[Any]:
        return [import_string(settings.API_AUTHENTICATION)()]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        self.args, self.kwargs = args, kwargs
        self.headers: dict[str, str] = {}
        self.request = self.initialize_request(request, *args, **kwargs)
        try:
            body = _whole_body(request)
            self.initial(self.request, *args, **kwargs)
            with self._acting():
                response: Any = self._answer(body)
        except Exception as error:
            response = self.handle_exception(error)
        self.response = self.finalize_response(self.request, response, *args, **kwargs)
        return self.response

    def check_throttles(self, request: Request) -> None:
        """Whoever has entered is counted, for his token and for his enterprise."""
        entry: Any = request.auth
        if entry is not None:
            limiting.take(("requests-of-token", str(entry.actor.id)), ("requests-of-enterprise", str(entry.home.id)))

    @contextlib.contextmanager
    def _acting(self) -> Iterator[None]:
        entry: Any = self.request.auth
        if entry is None:
            yield
            return
        with act_as(entry.home, by=entry.actor):
            needed = self.needs.get((self.request.method or "").lower())
            if needed and not entry.actor.may(needed):
                raise exceptions.PermissionDenied(_("Your role lacks “%(permission)s”.") % {"permission": needed})
            yield

    def _handler(self) -> Callable[..., Response]:
        method = (self.request.method or "").lower()
        return getattr(self, method, self.http_method_not_allowed) if method in self.http_method_names else self.http_method_not_allowed

    def _answer(self, body: bytes) -> Response | HttpResponse:
        handler = self._handler()
        key = self.request.headers.get("Idempotency-Key")
        if self.request.method in ("GET", "HEAD", "OPTIONS") or key is None or self.request.auth is None:
            return whole(lambda: self._at_once(handler))
        return whole(lambda: self._once(key, body, handler))

    def _at_once(self, handler: Callable[..., Response]) -> Response:
        """The handler's answer, in one transaction: what is read belongs together, what is written is whole or nothing."""
        with transaction.atomic():
            return handler(self.request, *self.args, **self.kwargs)

    def _once(self, key: str, body: bytes, handler: Callable[..., Response]) -> Response | HttpResponse:
        """Do it, and keep the answer with its key, in one transaction; or give the answer that was kept.

        A refusal undoes all of this: nothing was done that a repetition could do twice, and what is missing now (a document that
        is still on its way, a partner's consent, a permission) may be there at the next try.
        """
        if not 1 <= len(key) <= 255 or not key.isprintable():
            raise refuse("", "idempotency_key", _("An Idempotency-Key has 1 to 255 printable characters."))
        keeping = import_module(settings.ANSWERS_KEPT_BY)
        print = keeping.fingerprint((self.request.method or "").encode(), self.request.get_full_path().encode(), self.said(body))
        with transaction.atomic():
            kept = keeping.claim(key=key, print=print, at=clock.now())
            if kept is not None:
                return HttpResponse(kept.body, status=kept.status, headers={**kept.headers, "Idempotent-Replayed": "true"})
            response = handler(self.request, *self.args, **self.kwargs)
            content = dumps(response.data) if response.data is not None else b""
            headers = {"Content-Type": response.content_type or "application/json", **{k: v for k, v in response.items() if k in ("ETag", "Location")}}
            keeping.keep_answer(key=key, answer=keeping.Answer(status=response.status_code, headers=headers, body=content))
        return response

    def said(self, body: bytes) -> bytes:
        """What a body says: two requests that say the same are the same request. A view whose bodies vary says otherwise."""
        return body


def _whole_body(request: HttpRequest) -> bytes:
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return b""
    try:
        return request.body
    except RequestDataTooBig as error:
        raise TooBig from error
    except UnreadablePostError as error:
        raise Interrupted from error


def given(request: Request) -> Mapping[str, Any]:
    """The body as a mapping. Raises Invalid where it is none."""
    if not isinstance(request.data, Mapping):
        raise refuse("", "object", _("Send a JSON object."))
    return request.data


def uuid_of(text: str) -> uuid.UUID:
    """An id from a URL. Raises Http404: what is no id is nowhere."""
    try:
        return uuid.UUID(text)
    except ValueError:
        raise Http404 from None


def version_of(request: Request) -> int | None:
    """The version named by If-Match, None where there is none (or `*`)."""
    tag = request.headers.get("If-Match")
    if tag is None or tag.strip() == "*":
        return None
    text = tag.strip().removeprefix("W/").strip('"')
    return int(text) if text.isdecimal() and len(text) < 10 else -1


def etag(version: int) -> str:
    return f'"{version}"'
