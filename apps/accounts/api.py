"""Who calls: tokens in, `/me/` and `/oauth/token` out."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_plus

from django.http import QueryDict
from django.urls import URLPattern
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import authentication, exceptions, parsers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts import selectors, services
from apps.accounts.selectors import Entry
from apps.base import acting, clock, sharing
from apps.base.api import ApiView, JSONRenderer
from apps.base.describing import both, may_be, operation, shape, text, texts, whole
from apps.tenants import selectors as tenants


class TokenAuthentication(authentication.BaseAuthentication):
    """`Authorization: Bearer TOKEN`: an API token, or an OAuth access token. The token names the enterprise."""

    def authenticate(self, request: Request) -> tuple[object, Entry] | None:
        scheme, _space, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return None
        entry = selectors.entry_by_token(token.strip())
        if entry is None:
            raise exceptions.AuthenticationFailed(_("This token opens nothing: it is wrong, revoked or has expired."))
        sharing.note(token.strip(), entry.home.id)
        return entry.actor, entry

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="Tributary"'


EndpointShape = shape("Endpoint", scheme=text(gettext_lazy("Electronic address scheme: “0088” is a GLN.")), id=text())
Enterprise = shape("Enterprise", slug=text(), name=text(), gln=text(), endpoints=EndpointShape(many=True), language=text(), currency=text())
MeShape = shape("Me", enterprise=Enterprise(), person=text(gettext_lazy("Who acts: a person's or program's name.")), permissions=texts())


@extend_schema_view(get=operation("me", gettext_lazy("Me: for whom the token acts, and what it may do"), tags=["me"], answers={200: MeShape}))
class Me(ApiView):
    def get(self, request: Request) -> Response:
        home, actor = acting.home(), acting.actor()
        found = tenants.profile(home.id)
        endpoints = [{"scheme": scheme, "id": value} for scheme, value in tenants.endpoints_of(home.id)]
        enterprise = {name: getattr(found, name) for name in ("slug", "name", "gln", "language", "currency")}
        return Response({"enterprise": {**enterprise, "endpoints": endpoints}, "person": actor.name, "permissions": sorted(actor.permissions)})


# OAuth 2.0 client credentials (RFC 6749, 4.4) -------------------------------------------------------------------------


class OAuthError(Exception):
    """A refusal in the words of RFC 6749, 5.2. basic: the client tried to say who it is by HTTP Basic, or did not at all."""

    def __init__(self, code: str, description: str, *, status: int = 400) -> None:
        super().__init__(description)
        self.code, self.status = code, status


TokenAsked = shape(
    "TokenAsked",
    grant_type=text(gettext_lazy("Always “client_credentials”.")),
    client_id=may_be(text, gettext_lazy("The client's id; or by HTTP Basic.")),
    client_secret=may_be(text, gettext_lazy("The client's API token; or by HTTP Basic.")),
)
TokenGiven = shape("TokenGiven", access_token=text(), token_type=text(), expires_in=whole(gettext_lazy("Seconds.")))
TokenRefused = shape("TokenRefused", error=text(gettext_lazy("As in RFC 6749, 5.2.")), error_description=text())


class Token(APIView):
    authentication_classes = ()
    permission_classes = ()
    parser_classes = (parsers.FormParser,)
    renderer_classes = (JSONRenderer,)

    @extend_schema(
        operation_id="token",
        summary=gettext_lazy("Token: an access token for client credentials"),
        description=gettext_lazy("OAuth 2.0 client credentials (RFC 6749, 4.4), form-encoded; the token is good for an hour."),
        tags=["me"],
        auth=[],
        request={"application/x-www-form-urlencoded": TokenAsked},
        responses={
            200: TokenGiven,
            400: OpenApiResponse(TokenRefused, description=gettext_lazy("The request is no such request.")),
            401: OpenApiResponse(TokenRefused, description=gettext_lazy("There is no such client, or the secret is not its own.")),
        },
    )
    def post(self, request: Request) -> Response:
        try:
            return _uncached(Response(_grant(request)))
        except OAuthError as error:
            response = _uncached(Response({"error": error.code, "error_description": str(error)}, status=error.status))
            if error.status == 401:
                response["WWW-Authenticate"] = 'Basic realm="Tributary"'
            return response


def _uncached(response: Response) -> Response:
    response["Cache-Control"], response["Pragma"] = "no-store", "no-cache"
    return response


def _grant(request: Request) -> Mapping[str, Any]:
    given = _form(request)
    basic = _basic(request.headers.get("Authorization", ""))
    if "grant_type" not in given:
        raise OAuthError("invalid_request", _("Say the grant_type."))
    if given["grant_type"] != "client_credentials":
        raise OAuthError("unsupported_grant_type", _("Only client_credentials is granted here."))
    if basic and ("client_id" in given or "client_secret" in given):
        raise OAuthError("invalid_request", _("Say who you are in one way: by HTTP Basic or in the body."))
    if given.get("scope"):
        raise OAuthError("invalid_scope", _("There are no scopes: what a client may do follows from its role."))
    id, secret = basic or (given.get("client_id", ""), given.get("client_secret", ""))
    granted = services.grant_access(client_id=id, client_secret=secret, at=clock.now())
    if granted is None:
        raise OAuthError("invalid_client", _("There is no such client, or the secret is not its own."), status=401)
    return granted


def _form(request: Request) -> dict[str, str]:
    """The parameters of the body, each at most once (RFC 6749, 3.2)."""
    try:
        data = request.data
    except exceptions.UnsupportedMediaType as error:
        raise OAuthError("invalid_request", _("Send the body as application/x-www-form-urlencoded.")) from error
    if not isinstance(data, QueryDict):
        return {}
    if any(len(values) > 1 for _name, values in data.lists()):
        raise OAuthError("invalid_request", _("Give each parameter once."))
    return {name: str(data[name]) for name in data}


def _basic(header: str) -> tuple[str, str] | None:
    """Id and secret from HTTP Basic, form-encoded within it (RFC 6749, 2.3.1); None where it is not used."""
    scheme, _space, credentials = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        id, colon, secret = base64.b64decode(credentials.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeError):
        colon = ""
    if not colon:
        raise OAuthError("invalid_client", _("The credentials of HTTP Basic cannot be read."), status=401)
    return unquote_plus(id), unquote_plus(secret)


def routes() -> list[URLPattern]:
    """Every route that says who calls."""
    return [*both("me/", Me.as_view(), "api-me"), *both("oauth/token/", Token.as_view(), "api-token")]


def token_routes() -> list[URLPattern]:
    """Where OAuth libraries look for it: at the root, too."""
    return both("oauth/token/", Token.as_view(), "oauth-token")
