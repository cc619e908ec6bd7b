"""Whom to invite, and what to exchange."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.network import selectors


def _roles() -> list[tuple[str, str]]:
    return [(code, str(selectors.ROLES[code])) for code in selectors.MIRROR]


def _types() -> list[tuple[str, str]]:
    return [(code, str(label)) for code, label in selectors.document_types().items()]


class InviteForm(forms.Form):
    """An enterprise, known by its short name, that is to become a partner."""

    slug = forms.CharField(
        label=_("Short name of the enterprise"),
        max_length=40,
        help_text=_("Your partner finds it under Settings. It is also the first part of its address here."),
    )
    role = forms.ChoiceField(label=_("To us it is"), choices=_roles)
    document_types = forms.MultipleChoiceField(label=_("What you will send each other"), choices=_types, widget=forms.CheckboxSelectMultiple)
    message = forms.CharField(label=_("Message"), max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["document_types"].initial = list(selectors.document_types())


class AcceptForm(forms.Form):
    """Which of the proposed types of documents to agree to."""

    document_types = forms.MultipleChoiceField(label=_("What you will send each other"), widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, proposed: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["document_types"]
        labels = selectors.document_types()
        field.choices = [(code, str(labels.get(code, code))) for code in proposed]  # type: ignore[attr-defined]
        field.initial = list(proposed)
