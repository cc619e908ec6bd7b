"""The keys with which an enterprise signs what it says."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from apps.base import acting, clock
from apps.base.asking import ask
from apps.base.pages import at_home, from_lobby, need, see_other
from apps.exchange import selectors, services


@from_lobby
@require_safe
def keys(request: Any) -> HttpResponse:
    """The fingerprints, by which partners can tell that a signature is ours."""
    with at_home(request):
        need("settings.view")
        context = {
            "keys": selectors.keys(enterprise=acting.home().id),
            "rotate_url": reverse("keys_rotate") if acting.actor().may("settings.change") else "",
            "back_url": reverse("settings"),
        }
        return render(request, "settings/keys.html", context)


@from_lobby
@require_http_methods(["GET", "POST"])
def rotate(request: Any) -> HttpResponse:
    """Retire the key and sign with a new one from now on."""
    if not request.entry.actor.may("settings.change"):
        raise PermissionDenied
    with at_home(request):
        if request.method == "POST":
            services.rotate(at=clock.now())
            messages.success(request, _("From now on you sign with a new key."))
            return see_other(reverse("keys"))
        return ask(
            request, question=_("Make a new signing key?"), submit=_("Make a new key"), back_url=reverse("keys"), back_label=_("Signing keys"),
            consequence=_("The old key signs nothing any more; what it has signed stays valid."),
        )  # fmt: skip
