"""The settings of an enterprise: its profile, its people, its programs.

These pages begin in the lobby, where people and tokens can be read, and ask always for those of the entry's enterprise alone; they
enter the home for its profile and to be shown.
"""

import uuid
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts import selectors, services
from apps.accounts.forms import EndpointsForm, PersonForm, ProfileForm, RoleForm, TokenForm
from apps.accounts.selectors import ROLES
from apps.base import clock
from apps.base.asking import ask, summary, tell
from apps.base.findings import Invalid
from apps.base.pages import at_home, from_lobby, see_other
from apps.tenants import selectors as tenants
from apps.tenants import services as tenancy

GLN_SCHEME = "0088"
Forms = dict[str, forms.Form]


def _need(request: Any, permission: str) -> None:
    if not request.entry.actor.may(permission):
        raise PermissionDenied(
            _("You may not do this: your role lacks “%(permission)s”. An administrator of your enterprise can give it to you.") % {"permission": permission}
        )


@from_lobby
@require_http_methods(["GET", "POST"])
def settings_page(request: Any) -> HttpResponse:
    """Everything on one page; each part is a form of its own, told apart by `part`."""
    _need(request, "settings.view")
    if request.method == "GET":
        return _show(request, {})
    part = request.POST.get("part", "")
    if part not in PARTS:
        raise Http404
    permission, save = PARTS[part]
    _need(request, permission)
    return save(request)


def _save_profile(request: Any) -> HttpResponse:
    form = ProfileForm(request.POST)
    if form.is_valid():
        try:
            with at_home(request), transaction.atomic():
                tenancy.save_profile(given=form.cleaned_data, at=clock.now())
                _find_by_gln(request.entry.home.id, form.cleaned_data["gln"])
        except Invalid as refusal:
            tell(form, refusal, {"/endpoints": "gln"})
        else:
            messages.success(request, _("Saved."))
            return see_other(reverse("settings"))
    return _show(request, {"profile_form": form})


def _find_by_gln(enterprise: uuid.UUID, gln: str) -> None:
    """A GLN is an address, too: messages find the enterprise by it."""
    held = tenants.endpoints_of(enterprise)
    if gln and (GLN_SCHEME, gln) not in held:
        tenancy.save_endpoints(endpoints=[*held, (GLN_SCHEME, gln)], at=clock.now())


def _save_endpoints(request: Any) -> HttpResponse:
    form = EndpointsForm(request.POST)
    if form.is_valid():
        try:
            with at_home(request):
                tenancy.save_endpoints(endpoints=form.cleaned_data["endpoints"], at=clock.now())
        except Invalid as refusal:
            tell(form, refusal)
        else:
            messages.success(request, _("Saved."))
            return see_other(reverse("settings") + "#endpoints")
    return _show(request, {"endpoints_form": form})


def _invite(request: Any) -> HttpResponse:
    form = PersonForm(request.POST)
    if form.is_valid():
        given = form.cleaned_data
        try:
            services.invite(home=request.entry.home, email=given["email"], role=given["role"], name=given["name"], by=request.entry.actor, at=clock.now())
        except Invalid as refusal:
            tell(form, refusal)
        except services.MailNotSent as trouble:
            messages.warning(request, str(trouble))
            return see_other(reverse("settings") + "#people")
        else:
            messages.success(request, _("%(email)s was invited by mail.") % {"email": given["email"]})
            return see_other(reverse("settings") + "#people")
    return _show(request, {"person_form": form})


def _issue(request: Any) -> HttpResponse:
    form = TokenForm(request.POST)
    token = None
    if form.is_valid():
        try:
            given = form.cleaned_data
            _client, token = services.issue_token(enterprise=request.entry.home.id, name=given["name"], role=given["role"], at=clock.now())
            form = TokenForm()
        except Invalid as refusal:
            tell(form, refusal)
    return _show(request, {"token_form": form}, new_token=token)


PARTS: dict[str, tuple[str, Callable[[Any], HttpResponse]]] = {
    "profile": ("settings.change", _save_profile),
    "endpoints": ("settings.change", _save_endpoints),
    "person": ("people.change", _invite),
    "token": ("tokens.change", _issue),
}


def _show(request: Any, given: Forms, *, new_token: str | None = None) -> HttpResponse:
    """The page: people and tokens are read here in the lobby, profile and endpoints at home."""
    may, enterprise = request.entry.actor.may, request.entry.home.id
    context: dict[str, Any] = {
        "people": [_person(membership, may_change=may("people.change")) for membership in selectors.people(enterprise=enterprise)],
        "person_form": (given.get("person_form") or PersonForm(auto_id="person_%s")) if may("people.change") else None,
        "may_see_tokens": may("tokens.change"),
        "may_change": may("settings.change"),
        "new_token": new_token,
        "errors_summary": summary(*given.values()),
    }
    if may("tokens.change"):
        context["tokens"] = [_token(client) for client in selectors.api_clients(enterprise=enterprise)]
        context["token_form"] = given.get("token_form") or TokenForm(auto_id="token_%s")
    with at_home(request):
        row, endpoints = tenants.profile(enterprise), tenants.endpoints_of(enterprise)
        context["profile_form"] = given.get("profile_form") or ProfileForm({name: getattr(row, name) for name in tenancy.PROFILE}, auto_id="profile_%s")
        context["endpoints"] = [{"scheme": scheme, "id": value} for scheme, value in endpoints]
        context["endpoints_form"] = given.get("endpoints_form") or EndpointsForm(initial={"endpoints": "\n".join(f"{s}:{v}" for s, v in endpoints)})
        context["slug"] = row.slug
        return render(request, "settings/index.html", context, status=422 if context["errors_summary"] else 200)


