"""The works, the plan and the promises, in an enterprise's own admin: to be seen; what is changed is changed on the pages of the schedule."""

from django.contrib import admin

from apps.base.admin import SeenAdmin, SeenInline, homes
from apps.scheduling import models


class ShiftInline(SeenInline):
    model = models.Shift
    fields = ("weekday", "starts", "ends")


class ClosureInline(SeenInline):
    model = models.Closure
    fields = ("starts_at", "ends_at", "working", "reason")


@admin.register(models.Calendar, site=homes)
class CalendarAdmin(SeenAdmin):
    list_display = ("code", "name", "time_zone", "country", "subdivision")
    search_fields = ("code", "name")
    inlines = (ShiftInline, ClosureInline)


class OutageInline(SeenInline):
    model = models.Outage
    fields = ("starts_at", "ends_at", "mended_at", "reason")


@admin.register(models.Resource, site=homes)
class ResourceAdmin(SeenAdmin):
    list_display = ("code", "name", "name_zh", "pool", "calendar", "efficiency", "site")
    list_filter = ("pool", "calendar")
    search_fields = ("code", "name", "name_zh", "pool")
    inlines = (OutageInline,)


@admin.register(models.Operation, site=homes)
class OperationAdmin(SeenAdmin):
    list_display = ("item", "routing", "priority", "position", "name", "pool", "setup", "run", "lag")
    search_fields = ("item__number", "name", "name_zh", "pool")


class SlotInline(SeenInline):
    model = models.Slot
    fields = ("operation", "resource", "starts_at", "ends_at", "setup")


@admin.register(models.Job, site=homes)
class JobAdmin(SeenAdmin):
    list_display = ("item", "quantity", "starts_at", "ends_at", "firm", "held_until", "done_at", "promise_id")
    list_filter = ("firm",)
    search_fields = ("item__number", "promise_id")
    inlines = (SlotInline,)


@admin.register(models.Peg, site=homes)
class PegAdmin(SeenAdmin):
    list_display = ("item", "quantity", "giver", "needed_at", "due_at", "firm", "held_until", "promise_id")
    list_filter = ("giver", "firm")
    search_fields = ("item__number", "promise_id", "document")


@admin.register(models.Promise, site=homes)
class PromiseAdmin(SeenAdmin):
    list_display = ("item", "side", "quantity", "arrived", "asked_on", "first_on", "promised_on", "firm", "held_until", "moved", "closed_at")
    list_filter = ("side", "firm")
    search_fields = ("item__number", "document", "order_id")


@admin.register(models.Plan, site=homes)
class PlanAdmin(SeenAdmin):
    list_display = ("kind", "started_at", "finished_at", "by", "progress", "stop", "message")
