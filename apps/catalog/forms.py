"""What is entered about an item: its names, what it is made of, whence it comes; and about a site."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.base import units
from apps.catalog import models
from apps.network import selectors as network
from apps.network.selectors import Partner


def _units() -> list[tuple[str, str]]:
    named = [(code, f"{label} ({code})") for code, label in units.UNITS.items()]
    return [*named[:1], *sorted(named[1:], key=lambda pair: pair[1].casefold())]


def _partners() -> list[tuple[str, str]]:
    return [("", "–"), *((partner.slug, partner.name) for partner in network.active())]


def _day_field(label: Any) -> forms.CharField:
    return forms.CharField(label=label, required=False, widget=forms.DateInput(attrs={"type": "date"}))


def _number_field(label: Any, help: Any = "", *, initial: str = "") -> forms.CharField:
    return forms.CharField(label=label, required=False, initial=initial, help_text=help, max_length=30, widget=forms.TextInput(attrs={"inputmode": "decimal"}))


class ItemForm(forms.Form):
    """An item of one's own."""

    number = forms.CharField(label=_("Number"), max_length=60)
    name = forms.CharField(label=_("Name"), max_length=200)
    name_zh = forms.CharField(label=_("Chinese name"), max_length=200, required=False, widget=forms.TextInput(attrs={"lang": "zh-Hans"}))
    unit = forms.ChoiceField(label=_("Unit"), choices=_units, initial="C62")
    gtin = forms.CharField(label="GTIN", max_length=14, required=False, help_text=_("8, 12, 13 or 14 digits, the last of them a check digit."))
    bought = forms.BooleanField(label=_("We buy it"), required=False, initial=True)
    sold = forms.BooleanField(label=_("We sell it"), required=False, initial=True)
    procurement = forms.ChoiceField(label=_("Procurement"), choices=models.Procurement.choices, initial=models.Procurement.BUY, required=False,
                                    help_text=_("How it is had beyond what lies in stock."))  # fmt: skip
    shipping_days = forms.IntegerField(label=_("Days to the customer"), min_value=0, max_value=3650, initial=0, required=False,
                                       help_text=_("Calendar days from being finished to the customer's door."))  # fmt: skip
    price = _number_field(_("List price of one unit"), _("In your own currency. Empty: it is agreed otherwise, or follows from a configuration."))

    def clean_procurement(self) -> str | None:
        """What is not sent stays as it is."""
        return self.cleaned_data["procurement"] or None


class AliasForm(forms.Form):
    """What one partner calls the item; a row without a number counts for nothing."""

    partner = forms.ChoiceField(label=_("Partner"), choices=_partners, required=False)
    number = forms.CharField(label=_("Partner's number"), max_length=60, required=False)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("number") and not given.get("partner"):
            self.add_error("partner", _("Say whose number this is."))
        return given


class ComponentForm(forms.Form):
    """A line of a bill of material."""

    component = forms.CharField(
        label=_("Component"),
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "off", "list": "offered-items"}),
        help_text=_("The number of an item of yours."),
    )
    quantity = forms.CharField(
        label=_("Quantity"), max_length=1000, initial="1", help_text=_("For one unit: a number, or a formula on the configuration such as ceil(height / 400).")
    )
    condition = forms.CharField(
        label=_("Condition"), max_length=1000, required=False, help_text=_("When it goes in, as colour = red and width > 600. Empty: always.")
    )
    scrap = _number_field(_("Scrap, percent"), _("Of what is taken, so much is lost."), initial="0")
    fixed = _number_field(_("Fixed quantity a job"), _("So much more, whatever the size of the job."), initial="0")
    position = forms.CharField(label=_("Position"), required=False, max_length=10, widget=forms.TextInput(attrs={"inputmode": "numeric"}),
                               help_text=_("Where the line stands: 10, 20 … Empty: at the end."))  # fmt: skip
    alternate_of = forms.ChoiceField(label=_("Stands in for"), required=False, help_text=_("An alternate takes the place of another line, one for one."))
    priority = forms.IntegerField(
        label=_("Priority"), required=False, initial=0, min_value=0, max_value=32000, help_text=_("Among alternates the lowest comes first.")
    )
    valid_from = _day_field(_("Valid from"))
    valid_until = _day_field(_("Valid until"))

    def __init__(self, *args: Any, lines: list[tuple[str, str]], **kwargs: Any) -> None:
        """lines: position and words of those for which this one may stand in."""
        super().__init__(*args, **kwargs)
        self.fields["alternate_of"].choices = [("", "–"), *lines]  # type: ignore[attr-defined]


class SourceForm(forms.Form):
    """A partner from whom an item is bought."""

    partner = forms.ChoiceField(label=_("Partner"))
    lead_days = forms.CharField(label=_("Lead time, days"), required=False, initial="0", widget=forms.TextInput(attrs={"inputmode": "numeric"}),
                                help_text=_("Calendar days from the order to the partner's door, where nobody is asked."))  # fmt: skip
    transport_days = forms.CharField(label=_("Transport, days"), required=False, initial="0", widget=forms.TextInput(attrs={"inputmode": "numeric"}),
                                     help_text=_("Calendar days from there to your dock."))  # fmt: skip
    minimum = _number_field(_("Minimum lot"), _("0: any."), initial="0")
    multiple = _number_field(_("Lot multiple"), _("0: any."), initial="0")
    price = _number_field(_("Price of one unit"))
    currency = forms.CharField(label=_("Currency"), required=False, max_length=3, help_text=_("ISO 4217. Empty: your own."))
    priority = forms.IntegerField(label=_("Priority"), required=False, initial=0, min_value=0, max_value=32000, help_text=_("The lowest comes first."))
    policy = forms.ChoiceField(label=_("Ordering"), choices=models.Policy.choices, initial=models.Policy.AUTOMATIC,
                               help_text=_("Who orders there when an order of your own is committed."))  # fmt: skip
    asked = forms.BooleanField(label=_("Ask the partner for a promise"), required=False, initial=True)
    active = forms.BooleanField(label=_("In use"), required=False, initial=True)

    def __init__(self, *args: Any, partners: list[Partner], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["partner"].choices = [("", "–"), *((partner.slug, partner.name) for partner in partners)]  # type: ignore[attr-defined]


class SiteForm(forms.Form):
    """A place of one's own."""

    code = forms.CharField(label=_("Code"), max_length=30, help_text=_("Your own short name of the place."))
    name = forms.CharField(label=_("Name"), max_length=200)
    name_zh = forms.CharField(label=_("Chinese name"), max_length=200, required=False, widget=forms.TextInput(attrs={"lang": "zh-Hans"}))
    gln = forms.CharField(label="GLN", max_length=13, required=False, help_text=_("13 digits, the last a check digit."))
    address = forms.CharField(label=_("Address"), max_length=400, required=False)
    city = forms.CharField(label=_("City"), max_length=100, required=False)
    country = forms.CharField(label=_("Country"), max_length=2, required=False, help_text=_("Two letters of ISO 3166-1: DE, CN."))
    time_zone = forms.CharField(
        label=_("Time zone"), max_length=60, required=False, help_text=_("As Europe/Berlin or Asia/Shanghai. Empty: your enterprise's own.")
    )
    main = forms.BooleanField(label=_("This is the main site"), required=False)


class WorkbookForm(forms.Form):
    """A workbook to be read."""

    file = forms.FileField(label=_("Workbook"), help_text=_("XLSX, 8 MB at most, without macros and formulas."))
    partial = forms.BooleanField(label=_("Take the good rows, and tell me of the others"), required=False)
