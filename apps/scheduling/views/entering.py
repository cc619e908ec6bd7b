"""What entering a calendar, a resource and an operation have in common: a form that says what is wrong, and a question before something goes."""

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from apps.base.asking import ask, summary, tell
from apps.base.findings import Invalid
from apps.base.pages import see_other


def form_page(request: HttpRequest, form: forms.Form, *, save: Callable[[Mapping[str, Any]], object], heading: str, back_url: str, back_label: str,
              **context: Any) -> HttpResponse:  # fmt: skip
    """The page of one form. save: enters what was given; what it refuses stands beside the fields."""
    if request.method == "POST" and form.is_valid():
        try:
            save(form.cleaned_data)
        except Invalid as refusal:
            tell(form, refusal)
        else:
            messages.success(request, _("Saved."))
            return see_other(back_url)
    errors = summary(form)
    told = {"form": form, "heading": heading, "errors_summary": errors, "back_url": back_url, "back_label": back_label, **context}
    return render(request, "schedule/form.html", told, status=422 if errors else 200)


def removal(request: HttpRequest, *, remove: Callable[[], object], question: str, consequence: str, back_url: str, back_label: str) -> HttpResponse:
    """The question before something is taken away, and doing it."""
    if request.method == "POST":
        try:
            remove()
        except Invalid as refusal:
            messages.error(request, refusal.findings[0].detail)
        else:
            messages.success(request, _("Removed."))
        return see_other(back_url)
    return ask(request, question=question, consequence=consequence, submit=_("Remove"), back_url=back_url, back_label=back_label, danger=True)
