"""What a maker enters of his products and their models."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from apps.base import units
from apps.base.fields import currencies
from apps.customisation.models import Kind, RuleKind

CHINESE = {"lang": "zh-Hans"}


def _units() -> list[tuple[str, str]]:
    named = sorted(((code, f"{label} ({code})") for code, label in units.UNITS.items()), key=lambda pair: pair[1].casefold())
    return [("", "–"), *named]


def _words(label: Any, **more: Any) -> forms.CharField:
    return forms.CharField(label=label, required=False, **more)


class Pairs(forms.CharField):
    """Attributes as a person writes them: `weight = 12.5; insulated = yes`."""

    def clean(self, value: Any) -> Any:
        return [part.strip() for part in re.split(r"[;\n]", super().clean(value) or "") if part.strip()]


def attributes_of(pairs: Sequence[str]) -> dict[str, str]:
    """Names and values of `name = value`; what has no sign stands for true."""
    found = {}
    for pair in pairs:
        name, _sign, value = pair.partition("=")
        found[name.strip()] = value.strip() or "yes"
    return found


def attributes_text(attributes: Mapping[str, Any]) -> str:
    return "; ".join(f"{name} = {('yes' if value else 'no') if isinstance(value, bool) else value}" for name, value in attributes.items())


class ProductForm(forms.Form):
    """A product as it is shown, whatever its releases."""

    item = forms.CharField(label=_("Item number"), max_length=60, help_text=_("The item of your catalogue that is configured."))
    code = forms.CharField(label=_("Code"), max_length=60, help_text=_("As it stands in addresses: small letters, digits, hyphens."))
    name = forms.CharField(label=_("Name"), max_length=200)
    name_zh = _words(_("Chinese name"), max_length=200, widget=forms.TextInput(attrs=CHINESE))
    text = _words(_("Description"), max_length=2000, widget=forms.Textarea(attrs={"rows": 3}))
    text_zh = _words(_("Chinese description"), max_length=2000, widget=forms.Textarea(attrs={"rows": 3, **CHINESE}))
    picture = forms.FileField(label=_("Picture"), required=False, help_text=_("PNG or JPEG of at most 2 MB."))
    public = forms.BooleanField(label=_("Show it to everybody, without a login"), required=False)


class TermsForm(forms.Form):
    """What a product costs before any choice."""

    price = forms.CharField(label=_("Base price"), max_length=30)
    currency = forms.ChoiceField(label=_("Currency"), choices=lambda: [(code, code) for code in sorted(currencies())])


class FeatureForm(forms.Form):
    """What there is to choose."""

    code = forms.CharField(label=_("Code"), max_length=200, help_text=_("As rules and formulas name it: letters, digits and “_”."))
    name = _words(_("Name"), max_length=200)
    name_zh = _words(_("Chinese name"), max_length=200, widget=forms.TextInput(attrs=CHINESE))
    kind = forms.ChoiceField(label=_("What is asked"), choices=Kind.choices)
    optional = forms.BooleanField(label=_("May be left out"), required=False)
    group = _words(_("Group"), max_length=100, help_text=_("Features of one group stand together."))
    group_zh = _words(_("Chinese name of the group"), max_length=100, widget=forms.TextInput(attrs=CHINESE))
    minimum = _words(_("Minimum"), max_length=30)
    maximum = _words(_("Maximum"), max_length=30)
    step = _words(_("Step"), max_length=30, help_text=_("1, where it is not said."))
    unit = forms.ChoiceField(label=_("Unit"), choices=_units, required=False)
    price = _words(_("Price formula"), max_length=2000, help_text=_("Added where it is chosen: “15” or “(width - 600) * 0.2”."))
    attributes = Pairs(label=_("Attributes"), required=False, help_text=_("Figures for formulas: “weight = 12.5; power = 90”."))

    NUMBER = ("minimum", "maximum", "step", "unit")

    def given(self) -> dict[str, Any]:
        """As `services.save_feature` takes it, without the options."""
        values = dict(self.cleaned_data)
        values["attributes"] = attributes_of(values["attributes"])
        return values if values["kind"] == Kind.NUMBER else {name: value for name, value in values.items() if name not in self.NUMBER}


class OptionForm(forms.Form):
    """One thing that a feature can be; a row without a code counts for nothing."""

    code = _words(_("Code"), max_length=200)
    name = _words(_("Name"), max_length=200)
    name_zh = _words(_("Chinese name"), max_length=200, widget=forms.TextInput(attrs=CHINESE))
    price = _words(_("Price"), max_length=30)
    attributes = Pairs(label=_("Attributes"), required=False)
    file = forms.FileField(label=_("Picture"), required=False)
    picture = forms.CharField(widget=forms.HiddenInput, required=False, max_length=80)

    def given(self) -> dict[str, Any]:
        values = dict(self.cleaned_data)
        values.pop("file")
        return {**values, "attributes": attributes_of(values["attributes"])}


class RuleForm(forms.Form):
    """What every sold configuration fulfils."""

    code = forms.CharField(label=_("Code"), max_length=200)
    kind = forms.ChoiceField(label=_("Kind"), choices=RuleKind.choices)
    formula = _words(
        _("Formula"),
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 3, "class": "code", "spellcheck": "false"}),
        help_text=_("“lamp => width >= 700” (requires), “not (lamp and colour = black)” (excludes), any condition with and, or, not, +, -, *, /."),
    )
    table = _words(
        _("Combinations"),
        widget=forms.Textarea(attrs={"rows": 5, "class": "code", "spellcheck": "false"}),
        help_text=_("For a table: the codes of the features in the first line, then a line for each allowed combination; tabs or commas between."),
    )
    text = _words(_("Explanation"), max_length=400, help_text=_("What a customer reads where the rule forbids something."))
    text_zh = _words(_("Chinese explanation"), max_length=400, widget=forms.TextInput(attrs=CHINESE))

    def given(self) -> dict[str, Any]:
        """As `services.save_rule` takes it."""
        values = dict(self.cleaned_data)
        if values["kind"] != RuleKind.TABLE:
            return {**values, "table": None}
        return {**values, "formula": "", "table": table_of(values["table"])}


def table_of(text: str) -> dict[str, Any] | None:
    """A table as a person writes it; None where nothing is written."""
    lines = [[cell.strip() for cell in re.split(r"\t|,", line)] for line in text.splitlines() if line.strip()]
    return {"features": lines[0], "rows": lines[1:]} if lines else None


def table_text(table: Mapping[str, Any] | None) -> str:
    if table is None:
        return ""
    rows = [table["features"], *table["rows"]]
    return "\n".join(", ".join("" if cell is None else str(cell) for cell in row) for row in rows)


class ExampleForm(forms.Form):
    """A test case: these choices must be possible, or must not."""

    name = forms.CharField(label=_("Name"), max_length=200)
    valid = forms.ChoiceField(label=_("These choices are"), choices=[("yes", _("possible")), ("no", _("not possible"))], widget=forms.RadioSelect)

    def __init__(self, *args: Any, features: Sequence[Mapping[str, Any]] = (), **kwargs: Any) -> None:
        """features: as `services.described` has them; each gets a field of its own, `f0`, `f1` …"""
        super().__init__(*args, **kwargs)
        self.codes = {f"f{index}": feature["code"] for index, feature in enumerate(features)}
        for index, feature in enumerate(features):
            self.fields[f"f{index}"] = _choice_of(feature)

    def given(self) -> dict[str, Any]:
        values = {code: self.cleaned_data[field] for field, code in self.codes.items() if self.cleaned_data[field]}
        return {"name": self.cleaned_data["name"], "valid": self.cleaned_data["valid"] == "yes", "choices": values}


def _choice_of(feature: Mapping[str, Any]) -> forms.Field:
    """The field of a feature: open where nothing is said."""
    label = feature["name"] or feature["code"]
    if feature["kind"] == Kind.NUMBER:
        hint = _now("%(least)s to %(most)s") % {"least": feature["minimum"], "most": feature["maximum"]}
        return forms.CharField(label=label, required=False, max_length=30, help_text=hint)
    if feature["kind"] == Kind.FLAG:
        known = [("yes", _now("yes")), ("no", _now("no"))]
    else:
        known = [(option["code"], option["name"] or option["code"]) for option in feature["options"]]
    return forms.ChoiceField(label=label, required=False, choices=[("", _now("open")), *known])
