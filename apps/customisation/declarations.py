from django.utils.translation import gettext_lazy as _

from apps.base.announcing import Question
from apps.base.problems import Problem
from apps.base.text import Text
from apps.customisation.services import DOCUMENT_TYPE, NoDraft, NoSuchConfiguration, NoSuchPicture, NoSuchProduct
from apps.tenants.services import Leaving

_EVERYBODY = {"buyer", "seller", "planner", "dock", "viewer", "integration"}
PERMISSIONS = {
    "product.view": _EVERYBODY,
    "product.change": {"seller", "planner", "integration"},
    "configuration.view": _EVERYBODY,
    "configuration.change": {"buyer", "seller", "planner", "integration"},
}

MENU = [
    {"code": "configure", "label": Text("Configure", "选配"), "url": "configure", "icon": "adjustments-alt", "permission": "configuration.view", "order": 50}
]

QUESTIONS = {
    "products": Question(document_type=DOCUMENT_TYPE, answer="apps.customisation.services.answer_products"),
    "configuration": Question(document_type=DOCUMENT_TYPE, answer="apps.customisation.services.answer_configuration"),
    "picture": Question(document_type=DOCUMENT_TYPE, answer="apps.customisation.services.answer_picture"),
}

REACTIONS = {Leaving: ["apps.customisation.services.forget_releases"]}

_NOTHING = Problem(
    status=404, code="not-found", title=_("There is nothing here."), detail=lambda error: str(_("It does not exist, or it is not yours to see."))
)
PROBLEMS = {
    NoSuchProduct: _NOTHING,
    NoSuchConfiguration: _NOTHING,
    NoSuchPicture: _NOTHING,
    NoDraft: Problem(status=409, code="published", title=_("What is published never changes.")),
}
