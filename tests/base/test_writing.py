"""Quantities, money, dates and differences as a reader sees them, in both languages."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django import forms
from django.template import Context, Template
from django.test import RequestFactory
from django.utils import timezone, translation

from apps.base.templatetags import tributary as tags

ROOT = Path(__file__).resolve().parents[2]


def text(html: str) -> str:
    """What is left of a small piece of HTML without its tags, blanks plain."""
    return Template("{{ html|striptags }}").render(Context({"html": html})).replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [("1200", "pcs", "1,200 pcs"), ("0.500", "kg", "0.5 kg"), (Decimal("1E+3"), "", "1,000"), (None, "pcs", "–")],
)
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_quantity_is_grouped_without_idle_zeros(value: object, unit: str, shown: str, language: str) -> None:
    with translation.override(language):
        assert text(tags.quantity(value, unit)) == shown


@pytest.mark.parametrize(
    ("value", "currency", "shown"),
    [
        ("81.5", "EUR", "EUR 81.50"),
        ("0.185", "EUR", "EUR 0.185"),
        ("1234567", "JPY", "JPY 1,234,567"),
        ("2", "KWD", "KWD 2.000"),
        ("-3889.6", "CNY", "CNY -3,889.60"),
        ("", "EUR", "–"),
    ],
)
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_money_has_its_currency_and_at_least_its_minor_unit(value: str, currency: str, shown: str, language: str) -> None:
    with translation.override(language):
        assert text(tags.money(value, currency)) == shown


def test_date_is_for_people_and_for_machines() -> None:
    with translation.override("en"):
        assert tags.day(date(2027, 1, 15)) == '<time datetime="2027-01-15">15 Jan 2027</time>'
        assert tags.day(None) == '<span class="none">–</span>'


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(5, "just now"), (60, "1 min ago"), (3599, "59 min ago"), (3600, "1 hour ago"), (90000, "1 day ago"), (518400, "6 days ago")],
)
def test_relative_time_keeps_the_exact_one_on_hover(seconds: int, words: str) -> None:
    now = datetime(2027, 1, 15, 12, tzinfo=UTC)
    with translation.override("en"), timezone.override("UTC"):
        html = tags.ago(now - timedelta(seconds=seconds), now)
    assert text(html) == words
    assert 'title="' in html
    assert "2027, " in html


def test_relative_time_becomes_a_date_after_a_week() -> None:
    now = datetime(2027, 1, 15, 12, tzinfo=UTC)
    with translation.override("en"), timezone.override("UTC"):
        assert text(tags.ago(now - timedelta(days=7), now)) == "8 Jan 2027"


@pytest.mark.parametrize(
    ("asked", "offered", "words"),
    [("100", "103.5", "EUR 3.50 more than asked"), ("100", "40", "EUR 60.00 less than asked"), ("100", "100.00", ""), (None, "1", "")],
)
def test_difference_of_amounts_is_said_in_words(asked: str | None, offered: str, words: str) -> None:
    with translation.override("en"):
        assert tags.amount_difference(asked, offered, "EUR").replace("\u00a0", " ") == words


def test_difference_of_dates_is_said_in_words() -> None:
    asked = date(2027, 1, 15)
    with translation.override("en"):
        assert tags.day_difference(asked, date(2027, 2, 5)) == "21 days later"
        assert tags.day_difference(asked, date(2027, 1, 14)) == "1 day earlier"
        assert tags.day_difference(asked, asked) == ""


@pytest.mark.parametrize(("name", "letters"), [("Lena Okafor", "LO"), ("极光制冷", "极"), ("lena@aurora.example", "LA"), ("", "?")])
def test_initials(name: str, letters: str) -> None:
    assert tags.initials(name) == letters


def test_unknown_tone_is_neutral() -> None:
    assert [tags.tone(name) for name in ("danger", "primary", "purple", None)] == ["danger", "info", "neutral", "neutral"]


def test_icon_is_silent_beside_a_text_and_speaks_alone() -> None:
    assert 'aria-hidden="true"' in tags.icon("check")
    spoken = tags.icon("check", label='done "now"')
    assert 'role="img" aria-label="done &quot;now&quot;"' in spoken


class Filters(forms.Form):
    state = forms.ChoiceField(choices=[("open", "open orders"), ("done", "done")], required=False)
    late = forms.BooleanField(required=False)
    number = forms.CharField(required=False)


def test_each_filter_in_force_is_a_chip_that_takes_it_away() -> None:
    request = RequestFactory().get("/", {"state": "open", "late": "on", "number": "", "cursor": "abc"})
    chips = tags.filter_chips(Context({"request": request}), Filters(request.GET))
    assert chips == [
        {"label": "State", "value": "open orders", "url": "?late=on&number="},
        {"label": "Late", "value": "", "url": "?state=open&number="},
    ]


def test_control_says_its_error_and_its_help() -> None:
    class Entry(forms.Form):
        quantity = forms.DecimalField(min_value=1, help_text="pieces")

    html = tags.control(Entry({"quantity": "0"})["quantity"], inputmode="decimal")
    assert 'aria-invalid="true"' in html
    assert 'aria-describedby="id_quantity_helptext id_quantity_error"' in html
    assert "is-invalid" in html


def test_every_icon_named_in_a_template_is_in_the_sprite() -> None:
    listed = {line.partition("#")[0].strip() for line in (ROOT / "static/icons.txt").read_text("utf-8").splitlines()}
    pattern = re.compile(r'{% icon "([a-z0-9-]+)"|(?:symbol|action_icon)="([a-z0-9-]+)"')
    named = {one or other for path in (ROOT / "templates").rglob("*.html") for one, other in pattern.findall(path.read_text("utf-8"))}
    assert named - listed == set()
    assert len(named) > 50


def test_no_template_carries_a_script_or_a_style_of_its_own() -> None:
    guilty = [
        str(path.relative_to(ROOT)) for path in (ROOT / "templates").rglob("*.html") if re.search(r'<script>|\sstyle="|\son[a-z]+="', path.read_text("utf-8"))
    ]
    assert guilty == []
