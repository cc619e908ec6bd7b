"""What is entered about an item, and what partners call it."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.base import units
from apps.network import selectors as network


def _units() -> list[tuple[str, str]]:
    named = [(code, f"{label} ({code})") for code, label in units.UNITS.items()]
    return [*named[:1], *sorted(named[1:], key=lambda pair: pair[1].casefold())]


def _partners() -> list[tuple[str, str]]:
    return [("", "–"), *((partner.slug, partner.name) for partner in network.active())]


class ItemForm(forms.Form):
    """An item of one's own."""

    number = forms.CharField(label=_("Number"), max_length=60)
    name = forms.CharField(label=_("Name"), max_length=200)
    name_zh = forms.CharField(label=_("Chinese name"), max_length=200, required=False, widget=forms.TextInput(attrs={"lang": "zh-Hans"}))
    unit = forms.ChoiceField(label=_("Unit"), choices=_units, initial="C62")
    gtin = forms.CharField(label="GTIN", max_length=14, required=False, help_text=_("8, 12, 13 or 14 digits, the last of them a check digit."))
    bought = forms.BooleanField(label=_("We buy it"), required=False, initial=True)
    sold = forms.BooleanField(label=_("We sell it"), required=False, initial=True)


class AliasForm(forms.Form):
    """What one partner calls the item; a row without a number counts for nothing."""

    partner = forms.ChoiceField(label=_("Partner"), choices=_partners, required=False)
    number = forms.CharField(label=_("Partner's number"), max_length=60, required=False)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("number") and not given.get("partner"):
            self.add_error("partner", _("Say whose number this is."))
        return given
