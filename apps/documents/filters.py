"""Which documents a list shows; derived from the declaration of their type."""

from collections.abc import Sequence
from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from apps.base import clock
from apps.documents import models, selectors
from apps.documents.forms import DayInput
from apps.documents.vocabulary import DocumentType
from apps.network.selectors import Partner

Found = QuerySet[models.Document]


def _switch(label: Any, method: str) -> Any:
    return django_filters.BooleanFilter(label=label, method=method, widget=forms.CheckboxInput)


class DocumentFilter(django_filters.FilterSet):  # type: ignore[misc]
    """The filters of a list. Choices come from the type's declaration and from one's partners."""

    q = django_filters.CharFilter(label=_("Words"), method="by_words", max_length=200)
    side = django_filters.ChoiceFilter(label=_("Kind"), empty_label=_("both"))
    partner = django_filters.ChoiceFilter(label=_("Partner"), empty_label=_("all"), method="by_partner")
    number = django_filters.CharFilter(label=_("Number"), lookup_expr="icontains", max_length=60)
    due_from = django_filters.DateFilter(label=_("Due from"), field_name="due_on", lookup_expr="gte", widget=DayInput)
    due_to = django_filters.DateFilter(label=_("Due to"), field_name="due_on", lookup_expr="lte", widget=DayInput)
    state = django_filters.MultipleChoiceFilter(label=_("State"), widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}))
    waiting = _switch(_("Waits for us"), "by_waiting")
    theirs = _switch(_("Waits for the partner"), "by_theirs")
    late = _switch(_("Late"), "by_late")
    overdue = _switch(_("Answer late"), "by_overdue")
    unseen = _switch(_("New"), "by_unseen")

    def __init__(self, data: Any, *, document_type: DocumentType, partners: Sequence[Partner]) -> None:
        self.document_type, self.partners = document_type, {partner.slug: partner for partner in partners}
        super().__init__(data, queryset=selectors.heads(type=document_type.code))
        self.filters["side"].extra["choices"] = [(side, str(label)) for side, label in document_type.side_labels.items()]
        self.filters["state"].extra["choices"] = [(state.code, str(state.label)) for state in document_type.states]
        self.filters["partner"].extra["choices"] = [(partner.slug, partner.name) for partner in partners]

    def by_words(self, found: Found, name: str, value: str) -> Found:
        named = [partner.id for partner in self.partners.values() if value.casefold() in partner.name.casefold()]
        return found.filter(selectors.about(value, partners=named))

    def by_partner(self, found: Found, name: str, value: str) -> Found:
        return found.filter(partner_id=self.partners[value].id)

    def by_waiting(self, found: Found, name: str, value: bool) -> Found:
        return found.filter(selectors.waiting_for_us(self.document_type) & ~Q(state=self.document_type.draft)) if value else found

    def by_theirs(self, found: Found, name: str, value: bool) -> Found:
        return found.filter(selectors.waiting_for_them(self.document_type)) if value else found

    def by_late(self, found: Found, name: str, value: bool) -> Found:
        return found.filter(selectors.late(self.document_type, today=clock.today())) if value else found

    def by_overdue(self, found: Found, name: str, value: bool) -> Found:
        return found.filter(selectors.answer_overdue(at=clock.now())) if value else found

    def by_unseen(self, found: Found, name: str, value: bool) -> Found:
        return found.filter(seen_at=None) if value else found
