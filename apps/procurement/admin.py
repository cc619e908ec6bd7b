"""What must be bought, in an enterprise's own admin: to be looked at; it is ordered on its own page."""

from django.contrib import admin

from apps.base.admin import SeenAdmin, homes
from apps.procurement import models


@admin.register(models.Need, site=homes)
class NeedAdmin(SeenAdmin):
    list_display = ("item", "quantity", "unit", "needed_on", "due_on", "policy", "order_id", "closed_at")
    list_filter = ("policy",)
    search_fields = ("item__number", "item__name", "item__name_zh")
    ordering = ("-created_at",)
