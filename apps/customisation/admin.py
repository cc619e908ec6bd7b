"""An enterprise's products and configurations, in its own admin: to be looked at; they are edited on their own pages, where a draft is checked."""

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from apps.base.admin import SeenAdmin, SeenInline, homes
from apps.customisation import models
from apps.network import selectors as network


class ReleaseInline(SeenInline):
    model = models.Release
    fk_name = "product"
    fields = ("number", "price", "currency", "published_at", "published_by")


class FeatureInline(SeenInline):
    model = models.Feature
    fields = ("position", "code", "name", "kind", "optional", "minimum", "maximum", "step", "unit", "price")


class RuleInline(SeenInline):
    model = models.Rule
    fields = ("position", "code", "kind", "formula", "text", "text_zh")


class ExampleInline(SeenInline):
    model = models.Example
    fields = ("position", "name", "choices", "valid")


class OptionInline(SeenInline):
    model = models.Option
    fields = ("position", "code", "name", "name_zh", "price")


@admin.register(models.Product, site=homes)
class ProductAdmin(SeenAdmin):
    list_display = ("code", "name", "name_zh", "item", "release", "public")
    list_filter = ("public",)
    search_fields = ("code", "name", "name_zh")
    list_select_related = ("item", "release__product")
    inlines = (ReleaseInline,)


@admin.register(models.Release, site=homes)
class ReleaseAdmin(SeenAdmin):
    list_display = ("product", "number", "price", "currency", "published_at", "published_by")
    list_filter = ("currency",)
    search_fields = ("product__code",)
    list_select_related = ("product",)
    inlines = (FeatureInline, RuleInline, ExampleInline)


@admin.register(models.Feature, site=homes)
class FeatureAdmin(SeenAdmin):
    list_display = ("code", "name", "name_zh", "kind", "optional", "group", "release")
    list_filter = ("kind", "optional")
    search_fields = ("code", "name", "name_zh")
    list_select_related = ("release__product",)
    inlines = (OptionInline,)


@admin.register(models.Configuration, site=homes)
class ConfigurationAdmin(SeenAdmin):
    list_display = ("product", "release", "seller", "digest", "complete", "valid", "amount", "currency", "created_by", "changed_at")
    list_filter = ("product", "complete", "valid")
    search_fields = ("product", "digest")

    @admin.display(description=_("Seller"))
    def seller(self, row: models.Configuration) -> str:
        names = network.names([row.seller_id])
        return names[row.seller_id].name if row.seller_id in names else "–"

    def get_exclude(self, request: HttpRequest, obj: models.Configuration | None = None) -> tuple[str, ...]:
        """Not the token: who has it may look."""
        return ("token",)
