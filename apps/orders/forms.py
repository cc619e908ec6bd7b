"""What is asked about an order before it is changed."""

from django import forms
from django.utils.translation import gettext_lazy as _


class WishForm(forms.Form):
    """Another day, another quantity, or both."""

    due_on = forms.DateField(label=_("Another day"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    quantity = forms.DecimalField(
        label=_("Another quantity"), required=False, max_digits=18, decimal_places=6, widget=forms.TextInput(attrs={"inputmode": "decimal"})
    )

    def clean_quantity(self) -> object:
        quantity = self.cleaned_data["quantity"]
        if quantity is not None and quantity <= 0:
            raise forms.ValidationError(_("Write a quantity above zero."))
        return quantity