def _person(membership: Any, *, may_change: bool) -> dict[str, Any]:
    person = membership.user
    return {
        "name": person.name,
        "email": person.email,
        "role_labels": [str(ROLES.get(membership.role, membership.role))],
        "last_seen_at": person.last_login,
        "waiting": not person.has_usable_password(),
        "role_url": reverse("person_role", args=[membership.pk]) if may_change else "",
        "again_url": reverse("person_again", args=[membership.pk]) if may_change and not person.has_usable_password() else "",
        "remove_url": reverse("person_end", args=[membership.pk]) if may_change else "",
    }


def _token(client: Any) -> dict[str, Any]:
    role = str(ROLES.get(client.role, client.role))
    return {"id": client.pk, "name": client.name, "role": role, "created_at": client.created_at, "revoke_url": reverse("token_revoke", args=[client.pk])}


def _membership(request: Any, id: uuid.UUID) -> Any:
    _need(request, "people.change")
    found = selectors.membership(id=id, enterprise=request.entry.home.id)
    if found is None:
        raise Http404
    return found


def _refused(request: Any, refusal: Exception) -> None:
    """What people are told where a deed about a colleague is refused."""
    messages.error(request, str(refusal))


@from_lobby
@require_http_methods(["GET", "POST"])
def person_role(request: Any, id: uuid.UUID) -> HttpResponse:
    """Give a colleague another role."""
    membership = _membership(request, id)
    form = RoleForm(request.POST if request.method == "POST" else None, initial={"role": membership.role})
    if request.method == "POST" and form.is_valid():
        try:
            services.change_role(membership=id, enterprise=request.entry.home.id, role=form.cleaned_data["role"], at=clock.now())
        except services.LastAdministrator as refusal:
            form.add_error("role", str(refusal))
        else:
            messages.success(request, _("Saved."))
            return see_other(reverse("settings") + "#people")
    with at_home(request):
        return ask(
            request, question=_("Change the role of %(name)s") % {"name": membership.user},
            consequence=_("The role takes effect with the next click."), submit=_("Save"),
            back_url=reverse("settings") + "#people", back_label=_("Settings"), form=form,
        )  # fmt: skip


@from_lobby
@require_http_methods(["GET", "POST"])
def person_end(request: Any, id: uuid.UUID) -> HttpResponse:
    """End a colleague's work for the enterprise; his documents and his name in the history stay."""
    membership = _membership(request, id)
    back = reverse("settings") + "#people"
    if request.method == "POST":
        try:
            services.leave(membership=id, enterprise=request.entry.home.id, at=clock.now())
        except services.LastAdministrator as refusal:
            _refused(request, refusal)
        else:
            messages.success(request, _("%(name)s works for this enterprise no longer.") % {"name": membership.user})
        return see_other(back)
    with at_home(request):
        return ask(
            request, question=_("Remove %(name)s?") % {"name": membership.user}, submit=_("Remove"), back_url=back, back_label=_("Settings"), danger=True,
            consequence=_("Sessions and open pages end at once. What this person has done stays in the history of the documents."),
        )  # fmt: skip


@from_lobby
@require_POST
def person_again(request: Any, id: uuid.UUID) -> HttpResponse:
    """Send the invitation once more: links are good for three days."""
    membership = _membership(request, id)
    try:
        services.invite_again(membership=id, home=request.entry.home, by=request.entry.actor, at=clock.now())
    except services.MailNotSent as trouble:
        _refused(request, trouble)
    else:
        messages.success(request, _("%(email)s was invited by mail.") % {"email": membership.user.email})
    return see_other(reverse("settings") + "#people")


@from_lobby
@require_http_methods(["GET", "POST"])
def token_revoke(request: Any, id: uuid.UUID) -> HttpResponse:
    """Close a program's way in."""
    _need(request, "tokens.change")
    client = next((client for client in selectors.api_clients(enterprise=request.entry.home.id) if client.pk == id), None)
    if client is None:
        raise Http404
    back = reverse("settings") + "#tokens"
    if request.method == "POST":
        services.revoke_token(client=id, enterprise=request.entry.home.id, at=clock.now())
        messages.success(request, _("The token of “%(name)s” opens nothing any more.") % {"name": client.name})
        return see_other(back)
    with at_home(request):
        return ask(
            request, question=_("Revoke the token of “%(name)s”?") % {"name": client.name}, submit=_("Revoke"), back_url=back, back_label=_("Settings"),
            danger=True,
            consequence=_("The program is refused from its next request on. This cannot be undone: you would make a new token."),
        )  # fmt: skip
