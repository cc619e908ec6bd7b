"""Forms: a refusal stands beside the field that it is about, and before a deed stands a question."""

from collections.abc import Mapping

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apps.base.findings import Invalid


def tell(form: forms.BaseForm, refusal: Invalid, names: Mapping[str, str] | None = None) -> None:
    """Put each finding beside its field. names: the field by pointer, where the two differ."""
    for finding in refusal.findings:
        name = (names or {}).get(finding.pointer) or finding.pointer.strip("/").partition("/")[0]
        form.add_error(name if name in form.fields else None, finding.detail)


def summary(*given: forms.BaseForm | None) -> list[dict[str, str]]:
    """All that is wrong in some forms, for the notice above them: the words, and the id of the field."""
    found = []
    for form in given:
        if form is None or not form.is_bound:
            continue
        for name, errors in form.errors.items():
            known = name in form.fields
            label = f"{form[name].label}: " if known else ""
            found += [{"field_id": form[name].id_for_label if known else "", "text": f"{label}{error}"} for error in errors]
    return found


def ask(request: HttpRequest, *, question: str, consequence: str, submit: str, back_url: str, back_label: str, form: forms.BaseForm | None = None,
        danger: bool = False) -> HttpResponse:  # fmt: skip
    """The page with the question before a deed: what it does, and a form that does it by POST to the same address."""
    context = {
        "question": question,
        "consequence": consequence,
        "submit": submit,
        "back_url": back_url,
        "back_label": back_label,
        "form": form,
        "danger": danger,
    }
    return render(request, "_pieces/question.html", {**context, "errors_summary": summary(form)}, status=422 if form is not None and form.errors else 200)
