"""Forms of documents: they keep what was typed as it was typed, and show each finding of the services at its place.

A form checks nothing that a service checks, so every door refuses with the same sentence.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, takewhile
from typing import Any, TypeVar

from django import forms
from django.forms.utils import flatatt
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from apps.base import units
from apps.base.fields import currencies
from apps.base.findings import Finding
from apps.documents.services.folding import GIVEN_UP
from apps.documents.services.wording import MOST_LINES, MOST_SCHEDULES, RESPONSES

Choices = Iterable[tuple[str, Any]]
F = TypeVar("F", bound=forms.Form)
RESPONSE_LABELS = {
    "accept": gettext_lazy("Accept as asked"),
    "change": gettext_lazy("Offer otherwise"),
    "reject": gettext_lazy("Reject"),
    "backorder": gettext_lazy("Backorder"),
}


class PlainInput(forms.TextInput):
    """A text field, written without a template: a form of two hundred lines has a thousand of them."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        shown = {"type": self.input_type, "name": name, **self.attrs, **(attrs or {})}
        text = self.format_value(value)
        return format_html("<input{}>", flatatt({**shown, "value": text} if text else shown))


class DayInput(PlainInput):
    """A date, in the browser's own field."""

    input_type = "date"


class OpenSelect(forms.Select):
    """A select that shows a value which is none of its choices, too: a wrong value is told, and not lost."""

    def __init__(self, choices: Callable[[], Choices]) -> None:
        super().__init__()
        self.offered = choices

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        offered = list(self.offered())
        if value and value not in {key for key, _label in offered}:
            offered.append((value, value))
        options = format_html_join(
            "", '<option value="{}"{}>{}</option>', ((key, mark_safe(" selected") if key == (value or "") else "", label) for key, label in offered)
        )
        return format_html("<select{}>{}</select>", flatatt({"name": name, **self.attrs, **(attrs or {})}), options)


def _numeric(**attrs: str) -> PlainInput:
    return PlainInput(attrs={"inputmode": "decimal", "autocomplete": "off", **attrs})


def _text(label: Any, *, widget: forms.Widget | None = None, help_text: Any = "") -> forms.CharField:
    """Any text, as typed; the service says what is wrong with it."""
    return forms.CharField(label=label, required=False, widget=widget or PlainInput(), help_text=help_text, strip=True)


def _currencies() -> Choices:
    return [("", "–"), *((code, code) for code in sorted(currencies()))]


def _units() -> Choices:
    return [(code, f"{name} ({code})") for code, name in units.UNITS.items()]


