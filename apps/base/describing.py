"""How the REST interface is described (OpenAPI 3.1): shapes said as data, and the refusals that every operation can give."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import serializers


def shape(name: str, /, **fields: Any) -> Any:
    """A named component of the schema. fields: DRF fields, or other shapes' instances."""
    return type(name, (serializers.Serializer,), fields)


def text(help: Any = "", **more: Any) -> Any:
    return serializers.CharField(help_text=help, **more)


def may_be(make: Callable[..., Any], help: Any = "", **more: Any) -> Any:
    """A field of a body that may be left out."""
    return make(help, required=False, **more)


@extend_schema_field({"type": "string", "pattern": r"^\d{1,12}(\.\d{1,6})?$", "examples": ["81.50"]})
class DecimalText(serializers.CharField):
    """A number in digits, as text: no digit is lost on the way."""


def number(help: Any = "", **more: Any) -> Any:
    return DecimalText(help_text=help, **more)


def day(help: Any = "", **more: Any) -> Any:
    return serializers.DateField(help_text=help, **more)


def moment(help: Any = "", **more: Any) -> Any:
    return serializers.DateTimeField(help_text=help, **more)


def whole(help: Any = "", **more: Any) -> Any:
    return serializers.IntegerField(help_text=help, **more)


def yes(help: Any = "", **more: Any) -> Any:
    return serializers.BooleanField(help_text=help, **more)


def uid(help: Any = "", **more: Any) -> Any:
    return serializers.UUIDField(help_text=help, **more)


def texts(help: Any = "", **more: Any) -> Any:
    return serializers.ListField(child=serializers.CharField(), help_text=help, **more)


def page_of(name: str, row: Any) -> Any:
    """The shape of a page of rows."""
    link: dict[str, Any] = {"allow_null": True, "required": True}
    return shape(
        f"{name}Page",
        next=serializers.URLField(help_text=_("The next page, null after the last one."), **link),
        previous=serializers.URLField(help_text=_("The page before, null before the first one."), **link),
        results=row(many=True),
    )


Finding = shape(
    "Finding",
    pointer=text(_("Where: a JSON pointer into the body, the name of a parameter behind a slash, or the place in the message.")),
    code=text(_("What: the same in every language, for programs.")),
    detail=text(_("A sentence in the reader's language that says what would mend it.")),
)
Problem = shape(
    "Problem",
    type=serializers.URLField(help_text=_("Names the kind of problem.")),
    title=text(),
    status=whole(),
    detail=text(),
    errors=Finding(many=True, help_text=_("Everything that is wrong with the input.")),
)

REFUSALS: Mapping[int, Any] = {
    400: _("The body is no JSON, or did not arrive whole."),
    401: _("No token, or one that opens nothing."),
    403: _("The token's role lacks the permission."),
    404: _("It does not exist, or it is not yours to see: both read alike."),
    406: _("It cannot be given in this media type."),
    409: _("Not possible in the present state; or the first request with this Idempotency-Key is still running."),
    412: _("The document is not at the version of If-Match any more."),
    413: _("The body is too big."),
    415: _("The body has a media type that is not taken here."),
    422: _("The input cannot be taken: every finding with its place."),
    429: _("More than the limit of the token or of its enterprise: Retry-After says in how many seconds to ask again."),
}


def refusals(*codes: int) -> dict[Any, Any]:
    """The responses of these statuses, as problems."""
    return {(code, "application/problem+json"): OpenApiResponse(Problem, description=REFUSALS[code]) for code in codes}


IDEMPOTENCY = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description=_(
        "1 to 255 printable characters. What was done is not done again: the same key with the same body gives the first answer, at any age; "
        "with another body 422. A refusal is not kept: ask again with the same key."
    ),
)
IF_MATCH = OpenApiParameter(
    "If-Match", OpenApiTypes.STR, OpenApiParameter.HEADER, description=_("The ETag of the document as it was read; 412 where it has changed since.")
)


def parameter(
    name: str, description: Any = "", *, kind: Any = OpenApiTypes.STR, options: Sequence[str] = (), place: Any = OpenApiParameter.QUERY
) -> OpenApiParameter:
    return OpenApiParameter(name, kind, place, required=place == OpenApiParameter.PATH, description=description, enum=list(options) or None)


def paging(by: Sequence[str]) -> list[OpenApiParameter]:
    """The parameters of a list by cursor."""
    return [
        parameter("limit", _("How many rows, 1 to 500; 50 where it is not said."), kind=OpenApiTypes.INT),
        parameter("cursor", _("From “next” or “previous” of a page; otherwise opaque.")),
        parameter("ordering", _("By which column; with a minus the largest first."), options=[sign + name for name in by for sign in ("", "-")]),
    ]


def operation(id: str, summary: Any, *, tags: Sequence[str], answers: Mapping[Any, Any], body: Any = None, refused: Sequence[int] = (), writes: bool = False,
              matches: bool = False, parameters: Sequence[OpenApiParameter] = (), description: Any = "", example: Any = None) -> Any:  # fmt: skip
    """The description of one operation. writes: it takes an Idempotency-Key; matches: it takes If-Match. example: a body that is taken."""
    headers = [*([IDEMPOTENCY] if writes else []), *([IF_MATCH] if matches else [])]
    codes = sorted({401, 403, 429, *refused, *((400, 409, 413, 415, 422) if writes else ()), *((412,) if matches else ())})
    return extend_schema(
        operation_id=id,
        summary=summary,
        description=description or summary,
        tags=list(tags),
        parameters=[*parameters, *headers],
        request=body,
        responses={**answers, **refusals(*codes)},
        examples=[OpenApiExample("example", value=example, request_only=True)] if example is not None else None,
    )


def both(route: str, view: Any, name: str, **more: Any) -> list[URLPattern]:
    """A route with its closing slash, and without: callers write both."""
    return [path(route, view, name=name, **more), path(route.removesuffix("/"), view, name=f"{name}-bare", **more)]


def without_doubles(endpoints: Sequence[tuple[str, str, str, Any]]) -> list[tuple[str, str, str, Any]]:
    """A hook of the schema: each route below /api/v1/ once, with its closing slash."""
    paths = {path for path, *_rest in endpoints}
    return [endpoint for endpoint in endpoints if endpoint[0].startswith("/api/v1/") and f"{endpoint[0]}/" not in paths]


class Bearer(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How a caller says who he is."""

    target_class = "apps.accounts.api.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "description": str(_("An API token, or an access token of POST /oauth/token. It names the enterprise."))}
