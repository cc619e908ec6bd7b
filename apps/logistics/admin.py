"""An enterprise's stock, units and scans, in its own admin: to be looked at; they change by what happens at the dock."""

from django.contrib import admin

from apps.base.admin import SeenAdmin, homes
from apps.logistics import models


@admin.register(models.StockMove, site=homes)
class StockMoveAdmin(SeenAdmin):
    list_display = ("at", "item", "configuration", "lot", "source", "target", "quantity", "cause", "reason", "by")
    list_filter = ("cause", "source", "target")
    list_select_related = ("item",)
    search_fields = ("item__number", "item__name", "lot", "reason")
    ordering = ("-id",)


@admin.register(models.Balance, site=homes)
class BalanceAdmin(SeenAdmin):
    list_display = ("item", "configuration", "lot", "place", "quantity")
    list_filter = ("place",)
    list_select_related = ("item",)
    search_fields = ("item__number", "item__name", "lot")
    ordering = ("item__number", "lot", "place")


@admin.register(models.HandlingUnit, site=homes)
class HandlingUnitAdmin(SeenAdmin):
    list_display = ("sscc", "type", "document", "parent", "own")
    list_filter = ("type", "own")
    list_select_related = ("document", "parent")
    search_fields = ("sscc", "document__number")
    ordering = ("-id",)


@admin.register(models.Scan, site=homes)
class ScanAdmin(SeenAdmin):
    list_display = ("at", "document", "dock", "code", "accepted", "sentence", "by")
    list_filter = ("dock", "accepted")
    list_select_related = ("document",)
    search_fields = ("code", "sentence", "document__number")
    ordering = ("-id",)