class HeadForm(forms.Form):
    """Whom a document is for, and what holds for all of it."""

    partner = _text(gettext_lazy("Partner"))
    number = _text(gettext_lazy("Number"), widget=PlainInput(attrs={"autocomplete": "off"}))
    currency = _text(gettext_lazy("Currency"), widget=OpenSelect(_currencies))
    note = _text(gettext_lazy("Note"), widget=forms.Textarea(attrs={"rows": "2"}))

    def __init__(self, *args: Any, partners: Choices = (), fixed: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["partner"].widget = OpenSelect(lambda: [("", _("Choose …")), *partners])
        if fixed:
            del self.fields["partner"]


class LineForm(forms.Form):
    """One line of a document that is being written."""

    item = _text(gettext_lazy("Item"), widget=PlainInput(attrs={"autocomplete": "off", "spellcheck": "false"}))
    quantity = _text(gettext_lazy("Quantity"), widget=_numeric())
    unit = _text(gettext_lazy("Unit"), widget=OpenSelect(_units))
    price = _text(gettext_lazy("Price"), widget=_numeric())


class ScheduleForm(forms.Form):
    """A date and how much is due on it."""

    due_on = _text(gettext_lazy("Date"), widget=DayInput())
    quantity = _text(gettext_lazy("Quantity"), widget=_numeric())


class AnswerForm(forms.Form):
    """What is answered to one line."""

    response = forms.CharField(
        label=gettext_lazy("Answer"), required=False, widget=forms.RadioSelect(choices=[(code, RESPONSE_LABELS[code]) for code in RESPONSES])
    )
    price = _text(gettext_lazy("Price"), widget=_numeric())
    substitute = _text(gettext_lazy("Substitute"), widget=PlainInput(attrs={"autocomplete": "off"}))
    reason = _text(gettext_lazy("Reason"), widget=PlainInput())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Radio buttons take their choices from the field in the templates.
        self.fields["response"].choices = self.fields["response"].widget.choices  # type: ignore[attr-defined]


class CounterForm(forms.Form):
    """What is proposed instead for one line."""

    price = _text(gettext_lazy("Price"), widget=_numeric())
    reason = _text(gettext_lazy("Reason"), widget=PlainInput())


class ProposalForm(AnswerForm):
    """What a seller offers otherwise of one agreed line."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _choices(self, {**RESPONSE_LABELS, "accept": gettext_lazy("Leave as agreed")})


class ChangeForm(forms.Form):
    """What a buyer wants otherwise of one agreed line."""

    response = forms.CharField(label=gettext_lazy("Change"), required=False, widget=forms.RadioSelect())
    price = _text(gettext_lazy("Price"), widget=_numeric())
    reason = _text(gettext_lazy("Reason"), widget=PlainInput())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        words = {"accept": gettext_lazy("Leave as agreed"), "change": gettext_lazy("Change"), GIVEN_UP: gettext_lazy("Cancel this line")}
        _choices(self, words)


def _choices(form: forms.Form, words: Mapping[str, Any]) -> None:
    """Offer these responses; the templates take them from the field."""
    field = form.fields["response"]
    field.choices = field.widget.choices = list(words.items())  # type: ignore[attr-defined]


class MoveForm(forms.Form):
    """What goes with a whole move."""

    reason = _text(gettext_lazy("Reason"), widget=forms.Textarea(attrs={"rows": "2"}))

    def __init__(self, *args: Any, required: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].label = gettext_lazy("Reason") if required else gettext_lazy("Note to the partner")


@dataclass
class Row:
    """One line as typed: its own values, and its dates."""

    values: dict[str, str] = field(default_factory=dict)
    schedules: list[dict[str, str]] = field(default_factory=lambda: [{}])

    def is_empty(self) -> bool:
        """Nothing was typed but what a new line comes with."""
        typed = [value for name, value in self.values.items() if name not in ("unit", "response")]
        return not any(typed) and not any(value for schedule in self.schedules for value in schedule.values())


@dataclass
class Typed:
    """A whole entry form as typed, between the request and the fields."""

    head: dict[str, str]
    rows: list[Row]

    def change(self, post: Mapping[str, str]) -> bool:
        """Add or remove a line or a date, where one of those buttons was pressed. Says whether one was."""
        for button, act in (("add_line", self._add), ("remove_line", self._remove), ("add_schedule", self._add_date), ("remove_schedule", self._remove_date)):
            if button in post:
                parts = post[button].split("-")
                act([int(part) for part in parts] if all(part.isdecimal() and len(part) < 6 for part in parts) else [])
                return True
        return False

    def _add(self, at: list[int]) -> None:
        last = self.rows[-1].values if self.rows else {}
        self.rows.append(Row({"unit": last.get("unit", "C62")}))

    def _remove(self, at: list[int]) -> None:
        if at and at[0] < len(self.rows) and len(self.rows) > 1:
            del self.rows[at[0]]

    def _add_date(self, at: list[int]) -> None:
        if at and at[0] < len(self.rows):
            self.rows[at[0]].schedules.append({})

    def _remove_date(self, at: list[int]) -> None:
        if len(at) == 2 and at[0] < len(self.rows) and at[1] < len(self.rows[at[0]].schedules) > 1:
            del self.rows[at[0]].schedules[at[1]]


def _numbered(post: Mapping[str, str], prefix: str, names: Iterable[str], most: int) -> list[dict[str, str]]:
    """The values of the forms `prefix-0`, `prefix-1` … as far as they are there; one more than allowed is enough to be refused."""
    names = list(names)
    there = takewhile(lambda index: index <= most and any(f"{prefix}-{index}-{name}" in post for name in names), count())
    return [{name: post.get(f"{prefix}-{index}-{name}", "") for name in names} for index in there]


def read(post: Mapping[str, str], *, head: type[forms.Form], line: type[forms.Form]) -> Typed:
    """Everything that was typed, as text."""
    rows = []
    for index, values in enumerate(_numbered(post, "lines", line.base_fields, MOST_LINES)):
        schedules = _numbered(post, f"lines-{index}-schedules", ScheduleForm.base_fields, MOST_SCHEDULES)
        rows.append(Row(values, schedules or [{}]))
    return Typed({name: post.get(name, "") for name in head.base_fields}, rows or [Row(dict.fromkeys(line.base_fields, ""))])


@dataclass
class LineEntry:
    """One line of the page: its form, the forms of its dates, and the document's line where it answers one."""

    index: int
    form: forms.Form
    schedules: list[ScheduleForm]
    line: Mapping[str, Any] | None = None

    @property
    def name(self) -> str:
        return _("Line %(line)d") % {"line": self.index + 1}

    def is_readable(self) -> bool:
        return all([self.form.is_valid(), *(schedule.is_valid() for schedule in self.schedules)])


def entries(typed: Typed, line: type[forms.Form], *, bound: bool, lines: Sequence[Mapping[str, Any]] = ()) -> list[LineEntry]:
    """The forms of the lines. bound: they can bear findings."""
    made = []
    for index, row in enumerate(typed.rows):
        prefix = f"lines-{index}"
        schedules = [_form(ScheduleForm, f"{prefix}-schedules-{i}", values, bound) for i, values in enumerate(row.schedules)]
        made.append(LineEntry(index, _form(line, prefix, row.values, bound), schedules, lines[index] if lines else None))
    return made


def _form(kind: type[F], prefix: str, values: Mapping[str, str], bound: bool) -> F:
    data = {f"{prefix}-{name}": value for name, value in values.items()}
    return kind(data, prefix=prefix) if bound else kind(prefix=prefix, initial=dict(values))


def place(findings: Iterable[Finding], head: forms.Form, lines: Sequence[LineEntry], sent: Sequence[int]) -> list[dict[str, str]]:
    """Show each finding at its field, by its JSON pointer, and list all of them. sent: the page's line of each line that was sent."""
    return [_place(finding, head, lines, sent) for finding in findings]


def _place(finding: Finding, head: forms.Form, lines: Sequence[LineEntry], sent: Sequence[int]) -> dict[str, str]:
    parts = finding.pointer.split("/")[1:]
    form, name, where = head, parts[0] if parts else "", ""
    if len(parts) > 1 and parts[0] == "lines" and parts[1].isdecimal() and int(parts[1]) < len(sent):
        entry = lines[sent[int(parts[1])]]
        form, name = _within(entry, parts[2:])
        where = entry.name
    name = {"buyer": "partner", "seller": "partner"}.get(name, name)
    form.add_error(name if name in form.fields else None, finding.detail)
    return _listed(form, name, where, finding.detail)


def _listed(form: forms.Form, name: str, where: str, detail: str) -> dict[str, str]:
    """A fault in the list above the form: the line and the field in words, and the field's id."""
    known = name in form.fields
    place = pgettext("between two changes", ", ").join(filter(None, [where, str(form[name].label) if known else ""]))
    text = _("%(where)s: %(what)s") % {"where": place, "what": detail} if place else detail
    return {"text": text, "field_id": form[name].id_for_label if known else ""}


def _within(entry: LineEntry, parts: Sequence[str]) -> tuple[forms.Form, str]:
    if len(parts) > 1 and parts[0] == "schedules" and parts[1].isdecimal() and int(parts[1]) < len(entry.schedules):
        return entry.schedules[int(parts[1])], parts[2] if len(parts) > 2 else ""
    return entry.form, parts[0] if parts else ""


def unreadable(head: forms.Form, lines: Sequence[LineEntry]) -> list[dict[str, str]]:
    """What the fields themselves refuse (a character that no text can hold), listed as `place()` does."""
    parts = [(head, ""), *((form, entry.name) for entry in lines for form in (entry.form, *entry.schedules))]
    return [_listed(form, name, where, str(error)) for form, where in parts for name, errors in form.errors.items() for error in errors]


class ScorecardForm(forms.Form):
    """Which promises a scorecard is about."""

    side = forms.ChoiceField(choices=[("buyer", "buyer"), ("seller", "seller")], widget=forms.HiddenInput)
    due_from = forms.DateField(label=gettext_lazy("Promised first for, from"), required=False, widget=DayInput)
    due_to = forms.DateField(label=gettext_lazy("to"), required=False, widget=DayInput)
    item = forms.CharField(label=gettext_lazy("Item number"), required=False, max_length=60)
