"""An enterprise's own items, in its own admin."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminSelectWidget

from apps.base import acting, clock, fields, units
from apps.base.admin import SeenAdmin, SeenInline, homes
from apps.catalog import models, services


class AliasInline(SeenInline):
    model = models.Alias
    fields = ("partner_id", "number")


class ItemForm(forms.ModelForm):  # type: ignore[type-arg]
    """Checked as everywhere else, before the service that writes is called."""

    class Meta:
        model = models.Item
        fields = ("number", "name", "name_zh", "unit", "gtin", "bought", "sold")
        widgets = {"unit": UnfoldAdminSelectWidget(choices=[(code, f"{label.en} ({code})") for code, label in units.UNITS.items()])}

    def clean_gtin(self) -> str:
        try:
            return services.read_gtin(self.cleaned_data["gtin"])
        except fields.Unreadable as error:
            raise forms.ValidationError(str(error)) from error


@admin.register(models.Item, site=homes)
class ItemAdmin(SeenAdmin):
    form = ItemForm
    list_display = ("number", "name", "name_zh", "unit", "gtin", "bought", "sold")
    list_filter = ("bought", "sold", "unit")
    search_fields = ("number", "name", "name_zh", "gtin")
    inlines = (AliasInline,)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def save_model(self, request: HttpRequest, obj: models.Item, form: forms.ModelForm, change: bool) -> None:  # type: ignore[type-arg]
        saved = services.save_item(**form.cleaned_data, id=obj.pk if change else None, by=acting.actor(), at=clock.now())
        obj.pk = saved.pk
