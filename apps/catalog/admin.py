"""An enterprise's own items and sites, in its own admin."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminSelectWidget

from apps.base import acting, clock, fields, units
from apps.base.admin import SeenAdmin, SeenInline, homes
from apps.catalog import models, services


def _read(reader: Callable[[Any], str], value: Any) -> str:
    """The value, where a reader of the services takes it."""
    try:
        return reader(value)
    except fields.Unreadable as error:
        raise forms.ValidationError(str(error)) from error


class AliasInline(SeenInline):
    model = models.Alias
    fields = ("partner_id", "number")


class ComponentInline(SeenInline):
    model = models.Component
    fk_name = "item"
    fields = ("position", "component", "quantity", "condition", "scrap", "fixed", "alternate_of", "priority", "valid_from", "valid_until")


class SourceInline(SeenInline):
    model = models.Source
    fields = ("partner_id", "lead_days", "transport_days", "minimum", "multiple", "price", "currency", "priority", "policy", "asked", "active")


class ItemForm(forms.ModelForm):  # type: ignore[type-arg]
    """Checked as everywhere else, before the service that writes is called."""

    class Meta:
        model = models.Item
        fields = ("number", "name", "name_zh", "unit", "gtin", "bought", "sold", "procurement", "shipping_days", "price")
        widgets = {"unit": UnfoldAdminSelectWidget(choices=[(code, f"{label.en} ({code})") for code, label in units.UNITS.items()])}

    def clean_gtin(self) -> str:
        return _read(services.read_gtin, self.cleaned_data["gtin"])


@admin.register(models.Item, site=homes)
class ItemAdmin(SeenAdmin):
    form = ItemForm
    list_display = ("number", "name", "name_zh", "unit", "gtin", "bought", "sold")
    list_filter = ("bought", "sold", "unit")
    search_fields = ("number", "name", "name_zh", "gtin")
    inlines = (AliasInline, ComponentInline, SourceInline)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def save_model(self, request: HttpRequest, obj: models.Item, form: forms.ModelForm, change: bool) -> None:  # type: ignore[type-arg]
        price = form.cleaned_data["price"]
        saved = services.save_item(
            **{**form.cleaned_data, "price": "" if price is None else price}, id=obj.pk if change else None, by=acting.actor(), at=clock.now()
        )
        obj.pk = saved.pk


class SiteForm(forms.ModelForm):  # type: ignore[type-arg]
    """Checked as everywhere else, before the service that writes is called."""

    class Meta:
        model = models.Site
        fields = ("code", "name", "name_zh", "gln", "address", "city", "country", "time_zone", "main")

    def clean_gln(self) -> str:
        return _read(services.read_gln, self.cleaned_data["gln"])

    def clean_country(self) -> str:
        return _read(services.read_country, self.cleaned_data["country"])

    def clean_time_zone(self) -> str:
        return _read(services.read_time_zone, self.cleaned_data["time_zone"])


@admin.register(models.Site, site=homes)
class SiteAdmin(SeenAdmin):
    form = SiteForm
    list_display = ("code", "name", "name_zh", "city", "country", "time_zone", "main")
    search_fields = ("code", "name", "name_zh", "gln")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def save_model(self, request: HttpRequest, obj: models.Site, form: forms.ModelForm, change: bool) -> None:  # type: ignore[type-arg]
        saved = services.save_site(**form.cleaned_data, id=obj.pk if change else None, by=acting.actor(), at=clock.now())
        obj.pk = saved.pk
