"""Questions: what one enterprise may ask another without anything being promised, or written, on either side."""

import uuid
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext as _

from apps.base import announcing
from apps.base.announcing import Question
from apps.exchange import crossing
from apps.exchange.services import lifting
from apps.network import selectors as network
from apps.tenants import selectors as tenants


class NoAnswer(Exception):
    """The partner gives no answer: he does not know the question, cannot be reached, or is waiting for us himself."""


@lru_cache(maxsize=1)
def questions() -> dict[str, Question]:
    """Every question that an app answers, by its name (`declarations.QUESTIONS`)."""
    return {name: question for declared in announcing.declared("QUESTIONS") for name, question in declared.items()}


def ask(*, partner: uuid.UUID, question: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Ask a partner, and give his answer: plain JSON. Nothing is written there, and nothing is promised.

    Both must have consented to documents of the type that the question belongs to. Raises network.NoPartner, NoAnswer.
    """
    asked = questions()[question]
    network.agreed(id=partner, document_type=asked.document_type)
    home = tenants.home(id=partner)
    if home is None:
        raise NoAnswer(_("The partner cannot be reached."))
    try:
        return crossing.ask(home=home, question=asked, body=body)
    except lifting.Stuck as stuck:
        raise NoAnswer(str(stuck)) from stuck
