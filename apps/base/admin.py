"""The two admins at one address: `/admin/` is the platform's, for its operators; `/admin/home/` is one's own enterprise's, for its
administrators, to which `/admin/` sends whoever is no operator.

A site sets the context of its every view here, in one place: the platform's runs as the operator, who can read no home; an
enterprise's runs in its own home, where neither people nor the log of the admin can be read.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.contrib.contenttypes.models import ContentType
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.sites import UnfoldAdminSite

from apps.base.acting import act_as, as_operator

View = Callable[..., HttpResponseBase]


class _Site(UnfoldAdminSite):  # type: ignore[misc]
    """People sign in where everybody does, with the second factor that they may have."""

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponseBase:
        return redirect_to_login(request.GET.get("next") or reverse("admin:index", current_app=self.name))

    def logout(self, request: HttpRequest, extra_context: Any = None) -> HttpResponseBase:
        return redirect("account_logout")

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> HttpResponseBase:
        return redirect("account_change_password")

    def get_urls(self) -> list[Any]:
        """Without the way to a row's own page by its kind and id: no row here has one, and kinds are told in a table that no home can read."""
        return [route for route in super().get_urls() if getattr(route, "name", None) != "view_on_site"]

    def search(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Closed: its answers would be cached, and a cache knows no wall."""
        raise Http404

    def get_sidebar_list(self, request: HttpRequest) -> list[dict[str, Any]]:
        """What stands at the side: the models of each app that may be seen."""
        return [
            {
                "title": app["name"],
                "items": [
                    {"title": model["name"], "link": model["admin_url"], "active": request.path.startswith(model["admin_url"]), "has_permission": True}
                    for model in app["models"]
                ],
            }
            for app in self.get_app_list(request)
        ]

    def _rendered(self, response: Any) -> HttpResponseBase:
        """The response, rendered while its context stands."""
        if hasattr(response, "render") and not response.is_rendered:
            response.render()
        return response  # type: ignore[no-any-return]


class PlatformSite(_Site):
    """For operators: enterprises, people, programs, partnerships, channels. No enterprise's data."""

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self._pages: list[tuple[str, View, str]] = []

    def has_permission(self, request: Any) -> bool:
        return bool(request.user.is_active and request.user.is_staff and request.user.is_superuser)

    def page(self, route: str, *, name: str) -> Callable[[View], View]:
        """Add a page of one's own to the site."""

        def add(view: View) -> View:
            self._pages.append((route, view, name))
            return view

        return add

    def extra_urls(self) -> list[URLPattern]:
        return [path(route, self.admin_view(view), name=name) for route, view, name in self._pages]

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        checked = super().admin_view(view, cacheable)

        @functools.wraps(view)
        def as_the_operator(request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.user.is_authenticated and not self.has_permission(request):
                if request.path == reverse("admin:index") and homes.has_permission(request):
                    return redirect(reverse("admin:index", current_app=homes.name))
                raise Http404
            with as_operator():
                return self._rendered(checked(request, *args, **kwargs))

        return as_the_operator

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        return {**super().each_context(request), "site_title": "Tributary", "site_header": _("The platform"), "sidebar_show_search": False}


class HomeSite(_Site):
    """For the administrators of an enterprise: its own home."""

    index_template = app_index_template = "admin/home_index.html"

    def has_permission(self, request: Any) -> bool:
        entry = getattr(request, "entry", None)
        return entry is not None and bool(entry.actor.may("settings.change"))

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        checked = super().admin_view(view, cacheable)

        @functools.wraps(view)
        def at_home(request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            if not self.has_permission(request):
                raise Http404
            # The names of the models stand in a table that no home can read; they are remembered once they were read here.
            ContentType.objects.get_for_models(*self._registry)
            with act_as(request.entry.home, by=request.entry.actor):
                return self._rendered(checked(request, *args, **kwargs))

        return at_home

    def each_context(self, request: Any) -> dict[str, Any]:
        name = request.entry.home.name if getattr(request, "entry", None) else ""
        return {**super().each_context(request), "site_title": name, "site_header": name, "show_history": False, "sidebar_show_search": False}


platform = PlatformSite("admin")
homes = HomeSite("home")


class _Asked(ModelAdmin):  # type: ignore[misc]
    """A list that can be asked for what its own filters ask, and nothing else."""

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Django would let every column of the row itself be asked for, shown or not: who may ask how a password's hash begins has it in the end."""
        named = [name if isinstance(name, str) else name[0] for name in self.list_filter]
        return any(lookup == name or lookup.startswith(f"{name}__") for name in named) and bool(super().lookup_allowed(lookup, value, request))


class _Seen:
    """Can be read by whom the site lets in; nothing can be changed."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_module_permission(self, request: HttpRequest) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class SeenAdmin(_Seen, _Asked):
    """Rows to look at. Nothing is written into the admin's log, which lies outside every home."""

    list_per_page = 50
    show_full_result_count = False

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponseBase:
        raise Http404

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """Nothing: see the class."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """Nothing: see the class."""


class SeenInline(_Seen, TabularInline):  # type: ignore[misc]
    """Rows to look at beside another one."""

    extra = 0
    can_delete = False
    show_change_link = False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        """All: a form is made of the others, and refuses what nobody enters (when a row was made)."""
        return tuple(self.fields or super().get_readonly_fields(request, obj))


class OperatorAdmin(_Asked):
    """Rows of the platform, which its operators may change; they end things, and delete nothing."""

    list_per_page = 50

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
