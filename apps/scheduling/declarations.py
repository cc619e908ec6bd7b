"""What scheduling contributes: who may plan, how a refusal is told, and what it reacts to."""

from django.utils.translation import gettext_lazy as _

from apps.base.announcing import Question
from apps.base.problems import Problem
from apps.documents.services import Moved, Owner
from apps.scheduling.services import AlreadyRunning, CapacityChanged, HoldExpired, NotBroken, NotHeld, NotRunning, PlanAsked

_EVERYBODY = {"buyer", "seller", "planner", "dock", "viewer", "integration"}
PERMISSIONS = {
    "schedule.view": _EVERYBODY,
    "schedule.change": {"planner", "integration"},
    "schedule.break": {"planner", "dock", "integration"},
}

REACTIONS = {
    PlanAsked: ["apps.scheduling.tasks.replan_soon"],
    Moved: ["apps.scheduling.services.promising.react"],
    CapacityChanged: ["apps.scheduling.services.promising.capacity_changed"],
}

# What partners may ask without a promise, who answers the configurator, and how a promise is entered, moved and told.
QUESTIONS = {"estimate": Question(document_type="promise", answer="apps.scheduling.services.promising.answer_estimate")}
ESTIMATES = ["apps.scheduling.services.promising.estimate_configuration"]
OWNED = {
    "promise": Owner(
        enter="apps.scheduling.services.promising.enter",
        make="apps.scheduling.services.promising.make",
        tell="apps.scheduling.services.promising.tell",
        shapes="apps.scheduling.services.promising.telling.OWNED",
        page="promise_new",
    )
}

_NOT_NOW = _("This is not possible now.")
PROBLEMS = {
    AlreadyRunning: Problem(status=409, code="already-running", title=_NOT_NOW),
    NotRunning: Problem(status=409, code="not-running", title=_NOT_NOW),
    NotBroken: Problem(status=409, code="not-broken", title=_NOT_NOW),
    NotHeld: Problem(status=409, code="not-held", title=_("It cannot be held any more.")),
    HoldExpired: Problem(status=409, code="hold-expired", title=_("The hold has expired.")),
}
