"""What people enter about themselves, their enterprise and their colleagues."""

import re
import zoneinfo
from functools import lru_cache
from typing import Any

from babel import Locale
from django import forms
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from apps.accounts.selectors import ROLES
from apps.base import fields

SCHEME = re.compile(r"[0-9A-Za-z._-]{1,20}\Z")


@lru_cache(maxsize=4)
def _countries(language: str) -> list[tuple[str, str]]:
    names = Locale.parse("zh_Hans" if language.startswith("zh") else "en").territories
    found = [(code, name) for code, name in names.items() if len(code) == 2 and code.isalpha() and code not in ("EU", "EZ", "UN", "QO", "XA", "XB", "ZZ")]
    return [("", "–"), *sorted(found, key=lambda pair: pair[1])]


def countries() -> list[tuple[str, str]]:
    """Countries by their ISO 3166 code, in the reader's language."""
    return _countries(get_language() or "en")


def currencies() -> list[tuple[str, str]]:
    """The currencies in force, ISO 4217."""
    return [(code, code) for code in sorted(fields.currencies())]


def time_zones() -> list[tuple[str, str]]:
    """The time zones of the IANA database that are named after a place, and UTC."""
    return [(name, name) for name in sorted(zoneinfo.available_timezones()) if "/" in name or name == "UTC"]


class ProfileForm(forms.Form):
    """What the directory says of the enterprise, and how its people read."""

    name = forms.CharField(label=_("Name"), max_length=200)
    gln = forms.CharField(label=_("GLN"), max_length=13, required=False, help_text=_("13 digits, the last of them a check digit (GS1)."))
    tax_number = forms.CharField(label=_("Tax number"), max_length=30, required=False)
    country = forms.ChoiceField(label=_("Country"), choices=countries, required=False)
    city = forms.CharField(label=_("City"), max_length=100, required=False)
    language = forms.ChoiceField(label=_("Language"), choices=[("en", "English"), ("zh-hans", "简体中文")])
    currency = forms.ChoiceField(label=_("Currency"), choices=currencies)
    time_zone = forms.ChoiceField(label=_("Time zone"), choices=time_zones)


class EndpointsForm(forms.Form):
    """The electronic addresses: one a line, scheme and id with a colon between them."""

    endpoints = forms.CharField(
        label=_("Endpoints"), required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 3, "class": "code", "spellcheck": "false"}),
        help_text=_("One a line: scheme, colon, identifier, as “0088:4006381000000” (0088 is the GLN)."),
    )  # fmt: skip

    def clean_endpoints(self) -> list[tuple[str, str]]:
        pairs = []
        for line in self.cleaned_data["endpoints"].split():
            scheme, colon, value = line.partition(":")
            if not colon or not value or len(value) > 100 or not SCHEME.match(scheme):
                raise ValidationError(_("“%(line)s” is no endpoint. Write scheme, colon, identifier."), params={"line": line[:40]})
            pairs.append((scheme, value))
        return pairs


def _roles() -> list[tuple[str, str]]:
    return [(code, str(label)) for code, label in ROLES.items()]


class PersonForm(forms.Form):
    """Somebody who is to work for the enterprise."""

    email = forms.EmailField(label=_("E-mail address"))
    name = forms.CharField(label=_("Name"), max_length=150, required=False)
    role = forms.ChoiceField(label=_("Role"), choices=_roles, initial="buyer")


class RoleForm(forms.Form):
    """Another role for somebody."""

    role = forms.ChoiceField(label=_("Role"), choices=_roles)


class TokenForm(forms.Form):
    """A program that is to act for the enterprise."""

    name = forms.CharField(label=_("Name of the program"), max_length=100)
    role = forms.ChoiceField(label=_("Role"), choices=_roles, initial="integration")


class PasswordForm(forms.Form):
    """A first password, entered twice."""

    password = forms.CharField(label=_("Password"), strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}))
    again = forms.CharField(label=_("The same password again"), strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}))

    def __init__(self, *args: Any, person: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person = person
        self.fields["password"].help_text = " ".join(str(text) for text in password_validation.password_validators_help_texts())

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if "password" in given and given.get("again") != given["password"]:
            self.add_error("again", _("The two passwords differ."))
        elif "password" in given:
            try:
                password_validation.validate_password(given["password"], self.person)
            except ValidationError as error:
                self.add_error("password", error)
        return given
