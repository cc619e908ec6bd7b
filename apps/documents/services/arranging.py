"""How a person arranges a list: views kept under a name. Nobody else sees them."""

import uuid

from django.utils.translation import gettext as _

from apps.base import fields
from apps.base.acting import Actor
from apps.base.findings import refuse
from apps.documents import models

MOST_VIEWS = 30


def save_view(*, type: str, name: str, query: str, by: Actor) -> None:
    """Keep a list's filters and columns (the query of its address) under a name; one of the same name is replaced. Raises Invalid."""
    try:
        words = fields.text(name, limit=60, required=True)
    except fields.Unreadable as error:
        raise refuse("/name", error.code, str(error)) from error
    person = _person(by)
    mine = models.SavedView.objects.filter(person_id=person, type=type)
    if mine.exclude(name=words).count() >= MOST_VIEWS:
        raise refuse("/name", "too_many", _("You have %(count)d views of this list already. Remove one first.") % {"count": MOST_VIEWS})
    models.SavedView.objects.update_or_create(person_id=person, type=type, name=words, defaults={"query": query[:2000]})


def forget_view(*, id: uuid.UUID, by: Actor) -> None:
    """Remove one of a person's own views."""
    models.SavedView.objects.filter(pk=id, person_id=_person(by)).delete()


def _person(by: Actor) -> uuid.UUID:
    """Views belong to people: a program has none."""
    if by.id is None:
        raise refuse("", "person", _("Only a person can keep views."))
    return by.id
