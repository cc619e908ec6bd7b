"""Forms of the stock. What they say is read by the services."""

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.base.text import Text

COUNTED = "counted"
# What may be done with goods by hand: words, from where, to where.
DEEDS: dict[str, tuple[Text, str, str]] = {
    "made": (Text("Made here", "本厂生产入库"), "production", "stock"),
    "bought": (Text("Came in without a despatch advice", "无发货通知入库"), "supplier", "stock"),
    "block": (Text("Block: into quarantine", "冻结：移入隔离区"), "stock", "quarantine"),
    "release": (Text("Release: out of quarantine", "解冻：移出隔离区"), "quarantine", "stock"),
    "scrap": (Text("Scrapped or lost", "报废或丢失"), "stock", "loss"),
}
CHOICES = [*((code, deed[0]) for code, deed in DEEDS.items()), (COUNTED, Text("Counted: so much lies in stock", "盘点：库存实数"))]


class StockForm(forms.Form):
    """One move of an item by hand, or what was counted."""

    deed = forms.ChoiceField(label=_("What happened"), choices=CHOICES)
    quantity = forms.CharField(label=_("Quantity"), widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}))
    lot = forms.CharField(label=_("Lot"), required=False, max_length=60)
    reason = forms.CharField(label=_("Reason"), required=False, max_length=400, help_text=_("Needed for what was scrapped, lost or counted."))
