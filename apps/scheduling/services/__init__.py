from apps.scheduling.services.calendaring import CapacityChanged, put_calendars, remove_calendar, remove_closure, save_calendar, save_closure
from apps.scheduling.services.exploding import Of, Wanted
from apps.scheduling.services.holding import HoldExpired, firm_up, lock_plan, release, write
from apps.scheduling.services.loading import Loaded, load
from apps.scheduling.services.operating import put_operations, remove_operation, save_operation
from apps.scheduling.services.promising import Asked, Firmed, NotHeld, ask, commit, drop, hold, note_order, part_moved, parts_of, sentences, settle
from apps.scheduling.services.promising.progressing import Finished, NotDoable, expire, finish, overdue, tend
from apps.scheduling.services.replanning import Replanned, Touched, concerning, replan, taking_from, touched
from apps.scheduling.services.resourcing import NotBroken, break_resource, put_resources, remove_resource, repair_resource, save_resource
from apps.scheduling.services.running import AlreadyRunning, NotRunning, PlanAsked, PlanChanged, fail_plan, run_plan, start_plan, stop_plan

__all__ = [
    "AlreadyRunning",
    "Asked",
    "CapacityChanged",
    "Finished",
    "Firmed",
    "HoldExpired",
    "Loaded",
    "NotBroken",
    "NotDoable",
    "NotHeld",
    "NotRunning",
    "Of",
    "PlanAsked",
    "PlanChanged",
    "Replanned",
    "Touched",
    "Wanted",
    "ask",
    "break_resource",
    "commit",
    "concerning",
    "drop",
    "expire",
    "fail_plan",
    "finish",
    "firm_up",
    "hold",
    "load",
    "lock_plan",
    "note_order",
    "overdue",
    "part_moved",
    "parts_of",
    "put_calendars",
    "put_operations",
    "put_resources",
    "release",
    "remove_calendar",
    "remove_closure",
    "remove_operation",
    "remove_resource",
    "repair_resource",
    "replan",
    "run_plan",
    "save_calendar",
    "save_closure",
    "save_operation",
    "save_resource",
    "sentences",
    "settle",
    "start_plan",
    "stop_plan",
    "taking_from",
    "tend",
    "touched",
    "write",
]
