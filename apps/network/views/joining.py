"""The first day: whoever was invited by mail brings in his enterprise, and stands before what waits for him. Looking does not use the link up."""

import uuid
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import get_user_model, login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from apps.accounts import selectors as accounts
from apps.accounts.selectors import CHOSEN
from apps.base import clock, limiting
from apps.base.asking import summary, tell
from apps.base.findings import Invalid
from apps.base.pages import caller, see_other
from apps.network import selectors, services
from apps.network.forms import JoinForm
from apps.network.services import InvitationClosed

BACKEND = "django.contrib.auth.backends.ModelBackend"


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def join(request: HttpRequest, token: str) -> HttpResponse:
    """GET asks for the few things that are needed; POST makes the enterprise, and signs in. Tokens that are none are counted as guesses at sign-ins are."""
    counted = ("sign-ins-of-address", f"links of {caller(request)}")
    try:
        limiting.take(counted)
    except limiting.TooMany as error:
        response = _rendered(request, "network/join_closed.html", {"why": "often", "sentence": str(error)}, 429)
        response["Retry-After"] = str(error.wait)
        return response
    invitation = selectors.invitation(token=token)
    if invitation is None:
        return _rendered(request, "network/join_closed.html", {"why": "unknown"}, 404)
    limiting.give_back(counted)
    chosen = "" if settings.LANGUAGE_COOKIE_NAME in request.COOKIES else invitation.language
    with translation.override(chosen or translation.get_language()):
        request.LANGUAGE_CODE = chosen or request.LANGUAGE_CODE
        return _joining(request, token, invitation)


def _rendered(request: HttpRequest, template: str, context: dict[str, Any], status: int) -> HttpResponse:
    response = render(request, template, {**context, "languages": settings.LANGUAGES}, status=status)
    response["X-Robots-Tag"] = "noindex"
    return response


def _closed(request: HttpRequest, invitation: Any, why: str) -> HttpResponse:
    return _rendered(request, "network/join_closed.html", {"why": why, "inviter": invitation.inviter.name}, 409 if why == "busy" else 410)


def _joining(request: HttpRequest, token: str, invitation: Any) -> HttpResponse:
    if why := selectors.why_closed(invitation, at=clock.now()) or ("" if settings.OPEN_TO_INVITED else "off"):
        return _closed(request, invitation, why)
    known = accounts.known_person(email=invitation.email)
    here = request.user.pk if request.user.is_authenticated else None
    context: dict[str, Any] = {"invitation": invitation, "inviter": invitation.inviter.name, "role": selectors.ROLES[invitation.role]}
    if known is not None and known != here:
        return _rendered(request, "network/join_sign_in.html", {**context, "next": request.path}, 200)
    given = request.POST if request.method == "POST" else None
    form = JoinForm(given, known=known is not None, initial={"language": request.LANGUAGE_CODE, "notices": True})
    if given is not None and form.is_valid():
        try:
            return _made(request, token, form, here if known else None)
        except InvitationClosed as closed:
            return _closed(request, invitation, closed.why)
        except Invalid as refusal:
            tell(form, refusal)
    return _rendered(request, "network/join.html", {**context, "form": form, "errors_summary": summary(form)}, 422 if form.errors else 200)


def _made(request: HttpRequest, token: str, form: JoinForm, signed_in: uuid.UUID | None) -> HttpResponse:
    given = {"person": "", "password": "", **form.cleaned_data}
    home, person = services.accept_by_mail(token=token, **given, signed_in=signed_in, at=clock.now())
    if signed_in is None:
        login(request, get_user_model().objects.get(pk=person), backend=BACKEND)
    request.session[CHOSEN] = home.slug
    messages.success(request, _("%(name)s is here. What your partner sends you appears on this page at once.") % {"name": home.name})
    return see_other("/")
