"""Coming in: the first password, the choice of the enterprise and of the language."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views import i18n
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts import selectors, services
from apps.accounts.forms import PasswordForm
from apps.accounts.selectors import CHOSEN
from apps.base import clock
from apps.base.pages import see_other, way_back
from apps.tenants import selectors as tenants


@require_POST
def switch(request: Any) -> HttpResponse:
    """Go on for another of the person's enterprises. One that is not his is treated like one that does not exist."""
    if not request.user.is_authenticated:
        return redirect_to_login("/")
    chosen = next((entry.home for entry in request.entries if entry.home.slug == request.POST.get("enterprise")), None)
    if chosen is None:
        return render(request, "404.html", status=404)
    request.session[CHOSEN] = chosen.slug
    direct = tenants.home_at(host=request.get_host().partition(":")[0])
    if direct is not None and direct.id != chosen.id:
        main = urlsplit(settings.BASE_URL)
        return see_other(f"{main.scheme}://{chosen.slug}.{main.netloc}/")
    return see_other(way_back(request, "/"))


@require_POST
def set_language(request: HttpRequest) -> HttpResponseBase:
    """Read in another language from now on; whoever is signed in is remembered with it."""
    response = i18n.set_language(request)
    if request.user.is_authenticated:
        services.choose_language(person=request.user.pk, language=request.POST.get("language", ""), at=clock.now())
    return response


@never_cache
@sensitive_post_parameters("password", "again")
@require_http_methods(["GET", "POST"])
def set_up(request: HttpRequest, token: str) -> HttpResponse:
    """The first password, by a one-time link. Looking at the page does not use the link up."""
    person = selectors.person_of_link(token=token)
    if person is None:
        return render(request, "account/link_dead.html", status=404)
    form = PasswordForm(request.POST if request.method == "POST" else None, person=person)
    if request.method == "POST" and form.is_valid():
        if services.use_set_up_link(token=token, password=form.cleaned_data["password"], at=clock.now()) is None:
            return render(request, "account/link_dead.html", status=404)
        messages.success(request, _("Your password is set. Sign in with it now."))
        return see_other(reverse("account_login"))
    return render(request, "account/set_up.html", {"form": form, "person": person}, status=422 if form.errors else 200)
