"""People, programs and new enterprises, as operators see them."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminEmailInputWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from apps.accounts import models, services
from apps.accounts.forms import countries, currencies, time_zones
from apps.accounts.selectors import ROLES
from apps.base import clock
from apps.base.admin import OperatorAdmin, SeenAdmin, SeenInline, platform
from apps.base.asking import tell
from apps.base.findings import Invalid
from apps.base.text import Text
from apps.tenants import services as tenants

CHAIN_ROLES = {
    "supplier": Text("Supplier", "供应商"),
    "maker": Text("Maker", "制造商"),
    "dealer": Text("Dealer", "经销商"),
    "carrier": Text("Carrier", "承运商"),
}


def _chain_roles() -> list[tuple[str, str]]:
    return [(code, str(label)) for code, label in CHAIN_ROLES.items()]


class ProvisionForm(forms.Form):
    """A new enterprise and its first administrator."""

    slug = forms.CharField(
        label=gettext_lazy("Short name"),
        max_length=40,
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("Small letters, digits and hyphens; the first part of its address. It never changes."),
    )
    name = forms.CharField(label=gettext_lazy("Name"), max_length=200, widget=UnfoldAdminTextInputWidget)
    roles = forms.MultipleChoiceField(
        label=gettext_lazy("Roles in the chain"), choices=_chain_roles, required=False, widget=UnfoldAdminCheckboxSelectMultipleWidget
    )
    country = forms.ChoiceField(label=gettext_lazy("Country"), choices=countries, required=False, widget=UnfoldAdminSelectWidget)
    language = forms.ChoiceField(label=gettext_lazy("Language"), choices=settings.LANGUAGES, widget=UnfoldAdminSelectWidget)
    currency = forms.ChoiceField(label=gettext_lazy("Currency"), choices=currencies, initial="EUR", widget=UnfoldAdminSelectWidget)
    time_zone = forms.ChoiceField(label=gettext_lazy("Time zone"), choices=time_zones, initial="UTC", widget=UnfoldAdminSelectWidget)
    email = forms.EmailField(label=gettext_lazy("E-mail address of its first administrator"), widget=UnfoldAdminEmailInputWidget)
    person = forms.CharField(label=gettext_lazy("Name of its first administrator"), max_length=150, required=False, widget=UnfoldAdminTextInputWidget)


@platform.page("provision/", name="provision")
def provision(request: HttpRequest) -> HttpResponse:
    """Make an enterprise; its set-up link is shown in the answer, and nowhere again."""
    form = ProvisionForm(request.POST if request.method == "POST" else None)
    context = {**platform.each_context(request), "title": _("Provision an enterprise"), "form": form}
    if request.method == "POST" and form.is_valid():
        try:
            context |= _provision(form.cleaned_data)
        except Invalid as refusal:
            tell(form, refusal)
    response = render(request, "admin/provision.html", context, status=422 if form.errors else 200)
    response["Cache-Control"] = "no-store"
    return response


def _provision(given: dict[str, Any]) -> dict[str, Any]:
    at = clock.now()
    profile = {name: given[name] for name in ("country", "language", "currency", "time_zone")}
    home = tenants.provision(slug=given["slug"], name=given["name"], roles=given["roles"], at=at, **profile)
    token = services.first_administrator(enterprise=home.id, email=given["email"], name=given["person"], language=given["language"], at=at)
    return {"enterprise": home, "email": given["email"], "token": token, "link": services.set_up_address(token) if token else settings.BASE_URL}


class MembershipInline(SeenInline):
    model = models.Membership
    fields = ("enterprise", "role", "ended_at", "created_at")
    verbose_name_plural = gettext_lazy("works for")


@admin.register(models.User, site=platform)
class PersonAdmin(OperatorAdmin):
    list_display = ("email", "name", "is_active", "is_superuser", "last_login")
    list_filter = ("is_active", "is_superuser")
    search_fields = ("email", "name")
    fields = ("email", "name", "language", "is_active", "is_staff", "is_superuser", "last_login", "date_joined")
    readonly_fields = ("email", "is_staff", "is_superuser", "last_login", "date_joined")
    inlines = (MembershipInline,)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """People come by invitation, or by `manage.py createoperator`."""
        return False


@admin.register(models.Membership, site=platform)
class MembershipAdmin(SeenAdmin):
    list_display = ("user", "enterprise", "role_label", "created_at", "ended_at")
    list_filter = ("role", ("ended_at", admin.EmptyFieldListFilter))
    list_select_related = ("user", "enterprise")
    search_fields = ("user__email", "enterprise__slug")

    @admin.display(description=gettext_lazy("role"), ordering="role")
    def role_label(self, row: models.Membership) -> str:
        return str(ROLES.get(row.role, row.role))


@admin.register(models.ApiClient, site=platform)
class ApiClientAdmin(SeenAdmin):
    list_display = ("name", "enterprise", "role", "created_at", "revoked_at")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    list_select_related = ("enterprise",)
    search_fields = ("name", "enterprise__slug")
    fields = ("name", "enterprise", "role", "created_at", "revoked_at")
    actions = ("revoke",)

    @admin.action(description=gettext_lazy("Revoke"))
    def revoke(self, request: HttpRequest, chosen: QuerySet[models.ApiClient]) -> None:
        clients = list(chosen.filter(revoked_at=None))
        for client in clients:
            services.revoke_token(client=client.pk, enterprise=client.enterprise_id, at=clock.now())
        messages.success(request, ngettext("%(count)d token was revoked.", "%(count)d tokens were revoked.", len(clients)) % {"count": len(clients)})
