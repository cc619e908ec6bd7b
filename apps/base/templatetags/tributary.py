"""How the portal writes quantities, money, dates and states: one place, so that every page writes them alike."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django import template
from django.forms import BaseForm, BoundField, CheckboxSelectMultiple, RadioSelect
from django.http import HttpRequest, QueryDict
from django.templatetags.static import static
from django.utils import timezone
from django.utils.dateformat import format as format_date
from django.utils.formats import get_format, number_format
from django.utils.html import format_html
from django.utils.numberformat import format as digits
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext, ngettext, pgettext

register = template.Library()

# ISO 4217 minor units other than two.
MINOR_UNITS = {
    **dict.fromkeys(
        (
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "VND",
            "VUV",
        ),
        0,
    ),
    **dict.fromkeys(("XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}

TONES = {"neutral", "info", "success", "warning", "danger"}
TONE_WORDS = {
    "primary": "info",
    "progress": "info",
    "good": "success",
    "ok": "success",
    "bad": "danger",
}


@register.simple_tag
def icon(name: str, label: str = "", size: str = "") -> SafeString:
    """One icon of the sprite, `size` sm, lg or empty. With `label` it speaks for itself; without, it is decoration."""
    css = f"i i-{size}" if size else "i"
    href = f"{static('icons.svg')}#{name or 'point'}"
    if label:
        return format_html(
            '<svg class="{}" role="img" aria-label="{}"><use href="{}"/></svg>',
            css,
            label,
            href,
        )
    return format_html('<svg class="{}" aria-hidden="true"><use href="{}"/></svg>', css, href)


def tone_of(value: str) -> str:
    """One of the five tones that the style sheet knows."""
    word = TONE_WORDS.get(value, value)
    return word if word in TONES else "neutral"


@register.filter
def tone(value: str | None) -> str:
    """The tone's name for a class attribute; unknown tones are neutral."""
    return tone_of(value or "")


@register.inclusion_tag("_pieces/chip.html")
def chip(state: Any, title: str = "") -> dict[str, Any]:
    """A state as a chip: icon, words and tone together, never the colour alone. `state` has label, tone, icon."""
    return {"state": state, "title": title}


def written(value: Decimal, least: int = 0) -> str:
    """A decimal in the reader's grouping, with at least `least` decimals and no idle zeros beyond."""
    plain = format(value.normalize(), "f")
    decimals = len(plain.partition(".")[2])
    # Django's Chinese formats group nothing; the trade writes 3,889.60 in Chinese, too.
    point, comma = (
        get_format("DECIMAL_SEPARATOR"),
        get_format("THOUSAND_SEPARATOR") or ",",
    )
    return digits(
        value,
        point,
        max(decimals, least),
        grouping=3,
        thousand_sep=comma,
        force_grouping=True,
    )


def as_decimal(value: object) -> Decimal | None:
    """A number as Decimal, or None for an empty value."""
    return None if value is None or value == "" else Decimal(str(value))


@register.filter
def quantity(value: object, unit: str = "") -> SafeString:
    """`1,200 pcs`: a quantity with the unit in which it was said; an em dash where there is none."""
    number = as_decimal(value)
    if number is None:
        return mark_safe('<span class="none">–</span>')
    if not unit:
        return format_html('<span class="quantity">{}</span>', written(number))
    return format_html(
        '<span class="quantity">{}\u00a0<span class="unit">{}</span></span>',
        written(number),
        unit,
    )


@register.filter
def money(value: object, currency: str = "") -> SafeString:
    """`EUR 81.50`: an amount or price with its ISO 4217 currency, to the minor unit or finer where so agreed."""
    number = as_decimal(value)
    if number is None:
        return mark_safe('<span class="none">–</span>')
    text = written(number, MINOR_UNITS.get(currency, 2))
    if not currency:
        return format_html('<span class="money">{}</span>', text)
    return format_html(
        '<span class="money"><span class="unit">{}</span>\u00a0{}</span>',
        currency,
        text,
    )


def day_text(value: date) -> str:
    """A date in the reader's format, short enough for a table."""
    return format_date(value, pgettext("date format", "j M Y"))


