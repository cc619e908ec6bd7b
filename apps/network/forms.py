"""Whom to invite, and what to exchange."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from apps.network import selectors, services
from apps.network.terms import BEYOND, Kind


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


class MailForm(forms.Form):
    """An enterprise that is not here yet, invited by the address of somebody there."""

    email = forms.EmailField(label=_("E-mail address"), max_length=150, help_text=_("Of somebody there who may speak for the enterprise."))
    role = forms.ChoiceField(label=_("To us it is"), choices=_roles)
    language = forms.ChoiceField(label=_("Language of the mail"), choices=settings.LANGUAGES)
    document_types = forms.MultipleChoiceField(label=_("What you will send each other"), choices=_types, widget=forms.CheckboxSelectMultiple)
    message = forms.CharField(label=_("Message"), max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["document_types"].initial = list(selectors.document_types())


class JoinForm(forms.Form):
    """What there is to say of a new enterprise on its first day: its name, and who comes. known: he has an account, and has signed in."""

    name = forms.CharField(label=_("Name of your enterprise"), max_length=200, widget=forms.TextInput(attrs={"autocomplete": "organization"}))
    person = forms.CharField(label=_("Your name"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    password = forms.CharField(label=_("Password"), strip=False, max_length=200, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}))
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)
    notices = forms.BooleanField(label=_("Tell me by mail what waits for my answer"), required=False)

    def __init__(self, *args: Any, known: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].help_text = " ".join(str(text) for text in password_validation.password_validators_help_texts())
        if known:
            del self.fields["person"], self.fields["password"]

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        try:
            password_validation.validate_password(password)
        except ValidationError as error:
            self.add_error("password", error)
        return password


class AcceptForm(forms.Form):
    """Which of the proposed types of documents to agree to."""

    document_types = forms.MultipleChoiceField(label=_("What you will send each other"), widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, proposed: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["document_types"]
        labels = selectors.document_types()
        field.choices = [(code, str(labels.get(code, code))) for code in proposed]  # type: ignore[attr-defined]
        field.initial = list(proposed)


def _week() -> list[tuple[int, str]]:
    return [(number, str(name)) for number, name in WEEKDAYS.items()]


def _subdivisions() -> list[tuple[str, str]]:
    return [("", "–"), *((code, code) for code in selectors.subdivisions())]


class OfficeForm(forms.Form):
    """When somebody is there to answer, and who hears of it where no answer comes."""

    days = forms.TypedMultipleChoiceField(label=_("Working days"), choices=_week, coerce=int, widget=forms.CheckboxSelectMultiple)
    opens = forms.TimeField(label=_("From"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    closes = forms.TimeField(label=_("To"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    subdivision = forms.ChoiceField(
        label=_("Part of the country"),
        choices=_subdivisions,
        required=False,
        help_text=_("For the public holidays, as “BY” for Bavaria: nobody answers on them."),
    )
    person = forms.CharField(label=_("Responsible person"), max_length=150, required=False)
    email = forms.EmailField(
        label=_("E-mail address"), max_length=150, required=False, help_text=_("Is told by mail when an answer is long overdue, ours or a partner's.")
    )


class WishForm(forms.Form):
    """What is wanted of a partner: how soon he shall answer, until when he may ask for changes, and with whom he is tolerated alike."""

    answer_hours = forms.IntegerField(
        label=_("We want answers within"), min_value=0, max_value=services.MOST_HOURS, help_text=_("Working hours of your partner; 0 where there is no hurry.")
    )
    notice_days = forms.IntegerField(
        label=_("We want to be asked for changes"),
        min_value=0,
        max_value=services.MOST_DAYS,
        help_text=_("So many days before the date agreed at the latest, cancellations too; 0 where your partner may ask at any time."),
    )
    group = forms.CharField(
        label=_("Supplier group"),
        max_length=services.MOST_NAME,
        required=False,
        help_text=_("Your own name for suppliers whose answers you tolerate alike. Your partner can read it."),
    )


class ContactForm(forms.Form):
    """An address that is to be told by mail what waits for an answer."""

    email = forms.EmailField(label=_("E-mail address"), max_length=150)
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)


class PlaceForm(forms.Form):
    """Where something is tolerated: with a partner or a group, or with all; for an item of one's own, or for all."""

    partner = forms.ChoiceField(label=_("Partner"), required=False)
    group = forms.CharField(label=_("Supplier group"), max_length=services.MOST_NAME, required=False)
    item = forms.CharField(label=_("Item number"), max_length=services.MOST_NAME, required=False, help_text=_("Your own number; empty: all items."))

    def __init__(self, data: Any = None, *, partners: Sequence[selectors.Partner], **more: Any) -> None:
        super().__init__(data, **more)
        self.fields["partner"].choices = [("", _now("all")), *((partner.slug, partner.name) for partner in partners)]  # type: ignore[attr-defined]


class TermForm(forms.Form):
    """What is tolerated of one kind of deviation; nothing chosen: as the wider place says."""

    beyond = forms.ChoiceField(label=_("More is"), required=False)

    def __init__(self, data: Any = None, *, kind: Kind, **more: Any) -> None:
        super().__init__(data, prefix=kind.code, **more)
        self.kind = kind
        for measure in kind.limits:
            self.fields[measure] = forms.CharField(
                label=MEASURES[measure], required=False, max_length=20, widget=forms.TextInput(attrs={"inputmode": "decimal"})
            )
        self.fields["beyond"].choices = [("", _now("as the wider place says")), *((code, str(label)) for code, label in BEYOND.items())]  # type: ignore[attr-defined]

    def said(self) -> dict[str, str]:
        """What was entered, as `terms.read` takes it; nothing where nothing was chosen."""
        if not self.cleaned_data.get("beyond"):
            return {}
        return {name: value.strip() for name, value in self.cleaned_data.items() if value.strip()}


MEASURES = {"percent": _("Up to %"), "amount": _("Up to, a unit"), "days": _("Up to days"), "count": _("Up to dates")}
