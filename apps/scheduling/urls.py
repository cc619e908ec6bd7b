from django.urls import path

from apps.scheduling.views import calendars, operations, plan, promises, resources

urlpatterns = [
    path("schedule/", plan.schedule, name="schedule"),
    path("schedule/load/", plan.loads, name="schedule_load"),
    path("schedule/jobs/<uuid:id>/", plan.job, name="schedule_job"),
    path("schedule/jobs/<uuid:id>/finish/", plan.finish, name="schedule_finish"),
    path("schedule/plans/start/", plan.start, name="plan_start"),
    path("schedule/plans/<uuid:id>/stop/", plan.stop, name="plan_stop"),
    path("schedule/resources/", resources.resources, name="resources"),
    path("schedule/resources/new/", resources.new_resource, name="resource_new"),
    path("schedule/resources/<uuid:id>/", resources.edit_resource, name="resource_edit"),
    path("schedule/resources/<uuid:id>/remove/", resources.remove_resource, name="resource_remove"),
    path("schedule/resources/<uuid:id>/break/", resources.break_resource, name="resource_break"),
    path("schedule/resources/<uuid:id>/repair/", resources.repair_resource, name="resource_repair"),
    path("schedule/calendars/", calendars.calendars, name="calendars"),
    path("schedule/calendars/new/", calendars.new_calendar, name="calendar_new"),
    path("schedule/calendars/<uuid:id>/", calendars.edit_calendar, name="calendar_edit"),
    path("schedule/calendars/<uuid:id>/remove/", calendars.remove_calendar, name="calendar_remove"),
    path("schedule/calendars/<uuid:id>/closures/new/", calendars.new_closure, name="closure_new"),
    path("schedule/closures/<uuid:id>/remove/", calendars.remove_closure, name="closure_remove"),
    path("schedule/operations/", operations.operations, name="operations"),
    path("schedule/operations/new/", operations.new_operation, name="operation_new"),
    path("schedule/operations/<uuid:id>/", operations.edit_operation, name="operation_edit"),
    path("schedule/operations/<uuid:id>/remove/", operations.remove_operation, name="operation_remove"),
    # Promises: asking for one, and from what its date is made
    path("schedule/promises/new/", promises.new, name="promise_new"),
    path("schedule/promises/<uuid:uid>/", promises.promise, name="promise"),
    path("schedule/promises/<uuid:uid>/order/", promises.order, name="promise_order"),
    path("schedule/promises/<uuid:uid>/hold/", promises.hold, name="promise_hold"),
]
