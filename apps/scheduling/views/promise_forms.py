"""What is entered about promises: what is asked for, how long it is held, under which number it is ordered."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.base import units
from apps.network import selectors as network
from apps.scheduling.services.promising.answering import LONGEST_HOLD


def _holds() -> list[tuple[int, Any]]:
    return [(0, _("do not hold it")), (30, _("30 minutes")), (60, _("1 hour")), (240, _("4 hours")), (LONGEST_HOLD, _("1 day"))]


class AskForm(forms.Form):
    """What is asked of a partner. The services read it again: they say what is wrong with it. configured: partner and item are known."""

    seller = forms.ChoiceField(label=gettext_lazy("Partner"))
    item = forms.CharField(
        label=gettext_lazy("Item"), max_length=60, widget=forms.TextInput(attrs={"autocomplete": "off"}), help_text=gettext_lazy("Your own number of it.")
    )
    quantity = forms.CharField(label=gettext_lazy("Quantity"), max_length=30, initial="1", widget=forms.TextInput(attrs={"inputmode": "decimal"}))
    unit = forms.ChoiceField(label=gettext_lazy("Unit"), initial="C62")
    due_on = forms.CharField(
        label=gettext_lazy("Wanted on"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=gettext_lazy("Empty: as early as can be."),
    )
    hold_minutes = forms.ChoiceField(
        label=gettext_lazy("Hold it for"), initial="60", help_text=gettext_lazy("So long nobody else gets what is promised to you, at any tier.")
    )

    def __init__(self, *args: Any, configured: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices: dict[str, list[tuple[Any, Any]]] = {
            "seller": [("", "–"), *((one.slug, one.name) for one in network.active() if "promise" in one.document_types)],
            "unit": [(code, f"{label} ({code})") for code, label in units.UNITS.items()],
            "hold_minutes": _holds(),
        }
        for name, options in choices.items():
            self.fields[name].choices = options  # type: ignore[attr-defined]
        if configured:
            for name in ("seller", "item", "unit"):
                del self.fields[name]


class HoldForm(forms.Form):
    """How long something is to be held."""

    hold_minutes = forms.ChoiceField(label=gettext_lazy("Hold it for"), initial="60")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["hold_minutes"].choices = _holds()[1:]  # type: ignore[attr-defined]


class OrderForm(forms.Form):
    """The number of the order that a promise becomes."""

    number = forms.CharField(label=gettext_lazy("Number of the order"), max_length=60, required=False, help_text=gettext_lazy("Empty: the next one."))