@register.filter
def day(value: date | None) -> SafeString:
    """A date as the reader writes it, with the machine's form beside it."""
    if not value:
        return mark_safe('<span class="none">–</span>')
    if isinstance(value, datetime):
        value = timezone.localtime(value).date() if timezone.is_aware(value) else value.date()
    return format_html('<time datetime="{}">{}</time>', value.isoformat(), day_text(value))


@register.filter
def moment(value: datetime | None) -> SafeString:
    """A moment in the reader's zone and format, with the machine's form beside it."""
    if not value:
        return mark_safe('<span class="none">–</span>')
    local = timezone.localtime(value)
    return format_html('<time datetime="{}">{}</time>', local.isoformat(), format_date(local, pgettext("date and time format", "j M Y, H:i")))


@register.simple_tag
def long_date(value: date | None = None) -> str:
    """A day in full with its weekday; today in the reader's zone where none is given."""
    return format_date(value or timezone.localdate(), pgettext("long date format", "l, j F Y"))


def since(seconds: float, at: datetime) -> str:
    """How long ago in words; a date when it is more than a week."""
    minutes, hours, days = (
        int(seconds // 60),
        int(seconds // 3600),
        int(seconds // 86400),
    )
    if seconds < 60:
        return gettext("just now")
    if hours < 1:
        return ngettext("%(count)s min ago", "%(count)s min ago", minutes) % {"count": minutes}
    if days < 1:
        return ngettext("%(count)s hour ago", "%(count)s hours ago", hours) % {"count": hours}
    if days < 7:
        return ngettext("%(count)s day ago", "%(count)s days ago", days) % {"count": days}
    return day_text(at.date())


@register.filter
def ago(value: datetime | None, now: datetime | None = None) -> SafeString:
    """Relative time in words, the exact one (in the reader's zone) on hover and for machines."""
    if not value:
        return mark_safe('<span class="none">–</span>')
    seconds = ((now or timezone.now()) - value).total_seconds()
    local = timezone.localtime(value)
    exact = format_date(local, pgettext("date and time format", "j M Y, H:i"))
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        local.isoformat(),
        exact,
        since(seconds, local),
    )


@register.simple_tag
def amount_difference(asked: object, offered: object, currency: str = "") -> str:
    """In words how far an offered amount is from the asked one; empty when they are equal or one is missing."""
    before, after = as_decimal(asked), as_decimal(offered)
    if before is None or after is None or before == after:
        return ""
    amount = f"{currency}\u00a0{written(abs(after - before), MINOR_UNITS.get(currency, 2))}".strip()
    text = gettext("%(amount)s more than asked") if after > before else gettext("%(amount)s less than asked")
    return text % {"amount": amount}


@register.simple_tag
def day_difference(asked: date | None, offered: date | None) -> str:
    """In words how many days an offered date is from the asked one; empty when they are equal or one is missing."""
    if not asked or not offered or asked == offered:
        return ""
    count = abs((offered - asked).days)
    if offered > asked:
        return ngettext("%(count)s day later", "%(count)s days later", count) % {"count": count}
    return ngettext("%(count)s day earlier", "%(count)s days earlier", count) % {"count": count}


@register.filter
def percent(value: object) -> str:
    """A share between 0 and 1 as whole per cent in the reader's format."""
    number = as_decimal(value)
    return "–" if number is None else pgettext("per cent", "%s%%") % number_format(round(number * 100), use_l10n=True)


@register.filter
def initials(name: str) -> str:
    """Up to two letters that stand for a name; the first character where a name is not written in Latin letters."""
    words = [word for word in re.split(r"[\s.@_-]+", name or "") if word]
    if not words:
        return "?"
    if not words[0][0].isascii():
        return words[0][0]
    return "".join(word[0] for word in words[:2]).upper()


@register.simple_tag
def control(field: BoundField, css: str = "", **attributes: str) -> SafeString:
    """A form control tied to its help and its error, so that a screen reader says all three together."""
    kind = getattr(field.field.widget, "input_type", "")
    base = {"select": "form-select", "checkbox": "form-check-input", "radio": ""}.get(kind, "form-control")
    attrs: dict[str, str | bool] = {key.replace("_", "-"): str(value) for key, value in attributes.items() if value}
    own = str(field.field.widget.attrs.get("class", ""))
    attrs["class"] = " ".join(filter(None, (base, css, own, "is-invalid" if field.errors else "")))
    return field.as_widget(attrs=attrs)


@register.filter
def message_tone(level: str) -> str:
    """The tone of a Django message's level."""
    return {"error": "danger", "debug": "neutral"}.get(level, level)


@register.filter
def message_icon(level: str) -> str:
    """The icon of a Django message's level."""
    icons = {
        "success": "circle-check",
        "warning": "alert-triangle",
        "error": "alert-circle",
    }
    return icons.get(level, "info-circle")


@register.filter
def response_icon(code: str) -> str:
    """The icon of a line's response, wherever the answer form offers it."""
    icons = {"accept": "check", "change": "git-compare", "reject": "x", "backorder": "hourglass", "cancel": "x"}
    return icons.get(str(code), "point")


@register.filter
def is_choices(field: BoundField) -> bool:
    """Whether the control is a group of radio buttons or tick boxes, which wants a legend instead of a label."""
    return isinstance(field.field.widget, (RadioSelect, CheckboxSelectMultiple))


@register.filter
def is_check(field: BoundField) -> bool:
    """Whether the control is a single tick box, whose label stands behind it."""
    return getattr(field.field.widget, "input_type", "") == "checkbox" and not hasattr(field.field, "choices")


def chosen(field: BoundField, values: list[str]) -> str:
    """What a filter is set to, in words."""
    names = {str(key): str(label) for key, label in flat_choices(field)}
    return ", ".join(names.get(value, value) for value in values)


def flat_choices(field: BoundField) -> Iterator[tuple[object, object]]:
    """All choices of a field, groups opened."""
    for key, label in getattr(field.field, "choices", ()):
        if isinstance(label, (list, tuple)):
            yield from label
        else:
            yield key, label


def without(query: QueryDict, names: set[str]) -> str:
    """The query without some parameters and without a page position, to be put behind a path."""
    kept = [(key, value) for key, values in query.lists() for value in values if key not in names | {"cursor", "page"}]
    return f"?{urlencode(kept)}"


@register.simple_tag(takes_context=True)
def filter_chips(context: template.Context, filters: Any) -> list[dict[str, str]]:
    """The filters that are set, each with its words and the address without it. Takes a FilterSet or its form."""
    form: BaseForm = getattr(filters, "form", filters)
    query: QueryDict = context["request"].GET
    chips = []
    for field in form:
        pattern = re.compile(rf"{re.escape(field.html_name)}(_(min|max|after|before))?")
        names = [name for name in query if pattern.fullmatch(name)]
        values = [value for name in names for value in query.getlist(name) if value]
        if values and not field.is_hidden:
            text = " – ".join(values) if len(names) > 1 else chosen(field, values)
            on = is_check(field)
            chips.append(
                {
                    "label": str(field.label),
                    "value": "" if on else text,
                    "url": without(query, set(names)),
                }
            )
    return chips


@register.filter
def query_pairs(request: HttpRequest, without_name: str) -> list[tuple[str, str]]:
    """The request's query as names and values but for one name, to be carried on as hidden fields."""
    return [(name, value) for name, values in request.GET.lists() for value in values if name != without_name]


@register.filter
def shown_count(columns: list[Any]) -> int:
    """How many table columns are drawn: the shown ones and the one with the tick boxes."""
    return 1 + sum(1 for column in columns if (column["shown"] if isinstance(column, dict) else column.shown))


@register.filter
def entry(row: Any, code: str) -> Any:
    """A row's value for a column that a document type declares itself."""
    return row.get(code) if isinstance(row, dict) else getattr(row, code, None)


@register.simple_tag
def html_language() -> str:
    """The page's language as BCP 47, so that Chinese gets its own line height and fonts."""
    return {"zh-hans": "zh-Hans"}.get(get_language() or "en", get_language() or "en")
