"""Verbs of scheduling. Whoever calls says `scheduling.save_resource(code="M1", …, by=…, at=…)`; how a promise is planned: `services.loading`."""

from apps.scheduling.services.calendaring import CapacityChanged, put_calendars, remove_calendar, remove_closure, save_calendar, save_closure
from apps.scheduling.services.exploding import Of, Wanted
from apps.scheduling.services.holding import HoldExpired, firm_up, lock_plan, release, write
from apps.scheduling.services.loading import Loaded, load
from apps.scheduling.services.operating import put_operations, remove_operation, save_operation
from apps.scheduling.services.resourcing import NotBroken, break_resource, put_resources, remove_resource, repair_resource, save_resource

__all__ = [
    "CapacityChanged",
    "HoldExpired",
    "Loaded",
    "NotBroken",
    "Of",
    "Wanted",
    "break_resource",
    "firm_up",
    "load",
    "lock_plan",
    "put_calendars",
    "put_operations",
    "put_resources",
    "release",
    "remove_calendar",
    "remove_closure",
    "remove_operation",
    "remove_resource",
    "repair_resource",
    "save_calendar",
    "save_closure",
    "save_operation",
    "save_resource",
    "write",
]
